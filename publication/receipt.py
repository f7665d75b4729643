"""The receipt of a release: what it was made from, by what, what was checked, and what was decided."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.store import Ledger
from ledger.tables import Build, CheckResult, Delivery, GateDecision
from ledger.version import code_version


def receipt_of(
    ledger: Ledger,
    build: Build,
    decisions: Sequence[GateDecision],
    subjects: dict[str, Any],
    tables: list[dict[str, Any]],
) -> dict[str, Any]:
    """The receipt but for its number and the times of its making."""
    with ledger.look() as session:
        return {
            "code_version": code_version(),
            "subjects": subjects,
            "gate": [
                {
                    "publication": decision.publication,
                    "subject": decision.subject,
                    "decision": decision.decision,
                    "reasons": decision.reasons,
                }
                for decision in decisions
            ],
            "tables": tables,
            "deliveries": _deliveries(session),
            "checks": _checks(session, build),
            "waivers": [],
            "approvals": [],
        }


def _deliveries(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "delivery_id": delivery.delivery_id,
            "return_code": delivery.return_code,
            "file_name": delivery.file_name,
            "sender": delivery.sender,
            "sha256": delivery.sha256,
            "bytes": delivery.bytes,
            "as_at_on": delivery.as_at_on.isoformat(),
            "as_at_source": delivery.as_at_source,
            "received_at": delivery.received_at.isoformat(),
            "verdict": delivery.verdict,
            "superseded_by": delivery.superseded_by,
        }
        for delivery in session.scalars(select(Delivery).order_by(Delivery.delivery_id))
    ]


def _checks(session: Session, build: Build) -> list[dict[str, Any]]:
    """The latest result of every check: of each delivery, and of this build."""
    of_deliveries = session.scalars(
        select(CheckResult).where(CheckResult.delivery_id.is_not(None)).order_by(CheckResult.check_result_id)
    )
    latest = {(result.delivery_id, result.check_code): result for result in of_deliveries}
    of_build = session.scalars(select(CheckResult).where(CheckResult.build_id == build.build_id)).all()
    lines = [
        {
            "check_code": result.check_code,
            "about": result.delivery_id or result.node,
            "status": result.status,
            "severity": result.severity,
            "failing_count": result.failing_count,
            "message": result.message,
        }
        for result in [*latest.values(), *of_build]
    ]
    return sorted(lines, key=lambda line: (str(line["about"]), str(line["check_code"])))
