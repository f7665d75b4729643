"""Delimited text as people save it: every cell comes back, at the row and column that a spreadsheet gives it."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from conftest import read_rows
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ingest.readers.delimited import Grid, UnreadableError, read_grid

# A machine that is busy with other things makes no test fail.
unhurried = settings(deadline=None)

DELIMITERS = (",", ";", "\t", "|")
LINE_ENDS = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}
# How each is written: what goes before the text, and its codec.
ENCODINGS = {
    "UTF-8": (b"", "utf-8"),
    "UTF-8 with BOM": (codecs.BOM_UTF8, "utf-8"),
    "UTF-16 LE with BOM": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "UTF-16 BE with BOM": (codecs.BOM_UTF16_BE, "utf-16-be"),
    "UTF-16 LE without BOM": (b"", "utf-16-le"),
    "UTF-16 BE without BOM": (b"", "utf-16-be"),
    "cp1252": (b"", "cp1252"),
}
TABLE = [["Borough", "Offence", "202005"], ["Kensington & Chelsea", "Theft – “other” £5", "12"], ["Brent", "", "0"]]

# Letters that every encoding has, figures, quotes, spaces of two kinds, and line ends inside a cell.
cells = st.text("abcXYZ019 &/'\"-.\u00a0é£ÿ\r\n", max_size=12)
tables = st.lists(st.lists(cells, min_size=2, max_size=6), min_size=1, max_size=12)


def written(rows: list[list[str]], delimiter: str = ",", line_end: str = "\n", quoting: int = csv.QUOTE_ALL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
    return text.getvalue()


def encoded(text: str, encoding: str) -> bytes:
    bom, codec = ENCODINGS[encoding]
    return bom + text.encode(codec)


@unhurried
@given(tables, st.sampled_from(DELIMITERS), st.sampled_from(list(LINE_ENDS.values())), st.sampled_from(list(ENCODINGS)))
def test_any_table_comes_back_cell_for_cell(
    rows: list[list[str]], delimiter: str, line_end: str, encoding: str
) -> None:
    data = encoded(written(rows, delimiter, line_end), encoding)
    if encoding == "cp1252":
        # A few pairs of its letters are also a letter of UTF-8; nothing could tell which was meant.
        assume(data.isascii() or not _is_utf8(data))
    grid = read_grid(data)
    assert grid.rows == rows
    assert (grid.delimiter, grid.stopped_at_row, grid.stopped_because) == (delimiter, None, None)
    assert grid.ends_with_line_end


@unhurried
@given(
    st.lists(st.lists(st.text("abcXYZ019 &/'-.£é", min_size=1, max_size=8), min_size=2, max_size=6), min_size=1),
    st.sampled_from(DELIMITERS),
    st.sampled_from(list(LINE_ENDS.values())),
)
def test_quotes_that_nothing_needs_may_be_left_out(rows: list[list[str]], delimiter: str, line_end: str) -> None:
    bare = "".join(delimiter.join(row) + line_end for row in rows)
    assert read_grid(bare.encode()).rows == rows


@unhurried
@given(
    st.lists(st.lists(st.text("ab;,|\t1", max_size=8), min_size=20, max_size=24), min_size=1, max_size=4),
    st.sampled_from(DELIMITERS),
)
def test_a_delimiter_inside_quotes_cuts_nothing(rows: list[list[str]], delimiter: str) -> None:
    others = "".join(each for each in DELIMITERS if each != delimiter)
    # A wide first row settles the delimiter, as the months of an extract do.
    first = [f"2020{number:02d}" for number in range(200)]
    kept = [first, *([cell.translate(str.maketrans("", "", others)) for cell in row] for row in rows)]
    assert read_grid(written(kept, delimiter).encode()).rows == kept


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_a_return_is_the_same_however_it_was_saved_d23(encoding: str, line_end: str, delimiter: str) -> None:
    text = written(TABLE, delimiter, LINE_ENDS[line_end], csv.QUOTE_MINIMAL)
    grid = read_grid(encoded(text, encoding))
    assert grid.rows == TABLE
    assert grid.delimiter == delimiter


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8 with BOM", "utf-8-sig"),
        ("UTF-16 LE with BOM", "utf-16"),
        ("UTF-16 BE with BOM", "utf-16"),
        ("UTF-16 LE without BOM", "utf-16-le"),
        ("UTF-16 BE without BOM", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_told(encoding: str, told: str) -> None:
    assert read_grid(encoded(written(TABLE), encoding)).encoding == told


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    grid = read_grid(b'a,b\r\n"two\r\nlines",1\r\n\r\n"three\n\nlines",2\r\nlast,3\r\n')
    assert _places(grid) == {
        (1, 1): "a",
        (1, 2): "b",
        (2, 1): "two\r\nlines",
        (2, 2): "1",
        # Row 3 is blank.
        (4, 1): "three\n\nlines",
        (4, 2): "2",
        (5, 1): "last",
        (5, 2): "3",
    }


@pytest.mark.parametrize(
    ("damaged", "row"),
    [
        (b'a,b\nc,d\n"e,f\ng,h\n', 3),
        (b'"a,b\nc,d\n', 1),
        (b'a,b\n\n"c\nd",e\nf,"g', 4),
        (b'a,b\nc,"d"e\nf,g\n', 2),
    ],
    ids=["unclosed", "unclosed in row 1", "after a cell of two lines", "letters after the closing quote"],
)
def test_reading_stops_at_the_row_whose_quotes_are_broken(damaged: bytes, row: int) -> None:
    grid = read_grid(damaged)
    assert grid.stopped_at_row == row
    assert len(grid.rows) == row - 1
    assert grid.stopped_because


def test_a_cell_of_131072_characters_is_read_and_a_longer_one_stops_the_reading() -> None:
    longest = "x" * 131_072
    assert read_grid(f'a,b\n"{longest}",c\n'.encode()).rows == [["a", "b"], [longest, "c"]]
    grid = read_grid(f'a,b\n"{longest}x",c\nd,e\n'.encode())
    assert (grid.rows, grid.stopped_at_row) == ([["a", "b"]], 2)


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_without_letters_has_no_rows(codec: str) -> None:
    for text in ("\n", "\r\n\r\n", "  \n"):
        assert not any(cell.strip() for row in read_grid(text.encode(codec)).rows for cell in row)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,\x00\x002\n", "NUL"),
        (b"\x00" * 100, "NUL"),
        (bytes(range(256)) * 20, "NUL"),
        (b"a,b\n1,\x81\n", "byte 7"),
        (codecs.BOM_UTF8 + b"a,b\n1,\xff\n", "byte 10 "),
        (codecs.BOM_UTF16_LE + b"a\x00b", "utf-16"),
        (codecs.BOM_UTF16_LE + "ab\ud800cd".encode("utf-16-le", "surrogatepass"), "byte 7 .*utf-16"),
    ],
)
def test_what_is_no_text_is_refused_with_the_byte_that_is_none(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read_grid(data)


def test_the_byte_that_is_no_text_is_counted_from_the_start_of_the_file() -> None:
    for bom in (b"", codecs.BOM_UTF8):
        data = bom + b"a,b\n1,"
        with pytest.raises(UnreadableError, match=f"byte {len(data) + 1} "):
            read_grid(data + b"\x9d\n")


def test_a_nul_deep_in_a_file_stays_in_its_cell_for_the_checks() -> None:
    data = b"Area,202005\n" + b"Brent,1\n" * 1_000 + b"Barnet,1\x002\n"
    grid = read_grid(data)
    assert grid.rows[-1] == ["Barnet", "1\x002"]
    assert len(grid.rows) == 1_002


def test_whether_the_last_line_is_ended_is_told() -> None:
    assert not read_grid(b"a,b\n1,2").ends_with_line_end
    for line_end in LINE_ENDS.values():
        assert read_grid(f"a,b{line_end}1,2{line_end}".encode()).ends_with_line_end


@unhurried
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
@example(b'"')
@example(b"\xfe\xff\x00")
def test_any_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        grid = read_grid(data)
    except UnreadableError as error:
        assert str(error).startswith("the file is ")
    else:
        assert grid.delimiter in DELIMITERS
        assert (grid.stopped_at_row is None) or grid.stopped_at_row == len(grid.rows) + 1


def test_a_real_extract_is_the_same_in_every_encoding_delimiter_and_line_end(sample_folder: Path) -> None:
    rows = read_rows(next(sample_folder.glob("x2020-06/SAMPLE*.csv")))
    assert len(rows) > 400
    for encoding in ENCODINGS:
        for delimiter, line_end in zip(DELIMITERS, ("\r\n", "\r", "\n", "\r\n"), strict=True):
            assert read_grid(encoded(written(rows, delimiter, line_end), encoding)).rows == rows


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _places(grid: Grid) -> dict[tuple[int, int], str]:
    return {
        (number, column): cell
        for number, row in enumerate(grid.rows, start=1)
        for column, cell in enumerate(row, start=1)
    }
