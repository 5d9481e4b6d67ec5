"""What the database itself promises of a transponder's power: at no instant is more of it sold than there is.

Whoever writes a slot that takes more than it did has the transponder to himself until he commits; then the sum he sees
is the sum there is. It is counted as `resource.spectrum` counts it: what is held together adds up, and to what takes
the place of a slot (`in_place_of`) all slots of the reservation that will be let go of are free. Hertz are whole, so
nothing is rounded. It goes before the row is written: so two who forgot the lock wait for each other in one order, here
and not at the exclusion constraint. It sees the slots of all parties, whoever writes.
A transponder that is entered anew with less bandwidth keeps what is sold of it; more is refused. The refusal tells
how much is lacking, and when.
"""

from typing import Final

GUARD: Final = "power_is_never_oversold"

NEVER_OVERSOLD = (
    """
CREATE FUNCTION power_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole transponder;
    counted_before tstzrange := 'empty';
    left_hz bigint;
    least_at timestamptz;
    all_parties text := COALESCE(current_setting('satcom.all_parties', true), '');
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'released' AND OLD.transponder_id = NEW.transponder_id
    AND OLD.power_share_hz >= NEW.power_share_hz THEN
        counted_before := tstzrange(OLD.start_at, OLD.stop_at);
    END IF;
    IF tstzrange(NEW.start_at, NEW.stop_at) <@ counted_before THEN
        RETURN NEW;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'slots are written at READ COMMITTED: else others that commit are not seen'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM set_config('satcom.all_parties', 'on', true);
    SELECT * INTO whole FROM transponder WHERE id = NEW.transponder_id FOR UPDATE;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, power_share_hz FROM spectrum_assignment there
        WHERE transponder_id = NEW.transponder_id AND state <> 'released' AND id <> NEW.id
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
        AND (NEW.in_place_of IS NULL OR reservation_id = NEW.reservation_id OR NOT (
            COALESCE(in_place_of, id) = NEW.in_place_of OR EXISTS (
                SELECT FROM spectrum_assignment beside WHERE beside.reservation_id = there.reservation_id
                AND COALESCE(beside.in_place_of, beside.id) = NEW.in_place_of
            )
        ))
    ), step AS (
        SELECT at, sum(power_hz) AS power_hz FROM (
            SELECT start_at AS at, power_share_hz AS power_hz FROM counted
            UNION ALL SELECT stop_at, -power_share_hz FROM counted WHERE stop_at IS NOT NULL
            UNION ALL SELECT upper(counted_before), 0 WHERE upper(counted_before) > NEW.start_at
        ) change GROUP BY at
    ), level AS (SELECT at, sum(power_hz) OVER (ORDER BY at) AS power_hz FROM step)
    SELECT whole.bandwidth_hz - power_hz, at INTO left_hz, least_at FROM level
    WHERE tstzrange(NEW.start_at, NEW.stop_at) @> at AND NOT counted_before @> at ORDER BY power_hz DESC, at LIMIT 1;
    left_hz := COALESCE(left_hz, whole.bandwidth_hz);
    PERFORM set_config('satcom.all_parties', all_parties, true);
    IF NEW.power_share_hz > left_hz THEN
        left_hz := greatest(left_hz, 0);
        RAISE EXCEPTION 'power_is_never_oversold: % Hz of % are left, not %', left_hz, whole.name,
            NEW.power_share_hz USING ERRCODE = 'exclusion_violation', DETAIL = format(
                'at %s UTC %s of %s MHz of power is left, %s MHz%s less than it takes',
                to_char(COALESCE(least_at, NEW.start_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                trim_scale(left_hz / 1e6), trim_scale(whole.bandwidth_hz / 1e6),
                trim_scale((NEW.power_share_hz - left_hz) / 1e6),
                CASE WHEN left_hz > 0 THEN format(' (%s dB)', round(10 * log(NEW.power_share_hz / left_hz::numeric), 1))
                ELSE '' END
            );
    END IF;
    RETURN NEW;
END $$
""",
    """
CREATE TRIGGER power_is_never_oversold BEFORE INSERT OR UPDATE ON spectrum_assignment FOR EACH ROW
WHEN (NEW.state <> 'released' AND NEW.power_share_hz > 0 AND (NEW.stop_at > NEW.start_at) IS NOT FALSE)
EXECUTE FUNCTION power_is_never_oversold()
""",
)
