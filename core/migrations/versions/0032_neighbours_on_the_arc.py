"""What a quote's interference and confidence rest on: neighbours on the arc, amplifiers, how well terminals point."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

AMPLIFIERS = ("twta", "linearised", "sspa")


def upgrade() -> None:
    neighbours = sa.Column("neighbours", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]")
    op.add_column("satellite", neighbours)
    op.alter_column("satellite", "neighbours", server_default=None)
    op.add_column("transponder", sa.Column("amplifier", sa.String(40), nullable=True))
    known = ", ".join(f"'{one}'" for one in AMPLIFIERS)
    op.create_check_constraint("amplifier_known", "transponder", f"amplifier IN ({known})")
    # many carriers is what the back-offs of a transponder are for
    op.add_column("transponder", sa.Column("many_carriers", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("transponder", "many_carriers", server_default=None)
    op.add_column("terminal_type", sa.Column("pointing_rms_deg", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("terminal_type", "pointing_rms_deg")
    op.drop_column("transponder", "many_carriers")
    op.drop_constraint("amplifier_known", "transponder", type_="check")
    op.drop_column("transponder", "amplifier")
    op.drop_column("satellite", "neighbours")
