"""Tables of the ledger. Everything is appended and kept; only states that are re-judged at each run are rewritten."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An instant in UTC; SQLite forgets time zones, so that they are put on and taken off here."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON, list[Any]: JSON, str: Text}  # noqa: RUF012


class FileReceipt(Base):
    """One file handed in, once for each time that it was: who, when, from where, and what became of it."""

    __tablename__ = "file_receipt"

    receipt_id: Mapped[int] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]
    file_name: Mapped[str]
    folder: Mapped[str]
    archive: Mapped[str | None]
    sender: Mapped[str | None]
    sha256: Mapped[str | None] = mapped_column(index=True)
    bytes: Mapped[int | None]
    declared_as_at_on: Mapped[date | None]
    verdict: Mapped[str]
    reason: Mapped[str]
    return_code: Mapped[str | None]
    delivery_id: Mapped[str | None]
    nearest_return_code: Mapped[str | None]
    differences: Mapped[list[Any] | None]


class Delivery(Base):
    """One file received for a return. `seq` is the order of receipt."""

    __tablename__ = "delivery"

    seq: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(unique=True)
    return_code: Mapped[str]
    table_name: Mapped[str]
    layout: Mapped[str]
    scheme: Mapped[str | None]
    reporting_unit_code: Mapped[str]
    file_name: Mapped[str]
    folder: Mapped[str]
    sender: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(index=True)
    bytes: Mapped[int]
    declared_as_at_on: Mapped[date | None]
    as_at_on: Mapped[date]
    as_at_source: Mapped[str]
    revision_mark: Mapped[int]
    received_at: Mapped[datetime]
    verdict: Mapped[str]
    verdict_reason: Mapped[str]
    superseded_by: Mapped[str | None]
    # Under which contract, seeds and code the delivery was last judged.
    suite_fingerprint: Mapped[str | None]

    @property
    def rank(self) -> tuple[date, int, int]:
        """The order in which deliveries speak: the last one speaks for the whole slice."""
        return (self.as_at_on, self.revision_mark, self.seq)


class DeliverySlice(Base):
    """One period for which a delivery speaks, and whether it may: `accepted` or `blocked`."""

    __tablename__ = "delivery_slice"

    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.delivery_id"), primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    slice_period: Mapped[date] = mapped_column(primary_key=True)
    reporting_unit_code: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[float | None]
    state: Mapped[str]
    blocked_by: Mapped[list[Any]]


class Run(Base):
    """One run of the pipeline. `outcome` stays null where it was killed."""

    __tablename__ = "run"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    trigger: Mapped[str]
    code_version: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class Build(Base):
    """One build of the warehouse. `expected_checks` names every check that must have a result bound to it;
    `inputs_fingerprint` says from which state of the deliveries it was made."""

    __tablename__ = "build"

    build_id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    built_at: Mapped[datetime]
    inputs_fingerprint: Mapped[str]
    expected_checks: Mapped[dict[str, Any]]


class CheckResult(Base):
    """What one check said of one subject: a delivery (`delivery_id`) or a build's models (`build_id`, `node`)."""

    __tablename__ = "check_result"

    check_result_id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str | None]
    check_code: Mapped[str]
    family: Mapped[str]
    severity: Mapped[str]
    reach: Mapped[str]
    mended_by: Mapped[str]
    delivery_id: Mapped[str | None]
    return_code: Mapped[str | None]
    build_id: Mapped[str | None]
    node: Mapped[str | None]
    status: Mapped[str]
    failing_count: Mapped[int]
    message: Mapped[str]
    judged_at: Mapped[datetime]
    suite_fingerprint: Mapped[str | None]

    __table_args__ = (
        Index("ix_check_result_delivery", "delivery_id", "check_code"),
        Index("ix_check_result_build", "build_id"),
    )


class FailingRow(Base):
    """One cell, row or slice at fault, with its address in the file, what was found and what was expected."""

    __tablename__ = "failing_row"

    failing_row_id: Mapped[int] = mapped_column(primary_key=True)
    check_result_id: Mapped[int] = mapped_column(ForeignKey("check_result.check_result_id"), index=True)
    delivery_id: Mapped[str | None]
    slice_period: Mapped[date | None]
    source_sheet: Mapped[str | None]
    source_row: Mapped[int | None]
    source_column: Mapped[int | None]
    source_cell: Mapped[str | None]
    found: Mapped[str | None]
    expected: Mapped[str]
    record: Mapped[dict[str, Any]]
    message: Mapped[str]


class GateDecision(Base):
    """What the gate decided for one subject of one publication, and why."""

    __tablename__ = "gate_decision"

    gate_decision_id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(index=True)
    build_id: Mapped[str]
    publication: Mapped[str]
    subject: Mapped[str]
    decision: Mapped[str]
    reasons: Mapped[list[Any]]
    decided_at: Mapped[datetime]


class Release(Base):
    """One immutable, numbered release. `subjects` says of each which release its tables come from."""

    __tablename__ = "release"

    release_number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    build_id: Mapped[str]
    released_at: Mapped[datetime]
    fingerprint: Mapped[str]
    subjects: Mapped[dict[str, Any]]


class ReleasePin(Base):
    """A rollback holds `current` where it is until a named person unpins it."""

    __tablename__ = "release_pin"

    release_pin_id: Mapped[int] = mapped_column(primary_key=True)
    release_number: Mapped[int]
    reason: Mapped[str]
    pinned_by: Mapped[str]
    pinned_at: Mapped[datetime]
    unpinned_by: Mapped[str | None]
    unpinned_at: Mapped[datetime | None]
