"""OM6: what was ordered is changed, cancelled and ended; a cancellation that is too late is told what ending costs."""

from collections.abc import Iterator

import pytest

from satcom.core.values import Json
from tests.scenarios.a_running_operator import (
    FLOWS,
    ORDERS,
    RESOURCES,
    SERVICES,
    TMF,
    Body,
    RunningOperator,
    characteristics,
)

CANCELS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
PRODUCTS = f"{TMF}/productInventory/v4/product"
PATHS = "/satcom-api/service/v1/servicePath"
HUB_STATE = "/satcom-api/service/v1/hubState"
RATES = f"{TMF}/customerBillManagement/v4/appliedCustomerBillingRate"
STOCKED = "/satcom-api/supplyChain/v1/stockedTerminal"
MBIT = 1_000_000
AT = "/productOrderItem/0/product"
NO_PLAN: Body = {"kind": "error500", "method": "PUT", "path": "/v1/plans/*"}


@pytest.fixture(scope="module")
def order_id(operator: RunningOperator) -> str:
    """An order that was delivered."""
    return operator.delivered(band=["Ku"], downlinkRateBps=8 * MBIT)


@pytest.fixture
def well(operator: RunningOperator) -> Iterator[None]:
    yield
    operator.hub.set_faults()


def product_of(operator: RunningOperator, order_id: str) -> Body:
    product_id = operator.get(f"{ORDERS}/{order_id}")["productOrderItem"][0]["product"]["id"]
    found: Body = operator.get(f"{PRODUCTS}/{product_id}")
    return found


def body_of(product: Body, action: str, **values: Json) -> Body:
    wanted = [{"name": name, "value": value} for name, value in values.items()]
    item = {"id": "1", "action": action, "product": {"id": product["id"], "productCharacteristic": wanted}}
    return {"relatedParty": product["relatedParty"], "productOrderItem": [item]}


def ordered(operator: RunningOperator, product: Body, action: str, **values: Json) -> Body:
    answer = operator.api("provisioning").post(ORDERS, json=body_of(product, action, **values))
    assert answer.status_code == 201, answer.text
    placed: Body = answer.json()
    return placed


def at_hub(operator: RunningOperator, service_id: str) -> dict[str, Body]:
    parts = {"forward": "carriers", "return": "carriers", "terminal": "terminals", "plan": "plans"}
    with operator.hub.client() as hub:
        asked = {part: hub.get(f"/v1/{kind}/{service_id}-{part}") for part, kind in parts.items()}
    told = {part: answer.json() for part, answer in asked.items() if answer.status_code == 200}
    return {part: {name: value for name, value in one.items() if name != "revision"} for part, one in told.items()}


def monthly(product: Body) -> float:
    return sum(
        float(one["price"]["dutyFreeAmount"]["value"])
        for one in product["productPrice"]
        if one["priceType"] == "recurring"
    )


def slots_of(operator: RunningOperator, order_id: str) -> list[Body]:
    found = operator.get(RESOURCES, **{"@type": "SpectrumAssignment", "orderId": order_id})
    return [characteristics(one) for one in found]


def test_a_link_becomes_faster_and_slower_and_is_charged_for_what_it_takes(
    operator: RunningOperator, order_id: str
) -> None:
    product = product_of(operator, order_id)
    service_id, cost = product["realizingService"][0]["id"], monthly(product)
    for rate_bps, dearer in ((16 * MBIT, True), (4 * MBIT, False)):
        placed = ordered(operator, product, "modify", downlinkRateBps=rate_bps)
        done = operator.follow(placed["id"])
        assert done["state"] == "completed", done.get("note")
        assert at_hub(operator, service_id)["plan"]["forward_cir_bps"] == rate_bps
        assert operator.get(HUB_STATE, serviceId=service_id)["differences"] == []
        after = operator.get(f"{PRODUCTS}/{product['id']}")
        assert (monthly(after) > cost) is dearer
        assert {one["name"]: one["value"] for one in after["productCharacteristic"]}["downlinkRateBps"] == rate_bps
        assert [one["productOrderId"] for one in after["productOrderItem"]][-1] == placed["id"]
        assert {one["state"] for one in slots_of(operator, placed["id"])} == {"assigned"}
        lines = operator.get(RATES, **{"product.id": product["id"]})
        assert any("credited" in one["description"] for one in lines)
    assert {one["state"] for one in slots_of(operator, order_id)} == {"released"}
    paths = operator.get(PATHS, serviceId=service_id, sort="startAt")
    assert len(paths) == 3
    assert [one.get("stopAt") for one in paths][:2] == [one["startAt"] for one in paths][1:]


def test_a_link_becomes_more_and_less_available_and_is_charged_for_what_that_takes(
    operator: RunningOperator, order_id: str
) -> None:
    product = product_of(operator, order_id)
    service_id = product["realizingService"][0]["id"]
    before, took = monthly(product), taken_hz(operator, product)
    rate_bps = at_hub(operator, service_id)["plan"]["forward_cir_bps"]
    for percent, more in ((99.9, True), (99, False)):
        placed = ordered(operator, product, "modify", availabilityPercent=percent)
        done = operator.follow(placed["id"])
        assert done["state"] == "completed", done.get("note")
        after = operator.get(f"{PRODUCTS}/{product['id']}")
        service = operator.get(f"{SERVICES}/{service_id}")
        for told in (after["productCharacteristic"], service["serviceCharacteristic"]):
            assert {one["name"]: one["value"] for one in told}["availabilityPercent"] == percent
        assert at_hub(operator, service_id)["plan"]["forward_cir_bps"] == rate_bps
        assert operator.get(HUB_STATE, serviceId=service_id)["differences"] == []
        assert (taken_hz(operator, after) > took, monthly(after) > before) == (more, more)
    assert (taken_hz(operator, after) < took, monthly(after) < before) == (True, True)


def taken_hz(operator: RunningOperator, product: Body) -> float:
    """What its slots take of bandwidth or of power, whichever is more: that is charged."""
    slots = slots_of(operator, product["productOrderItem"][-1]["productOrderId"])
    return sum(max(float(one["stopHz"]) - float(one["startHz"]), float(one["powerShareHz"])) for one in slots)


def test_a_change_that_is_cancelled_before_the_hand_over_costs_nothing_and_leaves_all_as_it_was(
    operator: RunningOperator, order_id: str, well: None
) -> None:
    product = product_of(operator, order_id)
    service_id = product["realizingService"][0]["id"]
    before = at_hub(operator, service_id)
    operator.hub.set_faults(NO_PLAN)
    placed = ordered(operator, product, "modify", downlinkRateBps=12 * MBIT)
    operator.wait_for(
        lambda: at_hub(operator, service_id)["forward"] != before["forward"], "the carrier to be reconfigured"
    )
    cancel: Body = {"productOrder": {"id": placed["id"]}, "cancellationReason": "not now"}
    answer = operator.api("provisioning").post(CANCELS, json=cancel)
    assert answer.status_code == 201, answer.text
    operator.hub.set_faults()
    assert operator.follow(placed["id"], within_s=150)["state"] == "cancelled"
    assert at_hub(operator, service_id) == before
    assert product_of(operator, order_id)["productPrice"] == product["productPrice"]
    assert {one["state"] for one in slots_of(operator, placed["id"])} == {"released"}
    assert [one["state"] for one in operator.get(FLOWS, **{"relatedEntity.id": placed["id"]})] == ["cancelled"]


def test_a_cancellation_after_the_hand_over_is_told_the_charge_and_the_reason(
    operator: RunningOperator, order_id: str
) -> None:
    cancel: Body = {"productOrder": {"id": order_id}, "cancellationReason": "no longer needed"}
    answer = operator.api("provisioning").post(CANCELS, json=cancel)
    assert answer.status_code == 409
    [fault] = answer.json()["fault"]
    product = product_of(operator, order_id)
    assert (fault["field"], fault["code"]) == ("/productOrder/id", "tooLate")
    assert f"action delete of product {product['id']}" in fault["accepted"]
    assert "costs " in fault["accepted"]
    assert "months that are left until" in fault["accepted"]


def test_what_cannot_be_changed_is_refused_by_its_field(operator: RunningOperator, order_id: str) -> None:
    product = product_of(operator, order_id)
    now_bps = {one["name"]: one["value"] for one in product["productCharacteristic"]}["downlinkRateBps"]
    api = operator.api("provisioning")
    for body, status, field, code in (
        (body_of(product, "modify", downlinkRateBps=now_bps), 422, f"{AT}/productCharacteristic", "nothingChanges"),
        (body_of(product, "modify", latitudeDeg=-10.5), 422, f"{AT}/productCharacteristic/0", "fixed"),
        (body_of(product, "modify"), 400, f"{AT}/productCharacteristic", "missing"),
        (body_of(product | {"id": order_id}, "modify", downlinkRateBps=MBIT), 400, f"{AT}/id", "notFound"),
        (body_of(product, "modify", downlinkRateBps=10**12), 400, f"{AT}/productCharacteristic/0", None),
        (body_of(product, "noChange"), 400, "/productOrderItem/0/action", "notOffered"),
    ):
        answer = api.post(ORDERS, json=body)
        assert answer.status_code == status, answer.text
        faults = answer.json()["fault"]
        assert any(one["field"].startswith(field) and code in (None, one["code"]) for one in faults), faults


def test_a_product_that_is_ended_leaves_nothing_and_its_charge_is_billed(operator: RunningOperator) -> None:
    first = operator.delivered(band=["Ku"])
    product = product_of(operator, first)
    service_id = product["realizingService"][0]["id"]
    placed = ordered(operator, product, "delete")
    [charge] = placed["productOrderItem"][0]["itemPrice"]
    due = charge["price"]["dutyFreeAmount"]["value"]
    [bound] = [one for one in product["productTerm"] if one["name"] == "Minimum term"]
    assert due == pytest.approx(bound["duration"]["amount"] * monthly(product), rel=0.02)
    done = operator.follow(placed["id"])
    assert done["state"] == "completed", done.get("note")
    assert at_hub(operator, service_id) == {}
    assert operator.get(f"{PRODUCTS}/{product['id']}")["status"] == "terminated"
    assert {one["state"] for one in slots_of(operator, first)} == {"released"}
    assert [one["state"] for one in operator.get(STOCKED, orderId=first)] == ["inReturn"]
    billed = [one for one in operator.get(RATES, **{"product.id": product["id"]}) if one["name"] == charge["name"]]
    assert [one["taxExcludedAmount"]["value"] for one in billed] == [due]
    again = operator.api("provisioning").post(ORDERS, json=body_of(product, "delete"))
    assert again.status_code == 422
    assert [one["code"] for one in again.json()["fault"]] == ["notInUse"]
