"""The written sample: the same bytes each time, identified as what it imitates, restated, and said to be invented."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from contracts import reference
from contracts.model import all_contracts
from ingest.identify import Identified, identify
from ingest.notes import NOTE_NAME, read_note
from ingest.read import read_grid_as
from ingest.readers.delimited import read_grid
from samples.write import SENDER, write_sample

RECENT = "SAMPLE MPS Borough Level Crime (most recent 24 months).csv"
JUNE, JULY = f"x2020-06/{RECENT}", f"x2020-07/{RECENT}"
STRENGTH = "strength/SAMPLE Police_Force_Strength.csv"
CRIME_FILES = {
    f"x2019-01/{RECENT}": ("borough-first", "2017-01", "2018-12"),
    "x2019-01/SAMPLE MPS_Borough_Level_Crime_Historic.csv": ("borough-first", "2015-01", "2016-12"),
    JUNE: ("lookup-borough", "2018-06", "2020-05"),
    JULY: ("lookup-borough", "2018-07", "2020-06"),
    "x2024-11/SAMPLE MPS Borough Level Crime (Historical).csv": ("capitals", "2018-06", "2022-10"),
    f"x2024-11/{RECENT}": ("capitals", "2022-11", "2024-10"),
}
RETURNS = [("crime_mps_borough", name, *told) for name, told in CRIME_FILES.items()] + [
    ("mps_force_strength", STRENGTH, "monthly-strength", "2022-11", "2024-10")
]
NOTES = {"x2019-01": "2019-01-01", "x2020-06": "2020-06-01", "x2020-07": "2020-07-01", "x2024-11": "2024-11-01"}
BOROUGHS_OF_THE_MPS = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


def test_same_bytes_each_time(folder: Path, tmp_path: Path) -> None:
    first = write_sample(tmp_path)
    assert _bytes_of(tmp_path) == _bytes_of(folder)
    assert write_sample(tmp_path) == first
    assert _bytes_of(tmp_path) == _bytes_of(folder)


def test_returns_what_it_wrote_and_leaves_other_files(tmp_path: Path) -> None:
    other = tmp_path / "x2019-01" / "mine.txt"
    other.parent.mkdir()
    other.write_text("mine")
    written = write_sample(tmp_path)
    assert set(written) == {path for path in tmp_path.rglob("*") if path.is_file()} - {other}
    assert len(written) == len(set(written)) == len(RETURNS) + len(NOTES) + 1
    assert other.read_text() == "mine"


def test_is_small(folder: Path) -> None:
    assert sum(len(data) for data in _bytes_of(folder).values()) < 2_000_000


def test_crime_extracts_end_their_lines_as_the_real_ones_do(folder: Path) -> None:
    for name in CRIME_FILES:
        data = (folder / name).read_bytes()
        assert data.endswith(b"\r\n")
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


@pytest.mark.parametrize(("return_code", "name", "layout", "first", "last"), RETURNS)
def test_is_identified_and_read(folder: Path, return_code: str, name: str, layout: str, first: str, last: str) -> None:
    grid = read_grid((folder / name).read_bytes())
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    assert identified.contract.return_code == return_code
    assert (identified.layout.name, identified.header_row) == (layout, 1)
    reading = read_grid_as(grid, identified)
    assert [f"{month:%Y-%m}" for month in (reading.slices[0], reading.slices[-1])] == [first, last]
    assert reading.cells["value"].notna().all()


@pytest.mark.parametrize("name", CRIME_FILES)
def test_every_borough_and_every_name_is_known(folder: Path, name: str) -> None:
    grid = read_grid((folder / name).read_bytes())
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    rows = read_grid_as(grid, identified).rows
    assert rows["area_code"].notna().all()
    assert rows["offence_code"].notna().all()
    force = reference.force_area_of(identified.contract.reporting_unit_code)
    boroughs = reference.area_codes_of_type("borough", force)
    assert len(boroughs) == BOROUGHS_OF_THE_MPS
    extra = set(rows["area_code"]) - boroughs
    assert boroughs <= set(rows["area_code"])
    # The older file of 2019 has no airports; only the third layout has offences without a borough.
    assert ("MPS-AIRPORTS" in extra) == ("Historic.csv" not in name)
    assert ("MPS-UNKNOWN" in extra) == name.startswith("x2024-11/")


def test_july_2020_restates_june(folder: Path) -> None:
    june, july = _figures(folder / JUNE), _figures(folder / JULY)
    both = june.keys() & july.keys()
    moves = [abs(july[key] - june[key]) for key in both]
    changed = sum(move > 0 for move in moves)
    assert changed > 0
    assert len(both) - changed > changed
    assert all(move <= max(1, 0.02 * june[key]) for key, move in zip(both, moves, strict=True))
    assert sum(july[key] for key in both) != sum(june[key] for key in both)


def test_a_category_of_june_2020_is_gone_in_july(folder: Path) -> None:
    june, july = ({(major, minor) for major, minor, _, _ in _figures(folder / name)} for name in (JUNE, JULY))
    assert june - july == {("Miscellaneous Crimes Against Society", "Bail Offences")}
    assert july <= june


def test_every_change_of_scheme_restates_months_by_little(folder: Path) -> None:
    extracts = [[f"x2019-01/{RECENT}"], [JULY], [name for name in CRIME_FILES if name.startswith("x2024-11/")]]
    totals = [_month_totals(folder, names) for names in extracts]
    for earlier, later in pairwise(totals):
        both = earlier.keys() & later.keys()
        assert both
        assert all(0.95 < later[month] / earlier[month] < 1.05 for month in both)
        assert any(later[month] != earlier[month] for month in both)


def test_everything_says_that_it_is_a_sample(folder: Path) -> None:
    for return_file in (path for path in folder.rglob("*.csv") if path.name != NOTE_NAME):
        assert return_file.name.startswith("SAMPLE ")
    assert "invented" in SENDER
    assert "invented" in (folder / "README.txt").read_text(encoding="utf-8")


def test_each_extract_has_a_note_for_each_of_its_files(folder: Path) -> None:
    assert {path.parent.name for path in folder.rglob(NOTE_NAME)} == set(NOTES)
    for name, as_at_on in NOTES.items():
        note = read_note((folder / name / NOTE_NAME).read_bytes())
        assert note.problem is None
        assert set(note.lines) == {path.name for path in (folder / name).glob("SAMPLE *")}
        assert {line.sender for line in note.lines.values()} == {SENDER}
        assert {str(line.as_at_on) for line in note.lines.values()} == {as_at_on}


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _figures(path: Path) -> dict[tuple[str, str, str, str], int]:
    """Figures by the three key columns as printed and the month, read without any help of the project."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {
        (row[0], row[1], row[2], month): int(cell)
        for row in rows
        for month, cell in zip(header[3:], row[3:], strict=True)
    }


def _month_totals(folder: Path, names: list[str]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for name in names:
        for (_, _, _, month), count in _figures(folder / name).items():
            totals[month] = totals.get(month, 0) + count
    return totals
