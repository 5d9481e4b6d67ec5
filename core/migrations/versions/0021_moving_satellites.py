"""Satellites that move in a constellation and have no geostationary position."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("satellite", sa.Column("constellation", sa.String(length=100), nullable=True))
    op.create_index("ix_satellite_constellation", "satellite", ["constellation"])
    op.alter_column("satellite", "orbital_longitude_deg", nullable=True)
    op.create_check_constraint(
        "stands_or_moves", "satellite", "(orbital_longitude_deg IS NULL) = (constellation IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_constraint("stands_or_moves", "satellite")
    # the release before wants a position of every satellite
    op.execute("UPDATE satellite SET orbital_longitude_deg = 0 WHERE orbital_longitude_deg IS NULL")
    op.alter_column("satellite", "orbital_longitude_deg", nullable=False)
    op.drop_index("ix_satellite_constellation", "satellite")
    op.drop_column("satellite", "constellation")
