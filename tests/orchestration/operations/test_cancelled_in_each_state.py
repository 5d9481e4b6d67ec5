"""An order is cancelled in each of its states: it is undone once, or it is said why not, and nothing is doubled."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import from_body, wire
from satcom.core.errors import Fault, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.market.ordering import (
    CancellationState,
    CancelProductOrder,
    OrderState,
    ProductOrder,
    amend_order,
    place_order,
)
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskState, UndoState
from satcom.orchestration.standing import turn_round
from tests.market.a_market import CHARACTERISTICS
from tests.orchestration.operations.stopped_orders import Sold, Stop, everything_sold
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import DAKOTA
from tests.orchestration.operations.the_other_kinds import MHZ, order_body, ordered
from tests.postgres_server import drop_database, new_database

CHAD: dict[str, Json] = {"latitudeDeg": 15, "longitudeDeg": 18}  # no licence there, and no partner
NO_ROOM = {"field": "satellite", "why": "it was lost", "code": "noRoom"}
LATER = timedelta(days=40)
HUB_DELETES_NOTHING: dict[str, Json] = {"kind": "error500", "method": "DELETE", "path": "/v1/plans/*"}


FURTHER_WAITS = ("terminal_is_here", "appointment_is_made", "start_date_is_here")


@pytest.fixture(scope="module")
def sold(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sold]:
    url = new_database(template)
    database = Database(url, connections=4)
    with everything_sold(database, tmp_path_factory.mktemp("outside")) as sold:
        yield sold
    database.close()
    drop_database(url)


@pytest.fixture(autouse=True)
def _the_outside_is_well(sold: Sold) -> Iterator[None]:
    yield
    sold.operation.hub.set_faults()
    sold.partner.set_world(delivery_s=0)


def a_link(sold: Sold) -> str:
    return ordered(sold.operation, sold.offers["link"], **CHARACTERISTICS, installation="onSite")


def refused(sold: Sold, order_id: str) -> Fault:
    """A cancellation that is refused, and changes nothing."""
    before = sold.books()
    with pytest.raises(WrongState) as error:
        sold.cancel(order_id)
    assert sold.books() == before
    [fault] = error.value.faults
    assert fault.field == "/productOrder/id"
    return fault


def state_of(sold: Sold, order_id: str) -> OrderState:
    with sold.database.as_worker() as session:
        return find(session, ProductOrder, order_id).state


def cancellations(sold: Sold, order_id: str) -> list[CancellationState]:
    with sold.database.as_worker() as session:
        asked = select(CancelProductOrder).where(CancelProductOrder.order_id == order_id)
        return [one.state for one in session.exec(asked)]


def undone_once(sold: Sold, order_id: str) -> None:
    sold.followed(order_id, FlowState.CANCELLED)
    assert sold.given_back_twice(order_id) == []


@pytest.mark.parametrize(
    "wait",
    [
        "order_is_approved",
        "site_is_installed",
        *(pytest.param(one, marks=pytest.mark.at_length) for one in FURTHER_WAITS),
    ],
)
def test_an_order_that_waits_for_somebody_outside_is_cancelled_once_and_leaves_nothing(sold: Sold, wait: str) -> None:
    before, order_id = sold.books(), a_link(sold)
    tasks = sold.bring(order_id, Stop(wait, "waiting"))
    assert tasks[wait].state is TaskState.ACTIVE
    sold.cancel(order_id)
    assert (refused(sold, order_id).code, state_of(sold, order_id)) == (
        "notCancellable",
        OrderState.PENDING_CANCELLATION,
    )
    undone_once(sold, order_id)
    assert refused(sold, order_id).why.endswith("is cancelled")
    assert cancellations(sold, order_id) == [CancellationState.DONE]
    assert sold.books().left_by(before) == []


def test_what_a_partner_has_not_delivered_yet_is_cancelled_there_once(sold: Sold) -> None:
    before = sold.books()
    sold.partner.set_world(delivery_s=3600)
    order_id = sold.operation.order(**DAKOTA)
    assert sold.bring(order_id)["partner_delivers"].state is TaskState.ACTIVE
    already = sold.partner.journal()
    sold.cancel(order_id)
    assert refused(sold, order_id).code == "notCancellable"
    undone_once(sold, order_id)
    assert sold.partner.journal()[len(already) :] == ["cancel", "release"]
    assert sold.books().left_by(before) == []


def test_who_cancels_again_while_the_hub_does_not_let_go_is_told_that_it_is_being_cancelled(sold: Sold) -> None:
    before, order_id = sold.books(), a_link(sold)
    sold.bring(order_id, Stop("hand_over", "held"))
    sold.operation.hub.set_faults(HUB_DELETES_NOTHING)
    sold.cancel(order_id)
    flow, tasks = sold.operation.advance(order_id)
    assert (flow.state, tasks["configure_hub"].undo_state) == (FlowState.HOLD, UndoState.DUE)
    fault = refused(sold, order_id)
    assert (fault.code, fault.why.endswith("is pendingCancellation")) == ("notCancellable", True)
    sold.operation.hub.set_faults()
    undone_once(sold, order_id)
    assert cancellations(sold, order_id) == [CancellationState.DONE]
    assert sold.books().left_by(before) == []


def test_an_order_that_is_undone_because_it_failed_may_still_be_cancelled_and_is_undone_once(sold: Sold) -> None:
    before, order_id = sold.books(), a_link(sold)
    sold.bring(order_id, Stop("hand_over", "held"))
    sold.operation.hub.set_faults(HUB_DELETES_NOTHING)
    fails(sold, order_id)
    sold.operation.advance(order_id)
    assert state_of(sold, order_id) is OrderState.HELD
    sold.cancel(order_id)
    assert refused(sold, order_id).code == "notCancellable"
    sold.operation.hub.set_faults()
    undone_once(sold, order_id)
    assert state_of(sold, order_id) is OrderState.CANCELLED
    assert sold.books().left_by(before) == []


def fails(sold: Sold, order_id: str) -> None:
    """What it needs is gone."""
    with sold.database.as_worker() as session:
        turn_round(find(session, ProcessFlow, sold.operation.flow(order_id)[0].id), None, NO_ROOM)


def test_an_order_that_has_ended_is_not_cancelled_and_it_is_said_how_it_ended(sold: Sold) -> None:
    failed = a_link(sold)
    sold.bring(failed, Stop("hand_over", "held"))
    fails(sold, failed)
    sold.followed(failed, FlowState.CANCELLED)
    rejected = ordered(sold.operation, sold.offers["link"], **CHARACTERISTICS | CHAD)
    sold.bring(rejected)
    sold.followed(rejected, FlowState.CANCELLED)
    for order_id, state in ((failed, OrderState.FAILED), (rejected, OrderState.REJECTED)):
        fault = refused(sold, order_id)
        assert (fault.code, fault.why.endswith(f"is {state}")) == ("notCancellable", True)
        assert fault.accepted == "acknowledged, held, inProgress, pending"
        assert (state_of(sold, order_id), cancellations(sold, order_id)) == (state, [])
    fault = refused(sold, sold.link)
    assert (fault.code, state_of(sold, sold.link)) == ("tooLate", OrderState.COMPLETED)
    assert "with the action delete of product" in str(fault.accepted)


def test_an_order_that_was_amended_on_its_way_is_cancelled_as_it_is_and_not_amended_after(sold: Sold) -> None:
    before = sold.books()
    body = order_body(sold.operation.market, sold.offers["link"], **CHARACTERISTICS)
    body["requestedStartDate"] = instant_text(now() + LATER)
    with sold.database.as_worker() as session:
        order_id = place_order(session, from_body(ProductOrder, body), WORKER).id
    amended(sold, order_id, {"requestedCompletionDate": instant_text(now() + 2 * LATER), "description": "early"})
    assert sold.bring(order_id)["start_date_is_here"].state is TaskState.ACTIVE
    amended(sold, order_id, {"description": "for the new pit", "externalId": "PIT-7"})
    sold.cancel(order_id)
    with pytest.raises(WrongState) as error:
        amended(sold, order_id, {"requestedCompletionDate": instant_text(now() + 3 * LATER)})
    assert [one.field for one in error.value.faults] == ["/requestedCompletionDate"]
    undone_once(sold, order_id)
    with sold.database.as_worker() as session:
        order = find(session, ProductOrder, order_id)
        told = wire(order)
        assert (told["state"], told["description"], told["externalId"]) == ("cancelled", "for the new pit", "PIT-7")
    with pytest.raises(WrongState) as error:
        amended(sold, order_id, {"description": "after all"})
    assert [one.code for one in error.value.faults] == ["ended"]
    assert sold.books().left_by(before) == []


def amended(sold: Sold, order_id: str, patch: dict[str, Json]) -> None:
    with sold.database.as_worker() as session:
        amend_order(session, find(session, ProductOrder, order_id), patch, WORKER)


def test_a_change_that_is_cancelled_twice_leaves_the_product_to_the_next_change(sold: Sold) -> None:
    before = sold.books()
    slower = change(sold.operation, sold.link, downlinkRateBps=4 * MHZ)
    sold.bring(slower, Stop("switch_over", "held"))
    sold.cancel(slower)
    assert refused(sold, slower).code == "notCancellable"
    undone_once(sold, slower)
    assert refused(sold, slower).why.endswith("is cancelled")
    assert sold.books().left_by(before) == []
    again = change(sold.operation, sold.link, downlinkRateBps=4 * MHZ)
    sold.cancel(again)
    undone_once(sold, again)
    assert sold.books().left_by(before) == []
