"""The landing folder: files leave it once they are received, a delivery note with the last file that it lists."""

from pathlib import Path

from ingest import notes
from ingest.receive import Handover, Receiver, Round


def receive_landing(receiver: Receiver) -> Round:
    """Receive what lies in the landing folder, and remove what was taken: its bytes are in `raw/` now."""
    landing = receiver.home.landing
    files = sorted(path for path in landing.rglob("*") if path.is_symlink() or not path.is_dir())
    waiting = {path for path in files if notes.is_note(path) and not _is_complete(path)}
    done = receiver.receive([path for path in files if path not in waiting], Handover())
    left = set(done.left)
    for path in done.taken:
        if not (notes.is_note(path) and any(other.parent == path.parent for other in left)):
            path.unlink(missing_ok=True)
    return done


def _is_complete(note_path: Path) -> bool:
    """Whether every file that a note lists lies beside it. One that cannot be read waits for nothing."""
    note = notes.read_note(note_path.read_bytes())
    return all((note_path.parent / Path(name).name).exists() for name in note.lines)
