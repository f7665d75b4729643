"""Delimited text as people save it: any of four delimiters, any of the usual encodings, quoted or not."""

import csv
import io
from dataclasses import dataclass

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LINES_TO_TELL_THE_DELIMITER = 20
# A cell longer than this is no figure and no name: the quote that should have ended it is missing.
csv.field_size_limit(131_072)


class UnreadableError(Exception):
    """The bytes cannot be read as delimited text; the message says why, for people."""


@dataclass(frozen=True)
class Grid:
    """The cells of a file. `rows[r][c]` is the text at row r + 1, column c + 1, as a spreadsheet would number them."""

    rows: list[list[str]]
    encoding: str
    delimiter: str
    # The row at which reading had to stop, and why; None where the whole file was read.
    stopped_at_row: int | None
    stopped_because: str | None
    ends_with_line_end: bool


def decode(data: bytes) -> tuple[str, str]:
    """Return the text and its encoding; raises :class:`UnreadableError` where the bytes are no text."""
    if not data:
        raise UnreadableError("the file is empty (0 bytes)")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _decoded(data, encoding), encoding
    if b"\x00" in data[:4096]:
        return _decoded_without_bom(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _decoded(data, "cp1252"), "cp1252"


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        # Some codecs count from after the byte order mark.
        byte = len(data) - len(error.object) + error.start + 1
        raise UnreadableError(
            f"the file is not text: its byte {byte:,} has no meaning in {encoding.replace('-sig', '')}"
        ) from error


def _decoded_without_bom(data: bytes) -> tuple[str, str]:
    """UTF-16 of Western text has a NUL in every other byte; NULs elsewhere are no text at all."""
    head = data[:4096]
    for encoding, letters, nuls in (
        ("utf-16-le", head[0::2], head[1::2]),
        ("utf-16-be", head[1::2], head[0::2]),
    ):
        if nuls.count(0) > 0.9 * len(nuls) and letters.count(0) == 0:
            return _decoded(data, encoding), encoding
    raise UnreadableError("the file is not text: it has NUL bytes in it")


def read_grid(data: bytes) -> Grid:
    """Read every row that can be read.

    Raises :class:`UnreadableError` where there is no text. A row that breaks the quoting rules ends the reading, and
    the grid says at which row: what comes after it cannot be trusted to be in its own cell.
    """
    text, encoding = decode(data)
    delimiter = _delimiter_of(text)
    rows: list[list[str]] = []
    stopped_at_row = stopped_because = None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows.extend(reader)
    except csv.Error as error:
        stopped_at_row, stopped_because = len(rows) + 1, str(error)
    return Grid(rows, encoding, delimiter, stopped_at_row, stopped_because, text.endswith(("\n", "\r")))


def _delimiter_of(text: str) -> str:
    """The delimiter that cuts one of the first lines into the most cells; a comma where none does."""
    lines = text[:65_536].splitlines()[:_LINES_TO_TELL_THE_DELIMITER]
    return max(DELIMITERS, key=lambda delimiter: max((line.count(delimiter) for line in lines), default=0))
