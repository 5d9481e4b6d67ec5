"""What a licence sets beside country, band and class: its call sign, most EIRP and density, and the smallest antenna."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

NUMBERS = ("eirp_limit_dbw", "eirp_density_limit_dbw_per_hz", "least_antenna_diameter_m")


def upgrade() -> None:
    op.add_column("licence", sa.Column("call_sign", sa.String(length=40), nullable=True))
    for name in NUMBERS:
        op.add_column("licence", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    for name in (*NUMBERS, "call_sign"):
        op.drop_column("licence", name)
