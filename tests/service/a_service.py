"""A network to deliver over and a designed service, as tests need them."""

from sqlmodel import Session, select

from satcom.core.entity import checked, from_body, new_id
from satcom.core.security import WORKER
from satcom.core.values import Characteristic
from satcom.enterprise.catalog_entry import enter
from satcom.enterprise.party import Operator
from satcom.resource.ground import EarthStation
from satcom.resource.hub import Hub
from satcom.resource.payload import Beam, Transponder
from satcom.resource.satellite import Satellite
from satcom.service.catalog import ServiceSpecification
from satcom.service.inventory import Design, Service, design_service
from satcom.service.solution import Solution
from tests.enterprise.an_operator import an_operator, an_organization
from tests.resource.a_resource_catalogue import built_from
from tests.service.a_solution import a_solution


def a_specification(session: Session) -> ServiceSpecification:
    """A dedicated link with a mandatory rate, of the operator, who is made when there is none."""
    if session.exec(select(Operator)).first() is None:
        an_operator(session)
    body = {
        "name": "Dedicated SCPC link",
        "lifecycleStatus": "Active",
        "specCharacteristic": [{"name": "downlinkRateBps", "valueType": "integer", "minCardinality": 1}],
        "resourceSpecification": built_from(session),
    }
    return enter(session, from_body(ServiceSpecification, body), WORKER)  # type: ignore[arg-type]


def a_design(session: Session, rate_bps: int = 2_000_000) -> Design:
    """For a new order of a new customer."""
    rates = (Characteristic(name="downlinkRateBps", value=rate_bps),)
    return Design(new_id(), an_organization(session).id, "Link to the mine", a_specification(session).id, rates)


def a_service(session: Session) -> Service:
    return design_service(session, a_design(session))


def a_delivered_solution(session: Session) -> Solution:
    """A solution over a satellite, transponder, earth station and hub that are in the inventory."""
    satellite = checked(Satellite, {"name": "Sat 33E", "orbital_longitude_deg": 33.0})
    station = checked(EarthStation, {"name": "Nairobi", "latitude_deg": -1.3, "longitude_deg": 36.8, "country": "KE"})
    session.add_all([satellite, station])
    session.flush()
    spot = {"latitudeDeg": -5.0, "longitudeDeg": 30.0, "halfPowerWidthDeg": 4.0}
    beam = checked(Beam, {"name": "Africa", "satellite_id": satellite.id, "band": "Ku", "boresight": spot})
    hub = checked(Hub, {"name": "Nairobi 1", "earth_station_id": station.id, "ports": 8})
    session.add_all([beam, hub])
    session.flush()
    transponder = checked(Transponder, a_payload(satellite.id, beam.id))
    session.add(transponder)
    session.flush()
    return a_solution(satellite.id, hub.id, station.id, transponder.id)


def a_payload(satellite_id: str, beam_id: str) -> dict[str, object]:
    return {
        "name": "TP1",
        "satellite_id": satellite_id,
        "uplink_beam_id": beam_id,
        "downlink_beam_id": beam_id,
        "band": "Ku",
        "bandwidth_hz": 36_000_000,
        "uplink_center_hz": 14_250_000_000,
        "downlink_center_hz": 11_200_000_000,
        "uplink_polarisation": "horizontal",
        "downlink_polarisation": "vertical",
        "eirp_saturation_dbw": 52,
        "g_over_t_db_per_k": 4,
        "sfd_dbw_per_m2": -85,
        "input_backoff_db": 6,
        "output_backoff_db": 3,
    }
