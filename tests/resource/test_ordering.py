"""Resource orders: items for what is held, and an order whose state follows from theirs."""

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import checked, new_id, wire
from satcom.core.errors import NotFound, Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.tmf_document import body_faults, tmf_document
from satcom.resource.ground import Terminal, TerminalState, move_terminal, plan_terminal
from satcom.resource.hold import Owner
from satcom.resource.ordering import (
    ResourceOrder,
    ResourceOrderState,
    begin_resource_order,
    cancel_resource_order,
    complete_resource_order,
    items_of,
    move_item,
    place_resource_order,
)
from satcom.resource.reservation import Wanted, held_by_reservation, release, reservation_of, reserve
from tests.resource.a_network import (
    MHZ,
    YEAR_2027,
    a_hub,
    a_slot,
    a_terminal_type,
    a_transponder,
    an_owner,
    tomorrow,
)


def a_terminal(session: Session, approved: bool = True) -> Terminal:
    values = {
        "name": "Terminal at Kolwezi",
        "terminal_type_id": a_terminal_type(session, approved).id,
        "latitude_deg": -10.7148,
        "longitude_deg": 25.3855,
    }
    return plan_terminal(session, checked(Terminal, values), WORKER)


def an_order(session: Session, owner: Owner | None = None) -> ResourceOrder:
    owner = owner or an_owner()
    wanted = Wanted(owner, YEAR_2027, (a_slot(a_transponder(session), MHZ),), (a_hub(session).id,))
    held = held_by_reservation(session, reserve(session, wanted, tomorrow(), WORKER))
    return place_resource_order(session, owner, items_of(held, a_terminal(session)))


def test_an_order_has_an_item_for_slot_port_and_terminal_and_fits_the_document(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        body = wire(order)
    assert [one.resource.category for one in order.order_item] == [
        "SpectrumAssignment",
        "HubPortAssignment",
        "Terminal",
    ]
    assert body_faults(tmf_document("TMF652"), "ResourceOrder", body, frozenset()) == []


def test_asked_again_the_same_order_is_given(database: Database) -> None:
    owner = an_owner()
    with database.as_worker() as session:
        order = an_order(session, owner)
        assert place_resource_order(session, owner, []).id == order.id


def test_an_order_is_completed_when_every_item_is(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        begin_resource_order(session, order.id)
        for item in order.order_item:
            assert order.state is ResourceOrderState.IN_PROGRESS
            move_item(session, order.id, item.resource.id, ResourceOrderState.COMPLETED)
        assert order.state is ResourceOrderState.COMPLETED
        assert order.completion_date is not None
        complete_resource_order(session, order.id)


def test_a_completed_order_is_taken_back_whole_and_another_may_follow(database: Database) -> None:
    owner = an_owner()
    with database.as_worker() as session:
        order = an_order(session, owner)
        complete_resource_order(session, order.id)
        cancel_resource_order(session, order.id, "the test failed")
        cancel_resource_order(session, order.id, "again")
        assert {one.state for one in order.order_item} == {ResourceOrderState.CANCELLED}
        assert [one.text for one in order.note] == ["the test failed"]
        with pytest.raises(WrongState):
            complete_resource_order(session, order.id)
        reservation = reservation_of(session, owner.order_id or "")
        assert reservation is not None
        release(session, reservation, "the order was undone")
        assert an_order(session, owner).id != order.id


def test_a_failed_item_fails_the_order_once_nothing_is_open(database: Database) -> None:
    with database.as_worker() as session:
        order = begin_resource_order(session, an_order(session).id)
        slot, port, _ = (one.resource.id for one in order.order_item)
        move_item(session, order.id, slot, ResourceOrderState.FAILED)
        assert order.state == "inProgress"
        cancel_resource_order(session, order.id, "the slot failed")
        assert order.state == "failed"
        with pytest.raises(WrongState, match="cannot go from cancelled"):
            move_item(session, order.id, port, ResourceOrderState.COMPLETED)


def test_an_order_of_nothing_or_for_nobody_and_an_unknown_item_are_refused(database: Database) -> None:
    with database.as_worker() as session:
        with pytest.raises(Refused, match="nothing is ordered"):
            place_resource_order(session, an_owner(), [])
        with pytest.raises(Refused, match="belongs to a product order"):
            place_resource_order(session, Owner(None, None, None), [])
        order = an_order(session)
        with pytest.raises(NotFound):
            move_item(session, order.id, new_id(), ResourceOrderState.COMPLETED)


def test_only_an_approved_terminal_is_planned_and_it_is_mounted_before_it_serves(database: Database) -> None:
    with database.as_worker() as session:
        with pytest.raises(RuleRefused) as refused:
            a_terminal(session, approved=False)
        assert refused.value.faults[0].code == "noApprovedTerminal"
        terminal = a_terminal(session)
        with pytest.raises(WrongState):
            move_terminal(session, terminal, TerminalState.IN_SERVICE, WORKER)
        for state in (TerminalState.INSTALLED, TerminalState.IN_SERVICE, TerminalState.REMOVED):
            move_terminal(session, terminal, state, WORKER)
