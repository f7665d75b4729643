"""Settings, and where state lives under `METSTATS_HOME`."""

import os
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from filelock import FileLock
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LONDON = ZoneInfo("Europe/London")

MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """What an operator may set, by environment variables named METSTATS_…; limits guard against hostile files."""

    model_config = SettingsConfigDict(env_prefix="METSTATS_")

    home: Path = Path("var")
    # A file that changes between two looks this far apart is still being written.
    settle_seconds: float = 1.0
    max_file_bytes: int = 4096 * MEBIBYTE
    max_delimited_bytes: int = 64 * MEBIBYTE
    max_archive_members: int = 20_000
    max_archive_bytes: int = 16_384 * MEBIBYTE
    # Genuine CSV packs to a tenth or a twentieth; bombs pack to a thousandth.
    max_archive_ratio: int = 250


@dataclass(frozen=True)
class Home:
    """The folders of one Metstats home (docs/house.md: the way data takes). Paths only; nothing is made by asking."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """The home at `root`, with its folders made."""
        home = cls(root.resolve())
        for folder in (home.landing, home.raw, home.read, home.accepted, home.quarantined, home.releases):
            folder.mkdir(parents=True, exist_ok=True)
        return home

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def read(self) -> Path:
        return self.root / "read"

    @property
    def accepted(self) -> Path:
        return self.root / "accepted"

    @property
    def quarantined(self) -> Path:
        return self.root / "quarantined"

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.root / 'ledger.sqlite'}"

    def raw_file(self, sha256: str) -> Path:
        """Where the bytes with this hash are kept."""
        return self.raw / sha256[:2] / sha256

    @cached_property
    def lock(self) -> FileLock:
        """Held by whoever changes the home; two runs at once would judge each other's half-written state."""
        return FileLock(self.root / ".lock")


def london_date(instant: datetime) -> date:
    """The day on which an instant fell where the force works."""
    return instant.astimezone(LONDON).date()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
