"""The confidence that availability is sold with, and the densities that an operator's coordination agreements allow."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

AGREED = ("uplink_eirp_density_limit_dbw_per_hz", "downlink_eirp_density_limit_dbw_per_hz")


def upgrade() -> None:
    # what held for everybody until now: the average year
    confidence = sa.Column("availability_confidence_percent", sa.Float(), nullable=False, server_default="50")
    op.add_column("operator", confidence)
    op.alter_column("operator", "availability_confidence_percent", server_default=None)
    for name in AGREED:
        op.add_column("transponder", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    for name in AGREED:
        op.drop_column("transponder", name)
    op.drop_column("operator", "availability_confidence_percent")
