"""Fixtures that all tests share. Every test has a METSTATS_HOME of its own."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from ledger.home import Settings
from orchestration.pipeline import Context
from samples.write import write_sample

PROJECT = Path(__file__).resolve().parents[1]
METSTATS = Path(sys.executable).parent / "metstats"
SETTLE_SECONDS = 0.05

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of genuine published files; tests that need it skip where it is absent."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the genuine published files (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The written sample: five folders of returns with invented figures."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty METSTATS_HOME."""
    path = tmp_path / "home"
    monkeypatch.setenv("METSTATS_HOME", str(path))
    monkeypatch.setenv("METSTATS_SETTLE_SECONDS", str(SETTLE_SECONDS))
    return path


@pytest.fixture
def context(home: Path) -> Context:
    """The pipeline's context on an empty home."""
    return open_context(home)


@pytest.fixture
def cli(home: Path) -> Cli:
    """The command line as a user calls it, on an empty home."""
    return lambda *arguments: run_cli(home, *arguments)


def open_context(home: Path) -> Context:
    """The pipeline's context on a home, with short waits."""
    return Context.open(Settings(home=home, settle_seconds=SETTLE_SECONDS))


def run_cli(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Call `metstats` in a process of its own; nothing is raised for its exit status."""
    environment = {**os.environ, "METSTATS_HOME": str(home), "METSTATS_SETTLE_SECONDS": str(SETTLE_SECONDS)}
    command = [str(METSTATS), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=PROJECT)


def crime_file(
    path: Path,
    months: Sequence[str],
    rows: Iterable[Sequence[object]],
    header: Sequence[str] = ("MajorText", "MinorText", "LookUp_BoroughName"),
) -> Path:
    """Write an extract in one of the real layouts: header, months as `202005`, rows of keys and counts. CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([[*header, *months], *rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode())
    return path


def read_rows(path: Path) -> list[list[str]]:
    """The cells of a CSV file, read by nothing of the program's."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
