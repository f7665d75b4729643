"""Reading a release in SQL: as it stands, or as it was known on a date."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from filelock import FileLock

from ledger.home import Home
from ledger.version import code_version
from publication import pointer
from publication.warehouse import Artifacts, WarehouseError, run_dbt


class QueryError(Exception):
    """The query cannot be answered; the message says why."""


def ask(home: Home, sql: str, release: int | None, known_on: date | None) -> pa.Table:
    """Answer a query from a release. Nothing can be changed by it, and no other file be read or written.

    Raises :class:`QueryError`, or :class:`publication.pointer.PointerError` where there is no such release.
    """
    # The folder, not the link: a release that is swapped in meanwhile must not change what is read.
    folder = pointer.folder_of(home, release)
    warehouse = folder / "warehouse.duckdb" if known_on is None else as_known_on(home, folder, known_on)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        try:
            answer = connection.sql(sql)
            if answer is None:
                raise QueryError("That asks nothing: write a query that gives rows, such as a select.")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


def as_known_on(home: Home, release: Path, known_on: date) -> Path:
    """A scratch warehouse of what a release knew on a date, made with today's models and kept until they change.

    It is rebuilt from the deliveries that the release speaks from, so that every table, provenance and comparison is
    as it would have been.
    """
    name = f"{release.name}-{known_on.isoformat()}-{code_version()}"
    folder = home.scratch / name
    home.scratch.mkdir(exist_ok=True)
    with FileLock(home.scratch / f".{name}.lock"):
        if not (folder / "finished").exists():
            _clear_other_code(home)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(release / "inputs", folder / "inputs", copy_function=_link)
            run_dbt(
                ["build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"],
                folder,
                lambda _, __: None,
                known_on.isoformat(),
            )
            _believe(folder, known_on)
            (folder / "finished").touch()
    return folder / "warehouse.duckdb"


def _believe(folder: Path, known_on: date) -> None:
    """Nothing is answered from half a warehouse."""
    broken = [each["unique_id"] for each in Artifacts(folder / "target").results if each["status"] != "success"]
    if broken:
        raise WarehouseError(f"What was known on {known_on} could not be built: {', '.join(broken)}")


def _clear_other_code(home: Home) -> None:
    """Scratch warehouses that other models made are of no more use."""
    for path in home.scratch.iterdir():
        if path.is_dir() and not path.name.endswith(code_version()):
            shutil.rmtree(path, ignore_errors=True)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
