"""OP5: a terminal is bought, shipped, received, installed and returned, and its serial number tells all of it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest

from satcom.core.values import Json
from tests.contract.told_of_a_service import TESTS, against_the_documents
from tests.scenarios.a_running_operator import (
    ORDERS,
    TMF,
    Body,
    RunningOperator,
    characteristics,
    satcom,
)

SUPPLY: Final = "/satcom-api/supplyChain/v1"
PURCHASES, SHIPMENTS = f"{SUPPLY}/purchaseOrder", f"{SUPPLY}/shipment"
RECEIPTS, RETURNS = f"{SUPPLY}/goodsReceipt", f"{SUPPLY}/equipmentReturn"
STOCKED, SWAPS = f"{SUPPLY}/stockedTerminal", "/satcom-api/service/v1/terminalSwap"
BILLING: Final = f"{TMF}/customerBillManagement/v4"
SERIAL: Final = "C380-2027-0042"
C_380: Final[dict[str, Json]] = {"terminalType": ["term-c-380"]}


def posted(operator: RunningOperator, path: str, **body: Json) -> Body:
    answer = operator.api("supply").post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: Body = answer.json()
    return made


def noted(operator: RunningOperator, path: str, **patch: Json) -> Body:
    answer = operator.api("supply").patch(path, json=patch)
    assert answer.status_code == 200, answer.text
    changed: Body = answer.json()
    return changed


def refusal(operator: RunningOperator, path: str, **body: Json) -> tuple[int, str, str]:
    answer = operator.api("supply").post(path, json=body)
    return answer.status_code, answer.json()["field"], answer.json()["code"]


def told(operator: RunningOperator, *command: str, role: str = "supply") -> str:
    """What `satcom` says to the supply desk."""
    return satcom(operator.url, operator.folder, *command, "--url", operator.base_url, "--token", operator.tokens[role])


def history(operator: RunningOperator, serial_number: str) -> list[Body]:
    found: list[Body] = json.loads(told(operator, "terminal", "history", serial_number, "--json"))["history"]
    return found


def later(operator: RunningOperator, days: int) -> str:
    """A day by the business clock."""
    return f"{datetime.now(UTC) + operator.clock_ahead + timedelta(days=days):%Y-%m-%d}"


@dataclass(frozen=True)
class Swapped:
    """An order whose terminal was swapped: what it was, and what took its place."""

    order: str
    service: Body
    old: str
    new: str


def at_site(operator: RunningOperator, service: Body) -> Body:
    """The terminal that carries the service, its characteristics among its attributes."""
    [terminal] = [one for one in service["supportingResource"] if one["@referredType"] == "Terminal"]
    found: Body = operator.get(terminal["href"], "noc")
    return found | characteristics(found)


def another(operator: RunningOperator, serial_number: str) -> list[str]:
    """The terminals of its type that are in stock."""
    [stood] = operator.get(STOCKED, "supply", serialNumber=serial_number)
    same = {"terminalTypeId": stood["terminalTypeId"], "state": "inStock", "sort": "serialNumber", "limit": "100"}
    return [one["serialNumber"] for one in operator.get(STOCKED, "supply", **same)]


@pytest.fixture(scope="module")
def swapped(operator: RunningOperator) -> Swapped:
    """By a field engineer who has another terminal with him."""
    order_id = operator.delivered(terminalType=["term-c-240"])
    service = operator.service_of(order_id)
    old = at_site(operator, service)["serialNumber"]
    new = another(operator, old)[0]
    reference = operator.get(f"{ORDERS}/{order_id}")["reference"]
    command = ("terminal", "swap", reference, new, "--reason", "its BUC does not transmit", "--json")
    begun = json.loads(told(operator, *command, role="noc"))
    assert (begun["oldSerialNumber"], begun["state"]) == (old, "inProgress")
    operator.wait_for(lambda: operator.get(begun["href"])["state"] == "done", "the terminal to be swapped")
    return Swapped(order_id, service, old, new)


@pytest.fixture(scope="module")
def waiting(operator: RunningOperator) -> str:
    """An order for a terminal of which both that there were went back to the supplier."""
    for serial_number in ("STOCK-JOHANNESBURG-C-380-0001", "STOCK-JOHANNESBURG-C-380-0002"):
        command = ("terminal", "return", serial_number, "--reason", "the feed is bent", "--json")
        assert json.loads(told(operator, *command))["state"] == "atSupplier"
    order_id = operator.order(**C_380)
    operator.wait_for_task(order_id, "terminal_is_here", "active")
    return order_id


def test_a_swapped_terminal_is_known_to_the_hub_measured_and_in_the_inventory(
    operator: RunningOperator, swapped: Swapped
) -> None:
    with operator.hub.client() as hub:
        assert [one["serial_number"] for one in hub.get("/v1/terminals").json()["items"]] == [swapped.new]
    service = operator.service_of(swapped.order)
    assert (service["id"], service["state"]) == (swapped.service["id"], "active")
    assert operator.get("/satcom-api/service/v1/hubState", "noc", serviceId=service["id"])["differences"] == []
    new, old = at_site(operator, service), at_site(operator, swapped.service)
    assert (new["serialNumber"], new["state"]) == (swapped.new, "inService")
    assert (old["serialNumber"], old["state"]) == (swapped.old, "removed")
    first, second = operator.get(TESTS, sort="startDateTime", **{"relatedService.id": service["id"]})
    assert (first["state"], second["state"]) == ("completed", "completed")
    assert [one["state"] for one in history(operator, swapped.new)][-2:] == ["installed", "inService"]
    [swap] = json.loads(told(operator, "terminal", "swaps", "--json", role="noc"))
    assert (swap["oldSerialNumber"], swap["serialNumber"]) == (swapped.old, swapped.new)


def test_the_official_documents_allow_what_is_told_of_a_service_that_was_swapped(
    operator: RunningOperator, swapped: Swapped
) -> None:
    faults = against_the_documents(operator, swapped.order, swapped.service["id"])
    assert {document: those for document, those in faults.items() if those} == {}


def test_a_swapped_terminal_comes_back_to_its_depot_and_is_inspected(
    operator: RunningOperator, swapped: Swapped
) -> None:
    [returned] = operator.get(RETURNS, "supply", serialNumber=swapped.old)
    assert returned["state"] == "expected"
    assert "its BUC does not transmit" in returned["reason"]
    posted(operator, RECEIPTS, equipmentReturn={"id": returned["id"]}, serialNumber=[swapped.old])
    assert swapped.old not in another(operator, swapped.new)
    noted(operator, returned["href"], state="restocked", finding="a connector was wet")
    assert swapped.old in another(operator, swapped.new)
    assert [one["state"] for one in history(operator, swapped.old)][-5:] == [
        "inService",
        "removed",
        "inReturn",
        "returned",
        "inStock",
    ]


def test_nobody_swaps_what_is_not_there_or_is_not_his(operator: RunningOperator, swapped: Swapped) -> None:
    wanted: Body = {"serviceId": swapped.service["id"], "serialNumber": swapped.old, "reason": "it is old"}
    for role, wrong, status, field in (
        ("customer", {}, 403, None),
        ("noc", {"serviceId": "none"}, 404, "serviceId"),
        ("noc", {"serialNumber": "NONE"}, 400, "/serialNumber"),
        ("noc", {"serialNumber": swapped.new}, 409, "/serialNumber"),
        ("noc", {"reason": ""}, 400, "/reason"),
    ):
        answer = operator.api(role).post(SWAPS, json=wanted | wrong)
        assert answer.status_code == status, answer.text
        assert field in (None, answer.json()["field"]), answer.text


def test_an_order_waits_until_the_day_of_its_shipment_and_a_late_one_is_seen(
    operator: RunningOperator, waiting: str
) -> None:
    [purchase] = operator.get(PURCHASES, "supply", orderId=waiting)
    bought: Json = {"id": purchase["id"]}
    sent: dict[str, Json] = {"carrier": "DHL", "trackingNumber": "JD014600003SE", "expectedDate": later(operator, 30)}
    refused = refusal(operator, SHIPMENTS, purchaseOrder=bought, serialNumber=[SERIAL, "C380-2027-0043"], **sent)
    assert refused == (422, "/serialNumber", "wrongQuantity")
    options = ("--carrier", "DHL", "--tracking-number", "JD014600003SE", "--expected", later(operator, 30))
    reference = operator.get(f"{ORDERS}/{waiting}")["reference"]
    shipment = json.loads(told(operator, "terminal", "ship", reference, SERIAL, *options, "--json"))

    expected = f"{later(operator, 30)}T00:00:00Z"  # not the 70 days that the supplier takes at most
    operator.wait_for(
        lambda: operator.tasks(waiting)["terminal_is_here"]["expectedAt"] == expected, "the order to know the day"
    )
    assert operator.get(f"{ORDERS}/{waiting}", "customer")["expectedCompletionDate"][:10] == later(operator, 30)
    operator.move_clock(timedelta(days=32))
    [under_way] = json.loads(told(operator, "terminal", "shipments", "--late", "--json"))
    assert under_way["reference"] == shipment["reference"]
    overdue = operator.get(SHIPMENTS, "supply", **{"expectedDate.lt": later(operator, 0), "state": "shipped"})
    assert [one["id"] for one in overdue] == [shipment["id"]]


def test_only_what_was_shipped_is_received_and_the_order_goes_on(operator: RunningOperator, waiting: str) -> None:
    [shipment] = operator.get(SHIPMENTS, "supply")
    the_shipment: Json = {"id": shipment["id"]}
    wrong = refusal(operator, RECEIPTS, shipment=the_shipment, serialNumber=["C380-2027-0099"])
    assert wrong == (400, "/serialNumber/0", "notInShipment")
    assert f"{SERIAL}: received" in told(operator, "terminal", "receive", shipment["reference"], SERIAL)
    again = refusal(operator, RECEIPTS, shipment=the_shipment, serialNumber=[SERIAL])
    assert again == (409, "/shipment/id", "received")
    order = operator.follow(waiting)
    assert order["state"] == "completed", order.get("note")
    at_site = refusal(operator, RETURNS, serialNumber=SERIAL, reason="we want it back")
    assert at_site == (422, "/serialNumber", "atSite")


def test_a_service_is_billed_over_a_swap_without_a_gap(operator: RunningOperator, swapped: Swapped) -> None:
    """The business clock has gone on by a month, and the bill run bills it."""
    product = operator.get(f"{ORDERS}/{swapped.order}")["productOrderItem"][0]["product"]["id"]
    account = operator.get(f"{TMF}/productInventory/v4/product/{product}")["billingAccount"]["id"]
    made = {"billingAccount.id": account, "runType": "onCycle"}
    operator.wait_for(lambda: bool(operator.get(f"{BILLING}/customerBill", **made)), "the account to be billed")
    asked = operator.api("customer").post(f"{BILLING}/customerBillOnDemand", json={"billingAccount": {"id": account}})
    assert (asked.status_code, asked.json()["state"]) == (201, "rejected"), asked.text
    rates = operator.get(f"{BILLING}/appliedCustomerBillingRate", **{"product.id": product, "type": "recurringCharge"})
    by_name: dict[str, list[Body]] = {}
    for rate in sorted(rates, key=lambda one: one["periodCoverage"]["startDateTime"]):
        by_name.setdefault(rate["name"], []).append(rate)
    assert by_name
    for billed in by_name.values():
        periods = [one["periodCoverage"] for one in billed]
        assert len(periods) > 1
        assert all(one["endDateTime"] == other["startDateTime"] for one, other in pairwise(periods))
        assert all(one["taxExcludedAmount"]["value"] > 0 for one in billed)


def test_the_end_of_the_service_brings_the_terminal_back_and_it_is_inspected(
    operator: RunningOperator, waiting: str
) -> None:
    reference = operator.get(f"{ORDERS}/{waiting}")["reference"]
    ending = json.loads(told(operator, "order", "terminate", reference, "--yes", "--json", role="provisioning"))
    last_day = datetime.fromisoformat(ending["expectedCompletionDate"])
    operator.move_clock(last_day - datetime.now(UTC) - operator.clock_ahead + timedelta(hours=1))
    assert operator.follow(ending["id"])["state"] == "completed"
    [returned] = operator.get(RETURNS, "supply", serialNumber=SERIAL)
    assert (returned["state"], returned["reason"]) == ("expected", f"ended by {ending['reference']}")
    noted(operator, returned["href"], carrier="DHL", trackingNumber="JD014600009SE")
    assert returned["reference"] in told(operator, "terminal", "returns")
    told(operator, "terminal", "receive", returned["reference"], SERIAL)
    inspected = ("terminal", "inspect", returned["reference"], "restocked", "--finding", "as new", "--json")
    done = json.loads(told(operator, *inspected))
    assert (done["finding"], done["decidedBy"]) == ("as new", "supply desk")


def test_a_serial_number_tells_the_way_from_the_suppliers_dock_to_the_site_and_back(
    operator: RunningOperator, waiting: str
) -> None:
    went = history(operator, SERIAL)
    assert [(one["state"], one.get("place", {}).get("name", "").split(" of ")[0]) for one in went] == [
        ("shipped", ""),
        ("inStock", "Johannesburg"),
        ("held", "Johannesburg"),
        ("issued", ""),
        ("installed", "C 3.80 m, 40 W"),
        ("inService", "C 3.80 m, 40 W"),
        ("removed", "C 3.80 m, 40 W"),
        ("inReturn", ""),
        ("returned", "Johannesburg"),
        ("inStock", "Johannesburg"),
    ]
    order = operator.get(f"{ORDERS}/{waiting}")["reference"]
    [shipment], [returned] = operator.get(SHIPMENTS, "supply"), operator.get(RETURNS, "supply", serialNumber=SERIAL)
    documents = [one["document"].get("name") for one in went]
    assert documents[:2] == [shipment["reference"], f"receipt of {shipment['reference']}"]
    assert {one["document"]["id"] for one in went[2:7]} == {waiting}
    assert documents[3:6] == [order] * 3
    assert documents[7:] == [returned["reference"], f"receipt of {returned['reference']}", returned["reference"]]
    assert (went[0]["by"], went[1]["by"]) == ("supply desk", "supply desk")
    shown = told(operator, "terminal", "history", SERIAL)
    assert all(state in shown for state in ("shipped", "installed", "inReturn", "Johannesburg"))
    at = [datetime.fromisoformat(one["at"]) for one in went]
    assert at == sorted(at)
    assert at[1] - at[0] >= timedelta(days=31)


def test_a_purchase_for_the_shelf_comes_in_parts_and_each_terminal_says_where_it_is(operator: RunningOperator) -> None:
    [depot] = operator.get(f"{SUPPLY}/depot", "supply", name="Johannesburg")
    item = operator.get(f"{SUPPLY}/stockItem", "supply", depotId=depot["id"])[0]
    command = ("terminal", "buy", item["terminalTypeName"], "Johannesburg", "--quantity", "3", "--json")
    purchase = json.loads(told(operator, *command))
    sent: dict[str, Json] = {"carrier": "Sea", "trackingNumber": "MSKU-7", "expectedDate": later(operator, 40)}
    bought: Json = {"id": purchase["id"]}
    first = posted(operator, SHIPMENTS, purchaseOrder=bought, serialNumber=["S-1", "S-2"], **sent)
    posted(operator, RECEIPTS, shipment={"id": first["id"]}, serialNumber=["S-2"])
    assert operator.get(purchase["href"], "supply")["state"] == "partlyDelivered"
    assert operator.get(first["href"], "supply")["state"] == "partlyReceived"
    lines = told(operator, "terminal", "shipments").splitlines()
    [line] = [one for one in lines if first["reference"] in one]
    assert "S-1" in line
    assert "S-2" not in line
    assert [one["state"] for one in history(operator, "S-1")] == ["shipped"]
    assert [one["state"] for one in history(operator, "S-2")] == ["shipped", "inStock"]
    assert first["reference"] not in told(operator, "terminal", "shipments", "--late")
    told(operator, "terminal", "follow", first["reference"], "--lost")
    lost = history(operator, "S-1")
    assert [one["state"] for one in lost] == ["shipped", "lost"]
    assert {one["document"]["name"] for one in lost} == {first["reference"]}
    again = posted(operator, SHIPMENTS, purchaseOrder=bought, serialNumber=["S-3", "S-4"], **sent)
    posted(operator, RECEIPTS, shipment={"id": again["id"]}, serialNumber=["S-4", "S-3"])
    assert operator.get(purchase["href"], "supply")["state"] == "delivered"


def test_who_may_not_read_the_stock_reads_no_history_and_what_nobody_has_has_none(operator: RunningOperator) -> None:
    for role, serial_number, status in (
        ("customer", SERIAL, 403),
        ("sales", SERIAL, 403),
        ("supply", "NONE", 404),
        ("noc", "\0", 404),
    ):
        answer = operator.api(role).get(f"{SUPPLY}/terminalHistory", params={"serialNumber": serial_number})
        assert answer.status_code == status, answer.text
    assert operator.api("supply").get(f"{SUPPLY}/terminalHistory").status_code == 400
    assert operator.api("noc").post(RETURNS, json={"serialNumber": SERIAL, "reason": "mine"}).status_code == 403
