"""The restatement rule (DESIGN: Restatement) as the models keep it, against a small reading of the rule in Python.

The models' own SQL, as dbt compiled it, runs on invented deliveries: few months, areas and categories, dates that tie,
cells that disappear and come back, zeros, and deliveries that come in any order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_release import build_of, sample_release

from contracts.reference import SEEDS_FOLDER
from publication.warehouse import Artifacts

MONTHS = (date(2020, 4, 1), date(2020, 5, 1), date(2020, 6, 1))
AREAS = {"camden": "E09000007", "barnet": "E09000003"}
OFFENCES = {"theft | shoplifting": "shoplifting", "robbery | robbery of personal property": "robbery_personal"}
KEYS = [(area, offence) for area in AREAS for offence in OFFENCES]
FIRST_DAY = date(2020, 7, 1)

MODELS = ("stg_ledger__slice", "fct_coverage")
CRIME_MODELS = ("stg_returns__recorded_crime", "fct_recorded_crime", "fct_recorded_crime_version")
MEASURE_MODELS = ("stg_returns__measure_value", "fct_measure_value", "fct_measure_value_version")

Key = tuple[str, str]
Figure = tuple[float | None, str | None]
"""A measure's value and its qualifier."""


@dataclass(frozen=True)
class Handed:
    """A delivery: when its sender knew it, when it came, and what it says of each month that it covers."""

    as_at_on: date
    revision_mark: int
    received_seq: int
    says: dict[date, dict[Any, Any]]

    @property
    def delivery_id(self) -> str:
        """Bound to what was sent, not to when it came."""
        return f"{self.as_at_on}-{self.revision_mark}-{sorted(map(str, self.says.items()))}"

    @property
    def rank(self) -> tuple[date, int, int]:
        return (self.as_at_on, self.revision_mark, self.received_seq)


@dataclass(frozen=True)
class Version:
    """A value that was held from one day to another."""

    month: date
    key: Any
    value: Any
    known_from: date
    known_to: date | None
    said_by: str

    def is_known_on(self, day: date) -> bool:
        return self.known_from <= day and (self.known_to is None or day < self.known_to)


def speakers(deliveries: Sequence[Handed], month: date) -> list[Handed]:
    """Who speaks for a month, one after another: by as-at date, then revision mark, then receipt."""
    return sorted((each for each in deliveries if month in each.says), key=lambda each: each.rank)


def spans(deliveries: Sequence[Handed], month: date) -> list[tuple[Handed, date | None]]:
    """Who speaks for a month, and until when: each until the next one's date, the last one still."""
    in_order = speakers(deliveries, month)
    return [(each, after.as_at_on if after else None) for each, after in zip_longest(in_order, in_order[1:])]


def versions_by_the_rule(deliveries: Sequence[Handed]) -> set[Version]:
    """A row for each value that was held without a break, from the first delivery that said it to the last."""
    found = set()
    for month in MONTHS:
        for key in {key for each in deliveries for key in each.says.get(month, {})}:
            held: Version | None = None
            for each, until in spans(deliveries, month):
                said = each.says[month]
                if held and key in said and said[key] == held.value:
                    held = replace(held, known_to=until)
                else:
                    found |= {held} if held else set()
                    said_first = (month, key, said.get(key), each.as_at_on, until, each.delivery_id)
                    held = Version(*said_first) if key in said else None
            found |= {held} if held else set()
    return found


def known_by_replay(deliveries: Sequence[Handed], day: date | None = None) -> dict[tuple[date, Any], Any]:
    """What is known on a day (or now): each month whole from the last delivery of it that had come true by then."""
    so_far = [each for each in deliveries if day is None or each.as_at_on <= day]
    known = {}
    for month in MONTHS:
        for last in speakers(so_far, month)[-1:]:
            known |= {(month, key): value for key, value in last.says[month].items()}
    return known


class Models:
    """The compiled models as views over raw tables that a test fills."""

    def __init__(self, build: Path) -> None:
        self.connection = duckdb.connect()
        execute = self.connection.execute
        execute("attach ':memory:' as warehouse")
        execute("use warehouse")
        for schema in ("raw", "seeds", "staging", "core"):
            execute(f"create schema {schema}")
        for table in ("recorded_crime", "measure_value"):
            execute(f"create table raw.{table} as from '{build}/inputs/{table}/_empty.parquet'")
        execute(f"create table raw.slice as from '{build}/inputs/ledger/slice.parquet' limit 0")
        for seed in ("area_alias", "offence_alias", "measure_alias"):
            execute(f"create table seeds.{seed} as from read_csv('{SEEDS_FOLDER / seed}.csv', all_varchar = true)")
        nodes = Artifacts(build / "target").nodes
        for name in (*MODELS, *CRIME_MODELS, *MEASURE_MODELS):
            node = nodes[f"model.metstats.{name}"]
            execute(f"create view {node['schema']}.{name} as {node['compiled_code']}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def fill_crime(self, deliveries: Sequence[Handed]) -> None:
        """Hand deliveries in; a key is an area and a category, a value a count."""
        self._fill(
            "recorded_crime",
            deliveries,
            lambda key, value: {
                "area_key": key[0],
                "area_printed": key[0].title(),
                "offence_key": key[1],
                "offences": value,
            },
        )

    def fill_measures(self, deliveries: Sequence[Handed]) -> None:
        """Hand deliveries in; a key is a measure, a value a figure with its qualifier."""
        self._fill(
            "measure_value",
            deliveries,
            lambda key, figure: {
                "measure_key": key,
                "unit_code": "mps",
                "period_type": "month",
                "period_start_on": MONTHS[0],
                "period_end_on": MONTHS[0],
                "scenario": "actual",
                "value": figure[0],
                "qualifier": figure[1],
            },
        )

    def _fill(self, table: str, deliveries: Sequence[Handed], columns: Any) -> None:
        return_code, scheme = {
            "recorded_crime": ("crime_mps_borough", "mps_2019"),
            "measure_value": ("mps_force_strength", None),
        }[table]
        slices, lines = [], []
        for each in deliveries:
            for month, said in each.says.items():
                about = {
                    "delivery_id": each.delivery_id,
                    "return_code": return_code,
                    "slice_period": month,
                    "reporting_unit_code": "mps",
                }
                slices.append(
                    about
                    | {
                        "table_name": table,
                        "scheme": scheme,
                        "as_at_on": each.as_at_on,
                        "revision_mark": each.revision_mark,
                        "received_seq": each.received_seq,
                    }
                )
                lines += [about | columns(key, value) for key, value in said.items()]
        self._replace("slice", slices)
        self._replace(table, lines)

    def _replace(self, table: str, lines: list[dict[str, Any]]) -> None:
        """Put lines in place of all that a raw table holds; columns that a line does not name are null."""
        schema = self.connection.table(f"raw.{table}").to_arrow_table().schema
        arrow = pa.Table.from_pylist(lines, schema=schema)
        self.connection.execute(f"truncate raw.{table}")
        self.connection.register("arrow", arrow)
        self.connection.execute(f"insert into raw.{table} from arrow")

    def crime_versions(self) -> list[Version]:
        rows = self.rows(
            "select month, area_code, offence_code, offences, known_from, known_to, delivery_id, as_at_on "
            "from core.fct_recorded_crime_version"
        )
        assert all(row[4] == row[7] for row in rows), "as_at_on is that of the delivery that said it first"
        return [Version(month, _key(area, offence), *rest[:-1]) for month, area, offence, *rest in rows]


def _key(area_code: str, offence_code: str) -> Key:
    (area,) = (key for key, code in AREAS.items() if code == area_code)
    (offence,) = (key for key, code in OFFENCES.items() if code == offence_code)
    return area, offence


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    made = Models(build_of(sample_release(tmp_path_factory)))
    yield made
    made.connection.close()


@st.composite
def handed_in(draw: st.DrawFn, values: st.SearchStrategy[Any], keys: Sequence[Any], ties: bool = True) -> list[Handed]:
    """Up to six deliveries in the order of their coming. Few days and few values, so that they meet."""
    days = draw(st.lists(st.integers(0, 3 if ties else 40), min_size=1, max_size=6, unique=not ties))
    said_of_a_month = st.dictionaries(st.sampled_from(keys), values, max_size=len(keys))
    deliveries = []
    for seq, days_later in enumerate(days, start=1):
        says = draw(st.dictionaries(st.sampled_from(MONTHS), said_of_a_month, min_size=1))
        revision_mark = draw(st.integers(0, 1)) if ties else 0
        deliveries.append(Handed(FIRST_DAY + timedelta(days_later), revision_mark, seq, says))
    # The same content under the same date is the same delivery: it is told to be a duplicate and never comes here.
    return list({each.delivery_id: each for each in deliveries}.values())


crime = handed_in(st.integers(0, 2), KEYS)
crime_on_days_of_their_own = handed_in(st.integers(0, 2), KEYS, ties=False)
figures = handed_in(
    st.tuples(st.sampled_from([None, 0.0, 1.5]), st.sampled_from([None, "suppressed"])),
    ["police officer strength", "pcso strength"],
)
ample = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@ample
@given(deliveries=crime)
def test_versions_are_those_of_the_rule(models: Models, deliveries: list[Handed]) -> None:
    models.fill_crime(deliveries)
    found = models.crime_versions()
    assert set(found) == versions_by_the_rule(deliveries)
    assert len(found) == len(set(found))


@ample
@given(deliveries=crime)
def test_the_last_delivery_speaks_for_the_whole_slice(models: Models, deliveries: list[Handed]) -> None:
    models.fill_crime(deliveries)
    rows = models.rows("select month, area_code, offence_code, offences, delivery_id from core.fct_recorded_crime")
    assert {(row[0], _key(*row[1:3])): row[3] for row in rows} == known_by_replay(deliveries)
    assert len(rows) == len(known_by_replay(deliveries))
    for month in MONTHS:
        last = [each.delivery_id for each in speakers(deliveries, month)[-1:]]
        assert {row[4] for row in rows if row[0] == month} <= set(last)


@ample
@given(deliveries=crime)
def test_coverage_says_who_spoke_when(models: Models, deliveries: list[Handed]) -> None:
    models.fill_crime(deliveries)
    rows = models.rows(
        "select slice_period, sequence_number, delivery_id, known_from, known_to, is_in_force from core.fct_coverage"
    )
    expected = []
    for month in MONTHS:
        for number, (each, until) in enumerate(spans(deliveries, month), start=1):
            expected.append((month, number, each.delivery_id, each.as_at_on, until, until is None))
    assert sorted(rows, key=str) == sorted(expected, key=str)


@ample
@given(deliveries=crime)
def test_versions_on_any_day_are_what_a_replay_knows_then(models: Models, deliveries: list[Handed]) -> None:
    models.fill_crime(deliveries)
    found = models.crime_versions()
    for day in (FIRST_DAY + timedelta(days) for days in range(-1, 5)):
        then = [version for version in found if version.is_known_on(day)]
        assert {(each.month, each.key): each.value for each in then} == known_by_replay(deliveries, day)
        assert len(then) == len({(each.month, each.key) for each in then}), "two versions known on one day"


@ample
@given(deliveries=crime)
def test_a_version_is_written_only_where_a_value_changed(models: Models, deliveries: list[Handed]) -> None:
    models.fill_crime(deliveries)
    held: dict[tuple[date, Key], list[Version]] = {}
    for version in models.crime_versions():
        held.setdefault((version.month, version.key), []).append(version)
    for (month, key), found in held.items():
        said = [each.says[month].get(key) for each in speakers(deliveries, month)]
        changes = sum(now is not None and now != before for before, now in zip([None, *said], said, strict=False))
        assert len(found) == changes


@ample
@given(deliveries=crime_on_days_of_their_own, data=st.data())
def test_the_order_of_arrival_makes_no_difference(
    models: Models, deliveries: list[Handed], data: st.DataObject
) -> None:
    models.fill_crime(deliveries)
    as_they_came = set(models.crime_versions())
    shuffled = data.draw(st.permutations(deliveries))
    models.fill_crime([replace(each, received_seq=seq) for seq, each in enumerate(shuffled, start=1)])
    assert set(models.crime_versions()) == as_they_came


@ample
@given(deliveries=figures)
def test_figures_are_restated_by_the_same_rule(models: Models, deliveries: list[Handed]) -> None:
    """Nothing, zero and suppressed are different things: going from one to another is a change."""
    models.fill_measures(deliveries)
    names = {"police_officer_strength": "police officer strength", "pcso_strength": "pcso strength"}
    rows = models.rows(
        "select slice_period, measure_code, value, qualifier, known_from, known_to, delivery_id "
        "from core.fct_measure_value_version"
    )
    found = [Version(month, names[code], (value, why), *rest) for month, code, value, why, *rest in rows]
    assert set(found) == versions_by_the_rule(deliveries)
    assert len(found) == len(set(found))
    now = models.rows("select slice_period, measure_code, value, qualifier from core.fct_measure_value")
    assert {(month, names[code]): (value, why) for month, code, value, why in now} == known_by_replay(deliveries)


def test_two_deliveries_of_one_date_both_stay_in_the_history(models: Models) -> None:
    month, key = MONTHS[0], KEYS[0]
    first, second = (Handed(FIRST_DAY, 0, seq, {month: {key: seq}}) for seq in (1, 2))
    models.fill_crime([second, first])
    assert {(each.value, each.known_from, each.known_to) for each in models.crime_versions()} == {
        (1, FIRST_DAY, FIRST_DAY),
        (2, FIRST_DAY, None),
    }


def test_a_spelling_that_nobody_knows_stays_in_without_a_code(models: Models) -> None:
    """It must fail a test of the models, not vanish."""
    models.fill_crime([Handed(FIRST_DAY, 0, 1, {MONTHS[0]: {("narnia", "theft | shoplifting"): 7}})])
    assert models.rows("select area_code, offences from core.fct_recorded_crime") == [(None, 7)]
    assert models.rows("select area_code, offences from core.fct_recorded_crime_version") == [(None, 7)]
