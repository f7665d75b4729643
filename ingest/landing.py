"""The landing folder: files leave it once they are received, a delivery note with the last file that it lists."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from ingest import candidates, notes
from ingest.receive import Handover, Receiver, Round
from ledger.tables import FileReceipt


def receive_landing(receiver: Receiver) -> Round:
    """Receive what lies in the landing folder, and remove what was taken: its bytes are in `raw/` now."""
    landing = receiver.home.landing
    note_paths = sorted(path for path in candidates.walk(landing) if notes.is_note(path))
    waiting = {path: awaited for path in note_paths if (awaited := _awaited(receiver, path))}
    done = receiver.receive([landing], Handover(), waiting_notes=waiting)
    left_beside = {path.parent for path in done.left}
    # Notes leave last: a file that lies there without its note would be received again without a date.
    for taken in sorted(done.taken, key=lambda each: notes.is_note(each.path)):
        is_needed = notes.is_note(taken.path) and taken.path.parent in left_beside
        # What was put in its place in the meantime is for the next round.
        if not is_needed and candidates.unchanged(taken):
            taken.path.unlink(missing_ok=True)
    return done


def _awaited(receiver: Receiver, note_path: Path) -> list[str]:
    """The files of a note that neither lie beside it nor came since it did. One that cannot be read awaits nothing."""
    beside = {path.name for path in note_path.parent.iterdir()}
    listed = [Path(name).name for name in notes.read_note_at(note_path).lines]
    absent = [name for name in listed if name and name not in beside]
    if not absent:
        return []
    # Nobody can set this time, as the time of change can be set: it is when the note came to lie where it lies.
    noted_at = datetime.fromtimestamp(note_path.stat().st_ctime, UTC)
    with receiver.ledger.look() as session:
        came = set(
            session.scalars(
                select(FileReceipt.file_name).where(
                    FileReceipt.folder == candidates.spelled(note_path.parent), FileReceipt.received_at >= noted_at
                )
            )
        )
    return [name for name in absent if name not in came]
