"""What is sold of a constellation is counted by the time of a capacity day, and the beams that satellites light."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BY_TIME = """
CREATE OR REPLACE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole constellation;
    forward_limit_hz bigint;
    return_limit_hz bigint;
    by_time boolean;
    every_slot smallint[];
    full_slot integer;
    full_satellite text;
BEGIN
    SELECT * INTO STRICT whole FROM constellation WHERE id = NEW.constellation_id FOR UPDATE;
    by_time := whole.capacity_day IS NOT NULL AND NEW.cell IS NULL;
    IF by_time THEN
        every_slot := ARRAY(SELECT generate_series(0, 143)::smallint);
    ELSE
        every_slot := ARRAY[0::smallint];
    END IF;
    IF NEW.cell IS NOT NULL THEN
        forward_limit_hz := (whole.forward ->> 'bandwidthHz')::bigint;
        return_limit_hz := (whole.return_link ->> 'bandwidthHz')::bigint;
    ELSE
        SELECT (gateway ->> 'feederBandwidthHz')::bigint INTO forward_limit_hz
        FROM jsonb_array_elements(whole.gateways) gateway
        WHERE (gateway ->> 'earthStationId')::uuid = NEW.earth_station_id;
        return_limit_hz := forward_limit_hz;
    END IF;
    IF forward_limit_hz IS NOT NULL THEN
        WITH counted AS (
            SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, forward_hz, return_hz,
            CASE WHEN by_time THEN COALESCE(day_slots, every_slot) ELSE every_slot END AS slots
            FROM constellation_share
            WHERE constellation_id = NEW.constellation_id AND state <> 'released'
            AND (cell = NEW.cell OR earth_station_id = NEW.earth_station_id)
            AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
            AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
        ), change AS (
            SELECT slots, start_at AS at, sum(forward_hz) AS forward, sum(return_hz) AS back FROM counted GROUP BY 1, 2
            UNION ALL SELECT slots, stop_at, -sum(forward_hz), -sum(return_hz) FROM counted
            WHERE stop_at <= (SELECT max(start_at) FROM counted) GROUP BY 1, 2
        ), step AS (
            SELECT slot, at, sum(forward) AS forward, sum(back) AS back FROM change CROSS JOIN unnest(slots) slot
            WHERE NOT by_time OR slot = ANY(COALESCE(NEW.day_slots, every_slot)) GROUP BY slot, at
        ), level AS (
            SELECT slot, sum(forward) OVER steps AS forward, sum(back) OVER steps AS back FROM step
            WINDOW steps AS (PARTITION BY slot ORDER BY at)
        )
        SELECT slot INTO full_slot FROM level
        WHERE forward > forward_limit_hz OR back > return_limit_hz ORDER BY slot LIMIT 1;
        IF full_slot IS NOT NULL THEN
            RAISE EXCEPTION 'constellation_is_never_oversold: %', whole.name USING ERRCODE = 'exclusion_violation',
                DETAIL = CASE WHEN by_time THEN full_slot::text ELSE '' END;
        END IF;
    END IF;
    IF NEW.lit_by = '[]' OR whole.beams_per_satellite IS NULL THEN
        RETURN NULL;
    END IF;
    WITH mine AS (
        SELECT lit ->> 'satelliteId' AS satellite, slot FROM jsonb_array_elements(NEW.lit_by) lit
        CROSS JOIN LATERAL jsonb_array_elements_text(lit -> 'slots') slot
    ), counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, cell, lit_by FROM constellation_share
        WHERE constellation_id = NEW.constellation_id AND state <> 'released' AND lit_by <> '[]'
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), lit AS (
        SELECT start_at, stop_at, cell, each ->> 'satelliteId' AS satellite, slot FROM counted
        CROSS JOIN LATERAL jsonb_array_elements(lit_by) each
        CROSS JOIN LATERAL jsonb_array_elements_text(each -> 'slots') slot
    ), step AS (
        SELECT DISTINCT start_at AS at FROM counted
    )
    SELECT satellite INTO full_satellite
    FROM step JOIN lit ON lit.start_at <= at AND (stop_at IS NULL OR at < stop_at) JOIN mine USING (satellite, slot)
    GROUP BY at, satellite, slot HAVING count(DISTINCT cell) > whole.beams_per_satellite LIMIT 1;
    IF full_satellite IS NOT NULL THEN
        RAISE EXCEPTION 'constellation_is_never_oversold: %', whole.name USING ERRCODE = 'exclusion_violation',
            DETAIL = full_satellite;
    END IF;
    RETURN NULL;
END $$
"""
ALL_THE_TIME = """
CREATE OR REPLACE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole constellation;
    forward_limit_hz bigint;
    return_limit_hz bigint;
    fullest record;
BEGIN
    SELECT * INTO STRICT whole FROM constellation WHERE id = NEW.constellation_id FOR UPDATE;
    IF NEW.cell IS NOT NULL THEN
        forward_limit_hz := (whole.forward ->> 'bandwidthHz')::bigint;
        return_limit_hz := (whole.return_link ->> 'bandwidthHz')::bigint;
    ELSE
        SELECT (gateway ->> 'feederBandwidthHz')::bigint INTO forward_limit_hz
        FROM jsonb_array_elements(whole.gateways) gateway
        WHERE (gateway ->> 'earthStationId')::uuid = NEW.earth_station_id;
        return_limit_hz := forward_limit_hz;
    END IF;
    IF forward_limit_hz IS NULL THEN
        RETURN NULL;
    END IF;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, forward_hz, return_hz FROM constellation_share
        WHERE constellation_id = NEW.constellation_id AND state <> 'released'
        AND (cell = NEW.cell OR earth_station_id = NEW.earth_station_id)
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), step AS (
        SELECT at, sum(forward) AS forward, sum(back) AS back FROM (
            SELECT start_at AS at, forward_hz AS forward, return_hz AS back FROM counted
            UNION ALL SELECT stop_at, -forward_hz, -return_hz FROM counted WHERE stop_at IS NOT NULL
        ) change GROUP BY at
    ), level AS (
        SELECT sum(forward) OVER (ORDER BY at) AS forward, sum(back) OVER (ORDER BY at) AS back FROM step
    )
    SELECT max(forward) AS forward, max(back) AS back INTO fullest FROM level;
    IF fullest.forward > forward_limit_hz OR fullest.back > return_limit_hz THEN
        RAISE EXCEPTION 'constellation_is_never_oversold: %', whole.name USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
"""
CHECKS = {
    "constellation_share_of_slots": "day_slots IS NULL OR (cell IS NULL AND cardinality(day_slots) > 0)",
    "constellation_share_lights_its_cell": "cell IS NOT NULL OR lit_by = '[]'",
}


def upgrade() -> None:
    op.add_column("constellation", sa.Column("capacity_day", sa.Date(), nullable=True))
    op.add_column("constellation", sa.Column("beams_per_satellite", sa.Integer(), nullable=True))
    op.add_column("constellation_share", sa.Column("latitude_deg", sa.Float(), nullable=True))
    op.add_column("constellation_share", sa.Column("longitude_deg", sa.Float(), nullable=True))
    op.add_column("constellation_share", sa.Column("day_slots", postgresql.ARRAY(sa.SmallInteger()), nullable=True))
    lit_by = sa.Column("lit_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]")
    op.add_column("constellation_share", lit_by)
    op.alter_column("constellation_share", "lit_by", server_default=None)
    for name, rule in CHECKS.items():
        op.create_check_constraint(name, "constellation_share", rule)
    op.execute(BY_TIME)


def downgrade() -> None:
    op.execute(ALL_THE_TIME)
    for name in CHECKS:
        op.drop_constraint(name, "constellation_share", type_="check")
    for column in ("lit_by", "day_slots", "longitude_deg", "latitude_deg"):
        op.drop_column("constellation_share", column)
    for column in ("beams_per_satellite", "capacity_day"):
        op.drop_column("constellation", column)
