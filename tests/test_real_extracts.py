"""The six genuine extracts of borough crime and the genuine strength series, received in a jumble and run once.

Golden figures are those that the extracts' readers wrote down (catalogue, README of the data); all others are counted
here from the bytes by `extracts`, which shares nothing with the program.
"""

import json
import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Cli, read_rows, run_cli
from extracts import AIRPORTS, UNKNOWN, ExtractFile, extract_files, extract_folders, in_force

from ledger.home import Home
from publication.query import ask

CRIME = "return_code = 'crime_mps_borough'"
MAY_2020, AUGUST_2018 = date(2020, 5, 1), date(2018, 8, 1)
KNOWN_THEN = {
    "2019-02-01": {AUGUST_2018: 69_141},
    "2020-06-15": {MAY_2020: 56_514, AUGUST_2018: 69_325},
    "2020-07-15": {MAY_2020: 56_777},
    "2021-10-01": {MAY_2020: 57_257},
}
KNOWN_NOW = {MAY_2020: 57_214, AUGUST_2018: 69_254}

Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def real_home(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that received the extracts and the strength series in no order, and ran once."""
    home = tmp_path_factory.mktemp("real") / "home"
    folders = [*extract_folders(real_data), real_data / "mps_force_strength"]
    random.Random(2020).shuffle(folders)
    received = run_cli(home, "receive", *folders)
    assert received.returncode == 0, received.stdout + received.stderr
    run = run_cli(home, "run")
    assert run.returncode == 0, run.stdout + run.stderr
    return home


@pytest.fixture(scope="module")
def query(real_home: Path) -> Query:
    home = Home.at(real_home)
    return lambda sql: ask(home, sql, None, None).to_pylist()


@pytest.fixture(scope="module")
def files(real_data: Path) -> list[ExtractFile]:
    return extract_files(real_data)


@pytest.fixture(scope="module")
def known_now(files: list[ExtractFile]) -> pd.DataFrame:
    """The cells of every month from the latest extract that covers it: area, offence_group, month, offences, scheme."""
    latest = in_force(files)
    frames = []
    for file in files:
        cells = file.figures().assign(scheme=file.scheme)
        frames.append(cells[cells["month"].map(lambda month, file=file: latest[month] is file)])
    return pd.concat(frames, ignore_index=True)


def test_months_are_known_now_as_the_last_extract_has_them(query: Query) -> None:
    known = _totals(
        query(f"select month, sum(offences) as n from core.fct_recorded_crime where {CRIME} group by month")
    )
    assert {month: known[month] for month in KNOWN_NOW} == KNOWN_NOW


@pytest.mark.parametrize("day", KNOWN_THEN)
def test_months_are_known_on_a_day_as_the_extract_before_it_had_them(real_home: Path, query: Query, day: str) -> None:
    wanted = KNOWN_THEN[day]
    months = ", ".join(f"'{month}'" for month in wanted)
    counted = f"select month, sum(offences) as n from core.{{}} where {CRIME} and month in ({months})"
    then = f" and known_from <= '{day}' and (known_to > '{day}' or known_to is null)"
    assert _totals(query(counted.format("fct_recorded_crime_version") + then + " group by month")) == wanted

    asked = counted.format("fct_recorded_crime") + " group by month"
    answer = run_cli(real_home, "sql", asked, "--as-known-on", day, "--format", "json")
    assert answer.returncode == 0, answer.stderr
    assert {date.fromisoformat(row["month"]): row["n"] for row in json.loads(answer.stdout)} == wanted


def test_every_month_is_the_sum_of_the_bytes_of_the_latest_extract(query: Query, files: list[ExtractFile]) -> None:
    latest = in_force(files)
    assert (len(latest), min(latest), max(latest)) == (202, date(2008, 1, 1), date(2024, 10, 1))
    counted = {month: file.total(month) for month, file in latest.items()}
    facts = query(f"select month, sum(offences) as n from core.fct_recorded_crime where {CRIME} group by month")
    assert _totals(facts) == counted
    summary = query(f"select month, sum(offences) as n from marts.crime_summary where {CRIME} group by month")
    assert _totals(summary) == counted


def test_every_extract_is_in_the_triangle_as_its_bytes_say(query: Query, files: list[ExtractFile]) -> None:
    counted = {(file.as_at_on, month): file.total(month) for file in files for month in file.months}
    shown = query(f"select as_at_on, month, offences from marts.revision_triangle where {CRIME}")
    assert {(row["as_at_on"], row["month"]): row["offences"] for row in shown} == counted
    assert len(shown) == len(counted)


def test_no_month_counts_a_category_twice_for_an_area(query: Query) -> None:
    grain = "return_code, month, area_code, offence_code"
    assert query(f"select {grain} from core.fct_recorded_crime group by {grain} having count(*) > 1") == []


def test_no_month_holds_a_category_under_an_old_and_a_new_name(query: Query) -> None:
    names = "lower(major_category_printed || ' | ' || minor_category_printed)"
    one_month = f"select month from core.fct_recorded_crime group by month, %s having count(distinct {names}) > 1"
    assert query(one_month % "offence_code") == []
    assert (
        query("select month from core.fct_recorded_crime group by month having count(distinct delivery_id) > 1") == []
    )


def test_on_the_day_of_each_extract_its_months_hold_its_rows_and_no_others(
    query: Query, files: list[ExtractFile]
) -> None:
    """The last delivery speaks for the whole slice: a renamed category does not live on beside its new name."""
    counted = {
        (file.as_at_on, month): (len(file.cells) - 1, file.total(month)) for file in files for month in file.months
    }
    told = query(
        "select covers.as_at_on, covers.slice_period as month, count(*) as n, sum(known.offences) as offences "
        "from core.fct_coverage as covers inner join core.fct_recorded_crime_version as known "
        "on covers.slice_period = known.month and covers.return_code = known.return_code "
        "and known.known_from <= covers.as_at_on and (known.known_to > covers.as_at_on or known.known_to is null) "
        "group by all"
    )
    assert {(row["as_at_on"], row["month"]): (row["n"], row["offences"]) for row in told} == counted


def test_strength_is_known_with_its_row(real_data: Path, query: Query) -> None:
    rows = read_rows(real_data / "mps_force_strength" / "Police_Force_Strength.csv")
    counted = {row[0]: (float(row[1]), number) for number, row in enumerate(rows[1:], start=2)}
    told = query(
        "select strftime(period_start_on, '%b-%y') as label, value, source_row, source_column, source_cell, unit_code, "
        "value_text from core.fct_measure_value where measure_code = 'police_officer_strength'"
    )
    assert {row["label"]: (row["value"], row["source_row"]) for row in told} == counted
    assert {row["label"]: row["value"] for row in told if row["label"] in ("May-13", "Mar-26")} == {
        "May-13": 30_636,
        "Mar-26": 31_181,
    }
    ends = {row["label"]: row["source_cell"] for row in told}
    assert (ends["May-13"], ends["Mar-26"]) == ("B2", f"B{len(rows)}")
    assert {row["unit_code"] for row in told} == {"mps"}


def test_every_file_passes_every_check(query: Query) -> None:
    results = query(
        "select file_name, check_code, status from quality.check_result "
        "inner join core.dim_delivery using (delivery_id)"
    )
    crime = {row["check_code"] for row in results if row["file_name"].startswith("MPS")}
    assert len(crime) >= 18
    assert [row for row in results if row["status"] != "passed"] == [
        # Only the strength series comes without a note: its date is the contract's guess, and says so.
        {"file_name": "Police_Force_Strength.csv", "check_code": "as_at_declared", "status": "failed"}
    ]
    verdicts = query("select verdict, count(*) as n from core.dim_delivery group by verdict order by verdict")
    assert verdicts == [{"verdict": "accepted", "n": 4}, {"verdict": "superseded", "n": 6}]


def test_wild_moves_of_single_areas_in_november_2024_are_taken_in(query: Query, files: list[ExtractFile]) -> None:
    """All genuine (README of the data): bounds belong on totals."""
    february, november = date(2024, 2, 1), date(2024, 11, 1)
    richmond = _of_area(query, "E09000027", "month = '2020-03-01'")
    assert (richmond(february), richmond(november)) == (932, 709)
    airports = _of_area(query, "MPS-AIRPORTS", "month between '2010-04-01' and '2022-10-01'")
    assert (airports(february), airports(november)) == (36_335, 37)
    assert _of_area(query, "MPS-UNKNOWN", "true")(november) == 242_188
    assert _of_area(query, "MPS-UNKNOWN", "month <= '2024-01-01'")(november) == 229_123
    unknown = sum(file.total(month, UNKNOWN) for month, file in in_force(files).items())
    assert unknown == 242_188


def test_stated_scope_breaks_are_where_the_bytes_have_them(query: Query, files: list[ExtractFile]) -> None:
    latest = in_force(files)
    airports = {month: latest[month].total(month, AIRPORTS) for month in latest if month >= date(2022, 11, 1)}
    placed = [month for month, count in airports.items() if count]
    assert (min(placed), max(placed)) == (date(2023, 4, 1), date(2024, 2, 1))
    assert (airports[date(2023, 4, 1)], airports[date(2023, 5, 1)], airports[date(2024, 2, 1)]) == (17, 368, 409)
    stated = query("select distinct breaks_on from core.dim_series_break where kind = 'scope' order by breaks_on")
    assert [row["breaks_on"] for row in stated] == [date(2023, 4, 1), date(2024, 3, 1)]


def test_2010_11_is_not_compared_with_2009_10(query: Query) -> None:
    """Their months come from two schemes (R-T-03); -2.4 % would be printed, which is an artefact of the change."""
    years = query(
        "select month, offences_previous_year, change_pct, comparison_refused_reason, year_to_date_previous, "
        "year_to_date_change_pct, year_to_date_comparison_refused_reason, rolling_12_previous, rolling_12_change_pct, "
        "rolling_12_comparison_refused_reason from marts.crime_summary "
        "where month between '2010-04-01' and '2011-03-01'"
    )
    assert len({row["month"] for row in years}) == 12
    for row in years:
        for name, value in row.items():
            if name.endswith("refused_reason"):
                assert "March 2010 is under scheme mps_2008, April 2010 under mps_2024" in value, row
            elif name != "month":
                assert value is None, row
    # The year to date itself lies within one scheme, and stands.
    told = query("select count(*) as n from marts.crime_summary where month = '2011-03-01' and year_to_date is null")
    assert told == [{"n": 0}]


MONTHS_COMPARED = (
    date(2008, 12, 1),  # nothing is covered before January 2008: no year before, no rolling year before
    date(2009, 6, 1),  # the first scheme; a full year before, but no two rolling years
    date(2010, 3, 1),  # the last month of the first scheme, with two whole years behind it
    date(2010, 11, 1),  # across the change of scheme
    date(2012, 4, 1),  # the first month of a financial year; 24 months after the change, and not a month fewer
    date(2012, 3, 1),  # one month fewer
    MAY_2020,
    date(2023, 6, 1),  # the airports' offences have just begun to be placed there
    date(2024, 10, 1),  # the airports have left again
)


@pytest.mark.parametrize("month", MONTHS_COMPARED, ids=lambda month: f"{month:%Y-%m}")
def test_summary_of_a_month_is_what_pandas_makes_of_the_bytes(
    query: Query, files: list[ExtractFile], known_now: pd.DataFrame, month: date
) -> None:
    told = pd.DataFrame(query(f"select * from marts.crime_summary where month = '{month}'"))
    told = told.assign(area=told["area_name"].str.casefold()).set_index(["area", "offence_group"]).sort_index()
    file = in_force(files)[month]
    groups = {group for each in files if each.scheme == file.scheme for group in each.figures()["offence_group"]}
    counted = _summary(known_now, file, groups, month).sort_index()
    assert list(told.index) == list(counted.index)
    for name in counted.columns:
        pd.testing.assert_series_equal(
            told[name].astype("float64"), counted[name].astype("float64"), check_exact=False, rtol=1e-12, obj=name
        )
    for number, reason in _REASONS.items():
        assert (told[number].isna() == told[reason].notna()).all(), (
            f"{number} is refused exactly where {reason} says why"
        )


_REASONS = {
    "offences_previous_year": "comparison_refused_reason",
    "year_to_date": "year_to_date_refused_reason",
    "year_to_date_previous": "year_to_date_comparison_refused_reason",
    "rolling_12": "rolling_12_refused_reason",
    "rolling_12_previous": "rolling_12_comparison_refused_reason",
}


def test_ward_file_is_unidentified_and_says_which_columns_are_foreign(cli: Cli, real_data: Path) -> None:
    (ward_file,) = (real_data / "mps_recorded_crime_ward").rglob("*.csv")
    done = cli("receive", ward_file, "--json")
    assert done.returncode == 4
    (receipt,) = json.loads(done.stdout)["receipts"]
    assert (receipt["verdict"], receipt["nearest_return_code"]) == ("unidentified", "crime_mps_borough")
    assert [text for text in receipt["differences"] if "WardName" in text or "WardCode" in text] == receipt[
        "differences"
    ]
    assert len(receipt["differences"]) == 2
    assert all(cell in receipt["reason"] for cell in ("C1", "D1"))


def test_every_genuine_file_gets_a_verdict(cli: Cli, real_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """24 MB of every kind that publishers send: workbooks of three makes, Parquet, CSV of ten layouts."""
    there = sorted(path for path in real_data.rglob("*") if path.is_file())
    begun = time.perf_counter()
    done = cli("receive", real_data, "--json")
    seconds = time.perf_counter() - begun
    with capsys.disabled():
        print(f"\n    {len(there)} genuine files received in {seconds:.1f} s", end=" ")  # noqa: T201
    assert done.returncode == 4, done.stderr
    receipts = json.loads(done.stdout)["receipts"]
    assert sorted(f"{receipt['folder']}/{receipt['file_name']}" for receipt in receipts) == [
        str(path) for path in there
    ]
    verdicts = {receipt["file_name"]: receipt["verdict"] for receipt in receipts}
    ours = {path.name for folder in ("mps_recorded_crime_borough", "mps_force_strength") for path in
            (real_data / folder).rglob("*.csv") if path.name != "delivery-note.csv"}  # fmt: skip
    assert {name for name, verdict in verdicts.items() if verdict == "accepted"} == ours
    assert set(verdicts.values()) == {"accepted", "unidentified", "not_a_return"}
    assert all(receipt["reason"].strip().endswith(".") for receipt in receipts), "each says why, in a sentence"
    assert seconds < 120


def _totals(rows: list[dict[str, Any]]) -> dict[date, int]:
    return {row["month"]: row["n"] for row in rows}


def _of_area(query: Query, area_code: str, condition: str) -> Callable[[date], int]:
    """Offences of an area as known on a day."""

    def counted(day: date) -> int:
        (row,) = query(
            f"select cast(sum(offences) as bigint) as n from core.fct_recorded_crime_version where {condition} and "
            f"area_code = '{area_code}' and known_from <= '{day}' and (known_to > '{day}' or known_to is null)"
        )
        return int(row["n"])

    return counted


def _summary(known: pd.DataFrame, file: ExtractFile, groups: set[str], month: date) -> pd.DataFrame:
    """crime_summary of one month by area and group, worked out from the bytes by the rules R-T-01, R-T-03, R-T-06."""
    areas = sorted({row[file.area_column].casefold() for row in file.cells[1:]})
    index = pd.MultiIndex.from_product([areas, sorted(groups)], names=["area", "offence_group"])
    schemes = dict(zip(known["month"], known["scheme"], strict=True))
    back = [period.to_timestamp().date() for period in pd.period_range(end=f"{month:%Y-%m}", periods=24, freq="M")][
        ::-1
    ]
    windows = _windows(month)
    frame = pd.DataFrame(index=index)
    for name, numbers in windows.items():
        of_months = known[known["month"].isin([back[n] for n in numbers])]
        sums = of_months.groupby(["area", "offence_group"])["offences"].sum()
        frame[name] = sums.reindex(index, fill_value=0).astype("float64")
        needed = {back[n] for n in [0, *numbers, *windows.get(_BASE.get(name, ""), [])]}
        refused = [area for area in areas if not _comparable(schemes, needed, area)]
        frame.loc[frame.index.isin(refused, level="area"), name] = float("nan")
    for now, before, change in _CHANGES:
        frame[change] = 100 * (frame[now] - frame[before]) / frame[before].where(frame[before] != 0)
    return frame


_CHANGES = (
    ("offences", "offences_previous_year", "change_pct"),
    ("year_to_date", "year_to_date_previous", "year_to_date_change_pct"),
    ("rolling_12", "rolling_12_previous", "rolling_12_change_pct"),
)
# A figure of the year before is shown beside this one, and so needs its months too.
_BASE = {"year_to_date_previous": "year_to_date", "rolling_12_previous": "rolling_12"}


def _windows(month: date) -> dict[str, list[int]]:
    """How many months back each figure reaches: 0 is the month itself."""
    since_april = (month.month - 4) % 12 + 1
    return {
        "offences": [0],
        "offences_previous_year": [12],
        "year_to_date": list(range(since_april)),
        "year_to_date_previous": list(range(12, 12 + since_april)),
        "rolling_12": list(range(12)),
        "rolling_12_previous": list(range(12, 24)),
    }


def _comparable(schemes: dict[date, str], months: set[date], area: str) -> bool:
    """All months are covered, under one scheme, and no move of the airports' offences lies between them."""
    if any(month not in schemes for month in months) or len({schemes[month] for month in months}) > 1:
        return False
    breaks = (date(2023, 4, 1), date(2024, 3, 1)) if area in (AIRPORTS, UNKNOWN) else ()
    return not any(min(months) < each <= max(months) for each in breaks)
