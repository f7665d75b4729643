"""The `quality` schema of a release: the ledger's record as of the release, in tables that analysts can ask."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from sqlalchemy import JSON, BigInteger, Date, DateTime, Float, Integer, Text, TypeDecorator, select

from ledger.home import PROJECT_ROOT
from ledger.store import Ledger
from ledger.tables import Base, CheckResult, DeliverySlice, FailingRow, FileReceipt, GateDecision, Release
from publication.tables import describe_table, sql_text

_DESCRIPTIONS = PROJECT_ROOT / "dbt_project" / "models" / "quality" / "_quality.yml"
_TABLES: dict[str, type[Base]] = {
    "check_result": CheckResult,
    "delivery_slice": DeliverySlice,
    "failing_row": FailingRow,
    "file_receipt": FileReceipt,
    "gate_decision": GateDecision,
    "release": Release,
}
_ARROW_TYPES = (
    (DateTime, pa.timestamp("us", tz="UTC")),
    (Date, pa.date32()),
    (Float, pa.float64()),
    ((Integer, BigInteger), pa.int64()),
    ((JSON, Text), pa.string()),
)


def write_quality(folder: Path, ledger: Ledger, release: Release) -> None:
    """Write the quality tables into a release's warehouse and Parquet; `release` itself is not in the ledger yet."""
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection, ledger.look() as session:
        connection.execute("create schema quality")
        connection.execute("set TimeZone = 'UTC'")
        for name, model in _TABLES.items():
            records: list[Base] = list(session.scalars(select(model)))
            if model is Release:
                records.append(release)
            arrow_table = _arrow(model, records)
            connection.register("arrow_table", arrow_table)
            connection.execute(f"create table quality.{name} as from arrow_table")
            connection.unregister("arrow_table")
            _describe(connection, name)
            target = folder / "parquet" / f"quality.{name}.parquet"
            connection.execute(f"copy quality.{name} to {sql_text(target)} (format parquet, compression zstd)")


def _arrow(model: type[Base], records: list[Base]) -> pa.Table:
    columns = model.__table__.columns
    schema = pa.schema([(column.name, _arrow_type(column.type)) for column in columns])
    lines = [{column.name: _plain(getattr(record, column.name)) for column in columns} for record in records]
    return pa.Table.from_pylist(lines, schema=schema)


def _arrow_type(declared: Any) -> pa.DataType:
    kind = declared.impl_instance if isinstance(declared, TypeDecorator) else declared
    return next(arrow for kinds, arrow in _ARROW_TYPES if isinstance(kind, kinds))


def _plain(value: Any) -> Any:
    """Lists and mappings as JSON text: every reader of SQL can take that apart."""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else value


@lru_cache(maxsize=1)
def quality_descriptions() -> dict[str, dict[str, Any]]:
    """Description of each quality table: `description`, and `columns` by name."""
    document = yaml.safe_load(_DESCRIPTIONS.read_text(encoding="utf-8"))
    tables = next(source for source in document["sources"] if source["name"] == "quality")["tables"]
    return {
        table["name"]: {
            "description": table["description"],
            "columns": {column["name"]: column["description"] for column in table["columns"]},
        }
        for table in tables
    }


def _describe(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    described = quality_descriptions()[name]
    describe_table(connection, f"quality.{name}", described["description"], described["columns"])
