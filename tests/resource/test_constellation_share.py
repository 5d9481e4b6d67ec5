"""Constellation shares: what is taken of a cell and of a gateway is there for everybody at once, and never twice."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import NotFound, Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.resource import inventory
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_holding import WantedPassage
from satcom.resource.constellation_share import ConstellationShare, FeederRoom, Room, room_in_cell, room_of_feeders
from satcom.resource.ground import EarthStation
from satcom.resource.ground_cell import MERIDIAN_KM, cell_of
from satcom.resource.hold import EXPIRED, HoldState, Period, assign, release
from satcom.resource.hub import Hub
from tests.enterprise.an_operator import an_operator
from tests.resource.a_network import MHZ, YEAR_2027, YEAR_2028, an_owner, tomorrow
from tests.resource.held_alone import hold_passage
from tests.resource.test_constellation import a_constellation, a_gateway

KOLWEZI, ACCRA = (-10.71, 25.39), (5.6, -0.19)
BEAM, FEEDER = Room(250 * MHZ, 250 * MHZ), FeederRoom((300 * MHZ,), (300 * MHZ,))
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
diameters = st.floats(50, 10_000)


def a_ring(session: Session) -> Constellation:
    """Beams of 250 MHz; a gateway of 300 MHz, and one that does not limit."""
    gateways = [a_gateway(session, "Here") | {"feeder_bandwidth_hz": 300 * MHZ}, a_gateway(session, "There")]
    ring = a_constellation(gateways=gateways)
    session.add(ring)
    session.flush()
    return ring


def a_passage(
    ring: Constellation, forward_mhz: int, return_mhz: int, at: tuple[float, float] = KOLWEZI
) -> WantedPassage:
    stations = tuple(one.earth_station_id for one in ring.gateways)
    return WantedPassage(ring.id, *at, forward_mhz * MHZ, return_mhz * MHZ, stations)


def cell(ring: Constellation, at: tuple[float, float] = KOLWEZI) -> str:
    return cell_of(*at, ring.beam_diameter_km)


def test_a_service_takes_its_cell_and_each_gateway(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        shares = hold_passage(session, a_passage(ring, 100, 20), YEAR_2027, an_owner(), tomorrow())
        here, there = (one.earth_station_id for one in ring.gateways)
        assert [(one.cell, one.earth_station_id) for one in shares] == [(cell(ring), None), (None, here), (None, there)]
        assert {(one.forward_hz, one.return_hz) for one in shares} == {(100 * MHZ, 20 * MHZ)}
        assert room_in_cell(session, ring, cell(ring), YEAR_2027) == Room(150 * MHZ, 230 * MHZ)
        assert room_of_feeders(session, ring, YEAR_2027) == {here: FeederRoom((200 * MHZ,), (280 * MHZ,)), there: None}
        ids = [one.id for one in shares]
        assert room_in_cell(session, ring, cell(ring), YEAR_2027, without=ids) == BEAM
        assert room_of_feeders(session, ring, YEAR_2027, without=ids)[here] == FEEDER
        assert room_in_cell(session, ring, cell(ring), YEAR_2028) == BEAM


def test_a_full_cell_says_what_is_left_and_another_cell_is_its_own(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        hold_passage(session, a_passage(ring, 200, 10), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match=rf"in cell {cell(ring)} of Ring.*; 50 MHz are left") as refused:
            hold_passage(session, a_passage(ring, 51, 1), YEAR_2027, an_owner(), tomorrow())
        assert [(one.field, one.code, one.accepted) for one in refused.value.faults] == [
            ("forwardHz", "noBeamBandwidth", "at most 50000000 Hz")
        ]
        with pytest.raises(RuleRefused) as refused:
            hold_passage(session, a_passage(ring, 51, 241), YEAR_2027, an_owner(), tomorrow())
        assert [one.field for one in refused.value.faults] == ["forwardHz", "returnHz"]
        assert len(session.exec(select(ConstellationShare)).all()) == 3, "what was refused holds nothing"
        hold_passage(session, a_passage(ring, 100, 10, ACCRA), YEAR_2027, an_owner(), tomorrow())
        assert room_in_cell(session, ring, cell(ring, ACCRA), YEAR_2027) == Room(150 * MHZ, 240 * MHZ)
        hold_passage(session, a_passage(ring, 250, 250), YEAR_2028, an_owner(), tomorrow())


def test_all_cells_share_the_feeder_links_of_a_gateway(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        hold_passage(session, a_passage(ring, 10, 200), YEAR_2027, an_owner(), tomorrow())
        with pytest.raises(RuleRefused, match=r"at Here, a gateway of Ring.*; 100 MHz are left") as refused:
            hold_passage(session, a_passage(ring, 10, 101, ACCRA), YEAR_2027, an_owner(), tomorrow())
        assert [(one.field, one.code, one.accepted) for one in refused.value.faults] == [
            ("returnHz", "noGatewayBandwidth", "at most 100000000 Hz")
        ]
        assert room_in_cell(session, ring, cell(ring, ACCRA), YEAR_2027) == BEAM
        elsewhere = replace(a_passage(ring, 10, 101, ACCRA), earth_station_ids=(ring.gateways[1].earth_station_id,))
        hold_passage(session, elsewhere, YEAR_2027, an_owner(), tomorrow())


def test_a_share_that_takes_the_place_of_another_needs_only_the_difference(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        old = hold_passage(session, a_passage(ring, 200, 200), YEAR_2027, an_owner(), tomorrow())
        more = a_passage(ring, 250, 250)
        with pytest.raises(RuleRefused):
            hold_passage(session, more, YEAR_2027, an_owner(), tomorrow())
        new = hold_passage(session, more, YEAR_2027, an_owner(), tomorrow(), old)
        assert [one.line for one in new] == [one.line for one in old]
        assign(session, new)
        with pytest.raises(RuleRefused):  # to everybody else both are taken
            hold_passage(session, a_passage(ring, 1, 0), YEAR_2027, an_owner(), tomorrow())
        release(session, old, "changed")
        assert room_of_feeders(session, ring, YEAR_2027)[ring.gateways[0].earth_station_id] == FeederRoom(
            (50 * MHZ,), (50 * MHZ,)
        )
        moved = hold_passage(session, a_passage(ring, 250, 250, ACCRA), YEAR_2027, an_owner(), tomorrow(), new)
        assert [one.in_place_of for one in moved] == [None, old[1].id, old[2].id], "another cell is taken anew"


def test_a_hold_that_ran_out_and_shares_given_back_make_room(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        first = hold_passage(session, a_passage(ring, 250, 250), YEAR_2027, an_owner(), tomorrow())
    with clock.at(tomorrow() + timedelta(minutes=1)), database.as_worker() as session:
        second = hold_passage(session, a_passage(ring, 250, 250), YEAR_2027, an_owner(), tomorrow())
        ended = session.exec(
            select(ConstellationShare).where(col(ConstellationShare.id).in_([one.id for one in first]))
        )
        assert {(one.state, one.released_because) for one in ended} == {(HoldState.RELEASED, EXPIRED)}
        release(session, second, "the service ended")
        hold_passage(session, a_passage(ring, 250, 250), YEAR_2027, an_owner(), tomorrow())


def test_many_at_once_never_oversell_a_cell_or_a_gateway(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        wanted = [a_passage(ring, 40, 1), a_passage(ring, 40, 1, ACCRA)]

    def buy(number: int) -> bool:
        try:
            with database.as_worker() as session:
                hold_passage(session, wanted[number % 3 == 0], YEAR_2027, an_owner(), tomorrow())
        except RuleRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(buy, range(24))) == 7, "300 MHz of the gateway, 40 each"
    with database.as_worker() as session:
        left = room_of_feeders(session, ring, YEAR_2027)[ring.gateways[0].earth_station_id]
        assert left == FeederRoom((20 * MHZ,), (293 * MHZ,))


@pytest.mark.parametrize(("of_cell", "room"), [(True, 5), (False, 6)])
def test_the_database_refuses_what_a_careless_program_would_oversell(
    database: Database, of_cell: bool, room: int
) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
    station = ring.gateways[0].earth_station_id

    def write(number: int) -> None:
        share = ConstellationShare(
            name=f"share {number}",
            constellation_id=ring.id,
            cell="12/34" if of_cell else None,
            earth_station_id=None if of_cell else station,
            forward_hz=0,
            return_hz=50 * MHZ,
            start_at=YEAR_2027.start_at + timedelta(days=number),
        )
        with database.as_worker() as session:
            session.add(share.held_for(an_owner(), None, tomorrow()))

    for number in range(room):
        write(number)
    with pytest.raises(IntegrityError, match="constellation_is_never_oversold"):
        write(room)


def test_what_cannot_be_wanted_is_refused_by_name(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        good = a_passage(ring, 1, 1)
        for wrong, field in (
            (replace(good, forward_hz=-1), "forwardHz"),
            (replace(good, return_hz=10**12), "returnHz"),
            (replace(good, forward_hz=0, return_hz=0), "forwardHz"),
            (replace(good, earth_station_ids=()), "earthStationIds"),
            (replace(good, earth_station_ids=(new_id(),)), "earthStationIds"),
            (replace(good, latitude_deg=91), "latitudeDeg"),
            (replace(good, longitude_deg=math.nan), "longitudeDeg"),
        ):
            with pytest.raises(Refused) as refused:
                hold_passage(session, wrong, YEAR_2027, an_owner(), tomorrow())
            assert [one.field for one in refused.value.faults] == [field]
        with pytest.raises(NotFound):
            hold_passage(session, replace(good, constellation_id=new_id()), YEAR_2027, an_owner(), tomorrow())
        assert session.exec(select(ConstellationShare)).all() == []


def test_a_constellation_is_not_made_smaller_than_what_is_sold_of_it(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        ring = a_ring(session)
        inventory.amend(session, ring, _patch(beamDiameterKm=500), WORKER)
        hold_passage(session, a_passage(ring, 200, 1), Period(tomorrow()), an_owner(), tomorrow() + timedelta(days=1))
        narrow = ring.forward.model_copy(update={"bandwidth_hz": 199 * MHZ}).wire()
        one, other = (gateway.wire() for gateway in ring.gateways)
        another = checked(Hub, {"name": "Another", "earth_station_id": ring.gateways[0].earth_station_id, "ports": 4})
        session.add(another)
        session.flush()
        smaller: list[tuple[str, Json]] = [
            ("beamDiameterKm", 600),
            ("forward", narrow),
            ("gateways", [one | {"feederBandwidthHz": 199 * MHZ}, other]),
            ("gateways", [one]),
            ("gateways", [one | {"hubId": another.id}, other]),
        ]
        for attribute, value in smaller:
            with pytest.raises(RuleRefused) as refused:
                inventory.amend(session, ring, _patch(**{attribute: value}), WORKER)
            assert [fault.code for fault in refused.value.faults] == ["soldAlready"]
        inventory.amend(session, ring, _patch(gateways=[one | {"feederBandwidthHz": 200 * MHZ}, other]), WORKER)
        with pytest.raises(RuleRefused, match="its satellites go by its name"):
            inventory.amend(session, ring, {"name": "Another ring"}, WORKER)


def test_a_gateway_is_not_withdrawn_while_a_constellation_is_worked_through_it(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        gateway = a_ring(session).gateways[0]
        hub, station = session.get_one(Hub, gateway.hub_id), session.get_one(EarthStation, gateway.earth_station_id)
        for part in (hub, station):
            with pytest.raises(RuleRefused, match="Ring is worked through it"):
                inventory.withdraw(session, part, WORKER)


def _patch(**values: Json) -> dict[str, Json]:
    return {"resourceCharacteristic": [{"name": name, "value": value} for name, value in values.items()]}


def test_a_share_that_a_service_has_already_is_entered_where_there_is_room(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        ring = a_ring(session)
        station = ring.gateways[0].earth_station_id
        of_cell = _existing(ring, cell=cell(ring))
        inventory.enter(session, of_cell, WORKER)
        inventory.enter(session, _existing(ring, earth_station_id=station), WORKER)
        for wrong, code in (
            (_existing(ring, cell=cell(ring)), "noBeamBandwidth"),
            (_existing(ring, earth_station_id=station), "noGatewayBandwidth"),
            (_existing(ring, cell="33/0"), "notFound"),
            (_existing(ring, cell="0/03"), "notFound"),
            (_existing(ring, cell="poles"), "notFound"),
            (_existing(ring), "invalid"),
        ):
            with pytest.raises(Refused) as refused:
                inventory.enter(session, wrong, WORKER)
            assert [one.code for one in refused.value.faults][:1] == [code], wrong.cell
        assert room_in_cell(session, ring, cell(ring), YEAR_2027) == Room(50 * MHZ, 50 * MHZ)


def _existing(ring: Constellation, **of: object) -> ConstellationShare:
    values = {"name": "Old customer", "constellation_id": ring.id, "forward_hz": 200 * MHZ, "return_hz": 200 * MHZ}
    return checked(ConstellationShare, values | {"start_at": YEAR_2027.start_at, "state": "assigned"} | of)


@settings(max_examples=60, deadline=None)
@given(latitudes, longitudes, diameters)
def test_every_place_has_one_cell_and_the_date_line_and_the_poles_are_no_edges(
    latitude_deg: float, longitude_deg: float, diameter_km: float
) -> None:
    row, column = map(int, cell_of(latitude_deg, longitude_deg, diameter_km).split("/"))
    rows = int(MERIDIAN_KM / diameter_km)
    low_deg, high_deg = row * 180 / rows - 90, (row + 1) * 180 / rows - 90
    assert 0 <= row < rows
    assert low_deg - 1e-9 <= latitude_deg <= high_deg + 1e-9
    assert diameter_km <= MERIDIAN_KM / rows < 2 * diameter_km
    assert cell_of(latitude_deg, 180, diameter_km) == cell_of(latitude_deg, -180, diameter_km)
    assert cell_of(90, longitude_deg, diameter_km) == cell_of(90, 0, diameter_km)
    parallel_km = 2 * MERIDIAN_KM * math.cos(math.radians((low_deg + high_deg) / 2))
    columns = max(int(parallel_km / diameter_km + 1e-9), 1)
    assert 0 <= column < columns
    assert parallel_km / columns <= 1.5 * diameter_km, "a cell is about as wide as a beam"


@settings(max_examples=40, deadline=None)
@given(latitudes, longitudes, st.floats(50, 2_000))
def test_what_lies_a_beam_and_a_half_apart_is_in_two_cells(
    latitude_deg: float, longitude_deg: float, diameter_km: float
) -> None:
    cells = {
        cell_of(max(min(latitude_deg + north, 90), -90), longitude_deg, diameter_km)
        for north in (0, math.degrees(1.5 * diameter_km / 6371), -math.degrees(1.5 * diameter_km / 6371))
    }
    assert len(cells) >= 2


def test_neighbours_share_a_cell_and_a_nan_is_no_place() -> None:
    assert cell_of(*KOLWEZI, 600) == cell_of(-10.9, 26.5, 600), "Kolwezi and Likasi"
    assert cell_of(*KOLWEZI, 600) != cell_of(*ACCRA, 600)
    with pytest.raises(Refused):
        cell_of(0, 0, 0)
    with pytest.raises(Refused, match="nan is no latitude"):
        cell_of(math.nan, 0, 600)
