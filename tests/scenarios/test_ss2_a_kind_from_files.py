"""SS2: a fourth kind of service out of a folder of files: a feed for some hours, from its qualification to its end.

`examples/occasional_use` is loaded beside `examples/operator`; the program has no code for this kind.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import (
    ORDERS,
    RESOURCES,
    SERVICES,
    TMF,
    Body,
    LoadedOperator,
    RunningOperator,
    a_running_operator,
    characteristics,
    satcom,
)

FOLDER = Path(__file__).parents[2] / "examples" / "occasional_use"
FEED = "occasional_use_order.yaml"
QUALIFICATIONS = f"{TMF}/productOfferingQualification/v4/productOfferingQualification"
SPECIFICATIONS = f"{TMF}/serviceCatalogManagement/v4/serviceSpecification"
TESTS = f"{TMF}/serviceTestManagement/v4/serviceTest"
BILLS = f"{TMF}/customerBillManagement/v4/customerBill"
PRODUCTS = f"{TMF}/productInventory/v4/product"
MINUTES, MHZ = 150, 1_000_000
LINE_UP, MHZ_HOUR = 150, 24
COST = LINE_UP + MHZ_HOUR * 9 * MINUTES / 60


@pytest.fixture(scope="module")
def operator(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOperator]:
    folder = tmp_path_factory.mktemp("operator")
    with a_running_operator(loaded, folder) as running:
        satcom(running.url, folder, "load", str(FOLDER))
        running.files = FOLDER
        yield running


def now(operator: RunningOperator) -> datetime:
    """By the business clock."""
    return datetime.now(UTC) + operator.clock_ahead


def an_order(operator: RunningOperator, start: datetime | None = None, **chosen: Json) -> Body:
    body = operator.order_body(FEED, **chosen)
    body.pop("requestedStartDate")
    return body | ({"requestedStartDate": start.isoformat()} if start is not None else {})


def booked(operator: RunningOperator, start: datetime | None = None, **chosen: Json) -> str:
    answer = operator.api("provisioning").post(ORDERS, json=an_order(operator, start, **chosen))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def lined_up(operator: RunningOperator, order_id: str, too_wide_hz: int = 0) -> Body:
    """The NOC's line-up of what waits for it, as recorded."""
    assert operator.wait_for_task(order_id, "access_is_tested", "active")["owner"] == "noc"
    placed = operator.get(f"{TMF}/serviceOrdering/v4/serviceOrder", externalId=order_id)
    service = operator.get(f"{SERVICES}/{placed[-1]['serviceOrderItem'][0]['service']['id']}")
    terms = characteristics(service)
    readings = {
        "lowEdge": (terms["downlinkLowEdgeHz"], "Hz"),
        "highEdge": (terms["downlinkHighEdgeHz"] + too_wide_hz, "Hz"),
        "satelliteEirp": (terms["satelliteEirpLimitDbw"], "dBW"),
        "crossPolarIsolation": (32.0, "dB"),
    }
    body = {
        "name": "Line-up",
        "relatedService": {"id": service["id"]},
        "testSpecification": {"id": "access-test"},
        "testMeasure": [
            {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
            for name, (value, unit) in readings.items()
        ],
    }
    answer = operator.api("noc").post(TESTS, json=body)
    assert answer.status_code == 201, answer.text
    recorded: Body = answer.json()
    return recorded


def slot_of(operator: RunningOperator, order_id: str) -> Body:
    [slot] = operator.get(RESOURCES, **{"@type": "SpectrumAssignment", "orderId": order_id})
    found: Body = slot | characteristics(slot)
    return found


def product_of(operator: RunningOperator, order_id: str) -> Body:
    found: Body = operator.get(
        f"{PRODUCTS}/{operator.get(f'{ORDERS}/{order_id}')['productOrderItem'][0]['product']['id']}"
    )
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_feed_is_qualified_over_the_fleet_and_priced_by_the_hours_that_are_booked(operator: RunningOperator) -> None:
    item = operator.order_body(FEED)["productOrderItem"][0]
    asked = {"id": "1", "productOffering": item["productOffering"], "product": item["product"]}
    answer = operator.api("sales").post(QUALIFICATIONS, json={"productOfferingQualificationItem": [asked]})
    assert answer.status_code == 201, answer.text
    found = answer.json()["productOfferingQualificationItem"][0]
    assert found["qualificationItemResult"] == "qualified"
    products = [found["product"], *(one["alternateProduct"] for one in found["alternateProductOfferingProposal"])]
    assert len(products) > 1
    assert all(f"{COST:.2f} USD for {MINUTES} minutes" in one["description"] for one in products)
    by_name = {one["name"]: one for one in products[0]["productPrice"]}
    assert by_name["Ku-band time"]["price"]["dutyFreeAmount"]["value"] == COST - LINE_UP
    assert by_name["Ku-band time"]["description"] == "1350 MHz min at 24.00 USD per 60 MHz min = 540.00 USD"
    assert {one["priceType"] for one in by_name.values()} == {"oneTime"}
    reasons = {one["code"] for one in found["eligibilityUnavailabilityReason"]}
    assert {"outsideContour", "satelliteNotInService"} & reasons


def test_a_feed_goes_on_the_air_after_its_line_up_is_billed_by_the_hour_and_ends_by_itself(
    operator: RunningOperator,
) -> None:
    order_id = booked(operator)
    assert lined_up(operator, order_id, too_wide_hz=MHZ)["state"] == "failed"
    assert operator.tasks(order_id)["access_is_tested"]["state"] == "active"
    assert lined_up(operator, order_id)["state"] == "completed"
    order = operator.follow(order_id)
    assert order["state"] == "completed", order.get("note")
    product, service, slot = product_of(operator, order_id), operator.service_of(order_id), slot_of(operator, order_id)
    end = instant(order["orderDate"]) + timedelta(minutes=MINUTES)
    assert (product["status"], instant(product["terminationDate"])) == ("active", end)
    assert instant(characteristics(service)["onAirUntil"]) == instant(slot["stopAt"]) == end
    assert "configure_hub" not in operator.tasks(order_id)
    [bill] = [
        one
        for one in operator.get(BILLS)
        if one["billingAccount"]["id"] == loaded_id("BillingAccount", "account-rift-television")
    ]
    assert bill["taxExcludedAmount"]["value"] == COST

    following, beside = booked(operator, end), booked(operator, end - timedelta(minutes=1))
    for one in (following, beside):
        operator.wait_for_task(one, "start_date_is_here", "active")
    told = instant(operator.get(f"{ORDERS}/{following}")["expectedCompletionDate"]) - end
    assert timedelta(minutes=15) <= told < timedelta(minutes=20), "the line-up is expected when its time begins"
    assert slot_of(operator, following)["startHz"] == slot["startHz"], "the slot is free when its time is over"
    assert slot_of(operator, beside)["startHz"] != slot["startHz"]

    operator.move_clock(timedelta(minutes=MINUTES + 5))
    operator.wait_for(lambda: product_of(operator, order_id)["status"] == "terminated", "the booking to end")
    assert instant(product_of(operator, order_id)["terminationDate"]) == end
    ended = operator.get(f"{SERVICES}/{service['id']}")
    assert (ended["state"], instant(ended["endDate"])) == ("terminated", end)
    assert slot_of(operator, order_id)["state"] == "released"

    for one in (following, beside):
        operator.wait_for_task(one, "access_is_tested", "active")
    assert lined_up(operator, following)["state"] == "completed"
    assert operator.follow(following)["state"] == "completed"
    operator.move_clock(timedelta(minutes=MINUTES))
    missed = operator.follow(beside)
    assert missed["state"] == "failed", "nobody lined it up in its time"
    assert any("deadlineMissed" in one["text"] for one in missed["note"])
    assert slot_of(operator, beside)["state"] == "released"
    operator.wait_for(lambda: product_of(operator, following)["status"] == "terminated", "the next one to end")
    assert len([one for one in operator.get(BILLS) if one["billingAccount"] == bill["billingAccount"]]) == 2


def test_a_booking_is_neither_changed_nor_ended_by_notice(operator: RunningOperator) -> None:
    order_id = booked(operator)
    assert lined_up(operator, order_id)["state"] == "completed"
    operator.follow(order_id)
    product = product_of(operator, order_id)
    longer: list[Json] = [{"name": "durationMinutes", "value": MINUTES + 10}]
    for action, further in (("delete", {}), ("modify", {"productCharacteristic": longer})):
        item = {"id": "1", "action": action, "product": {"id": product["id"]} | further}
        body = an_order(operator) | {"productOrderItem": [item]}
        refused = operator.api("provisioning").post(ORDERS, json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "booked"), refused.text
        assert "ends by itself" in refused.text


def test_a_booking_is_cancelled_until_it_is_on_the_air(operator: RunningOperator) -> None:
    order_id = booked(operator, now(operator) + timedelta(hours=2))
    operator.wait_for_task(order_id, "start_date_is_here", "active")
    asked = operator.api("provisioning").post(
        f"{TMF}/productOrderingManagement/v4/cancelProductOrder", json={"productOrder": {"id": order_id}}
    )
    assert asked.status_code == 201, asked.text
    assert operator.follow(order_id)["state"] == "cancelled"
    assert slot_of(operator, order_id)["state"] == "released"


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"durationMinutes": None}, "durationMinutes"),
        ({"durationMinutes": 14}, "15"),
        ({"durationMinutes": 150.5}, "whole number"),
        ({"durationMinutes": "two hours"}, "number"),
        ({"bandwidthHz": 37 * MHZ}, "36000000"),
        ({"uplinkLatitudeDeg": None}, "uplinkLatitudeDeg"),
        ({"downlinkRateBps": MHZ}, "downlinkRateBps"),
    ],
)
def test_a_feed_that_makes_no_sense_is_refused_where_it_is_written(
    operator: RunningOperator, chosen: dict[str, Json], said: str
) -> None:
    refused = operator.api("provisioning").post(ORDERS, json=an_order(operator, None, **chosen))
    assert refused.status_code in (400, 422), refused.text
    assert "/productOrderItem/0/product/productCharacteristic" in refused.text
    assert said in refused.text


def test_a_time_that_is_over_and_a_term_of_months_are_refused_together(operator: RunningOperator) -> None:
    body = an_order(operator, now(operator) - timedelta(hours=3))
    body["productOrderItem"][0]["itemTerm"] = [{"duration": {"amount": 12, "units": "month"}}]
    refused = operator.api("provisioning").post(ORDERS, json=body)
    assert refused.status_code == 422
    assert all(one in refused.text for one in ("/requestedStartDate", "/productOrderItem/0/itemTerm"))


def test_no_site_is_booked_by_the_minute(operator: RunningOperator) -> None:
    """A terminal that ends after an hour would have to come back: that is not built, and the catalogue says so."""
    needs = [{"id": loaded_id("ResourceSpecification", one)} for one in ("resource-pool-share", "resource-terminal")]
    body = {
        "name": "Event access",
        "lifecycleStatus": "Active",
        "resourceSpecification": needs,
        "specCharacteristic": [{"name": "durationMinutes", "valueType": "number"}],
    }
    refused = operator.api().post(SPECIFICATIONS, json=body)
    assert refused.status_code == 422, refused.text
    assert "/specCharacteristic/0/name" in refused.text
    assert "/specCharacteristic/0/minCardinality" in refused.text
