"""OS8, X13: a service over satellites that pass is ordered as any other; who carries it is known at every instant."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.scenarios.a_running_operator import (
    FOLDER,
    ORDERS,
    RESOURCES,
    SERVICES,
    TMF,
    Body,
    LoadedOperator,
    RunningOperator,
    a_loaded_operator,
    a_running_operator,
    characteristics,
    satcom,
)

PATH_AT = "/satcom-api/service/v1/servicePathAt"
PATHS = "/satcom-api/service/v1/servicePath"
EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"


@pytest.fixture(scope="module", params=["meo_operator", "leo_operator"])
def loaded(request: pytest.FixtureRequest, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> LoadedOperator:
    return a_loaded_operator(postgres, tmp_path_factory.mktemp("loaded"), FOLDER.with_name(request.param))


@pytest.fixture(scope="module")
def operator(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOperator]:
    with a_running_operator(loaded, tmp_path_factory.mktemp("operator")) as running:
        yield running


@pytest.fixture(scope="module")
def served(operator: RunningOperator) -> str:
    """The order of a service that works."""
    return operator.delivered()


def at(operator: RunningOperator, service: str, moment: datetime) -> Body:
    found: Body = operator.get(PATH_AT, "noc", serviceId=service, at=moment.isoformat().replace("+00:00", "Z"))
    return found


def held(operator: RunningOperator, order_id: str) -> list[Body]:
    """What is taken of the network by the service of an order, as the inventory has it."""
    return [operator.get(one["href"]) for one in operator.service_of(order_id)["supportingResource"]]


def test_the_order_runs_end_to_end_and_is_tested_and_billed(operator: RunningOperator, served: str) -> None:
    done = operator.tasks(served)
    assert {one["state"] for one in done.values()} == {"completed"}
    service = operator.service_of(served)
    assert service["state"] == "active"
    (test,) = operator.get(f"{TMF}/serviceTestManagement/v4/serviceTest", **{"relatedService.id": service["id"]})
    assert test["state"] == "completed"
    planned = characteristics(test)
    read = {one["metricName"]: one["value"]["value"] for one in test["testMeasure"]}
    for way in ("Forward", "Return"):
        low_db, high_db = planned[f"planned{way}EsN0"], planned[f"planned{way}BestEsN0"]
        assert low_db - 1 <= read[f"{way.lower()}EsN0"] <= high_db + 1
    assert read["roundTripLatency"] < 0.477, "nearer than any satellite that stands still"
    product = operator.get(f"{ORDERS}/{served}")["productOrderItem"][0]["product"]["id"]
    assert operator.get(f"{TMF}/customerBillManagement/v4/appliedCustomerBillingRate", **{"product.id": product})


def test_all_who_should_know_of_it_tell_one_story(operator: RunningOperator, served: str) -> None:
    assert operator.broken_links(served) == []


def test_a_port_is_held_at_every_gateway_and_a_share_of_beam_and_feeders(
    operator: RunningOperator, served: str
) -> None:
    (path,) = operator.get(PATHS, serviceId=operator.service_of(served)["id"])
    kinds = [one["@type"] for one in held(operator, served)]
    gateways = len(path["gatewayIds"])
    assert gateways >= 1
    assert kinds.count("HubPortAssignment") == gateways
    assert kinds.count("ConstellationShare") == 1 + gateways


def test_a_gateway_is_taken_when_the_service_goes_through_it(operator: RunningOperator, served: str) -> None:
    """By the times of the capacity day, where one is declared; over OneWeb, whose days differ, all the time."""
    (path,) = operator.get(PATHS, serviceId=operator.service_of(served)["id"])
    declared = characteristics(operator.get(f"{RESOURCES}/{path['constellationId']}")).get("capacityDay")
    shares = [characteristics(one) for one in held(operator, served) if one["@type"] == "ConstellationShare"]
    (cell,) = [one for one in shares if "cell" in one]
    through = [slot for one in shares if "cell" not in one for slot in one.get("daySlots", [])]
    lit = [slot for one in cell.get("litBy", []) for slot in one["slots"]]
    if declared is None:
        assert through == lit == []
    else:
        assert set(through) == set(lit) == set(range(144)), "it is served all day"
        noon = operator.get(RESOURCES, **{"@type": "ConstellationShare", "daySlots": "72"})
        assert {one["id"] for one in noon} & {one["id"] for one in held(operator, served)}
        kept = operator.get(EVIDENCE, limit="1", sort="-at")[0]
        told = kept["result"]["solutions"][0]["gateways"]
        assert all(0 < one["forwardLeftHz"] <= 2_500_000_000 for one in told)
        assert all(one["fullestAt"].startswith(declared) for one in told)


def test_who_carries_it_is_known_at_instants_of_the_past_and_the_future(operator: RunningOperator, served: str) -> None:
    service = operator.service_of(served)
    begun = datetime.fromisoformat(service["startDate"])
    assert at(operator, served, begun - timedelta(days=1))["reason"] == "noPath"
    (path,) = operator.get(PATHS, serviceId=service["id"])
    tomorrow = begun.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    carried = [at(operator, served, tomorrow + timedelta(minutes=each)) for each in range(0, 24 * 60, 97)]
    there = [one for one in carried if one["carried"]]
    assert len(there) >= 0.9 * len(carried)
    assert len({one["satellite"]["id"] for one in there}) > 1, "one after the other"
    assert {one["earthStation"]["id"] for one in there} <= set(path["gatewayIds"])
    for one in there:
        assert one["startAt"] <= one["at"] < one["until"]
        assert one["elevationDeg"] >= 20
        assert len(one["beam"]) == 1
    next_year = at(operator, served, begun + timedelta(days=365))
    assert next_year["carried"] is False or next_year["elementsAgeDays"] > 365


def test_two_who_ask_are_told_the_same_and_a_leg_is_the_same_from_within(
    operator: RunningOperator, served: str
) -> None:
    begun = datetime.fromisoformat(operator.service_of(served)["startDate"])
    noon = begun.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
    one = at(operator, served, noon)
    assert one == at(operator, served, noon)
    if one["carried"]:
        late = datetime.fromisoformat(one["until"]) - timedelta(seconds=1)
        again = at(operator, served, late)
        assert (again["satellite"], again["until"]) == (one["satellite"], one["until"])


def test_the_command_line_tells_it_too(operator: RunningOperator, served: str) -> None:
    who = ("--url", operator.base_url, "--token", operator.tokens["noc"])
    told = satcom(operator.url, operator.folder, "service", "path", served, *who)
    now = operator.get(PATH_AT, "noc", serviceId=served)
    assert now["constellation"]["name"] in told
    assert "satellite" in told or "by nobody" in told


def test_the_evidence_keeps_the_satellites_that_serve_and_gives_the_same_numbers(
    operator: RunningOperator, served: str
) -> None:
    kept = operator.get(EVIDENCE, limit="1", sort="-at")[0]
    (passing,) = kept["inputs"]["constellations"]
    best = kept["result"]["solutions"][0]
    assert len(passing["constellation"]["satellites"]) == best["path"]["satelliteCount"]
    for carrier in (best["forward"], best["returnLink"]):
        assert carrier["limitsKept"]
        assert all(one["value"] < one["limit"] for one in carrier["limitsKept"])
    again = operator.api().post(f"{EVIDENCE}/{kept['id']}/recomputation")
    assert again.status_code == 200
    assert again.json()["sameNumbers"] is True


def ordered(operator: RunningOperator, product: Body, action: str, *values: Body) -> None:
    """Change or end a product, and see it done."""
    item = {"id": "1", "action": action, "product": {"id": product["id"], "productCharacteristic": list(values)}}
    body = {"relatedParty": product["relatedParty"], "productOrderItem": [item]}
    answer = operator.api("provisioning").post(ORDERS, json=body)
    assert answer.status_code == 201, answer.text
    done = operator.follow(answer.json()["id"])
    assert done["state"] == "completed", done.get("note")


def test_more_is_changed_to_and_all_is_given_back_at_the_end(operator: RunningOperator) -> None:
    order = operator.delivered(downlinkRateBps=5_000_000)
    service, before = operator.service_of(order), held(operator, order)
    product_id = operator.get(f"{ORDERS}/{order}")["productOrderItem"][0]["product"]["id"]
    product = operator.get(f"{TMF}/productInventory/v4/product/{product_id}")
    ordered(operator, product, "modify", {"name": "downlinkRateBps", "value": 8_000_000})
    now_held = [operator.get(one["href"]) for one in operator.get(f"{SERVICES}/{service['id']}")["supportingResource"]]
    was, now = (
        [characteristics(one)["forwardHz"] for one in several if one["@type"] == "ConstellationShare"]
        for several in (before, now_held)
    )
    assert min(now) > max(was)
    assert len(operator.get(PATHS, serviceId=service["id"])) == 2
    with operator.hub.client() as hub:
        carriers = [one for one in hub.get("/v1/carriers").json()["items"] if one["id"].startswith(service["id"])]
    assert len(carriers) == 2 * (len(now) - 1), "two at each gateway, and none that was left behind"

    ordered(operator, product, "delete")
    left = [operator.get(f"{RESOURCES}/{one['id']}") for one in now_held if one["@type"] != "Terminal"]
    assert {characteristics(one)["state"] for one in left} == {"released"}
    assert operator.get(PATH_AT, "noc", serviceId=service["id"])["reason"] == "noPath"


def test_what_makes_no_sense_is_refused_by_its_name(operator: RunningOperator, served: str) -> None:
    for asked, status, field in (
        ({}, 422, "serviceId"),
        ({"serviceId": "nobody"}, 404, "serviceId"),
        ({"serviceId": served, "at": "2027-01-31T14:05:00"}, 422, "at"),
        ({"serviceId": served, "at": "3000-01-31T14:05:00Z"}, 422, "at"),
        ({"serviceId": served, "at": "soon"}, 422, "at"),
    ):
        answer = operator.api("noc").get(PATH_AT, params=asked)
        assert answer.status_code in (status, 400), answer.text
        assert field in answer.text
    far = operator.order_body(latitudeDeg=-33.9, longitudeDeg=18.4, country="ZA", altitudeM=20)
    lost = operator.api("provisioning").post(ORDERS, json=far)
    order = operator.follow(lost.json()["id"]) if lost.status_code == 201 else {"state": "rejected", "note": lost.text}
    assert order["state"] == "rejected"
    assert "licence" in str(order["note"])
