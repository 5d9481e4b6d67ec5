"""An order and its flow: what is never begun, who waits for whom, and what a customer may still write."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from satcom.core.clock import clock, now
from satcom.core.database import Database, find, find_for_update
from satcom.core.entity import from_body, wire
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.events import _handlers, on
from satcom.core.security import WORKER, Principal, Role
from satcom.core.values import Json, instant_text
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.order_delivery import begin, hold_for
from satcom.market.ordering import (
    CancellationRequested,
    CancelProductOrder,
    OrderState,
    ProductOrder,
    amend_order,
    cancel_order,
    place_order,
)
from tests.market.a_market import a_market, an_order, an_order_body
from tests.market.test_ordering import cancellation_of
from tests.service.the_demonstration import load_the_network


@contextmanager
def delivered_by(handler: Callable[[Session, CancellationRequested], None]) -> Iterator[None]:
    """Nobody but `handler` hears of a cancellation for a while."""
    before = list(_handlers[CancellationRequested])
    _handlers[CancellationRequested].clear()
    on(CancellationRequested)(handler)
    try:
        yield
    finally:
        _handlers[CancellationRequested][:] = before


def test_who_cancels_leaves_the_order_to_the_flow_until_the_plan_is_his(database: Database) -> None:
    locked: list[str] = []

    def flow_goes_on(session: Session, event: CancellationRequested) -> None:
        """A wave that holds the plan when the cancellation asks for it; it needs the order to come to its end."""
        with database.as_worker() as wave:
            wave.connection().execute(text("SET LOCAL lock_timeout = '2s'"))
            locked.append(find_for_update(wave, ProductOrder, event.order.id).id)

    with database.as_worker() as session:
        order = an_order(session, a_market(session))
    with database.as_worker() as session, delivered_by(flow_goes_on):
        cancel_order(session, cancellation_of(order), WORKER)
    assert locked == [order.id]


def test_of_two_who_cancel_at_once_one_is_told_that_it_is_being_cancelled(database: Database) -> None:
    quicker: list[CancelProductOrder] = []

    def another_cancels(session: Session, event: CancellationRequested) -> None:
        if not quicker:
            quicker.append(cancellation_of(event.order))
            with database.as_worker() as other:
                other.connection().execute(text("SET LOCAL lock_timeout = '2s'"))
                cancel_order(other, quicker[0], WORKER)

    with database.as_worker() as session:
        order = an_order(session, a_market(session))
    with delivered_by(another_cancels), pytest.raises(WrongState) as refused:  # noqa: SIM117
        with database.as_worker() as session:
            cancel_order(session, cancellation_of(order), WORKER)
    assert refused.value.faults[0].code == "notCancellable"
    with database.as_worker() as session:
        assert find(session, ProductOrder, order.id).state is OrderState.PENDING_CANCELLATION
        assert session.exec(select(CancelProductOrder.id)).all() == [quicker[0].id]


def test_an_order_that_waits_beyond_its_start_still_takes_a_note(database: Database) -> None:
    with database.as_worker() as session:
        body = an_order_body(a_market(session)) | {"requestedStartDate": instant_text(now() + timedelta(days=3))}
        order = place_order(session, from_body(ProductOrder, body), WORKER)
        with clock.at(now() + timedelta(days=30)):
            amend_order(session, order, {"note": [{"text": "the road is open again"}]}, WORKER)
            assert [one.text for one in order.note] == ["the road is open again"]
            late = instant_text(now() - timedelta(days=2))
            with pytest.raises(RuleRefused) as refused:
                amend_order(session, order, {"requestedCompletionDate": late}, WORKER)
            assert [one.field for one in refused.value.faults] == ["/requestedCompletionDate"]


def test_who_orders_from_outside_signs_his_notes_with_his_own_name(database: Database) -> None:
    forged: dict[str, Json] = {"text": "installation is free", "author": "operator"}
    with database.as_worker() as session:
        market = a_market(session)
        outside = Principal("Mine", frozenset({Role.CUSTOMER}), market.party, frozenset({market.party}), False)
        body: Json = an_order_body(market) | {"note": [forged]}
        order = place_order(session, from_body(ProductOrder, body), outside)
        assert [one.author for one in order.note] == ["Mine"]
        hold_for(session, begin(session, order.id).id, "the terminal")
        assert [one.author for one in order.note] == ["Mine", "operator"]
        kept = cast("list[Json]", wire(order)["note"])
        said = cast("dict[str, Json]", kept[1])
        again: dict[str, Json] = {name: value for name, value in said.items() if name != "date"}
        amend_order(session, order, {"note": [*kept, again, forged]}, outside)
        assert [one.author for one in order.note] == ["Mine", "operator", "Mine", "Mine"]
        kept = cast("list[Json]", wire(order)["note"])
        amend_order(session, order, {"note": [*kept, forged | {"author": "Amina"}]}, WORKER)
        assert [one.author for one in order.note] == ["Mine", "operator", "Mine", "Mine", "Amina"]


def test_an_order_for_a_place_that_nobody_reaches_is_refused_with_all_its_other_faults(database: Database) -> None:
    listed = "/productOrderItem/0/product/productCharacteristic"
    with database.as_worker() as session:
        market = a_market(session)
        load_the_network(session)
        for latitude, longitude, code in ((-15, 5, "noCountry"), (-43.5, 172.6, "outsideContour")):
            body = an_order_body(market, latitudeDeg=latitude, longitudeDeg=longitude)
            body |= {"billingAccount": {"id": market.other_account}, "requestedStartDate": "1999-01-01T00:00:00Z"}
            with pytest.raises(Refused) as refused:
                place_order(session, from_body(ProductOrder, body), WORKER)
            assert [(one.field, one.code) for one in refused.value.faults] == [
                ("/requestedStartDate", "outOfRange"),
                (f"{listed}/2", code),
                ("/billingAccount/id", "foreignAccount"),
            ]
        assert session.exec(select(ProductOrder)).first() is None
        without_licence = an_order_body(market, latitudeDeg=8.517, longitudeDeg=-8.9)
        assert place_order(session, from_body(ProductOrder, without_licence), WORKER).reference


def test_what_the_network_cannot_plan_for_is_refused_when_it_is_ordered(database: Database) -> None:
    with database.as_worker() as session:
        body = an_order_body(a_market(session), availabilityPercent=100)
        with pytest.raises(Refused) as refused:
            place_order(session, from_body(ProductOrder, body), WORKER)
    assert [(one.field, one.code) for one in refused.value.faults] == [
        ("/productOrderItem/0/product/productCharacteristic/4", "outOfRange")
    ]


def test_what_could_never_be_billed_is_not_ordered(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        find(session, BillingAccount, market.account).currency = "EUR"
        session.flush()
        with pytest.raises(RuleRefused) as refused:
            an_order(session, market)
    fault = refused.value.faults[0]
    assert (fault.field, fault.code) == ("/billingAccount/id", "currency")
    assert fault.why == "the account is in EUR, the offering is priced in USD"


def close_account(database: Database, account_id: str) -> None:
    """Close it, as a request does that does not wait long."""
    with database.as_worker() as session:
        session.connection().execute(text("SET LOCAL lock_timeout = '300ms'"))
        account = find_for_update(session, BillingAccount, account_id)
        patch_billing_account(session, account, {"state": "Closed"}, WORKER)


def test_an_account_is_not_closed_behind_the_back_of_who_orders(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
    with database.as_worker() as ordering:
        an_order(ordering, market)
        with pytest.raises(OperationalError):
            close_account(database, market.account)
        with database.as_worker() as another:  # two who order on one account do not wait for each other
            another.connection().execute(text("SET LOCAL lock_timeout = '2s'"))
            an_order(another, market)
