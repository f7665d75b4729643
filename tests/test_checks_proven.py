"""No check is believed until it has been seen to fire: each has planted defects, and trips on nothing sound."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import PROJECT, open_context
from planted import ALL, CRIME, FILE_OF, MEASURES, PLANTED, TABLE_OF, Paper, Planted, paper_of
from sqlalchemy import select

from contracts import reference
from contracts.model import all_contracts
from expectations.catalogue import all_checks, checks_of
from expectations.frames import Answer, ask
from expectations.history import HISTORY_CHECKS
from expectations.judge import judgement_of
from expectations.suites import Judged, suites_of
from ingest.identify import Identified, identify
from ingest.read import read_grid_as
from ingest.readers.delimited import read_grid
from ingest.receive import Handover
from ledger.tables import CheckResult, Delivery, DeliverySlice, FailingRow
from orchestration import pipeline
from orchestration.pipeline import Context

CATALOGUE = yaml.safe_load((PROJECT / "expectations" / "checks.yaml").read_text(encoding="utf-8"))
ENTRIES = {entry["code"]: entry for entry in CATALOGUE}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BOTH_TABLES = [CRIME, MEASURES]


@dataclass(frozen=True)
class Verdict:
    """What the ledger says of one delivery."""

    delivery: Delivery
    results: dict[str, CheckResult]
    failing_rows: dict[str, list[FailingRow]]
    slices: list[DeliverySlice]

    def failed(self, severity: str) -> set[str]:
        return {code for code, r in self.results.items() if r.status != "passed" and r.severity == severity}

    def months(self, state: str) -> set[date]:
        return {each.slice_period for each in self.slices if each.state == state}


def verdict_on(context: Context, delivery_id: str) -> Verdict:
    """The latest result of each check of a delivery, with its failing rows, and the states of its slices."""
    with context.ledger.look() as session:
        of_it = select(CheckResult).where(CheckResult.delivery_id == delivery_id)
        results = {each.check_code: each for each in session.scalars(of_it.order_by(CheckResult.check_result_id))}
        rows = {
            code: list(session.scalars(select(FailingRow).where(FailingRow.check_result_id == each.check_result_id)))
            for code, each in results.items()
        }
        slices = list(session.scalars(select(DeliverySlice).where(DeliverySlice.delivery_id == delivery_id)))
        delivery = session.scalars(select(Delivery).where(Delivery.delivery_id == delivery_id)).one()
    return Verdict(delivery, results, rows, slices)


def hand_in(context: Context, paper: Paper, path: Path) -> Verdict:
    """Receive a paper as a file, dated as it says, and give what was made of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(paper.data())
    receipt = pipeline.receive(context, [path], Handover(paper.as_at_on)).receipts[0]
    assert receipt.delivery_id, receipt.reason
    return verdict_on(context, receipt.delivery_id)


def readable_months(text: str, table: str) -> set[date]:
    """The months that a spoilt file still names, by the test's own reading of its labels."""
    lines = text.splitlines()
    if table == CRIME:
        labels = re.findall(r"\b(20\d\d)(0[1-9]|1[0-2])\b", lines[0])
        return {date(int(year), int(number), 1) for year, number in labels}
    labels = [re.match(rf"({'|'.join(MONTHS)})-(\d\d),", line) for line in lines]
    return {date(2000 + int(label[2]), MONTHS.index(label[1]) + 1, 1) for label in labels if label}


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: f"{planted.check}: {planted.name}")
def test_a_planted_defect_is_found_at_its_address(planted: Planted, sample_folder: Path, tmp_path: Path) -> None:
    context = open_context(tmp_path / "home")
    if planted.after:
        hand_in(context, paper_of(sample_folder, planted.after), tmp_path / "before.csv")
    paper = paper_of(sample_folder, planted.base)
    planted.spoil(paper)
    verdict = hand_in(context, paper, tmp_path / "spoilt.csv")

    assert_only_this_check_fails(planted, verdict)
    assert_it_says_where_and_what(planted, verdict)
    assert_what_is_kept_out(planted, verdict, readable_months(paper.data().decode(), planted.table))


def assert_only_this_check_fails(planted: Planted, verdict: Verdict) -> None:
    entry = ENTRIES[planted.check]
    failed = {severity: verdict.failed(severity) for severity in ("block", "warn")}
    assert planted.check in failed[entry["severity"]]
    assert failed["block"] - {planted.check} == set(planted.also)
    assert failed["warn"] <= {planted.check}
    result = verdict.results[planted.check]
    assert (result.status, result.reach, result.mended_by) == ("failed", entry["reach"], entry["mended_by"])


def assert_it_says_where_and_what(planted: Planted, verdict: Verdict) -> None:
    entry, rows = ENTRIES[planted.check], verdict.failing_rows[planted.check]
    assert [(row.source_row, row.source_column, row.source_cell) for row in rows] == list(planted.at)
    assert verdict.results[planted.check].failing_count == len(planted.at)
    for row, (number, column, cell) in zip(rows, planted.at, strict=True):
        assert row.message.startswith(f"{where_in_words(row, number, column, cell)}ound {row.found}")
        assert row.message.endswith(f"; expected {entry['expected']}. {entry['remedy']}")
        assert row.expected == entry["expected"]
    assert any(planted.found in row.message for row in rows)
    assert verdict.results[planted.check].message.startswith(rows[0].message)


def where_in_words(row: FailingRow, number: int | None, column: int | None, cell: str | None) -> str:
    """How a message begins: with every part of the address that there is."""
    parts = [f"row {number}"] if number else []
    parts += [f"column {column} (cell {cell})"] if column else []
    parts += [f"{row.slice_period:%B %Y}"] if row.slice_period else []
    address = ", ".join(parts)
    return f"{address[0].upper()}{address[1:]}: f" if address else "F"


def assert_what_is_kept_out(planted: Planted, verdict: Verdict, readable: set[date]) -> None:
    blocked = readable if planted.keeps_out == ALL else set(planted.keeps_out)
    assert verdict.months("blocked") == blocked
    assert verdict.months("accepted") == readable - blocked
    assert all(planted.check in each.blocked_by for each in verdict.slices if each.state == "blocked")
    all_is_well = readable and not blocked
    assert verdict.delivery.verdict == ("accepted" if all_is_well else "quarantined")


def test_every_check_of_the_catalogue_has_a_planted_defect(capsys: pytest.CaptureFixture[str]) -> None:
    owed = {(table, code) for table in BOTH_TABLES for code in codes_in_catalogue(table)}
    proven = {(planted.table, planted.check) for planted in PLANTED}
    # A measure can stand twice only once it has two spellings; its own test below plants that.
    proven.add((MEASURES, "key_unique"))
    assert owed == proven
    assert len({planted.name for planted in PLANTED}) == len(PLANTED)
    with capsys.disabled():
        print(f"\n{len(ENTRIES)} checks, {len(PLANTED) + 1} planted defects")  # noqa: T201


def codes_in_catalogue(table: str) -> list[str]:
    return [entry["code"] for entry in CATALOGUE if table in entry.get("tables", BOTH_TABLES)]


def test_a_measure_under_two_spellings_is_found_twice(
    sample_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D08 of measures: as if `Officers` were listed as another spelling of `Police Officer Strength`."""
    known = reference.measure_codes("mps_force_strength") | {"officers": "police_officer_strength"}
    monkeypatch.setattr(reference, "measure_codes", lambda _: known)
    paper = paper_of(sample_folder, "strength")
    for row, text in zip(paper.rows, ["Officers", *(row[1] for row in paper.rows[1:])], strict=True):
        row.append(text)
    verdict = hand_in(open_context(tmp_path / "home"), paper, tmp_path / "spoilt.csv")
    assert verdict.failed("block") == {"key_unique"}
    assert [row.source_cell for row in verdict.failing_rows["key_unique"]] == ["B1", "E1"]
    assert verdict.months("accepted") == set()


@pytest.fixture(scope="module")
def clean(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Verdict]]:
    """Every delivery of the unspoilt sample."""
    context = open_context(tmp_path_factory.mktemp("clean"))
    pipeline.receive(context, [sample_folder], Handover())
    yield verdicts_of(context)


def verdicts_of(context: Context) -> list[Verdict]:
    with context.ledger.look() as session:
        ids = list(session.scalars(select(Delivery.delivery_id).order_by(Delivery.seq)))
    return [verdict_on(context, delivery_id) for delivery_id in ids]


def assert_nothing_fires(verdicts: list[Verdict]) -> None:
    """Every check that is owed ran and passed; one file came without a date, which is a warning."""
    for verdict in verdicts:
        assert set(verdict.results) == set(codes_in_catalogue(verdict.delivery.table_name))
        assert verdict.failed("block") == set(), verdict.delivery.file_name
        is_dated = verdict.delivery.declared_as_at_on is not None
        assert verdict.failed("warn") == (set() if is_dated else {"as_at_declared"})
        assert is_dated or verdict.delivery.table_name == MEASURES
        assert verdict.months("blocked") == set()
        assert verdict.months("accepted") != set()
        assert verdict.delivery.verdict in ("accepted", "superseded")


def test_no_check_fires_on_the_clean_sample(clean: list[Verdict]) -> None:
    assert len(clean) == 7
    assert_nothing_fires(clean)


def test_no_check_fires_on_the_genuine_files(real_data: Path, tmp_path: Path) -> None:
    context = open_context(tmp_path / "home")
    folders = [real_data / "mps_recorded_crime_borough", real_data / "mps_force_strength"]
    pipeline.receive(context, folders, Handover())
    verdicts = verdicts_of(context)
    assert Counter(verdict.delivery.table_name for verdict in verdicts) == {CRIME: 9, MEASURES: 1}
    assert_nothing_fires(verdicts)


@pytest.mark.parametrize("base", FILE_OF)
def test_the_checks_owed_are_the_checks_asked(base: str, sample_folder: Path, clean: list[Verdict]) -> None:
    table = TABLE_OF[base]
    grid = read_grid(paper_of(sample_folder, base).data())
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    delivery = next(verdict.delivery for verdict in clean if verdict.delivery.table_name == table)
    judged = Judged(delivery, identified.contract, read_grid_as(grid, identified))
    asked = [code for _, _, expectations in suites_of(judged) for code in expectations]
    assert len(asked) == len(set(asked))
    assert sorted([*asked, *HISTORY_CHECKS]) == sorted(checks_of(table)) == sorted(codes_in_catalogue(table))


def test_a_check_that_cannot_be_run_counts_as_failed_and_keeps_everything_out(
    sample_folder: Path, clean: list[Verdict]
) -> None:
    grid = read_grid(paper_of(sample_folder, "june").data())
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    judged = Judged(clean[0].delivery, identified.contract, read_grid_as(grid, identified))
    expectations = next(asked for name, _, asked in suites_of(judged) if name == "cells")
    frame = judged.reading.cells.drop(columns="value")
    answers = {answer.code: answer for answer in ask(frame, expectations)}
    assert set(answers) == {"value_is_whole_number", "value_not_negative"}
    for answer in answers.values():
        judgement = judgement_of(answer, "cells", frame, judged)
        assert judgement.status == "errored"
        assert "value" in judgement.message
        assert judgement.blocked == set(judged.reading.slices)
        assert len(judgement.blocked) == 24


def test_a_warning_that_cannot_be_run_keeps_everything_out_too(sample_folder: Path, clean: list[Verdict]) -> None:
    grid = read_grid(paper_of(sample_folder, "june").data())
    identified = identify(grid, all_contracts())
    assert isinstance(identified, Identified)
    judged = Judged(clean[0].delivery, identified.contract, read_grid_as(grid, identified))
    judgement = judgement_of(Answer("last_line_ended", False, error="broken"), "file", pd.DataFrame(), judged)
    assert judgement.blocked == set(judged.reading.slices)


def test_very_many_failing_cells_are_counted_in_full_and_listed_to_a_thousand(
    sample_folder: Path, tmp_path: Path
) -> None:
    paper = paper_of(sample_folder, "june")
    for row in paper.rows[1:]:
        row[3:] = ["x"] * 24
    verdict = hand_in(open_context(tmp_path / "home"), paper, tmp_path / "spoilt.csv")
    result = verdict.results["value_is_whole_number"]
    assert result.failing_count == 494 * 24
    assert "(And 11,855 more.)" in result.message
    assert len(verdict.failing_rows["value_is_whole_number"]) == 1_000


def test_each_check_says_how_hard_it_is_and_what_to_do() -> None:
    assert list(all_checks()) == list(ENTRIES)
    for entry in CATALOGUE:
        assert entry["sentence"].endswith(".")
        assert entry["remedy"].endswith((".", "?"))
        assert not entry["expected"].endswith(".")
        assert entry["reach"] in ("cell", "row", "slice", "delivery")
