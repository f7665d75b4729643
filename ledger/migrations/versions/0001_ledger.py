"""The ledger as it was first laid out."""

import sqlalchemy as sa
from alembic import op

import ledger.tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "build",
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("built_at", ledger.tables.Instant(), nullable=False),
        sa.Column("inputs_fingerprint", sa.Text(), nullable=False),
        sa.Column("expected_checks", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("build_id"),
    )
    op.create_table(
        "check_result",
        sa.Column("check_result_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("check_code", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("reach", sa.Text(), nullable=False),
        sa.Column("mended_by", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("return_code", sa.Text(), nullable=True),
        sa.Column("build_id", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("failing_count", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("judged_at", ledger.tables.Instant(), nullable=False),
        sa.Column("suite_fingerprint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("check_result_id"),
    )
    with op.batch_alter_table("check_result", schema=None) as batch_op:
        batch_op.create_index("ix_check_result_build", ["build_id"], unique=False)
        batch_op.create_index("ix_check_result_delivery", ["delivery_id", "check_code"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("return_code", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=True),
        sa.Column("reporting_unit_code", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("declared_as_at_on", sa.Date(), nullable=True),
        sa.Column("as_at_on", sa.Date(), nullable=False),
        sa.Column("as_at_source", sa.Text(), nullable=False),
        sa.Column("revision_mark", sa.Integer(), nullable=False),
        sa.Column("received_at", ledger.tables.Instant(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verdict_reason", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("suite_fingerprint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("delivery_id"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_sha256"), ["sha256"], unique=False)

    op.create_table(
        "file_receipt",
        sa.Column("receipt_id", sa.Integer(), nullable=False),
        sa.Column("received_at", ledger.tables.Instant(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("archive", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=True),
        sa.Column("declared_as_at_on", sa.Date(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("return_code", sa.Text(), nullable=True),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("nearest_return_code", sa.Text(), nullable=True),
        sa.Column("differences", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("receipt_id"),
    )
    with op.batch_alter_table("file_receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_receipt_sha256"), ["sha256"], unique=False)

    op.create_table(
        "gate_decision",
        sa.Column("gate_decision_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("publication", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("decided_at", ledger.tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("gate_decision_id"),
    )
    with op.batch_alter_table("gate_decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gate_decision_run_id"), ["run_id"], unique=False)

    op.create_table(
        "release",
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("build_id", sa.Text(), nullable=False),
        sa.Column("released_at", ledger.tables.Instant(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("release_number"),
    )
    op.create_table(
        "release_pin",
        sa.Column("release_pin_id", sa.Integer(), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pinned_by", sa.Text(), nullable=False),
        sa.Column("pinned_at", ledger.tables.Instant(), nullable=False),
        sa.Column("unpinned_by", sa.Text(), nullable=True),
        sa.Column("unpinned_at", ledger.tables.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("release_pin_id"),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("started_at", ledger.tables.Instant(), nullable=False),
        sa.Column("ended_at", ledger.tables.Instant(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "delivery_slice",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("slice_period", sa.Date(), nullable=False),
        sa.Column("reporting_unit_code", sa.Text(), nullable=False),
        sa.Column("total", sa.Double(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("blocked_by", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.delivery_id"],
        ),
        sa.PrimaryKeyConstraint("delivery_id", "table_name", "slice_period", "reporting_unit_code"),
    )
    op.create_table(
        "failing_row",
        sa.Column("failing_row_id", sa.Integer(), nullable=False),
        sa.Column("check_result_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("slice_period", sa.Date(), nullable=True),
        sa.Column("source_sheet", sa.Text(), nullable=True),
        sa.Column("source_row", sa.Integer(), nullable=True),
        sa.Column("source_column", sa.Integer(), nullable=True),
        sa.Column("source_cell", sa.Text(), nullable=True),
        sa.Column("found", sa.Text(), nullable=True),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_result_id"],
            ["check_result.check_result_id"],
        ),
        sa.PrimaryKeyConstraint("failing_row_id"),
    )
    with op.batch_alter_table("failing_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_failing_row_check_result_id"), ["check_result_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("failing_row", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_failing_row_check_result_id"))

    op.drop_table("failing_row")
    op.drop_table("delivery_slice")
    op.drop_table("run")
    op.drop_table("release_pin")
    op.drop_table("release")
    with op.batch_alter_table("gate_decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gate_decision_run_id"))

    op.drop_table("gate_decision")
    with op.batch_alter_table("file_receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_receipt_sha256"))

    op.drop_table("file_receipt")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_sha256"))

    op.drop_table("delivery")
    with op.batch_alter_table("check_result", schema=None) as batch_op:
        batch_op.drop_index("ix_check_result_delivery")
        batch_op.drop_index("ix_check_result_build")

    op.drop_table("check_result")
    op.drop_table("build")
