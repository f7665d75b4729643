"""The gate: one explicit step that reads the ledger again and decides what may be published.

It believes nothing that it does not find written: a check with no result, a result that is bound to another build, a
delivery that was not judged by today's rules all count as failed.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.model import ReturnContract
from expectations.catalogue import checks_of
from expectations.judge import suite_fingerprint
from expectations.standing import outstanding
from ledger.store import now
from ledger.tables import Build, CheckResult, Delivery, GateDecision

PUBLISHED, HELD = "published", "held"
WAREHOUSE = "warehouse"


def decide(session: Session, build: Build, contracts: dict[str, ReturnContract]) -> list[GateDecision]:
    """Decide for each subject of the warehouse, and write the decisions with their reasons."""
    decisions = []
    for subject in sorted({contract.subject for contract in contracts.values()}):
        of_subject = [contract for contract in contracts.values() if contract.subject == subject]
        reasons = [reason for contract in of_subject for reason in _faults_of_return(session, contract)]
        reasons += _faults_of_models(session, build, subject)
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


def _faults_of_return(session: Session, contract: ReturnContract) -> list[str]:
    reasons = []
    for delivery, blocked in outstanding(session, contract.return_code):
        count = f" ({len(blocked)} months kept out)" if blocked else ""
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
    judged = set(
        session.scalars(select(CheckResult.check_code).where(CheckResult.delivery_id == delivery.delivery_id))
    )
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
