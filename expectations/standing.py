"""Which delivery speaks for each slice, and so the verdict of every delivery of a return."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from expectations.catalogue import all_checks
from ledger.home import london_date
from ledger.tables import CheckResult, Delivery, DeliverySlice, FileReceipt

_SliceKey = tuple[str, str, date]


@dataclass
class _Speakers:
    """Of each slice, the accepted delivery that speaks for it (last by rank) and the one received last."""

    last: dict[_SliceKey, Delivery] = field(default_factory=dict)
    newest: dict[_SliceKey, Delivery] = field(default_factory=dict)

    def add(self, key: _SliceKey, delivery: Delivery) -> None:
        if key not in self.last or self.last[key].rank < delivery.rank:
            self.last[key] = delivery
        if key not in self.newest or self.newest[key].seq < delivery.seq:
            self.newest[key] = delivery

    def overtaking(self, delivery: Delivery, each: DeliverySlice) -> Delivery | None:
        """The later delivery that speaks for a slice, or None where this one does or should.

        A date that lies after receipt is a slip, and would come last for ever; one that a rule found in a damaged file
        (the last month that was left of it) says nothing. Such a delivery is overtaken by any good one that is
        received after it, and by no other.
        """
        key = _key(each)
        is_guess = delivery.declared_as_at_on is None and each.state == "blocked"
        if is_guess or delivery.as_at_on > london_date(delivery.received_at):
            newest = self.newest.get(key)
            return newest if newest is not None and newest.seq > delivery.seq else None
        last = self.last.get(key)
        return last if last is not None and last.rank > delivery.rank else None


def settle_verdicts(session: Session, return_code: str) -> None:
    """Give every judged delivery of a return its verdict, and write it on the receipts that wait for one."""
    deliveries = session.scalars(
        select(Delivery).where(Delivery.return_code == return_code, Delivery.suite_fingerprint.is_not(None))
    ).all()
    by_id = {delivery.delivery_id: delivery for delivery in deliveries}
    of_delivery: dict[str, list[DeliverySlice]] = {delivery_id: [] for delivery_id in by_id}
    speakers = _Speakers()
    for each in session.scalars(select(DeliverySlice).where(DeliverySlice.delivery_id.in_(by_id))):
        of_delivery[each.delivery_id].append(each)
        if each.state == "accepted":
            speakers.add(_key(each), by_id[each.delivery_id])
    # Those without a slice come last: what becomes of them depends on the others.
    for delivery in sorted(deliveries, key=lambda each: (not of_delivery[each.delivery_id], each.seq)):
        _settle(session, delivery, of_delivery[delivery.delivery_id], speakers, deliveries)


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
    speakers: _Speakers,
    deliveries: Sequence[Delivery],
) -> None:
    overtaken_by = [speakers.overtaking(delivery, each) for each in slices]
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
    verdict, reason = _as_received(session, delivery, slices)
    session.execute(
        update(FileReceipt)
        .where(FileReceipt.delivery_id == delivery.delivery_id, FileReceipt.verdict == "received")
        .values(verdict=verdict, reason=reason)
    )


def _later_whole_delivery(delivery: Delivery, deliveries: Sequence[Delivery]) -> Delivery | None:
    later = [each for each in deliveries if each.seq > delivery.seq and each.verdict == "accepted"]
    return min(later, key=lambda each: each.seq) if later else None


def _as_received(session: Session, delivery: Delivery, slices: Sequence[DeliverySlice]) -> tuple[str, str]:
    """Verdict and reason for the sender. A file that is overtaken when it comes (an old extract, loaded late) was
    accepted all the same; but what is at fault in it is missing from the history, and is said."""
    if delivery.verdict != "superseded":
        return delivery.verdict, delivery.verdict_reason
    blocked = [each for each in slices if each.state == "blocked"]
    if blocked or not slices:
        return "quarantined", f"{_why_blocked(session, delivery, blocked, len(slices))} {delivery.verdict_reason}"
    return "accepted", delivery.verdict_reason


def _why_blocked(session: Session, delivery: Delivery, blocked: Sequence[DeliverySlice], slice_count: int) -> str:
    codes = Counter(code for each in blocked for code in each.blocked_by)
    messages = []
    # In the order of the catalogue: a row that was cut off comes before what is missing in it.
    order = list(all_checks())
    for code in sorted(codes or _failed_codes(session, delivery), key=order.index):
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
