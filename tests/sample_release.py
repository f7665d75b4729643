"""One home in which the sample was received and released, for the tests of a process that only read what it left."""

from pathlib import Path

import pytest
from conftest import open_context

from ingest.receive import Handover
from orchestration import pipeline
from samples.write import write_sample

_MADE: list[Path] = []


def sample_release(factory: pytest.TempPathFactory) -> Path:
    """The home; `releases/1` is its release, and its last build still lies in `build/`. Not to be changed."""
    if not _MADE:
        folder = factory.mktemp("sample_release")
        context = open_context(folder / "home")
        write_sample(folder / "sample")
        pipeline.receive(context, [folder / "sample"], Handover())
        report = pipeline.run(context, "test")
        assert not report.held, [decision.reasons for decision in report.held]
        _MADE.append(context.home.root)
    return _MADE[0]


def build_of(home: Path) -> Path:
    """The folder of the home's one build: `inputs/`, `target/`, `warehouse.duckdb`."""
    (build,) = (home / "build").iterdir()
    return build
