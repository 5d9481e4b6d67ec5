"""The product catalogue: what is designed, what is offered, what is sold."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from satcom.app.http import create_app
from satcom.core.access import create_token
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Characteristic, Json, instant_text
from satcom.enterprise.catalog_entry import enter, revise, withdraw
from satcom.market.catalog.product_offering import (
    ProductOffering,
    list_prices,
    offered_characteristics,
    sellable,
)
from satcom.market.catalog.product_offering_price import patch_price
from satcom.market.catalog.product_specification import (
    validate_characteristics,
)
from satcom.market.pricing import capacity, price
from tests.enterprise.an_operator import an_operator
from tests.market.a_catalogue import RATE, a_price, a_product_specification, a_service_specification, an_offering

LAST_YEAR: dict[str, Json] = {"endDateTime": instant_text(datetime(2020, 1, 1, tzinfo=UTC))}
NEXT_CENTURY: dict[str, Json] = {"startDateTime": "2100-01-01T00:00:00Z"}


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction of an operator that has just begun."""
    with database.as_worker() as opened:
        an_operator(opened)
        yield opened


def refusal(act: Callable[[], object], kind: type[Refused] = RuleRefused) -> tuple[str, str]:
    with pytest.raises(kind) as refused:
        act()
    fault = refused.value.faults[0]
    return fault.field, fault.code


def test_a_launched_offering_is_sold_and_priced(session: Session) -> None:
    offering = an_offering(session)
    sellable(offering, now())
    offer = price(list_prices(session, offering), capacity(2e6, 1e6, 0, {}), now())
    assert str(offer.per_month) == "5,800.00 USD"


@pytest.mark.parametrize("status", ["In study", "In design", "In test", "Active"])
def test_what_is_not_launched_is_not_sold(session: Session, status: str) -> None:
    offering = an_offering(session, lifecycleStatus=status)
    assert refusal(lambda: sellable(offering, now())) == ("/productOffering/id", "notSellable")


def test_what_is_retired_is_not_sold_until_it_is_taken_up_again(session: Session) -> None:
    offering = an_offering(session)
    revise(session, offering, {"lifecycleStatus": "Retired"}, WORKER)
    assert refusal(lambda: sellable(offering, now()))[1] == "notSellable"
    revise(session, offering, {"lifecycleStatus": "Launched"}, WORKER)
    sellable(offering, now())


def test_an_offering_is_sold_within_its_validity_only(session: Session) -> None:
    assert refusal(lambda: sellable(an_offering(session, validFor=LAST_YEAR), now()))[1] == "notSellable"
    assert refusal(lambda: sellable(an_offering(session, validFor=NEXT_CENTURY), now()))[1] == "notSellable"
    assert refusal(lambda: sellable(an_offering(session, isSellable=False), now()))[1] == "notSellable"


def test_a_launch_needs_a_ready_product_and_a_price_today(session: Session) -> None:
    draft = a_product_specification(session, lifecycleStatus="In design")
    assert refusal(lambda: an_offering(session, draft)) == ("/productSpecification/id", "notActive")
    for late in (a_price(session, validFor=NEXT_CENTURY), a_price(session, lifecycleStatus="In study")):
        assert refusal(lambda late=late: an_offering(session, None, late)) == (  # type: ignore[misc]
            "/productOfferingPrice",
            "noPrice",
        )
    bare = from_body(ProductOffering, {"name": "bare", "lifecycleStatus": "Launched"})
    assert refusal(lambda: enter(session, bare, WORKER)) == ("/productSpecification", "missing")


def test_a_draft_may_be_thin_but_names_only_what_exists(session: Session) -> None:
    enter(session, from_body(ProductOffering, {"name": "an idea"}), WORKER)
    for attribute, value in (("productSpecification", {"id": new_id()}), ("productOfferingPrice", [{"id": new_id()}])):
        body: dict[str, Json] = {"name": "an idea", attribute: value}  # type: ignore[dict-item]
        offering = from_body(ProductOffering, body)
        assert refusal(lambda offering=offering: enter(session, offering, WORKER))[1] == "notFound"  # type: ignore[misc]


def test_an_offering_is_in_one_currency(session: Session) -> None:
    euros = a_price(session, name="Platform", price={"unit": "EUR", "value": 1})
    assert refusal(lambda: an_offering(session, None, a_price(session), euros))[1] == "severalCurrencies"


def test_a_retired_price_is_no_longer_asked(session: Session) -> None:
    kept, dropped = a_price(session), a_price(session, name="Platform")
    offering = an_offering(session, None, kept, dropped, lifecycleStatus="Active")
    patch_price(session, dropped, {"lifecycleStatus": "Retired"}, WORKER)
    assert [one.id for one in list_prices(session, offering)] == [kept.id]


def test_what_others_rest_on_is_not_withdrawn(session: Session) -> None:
    service = a_service_specification(session)
    product = a_product_specification(session, service)
    charge = a_price(session)
    an_offering(session, product, charge)
    retired: dict[str, Json] = {"lifecycleStatus": "Retired"}
    assert refusal(lambda: revise(session, service, retired, WORKER)) == ("/id", "inUse")
    assert refusal(lambda: revise(session, product, retired, WORKER)) == ("/id", "inUse")
    assert refusal(lambda: patch_price(session, charge, retired, WORKER)) == ("/id", "inUse")


def test_only_a_draft_that_nobody_names_is_deleted(session: Session) -> None:
    service = a_service_specification(session, lifecycleStatus="In design")
    product = a_product_specification(session, service, lifecycleStatus="In design")
    charge = a_price(session, lifecycleStatus="In design")
    offering = an_offering(session, product, charge, lifecycleStatus="In design")
    assert refusal(lambda: withdraw(session, service, WORKER)) == ("/id", "inUse")
    assert refusal(lambda: withdraw(session, product, WORKER)) == ("/id", "inUse")
    assert refusal(lambda: withdraw(session, charge, WORKER)) == ("/id", "inUse")
    withdraw(session, offering, WORKER)
    withdraw(session, charge, WORKER)
    withdraw(session, product, WORKER)
    withdraw(session, service, WORKER)
    for used in (an_offering(session), a_price(session), a_product_specification(session)):
        assert refusal(lambda used=used: withdraw(session, used, WORKER))[1] == "notDraft"  # type: ignore[misc]


def test_the_substance_of_what_is_in_use_is_fixed(session: Session) -> None:
    service, charge = a_service_specification(session), a_price(session)
    product = a_product_specification(session, service)
    offering = an_offering(session, product, charge)
    money: Json = {"unit": "USD", "value": 1}
    assert refusal(lambda: patch_price(session, charge, {"price": money}, WORKER)) == ("/price", "fixed")
    assert refusal(lambda: revise(session, product, {"productSpecCharacteristic": []}, WORKER)) == (
        "/productSpecCharacteristic",
        "fixed",
    )
    assert refusal(lambda: revise(session, service, {"specCharacteristic": []}, WORKER)) == (
        "/specCharacteristic",
        "fixed",
    )
    other: Json = {"id": a_product_specification(session, service).id}
    assert refusal(lambda: revise(session, offering, {"productSpecification": other}, WORKER)) == (
        "/productSpecification",
        "fixed",
    )


def test_a_price_in_use_is_ended_from_now_on_and_not_in_the_past(session: Session) -> None:
    charge = a_price(session)
    yesterday, tomorrow = (instant_text(now() + timedelta(days=days)) for days in (-1, 1))
    patch_price(session, charge, {"validFor": {"endDateTime": tomorrow}}, WORKER)
    assert not charge.valid_at(now() + timedelta(days=2))
    past = refusal(lambda: patch_price(session, charge, {"validFor": {"endDateTime": yesterday}}, WORKER))
    assert past == ("/validFor/endDateTime", "past")
    fresh = a_price(session)
    moved = refusal(lambda: patch_price(session, fresh, {"validFor": {"startDateTime": yesterday}}, WORKER))
    assert moved == ("/validFor/startDateTime", "fixed")


def test_a_price_is_not_prolonged_into_the_time_of_the_next_one(session: Session) -> None:
    tomorrow = instant_text(now() + timedelta(days=1))
    ends = a_price(session, validFor={"endDateTime": tomorrow})
    follows = a_price(session, validFor={"startDateTime": tomorrow})
    an_offering(session, productOfferingPrice=[{"id": ends.id}, {"id": follows.id}])
    longer: dict[str, Json] = {"validFor": {"endDateTime": None}}
    assert refusal(lambda: patch_price(session, ends, longer, WORKER)) == ("/validFor", "priceTwice")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"price": {"unit": "USD", "value": -1}}, "/price/value"),
        ({"priceType": "oneTime"}, "/recurringChargePeriodType"),
        ({"recurringChargePeriodType": "year"}, "/recurringChargePeriodType"),
        ({"recurringChargePeriodLength": 3}, "/recurringChargePeriodLength"),
        ({"prodSpecCharValueUse": [{"name": "band"}]}, "/prodSpecCharValueUse/0/productSpecCharacteristicValue"),
    ],
)
def test_a_price_makes_sense(session: Session, wrong: dict[str, Json], pointer: str) -> None:
    assert refusal(lambda: a_price(session, **wrong))[0] == pointer


@pytest.mark.parametrize("lacking", ["price", "priceType", "recurringChargePeriodType"])
def test_a_price_in_use_is_complete(session: Session, lacking: str) -> None:
    draft = a_price(session, lifecycleStatus="In test")
    patch_price(session, draft, {lacking: None}, WORKER)
    launch: dict[str, Json] = {"lifecycleStatus": "Active"}
    assert refusal(lambda: patch_price(session, draft, launch, WORKER)) == (f"/{lacking}", "missing")


def test_a_catalogue_entry_takes_no_short_cuts(session: Session) -> None:
    draft = a_product_specification(session, lifecycleStatus="In study")
    with pytest.raises(WrongState, match="cannot go"):
        revise(session, draft, {"lifecycleStatus": "Launched"}, WORKER)
    assert refusal(lambda: a_product_specification(session, lifecycleStatus="Retired"), Refused) == (
        "/lifecycleStatus",
        "notInEnumeration",
    )


def test_a_product_offers_what_its_service_needs(session: Session) -> None:
    refused = refusal(lambda: a_product_specification(session, productSpecCharacteristic=[]))
    assert refused == ("/productSpecCharacteristic", "missing")
    draft = a_service_specification(session, lifecycleStatus="In design")
    assert refusal(lambda: a_product_specification(session, draft)) == ("/serviceSpecification/0/id", "notActive")


def test_what_is_booked_for_a_time_needs_a_service_that_ends(session: Session) -> None:
    offered: list[Json] = [RATE, {"name": "durationMinutes", "valueType": "number"}]
    refused = refusal(lambda: a_product_specification(session, productSpecCharacteristic=offered))
    assert refused == ("/productSpecCharacteristic", "notBookable")


def test_an_offering_narrows_what_the_product_allows(session: Session) -> None:
    product = a_product_specification(session)
    narrow: Json = [{"name": "rate", "productSpecCharacteristicValue": [{"valueFrom": 1, "valueTo": 1000}]}]
    offering = an_offering(session, product, prodSpecCharValueUse=narrow)
    fast = [Characteristic(name="rate", value=2000)]
    assert validate_characteristics(product, fast)
    assert refusal(lambda: offered_characteristics(session, offering, fast, "/p"), Refused) == (
        "/p/0/value",
        "outOfRange",
    )
    unknown: Json = [{"name": "colour", "productSpecCharacteristicValue": [{"value": "red"}]}]
    assert refusal(lambda: an_offering(session, product, prodSpecCharValueUse=unknown))[1] == "unknown"


def test_a_specification_goes_through_its_life_over_http(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        secrets = [
            create_token(session, role, [role], None, timedelta(days=1))[1] for role in ("productManager", "sales")
        ]
    designer, seller = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
    path = "/tmf-api/productCatalogManagement/v4/productSpecification"
    client = TestClient(create_app(database))
    assert client.post(path, json={"name": "Link"}, headers=seller).status_code == 403
    made = client.post(path, json={"name": "Link"}, headers=designer)
    assert made.status_code == 201
    assert made.json() | {"name": "Link", "isBundle": False, "lifecycleStatus": "In study"} == made.json()
    one = f"{path}/{made.json()['id']}"
    wrong = client.patch(one, json={"lifecycleStatus": "Launched"}, headers=designer)
    assert wrong.status_code == 409
    changed = client.patch(one, json={"lifecycleStatus": "In design", "brand": "Meridian"}, headers=designer)
    assert changed.json() | {"lifecycleStatus": "In design", "brand": "Meridian"} == changed.json()
    assert client.get(f"{path}?lifecycleStatus=In design", headers=seller).json() == [changed.json()]
    assert client.delete(one, headers=designer).status_code == 204
    assert client.get(one, headers=seller).status_code == 404
