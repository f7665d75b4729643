"""Columns of tidy Parquet: what reading writes and the models read, one row a cell."""

import pyarrow as pa

_ADDRESS = [
    ("source_sheet", pa.string()),
    ("source_row", pa.int32()),
    ("source_column", pa.int32()),
    ("source_cell", pa.string()),
]
_DELIVERY = [
    ("delivery_id", pa.string()),
    ("return_code", pa.string()),
    ("slice_period", pa.date32()),
    ("reporting_unit_code", pa.string()),
]

TIDY_SCHEMAS: dict[str, pa.Schema] = {
    "recorded_crime": pa.schema(
        [
            *_DELIVERY,
            ("area_printed", pa.string()),
            ("area_key", pa.string()),
            ("major_category_printed", pa.string()),
            ("minor_category_printed", pa.string()),
            ("offence_key", pa.string()),
            ("offences", pa.int64()),
            *_ADDRESS,
        ]
    ),
    "measure_value": pa.schema(
        [
            *_DELIVERY,
            ("measure_printed", pa.string()),
            ("measure_key", pa.string()),
            ("unit_code", pa.string()),
            ("period_type", pa.string()),
            ("period_start_on", pa.date32()),
            ("period_end_on", pa.date32()),
            ("scenario", pa.string()),
            ("value", pa.float64()),
            ("value_low", pa.float64()),
            ("value_high", pa.float64()),
            ("value_text", pa.string()),
            ("numerator", pa.float64()),
            ("denominator", pa.float64()),
            ("qualifier", pa.string()),
            ("status", pa.string()),
            ("value_basis", pa.string()),
            *_ADDRESS,
        ]
    ),
}
