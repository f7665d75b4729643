"""The suite of one delivery, built from its contract: which expectation of which frame stands for which check."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations import Expectation

from contracts import reference
from contracts.model import ReturnContract
from contracts.reading import Reading, month_end, months_between
from ledger.home import london_date
from ledger.tables import Delivery

DECLARED = ("declared by --as-at", "declared by delivery note")
# An edge month is held against the others of its file; fewer than this many others tell nothing.
_MONTHS_TO_JUDGE_AN_EDGE = 3


@dataclass(frozen=True)
class Judged:
    """A delivery, its contract and its reading, about to be judged."""

    delivery: Delivery
    contract: ReturnContract
    reading: Reading

    @property
    def required_areas(self) -> frozenset[str]:
        """Codes of the areas that the file must name; empty where the contract asks for none."""
        if self.contract.required_area_type is None:
            return frozenset()
        force = reference.force_area_of(self.contract.reporting_unit_code)
        return reference.area_codes_of_type(self.contract.required_area_type, force)

    @property
    def missing_periods(self) -> list[date]:
        slices = self.reading.slices
        return sorted(set(months_between(slices[0], slices[-1])) - set(slices)) if slices else []


Suite = tuple[str, pd.DataFrame, dict[str, Expectation]]


def suites_of(judged: Judged) -> Iterator[Suite]:
    """Yield the name of a frame, the frame, and its expectations by the code of their check."""
    reading = judged.reading
    yield "file", file_frame(judged), _of_the_file(judged)
    yield "rows", reading.rows, _of_rows(judged)
    yield "periods", reading.periods, _of_periods(judged)
    if judged.contract.table == "measure_value":
        yield "measures", reading.measures, _of_measures()
    yield "cells", reading.cells, _of_cells()
    yield "slices", slices_frame(judged), _of_slices(judged)


def file_frame(judged: Judged) -> pd.DataFrame:
    """One row: the reading's `file` frame with what the ledger knows of the delivery."""
    delivery = judged.delivery
    return judged.reading.file.assign(
        as_at_on=pd.Timestamp(delivery.as_at_on),
        received_on=pd.Timestamp(london_date(delivery.received_at)),
        as_at_source=delivery.as_at_source,
    )


def slices_frame(judged: Judged) -> pd.DataFrame:
    """A slice each: its total, its last day, and, for the first and last, its total over the median of the others."""
    totals = judged.reading.slice_totals()
    periods = list(totals)
    frame = pd.DataFrame(
        {
            "slice_period": pd.Series(periods, dtype=object),
            "total": pd.Series(list(totals.values()), dtype="float64"),
            "period_end_on": pd.to_datetime(pd.Series([month_end(period) for period in periods], dtype=object)),
        }
    )
    frame["as_at_on"] = pd.Timestamp(judged.delivery.as_at_on)
    frame["median_of_others"] = float("nan")
    if len(frame) > _MONTHS_TO_JUDGE_AN_EDGE:
        for edge in (frame.index[0], frame.index[-1]):
            frame.loc[edge, "median_of_others"] = frame["total"].drop(index=edge).median()
    frame["edge_ratio"] = (frame["total"] / frame["median_of_others"]).where(frame["median_of_others"] > 0)
    return frame


def _of_the_file(judged: Judged) -> dict[str, Expectation]:
    return {
        "rows_present": gxe.ExpectColumnValuesToBeBetween(column="rows_with_figures", min_value=1),
        "readable_to_the_end": gxe.ExpectColumnValuesToBeNull(column="stopped_at_row"),
        "last_line_ended": gxe.ExpectColumnValuesToBeInSet(column="ends_with_line_end", value_set=[True]),
        "as_at_not_future": gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="received_on", column_B="as_at_on", or_equal=True
        ),
        "as_at_declared": gxe.ExpectColumnValuesToBeInSet(column="as_at_source", value_set=list(DECLARED)),
    }


def _of_rows(judged: Judged) -> dict[str, Expectation]:
    expectations: dict[str, Expectation] = {
        "row_complete": gxe.ExpectColumnPairValuesToBeEqual(column_A="cells", column_B="expected_cells"),
    }
    if judged.contract.table == "recorded_crime":
        expectations |= {
            "area_known": gxe.ExpectColumnValuesToNotBeNull(column="area_code"),
            "category_known": gxe.ExpectColumnValuesToNotBeNull(column="offence_code"),
            "key_unique": gxe.ExpectCompoundColumnsToBeUnique(
                column_list=["area_code", "offence_code"], ignore_row_if="any_value_is_missing"
            ),
        }
    if judged.required_areas:
        expectations["areas_complete"] = gxe.ExpectColumnDistinctValuesToContainSet(
            column="area_code", value_set=sorted(judged.required_areas)
        )
    return expectations


def _of_periods(judged: Judged) -> dict[str, Expectation]:
    slices = judged.reading.slices
    every_month = months_between(slices[0], slices[-1]) if slices else []
    return {
        "period_readable": gxe.ExpectColumnValuesToNotBeNull(column="slice_period"),
        "period_unique": gxe.ExpectColumnValuesToBeUnique(column="slice_period"),
        "periods_contiguous": gxe.ExpectColumnDistinctValuesToContainSet(column="slice_period", value_set=every_month),
    }


def _of_measures() -> dict[str, Expectation]:
    return {
        "measure_known": gxe.ExpectColumnValuesToNotBeNull(column="measure_code"),
        "key_unique": gxe.ExpectColumnValuesToBeUnique(column="measure_code"),
    }


def _of_cells() -> dict[str, Expectation]:
    return {
        "value_is_whole_number": gxe.ExpectColumnValuesToNotBeNull(column="value"),
        "value_not_negative": gxe.ExpectColumnValuesToBeBetween(column="value", min_value=0),
    }


def _of_slices(judged: Judged) -> dict[str, Expectation]:
    return {
        "as_at_after_periods": gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="as_at_on", column_B="period_end_on", or_equal=True
        ),
        "edge_month_not_collapsed": gxe.ExpectColumnValuesToBeBetween(
            column="edge_ratio", min_value=judged.contract.plausibility.edge_min
        ),
    }
