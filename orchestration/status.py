"""`metstats status`: what is in, what needs somebody, what is held and why, what is published, in one screen."""

from typing import Any

from sqlalchemy import func, select

from ledger.tables import CheckResult, Delivery, FileReceipt, GateDecision, Run
from orchestration.pipeline import Context
from orchestration.show import NEEDS_ATTENTION, OUT, facts_of, said, styled, table_of
from publication import pointer

_LATEST_SHOWN = 10


def status_of(context: Context) -> dict[str, Any]:
    """The facts of the screen."""
    with context.ledger.look() as session:
        deliveries = session.scalars(select(Delivery).order_by(Delivery.seq)).all()
        quarantined = [each for each in deliveries if each.verdict == "quarantined"]
        unresolved = session.scalars(
            select(FileReceipt).where(FileReceipt.verdict.in_(NEEDS_ATTENTION)).order_by(FileReceipt.receipt_id.desc())
        ).all()
        counts = session.execute(
            select(Delivery.return_code, Delivery.verdict, func.count(), func.max(Delivery.as_at_on))
            .group_by(Delivery.return_code, Delivery.verdict)
            .order_by(Delivery.return_code, Delivery.verdict)
        ).all()
        last_run = session.scalars(select(Run).order_by(Run.run_id.desc()).limit(1)).first()
        decisions = session.scalars(
            select(GateDecision)
            .where(GateDecision.run_id == select(func.max(GateDecision.run_id)).scalar_subquery())
            .order_by(GateDecision.subject)
        ).all()
        warned = session.scalars(
            select(CheckResult).where(CheckResult.severity == "warn", CheckResult.status != "passed")
        ).all()
        pin = pointer.pinned(session)
        last_good = dict(
            session.execute(
                select(FileReceipt.file_name, func.max(FileReceipt.receipt_id))
                .where(FileReceipt.verdict == "accepted")
                .group_by(FileReceipt.file_name)
            )
            .tuples()
            .all()
        )
    held_ids = {each.delivery_id for each in quarantined}
    return {
        "deliveries": [
            {"return_code": code, "verdict": verdict, "count": count, "latest_as_at_on": latest}
            for code, verdict, count, latest in counts
        ],
        "quarantined": [facts_of(each) for each in quarantined],
        "needs_attention": [facts_of(each) for each in unresolved if not _is_settled(each, held_ids, last_good)],
        "warnings": [{"delivery_id": w.delivery_id, "check_code": w.check_code, "message": w.message} for w in warned],
        "gate": [facts_of(each) for each in decisions],
        "last_run": facts_of(last_run) if last_run else None,
        "current_release": pointer.current(context.home),
        "pinned": facts_of(pin) if pin else None,
    }


def _is_settled(receipt: FileReceipt, held_ids: set[str], last_good: dict[str, int]) -> bool:
    """Whether nobody needs to act: the delivery holds nothing up, or a good file of the same name came after it."""
    if receipt.delivery_id in held_ids:
        return False
    return last_good.get(receipt.file_name, 0) > receipt.receipt_id


def print_status(facts: dict[str, Any]) -> None:
    """Print the screen."""
    rows = [(d["return_code"], d["verdict"], d["count"], d["latest_as_at_on"]) for d in facts["deliveries"]]
    if rows:
        OUT.print(table_of(("return", "verdict", "deliveries", "latest as at"), rows, right=["deliveries"]))
    else:
        OUT.print("Nothing was received yet. Try: metstats receive PATH")
    for receipt in facts["needs_attention"][:_LATEST_SHOWN]:
        received_at = f"{receipt['received_at']:%Y-%m-%d %H:%M} UTC"
        OUT.print(f"\n{styled(receipt['verdict'])}  {said(receipt['file_name'])} ({received_at})")
        OUT.print(f"    {said(receipt['reason'])}")
    more = len(facts["needs_attention"]) - _LATEST_SHOWN
    if more > 0:
        OUT.print(f"… and {more:,} more; --json lists them all.")
    OUT.print("")
    for decision in facts["gate"]:
        OUT.print(f"{styled(decision['decision'])}  {decision['publication']}, {decision['subject']}")
    served = facts["current_release"]
    OUT.print(f"Readers meet release {served}." if served else "Nothing is published yet.")
    if facts["pinned"]:
        OUT.print(f"It is pinned by {said(facts['pinned']['pinned_by'])}: {said(facts['pinned']['reason'])}")
    if facts["last_run"] and facts["last_run"]["ended_at"] is None:
        OUT.print("The last run did not end. Run `metstats run` again; nothing is lost.")
