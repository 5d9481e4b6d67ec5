"""A small network, as tests need it: one satellite with a beam, a transponder and a hub."""

from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.entity import checked, new_id
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.hold import Owner, Period
from satcom.resource.hub import Hub
from satcom.resource.payload import Beam, Transponder
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import WantedSlot

MHZ = 1_000_000
YEAR_2027 = Period(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
YEAR_2028 = Period(datetime(2028, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))


def tomorrow() -> datetime:
    return now() + timedelta(days=1)


def an_owner() -> Owner:
    return Owner(new_id(), "PO-2026-000001", new_id())


def a_satellite(
    session: Session, norad_id: int | None = None, state: str = "inService", end_of_life: date = date(2039, 1, 1)
) -> Satellite:
    values = {
        "name": "Testsat",
        "norad_id": norad_id,
        "orbital_longitude_deg": 17.0,
        "state": state,
        "in_service_date": date(2020, 1, 1),
        "end_of_life_date": end_of_life,
    }
    satellite = checked(Satellite, values)
    session.add(satellite)
    session.flush()
    return satellite


def a_beam(session: Session, satellite: Satellite) -> Beam:
    boresight = {"latitude_deg": 0, "longitude_deg": 20, "half_power_width_deg": 8}
    beam = checked(Beam, {"name": "Africa", "satellite_id": satellite.id, "band": "Ku", "boresight": boresight})
    session.add(beam)
    session.flush()
    return beam


def transponder_values(beam: Beam, bandwidth_hz: int = 54 * MHZ, guard_band_hz: int = 200_000) -> dict[str, object]:
    return {
        "name": "Ku 1V",
        "satellite_id": beam.satellite_id,
        "uplink_beam_id": beam.id,
        "downlink_beam_id": beam.id,
        "band": "Ku",
        "uplink_center_hz": 14_060_000_000,
        "downlink_center_hz": 12_560_000_000,
        "bandwidth_hz": bandwidth_hz,
        "uplink_polarisation": "horizontal",
        "downlink_polarisation": "vertical",
        "eirp_saturation_dbw": 51.5,
        "g_over_t_db_per_k": 5,
        "sfd_dbw_per_m2": -86,
        "input_backoff_db": 6,
        "output_backoff_db": 3.5,
        "guard_band_hz": guard_band_hz,
    }


def a_transponder(
    session: Session, bandwidth_hz: int = 54 * MHZ, guard_band_hz: int = 200_000, satellite: Satellite | None = None
) -> Transponder:
    beam = a_beam(session, satellite or a_satellite(session))
    transponder = checked(Transponder, transponder_values(beam, bandwidth_hz, guard_band_hz))
    session.add(transponder)
    session.flush()
    return transponder


def a_hub(session: Session, ports: int = 4) -> Hub:
    station = checked(
        EarthStation, {"name": "Hartebeesthoek", "latitude_deg": -25.89, "longitude_deg": 27.71, "country": "ZA"}
    )
    session.add(station)
    session.flush()
    hub = checked(Hub, {"name": "Hub 1", "earth_station_id": station.id, "ports": ports, "bands": ["Ku"]})
    session.add(hub)
    session.flush()
    return hub


def terminal_type_values() -> dict[str, object]:
    return {
        "name": "Ku 1.20 m",
        "band": "Ku",
        "terminal_class": "vsat",
        "antenna_diameter_m": 1.2,
        "antenna_efficiency": 0.65,
        "buc_power_w": 4,
        "lnb_noise_figure_db": 0.7,
        "approved": True,
    }


def a_terminal_type(session: Session, approved: bool = True) -> TerminalType:
    kind = checked(TerminalType, terminal_type_values() | {"approved": approved})
    session.add(kind)
    session.flush()
    return kind


def a_slot(transponder: Transponder, width_hz: int, power_hz: int | None = None) -> WantedSlot:
    return WantedSlot(transponder.id, width_hz, width_hz if power_hz is None else power_hz)
