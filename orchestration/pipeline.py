"""The stages of a run, in their order. `metstats run`, `metstats receive` and Dagster's job all call these.

Each stage reads only what the stage before it wrote. A run that was killed at any moment is simply run again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from filelock import Timeout
from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.model import ReturnContract, all_contracts
from expectations import gate
from expectations.catalogue import suite_fingerprint
from expectations.history import judge_history
from expectations.judge import judge, record_delivery
from expectations.standing import settle_verdicts
from expectations.suites import Judged
from ingest.accept import place, put_slices
from ingest.identify import Unidentified, identify
from ingest.landing import receive_landing
from ingest.read import read_grid_as, tidy_table, write_parquet
from ingest.readers.delimited import read_grid
from ingest.receive import Handover, Receiver, Round
from ledger.home import Home, Settings
from ledger.store import Ledger, now, open_ledger
from ledger.tables import Build, CheckResult, Delivery, DeliverySlice, FileReceipt, GateDecision, Run
from ledger.version import code_version
from publication import pointer, release, warehouse

Step = Callable[[str, int, int], None]


def _silent(what: str, done: int, of: int) -> None:
    """Tell nobody about progress."""


@dataclass
class Context:
    """What the stages share: the home, its ledger, the contracts, and whom to tell about progress."""

    home: Home
    ledger: Ledger
    settings: Settings
    contracts: dict[str, ReturnContract] = field(default_factory=all_contracts)
    tell: Step = _silent

    @classmethod
    def open(cls, settings: Settings | None = None, tell: Step = _silent) -> "Context":
        """Open the home that the settings name."""
        settings = settings or Settings()
        home = Home.at(settings.home)
        return cls(home, open_ledger(home.ledger_url), settings, tell=tell)

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.ledger, self.home, self.settings, self.contracts)


@dataclass(frozen=True)
class Checked:
    """Results in force after a build: how many checks of deliveries and models, and what those that failed say."""

    of_deliveries: int
    of_models: int
    warnings: list[str]
    failures: list[str]


@dataclass(frozen=True)
class RunReport:
    """What a run did: what came, what was checked, what the gate decided, and which release stands."""

    run_id: str
    received: Round
    checked: Checked
    decisions: Sequence[GateDecision]
    outcome: release.Outcome

    @property
    def held(self) -> list[GateDecision]:
        return [decision for decision in self.decisions if decision.decision == gate.HELD]


def receive(context: Context, paths: Iterable[Path], handover: Handover) -> Round:
    """Take files in, read and judge them: every receipt comes back with its verdict."""
    with exclusive(context):
        done = context.receiver.receive(paths, handover, lambda name: context.tell(f"receive {name}", 0, 0))
        judge_deliveries(context)
        done.receipts = refreshed(context, done.receipts)
        return done


def run(context: Context, trigger: str) -> RunReport:
    """Everything: receive landing, read, judge, build, gate, release."""
    with exclusive(context), _recorded(context, trigger) as run_id:
        received = take_landing(context)
        judge_deliveries(context)
        received.receipts = refreshed(context, received.receipts)
        build = build_warehouse(context, run_id)
        decisions = decide(context, build)
        outcome = publish(context, build, decisions)
        return RunReport(run_id, received, checked(context, build), decisions, outcome)


@contextmanager
def exclusive(context: Context) -> Iterator[None]:
    """Hold the home alone. Whoever must wait for another run is told so."""
    try:
        context.home.lock.acquire(timeout=0)
    except Timeout:
        context.tell("wait for another run of this home to end", 0, 0)
        context.home.lock.acquire()
    try:
        yield
    finally:
        context.home.lock.release()


def take_landing(context: Context) -> Round:
    """Stage 1: receive what lies in the landing folder."""
    pointer.mend(context.home, context.ledger)
    return receive_landing(context.receiver)


def judge_deliveries(context: Context) -> None:
    """Stage 2: read and judge what was not judged by today's rules, then every return against its own history."""
    waiting = _waiting(context)
    for done, delivery in enumerate(waiting, start=1):
        context.tell(f"check {delivery.file_name}", done, len(waiting))
        _judge_one(context, delivery)
    for contract in context.contracts.values():
        with context.ledger.write() as session:
            judge_history(session, contract)
            settle_verdicts(session, contract.return_code)
    _place_rows(context)


def build_warehouse(context: Context, run_id: str) -> Build:
    """Stage 3: build the warehouse from the accepted slices, and test it."""
    return warehouse.build(
        context.home, context.ledger, run_id, lambda done, of: context.tell("build the warehouse", done, of)
    )


def checked(context: Context, build: Build) -> Checked:
    """Count the results on which the gate rested: the last of each check of each delivery that still matters."""
    of_deliveries = (
        select(CheckResult)
        .join(Delivery, Delivery.delivery_id == CheckResult.delivery_id)
        .where(Delivery.verdict != "superseded")
        .order_by(CheckResult.check_result_id)
    )
    with context.ledger.look() as session:
        latest = {(each.delivery_id, each.check_code): each for each in session.scalars(of_deliveries)}
        of_build = session.scalars(select(CheckResult).where(CheckResult.build_id == build.build_id)).all()
    failed = [each for each in [*latest.values(), *of_build] if each.status != "passed"]
    return Checked(
        len(latest),
        len(of_build),
        [f"{each.check_code}: {each.message}" for each in failed if each.severity == "warn"],
        [f"{each.check_code}: {each.message}" for each in failed if each.severity == "block"],
    )


def decide(context: Context, build: Build) -> list[GateDecision]:
    """Stage 4: ask the gate."""
    with context.ledger.write() as session:
        return gate.decide(session, build, context.contracts)


def publish(context: Context, build: Build, decisions: Sequence[GateDecision]) -> release.Outcome:
    """Stage 5: release what the gate let through."""
    context.tell("release", 0, 0)
    return release.publish(context.home, context.ledger, build, decisions, context.contracts)


def refreshed(context: Context, receipts: list[FileReceipt]) -> list[FileReceipt]:
    """The receipts as the ledger has them now."""
    ids = [receipt.receipt_id for receipt in receipts]
    with context.ledger.look() as session:
        found = {each.receipt_id: each for each in _receipts_by_id(session, ids)}
    return [found[receipt_id] for receipt_id in ids]


def _receipts_by_id(session: Session, ids: list[int]) -> Iterator[FileReceipt]:
    # SQLite takes some tens of thousands of values in one statement, and no more.
    for start in range(0, len(ids), 5_000):
        wanted = ids[start : start + 5_000]
        yield from session.scalars(select(FileReceipt).where(FileReceipt.receipt_id.in_(wanted)))


def begin_run(context: Context, trigger: str) -> str:
    """Enter a run in the ledger, under a name that sorts by time. A killed run stays without an end."""
    run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    with context.ledger.write() as session:
        session.add(Run(run_id=run_id, trigger=trigger, code_version=code_version(), started_at=now()))
    return run_id


def end_run(context: Context, run_id: str, outcome: str) -> None:
    """Write how a run ended."""
    with context.ledger.write() as session:
        record = session.get_one(Run, run_id)
        record.ended_at, record.outcome = now(), outcome


@contextmanager
def _recorded(context: Context, trigger: str) -> Iterator[str]:
    run_id = begin_run(context, trigger)
    try:
        yield run_id
    except BaseException:
        end_run(context, run_id, "failed")
        raise
    end_run(context, run_id, "finished")


def _waiting(context: Context) -> list[Delivery]:
    """Deliveries that were never judged, or by other rules, or whose rows are not there any more."""
    with context.ledger.look() as session:
        deliveries = session.scalars(select(Delivery).order_by(Delivery.seq)).all()
    fingerprint = suite_fingerprint()
    return [
        each
        for each in deliveries
        if each.suite_fingerprint != fingerprint or not place(context.home.read, each).exists()
    ]


def _judge_one(context: Context, delivery: Delivery) -> None:
    """Read one delivery from its bytes and judge it by itself."""
    contract = context.contracts[delivery.return_code]
    grid = read_grid(context.home.raw_file(delivery.sha256).read_bytes())
    identified = identify(grid, {contract.return_code: contract})
    if isinstance(identified, Unidentified):
        # Its contract changed since it was received. It stays unjudged, and the gate holds what it belongs to.
        _leave_unjudged(context, delivery, identified)
        return
    reading = read_grid_as(grid, identified)
    write_parquet(tidy_table(reading, delivery, contract), place(context.home.read, delivery))
    judged = Judged(delivery, contract, reading)
    judgements = judge(judged)
    with context.ledger.write() as session:
        record_delivery(session, judged, judgements)


def _leave_unjudged(context: Context, delivery: Delivery, found: Unidentified) -> None:
    with context.ledger.write() as session:
        stored = session.scalars(select(Delivery).where(Delivery.delivery_id == delivery.delivery_id)).one()
        stored.verdict = "quarantined"
        stored.verdict_reason = f"Its contract does not fit it any more: {found.reason}. Mend the contract."


def _place_rows(context: Context) -> None:
    """Bring `accepted/` and `quarantined/` in line with the ledger."""
    with context.ledger.look() as session:
        deliveries = session.scalars(select(Delivery).where(Delivery.suite_fingerprint.is_not(None))).all()
        slices = session.scalars(select(DeliverySlice)).all()
    periods: dict[tuple[str, str], list[date]] = {}
    for each in slices:
        periods.setdefault((each.delivery_id, each.state), []).append(each.slice_period)
    for delivery in deliveries:
        accepted, blocked = ((delivery.delivery_id, state) for state in ("accepted", "blocked"))
        put_slices(context.home, delivery, periods.get(accepted, []), periods.get(blocked, []))
