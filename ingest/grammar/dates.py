"""Dates as people and spreadsheets write them: day first, always (catalogue 6.0, 6.9).

A date that is impossible so is refused, not swapped (D18).
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, Literal, TypeVar

from ingest.grammar.marks import ANY_CASE, Marked, Status, quoted, split_marks

DateSystem = Literal[1900, 1904]
PeriodValue = str | int | float | date | None
T = TypeVar("T")

# Other years are slips, or blanks that were formatted as dates.
YEARS = range(1950, 2200)
# Two digits of a year from here to 99 lie in the last century.
_PIVOT = 50
_MONTHS_IN_YEAR = 12

_MONTH_NAMES = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
]  # fmt: skip
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_MONTH_NUMBERS |= {name[:3]: number for name, number in _MONTH_NUMBERS.items()} | {"sept": 9}
NAME = rf"(?P<month>{'|'.join(sorted(_MONTH_NUMBERS, key=len, reverse=True))})\.?"
YEAR = r"'?(?P<year>[0-9]{4}|[0-9]{2})"
_DAY = r"(?P<day>[0-9]{1,2})"
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? ", ANY_CASE)
_TIME = re.compile(r"[T, ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$")
_FORMS = [
    # 31/03/06, 30-12-2017, 31.03.2006
    re.compile(rf"{_DAY}(?P<by>[/.-]|[ ])(?P<month>[0-9]{{1,2}})(?P=by){YEAR}"),
    # 2006-03-31, 2006/03/31
    re.compile(r"(?P<year>[0-9]{4})(?P<by>[/.-])(?P<month>[0-9]{1,2})(?P=by)(?P<day>[0-9]{1,2})"),
    # 20060331
    re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"),
    # 31 March 2006, 31st Mar 06, 31-Mar-06
    re.compile(rf"{_DAY}(?:st|nd|rd|th)?(?: of)?[ -]?{NAME},?[ -]?{YEAR}", ANY_CASE),
    # March 31, 2006
    re.compile(rf"{NAME} {_DAY}(?:st|nd|rd|th)?,? (?P<year>[0-9]{{4}})", ANY_CASE),
]
# A text of five digits is a day of the serial count: 38443 is 1 April 2005.
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
# Larger numbers are 200504 or 20050401; the serials of readable years have five digits (the last has 109,574).
_FIRST_COMPACT = 110_000
# In the 1900 system, day 60 is 29 February 1900, which there never was: Excel keeps an error of Lotus 1-2-3.
_DAY_THAT_NEVER_WAS = 60
_LONGEST_NUMBER = 10**15
_ADVICE = "type day, month and year such as 31/03/2006"


@dataclass(frozen=True)
class PeriodRead(Generic[T]):
    """What a label says: `value`, or the `reason` why there is none. Status and marks stand after it (`Jan 06 R`)."""

    value: T | None
    reason: str | None = None
    status: Status | None = None
    marks: tuple[str, ...] = ()


def label(value: PeriodValue) -> Marked:
    """The text of a label parted from its marks; empty for a blank, a date and a serial."""
    if isinstance(value, str):
        return split_marks(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and _FIRST_COMPACT <= value < 10**9 and value == int(value):  # type: ignore[operator, arg-type]
        return Marked(str(int(value)), None, ())  # type: ignore[arg-type]
    return Marked("", None, ())


def read_as(outcome: T | str, marked: Marked) -> PeriodRead[T]:
    """A value, or a reason where `outcome` is text, with the marks of its label."""
    if isinstance(outcome, str):
        return PeriodRead(None, outcome, marked.status, marked.marks)
    return PeriodRead(outcome, None, marked.status, marked.marks)


def full_year(digits: str) -> int:
    """The year that two or four digits name."""
    year = int(digits)
    if len(digits) > len("06"):
        return year
    return year + (1900 if year >= _PIVOT else 2000)


def month_number(printed: str) -> int:
    """The number of a month that is printed as a name or as a number; not always one of 1 to 12."""
    return int(printed) if printed.isdecimal() else _MONTH_NUMBERS[printed.casefold()]


def parse_date(value: PeriodValue, *, date_system: DateSystem = 1900) -> PeriodRead[date]:
    """Read a date: text, a day of the serial count, or a date that the file holds. Times of day are dropped."""
    marked = label(value)
    return read_as(_day(value, marked.body, date_system), marked)


def date_of_serial(serial: float, date_system: DateSystem = 1900) -> date | None:
    """The date of a day of the serial count, or None where it has none. Workbooks of old Macs count from 1904."""
    if not 0 <= serial < _FIRST_COMPACT:
        return None
    days = int(serial)
    if date_system == 1904:  # noqa: PLR2004
        return date(1904, 1, 1) + timedelta(days)
    if days in (0, _DAY_THAT_NEVER_WAS):
        return None
    return date(1899, 12, 31 if days < _DAY_THAT_NEVER_WAS else 30) + timedelta(days)


def _day(value: PeriodValue, text: str, date_system: DateSystem) -> date | str:
    """The date, or the reason why there is none."""
    if not text:
        if value is None or isinstance(value, str):
            return f"a blank cell is no date: {_ADVICE}"
        return _held(value, date_system)
    bare = _WEEKDAY.sub("", _TIME.sub("", text), count=1)
    for form in _FORMS:
        match = form.fullmatch(bare)
        if match:
            return _day_of(match, text)
    if _SERIAL.fullmatch(bare):
        return _held(float(bare), date_system)
    return f"{quoted(text)} is no full date: {_ADVICE}"


def _held(value: int | float | date, date_system: DateSystem) -> date | str:
    """The date of a serial, or one that the file holds."""
    day: date | None
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
    else:
        day = None if isinstance(value, bool) else date_of_serial(value, date_system)
    if day and day.year in YEARS:
        return day
    return f"{said(value)} is no date of our time: {_ADVICE}"


def said(value: PeriodValue) -> str:
    """What a cell says, for a reason."""
    if isinstance(value, date):
        return f"the date {value:%d/%m/%Y}"
    if isinstance(value, str) and value.strip():
        return quoted(value)
    if isinstance(value, (int, float)):
        return "so large a number" if abs(value) >= _LONGEST_NUMBER else f"the number {value}"
    return "a blank cell"


def _day_of(match: re.Match[str], text: str) -> date | str:
    year, month, day = full_year(match["year"]), month_number(match["month"]), int(match["day"])
    if year not in YEARS:
        return f"{quoted(text)} lies in the year {year}: {_ADVICE}"
    if not 1 <= month <= _MONTHS_IN_YEAR:
        return f"{quoted(text)} is no date, for dates are read day first and there is no month {month}: {_ADVICE}"
    try:
        return date(year, month, day)
    except ValueError:
        return f"{quoted(text)} is no date, for that month has no day {day}: {_ADVICE}"
