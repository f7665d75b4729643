"""The gate: one explicit step that reads the ledger again and decides what may be published.

It believes nothing that it does not find written: a check with no result, a result that is bound to another build, a
delivery that was not judged by today's rules all count as failed.
"""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts.model import ReturnContract
from expectations.catalogue import checks_of, suite_fingerprint
from expectations.standing import outstanding
from ledger.store import now
from ledger.tables import Build, CheckResult, Delivery, DeliverySlice, GateDecision

PUBLISHED, HELD = "published", "held"
WAREHOUSE = "warehouse"


def decide(session: Session, build: Build, contracts: dict[str, ReturnContract]) -> list[GateDecision]:
    """Decide for each subject of the warehouse, and write the decisions with their reasons."""
    decisions = []
    stale = _faults_of_inputs(session, build)
    for subject in sorted({contract.subject for contract in contracts.values()}):
        of_subject = [contract for contract in contracts.values() if contract.subject == subject]
        reasons = [reason for contract in of_subject for reason in _faults_of_return(session, contract)]
        reasons += stale + _faults_of_models(session, build, subject)
        decisions.append(
            GateDecision(
                run_id=build.run_id,
                build_id=build.build_id,
                publication=WAREHOUSE,
                subject=subject,
                decision=HELD if reasons else PUBLISHED,
                reasons=reasons,
                decided_at=now(),
            )
        )
    session.add_all(decisions)
    return decisions


def standing_fingerprint(session: Session) -> str:
    """Digest of which slices are accepted and by which rules: what a build must have been made from to be published."""
    digest = hashlib.sha256()
    for delivery in session.scalars(select(Delivery).order_by(Delivery.seq)):
        digest.update(f"{delivery.delivery_id}|{delivery.rank}|{delivery.suite_fingerprint}\n".encode())
    accepted = select(DeliverySlice.delivery_id, DeliverySlice.slice_period, DeliverySlice.reporting_unit_code)
    for line in session.execute(accepted.where(DeliverySlice.state == "accepted").order_by(*accepted.selected_columns)):
        digest.update(f"{tuple(line)}\n".encode())
    return digest.hexdigest()[:16]


def _faults_of_inputs(session: Session, build: Build) -> list[str]:
    """A build of deliveries that have changed since is no build of what is known."""
    if build.inputs_fingerprint == standing_fingerprint(session):
        return []
    return ["Deliveries came or were judged anew after the warehouse was built. Run `metstats run` again."]


def _faults_of_return(session: Session, contract: ReturnContract) -> list[str]:
    reasons = []
    for delivery, blocked in outstanding(session, contract.return_code):
        count = f" ({len(blocked)} {'month' if len(blocked) == 1 else 'months'} kept out)" if blocked else ""
        reasons.append(
            f"{contract.return_code}: delivery {delivery.delivery_id}, file '{delivery.file_name}'{count}: "
            f"{delivery.verdict_reason}"
        )
    deliveries = session.scalars(select(Delivery).where(Delivery.return_code == contract.return_code)).all()
    for delivery in deliveries:
        reasons += _unproven(session, delivery, contract)
    return reasons


def _unproven(session: Session, delivery: Delivery, contract: ReturnContract) -> list[str]:
    """Checks that a delivery owes and that were not run on it by today's rules."""
    name = f"{contract.return_code}: delivery {delivery.delivery_id}, file '{delivery.file_name}'"
    if delivery.suite_fingerprint != suite_fingerprint():
        return [f"{name}: it was not judged by the rules in force. Run `metstats run` again."]
    of_it = select(CheckResult.check_code).where(CheckResult.delivery_id == delivery.delivery_id)
    by_these_rules = of_it.with_only_columns(func.min(CheckResult.check_result_id)).where(
        CheckResult.suite_fingerprint == suite_fingerprint()
    )
    # Results are appended: those of history, which are bound to their question, follow the delivery's own.
    judged = set(session.scalars(of_it.where(CheckResult.check_result_id >= by_these_rules.scalar_subquery())))
    return [f"{name}: the check {code} was not run." for code in checks_of(contract.table) if code not in judged]


def _faults_of_models(session: Session, build: Build, subject: str) -> list[str]:
    """Nodes and tests of this very build that guard the subject and did not pass."""
    results = session.scalars(select(CheckResult).where(CheckResult.build_id == build.build_id)).all()
    by_node = {result.node: result for result in results}
    reasons, not_run = [], 0
    for node, guarded in build.expected_checks.items():
        if subject not in guarded:
            continue
        result = by_node.get(node)
        if result is None or result.status == "not_run":
            not_run += 1
        elif result.status != "passed" and (result.severity == "block" or result.status == "errored"):
            reasons.append(f"{result.check_code}: {result.message}")
    if not_run:
        reasons.append(f"{not_run} models and tests of the build were not run, which counts as failed.")
    return reasons
