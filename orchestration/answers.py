"""Printing the answer of a query."""

import sys

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console

from orchestration.show import ERR, print_json, table_of

_ROWS_SHOWN = 200
_WIDEST = 10_000


def write(answer: pa.Table, form: str) -> None:
    """Write a table to standard output: for people, or as CSV, JSON or Parquet."""
    if form == "csv":
        pacsv.write_csv(answer, sys.stdout.buffer)
    elif form == "parquet":
        pq.write_table(answer, sys.stdout.buffer)
    elif form == "json":
        print_json(answer.to_pylist())
    else:
        _print_table(answer)


def _print_table(answer: pa.Table) -> None:
    """A line a row, however long: a code that is broken over two lines cannot be copied."""
    shown = answer.slice(0, _ROWS_SHOWN).to_pylist()
    numbers = [field.name for field in answer.schema if pa.types.is_integer(field.type) or _is_fraction(field.type)]
    table = table_of(answer.column_names, [[_text(v) for v in row.values()] for row in shown], right=numbers)
    for column in table.columns:
        column.no_wrap = True
    Console(width=_WIDEST).print(table)
    if answer.num_rows > _ROWS_SHOWN:
        ERR.print(f"The first {_ROWS_SHOWN} of {answer.num_rows:,} rows; --format csv gives them all.")


def _is_fraction(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _text(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
