"""The shape of a contract: a return's identity, layouts, meaning, dates and thresholds."""

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

RETURNS_FOLDER = Path(__file__).parent / "returns"

# A label of another year is a slip or an attack; none of them is a month that a police force reports on.
_YEARS = range(1900, 2200)

Role = Literal["area", "major_category", "minor_category", "period"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layout(_Strict):
    """One way in which a sender has laid the return out.

    `headers` maps the role of a key column to its header as printed; a file has this layout when it has all of
    them, whatever their order. `value_headers` are the other columns that must be there by name.
    """

    name: str
    headers: dict[Role, str]
    value_headers: tuple[str, ...] = ()
    scheme: str | None = None

    @property
    def required_headers(self) -> tuple[str, ...]:
        return (*self.headers.values(), *self.value_headers)


class Periods(_Strict):
    """Where the period of a figure is printed: `across` in the headers of its column, `down` in a column of its row."""

    run: Literal["across", "down"]
    format: str
    period_type: Literal["month"] = "month"

    def parse(self, printed: str) -> date | None:
        """First day of the month that a label names, or None where it names none."""
        label = printed.strip()
        try:
            # A month has no time zone; the round trip refuses labels that strptime reads generously ('20185' as May).
            parsed = datetime.strptime(label, self.format)  # noqa: DTZ007
        except ValueError:
            return None
        is_exact = parsed.strftime(self.format).casefold() == label.casefold()
        return date(parsed.year, parsed.month, 1) if is_exact and parsed.year in _YEARS else None


class AsAtRule(_Strict):
    """How to date a delivery that came without a declared date.

    `first_day_after_last_period`: figures cannot be complete before their last period has ended. It is a guess,
    and the delivery says so (`as_at_source`).
    """

    rule: Literal["first_day_after_last_period"] | None = None


class Plausibility(_Strict):
    """Bounds on slice totals (never on single areas: genuine files move those wildly). All are ratios."""

    restated_min: float
    restated_max: float
    first_seen_min: float
    first_seen_max: float
    first_seen_months: int = 12
    edge_min: float


class ReturnContract(_Strict):
    """A kind of file that a unit owes, and everything that Metstats needs to know to take it in."""

    return_code: str
    title: str
    sender: str
    subject: str
    reporting_unit_code: str
    table: Literal["recorded_crime", "measure_value"]
    value_kind: Literal["count"]
    periods: Periods
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]
    as_at: AsAtRule = AsAtRule()
    required_area_type: str | None = None
    unit_code: str | None = None
    value_basis: str | None = None
    plausibility: Plausibility

    def layout(self, name: str) -> Layout:
        return next(layout for layout in self.layouts if layout.name == name)


def load_contract(path: Path) -> ReturnContract:
    """Read one contract; raises :class:`pydantic.ValidationError` naming every field that is wrong."""
    return ReturnContract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def all_contracts() -> dict[str, ReturnContract]:
    """Every contract of the house by its return code, in alphabetical order."""
    contracts = [load_contract(path) for path in sorted(RETURNS_FOLDER.glob("*.yaml"))]
    return {contract.return_code: contract for contract in contracts}
