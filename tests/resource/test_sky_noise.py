"""No antenna is quieter than the sky it looks at: who says so is refused, with the antenna, the number and its unit."""

import re
from typing import Any

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import Refused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.resource import inventory
from satcom.resource.ground import EarthStation
from satcom.resource.payload import Transponder
from satcom.resource.satellite import Satellite
from tests.app.every_table import A_BEAM
from tests.enterprise.an_operator import an_operator
from tests.resource.a_network import a_beam, a_satellite, a_transponder, transponder_values
from tests.resource.test_constellation import a_constellation, a_gateway

NOISE = "/resourceCharacteristic/antennas/{}/noiseTemperatureK"


def an_antenna(name: str, noise_temperature_k: float, satellite: Satellite, band: str = "Ku") -> dict[str, Any]:
    return {
        "id": name,
        "band": band,
        "diameter_m": 9,
        "efficiency": 0.65,
        "hpa_power_dbw": 20,
        "noise_temperature_k": noise_temperature_k,
        "satellite_ids": [satellite.id],
    }


def a_station(*antennas: dict[str, Any]) -> EarthStation:
    place = {"name": "Low", "latitude_deg": 0.3, "longitude_deg": -50.0, "altitude_m": 10, "country": "BR"}
    return checked(EarthStation, place | {"antennas": list(antennas)})


def entered(session: Session, station: EarthStation) -> EarthStation:
    inventory.enter(session, station, WORKER)
    return station


def refusal_of(session: Session, *antennas: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        entered(session, a_station(*antennas))
    return refused.value


def test_an_antenna_quieter_than_its_sky_is_refused_by_field_and_unit_and_a_warmer_one_taken(
    database: Database,
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        satellite = a_transponder(session, satellite=a_satellite(session)).satellite_id
        testsat = session.get_one(Satellite, satellite)
        told = refusal_of(session, an_antenna("good", 150, testsat), an_antenna("quiet", 5, testsat))
        (fault,) = told.faults
        assert fault.field == NOISE.format(1)
        assert re.fullmatch(
            r"5 K is less than the clear sky alone, \d+\.\d K at 12.56 GHz and \d+\.\d degrees towards Testsat",
            fault.why,
        )
        sky_k = float(re.findall(r"(\d+\.\d) K", str(fault.accepted))[0])
        assert refusal_of(session, an_antenna("quiet", sky_k - 0.1, testsat)).faults[0].code == "belowSkyNoise"
        assert entered(session, a_station(an_antenna("warm", sky_k + 0.1, testsat))).id


def test_a_correction_is_held_to_the_same_sky(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        testsat = session.get_one(Satellite, a_transponder(session).satellite_id)
        station = entered(session, a_station(an_antenna("good", 150, testsat)))
        quiet: Json = [
            {
                "id": "good",
                "band": "Ku",
                "diameterM": 9,
                "efficiency": 0.65,
                "hpaPowerDbw": 20,
                "noiseTemperatureK": 3,
                "satelliteIds": [testsat.id],
            }
        ]
        patch: dict[str, Json] = {"resourceCharacteristic": [{"name": "antennas", "value": quiet}]}
        with pytest.raises(Refused) as refused:
            inventory.amend(session, station, patch, WORKER)
        assert [one.field for one in refused.value.faults] == [NOISE.format(0)]


def test_a_transponder_that_a_quiet_antenna_would_receive_is_refused(database: Database) -> None:
    """An antenna of which no frequency is known yet is looked at when one comes."""
    with database.as_worker() as session:
        an_operator(session)
        testsat = a_satellite(session)
        entered(session, a_station(an_antenna("quiet", 5, testsat), an_antenna("other band", 5, testsat, "C")))
        transponder = checked(Transponder, transponder_values(a_beam(session, testsat)))
        with pytest.raises(Refused, match="quiet of Low: 5 K is less than the clear sky") as refused:
            inventory.enter(session, transponder, WORKER)
        assert [one.field for one in refused.value.faults] == ["/resourceCharacteristic/downlinkCenterHz"]


def test_a_gateway_of_a_constellation_is_warmer_than_the_lowest_sky_it_looks_at(database: Database) -> None:
    at_22_ghz = A_BEAM | {"downlink_center_hz": 22_200_000_000}  # where vapour radiates most
    with database.as_worker() as session:
        an_operator(session)
        gateway = a_gateway(session, "Here")
        assert inventory.enter(session, a_constellation(name="Low", gateways=[gateway]), WORKER).id
        with pytest.raises(Refused, match=r"d of Here: 150 K .* sky alone, 2\d\d\.\d K at 22.2 GHz and 5.0 degrees"):
            inventory.enter(session, a_constellation(gateways=[gateway], return_link=at_22_ghz), WORKER)
