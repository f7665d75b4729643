"""The stages of :mod:`orchestration.pipeline` as Dagster assets and checks. Dagster shows; it does not decide."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import select

from expectations.catalogue import all_checks
from ledger.tables import Build, CheckResult, Delivery, GateDecision, Run
from orchestration import dbt_assets, pipeline
from orchestration.pipeline import Context

RECEIVED, JUDGED = dg.AssetKey("received_files"), dg.AssetKey("judged_deliveries")
BUILD, GATE, RELEASE = dg.AssetKey("warehouse_build"), dg.AssetKey("gate"), dg.AssetKey("release")
_JUDGED_CHECKS = [
    dg.AssetCheckSpec(name=check.code, asset=JUDGED, description=check.sentence) for check in all_checks().values()
]


@dg.asset(key=RECEIVED, group_name="intake", description="Files that landed, each with its receipt and verdict.")
def received_files() -> dg.MaterializeResult[None]:
    """Stage 1."""
    context = Context.open()
    with pipeline.exclusive(context):
        received = pipeline.take_landing(context)
    return dg.MaterializeResult(metadata={"files": len(received.receipts), "left": len(received.left)})


@dg.asset(
    key=JUDGED,
    deps=[RECEIVED],
    group_name="intake",
    check_specs=_JUDGED_CHECKS,
    description="Deliveries, read and judged; the rows of accepted slices.",
)
def judged_deliveries() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Stage 2. A check passes here when no delivery that still matters fails it."""
    context = Context.open()
    with pipeline.exclusive(context):
        pipeline.judge_deliveries(context)
    yield dg.MaterializeResult(asset_key=JUDGED)
    failing = _failing_deliveries(context)
    for check in all_checks().values():
        messages = failing.get(check.code, [])
        severity = dg.AssetCheckSeverity.ERROR if check.severity == "block" else dg.AssetCheckSeverity.WARN
        yield dg.AssetCheckResult(
            passed=not messages,
            check_name=check.code,
            asset_key=JUDGED,
            severity=severity,
            metadata={"at fault": dg.MetadataValue.md("\n\n".join(messages) or "nothing")},
        )


def _failing_deliveries(context: Context) -> dict[str, list[str]]:
    """Check code → what the latest result says of each delivery that is not overtaken and fails it."""
    query = (
        select(CheckResult, Delivery)
        .join(Delivery, Delivery.delivery_id == CheckResult.delivery_id)
        .where(Delivery.verdict != "superseded")
        .order_by(CheckResult.check_result_id)
    )
    with context.ledger.look() as session:
        latest = {(r.delivery_id, r.check_code): (r, d) for r, d in session.execute(query)}
    failing: dict[str, list[str]] = {}
    for result, delivery in latest.values():
        if result.status != "passed":
            failing.setdefault(result.check_code, []).append(f"{delivery.file_name}: {result.message}")
    return failing


@dg.multi_asset(
    name="warehouse",
    # A model that failed is not materialised; the build itself always is, so that the gate is always asked.
    specs=[
        *(spec.merge_attributes(deps=[JUDGED]).replace_attributes(skippable=True) for spec in dbt_assets.model_specs()),
        dg.AssetSpec(BUILD, deps=[JUDGED], group_name="publication", description="One build of the warehouse."),
    ],
    check_specs=list(dbt_assets.test_specs().values()),
)
def warehouse_models(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Stage 3: one `dbt build`; what it said of each model and test."""
    pipe = Context.open()
    with pipeline.exclusive(pipe):
        build = pipeline.build_warehouse(pipe, _begin(pipe, context.run.run_id))
    keys, tests = dbt_assets.model_keys(), dbt_assets.test_specs()
    query = select(CheckResult).where(CheckResult.build_id == build.build_id).order_by(CheckResult.check_result_id)
    with pipe.ledger.look() as session:
        results = session.scalars(query).all()
    # In the order in which dbt ran them, which is the order of their lineage.
    for result in results:
        passed = result.status == "passed"
        if passed and result.node in keys:
            yield dg.MaterializeResult(asset_key=keys[result.node])
        if spec := tests.pop(str(result.node), None):
            said = {"says": result.message}
            yield dg.AssetCheckResult(passed=passed, check_name=spec.name, asset_key=spec.asset_key, metadata=said)
    for spec in tests.values():
        yield dg.AssetCheckResult(passed=False, check_name=spec.name, asset_key=spec.asset_key, description="not run")
    yield dg.MaterializeResult(asset_key=BUILD)


@dg.asset(key=GATE, deps=[BUILD], group_name="publication")
def gate_decisions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Stage 4: what may be published, and why the rest may not."""
    pipe = Context.open()
    with pipeline.exclusive(pipe):
        decisions = pipeline.decide(pipe, _build_of(pipe, context.run.run_id))
    return dg.MaterializeResult(
        metadata={f"{each.publication}, {each.subject}": f"{each.decision} {each.reasons or ''}" for each in decisions}
    )


@dg.asset(key=RELEASE, deps=[GATE], group_name="publication", description="The release that stands after this run.")
def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Stage 5."""
    pipe = Context.open()
    with pipeline.exclusive(pipe):
        build = _build_of(pipe, context.run.run_id)
        with pipe.ledger.look() as session:
            decisions = session.scalars(select(GateDecision).where(GateDecision.build_id == build.build_id)).all()
        outcome = pipeline.publish(pipe, build, decisions)
        pipeline.end_run(pipe, build.run_id, "finished")
    return dg.MaterializeResult(metadata={"release": outcome.number or "none", "is new": outcome.is_new})


def _trigger(dagster_run_id: str) -> str:
    return f"dagster {dagster_run_id}"


def _begin(pipe: Context, dagster_run_id: str) -> str:
    return pipeline.begin_run(pipe, _trigger(dagster_run_id))


def _build_of(pipe: Context, dagster_run_id: str) -> Build:
    """The last build of this very Dagster run: a gate that ran alone has none, and must not judge another's."""
    query = (
        select(Build)
        .join(Run, Run.run_id == Build.run_id)
        .where(Run.trigger == _trigger(dagster_run_id))
        .order_by(Build.built_at.desc())
        .limit(1)
    )
    with pipe.ledger.look() as session:
        build = session.scalars(query).first()
    if build is None:
        raise dg.Failure("This run built no warehouse. Run the whole job: the gate judges the build of its own run.")
    return build
