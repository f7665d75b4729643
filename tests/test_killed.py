"""Killed at any moment and run again: the same release as if nothing had happened, and nothing left lying about."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import METSTATS, PROJECT, SETTLE_SECONDS, open_context, run_cli
from killed_child import JUDGED, POINTS, ROLLBACK, replayed
from planted import paper_of

from ledger.store import now
from ledger.tables import Release
from orchestration import pipeline
from publication import pointer, warehouse
from publication.release import Outcome

TWO_CATEGORIES = ("Burglary - Residential", "Shoplifting")
NOTE = "delivery-note.csv"
OF_RECEIPT = ["received_at", "folder"]
FILES = 7
"""Four returns, three of them with a note beside them."""


def write_landing(home: Path, sample: Path) -> None:
    """June, the same day's June a fortnight later with one more offence, July and strength; small, to be quick.

    The names sort after those of the notes, so that a note is taken before the file that it is about.
    """
    for folder, base, as_at_on in (
        ("june", "june", date(2020, 6, 1)),
        ("june-again", "june", date(2020, 6, 15)),
        ("july", "july", date(2020, 7, 1)),
    ):
        paper = paper_of(sample, base)
        paper.rows[1:] = [row for row in paper.rows[1:] if row[1] in TWO_CATEGORIES]
        if folder == "june-again":
            paper.put(2, 4, str(int(paper.rows[1][3]) + 1))
        place = home / "landing" / folder
        place.mkdir(parents=True)
        (place / "extract.csv").write_bytes(paper.data())
        (place / NOTE).write_text(f"file,as_at_on,sender\nextract.csv,{as_at_on},Sender\n", encoding="utf-8")
    (home / "landing" / "strength.csv").write_bytes(paper_of(sample, "strength").data())


def landed(home: Path) -> list[Path]:
    return [path for path in (home / "landing").rglob("*") if path.is_file()]


@dataclass(frozen=True)
class Undisturbed:
    """A home whose run was not disturbed, and the bytes that had landed in it."""

    home: Path
    sha256s: frozenset[str]

    @property
    def build(self) -> Path:
        (folder,) = (self.home / "build").iterdir()
        return folder


@pytest.fixture(scope="module")
def undisturbed(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home = tmp_path_factory.mktemp("undisturbed")
    write_landing(home, sample_folder)
    hashes = frozenset(hashlib.sha256(path.read_bytes()).hexdigest() for path in landed(home))
    assert len(hashes) == FILES
    result = run_cli(home, "run")
    assert result.returncode == 0, result.stdout + result.stderr
    return Undisturbed(home, hashes)


@pytest.fixture(scope="module")
def killer() -> Iterator[subprocess.Popen[str]]:
    """A process that forks others, which run the pipeline and kill themselves."""
    paths = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
    with subprocess.Popen(
        [sys.executable, str(PROJECT / "tests" / "killed_child.py")],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def kill_at(killer: subprocess.Popen[str], home: Path, what: Path | str, point: str) -> None:
    assert killer.stdin
    assert killer.stdout
    killer.stdin.write(f"{home}\t{what}\t{point}\n")
    killer.stdin.flush()
    assert killer.stdout.readline() == f"{-signal.SIGKILL}\n"


def run_again(home: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch) -> pipeline.RunReport:
    """Run to the end, with dbt's work taken from the undisturbed run once the inputs are seen to be the same."""
    replay = replayed(undisturbed.build)

    def run_dbt(arguments: list[str], folder: Path, *rest: Any) -> None:
        assert rows_of(folder / "inputs") == rows_of(undisturbed.build / "inputs")
        replay(arguments, folder, *rest)

    monkeypatch.setattr(warehouse, "run_dbt", run_dbt)
    return pipeline.run(open_context(home), "again")


def rows_of(folder: Path) -> dict[str, Any]:
    """Every table of Parquet under a folder, but for the times and places of receipt."""
    return {
        path.relative_to(folder).as_posix(): rows_but(pq.read_table(path), OF_RECEIPT)
        for path in sorted(folder.rglob("*.parquet"))
    }


def rows_but(table: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    kept = table.drop_columns([name for name in columns if name in table.column_names])
    return sorted(kept.to_pylist(), key=str)


def assert_as_if_undisturbed(home: Path, undisturbed: Undisturbed) -> None:
    assert_same_release(home, undisturbed)
    assert_nothing_lies_about(home)
    assert_everything_is_kept(home, undisturbed)
    assert ledger_in(home) == ledger_in(undisturbed.home)


def assert_same_release(home: Path, undisturbed: Undisturbed) -> None:
    assert (home / "releases" / "current").readlink() == Path("1")
    ours, theirs = home / "releases" / "1", undisturbed.home / "releases" / "1"
    assert receipt_without_times(ours) == receipt_without_times(theirs)
    tables = sorted(path.name for path in (theirs / "parquet").iterdir())
    assert sorted(path.name for path in (ours / "parquet").iterdir()) == tables
    assert rows_of(ours / "inputs") == rows_of(theirs / "inputs")


def receipt_without_times(release: Path) -> dict[str, Any]:
    """A receipt without run and times, and without the digest of the table that shows times and places of receipt."""
    receipt = json.loads((release / "receipt.json").read_text(encoding="utf-8"))
    del receipt["made"]
    for delivery in receipt["deliveries"]:
        del delivery["received_at"]
    for table in receipt["tables"]:
        if table["table"] == "core.dim_delivery":
            del table["digest"]
    return dict(receipt)


def assert_nothing_lies_about(home: Path) -> None:
    # A release that never reached the ledger is kept under a name that nobody reads.
    lying = [path.name for path in (home / "releases").iterdir() if not path.name.startswith(".stray-1-")]
    assert sorted(lying) == ["1", "current"]
    assert landed(home) == []
    assert list(home.rglob("*.unfinished")) == []
    assert [path.name for path in (home / "raw").iterdir() if not path.is_dir()] == []


def assert_everything_is_kept(home: Path, undisturbed: Undisturbed) -> None:
    kept = [path for path in (home / "raw").rglob("*") if path.is_file()]
    assert {path.name for path in kept} == undisturbed.sha256s
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in kept)


def ledger_in(home: Path) -> dict[str, list[Any]]:
    """What the ledger believes; how often a file was received or judged on the way there makes no difference."""
    with sqlite3.connect(home / "ledger.sqlite") as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        queries = {
            "deliveries": "select seq, delivery_id, as_at_on, verdict, verdict_reason, superseded_by from delivery",
            "slices": "select delivery_id, slice_period, total, state, blocked_by from delivery_slice order by 1, 2",
            "files": "select distinct file_name, sha256, delivery_id, declared_as_at_on from file_receipt order by 2",
            "open": "select count(*) from file_receipt where verdict in ('received', 'quarantined', 'unidentified')",
            "releases": "select release_number, subjects from release",
            "latest": "select delivery_id, check_code, status, message from check_result where delivery_id is not null "
            "group by delivery_id, check_code having check_result_id = max(check_result_id) order by 1, 2",
        }
        found = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    assert len(found["deliveries"]) == 4
    assert found["open"] == [(0,)]
    return found


EARLY = list(POINTS)[: list(POINTS).index(JUDGED) + 1]
LATE = [point for point in POINTS if point not in EARLY and point != ROLLBACK]


@pytest.mark.parametrize("point", EARLY)
def test_killed_before_the_build_and_run_again_it_ends_as_if_undisturbed(
    point: str,
    killer: subprocess.Popen[str],
    undisturbed: Undisturbed,
    sample_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    write_landing(home, sample_folder)
    kill_at(killer, home, undisturbed.build, point)
    assert_no_file_waits_without_its_note(home)
    assert not (home / "releases" / "current").is_symlink()
    assert run_again(home, undisturbed, monkeypatch).outcome == Outcome(1, is_new=True, is_served=True)
    assert_as_if_undisturbed(home, undisturbed)
    assert runs_in(home) == [("killed", None), ("again", "finished")]


@pytest.fixture(scope="module")
def judged(
    killer: subprocess.Popen[str],
    undisturbed: Undisturbed,
    sample_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A home whose run was killed when its deliveries were judged: where the late points begin."""
    home = tmp_path_factory.mktemp("judged")
    write_landing(home, sample_folder)
    kill_at(killer, home, undisturbed.build, JUDGED)
    return home


@pytest.mark.parametrize("point", LATE)
def test_killed_from_the_build_on_and_run_again_it_ends_as_if_undisturbed(
    point: str,
    killer: subprocess.Popen[str],
    undisturbed: Undisturbed,
    judged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    shutil.copytree(judged, home)
    kill_at(killer, home, undisturbed.build, point)
    is_served = LATE.index(point) >= LATE.index("release served")
    assert (home / "releases" / "current").is_symlink() == is_served
    is_in_ledger = LATE.index(point) >= LATE.index("release in the ledger")
    again = run_again(home, undisturbed, monkeypatch).outcome
    assert again == Outcome(1, is_new=not is_in_ledger, is_served=True)
    assert_as_if_undisturbed(home, undisturbed)
    assert runs_in(home) == [("killed", None), ("killed", None), ("again", "finished")]


def assert_no_file_waits_without_its_note(home: Path) -> None:
    """Else it would be received again, without a date."""
    left = landed(home)
    assert all(path.with_name(NOTE) in left for path in left if path.name == "extract.csv")


def runs_in(home: Path) -> list[tuple[str, str | None]]:
    with sqlite3.connect(home / "ledger.sqlite") as connection:
        return connection.execute("select trigger, outcome from run order by run_id").fetchall()


def test_killed_again_and_again_it_still_ends_as_if_undisturbed(
    killer: subprocess.Popen[str], undisturbed: Undisturbed, sample_folder: Path, tmp_path: Path
) -> None:
    """Each run meets what the one before it left; the last is the command itself, with dbt.

    Until a release stands: one from another home's build has other times of receipt in it, and a new one follows.
    """
    home = tmp_path / "home"
    write_landing(home, sample_folder)
    points = list(POINTS)[: list(POINTS).index("release named") + 1]
    chosen = [point for point in points if "landing" not in point][1::3]
    assert chosen[-1] == "release named"
    for point in chosen:
        kill_at(killer, home, undisturbed.build, point)
    result = run_cli(home, "run", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["release_number"] == 1
    assert_as_if_undisturbed(home, undisturbed)
    assert_same_tables(home, undisturbed)


def assert_same_tables(home: Path, undisturbed: Undisturbed) -> None:
    """Row by row: only what dbt made anew is worth comparing like this."""
    for path in sorted((undisturbed.home / "releases" / "1" / "parquet").glob("*.parquet")):
        if not path.name.startswith("quality."):
            ours = pq.read_table(home / "releases" / "1" / "parquet" / path.name)
            assert rows_but(ours, OF_RECEIPT) == rows_but(pq.read_table(path), OF_RECEIPT), path.name


def start(home: Path) -> subprocess.Popen[str]:
    """`metstats run` in a process group of its own."""
    environment = {**os.environ, "METSTATS_HOME": str(home), "METSTATS_SETTLE_SECONDS": str(SETTLE_SECONDS)}
    return subprocess.Popen(
        [str(METSTATS), "run"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=PROJECT,
    )


@pytest.mark.parametrize("whole_group", [True, False], ids=["with dbt", "without dbt, which goes on by itself"])
def test_a_run_killed_in_the_middle_of_dbt_is_simply_run_again(
    whole_group: bool, undisturbed: Undisturbed, sample_folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    write_landing(home, sample_folder)
    with start(home) as process:
        try:
            wait_for_dbt_to_write(home, process)
        finally:
            if whole_group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not list(home.glob("build/*/target/run_results.json"))
    assert not (home / "releases" / "current").is_symlink()
    result = run_cli(home, "run")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_as_if_undisturbed(home, undisturbed)
    assert_same_tables(home, undisturbed)
    assert [outcome for _, outcome in runs_in(home)] == [None, "finished"]


def wait_for_dbt_to_write(home: Path, process: subprocess.Popen[str]) -> None:
    ends_at = time.monotonic() + 120
    while time.monotonic() < ends_at and process.poll() is None:
        if any(path.stat().st_size > 0 for path in home.glob("build/*/warehouse.duckdb*")):
            return
        time.sleep(0.02)
    pytest.fail("dbt never began to write")


def test_two_runs_at_once_wait_for_each_other(undisturbed: Undisturbed, sample_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_landing(home, sample_folder)
    with start(home) as one, start(home) as other:
        said = [process.communicate(timeout=300) for process in (one, other)]
    assert [process.returncode for process in (one, other)] == [0, 0], said
    assert sum("Release 1 is new" in out for out, _ in said) == 1
    assert sum("nothing has changed" in out for out, _ in said) == 1
    assert_as_if_undisturbed(home, undisturbed)
    assert [outcome for _, outcome in runs_in(home)] == ["finished", "finished"]


def test_a_rollback_killed_before_readers_were_moved_is_finished_by_the_next_run(
    killer: subprocess.Popen[str], undisturbed: Undisturbed, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(undisturbed.home, home, symlinks=True)
    shutil.copytree(home / "releases" / "1", home / "releases" / "2")
    context = open_context(home)
    with context.ledger.write() as session:
        first = session.get_one(Release, 1)
        second = {column.name: getattr(first, column.name) for column in Release.__table__.columns}
        session.add(Release(**second | {"release_number": 2, "released_at": now()}))
    assert pointer.serve(context.home, context.ledger, 2)
    kill_at(killer, home, "rollback", ROLLBACK)
    assert pointer.current(context.home) == 2
    pipeline.take_landing(context)
    assert pointer.current(context.home) == 1
    with context.ledger.look() as session:
        pin = pointer.pinned(session)
    assert pin is not None
    assert (pin.release_number, pin.pinned_by) == (1, "Ann")
