"""OS3: three kinds of service, with OS1, OS4, OS5 and OS7 of each: a link of its own, shared access, a lease.

One mechanism: each kind is a specification, a product, an offering and a price list of `examples/operator`.
"""

import pytest

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import SERVICES, TMF, Body, RunningOperator

QUALIFICATIONS = f"{TMF}/productOfferingQualification/v4/productOfferingQualification"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
TESTS = f"{TMF}/serviceTestManagement/v4/serviceTest"
LINK, ACCESS, LEASE = "demo_order.yaml", "shared_vsat_order.yaml", "transponder_lease_order.yaml"
OFFERINGS = {LINK: "offering-dedicated-scpc-link", ACCESS: "offering-shared-vsat", LEASE: "offering-transponder-lease"}
MBPS = 1_000_000


def qualified(operator: RunningOperator, file: str, **chosen: Json) -> Body:
    """What can be sold of the offering of an order, as sales asks."""
    item = operator.order_body(file, **chosen)["productOrderItem"][0]
    asked = {"id": "1", "productOffering": item["productOffering"], "product": item["product"]}
    answer = operator.api("sales").post(QUALIFICATIONS, json={"productOfferingQualificationItem": [asked]})
    assert answer.status_code in (200, 201), answer.text
    found: Body = answer.json()["productOfferingQualificationItem"][0]
    return found


def service_in_progress(operator: RunningOperator, order_id: str) -> Body:
    placed = operator.get(f"{TMF}/serviceOrdering/v4/serviceOrder", externalId=order_id)
    found: Body = operator.get(f"{SERVICES}/{placed[-1]['serviceOrderItem'][0]['service']['id']}")
    return found


def access_test(service: Body, beyond_hz: int = 0) -> Body:
    """What the NOC reads when the customer comes on the air; `beyond_hz` too far up."""
    terms = {one["name"]: one["value"] for one in service["serviceCharacteristic"]}
    readings = {
        "lowEdge": (terms["downlinkLowEdgeHz"], "Hz"),
        "highEdge": (terms["downlinkHighEdgeHz"] + beyond_hz, "Hz"),
        "satelliteEirp": (terms["satelliteEirpLimitDbw"], "dBW"),
        "crossPolarIsolation": (32.0, "dB"),
    }
    return {
        "name": "Access test",
        "relatedService": {"id": service["id"]},
        "testSpecification": {"id": "access-test"},
        "testMeasure": [
            {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
            for name, (value, unit) in readings.items()
        ],
    }


def products_of(found: Body) -> list[Body]:
    """The product that is offered first, and its alternates in their order."""
    return [found["product"], *(one["alternateProduct"] for one in found["alternateProductOfferingProposal"])]


def charges(product: Body, kind: str) -> dict[str, float]:
    """The amounts by the names of their prices."""
    prices = [one for one in product["productPrice"] if one["priceType"] == kind]
    assert {one["price"]["dutyFreeAmount"]["unit"] for one in prices} == {"USD"}
    return {one["name"]: float(one["price"]["dutyFreeAmount"]["value"]) for one in prices}


@pytest.mark.parametrize(("file", "months", "dearer"), [(LINK, 24, True), (ACCESS, 12, True), (LEASE, 12, False)])
def test_each_kind_is_qualified_over_the_fleet_and_ranked_by_what_it_costs_over_its_term(
    operator: RunningOperator, file: str, months: int, dearer: bool
) -> None:
    found = qualified(operator, file)
    assert found["qualificationItemResult"] == "qualified"
    assert found["productOffering"]["id"] == loaded_id("ProductOffering", OFFERINGS[file])
    products = products_of(found)
    totals = [
        sum(charges(one, "oneTime").values()) + months * sum(charges(one, "recurring").values()) for one in products
    ]
    assert totals == sorted(totals)
    assert len(totals) > 1
    assert totals[0] > 0
    assert (totals[-1] > totals[0]) is dearer, "a slot of a band costs the same on every transponder"


def test_access_and_lease_are_priced_by_their_own_lists(operator: RunningOperator) -> None:
    """By the Mbit/s of both directions, at most and committed; and by the MHz of the slot."""
    access = [sum(charges(one, "recurring").values()) for one in products_of(qualified(operator, ACCESS))]
    ku, ka = (
        most * (8 + 1.5) + committed * (1 + 0.256) + platform
        for most, committed, platform in ((14, 310, 60), (9, 220, 60))
    )
    assert {round(one, 2) for one in access} <= {round(ku, 2), round(ka, 2)}
    found = products_of(qualified(operator, LEASE))
    assert {sum(charges(one, "oneTime").values()) for one in found} == {1500}
    assert charges(found[0], "recurring") == {"Ku-band spectrum": 4.5 * 2550}


def test_access_takes_a_share_of_the_pools_and_configures_no_carrier_of_its_own(operator: RunningOperator) -> None:
    order_id = operator.delivered(ACCESS)
    service = operator.service_of(order_id)
    kinds = sorted(one["@referredType"] for one in service["supportingResource"])
    assert kinds == ["PoolShare", "PoolShare", "Terminal"]
    with operator.hub.client() as hub:
        carriers = [one["id"] for one in hub.get("/v1/carriers").json()["items"]]
        terminal = hub.get(f"/v1/terminals/{service['id']}-terminal").json()
        plan = hub.get(f"/v1/plans/{service['id']}-plan").json()
    assert not any(one.startswith(service["id"]) for one in carriers)
    assert {terminal["carrier_id"], terminal["return_carrier_id"]} <= set(carriers)
    assert (plan["forward_cir_bps"], plan["forward_mir_bps"]) == (1 * MBPS, 8 * MBPS)
    tests = operator.get(TESTS, **{"relatedService.id": service["id"]})
    assert [one["state"] for one in tests] == ["completed"]


def test_each_kind_is_decomposed_into_what_it_needs(operator: RunningOperator) -> None:
    of_link = set(operator.tasks(operator.order(LINK)))
    of_access = set(operator.tasks(operator.order(ACCESS)))
    of_lease = set(operator.tasks(operator.order(LEASE)))
    assert of_link == of_access
    assert {"obtain_terminal", "configure_hub", "measure_link"} <= of_link - of_lease
    assert of_lease - of_link == {"prepare_access", "access_is_tested"}


def test_a_lease_waits_for_the_noc_and_goes_on_the_air_when_it_keeps_within_its_slot(operator: RunningOperator) -> None:
    order_id = operator.order(LEASE)
    waiting = operator.wait_for_task(order_id, "access_is_tested", "active")
    assert waiting["owner"] == "noc"
    service = service_in_progress(operator, order_id)
    assert operator.api("sales").post(TESTS, json=access_test(service)).status_code == 403
    too_wide = operator.api("noc").post(TESTS, json=access_test(service, beyond_hz=MBPS))
    assert (too_wide.status_code, too_wide.json()["state"]) == (201, "failed")
    assert operator.tasks(order_id)["access_is_tested"]["state"] == "active"
    assert operator.api("noc").post(TESTS, json=access_test(service)).json()["state"] == "completed"
    assert operator.follow(order_id)["state"] == "completed"
    assert [one["@referredType"] for one in operator.service_of(order_id)["supportingResource"]] == [
        "SpectrumAssignment"
    ]


@pytest.fixture
def little_left(operator: RunningOperator) -> None:
    """The operator's Ku pools over Africa are promised but for a little."""
    while qualified(operator, ACCESS, downlinkCommittedRateBps=7 * MBPS)["qualificationItemResult"] == "qualified":
        operator.delivered(ACCESS, downlinkCommittedRateBps=7 * MBPS)


@pytest.mark.usefixtures("little_left")
def test_no_more_is_committed_than_a_pool_has_and_the_rest_is_still_sold(operator: RunningOperator) -> None:
    refused = qualified(operator, ACCESS, downlinkCommittedRateBps=7 * MBPS)
    reasons = {one["code"] for one in refused["eligibilityUnavailabilityReason"]}
    assert "noCommittedRate" in reasons
    assert qualified(operator, ACCESS, downlinkCommittedRateBps=0)["qualificationItemResult"] == "qualified"


def test_a_place_without_a_pool_is_refused_with_that_reason(operator: RunningOperator) -> None:
    milan: dict[str, Json] = {"latitudeDeg": 45.5, "longitudeDeg": 9.2, "altitudeM": 120, "country": "IT"}
    refused = qualified(
        operator, ACCESS, **milan
    )  # in a beam of Ku band, licensed, with a hub; the pools are elsewhere
    assert refused["qualificationItemResult"] == "unqualified"
    evidence = refused["note"][-1]["text"].removeprefix("evidence ")
    losers = operator.get(f"{EVIDENCE}/{evidence}")["result"]["losers"]
    reasons = {one["code"] for one in refused["eligibilityUnavailabilityReason"]}
    assert reasons == {one["reason"] for one in losers}
    assert "noCarrierPool" in reasons
    for one in losers:
        if one["reason"] == "noCarrierPool":
            assert (one["value"], one["limit"], one["unit"]) == (0, 1, "pools")
