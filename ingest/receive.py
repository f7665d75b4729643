"""Receiving: every file handed in is kept byte for byte, written into the ledger, and given a verdict.

What a file is told to be here is final for all but deliveries: those are `received` until they have been read and
judged (:mod:`orchestration.pipeline`).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select

from contracts.model import ReturnContract
from contracts.reading import Reading, month_end
from contracts.sample import is_sample
from ingest import candidates, notes, raw
from ingest.again import answer_again, find_same
from ingest.candidates import Candidate
from ingest.identify import Identified
from ingest.notes import Note
from ingest.readers import archive, kind
from ingest.tell import NotTakenError, tell
from ledger.home import Home, Settings, london_date
from ledger.store import Ledger, now
from ledger.tables import Delivery, FileReceipt


@dataclass(frozen=True)
class Handover:
    """How files are handed in: the operator's `--as-at` and `--sender`, each of which outranks a delivery note."""

    as_at_on: date | None = None
    sender: str | None = None


@dataclass
class Round:
    """What one round of receiving did: a receipt for each file, what was left, and the files taken whole.

    `waiting` are delivery notes that stay where they are, and the files for which each of them waits.
    """

    receipts: list[FileReceipt] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    taken: list[Candidate] = field(default_factory=list)
    waiting: dict[Path, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _File:
    """A file whose bytes are kept, and what is known of where it came from."""

    name: str
    folder: str
    stored: raw.Stored
    archive: str | None
    note: Note | None


@dataclass
class Receiver:
    """Takes files in. One round at a time holds the home's lock; the caller takes it."""

    ledger: Ledger
    home: Home
    settings: Settings
    contracts: dict[str, ReturnContract]

    def receive(
        self,
        paths: Iterable[Path],
        handover: Handover,
        on_file: Callable[[str], None] = lambda _: None,
        waiting_notes: Mapping[Path, list[str]] | None = None,
    ) -> Round:
        """Take in files, folders and archives. Each file's receipt is in the ledger before the next one is opened."""
        raw.clear_unfinished(self.home)
        found = list(candidates.find(paths))
        writing = candidates.still_being_written(found, self.settings.settle_seconds)
        # Half a note dates nothing: the files beside it wait until it is whole.
        half_noted = {path.parent for path in writing if notes.is_note(candidates.finished_name(path))}
        writing |= {c.path for c in found if c.path.parent in half_noted}
        note_of = self._notes([c for c in found if c.path not in writing])
        done = Round(waiting=dict(waiting_notes or {}))
        for candidate in found:
            on_file(candidate.path.name)
            if candidate.path in writing:
                done.left.append(candidate.path)
            elif candidate.path not in done.waiting:
                self._take(candidate, note_of, handover, done)
        return done

    def _notes(self, found: list[Candidate]) -> dict[Path, Note]:
        """Delivery notes by folder: those handed in, and those that lie beside files handed in by name."""
        folders = {c.path.parent for c in found if c.look}
        beside = {path.parent: path for folder in folders for path in folder.glob("*") if notes.is_note(path)}
        return {folder: notes.read_note_at(path) for folder, path in beside.items() if not path.is_dir()}

    def _take(self, candidate: Candidate, note_of: dict[Path, Note], handover: Handover, done: Round) -> None:
        path = candidate.path
        name, folder = candidates.spelled(Path(path.name)), candidates.spelled(path.parent)
        where = _File(name, folder, raw.Stored("", 0, path), None, note_of.get(path.parent))
        if candidate.look is None:
            done.receipts.append(self._write(self._receipt(where, handover, "rejected", candidate.problem or "")))
            return
        if candidate.look.size > self.settings.max_file_bytes:
            reason = f"It has {candidate.look.size:,} bytes, more than the {self.settings.max_file_bytes:,} allowed."
            done.receipts.append(self._write(self._receipt(where, handover, "rejected", reason)))
            return
        try:
            file = path.open("rb")
        except OSError:
            # It was there a moment ago.
            done.left.append(path)
            return
        with file:
            stored = raw.store(archive.blocks_of(file), self.home)
        if not candidates.unchanged(candidate):
            done.left.append(path)
            return
        whole = _File(name, folder, stored, None, note_of.get(path.parent))
        if kind.kind_of(stored.path) == kind.ARCHIVE:
            done.receipts += self._archive(whole, handover)
        else:
            done.receipts.append(self._file(whole, handover))
        done.taken.append(candidate)

    def _archive(self, whole: _File, handover: Handover) -> list[FileReceipt]:
        """An archive is taken whole or not at all: one hostile member makes the rest untrustworthy."""
        try:
            with archive.open_archive(whole.stored.path) as opened:
                members = archive.list_members(opened, whole.stored.bytes, self.settings)
                kept = [(member, raw.store(archive.unpack(opened, member), self.home)) for member in members]
        except archive.HostileArchiveError as error:
            reason = f"The archive was not unpacked: {error}. Send the files themselves, or pack them again."
            return [self._write(self._receipt(whole, handover, "rejected", reason))]
        note_of = {
            member.path.parent: notes.read_note_at(stored.path)
            for member, stored in kept
            if notes.is_note(Path(member.path.name))
        }
        count = f"An archive of {len(kept)} {'file' if len(kept) == 1 else 'files'}, each with its own verdict."
        receipts = [self._write(self._receipt(whole, handover, "not_a_return", count))]
        for member, stored in kept:
            inner = _File(
                member.path.name, str(member.path.parent), stored, whole.name, note_of.get(member.path.parent)
            )
            receipts.append(self._file(inner, handover))
        return receipts

    def _file(self, file: _File, handover: Handover) -> FileReceipt:
        """Give a kept file its receipt. A readable return becomes a delivery, `received` until it is judged."""
        try:
            identified, reading = tell(file.stored.path, file.name, self.settings, self.contracts)
            return self._delivery(file, handover, identified, reading)
        except NotTakenError as error:
            receipt = self._receipt(file, handover, error.verdict, error.reason)
            receipt.nearest_return_code = error.nearest_return_code
            receipt.differences = error.differences or None
            return self._write(receipt)

    def _delivery(self, file: _File, handover: Handover, identified: Identified, reading: Reading) -> FileReceipt:
        contract, layout = identified.contract, identified.layout
        line = file.note.lines.get(file.name) if file.note else None
        problem = line.problem if line else file.note.unread if file.note else None
        if handover.as_at_on is None and problem:
            reason = f"Its delivery note gives no date: {problem}. Correct the note; send both again."
            raise NotTakenError("rejected", reason)
        self._refuse_to_mix(file.name)
        receipt = self._receipt(file, handover, "received", "")
        receipt.return_code = contract.return_code
        declared = receipt.declared_as_at_on
        delivery_id = delivery_id_of(file.stored.sha256, contract.return_code, contract.reporting_unit_code, declared)
        sha256 = file.stored.sha256
        if again := find_same(self.ledger, delivery_id, sha256, contract.return_code, declared):
            return self._write(answer_again(receipt, *again, is_undated=declared is None))
        as_at_on, source = _as_at(contract, reading, handover, declared, london_date(receipt.received_at))
        delivery = Delivery(
            delivery_id=delivery_id,
            return_code=contract.return_code,
            table_name=contract.table,
            layout=layout.name,
            scheme=layout.scheme,
            reporting_unit_code=contract.reporting_unit_code,
            file_name=file.name,
            folder=file.folder,
            sender=receipt.sender or contract.sender,
            sha256=file.stored.sha256,
            bytes=file.stored.bytes,
            declared_as_at_on=declared,
            as_at_on=as_at_on,
            as_at_source=source,
            revision_mark=0,
            received_at=receipt.received_at,
            verdict="received",
            verdict_reason="",
        )
        receipt.delivery_id = delivery_id
        return self._write(receipt, delivery)

    def _refuse_to_mix(self, file_name: str) -> None:
        """Invented figures and genuine ones never stand in one release: a home holds the one or the other."""
        with self.ledger.look() as session:
            there = session.scalars(select(Delivery.file_name).limit(1)).first()
        if there is None or is_sample(there) == is_sample(file_name):
            return
        held, other = ("the sample (invented figures)", "genuine") if is_sample(there) else ("genuine files", "sample")
        reason = (
            f"This home holds {held}; {other} files go to a home of their own. Set METSTATS_HOME to another folder."
        )
        raise NotTakenError("rejected", reason)

    def _receipt(self, file: _File, handover: Handover, verdict: str, reason: str) -> FileReceipt:
        line = file.note.lines.get(file.name) if file.note else None
        return FileReceipt(
            received_at=now(),
            file_name=file.name,
            folder=file.folder,
            archive=file.archive,
            sender=handover.sender or (line.sender if line else None),
            sha256=file.stored.sha256 or None,
            bytes=file.stored.bytes if file.stored.sha256 else None,
            declared_as_at_on=handover.as_at_on or (line.as_at_on if line else None),
            verdict=verdict,
            reason=reason,
        )

    def _write(self, receipt: FileReceipt, delivery: Delivery | None = None) -> FileReceipt:
        with self.ledger.write() as session:
            if delivery:
                session.add(delivery)
                session.flush()
            session.add(receipt)
        return receipt


def delivery_id_of(sha256: str, return_code: str, reporting_unit_code: str, declared: date | None) -> str:
    """16 hex digits over content, return, unit and declared date: identical nil returns of two units stay two."""
    text = "|".join((sha256, return_code, reporting_unit_code, declared.isoformat() if declared else ""))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_at(
    contract: ReturnContract, reading: Reading, handover: Handover, declared: date | None, received_on: date
) -> tuple[date, str]:
    """The date at which the figures were true for their sender, and how it was found."""
    if handover.as_at_on:
        return handover.as_at_on, "declared by --as-at"
    if declared:
        return declared, "declared by delivery note"
    if contract.as_at.rule == "first_day_after_last_period" and reading.slices:
        return date.fromordinal(month_end(reading.slices[-1]).toordinal() + 1), "contract rule"
    return received_on, "day of receipt"
