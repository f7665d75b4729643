"""`releases/current`: which release readers meet. It moves in one step, and stays where a rollback pinned it."""

import os
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.home import Home, sync_folder
from ledger.store import Ledger, now
from ledger.tables import Release, ReleasePin


class PointerError(Exception):
    """What was asked of the pointer cannot be done; the message says why."""


def current(home: Home) -> int | None:
    """Number of the release that readers meet, or None before the first."""
    link = home.releases / "current"
    return int(link.readlink().name) if link.is_symlink() else None


def pinned(session: Session) -> ReleasePin | None:
    """The pin in force, if any."""
    return session.scalars(select(ReleasePin).where(ReleasePin.unpinned_at.is_(None))).first()


def serve(home: Home, ledger: Ledger, number: int) -> bool:
    """Point `current` at a release. Returns whether it does: a pin keeps it where it is."""
    with ledger.look() as session:
        pin = pinned(session)
    if pin is None:
        _point(home, number)
    return pin is None or pin.release_number == number


def rollback(home: Home, ledger: Ledger, number: int | None, by: str, reason: str) -> int:
    """Go back to a release (by default the one before the current), and pin it there.

    Raises :class:`PointerError` where there is none to go back to.
    """
    now_served = current(home)
    with ledger.look() as session:
        numbers = sorted(session.scalars(select(Release.release_number)).all())
    earlier = [each for each in numbers if now_served is not None and each < now_served]
    target = number if number is not None else (earlier[-1] if earlier else None)
    if target is None:
        raise PointerError("There is no earlier release to go back to.")
    if target not in numbers:
        raise PointerError(f"There is no release {target}; there are {', '.join(map(str, numbers)) or 'none'}.")
    with ledger.write() as session:
        if pin := pinned(session):
            pin.unpinned_at, pin.unpinned_by = now(), by
        session.add(ReleasePin(release_number=target, reason=reason, pinned_by=by, pinned_at=now()))
    _point(home, target)
    return target


def unpin(ledger: Ledger, by: str) -> int:
    """Lift the pin; the next run moves the pointer. Raises :class:`PointerError` where nothing is pinned."""
    with ledger.write() as session:
        pin = pinned(session)
        if pin is None:
            raise PointerError("No release is pinned.")
        pin.unpinned_at, pin.unpinned_by = now(), by
        return pin.release_number


def mend(home: Home, ledger: Ledger) -> None:
    """Bring the pointer in line with a pin whose rollback was killed between the ledger and the link."""
    with ledger.look() as session:
        pin = pinned(session)
    if pin and current(home) != pin.release_number:
        _point(home, pin.release_number)


def folder_of(home: Home, number: int | None) -> Path:
    """The folder of a release, or of the current one. Raises :class:`PointerError` where there is none."""
    wanted = number if number is not None else current(home)
    if wanted is None:
        raise PointerError("Nothing is published yet. Receive files and run `metstats run`.")
    folder = home.releases / str(wanted)
    if not folder.is_dir():
        raise PointerError(f"There is no release {wanted}. `metstats release list` shows what there is.")
    return folder


def _point(home: Home, number: int) -> None:
    fresh = home.releases / ".current-next"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(str(number))
    os.replace(fresh, home.releases / "current")  # noqa: PTH105 (says what matters: one step)
    sync_folder(home.releases)
