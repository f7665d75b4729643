"""The catalogue of checks (`checks.yaml`): what each is called, how hard it is, and who mends what it finds."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from ledger.version import code_version

_CATALOGUE = Path(__file__).parent / "checks.yaml"
# What a result depends on besides the delivery: with another of these, a delivery is read and judged again.
_JUDGED_BY = ("contracts", "dbt_project/seeds", "expectations", "ingest")


class Check(BaseModel):
    """A rule with a stable code. `reach` is what a failure keeps out (DESIGN: Words)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    family: Literal["delivery", "model", "whole"] = "delivery"
    severity: Literal["block", "warn"]
    reach: Literal["cell", "row", "slice", "delivery", "model", "whole"]
    mended_by: Literal["sender", "steward", "engineer"]
    sentence: str
    expected: str
    remedy: str
    # Tidy tables whose returns owe this check; both where nothing is said.
    tables: tuple[str, ...] = ("recorded_crime", "measure_value")


@lru_cache(maxsize=1)
def all_checks() -> dict[str, Check]:
    """Every check of deliveries by its code, in the catalogue's order."""
    checks = [Check.model_validate(entry) for entry in yaml.safe_load(_CATALOGUE.read_text(encoding="utf-8"))]
    return {check.code: check for check in checks}


def checks_of(table: str) -> list[str]:
    """Codes of the checks that every delivery of a tidy table owes."""
    return [check.code for check in all_checks().values() if table in check.tables]


def suite_fingerprint() -> str:
    """Changes with the contracts, the reference data and the code that reads and judges."""
    return code_version(*_JUDGED_BY)
