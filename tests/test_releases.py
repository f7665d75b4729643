"""Releases: what the receipt says, that nothing in them changes, and that readers are never disturbed."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import PROJECT, open_context, read_rows, run_cli
from planted import FILE_OF, RECENT
from sqlalchemy import select

from ingest.accept import place, put_slices
from ledger.tables import Delivery, DeliverySlice, ReleasePin
from orchestration.pipeline import Context
from publication import pointer
from publication.query import QueryError, ask

NEWEST = (f"x2024-11/{RECENT}", "x2024-11/SAMPLE MPS Borough Level Crime (Historical).csv")
LAST_MONTH = "select max(month) as month from core.fct_recorded_crime"
# What a home knows of the times and places of receipt, in the one table that shows it.
OF_RECEIPT = ("received_at", "received_seq", "folder")
ONLY_OF_CRIME = {"area_known", "category_known", "areas_complete"}
ONLY_OF_MEASURES = {"measure_known"}


@dataclass(frozen=True)
class Story:
    """Three releases: June; July beside it; and November 2024, made while readers were pinned to the first."""

    home: Path
    said: dict[str, CompletedProcess[str]]
    served: dict[str, int]
    bytes_of: dict[int, dict[str, str]]

    def release(self, number: int) -> Path:
        return self.home / "releases" / str(number)

    def receipt(self, number: int) -> dict[str, Any]:
        return receipt_in(self.home, number)

    def facts(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.said[name].stdout))


def receipt_in(home: Path, number: int) -> dict[str, Any]:
    return dict(json.loads((home / "releases" / str(number) / "receipt.json").read_text(encoding="utf-8")))


def bytes_in(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def story(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    home = tmp_path_factory.mktemp("story")
    told = Story(home, {}, {}, {})

    def metstats(name: str, *arguments: object) -> None:
        told.said[name] = run_cli(home, *arguments)
        assert told.said[name].returncode == 0, told.said[name].stdout + told.said[name].stderr
        link = home / "releases" / "current"
        told.served[name] = int(link.readlink().name) if link.is_symlink() else 0

    metstats("june", "receive", sample_folder / "x2020-06", sample_folder / "strength")
    metstats("first run", "run", "--json")
    told.bytes_of[1] = bytes_in(told.release(1))
    metstats("july", "receive", sample_folder / "x2020-07")
    metstats("second run", "run", "--json")
    told.bytes_of[2] = bytes_in(told.release(2))
    metstats("run again", "run", "--json")
    metstats("rollback", "release", "rollback", "--by", "Ann Analyst", "--reason", "the July extract is in doubt")
    metstats("list while pinned", "release", "list", "--json")
    metstats("november", "receive", sample_folder / "x2024-11")
    metstats("pinned run", "run")
    metstats("asked while pinned", "sql", LAST_MONTH, "--format", "csv")
    metstats("unpin", "release", "unpin", "--by", "Bob Statistician")
    metstats("last run", "run", "--json")
    metstats("asked at last", "sql", LAST_MONTH, "--format", "csv")
    return told


@pytest.fixture(scope="module")
def other_home(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory, story: Story) -> Path:
    """The inputs of the story's second release, received in another home, later, and the other way round."""
    home = tmp_path_factory.mktemp("other")
    for folder in ("x2020-07", "strength", "x2020-06"):
        assert run_cli(home, "receive", sample_folder / folder).returncode == 0
    assert run_cli(home, "run").returncode == 0
    return home


# ---- The receipt ----


def test_the_receipt_lists_every_delivery_with_the_hash_of_its_bytes(story: Story, sample_folder: Path) -> None:
    wanted = {}
    for base, as_at_on, source in (
        ("june", "2020-06-01", "declared by delivery note"),
        ("july", "2020-07-01", "declared by delivery note"),
        ("strength", "2024-11-01", "contract rule"),
    ):
        data = (sample_folder / FILE_OF[base]).read_bytes()
        wanted[hashlib.sha256(data).hexdigest()] = (Path(FILE_OF[base]).name, len(data), as_at_on, source)
    lines = story.receipt(2)["deliveries"]
    found = {
        each["sha256"]: (each["file_name"], each["bytes"], each["as_at_on"], each["as_at_source"]) for each in lines
    }
    assert found == wanted
    assert [each["delivery_id"] for each in lines] == sorted(each["delivery_id"] for each in lines)
    # June is overtaken by July in all months but its first.
    assert {each["verdict"] for each in lines} == {"accepted"}


def test_the_receipt_has_every_check_of_every_delivery_and_of_the_build(story: Story) -> None:
    receipt = story.receipt(2)
    codes = {entry["code"] for entry in yaml.safe_load((PROJECT / "expectations/checks.yaml").read_text("utf-8"))}
    for delivery in receipt["deliveries"]:
        is_crime = delivery["return_code"] == "crime_mps_borough"
        owed = codes - (ONLY_OF_MEASURES if is_crime else ONLY_OF_CRIME)
        of_it = [each for each in receipt["checks"] if each["about"] == delivery["delivery_id"]]
        assert sorted(each["check_code"] for each in of_it) == sorted(owed)
    ids = {each["delivery_id"] for each in receipt["deliveries"]}
    of_build = [each for each in receipt["checks"] if each["about"] not in ids]
    assert {each["about"].split(".")[0] for each in of_build} == {"operation", "model", "seed", "test"}
    assert len(of_build) == len({each["about"] for each in of_build}) > 100
    assert {(each["check_code"], each["severity"]) for each in receipt["checks"] if each["status"] != "passed"} == {
        ("as_at_declared", "warn")
    }


def test_the_receipt_says_what_was_decided_and_by_which_code(story: Story) -> None:
    receipt = story.receipt(2)
    assert [(each["publication"], each["subject"], each["decision"], each["reasons"]) for each in receipt["gate"]] == [
        ("warehouse", "crime", "published", []),
        ("warehouse", "measures", "published", []),
    ]
    assert receipt["release_number"] == 2
    assert re.fullmatch("[0-9a-f]{12}", receipt["code_version"])
    assert receipt["waivers"] == receipt["approvals"] == []
    assert receipt["made"]["run_id"] == story.facts("second run")["run_id"]


def test_the_receipt_counts_and_digests_what_the_parquet_holds(story: Story) -> None:
    """The digest is the exclusive or of the hashes of a table's rows: of any order, and of these rows alone."""
    folder = story.release(2) / "parquet"
    listed = {each["table"]: (each["rows"], each["digest"]) for each in story.receipt(2)["tables"]}
    found = {}
    for path in folder.glob("*.parquet"):
        query = f"select count(*), bit_xor(hash(t)) from read_parquet('{path}') as t"
        rows, digest = duckdb.sql(query).fetchall()[0]
        found[path.stem] = (rows, f"{digest or 0:016x}")
    assert {name: line for name, line in found.items() if not name.startswith("quality.")} == listed
    assert len({digest for _, digest in listed.values()}) > 10


def test_the_warehouse_and_the_parquet_of_a_release_hold_the_same(story: Story) -> None:
    folder = story.release(2)
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        names = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        for (name,) in names:
            parquet = f"select * from read_parquet('{folder / 'parquet' / name}.parquet')"
            left = connection.execute(f"(from {name}) except all ({parquet})").fetchall()
            assert left == [], name
            counts = f"select (select count(*) from {name}) - (select count(*) from ({parquet}))"
            assert connection.execute(counts).fetchall() == [(0,)], name
    assert {name for (name,) in names} == {path.stem for path in (folder / "parquet").glob("*.parquet")}
    assert {name for (name,) in names if name.startswith("quality.")} >= {
        f"quality.{name}" for name in ("check_result", "failing_row", "gate_decision", "release")
    }


def test_quality_tables_are_the_ledgers_record_as_of_the_release(story: Story) -> None:
    with duckdb.connect(str(story.release(2) / "warehouse.duckdb"), read_only=True) as connection:
        releases = connection.execute("select release_number from quality.release order by 1").fetchall()
        decisions = connection.execute("select count(*), count(distinct run_id) from quality.gate_decision").fetchall()
    assert releases == [(1,), (2,)]
    assert decisions == [(4, 2)]


def test_every_file_of_a_release_is_read_only(story: Story) -> None:
    files = [path for path in story.release(2).rglob("*") if path.is_file()]
    assert len(files) > 25
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o444"}


# ---- The same inputs ----


def without_times(receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt without number, run and times; without the digest of the table that shows the times of receipt."""
    rest = {name: value for name, value in receipt.items() if name not in ("made", "release_number")}
    deliveries = [{name: v for name, v in each.items() if name != "received_at"} for each in rest["deliveries"]]
    tables = [{**each, "digest": ""} if each["table"] == "core.dim_delivery" else each for each in rest["tables"]]
    return rest | {"deliveries": deliveries, "tables": tables}


def rows_but_of_receipt(folder: Path) -> list[dict[str, Any]]:
    table = pq.read_table(folder / "parquet" / "core.dim_delivery.parquet").drop_columns(list(OF_RECEIPT))
    return sorted(table.to_pylist(), key=lambda each: each["delivery_id"])


def test_the_same_inputs_give_the_same_receipt_but_for_times(story: Story, other_home: Path) -> None:
    here, there = story.receipt(2), receipt_in(other_home, 1)
    assert here["made"]["run_id"] != there["made"]["run_id"]
    times = [[each["received_at"] for each in receipt["deliveries"]] for receipt in (here, there)]
    assert times[0] != times[1]
    assert without_times(here) == without_times(there)
    assert rows_but_of_receipt(story.release(2)) == rows_but_of_receipt(other_home / "releases" / "1")


def test_other_inputs_give_another_receipt(story: Story) -> None:
    june, july = ({each["table"]: each["digest"] for each in story.receipt(number)["tables"]} for number in (1, 2))
    changed = {name for name in june if june[name] != july[name]}
    assert {"core.fct_recorded_crime", "core.fct_coverage", "marts.crime_summary"} <= changed
    assert not {"core.fct_measure_value", "core.dim_month", "core.dim_area"} & changed


def test_a_run_with_nothing_new_makes_no_release(story: Story) -> None:
    facts = story.facts("run again")
    assert (facts["release_number"], facts["is_new"], facts["is_served"]) == (2, False, True)
    assert (story.facts("second run")["release_number"], story.facts("second run")["is_new"]) == (2, True)
    assert sorted(path.name for path in (story.home / "releases").iterdir()) == ["1", "2", "3", "current"]


# ---- Rolling back ----


def test_a_rollback_moves_readers_back_and_pins(story: Story) -> None:
    assert [story.served[name] for name in ("first run", "second run", "run again", "rollback")] == [1, 2, 2, 1]
    assert "release 1" in story.said["rollback"].stdout
    listed = {each["release_number"]: each for each in json.loads(story.said["list while pinned"].stdout)}
    assert [(each["is_current"], each["is_pinned"]) for each in listed.values()] == [(True, True), (False, False)]


def test_a_pinned_run_makes_a_release_that_readers_do_not_meet(story: Story) -> None:
    assert story.served["pinned run"] == 1
    said = " ".join(story.said["pinned run"].stdout.split())
    assert "Release 3 is new" in said
    assert "Readers do not meet it yet: a release is pinned" in said
    assert story.said["asked while pinned"].stdout.split()[1].strip('"') == "2020-05-01"


def test_after_unpinning_the_next_run_moves_readers_to_the_newest(story: Story) -> None:
    assert (story.served["unpin"], story.served["last run"]) == (1, 3)
    facts = story.facts("last run")
    assert (facts["release_number"], facts["is_new"], facts["is_served"]) == (3, False, True)
    assert story.said["asked at last"].stdout.split()[1].strip('"') == "2024-10-01"


def test_the_ledger_says_who_rolled_back_why_and_who_unpinned(story: Story) -> None:
    with open_context(story.home).ledger.look() as session:
        pin = session.scalars(select(ReleasePin)).one()
    assert (pin.release_number, pin.pinned_by, pin.reason) == (1, "Ann Analyst", "the July extract is in doubt")
    assert pin.unpinned_by == "Bob Statistician"
    assert pin.unpinned_at is not None
    assert pin.unpinned_at > pin.pinned_at


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("release", "unpin"), "--by"),
        (("release", "unpin", "--by", "Bob"), "No release is pinned"),
        (("release", "rollback", "9", "--by", "Ann"), "There is no release 9; there are 1, 2, 3"),
        (("release", "show", "9"), "There is no release 9"),
    ],
)
def test_what_cannot_be_done_to_releases_is_wrong_usage_and_changes_nothing(
    story: Story, arguments: tuple[str, ...], words: str
) -> None:
    result = run_cli(story.home, *arguments)
    assert result.returncode == 2
    assert words in " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.stderr).split())
    assert pointer.current(open_context(story.home).home) == 3


def test_there_is_nothing_before_the_first_release_to_go_back_to(cli: Callable[..., CompletedProcess[str]]) -> None:
    result = cli("release", "rollback", "--by", "Ann")
    assert result.returncode == 2
    assert "There is no earlier release to go back to" in " ".join(result.stderr.split())


def test_rolling_back_again_goes_from_the_release_that_readers_meet(story: Story) -> None:
    """Each rollback ends the pin before it; the story's state is put back after it."""
    context = open_context(story.home)
    pins = []
    try:
        for number in (None, None):
            pins.append(pointer.rollback(context.home, context.ledger, number, "Ann", "again"))
        assert pins == [2, 1]
        with pytest.raises(pointer.PointerError, match="no earlier release"):
            pointer.rollback(context.home, context.ledger, None, "Ann", "again")
        with context.ledger.look() as session:
            open_pins = session.scalars(select(ReleasePin).where(ReleasePin.unpinned_at.is_(None))).all()
        assert [pin.release_number for pin in open_pins] == [1]
    finally:
        pointer.unpin(context.ledger, "Ann")
        assert pointer.serve(context.home, context.ledger, 3)


# ---- Nothing in a release changes ----


def test_later_runs_receipts_and_rollbacks_change_no_byte_of_a_release(story: Story) -> None:
    assert bytes_in(story.release(1)) == story.bytes_of[1]
    assert bytes_in(story.release(2)) == story.bytes_of[2]


def test_rewriting_accepted_rows_does_not_reach_into_releases(story: Story) -> None:
    """A release's inputs are links to accepted rows: these are replaced, never written through."""
    context = open_context(story.home)
    with context.ledger.look() as session:
        june = session.scalars(select(Delivery).where(Delivery.as_at_on == date(2020, 6, 1))).one()
        of_june = select(DeliverySlice.slice_period).where(DeliverySlice.delivery_id == june.delivery_id)
        periods = sorted(session.scalars(of_june))
    accepted = place(context.home.accepted, june)
    kept = story.release(2) / "inputs" / accepted.relative_to(context.home.accepted)
    assert kept.samefile(accepted)
    put_slices(context.home, june, periods[:3], periods[3:])
    assert pq.read_metadata(accepted).num_rows == 3 * (len(read_rows_of_june(story)) - 1)
    assert not kept.samefile(accepted)
    assert bytes_in(story.release(2)) == story.bytes_of[2]
    put_slices(context.home, june, periods, [])
    assert bytes_in(story.release(2)) == story.bytes_of[2]


def read_rows_of_june(story: Story) -> list[list[str]]:
    line = next(each for each in story.receipt(2)["deliveries"] if each["as_at_on"] == "2020-06-01")
    return read_rows(open_context(story.home).home.raw_file(line["sha256"]))


# ---- Readers ----


@contextmanager
def swapping(context: Context, numbers: tuple[int, int]) -> Iterator[list[int]]:
    """Point `current` from one release to the other and back, as fast as that goes, while the block lasts."""
    swaps: list[int] = []
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            pointer.serve(context.home, context.ledger, numbers[len(swaps) % 2])
            swaps.append(len(swaps))

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield swaps
    finally:
        stop.set()
        thread.join()
        pointer.serve(context.home, context.ledger, 3)


def test_readers_meet_one_whole_release_or_the_other_while_they_are_swapped(story: Story) -> None:
    query = "select (select max(month) from core.fct_recorded_crime), (select max(release_number) from quality.release)"
    context = open_context(story.home)
    with swapping(context, (1, 2)) as swaps:
        met = [tuple(ask(context.home, query, None, None).to_pylist()[0].values()) for _ in range(60)]
    assert len(swaps) > 10
    whole = {(date(2020, 5, 1), 1), (date(2020, 6, 1), 2)}
    assert set(met) - {(date(2024, 10, 1), 3)} == whole


def test_a_reader_of_the_old_release_is_not_disturbed(story: Story) -> None:
    context = open_context(story.home)
    pointer.serve(context.home, context.ledger, 1)
    current = context.home.releases / "current"
    with (
        duckdb.connect(str(current / "warehouse.duckdb"), read_only=True) as reader,
        swapping(context, (2, 1)) as swaps,
    ):
        months = {reader.execute(LAST_MONTH).fetchall()[0][0] for _ in range(100)}
    assert len(swaps) > 10
    assert months == {date(2020, 5, 1)}


FORBIDDEN = (
    "create table core.mine as select 1 as one",
    "create view core.mine as select 1 as one",
    "create schema mine",
    "insert into core.dim_month select * from core.dim_month",
    "update core.fct_recorded_crime set offences = 0",
    "delete from core.fct_recorded_crime",
    "truncate core.fct_recorded_crime",
    "drop table core.fct_recorded_crime",
    "alter table core.dim_month rename to dim_mouth",
    "comment on table core.dim_month is 'mine'",
    "select 1; drop table core.fct_recorded_crime",
    "attach '{tmp}/mine.duckdb' as mine",
    "attach '{home}/ledger.sqlite' as ledger (type sqlite)",
    "attach '{home}/releases/1/warehouse.duckdb' as other",
    "copy core.dim_month to '{tmp}/mine.csv'",
    "copy (select 1) to '{tmp}/mine.parquet' (format parquet)",
    "export database '{tmp}/mine'",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('{home}/ledger.sqlite')",
    "select * from glob('/*')",
    "select * from '{home}/releases/1/parquet/core.dim_month.parquet'",
    "select * from read_parquet('{home}/releases/3/parquet/core.dim_month.parquet')",
    "install httpfs",
    "load httpfs",
    "create secret mine (type s3, key_id 'x', secret 'y')",
    "set enable_external_access = true",
    "reset enable_external_access",
    "set lock_configuration = false",
    "set TimeZone = 'Asia/Tokyo'",
    "set allowed_directories = ['/']",
    "pragma memory_limit = '1GB'",
    "",
    "-- nothing",
    "select no_such_column from core.dim_month",
)


@pytest.mark.parametrize("query", FORBIDDEN)
def test_a_query_can_read_its_release_and_nothing_else(story: Story, tmp_path: Path, query: str) -> None:
    context = open_context(story.home)
    with pytest.raises(QueryError):
        ask(context.home, query.format(tmp=tmp_path, home=story.home), None, None)
    assert list(tmp_path.iterdir()) == []
    assert bytes_in(story.release(2)) == story.bytes_of[2]


def test_a_forbidden_query_is_wrong_usage_on_the_command_line(story: Story) -> None:
    before = bytes_in(story.release(3))
    result = run_cli(story.home, "sql", "drop table core.fct_recorded_crime")
    assert (result.returncode, result.stdout) == (2, "")
    assert "read-only" in result.stderr
    assert bytes_in(story.release(3)) == before
