"""What can be sold where: the demonstration's network priced and ranked, every loser told, bad questions refused."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from satcom.app.http import create_app
from satcom.core.clock import clock, months_later
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER
from satcom.core.tmf_document import body_faults, tmf_document
from satcom.core.values import Json, Money, instant_text
from satcom.enterprise.catalog_entry import enter
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.market.customer import customer_of
from satcom.market.ordering import ProductOrder, place_order
from satcom.market.pricing import PricedOffer
from satcom.market.qualification import (
    ProductOfferingQualification,
    Proposal,
    QualificationState,
    Result,
    qualify_offering,
    rank,
    total_over,
)
from satcom.market.qualification_item import QualificationItem, QualifiedProduct
from satcom.service.evidence import QualificationEvidence
from satcom.service.way import Reason
from satcom.supplychain.stock import StockedTerminal, StockItem
from tests.market.a_market import (
    SPECIFICATION,
    TERMINAL,
    Market,
    a_market,
    a_price,
    a_priced_solution,
    a_token,
    an_order_body,
    as_customer,
)
from tests.service.a_service import a_specification
from tests.service.the_demonstration import ORDERED_AT, START, load_the_network
from tests.supplychain.a_stock import a_depot, a_stock_item

QUALIFICATIONS = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
AT = "/productOfferingQualificationItem"
LEAD_TIME_DAYS = 60
LEFT_OUT = "each takes as much capacity as one that is told, of the same band with the same terminal, or more"
COMMON = [a_price("Installation", 2800, monthly=False), a_price("Platform", 450, monthly=True)]
C_BAND = [
    a_price("Terminal", 21_500, monthly=False, terminalType="term-c-380"),
    a_price("Terminal", 12_400, monthly=False, terminalType="term-c-240"),
    a_price("Capacity", 4_200, monthly=True, unit="MHz", band="C"),
]
KU_BAND = [
    a_price("Terminal", 5_950, monthly=False, terminalType="term-ku-180"),
    a_price("Terminal", 8_900, monthly=False, terminalType="Ku 2.40 m, 8 W"),
    a_price("Capacity", 2_900, monthly=True, unit="MHz", band="Ku"),
]
TEXTS: list[Json] = [{"name": name, "valueType": "string", "maxCardinality": 3} for name in ("band", "terminalType")]
TEXTS += [{"name": "country", "valueType": "string"}]


@pytest.fixture(autouse=True)
def _on_the_day_of_the_order() -> Iterator[None]:
    with clock.at(ORDERED_AT):
        yield


def a_place_to_sell(session: Session, *prices: list[dict[str, Json]]) -> Market:
    """The demonstration's network, and a link offered on it at `prices`, by default in both bands."""
    market = a_market(session)
    load_the_network(session)
    depot = a_depot(session)
    for kind in ("term-c-380", "term-c-240", "term-ku-180"):
        a_stock_item(session, 0, depot, LEAD_TIME_DAYS, loaded_id("TerminalType", kind))
    large = loaded_id("TerminalType", "term-ku-240")
    a_stock_item(session, 1, depot, LEAD_TIME_DAYS, large)
    listed = cast("list[Json]", SPECIFICATION["productSpecCharacteristic"])
    wide: dict[str, Json] = SPECIFICATION | {"productSpecCharacteristic": listed + TEXTS}
    realised: dict[str, Json] = wide | {"serviceSpecification": [{"id": a_specification(session).id}]}
    specification = enter(session, from_body(ProductSpecification, realised), WORKER)
    bodies = [*COMMON, *(one for listed in prices or (C_BAND, KU_BAND) for one in listed)]
    kept = [enter(session, from_body(ProductOfferingPrice, body), WORKER) for body in bodies]
    body: Json = {
        "name": "Dedicated link",
        "lifecycleStatus": "Launched",
        "productSpecification": {"id": specification.id},
        "productOfferingPrice": [{"id": one.id} for one in kept],
    }
    offering = enter(session, from_body(ProductOffering, body), WORKER)
    return replace(market, offering=offering.id)


def a_question(market: Market, **characteristics: Json) -> dict[str, Json]:
    body: dict[str, Json] = {
        "productOfferingQualificationItem": an_order_body(market, **characteristics)["productOrderItem"]
    }
    product_of(body)["startDate"] = instant_text(START)
    return body


def for_months(body: dict[str, Json], months: int) -> dict[str, Json]:
    """The question for a term."""
    product_of(body)["productTerm"] = [{"name": "term", "duration": {"amount": months, "units": "month"}}]
    return body


def item_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("list[dict[str, Json]]", body["productOfferingQualificationItem"])[0]


def product_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("dict[str, Json]", item_of(body)["product"])


def ask(session: Session, body: dict[str, Json]) -> ProductOfferingQualification:
    return qualify_offering(session, from_body(ProductOfferingQualification, body), WORKER)


def faults_of(session: Session, body: dict[str, Json]) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        ask(session, body)
    assert session.exec(select(ProductOfferingQualification)).first() is None
    return {(fault.field, fault.code) for fault in refused.value.faults}


def the_item(answer: ProductOfferingQualification) -> QualificationItem:
    (item,) = answer.product_offering_qualification_item
    return item


def offered(item: QualificationItem) -> list[QualifiedProduct]:
    """The answer, then the alternates."""
    assert item.product is not None
    return [item.product, *(one.alternate_product for one in item.alternate_product_offering_proposal)]


def chosen(product: QualifiedProduct) -> dict[str, Json]:
    return {one.name: one.value for one in product.product_characteristic}


def price_of(product: QualifiedProduct, name: str) -> Decimal:
    (amount,) = [one.price.duty_free_amount.value for one in product.product_price if one.name == name]
    return amount


def paid_in(product: QualifiedProduct, months: int) -> Decimal:
    amounts = [(one.price.duty_free_amount.value, one.recurring_charge_period) for one in product.product_price]
    return sum((value * (months if monthly else 1) for value, monthly in amounts), Decimal(0))


def test_what_costs_the_customer_least_is_the_answer_and_the_others_are_alternates(database: Database) -> None:
    with database.as_worker() as session:
        answer = ask(session, a_question(a_place_to_sell(session)))
        assert (answer.state, answer.qualification_result) == (QualificationState.DONE, Result.QUALIFIED)
        item = the_item(answer)
        ways = offered(item)
        assert [chosen(one)["band"] for one in ways].count("C") == 4
        assert [chosen(one)["band"] for one in ways].count("Ku") == 6
        totals = [paid_in(one, 12) for one in ways]
        assert totals == sorted(totals)
        assert chosen(ways[0]) == chosen(ways[0]) | {"band": "Ku", "terminalType": "Ku 2.40 m, 8 W"}
        assert "rests on illustrative payload data" in (ways[0].description or "")
        assert re.search(r"; until 20\d\d-\d\d-\d\d, when the life of .+ ends;", ways[0].description or "")
        assert f"{totals[0]:.2f}" in (ways[0].description or "").replace(",", "")
        assert item.expected_activation_date == START
        assert (answer.expiration_date or START) > ORDERED_AT


def test_capacity_is_charged_by_the_megahertz_that_the_network_worked_out(database: Database) -> None:
    with database.as_worker() as session:
        item = the_item(ask(session, a_question(a_place_to_sell(session))))
        (evidence,) = session.exec(select(QualificationEvidence)).all()
        assert item.note[-1].text == f"evidence {evidence.id}"
        by_megahertz = {
            (one.band, round(Decimal(one.charged_bandwidth_hz) / 10**6 * {"C": 4200, "Ku": 2900}[one.band], 2))
            for one in evidence.result.solutions
        }
        assert by_megahertz == {(chosen(one)["band"], price_of(one, "Capacity")) for one in offered(item)}


def test_the_term_decides_which_way_costs_least_and_for_how_long_it_is_needed(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        short, long = (the_item(ask(session, for_months(a_question(market), months))) for months in (1, 48))
        assert chosen(offered(short)[0])["terminalType"] == "term-ku-180"  # the cheapest terminal
        assert chosen(offered(long)[0])["terminalType"] == "Ku 2.40 m, 8 W"  # the least capacity
        assert "in 48 months" in (offered(long)[0].description or "")
        kept = session.exec(select(QualificationEvidence).order_by(QualificationEvidence.id)).all()
        assert [one.demand.stop_at for one in kept] == [months_later(START, 1), months_later(START, 48)]


def test_every_satellite_that_cannot_is_told_with_the_number_that_decided(database: Database) -> None:
    with database.as_worker() as session:
        item = the_item(ask(session, a_question(a_place_to_sell(session))))
        told = {one.code: one.label for one in item.eligibility_unavailability_reason}
        of_limits = {reason for reason in Reason if "Density" in reason.value}  # no carrier here is so dense
        of_pools = {Reason.NO_POOL, Reason.NO_COMMITTED_RATE, Reason.POOL_CONTENDED}
        of_licences = {Reason.LICENSED_EIRP, Reason.LICENCE_EXPIRES, Reason.ANTENNA_BELOW_LICENCE}
        assert told.keys() == {reason.value for reason in Reason} - of_licences - of_pools - of_limits
        assert told["belowMask"] == "SES-9 Ku: elevation at the site -1.7 deg, at least 5.0 is needed"


def test_where_nothing_can_be_delivered_nothing_is_offered_and_each_reason_said_once(database: Database) -> None:
    with database.as_worker() as session:
        christchurch = a_question(a_place_to_sell(session), latitudeDeg=-43.5, longitudeDeg=172.6)
        answer = ask(session, christchurch)
        item = the_item(answer)
        assert (answer.qualification_result, item.qualification_item_result) == (Result.UNQUALIFIED, "unqualified")
        labels = [one.label for one in item.eligibility_unavailability_reason]
        assert len(labels) == len(set(labels)) == 12
        assert offered(item)[0].product_price == []
        assert item.expected_activation_date is None
        only_what_is_there = ask(session, christchurch | {"provideOnlyAvailable": True})
        assert only_what_is_there.product_offering_qualification_item == []
        assert only_what_is_there.qualification_result is Result.UNQUALIFIED


def test_a_way_without_a_price_is_not_offered_and_says_so(database: Database) -> None:
    with database.as_worker() as session:
        item = the_item(ask(session, a_question(a_place_to_sell(session, C_BAND))))
        assert {chosen(one)["band"] for one in offered(item)} == {"C"}
        unpriced = [one.label for one in item.eligibility_unavailability_reason if one.code == "noPrice"]
        assert len(unpriced) == 6
        assert re.fullmatch(rf"[1-9]\d* more ways are left out: {re.escape(LEFT_OUT)}", item.note[0].text or "")
        assert all("Ku" in label for label in unpriced)


def test_a_way_waits_for_its_terminal_unless_one_is_in_stock(database: Database) -> None:
    with database.as_worker() as session:
        item = the_item(ask(session, a_question(a_place_to_sell(session))))
        stocked = [(item.product, item.expected_activation_date)] + [
            (one.alternate_product, one.alternate_activation_date) for one in item.alternate_product_offering_proposal
        ]
        assert len(stocked) == 10
        bought = ORDERED_AT + timedelta(days=LEAD_TIME_DAYS)
        for product, date in stocked:
            assert product is not None
            here = chosen(product)["terminalType"] == "Ku 2.40 m, 8 W"
            words = "the terminal is in stock" if here else f"takes {LEAD_TIME_DAYS} days, until {bought:%Y-%m-%d}"
            assert words in (product.description or "")
            assert date == pytest.approx(START if here else bought, abs=timedelta(minutes=1))


def test_no_date_is_promised_for_a_terminal_that_nobody_sells(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        for listed in session.exec(select(StockItem)):
            listed.terminal_type_id = new_id()
        for terminal in session.exec(select(StockedTerminal)):
            terminal.terminal_type_id = new_id()
        session.flush()
        item = the_item(ask(session, a_question(market)))
        assert item.qualification_item_result == "qualified"
        assert item.expected_activation_date is None
        assert "no supplier lists the terminal" in (offered(item)[0].description or "")


def test_only_what_was_asked_for_is_told(database: Database) -> None:
    with database.as_worker() as session:
        short: dict[str, Json] = {"provideAlternative": False, "provideUnavailabilityReason": False}
        item = the_item(ask(session, a_question(a_place_to_sell(session)) | short))
        assert item.qualification_item_result == "qualified"
        assert item.alternate_product_offering_proposal == []
        assert item.eligibility_unavailability_reason == []


def test_what_was_offered_can_be_asked_for_again_and_is_the_only_way_then(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        for product in offered(the_item(ask(session, a_question(market))))[::4]:
            choice = chosen(product)
            again = offered(the_item(ask(session, a_question(market, **choice))))
            assert {(chosen(one)["band"], chosen(one)["terminalType"]) for one in again} == {
                (choice["band"], choice["terminalType"])
            }
            assert product.product_price in [one.product_price for one in again]


@given(
    st.lists(st.tuples(st.decimals(0, 10**6, places=2), st.decimals(0, 10**6, places=2)), min_size=1, max_size=10),
    st.integers(1, 180),
)
def test_no_alternate_costs_the_customer_less_than_the_answer(
    prices: list[tuple[Decimal, Decimal]], months: int
) -> None:
    solution = a_priced_solution()
    offers = [
        PricedOffer((), Money(unit="USD", value=once), Money(unit="USD", value=monthly)) for once, monthly in prices
    ]
    ranked = rank([Proposal(solution, TERMINAL, one, months, total_over(one, months)) for one in offers])
    paid = [one.priced.one_time.value + months * one.priced.per_month.value for one in ranked]
    assert paid == sorted(paid)


def test_equals_stay_in_the_order_of_the_network() -> None:
    offer = PricedOffer((), Money(unit="USD", value=Decimal(1)), Money(unit="USD", value=Decimal(1)))
    named = [a_priced_solution(f"terminal {number}") for number in range(5)]
    ranked = rank([Proposal(one, TERMINAL, offer, 12, total_over(offer, 12)) for one in named])
    assert [one.solution for one in ranked] == named


def test_every_fault_of_every_item_is_told_at_once(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        wrong = item_of(a_question(market, downlinkRateBps=1)) | {"action": "delete"}
        without = item_of(a_question(market)) | {"id": "2"}
        del without["productOffering"]
        unknown = item_of(a_question(market)) | {"id": "3", "productOffering": {"id": "none"}}
        body: dict[str, Json] = {"productOfferingQualificationItem": [wrong, without, unknown]}
        assert faults_of(session, body) == {
            (f"{AT}/0/action", "notOffered"),
            (f"{AT}/0/product/productCharacteristic/0/value", "outOfRange"),
            (f"{AT}/1/productOffering", "missing"),
            (f"{AT}/2/productOffering/id", "notFound"),
        }
        assert session.exec(select(QualificationEvidence)).first() is None


def test_a_question_has_items_and_not_too_many(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        assert faults_of(session, {}) == {(AT, "cardinality")}
        many: Json = [item_of(a_question(market)) | {"id": str(number)} for number in range(11)]
        assert faults_of(session, {"productOfferingQualificationItem": many}) == {(AT, "cardinality")}


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"startDate": "1999-01-01T00:00:00Z"}, "product/startDate", "outOfRange"),
        ({"startDate": "2199-01-01T00:00:00Z"}, "product/startDate", "outOfRange"),
        (
            {"productTerm": [{"duration": {"amount": -1, "units": "month"}}]},
            "product/productTerm/0/duration/amount",
            "outOfRange",
        ),
    ],
)
def test_start_and_term_are_of_this_world(database: Database, wrong: dict[str, Json], field: str, code: str) -> None:
    with database.as_worker() as session:
        body = a_question(a_market(session))
        product_of(body).update(wrong)
        assert faults_of(session, body) == {(f"{AT}/0/{field}", code)}


def test_what_the_network_refuses_is_named_where_it_was_written(database: Database) -> None:
    with database.as_worker() as session:
        body = a_question(a_place_to_sell(session), availabilityPercent=99.999, country="NO")
        listed = cast("list[dict[str, Json]]", product_of(body)["productCharacteristic"])
        places = {one["name"]: index for index, one in enumerate(listed)}
        at = f"{AT}/0/product/productCharacteristic"
        assert faults_of(session, body) == {(f"{at}/{places['availabilityPercent']}", "outOfRange")}
        listed[places["availabilityPercent"]]["value"] = 99.7
        assert faults_of(session, body) == {(f"{at}/{places['country']}", "invalid")}


def test_every_place_at_sea_is_named_and_nothing_is_kept(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        at_sea = item_of(a_question(market, latitudeDeg=-15.0, longitudeDeg=5.0))
        good = item_of(a_question(market))
        items: Json = [at_sea, good | {"id": "2"}, at_sea | {"id": "3"}]
        at = "product/productCharacteristic/2"
        faults = faults_of(session, {"productOfferingQualificationItem": items})
        assert faults == {(f"{AT}/0/{at}", "noCountry"), (f"{AT}/2/{at}", "noCountry")}


def test_a_customer_is_named_by_its_own_id_or_by_that_of_its_party(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        customer = customer_of(session, market.party)
        assert customer is not None
        for identifier in (market.party, customer.id):
            answer = ask(session, a_question(market) | {"relatedParty": [as_customer(identifier)]})
            (kept,) = answer.related_party
            assert (answer.party_id, kept.id) == (market.party, market.party)
            body = an_order_body(market) | {"relatedParty": [as_customer(identifier)]}
            assert place_order(session, from_body(ProductOrder, body), WORKER).party_id == market.party


def test_nobody_learns_of_another_customer_by_its_id(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
        customer = customer_of(session, market.party)
        assert customer is not None
    http = TestClient(create_app(database))
    body = a_question(market) | {"relatedParty": [as_customer(customer.id)]}
    mine, other = (a_token(database, "customer", party) for party in (market.party, market.other_party))
    assert http.post(QUALIFICATIONS, json=body, headers=mine).status_code == 201
    refused = http.post(QUALIFICATIONS, json=body, headers=other)
    assert (refused.status_code, refused.json()["field"]) == (400, "/relatedParty/0/id")


def test_every_party_that_is_not_there_is_named_at_once(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        parties: list[Json] = [as_customer(market.offering), as_customer(market.account, "approver")]
        body = a_question(market) | {"relatedParty": [*parties, as_customer(market.party)]}
        assert faults_of(session, body) == {
            ("/relatedParty", "severalCustomers"),
            ("/relatedParty/0/id", "notFound"),
            ("/relatedParty/1/id", "notFound"),
        }


def test_a_question_is_asked_for_one_customer_who_exists(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        two = a_question(market) | {"relatedParty": [as_customer(market.party), as_customer(market.other_party)]}
        assert faults_of(session, two) == {("/relatedParty", "severalCustomers")}
        nobody = a_question(market) | {"relatedParty": [as_customer(market.offering)]}
        assert faults_of(session, nobody) == {("/relatedParty/0/id", "notFound")}


def test_an_answer_belongs_to_whom_it_was_asked_for_and_is_in_the_words_of_the_document(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
    http = TestClient(create_app(database))
    mine, other = (a_token(database, "customer", party) for party in (market.party, market.other_party))
    asked = http.post(QUALIFICATIONS, json=a_question(market), headers=mine)
    assert asked.status_code == 201, asked.text
    answer = asked.json()
    assert body_faults(tmf_document("TMF679"), "ProductOfferingQualification", answer, frozenset()) == []
    assert answer["qualificationResult"] == "qualified"
    assert http.get(f"{QUALIFICATIONS}/{answer['id']}", headers=mine).json() == answer
    assert http.get(QUALIFICATIONS, headers=other).json() == []
    evidence = answer["productOfferingQualificationItem"][0]["note"][-1]["text"].removeprefix("evidence ")
    assert http.get(f"{EVIDENCE}/{evidence}", headers=mine).status_code == 403
    kept = http.get(f"{EVIDENCE}/{evidence}", headers=a_token(database, "noc"))
    assert len(kept.json()["result"]["solutions"]) == 10
    for_another = a_question(market) | {"relatedParty": [as_customer(market.party)]}
    assert http.post(QUALIFICATIONS, json=for_another, headers=other).json()["field"] == "/relatedParty/0/id"
    assert http.post(QUALIFICATIONS, json=a_question(market), headers=a_token(database, "finance")).status_code == 403


def test_an_answer_for_a_customer_is_his_although_sales_asked(database: Database) -> None:
    with database.as_worker() as session:
        market = a_place_to_sell(session)
    http = TestClient(create_app(database))
    body = a_question(market) | {"relatedParty": [as_customer(market.party)]}
    asked = http.post(QUALIFICATIONS, json=body, headers=a_token(database, "sales"))
    assert asked.status_code == 201, asked.text
    mine = a_token(database, "customer", market.party)
    assert [one["id"] for one in http.get(QUALIFICATIONS, headers=mine).json()] == [asked.json()["id"]]
    with database.as_worker() as session:
        assert session.exec(select(QualificationEvidence)).one().party_id == market.party
