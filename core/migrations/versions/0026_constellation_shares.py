"""Constellation shares: cells and feeder links that are held for services, and paths over a constellation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from satcom.core.tenancy import row_level_security

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NEEDS = ("carriers", "poolShare", "leasedSpectrum", "hubPort", "terminal")
NEVER_OVERSOLD = (
    """
CREATE FUNCTION constellation_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
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
""",
    """
CREATE TRIGGER constellation_is_never_oversold AFTER INSERT OR UPDATE ON constellation_share
FOR EACH ROW WHEN (NEW.state <> 'released') EXECUTE FUNCTION constellation_is_never_oversold()
""",
)


def upgrade() -> None:
    # of what was declared before, nobody said how large its beams are
    op.add_column("constellation", sa.Column("beam_diameter_km", sa.Float(), nullable=False, server_default="1000"))
    op.alter_column("constellation", "beam_diameter_km", server_default=None)
    op.create_table(
        "constellation_share",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("party_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("further", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=1000), nullable=True),
        sa.Column("illustrative", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "held",
                "assigned",
                "released",
                name="holdstate_known",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("start_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("stop_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("hold_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("order_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("order_reference", sa.String(length=100), nullable=True),
        sa.Column("reservation_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("released_because", sa.String(length=500), nullable=True),
        sa.Column("in_place_of", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("constellation_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("cell", sa.String(length=20), nullable=True),
        sa.Column("earth_station_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("forward_hz", sa.BigInteger(), nullable=False),
        sa.Column("return_hz", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(cell IS NULL) <> (earth_station_id IS NULL)", name="constellation_share_is_of_one"),
        sa.CheckConstraint(
            "forward_hz >= 0 AND return_hz >= 0 AND forward_hz + return_hz > 0", name="constellation_share_takes"
        ),
        sa.CheckConstraint("stop_at > start_at", name="constellation_share_has_time"),
        sa.CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="constellation_share_hold_ends"),
        sa.ForeignKeyConstraint(["constellation_id"], ["constellation.id"]),
        sa.ForeignKeyConstraint(["earth_station_id"], ["earth_station.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("constellation_id", "order_id", "party_id", "reservation_id"):
        op.create_index(op.f(f"ix_constellation_share_{column}"), "constellation_share", [column], unique=False)
    for statement in (*row_level_security("constellation_share"), *NEVER_OVERSOLD):
        op.execute(statement)
    _needs(*NEEDS, "constellationShare")
    op.add_column("service_path", sa.Column("constellation_id", sa.Uuid(as_uuid=False), nullable=True))
    op.create_foreign_key(None, "service_path", "constellation", ["constellation_id"], ["id"])
    op.create_index(op.f("ix_service_path_constellation_id"), "service_path", ["constellation_id"], unique=False)
    op.add_column(
        "service_path", sa.Column("gateway_ids", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False)
    )
    op.alter_column("service_path", "gateway_ids", server_default=None)
    op.alter_column("service_path", "satellite_id", existing_type=sa.UUID(), nullable=True)
    op.create_check_constraint(
        "path_has_space_segment", "service_path", "(satellite_id IS NULL) <> (constellation_id IS NULL)"
    )


def downgrade() -> None:
    op.drop_constraint("path_has_space_segment", "service_path")
    # the release before knows no service over a constellation, and nothing that it needs
    op.execute("DELETE FROM service_path WHERE satellite_id IS NULL")
    op.alter_column("service_path", "satellite_id", existing_type=sa.UUID(), nullable=False)
    op.drop_index(op.f("ix_service_path_constellation_id"), table_name="service_path")
    op.drop_column("service_path", "constellation_id")
    op.drop_column("service_path", "gateway_ids")
    op.execute("UPDATE resource_specification SET category = NULL WHERE category = 'constellationShare'")
    _needs(*NEEDS)
    op.drop_table("constellation_share")
    op.execute("DROP FUNCTION constellation_is_never_oversold")
    op.drop_column("constellation", "beam_diameter_km")


def _needs(*known: str) -> None:
    op.drop_constraint("networkneed_known", "resource_specification", type_="check")
    op.create_check_constraint(
        "networkneed_known", "resource_specification", sa.column("category", sa.String(40)).in_(known)
    )
