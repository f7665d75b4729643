"""Tidy rows go where their slice may go: `accepted/`, which the build reads, or `quarantined/`, which nothing reads."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.read import write_parquet
from ledger.home import Home
from ledger.tables import Delivery

# Written into each file: by what it was read and which slices it holds.
_CONTENTS = b"metstats_contents"


def place(folder: Path, delivery: Delivery) -> Path:
    """Where a delivery's rows lie in one of the folders."""
    return folder / delivery.table_name / delivery.return_code / f"{delivery.delivery_id}.parquet"


def put_slices(home: Home, delivery: Delivery, accepted: Iterable[date], blocked: Iterable[date]) -> None:
    """Bring a delivery's rows in line with the states of its slices. Files that are in line already stay as they are:
    releases hold links to them."""
    for folder, periods in ((home.accepted, sorted(accepted)), (home.quarantined, sorted(blocked))):
        target = place(folder, delivery)
        if not periods:
            target.unlink(missing_ok=True)
        elif _contents_of(target) != _contents(delivery, periods):
            rows = pq.read_table(place(home.read, delivery))
            mask = pc.is_in(rows["slice_period"], value_set=pa.array(periods, pa.date32()))
            write_parquet(rows.filter(mask).replace_schema_metadata({_CONTENTS: _contents(delivery, periods)}), target)


def _contents(delivery: Delivery, periods: Iterable[date]) -> bytes:
    return ",".join([str(delivery.suite_fingerprint), *(period.isoformat() for period in periods)]).encode()


def _contents_of(path: Path) -> bytes | None:
    if not path.exists():
        return None
    return (pq.read_schema(path).metadata or {}).get(_CONTENTS)
