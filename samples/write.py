"""Writes the sample: returns with invented figures in the layouts of real ones, to see Metstats run."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from contracts.sample import SAMPLE_PREFIX
from samples import vocabulary
from samples.figures import Figures, draw, draw_strength, months, restate

SENDER = "Metstats sample (invented figures)"
_SEED = 200506
_RECENT = f"{SAMPLE_PREFIX}MPS Borough Level Crime (most recent 24 months).csv"
_README = """SAMPLE: invented figures
========================

Every figure in this folder was invented by `metstats sample`. None was ever recorded by a police force.
The layouts and the printed names are those of real extracts, so that Metstats can be seen at work:

x2019-01, x2020-06, x2020-07, x2024-11   recorded crime by borough and month, each with a delivery note
strength                                 officers, staff and PCSOs by month, without a note
"""

# The headers of the key columns by what stands under them, in the order in which they are printed.
_BOROUGH_FIRST = {"area": "Borough", "major": "Major Category", "minor": "Minor Category"}
_LOOKUP_BOROUGH = {"major": "MajorText", "minor": "MinorText", "area": "LookUp_BoroughName"}
_CAPITALS = {"major": "MajorText", "minor": "MinorText", "area": "BoroughName"}


@dataclass(frozen=True)
class _CrimeFile:
    """One file of an extract, the layout in which it is printed, and the figures that it is cut from."""

    name: str
    layout: dict[str, str]
    figures: Figures
    months: list[date]


@dataclass(frozen=True)
class _Extract:
    """What was extracted on one day: a folder of files and the delivery note beside them."""

    folder: str
    as_at_on: date
    files: tuple[_CrimeFile, ...]


def write_sample(folder: Path) -> list[Path]:
    """Write the sample returns into a folder, made where it is missing, and return what was written.

    The same bytes each time. Files of these names are written anew; others in the folder are left alone.
    """
    # Invented figures have to come out the same each time; nothing here is a secret.
    random = Random(_SEED)  # noqa: S311
    written = [_write_text(folder / "README.txt", _README)]
    for extract in _extracts(random):
        written += _write_extract(folder / extract.folder, extract)
    written.append(_write_strength(folder / "strength" / f"{SAMPLE_PREFIX}Police_Force_Strength.csv", random))
    return written


def _extracts(random: Random) -> Iterator[_Extract]:
    yield _extract_2019(random)
    yield from _extracts_2020(random)
    yield _extract_2024(random)


def _extract_2019(random: Random) -> _Extract:
    """Two files that meet at a New Year, each with its own spellings; the older one has no airports."""
    historic = months(date(2015, 1, 1), date(2016, 12, 1))
    recent = months(date(2017, 1, 1), date(2018, 12, 1))
    old = draw(random, vocabulary.BOROUGHS, vocabulary.CATEGORIES_2019_HISTORIC, historic)
    areas = vocabulary.BOROUGHS | vocabulary.AIRPORTS
    new = draw(random, areas, vocabulary.CATEGORIES_2019_RECENT, recent)
    files = (
        _CrimeFile(_RECENT, _BOROUGH_FIRST, new, recent),
        _CrimeFile(f"{SAMPLE_PREFIX}MPS_Borough_Level_Crime_Historic.csv", _BOROUGH_FIRST, old, historic),
    )
    return _Extract("x2019-01", date(2019, 1, 1), files)


def _extracts_2020(random: Random) -> tuple[_Extract, _Extract]:
    """Two extracts, a month apart: the second restates the first, and one category is no longer in it."""
    both = months(date(2018, 6, 1), date(2020, 6, 1))
    areas = vocabulary.BOROUGHS | vocabulary.AIRPORTS
    june = draw(random, areas, vocabulary.CATEGORIES_2020, both)
    ended = vocabulary.CATEGORY_THAT_ENDS
    july = {key: count for key, count in restate(random, june).items() if key[1] != ended}
    return (
        _Extract("x2020-06", date(2020, 6, 1), (_CrimeFile(_RECENT, _LOOKUP_BOROUGH, june, both[:-1]),)),
        _Extract("x2020-07", date(2020, 7, 1), (_CrimeFile(_RECENT, _LOOKUP_BOROUGH, july, both[1:]),)),
    )


def _extract_2024(random: Random) -> _Extract:
    """One run of months cut into two files, in capitals, with offences that have no borough."""
    history = months(date(2018, 6, 1), date(2022, 10, 1))
    recent = months(date(2022, 11, 1), date(2024, 10, 1))
    areas = vocabulary.BOROUGHS | vocabulary.AIRPORTS | vocabulary.UNKNOWN
    figures = draw(random, areas, vocabulary.CATEGORIES_2024, history + recent)
    files = (
        _CrimeFile(f"{SAMPLE_PREFIX}MPS Borough Level Crime (Historical).csv", _CAPITALS, figures, history),
        _CrimeFile(_RECENT, _CAPITALS, figures, recent),
    )
    return _Extract("x2024-11", date(2024, 11, 1), files)


def _write_extract(folder: Path, extract: _Extract) -> list[Path]:
    written = [_write_csv(folder / file.name, _crime_rows(file), "\r\n") for file in extract.files]
    lines = [[file.name, extract.as_at_on.isoformat(), SENDER] for file in extract.files]
    note = [["file", "as_at_on", "sender"], *lines]
    return [*written, _write_csv(folder / "delivery-note.csv", note, "\n")]


def _crime_rows(file: _CrimeFile) -> Iterator[list[str]]:
    """The header, then areas by name. A row without a single offence is left out, as real extracts do."""
    yield [*file.layout.values(), *(f"{month:%Y%m}" for month in file.months)]
    pairs = dict.fromkeys((area, category) for area, category, _ in file.figures)
    for area, category in sorted(pairs):
        counts = [file.figures[area, category, month] for month in file.months]
        if any(counts):
            printed = {"area": area, "major": category[0], "minor": category[1]}
            yield [*(printed[role] for role in file.layout), *map(str, counts)]


def _write_strength(path: Path, random: Random) -> Path:
    """Two years of strength. It comes without a note, so that the contract's rule has to date it."""
    strength = draw_strength(random, months(date(2022, 11, 1), date(2024, 10, 1)))
    header = ["Date", "Police Officer Strength", "Police Staff Strength", "PCSO Strength"]
    rows = [[f"{month:%b-%y}", *map(str, counts)] for month, counts in strength.items()]
    return _write_csv(path, [header, *rows], "\n")


def _write_csv(path: Path, rows: Iterable[list[str]], line_end: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator=line_end).writerows(rows)
    return path


def _write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
