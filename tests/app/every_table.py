"""A row of every table for a party, made from the declarations alone, so that new tables are filled by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, get_origin

from pydantic import TypeAdapter
from sqlalchemy import Column, Connection, Date, DateTime, Enum, String, Table, Uuid, text
from sqlmodel import Session
from sqlmodel.sql.sqltypes import AutoString

from satcom.core.clock import now
from satcom.core.entity import Entity, JsonOf, checked, new_id
from satcom.core.schema import entities
from satcom.enterprise.party import Operator, Organization
from tests.enterprise.an_operator import an_organization

# What the declarations do not say: rules of the database, and values that must mean something.
A_BEAM: dict[str, object] = {
    "bandwidth_hz": 250_000_000,
    "uplink_center_hz": 28_300_000_000,
    "downlink_center_hz": 11_700_000_000,
    "uplink_polarisation": "lhcp",
    "downlink_polarisation": "rhcp",
    "eirp_saturation_dbw": 36,
    "g_over_t_db_per_k": 2,
    "sfd_dbw_per_m2": -82,
    "input_backoff_db": 3,
    "output_backoff_db": 2,
}
NEEDS: dict[str, dict[str, object]] = {
    "Beam": {"boresight": {"latitude_deg": -5, "longitude_deg": 30, "half_power_width_deg": 4}},
    "Constellation": {"lowest_elevation_deg": 10, "beam_diameter_km": 500, "forward": A_BEAM, "return_link": A_BEAM},
    "Satellite": {"orbital_longitude_deg": 17.0},
    "Transponder": {"uplink_center_hz": 14_000_000_000, "downlink_center_hz": 11_000_000_000, "sfd_dbw_per_m2": -85},
    "SpectrumAssignment": {"start_hz": 1_000, "stop_hz": 2_000, "hold_until": now() + timedelta(days=1)},
    "HubPortAssignment": {"hold_until": now() + timedelta(days=1)},
    "Appointment": {"stop_at": now() + timedelta(days=1)},
    "PoolShare": {"hold_until": now() + timedelta(days=1)},
    "ConstellationShare": {"hold_until": now() + timedelta(days=1)},
    "ServicePath": {"constellation_id": None},  # of a satellite or of a constellation
    "CarrierPool": {
        "symbol_rate_baud": 1_000,
        "carrier_symbol_rate_baud": 1,
        "committable_percent": 80,
        "contention_ratio": 5,
    },
    "ElementSet": {
        "line1": "1 25544U 98067A   26328.50000000  .00010000  00000-0  18000-3 0  9990",
        "line2": "2 25544  51.6400 100.0000 0005000  80.0000 280.0000 15.50000000000000",
    },
}
SHORT = {2: "KE", 3: "USD"}  # texts of these lengths are countries and currencies
MEANT = {"unit": "USD", "currency": "USD", "country": "CD", "timeZone": "Africa/Nairobi", "action": "add"}


@dataclass
class Party:
    """A party and its rows: one of every table, by the name of the entity."""

    name: str
    id: str
    above: "Party | None" = None
    rows: dict[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        """A text that stands in every row of the party, and nowhere else."""
        return f"https://secret.example/{self.name}"


def owned() -> list[type[Entity]]:
    """Every kind whose rows belong to a party, those first to which others point."""
    kinds = [kind for kind in entities() if kind.__module__.startswith("satcom.") and not kind.readable_by_all]
    ranks = {table.name: rank for rank, table in enumerate(Organization.metadata.sorted_tables)}
    return sorted(kinds, key=lambda kind: ranks[kind.__tablename__])  # type: ignore[index]


def a_party_with_everything(session: Session, name: str, above: Party | None = None) -> Party:
    """An organization and one row of every table that belongs to it."""
    parent = None if above is None else session.get_one(Organization, above.id)
    organization = an_organization(session, Party(name, "").secret, parent)
    party = Party(name, organization.id, above, {"Organization": organization.id})
    catalogue: dict[str, str] = {}
    for kind in owned():
        if kind is not Organization:
            party.rows[kind.__name__] = a_row(session, kind, party, catalogue).id
    return party


def a_row(session: Session, kind: type[Entity], party: Party, catalogue: dict[str, str]) -> Entity:
    """A row of `kind`, and of the catalogue what it points to."""
    table: Table = kind.__table__  # type: ignore[attr-defined]
    values: dict[str, Any] = {"party_id": party.id, "further": {"@schemaLocation": party.secret}}
    if kind.readable_by_all:
        values = {"party_id": None, "further": {}}
    for name, one in kind.model_fields.items():
        column = table.c[name]
        if name in NEEDS.get(kind.__name__, {}) or name in values:
            continue
        if column.foreign_keys:
            values[name] = _pointed(session, column, party, catalogue)
        elif name in ("related_party", "engaged_party"):
            reference = {"id": party.id, "name": party.secret, "@type": "RelatedParty", "@referredType": "Organization"}
            several = get_origin(one.annotation) is list
            values[name] = [reference] if several else reference
        elif one.is_required() or one.default == "":
            values[name] = a_value(column, kind, party)
    row = checked(kind, values | NEEDS.get(kind.__name__, {}))
    session.add(row)
    session.flush()
    return row


def _pointed(session: Session, column: Column[Any], party: Party, catalogue: dict[str, str]) -> str:
    """The party's own row in the table that `column` points to; a catalogue has one for all."""
    target = next(iter(column.foreign_keys)).column.table.name
    kind = next(kind for kind in entities() if kind.__tablename__ == target)
    if not kind.readable_by_all:
        return party.rows[kind.__name__]
    if target not in catalogue:
        catalogue[target] = a_row(session, kind, Party("the catalogue", new_id()), catalogue).id
    return catalogue[target]


def a_value(column: Column[Any], kind: type[Entity], party: Party) -> Any:
    """A value that the column's type allows."""
    match column.type:
        case JsonOf() as held:
            schema = TypeAdapter(held.of).json_schema()
            return an_example(schema, schema.get("$defs", {}), column.name)
        case Uuid():
            return new_id()
        case Enum() as enumerated:
            return enumerated.enums[0]
        case String() | AutoString():
            length: int | None = getattr(column.type, "length", None)
            if column.name == "url":
                return party.secret
            return SHORT.get(length or 0, f"{party.secret} {kind.__name__}"[:length])
        case DateTime():
            return now()
        case Date():
            return date(2027, 1, 1)
        case _:
            known = {bool: True, int: 1, float: 1.0, dict: {}, list: []}
            return known.get(column.type.python_type, 1)


def an_example(schema: Any, definitions: Any, name: str = "") -> Any:
    """The smallest instance of a JSON schema; a list holds one item."""
    if "$ref" in schema:
        return an_example(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, name)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return an_example(schema[choice][0], definitions, name)
    if "enum" in schema or "const" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", [])
            return {one: an_example(schema["properties"][one], definitions, one) for one in wanted}
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {})] * max(1, schema.get("minItems", 1))
            return [an_example(one, definitions, name) for one in items]
        case "integer" | "number":
            return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case "string":
            formats = {"date-time": "2027-01-01T00:00:00Z", "date": "2027-01-01", "uuid": new_id()}
            return formats.get(schema.get("format", ""), MEANT.get(name, "text"))
        case _:
            return None


def tables_with_party() -> Iterator[str]:
    """Every table of the schema that says to whom a row belongs."""
    for table in Operator.metadata.sorted_tables:
        if "party_id" in table.c:
            yield table.name


def rows_of(connection: Connection, parties: list[str]) -> dict[str, str]:
    """What each table holds for `parties`, as one digest a table."""
    digests = " UNION ALL ".join(
        f"SELECT '{table}', md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), ''))"
        f" FROM {table} t WHERE party_id = ANY(CAST(:parties AS uuid[]))"
        for table in tables_with_party()
    )
    return {row[0]: row[1] for row in connection.execute(text(digests), {"parties": parties})}


def row_counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has, those of the queue too."""
    tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    return {row[0]: row[1] for row in connection.execute(text(counts))}
