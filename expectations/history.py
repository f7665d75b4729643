"""Judging a return's deliveries against each other: totals against their own history, in the order they speak.

Done again at each run from the ledger alone, so that the order of arrival makes no difference to what is believed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

import great_expectations.expectations as gxe
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.model import Plausibility, ReturnContract
from contracts.reading import Reading, months_between
from expectations.frames import Answer, ask
from expectations.judge import judgement_of, record
from expectations.suites import Judged
from ledger.tables import CheckResult, Delivery, DeliverySlice

HISTORY_CHECKS = ("restated_total_plausible", "first_total_plausible")
_EMPTY = pd.DataFrame()


@dataclass
class _Known:
    """What is believed so far: total and delivery of each slice."""

    totals: dict[tuple[str, date], float] = field(default_factory=dict)
    delivered_by: dict[tuple[str, date], str] = field(default_factory=dict)

    def believe(self, delivery: Delivery, period: date, total: float) -> None:
        key = (delivery.reporting_unit_code, period)
        self.totals[key] = total
        self.delivered_by[key] = delivery.delivery_id


def judge_history(session: Session, contract: ReturnContract) -> None:
    """Judge every delivery of a return in the order in which they speak; blocked slices teach nothing."""
    deliveries = session.scalars(
        select(Delivery).where(Delivery.return_code == contract.return_code, Delivery.suite_fingerprint.is_not(None))
    ).all()
    known = _Known()
    slices_of = {delivery.delivery_id: _slices_of(session, delivery) for delivery in deliveries}
    for delivery in sorted(deliveries, key=lambda each: each.rank):
        slices = slices_of[delivery.delivery_id]
        # Files of one extract (a historical one, a recent one) speak of different months, and came in either order.
        together = [s for other in deliveries if _is_of_one_date(other, delivery) for s in slices_of[other.delivery_id]]
        frame = _history_frame(delivery, slices, together, known, contract.plausibility)
        _judge_once(session, delivery, contract, slices, frame)
        for each in slices:
            if each.state == "accepted" and each.total is not None:
                known.believe(delivery, each.slice_period, each.total)


def _is_of_one_date(one: Delivery, other: Delivery) -> bool:
    return one.rank[:2] == other.rank[:2] and one.reporting_unit_code == other.reporting_unit_code


def _sound(slices: Sequence[DeliverySlice]) -> list[DeliverySlice]:
    """Slices whose total is known, and in which nothing but history is doubted."""
    return [s for s in slices if s.total is not None and not set(s.blocked_by) - set(HISTORY_CHECKS)]


def _slices_of(session: Session, delivery: Delivery) -> Sequence[DeliverySlice]:
    return session.scalars(
        select(DeliverySlice)
        .where(DeliverySlice.delivery_id == delivery.delivery_id)
        .order_by(DeliverySlice.slice_period)
    ).all()


def _history_frame(
    delivery: Delivery,
    slices: Sequence[DeliverySlice],
    together: Sequence[DeliverySlice],
    known: _Known,
    bounds: Plausibility,
) -> pd.DataFrame:
    """A slice each: its total, what it is held against, and the ratio of the two (null where there is nothing)."""
    unit = delivery.reporting_unit_code
    sound = _sound(slices)
    here = {key: total for key, total in known.totals.items() if key[0] == unit}
    around = here | {(unit, s.slice_period): s.total for s in (*_sound(together), *sound) if s.total is not None}
    lines = []
    for each in sound:
        key = (unit, each.slice_period)
        restated = known.totals.get(key)
        reference = restated if restated is not None else _median_before(each.slice_period, unit, around, bounds)
        ratio = each.total / reference if reference and each.total is not None else None
        lines.append(
            {
                "slice_period": each.slice_period,
                "total": each.total,
                "reference": reference,
                "reference_delivery_id": known.delivered_by.get(key),
                "restated_ratio": ratio if restated is not None else None,
                "first_ratio": ratio if restated is None else None,
            }
        )
    columns = ["slice_period", "total", "reference", "reference_delivery_id", "restated_ratio", "first_ratio"]
    frame = pd.DataFrame(lines, columns=columns)
    numbers = ["total", "reference", "restated_ratio", "first_ratio"]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _median_before(
    period: date, unit: str, totals: dict[tuple[str, date], float], bounds: Plausibility
) -> float | None:
    """Median of the months before a month; None unless all of them are known."""
    count = bounds.first_seen_months
    start = date(period.year - (count + 12 - period.month) // 12, (period.month - 1 - count) % 12 + 1, 1)
    before = [totals.get((unit, month)) for month in months_between(start, period)[:-1]]
    present = [total for total in before if total is not None]
    return median(present) if len(present) == count else None


def _judge_once(
    session: Session,
    delivery: Delivery,
    contract: ReturnContract,
    slices: Sequence[DeliverySlice],
    frame: pd.DataFrame,
) -> None:
    """Judge a delivery's history, unless the same question was answered since the delivery was judged by itself."""
    fingerprint = _fingerprint(delivery, frame)
    last = session.scalars(
        select(CheckResult.suite_fingerprint)
        .where(CheckResult.delivery_id == delivery.delivery_id)
        .order_by(CheckResult.check_result_id.desc())
        .limit(1)
    ).first()
    if last == fingerprint:
        return
    judged = Judged(delivery, contract, Reading({}, _EMPTY, _EMPTY, _periods(slices), _EMPTY, _EMPTY))
    blocked: dict[date, list[str]] = {}
    for answer in _ask_history(frame, contract.plausibility):
        judgement = judgement_of(answer, "slices", frame, judged)
        record(session, judgement, delivery, fingerprint)
        for period in judgement.blocked:
            blocked.setdefault(period, []).append(answer.code)
    for each in slices:
        by_itself = [code for code in each.blocked_by if code not in HISTORY_CHECKS]
        each.blocked_by = sorted(by_itself + blocked.get(each.slice_period, []))
        each.state = "blocked" if each.blocked_by else "accepted"


def _ask_history(frame: pd.DataFrame, bounds: Plausibility) -> list[Answer]:
    return ask(
        frame,
        {
            "restated_total_plausible": gxe.ExpectColumnValuesToBeBetween(
                column="restated_ratio", min_value=bounds.restated_min, max_value=bounds.restated_max
            ),
            "first_total_plausible": gxe.ExpectColumnValuesToBeBetween(
                column="first_ratio", min_value=bounds.first_seen_min, max_value=bounds.first_seen_max
            ),
        },
    )


def _periods(slices: Sequence[DeliverySlice]) -> pd.DataFrame:
    return pd.DataFrame({"slice_period": pd.Series([each.slice_period for each in slices], dtype=object)})


def _fingerprint(delivery: Delivery, frame: pd.DataFrame) -> str:
    question = f"{delivery.suite_fingerprint}|{frame.to_csv(index=False)}"
    return hashlib.sha256(question.encode()).hexdigest()[:12]
