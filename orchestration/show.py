"""What the command line prints: tables for people, JSON for programs."""

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ledger.tables import Base, FileReceipt, GateDecision

if TYPE_CHECKING:
    # The pipeline takes seconds to import; commands that only print must not wait for it.
    from orchestration.pipeline import Checked, RunReport, Step

# Facts go to standard output; progress and remarks to standard error, so that a pipe gets facts alone.
# No emoji: `:smile:` in the name of a file is no picture. In a pipe nothing is folded: programs read lines.
OUT = Console(soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else 10_000)
ERR = Console(stderr=True, soft_wrap=True, emoji=False)

_STYLES = {
    "accepted": "green",
    "published": "green",
    "duplicate": "dim",
    "not_a_return": "dim",
    "quarantined": "yellow",
    "held": "yellow",
    "unidentified": "yellow",
    "rejected": "red",
}
NEEDS_ATTENTION = ("rejected", "quarantined", "unidentified")
_LISTED_WHOLE = 40
_WARNINGS_SHOWN = 5


# What JSON does not spell out by itself, and a terminal would obey, or could not print.
_OBEYED = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_LONGEST_SAID = 1_500


def said(text: object) -> str:
    """Text from outside as a line that a terminal shows and does not obey: control characters are spelled out."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return escape(f"{line[:_LONGEST_SAID]}…" if len(line) > _LONGEST_SAID else line)


@contextmanager
def progress() -> Iterator["Step"]:
    """Progress bars for the stages of a run."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
    )
    with bar:
        task = bar.add_task("…", total=None)

        def tell(what: str, done: int, of: int) -> None:
            bar.update(task, description=said(what[:60]), completed=done, total=of or None)

        yield tell


def print_json(facts: Any) -> None:
    """Print facts as JSON."""
    # Not through the console, which leaves control characters out.
    text = json.dumps(facts, indent=2, ensure_ascii=False, default=_plain)
    sys.stdout.write(_OBEYED.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n")


def _plain(value: object) -> object:
    """A sum of whole numbers comes as a decimal, and is a number all the same."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def facts_of(record: Base) -> dict[str, Any]:
    """The columns of a ledger record."""
    return {column.name: getattr(record, column.name) for column in record.__table__.columns}


def styled(word: str) -> str:
    """A verdict or decision in its colour."""
    style = _STYLES.get(word)
    return f"[{style}]{word}[/{style}]" if style else word


def print_receipts(
    receipts: Sequence[FileReceipt], left: Sequence[Path], waiting: Mapping[Path, Sequence[str]] | None = None
) -> None:
    """Print a verdict a file; of very many files, the counts and those that somebody must look at."""
    shown = [r for r in receipts if len(receipts) <= _LISTED_WHOLE or r.verdict in NEEDS_ATTENTION]
    times = Counter(receipt.file_name for receipt in receipts)
    for receipt in shown[:_LISTED_WHOLE]:
        OUT.print(f"{styled(receipt.verdict)}  {said(_name_of(receipt, is_repeated=times[receipt.file_name] > 1))}")
        if receipt.verdict != "not_a_return":
            OUT.print(f"    {said(receipt.reason)}", style=None if receipt.verdict in NEEDS_ATTENTION else "dim")
    if len(shown) > _LISTED_WHOLE:
        OUT.print(f"… and {len(shown) - _LISTED_WHOLE:,} more like these: `metstats status --json` lists them all.")
    for path in left:
        OUT.print(f"left for the next round: {said(path.name)} (it, or its delivery note, is still being written)")
    for path, names in (waiting or {}).items():
        OUT.print(f"waiting in landing: {said(path.name)} lists {said(', '.join(names))}, not yet come")
    counts = Counter(receipt.verdict for receipt in receipts)
    total = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items())) or "nothing"
    OUT.print(f"Received: {total}.")


def _name_of(receipt: FileReceipt, is_repeated: bool) -> str:
    """A file's name; where others have the same, with the folder and the archive that it came in."""
    if not is_repeated:
        return receipt.file_name
    name = f"{Path(receipt.folder).name}/{receipt.file_name}".removeprefix("/")
    return f"{receipt.archive}: {name}" if receipt.archive else name


def print_run(report: "RunReport", home: Path) -> None:
    """Print what a run did, and where to look next."""
    received = report.received
    if received.receipts or received.left or received.waiting:
        print_receipts(received.receipts, received.left, received.waiting)
    _print_checked(report.checked)
    for decision in report.decisions:
        OUT.print(f"{styled(decision.decision)}  {decision.publication}, {decision.subject}")
        _print_reasons(decision)
    number = report.outcome.number
    if number is None:
        OUT.print("Nothing is published yet.")
        return
    said = "is new" if report.outcome.is_new else "still stands: nothing has changed"
    OUT.print(f"[bold]Release {number}[/bold] {said}. It lies in {escape(str(home / 'releases' / str(number)))}")
    if not report.outcome.is_served:
        OUT.print("[yellow]Readers do not meet it yet: a release is pinned (`metstats release list`).[/yellow]")


def _print_checked(checked: "Checked") -> None:
    total = checked.of_deliveries + checked.of_models
    OUT.print(
        f"Checked: {total:,} results ({checked.of_deliveries} of deliveries, {checked.of_models} of the warehouse), "
        f"{len(checked.failures)} failed, {len(checked.warnings)} warned."
    )
    for warning in checked.warnings[:_WARNINGS_SHOWN]:
        OUT.print(f"    {said(warning)}", style="dim")
    if len(checked.warnings) > _WARNINGS_SHOWN:
        OUT.print(
            f"    … and {len(checked.warnings) - _WARNINGS_SHOWN} more warnings: quality.check_result has them all."
        )


def program() -> str:
    """How this command line is called from here: by its name where the shell finds it, else by its path."""
    if shutil.which("metstats"):
        return "metstats"
    return os.path.relpath(sys.argv[0])


def _print_reasons(decision: GateDecision) -> None:
    for reason in decision.reasons[:10]:
        OUT.print(f"    {said(reason)}")
    if len(decision.reasons) > 10:  # noqa: PLR2004 (as many as one reads)
        OUT.print(f"    … and {len(decision.reasons) - 10} more: quality.gate_decision has them all.")


def table_of(columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> Table:
    """A plain table; the columns named in `right` are aligned like numbers. The first, which names the row, is not
    folded: a code that is broken over two lines cannot be copied."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        side: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*["" if value is None else said(value) for value in row])
    return table
