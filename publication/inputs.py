"""What one build reads: a folder of Parquet, linked from `accepted/` and written from the ledger.

A release keeps the folder, so that any mart can be had again as it was known on a date (`metstats sql --as-known-on`).
"""

import os
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select

from contracts.tidy import TIDY_SCHEMAS
from ledger.home import Home
from ledger.store import Ledger
from ledger.tables import Delivery, DeliverySlice

LEDGER_SCHEMAS = {
    "delivery": pa.schema(
        [
            ("delivery_id", pa.string()),
            ("return_code", pa.string()),
            ("layout", pa.string()),
            ("scheme", pa.string()),
            ("reporting_unit_code", pa.string()),
            ("file_name", pa.string()),
            ("folder", pa.string()),
            ("sender", pa.string()),
            ("sha256", pa.string()),
            ("bytes", pa.int64()),
            ("as_at_on", pa.date32()),
            ("as_at_source", pa.string()),
            ("revision_mark", pa.int32()),
            ("received_at", pa.timestamp("us")),
            ("received_seq", pa.int64()),
            ("verdict", pa.string()),
            ("verdict_reason", pa.string()),
            ("superseded_by", pa.string()),
        ]
    ),
    "slice": pa.schema(
        [
            ("delivery_id", pa.string()),
            ("return_code", pa.string()),
            ("table_name", pa.string()),
            ("slice_period", pa.date32()),
            ("reporting_unit_code", pa.string()),
            ("scheme", pa.string()),
            ("as_at_on", pa.date32()),
            ("revision_mark", pa.int32()),
            ("received_seq", pa.int64()),
        ]
    ),
}


def compose(folder: Path, home: Home, ledger: Ledger) -> None:
    """Write the inputs of a build into an empty folder: the accepted slices and nothing else."""
    for table, schema in TIDY_SCHEMAS.items():
        (folder / table).mkdir(parents=True)
        # A build must find every table, also before the first delivery of its kind.
        pq.write_table(schema.empty_table(), folder / table / "_empty.parquet")
    (folder / "ledger").mkdir()
    deliveries, slices = _ledger_frames(ledger)
    for _, delivery in deliveries[deliveries["delivery_id"].isin(slices["delivery_id"])].iterrows():
        link_file(_rows_of(home.accepted, delivery), _rows_of(folder, delivery))
    _write(deliveries, "delivery", folder)
    _write(slices, "slice", folder)


def _rows_of(folder: Path, delivery: pd.Series) -> Path:
    return folder / delivery["table_name"] / delivery["return_code"] / f"{delivery['delivery_id']}.parquet"


def _ledger_frames(ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame]:
    with ledger.look() as session:
        deliveries = session.scalars(select(Delivery).order_by(Delivery.seq)).all()
        accepted = session.scalars(select(DeliverySlice).where(DeliverySlice.state == "accepted")).all()
    by_id = {delivery.delivery_id: delivery for delivery in deliveries}
    columns = [*LEDGER_SCHEMAS["delivery"].names, "table_name"]
    delivery_frame = pd.DataFrame([_delivery_line(each) for each in deliveries], columns=columns)
    lines = [_slice_line(each, by_id[each.delivery_id]) for each in accepted]
    return delivery_frame, pd.DataFrame(lines, columns=LEDGER_SCHEMAS["slice"].names)


def _delivery_line(delivery: Delivery) -> dict[str, object]:
    names = {*LEDGER_SCHEMAS["delivery"].names, "table_name"} - {"received_seq", "received_at"}
    line: dict[str, object] = {name: getattr(delivery, name) for name in names}
    return line | {"received_seq": delivery.seq, "received_at": delivery.received_at.replace(tzinfo=None)}


def _slice_line(each: DeliverySlice, delivery: Delivery) -> dict[str, object]:
    return {
        "delivery_id": each.delivery_id,
        "return_code": delivery.return_code,
        "table_name": each.table_name,
        "slice_period": each.slice_period,
        "reporting_unit_code": each.reporting_unit_code,
        "scheme": delivery.scheme,
        "as_at_on": delivery.as_at_on,
        "revision_mark": delivery.revision_mark,
        "received_seq": delivery.seq,
    }


def _write(frame: pd.DataFrame, name: str, folder: Path) -> None:
    schema = LEDGER_SCHEMAS[name]
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    pq.write_table(table, folder / "ledger" / f"{name}.parquet")


def keep(build_inputs: Path, last_release: Path | None, held_returns: Collection[str], target: Path) -> None:
    """Link a build's inputs into a release. Held returns keep the inputs of the last release, as their tables do."""
    _link_tree(build_inputs, target, lambda path: _return_of(path) not in held_returns)
    slices = pq.read_table(build_inputs / "ledger" / "slice.parquet")
    kept = slices.filter(_is_of(slices, held_returns, invert=True))
    if last_release and held_returns:
        _link_tree(last_release / "inputs", target, lambda path: _return_of(path) in held_returns)
        before = pq.read_table(last_release / "inputs" / "ledger" / "slice.parquet")
        kept = pa.concat_tables([kept, before.filter(_is_of(before, held_returns))])
    # The link must be broken first: the build's own file has this name.
    (target / "ledger" / "slice.parquet").unlink()
    pq.write_table(kept, target / "ledger" / "slice.parquet")


def _is_of(slices: pa.Table, returns: Collection[str], invert: bool = False) -> pa.Array:
    mask = pc.is_in(slices["return_code"], value_set=pa.array(sorted(returns), pa.string()))
    return pc.invert(mask) if invert else mask


def _return_of(path: Path) -> str | None:
    """The return whose rows a file of inputs holds; None for the files that all share."""
    return path.parent.name if len(path.parts) > 2 else None  # noqa: PLR2004 (table/return/delivery.parquet)


def _link_tree(source: Path, target: Path, wanted: Callable[[Path], bool]) -> None:
    for path in sorted(source.rglob("*.parquet")):
        relative = path.relative_to(source)
        if wanted(relative) and not (target / relative).exists():
            link_file(path, target / relative)


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name: the same bytes on disk, safe from a later replacement of the first name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)
