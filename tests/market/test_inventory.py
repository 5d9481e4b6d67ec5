"""Products: made once by an order, handed over, taken back, brought in by migration, seen by their owner."""

from datetime import timedelta
from typing import cast

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from satcom.app.http import create_app
from satcom.core.change_log import Change
from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import from_body, new_id, wire
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.market.account.billing_account import BillingAccount, patch_billing_account
from satcom.market.inventory import (
    Product,
    ProductStatus,
    correct_product,
    hand_over,
    load_product,
    product_of_order,
    take_back,
)
from satcom.market.order_delivery import Cause, fail_order
from satcom.market.product_delivery import create_product
from tests.market.a_market import CHARACTERISTICS, Market, a_market, a_token, an_order, as_customer
from tests.market.a_product import a_priced_order, a_product

PRODUCTS = "/tmf-api/productInventory/v4/product"
DEMANDED = (
    "billingAccount",
    "productCharacteristic",
    "productOffering",
    "productPrice",
    "relatedParty",
    "status",
)


def a_sold_body(market: Market, **more: Json) -> dict[str, Json]:
    """A product that was sold before satcom."""
    return {
        "name": "Old link",
        "status": "active",
        "startDate": instant_text(now() - timedelta(days=400)),
        "billingAccount": {"id": market.account},
        "productOffering": {"id": market.offering},
        "productCharacteristic": [{"name": name, "value": value} for name, value in CHARACTERISTICS.items()],
        "productPrice": [
            {
                "name": "Capacity",
                "priceType": "recurring",
                "recurringChargePeriod": "month",
                "price": {"dutyFreeAmount": {"unit": "USD", "value": 9000}},
            }
        ],
        "relatedParty": [as_customer(market.party)],
        **more,
    }


def faults_of(session: Session, body: dict[str, Json]) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        load_product(session, from_body(Product, body), WORKER)
    assert session.exec(select(Product)).first() is None
    return {(fault.field, fault.code) for fault in refused.value.faults}


def test_an_order_makes_one_product_at_the_price_it_was_sold_at(database: Database) -> None:
    with database.as_worker() as session:
        order = a_priced_order(session, a_market(session))
        service_id = new_id()
        product = create_product(session, order, service_id)
        assert create_product(session, order, new_id()).id == product.id
        assert product_of_order(session, order.id) is product
        assert product.status is ProductStatus.PENDING_ACTIVE
        assert product.party_id == order.party_id
        assert product.product_price == order.item.item_price
        assert [one.id for one in product.realizing_service] == [service_id]
        assert product.product_order_item[0].product_order_id == order.id
        shown = wire(product)
        assert all(shown[name] for name in DEMANDED)


def test_an_order_without_a_price_makes_no_product(database: Database) -> None:
    with database.as_worker() as session:
        order = an_order(session, a_market(session))
        with pytest.raises(RuleRefused) as refused:
            create_product(session, order, new_id())
        assert refused.value.faults[0].code == "notPriced"


def test_a_product_starts_when_it_is_handed_over_and_only_once(database: Database) -> None:
    with database.as_worker() as session:
        product = create_product(session, a_priced_order(session, a_market(session)), new_id())
        start = now()
        hand_over(session, product.id, start)
        hand_over(session, product.id, start + timedelta(days=1))
        assert (product.status, product.start_date) == (ProductStatus.ACTIVE, start)


def test_what_is_undone_before_hand_over_is_cancelled_and_after_it_terminated(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        waiting = a_priced_order(session, market)
        create_product(session, waiting, new_id())
        active = a_product(session, market)
        assert active.order_id is not None
        for order_id, status in ((waiting.id, "cancelled"), (active.order_id, "terminated")):
            for _ in range(2):
                taken = take_back(session, order_id)
                assert taken is not None
                assert taken.status == status
                assert taken.termination_date is not None
        assert take_back(session, a_priced_order(session, market).id) is None
        with pytest.raises(WrongState):
            hand_over(session, active.id, now())


def test_existing_products_are_loaded_under_the_same_checks_and_marked(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = load_product(session, from_body(Product, a_sold_body(market)), WORKER)
        assert (product.party_id, product.status) == (market.party, ProductStatus.ACTIVE)
        assert product.product_offering.name == "Dedicated SCPC link"
        logged = session.exec(select(Change).where(Change.entity_id == product.id)).one()
        assert logged.mark == "migration"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"status": "created"}, "/status", "notLoadable"),
        ({"productPrice": []}, "/productPrice", "missing"),
        ({"startDate": "2199-01-01T00:00:00Z"}, "/startDate", "missing"),
        ({"terminationDate": "2026-01-01T00:00:00Z"}, "/terminationDate", "derived"),
        ({"relatedParty": []}, "/relatedParty", "missing"),
        ({"productOffering": {"id": "none"}}, "/productOffering/id", "notFound"),
        ({"productCharacteristic": []}, "/productCharacteristic", "missing"),
        ({"billingAccount": {"id": "none"}}, "/billingAccount/id", "notFound"),
    ],
)
def test_a_product_that_could_not_have_been_sold_is_not_loaded(
    database: Database, wrong: dict[str, Json], field: str, code: str
) -> None:
    with database.as_worker() as session:
        body = a_sold_body(a_market(session), **wrong)
        assert faults_of(session, body) == {(field, code)}


def test_a_negative_price_is_not_loaded(database: Database) -> None:
    with database.as_worker() as session:
        body = a_sold_body(a_market(session))
        price = cast("list[dict[str, dict[str, Json]]]", body["productPrice"])[0]["price"]
        price["dutyFreeAmount"] = {"unit": "USD", "value": -1}
        assert faults_of(session, body) == {("/productPrice", "outOfRange")}


def test_what_was_sold_is_not_corrected(database: Database) -> None:
    with database.as_worker() as session:
        product = a_product(session, a_market(session))
        correct_product(session, product, {"name": "Kamoto link"}, WORKER)
        assert product.name == "Kamoto link"
        for name in ("productPrice", "relatedParty", "billingAccount", "startDate", "productCharacteristic"):
            with pytest.raises(RuleRefused) as refused:
                correct_product(session, product, {name: []}, WORKER)
            assert refused.value.faults[0].field == f"/{name}"
        with pytest.raises(WrongState):
            correct_product(session, product, {"status": "terminated"}, WORKER)


def test_an_account_stays_open_while_a_product_is_charged_to_it(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market)
        assert product.order_id is not None
        account = find(session, BillingAccount, market.account)
        fail_order(session, product.order_id, Cause("undone", "in this test"))
        with pytest.raises(RuleRefused) as refused, session.begin_nested():
            patch_billing_account(session, account, {"state": "Closed"}, WORKER)
        assert "product" in refused.value.faults[0].why
        take_back(session, product.order_id)
        patch_billing_account(session, account, {"state": "Closed"}, WORKER)


def test_customers_see_their_products_and_only_migration_writes_them(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        product = a_product(session, market)
    http = TestClient(create_app(database))
    mine, other = (a_token(database, "customer", party) for party in (market.party, market.other_party))
    row = http.get(PRODUCTS, headers=mine).json()[0]
    assert all(row[name] for name in DEMANDED)
    assert http.get(PRODUCTS, headers=other).json() == []
    assert http.get(f"{PRODUCTS}/{product.id}", headers=other).status_code == 404
    body = a_sold_body(market)
    for role in ("sales", "provisioning", "noc"):
        assert http.post(PRODUCTS, json=body, headers=a_token(database, role)).status_code == 403
    assert http.post(PRODUCTS, json=body, headers=mine).status_code == 403
    loaded = http.post(PRODUCTS, json=body, headers=a_token(database, "migration"))
    assert loaded.status_code == 201, loaded.text
    assert http.delete(f"{PRODUCTS}/{product.id}", headers=a_token(database, "migration")).status_code == 405
