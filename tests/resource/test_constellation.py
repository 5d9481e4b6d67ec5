"""Constellations: a payload that makes sense, and gateways that are there."""

from typing import Any

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import Refused
from satcom.core.security import WORKER
from satcom.resource import inventory
from satcom.resource.constellation import Constellation
from satcom.resource.ground import EarthStation
from satcom.resource.hub import Hub
from tests.app.every_table import A_BEAM
from tests.enterprise.an_operator import an_operator

DISH = {"id": "d", "band": "Ka", "diameter_m": 7, "efficiency": 0.6, "hpa_power_dbw": 20, "noise_temperature_k": 150}


def a_constellation(**changed: Any) -> Constellation:
    values = {
        "name": "Ring",
        "user_band": "Ka",
        "lowest_elevation_deg": 20,
        "beam_diameter_km": 600,
        "forward": A_BEAM,
        "return_link": A_BEAM,
        "gateways": [],
    }
    return checked(Constellation, values | changed)


def a_gateway(session: Session, name: str) -> dict[str, str]:
    place = {"name": name, "latitude_deg": 1, "longitude_deg": 2, "country": "GH", "antennas": [DISH]}
    station = checked(EarthStation, place)
    session.add(station)
    session.flush()
    hub = checked(Hub, {"name": name, "earth_station_id": station.id, "ports": 4})
    session.add(hub)
    session.flush()
    return {"earth_station_id": station.id, "antenna_id": "d", "hub_id": hub.id}


def test_gateways_that_are_not_there_or_not_together_are_refused_by_name(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        here, there = a_gateway(session, "Here"), a_gateway(session, "There")
        for gateways, why in (
            ([here | {"antenna_id": "e"}], "Here has no antenna 'e'"),
            ([here | {"hub_id": there["hub_id"]}], "There stands at another earth station"),
            ([here | {"earth_station_id": new_id()}], "there is no earth station"),
            ([here | {"hub_id": new_id()}], "there is no hub"),
            ([here, here], "an earth station is one gateway"),
        ):
            with pytest.raises(Refused, match=why):
                inventory.enter(session, a_constellation(gateways=gateways), WORKER)
        kept = inventory.enter(session, a_constellation(gateways=[here, there]), WORKER)
        assert session.get_one(Constellation, kept.id).gateways[1].hub_id == there["hub_id"]


def test_a_name_is_that_of_one_constellation(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        inventory.enter(session, a_constellation(), WORKER)
        with pytest.raises(Refused, match="constellation_name_once"):
            inventory.enter(session, a_constellation(), WORKER)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"downlink_center_hz": A_BEAM["uplink_center_hz"]}, "oscillator"),
        ({"downlink_center_hz": 100_000_000}, "below 0 Hz"),
        ({"bandwidth_hz": 0}, "too small"),
        ({"sfd_dbw_per_m2": 0}, "too large"),
        ({"uplink_eirp_density_limit_dbw_per_hz": 61}, "too large"),
        ({"uplink_off_axis_limit": "S.524-9", "uplink_center_hz": 25_000_000_000}, "no limit at an uplink of 25 GHz"),
        ({"uplink_off_axis_limit": "S.465"}, "not known"),
    ],
)
def test_a_beam_that_cannot_be_is_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        a_constellation(forward=A_BEAM | wrong)
    with pytest.raises(Refused):
        a_constellation(lowest_elevation_deg=4)
