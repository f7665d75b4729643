"""Months, four-week periods and financial years as people and spreadsheets write them (catalogue 6.0).

A label means what its contract says that it is: `2005/06` is June where months stand, and a year where financial
years stand. `05/06` is a financial year or nothing.
"""

import re
from calendar import monthrange
from datetime import date

from ingest.grammar.dates import (
    NAME,
    YEAR,
    YEARS,
    DateSystem,
    PeriodRead,
    PeriodValue,
    full_year,
    label,
    month_number,
    parse_date,
    read_as,
    said,
)
from ingest.grammar.marks import ANY_CASE, quoted

# The financial year begins on 1 April (R-T-01).
_APRIL = 4
_MONTHS_IN_YEAR = 12
_FOUR_WEEK_PERIODS = 13

_MONTHS = [
    # Apr-05, Apr 05, April 2005, Apr '05
    re.compile(rf"{NAME},?[ /-]?{YEAR}", ANY_CASE),
    # 2005/04, 2005-4
    re.compile(r"(?P<year>[0-9]{4})[/-](?P<month>[0-9]{1,2})"),
    # 200504
    re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})"),
    # 04/2005
    re.compile(r"(?P<month>[0-9]{1,2})[/-](?P<year>[0-9]{4})"),
]
_PERIOD = re.compile(r"(?:P|Period) ?(?P<number>[0-9]{1,2})", ANY_CASE)
# 05/06, 2005-06, 2005/2006, FY05/06
_TWO_YEARS = re.compile(r"(?:FY ?)?(?P<first>[0-9]{4}|[0-9]{2}) ?[/-] ?(?P<last>[0-9]{4}|[0-9]{2})", ANY_CASE)
# FY06, FY2006: named after the March in which it ends
_ENDING = re.compile(rf"FY ?{YEAR}", ANY_CASE)
_MONTH_ADVICE = "type the month such as Apr-05"
_YEAR_ADVICE = "type the financial year such as 2005/06"


def parse_month(
    value: PeriodValue, *, date_system: DateSystem = 1900, periods_of: int | None = None
) -> PeriodRead[date]:
    """Read a month as its first day: `Apr-05`, `200504`, `2005/04`, or a date that is its first or last day.

    `P1` is a four-week period and never a month (R-T-11, D28), unless the contract says that its periods are the
    months of a financial year: `periods_of` is then the year in which that begins, and P1 is its April.
    """
    marked = label(value)
    return read_as(_month(value, marked.body, date_system, periods_of), marked)


def parse_four_week_period(value: PeriodValue) -> PeriodRead[int]:
    """Read `P1` to `P13`, the number of a four-week period: thirteen a year, and none of them a month (R-T-11)."""
    marked = label(value)
    match = _PERIOD.fullmatch(marked.body)
    if match and 1 <= int(match["number"]) <= _FOUR_WEEK_PERIODS:
        return read_as(int(match["number"]), marked)
    return read_as(f"{said(value)} is no four-week period: type P1 to P{_FOUR_WEEK_PERIODS}", marked)


def parse_financial_year(value: PeriodValue) -> PeriodRead[date]:
    """Read a financial year as its 1 April: `05/06`, `2005-06`, `2005/2006`, and `FY06`, which is 2005/06."""
    marked = label(value)
    return read_as(_financial_year(value, marked.body), marked)


def _month(value: PeriodValue, text: str, date_system: DateSystem, periods_of: int | None) -> date | str:
    """The first day of the month, or the reason why there is none."""
    period = _PERIOD.fullmatch(text)
    if period:
        return _month_of_period(int(period["number"]), text, periods_of)
    match = next((found for form in _MONTHS if (found := form.fullmatch(text))), None)
    if match:
        year, month = full_year(match["year"]), month_number(match["month"])
        if year in YEARS and 1 <= month <= _MONTHS_IN_YEAR:
            return date(year, month, 1)
        return f"{quoted(text)} is no month: {_MONTH_ADVICE}"
    if _TWO_YEARS.fullmatch(text):
        return f"{quoted(text)} can be a month or a financial year: {_MONTH_ADVICE}"
    return _month_of_day(parse_date(value, date_system=date_system).value, value)


def _month_of_day(day: date | None, value: PeriodValue) -> date | str:
    """The month of its first or last day. Excel takes `Mar-06` for the sixth of March of the year it is typed in."""
    if day is None:
        return f"{said(value)} is no month: {_MONTH_ADVICE}"
    if day.day in (1, monthrange(day.year, day.month)[1]):
        return day.replace(day=1)
    why = f"{day:%d/%m/%Y} is neither the first nor the last day of a month; Excel makes such dates of Mar-06"
    return f"{why}: {_MONTH_ADVICE}, as text"


def _month_of_period(number: int, text: str, periods_of: int | None) -> date | str:
    if periods_of is None:
        return f"{quoted(text)} is a four-week period and no month: {_MONTH_ADVICE}"
    if not 1 <= number <= _MONTHS_IN_YEAR or periods_of not in YEARS:
        return f"{quoted(text)} is no month, for the periods of this table are P1 (April) to P12 (March)"
    later = _APRIL - 1 + number - 1
    return date(periods_of + later // _MONTHS_IN_YEAR, later % _MONTHS_IN_YEAR + 1, 1)


def _financial_year(value: PeriodValue, text: str) -> date | str:
    """The 1 April of the year, or the reason why there is none."""
    pair, ending = _TWO_YEARS.fullmatch(text), _ENDING.fullmatch(text)
    first = full_year(pair["first"]) if pair else full_year(ending["year"]) - 1 if ending else 0
    if isinstance(value, date):
        return f"{said(value)} is no financial year; Excel makes dates of 05/06: {_YEAR_ADVICE}, as text"
    if first not in YEARS or (pair and len(pair["first"]) < len(pair["last"])):
        return f"{said(value)} is no financial year: {_YEAR_ADVICE}"
    if pair and (first + 1) % 10 ** len(pair["last"]) != int(pair["last"]):
        return f"{quoted(text)} is no financial year, for its years do not follow each other: {_YEAR_ADVICE}"
    return date(first, _APRIL, 1)
