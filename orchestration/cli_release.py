"""`metstats release …`: what was published, and going back to it."""

import getpass
import json
from typing import Annotated, Any

import typer

from ledger.home import Home, Settings
from ledger.store import Ledger, open_ledger

app = typer.Typer(help="Releases: list, show, roll back, unpin.", no_args_is_help=True)
JsonFlag = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
By = Annotated[str, typer.Option("--by", help="Who decides this; the ledger keeps the name.")]


def _open() -> tuple[Home, Ledger]:
    home = Home.at(Settings().home)
    return home, open_ledger(home.ledger_url)


def _standing(how: dict[str, Any]) -> str:
    """What a release says of one subject."""
    if how["decision"] != "held":
        return "published"
    origin = how["carried_over_from"]
    return f"carried over from {origin}" if origin else "held, never published yet"


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """Every release, which one readers meet, and whether it is pinned."""
    from sqlalchemy import select

    from ledger.tables import Release
    from orchestration.show import OUT, print_json, table_of
    from publication import pointer

    home, ledger = _open()
    with ledger.look() as session:
        releases = session.scalars(select(Release).order_by(Release.release_number)).all()
        pin = pointer.pinned(session)
    served = pointer.current(home)
    facts: list[dict[str, Any]] = [
        {
            "release_number": each.release_number,
            "released_at": each.released_at,
            "is_current": each.release_number == served,
            "is_pinned": bool(pin and pin.release_number == each.release_number),
            "subjects": {name: _standing(how) for name, how in each.subjects.items()},
        }
        for each in releases
    ]
    if as_json:
        print_json(facts)
        return
    rows = [
        (
            f"{fact['release_number']}{' ←' if fact['is_current'] else ''}",
            f"{fact['released_at']:%Y-%m-%d %H:%M}",
            ", ".join(f"{name}: {how}" for name, how in fact["subjects"].items()),
            f"pinned by {pin.pinned_by}: {pin.reason}" if pin and fact["is_pinned"] else "",
        )
        for fact in facts
    ]
    OUT.print(table_of(("release", "released (UTC)", "subjects", ""), rows) if rows else "No release yet.")


@app.command()
def show(
    number: Annotated[int | None, typer.Argument(help="Number; else the current release.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """What a release holds, what it was made from, and what was decided."""
    from orchestration.show import OUT, print_json, table_of
    from publication import pointer

    home, _ = _open()
    try:
        folder = pointer.folder_of(home, number)
    except pointer.PointerError as error:
        raise typer.BadParameter(str(error)) from error
    receipt = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
    if as_json:
        print_json(receipt)
        return
    OUT.print(f"[bold]Release {receipt['release_number']}[/bold] of {receipt['made']['released_at']}, in {folder}")
    OUT.print(table_of(("table", "rows"), [(t["table"], f"{t['rows']:,}") for t in receipt["tables"]], right=["rows"]))
    used = [d for d in receipt["deliveries"] if d["verdict"] in ("accepted", "superseded")]
    lines = [(d["as_at_on"], d["as_at_source"], d["verdict"], d["file_name"]) for d in used]
    OUT.print(table_of(("as at", "", "", "made from"), lines))
    passed = sum(check["status"] == "passed" for check in receipt["checks"])
    OUT.print(f"{len(receipt['checks'])} checks, {passed} passed.")
    for decision in receipt["gate"]:
        OUT.print(f"{decision['publication']}, {decision['subject']}: {decision['decision']}")


@app.command()
def rollback(
    number: Annotated[int | None, typer.Argument(help="Number; else the one before the current.")] = None,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "",
) -> None:
    """Go back to an earlier release and pin it: later runs do not move readers until it is unpinned."""
    from orchestration.show import OUT
    from publication import pointer

    home, ledger = _open()
    try:
        with home.lock:
            back = pointer.rollback(home, ledger, number, by or getpass.getuser(), reason or "no reason given")
    except pointer.PointerError as error:
        raise typer.BadParameter(str(error)) from error
    OUT.print(f"Readers meet release {back} now, and keep meeting it until `metstats release unpin --by NAME`.")


@app.command()
def unpin(by: By) -> None:
    """Let the next run move readers to the newest release again."""
    from orchestration.show import OUT
    from publication import pointer

    home, ledger = _open()
    try:
        with home.lock:
            number = pointer.unpin(ledger, by)
    except pointer.PointerError as error:
        raise typer.BadParameter(str(error)) from error
    OUT.print(f"Release {number} is unpinned by {by}. The next `metstats run` moves readers to the newest release.")
