"""Capacity by time: what is taken of a gateway at different times is not added up, and no instant is oversold."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from satcom.app.loading.load import load
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.resource import inventory
from satcom.resource.capacity_day import SLOTS
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_holding import WantedPassage, find_beams, lock_constellations
from satcom.resource.constellation_share import ConstellationShare, FeederRoom, cells_lit, room_of_feeders
from satcom.resource.ground import EarthStation
from satcom.resource.ground_cell import cell_of
from satcom.resource.hold import Period, keep, release
from tests.resource.a_network import MHZ, YEAR_2027, an_owner

MEO = Path(__file__).parents[2] / "examples" / "meo_operator"
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
UNTIL = START + timedelta(days=30)
SAMOA, COCOS = (-10.0, -170.0), (-10.0, 100.0)  # served through Perth, never both at once
FEEDER_MHZ = 2500


@pytest.fixture
def sky(database: Database) -> Iterator[Database]:
    """O3b mPOWER with the real orbits of ten satellites."""
    with clock.at(START):
        load(database, MEO, dry_run=False, by="ada at the command line")
        yield database


def the_ring(session: Session) -> Constellation:
    return session.exec(select(Constellation)).one()


def station(session: Session, name: str) -> str:
    return session.exec(select(EarthStation.id).where(EarthStation.name == name)).one()


def a_passage(session: Session, at: tuple[float, float], mhz: int = 150) -> WantedPassage:
    """Samoa is served through Perth alone; what lies west of it through Karachi, too."""
    through = ("Perth",) if at[1] < 0 else ("Karachi", "Perth")
    stations = tuple(station(session, one) for one in through)
    return WantedPassage(the_ring(session).id, *at, mhz * MHZ, mhz * MHZ, stations)


def hold(session: Session, at: tuple[float, float], mhz: int = 150, period: Period = YEAR_2027) -> ConstellationShare:
    """The share of Perth."""
    with session.begin_nested():
        wanted = a_passage(session, at, mhz)
        ring = lock_constellations(session, [wanted.constellation_id])[wanted.constellation_id]
        shares = find_beams(session, ring, wanted, period, an_owner(), UNTIL, new_id())
        keep(session, shares)
        return shares[-1]


def change(session: Session, **values: Json) -> None:
    patch: dict[str, Json] = {"resourceCharacteristic": [{"name": key, "value": one} for key, one in values.items()]}
    inventory.amend(session, the_ring(session), patch, WORKER)


def narrow(session: Session, mhz: int) -> None:
    """All gateways with feeders of this width."""
    gateways: list[Json] = [one.wire() | {"feederBandwidthHz": mhz * MHZ} for one in the_ring(session).gateways]
    change(session, gateways=gateways)


def test_what_is_taken_at_different_times_is_not_added_up(sky: Database) -> None:
    with sky.as_worker() as session:
        narrow(session, 200)
        one, other = hold(session, SAMOA), hold(session, COCOS)
        assert one.day_slots is not None
        assert other.day_slots is not None
        assert not set(one.day_slots) & set(other.day_slots)
        room = room_of_feeders(session, the_ring(session), YEAR_2027)[station(session, "Perth")]
        assert room is not None
        taken = set(one.day_slots) | set(other.day_slots)
        expected = tuple((50 if slot in taken else 200) * MHZ for slot in range(SLOTS))
        assert room == FeederRoom(expected, expected)
        with pytest.raises(RuleRefused, match=r"50 MHz are left.*; .*|at \d\d:\d0 UTC of the capacity day") as refused:
            hold(session, (-11.0, -169.0), 51)
        assert {fault.code for fault in refused.value.faults} == {"noGatewayBandwidth"}
        hold(session, (-11.0, -169.0), 50)


def test_without_a_capacity_day_everything_is_counted_all_the_time(sky: Database) -> None:
    with sky.as_worker() as session:
        narrow(session, 200)
        change(session, beamsPerSatellite=None, capacityDay=None)
        assert hold(session, SAMOA).day_slots is None
        with pytest.raises(RuleRefused, match="50 MHz are left"):
            hold(session, COCOS)


def test_many_at_once_oversell_no_instant_of_the_day(sky: Database) -> None:
    with sky.as_worker() as session:
        narrow(session, 200)

    def buy(number: int) -> str | None:
        place = (SAMOA, COCOS)[number % 2]
        try:
            with sky.as_worker() as session:
                hold(session, place, 40)
        except RuleRefused:
            return None
        return "Samoa" if place is SAMOA else "Cocos"

    with ThreadPoolExecutor(8) as clients:
        sold = list(clients.map(buy, range(24)))
    assert (sold.count("Samoa"), sold.count("Cocos")) == (5, 5), "200 MHz for each of them, 40 each"


def test_the_database_refuses_an_instant_that_a_careless_program_would_oversell(sky: Database) -> None:
    with sky.as_worker() as session:
        narrow(session, 200)
        share = hold(session, SAMOA)
        of = share.model_dump(exclude={"id", "day_slots", "name"})
        slots = share.day_slots or []
    free = sorted(set(range(SLOTS)) - set(slots))
    for number, (day_slots, fits) in enumerate([(free, True), (slots[:1], False), (None, False)]):
        with sky.as_worker() as session:
            session.add(ConstellationShare(**of, name=f"share {number}", day_slots=day_slots))
            if fits:
                session.flush()
            else:
                with pytest.raises(Exception, match="constellation_is_never_oversold"):
                    session.flush()
                session.rollback()


def test_a_satellite_lights_no_more_cells_at_once_than_it_has_beams(sky: Database) -> None:
    near = [(-10.0, 96.0 + 7 * step) for step in range(3)]
    with sky.as_worker() as session:
        change(session, beamsPerSatellite=2)
        ring = the_ring(session)
        cells = {cell_of(*one, ring.beam_diameter_km) for one in near}
        assert len(cells) == 3
        first = hold(session, near[0], 10)
        hold(session, near[1], 10)
        lit = cells_lit(session, ring, "0/0", YEAR_2027)
        assert max(max(counts) for counts in lit.values()) == 2
        with pytest.raises(
            RuleRefused, match=r"lights 2 other cells at \d\d:\d0 UTC .*all beams that it has"
        ) as refused:
            hold(session, near[2], 10)
        assert [(one.field, one.code) for one in refused.value.faults] == [("latitudeDeg", "noSatelliteBeam")]
        hold(session, near[1], 10)  # its cell is lit already
        hold(session, near[2], 10, Period(YEAR_2027.start_at - timedelta(days=60), YEAR_2027.start_at))
        with pytest.raises(RuleRefused, match="more cells than it has beams"):
            change(session, beamsPerSatellite=1)
        release(session, session.exec(select(ConstellationShare)).all(), "over")
        assert first.state == "released"
        hold(session, near[2], 10)


def test_another_capacity_day_counts_all_that_is_sold_anew_or_is_refused(sky: Database) -> None:
    with sky.as_worker() as session:
        narrow(session, 200)
        one, other = hold(session, SAMOA), hold(session, COCOS)
        before = list(one.day_slots or [])
        with pytest.raises(RuleRefused) as refused:
            change(session, beamsPerSatellite=None, capacityDay=None)
        assert [fault.code for fault in refused.value.faults] == ["soldAlready"]
        session.expire_all()
        change(session, capacityDay="2026-08-24")
        session.refresh(one)
        session.refresh(other)
        assert not set(one.day_slots or ()) & set(other.day_slots or ())
        assert len(one.day_slots or ()) == pytest.approx(len(before), abs=4)
        of_cells = session.exec(select(ConstellationShare).where(col(ConstellationShare.cell).is_not(None))).all()
        assert all(share.lit_by for share in of_cells)


def test_a_day_that_nobody_can_plan_is_refused_by_name(sky: Database) -> None:
    with sky.as_worker() as session:
        for values, field in (
            ({"capacityDay": "2026-12-24"}, "capacityDay"),
            ({"capacityDay": None}, "beamsPerSatellite"),
            ({"capacityDay": "yesterday"}, "capacityDay"),
            ({"beamsPerSatellite": 0}, "beamsPerSatellite"),
        ):
            with pytest.raises(Refused) as refused, session.begin_nested():
                change(session, **values)
            assert field in refused.value.faults[0].field
            session.expire_all()
