"""The command line: `metstats …`. Exit statuses: 0 done; 2 wrong usage; 3 a publication is held; 4 a file was not
taken (rejected, quarantined, unidentified); 1 anything unexpected."""

import os
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ledger.home import PROJECT_ROOT, Settings

OK, UNEXPECTED, USAGE, HELD, NOT_TAKEN = 0, 1, 2, 3, 4

app = typer.Typer(
    name="metstats",
    help="A police force's performance warehouse: returns in, tested facts out, nothing wrong published.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
JsonFlag = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


class Format(StrEnum):
    """How `metstats sql` prints."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is no date; write it as 2020-06-15.") from error


@app.command()
def sample(folder: Annotated[Path, typer.Argument(help="Where to write; made where it is missing.")]) -> None:
    """Write sample returns: invented figures in the layouts of real ones."""
    from orchestration.show import OUT
    from samples.write import write_sample

    written = write_sample(folder)
    OUT.print(f"Wrote {len(written)} sample files (invented figures) to {folder}. Next: metstats receive {folder}")


@app.command()
def receive(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, zip archives.", exists=True)],
    as_at: Annotated[str | None, typer.Option(help="Date at which the figures were true, e.g. 2020-06-01.")] = None,
    sender: Annotated[str | None, typer.Option(help="Who sent them.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Take files in: every byte is kept, every file gets a verdict."""
    declared = _date(as_at)
    from ingest.receive import Handover
    from orchestration import pipeline, show

    with show.progress() as tell:
        done = pipeline.receive(pipeline.Context.open(tell=tell), paths, Handover(declared, sender))
    if as_json:
        left = [str(path) for path in done.left]
        show.print_json({"receipts": [show.facts_of(receipt) for receipt in done.receipts], "left": left})
    else:
        show.print_receipts(done.receipts, done.left)
    if any(receipt.verdict in show.NEEDS_ATTENTION for receipt in done.receipts):
        raise typer.Exit(NOT_TAKEN)


@app.command()
def run(as_json: JsonFlag = False) -> None:
    """Everything: receive what landed, read, check, build, gate, release."""
    from orchestration import pipeline, show

    with show.progress() as tell:
        context = pipeline.Context.open(tell=tell)
        report = pipeline.run(context, "command line")
    if as_json:
        show.print_json(
            {
                "run_id": report.run_id,
                "receipts": [show.facts_of(receipt) for receipt in report.received.receipts],
                "left": [str(path) for path in report.received.left],
                "waiting": {str(path): names for path, names in report.received.waiting.items()},
                "decisions": [show.facts_of(decision) for decision in report.decisions],
                "release_number": report.outcome.number,
                "is_new": report.outcome.is_new,
                "is_served": report.outcome.is_served,
            }
        )
    else:
        show.print_run(report, context.home.root)
        if report.outcome.number is not None:
            query = "select month, sum(offences) from marts.crime_summary group by month order by month desc limit 12"
            show.OUT.print(f'Look next: {show.program()} status · {show.program()} sql "{query}"')
    if report.held:
        raise typer.Exit(HELD)
    if any(receipt.verdict in show.NEEDS_ATTENTION for receipt in report.received.receipts):
        raise typer.Exit(NOT_TAKEN)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """What is in, what needs somebody, what is held and why, what is published."""
    from orchestration import pipeline, show
    from orchestration.status import print_status, status_of

    facts = status_of(pipeline.Context.open())
    if as_json:
        show.print_json(facts)
    else:
        print_status(facts)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A query in DuckDB's SQL; core, marts and quality are its schemas.")],
    release: Annotated[int | None, typer.Option(help="Number of a release; else the current one.")] = None,
    as_known_on: Annotated[str | None, typer.Option(help="A date: answer as it was known then.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    as_json: JsonFlag = False,
) -> None:
    """Ask the current release, or what was known on a date. Nothing can be changed by a query."""
    known_on = _date(as_known_on)
    from ledger.home import Home
    from orchestration import answers, show
    from publication.pointer import PointerError
    from publication.query import QueryError, ask

    try:
        answer = ask(Home.at(Settings().home), query, release, known_on)
    except (QueryError, PointerError) as error:
        show.ERR.print(show.said(error), highlight=False)
        raise typer.Exit(USAGE) from error
    answers.write(answer, Format.json if as_json else format_)


@app.command()
def serve(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Dagster's pages and daemon on 127.0.0.1: lineage, runs, the landing sensor, the nightly schedule."""
    from ledger.home import Home

    home = Home.at(Settings().home)
    home.dagster.mkdir(exist_ok=True)
    (home.dagster / "dagster.yaml").write_text(
        "telemetry:\n  enabled: false\nconcurrency:\n  runs:\n    max_concurrent_runs: 1\n"
    )
    os.environ.update(DAGSTER_HOME=str(home.dagster), METSTATS_HOME=str(home.root))
    dagster = str(Path(sys.executable).parent / "dagster")
    workspace = str(PROJECT_ROOT / "workspace.yaml")
    os.execv(dagster, [dagster, "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)])  # noqa: S606


def _add_groups() -> None:
    from orchestration import cli_catalogue, cli_release

    app.add_typer(cli_release.app, name="release")
    app.add_typer(cli_catalogue.contracts, name="contract")
    app.add_typer(cli_catalogue.checks, name="check")


_add_groups()


def main() -> None:
    """Entry of the command line. What nobody foresaw is said in one line, and its trace kept in the home."""
    try:
        app()
    except Exception as error:
        if isinstance(error, ValidationError) and error.title == Settings.__name__:
            _report_settings(error)
            sys.exit(USAGE)
        _report_unexpected(error)
        sys.exit(UNEXPECTED)


def _report_settings(error: ValidationError) -> None:
    from orchestration.show import ERR

    for fault in error.errors():
        name = f"METSTATS_{fault['loc'][0]}".upper()
        ERR.print(f"The variable {name} is set to '{fault['input']}': {fault['msg']}.", markup=False, highlight=False)


def _report_unexpected(error: Exception) -> None:
    import traceback

    from ledger.home import Home
    from orchestration.show import ERR

    ERR.print(f"Something unexpected happened: {error!r}", markup=False)
    try:
        log = Home.at(Settings().home).root / "unexpected.log"
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone().isoformat()} {' '.join(sys.argv)}\n{traceback.format_exc()}\n")
    except OSError as problem:
        ERR.print(f"The home that METSTATS_HOME names cannot be used ({problem}).", markup=False)
    else:
        ERR.print(f"Nothing is lost; run the command again. The details are in {log}", markup=False)
