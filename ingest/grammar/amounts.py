"""Numbers as people write them: thousands, signs, brackets, pounds, units, ranges, words before them (6.0, R-G-23)."""

import re
from decimal import Context, Decimal
from typing import Literal, NamedTuple

from ingest.grammar.marks import ANY_CASE

# Spreadsheets keep 15 digits; what a file holds beyond them is noise of arithmetic (0.24499999999999997 for 0.245).
EXCEL_DIGITS = 15
_SPREADSHEET = Context(prec=EXCEL_DIGITS)

# Thousands are parted by commas or by spaces, all of them or none: `12,34` and `1,234 567` are no numbers.
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:[ ][0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_UNIT = r"%|k|m|bn|thousand|million|billion"
# Sign, pound and bracket in any order before the digits, their ends after them: `-£12`, `£(1.2m)`, `(12)%`, `12-`.
_AMOUNT = re.compile(
    rf"(?P<lead>[-+(£ ]{{0,5}})(?P<digits>{_DIGITS})[ ]?(?P<unit>{_UNIT})?[ ]?(?P<close>[)-]?)(?P<percent>[ ]?%)?",
    ANY_CASE,
)
# What stands before and after the digits, and the sign that it gives. `(-12)` and `--12` are no numbers.
_SIGNS = {("", ""): 1, ("+", ""): 1, ("-", ""): -1, ("(", ")"): -1, ("", "-"): -1}
_FACTORS = {
    "%": Decimal(1),
    **dict.fromkeys(("k", "thousand"), Decimal(10) ** 3),
    **dict.fromkeys(("m", "million"), Decimal(10) ** 6),
    **dict.fromkeys(("bn", "billion"), Decimal(10) ** 9),
}
# `100-130`, `£150m-£160m`, `100 to 130`.
_RANGE = re.compile(r"(?P<low>[^-]+?)(?: ?- ?| to )(?P<high>[^-]+)", ANY_CASE)

WordQualifier = Literal["gt", "lt", "approx"]
_WORDS: dict[str, WordQualifier] = {
    **dict.fromkeys((">", "over", "just over", "well over", "more than", "above", "in excess of"), "gt"),
    **dict.fromkeys(("<", "under", "just under", "less than", "fewer than", "below", "nearly", "almost"), "lt"),
    **dict.fromkeys(("~", "c", "c.", "ca", "ca.", "circa", "approx", "approx.", "approximately"), "approx"),
    **dict.fromkeys(("about", "around", "roughly"), "approx"),
}
# `over 600`, `c.26,000`, `nearly 50%`. The longest word comes first, so that `c.5` is about 5 and not about 0.5.
_QUALIFIED = re.compile(
    rf"(?P<word>{'|'.join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))}) ?(?P<amount>[£0-9.].*)",
    ANY_CASE,
)


class Amount(NamedTuple):
    """A number as it is written: `(£1.2m)` is −1.2 with a pound and the unit m. Units are in lower case."""

    number: Decimal
    has_pound: bool = False
    unit: str = ""

    def times(self, scale: int) -> Decimal:
        """What it is worth: its own unit goes before the scale of its column."""
        return self.number * _FACTORS.get(self.unit, Decimal(scale))


def as_shown(number: int | float | str) -> Decimal:
    """A finite number as a spreadsheet shows it: to 15 digits."""
    return _SPREADSHEET.create_decimal(str(number))


def plain(number: Decimal) -> str:
    """A number in its shortest form, never with an exponent: 212, 24.5, 1200000."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_amount(text: str) -> Amount | None:
    """One number, or None. The text is normal (:func:`ingest.grammar.marks.normal`), like all texts here."""
    match = _AMOUNT.fullmatch(text)
    if not match or (match["unit"] and match["percent"]):
        return None
    lead = match["lead"].replace(" ", "")
    sign = _SIGNS.get((lead.replace("£", "", 1), match["close"]))
    if sign is None:
        return None
    number = as_shown(match["digits"].replace(",", "").replace(" ", ""))
    return Amount(sign * number, "£" in lead, (match["unit"] or match["percent"] or "").strip().casefold())


def parse_qualified(text: str) -> tuple[WordQualifier, Amount] | None:
    """A number with a word or sign before it that says how exact it is (R-G-23), or None."""
    match = _QUALIFIED.fullmatch(text)
    amount = parse_amount(match["amount"]) if match else None
    return (_WORDS[match["word"].casefold()], amount) if match and amount else None


def parse_range(text: str) -> tuple[Amount, Amount] | None:
    """Both ends of a range without signs, or None. What only one of them carries is meant for both: `£150-160m`."""
    match = _RANGE.fullmatch(text)
    low, high = (parse_amount(match["low"]), parse_amount(match["high"])) if match else (None, None)
    if low is None or high is None or low.number < 0 or high.number < 0:
        return None
    has_pound = low.has_pound or high.has_pound
    high_unit = high.unit or ("%" if low.unit == "%" else "")
    return Amount(low.number, has_pound, low.unit or high.unit), Amount(high.number, has_pound, high_unit)
