"""What a delivery says, between reading and judging: frames with the address of everything they hold."""

import calendar
from dataclasses import dataclass
from datetime import date

import pandas as pd


@dataclass(frozen=True)
class Reading:
    """The frames of one delivery. Rows and columns of the file count from 1.

    - `key_columns`: role of a key column → its column in the file.
    - `file`: one row: `rows_with_figures`, `last_row`, `stopped_at_row`, `stopped_because`, `ends_with_line_end`.
    - `rows`: a row of the file each: `source_row`, `cells`, `expected_cells`, the key columns as printed, their keys
      and codes (`area_code`, `offence_code`; null where unknown).
    - `periods`: a period label each: `source_row`, `source_column`, `printed`, `slice_period` (null where unreadable).
    - `measures`: a measure header each, where the return has measures: `source_row`, `source_column`, `printed`,
      `measure_code` (null where unknown).
    - `cells`: a figure each: `source_row`, `source_column`, `slice_period`, `value` (null where the text is no whole
      number), `value_text`, and what the return's tidy table needs.
    """

    key_columns: dict[str, int]
    file: pd.DataFrame
    rows: pd.DataFrame
    periods: pd.DataFrame
    measures: pd.DataFrame
    cells: pd.DataFrame

    @property
    def slices(self) -> list[date]:
        """The periods for which the delivery speaks, in order."""
        return sorted(self.periods["slice_period"].dropna().unique())

    def slice_totals(self) -> dict[date, float | None]:
        """Sum of each slice; None where one of its cells has no value."""
        totals: dict[date, float | None] = dict.fromkeys(self.slices, 0.0)
        if not self.cells.empty:
            sums = self.cells.groupby("slice_period")["value"].agg(["sum", "count", "size"])
            for line in sums.reset_index().to_dict("records"):
                totals[line["slice_period"]] = float(line["sum"]) if line["count"] == line["size"] else None
        return totals


def month_end(first_day: date) -> date:
    """Last day of the month that begins on `first_day`."""
    return first_day.replace(day=calendar.monthrange(first_day.year, first_day.month)[1])


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from `first` to `last`, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]
