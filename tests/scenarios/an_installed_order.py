"""An order of the example operator whose terminal an installer puts up, and the visits that are free for it."""

from typing import Final

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import ORDERS, TMF, Body, RunningOperator

APPOINTMENTS: Final = f"{TMF}/appointment/v4/appointment"
SEARCHES: Final = f"{TMF}/appointment/v4/searchTimeSlot"
ACCESS: Final = "shared_vsat_order.yaml"
INSTALLED: Final = "offering-shared-vsat-installed"


def an_installed_order(operator: RunningOperator) -> str:
    """The id of an order that waits for its appointment."""
    body = operator.order_body(ACCESS)
    body["productOrderItem"][0]["productOffering"]["id"] = loaded_id("ProductOffering", INSTALLED)
    placed = operator.api("provisioning").post(ORDERS, json=body)
    assert placed.status_code == 201, placed.text
    order_id = str(placed.json()["id"])
    held = operator.follow(order_id, {"held", "rejected", "failed", "completed"})
    assert held["state"] == "held", held
    return order_id


def named(order_id: str) -> Json:
    return [{"id": order_id, "role": "installed order", "@referredType": "ProductOrder"}]


def free_visits(operator: RunningOperator, order_id: str) -> list[Body]:
    """What is free for the order, soonest first."""
    answer = operator.api("customer").post(SEARCHES, json={"relatedEntity": named(order_id)})
    assert answer.status_code == 201, answer.text
    found: list[Body] = answer.json()["availableTimeSlot"]
    return found


def a_free_visit(operator: RunningOperator, order_id: str) -> dict[str, Json]:
    """The soonest one, as it is booked."""
    return {"relatedEntity": named(order_id), "validFor": free_visits(operator, order_id)[0]["validFor"]}
