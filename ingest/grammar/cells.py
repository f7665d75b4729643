"""What the cell of a figure says, and how it says it: value, qualifier, status, marks (catalogue 6.0 and 6.9).

Null, zero, suppressed, not available and missing stay five things.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Integral
from typing import Literal

from ingest.grammar.amounts import EXCEL_DIGITS, Amount, as_shown, parse_amount, parse_qualified, parse_range, plain
from ingest.grammar.marks import Status, normal, quoted, split_marks

Kind = Literal["count", "number", "percent", "money"]
Meaning = Literal["zero", "none", "suppressed", "not_available", "missing"]
Null = Literal["nil_or_none", "not_available", "suppressed", "missing"]
Qualifier = Literal["exact", "gt", "lt", "approx", "range", "formula_error", "unreadable"] | Null
CellValue = str | int | float | date | datetime | time | timedelta | None

_TOO_LARGE = 10**EXCEL_DIGITS
# Smaller than any figure, and what remains of formulas such as 0.1 + 0.2 - 0.3.
_NOTHING = Decimal(10) ** -12
# A longer text is a comment.
_LONGEST_FIGURE = 60
# A larger percentage is rather one that was multiplied twice (2450 for 24.5).
_LARGE_PERCENT = 1000

_NOUNS: dict[Kind, str] = {
    "count": "counts",
    "number": "numbers",
    "percent": "percentages",
    "money": "amounts of money",
}
_EXAMPLES: dict[Kind, str] = {
    "count": "a whole number such as 1234",
    "number": "a number such as 12.5",
    "percent": "a percentage such as 24.5%",
    "money": "an amount such as 1568",
}
# Tokens that mean the same in every table, unless its contract says otherwise.
_MEANINGS: dict[str, Meaning] = {
    "": "missing",
    **dict.fromkeys(("n/a", "na", "n.a.", "not available", "[x]"), "not_available"),
    **dict.fromkeys(("..", "…", "...", ":", "*", "#", "c", "[c]", "[u]"), "suppressed"),
    "[z]": "none",
    "nil return": "zero",
}
# Tokens that mean one thing in one table and another in the next: never guessed.
_AMBIGUOUS = frozenset(("-", "--", "---", ".", "~", "^", "**", "x", "u", "z"))
_NULLS: dict[Meaning, Null] = {
    "none": "nil_or_none",
    "suppressed": "suppressed",
    "not_available": "not_available",
    "missing": "missing",
}
# `<5`: the sender knows the count and hides it. `<5%` and `<0.5` hide nothing: they are less than that.
_BELOW_THRESHOLD = re.compile(r"< ?[0-9]+")
# What Excel and LibreOffice show where a formula has no result.
_FORMULA_ERROR = re.compile(r"#n/a|#getting_data|#[a-z0-9/]+[!?]|err:[0-9]{3}")
_ONLY_HASHES = re.compile(r"#{3,}")
# In money, `50p` is rather pence than a provisional 50.
_PENCE = re.compile(r".*[0-9] ?p")


@dataclass(frozen=True)
class CellContext:
    """What the contract says of the column that a cell stands in; raises ValueError where that makes no sense.

    `scale` is what one printed unit is worth: 1000 in a column of £000, 100 for percentages printed as fractions. A
    cell that carries its own unit (`£200k`, `24.5%`) is not scaled. `meanings` is for tokens that are no numbers; its
    key `-` stands for every dash, and the key `` for a blank. `status` is that of figures without a mark. With
    `digit_marks`, digits that can be no part of a number (`2,4661`) are footnote marks.
    """

    kind: Kind = "number"
    scale: int = 1
    meanings: Mapping[str, Meaning] = field(default_factory=dict, hash=False)
    status: Status = "unknown"
    digit_marks: bool = False

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise ValueError(f"the scale of a column is 1, 100, 1000 and so on, not {self.scale}")
        meanings = {_token(token): meaning for token, meaning in self.meanings.items()}
        number = next((token for token in meanings if parse_amount(token)), None)
        if number:
            raise ValueError(f"'{number}' is a number; a contract gives meanings to other tokens only")
        object.__setattr__(self, "meanings", meanings)

    @property
    def advice(self) -> str:
        """What to type instead of a cell that cannot be read."""
        return f"type {_EXAMPLES[self.kind]}, 0 if there were none, or n/a if there is no such figure"


@dataclass(frozen=True)
class Cell:
    """What a cell says. Percentages are in percent (24.5), money is in pounds.

    `value` is null unless the qualifier is exact, gt, lt or approx; a range has `value_low` and `value_high` instead.
    `text` is as read. `reason` says what is wrong and what to type instead, where a figure belongs and none is;
    `warning` says how a figure was read that may have been meant otherwise.
    """

    text: str
    qualifier: Qualifier
    value: float | None = None
    value_low: float | None = None
    value_high: float | None = None
    status: Status = "unknown"
    marks: tuple[str, ...] = ()
    warning: str | None = None
    reason: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the cell has to be corrected before its slice can be published (D17, 6.9)."""
        return self.qualifier in ("unreadable", "formula_error")


def parse(value: CellValue, context: CellContext, *, percent_formatted: bool = False) -> Cell:
    """Read a cell: its text, or the number that the file holds and whether its format shows it as a percentage."""
    if value is None or isinstance(value, str):
        cell = _text(value or "", context)
    elif isinstance(value, (float, Integral)) and not isinstance(value, bool):
        cell = _number(value if isinstance(value, float) else int(value), percent_formatted, context)
    elif isinstance(value, (date, time, timedelta)):
        why = "the cell holds a date or time, perhaps made by Excel of what was typed (5-10, 05/06)"
        cell = Cell(str(value), "unreadable", reason=f"{why}: format the cell as text and type it again")
    else:
        shown = str(value).upper()  # TRUE and FALSE, as spreadsheets show them
        cell = Cell(shown, "unreadable", reason=f"{quoted(shown)} is no figure: {context.advice}")
    return cell if cell.status != "unknown" else replace(cell, status=context.status)


def _number(number: int | float, percent_formatted: bool, context: CellContext) -> Cell:
    """A number that the file holds. Its text is what a spreadsheet would show, so that 212 and 212.0 are the same."""
    if not math.isfinite(number) if isinstance(number, float) else abs(number) >= _TOO_LARGE:
        why = "the cell holds a number that no spreadsheet can keep"
        return Cell("", "unreadable", reason=f"{why}: {context.advice}")
    shown = as_shown(number)
    amount = Amount(shown * 100, unit="%") if percent_formatted else Amount(shown)
    return _figure(plain(amount.number) + amount.unit, "exact", [amount], context)


def _text(text: str, context: CellContext) -> Cell:
    shown = normal(text)
    cell = _token_cell(text, _token(shown), context)
    if cell:
        return cell
    if len(shown) > _LONGEST_FIGURE:
        return Cell(text, "unreadable", reason=f"the cell holds a comment where a figure belongs: {context.advice}")
    body, status, marks = split_marks(shown, digits=context.digit_marks)
    if context.kind == "money" and _PENCE.fullmatch(shown):
        why = f"{quoted(text)} can be pence or a provisional figure"
        return Cell(text, "unreadable", reason=f"{why}: {context.advice}; a capital P marks a provisional figure")
    if body:
        cell = _token_cell(text, _token(body), context) or _figure_cell(text, body, context)
    else:
        why = f"the cell holds the mark {quoted(text)} and no figure"
        cell = Cell(text, "missing", reason=f"{why}: {context.advice}")
    return replace(cell, status=status or "unknown", marks=marks)


def _token(text: str) -> str:
    """The form in which tokens are compared: case and the kind of spaces, line ends and dashes make no difference."""
    return " ".join(normal(text).casefold().split())


def _token_cell(text: str, token: str, context: CellContext) -> Cell | None:
    """A cell that holds a token in place of a number, or None. What the contract says comes first."""
    meaning = context.meanings.get(token)
    if meaning is None and _FORMULA_ERROR.fullmatch(token):
        why = f"the formula of this cell gives {token.upper()}"
        return Cell(text, "formula_error", reason=f"{why}: correct the formula, or {context.advice}")
    if meaning is None and (token in _AMBIGUOUS or _ONLY_HASHES.fullmatch(token)):
        why = "can mean zero, none, hidden or not known"
        if token.startswith("#"):
            why = "is what a column shows that is too narrow for its number"
        return Cell(text, "unreadable", reason=f"{quoted(text)} {why}: {context.advice}")
    if meaning is None:
        meaning = "suppressed" if _BELOW_THRESHOLD.fullmatch(token) else _MEANINGS.get(token)
    if meaning is None or meaning == "zero":
        return Cell(text, "exact", 0.0) if meaning else None
    reason = f"the cell is blank: {context.advice}" if meaning == "missing" else None
    return Cell(text, _NULLS[meaning], reason=reason)


def _figure_cell(text: str, body: str, context: CellContext) -> Cell:
    """A number, a number with a word before it, a range; else text that no rule reads."""
    amount = parse_amount(body)
    if amount:
        return _figure(text, "exact", [amount], context)
    qualified = parse_qualified(body)
    if qualified:
        return _figure(text, qualified[0], [qualified[1]], context)
    ends = parse_range(body)
    if ends:
        return _figure(text, "range", ends, context)
    return Cell(text, "unreadable", reason=f"{quoted(text)} is no figure: {context.advice}")


def _figure(text: str, qualifier: Qualifier, amounts: Sequence[Amount], context: CellContext) -> Cell:
    """A cell of one amount, or of the two ends of a range, in the units of its column."""
    why = next((why for why in (_misfit(amount, context) for amount in amounts) if why), None)
    values = [amount.times(context.scale) for amount in amounts]
    if why is None and values[0] > values[-1]:
        why = "is no range, for its first number is the larger"
    if why:
        return Cell(text, "unreadable", reason=f"{quoted(text)} {why}: {context.advice}")
    warning = next((_doubt(text, amount, context) for amount in amounts), None)
    low, high = (0.0 if abs(value) < _NOTHING else float(value) for value in (values[0], values[-1]))
    if qualifier == "range":
        return Cell(text, "range", None, low, high, warning=warning)
    return Cell(text, qualifier, low, warning=warning)


def _misfit(amount: Amount, context: CellContext) -> str | None:
    """Why an amount cannot stand in its column, or None."""
    value = amount.times(context.scale)
    here = f"and this is a column of {_NOUNS[context.kind]}"
    if amount.unit == "%" and (context.kind != "percent" or amount.has_pound):
        return f"is a percentage, {here}"
    if amount.has_pound and context.kind != "money":
        return f"is an amount of money, {here}"
    if amount.unit not in ("", "%") and context.kind != "money":
        return f"has a unit of its own, {here}"
    if abs(value) >= _TOO_LARGE:
        return f"has more than {EXCEL_DIGITS} digits"
    if context.kind == "count" and abs(value - round(value)) >= _NOTHING:
        return f"is no whole number, {here}"
    return None


def _doubt(text: str, amount: Amount, context: CellContext) -> str | None:
    """How an amount was read that may have been meant otherwise, or None (6.9; D12: not 0.245 nor 2450 for 24.5)."""
    value, said = amount.times(context.scale), quoted(text)
    if context.kind == "money" and context.scale > 1 and (amount.unit or amount.has_pound):
        instead = plain(value / context.scale)
        return f"{said} was read as £{plain(value)}, and the column is in units of {context.scale}: type {instead}"
    is_bare = context.kind == "percent" and context.scale == 1 and not amount.unit
    if is_bare and 0 < abs(value) < 1:
        return f"{said} was read as {plain(value)}%: if it is a fraction, type {plain(value * 100)}%"
    if context.kind == "percent" and abs(value) > _LARGE_PERCENT:
        return f"{said} was read as {plain(value)}%: if {plain(value / 100)}% is meant, type that"
    return None
