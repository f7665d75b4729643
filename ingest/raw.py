"""The bytes themselves: kept under their hash, once, and never changed."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ledger.home import Home, sync_folder

_UNFINISHED = ".incoming-"


@dataclass(frozen=True)
class Stored:
    """Bytes in `raw/`: their SHA-256, how many they are, and where."""

    sha256: str
    bytes: int
    path: Path


def store(blocks: Iterable[bytes], home: Home) -> Stored:
    """Keep some bytes. They are on the disk, whole, before this returns; a crash leaves nothing under their name."""
    digest = hashlib.sha256()
    size = 0
    descriptor, name = tempfile.mkstemp(dir=home.raw, prefix=_UNFINISHED)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for block in blocks:
                digest.update(block)
                size += len(block)
                file.write(block)
            sha256 = digest.hexdigest()
            path = home.raw_file(sha256)
            is_known = path.exists()
            if not is_known:
                file.flush()
                os.fsync(file.fileno())
        if not is_known:
            path.parent.mkdir(exist_ok=True)
            sync_folder(home.raw)
            unfinished.chmod(0o444)
            unfinished.replace(path)
            sync_folder(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return Stored(sha256, size, path)


def clear_unfinished(home: Home) -> None:
    """Remove what a killed round left half written. Only for whoever holds the home's lock."""
    for path in home.raw.glob(f"{_UNFINISHED}*"):
        path.unlink()
