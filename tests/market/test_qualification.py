"""What can be sold where: feasible solutions priced and ranked, every loser with its reason, bad questions refused."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from satcom.app.http import create_app
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Characteristic, Json, Money, instant_text
from satcom.market import qualification
from satcom.market.demand import demand_of, months_later
from satcom.market.pricing import PricedOffer
from satcom.market.qualification import (
    ProductOfferingQualification,
    Proposal,
    QualificationItem,
    QualificationState,
    Result,
    qualify_offering,
    rank,
    total_over,
)
from satcom.service.solution import Demand, Loser, Qualification, Reason, Solution
from tests.market.a_market import TERMINAL, Market, a_market, a_priced_solution, a_token, an_order_body, as_customer

QUALIFICATIONS = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
AT = "/productOfferingQualificationItem"
A_LOSER = Loser(
    satellite_id="S",
    satellite_name="Sat 7E",
    subject="Ku spot",
    reason=Reason.BELOW_MASK,
    value=3.0,
    limit=5.0,
    unit="deg",
    text="elevation 3 deg, mask 5 deg",
)


def a_question(market: Market, **characteristics: Json) -> dict[str, Json]:
    item = cast("list[dict[str, Json]]", an_order_body(market, **characteristics)["productOrderItem"])[0]
    return {"productOfferingQualificationItem": [item]}


def item_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("list[dict[str, Json]]", body["productOfferingQualificationItem"])[0]


def product_of(body: dict[str, Json]) -> dict[str, Json]:
    return cast("dict[str, Json]", item_of(body)["product"])


def network_says(
    patch: pytest.MonkeyPatch, solutions: Sequence[Solution] = (), losers: Sequence[Loser] = ()
) -> list[Demand]:
    """The network's answer, whatever is asked; returns what it was asked."""
    asked: list[Demand] = []

    def answer(session: Session, demand: Demand) -> Qualification:
        asked.append(demand)
        return Qualification(at=now(), demand=demand, solutions=tuple(solutions), losers=tuple(losers), evidence_id="E")

    patch.setattr(qualification, "qualify", answer)
    return asked


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


def test_the_cheapest_solution_is_the_answer_and_the_others_are_alternates(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        wide, narrow = (a_priced_solution(charged_bandwidth_hz=hz) for hz in (9_000_000, 5_000_000))
        asked = network_says(monkeypatch, [wide, narrow], [A_LOSER])
        answer = ask(session, a_question(market))
        assert answer.state is QualificationState.DONE
        assert answer.qualification_result is Result.QUALIFIED
        assert (asked[0].downlink_rate_bps, asked[0].latitude_deg) == (10_000_000, -10.7148)
        assert asked[0].stop_at is None
        item = the_item(answer)
        assert item.product is not None
        by_name = {one.name: one.price.duty_free_amount.value for one in item.product.product_price}
        assert by_name["Capacity"] == Decimal(5 * 2900)
        assert "in 12 months" in (item.product.description or "")
        (other,) = item.alternate_product_offering_proposal
        assert other.alternate_product.product_price[2].price.duty_free_amount.value == Decimal(9 * 2900)
        assert [(one.code, one.label) for one in item.eligibility_unavailability_reason] == [
            ("belowMask", "Sat 7E, Ku spot: elevation 3 deg, mask 5 deg")
        ]
        assert [one.text for one in item.note] == ["evidence E"]
        assert answer.party_id is not None
        assert answer.expiration_date is not None


def test_where_nothing_is_feasible_every_loser_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        network_says(monkeypatch, [], [A_LOSER, A_LOSER])
        answer = ask(session, a_question(market))
        assert answer.qualification_result is Result.UNQUALIFIED
        item = the_item(answer)
        assert item.qualification_item_result == "unqualified"
        assert [one.code for one in item.eligibility_unavailability_reason] == ["belowMask"]
        assert item.expected_activation_date is None
        assert item.product is not None
        assert item.product.product_price == []


def test_a_solution_without_a_price_is_not_offered_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        network_says(monkeypatch, [a_priced_solution("unheard of"), a_priced_solution(band="Ka")])
        item = the_item(ask(session, a_question(market)))
        assert item.qualification_item_result == "unqualified"
        assert [one.code for one in item.eligibility_unavailability_reason] == ["noPrice", "noPrice"]
        assert "unheard of" in item.eligibility_unavailability_reason[0].label


def test_only_what_was_asked_for_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        network_says(monkeypatch, [a_priced_solution(), a_priced_solution()], [A_LOSER])
        short: dict[str, Json] = {"provideAlternative": False, "provideUnavailabilityReason": False}
        item = the_item(ask(session, a_question(market) | short))
        assert item.alternate_product_offering_proposal == []
        assert item.eligibility_unavailability_reason == []
        network_says(monkeypatch, [], [A_LOSER])
        nothing = ask(session, a_question(market) | {"provideOnlyAvailable": True})
        assert nothing.product_offering_qualification_item == []
        assert nothing.qualification_result is Result.UNQUALIFIED


def test_the_term_decides_what_is_compared_and_for_how_long_it_is_needed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        asked = network_says(monkeypatch, [a_priced_solution()])
        body, start = a_question(market), now() + timedelta(days=30)
        product_of(body)["productTerm"] = [{"name": "term", "duration": {"amount": 24, "units": "month"}}]
        product_of(body)["startDate"] = instant_text(start)
        item = the_item(ask(session, body))
        assert (asked[0].start_at, asked[0].stop_at) == (start, months_later(start, 24))
        assert item.product is not None
        assert "in 24 months" in (item.product.description or "")
        assert item.expected_activation_date == start


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
    assert sorted(one.total.value for one in ranked) == [one.total.value for one in ranked]


def test_equals_stay_in_the_order_of_the_network() -> None:
    offer = PricedOffer((), Money(unit="USD", value=Decimal(1)), Money(unit="USD", value=Decimal(1)))
    named = [a_priced_solution(f"terminal {number}") for number in range(5)]
    ranked = rank([Proposal(one, TERMINAL, offer, 12, total_over(offer, 12)) for one in named])
    assert [one.solution for one in ranked] == named


def test_every_fault_of_every_item_is_told_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        asked = network_says(monkeypatch)
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
        assert asked == []


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


def test_a_product_that_makes_no_demand_is_refused_before_the_network_is_asked() -> None:
    with pytest.raises(RuleRefused) as refused:
        demand_of([Characteristic(name="latitudeDeg", value=1.0)], now(), None, "/here")
    assert {fault.field for fault in refused.value.faults} == {"/here"}
    told = " ".join(fault.why for fault in refused.value.faults)
    assert all(name in told for name in ("downlinkRateBps", "uplinkRateBps", "availabilityPercent", "longitudeDeg"))


def test_what_the_network_refuses_is_named_where_it_was_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(session: Session, demand: Demand) -> Qualification:
        raise RuleRefused("/latitudeDeg", "the place is in the sea", "noCountry")

    monkeypatch.setattr(qualification, "qualify", refuse)
    with database.as_worker() as session:
        faults = faults_of(session, a_question(a_market(session)))
    assert faults == {(f"{AT}/0/product/productCharacteristic/2", "noCountry")}


def test_a_question_is_asked_for_one_customer_who_exists(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        two = a_question(market) | {"relatedParty": [as_customer(market.party), as_customer(market.other_party)]}
        assert faults_of(session, two) == {("/relatedParty", "severalCustomers")}
        nobody = a_question(market) | {"relatedParty": [as_customer(market.offering)]}
        assert faults_of(session, nobody) == {("/relatedParty/0/id", "notFound")}


def test_an_answer_belongs_to_whom_it_was_asked_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    network_says(monkeypatch, [a_priced_solution()])
    with database.as_worker() as session:
        market = a_market(session)
    app = create_app(database)
    app.include_router(qualification.routes.router)
    http = TestClient(app)
    mine, other = (a_token(database, "customer", party) for party in (market.party, market.other_party))
    asked = http.post(QUALIFICATIONS, json=a_question(market), headers=mine)
    assert asked.status_code == 201, asked.text
    answer = asked.json()
    assert answer["qualificationResult"] == "qualified"
    assert http.get(f"{QUALIFICATIONS}/{answer['id']}", headers=mine).json() == answer
    assert http.get(QUALIFICATIONS, headers=other).json() == []
    for_another = a_question(market) | {"relatedParty": [as_customer(market.party)]}
    assert http.post(QUALIFICATIONS, json=for_another, headers=other).json()["field"] == "/relatedParty/0/id"
    assert http.post(QUALIFICATIONS, json=a_question(market), headers=a_token(database, "finance")).status_code == 403
