"""The network of the demonstration operator as entities, from its files, for tests of what the network can deliver."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session

from satcom.core.entity import E, checked
from satcom.core.loading import loaded_id
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.hold import HoldState
from satcom.resource.hub import Hub
from satcom.resource.licence import Licence
from satcom.resource.payload import Beam, Transponder
from satcom.resource.satellite import Satellite, record_elements
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.demand import LeaseDemand, LinkDemand

FOLDER = Path(__file__).parents[2] / "examples" / "operator"
Row = dict[str, Any]  # YAML gives any

ORDERED_AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
START = ORDERED_AT.replace(hour=0, minute=0) + timedelta(days=30)
REFERENCES = {
    "satellite": ("satellite_id", "Satellite"),
    "uplink_beam": ("uplink_beam_id", "Beam"),
    "downlink_beam": ("downlink_beam_id", "Beam"),
    "earth_station": ("earth_station_id", "EarthStation"),
    "transponder": ("transponder_id", "Transponder"),
}


def identifier(kind: str, slug: str) -> str:
    return loaded_id(kind, slug)


def the_demand(**changes: object) -> LinkDemand:
    """The first order: a link to the Kamoto mine for two years."""
    values: dict[str, object] = {
        "downlink_rate_bps": 10_000_000,
        "uplink_rate_bps": 4_000_000,
        "availability_percent": 99.7,
        "latitude_deg": -10.7148,
        "longitude_deg": 25.3855,
        "altitude_m": 1430,
        "country": "CD",
        "start_at": START,
        "stop_at": START.replace(year=START.year + 2),
    }
    return LinkDemand.model_validate(values | changes)


def the_lease(**changes: object) -> LeaseDemand:
    """9 MHz of Ku band, up from Hartebeesthoek and down to Kinshasa."""
    values: dict[str, object] = {
        "capacity": "leasedSpectrum",
        "bandwidth_hz": 9_000_000,
        "bands": ("Ku",),
        "uplink_latitude_deg": -25.89,
        "uplink_longitude_deg": 27.71,
        "downlink_latitude_deg": -4.32,
        "downlink_longitude_deg": 15.31,
        "start_at": START,
        "stop_at": START.replace(year=START.year + 1),
    }
    return LeaseDemand.model_validate(values | changes)


def load_the_network(session: Session) -> None:
    """Satellites, payloads, carriers, gateways, terminal types and licences."""
    _enter(session, Satellite, "satellites")
    record_elements(session, (FOLDER / "elements.tle").read_text(), "CelesTrak")
    _enter(session, Beam, "beams", _beam)
    _enter(session, Transponder, "transponders")
    _enter(session, EarthStation, "earth_stations", _station)
    _enter(session, Hub, "hubs", _with_satellites)
    _enter(session, TerminalType, "terminal_types", _terminal_type)
    _enter(session, Licence, "licences")
    guard = {row["id"]: row["guard_band_hz"] for row in _rows("transponders")}
    _enter(session, SpectrumAssignment, "carriers", lambda row: _carrier(row, guard[row["transponder"]]))


def _rows(kind: str) -> list[Row]:
    rows: list[Row] = yaml.load((FOLDER / f"{kind}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return rows


def _enter(session: Session, kind: type[E], file: str, shaped: Any = dict) -> None:
    for row in _rows(file):
        values = dict(shaped(row))
        for name, (column, target) in REFERENCES.items():
            if name in values:
                values[column] = identifier(target, values.pop(name))
        values["id"] = identifier(kind.__name__, row["id"])
        session.add(checked(kind, {key: value for key, value in values.items() if key in kind.model_fields}))
    session.flush()


def _beam(row: Row) -> Row:
    return row | {"contours": row.get("contours", [])}


def _with_satellites(row: Row) -> Row:
    return row | {"satellite_ids": [identifier("Satellite", slug) for slug in row["satellites"]]}


def _station(row: Row) -> Row:
    return row | {"antennas": [_antenna(one) for one in row["antennas"]]}


def _antenna(one: Mapping[str, Any]) -> Row:
    kept = {key: value for key, value in one.items() if key in ("id", "band", "diameter_m", "efficiency")}
    rest = {key: one[key] for key in ("hpa_power_dbw", "noise_temperature_k")}
    return kept | rest | {"satellite_ids": [identifier("Satellite", slug) for slug in one["satellites"]]}


def _terminal_type(row: Row) -> Row:
    return row | {"price": {"unit": row["price"]["currency"], "value": row["price"]["amount"]}}


def _carrier(row: Row, guard_band_hz: int) -> Row:
    start_hz = row["downlink_center_hz"] - row["occupied_bandwidth_hz"] // 2
    return row | {
        "name": row["id"],
        "start_hz": start_hz,
        "stop_hz": start_hz + row["occupied_bandwidth_hz"],
        "guard_band_hz": guard_band_hz,
        "state": HoldState.ASSIGNED,
        "start_at": datetime(2020, 1, 1, tzinfo=UTC),
    }
