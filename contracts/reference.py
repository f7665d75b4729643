"""Reference data that reading and checking share with the models: the seeds of the dbt project, read once."""

import csv
from functools import cache
from pathlib import Path

SEEDS_FOLDER = Path(__file__).parent.parent / "dbt_project" / "seeds"


@cache
def _rows(seed: str) -> tuple[dict[str, str], ...]:
    with (SEEDS_FOLDER / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def area_codes() -> dict[str, str]:
    """Area key → area code."""
    return {row["area_key"]: row["area_code"] for row in _rows("area_alias")}


def area_codes_of_type(area_type: str, parent_area_code: str) -> frozenset[str]:
    """Codes of the areas of one type under one parent: the boroughs that a force-wide extract must name."""
    return frozenset(
        row["area_code"]
        for row in _rows("area")
        if row["area_type"] == area_type and row["parent_area_code"] == parent_area_code
    )


def areas_under(parent_area_code: str) -> frozenset[str]:
    """Codes of all areas directly under one parent."""
    return frozenset(row["area_code"] for row in _rows("area") if row["parent_area_code"] == parent_area_code)


def area_names() -> dict[str, str]:
    """Area code → name."""
    return {row["area_code"]: row["area_name"] for row in _rows("area")}


def force_area_of(unit_code: str) -> str:
    """Area that a reporting unit speaks for."""
    return next(row["area_code"] for row in _rows("unit") if row["unit_code"] == unit_code)


def offence_codes(scheme: str) -> dict[str, str]:
    """Offence key → offence code, in one scheme."""
    return {row["offence_key"]: row["offence_code"] for row in _rows("offence_alias") if row["scheme"] == scheme}


def measure_codes(return_code: str) -> dict[str, str]:
    """Measure key → measure code, in one return."""
    return {
        row["measure_key"]: row["measure_code"] for row in _rows("measure_alias") if row["return_code"] == return_code
    }
