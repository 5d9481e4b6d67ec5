"""The guard of power tells how much is lacking, and when."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

GUARD = """
CREATE OR REPLACE FUNCTION power_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole transponder;
    counted_before tstzrange := 'empty';
@DECLARED@    all_parties text := COALESCE(current_setting('satcom.all_parties', true), '');
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
@JUDGED@    RETURN NEW;
END $$
"""
DECLARED = """    left_hz bigint;
    least_at timestamptz;
"""
DECLARED_BEFORE = """    left_hz bigint;
"""
JUDGED = """    SELECT whole.bandwidth_hz - power_hz, at INTO left_hz, least_at FROM level
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
"""
JUDGED_BEFORE = """    SELECT whole.bandwidth_hz - COALESCE(max(power_hz), 0) INTO left_hz FROM level
    WHERE tstzrange(NEW.start_at, NEW.stop_at) @> at AND NOT counted_before @> at;
    PERFORM set_config('satcom.all_parties', all_parties, true);
    IF NEW.power_share_hz > left_hz THEN
        RAISE EXCEPTION 'power_is_never_oversold: % Hz of % are left, not %', greatest(left_hz, 0), whole.name,
            NEW.power_share_hz USING ERRCODE = 'exclusion_violation';
    END IF;
"""


def upgrade() -> None:
    op.execute(GUARD.replace("@DECLARED@", DECLARED).replace("@JUDGED@", JUDGED))


def downgrade() -> None:
    op.execute(GUARD.replace("@DECLARED@", DECLARED_BEFORE).replace("@JUDGED@", JUDGED_BEFORE))
