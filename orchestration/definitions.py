"""Dagster's code location: assets and checks, one job, a landing sensor, a nightly schedule."""

import hashlib

import dagster as dg

from ingest import candidates
from ledger.home import Home, Settings
from orchestration import assets

everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all(),
    # One process: DuckDB has one writer, and starting a process a step takes longer than the steps.
    executor_def=dg.in_process_executor,
    description="What `metstats run` does: receive landing, read, check, build, gate, release.",
)

nightly = dg.ScheduleDefinition(
    name="nightly",
    job=everything,
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/London",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.sensor(
    job=everything, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING, name="landing_folder"
)
def landing_folder(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run when files have landed, once for each state of the folder."""
    landing = Home.at(Settings().home).landing
    found = list(candidates.find([landing]))
    if not found:
        return dg.SkipReason("Nothing has landed.")
    state = hashlib.sha256("\n".join(f"{each.path}|{each.look}" for each in found).encode()).hexdigest()
    return dg.RunRequest(run_key=state)


defs = dg.Definitions(
    assets=[
        assets.received_files,
        assets.judged_deliveries,
        assets.warehouse_models,
        assets.gate_decisions,
        assets.release,
    ],
    jobs=[everything],
    schedules=[nightly],
    sensors=[landing_folder],
)
