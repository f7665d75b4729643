"""Which files are handed in: walks folders and archives, looks twice at files that may still be written."""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_UNFINISHED_SUFFIXES = (".part", ".partial", ".crdownload", ".tmp", ".unfinished", ".filepart")
_LOCK_PREFIXES = ("~$", ".~lock.")


@dataclass(frozen=True)
class Look:
    """Size and time of change of a file, as seen at one moment."""

    size: int
    changed_ns: int


@dataclass(frozen=True)
class Candidate:
    """A file that was found. `problem` says why it must not be opened at all; `look` is None then."""

    path: Path
    look: Look | None
    problem: str | None = None


def look_at(path: Path) -> Look:
    """See a file's size and time of change; raises OSError where it is gone."""
    seen = path.stat()
    return Look(seen.st_size, seen.st_mtime_ns)


def find(paths: Iterable[Path]) -> Iterator[Candidate]:
    """Every file under the given paths, sorted, each once. Links inside folders are not followed."""
    seen: set[Path] = set()
    for given in paths:
        found = sorted(walk(given)) if given.is_dir() else [given]
        for path in found:
            # However the way to it was written.
            place = path.parent.resolve() / path.name
            if place not in seen:
                seen.add(place)
                yield _candidate(path, given)


def walk(folder: Path) -> Iterator[Path]:
    """Everything in a folder, however deep, that is no folder; and folders that cannot be opened."""
    folders = [folder]
    while folders:
        try:
            inside = list(folders[-1].iterdir())
        except OSError:
            yield folders.pop()
            continue
        folders.pop()
        for path in inside:
            if _is_folder(path):
                folders.append(path)
            else:
                yield path


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink()
    except OSError:
        return False


def _candidate(path: Path, given: Path) -> Candidate:
    try:
        if path.is_symlink() and path != given:
            return Candidate(path, None, "It is a link; links inside folders are not followed. Send the file itself.")
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            list(path.iterdir())
        if not stat.S_ISREG(mode):
            return Candidate(path, None, "It is no ordinary file (a device, pipe or socket).")
        with path.open("rb"):
            return Candidate(path, look_at(path))
    except OSError as error:
        return Candidate(path, None, f"It cannot be opened ({error.strerror}).")


def spelled(path: Path) -> str:
    """A path as text that can be kept. In some, bytes stand that are no text: they are spelled out (`caf\\xe9.csv`)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def still_being_written(candidates: list[Candidate], settle_seconds: float) -> set[Path]:
    """Files to leave for the next round: named as unfinished, or changed between two looks.

    Only where a file changed lately is there a wait, one for all of them.
    """
    unfinished = {c.path for c in candidates if _is_named_unfinished(c.path)}
    lately = time.time_ns() - int(2 * settle_seconds * 1e9)
    recent = [c for c in candidates if c.look and c.path not in unfinished and c.look.changed_ns > lately]
    if recent:
        time.sleep(settle_seconds)
        unfinished |= {c.path for c in recent if not unchanged(c)}
    return unfinished


def unchanged(candidate: Candidate) -> bool:
    """Whether a file still looks as it did when it was found."""
    try:
        return look_at(candidate.path) == candidate.look
    except OSError:
        return False


def finished_name(path: Path) -> Path:
    """The name that a file will have once it is written whole: without `.part` and the like."""
    return path.with_suffix("") if path.name.casefold().endswith(_UNFINISHED_SUFFIXES) else path


def _is_named_unfinished(path: Path) -> bool:
    return finished_name(path) != path or path.name.casefold().startswith(_LOCK_PREFIXES)
