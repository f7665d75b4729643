"""The six genuine extracts, one by one with a run after each: the order in which they come makes no difference.

Slow: thirteen runs, grouped so that each is made once.
"""

import json
import random
import shutil
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import open_context
from extracts import extract_files, extract_folders, in_force

from ledger.home import Home
from orchestration import pipeline
from publication.query import ask

# Whatever tells of crime; core.dim_delivery is not among them, because it says when each file came.
TABLES = (
    "core.fct_recorded_crime_version",
    "core.fct_recorded_crime",
    "core.fct_coverage",
    "core.dim_series_break",
    "marts.crime_summary",
    "marts.revision_triangle",
)


@dataclass(frozen=True)
class Loaded:
    """A home after its last run, and how it was loaded: the extracts after which a run was made."""

    home: Path
    batches: list[list[Path]]
    seconds: float

    def parquet(self, table: str) -> Path:
        return self.home / "releases" / "current" / "parquet" / f"{table}.parquet"

    @property
    def digests(self) -> dict[str, str]:
        receipt = json.loads((self.home / "releases" / "current" / "receipt.json").read_text(encoding="utf-8"))
        return {table["table"]: table["digest"] for table in receipt["tables"]}


@pytest.fixture(scope="module")
def in_order(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """One after another, as they were published."""
    return _load(tmp_path_factory.mktemp("in_order"), [[folder] for folder in extract_folders(real_data)])


@pytest.fixture(scope="module")
def shuffled(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """One after another, the old among the new."""
    folders = extract_folders(real_data)
    random.Random(7).shuffle(folders)
    assert folders != sorted(folders)
    return _load(tmp_path_factory.mktemp("shuffled"), [[folder] for folder in folders])


@pytest.fixture(scope="module")
def at_once(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """All together, with one run."""
    return _load(tmp_path_factory.mktemp("at_once"), [extract_folders(real_data)])


def _load(folder: Path, batches: list[list[Path]]) -> Loaded:
    begun = time.perf_counter()
    context = open_context(folder / "home")
    for batch in batches:
        for extract in batch:
            shutil.copytree(extract, context.home.landing / extract.name, copy_function=shutil.copyfile)
        report = pipeline.run(context, "test")
        assert [(each.decision, each.reasons) for each in report.decisions] == [("published", [])] * 2
        assert report.outcome.is_served
    return Loaded(context.home.root, batches, time.perf_counter() - begun)


def test_every_order_of_arrival_ends_in_the_same_versions(
    in_order: Loaded, shuffled: Loaded, at_once: Loaded, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        seconds = (
            f"{in_order.seconds:.0f} s in order, {shuffled.seconds:.0f} s shuffled, {at_once.seconds:.0f} s at once"
        )
        print(f"\n    six extracts with a run after each: {seconds}", end=" ")  # noqa: T201
    for other in (shuffled, at_once):
        for table in TABLES:
            here, there = in_order.parquet(table), other.parquet(table)
            assert _rows(f"from '{here}' except all from '{there}'") == [], table
            assert _rows(f"from '{there}' except all from '{here}'") == [], table
            assert in_order.digests[table] == other.digests[table], table


def test_versions_store_an_unchanged_figure_once(real_data: Path, in_order: Loaded) -> None:
    """Six extracts hold far more cells than there were ever different figures."""
    cells = sum((len(file.cells) - 1) * len(file.months) for file in extract_files(real_data))
    versions = f"from '{in_order.parquet('core.fct_recorded_crime_version')}'"
    ((stored,),) = _rows(f"select count(*) {versions}")
    assert 0 < stored < cells
    key = "month, area_code, offence_code"
    repeated = _rows(
        f"select {key} from (select *, lag(offences) over (partition by {key} order by known_from) as said_before, "
        f"lag(known_to) over (partition by {key} order by known_from) as until {versions}) "
        "where offences = said_before and known_from = until"
    )
    assert repeated == []


def test_each_release_still_says_what_was_published_then(real_data: Path, in_order: Loaded) -> None:
    files, home = extract_files(real_data), Home.at(in_order.home)
    for number, (folder,) in enumerate(in_order.batches, start=1):
        latest = in_force([file for file in files if file.path.parent <= folder])
        counted = {month: file.total(month) for month, file in latest.items()}
        answer = ask(home, "select month, sum(offences) as n from core.fct_recorded_crime group by month", number, None)
        rows = {row["month"]: row["n"] for row in answer.to_pylist()}
        assert rows == counted
        if folder.name in PUBLISHED_OF_MAY_2020:
            assert rows[date(2020, 5, 1)] == PUBLISHED_OF_MAY_2020[folder.name]


PUBLISHED_OF_MAY_2020 = {"x2020-06": 56_514, "x2020-07": 56_777, "x2021-09": 57_257, "x2024-11": 57_214}


def _rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()
