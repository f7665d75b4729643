"""Tidy rows: every figure of a file once, with the address at which the bytes have it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import product
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import open_context, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import all_contracts
from contracts.reading import Reading
from contracts.tidy import TIDY_SCHEMAS
from ingest.identify import Identified, identify
from ingest.read import read_grid_as, tidy_table
from ingest.readers.delimited import read_grid
from ingest.receive import Handover
from ledger.home import Home
from ledger.tables import Delivery
from orchestration import pipeline

CRIME_HEADERS = {
    "area": ("Borough", "LookUp_BoroughName", "BoroughName"),
    "major_category": ("Major Category", "MajorText"),
    "minor_category": ("Minor Category", "MinorText"),
}
MONTHS = ("202003", "202004", "202005")
Row = dict[str, object]


def reading_of(data: bytes) -> tuple[Reading, Identified]:
    grid = read_grid(data)
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    return read_grid_as(grid, identified), identified


def tidy_of(data: bytes) -> list[Row]:
    reading, identified = reading_of(data)
    contract = identified.contract
    delivery = Delivery(
        delivery_id="0123456789abcdef", return_code=contract.return_code, reporting_unit_code="mps", table_name="t"
    )
    table = tidy_table(reading, delivery, contract)
    assert table.schema.equals(TIDY_SCHEMAS[contract.table])
    return table.to_pylist()


def crime(*rows: Sequence[object], header: Sequence[str] = ("MajorText", "MinorText", "BoroughName", *MONTHS)) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def spreadsheet_name(row: int, column: int) -> str:
    """`A1`, as far as column ZZ, in another way than the program's."""
    letters = [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    names = letters + [first + second for first, second in product(letters, letters)]
    return f"{names[column - 1]}{row}"


def whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*-?[0-9]{1,15}\s*", text) else None


def crime_cells(cells: list[list[str]]) -> Iterator[tuple[object, ...]]:
    """What an extract says, from its cells alone: address, month, printed names and count of each figure."""
    header = cells[0]
    keys = {role: next(header.index(name) for name in names if name in header) for role, names in CRIME_HEADERS.items()}
    for number, row in enumerate(cells[1:], start=2):
        for place, label in enumerate(header):
            if place not in keys.values():
                month = date(int(label[:4]), int(label[4:]), 1)
                printed = (row[keys["area"]], row[keys["major_category"]], row[keys["minor_category"]])
                address = (number, place + 1, spreadsheet_name(number, place + 1))
                yield (*address, month, *printed, whole_number(row[place]))


def as_crime_cell(row: Row) -> tuple[object, ...]:
    address = (row["source_row"], row["source_column"], row["source_cell"])
    printed = (row["area_printed"], row["major_category_printed"], row["minor_category_printed"])
    return (*address, row["slice_period"], *printed, row["offences"])


def strength_cells(cells: list[list[str]]) -> Iterator[tuple[object, ...]]:
    header = cells[0]
    for number, row in enumerate(cells[1:], start=2):
        month = datetime.strptime(row[0], "%b-%y").date()  # noqa: DTZ007
        for place in range(1, len(header)):
            address = (number, place + 1, spreadsheet_name(number, place + 1))
            yield (*address, month, header[place], float(row[place]))


def as_strength_cell(row: Row) -> tuple[object, ...]:
    address = (row["source_row"], row["source_column"], row["source_cell"])
    return (*address, row["slice_period"], row["measure_printed"], row["value"])


@pytest.fixture(scope="module")
def sample_home(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The sample, received and judged."""
    context = open_context(tmp_path_factory.mktemp("tidy") / "home")
    pipeline.receive(context, [sample_folder], Handover())
    return context.home


def test_every_figure_of_the_sample_is_accepted_once_with_its_address(sample_home: Home) -> None:
    wanted, found = Counter(), Counter()
    for path in sample_home.accepted.glob("recorded_crime/**/*.parquet"):
        found.update(as_crime_cell(row) for row in pq.read_table(path).to_pylist())
    for data in _kept(sample_home, containing=b"Minor"):
        wanted.update(crime_cells(_cells(data)))
    assert len(wanted) > 50_000
    assert found == wanted


def test_every_strength_of_the_sample_is_accepted_once_with_its_address(sample_home: Home) -> None:
    (path,) = sample_home.accepted.glob("measure_value/**/*.parquet")
    (data,) = _kept(sample_home, containing=b"PCSO")
    found = pq.read_table(path).to_pylist()
    assert sorted(map(as_strength_cell, found)) == sorted(strength_cells(_cells(data)))
    assert {(row["scenario"], row["unit_code"], row["period_type"]) for row in found} == {("actual", "mps", "month")}
    for row in found:
        first, last = row["period_start_on"], row["period_end_on"]
        assert first == row["slice_period"]
        assert (last.year, last.month) == (first.year, first.month)
        assert date.fromordinal(last.toordinal() + 1).day == 1


def test_every_figure_of_a_real_extract_is_read_once_with_its_address(real_data: Path) -> None:
    path = next((real_data / "mps_recorded_crime_borough" / "x2024-11").glob("*most recent*.csv"))
    found = [as_crime_cell(row) for row in tidy_of(path.read_bytes())]
    assert len(found) > 20_000
    assert sorted(found) == sorted(crime_cells(read_rows(path)))


def test_every_figure_of_the_real_strength_file_is_read_once_with_its_address(real_data: Path) -> None:
    path = real_data / "mps_force_strength" / "Police_Force_Strength.csv"
    found = [as_strength_cell(row) for row in tidy_of(path.read_bytes())]
    assert (2, 2, "B2", date(2013, 5, 1), "Police Officer Strength", 30636.0) in found
    assert sorted(found) == sorted(strength_cells(read_rows(path)))


texts = st.text("0123456789-x, \u00a0\r\n\"'éB", max_size=6)
names = st.sampled_from(["Brent", "brent ", "Kensington & Chelsea", "Nowhere", "", 'The "Angel"', "two\nlines"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, names, names, texts, texts, texts), min_size=1, max_size=5), st.data())
def test_whatever_stands_in_an_extract_every_cell_is_told_as_it_stands(
    rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    header = ["MajorText", "MinorText", "BoroughName", *MONTHS]
    order = data.draw(st.permutations(range(6)))
    moved = [[row[place] for place in order] for row in (header, *rows)]
    reading, _ = reading_of(crime(*moved[1:], header=moved[0]))
    figures = [place for place in range(6) if moved[0][place] in MONTHS]
    wanted = {
        (number, place + 1): (row[place], whole_number(row[place]))
        for number, row in enumerate(moved[1:], start=2)
        for place in figures
        if any(cell.strip() for cell in row)
    }
    found = {
        (line.source_row, line.source_column): (line.value_text, None if line.value is None else line.value)
        for line in reading.cells.astype(object).where(reading.cells.notna(), None).itertuples()
    }
    assert found == wanted
    assert len(reading.cells) == len(wanted)


def test_titles_blank_rows_and_cells_of_two_lines_do_not_move_an_address() -> None:
    body = crime(("Theft", "Other\nTheft", "Brent", 1, 2, 3), ("Theft", "Shoplifting", "Brent", 4, 5, 6))
    header, rest = body.split(b"\r\n", 1)
    data = b"OFFICIAL\r\n\r\n" + header + b"\r\n\r\n" + rest.replace(b"Theft,Shop", b",,,,,\r\nTheft,Shop")
    # Row 1 the title, 2 blank, 3 the header, 4 blank, 5 the first figures, 6 blank cells, 7 the second figures.
    cells = {row["source_cell"]: row["offences"] for row in tidy_of(data)}
    assert cells == {"D5": 1, "E5": 2, "F5": 3, "D7": 4, "E7": 5, "F7": 6}


def test_columns_in_another_order_keep_their_own_addresses() -> None:
    data = crime(
        (1, "Brent", 2, "Theft", "Other Theft", 3),
        header=("202004", "BoroughName", "202005", "MajorText", "MinorText", "202003"),
    )
    cells = {row["source_cell"]: (row["slice_period"], row["offences"], row["area_printed"]) for row in tidy_of(data)}
    assert cells == {
        "A2": (date(2020, 4, 1), 1, "Brent"),
        "C2": (date(2020, 5, 1), 2, "Brent"),
        "F2": (date(2020, 3, 1), 3, "Brent"),
    }


def test_a_cell_that_is_no_number_keeps_its_text_and_has_no_value_d17() -> None:
    reading, _ = reading_of(crime(("Theft", "Other Theft", "Brent", "12x", " 5 ", "")))
    told = [(cell.source_column, cell.value_text) for cell in reading.cells[reading.cells["value"].isna()].itertuples()]
    assert told == [(4, "12x"), (6, "")]
    assert reading.slice_totals() == {date(2020, 3, 1): None, date(2020, 4, 1): 5.0, date(2020, 5, 1): None}


def test_a_label_that_is_no_month_is_told_and_its_figures_are_not_put_in_any_month() -> None:
    header = ("MajorText", "MinorText", "BoroughName", "202003", "2020O4", "202005")
    reading, _ = reading_of(crime(("Theft", "Other Theft", "Brent", 1, 2, 3), header=header))
    unread = reading.periods[reading.periods["slice_period"].isna()]
    assert [(line.source_row, line.source_column, line.printed) for line in unread.itertuples()] == [(1, 5, "2020O4")]
    assert set(reading.cells["source_column"]) == {4, 6}
    assert reading.slices == [date(2020, 3, 1), date(2020, 5, 1)]


def test_a_row_that_is_too_short_or_too_long_is_told_with_its_number_of_cells() -> None:
    reading, _ = reading_of(
        crime(("Theft", "Other Theft", "Brent", 1, 2), ("Theft", "Shoplifting", "Brent", 1, 2, 3, 4))
    )
    told = [(line.source_row, line.cells, line.expected_cells) for line in reading.rows.itertuples()]
    assert told == [(2, 5, 6), (3, 7, 6)]
    # What is missing is nothing, not nought.
    missing = reading.cells[(reading.cells["source_row"] == 2) & (reading.cells["source_column"] == 6)]
    assert [(cell.value_text, cell.value is pd.NA) for cell in missing.itertuples()] == [("", True)]


def test_a_header_without_figures_reads_as_no_rows_of_its_months() -> None:
    reading, _ = reading_of(crime())
    assert (len(reading.rows), len(reading.cells), int(reading.file["rows_with_figures"].iloc[0])) == (0, 0, 0)
    assert reading.slices == [date(2020, 3, 1), date(2020, 4, 1), date(2020, 5, 1)]
    assert tidy_of(crime()) == []


def test_spellings_of_one_area_meet_in_its_code_and_stay_as_printed_beside_it_d08() -> None:
    spellings = ("Kensington & Chelsea", "KENSINGTON AND CHELSEA", "Kensington\u00a0and  Chelsea ")
    reading, _ = reading_of(crime(*[("Theft", "Other Theft", name, 1, 2, 3) for name in spellings]))
    assert set(reading.rows["area_code"]) == {"E09000020"}
    assert tuple(reading.rows["area_printed"]) == spellings


def test_an_area_of_another_force_is_not_known_here() -> None:
    reading, _ = reading_of(crime(("Theft", "Other Theft", "City of London", 1, 2, 3)))
    assert reading.rows["area_code"].isna().all()


def _kept(home: Home, containing: bytes) -> list[bytes]:
    """The files in `raw/` whose first line has some words in it."""
    files = [path.read_bytes() for path in home.raw.glob("??/*")]
    return [data for data in files if containing in data.split(b"\n", 1)[0]]


def _cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))
