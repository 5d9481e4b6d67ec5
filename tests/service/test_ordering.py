"""Service orders: made once for each product order, carrying the solution, moving along TMF641's life."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session

from satcom.core.access import create_token
from satcom.core.database import Database, find
from satcom.core.entity import new_id
from satcom.core.errors import RuleRefused, WrongState
from satcom.service import ordering
from satcom.service.inventory import Service
from satcom.service.ordering import (
    ServiceOrder,
    ServiceOrderState,
    begin_service_order,
    cancel_service_order,
    complete_service_order,
    fail_service_order,
    place_service_order,
    wait_with_service_order,
)
from tests.service.a_service import a_service
from tests.service.a_solution import a_solution


def an_order(session: Session, service: Service | None = None, product_order_id: str = "") -> ServiceOrder:
    ordered = service or a_service(session)
    assert ordered.party_id is not None
    return place_service_order(session, product_order_id or new_id(), ordered.party_id, ordered.id, a_solution())


def test_a_product_order_has_one_service_order_and_its_solution_is_kept_whole(database: Database) -> None:
    with database.as_worker() as session:
        service, product_order_id = a_service(session), new_id()
        order_id = an_order(session, service, product_order_id).id
        assert an_order(session, service, product_order_id).id == order_id
    with database.as_worker() as session:
        assert find(session, ServiceOrder, order_id).solution == a_solution()


def test_a_service_of_another_party_or_of_nobody_is_not_ordered(database: Database) -> None:
    with database.as_worker() as session:
        service = a_service(session)
        for party_id, service_id in ((new_id(), service.id), (service.party_id, new_id())):
            assert party_id is not None
            with pytest.raises(RuleRefused) as refused:
                place_service_order(session, new_id(), party_id, service_id, a_solution())
            assert refused.value.faults[0].field == "/serviceOrderItem/0/service/id"


def test_an_order_waits_goes_on_and_is_completed_and_its_item_with_it(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        for step in (
            begin_service_order,
            wait_with_service_order,
            begin_service_order,
            complete_service_order,
        ):
            for _ in range(2):
                step(session, order.id)
            assert order.service_order_item[0].state is order.state
        assert order.state is ServiceOrderState.COMPLETED
        assert order.start_date is not None
        assert order.completion_date is not None


def test_what_was_handed_over_is_not_cancelled_and_what_was_not_begun_not_completed(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        with pytest.raises(WrongState):
            complete_service_order(session, order.id)
        begin_service_order(session, order.id)
        complete_service_order(session, order.id)
        with pytest.raises(WrongState, match="none: completed is an end"):
            cancel_service_order(session, order.id, "the customer withdrew")
        with pytest.raises(WrongState):
            fail_service_order(session, order.id, "late", "too late to fail")


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancelled_order_makes_room_for_another_of_the_same_product_order(database: Database, begun: bool) -> None:
    with database.as_worker() as session:
        service, product_order_id = a_service(session), new_id()
        order = an_order(session, service, product_order_id)
        if begun:
            begin_service_order(session, order.id)
        for _ in range(2):
            cancel_service_order(session, order.id, "the customer withdrew")
            assert (order.state, order.cancellation_reason) == (ServiceOrderState.CANCELLED, "the customer withdrew")
        assert an_order(session, service, product_order_id).id != order.id


def test_a_failed_order_says_why_and_stays_failed_through_its_undo(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        begin_service_order(session, order.id)
        for reason in ("C/N 3 dB below plan", "another"):
            fail_service_order(session, order.id, "belowPlan", reason)
        cancel_service_order(session, order.id, "undo")
        assert order.state is ServiceOrderState.FAILED
        assert [(one.code, one.reason) for one in order.error_message or []] == [("belowPlan", "C/N 3 dB below plan")]


def test_a_client_reads_its_orders_without_the_solution_and_writes_none(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session)
        secret = create_token(session, "customer", ["customer"], order.party_id, timedelta(days=1))[1]
        other = an_order(session)
    app = FastAPI()
    app.state.database = database
    app.include_router(ordering.routes.router)
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(app) as client:
        rows = client.get(ServiceOrder.api.path, headers=headers).json()
        assert client.post(ServiceOrder.api.path, json={}, headers=headers).status_code == 405
        assert client.patch(order.href, json={}, headers=headers).status_code == 405
        exact = client.get(ServiceOrder.api.path, params={"orderDate": rows[0]["orderDate"]}, headers=headers)
        assert [row["id"] for row in exact.json()] == [order.id]
    assert [row["id"] for row in rows] == [order.id]
    assert {"orderDate", "state", "serviceOrderItem"} <= rows[0].keys()
    assert not {"solution", "serviceId"} & rows[0].keys()
    with database.as_worker() as session:
        assert find(session, ServiceOrder, other.id).party_id != order.party_id
