"""A hold may take the place of another: where both meet, they do not stand in each other's way."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HOLDS = ("spectrum_assignment", "hub_port_assignment", "pool_share")
ONCE = {
    ("spectrum_assignment", "slot_is_sold_once"): (
        "transponder_id WITH =, int8range(start_hz - guard_band_hz / 2, stop_hz + (guard_band_hz + 1) / 2) WITH &&,"
        " tstzrange(start_at, stop_at) WITH &&"
    ),
    ("hub_port_assignment", "port_is_given_once"): (
        "hub_id WITH =, port_number WITH =, tstzrange(start_at, stop_at) WITH &&"
    ),
}
NEVER_OVERSOLD = """
CREATE OR REPLACE FUNCTION pool_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pool carrier_pool;
    fullest record;
BEGIN
    SELECT * INTO STRICT pool FROM carrier_pool WHERE id = NEW.carrier_pool_id FOR UPDATE;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, cir_baud, mir_baud FROM pool_share
        WHERE carrier_pool_id = NEW.carrier_pool_id AND state <> 'released'{line}
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), step AS (
        SELECT at, sum(cir) AS cir, sum(mir) AS mir FROM (
            SELECT start_at AS at, cir_baud AS cir, mir_baud AS mir FROM counted
            UNION ALL SELECT stop_at, -cir_baud, -mir_baud FROM counted WHERE stop_at IS NOT NULL
        ) change GROUP BY at
    ), level AS (SELECT sum(cir) OVER (ORDER BY at) AS cir, sum(mir) OVER (ORDER BY at) AS mir FROM step)
    SELECT max(cir) AS cir, max(mir) AS mir INTO fullest FROM level;
    IF fullest.cir > floor(pool.symbol_rate_baud * pool.committable_percent / 100)
    OR fullest.mir > floor(pool.symbol_rate_baud * pool.contention_ratio) THEN
        RAISE EXCEPTION 'pool_is_never_oversold: %', pool.name USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
"""
LINE = """
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))"""


def upgrade() -> None:
    for table in HOLDS:
        op.add_column(table, sa.Column("in_place_of", sa.Uuid(as_uuid=False), nullable=True))
    _sold_once(", (COALESCE(in_place_of, id)) WITH <>")
    op.execute(NEVER_OVERSOLD.format(line=LINE))


def downgrade() -> None:
    op.execute(NEVER_OVERSOLD.format(line=""))
    _sold_once("")
    for table in HOLDS:
        op.drop_column(table, "in_place_of")


def _sold_once(but: str) -> None:
    """What is sold once, `but` to whom."""
    for (table, name), parts in ONCE.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist ({parts}{but}) WHERE (state <> 'released')"
        )
