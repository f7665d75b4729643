"""The receipt of a release: what it was made from, by what, what was checked, and what was decided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.store import Ledger
from ledger.tables import Build, CheckResult, GateDecision
from ledger.version import code_version


def receipt_of(
    ledger: Ledger,
    build: Build,
    build_inputs: Path,
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
            "deliveries": _deliveries(build_inputs),
            "checks": _checks(session, build),
            "waivers": [],
            "approvals": [],
        }


def _deliveries(build_inputs: Path) -> list[dict[str, Any]]:
    """The deliveries as the build met them: not those that came while it was made."""
    names = (
        *("delivery_id", "return_code", "file_name", "sender", "sha256", "bytes", "as_at_on", "as_at_source"),
        *("received_at", "verdict", "superseded_by"),
    )
    lines = pq.read_table(build_inputs / "ledger" / "delivery.parquet", columns=list(names)).to_pylist()
    return sorted(lines, key=lambda line: str(line["delivery_id"]))


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
