"""From a broken expectation to sentences for people: where, what was found, what was expected, what to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from contracts import reference
from contracts.naming import nearest
from expectations.catalogue import Check
from expectations.suites import Judged

_LONGEST_QUOTE = 80


@dataclass(frozen=True)
class Finding:
    """One thing at fault. `slice_period` is None where it touches every slice of the delivery."""

    found: str
    slice_period: date | None = None
    row: int | None = None
    column: int | None = None
    record: dict[str, Any] = field(default_factory=dict)
    hint: str = ""


def quote(text: object) -> str:
    """What was found, as it is shown: cut where it is long, and `nothing` where the cell is blank."""
    written = str(text)
    if not written.strip():
        return "a blank cell"
    return f"'{written[:_LONGEST_QUOTE]}…'" if len(written) > _LONGEST_QUOTE else f"'{written}'"


def describe(code: str, frame: pd.DataFrame, label: Any, judged: Judged) -> Finding:
    """Describe the row of a frame that breaks a check."""
    return _DESCRIPTIONS[code](frame.loc[label], judged)


def describe_whole(code: str, judged: Judged) -> Finding:
    """Describe what a delivery lacks, where no single row is at fault."""
    if code == "areas_complete":
        present = set(judged.reading.rows.get("area_code", pd.Series(dtype=object)).dropna())
        names = reference.area_names()
        missing = [names[area] for area in sorted(judged.required_areas - present)]
        return Finding(f"no row for {', '.join(missing)}")
    missing_months = ", ".join(f"{period:%B %Y}" for period in judged.missing_periods)
    return Finding(f"no column or row for {missing_months}")


def sentence(finding: Finding, check: Check, cell_name: str | None) -> str:
    """The message of a finding: address, found, expected, remedy."""
    parts = [
        f"row {finding.row}" if finding.row else "",
        f"column {finding.column} (cell {cell_name})" if finding.column and finding.row else "",
        f"{finding.slice_period:%B %Y}" if finding.slice_period else "",
    ]
    address = ", ".join(part for part in parts if part)
    found = f"found {finding.found}" + (f" ({finding.hint})" if finding.hint else "")
    lead = f"{address}: {found}" if address else found
    return f"{lead[0].upper()}{lead[1:]}; expected {check.expected}. {check.remedy}"


def _of_file(say: Callable[[Any, Judged], str]) -> Callable[[Any, Judged], Finding]:
    return lambda row, judged: Finding(say(row, judged), row=_stopped_at(row))


def _stopped_at(row: Any) -> int | None:
    return None if pd.isna(row["stopped_at_row"]) else int(row["stopped_at_row"])


def _of_row(role: str | None, say: Callable[[Any], str]) -> Callable[[Any, Judged], Finding]:
    def describe_row(row: Any, judged: Judged) -> Finding:
        column = judged.reading.key_columns.get(role) if role else None
        record = {key: str(value) for key, value in row.items() if str(key).endswith("_printed")}
        return Finding(say(row), row=int(row["source_row"]), column=column, record=record, hint=_hint(role, row))

    return describe_row


def _hint(role: str | None, row: Any) -> str:
    """The nearest known name, where an area is not known."""
    if role != "area" or pd.notna(row["area_code"]):
        return ""
    near = nearest(row["area_key"], reference.area_codes())
    return f"nearest known name: {reference.area_names()[reference.area_codes()[near]]}" if near else ""


def _of_label(row: Any, _: Judged) -> Finding:
    return Finding(
        quote(row["printed"]),
        slice_period=row.get("slice_period"),
        row=int(row["source_row"]),
        column=int(row["source_column"]),
    )


def _of_cell(row: Any, _: Judged) -> Finding:
    record = {key: str(value) for key, value in row.items() if str(key).endswith("_printed")}
    return Finding(
        quote(row["value_text"]),
        slice_period=row["slice_period"],
        row=int(row["source_row"]),
        column=int(row["source_column"]),
        record=record,
    )


def _of_slice(say: Callable[[Any], str]) -> Callable[[Any, Judged], Finding]:
    return lambda row, _: Finding(say(row), slice_period=row["slice_period"])


def _of_key(row: Any, judged: Judged) -> Finding:
    """A repeated key is a row where areas and categories are rows, a header where measures are columns."""
    if "measure_code" in row.index:
        return _of_label(row, judged)
    names = (row["area_printed"], row["major_category_printed"], row["minor_category_printed"])
    return _of_row("area", lambda _: "another row for " + ", ".join(quote(name) for name in names))(row, judged)


_DESCRIPTIONS: dict[str, Callable[[Any, Judged], Finding]] = {
    "rows_present": _of_file(lambda row, _: "a header and no figures under it"),
    "readable_to_the_end": _of_file(
        lambda row, _: f"a row that breaks the rules of quotation marks ({row['stopped_because']})"
    ),
    "last_line_ended": lambda row, _: Finding("a last line that is not ended", row=int(row["last_row"])),
    "as_at_not_future": _of_file(
        lambda row, _: f"as at {row['as_at_on']:%Y-%m-%d}, received on {row['received_on']:%Y-%m-%d}"
    ),
    "as_at_declared": _of_file(lambda row, _: f"{row['as_at_on']:%Y-%m-%d}, a guess by {row['as_at_source']}"),
    "row_complete": _of_row(
        None,
        lambda row: (
            f"{row['cells']} {'cell' if row['cells'] == 1 else 'cells'} where the header has {row['expected_cells']}"
        ),
    ),
    "area_known": _of_row("area", lambda row: f"{quote(row['area_printed'])}, an area that is not known here"),
    "category_known": _of_row(
        "minor_category",
        lambda row: (
            f"{quote(row['major_category_printed'])} / {quote(row['minor_category_printed'])}, "
            "a category that is not known here"
        ),
    ),
    "key_unique": _of_key,
    "period_readable": _of_label,
    "period_unique": _of_label,
    "measure_known": _of_label,
    "value_is_whole_number": _of_cell,
    "value_not_negative": _of_cell,
    "as_at_after_periods": _of_slice(
        lambda row: f"as at {row['as_at_on']:%Y-%m-%d}, before the end of the month ({row['period_end_on']:%Y-%m-%d})"
    ),
    "edge_month_not_collapsed": _of_slice(
        lambda row: (
            f"a total of {row['total']:,.0f}, {row['edge_ratio']:.0%} of the median of the file's other months "
            f"({row['median_of_others']:,.0f})"
        )
    ),
    "restated_total_plausible": _of_slice(
        lambda row: (
            f"a total of {row['total']:,.0f}, {row['restated_ratio']:.0%} of the {row['reference']:,.0f} "
            f"known before from delivery {row['reference_delivery_id']}"
        )
    ),
    "first_total_plausible": _of_slice(
        lambda row: (
            f"a total of {row['total']:,.0f}, {row['first_ratio']:.0%} of the median of the twelve months "
            f"before it ({row['reference']:,.0f})"
        )
    ),
}
