"""OS4: what an order waits for has an owner, a day and a deadline; overdue, it goes to the next owner.

A shipment, an approval, and the visit of an installer at an appointment.
"""

import json
from datetime import datetime, timedelta

from satcom.core.values import Json
from tests.scenarios.a_running_operator import ORDERS, TMF, Body, RunningOperator, characteristics, satcom
from tests.scenarios.an_installed_order import APPOINTMENTS, a_free_visit, an_installed_order, free_visits

WAITS = "/satcom-api/orchestration/v1/wait"
APPROVALS = "/satcom-api/market/v1/orderApproval"
CANCELLATIONS = f"{TMF}/productOrderingManagement/v4/cancelProductOrder"
RULES = "/satcom-api/orchestration/v1/escalationRule"
PURCHASES = "/satcom-api/supplyChain/v1/purchaseOrder"
KU_180: dict[str, Json] = {"band": ["Ku"], "terminalType": ["term-ku-180"]}
C_380: dict[str, Json] = {"band": ["C"], "terminalType": ["term-c-380"]}  # two are in stock


def run(operator: RunningOperator, role: str, *command: str) -> str:
    return satcom(operator.url, operator.folder, *command, "--url", operator.base_url, "--token", operator.tokens[role])


def waits_of(operator: RunningOperator, **filters: str) -> dict[str, Body]:
    """The open waits by the reference of their order."""
    listed = operator.get(WAITS, "noc", **filters)
    return {one["orderReference"]: one | characteristics(one) for one in listed}


def an_order_without_a_terminal(operator: RunningOperator) -> str:
    """Order until the depots have none of this kind: the last order waits for a delivery."""
    for _ in range(3):
        order_id = operator.order(**C_380)
        order = operator.follow(order_id, {"held", "completed", "rejected"})
        if order["state"] == "held":
            return order_id
        assert order["state"] == "completed", order
    raise AssertionError("the depots have more of them")


def test_a_delivery_that_is_late_goes_to_the_next_owner_and_still_ends_the_wait(operator: RunningOperator) -> None:
    order_id = an_order_without_a_terminal(operator)
    reference = operator.get(f"{ORDERS}/{order_id}")["reference"]
    rules = {one["owner"]: one for one in json.loads(run(operator, "noc", "escalation", "list", "--json"))}
    assert (rules["supply"]["nextOwner"], rules["supply"]["afterHours"]) == ("noc", 24), "as its files say"
    wait = waits_of(operator, owner="supply")[reference]
    assert wait["taskFlowSpecification"] == "terminal_is_here"
    assert wait["startedAt"] < wait["dueAt"] < wait["deadline"]
    assert reference not in waits_of(operator, owner="noc")

    [purchase] = operator.get(PURCHASES, orderId=order_id)
    assert wait["dueAt"] == purchase["expectedDeliveryDate"]
    operator.move_clock(_until_late(purchase, wait))
    operator.wait_for(lambda: reference in waits_of(operator, owner="noc"), "the wait to be escalated")
    late = waits_of(operator, owner="noc")[reference]
    assert (late["escalatedFrom"], late["deadline"]) == ("supply", wait["deadline"])
    assert operator.tasks(order_id)["terminal_is_here"]["owner"] == "noc"
    [listed] = json.loads(run(operator, "noc", "order", "waits", "--owner", "noc", "--overdue", "--json"))
    assert listed["orderReference"] == reference
    scraped = operator.api("noc").get("/metrics").text
    assert 'satcom_waits_escalated{owner="noc"} 1.0' in scraped
    assert 'satcom_waits_overdue{owner="noc"} 1.0' in scraped

    [bought] = json.loads(run(operator, "supply", "terminal", "purchases", "--json"))
    assert bought["id"] == purchase["id"]
    run(operator, "supply", "terminal", "receive", reference, "OS4-1")
    assert operator.follow(order_id)["state"] == "completed"
    assert reference not in waits_of(operator)


def _until_late(purchase: Body, wait: Body) -> timedelta:
    return (
        timedelta(days=2)
        + datetime.fromisoformat(purchase["expectedDeliveryDate"])
        - datetime.fromisoformat(wait["startedAt"])
    )


def test_a_rule_that_leads_nowhere_is_refused(operator: RunningOperator) -> None:
    noc = operator.api("noc")
    run(operator, "noc", "escalation", "remove", "planning")
    run(operator, "noc", "escalation", "remove", "finance")
    rule: dict[str, Json] = {"owner": "planning", "nextOwner": "finance", "afterHours": 2}
    made = noc.post(RULES, json=rule)
    assert made.status_code == 201, made.text
    for change, status, field in (
        ({"owner": "planning"}, 422, "/owner"),
        ({"owner": "finance", "nextOwner": "planning"}, 422, "/nextOwner"),
        ({"owner": "provisioning", "nextOwner": "customer"}, 422, "/nextOwner"),
        ({"owner": "nobody"}, 400, "/owner"),
        ({"owner": "provisioning", "afterHours": -1}, 400, "/afterHours"),
    ):
        refused = noc.post(RULES, json=rule | change)
        assert (refused.status_code, refused.json()["field"]) == (status, field), refused.text
    assert operator.api("supply").post(RULES, json=rule).status_code == 403
    assert operator.api("supply").get(WAITS).status_code == 200, "who owns waits sees them"
    assert operator.api("migration").get(WAITS).status_code == 403
    assert noc.get(f"{WAITS}?owner=nobody").json() == []
    run(operator, "noc", "escalation", "remove", "planning")
    assert made.json()["id"] not in {one["id"] for one in operator.get(RULES, "noc")}


def test_an_order_above_a_price_is_promised_when_it_is_approved_and_rejected_when_it_is_not(
    operator: RunningOperator,
) -> None:
    run(operator, "administrator", "approval", "add-rule", "1000", "sales")
    wanted, unwanted = operator.order(**KU_180), operator.order(**KU_180)
    for order_id in (wanted, unwanted):
        held = operator.follow(order_id, {"held"})
        assert held["note"][-1]["text"] == "waits for approval by sales"
        wait = operator.tasks(order_id)["order_is_approved"]
        assert (wait["owner"], wait["state"]) == ("sales", "active")
        assert wait["dueAt"] < wait["deadline"]
        assert operator.tasks(order_id)["begin_delivery"]["state"] == "new"
    asked = {one["productOrder"]["id"]: one for one in operator.get(APPROVALS, "sales", state="asked")}
    assert asked.keys() >= {wanted, unwanted}
    assert asked[wanted]["pricePerMonth"]["value"] > asked[wanted]["abovePerMonth"]["value"] == 1000
    path = f"{APPROVALS}/{asked[unwanted]['id']}"
    assert operator.api("customer").patch(path, json={"state": "approved"}).status_code == 403
    silent = operator.api("sales").patch(path, json={"state": "refused"})
    assert (silent.status_code, silent.json()["field"]) == (422, "/reason")
    references = [operator.get(f"{ORDERS}/{one}")["reference"] for one in (wanted, unwanted)]
    run(operator, "sales", "approval", "approve", references[0])
    run(operator, "sales", "approval", "refuse", references[1], "--reason", "the customer owes for last year")
    assert operator.follow(wanted)["state"] == "completed"
    rejected = operator.follow(unwanted)
    assert rejected["state"] == "rejected"
    assert "approvalRefused: sales desk: the customer owes for last year" in rejected["note"][-1]["text"]
    again = operator.api("sales").patch(path, json={"state": "approved"})
    assert again.status_code == 409
    run(operator, "administrator", "approval", "remove-rule", "1000")
    assert "order_is_approved" not in operator.tasks(operator.delivered(**KU_180))


def test_an_order_waits_for_its_appointment_and_then_for_who_comes(operator: RunningOperator) -> None:
    missed, attended = an_installed_order(operator), an_installed_order(operator)
    references = {one: str(operator.get(f"{ORDERS}/{one}")["reference"]) for one in (missed, attended)}
    assert operator.get(f"{ORDERS}/{missed}")["note"][-1]["text"] == "waits for the appointment of its installation"
    wait = waits_of(operator, owner="sales")[references[missed]]
    assert wait["taskFlowSpecification"] == "appointment_is_made"
    assert wait["startedAt"] < wait["dueAt"] < wait["deadline"]

    customer, supply, visits = operator.api("customer"), operator.api("supply"), free_visits(operator, missed)
    booked = customer.post(APPOINTMENTS, json=a_free_visit(operator, missed))
    assert (booked.status_code, booked.json()["status"]) == (201, "confirmed"), booked.text
    [told] = json.loads(run(operator, "sales", "appointment", "show", references[missed], "--json"))
    assert told["id"] == booked.json()["id"]
    taken = a_free_visit(operator, attended) | {"validFor": visits[0]["validFor"]}
    assert customer.post(APPOINTMENTS, json=taken).status_code == 201  # the installer has two teams
    third = an_installed_order(operator)
    refused = customer.post(APPOINTMENTS, json=a_free_visit(operator, third) | {"validFor": visits[0]["validFor"]})
    assert (refused.status_code, refused.json()["field"], refused.json()["code"]) == (422, "/validFor", "notFree")
    cancelled = operator.api("sales").post(CANCELLATIONS, json={"productOrder": {"id": third}})
    assert cancelled.status_code == 201, cancelled.text
    operator.wait_for(lambda: references[missed] in waits_of(operator, owner="supply"), "the visit to be awaited")

    path = f"{APPOINTMENTS}/{booked.json()['id']}"
    assert customer.patch(path, json={"status": "completed"}).status_code == 403
    early = supply.patch(path, json={"status": "completed"})
    assert (early.status_code, early.json()["code"]) == (409, "notBegun")
    start = datetime.fromisoformat(visits[0]["validFor"]["startDateTime"])
    operator.move_clock(start - datetime.fromisoformat(wait["startedAt"]) + timedelta(hours=1))
    customer, supply = operator.api("customer"), operator.api("supply")
    silent = supply.patch(path, json={"status": "failed"})
    assert (silent.status_code, silent.json()["field"]) == (422, "/note")
    run(operator, "supply", "appointment", "missed", references[missed], "--reason", "the road was flooded")
    run(operator, "supply", "appointment", "attended", references[attended])
    completed = operator.follow(attended)
    assert completed["state"] == "completed", completed
    operator.wait_for(lambda: references[missed] in waits_of(operator, owner="sales"), "it to be booked again")
    notes = [one["text"] for one in operator.get(f"{ORDERS}/{missed}", "customer")["note"]]
    assert any(one.endswith("was missed: the road was flooded") for one in notes)
    [again, *_] = json.loads(run(operator, "customer", "appointment", "slots", references[missed], "--json"))
    run(operator, "customer", "appointment", "book", references[missed], again["validFor"]["startDateTime"])
    operator.wait_for(lambda: references[missed] in waits_of(operator, owner="supply"), "the next visit to be awaited")
    run(operator, "sales", "appointment", "cancel", references[missed], "--reason", "the mine is closed")
    assert operator.tasks(missed)["site_is_installed"]["state"] == "active"
