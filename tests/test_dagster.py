"""Dagster's side: the same stages as `metstats run`, shown as assets and checks; it shows, and does not decide."""

import contextlib
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import duckdb
import pytest
from conftest import METSTATS, SETTLE_SECONDS, open_context, read_rows, run_cli
from sqlalchemy import func, select

from expectations.catalogue import all_checks
from ledger.tables import GateDecision
from publication.release import without_times

RECENT = "SAMPLE MPS Borough Level Crime (most recent 24 months).csv"
# Says when each file was received, which differs.
RECEIVED_AT = "core.dim_delivery"


@pytest.fixture(scope="module")
def home(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home on which Dagster's code works in this module, with the sample in its landing folder."""
    path = tmp_path_factory.mktemp("dagster") / "home"
    shutil.copytree(sample_folder, path / "landing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METSTATS_HOME", str(path))
        patch.setenv("METSTATS_SETTLE_SECONDS", str(SETTLE_SECONDS))
        yield path


@pytest.fixture(scope="module")
def definitions(home: Path) -> ModuleType:
    """Dagster's code location. Loading it parses the models, into the home that is set by then."""
    from orchestration import definitions  # noqa: PLC0415

    return definitions


@pytest.fixture(scope="module")
def first_run(definitions: ModuleType) -> dg.ExecuteInProcessResult:
    """The job, run on the sample."""
    return _run_everything(definitions)


def _run_everything(definitions: ModuleType, **options: Any) -> dg.ExecuteInProcessResult:
    job = definitions.defs.resolve_job_def("everything")
    return job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False, **options)


@pytest.fixture(scope="module")
def run_with_a_bad_file(
    first_run: dg.ExecuteInProcessResult, definitions: ModuleType, home: Path, sample_folder: Path
) -> dg.ExecuteInProcessResult:
    """The job again, after an extract of December 2024 has landed in which one cell says '12x'."""
    folder = home / "landing" / "x2024-12"
    folder.mkdir(parents=True)
    rows = read_rows(sample_folder / "x2024-11" / RECENT)
    rows[17 - 1][8 - 1] = "12x"
    with (folder / RECENT).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)
    (folder / "delivery-note.csv").write_text(f'file,as_at_on,sender\n"{RECENT}",2024-12-01,A. Clerk\n')
    return _run_everything(definitions)


def _receipt(home: Path, release: str = "current") -> dict[str, Any]:
    return dict(json.loads((home / "releases" / release / "receipt.json").read_text(encoding="utf-8")))


def _checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    return {(each.asset_key.path[-1], each.check_name): each for each in result.get_asset_check_evaluations()}


# The definitions.


def test_definitions_load_and_can_be_run(definitions: ModuleType) -> None:
    dg.Definitions.validate_loadable(definitions.defs)
    job = definitions.defs.resolve_job_def("everything")
    stages = {"received_files", "judged_deliveries", "warehouse_build", "gate", "release"}
    models = {"fct_recorded_crime", "fct_measure_value", "crime_summary"}
    names = {key.path[-1] for key in job.asset_layer.executable_asset_keys}
    assert stages | models <= names


def test_the_stages_hang_together_in_the_order_of_a_run(definitions: ModuleType) -> None:
    graph = definitions.defs.resolve_asset_graph()
    for upstream, downstream in (
        ("received_files", "judged_deliveries"),
        ("judged_deliveries", "warehouse_build"),
        ("warehouse_build", "gate"),
        ("gate", "release"),
    ):
        assert dg.AssetKey(upstream) in graph.get(dg.AssetKey(downstream)).parent_keys


def test_a_run_is_asked_for_every_night_in_london(definitions: ModuleType) -> None:
    schedule = definitions.defs.get_schedule_def("nightly")
    assert schedule.execution_timezone == "Europe/London"
    minute, hour, *every = str(schedule.cron_schedule).split()
    assert every == ["*", "*", "*"]
    assert (minute.isdigit(), 0 <= int(hour) <= 6) == (True, True)
    assert schedule.job_name == "everything"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_sensor_asks_once_for_each_state_of_the_landing_folder(
    definitions: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METSTATS_HOME", str(tmp_path / "home"))
    landing = tmp_path / "home" / "landing"

    def asked() -> Any:
        return definitions.landing_folder(dg.build_sensor_context())

    assert isinstance(asked(), dg.SkipReason)
    (landing / "x2020-06").mkdir()
    assert isinstance(asked(), dg.SkipReason), "an empty folder is no file"
    (landing / "x2020-06" / "a.csv").write_text("1")
    first = asked()
    assert isinstance(first, dg.RunRequest)
    # Dagster starts no second run for a key that it knows.
    assert asked().run_key == first.run_key
    (landing / "x2020-06" / "a.csv").write_text("12")
    grown = asked()
    (landing / "b.csv").write_text("1")
    assert len({first.run_key, grown.run_key, asked().run_key}) == 3
    shutil.rmtree(landing)
    assert isinstance(asked(), dg.SkipReason)
    assert definitions.landing_folder.job_name == "everything"


# The job.


def test_the_job_makes_the_release_that_the_command_line_makes(
    first_run: dg.ExecuteInProcessResult, home: Path, sample_folder: Path, tmp_path: Path
) -> None:
    assert first_run.success
    other = tmp_path / "home"
    shutil.copytree(sample_folder, other / "landing")
    done = run_cli(other, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    here, there = (without_times(_receipt(each, "1")) for each in (home, other))
    for receipt in (here, there):
        for table in receipt["tables"]:
            if table["table"] == RECEIVED_AT:
                del table["digest"]
    assert here == there
    assert _tree(home / "releases" / "1") == _tree(other / "releases" / "1")
    assert list((home / "landing").rglob("*.csv")) == []


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_the_job_shows_every_check_of_deliveries_and_models(
    first_run: dg.ExecuteInProcessResult, definitions: ModuleType, home: Path
) -> None:
    shown = _checks(first_run)
    of_deliveries = {name for asset, name in shown if asset == "judged_deliveries"}
    assert of_deliveries == set(all_checks())
    failing = {name: each.severity for (_, name), each in shown.items() if not each.passed}
    # The strength series comes without a date of its own, and that is only warned of.
    assert failing == {"as_at_declared": dg.AssetCheckSeverity.WARN}

    (build,) = (home / "build").iterdir()
    ran = json.loads((build / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    tests = {each["unique_id"] for each in ran if each["unique_id"].startswith("test.")}
    with duckdb.connect(str(home / "releases" / "1" / "warehouse.duckdb"), read_only=True) as warehouse:
        recorded = warehouse.execute("select node from quality.check_result where node like 'test.%'").fetchall()
    assert {node for (node,) in recorded} == tests
    of_models = {name for asset, name in shown if asset != "judged_deliveries"}
    manifest = json.loads((build / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    assert of_models == {manifest[node]["name"] for node in tests if manifest[node]["depends_on"]["nodes"]}
    assert len(of_models) > 100


def test_the_job_materialises_every_model(first_run: dg.ExecuteInProcessResult, definitions: ModuleType) -> None:
    made = {event.asset_key for event in first_run.get_asset_materialization_events() if event.asset_key}
    job = definitions.defs.resolve_job_def("everything")
    assert made == set(job.asset_layer.executable_asset_keys)


def test_a_bad_file_shows_as_a_failing_check_and_is_held(
    run_with_a_bad_file: dg.ExecuteInProcessResult, home: Path
) -> None:
    assert run_with_a_bad_file.success, "a held publication is no broken run"
    shown = _checks(run_with_a_bad_file)
    failing = {name for (_, name), each in shown.items() if not each.passed}
    assert failing == {"as_at_declared", "value_is_whole_number"}
    check = shown["judged_deliveries", "value_is_whole_number"]
    assert check.severity is dg.AssetCheckSeverity.ERROR
    said = str(check.metadata["at fault"].value)
    assert RECENT in said
    assert "cell H17" in said

    (gate,) = [
        event.step_materialization_data.materialization
        for event in run_with_a_bad_file.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("gate")
    ]
    assert str(gate.metadata["warehouse, crime"].value).startswith("held")
    assert "H17" in str(gate.metadata["warehouse, crime"].value)
    assert str(gate.metadata["warehouse, measures"].value).startswith("published")


def test_readers_go_on_seeing_what_was_published_before(
    run_with_a_bad_file: dg.ExecuteInProcessResult, home: Path
) -> None:
    before, now = _receipt(home, "1"), _receipt(home)
    digests = {table["table"]: table["digest"] for table in before["tables"]}
    crime = {table["table"]: table["digest"] for table in now["tables"] if "crime" in table["table"]}
    assert len(crime) == 3
    assert crime.items() <= digests.items()
    if now["release_number"] != 1:
        assert now["subjects"]["crime"] == {"decision": "held", "carried_over_from": 1}


def test_the_gate_judges_no_build_but_that_of_its_own_run(
    first_run: dg.ExecuteInProcessResult, definitions: ModuleType, home: Path
) -> None:
    def decisions() -> int:
        with open_context(home).ledger.look() as session:
            return session.scalars(select(func.count()).select_from(GateDecision)).one()

    before = decisions()
    alone = _run_everything(definitions, asset_selection=[dg.AssetKey("gate"), dg.AssetKey("release")])
    assert not alone.success
    said = [str(event.step_failure_data.error) for event in alone.all_events if event.is_step_failure]
    assert "Run the whole job" in said[0]
    assert decisions() == before


# The web pages.


def test_serve_shows_the_code_location_on_this_machine_only(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "METSTATS_HOME": str(tmp_path / "home")}
    log = (tmp_path / "serve.log").open("w")
    server = subprocess.Popen(
        [METSTATS, "serve", "--port", str(port)], env=environment, start_new_session=True, stdout=log, stderr=log
    )
    try:
        told = _ask_when_ready(server, port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)
        log.close()
    (location,) = told["data"]["workspaceOrError"]["locationEntries"]
    (repository,) = location["locationOrLoadError"]["repositories"]
    assert [schedule["name"] for schedule in repository["schedules"]] == ["nightly"]
    assert [sensor["name"] for sensor in repository["sensors"]] == ["landing_folder"]
    assert [sensor["sensorState"]["status"] for sensor in repository["sensors"]] == ["RUNNING"]


_QUESTION = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
  ... on PythonError { message }
  ... on RepositoryLocation { repositories {
    schedules { name } sensors { name sensorState { status } } } } } } } } }"""


def _ask_when_ready(server: subprocess.Popen[bytes], port: int) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": _QUESTION}).encode(),
        headers={"Content-Type": "application/json"},
    )
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert server.poll() is None, "metstats serve ended by itself"
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (ours)
            return json.loads(answer.read())
        time.sleep(1)
    raise AssertionError("Dagster's pages did not answer in three minutes")
