"""What hubs are cleared of that they hold for services which no book has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("hub_clearance_number")))
    op.create_table(
        "hub_clearance",
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
                "refused",
                name="clearancestate_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("service_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("removed", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_hub_clearance_party_id"), "hub_clearance", ["party_id"], unique=False)
    for statement in row_level_security("hub_clearance"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("hub_clearance")
    op.execute("DROP SEQUENCE hub_clearance_number")
