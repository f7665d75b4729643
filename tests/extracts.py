"""The genuine borough extracts, read by the tests' own means: what the bytes say, month by month."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pandas as pd
from conftest import read_rows

AIRPORTS = "london heathrow and london city airports"
UNKNOWN = "unknown"
SCHEME_OF_AREA_HEADER = {"Borough": "mps_2008", "LookUp_BoroughName": "mps_2019", "BoroughName": "mps_2024"}

# A harmonised group by the major category that a file prints, and the minor ones that the first scheme puts elsewhere.
_GROUPS = {
    "arson and criminal damage": "arson_criminal_damage",
    "burglary": "burglary",
    "criminal damage": "arson_criminal_damage",
    "drug offences": "drug_offences",
    "drugs": "drug_offences",
    "fraud and forgery": "fraud_forgery",
    "fraud or forgery": "fraud_forgery",
    "historical fraud and forgery": "fraud_forgery",
    "miscellaneous crimes against society": "misc_crimes_against_society",
    "nfib fraud": "fraud_forgery",
    "other notifiable offences": "misc_crimes_against_society",
    "possession of weapons": "possession_weapons",
    "public order offences": "public_order",
    "robbery": "robbery",
    "sexual offences": "sexual_offences",
    "theft": "theft",
    "theft and handling": "theft",
    "vehicle offences": "vehicle_offences",
    "violence against the person": "violence_against_person",
}
_GROUPS_OF_2008 = {
    "handling stolen goods": "misc_crimes_against_society",
    "m/v interference & tampering": "vehicle_offences",
    "motor vehicle interference & tampering": "vehicle_offences",
    "offensive weapon": "possession_weapons",
    "theft from m/v": "vehicle_offences",
    "theft from motor vehicle": "vehicle_offences",
    "theft/taking of m/v": "vehicle_offences",
    "theft/taking of motor vehicle": "vehicle_offences",
}


@dataclass(frozen=True)
class ExtractFile:
    """One file of an extract, with the date that its delivery note gives."""

    path: Path
    as_at_on: date

    @cached_property
    def cells(self) -> list[list[str]]:
        return read_rows(self.path)

    @property
    def area_column(self) -> int:
        return next(column for column, header in enumerate(self.cells[0]) if header in SCHEME_OF_AREA_HEADER)

    @property
    def scheme(self) -> str:
        return SCHEME_OF_AREA_HEADER[self.cells[0][self.area_column]]

    @property
    def months(self) -> dict[date, int]:
        """Month → its column, counted from 0."""
        labels = enumerate(self.cells[0])
        return {date(int(label[:4]), int(label[4:]), 1): column for column, label in labels if label.isdigit()}

    def total(self, month: date, area: str | None = None) -> int:
        """Offences of a month, of the whole file or of one area."""
        column = self.months[month]
        return sum(int(row[column]) for row in self.cells[1:] if area in (None, row[self.area_column].casefold()))

    def figures(self) -> pd.DataFrame:
        """Every cell: `area`, `offence_group`, `month`, `offences`."""
        major, minor = (column for column in range(3) if column != self.area_column)
        table = pd.DataFrame(self.cells[1:])
        group = [_group_of(row[major].casefold(), row[minor].casefold(), self.scheme) for row in self.cells[1:]]
        keys = pd.DataFrame({"area": table[self.area_column].str.casefold(), "offence_group": group})
        values = table[list(self.months.values())].astype(int).set_axis(list(self.months), axis=1)
        return pd.concat([keys, values], axis=1).melt(
            ["area", "offence_group"], var_name="month", value_name="offences"
        )


def _group_of(major: str, minor: str, scheme: str) -> str:
    return (_GROUPS_OF_2008.get(minor) if scheme == "mps_2008" else None) or _GROUPS[major]


def extract_folders(real_data: Path) -> list[Path]:
    """The folders of the six extracts, oldest first."""
    return sorted((real_data / "mps_recorded_crime_borough").glob("x*"))


def extract_files(real_data: Path) -> list[ExtractFile]:
    """The nine files, oldest extract first, dated by the notes beside them."""
    files = []
    for folder in extract_folders(real_data):
        with (folder / "delivery-note.csv").open(encoding="utf-8", newline="") as note:
            files += [
                ExtractFile(folder / line["file"], date.fromisoformat(line["as_at_on"]))
                for line in csv.DictReader(note)
            ]
    return files


def in_force(files: list[ExtractFile]) -> dict[date, ExtractFile]:
    """Month → the file of the latest extract that covers it."""
    return {month: file for file in sorted(files, key=lambda each: each.as_at_on) for month in file.months}
