"""Bytes that came before: a duplicate, or a question whether what came after them is taken back."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ledger.home import london_date
from ledger.store import Ledger
from ledger.tables import Delivery, DeliverySlice, FileReceipt


def find_same(
    ledger: Ledger, delivery_id: str, sha256: str, return_code: str, declared: date | None
) -> tuple[Delivery, Delivery | None] | None:
    """The delivery that some bytes repeat, and the later one, if any, that overtook a month of it.

    Without a declared date bytes repeat the last delivery of theirs that still matters, however that was dated.
    """
    with ledger.look() as session:
        known = session.scalars(
            select(Delivery).where(Delivery.sha256 == sha256, Delivery.return_code == return_code)
        ).all()
        same = next((each for each in known if each.delivery_id == delivery_id), None)
        if declared is None and known:
            same = max(known, key=lambda each: (each.verdict != "superseded", each.rank))
        return (same, _overtaking(session, same)) if same else None


def _overtaking(session: Session, delivery: Delivery) -> Delivery | None:
    """The last of the deliveries that speak now for a month for which this one spoke."""
    mine, others = aliased(DeliverySlice), aliased(DeliverySlice)
    query = (
        select(Delivery)
        .join(others, others.delivery_id == Delivery.delivery_id)
        .join(
            mine,
            (mine.slice_period == others.slice_period)
            & (mine.table_name == others.table_name)
            & (mine.reporting_unit_code == others.reporting_unit_code),
        )
        .where(mine.delivery_id == delivery.delivery_id, others.state == "accepted")
        .distinct()
    )
    later = [each for each in session.scalars(query) if each.rank > delivery.rank]
    return max(later, key=lambda each: each.rank, default=None)


def answer_again(receipt: FileReceipt, same: Delivery, overtaking: Delivery | None, is_undated: bool) -> FileReceipt:
    """Give a receipt for known bytes. Undated ones that were overtaken are a question: is the later one taken back?"""
    receipt.delivery_id = same.delivery_id
    if is_undated and overtaking is not None:
        receipt.verdict = "quarantined"
        receipt.reason = (
            f"The same bytes came before (delivery {same.delivery_id}, as at {same.as_at_on}) and were overtaken "
            f"since, last by delivery {overtaking.delivery_id} (as at {overtaking.as_at_on}). Are they to speak again? "
            "If so, send them with the date from which they hold (--as-at, or a delivery note); if they were sent by "
            "mistake, nothing needs doing."
        )
        return receipt
    receipt.verdict = "duplicate"
    receipt.reason = f"The same as delivery {same.delivery_id} of {london_date(same.received_at)}."
    if same.verdict == "quarantined":
        receipt.reason += f" That is quarantined still. {same.verdict_reason}"
    return receipt
