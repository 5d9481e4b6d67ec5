"""Power of a transponder is never oversold, whoever writes: the database counts it.

What is oversold already stays, is told in the log, and nothing more is sold there.
"""

import logging

from alembic import op
from sqlalchemy import text

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

log = logging.getLogger("satcom.core.migration")

NEVER_OVERSOLD = (
    """
CREATE FUNCTION power_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole transponder;
    counted_before tstzrange := 'empty';
    left_hz bigint;
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
    SELECT whole.bandwidth_hz - COALESCE(max(power_hz), 0) INTO left_hz FROM level
    WHERE tstzrange(NEW.start_at, NEW.stop_at) @> at AND NOT counted_before @> at;
    PERFORM set_config('satcom.all_parties', all_parties, true);
    IF NEW.power_share_hz > left_hz THEN
        RAISE EXCEPTION 'power_is_never_oversold: % Hz of % are left, not %', greatest(left_hz, 0), whole.name,
            NEW.power_share_hz USING ERRCODE = 'exclusion_violation';
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
# At the fullest instant. What a service has, and will let go of when it has what takes its place, is left out.
OVERSOLD = text("""
WITH sold AS (SELECT * FROM spectrum_assignment WHERE state <> 'released'), leaving AS (
    SELECT beside.id FROM sold later JOIN spectrum_assignment old ON old.created_at < later.created_at
    AND COALESCE(old.in_place_of, old.id) = later.in_place_of
    JOIN sold beside ON beside.id = old.id OR beside.reservation_id = old.reservation_id
    WHERE later.reservation_id IS DISTINCT FROM old.reservation_id
), counted AS (
    SELECT transponder_id, start_at, stop_at, power_share_hz FROM sold WHERE id NOT IN (SELECT id FROM leaving)
), step AS (
    SELECT transponder_id, at, sum(power_hz) AS power_hz FROM (
        SELECT transponder_id, start_at AS at, power_share_hz AS power_hz FROM counted
        UNION ALL SELECT transponder_id, stop_at, -power_share_hz FROM counted WHERE stop_at IS NOT NULL
    ) change GROUP BY 1, 2
), level AS (
    SELECT transponder_id, at, sum(power_hz) OVER (PARTITION BY transponder_id ORDER BY at) AS power_hz FROM step
)
SELECT DISTINCT ON (t.id) t.name, s.name AS satellite, t.bandwidth_hz, level.power_hz, level.at
FROM level JOIN transponder t ON t.id = level.transponder_id JOIN satellite s ON s.id = t.satellite_id
WHERE level.power_hz > t.bandwidth_hz ORDER BY t.id, level.power_hz DESC, level.at
""")


def upgrade() -> None:
    for statement in NEVER_OVERSOLD:
        op.execute(statement)
    for one in op.get_bind().execute(OVERSOLD):
        log.warning(
            "%s %s: %s Hz of power are sold of %s on %s; it stays so, and no more is sold there",
            one.satellite,
            one.name,
            one.power_hz,
            one.bandwidth_hz,
            f"{one.at:%Y-%m-%d}",
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER power_is_never_oversold ON spectrum_assignment")
    op.execute("DROP FUNCTION power_is_never_oversold")
