"""OS1: can it be delivered there, how, for how much; and if not, why not, with the number that decided."""

import json
from typing import Any

import pytest
import yaml

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import FOLDER, ORDERS, Body, RunningOperator, characteristics

CHECKS = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
QUERIES = "/tmf-api/serviceQualificationManagement/v4/queryServiceQualification"
OFFERS = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
STOCK = "/satcom-api/supplyChain/v1"
SPECIFICATION = loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")
START, STOP = "2027-01-01T00:00:00Z", "2029-01-01T00:00:00Z"  # the README's table holds in these years
LOSERS = {  # the table in examples/operator/README.md
    "Intelsat 22": "noPower",
    "Eutelsat 8 West B": "noContiguousSlot",
    "Intelsat 37e": "noHubPort",
    "Badr-7 (Arabsat-6B)": "linkDoesNotClose",
    "Eutelsat Hotbird 13G": "outsideContour",
    "Thaicom 8": "outsideContour",
    "Eutelsat Konnect": "noLicence",
    "NigComSat-1R": "satelliteNotInService",
    "SES-9": "belowMask",
}
FEASIBLE = {"Amos-17", "Eutelsat 10B", "Intelsat 39"}
SEA: dict[str, Json] = {"latitudeDeg": 0, "longitudeDeg": 5, "altitudeM": 0, "country": None}
UNDER_NO_BEAM: dict[str, Json] = {"latitudeDeg": -43.5, "longitudeDeg": 172.6, "altitudeM": 10, "country": None}


def asked_service(operator: RunningOperator, **changed: Json) -> Body:
    """The link to the mine as a service, with other characteristics."""
    product = operator.order_body(**changed)["productOrderItem"][0]["product"]
    return {
        "serviceSpecification": {"id": SPECIFICATION},
        "startDate": START,
        "endDate": STOP,
        "serviceCharacteristic": product["productCharacteristic"],
    }


def a_check(operator: RunningOperator, **changed: Json) -> Body:
    return {"serviceQualificationItem": [{"id": "1", "service": asked_service(operator, **changed)}]}


def checked(operator: RunningOperator, **changed: Json) -> Body:
    """The one item of the answer to a check."""
    answer = operator.api("sales").post(CHECKS, json=a_check(operator, **changed))
    assert answer.status_code == 201, answer.text
    item: Body = answer.json()["serviceQualificationItem"][0]
    return item


def an_offer_question(operator: RunningOperator, **changed: Json) -> Body:
    order = operator.order_body(**changed)
    item = order["productOrderItem"][0]
    product = item["product"] | {"startDate": START, "productTerm": [{"duration": {"amount": 24, "units": "month"}}]}
    asked = {"id": "1", "productOffering": item["productOffering"], "product": product}
    return {"relatedParty": order["relatedParty"], "productOfferingQualificationItem": [asked]}


def offered(operator: RunningOperator, **changed: Json) -> Body:
    answer = operator.api("sales").post(OFFERS, json=an_offer_question(operator, **changed))
    assert answer.status_code == 201, answer.text
    item: Body = answer.json()["productOfferingQualificationItem"][0]
    return item


def losers_of(operator: RunningOperator, item: Body) -> dict[str, Body]:
    """The losers by satellite, from the evidence that the answer names."""
    evidence = item["note"][-1]["text"].removeprefix("evidence ")
    return {one["satelliteName"]: one for one in operator.get(f"{EVIDENCE}/{evidence}")["result"]["losers"]}


def counts(operator: RunningOperator) -> dict[str, str]:
    """How many of each there are that a question could leave behind."""
    paths = (CHECKS, QUERIES, OFFERS, EVIDENCE)
    return {path: operator.api().get(path, params={"limit": "1"}).headers["X-Total-Count"] for path in paths}


def test_the_ways_to_deliver_are_ranked_by_what_they_take_of_the_network(operator: RunningOperator) -> None:
    item = checked(operator)
    others = [one["alternateService"] for one in item["alternateServiceProposal"]]
    ways = [characteristics(one) for one in (item["service"], *others)]
    assert item["qualificationResult"] == "qualified"
    assert {one["satellite"] for one in ways} == FEASIBLE
    taken = [one["chargedBandwidthHz"] for one in ways]
    assert taken == sorted(taken)
    assert all(one["marginDb"] >= 0 and one["illustrative"] for one in ways)


def test_a_query_finds_the_same_ways_as_a_check(operator: RunningOperator) -> None:
    asked = {"searchCriteria": {"service": asked_service(operator)}}
    answer = operator.api("sales").post(QUERIES, json=asked)
    assert answer.status_code == 201, answer.text
    item = checked(operator)
    by_check = [item["service"], *(one["alternateService"] for one in item["alternateServiceProposal"])]
    by_query = [one["service"] for one in answer.json()["serviceQualificationItem"]]
    names = ("satellite", "band", "terminalType", "chargedBandwidthHz", "marginDb")
    ways = [[{name: characteristics(one)[name] for name in names} for one in found] for found in (by_check, by_query)]
    assert len(ways[0]) > len(FEASIBLE)
    assert ways[0] == ways[1]


def test_an_offer_is_priced_and_ranked_by_what_the_customer_pays(operator: RunningOperator) -> None:
    item = offered(operator)
    products = [item["product"], *(one["alternateProduct"] for one in item["alternateProductOfferingProposal"])]
    totals = []
    for product in products:
        prices = [(one["priceType"], one["price"]["dutyFreeAmount"]) for one in product["productPrice"]]
        assert {amount["unit"] for _, amount in prices} == {"USD"}
        once = sum(amount["value"] for kind, amount in prices if kind == "oneTime")
        monthly = sum(amount["value"] for kind, amount in prices if kind == "recurring")
        assert once > 0
        assert monthly > 0
        totals.append(once + 24 * monthly)
    assert item["qualificationItemResult"] == "qualified"
    assert len(totals) > len(FEASIBLE)
    assert totals == sorted(totals)


def test_each_satellite_that_cannot_has_the_reason_of_the_readme_and_the_number_that_decided(
    operator: RunningOperator,
) -> None:
    item = offered(operator)
    losers = losers_of(operator, item)
    assert {name: one["reason"] for name, one in losers.items()} == LOSERS
    for one in losers.values():
        assert one["unit"], one
        assert one["value"] != one["limit"], one
    told = item["eligibilityUnavailabilityReason"]
    of_losers = [one["code"] for one in told if any(one["label"].endswith(each["text"]) for each in losers.values())]
    assert sorted(of_losers) == sorted(LOSERS.values())
    assert all(
        any(sign.isdigit() for sign in one["label"].partition(": ")[2]) or one["code"] == "noLicence" for one in told
    )


def test_a_terminal_that_fits_no_band_there_is_the_ninth_reason(operator: RunningOperator) -> None:
    item = offered(operator, terminalType=["term-ka-075"])
    assert item["qualificationItemResult"] == "unqualified"
    assert {one["reason"] for one in losers_of(operator, item).values()} >= {"noApprovedTerminal"}
    seen = {one["code"] for one in item["eligibilityUnavailabilityReason"]} | set(LOSERS.values())
    assert len(seen) == 9


def test_what_only_another_band_could_do_is_an_alternate(operator: RunningOperator) -> None:
    item = checked(operator, band=["Ka"])
    assert item["qualificationResult"] == "alternate"
    proposed = [characteristics(one["alternateService"]) for one in item["alternateServiceProposal"]]
    assert {one["band"] for one in proposed} == {"C", "Ku"}
    assert "noLicence" in {one["code"] for one in item["eligibilityUnavailabilityReason"]}


def test_stock_and_lead_time_of_every_proposed_terminal_are_those_of_the_depots(operator: RunningOperator) -> None:
    item = offered(operator)
    products = [item["product"], *(one["alternateProduct"] for one in item["alternateProductOfferingProposal"])]
    listed = yaml.safe_load((FOLDER / "stock.yaml").read_text(encoding="utf-8"))
    for slug in {characteristics(one)["terminalType"] for one in products}:
        identifier = loaded_id("TerminalType", slug)
        in_stock = operator.get(f"{STOCK}/stockedTerminal", terminalTypeId=identifier, state="inStock", limit="100")
        shelves = operator.get(f"{STOCK}/stockItem", terminalTypeId=identifier)
        kept = [one for one in listed if one["terminal_type"] == slug]
        assert len(in_stock) == sum(one["quantity"] for one in kept) > 0
        assert {one["leadTimeDays"] for one in shelves} == {one["lead_time_days"] for one in kept}


def test_under_no_beam_every_satellite_says_why(operator: RunningOperator) -> None:
    item = checked(operator, **UNDER_NO_BEAM)
    assert item["qualificationResult"] == "unqualified"
    assert item["alternateServiceProposal"] == []
    assert len(item["eligibilityUnavailabilityReason"]) == len(LOSERS) + len(FEASIBLE)


@pytest.mark.parametrize(("code", "place"), [("noCountry", SEA), ("outsideContour", UNDER_NO_BEAM)])
def test_an_order_for_a_place_that_nobody_reaches_is_refused_and_leaves_no_trace(
    operator: RunningOperator, code: str, place: dict[str, Json]
) -> None:
    body = operator.order_body(**place)
    answer = operator.api("provisioning").post(ORDERS, json=body)
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["fault"]
    listed = [one["name"] for one in body["productOrderItem"][0]["product"]["productCharacteristic"]]
    at = f"/productOrderItem/0/product/productCharacteristic/{listed.index('latitudeDeg')}"
    assert (fault["field"], fault["code"]) == (at, code)
    assert operator.get(ORDERS, externalId=body["externalId"]) == []


BAD: list[tuple[str, dict[str, Json], str]] = [
    ("a rate of a terabit", {"downlinkRateBps": 10**12}, "256000 to 60000000 bit/s"),
    ("a rate below zero", {"uplinkRateBps": -1}, "128000 to 20000000 bit/s"),
    ("a rate in words", {"downlinkRateBps": "fast"}, "256000 to 60000000 bit/s"),
    ("more than always", {"availabilityPercent": 100}, "98"),
    ("a place at sea", SEA, "a place on land"),
    ("a place off the globe", {"latitudeDeg": 91}, "-90 to 90 deg"),
    ("no place", {"longitudeDeg": None}, "-180 to 180 deg"),
    ("another country", {"country": "SE"}, "CD"),
    ("no country", {"country": "Congo"}, ""),
    ("an unknown wish", {"colour": "red"}, "downlinkRateBps"),
    ("an unknown band", {"band": ["Q"]}, "C"),
]


@pytest.mark.parametrize(("changed", "accepted"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_bad_input_is_refused_with_what_would_be_accepted_and_leaves_no_trace(
    operator: RunningOperator, changed: dict[str, Json], accepted: str
) -> None:
    before = counts(operator)
    questions = (
        (CHECKS, a_check(operator, **changed)),
        (QUERIES, {"searchCriteria": {"service": asked_service(operator, **changed)}}),
        (OFFERS, an_offer_question(operator, **changed)),
    )
    for path, body in questions:
        answer = operator.api("sales").post(path, json=body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        fault = answer.json()["fault"][0]
        assert "haracteristic" in fault["field"], fault
        assert fault["reason"]
        assert accepted in fault.get("accepted", ""), fault
    assert counts(operator) == before


def test_an_end_before_the_start_is_refused_at_the_end_date(operator: RunningOperator) -> None:
    body: Any = a_check(operator)
    service = body["serviceQualificationItem"][0]["service"]
    service["startDate"], service["endDate"] = STOP, START
    answer = operator.api("sales").post(CHECKS, json=body)
    assert answer.status_code == 400
    assert answer.json()["field"] == "/serviceQualificationItem/0/service/endDate"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_no_json(operator: RunningOperator, text: str) -> None:
    for path, body in ((CHECKS, a_check(operator)), (OFFERS, an_offer_question(operator))):
        broken = json.dumps(body).replace("10000000", text)
        assert text in broken
        headers = {"Content-Type": "application/json"}
        answer = operator.api("sales").post(path, content=broken, headers=headers)
        assert answer.status_code == 400, answer.text


def test_a_customer_sees_the_answers_to_his_own_questions_only_and_finance_may_not_ask(
    operator: RunningOperator,
) -> None:
    mine = operator.api("customer").post(CHECKS, json=a_check(operator))
    assert mine.status_code == 201, mine.text
    seen = operator.get(CHECKS, "customer", limit="100")
    assert [one["id"] for one in seen] == [mine.json()["id"]]
    assert operator.api("supply").post(CHECKS, json=a_check(operator)).status_code == 403
