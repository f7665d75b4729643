"""Which return a file is, told by what it holds: layouts, moved columns, titles above, and what to say otherwise."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.model import all_contracts
from ingest.identify import ROWS_TO_SEARCH, Identified, Unidentified, identify
from ingest.readers.delimited import UnreadableError, read_grid

# A machine that is busy with other things makes no test fail.
unhurried = settings(deadline=None)

# As printed in the published files (the data's README and the files themselves).
CRIME_LAYOUTS = {
    "borough-first": ("Borough", "Major Category", "Minor Category"),
    "lookup-borough": ("MajorText", "MinorText", "LookUp_BoroughName"),
    "capitals": ("MajorText", "MinorText", "BoroughName"),
}
STRENGTH_HEADER = ("Date", "Police Officer Strength", "Police Staff Strength", "PCSO Strength")
MONTHS = ("202004", "202005", "202006")
LINE = ("x", "y", "z", "1", "2", "3")
EVERY_HEADER = [
    ("crime_mps_borough", layout, (*header, *MONTHS), place)
    for layout, header in CRIME_LAYOUTS.items()
    for place in range(3)
] + [("mps_force_strength", "monthly-strength", STRENGTH_HEADER, place) for place in range(4)]


def identified(*rows: Sequence[str]) -> Identified | Unidentified:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return identify(read_grid(text.getvalue().encode()), all_contracts())


def told(found: Identified | Unidentified) -> tuple[str, str, int]:
    assert isinstance(found, Identified), found
    return found.contract.return_code, found.layout.name, found.header_row


@pytest.mark.parametrize(("layout", "header"), CRIME_LAYOUTS.items())
def test_each_layout_of_the_crime_extract_is_told_by_its_header(layout: str, header: tuple[str, ...]) -> None:
    assert told(identified((*header, *MONTHS), LINE)) == ("crime_mps_borough", layout, 1)


def test_strength_is_told_by_its_header() -> None:
    assert told(identified(STRENGTH_HEADER, ("May-13", "1", "2", "3"))) == ("mps_force_strength", "monthly-strength", 1)


@unhurried
@given(st.sampled_from(list(CRIME_LAYOUTS)), st.data())
def test_columns_may_stand_in_any_order(layout: str, data: st.DataObject) -> None:
    header = data.draw(st.permutations([*CRIME_LAYOUTS[layout], *MONTHS]))
    assert told(identified(header, LINE)) == ("crime_mps_borough", layout, 1)


@unhurried
@given(
    st.sampled_from(list(CRIME_LAYOUTS)),
    st.lists(
        st.lists(st.sampled_from(["", "Recorded crime", "May 2020", "202005", "Borough", "OFFICIAL"]), max_size=4),
        max_size=ROWS_TO_SEARCH - 1,
    ),
)
def test_titles_and_blank_rows_may_stand_above_the_header_d02(layout: str, above: list[list[str]]) -> None:
    found = identified(*above, (*CRIME_LAYOUTS[layout], *MONTHS), LINE)
    assert told(found) == ("crime_mps_borough", layout, len(above) + 1)


def test_a_header_below_the_twentieth_row_is_not_looked_for() -> None:
    header = (*CRIME_LAYOUTS["capitals"], *MONTHS)
    assert told(identified(*[("OFFICIAL",)] * 19, header, LINE)) == ("crime_mps_borough", "capitals", 20)
    assert isinstance(identified(*[("OFFICIAL",)] * 20, header, LINE), Unidentified)


@unhurried
@given(st.data())
def test_case_and_spaces_in_a_header_make_no_difference_d26(data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(list(CRIME_LAYOUTS)))
    change = data.draw(st.sampled_from([str.upper, str.lower, lambda name: f"\u00a0{name} ", lambda name: f" {name}"]))
    header = [change(name) for name in CRIME_LAYOUTS[layout]]
    assert told(identified((*header, *MONTHS), LINE)) == ("crime_mps_borough", layout, 1)


@pytest.mark.parametrize(("return_code", "layout", "header", "place"), EVERY_HEADER)
@pytest.mark.parametrize("above", [0, 3])
def test_a_damaged_header_is_named_with_its_cell_and_what_was_expected(
    return_code: str, layout: str, header: tuple[str, ...], place: int, above: int
) -> None:
    name = header[place]
    damaged = name[:2] + name[3:] + "e"
    found = identified(*[("OFFICIAL",)] * above, [*header[:place], damaged, *header[place + 1 :]], LINE)
    assert isinstance(found, Unidentified)
    assert found.nearest_return_code == return_code
    assert layout in found.reason
    cell = f"{'ABCD'[place]}{above + 1}"
    assert found.differences == (
        f"row {above + 1}, column {place + 1} (cell {cell}) says '{damaged}'; expected '{name}'",
    )


@pytest.mark.parametrize(("return_code", "layout", "header", "place"), EVERY_HEADER)
def test_a_missing_column_is_named(return_code: str, layout: str, header: tuple[str, ...], place: int) -> None:
    found = identified([*header[:place], *header[place + 1 :]], LINE)
    assert isinstance(found, Unidentified)
    assert found.nearest_return_code == return_code
    # The two later layouts differ in this header alone: without it, either of them is as near.
    either = ("LookUp_BoroughName", "BoroughName")
    names = either if header[place] in either else (header[place],)
    assert found.differences in [(f"row 1 has no column '{name}'",) for name in names]
    assert layout in found.reason or header[place] in either


@pytest.mark.parametrize("label", ["2020O5", "20205", "202013", "May 2020", "", "  "])
def test_a_damaged_label_of_a_month_is_left_to_the_check_of_the_labels(label: str) -> None:
    found = identified((*CRIME_LAYOUTS["capitals"], "202004", label, "202006"), LINE)
    assert told(found) == ("crime_mps_borough", "capitals", 1)


def test_a_column_that_no_layout_has_makes_it_another_return() -> None:
    found = identified(("MajorText", "MinorText", "Season", "BoroughName", *MONTHS), LINE)
    assert isinstance(found, Unidentified)
    assert found.nearest_return_code == "crime_mps_borough"
    assert found.differences == ("row 1, column 3 (cell C1) says 'Season', a column that this layout does not have",)


def test_a_header_without_a_month_says_so() -> None:
    found = identified(CRIME_LAYOUTS["capitals"], ("x", "y", "z"))
    assert isinstance(found, Unidentified)
    assert found.differences == ("row 1 names no month; expected columns such as 202410 after the named ones",)


def test_a_key_column_that_stands_twice_is_named_with_its_number() -> None:
    found = identified(("MajorText", "MajorText", "MinorText", "BoroughName", *MONTHS), LINE)
    assert isinstance(found, Unidentified)
    assert "row 1 has the column 'MajorText' 2 times; expected once" in found.differences


def test_a_header_of_two_layouts_at_once_is_neither() -> None:
    found = identified(("MajorText", "MinorText", "LookUp_BoroughName", "BoroughName", *MONTHS), LINE)
    assert isinstance(found, Unidentified)
    assert found.nearest_return_code == "crime_mps_borough"
    assert len(found.differences) == 1
    assert "BoroughName" in found.differences[0]


@pytest.mark.parametrize("second", CRIME_LAYOUTS)
def test_two_tables_in_one_file_are_not_told_apart_but_named(second: str) -> None:
    first, other = (*CRIME_LAYOUTS["borough-first"], *MONTHS), (*CRIME_LAYOUTS[second], *MONTHS)
    found = identified(("Crime",), first, LINE, (), other, LINE)
    assert isinstance(found, Unidentified)
    assert "crime_mps_borough (borough-first, row 2)" in found.reason
    assert f"crime_mps_borough ({second}, row 5)" in found.reason
    assert "file of its own" in found.reason


def test_a_file_of_two_returns_is_neither() -> None:
    found = identified(STRENGTH_HEADER, ("May-13", "1", "2", "3"), (*CRIME_LAYOUTS["capitals"], *MONTHS), LINE)
    assert isinstance(found, Unidentified)
    assert "mps_force_strength (monthly-strength, row 1)" in found.reason
    assert "crime_mps_borough (capitals, row 3)" in found.reason


@pytest.mark.parametrize("header", [*((*each, *MONTHS) for each in CRIME_LAYOUTS.values()), STRENGTH_HEADER])
def test_a_header_without_figures_is_identified_all_the_same(header: tuple[str, ...]) -> None:
    assert isinstance(identified(header), Identified)


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "b"), ("1", "2")],
        [("Dear all,",), ("please find the figures attached",)],
        [("Date", "Temperature", "Rain")],
        [()],
    ],
)
def test_what_resembles_no_return_has_no_nearest_one(rows: list[Sequence[str]]) -> None:
    found = identified(*rows)
    assert isinstance(found, Unidentified)
    assert (found.nearest_return_code, found.differences) == (None, ())
    assert found.reason.startswith("no contract resembles this file")


def test_a_file_in_one_column_is_told_which_delimiters_are_read() -> None:
    header = ":".join((*CRIME_LAYOUTS["capitals"], *MONTHS))
    found = identified((header,), ("x:y:z:1:2:3",))
    assert isinstance(found, Unidentified)
    assert "one column" in found.reason
    for name in ("commas", "semicolons", "tabs", "bars"):
        assert name in found.reason


def test_the_ward_file_is_not_the_borough_return_and_its_two_columns_say_why(real_data: Path) -> None:
    path = next((real_data / "mps_recorded_crime_ward").rglob("MPS Ward*.csv"))
    found = identify(read_grid(path.read_bytes()), all_contracts())
    assert isinstance(found, Unidentified)
    assert found.nearest_return_code == "crime_mps_borough"
    assert "lookup-borough" in found.reason
    assert [difference.split(", a column")[0] for difference in found.differences] == [
        "row 1, column 3 (cell C1) says 'WardName'",
        "row 1, column 4 (cell D1) says 'WardCode'",
    ]


def test_no_other_published_file_is_taken_for_one_of_the_returns(real_data: Path) -> None:
    ours = ("mps_recorded_crime_borough", "mps_force_strength")
    others = [path for path in real_data.rglob("*.csv") if not any(name in path.parts for name in ours)]
    assert len(others) > 20
    for path in others:
        try:
            grid = read_grid(path.read_bytes())
        except UnreadableError:
            continue
        assert isinstance(identify(grid, all_contracts()), Unidentified), path.name
