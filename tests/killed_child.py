"""A process that runs the pipeline and kills itself (SIGKILL) at a point that it is told. Not a test by itself.

It reads lines `home <tab> what <tab> point` and answers each with the status of a process forked for it, in which
the pipeline ran: -9 where it was killed. Forking saves the seconds that the imports take.
"""

import os
import pathlib
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import open_context

from expectations import gate
from ingest import raw
from ingest.receive import Receiver
from orchestration import pipeline
from publication import inputs, pointer, release, warehouse


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Point:
    """A moment: the n-th call of a function, as it ends (or, with `before`, as it begins)."""

    owner: Any
    name: str
    nth: int = 1
    before: bool = False
    counts: Callable[..., bool] = lambda *_: True

    def arm(self) -> None:
        """From now on, the process dies at this point."""
        really, calls = getattr(self.owner, self.name), 0

        def armed(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += self.counts(*arguments)
            is_now = calls == self.nth and self.counts(*arguments)
            if is_now and self.before:
                die()
            result = really(*arguments, **named)
            if is_now:
                die()
            return result

        setattr(self.owner, self.name, armed)


def _is_in_landing(path: Path, *_: Any) -> bool:
    return "landing" in path.parts


JUDGED, ROLLBACK = "deliveries judged", "rollback in the ledger"
POINTS: dict[str, Point] = {
    "while the first bytes are kept": Point(os, "fsync", before=True),
    "first bytes kept": Point(raw, "store"),
    "first receipt written": Point(Receiver, "_write"),
    "fourth receipt written": Point(Receiver, "_write", 4),
    "first file removed from landing": Point(pathlib.Path, "unlink", 1, counts=_is_in_landing),
    "fourth file removed from landing": Point(pathlib.Path, "unlink", 4, counts=_is_in_landing),
    "last but one file removed from landing": Point(pathlib.Path, "unlink", 6, counts=_is_in_landing),
    "landing taken": Point(pipeline, "take_landing"),
    "rows of the second delivery written": Point(pipeline, "write_parquet", 2),
    "results of the second delivery not committed": Point(pipeline, "record_delivery", 2),
    "second delivery judged": Point(pipeline, "_judge_one", 2),
    "history not committed": Point(pipeline, "judge_history"),
    "verdicts of the first return not committed": Point(pipeline, "settle_verdicts"),
    "verdicts of the last return not committed": Point(pipeline, "settle_verdicts", 2),
    "rows of the second delivery placed": Point(pipeline, "put_slices", 2),
    JUDGED: Point(pipeline, "judge_deliveries"),
    "second input linked": Point(inputs, "link_file", 2),
    "inputs composed": Point(inputs, "compose"),
    "dbt ended": Point(warehouse, "run_dbt"),
    "warehouse built": Point(pipeline, "build_warehouse"),
    "decisions not committed": Point(gate, "decide"),
    "decided": Point(pipeline, "decide"),
    "unfinished releases cleared": Point(release, "clear_unfinished"),
    "inputs kept": Point(inputs, "keep"),
    "fifth table written": Point(release, "describe_table", 5),
    "warehouse of the release written": Point(release, "_write_warehouse"),
    "release drafted": Point(release, "_draft"),
    "quality tables written": Point(release, "write_quality"),
    "release on disk": Point(release, "_make_durable"),
    "release named": Point(pathlib.Path, "rename"),
    "release in the ledger": Point(release._Draft, "finish"),
    "next link made": Point(pathlib.Path, "symlink_to"),
    "release served": Point(pointer, "serve"),
    "published": Point(pipeline, "publish"),
    "end of the run not written": Point(pipeline, "end_run", before=True),
    ROLLBACK: Point(pointer, "_point", before=True),
}


def replayed(reference: Path) -> Callable[..., None]:
    """In place of dbt: what dbt made of the same inputs before, in the build of another home."""

    def run_dbt(arguments: list[str], folder: Path, *_: Any) -> None:
        shutil.copytree(reference / "target", folder / "target")
        shutil.copy(reference / "warehouse.duckdb", folder / "warehouse.duckdb")

    return run_dbt


def work(home: Path, what: str, point: str) -> None:
    """What a forked process does: run, with the build of a reference in place of dbt; or roll back to release 1."""
    context = open_context(home)
    if what == "rollback":
        POINTS[point].arm()
        pointer.rollback(context.home, context.ledger, 1, "Ann", "killed")
    else:
        warehouse.run_dbt = replayed(Path(what))
        POINTS[point].arm()
        pipeline.run(context, "killed")


def main() -> None:
    for line in sys.stdin:
        home, what, point = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            work(Path(home), what, point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
