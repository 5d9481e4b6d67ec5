"""Swaps of terminals at sites."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("terminal_swap_number")))
    op.create_table(
        "terminal_swap",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "inProgress",
                "done",
                "undone",
                name="swapstate_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("service_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("old_serial_number", sa.String(length=100), nullable=False),
        sa.Column("serial_number", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_terminal_swap_party_id"), "terminal_swap", ["party_id"], unique=False)
    op.create_index(op.f("ix_terminal_swap_service_id"), "terminal_swap", ["service_id"], unique=False)
    op.create_index(
        "one_swap_at_a_time",
        "terminal_swap",
        ["service_id"],
        unique=True,
        postgresql_where=sa.text("state = 'inProgress'"),
    )
    for statement in row_level_security("terminal_swap"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("terminal_swap")
    op.execute("DROP SEQUENCE terminal_swap_number")
