"""What the database itself promises of a constellation: no cell, no gateway and no satellite is ever oversold.

Whoever writes a share has the constellation to himself until he commits; then the sum he sees is the sum there is. A
gateway is summed in each slot of the capacity day, where there is one; beams that a satellite lights are counted there.
It is fullest when something starts: what ends after the last start does not matter, and what is alike is added up.
It sees the shares of all parties, whoever writes; who forgot to lock first waits in turn (`resource.carrier_pool`).
"""

from typing import Final

GUARD: Final = "constellation_is_never_oversold"

NEVER_OVERSOLD = (
    """
CREATE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
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
    """
CREATE TRIGGER constellation_is_never_oversold AFTER INSERT OR UPDATE ON constellation_share
FOR EACH ROW WHEN (NEW.state <> 'released') EXECUTE FUNCTION constellation_is_never_oversold()
""",
)
