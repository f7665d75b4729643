"""Which return a file is, told from what it holds: never from its name."""

from dataclasses import dataclass

from contracts.addresses import cell_name
from contracts.model import Layout, ReturnContract
from contracts.naming import nearest, shown, text_key
from ingest.readers.delimited import DELIMITER_NAMES, Grid

# Titles and notes may stand above the header; it is found by what it says.
ROWS_TO_SEARCH = 20
# No return has more columns; comparing names with each other grows with their number.
_MOST_COLUMNS = 2_000
# A file that has less than this share of a layout's headers does not resemble it; naming differences would mislead.
_LEAST_LIKENESS = 0.4


@dataclass(frozen=True)
class Identified:
    """A file whose return, layout and header row are known. `header_row` counts from 1."""

    contract: ReturnContract
    layout: Layout
    header_row: int


@dataclass(frozen=True)
class Unidentified:
    """A file that no contract fits: the contract that comes nearest, and how the file differs from it."""

    reason: str
    nearest_return_code: str | None = None
    differences: tuple[str, ...] = ()


def identify(grid: Grid, contracts: dict[str, ReturnContract]) -> Identified | Unidentified:
    """Find the one layout whose headers all stand in one of the first rows; else say what comes nearest."""
    fits = [
        Identified(contract, layout, number)
        for number, row in _candidate_rows(grid)
        for contract in contracts.values()
        for layout in contract.layouts
        if _fits(row, contract, layout)
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = ", ".join(f"{fit.contract.return_code} ({fit.layout.name}, row {fit.header_row})" for fit in fits)
        return Unidentified(f"more than one header fits: {names}. Send each table as a file of its own")
    return _nearest(grid, contracts)


def _candidate_rows(grid: Grid) -> list[tuple[int, list[str]]]:
    rows = enumerate(grid.rows[:ROWS_TO_SEARCH], start=1)
    return [(number, row) for number, row in rows if any(row) and len(row) <= _MOST_COLUMNS]


def _fits(row: list[str], contract: ReturnContract, layout: Layout) -> bool:
    found = [text_key(cell) for cell in row]
    if any(found.count(text_key(header)) != 1 for header in layout.required_headers):
        return False
    if contract.periods.run == "down":
        return True
    return any(contract.periods.parse(cell) for cell in row) and not _foreign(row, contract, layout)


def _foreign(row: list[str], contract: ReturnContract, layout: Layout) -> list[int]:
    """Columns that this layout does not have, where all but its keys are periods: they make it another return.

    A header with a digit in it is a damaged label of a period, and a blank one a stray delimiter: both are for the
    check of the labels, which names the cell.
    """
    if contract.periods.run == "down":
        return []
    keys = {text_key(header) for header in layout.required_headers}
    return [
        column
        for column, cell in enumerate(row, start=1)
        if cell.strip()
        and text_key(cell) not in keys
        and not any(letter.isdigit() for letter in cell)
        and not contract.periods.parse(cell)
    ]


def _nearest(grid: Grid, contracts: dict[str, ReturnContract]) -> Unidentified:
    """The layout and row that share the most, exactly or nearly; nothing where nothing is shared."""
    best: tuple[float, ReturnContract, Layout, int, list[str]] | None = None
    for number, row in _candidate_rows(grid):
        keys = {text_key(cell) for cell in row}
        for contract in contracts.values():
            for layout in contract.layouts:
                score = _likeness(keys, row, contract, layout)
                if score > (best[0] if best else _LEAST_LIKENESS):
                    best = (score, contract, layout, number, row)
    if best is None:
        return Unidentified(f"no contract resembles this file{_uncut(grid)}")
    _, contract, layout, number, row = best
    return Unidentified(
        f"no contract fits; nearest is {contract.return_code} ({contract.title}), layout {layout.name}",
        contract.return_code,
        _differences(row, number, contract, layout),
    )


def _uncut(grid: Grid) -> str:
    """Why a file in one column resembles nothing, where that may be the reason."""
    if any(len(row) > 1 for row in grid.rows):
        return ""
    *names, last = DELIMITER_NAMES.values()
    return f": its lines are one column; {', '.join(names)} or {last} would cut them into cells"


def _likeness(keys: set[str], row: list[str], contract: ReturnContract, layout: Layout) -> float:
    """Share of the layout's headers that are there (a near miss counts half), plus one sign of its periods."""
    score = 0.0
    for header in layout.required_headers:
        key = text_key(header)
        score += 1.0 if key in keys else 0.5 if nearest(key, keys) else 0.0
    if score and contract.periods.run == "across":
        score += 0.5 * any(contract.periods.parse(cell) for cell in row)
    return score / (len(layout.required_headers) + 0.5)


def _differences(row: list[str], number: int, contract: ReturnContract, layout: Layout) -> tuple[str, ...]:
    """What to change in the file, cell by cell, for this layout to fit."""
    found = {text_key(cell): column for column, cell in enumerate(row, start=1)}
    wanted = {text_key(header) for header in layout.required_headers}
    spare = {key: column for key, column in found.items() if key not in wanted}
    differences = []
    for header in layout.required_headers:
        key = text_key(header)
        count = sum(text_key(cell) == key for cell in row)
        if count > 1:
            differences.append(f"row {number} has the column '{header}' {count} times; expected once")
        elif count == 0:
            differences.append(_missing(header, row, number, spare))
    taken = " ".join(differences)
    for column in _foreign(row, contract, layout):
        cell = cell_name(number, column)
        if f"(cell {cell})" not in taken:
            said = f"row {number}, column {column} (cell {cell}) says '{shown(row[column - 1])}'"
            differences.append(f"{said}, a column that this layout does not have")
    if contract.periods.run == "across" and not any(contract.periods.parse(cell) for cell in row):
        differences.append(f"row {number} names no month; expected columns such as 202410 after the named ones")
    return tuple(differences)


def _missing(header: str, row: list[str], number: int, spare: dict[str, int]) -> str:
    near = nearest(text_key(header), spare)
    if near is None:
        return f"row {number} has no column '{header}'"
    column = spare[near]
    return (
        f"row {number}, column {column} (cell {cell_name(number, column)}) says '{shown(row[column - 1])}'; "
        f"expected '{header}'"
    )
