"""`metstats contract …` and `metstats check …`: what returns there are, and what is checked."""

from typing import Annotated

import typer

contracts = typer.Typer(help="Contracts: the returns that Metstats can read.", no_args_is_help=True)
checks = typer.Typer(help="The catalogue of checks.", no_args_is_help=True)
JsonFlag = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@contracts.command("list")
def list_contracts(as_json: JsonFlag = False) -> None:
    """Every return that has a contract."""
    from contracts.model import all_contracts
    from orchestration.show import OUT, print_json, table_of

    found = list(all_contracts().values())
    if as_json:
        print_json([contract.model_dump() for contract in found])
        return
    rows = [(c.return_code, c.title, c.subject, ", ".join(layout.name for layout in c.layouts)) for c in found]
    OUT.print(table_of(("return", "title", "subject", "layouts"), rows))


@contracts.command("show")
def show_contract(
    return_code: Annotated[str, typer.Argument(help="A return, as `contract list` names it.")],
    as_json: JsonFlag = False,
) -> None:
    """One contract, as it is written."""
    from contracts.model import RETURNS_FOLDER, all_contracts
    from orchestration.show import OUT, print_json

    if return_code not in all_contracts():
        raise typer.BadParameter(f"There is no contract '{return_code}'; there are {', '.join(all_contracts())}.")
    if as_json:
        print_json(all_contracts()[return_code].model_dump())
        return
    OUT.print((RETURNS_FOLDER / f"{return_code}.yaml").read_text(encoding="utf-8"), markup=False, highlight=False)


@checks.command("list")
def list_checks(as_json: JsonFlag = False) -> None:
    """Every check of deliveries: how hard it is, what it keeps out, who mends it."""
    from expectations.catalogue import all_checks
    from orchestration.show import OUT, print_json, table_of

    found = list(all_checks().values())
    if as_json:
        print_json([check.model_dump() for check in found])
        return
    rows = [(c.code, c.severity, c.reach, c.mended_by, c.sentence) for c in found]
    OUT.print(table_of(("check", "severity", "keeps out", "mended by", "what holds"), rows))
