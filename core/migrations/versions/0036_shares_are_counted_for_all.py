"""Shares of pools and constellations are counted for all parties, and never without seeing what others commit.

Who forgot the lock does not fall to the deadlock detector any more: the guards let by the foreign key's own lock. What a
constellation is asked for in a period is found by index, as it is of pools.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

FOR_ALL = (
    """
CREATE OR REPLACE FUNCTION pool_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pool carrier_pool;
    fullest record;
    all_parties text := COALESCE(current_setting('satcom.all_parties', true), '');
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'shares are written at READ COMMITTED: else others that commit are not seen'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM set_config('satcom.all_parties', 'on', true);
    SELECT * INTO STRICT pool FROM carrier_pool WHERE id = NEW.carrier_pool_id FOR NO KEY UPDATE;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, cir_baud, mir_baud FROM pool_share
        WHERE carrier_pool_id = NEW.carrier_pool_id AND state <> 'released'
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), step AS (
        SELECT at, sum(cir) AS cir, sum(mir) AS mir FROM (
            SELECT start_at AS at, cir_baud AS cir, mir_baud AS mir FROM counted
            UNION ALL SELECT stop_at, -cir_baud, -mir_baud FROM counted WHERE stop_at IS NOT NULL
        ) change GROUP BY at
    ), level AS (SELECT sum(cir) OVER (ORDER BY at) AS cir, sum(mir) OVER (ORDER BY at) AS mir FROM step)
    SELECT max(cir) AS cir, max(mir) AS mir INTO fullest FROM level;
    PERFORM set_config('satcom.all_parties', all_parties, true);
    IF fullest.cir > floor(pool.symbol_rate_baud * pool.committable_percent / 100)
    OR fullest.mir > floor(pool.symbol_rate_baud * pool.contention_ratio) THEN
        RAISE EXCEPTION 'pool_is_never_oversold: %', pool.name USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE OR REPLACE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole constellation;
    forward_limit_hz bigint;
    return_limit_hz bigint;
    by_time boolean;
    every_slot smallint[];
    full_slot integer;
    full_satellite text;
    all_parties text := COALESCE(current_setting('satcom.all_parties', true), '');
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'shares are written at READ COMMITTED: else others that commit are not seen'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM set_config('satcom.all_parties', 'on', true);
    SELECT * INTO STRICT whole FROM constellation WHERE id = NEW.constellation_id FOR NO KEY UPDATE;
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
    IF NEW.lit_by <> '[]' AND whole.beams_per_satellite IS NOT NULL THEN
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
    END IF;
    PERFORM set_config('satcom.all_parties', all_parties, true);
    RETURN NULL;
END $$
""",
)
AS_SEEN = (
    """
CREATE OR REPLACE FUNCTION pool_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pool carrier_pool;
    fullest record;
BEGIN
    SELECT * INTO STRICT pool FROM carrier_pool WHERE id = NEW.carrier_pool_id FOR UPDATE;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, cir_baud, mir_baud FROM pool_share
        WHERE carrier_pool_id = NEW.carrier_pool_id AND state <> 'released'
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
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
""",
    """
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
""",
)


def upgrade() -> None:
    for statement in FOR_ALL:
        op.execute(statement)
    op.create_index(
        "constellation_shares_in_force",
        "constellation_share",
        ["constellation_id", sa.text("tstzrange(start_at, stop_at)")],
        postgresql_using="gist",
        postgresql_where=sa.text("state <> 'released'"),
    )


def downgrade() -> None:
    op.drop_index("constellation_shares_in_force", "constellation_share")
    for statement in AS_SEEN:
        op.execute(statement)
