"""Exports and imports of catalogues."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

LAYERS = ("product", "service", "resource")
STATES = ("Not Started", "Running", "Succeeded", "Failed")


def upgrade() -> None:
    for layer in LAYERS:
        _create(f"{layer}_import_job")
        _create(f"{layer}_export_job", sa.Column("query", sa.String()), sa.Column("content", sa.LargeBinary()))


def downgrade() -> None:
    op.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'exchange'")
    for layer in LAYERS:
        op.drop_table(f"{layer}_export_job")
        op.drop_table(f"{layer}_import_job")


def _create(table: str, *columns: sa.Column[object]) -> None:
    status = sa.Enum(*STATES, name="jobstatus_known", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", status, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("content_type", sa.String(), nullable=True),
        sa.Column("creation_date", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("completion_date", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("error_log", sa.String(), nullable=True),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f(f"ix_{table}_party_id"), table, ["party_id"], unique=False)
    for statement in row_level_security(table):
        op.execute(statement)
