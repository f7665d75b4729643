"""Telling what a kept file is: a return that can be read, or one of the ways in which a file is none."""

from dataclasses import dataclass, field
from pathlib import Path

from contracts.model import ReturnContract
from contracts.reading import Reading
from ingest import notes
from ingest.identify import ROWS_TO_SEARCH, Identified, Unidentified, identify
from ingest.read import read_grid_as
from ingest.readers import kind
from ingest.readers.delimited import Grid, UnreadableError, read_grid
from ledger.home import Settings

_BESIDE_RETURNS_PREFIXES = ("readme", "license", "licence")
_BESIDE_RETURNS_SUFFIXES = (".md", ".ds_store", "thumbs.db", ".gitkeep", "desktop.ini")
_TEXT_SUFFIXES = (".csv", ".txt", ".tsv")
_SHA256_LENGTH = 64
_DIFFERENCES_LISTED = 10


@dataclass
class NotTakenError(Exception):
    """The file is no return that can be taken in: its verdict and the reason, for people."""

    verdict: str
    reason: str
    nearest_return_code: str | None = None
    differences: list[str] = field(default_factory=list)


def tell(path: Path, name: str, settings: Settings, contracts: dict[str, ReturnContract]) -> tuple[Identified, Reading]:
    """Identify and read a file by its bytes; `name` only tells what lies beside returns (notes, documentation).

    Raises :class:`NotTakenError` for everything that is no readable return.
    """
    _set_aside_what_lies_beside_returns(path, name)
    try:
        return _identify_and_read(path, name, settings, contracts)
    except NotTakenError as error:
        # Only now, after its content: a name alone makes no file documentation.
        if error.nearest_return_code is None and _is_named_as_documentation(name):
            reason = "Documentation, or a file that a computer leaves in folders."
            raise NotTakenError("not_a_return", reason) from error
        raise


def _identify_and_read(
    path: Path, name: str, settings: Settings, contracts: dict[str, ReturnContract]
) -> tuple[Identified, Reading]:
    _refuse_what_is_no_text(path, name, settings)
    try:
        grid = read_grid(path.read_bytes())
    except UnreadableError as error:
        raise NotTakenError("rejected", f"It cannot be read: {error}.") from error
    identified = identify(grid, contracts)
    if isinstance(identified, Unidentified):
        if grid.stopped_at_row and grid.stopped_at_row <= ROWS_TO_SEARCH:
            raise NotTakenError("rejected", _broken_at_the_top(grid))
        raise NotTakenError(
            "unidentified", _sentence(identified), identified.nearest_return_code, list(identified.differences)
        )
    return identified, read_grid_as(grid, identified)


def _set_aside_what_lies_beside_returns(path: Path, name: str) -> None:
    if notes.is_note(Path(name)):
        problem = notes.read_note_at(path).problem
        if problem:
            reason = f"The delivery note cannot be used as it is: {problem}. Correct it and send it again."
            raise NotTakenError("rejected", reason)
        raise NotTakenError("not_a_return", "A delivery note; what it says was taken for the files beside it.")
    if _is_checksums(path):
        raise NotTakenError("not_a_return", "A list of checksums.")


def _is_named_as_documentation(name: str) -> bool:
    folded = name.casefold()
    return folded.startswith(_BESIDE_RETURNS_PREFIXES) or folded.endswith(_BESIDE_RETURNS_SUFFIXES)


def _refuse_what_is_no_text(path: Path, name: str, settings: Settings) -> None:
    told = kind.kind_of(path)
    if told == kind.ARCHIVE:
        raise NotTakenError("rejected", "It is an archive inside an archive, which is not unpacked. Send it by itself.")
    if told != kind.TEXT:
        though = f", though its name ends in {Path(name).suffix}" if Path(name).suffix in _TEXT_SUFFIXES else ""
        reason = f"It is {told}{though}, and no contract reads one. Send its figures as comma separated text (CSV)."
        raise NotTakenError("unidentified", reason)
    size, most = path.stat().st_size, settings.max_delimited_bytes
    if size > most:
        raise NotTakenError("rejected", f"It has {size:,} bytes of text; {most:,} are allowed.")


def _is_checksums(path: Path) -> bool:
    """Whether each of the first lines is a SHA-256 in hex and a name."""
    with path.open("rb") as file:
        lines = [line.split(maxsplit=1) for line in file.read(4096).splitlines()[:5]]
    return bool(lines) and all(
        len(words) > 1 and len(words[0]) == _SHA256_LENGTH and not words[0].strip(b"0123456789abcdefABCDEF")
        for words in lines
    )


def _sentence(found: Unidentified) -> str:
    listed = found.differences[:_DIFFERENCES_LISTED]
    more = len(found.differences) - len(listed)
    differences = "; ".join([*listed, f"and {more:,} more differences"] if more else listed)
    return f"{found.reason[0].upper()}{found.reason[1:]}" + (f": {differences}." if differences else ".")


def _broken_at_the_top(grid: Grid) -> str:
    return (
        f"Row {grid.stopped_at_row} breaks the rules of quotation marks ({grid.stopped_because}), and no header that "
        "is known stands above it. The file was cut off, or a quotation mark is missing. Export it again."
    )
