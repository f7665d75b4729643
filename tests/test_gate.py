"""The gate fails closed, holds only what a failure touches, and a corrupt file never reaches a reader."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import open_context, read_rows, run_cli
from planted import FILE_OF, RECENT, Paper, paper_of
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from contracts.model import all_contracts
from expectations import gate
from expectations.catalogue import checks_of
from ingest.receive import Handover
from ledger.store import now
from ledger.tables import Build, CheckResult, Delivery, DeliverySlice, GateDecision
from orchestration import cli as command_line
from orchestration import pipeline
from orchestration.pipeline import Context
from publication import warehouse

CRIME_TABLES = (
    "core.dim_offence",
    "core.fct_recorded_crime",
    "core.fct_recorded_crime_version",
    "marts.crime_summary",
    "marts.revision_triangle",
)
NODES = {
    "model.metstats.fct_recorded_crime": ["crime"],
    "model.metstats.fct_measure_value": ["measures"],
    "seed.metstats.area": ["crime", "measures"],
}
CRIME_NODE, MEASURES_NODE, SHARED_NODE = NODES


# ---- The gate by itself, on deliveries that were really judged and a build that is written by hand ----


@pytest.fixture(scope="module")
def judged(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """Two crime extracts and a strength file, received and judged. Nothing here is ever committed to it again."""
    context = open_context(tmp_path_factory.mktemp("judged"))
    for base in ("june", "july", "strength"):
        paths = [sample_folder / FILE_OF[base]]
        pipeline.receive(context, paths, Handover(paper_of(sample_folder, base).as_at_on))
    return context


@dataclass(frozen=True)
class Case:
    """A ledger in which everything passed, to be spoilt by a test and forgotten after it."""

    session: Session
    build: Build

    def decide(self) -> dict[str, GateDecision]:
        self.session.flush()
        return {each.subject: each for each in gate.decide(self.session, self.build, all_contracts())}

    def result_of(self, node: str) -> CheckResult:
        of_build = select(CheckResult).where(CheckResult.build_id == self.build.build_id, CheckResult.node == node)
        return self.session.scalars(of_build).one()

    def delivery(self, base: str) -> Delivery:
        wanted = {"june": date(2020, 6, 1), "july": date(2020, 7, 1), "strength": date(2024, 11, 1)}[base]
        return self.session.scalars(select(Delivery).where(Delivery.as_at_on == wanted)).one()


@pytest.fixture
def case(judged: Context) -> Iterator[Case]:
    with Session(judged.ledger.engine) as session:
        build = Build(
            build_id="this build",
            run_id="this run",
            built_at=now(),
            inputs_fingerprint=gate.standing_fingerprint(session),
            expected_checks=NODES,
        )
        session.add_all([build, *(passed(node, build.build_id) for node in NODES)])
        yield Case(session, build)
        session.rollback()


def passed(node: str, build_id: str) -> CheckResult:
    return CheckResult(
        check_code=node.rsplit(".", 1)[1],
        family="model",
        severity="block",
        reach="model",
        mended_by="engineer",
        build_id=build_id,
        node=node,
        status="passed",
        failing_count=0,
        message="",
        judged_at=now(),
    )


def assert_held(decisions: dict[str, GateDecision], reasons: dict[str, str]) -> None:
    """The subjects named, and no other, are held, each for one reason that has these words."""
    assert set(decisions) == {"crime", "measures"}
    for subject, decision in decisions.items():
        assert decision.publication == "warehouse"
        assert decision.decision == ("held" if subject in reasons else "published"), decision.reasons
        if subject in reasons:
            assert len(decision.reasons) == 1, decision.reasons
            assert reasons[subject] in decision.reasons[0]
        else:
            assert decision.reasons == []


def test_where_everything_passed_everything_is_published(case: Case) -> None:
    assert_held(case.decide(), {})
    written = case.session.scalars(select(GateDecision).where(GateDecision.build_id == "this build")).all()
    assert {each.subject for each in written} == {"crime", "measures"}


@pytest.mark.parametrize(("base", "table"), [("june", "recorded_crime"), ("strength", "measure_value")])
def test_a_check_without_a_result_holds(case: Case, base: str, table: str) -> None:
    delivery = case.delivery(base)
    codes = checks_of(table)
    assert len(codes) > 15
    for code in codes:
        with case.session.begin_nested() as savepoint:
            case.session.execute(
                delete_of(CheckResult.delivery_id == delivery.delivery_id, CheckResult.check_code == code)
            )
            reason = f"delivery {delivery.delivery_id}, file '{delivery.file_name}': the check {code} was not run."
            assert_held(case.decide(), {all_contracts()[delivery.return_code].subject: reason})
            savepoint.rollback()
        case.session.expire_all()


def delete_of(*conditions: Any) -> Any:
    return delete(CheckResult).where(*conditions).execution_options(synchronize_session=False)


def test_a_result_by_other_rules_is_no_result(case: Case) -> None:
    """As where the rules changed, and a check was asked by the old ones alone."""
    delivery = case.delivery("june")
    of_check = (CheckResult.delivery_id == delivery.delivery_id, CheckResult.check_code == "area_known")
    case.session.execute(update(CheckResult).where(*of_check).values(suite_fingerprint="other rules"))
    first = case.session.scalars(select(func.min(CheckResult.check_result_id))).one()
    case.session.execute(update(CheckResult).where(*of_check).values(check_result_id=first - 1))
    assert_held(case.decide(), {"crime": "the check area_known was not run."})


def test_results_of_another_build_are_no_results(case: Case) -> None:
    case.session.execute(
        update(CheckResult).where(CheckResult.build_id == "this build").values(build_id="another build")
    )
    assert_held(
        case.decide(),
        {subject: "2 models and tests of the build were not run, which counts as failed" for subject in case.decide()},
    )


@pytest.mark.parametrize("node", NODES)
def test_a_node_without_a_result_holds_what_it_guards(case: Case, node: str) -> None:
    case.session.delete(case.result_of(node))
    assert_held(case.decide(), dict.fromkeys(NODES[node], "1 models and tests of the build were not run"))


def test_a_node_that_was_skipped_holds(case: Case) -> None:
    case.result_of(CRIME_NODE).status = "not_run"
    assert_held(case.decide(), {"crime": "1 models and tests of the build were not run"})


@pytest.mark.parametrize("status", ["failed", "errored", "anything else"])
def test_a_node_that_did_not_pass_holds_what_it_guards(case: Case, status: str) -> None:
    result = case.result_of(CRIME_NODE)
    result.status, result.message = status, "3 areas have no name"
    assert_held(case.decide(), {"crime": "fct_recorded_crime: 3 areas have no name"})


def test_a_failing_node_that_all_subjects_share_holds_them_all(case: Case) -> None:
    case.result_of(SHARED_NODE).status = "failed"
    assert_held(case.decide(), {"crime": "area", "measures": "area"})


def test_a_warning_does_not_hold_but_one_that_could_not_be_run_does(case: Case) -> None:
    result = case.result_of(MEASURES_NODE)
    result.severity, result.status = "warn", "failed"
    assert_held(case.decide(), {})
    result.status = "errored"
    assert_held(case.decide(), {"measures": "fct_measure_value"})


def test_a_delivery_judged_by_other_rules_holds_its_subject_and_makes_the_build_stale(case: Case) -> None:
    case.delivery("june").suite_fingerprint = "other rules"
    decisions = case.decide()
    assert {subject: each.decision for subject, each in decisions.items()} == {"crime": "held", "measures": "held"}
    assert any("it was not judged by the rules in force" in reason for reason in decisions["crime"].reasons)
    assert not any("rules in force" in reason for reason in decisions["measures"].reasons)
    assert all("after the warehouse was built" in each.reasons[-1] for each in decisions.values())


def test_a_delivery_judged_by_other_rules_holds_although_the_build_was_made_of_it(case: Case) -> None:
    case.delivery("june").suite_fingerprint = "other rules"
    case.session.flush()
    case.build.inputs_fingerprint = gate.standing_fingerprint(case.session)
    assert_held(case.decide(), {"crime": "it was not judged by the rules in force. Run `metstats run` again."})


def another(delivery: Delivery) -> Delivery:
    """A delivery like another, received a minute after it and not judged yet."""
    values = {column.name: getattr(delivery, column.name) for column in Delivery.__table__.columns}
    later = delivery.received_at + timedelta(minutes=1)
    changed = {"seq": 99, "delivery_id": "f" * 16, "received_at": later, "verdict": "received"}
    return Delivery(**values | changed | {"suite_fingerprint": None})


def test_a_delivery_that_came_after_the_build_holds(case: Case) -> None:
    case.session.add(another(case.delivery("strength")))
    decisions = case.decide()
    assert {subject: each.decision for subject, each in decisions.items()} == {"crime": "held", "measures": "held"}
    assert "Deliveries came or were judged anew after the warehouse was built" in decisions["crime"].reasons[0]
    assert len(decisions["crime"].reasons) == 1
    assert "f" * 16 in decisions["measures"].reasons[0]


def test_a_slice_that_was_judged_anew_after_the_build_holds(case: Case) -> None:
    of_june = select(DeliverySlice).where(DeliverySlice.delivery_id == case.delivery("june").delivery_id)
    case.session.scalars(of_june.limit(1)).one().state = "blocked"
    stale = "after the warehouse was built. Run `metstats run` again."
    assert_held(case.decide(), {"crime": stale, "measures": stale})


def test_a_quarantined_delivery_holds_its_own_subject(case: Case) -> None:
    delivery = case.delivery("july")
    delivery.verdict, delivery.verdict_reason = "quarantined", "Kept out: all its months."
    reason = f"crime_mps_borough: delivery {delivery.delivery_id}, file '{RECENT}': Kept out: all its months."
    assert_held(case.decide(), {"crime": reason})


# ---- A test of the models that fails: the plant is made in the build's inputs, as if every check had missed it ----


def spoilt_area(path: Path) -> None:
    """An area that nobody knows, in one cell of the tidy rows. The file is a link: it must not be written through."""
    table = pq.read_table(path)
    keys = table["area_key"].to_pylist()
    keys[0] = "atlantis"
    path.unlink()
    pq.write_table(table.set_column(table.schema.get_field_index("area_key"), "area_key", pa.array(keys)), path)


@contextmanager
def spoilt_build(monkeypatch: pytest.MonkeyPatch, delivery_id: str) -> Iterator[None]:
    """dbt itself runs; just before it does, the rows of one delivery are spoilt."""
    really = warehouse.run_dbt

    def run_dbt(arguments: list[str], folder: Path, *rest: Any) -> None:
        for path in (folder / "inputs").rglob(f"{delivery_id}.parquet"):
            spoilt_area(path)
        really(arguments, folder, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(warehouse, "run_dbt", run_dbt)
        yield


@dataclass(frozen=True)
class Held:
    """A home whose first release was good, and whose second build failed a test on crime."""

    context: Context
    exit_status: int
    facts: dict[str, Any]
    served_before: dict[str, str]

    def release(self, number: int) -> Path:
        return self.context.home.releases / str(number)


@pytest.fixture(scope="module")
def held(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    context = open_context(tmp_path_factory.mktemp("held"))
    pipeline.receive(context, [sample_folder / FILE_OF["june"]], Handover(date(2020, 6, 1)))
    assert pipeline.run(context, "test").outcome.number == 1
    before = digests(context.home.releases / "1", CRIME_TABLES)
    paths = [sample_folder / FILE_OF["strength"], sample_folder / FILE_OF["july"]]
    pipeline.receive(context, paths[:1], Handover())
    july = pipeline.receive(context, paths[1:], Handover(date(2020, 7, 1))).receipts[0]
    with pytest.MonkeyPatch.context() as monkeypatch, spoilt_build(monkeypatch, str(july.delivery_id)):
        exit_status, facts = run_in_process(context, monkeypatch)
    yield Held(context, exit_status, facts, before)


def run_in_process(context: Context, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    """`metstats run --json` in this process, where a test can reach into it."""
    monkeypatch.setenv("METSTATS_HOME", str(context.home.root))
    result = CliRunner().invoke(command_line.app, ["run", "--json"])
    return result.exit_code, json.loads(result.stdout)


def digests(release: Path, tables: tuple[str, ...]) -> dict[str, str]:
    """A digest of the rows of each table, from its Parquet, whatever their order."""
    ask = "select md5(string_agg(line, '|' order by line)) from (select t::varchar as line from '{}' as t)"
    return {
        table: str(duckdb.sql(ask.format(release / "parquet" / f"{table}.parquet")).fetchall()[0][0])
        for table in tables
    }


def ask(release: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(release / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_failing_test_of_the_models_holds_its_subject_alone(held: Held) -> None:
    assert held.exit_status == 3
    decisions = {each["subject"]: each for each in held.facts["decisions"]}
    assert {name: each["decision"] for name, each in decisions.items()} == {"crime": "held", "measures": "published"}
    assert any("area" in reason for reason in decisions["crime"]["reasons"])
    assert held.facts["release_number"] == 2


def test_a_held_subject_keeps_the_tables_of_the_last_release(held: Held) -> None:
    assert digests(held.release(2), CRIME_TABLES) == held.served_before
    assert ask(held.release(2), "select max(month) from core.fct_recorded_crime") == [(date(2020, 5, 1),)]


def test_the_other_subject_is_published_beside_a_held_one(held: Held) -> None:
    assert ask(held.release(1), "select count(*) from core.fct_measure_value") == [(0,)]
    assert ask(held.release(2), "select count(*) from core.fct_measure_value") == [(24 * 3,)]


def test_tables_that_subjects_share_carry_over_the_rows_of_held_returns(held: Held) -> None:
    covered = "select return_code, max(slice_period), count(*) from core.fct_coverage group by all order by all"
    assert ask(held.release(1), covered) == [("crime_mps_borough", date(2020, 5, 1), 24)]
    assert ask(held.release(2), covered) == [
        ("crime_mps_borough", date(2020, 5, 1), 24),
        ("mps_force_strength", date(2024, 10, 1), 24),
    ]


def test_a_release_keeps_the_inputs_that_its_tables_were_made_from(held: Held) -> None:
    """So that what was known on a date can be had from it: of crime, nothing that the build held back."""
    june = {path.name for path in (held.release(1) / "inputs" / "recorded_crime").rglob("*.parquet")}
    assert {path.name for path in (held.release(2) / "inputs" / "recorded_crime").rglob("*.parquet")} == june
    slices = pq.read_table(held.release(2) / "inputs" / "ledger" / "slice.parquet").to_pylist()
    crime = [each for each in slices if each["return_code"] == "crime_mps_borough"]
    assert (len(crime), len(slices)) == (24, 48)
    assert {each["as_at_on"] for each in crime} == {date(2020, 6, 1)}


def test_receipt_and_quality_tables_say_what_is_held_and_why(held: Held) -> None:
    receipt = json.loads((held.release(2) / "receipt.json").read_text(encoding="utf-8"))
    assert receipt["subjects"] == {
        "crime": {"decision": "held", "carried_over_from": 1},
        "measures": {"decision": "published", "carried_over_from": None},
    }
    assert {each["subject"]: each["decision"] for each in receipt["gate"]} == {"crime": "held", "measures": "published"}
    subjects = ask(held.release(2), "select subjects from quality.release where release_number = 2")
    assert json.loads(subjects[0][0]) == receipt["subjects"]
    run_id = receipt["made"]["run_id"]
    decisions = ask(held.release(2), f"select subject, decision from quality.gate_decision where run_id = '{run_id}'")
    assert sorted(decisions) == [("crime", "held"), ("measures", "published")]
    failing = "select count(*) from quality.check_result where build_id is not null and status = 'failed'"
    assert ask(held.release(2), failing)[0][0] >= 1


def test_accepted_rows_are_not_changed_through_the_links_of_a_build(held: Held) -> None:
    for path in held.context.home.accepted.rglob("*.parquet"):
        if "recorded_crime" in path.parts:
            assert "atlantis" not in pq.read_table(path)["area_key"].to_pylist()


def test_a_second_held_run_makes_no_release_and_a_sound_one_publishes(
    held: Held, sample_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Last of the tests on this home: it changes it."""
    with held.context.ledger.look() as session:
        july = session.scalars(select(Delivery).where(Delivery.as_at_on == date(2020, 7, 1))).one()
    with spoilt_build(monkeypatch, july.delivery_id):
        again, facts = run_in_process(held.context, monkeypatch)
    assert (again, facts["release_number"], facts["is_new"]) == (3, 2, False)
    assert sorted(path.name for path in held.context.home.releases.iterdir()) == ["1", "2", "current"]
    status, facts = run_in_process(held.context, monkeypatch)
    assert (status, facts["release_number"], facts["is_new"]) == (0, 3, True)
    totals = ask(held.release(3), "select month, sum(offences)::bigint from core.fct_recorded_crime group by month")
    assert dict(totals) == month_totals(sample_folder, "june", "july")


def month_totals(sample: Path, *bases: str) -> dict[date, int]:
    """Offences of each month by the last of some files that covers it, added up from their cells."""
    totals: dict[date, int] = {}
    for base in bases:
        header, *rows = read_rows(sample / FILE_OF[base])
        for column, label in enumerate(header[3:], start=3):
            totals[date(int(label[:4]), int(label[4:]), 1)] = sum(int(row[column]) for row in rows)
    return totals


# ---- A corrupt file, on the command line: what is said, what readers meet meanwhile, and how it ends ----

Asked = list[dict[str, Any]]
FAILING_ROWS = """
    select
        check_code, file_name, source_row, source_column, source_cell, slice_period, found, failing_row.expected, record
    from quality.failing_row
    inner join quality.check_result using (check_result_id)
    inner join core.dim_delivery on dim_delivery.delivery_id = failing_row.delivery_id
    where severity = 'block' and source_column is not null and slice_period = date '2018-11-01'
"""
CRIME_NOW = "select month, sum(offences)::bigint as offences from core.fct_recorded_crime group by month order by month"


@dataclass(frozen=True)
class Story:
    """Good files; then july with a bad cell, cut off, with a bad label, a bad header; then july as it should be."""

    said: dict[str, CompletedProcess[str]]
    asked: dict[str, Asked]


def _bad_cell(paper: Paper) -> None:
    paper.put(17, 8, "12x")


def _bad_label(paper: Paper) -> None:
    paper.put(1, 20, "2O1911")


def _bad_header(paper: Paper) -> None:
    paper.put(1, 3, "BoroNam")


def _cut_off(paper: Paper) -> None:
    paper.at_the_end = lambda data: data[: len(data) // 2]


CORRUPT: dict[str, Callable[[Paper], None]] = {
    "bad cell": _bad_cell,
    "cut off": _cut_off,
    "bad label": _bad_label,
    "bad header": _bad_header,
}


@pytest.fixture(scope="module")
def story(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    home, outbox = tmp_path_factory.mktemp("story"), tmp_path_factory.mktemp("outbox")
    said, asked = {}, {}

    def metstats(name: str, *arguments: object) -> None:
        said[name] = run_cli(home, *arguments)

    def look(name: str) -> None:
        asked[name] = json.loads(run_cli(home, "sql", CRIME_NOW, "--format", "json").stdout)

    metstats("good", "receive", sample_folder / "x2020-06", sample_folder / "strength")
    metstats("good run", "run")
    look("before")
    for name, spoil in CORRUPT.items():
        paper = paper_of(sample_folder, "july")
        spoil(paper)
        path = outbox / name.replace(" ", "-") / RECENT
        path.parent.mkdir()
        path.write_bytes(paper.data())
        metstats(name, "receive", path, "--as-at", "2020-07-01")
    metstats("held run", "run")
    metstats("held status", "status")
    metstats("failing rows", "sql", FAILING_ROWS, "--format", "json")
    look("while held")
    for name in (RECENT, "delivery-note.csv"):
        (home / "landing" / name).write_bytes((sample_folder / "x2020-07" / name).read_bytes())
    metstats("corrected run", "run")
    look("after")
    return Story(said, asked)


def words(result: CompletedProcess[str]) -> str:
    """What was printed, with the spaces of a screen made single."""
    return re.sub(r"\s+", " ", result.stdout)


def test_the_good_files_publish(story: Story, sample_folder: Path) -> None:
    assert [story.said[name].returncode for name in ("good", "good run")] == [0, 0]
    assert as_totals(story.asked["before"]) == month_totals(sample_folder, "june")


def as_totals(asked: Asked) -> dict[date, int]:
    return {date.fromisoformat(str(line["month"])[:10]): line["offences"] for line in asked}


@pytest.mark.parametrize(
    ("name", "verdict", "sentences"),
    [
        (
            "bad cell",
            "quarantined",
            [
                "1 of its 24 months",
                "Row 17, column 8 (cell H17), November 2018: found '12x'; expected a whole number, 0 or more. "
                "Type the count in digits alone.",
            ],
        ),
        (
            "cut off",
            "quarantined",
            ["all its months", "cells where the header has 27; expected as many cells as the header has."],
        ),
        (
            "bad label",
            "quarantined",
            ["Row 1, column 20 (cell T1): found '2O1911'; expected a month as the contract writes it."],
        ),
        (
            "bad header",
            "unidentified",
            ["nearest is crime_mps_borough", "row 1, column 3 (cell C1) says 'BoroNam'; expected 'BoroughName'"],
        ),
    ],
)
def test_a_corrupt_file_is_told_with_its_row_and_column(
    story: Story, name: str, verdict: str, sentences: list[str]
) -> None:
    result = story.said[name]
    assert result.returncode == 4
    assert words(result).startswith(f"{verdict} {RECENT} ")
    for sentence in sentences:
        assert sentence in words(result)
    assert f"1 {verdict}" in words(result)


def test_the_row_at_which_a_file_was_cut_off_is_the_last_one_there(story: Story, sample_folder: Path) -> None:
    data = paper_of(sample_folder, "july").data()
    rows = data[: len(data) // 2].split(b"\r\n")
    cells = len(next(csv.reader([rows[-1].decode()])))
    assert cells < 27
    assert f"Row {len(rows)}: found {cells} cells where the header has 27" in words(story.said["cut off"])


def test_a_run_holds_crime_for_every_corrupt_file_and_publishes_the_rest(story: Story) -> None:
    result = story.said["held run"]
    assert result.returncode == 3
    assert "held warehouse, crime" in words(result)
    assert "published warehouse, measures" in words(result)
    for at_fault in ("(cell H17)", "cells where the header has 27", "(cell T1)"):
        assert at_fault in words(result)
        assert at_fault in words(story.said["held status"])
    assert words(result).count(f"file '{RECENT}'") == 3


def test_the_release_made_meanwhile_lists_the_failing_cell(story: Story) -> None:
    (line,) = json.loads(story.said["failing rows"].stdout)
    record = line.pop("record")
    assert json.loads(record) == {
        "area_printed": "Barnet",
        "major_category_printed": "Burglary",
        "minor_category_printed": "Burglary - Business and Community",
    }
    assert line == {
        "check_code": "value_is_whole_number",
        "file_name": RECENT,
        "source_row": 17,
        "source_column": 8,
        "source_cell": "H17",
        "slice_period": "2018-11-01",
        "found": "'12x'",
        "expected": "a whole number, 0 or more",
    }


def test_readers_meet_the_same_figures_while_crime_is_held(story: Story) -> None:
    assert story.asked["while held"] == story.asked["before"]


def test_after_the_corrected_file_everything_is_published(story: Story, sample_folder: Path) -> None:
    result = story.said["corrected run"]
    assert result.returncode == 0, result.stdout
    assert "held" not in words(result)
    assert as_totals(story.asked["after"]) == month_totals(sample_folder, "june", "july")
