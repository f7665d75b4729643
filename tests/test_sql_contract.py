"""The SQL contract of the design: analysts' names, which stand in every release, described, with a grain that holds."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from conftest import read_rows
from extracts import SCHEME_OF_AREA_HEADER, extract_files
from sample_release import build_of, sample_release

from contracts.model import all_contracts
from contracts.naming import offence_key, text_key
from contracts.reference import SEEDS_FOLDER
from publication.warehouse import Artifacts

_RECORDED_CRIME = (
    "return_code varchar, month date, area_code varchar, offence_code varchar, offences bigint, "
    "sanction_detections bigint, as_at_on date, delivery_id varchar, area_printed varchar, "
    "major_category_printed varchar, minor_category_printed varchar, source_sheet varchar, source_row integer"
)
_MEASURE_VALUE = (
    "return_code varchar, reporting_unit_code varchar, measure_code varchar, unit_code varchar, period_type varchar, "
    "period_start_on date, period_end_on date, scenario varchar, value double, value_low double, value_high double, "
    "value_text varchar, numerator double, denominator double, qualifier varchar, status varchar, value_basis varchar, "
    "as_at_on date, delivery_id varchar, source_sheet varchar, source_cell varchar"
)
_KNOWN = ", known_from date, known_to date"

# What the design promises of the tables that this step makes. More columns may stand beside these.
CONTRACT = {
    "core.dim_month": "month date, month_code integer, month_name varchar, financial_year varchar, "
    "financial_quarter integer, financial_month_number integer, calendar_year integer, days_in_month integer",
    "core.dim_unit": "unit_code varchar, unit_name varchar, unit_type varchar, parent_unit_code varchar, "
    "business_group varchar, family_group varchar, area_code varchar, valid_from date, valid_to date, "
    "is_current boolean",
    "core.dim_area": "area_code varchar, area_name varchar, area_type varchar, parent_area_code varchar",
    "core.dim_offence": "offence_code varchar, major_category varchar, minor_category varchar, scheme varchar, "
    "offence_group varchar, is_bcs_comparator boolean",
    "core.dim_force": "force_code varchar, force_name varchar, region varchar",
    "core.dim_measure": "measure_code varchar, measure_name varchar, domain varchar, definition varchar, "
    "unit_of_measure varchar, polarity varchar, numerator_code varchar, denominator_code varchar, "
    "owner_unit_code varchar, valid_from date, valid_to date",
    "core.dim_delivery": "delivery_id varchar, return_code varchar, file_name varchar, sha256 varchar, bytes bigint, "
    "as_at_on date, received_at timestamp, verdict varchar, superseded_by varchar",
    "core.fct_coverage": "return_code varchar, table_name varchar, slice_period date, reporting_unit_code varchar, "
    "delivery_id varchar" + _KNOWN,
    "core.dim_series_break": "applies_to varchar, breaks_on date, kind varchar, reason varchar, source varchar",
    "core.fct_recorded_crime": _RECORDED_CRIME,
    "core.fct_recorded_crime_version": _RECORDED_CRIME + _KNOWN,
    "core.fct_measure_value": _MEASURE_VALUE,
    "core.fct_measure_value_version": _MEASURE_VALUE + _KNOWN,
    "marts.crime_summary": "month date, area_code varchar, area_name varchar, offence_group varchar, offences bigint, "
    "offences_previous_year bigint, change_pct double, year_to_date bigint, year_to_date_previous bigint, "
    "year_to_date_change_pct double, rolling_12 bigint, rolling_12_previous bigint, rolling_12_change_pct double, "
    "rate_per_1000 double, rate_denominator double, as_at_on date",
    "marts.revision_triangle": "return_code varchar, month date, delivery_id varchar, as_at_on date, offences bigint",
    "quality.check_result": "check_code varchar, severity varchar, reach varchar, mended_by varchar, "
    "delivery_id varchar, status varchar, message varchar",
    "quality.failing_row": "delivery_id varchar, slice_period date, source_sheet varchar, source_row bigint, "
    "source_column bigint, source_cell varchar, found varchar, expected varchar, message varchar",
    "quality.gate_decision": "publication varchar, subject varchar, decision varchar, reasons varchar",
    "quality.release": "release_number bigint, released_at timestamp with time zone, subjects varchar",
}

# One row for each of these. A key that is made by numbering rows would prove nothing, and is not among them.
GRAIN = {
    "core.dim_month": "month",
    "core.dim_unit": "unit_code",
    "core.dim_area": "area_code",
    "core.dim_offence": "offence_code",
    "core.dim_force": "force_code",
    "core.dim_measure": "measure_code",
    "core.dim_delivery": "delivery_id",
    "core.fct_coverage": "return_code, table_name, slice_period, reporting_unit_code, delivery_id",
    "core.dim_series_break": "applies_to, area_code, scheme, breaks_on, kind, source",
    "core.fct_recorded_crime": "return_code, reporting_unit_code, month, area_code, offence_code",
    "core.fct_recorded_crime_version": "return_code, reporting_unit_code, month, area_code, offence_code, delivery_id",
    "core.fct_measure_value": "return_code, reporting_unit_code, measure_code, unit_code, period_type, "
    "period_start_on, period_end_on, scenario",
    "core.fct_measure_value_version": "return_code, reporting_unit_code, slice_period, measure_code, unit_code, "
    "period_type, period_start_on, period_end_on, scenario, delivery_id",
    "marts.crime_summary": "month, area_code, offence_group",
    "marts.revision_triangle": "return_code, reporting_unit_code, month, delivery_id",
    "quality.check_result": "check_result_id",
    "quality.failing_row": "failing_row_id",
    "quality.gate_decision": "run_id, publication, subject",
    "quality.release": "release_number",
}

# A number that counts or measures something says in what; these only name, order or locate.
_COUNTS_NOTHING = re.compile(r"_(id|code|number|seq|mark|year|quarter|row|column)$")
_UNIT = re.compile(
    r"\((count|count of offences|per cent|bytes|days|whole months)\)|in the measure's unit|in the unit of the return"
    r"|per 1,000 "
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_release(tmp_path_factory)


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home / "releases" / "1" / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("table", CONTRACT)
def test_promised_columns_stand_in_the_release(warehouse: duckdb.DuckDBPyConnection, table: str) -> None:
    promised = dict(column.split(" ", 1) for column in CONTRACT[table].split(", "))
    schema, name = table.split(".")
    rows = warehouse.execute(
        "select column_name, lower(data_type) from duckdb_columns() where schema_name = ? and table_name = ?",
        [schema, name],
    ).fetchall()
    assert promised.items() <= dict(rows).items()


@pytest.mark.parametrize("table", GRAIN)
def test_each_table_has_one_row_for_each_of_its_grain(warehouse: duckdb.DuckDBPyConnection, table: str) -> None:
    copies = warehouse.execute(f"select count(*) from {table} group by {GRAIN[table]} having count(*) > 1").fetchall()
    assert copies == []
    if table != "quality.failing_row":  # nothing fails in the sample
        assert warehouse.execute(f"select count(*) > 0 from {table}").fetchone() == (True,)


def test_grains_are_declared_and_tested_at_each_build(home: Path) -> None:
    declared: dict[str, list[set[str]]] = {}
    for node in Artifacts(build_of(home) / "target").nodes.values():
        test = node.get("test_metadata") or {}
        if test.get("name") in ("unique", "unique_grain"):
            columns = test["kwargs"].get("columns") or [node["column_name"]]
            declared.setdefault(node["attached_node"].split(".")[-1], []).append(set(columns))
    for table, grain in GRAIN.items():
        schema, name = table.split(".")
        if schema != "quality":
            assert set(grain.split(", ")) in declared.get(name, []), f"no test says that {table} is unique by {grain}"


def test_the_release_holds_no_table_without_a_promise(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = warehouse.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    beside = {"quality.delivery_slice", "quality.file_receipt"}
    assert {name for (name,) in tables} == CONTRACT.keys() | beside


def test_every_table_and_column_says_what_it_means(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = warehouse.execute("select schema_name, table_name, comment from duckdb_tables()").fetchall()
    assert [(schema, name) for schema, name, comment in tables if not (comment or "").strip()] == []
    columns = warehouse.execute(
        "select c.table_name, c.column_name, c.comment from duckdb_columns() as c "
        "inner join duckdb_tables() as t using (schema_name, table_name)"
    ).fetchall()
    assert len(columns) > 200
    assert [(table, column) for table, column, comment in columns if not (comment or "").strip()] == []


def test_every_number_says_its_unit(warehouse: duckdb.DuckDBPyConnection) -> None:
    columns = warehouse.execute(
        "select c.table_name, c.column_name, c.comment from duckdb_columns() as c "
        "inner join duckdb_tables() as t using (schema_name, table_name) "
        "where c.data_type in ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'FLOAT', 'DOUBLE') "
        "or c.data_type like 'DECIMAL%'"
    ).fetchall()
    numbers = [column for column in columns if not _COUNTS_NOTHING.search(column[1])]
    assert len(numbers) > 25
    assert [column for column in numbers if not _UNIT.search(column[2])] == []


def test_a_release_says_in_its_parquet_what_it_says_in_its_warehouse(
    home: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    folder = home / "releases" / "1" / "parquet"
    tables = warehouse.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    assert {path.stem for path in folder.iterdir()} == {name for (name,) in tables}
    for (name,) in tables:
        for here, there in ((name, f"'{folder}/{name}.parquet'"), (f"'{folder}/{name}.parquet'", name)):
            assert warehouse.execute(f"select count(*) from (from {here} except all from {there})").fetchone() == (0,)


# The seeds: reference data that the checks and the models share.

REFERENCES = {
    ("area", "parent_area_code"): ("area", "area_code"),
    ("area_alias", "area_code"): ("area", "area_code"),
    ("unit", "area_code"): ("area", "area_code"),
    ("unit", "parent_unit_code"): ("unit", "unit_code"),
    ("measure", "owner_unit_code"): ("unit", "unit_code"),
    ("measure", "numerator_code"): ("measure", "measure_code"),
    ("measure", "denominator_code"): ("measure", "measure_code"),
    ("measure_alias", "measure_code"): ("measure", "measure_code"),
    ("measure_alias", "return_code"): ("return_precedence", "return_code"),
    ("offence", "offence_group"): ("offence_group", "offence_group"),
    ("offence", "scheme"): ("scheme", "scheme"),
    ("offence_alias", "offence_code"): ("offence", "offence_code"),
    ("offence_alias", "scheme"): ("scheme", "scheme"),
    ("series_break", "area_code"): ("area", "area_code"),
    ("series_break", "scheme"): ("scheme", "scheme"),
}


@pytest.mark.parametrize("reference", REFERENCES, ids=".".join)
def test_seeds_refer_to_rows_that_exist(reference: tuple[str, str]) -> None:
    seed, column = reference
    target, code = REFERENCES[reference]
    assert {row[column] for row in _seed(seed)} - {""} <= {row[code] for row in _seed(target)}


def test_every_coded_column_of_a_seed_is_a_key_or_a_reference() -> None:
    keys = {("area", "area_code"), ("unit", "unit_code"), ("measure", "measure_code"), ("offence", "offence_code")}
    keys |= {("return_precedence", "return_code")}
    coded = {
        (path.stem, column)
        for path in SEEDS_FOLDER.glob("*.csv")
        for column in _seed(path.stem)[0]
        if column.endswith("_code")
    }
    assert coded - keys <= REFERENCES.keys()


def test_aliases_are_written_as_keys() -> None:
    assert [row for row in _seed("area_alias") if row["area_key"] != text_key(row["area_key"])] == []
    assert [row for row in _seed("measure_alias") if row["measure_key"] != text_key(row["measure_key"])] == []
    for row in _seed("offence_alias"):
        major, minor = row["offence_key"].split(" | ")
        assert row["offence_key"] == offence_key(major, minor)


def test_every_name_is_an_alias_of_itself() -> None:
    areas = {row["area_key"]: row["area_code"] for row in _seed("area_alias")}
    for row in _seed("area"):
        if row["area_type"] in ("borough", "airport", "unknown"):
            assert areas[text_key(row["area_name"])] == row["area_code"]


def test_every_offence_is_printed_by_the_scheme_that_brought_it_in_and_by_none_before_it() -> None:
    schemes = [row["scheme"] for row in _seed("scheme")]
    printed_by: dict[str, set[str]] = {}
    for row in _seed("offence_alias"):
        printed_by.setdefault(row["offence_code"], set()).add(row["scheme"])
    for row in _seed("offence"):
        assert row["scheme"] == min(printed_by[row["offence_code"]], key=schemes.index), row


def test_every_contract_has_its_place_in_the_seeds() -> None:
    contracts = all_contracts()
    precedence = {row["return_code"]: row["table_name"] for row in _seed("return_precedence")}
    assert precedence == {code: contract.table for code, contract in contracts.items()}
    schemes = {layout.scheme for contract in contracts.values() for layout in contract.layouts} - {None}
    assert schemes == {row["scheme"] for row in _seed("scheme")}
    units = {row["unit_code"] for row in _seed("unit")}
    for contract in contracts.values():
        assert {contract.reporting_unit_code, contract.unit_code or contract.reporting_unit_code} <= units


def test_value_headers_of_contracts_are_the_measures_of_the_seeds() -> None:
    for contract in all_contracts().values():
        keys = {row["measure_key"] for row in _seed("measure_alias") if row["return_code"] == contract.return_code}
        for layout in contract.layouts:
            assert {text_key(header) for header in layout.value_headers} == keys


def test_every_name_that_the_genuine_extracts_print_is_known(real_data: Path) -> None:
    areas = {row["area_key"] for row in _seed("area_alias")}
    offences = {(row["scheme"], row["offence_key"]) for row in _seed("offence_alias")}
    used = set()
    for file in extract_files(real_data):
        major, minor = (column for column in range(3) if column != file.area_column)
        assert {text_key(row[file.area_column]) for row in file.cells[1:]} <= areas
        used |= {(file.scheme, offence_key(row[major], row[minor])) for row in file.cells[1:]}
    assert used <= offences
    # Nor does the seed know a category that nobody ever printed.
    assert offences <= used


def test_every_name_that_the_sample_prints_is_known(sample_folder: Path) -> None:
    areas = {row["area_key"] for row in _seed("area_alias")}
    offences = {(row["scheme"], row["offence_key"]) for row in _seed("offence_alias")}
    printed = 0
    for path in sample_folder.rglob("*Borough Level Crime*.csv"):
        header, *rows = read_rows(path)
        (area,) = (column for column, name in enumerate(header) if name in SCHEME_OF_AREA_HEADER)
        major, minor = (column for column in range(3) if column != area)
        assert {text_key(row[area]) for row in rows} <= areas
        scheme = SCHEME_OF_AREA_HEADER[header[area]]
        assert {(scheme, offence_key(row[major], row[minor])) for row in rows} <= offences
        printed += len(rows)
    assert printed > 1_000


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
