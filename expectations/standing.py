"""Which delivery speaks for each slice, and so the verdict of every delivery of a return."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ledger.tables import CheckResult, Delivery, DeliverySlice, FileReceipt

_SliceKey = tuple[str, str, date]


def settle_verdicts(session: Session, return_code: str) -> None:
    """Give every judged delivery of a return its verdict, and write it on the receipts that wait for one."""
    deliveries = session.scalars(
        select(Delivery).where(Delivery.return_code == return_code, Delivery.suite_fingerprint.is_not(None))
    ).all()
    by_id = {delivery.delivery_id: delivery for delivery in deliveries}
    slices = session.scalars(select(DeliverySlice).where(DeliverySlice.delivery_id.in_(by_id))).all()
    speaks: dict[_SliceKey, Delivery] = {}
    for each in slices:
        if each.state == "accepted":
            delivery, key = by_id[each.delivery_id], _key(each)
            if key not in speaks or speaks[key].rank < delivery.rank:
                speaks[key] = delivery
    of_delivery: dict[str, list[DeliverySlice]] = {delivery_id: [] for delivery_id in by_id}
    for each in slices:
        of_delivery[each.delivery_id].append(each)
    for delivery in deliveries:
        _settle(session, delivery, of_delivery[delivery.delivery_id], speaks, deliveries)


def outstanding(session: Session, return_code: str) -> list[tuple[Delivery, list[DeliverySlice]]]:
    """Deliveries with blocked slices for which no better delivery speaks yet: what holds a publication."""
    deliveries = session.scalars(
        select(Delivery).where(Delivery.return_code == return_code, Delivery.verdict == "quarantined")
    ).all()
    return [
        (
            delivery,
            list(
                session.scalars(
                    select(DeliverySlice).where(
                        DeliverySlice.delivery_id == delivery.delivery_id, DeliverySlice.state == "blocked"
                    )
                )
            ),
        )
        for delivery in deliveries
    ]


def _key(each: DeliverySlice) -> _SliceKey:
    return (each.table_name, each.reporting_unit_code, each.slice_period)


def _settle(
    session: Session,
    delivery: Delivery,
    slices: Sequence[DeliverySlice],
    speaks: dict[_SliceKey, Delivery],
    deliveries: Sequence[Delivery],
) -> None:
    overtaken_by = [_overtaking(delivery, each, speaks) for each in slices]
    blocked = [each for each, by in zip(slices, overtaken_by, strict=True) if each.state == "blocked" and by is None]
    if slices and all(overtaken_by):
        last = max((by for by in overtaken_by if by), key=lambda by: by.rank)
        delivery.verdict, delivery.superseded_by = "superseded", last.delivery_id
        delivery.verdict_reason = f"Every month of it is overtaken, last by delivery {last.delivery_id}."
    elif not slices and (later := _later_whole_delivery(delivery, deliveries)):
        delivery.verdict, delivery.superseded_by = "superseded", later.delivery_id
        delivery.verdict_reason = f"It names no month that can be read; delivery {later.delivery_id} came after it."
    elif blocked or not slices:
        delivery.verdict, delivery.superseded_by = "quarantined", None
        delivery.verdict_reason = _why_blocked(session, delivery, blocked, len(slices))
    else:
        delivery.verdict, delivery.superseded_by = "accepted", None
        delivery.verdict_reason = f"{len(slices)} months, dated {delivery.as_at_on} ({delivery.as_at_source})."
    session.execute(
        update(FileReceipt)
        .where(FileReceipt.delivery_id == delivery.delivery_id, FileReceipt.verdict == "received")
        .values(verdict=_as_received(delivery), reason=delivery.verdict_reason)
    )


def _overtaking(delivery: Delivery, each: DeliverySlice, speaks: dict[_SliceKey, Delivery]) -> Delivery | None:
    """The later delivery that speaks for a slice, or None where this one does or should."""
    speaker = speaks.get(_key(each))
    return speaker if speaker is not None and speaker.rank > delivery.rank else None


def _later_whole_delivery(delivery: Delivery, deliveries: Sequence[Delivery]) -> Delivery | None:
    later = [each for each in deliveries if each.seq > delivery.seq and each.verdict == "accepted"]
    return min(later, key=lambda each: each.seq) if later else None


def _as_received(delivery: Delivery) -> str:
    """A file that is overtaken when it comes (an old extract, loaded late) was accepted all the same."""
    return "accepted" if delivery.verdict == "superseded" else delivery.verdict


def _why_blocked(session: Session, delivery: Delivery, blocked: Sequence[DeliverySlice], slice_count: int) -> str:
    codes = Counter(code for each in blocked for code in each.blocked_by)
    messages = []
    for code in codes or _failed_codes(session, delivery):
        messages.append(_last_message(session, delivery, code))
    months = "all its months" if len(blocked) == slice_count else f"{len(blocked)} of its {slice_count} months"
    return f"Kept out: {months}. " + " ".join(messages)


def _failed_codes(session: Session, delivery: Delivery) -> list[str]:
    return list(
        session.scalars(
            select(CheckResult.check_code).where(
                CheckResult.delivery_id == delivery.delivery_id,
                CheckResult.severity == "block",
                CheckResult.status != "passed",
            )
        )
    )


def _last_message(session: Session, delivery: Delivery, code: str) -> str:
    return session.scalars(
        select(CheckResult.message)
        .where(CheckResult.delivery_id == delivery.delivery_id, CheckResult.check_code == code)
        .order_by(CheckResult.check_result_id.desc())
        .limit(1)
    ).one()
