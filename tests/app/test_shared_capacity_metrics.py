"""How full is what many share: what is sold of a pool, a gateway and a cell is missing from what is free of it."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from sqlmodel import select

from satcom.app.capacity_metrics import PARTS
from satcom.core.clock import clock, now
from satcom.core.database import Database
from satcom.orchestration.plan import FlowState
from satcom.resource.carrier_pool import CarrierPool, PoolShare
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import Period, assign
from satcom.resource.spectrum import Direction
from tests.app.test_metrics import Series, an_application, scraped
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import an_operation
from tests.orchestration.operations.the_other_kinds import an_access_ordered
from tests.resource.a_network import MHZ, an_owner, tomorrow
from tests.resource.held_alone import hold_passage
from tests.resource.test_constellation_share import ACCRA, a_passage, a_ring

COMMITTABLE, SALEABLE = "satcom_carrier_pool_committable_baud", "satcom_carrier_pool_saleable_baud"
FEEDER = "satcom_constellation_feeder_hertz"
CELLS, FULLEST = "satcom_constellation_cells", "satcom_constellation_fullest_cell_ratio"


def of(found: Series, families: Iterable[str]) -> Series:
    return {key: value for key, value in found.items() if key[0] in families}


def test_what_an_access_takes_of_a_pool_is_missing_from_what_is_free(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, pools=True) as operation, an_application(database) as http:
        noc = a_token(database, "noc")
        before = of(scraped(http, noc), {COMMITTABLE, SALEABLE})
        order_id = an_access_ordered(operation)
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with clock.at(now() + timedelta(days=120)):
            after = of(scraped(http, noc), {COMMITTABLE, SALEABLE})
        whole: dict[tuple[str, str], int] = {}
        taken: dict[tuple[str, str], int] = {}
        with database.as_worker() as session:
            for pool in session.exec(select(CarrierPool)):
                of_pool = (PoolShare.order_id == order_id, PoolShare.carrier_pool_id == pool.id)
                share = session.exec(select(PoolShare).where(*of_pool)).one()
                whole[COMMITTABLE, pool.direction] = pool.committable_baud
                whole[SALEABLE, pool.direction] = pool.saleable_baud
                taken[COMMITTABLE, pool.direction], taken[SALEABLE, pool.direction] = share.cir_baud, share.mir_baud
        assert set(after) == set(before), "an order adds no series"
        assert {key[1] for key in after} == {one.value for one in Direction}
        assert {key[4] for key in after} == set(PARTS)
        assert len(taken) == 4
        assert min(taken.values()) > 0
        for (family, direction, *names, state), baud in before.items():
            assert baud == (whole[family, direction] if state == "free" else 0)
            moved = {"free": -taken[family, direction], "held": 0, "assigned": taken[family, direction]}
            assert after[family, direction, *names, state] - baud == moved[state]


def test_what_is_sold_of_a_constellation_shows_at_its_gateways_and_in_its_cells(database: Database) -> None:
    with database.as_worker() as session:
        a_ring(session)
    families = {FEEDER, CELLS, FULLEST}
    with an_application(database) as http:
        noc = a_token(database, "noc")
        empty = of(scraped(http, noc), families)
        with database.as_worker() as session:
            ring, today = session.exec(select(Constellation)).one(), Period(now())
            assign(session, hold_passage(session, a_passage(ring, 100, 20), today, an_owner(), tomorrow()))
            hold_passage(session, a_passage(ring, 150, 0, ACCRA), today, an_owner(), tomorrow())
        sold = of(scraped(http, noc), families)
        with clock.at(now() + timedelta(days=2)):
            later = of(scraped(http, noc), families)

    assert set(sold) == set(later) == set(empty), "no series for each cell, nor for each service"
    assert {key[2:] for key in empty if key[:2] == (FEEDER, "Ring")} == {
        (direction.value, gateway, state)
        for direction in Direction
        for gateway, states in (("Here", PARTS), ("There", PARTS[1:]))
        for state in states
    }, "a gateway that does not limit has no free part"
    assert {value for key, value in empty.items() if key[-1] != "free"} == {0}

    def feeder(found: Series, direction: str, gateway: str = "Here") -> list[float | None]:
        return [
            hertz and hertz / MHZ for hertz in (found.get((FEEDER, "Ring", direction, gateway, one)) for one in PARTS)
        ]

    def cells(found: Series) -> list[tuple[float, float]]:
        return [(found[CELLS, "Ring", one.value], found[FULLEST, "Ring", one.value]) for one in Direction]

    assert (feeder(sold, "forward"), feeder(sold, "return")) == ([50, 150, 100], [280, 0, 20])
    assert feeder(sold, "forward", "There") == [None, 150, 100]
    assert cells(sold) == [(2, 0.6), (1, 0.08)]
    assert (feeder(later, "forward"), cells(later)) == ([200, 0, 100], [(1, 0.4), (1, 0.08)]), "the hold ran out"


def test_with_a_capacity_day_a_gateway_is_as_full_as_at_its_fullest_time(database: Database) -> None:
    with database.as_worker() as session:
        ring = a_ring(session)
        ring.capacity_day = date(2027, 1, 1)
        here = ring.gateways[0].earth_station_id
        for slots, width_mhz in (([1, 2], 100), ([2, 3], 80), ([5], 150), (None, 10)):
            share = ConstellationShare(
                name="Old customer",
                constellation_id=ring.id,
                earth_station_id=here,
                forward_hz=width_mhz * MHZ,
                return_hz=width_mhz * MHZ,
                day_slots=slots,
                start_at=now() - timedelta(days=1),
            )
            session.add(share.held_for(an_owner(), None, tomorrow()))
    with an_application(database) as http:
        found = of(scraped(http, a_token(database, "noc")), {FEEDER})
    assert [found.get((FEEDER, "Ring", "forward", "Here", one)) for one in PARTS] == [110 * MHZ, 190 * MHZ, 0]
