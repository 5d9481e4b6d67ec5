"""Reservations: all or none, for a while, extended by right, and given back once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, timedelta
from threading import Barrier
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from satcom.core.access import create_token
from satcom.core.change_log import Change
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.errors import NotAllowed, Refused, RuleRefused, WrongState
from satcom.core.events import on
from satcom.core.security import OUTSIDE, WORKER, Principal, Role
from satcom.core.tmf_api import json_response
from satcom.core.values import Json
from satcom.resource.constellation_holding import WantedPassage
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hold import EXPIRED, HoldState, Owner, Period
from satcom.resource.hub import Hub, HubPortAssignment
from satcom.resource.payload import Transponder
from satcom.resource.reservation import (
    Reservation,
    ReservationExpired,
    ReservationState,
    Wanted,
    assign,
    expire_due,
    extend,
    held_by_reservation,
    release,
    reserve,
)
from satcom.resource.reservation_by_hand import routes
from satcom.resource.reservation_period import move_start
from satcom.resource.reservation_takeover import take_up
from satcom.resource.spectrum import Direction, SpectrumAssignment, WantedSlot
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.enterprise.an_operator import an_operator, an_organization
from tests.resource.a_network import (
    MHZ,
    YEAR_2027,
    YEAR_2028,
    a_hub,
    a_satellite,
    a_slot,
    a_transponder,
    an_owner,
    tomorrow,
)
from tests.resource.held_alone import hold_port
from tests.resource.test_constellation import a_constellation, a_gateway
from tests.supplychain.a_stock import a_stock_item

SELLER = Principal("seller", frozenset({Role.SALES}), None, frozenset(), all_parties=True)
OTHER = Principal("other", frozenset({Role.SALES}), None, frozenset(), all_parties=True)
NOC = Principal("watch", frozenset({Role.NOC}), None, frozenset(), all_parties=True)
EXPIRED_ONES: list[ReservationExpired] = []


@on(ReservationExpired)
def _note(_: Session, event: ReservationExpired) -> None:
    EXPIRED_ONES.append(event)


def a_link(transponder: Transponder, hub_id: str | None, owner: Owner | None = None) -> Wanted:
    slots = (
        WantedSlot(transponder.id, 3 * MHZ, 2 * MHZ, Direction.RETURN),
        WantedSlot(transponder.id, 6 * MHZ, 5 * MHZ, Direction.FORWARD),
    )
    return Wanted(owner or an_owner(), YEAR_2027, slots, (hub_id,) if hub_id is not None else ())


def in_force(session: Session) -> tuple[int, int]:
    """How many slots and ports are not released."""
    slots = select(SpectrumAssignment).where(SpectrumAssignment.state != HoldState.RELEASED)
    ports = select(HubPortAssignment).where(HubPortAssignment.state != HoldState.RELEASED)
    return len(session.exec(slots).all()), len(session.exec(ports).all())


def test_a_link_is_held_whole_and_says_whose_it_is(database: Database) -> None:
    owner = an_owner()
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), a_hub(session).id, owner), tomorrow(), SELLER)
        held = held_by_reservation(session, reservation)
        assert [one.direction for one in held.slots] == [Direction.FORWARD, Direction.RETURN]
        assert [one.port_number for one in held.ports] == [1]
        assert Owner(reservation.order_id, reservation.order_reference, reservation.party_id) == owner
        assert {Owner(one.order_id, one.order_reference, one.party_id) for one in held.holds} == {owner}
        assert [item.state for item in reservation.reservation_item] == ["held"] * 3


def a_passage(session: Session, ports: int = 4) -> Wanted:
    """A port at each of two gateways, and a share of the cell and of both."""
    gateways = [a_gateway(session, name) | {"feeder_bandwidth_hz": 100 * MHZ} for name in ("Here", "There")]
    ring = a_constellation(name=f"Ring {new_id()}", gateways=gateways)
    session.add(ring)
    session.get_one(Hub, gateways[1]["hub_id"]).ports = ports
    session.flush()
    stations = tuple(one.earth_station_id for one in ring.gateways)
    passage = WantedPassage(ring.id, -10.71, 25.39, 60 * MHZ, 30 * MHZ, stations)
    return Wanted(an_owner(), YEAR_2027, hub_ids=tuple(one.hub_id for one in ring.gateways), passage=passage)


def test_a_passage_is_held_with_a_port_at_each_gateway_and_changed_in_its_place(database: Database) -> None:
    with database.as_worker() as session:
        wanted = a_passage(session)
        hold_port(session, wanted.hub_ids[0], YEAR_2027, an_owner(), tomorrow())
        reservation = reserve(session, wanted, tomorrow(), SELLER)
        held = held_by_reservation(session, reservation)
        kinds = [item.related_entity[0].referred_type for item in reservation.reservation_item]
        assert kinds == ["Hub", "Hub", "Constellation", "EarthStation", "EarthStation"]
        ports = {one.hub_id: one.port_number for one in held.ports}
        assert ports == dict(zip(wanted.hub_ids, (2, 1), strict=True))
        assert [one.earth_station_id is None for one in held.passages] == [True, False, False]
        assert {Owner(one.order_id, one.order_reference, one.party_id) for one in held.holds} == {wanted.owner}
        assert wanted.passage is not None
        wider = replace(wanted.passage, forward_hz=90 * MHZ)
        change = replace(wanted, owner=an_owner(), passage=wider, hub_ids=wanted.hub_ids[::-1], instead_of=held)
        changed = held_by_reservation(session, reserve(session, change, tomorrow(), SELLER))
        assert {one.hub_id: one.port_number for one in changed.ports} == ports
        assert {one.line for one in changed.holds} == {one.line for one in held.holds}


def test_of_a_passage_all_is_held_or_nothing_and_all_of_it_ends(database: Database) -> None:
    with database.as_worker() as session:
        wanted, full = a_passage(session), a_passage(session, ports=0)
        with pytest.raises(RuleRefused, match="none of the 0 ports"):
            reserve(session, full, tomorrow(), SELLER)
        reserve(session, wanted, tomorrow(), SELLER)
        again = replace(wanted, owner=an_owner())
        with pytest.raises(RuleRefused) as refused:
            reserve(session, again, tomorrow(), SELLER)
        assert refused.value.faults[0].code == "noGatewayBandwidth"
        assert in_force(session) == (0, 2)
        assert len(session.exec(select(ConstellationShare)).all()) == 3
    with clock.at(tomorrow() + timedelta(seconds=1)), database.as_worker() as session:
        [ended] = expire_due(session)
        held = held_by_reservation(session, find(session, Reservation, ended))
        assert {one.state for one in held.holds} == {HoldState.RELEASED}
        assigned = assign(session, reserve(session, replace(again, owner=an_owner()), tomorrow(), SELLER))
        assert len(assigned.holds) == 5
        assert {one.state for one in assigned.holds} == {HoldState.ASSIGNED}


def test_a_passage_begins_later_and_not_earlier_than_its_cell_is_free(database: Database) -> None:
    with database.as_worker() as session:
        wanted = a_passage(session)
        before = reserve(session, wanted, tomorrow(), SELLER)
        after = reserve(session, replace(wanted, owner=an_owner(), period=YEAR_2028), tomorrow(), SELLER)
        with pytest.raises(RuleRefused) as refused:
            move_start(session, after, Period(YEAR_2027.start_at, YEAR_2028.stop_at))
        assert refused.value.faults[0].code == "noHubPort", "its ports are taken, too"
        later = Period(YEAR_2028.start_at - timedelta(days=1), YEAR_2027.stop_at)
        move_start(session, before, later)
        assert {one.start_at for one in held_by_reservation(session, before).holds} == {later.start_at}
        move_start(session, before, YEAR_2027)


def test_of_two_reservations_for_one_order_at_the_same_time_one_is_refused_and_holds_nothing(
    database: Database,
) -> None:
    owner, all_here = an_owner(), Barrier(8, timeout=120)
    with database.as_worker() as session:
        wanted = [a_link(a_transponder(session), a_hub(session).id, owner) for _ in range(8)]

    def attempt(one: Wanted) -> str:
        try:
            with database.as_worker() as session:
                session.connection()
                all_here.wait()  # each has a connection: who waits for one gives up after half a minute
                reserve(session, one, tomorrow(), WORKER)
        except RuleRefused as refused:
            return refused.faults[0].code
        return "held"

    with ThreadPoolExecutor(8) as workers:
        outcomes = list(workers.map(attempt, wanted))
    assert sorted(outcomes) == ["alreadyReserved"] * 7 + ["held"]
    with database.as_worker() as session:
        assert in_force(session) == (2, 1)
        release(session, session.exec(select(Reservation)).one(), "the customer thought better of it")
        assert reserve(session, wanted[0], tomorrow(), WORKER).state is ReservationState.HELD


def test_orders_that_want_the_same_transponders_in_any_order_do_not_block_each_other(database: Database) -> None:
    with database.as_worker() as session:
        both, hub_id = [a_transponder(session), a_transponder(session)], a_hub(session, ports=8).id

    def order(number: int) -> str:
        slots = tuple(a_slot(one, 6 * MHZ) for one in (both if number % 2 else both[::-1]))
        try:
            with database.as_worker() as session:
                reserved = reserve(session, Wanted(an_owner(), YEAR_2027, slots, (hub_id,)), tomorrow(), WORKER)
            with database.as_worker() as session:
                if number % 3:
                    assign(session, find(session, Reservation, reserved.id))
                else:
                    release(session, find(session, Reservation, reserved.id), "cancelled")
        except RuleRefused as refused:
            return refused.faults[0].code
        return "assigned" if number % 3 else "released"

    with ThreadPoolExecutor(12) as workers:
        outcomes = list(workers.map(order, range(12)))
    assert set(outcomes) <= {"assigned", "released", "noHubPort", "noContiguousSlot"}
    with database.as_worker() as session:
        assert in_force(session) == (2 * outcomes.count("assigned"), outcomes.count("assigned"))


def test_the_slots_of_a_change_share_the_power_that_there_is(database: Database) -> None:
    with database.as_worker() as session:
        transponder = a_transponder(session, bandwidth_hz=54 * MHZ)
        link = a_link(transponder, None)
        has = assign(session, reserve(session, link, tomorrow(), SELLER))
        louder = tuple(replace(one, power_share_hz=30 * MHZ) for one in link.slots)
        with pytest.raises(RuleRefused, match="24 of 54 MHz is left"):
            reserve(session, replace(link, owner=an_owner(), slots=louder, instead_of=has), tomorrow(), SELLER)
        at_the_limit = tuple(replace(one, power_share_hz=27 * MHZ) for one in link.slots)
        change = replace(link, owner=an_owner(), slots=at_the_limit, instead_of=has)
        changed = held_by_reservation(session, reserve(session, change, tomorrow(), SELLER))
        assert {one.line for one in changed.slots} == {one.line for one in has.slots}


def test_an_order_takes_up_the_last_that_was_held_for_its_customer(database: Database) -> None:
    owner = an_owner()
    with database.as_worker() as session:
        transponder, hub = a_transponder(session, bandwidth_hz=10 * MHZ), a_hub(session, ports=1)
        link = a_link(transponder, hub.id, Owner(None, None, None))
        before = reserve(session, link, tomorrow(), SELLER)
        with pytest.raises(RuleRefused):
            reserve(session, replace(link, owner=owner), tomorrow(), WORKER)
        taken = take_up(session, before, replace(link, owner=owner), tomorrow(), WORKER, "taken up")
        assert (before.state, taken.order_id) == (ReservationState.CANCELLED, owner.order_id)
        assert in_force(session) == (2, 1)
        assert len(held_by_reservation(session, taken).holds) == 3


def test_nothing_is_held_when_the_last_part_is_refused(database: Database) -> None:
    with database.as_worker() as session:
        transponder, hub = a_transponder(session), a_hub(session, ports=0)
        with pytest.raises(RuleRefused, match="none of the 0 ports") as refused:
            reserve(session, a_link(transponder, hub.id), tomorrow(), SELLER)
        assert refused.value.faults[0].code == "noHubPort"
        assert in_force(session) == (0, 0)
        assert session.exec(select(Reservation)).all() == []
        assert "SpectrumAssignment" not in session.exec(select(Change.entity_type)).all()


def test_a_terminal_in_stock_is_held_and_one_that_is_not_is_pending(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        transponder, item = a_transponder(session), a_stock_item(session, quantity=1)
        first, second = (
            reserve(
                session,
                Wanted(an_owner(), YEAR_2027, (a_slot(transponder, MHZ),), (), item.terminal_type_id),
                tomorrow(),
                SELLER,
            )
            for _ in range(2)
        )
        assert [one.state for one in first.reservation_item] == ["held", "held"]
        assert [one.state for one in second.reservation_item] == ["held", "pending"]
        release(session, first, "cancelled")
        assert [one.state for one in session.exec(select(StockedTerminal))] == [StockState.IN_STOCK]


def test_capacity_is_not_held_beyond_the_life_of_its_satellite(database: Database) -> None:
    with database.as_worker() as session:
        dying = a_transponder(session, satellite=a_satellite(session, end_of_life=date(2027, 6, 1)))
        with pytest.raises(RuleRefused) as refused:
            reserve(session, a_link(dying, None), tomorrow(), SELLER)
    assert refused.value.faults[0].code == "satelliteNotInService"


def test_a_reservation_of_nothing_and_one_in_the_past_are_refused(database: Database) -> None:
    with database.as_worker() as session:
        with pytest.raises(Refused, match="nothing of the network"):
            reserve(session, Wanted(an_owner(), YEAR_2027), tomorrow(), SELLER)
        with pytest.raises(RuleRefused, match="is over"):
            reserve(session, a_link(a_transponder(session), None), now(), SELLER)


def test_ports_are_given_lowest_first_and_each_once(database: Database) -> None:
    with database.as_worker() as session:
        hub = a_hub(session, ports=3)
        ports = [hold_port(session, hub.id, YEAR_2027, an_owner(), tomorrow()) for _ in range(3)]
        assert [one.port_number for one in ports] == [1, 2, 3]
        with pytest.raises(RuleRefused, match="none of the 3 ports"):
            hold_port(session, hub.id, YEAR_2027, an_owner(), tomorrow())


def test_who_holds_it_and_the_noc_extend_a_hold_and_nobody_else(database: Database) -> None:
    later = tomorrow() + timedelta(days=5)
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), a_hub(session).id), tomorrow(), SELLER)
        with pytest.raises(NotAllowed, match="does not hold"):
            extend(session, reservation, later, OTHER)
        extend(session, reservation, later, SELLER)
        extend(session, reservation, later + timedelta(days=1), NOC)
        held = held_by_reservation(session, reservation)
        assert {one.hold_until for one in held.holds} == {later + timedelta(days=1)}
        assert reservation.valid_for is not None
        assert reservation.valid_for.end_date_time == later + timedelta(days=1)


def test_a_reservation_that_ended_is_neither_extended_nor_assigned(database: Database) -> None:
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), None), tomorrow(), SELLER)
    with clock.at(tomorrow() + timedelta(seconds=1)), database.as_worker() as session:
        late = find(session, Reservation, reservation.id)
        with pytest.raises(RuleRefused, match="cannot be extended"):
            extend(session, late, tomorrow(), SELLER)
        with pytest.raises(RuleRefused, match="cannot be assigned"):
            assign(session, late)


def test_the_sweep_ends_what_is_due_frees_it_and_tells(database: Database) -> None:
    with database.as_worker() as session:
        transponder, hub = a_transponder(session), a_hub(session)
        due = [reserve(session, a_link(transponder, hub.id), tomorrow(), SELLER).id for _ in range(2)]
        kept = reserve(session, a_link(transponder, hub.id), tomorrow() + timedelta(days=9), SELLER)
    with clock.at(tomorrow() + timedelta(seconds=1)), database.as_worker() as session:
        assert sorted(expire_due(session)) == sorted(due)
        assert expire_due(session) == []
        assert in_force(session) == (2, 1)
        ended = find(session, Reservation, due[0])
        assert (ended.state, ended.state_change_reason) == (ReservationState.FAILED, EXPIRED)
        assert find(session, Reservation, kept.id).state is ReservationState.HELD
    assert {one.reservation_id for one in EXPIRED_ONES} >= set(due)


def test_an_assigned_reservation_does_not_end_by_itself(database: Database) -> None:
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), a_hub(session).id), tomorrow(), SELLER)
        assign(session, reservation)
        assign(session, reservation)
    with clock.at(tomorrow() + timedelta(days=9)), database.as_worker() as session:
        assert expire_due(session) == []
        assert in_force(session) == (2, 1)


def test_release_gives_back_once_and_what_is_given_back_is_not_assigned(database: Database) -> None:
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), a_hub(session).id), tomorrow(), SELLER)
        release(session, reservation, "the customer changed his mind")
        release(session, reservation, "again")
        assert in_force(session) == (0, 0)
        assert reservation.state_change_reason == "the customer changed his mind"
        with pytest.raises(WrongState):
            assign(session, reservation)


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.database = database
    app.include_router(routes.router)

    @app.exception_handler(Refused)
    def refuse(_: Request, error: Refused) -> Response:
        faults: Json = [{"field": one.field, "code": one.code} for one in error.faults]
        return json_response({"faults": faults}, error.status)

    with TestClient(app) as client:
        yield client


PATH = "/tmf-api/resourcePoolManagement/v4/reservation"


def token(database: Database, role: Role) -> dict[str, str]:
    with database.as_worker() as session:
        party = new_id() if role in OUTSIDE else None
        _, secret = create_token(session, f"{role}-{new_id()}", [role], party, timedelta(days=1))
    return {"Authorization": f"Bearer {secret}"}


def a_body(database: Database, hub: bool = True) -> dict[str, Json]:
    with database.as_worker() as session:
        an_operator(session)
        party, transponder = an_organization(session, "Customer"), a_transponder(session)
        hub_id = a_hub(session).id
    items: list[Json] = [
        {
            "relatedEntity": [{"id": transponder.id, "role": "of", "@referredType": "Transponder"}],
            "capacityDemand": {
                "capacityAmount": {"capacityAmount": "6000000"},
                "capacitySpec": {"id": "bandwidthHz"},
            },
        }
    ]
    if hub:
        items.append({"relatedEntity": [{"id": hub_id, "role": "of", "@referredType": "Hub"}]})
    until = (now() + timedelta(days=7)).isoformat()
    return {
        "relatedParty": [{"id": party.id, "role": "customer"}],
        "reservationItem": items,
        "reservationPeriod": {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z"},
        "validFor": {"endDateTime": until},
        "description": "for the talks in March",
    }


def test_sales_hold_capacity_by_hand_extend_it_and_give_it_back(client: TestClient, database: Database) -> None:
    sales, body = token(database, Role.SALES), a_body(database)
    made = client.post(PATH, json=body, headers=sales)
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["description"]) == ("held", body["description"])
    slot, port = made.json()["reservationItem"]
    asked: Any = body["reservationItem"]
    assert [slot["relatedEntity"], port["relatedEntity"]] == [one["relatedEntity"] for one in asked]
    assert slot["capacityDemand"] == asked[0]["capacityDemand"], "what was asked for comes back as it was sent"
    kept = [one["appliedCapacity"]["relatedCapacity"][0]["@referredType"] for one in (slot, port)]
    assert kept == ["SpectrumAssignment", "HubPortAssignment"]
    with database.as_worker() as session:
        assert in_force(session) == (1, 1)
    one = f"{PATH}/{made.json()['id']}"
    later = (now() + timedelta(days=20)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    longer = client.patch(one, json={"validFor": {"endDateTime": later}}, headers=sales)
    assert (longer.status_code, longer.json()["validFor"]["endDateTime"]) == (200, later)
    assert client.patch(one, json={"state": "cancelled"}, headers=token(database, Role.SALES)).status_code == 403
    back = client.patch(one, json={"state": "cancelled", "stateChangeReason": "lost"}, headers=sales)
    assert (back.json()["state"], back.json()["stateChangeReason"]) == ("cancelled", "lost")
    with database.as_worker() as session:
        assert in_force(session) == (0, 0)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.PARTNER, Role.FINANCE, Role.NOC, Role.PRODUCT_MANAGER])
def test_only_sales_and_provisioning_hold_by_hand(client: TestClient, database: Database, role: Role) -> None:
    answer = client.post(PATH, json=a_body(database), headers=token(database, role))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "pointer", "status"),
    [
        ("relatedParty", [{"id": new_id()}], "/relatedParty/0/id", 400),
        ("relatedParty", [], "/relatedParty", 400),
        ("reservationItem", [], "/reservationItem", 400),
        ("reservationItem", [{"action": "delete"}], "/reservationItem/0/action", 400),
        (
            "reservationItem",
            [{"relatedEntity": [{"id": new_id(), "role": "of", "@referredType": "Transponder"}]}],
            "/reservationItem/0/capacityDemand/capacityAmount/capacityAmount",
            400,
        ),
        ("reservationPeriod", {}, "/reservationPeriod/startDateTime", 400),
        (
            "reservationPeriod",
            {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"},
            "",
            400,
        ),
        ("validFor", {}, "/validFor/endDateTime", 400),
        ("validFor", {"endDateTime": "2020-01-01T00:00:00Z"}, "/validFor/endDateTime", 422),
        ("validFor", {"endDateTime": "2099-01-01T00:00:00Z"}, "/validFor/endDateTime", 422),
        ("state", "completed", "/state", 400),
        ("colour", "red", "/colour", 400),
    ],
)
def test_a_wrong_body_is_refused_by_field_and_leaves_no_trace(
    client: TestClient, database: Database, field: str, value: Json, pointer: str, status: int
) -> None:
    answer = client.post(PATH, json=a_body(database) | {field: value}, headers=token(database, Role.SALES))
    assert answer.status_code == status, answer.text
    assert any(fault["field"].startswith(pointer) for fault in answer.json()["faults"]), answer.text
    with database.as_worker() as session:
        assert in_force(session) == (0, 0)


def test_nothing_but_the_end_and_the_state_is_changed_by_hand(client: TestClient, database: Database) -> None:
    sales = token(database, Role.SALES)
    one = f"{PATH}/{client.post(PATH, json=a_body(database), headers=sales).json()['id']}"
    assert client.patch(one, json={"reservationItem": []}, headers=sales).status_code == 400
    assert client.patch(one, json={"state": "completed"}, headers=sales).status_code == 409
    assert client.patch(one, json={}, headers=sales).status_code == 400


def test_what_an_order_holds_is_not_given_back_by_hand(client: TestClient, database: Database) -> None:
    with database.as_worker() as session:
        reservation = reserve(session, a_link(a_transponder(session), None), tomorrow(), WORKER)
    answer = client.patch(
        f"{PATH}/{reservation.id}", json={"state": "cancelled"}, headers=token(database, Role.PROVISIONING)
    )
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "heldByOrder")
