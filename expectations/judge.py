"""Judging a delivery by itself: runs its suites, says what is at fault, and writes it all into the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import delete
from sqlalchemy.orm import Session

from contracts.addresses import cell_name
from expectations.catalogue import Check, all_checks, suite_fingerprint
from expectations.findings import Finding, describe, describe_whole, sentence
from expectations.frames import Answer, ask
from expectations.suites import Judged, suites_of
from ledger.store import now
from ledger.tables import CheckResult, Delivery, DeliverySlice, FailingRow

# So many failing rows are written for one check of one delivery; the full count is kept beside them.
FAILING_ROWS_KEPT = 1_000


@dataclass(frozen=True)
class Judgement:
    """What one check said of one delivery. `blocked` holds the slices that a blocking failure keeps out."""

    check: Check
    status: str
    failing_count: int
    findings: tuple[Finding, ...]
    blocked: frozenset[date]
    error: str | None = None

    @property
    def message(self) -> str:
        if self.error:
            return f"The check could not be run, which counts as failed: {self.error}"
        if self.status == "passed":
            return self.check.sentence
        more = f" (And {self.failing_count - 1:,} more.)" if self.failing_count > 1 else ""
        return finding_sentence(self.findings[0], self.check) + more


def judge(judged: Judged) -> list[Judgement]:
    """Ask every check of a delivery that can be asked of it alone."""
    judgements: dict[str, Judgement] = {}
    for name, frame, expectations in suites_of(judged):
        for answer in ask(frame, expectations):
            judgement = judgement_of(answer, name, frame, judged)
            if answer.code not in judgements or judgement.status != "passed":
                judgements[answer.code] = judgement
    return list(judgements.values())


def judgement_of(answer: Answer, frame_name: str, frame: pd.DataFrame, judged: Judged) -> Judgement:
    """Turn the answer of an expectation into findings and blocked slices."""
    check = all_checks()[answer.code]
    if answer.is_met:
        return Judgement(check, "passed", 0, (), frozenset())
    every_slice = frozenset(judged.reading.slices)
    if answer.error:
        return Judgement(check, "errored", 1, (), every_slice, answer.error)
    labels = answer.failing_labels
    if labels:
        findings = tuple(describe(answer.code, frame, each, judged) for each in labels[:FAILING_ROWS_KEPT])
    else:
        findings = (describe_whole(answer.code, judged),)
    blocked = _reach(check, frame_name, frame, labels, every_slice) if check.severity == "block" else frozenset()
    return Judgement(check, "failed", max(len(labels), 1), findings, blocked)


def _reach(
    check: Check, frame_name: str, frame: pd.DataFrame, labels: Iterable[Any], every_slice: frozenset[date]
) -> frozenset[date]:
    """The slices that a failure keeps out: those of the failing cells, or all where a whole row is at fault."""
    if check.reach == "slice" and frame_name in ("cells", "slices", "periods"):
        return frozenset(frame.loc[list(labels), "slice_period"].dropna())
    return every_slice


def finding_sentence(finding: Finding, check: Check) -> str:
    """The sentence of a finding, with the name of its cell."""
    return sentence(finding, check, cell_of(finding))


def cell_of(finding: Finding) -> str | None:
    """The name of a finding's cell as a spreadsheet gives it, `H17`; None where it has no single cell."""
    if finding.row is None or finding.column is None:
        return None
    return cell_name(finding.row, finding.column)


def record_delivery(session: Session, judged: Judged, judgements: list[Judgement]) -> None:
    """Write results, failing rows and the states of the delivery's slices."""
    delivery = judged.delivery
    fingerprint = suite_fingerprint()
    for judgement in judgements:
        record(session, judgement, delivery, fingerprint)
    session.execute(delete(DeliverySlice).where(DeliverySlice.delivery_id == delivery.delivery_id))
    for period, total in judged.reading.slice_totals().items():
        blocked_by = sorted(j.check.code for j in judgements if period in j.blocked)
        session.add(
            DeliverySlice(
                delivery_id=delivery.delivery_id,
                table_name=delivery.table_name,
                slice_period=period,
                reporting_unit_code=delivery.reporting_unit_code,
                total=total,
                state="blocked" if blocked_by else "accepted",
                blocked_by=blocked_by,
            )
        )
    delivery.suite_fingerprint = fingerprint
    session.merge(delivery)


def record(session: Session, judgement: Judgement, delivery: Delivery, fingerprint: str) -> None:
    """Append one result and its failing rows."""
    check = judgement.check
    result = CheckResult(
        check_code=check.code,
        family=check.family,
        severity=check.severity,
        reach=check.reach,
        mended_by=check.mended_by,
        delivery_id=delivery.delivery_id,
        return_code=delivery.return_code,
        status=judgement.status,
        failing_count=judgement.failing_count,
        message=judgement.message,
        judged_at=now(),
        suite_fingerprint=fingerprint,
    )
    session.add(result)
    session.flush()
    session.add_all(
        FailingRow(
            check_result_id=result.check_result_id,
            delivery_id=delivery.delivery_id,
            slice_period=finding.slice_period,
            source_row=finding.row,
            source_column=finding.column,
            source_cell=cell_of(finding),
            found=finding.found,
            expected=check.expected,
            record=finding.record,
            message=finding_sentence(finding, check),
        )
        for finding in judgement.findings
    )
