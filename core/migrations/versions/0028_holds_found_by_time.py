"""What ran out, and what a pool is asked for in a period, is found without looking through all that ever was held."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

RUN_OUT = {
    "slots_to_run_out": ("spectrum_assignment", "transponder_id"),
    "ports_to_run_out": ("hub_port_assignment", "hub_id"),
    "shares_to_run_out": ("pool_share", "carrier_pool_id"),
    "constellation_shares_to_run_out": ("constellation_share", "constellation_id"),
}


def upgrade() -> None:
    for name, (table, of) in RUN_OUT.items():
        op.create_index(name, table, [of, "hold_until"], postgresql_where=sa.text("state = 'held'"))
    op.create_index(
        "shares_in_force",
        "pool_share",
        ["carrier_pool_id", sa.text("tstzrange(start_at, stop_at)")],
        postgresql_using="gist",
        postgresql_where=sa.text("state <> 'released'"),
    )


def downgrade() -> None:
    op.drop_index("shares_in_force", "pool_share")
    for name, (table, _) in RUN_OUT.items():
        op.drop_index(name, table)
