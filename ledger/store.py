"""Opening the ledger: migrated to the present schema, with one transaction a block."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

MIGRATIONS = Path(__file__).parent / "migrations"


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def open_ledger(url: str) -> "Ledger":
    """Open (and where needed make or migrate) the ledger at a database address."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    with _one_at_a_time(engine):
        _migrate(engine, url)
    return Ledger(engine)


def _one_at_a_time(engine: Engine) -> AbstractContextManager[object]:
    """Two who open a new ledger at once would both make its tables."""
    is_file = engine.dialect.name == "sqlite" and engine.url.database
    return FileLock(f"{engine.url.database}.lock") if is_file else nullcontext()


def _set_up_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    # Readers (status, Dagster's pages) must not stop a run, nor a run them; a commit must survive a power cut.
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma busy_timeout = 30000")
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _migrate(engine: Engine, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present != ScriptDirectory.from_config(config).get_current_head():
        command.upgrade(config, "head")


class Ledger:
    """The ledger of one home."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: all of the block or nothing of it."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def look(self) -> Iterator[Session]:
        """A session to read with."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
