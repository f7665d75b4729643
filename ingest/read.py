"""From a grid of cells to tidy rows, by the contract: one row a cell, its address beside it.

Nothing is judged here. A cell that is no number stays in the frames with its text and without a value; a label that
names no period stays with its text and without a period. The checks of :mod:`expectations` speak about them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts import reference
from contracts.addresses import cell_name
from contracts.model import Layout, ReturnContract
from contracts.naming import offence_key, text_key
from contracts.reading import Reading, month_end
from contracts.tidy import TIDY_SCHEMAS
from ingest.identify import Identified
from ingest.readers.delimited import Grid
from ingest.values import parse_count
from ledger.tables import Delivery


@dataclass(frozen=True)
class _Place:
    """Where a grid has what a contract asks for. Columns count from 0 here, and from 1 in every frame."""

    contract: ReturnContract
    layout: Layout
    header_row: int
    keys: dict[str, int]
    value_columns: list[int]


def read_grid_as(grid: Grid, identified: Identified) -> Reading:
    """Read a grid by the contract that was found to fit it."""
    place = _locate(grid, identified)
    header = grid.rows[place.header_row - 1]
    body = [
        (number, row)
        for number, row in enumerate(grid.rows[place.header_row :], start=place.header_row + 1)
        if any(cell.strip() for cell in row)
    ]
    rows = _rows_frame(body, len(header), place)
    values, texts = _values(body, place.value_columns)
    periods = _periods_frame(header, body, place)
    measures = _measures_frame(header, place)
    cells = _cells_frame(rows, periods, measures, values, texts, place)
    file = pd.DataFrame(
        {
            "rows_with_figures": [len(body)],
            "stopped_at_row": pd.array([grid.stopped_at_row], dtype="Int64"),
            "stopped_because": [grid.stopped_because],
            "ends_with_line_end": [grid.ends_with_line_end],
            "last_row": [len(grid.rows)],
        }
    )
    key_columns = {role: column + 1 for role, column in place.keys.items()}
    return Reading(key_columns, file, rows, periods, measures, cells)


def _locate(grid: Grid, identified: Identified) -> _Place:
    header = grid.rows[identified.header_row - 1]
    found = {text_key(cell): column for column, cell in enumerate(header)}
    keys: dict[str, int] = {role: found[text_key(name)] for role, name in identified.layout.headers.items()}
    value_columns = [column for column in range(len(header)) if column not in keys.values()]
    return _Place(identified.contract, identified.layout, identified.header_row, keys, value_columns)


def _cell(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _rows_frame(body: list[tuple[int, list[str]]], width: int, place: _Place) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "source_row": [number for number, _ in body],
            "cells": [len(row) for _, row in body],
            "expected_cells": width,
        }
    )
    for role, column in place.keys.items():
        frame[f"{role}_printed"] = [_cell(row, column) for _, row in body]
    if place.contract.table == "recorded_crime":
        codes = reference.area_codes()
        known = reference.areas_under(reference.force_area_of(place.contract.reporting_unit_code))
        frame["area_key"] = frame["area_printed"].map(text_key)
        frame["area_code"] = frame["area_key"].map(codes).where(lambda code: code.isin(known))
        frame["offence_key"] = [
            offence_key(major, minor)
            for major, minor in zip(frame["major_category_printed"], frame["minor_category_printed"], strict=True)
        ]
        frame["offence_code"] = frame["offence_key"].map(reference.offence_codes(place.layout.scheme or ""))
    return frame


def _values(body: list[tuple[int, list[str]]], columns: list[int]) -> tuple[pd.Series, pd.Series]:
    """Values and texts of every figure, row by row. Each distinct text is parsed once."""
    texts = pd.Series([_cell(row, column) for _, row in body for column in columns], dtype=object)
    codes, distinct = pd.factorize(texts)
    parsed = pd.array([parse_count(text) for text in distinct], dtype="Int64")
    return pd.Series(parsed.take(codes) if len(parsed) else parsed), texts


def _periods_frame(header: list[str], body: list[tuple[int, list[str]]], place: _Place) -> pd.DataFrame:
    """Labels of periods: headers of value columns where periods run across, else the cells of the period column."""
    if place.contract.periods.run == "across":
        labels = [(place.header_row, column, header[column]) for column in place.value_columns]
    else:
        column = place.keys["period"]
        labels = [(number, column, _cell(row, column)) for number, row in body]
    return pd.DataFrame(
        {
            "source_row": [row for row, _, _ in labels],
            "source_column": [column + 1 for _, column, _ in labels],
            "printed": [printed for _, _, printed in labels],
            "slice_period": pd.Series([place.contract.periods.parse(p) for _, _, p in labels], dtype=object),
        }
    )


def _measures_frame(header: list[str], place: _Place) -> pd.DataFrame:
    has_measures = place.contract.table == "measure_value"
    columns = place.value_columns if has_measures else []
    codes = reference.measure_codes(place.contract.return_code)
    return pd.DataFrame(
        {
            "source_row": place.header_row,
            "source_column": [column + 1 for column in columns],
            "printed": [header[column] for column in columns],
            "measure_code": pd.Series([codes.get(text_key(header[c])) for c in columns], dtype=object),
        }
    )


def _cells_frame(
    rows: pd.DataFrame,
    periods: pd.DataFrame,
    measures: pd.DataFrame,
    values: pd.Series,
    texts: pd.Series,
    place: _Place,
) -> pd.DataFrame:
    """One row a figure. Figures under a label that names no period are left to the check of that label."""
    height, width = len(rows), len(place.value_columns)
    row_of = np.repeat(np.arange(height), width)
    column_of = np.tile(np.arange(width), height)
    label_of = column_of if place.contract.periods.run == "across" else row_of
    cells = rows.iloc[row_of].drop(columns=["cells", "expected_cells"]).reset_index(drop=True)
    cells["slice_period"] = periods["slice_period"].to_numpy()[label_of] if len(periods) else None
    cells["value"] = values.to_numpy() if values.empty else values.array
    cells["value_text"] = texts.to_numpy()
    cells["source_column"] = np.array(place.value_columns, dtype="int64")[column_of] + 1
    if place.contract.table == "measure_value":
        cells["measure_printed"] = measures["printed"].to_numpy()[column_of]
        cells["measure_key"] = cells["measure_printed"].map(text_key)
    return cells[cells["slice_period"].notna()].reset_index(drop=True)


def tidy_table(reading: Reading, delivery: Delivery, contract: ReturnContract) -> pa.Table:
    """The delivery's figures in the columns of its tidy table (:data:`contracts.tidy.TIDY_SCHEMAS`)."""
    frame = reading.cells.copy()
    frame["delivery_id"] = delivery.delivery_id
    frame["return_code"] = delivery.return_code
    frame["reporting_unit_code"] = delivery.reporting_unit_code
    frame["source_sheet"] = None
    frame["source_cell"] = [
        cell_name(row, column) for row, column in zip(frame["source_row"], frame["source_column"], strict=True)
    ]
    if contract.table == "recorded_crime":
        frame = frame.rename(columns={"value": "offences"})
    else:
        frame = frame.assign(
            unit_code=contract.unit_code,
            period_type=contract.periods.period_type,
            period_start_on=frame["slice_period"],
            period_end_on=frame["slice_period"].map(month_end),
            scenario="actual",
            qualifier="exact",
            status="unknown",
            value_basis=contract.value_basis,
            **dict.fromkeys(("value_low", "value_high", "numerator", "denominator")),
        )
    schema = TIDY_SCHEMAS[contract.table]
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a whole file or none: a name that exists always holds everything."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(path)
