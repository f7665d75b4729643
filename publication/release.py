"""Releases: immutable, numbered, swapped in atomically once everything is on disk."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select

from contracts.model import ReturnContract
from expectations.gate import HELD
from ledger.home import Home, sync_folder
from ledger.store import Ledger, now
from ledger.tables import Build, GateDecision, Release
from publication import inputs, pointer
from publication.quality import write_quality
from publication.receipt import receipt_of
from publication.tables import Table, describe_table, published_tables, sql_text
from publication.warehouse import Artifacts, build_folder

_UNFINISHED = ".unfinished"
_STRAY = ".stray"


class StrayReleaseError(Exception):
    """The ledger and the releases do not belong together; the message says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run's build: the release that now stands (None where all was held and none stood before)."""

    number: int | None
    is_new: bool
    is_served: bool


def publish(
    home: Home,
    ledger: Ledger,
    build: Build,
    decisions: Sequence[GateDecision],
    contracts: dict[str, ReturnContract],
) -> Outcome:
    """Make a release of what the gate let through, and point `current` at it unless it is pinned.

    Nothing is released where everything is held, or where nothing has changed since the last release.
    """
    clear_unfinished(home, ledger)
    if all(decision.decision == HELD for decision in decisions):
        return Outcome(pointer.current(home), is_new=False, is_served=True)
    last = pointer.current(home)
    draft = _draft(home, ledger, build, decisions, contracts, last)
    with ledger.look() as session:
        newest = session.scalars(select(Release).order_by(Release.release_number.desc()).limit(1)).first()
    if newest and newest.fingerprint == draft.fingerprint:
        shutil.rmtree(draft.folder)
        return Outcome(
            newest.release_number, is_new=False, is_served=pointer.serve(home, ledger, newest.release_number)
        )
    number = draft.finish(home, ledger, build)
    return Outcome(number, is_new=True, is_served=pointer.serve(home, ledger, number))


def clear_unfinished(home: Home, ledger: Ledger) -> None:
    """Clear away what a killed run left: drafts, and a release that never reached the ledger.

    Raises :class:`StrayReleaseError` where that release is the one that readers meet.
    """
    with ledger.look() as session:
        known = {str(number) for number in session.scalars(select(Release.release_number))}
    served = pointer.current(home)
    for path in home.releases.iterdir():
        is_stray = path.name.isdigit() and path.name not in known
        if is_stray and path.name == str(served):
            raise StrayReleaseError(
                f"Readers meet release {served}, which the ledger does not know: is the ledger an older copy? "
                "Put the newest ledger back; nothing was changed."
            )
        if is_stray:
            # It was never served by this ledger; but it may have been by another, and a release is never destroyed.
            path.rename(home.releases / f"{_STRAY}-{path.name}-{now():%Y%m%dT%H%M%S}")
        elif path.name.startswith(_UNFINISHED):
            shutil.rmtree(path)


@dataclass(frozen=True)
class _Draft:
    """A release that is complete but for its number."""

    folder: Path
    receipt: dict[str, Any]
    subjects: dict[str, Any]
    fingerprint: str

    def finish(self, home: Home, ledger: Ledger, build: Build) -> int:
        """Give the draft its number: quality tables and receipt are written, then the folder gets its name."""
        with ledger.look() as session:
            numbers = session.scalars(select(Release.release_number)).all()
        number = max(numbers, default=0) + 1
        record = Release(
            release_number=number,
            run_id=build.run_id,
            build_id=build.build_id,
            released_at=now(),
            fingerprint=self.fingerprint,
            subjects=self.subjects,
        )
        write_quality(self.folder, ledger, record)
        made = {
            "run_id": build.run_id,
            "build_id": build.build_id,
            "released_at": record.released_at.isoformat(),
        }
        receipt = {"release_number": number, "made": made, **self.receipt}
        text = json.dumps(receipt, indent=2, ensure_ascii=False, default=str)
        (self.folder / "receipt.json").write_text(text, encoding="utf-8")
        _make_durable(self.folder)
        self.folder.rename(home.releases / str(number))
        sync_folder(home.releases)
        with ledger.write() as session:
            session.add(record)
        return number


def _draft(
    home: Home,
    ledger: Ledger,
    build: Build,
    decisions: Sequence[GateDecision],
    contracts: dict[str, ReturnContract],
    last: int | None,
) -> _Draft:
    """Assemble everything of a release but its number, in a folder of its own."""
    folder = home.releases / f"{_UNFINISHED}-{build.build_id}"
    folder.mkdir()
    held = {decision.subject for decision in decisions if decision.decision == HELD}
    held_returns = {code for code, contract in contracts.items() if contract.subject in held}
    last_folder = home.releases / str(last) if last else None
    built = build_folder(home, build.build_id)
    tables = published_tables(Artifacts(built / "target"))
    inputs.keep(built / "inputs", last_folder, held_returns, folder / "inputs")
    contents = _write_warehouse(folder, built / "warehouse.duckdb", last_folder, tables, held, held_returns)
    subjects = {
        decision.subject: {
            "decision": decision.decision,
            "carried_over_from": _origin(ledger, last, decision.subject) if decision.decision == HELD else None,
        }
        for decision in decisions
    }
    receipt = receipt_of(ledger, build, built / "inputs", decisions, subjects, contents)
    text = json.dumps(without_times(receipt), sort_keys=True, default=str)
    return _Draft(folder, receipt, subjects, hashlib.sha256(text.encode()).hexdigest())


def _origin(ledger: Ledger, last: int | None, subject: str) -> int | None:
    """The release in which a held subject was last published: the last one may have carried it over itself."""
    with ledger.look() as session:
        record = session.get(Release, last) if last else None
    before = record.subjects.get(subject, {}) if record else {}
    return before["carried_over_from"] if before.get("decision") == HELD else last


def _write_warehouse(
    folder: Path,
    built: Path,
    last_folder: Path | None,
    tables: list[Table],
    held: set[str],
    held_returns: set[str],
) -> list[dict[str, Any]]:
    """Copy each table from the build or, where its subject is held, from the last release. Returns what was written."""
    (folder / "parquet").mkdir()
    contents = []
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(f"attach {sql_text(built)} as built (read_only)")
        last_tables: set[str] = set()
        if last_folder:
            connection.execute(f"attach {sql_text(last_folder / 'warehouse.duckdb')} as last (read_only)")
            found = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'last'"
            )
            last_tables = {name for (name,) in found.fetchall()}
        for table in tables:
            connection.execute(f"create schema if not exists {table.schema}")
            source = _source_of(table, held, held_returns, table.full_name in last_tables)
            connection.execute(f"create table {table.full_name} as {source}")
            describe_table(connection, table.full_name, table.description, table.columns)
            parquet = folder / "parquet" / f"{table.full_name}.parquet"
            connection.execute(f"copy {table.full_name} to {sql_text(parquet)} (format parquet, compression zstd)")
            # Order makes no difference to what a table says, and so none to its digest.
            rows, digest = connection.execute(
                f"select count(*), coalesce(bit_xor(hash(t)), 0) from {table.full_name} as t"  # noqa: S608
            ).fetchone() or (0, 0)
            contents.append({"table": table.full_name, "rows": rows, "digest": f"{digest:016x}"})
    return contents


def _source_of(table: Table, held: set[str], held_returns: set[str], stands_in_last: bool) -> str:
    """The query that fills a table of the release."""
    fresh, before = f"select * from built.{table.full_name}", f"select * from last.{table.full_name}"  # noqa: S608
    if table.subject_column and held_returns:
        listed = ", ".join(f"'{code}'" for code in sorted(held_returns))
        fresh += f" where {table.subject_column} not in ({listed})"
        carried = f" union all by name {before} where {table.subject_column} in ({listed})"
        return fresh + (carried if stands_in_last else "")
    if table.subject in held:
        return before if stands_in_last else f"{fresh} where false"
    return fresh


def without_times(receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt without what differs between two runs on the same inputs: numbers, ids and times of the runs."""
    deliveries = [
        {name: value for name, value in delivery.items() if name != "received_at"} for delivery in receipt["deliveries"]
    ]
    rest = {name: value for name, value in receipt.items() if name not in ("made", "release_number")}
    return rest | {"deliveries": deliveries}


def _make_durable(folder: Path) -> None:
    """Put every file and folder on the disk, and make the files read-only: a release does not change."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.chmod(0o444)
    sync_folder(folder)
