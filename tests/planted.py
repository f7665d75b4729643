"""Planted defects: for every check, files of the sample that are spoilt at a known place, and what must come of it."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

Row = list[str]
Where = tuple[int | None, int | None, str | None]
"""Row and column, both counted from 1, and the name that a spreadsheet gives the cell."""

CRIME, MEASURES = "recorded_crime", "measure_value"
RECENT = "SAMPLE MPS Borough Level Crime (most recent 24 months).csv"
FILE_OF = {
    "june": f"x2020-06/{RECENT}",
    "july": f"x2020-07/{RECENT}",
    "strength": "strength/SAMPLE Police_Force_Strength.csv",
}
TABLE_OF = {"june": CRIME, "july": CRIME, "strength": MEASURES}
# In crime, columns 1 to 3 are keys and column 4 the first month (June 2018); in strength, row 2 is November 2022.
FIRST_CRIME_MONTH, FIRST_STRENGTH_MONTH = date(2018, 6, 1), date(2022, 11, 1)
ALL = "all"
NOWHERE: Where = (None, None, None)


@dataclass
class Paper:
    """A file as its sender might spoil it: its cells, the date that is declared for it, and its bytes at the end."""

    rows: list[Row]
    as_at_on: date | None
    at_the_end: Callable[[bytes], bytes] = field(default=lambda data: data)

    def put(self, row: int, column: int, text: str) -> None:
        """Type something into a cell, both counted from 1."""
        self.rows[row - 1][column - 1] = text

    def scale(self, column: int, factor: float) -> None:
        """Multiply the figures of a column."""
        for row in self.rows[1:]:
            row[column - 1] = str(round(int(row[column - 1]) * factor))

    def scale_row(self, row: int, factor: float) -> None:
        """Multiply the figures of a row whose first cell is its period."""
        self.rows[row - 1][1:] = [str(round(int(cell) * factor)) for cell in self.rows[row - 1][1:]]

    def data(self) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(self.rows)
        return self.at_the_end(text.getvalue().encode())


@dataclass(frozen=True)
class Planted:
    """One defect: which check must fail, where, saying what, and which months must stay out.

    `also` names the other blocking checks that the same defect breaks; no other one may fire.
    """

    name: str
    check: str
    spoil: Callable[[Paper], None]
    found: str
    at: Sequence[Where] = (NOWHERE,)
    keeps_out: str | frozenset[date] = ALL
    base: str = "june"
    after: str | None = None
    also: frozenset[str] = frozenset()

    @property
    def table(self) -> str:
        return TABLE_OF[self.base]


def paper_of(sample: Path, base: str) -> Paper:
    """A file of the sample before it is spoilt, dated the day after its last month."""
    with (sample / FILE_OF[base]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return Paper(rows, {"june": date(2020, 6, 1), "july": date(2020, 7, 1), "strength": date(2024, 11, 1)}[base])


def month(first: date, number: int) -> date:
    """The month so many months after the first one."""
    return date(first.year + (first.month - 1 + number) // 12, (first.month - 1 + number) % 12 + 1, 1)


def _june(column: int) -> frozenset[date]:
    return frozenset({month(FIRST_CRIME_MONTH, column - 4)})


def _strength(row: int) -> frozenset[date]:
    return frozenset({month(FIRST_STRENGTH_MONTH, row - 2)})


def _put(row: int, column: int, text: str) -> Callable[[Paper], None]:
    return lambda paper: paper.put(row, column, text)


def _header_alone(paper: Paper) -> None:
    del paper.rows[1:]


def _open_quote_in_last_row(paper: Paper) -> None:
    def spoil(data: bytes) -> bytes:
        start = data.rindex(b"\r\n", 0, -2) + 2
        return data[:start] + b'"' + data[start:]

    paper.at_the_end = spoil


def _cut_last_line_end(paper: Paper) -> None:
    paper.at_the_end = lambda data: data.removesuffix(b"\r\n")


def _cut_in_the_middle_of_a_row(paper: Paper) -> None:
    """The truncated file: cut off in row 400, after its first six cells."""

    def spoil(data: bytes) -> bytes:
        lines = data.split(b"\r\n")
        return b"\r\n".join([*lines[:399], b",".join(lines[399].split(b",")[:6])])

    paper.at_the_end = spoil


def _remove_column(column: int) -> Callable[[Paper], None]:
    def spoil(paper: Paper) -> None:
        for row in paper.rows:
            del row[column - 1]

    return spoil


def _remove_row(row: int) -> Callable[[Paper], None]:
    def spoil(paper: Paper) -> None:
        del paper.rows[row - 1]

    return spoil


def _remove_area(name: str) -> Callable[[Paper], None]:
    def spoil(paper: Paper) -> None:
        paper.rows[:] = [row for row in paper.rows if row[2] != name]

    return spoil


def _add_row_like(row: int, area: str) -> Callable[[Paper], None]:
    """D08: the same area and category once more, under another spelling and with other figures."""

    def spoil(paper: Paper) -> None:
        major, minor, _, *figures = paper.rows[row - 1]
        paper.rows.append([major, minor, area, *(str(int(figure) + 1) for figure in figures)])

    return spoil


def _add_column(header: str) -> Callable[[Paper], None]:
    def spoil(paper: Paper) -> None:
        for number, row in enumerate(paper.rows):
            row.append(header if number == 0 else "7")

    return spoil


def _declare(as_at_on: date | None) -> Callable[[Paper], None]:
    def spoil(paper: Paper) -> None:
        paper.as_at_on = as_at_on

    return spoil


# Row 17 is Barnet's first category, row 272 Kensington and Chelsea's; column 8 (H) is October 2018.
_OF_CRIME = (
    Planted("a header alone", "rows_present", _header_alone, "no figures under it", also=frozenset({"areas_complete"})),
    Planted(
        "a quotation mark that is never closed",
        "readable_to_the_end",
        _open_quote_in_last_row,
        "quotation marks",
        at=[(495, None, None)],
    ),
    Planted(
        "a cell too many",
        "row_complete",
        lambda paper: paper.rows[16].append("3"),
        "28 cells where the header has 27",
        at=[(17, None, None)],
    ),
    Planted(
        "a cell too few",
        "row_complete",
        lambda paper: paper.rows[16].pop(),
        "26 cells where the header has 27",
        at=[(17, None, None)],
        also=frozenset({"value_is_whole_number"}),
    ),
    Planted(
        "a file cut off in a row",
        "row_complete",
        _cut_in_the_middle_of_a_row,
        "6 cells where the header has 27",
        at=[(400, None, None)],
        also=frozenset({"value_is_whole_number", "areas_complete", "last_line_ended"}),
    ),
    Planted(
        "a last line that is not ended",
        "last_line_ended",
        _cut_last_line_end,
        "a last line that is not ended",
        at=[(495, None, None)],
    ),
    Planted(
        "a label of the last month with a letter in it",
        "period_readable",
        _put(1, 27, "2020O5"),
        "'2020O5'",
        at=[(1, 27, "AA1")],
    ),
    Planted(
        "a label in the middle that is no month",
        "period_readable",
        _put(1, 10, "201813"),
        "'201813'",
        at=[(1, 10, "J1")],
        also=frozenset({"periods_contiguous"}),
    ),
    Planted("a blank label of the first month", "period_readable", _put(1, 4, ""), "a blank cell", at=[(1, 4, "D1")]),
    Planted(
        "the last month labelled like the one before",
        "period_unique",
        _put(1, 27, "202004"),
        "'202004'",
        at=[(1, 26, "Z1"), (1, 27, "AA1")],
        keeps_out=_june(26),
    ),
    Planted("a month left out", "periods_contiguous", _remove_column(13), "March 2019"),
    Planted(
        "letters in a figure",
        "value_is_whole_number",
        _put(17, 8, "12x"),
        "'12x'",
        at=[(17, 8, "H17")],
        keeps_out=_june(8),
    ),
    Planted("a fraction", "value_is_whole_number", _put(2, 4, "75.5"), "'75.5'", at=[(2, 4, "D2")], keeps_out=_june(4)),
    Planted(
        "a blank figure",
        "value_is_whole_number",
        _put(495, 27, " "),
        "a blank cell",
        at=[(495, 27, "AA495")],
        keeps_out=_june(27),
    ),
    Planted(
        "a thousands separator",
        "value_is_whole_number",
        _put(17, 9, "1,234"),
        "'1,234'",
        at=[(17, 9, "I17")],
        keeps_out=_june(9),
    ),
    Planted(
        "a negative figure", "value_not_negative", _put(17, 8, "-3"), "'-3'", at=[(17, 8, "H17")], keeps_out=_june(8)
    ),
    Planted(
        "D08: a borough twice under two spellings",
        "key_unique",
        _add_row_like(272, "Kensington & Chelsea"),
        "another row for",
        at=[(272, 3, "C272"), (496, 3, "C496")],
    ),
    Planted(
        "a borough misspelt",
        "area_known",
        _put(17, 3, "Barnett"),
        "'Barnett'",
        at=[(17, 3, "C17")],
    ),
    Planted(
        "an area of another force",
        "area_known",
        _put(17, 3, "City of London"),
        "'City of London'",
        at=[(17, 3, "C17")],
    ),
    Planted(
        "a category misspelt",
        "category_known",
        _put(17, 2, "Criminal Damages"),
        "'Criminal Damages'",
        at=[(17, 2, "B17")],
    ),
    Planted("a borough left out", "areas_complete", _remove_area("Sutton"), "no row for Sutton"),
    Planted("a date that is to come", "as_at_not_future", _declare(date(2999, 1, 1)), "as at 2999-01-01"),
    Planted(
        "a date before the last month had ended",
        "as_at_after_periods",
        _declare(date(2020, 5, 30)),
        "as at 2020-05-30",
        keeps_out=_june(27),
    ),
    Planted("no date", "as_at_declared", _declare(None), "contract rule", keeps_out=frozenset()),
    Planted(
        "a month that moves by a fifth from the extract before",
        "restated_total_plausible",
        lambda paper: paper.scale(13, 1.2),
        "known before from delivery",
        keeps_out=frozenset({date(2019, 4, 1)}),
        base="july",
        after="june",
    ),
    Planted(
        "a new month of twice the size of those before it",
        "first_total_plausible",
        lambda paper: paper.scale(27, 2),
        "median of the twelve months before",
        keeps_out=frozenset({date(2020, 6, 1)}),
        base="july",
        after="june",
    ),
    Planted(
        "a month in the middle of a first file of twice the size",
        "first_total_plausible",
        lambda paper: paper.scale(20, 2),
        "median of the twelve months before",
        keeps_out=_june(20),
    ),
    Planted(
        "a last month cut short",
        "edge_month_not_collapsed",
        lambda paper: paper.scale(27, 0.2),
        "of the median of the file's other months",
        keeps_out=_june(27),
    ),
    Planted(
        "a first month cut short",
        "edge_month_not_collapsed",
        lambda paper: paper.scale(4, 0.2),
        "of the median of the file's other months",
        keeps_out=_june(4),
    ),
)

# Row 5 is February 2023, row 25 October 2024; column 2 (B) counts officers.
_OF_STRENGTH = tuple(
    replace(each, base="strength")
    for each in (
        Planted("a strength header alone", "rows_present", _header_alone, "no figures under it"),
        Planted(
            "a quotation mark that is never closed in strength",
            "readable_to_the_end",
            _open_quote_in_last_row,
            "quotation marks",
            at=[(25, None, None)],
        ),
        Planted(
            "a strength row with a cell too many",
            "row_complete",
            lambda paper: paper.rows[4].append(""),
            "5 cells where the header has 4",
            at=[(5, None, None)],
        ),
        Planted(
            "a last line of strength that is not ended",
            "last_line_ended",
            _cut_last_line_end,
            "a last line that is not ended",
            at=[(25, None, None)],
        ),
        Planted("a month that is none", "period_readable", _put(25, 1, "Okt-24"), "'Okt-24'", at=[(25, 1, "A25")]),
        Planted(
            "a month twice",
            "period_unique",
            _put(25, 1, "Sep-24"),
            "'Sep-24'",
            at=[(24, 1, "A24"), (25, 1, "A25")],
            keeps_out=_strength(24),
        ),
        Planted("a month of strength left out", "periods_contiguous", _remove_row(8), "May 2023"),
        Planted(
            "a full-time equivalent among counts",
            "value_is_whole_number",
            _put(5, 2, "31200.4"),
            "'31200.4'",
            at=[(5, 2, "B5")],
            keeps_out=_strength(5),
        ),
        Planted(
            "a negative strength",
            "value_not_negative",
            _put(5, 4, "-1300"),
            "'-1300'",
            at=[(5, 4, "D5")],
            keeps_out=_strength(5),
        ),
        Planted(
            "a kind of worker that nobody knows",
            "measure_known",
            _add_column("Police Horse Strength"),
            "'Police Horse Strength'",
            at=[(1, 5, "E1")],
        ),
        Planted("a date of strength that is to come", "as_at_not_future", _declare(date(2999, 1, 1)), "2999-01-01"),
        Planted(
            "a date of strength before the last month had ended",
            "as_at_after_periods",
            _declare(date(2024, 10, 30)),
            "as at 2024-10-30",
            keeps_out=_strength(25),
        ),
        Planted("no date of strength", "as_at_declared", _declare(None), "contract rule", keeps_out=frozenset()),
        Planted(
            "a strength that moves by a fifth from the file before",
            "restated_total_plausible",
            lambda paper: (paper.scale_row(10, 1.2), _declare(date(2024, 11, 2))(paper))[0],
            "known before from delivery",
            keeps_out=_strength(10),
            after="strength",
        ),
        Planted(
            "a strength of half the size",
            "first_total_plausible",
            lambda paper: paper.scale_row(20, 0.5),
            "median of the twelve months before",
            keeps_out=_strength(20),
        ),
        Planted(
            "a last month of strength cut short",
            "edge_month_not_collapsed",
            lambda paper: paper.scale_row(25, 0.3),
            "of the median of the file's other months",
            keeps_out=_strength(25),
        ),
    )
)

PLANTED = (*_OF_CRIME, *_OF_STRENGTH)
