"""What is held, of which kind, and when it runs out, as Prometheus reads it."""

from datetime import timedelta
from typing import Final

import pytest
from sqlmodel import select

from satcom.app.hold_metrics import HELD, RUNS_OUT
from satcom.core.clock import clock, now, wall_now
from satcom.core.entity import new_id
from satcom.resource.reservation import Reservation, ReservationState
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.app.conftest import House
from tests.app.every_table import Party
from tests.app.test_metrics import Series, an_application, scraped

HOLDS, NEXT = "satcom_holds", "satcom_hold_next_expiry_timestamp_seconds"


def held_too(house: House, party: Party, days: int | None) -> None:
    """The party's terminal and its partner's capacity; its slot, port and shares are held from the start for a day."""
    until = None if days is None else now() + timedelta(days=days)
    with house.database.as_worker() as session:
        terminal = session.get_one(StockedTerminal, party.rows["StockedTerminal"])
        terminal.state, terminal.order_id, terminal.held_until = StockState.HELD, new_id(), until
        capacity = session.get_one(PartnerCapacity, party.rows["PartnerCapacity"])
        capacity.state, capacity.hold_until = PartnerCapacityState.HELD, wall_now() + timedelta(minutes=30)


def told(found: Series) -> dict[str, dict[str, float]]:
    """By kind what there is, and when it runs out."""
    counted: dict[str, dict[str, float]] = {kind: {} for kind in HELD}
    for (name, *labels), value in found.items():
        if name == HOLDS and value:
            counted[labels[0]][labels[1]] = value
    return counted


def test_holds_are_told_by_kind_and_by_when_they_run_out(house: House) -> None:
    mine, neighbour = house.filled.mine, house.filled.neighbour
    held_too(house, mine, 3)
    held_too(house, neighbour, None)
    noc = house.token("noc")
    with an_application(house.database) as http:
        before = scraped(http, noc)
        with clock.at(now() + timedelta(days=2)):
            later = scraped(http, noc)
    of_all: Final = float(len(house.filled.parties))
    theirs = {kind: {"1 hour to 1 day": of_all} for kind in ("slot", "power", "port", "pool", "constellation")}
    assert told(before) == theirs | {
        "terminal": {"1 day to 1 week": 1.0, "no end": 1.0},
        "partner": {"under 1 hour": 2.0},
    }
    assert told(later) == {kind: {"ran out": of_all} for kind in theirs} | {
        "terminal": {"1 hour to 1 day": 1.0, "no end": 1.0},
        "partner": {"under 1 hour": 2.0},
    }, "the partner's clock is the wall's"
    assert {key[1] for key in before if key[0] == NEXT} == set(HELD)
    assert {key[1] for key in later if key[0] == NEXT} == {"terminal", "partner"}, "what ran out runs out no more"
    comes_sooner = before[NEXT, "terminal"] - later[NEXT, "terminal"]
    assert comes_sooner == pytest.approx(timedelta(days=2).total_seconds(), abs=60), (
        "two days have gone by the business"
    )
    assert later[NEXT, "partner"] == before[NEXT, "partner"] > wall_now().timestamp()


def test_when_the_next_hold_runs_out_is_told_by_the_clock_that_prometheus_compares_it_with(house: House) -> None:
    until = now() + timedelta(days=2)
    with house.database.as_worker() as session:
        for one in session.exec(select(Reservation).where(Reservation.state == ReservationState.HELD)):
            one.hold_until = until
    with an_application(house.database) as http, clock.at(until - timedelta(minutes=30)):
        left = scraped(http, house.token("noc"))["satcom_reservation_next_expiry_timestamp_seconds",]
        assert 0 < left - wall_now().timestamp() < 3600, "SatcomHoldRunsOut tells of it"


def test_the_series_are_the_same_whatever_is_held(house: House) -> None:
    with an_application(house.database) as http:
        found = {key[1:] for key in scraped(http, house.token("noc")) if key[0] == HOLDS}
    assert found == {(kind, when) for kind in HELD for when in RUNS_OUT}
