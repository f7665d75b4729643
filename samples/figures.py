"""Invented figures of recorded crime and strength: of a plausible size, and true of nowhere.

Only ``Random.random()`` and ``fsum`` are used: unlike their neighbours, they give the same in every Python.
"""

from collections.abc import Sequence
from datetime import date
from itertools import product
from math import fsum, sqrt
from random import Random

from samples.vocabulary import Category

Figures = dict[tuple[str, Category, date], int]

_OFFENCES_A_MONTH = 40_000
_FIRST_YEAR = 2015
_GROWTH_A_YEAR = 0.02
_SEASON = (0.97, 0.90, 1.00, 0.96, 1.03, 1.03, 1.06, 1.01, 0.99, 1.05, 1.03, 0.97)  # January to December
# The width at which two added random numbers scatter as widely as counts do: by the root of what is expected.
_SCATTER = sqrt(6)

_RESTATED_SHARE = 0.1
_RESTATED_BY = 0.01

_STRENGTH_AT_START = (31_000, 9_000, 1_300)
_MONTHLY_DRIFT = 0.006


def months(first: date, last: date) -> list[date]:
    """First days of all months from one to another, both included."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def draw(
    random: Random,
    area_weights: dict[str, int],
    category_weights: dict[Category, float],
    of_months: Sequence[date],
) -> Figures:
    """Draw a figure for every area, category and month.

    A month's total does not depend on the categories that it is split into: a change of scheme hardly moves it.
    """
    areas, categories = fsum(area_weights.values()), fsum(category_weights.values())
    figures: Figures = {}
    for area, category, month in product(area_weights, category_weights, of_months):
        share = area_weights[area] / areas * category_weights[category] / categories
        figures[area, category, month] = _count(random, share * _offences(month))
    return figures


def restate(random: Random, figures: Figures) -> Figures:
    """The same figures as a later extract has them: some moved a little, up or down, most as they were."""
    return {key: _moved(random, count) for key, count in figures.items()}


def draw_strength(random: Random, of_months: Sequence[date]) -> dict[date, list[int]]:
    """Draw officers, staff and PCSOs month by month, each a little more or less than the month before."""
    now = list(_STRENGTH_AT_START)
    strength: dict[date, list[int]] = {}
    for month in of_months:
        strength[month] = now
        now = [round(count * (1 + _MONTHLY_DRIFT * _either_way(random))) for count in now]
    return strength


def _offences(month: date) -> float:
    growth = 1 + _GROWTH_A_YEAR * (month.year - _FIRST_YEAR)
    return _OFFENCES_A_MONTH * growth * _SEASON[month.month - 1]


def _count(random: Random, expected: float) -> int:
    return max(0, round(expected + _SCATTER * sqrt(expected) * _either_way(random)))


def _moved(random: Random, count: int) -> int:
    if random.random() >= _RESTATED_SHARE:
        return count
    step = max(1, round(count * _RESTATED_BY))
    return max(0, count + (step if random.random() < 1 / 2 else -step))


def _either_way(random: Random) -> float:
    """A number between -1 and 1, most often near 0."""
    return random.random() + random.random() - 1
