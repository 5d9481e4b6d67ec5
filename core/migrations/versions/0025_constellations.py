"""Constellations with the payload that all of their satellites have."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _known(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "constellation",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=1000), nullable=True),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column("user_band", _known("band_known", "L", "S", "C", "X", "Ku", "Ka", "Q", "V"), nullable=False),
        sa.Column("handover_rule", _known("handoverrule_known", "longestStay", "highest"), nullable=False),
        sa.Column("lowest_elevation_deg", sa.Float(), nullable=False),
        sa.Column("edge_gain_db", sa.Float(), nullable=False),
        sa.Column("gateway_power_control_db", sa.Float(), nullable=False),
        sa.Column("terminal_power_control_db", sa.Float(), nullable=False),
        sa.Column("forward", postgresql.JSONB(), nullable=False),
        sa.Column("return_link", postgresql.JSONB(), nullable=False),
        sa.Column("gateways", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="constellation_name_once"),
    )
    op.create_index(op.f("ix_constellation_party_id"), "constellation", ["party_id"], unique=False)
    for statement in row_level_security("constellation"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index(op.f("ix_constellation_party_id"), table_name="constellation")
    op.drop_table("constellation")
