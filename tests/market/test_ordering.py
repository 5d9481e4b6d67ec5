"""Orders: what is taken, what is refused and why, how they move, and who sees them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from satcom.app.http import create_app
from satcom.core.change_log import Change
from satcom.core.clock import clock, now
from satcom.core.database import Database, find
from satcom.core.entity import from_body, wire
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import _handlers, on
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.catalog_entry import revise
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.customer import Customer, CustomerStatus, customer_of, patch_customer
from satcom.market.order_delivery import (
    Cause,
    begin,
    complete_order,
    expect_finish,
    fail_order,
    finish_cancellation,
    go_on,
    hold_for,
    price_order,
)
from satcom.market.ordering import (
    CancellationRequested,
    CancellationState,
    CancelProductOrder,
    OrderState,
    ProductOrder,
    ProductOrderCreated,
    amend_order,
    cancel_order,
    place_order,
)
from satcom.market.pricing import PriceType
from tests.market.a_market import (
    Market,
    a_market,
    a_priced_solution,
    a_token,
    an_offering,
    an_order,
    an_order_body,
    as_customer,
)

ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
AT = "/productOrderItem/0"


FREE: Json = {"name": "free", "priceType": "oneTime", "price": {"dutyFreeAmount": {"unit": "USD", "value": 0}}}


def a_term(amount: float, units: str) -> dict[str, Json]:
    return {"itemTerm": [{"duration": {"amount": amount, "units": units}}]}


@contextmanager
def a_session(database: Database) -> Iterator[tuple[Session, Market]]:
    with database.as_worker() as session:
        yield session, a_market(session)


def item_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("list[dict[str, Json]]", body["productOrderItem"])[0]


def faults_of(session: Session, body: dict[str, Json]) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        place_order(session, from_body(ProductOrder, body), WORKER)
    assert session.exec(select(ProductOrder)).first() is None
    return {(fault.field, fault.code) for fault in refused.value.faults}


def cancellation_of(order: ProductOrder, **more: Json) -> CancelProductOrder:
    return from_body(CancelProductOrder, {"productOrder": {"id": order.id}, **more})


@contextmanager
def listening(kind: type, handler: object) -> Iterator[None]:
    """Somebody listens for a while."""
    before = list(_handlers[kind])
    on(kind)(handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        _handlers[kind][:] = before


def test_an_order_is_accepted_whole_and_belongs_to_its_customer(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        assert order.state is OrderState.ACKNOWLEDGED
        assert order.item.state == "acknowledged"
        assert order.party_id == market.party
        assert re.fullmatch(rf"PO-{now().year}-\d{{6}}", order.reference)
        assert order.related_party[0].name == "Mine"
        assert order.billing_account is not None
        assert order.billing_account.name == "Mine, sites"
        assert order.item.product_offering is not None
        assert order.item.product_offering.name == "Dedicated SCPC link"
        logged = session.exec(select(Change.order_reference).where(Change.entity_id == order.id)).all()
        assert set(logged) == {order.reference}


def test_references_are_never_given_twice_and_count_up(database: Database) -> None:
    with a_session(database) as (session, market):
        references = [an_order(session, market).reference for _ in range(5)]
    assert references == sorted(set(references))


def test_the_year_of_a_reference_is_the_operators(database: Database) -> None:
    with a_session(database) as (session, market), clock.at(now().replace(month=12, day=31, hour=22, minute=0)):
        assert an_order(session, market).reference.startswith(f"PO-{now().year + 1}-")  # Nairobi is three hours ahead


def test_whoever_delivers_hears_of_an_order_in_its_own_transaction(database: Database) -> None:
    heard: list[str] = []

    def refuse(session: Session, event: ProductOrderCreated) -> None:
        heard.append(event.order.reference)
        raise RuleRefused("/", "no flow today", "noFlow")

    with a_session(database) as (session, market), listening(ProductOrderCreated, refuse):
        with pytest.raises(RuleRefused), session.begin_nested():
            an_order(session, market)
        assert len(heard) == 1
        assert session.exec(select(ProductOrder)).first() is None


def test_an_action_that_is_none_is_refused(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        item_of(body)["action"] = "noChange"
        assert faults_of(session, body) == {(f"{AT}/action", "notOffered")}


def test_one_item_at_a_time_is_taken(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        body["productOrderItem"] = [item_of(body), item_of(body) | {"id": "2"}]
        assert faults_of(session, body) == {("/productOrderItem/1", "severalItems")}


def test_an_order_without_items_is_refused(database: Database) -> None:
    with a_session(database) as (_, market), pytest.raises(Refused) as refused:
        from_body(ProductOrder, an_order_body(market) | {"productOrderItem": []})
    assert refused.value.faults[0].field == "/productOrderItem"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"quantity": 2}, f"{AT}/quantity", "outOfRange"),
        ({"state": "completed"}, f"{AT}/state", "derived"),
        ({"productOrderItem": [{"id": "1.1", "action": "add"}]}, f"{AT}/productOrderItem", "notOffered"),
        ({"itemPrice": [FREE]}, f"{AT}/itemPrice", "derived"),
        (a_term(2, "year"), f"{AT}/itemTerm/0/duration/units", "invalid"),
        (a_term(0, "month"), f"{AT}/itemTerm/0/duration/amount", "outOfRange"),
        (a_term(1.5, "month"), f"{AT}/itemTerm/0/duration/amount", "outOfRange"),
        (a_term(181, "month"), f"{AT}/itemTerm/0/duration/amount", "outOfRange"),
    ],
)
def test_an_item_says_only_what_the_customer_can_say(
    database: Database, wrong: dict[str, Json], field: str, code: str
) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        item_of(body).update(wrong)
        assert faults_of(session, body) == {(field, code)}


def test_a_product_that_is_added_has_no_id(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        cast("dict[str, Json]", item_of(body)["product"])["id"] = market.offering
        assert faults_of(session, body) == {(f"{AT}/product/id", "derived")}


def test_what_follows_from_delivery_is_not_taken_from_the_customer(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market) | {"cancellationReason": "none", "cancellationDate": "2027-01-01T00:00:00Z"}
        assert faults_of(session, body) == {("/cancellationReason", "derived"), ("/cancellationDate", "derived")}


def test_every_wrong_characteristic_is_named_at_once(database: Database) -> None:
    at = f"{AT}/product/productCharacteristic"
    with a_session(database) as (session, market):
        body = an_order_body(market, downlinkRateBps=1, uplinkRateBps="fast", latitudeDeg=None, colour="red")
        assert faults_of(session, body) == {
            (f"{at}/0/value", "outOfRange"),
            (f"{at}/1/value", "wrongType"),
            (f"{at}/4/name", "unknown"),
            (at, "missing"),
        }


def test_faults_of_dates_account_and_characteristics_are_told_together(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market, downlinkRateBps=1)
        body["billingAccount"] = {"id": market.party}
        body["requestedStartDate"] = "1999-01-01T00:00:00Z"
        assert {field for field, _ in faults_of(session, body)} == {
            "/requestedStartDate",
            "/billingAccount/id",
            f"{AT}/product/productCharacteristic/0/value",
        }


def test_an_offering_must_exist_and_be_named(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        item_of(body)["productOffering"] = {"id": "'; DROP TABLE product_order; --"}
        assert faults_of(session, body) == {(f"{AT}/productOffering/id", "notFound")}
        del item_of(body)["productOffering"]
        assert faults_of(session, body) == {(f"{AT}/productOffering", "missing")}


def test_an_offering_is_sold_only_while_it_is_launched(database: Database) -> None:
    with a_session(database) as (session, market):
        offering = find(session, ProductOffering, market.offering)
        revise(session, offering, {"lifecycleStatus": "Retired"}, WORKER)
        assert faults_of(session, an_order_body(market)) == {(f"{AT}/productOffering/id", "notSellable")}
        body = an_order_body(market)
        item_of(body)["productOffering"] = {"id": an_offering(session, launched=False).id}
        assert faults_of(session, body) == {(f"{AT}/productOffering/id", "notSellable")}


def test_an_order_names_its_account(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        del body["billingAccount"]
        assert faults_of(session, body) == {("/billingAccount", "missing")}
        item_of(body)["billingAccount"] = {"id": market.account}
        assert place_order(session, from_body(ProductOrder, body), WORKER).billing_account is not None


def test_item_and_order_name_one_account(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        item_of(body)["billingAccount"] = {"id": market.other_account}
        assert faults_of(session, body) == {(f"{AT}/billingAccount/id", "severalAccounts")}


def test_nobody_orders_on_another_partys_account(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market) | {"billingAccount": {"id": market.other_account}}
        assert faults_of(session, body) == {("/billingAccount/id", "foreignAccount")}


def test_a_suspended_account_takes_no_order(database: Database) -> None:
    with a_session(database) as (session, market):
        account = find(session, BillingAccount, market.account)
        patch_billing_account(session, account, {"state": "Suspended"}, WORKER)
        assert faults_of(session, an_order_body(market)) == {("/billingAccount/id", "accountNotActive")}


@pytest.mark.parametrize(
    ("roles", "code"),
    [([], "missing"), (["seller"], "missing"), (["customer", "Customer"], "severalCustomers")],
)
def test_staff_say_for_which_one_customer_they_order(database: Database, roles: list[str], code: str) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market) | {"relatedParty": [as_customer(market.party, role) for role in roles]}
        assert faults_of(session, body) == {("/relatedParty", code)}


def test_parties_exist_and_the_customer_may_order(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market) | {"relatedParty": [as_customer(market.offering)]}
        assert faults_of(session, body) == {("/relatedParty/0/id", "notFound")}
        customer = customer_of(session, market.party)
        assert customer is not None
        patch_customer(session, customer, {"status": "active"}, WORKER)
        patch_customer(session, customer, {"status": "suspended"}, WORKER)
        assert faults_of(session, an_order_body(market)) == {("/relatedParty/0/id", "customerMayNotOrder")}


@pytest.mark.parametrize(
    ("start_days", "completion_days", "fields"),
    [
        (-2, None, {"/requestedStartDate"}),
        (None, 16 * 366, {"/requestedCompletionDate"}),
        (30, 20, {"/requestedCompletionDate"}),
        (-400, -500, {"/requestedStartDate", "/requestedCompletionDate"}),
    ],
)
def test_dates_are_in_order_and_of_this_age(
    database: Database, start_days: int | None, completion_days: int | None, fields: set[str]
) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market)
        for name, days in (("requestedStartDate", start_days), ("requestedCompletionDate", completion_days)):
            if days is not None:
                body[name] = instant_text(now() + timedelta(days=days))
        assert {field for field, _ in faults_of(session, body)} == fields


def test_a_date_at_the_edge_of_the_calendar_is_refused_not_a_bug(database: Database) -> None:
    with a_session(database) as (session, market):
        body = an_order_body(market) | {
            "requestedStartDate": "0001-01-01T00:00:00+14:00",
            "requestedCompletionDate": "9999-12-31T23:59:59-14:00",
        }
        assert {code for _, code in faults_of(session, body)} == {"outOfRange"}


def test_an_order_moves_through_waiting_to_completion(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        begin(session, order.id)
        hold_for(session, order.id, "terminal from depot", now() + timedelta(days=5))
        assert (order.state, order.item.state) == (OrderState.HELD, "held")
        assert "waits for terminal from depot until" in (order.note[-1].text or "")
        expect_finish(session, order.id, now() + timedelta(days=9))
        assert order.expected_completion_date is not None
        go_on(session, order.id)
        complete_order(session, order.id, market.offering)
        complete_order(session, order.id, market.offering)
        assert (order.state, order.item.state) == (OrderState.COMPLETED, "completed")
        assert order.completion_date is not None
        assert order.item.product is not None
        assert order.item.product.id == market.offering
        assert len(order.note) == 1
        customer = customer_of(session, market.party)
        assert customer is not None
        assert customer.status is CustomerStatus.ACTIVE


def test_an_order_that_cannot_be_delivered_is_rejected_with_the_number_that_decided(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        fail_order(session, order.id, Cause("noContiguousSlot", "no piece is free", 12.0, 36.0, "MHz"))
        fail_order(session, order.id, Cause("late", "told twice"))
        assert order.state is OrderState.REJECTED
        assert [one.text for one in order.note] == ["noContiguousSlot: no piece is free (12 MHz, limit 36 MHz)"]


def test_an_order_whose_delivery_broke_has_failed(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        begin(session, order.id)
        fail_order(session, order.id, Cause("testFailed", "C/N is 2 dB short"))
        assert (order.state, order.item.state) == (OrderState.FAILED, "failed")
        with pytest.raises(WrongState):
            complete_order(session, order.id, market.offering)


def test_an_order_is_not_completed_before_it_began(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        with pytest.raises(WrongState):
            complete_order(session, order.id, market.offering)
        hold_for(session, order.id, "a person who judges its price")
        with pytest.raises(WrongState):
            complete_order(session, order.id, market.offering)
        assert go_on(session, order.id, begun=False).state is OrderState.ACKNOWLEDGED


def test_an_order_is_priced_by_the_list_of_its_day(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        priced = price_order(session, order.id, a_priced_solution(charged_bandwidth_hz=6_500_000))
        assert priced.one_time.value == Decimal("8750.00")
        assert priced.per_month.value == Decimal("6.5") * 2900 + 450
        assert [one.price.duty_free_amount for one in order.item.item_price] == [one.amount for one in priced.lines]
        session.flush()
        session.expire(order)
        totals = {one.price_type: one.price for one in order.order_total_price}
        once = totals[PriceType.ONE_TIME].tax_included_amount
        assert once is not None
        assert once.value == Decimal("10150.00")
        assert order.item.item_total_price == order.order_total_price


def test_a_terminal_without_a_price_is_not_given_away(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        with pytest.raises(RuleRefused) as refused:
            price_order(session, order.id, a_priced_solution("unheard of"))
        assert refused.value.faults[0].code == "noPrice"
        assert order.order_total_price == []


def test_what_does_not_touch_delivery_may_be_amended(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        wanted = instant_text(now() + timedelta(days=40))
        patch: dict[str, Json] = {
            "description": "d",
            "externalId": "X1",
            "note": [{"text": "call first"}],
            "requestedCompletionDate": wanted,
        }
        amend_order(session, order, patch, WORKER)
        assert (order.external_id, wire(order)["description"]) == ("X1", "d")
        assert (order.note[0].author, order.note[0].date is not None) == ("worker", True)
        begin(session, order.id)
        with pytest.raises(WrongState):
            amend_order(session, order, {"requestedCompletionDate": None}, WORKER)


@pytest.mark.parametrize("name", ["productOrderItem", "billingAccount", "relatedParty", "orderTotalPrice", "orderDate"])
def test_what_was_ordered_is_not_amended(database: Database, name: str) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        with pytest.raises(RuleRefused) as refused:
            amend_order(session, order, {name: []}, WORKER)
        assert (refused.value.faults[0].field, refused.value.faults[0].code) == (f"/{name}", "fixed")


def test_a_client_moves_no_order(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        with pytest.raises(WrongState):
            amend_order(session, order, {"state": "completed"}, WORKER)


def test_notes_are_added_and_never_lost(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        fail_order(session, order.id, Cause("noLicence", "no licence in GN"))
        notes: list[Json] = [[], None, [{"text": "all is well"}]]
        for note in notes:
            with pytest.raises(RuleRefused):
                amend_order(session, order, {"note": note}, WORKER)
        assert len(order.note) == 1
        kept = cast("list[Json]", wire(order)["note"])
        amend_order(session, order, {"note": [*kept, {"text": "customer told"}]}, WORKER)
        assert len(order.note) == 2
        with pytest.raises(WrongState):
            amend_order(session, order, {"description": "too late"}, WORKER)


def test_a_cancelled_order_is_undone_and_the_task_says_when(database: Database) -> None:
    heard: list[OrderState] = []

    def hear(session: Session, event: CancellationRequested) -> None:
        heard.append(event.order.state)

    with a_session(database) as (session, market), listening(CancellationRequested, hear):
        order = an_order(session, market)
        begin(session, order.id)
        cancel = cancel_order(session, cancellation_of(order, cancellationReason="mine closed"), WORKER)
        assert heard == [OrderState.IN_PROGRESS]
        assert (cancel.state, order.state) == (CancellationState.IN_PROGRESS, OrderState.PENDING_CANCELLATION)
        assert cancel.party_id == market.party
        finish_cancellation(session, order.id)
        finish_cancellation(session, order.id)
        assert (cancel.state, order.state) == (CancellationState.DONE, OrderState.CANCELLED)
        assert cancel.effective_cancellation_date == order.cancellation_date is not None
        assert order.cancellation_reason == "mine closed"


def test_past_the_point_of_no_return_nothing_is_cancelled(database: Database) -> None:
    def refuse(session: Session, event: CancellationRequested) -> None:
        raise WrongState("/productOrder/id", "the terminal is mounted", "pointOfNoReturn")

    with a_session(database) as (session, market):
        order = an_order(session, market)
        begin(session, order.id)
        with listening(CancellationRequested, refuse), pytest.raises(WrongState), session.begin_nested():
            cancel_order(session, cancellation_of(order), WORKER)
        session.expire_all()
        assert order.state is OrderState.IN_PROGRESS
        assert session.exec(select(CancelProductOrder)).first() is None


def test_an_order_is_cancelled_once_and_not_after_its_end(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        cancel_order(session, cancellation_of(order), WORKER)
        with pytest.raises(WrongState) as refused:
            cancel_order(session, cancellation_of(order), WORKER)
        assert refused.value.faults[0].code == "notCancellable"
        ended = an_order(session, market)
        fail_order(session, ended.id, Cause("noPower", "none left"))
        with pytest.raises(WrongState):
            cancel_order(session, cancellation_of(ended), WORKER)


def test_a_cancellation_that_cannot_be_undone_ends_with_an_error(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        cancel = cancel_order(session, cancellation_of(order), WORKER)
        fail_order(session, order.id, Cause("undoFailed", "the hub does not answer"))
        assert (cancel.state, order.state) == (CancellationState.TERMINATED_WITH_ERROR, OrderState.FAILED)


def test_a_cancellation_names_an_order_and_takes_effect_at_once(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        unknown = from_body(CancelProductOrder, {"productOrder": {"id": market.party}})
        later_on = cancellation_of(order, requestedCancellationDate=instant_text(now() + timedelta(days=30)))
        with pytest.raises(Refused) as missing:
            cancel_order(session, unknown, WORKER)
        assert (missing.value.faults[0].field, missing.value.faults[0].code) == ("/productOrder/id", "notFound")
        with pytest.raises(RuleRefused) as later:
            cancel_order(session, later_on, WORKER)
        assert later.value.faults[0].field == "/requestedCancellationDate"


def test_an_account_stays_open_while_an_order_will_be_charged_to_it(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        account = find(session, BillingAccount, market.account)
        with pytest.raises(RuleRefused), session.begin_nested():
            patch_billing_account(session, account, {"state": "Closed"}, WORKER)
        fail_order(session, order.id, Cause("noLicence", "none"))
        assert patch_billing_account(session, account, {"state": "Closed"}, WORKER).state == "Closed"


def test_customers_order_for_themselves_and_see_only_their_own(database: Database) -> None:
    with a_session(database) as (_, market):
        pass
    http = TestClient(create_app(database))
    mine = a_token(database, "customer", market.party)
    other = a_token(database, "customer", market.other_party)
    body = an_order_body(market)
    del body["relatedParty"]
    placed = http.post(ORDERS, json=body, headers=mine)
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert [one["role"] for one in order["relatedParty"]] == ["customer"]
    assert http.get(f"{ORDERS}?reference={order['reference']}", headers=mine).headers["X-Total-Count"] == "1"
    assert http.get(ORDERS, headers=other).json() == []
    assert http.get(f"{ORDERS}/{order['id']}", headers=other).status_code == 404
    assert http.patch(f"{ORDERS}/{order['id']}", json={"description": "x"}, headers=other).status_code == 404
    assert http.delete(f"{ORDERS}/{order['id']}", headers=mine).status_code == 405
    foreign = http.post(CANCELLATIONS, json={"productOrder": {"id": order["id"]}}, headers=other)
    assert (foreign.status_code, foreign.json()["field"]) == (400, "/productOrder/id")
    refused = http.post(ORDERS, json=body, headers=other)
    assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (
        400,
        "/billingAccount/id",
        "notFound",
    )
    for_another = http.post(ORDERS, json=an_order_body(market), headers=other)
    assert (for_another.status_code, for_another.json()["field"]) == (400, "/relatedParty/0/id")
    assert http.post(ORDERS, json=body, headers=a_token(database, "noc")).status_code == 403
    cancelled = http.post(CANCELLATIONS, json={"productOrder": {"id": order["id"]}}, headers=mine)
    assert cancelled.status_code == 201, cancelled.text
    assert http.get(CANCELLATIONS, headers=other).json() == []


def test_an_order_is_found_by_its_partners_number_date_and_state(database: Database) -> None:
    with a_session(database) as (session, market):
        order = from_body(ProductOrder, an_order_body(market) | {"externalId": "ERP-7"})
        shown = wire(place_order(session, order, WORKER))
    http, staff = TestClient(create_app(database)), a_token(database, "sales")
    for name in ("externalId", "orderDate", "state", "reference"):
        found = http.get(ORDERS, params={name: str(shown[name])}, headers=staff)
        assert [one["id"] for one in found.json()] == [shown["id"]], name


def test_a_customer_entity_is_what_the_order_belongs_to(database: Database) -> None:
    with a_session(database) as (session, market):
        order = an_order(session, market)
        customers = session.exec(select(Customer).where(Customer.party_id == order.party_id)).all()
        assert [one.name for one in customers] == ["Mine"]
