"""What kind of file some bytes are, told by the bytes alone: names lie."""

import zipfile
from pathlib import Path

from ingest.readers.archive import BROKEN

_MAGIC = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel 97-2003 workbook, or an encrypted one",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a SQLite database",
}
TEXT = "text"
_LONGEST_MIMETYPE = 100
ARCHIVE = "a zip archive"


def kind_of(path: Path) -> str:
    """Name the kind of a file: :data:`TEXT`, :data:`ARCHIVE`, or a phrase for people such as `an Excel workbook`."""
    with path.open("rb") as file:
        head = file.read(16)
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(path)
    return TEXT


def _kind_of_zip(path: Path) -> str:
    """A zip archive is also what workbooks and documents are packed in."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = _start_of(archive, "mimetype") if "mimetype" in names else ""
    except BROKEN:
        return ARCHIVE
    if "xl/workbook.xml" in names:
        return "an Excel workbook"
    if "opendocument.spreadsheet" in mimetype:
        return "an OpenDocument spreadsheet"
    if "[Content_Types].xml" in names or "opendocument" in mimetype:
        return "an office document"
    return ARCHIVE


def _start_of(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return file.read(_LONGEST_MIMETYPE).decode("ascii", "replace")
