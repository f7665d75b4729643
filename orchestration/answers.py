"""Printing the answer of a query."""

import json
import math
import sys
from collections.abc import Callable

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console

from orchestration.show import ERR, print_json, table_of

_ROWS_SHOWN = 200
_WIDEST = 10_000


def write(answer: pa.Table, form: str) -> None:
    """Write a table to standard output: for people, or as CSV, JSON or Parquet."""
    answer = answer.rename_columns(_distinct(answer.column_names))
    if form == "csv":
        pacsv.write_csv(_flat(answer), sys.stdout.buffer)
    elif form == "parquet":
        pq.write_table(answer, sys.stdout.buffer)
    elif form == "json":
        print_json([{name: _finite(value) for name, value in row.items()} for row in answer.to_pylist()])
    else:
        _print_table(answer)


def _print_table(answer: pa.Table) -> None:
    """A line a row, however long: a code that is broken over two lines cannot be copied."""
    shown = answer.slice(0, _ROWS_SHOWN).to_pylist()
    numbers = [field.name for field in answer.schema if pa.types.is_integer(field.type) or _is_fraction(field.type)]
    table = table_of(answer.column_names, [[_text(v) for v in row.values()] for row in shown], right=numbers)
    for column in table.columns:
        column.no_wrap = True
    Console(width=_WIDEST, emoji=False).print(table)
    if answer.num_rows > _ROWS_SHOWN:
        ERR.print(f"The first {_ROWS_SHOWN} of {answer.num_rows:,} rows; --format csv gives them all.")


def _distinct(names: list[str]) -> list[str]:
    """The names, a repeated one with a number behind it: a join often has one name twice."""
    distinct: list[str] = []
    for name in names:
        candidates = [name, *(f"{name}_{number}" for number in range(2, len(names) + 1))]
        distinct.append(next(each for each in candidates if each not in distinct))
    return distinct


def _flat(answer: pa.Table) -> pa.Table:
    """Lists, structures and whatever else CSV has no form for, as text."""
    for index, field in enumerate(answer.schema):
        if not any(is_plain(field.type) for is_plain in _PLAIN):
            texts = [None if value is None else _as_text(value) for value in answer.column(index).to_pylist()]
            answer = answer.set_column(index, field.name, pa.array(texts, pa.string()))
    return answer


_PLAIN: tuple[Callable[[pa.DataType], bool], ...] = (
    *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null),
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp),
)


def _as_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)


def _finite(value: object) -> object:
    """JSON has no infinity and no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_fraction(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _text(value: object) -> object:
    return f"{value:.10g}" if isinstance(value, float) else value
