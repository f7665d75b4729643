"""Delivery notes: `delivery-note.csv` beside files says when each was extracted, and who sent it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from contracts.addresses import cell_name
from contracts.naming import shown, text_key
from ingest.readers.delimited import Grid, UnreadableError, read_grid

NOTE_NAME = "delivery-note.csv"
_HEADER = ("file", "as_at_on", "sender")
_LARGEST_NOTE_BYTES = 1_000_000


@dataclass(frozen=True)
class NoteLine:
    """What a note says of one file; `problem` is set where it gives no readable date."""

    as_at_on: date | None
    sender: str | None
    problem: str | None = None


@dataclass(frozen=True)
class Note:
    """A delivery note: its lines by file name, and what is wrong with it as a whole.

    `unread` is set where lines could not be read: what it says of a file that is not among `lines` is not known.
    """

    lines: dict[str, NoteLine]
    problem: str | None = None
    unread: str | None = None


def read_note_at(path: Path) -> Note:
    """Read the delivery note that lies at a path. Nothing is raised: a pipe, a link or a closed file is a problem."""
    if path.is_symlink() or not path.is_file():
        return _unread("the note is no ordinary file")
    try:
        with path.open("rb") as file:
            return read_note(file.read(_LARGEST_NOTE_BYTES + 1))
    except OSError as error:
        return _unread(f"the note cannot be opened ({error.strerror})")


def _unread(problem: str) -> Note:
    return Note({}, problem, problem)


def read_note(data: bytes) -> Note:
    """Read a delivery note. Nothing is raised: what cannot be read is said in `problem`, with row and column."""
    try:
        if len(data) > _LARGEST_NOTE_BYTES:
            raise UnreadableError(f"the note has more than {_LARGEST_NOTE_BYTES:,} bytes; notes are short")
        grid = read_grid(data)
    except UnreadableError as error:
        return _unread(str(error))
    header = [text_key(cell) for cell in grid.rows[0]] if grid.rows else []
    wanted = [text_key(name) for name in _HEADER]
    if header[: len(wanted)] != wanted:
        found = shown(",".join(grid.rows[0] if grid.rows else []))
        return _unread(_stopped(grid) or f"row 1 says '{found}'; expected '{','.join(_HEADER)}'")
    lines: dict[str, NoteLine] = {}
    for number, row in enumerate(grid.rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        name = row[0].strip()
        if name in lines:
            lines[name] = NoteLine(None, None, f"'{shown(name)}' stands in the note twice (again in row {number})")
        else:
            lines[name] = _line(number, row)
    problems = [line.problem for line in lines.values() if line.problem]
    return Note(lines, _stopped(grid) or ("; ".join(problems) or None), _stopped(grid))


def _stopped(grid: Grid) -> str | None:
    return f"row {grid.stopped_at_row} cannot be read ({grid.stopped_because})" if grid.stopped_at_row else None


def _line(number: int, row: list[str]) -> NoteLine:
    written = row[1].strip() if len(row) > 1 else ""
    sender = (row[2].strip() if len(row) > len(_HEADER) - 1 else "") or None
    try:
        return NoteLine(date.fromisoformat(written), sender)
    except ValueError:
        return NoteLine(
            None,
            sender,
            f"row {number}, column 2 (cell {cell_name(number, 2)}) says '{shown(written)}'; "
            "expected a date like 2020-06-01",
        )


def is_note(path: Path) -> bool:
    """Whether a name is that of a delivery note."""
    return path.name.casefold() == NOTE_NAME
