"""OS5: the hub is told once, whatever dies; what it was told is taken back, compared, and shown beforehand."""

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from tests.scenarios.a_running_operator import ORDERS, RESOURCES, Body, RunningOperator, characteristics

HUB_STATE = "/satcom-api/service/v1/hubState"
CANCELS = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
RESERVATIONS = "/tmf-api/resourcePoolManagement/v4/reservation"
STOCKED = "/satcom-api/supplyChain/v1/stockedTerminal"
KINDS = {"forward": "carriers", "return": "carriers", "terminal": "terminals", "plan": "plans"}
AT_MOST_S = 120.0  # the lease of an outside call, and the call

SLOW_CARRIER: Body = {"kind": "slow", "method": "PUT", "path": "/v1/carriers/*-return", "delay_s": 20}
SLOW_PLAN: Body = {"kind": "slow", "method": "PUT", "path": "/v1/plans/*", "delay_s": 20}
PLAN_ANSWER_LOST: Body = {"kind": "effect_done_answer_lost", "method": "PUT", "path": "/v1/plans/*", "count": 1}
NO_PLAN: Body = {"kind": "error500", "method": "PUT", "path": "/v1/plans/*"}


@dataclass(frozen=True)
class Left:
    """What a crash left of an order: its call to the hub, and its state."""

    call: Body
    order_state: str


@dataclass(frozen=True)
class Crash:
    """Two orders in whose activation the server was killed, and when; what was left of them, and at the hub."""

    carrier_under_way: str
    answer_lost: str
    at: datetime
    left: dict[str, Left]
    at_hub: set[str]


def struck(operator: RunningOperator, rule: int) -> bool:
    """Whether a fault that was set has struck."""
    with operator.hub.client() as hub:
        return bool(hub.get("/v1/faults").json()["rules"][rule]["struck"])


def ask(hub: httpx.Client, service_id: str) -> dict[str, Body]:
    """What the hub holds of a service, by its part."""
    asked = {part: hub.get(f"/v1/{kind}/{service_id}-{part}") for part, kind in KINDS.items()}
    return {part: answer.json() for part, answer in asked.items() if answer.status_code == 200}


def at_hub(operator: RunningOperator, service_id: str) -> dict[str, Body]:
    with operator.hub.client() as hub:
        return ask(hub, service_id)


def effects(operator: RunningOperator, service_id: str) -> list[str]:
    """Every effect that the hub's journal has for a service, in order."""
    return [
        f"{line['action']} {str(line['id']).rsplit('-', 1)[1]} {line['outcome']}"
        for line in operator.hub.journal()
        if str(line["id"]).startswith(service_id)
    ]


def planned_service(operator: RunningOperator, order_id: str) -> str:
    """The id of the service that the plan of an order is about."""
    return str(operator.tasks(order_id)["design_the_service"]["result"])


@pytest.fixture(scope="module")
def in_service(operator: RunningOperator) -> str:
    """The service of an order that was delivered before anything broke."""
    return str(operator.service_of(operator.delivered(band=["Ku"]))["id"])


@pytest.fixture(scope="module")
def crash(operator: RunningOperator, in_service: str) -> Crash:
    """The server is killed while one order waits for the answer to its second carrier, and another one's plan was set
    but the answer never came. What is left is read before anybody works on; then both orders end."""
    operator.hub.set_faults(PLAN_ANSWER_LOST, SLOW_PLAN)
    answer_lost = operator.order(band=["Ku"])
    operator.wait_for(lambda: struck(operator, 1), "the plan to be sent a second time")
    operator.hub.set_faults(SLOW_CARRIER, SLOW_PLAN)
    carrier_under_way = operator.order(band=["Ku"])
    operator.wait_for(lambda: struck(operator, 0), "the second carrier to be under way")
    operator.kill_server()
    at = datetime.now(UTC)
    operator.hub.set_faults()
    operator.start_server(workers=0)
    left = {
        order_id: Left(operator.tasks(order_id)["configure_hub"], operator.get(f"{ORDERS}/{order_id}")["state"])
        for order_id in (carrier_under_way, answer_lost)
    }
    there = set(at_hub(operator, planned_service(operator, answer_lost)))
    operator.kill_server()
    operator.start_server()
    for order_id in left:
        operator.follow(order_id)
    return Crash(carrier_under_way, answer_lost, at, left, there)


def test_a_crash_leaves_the_task_under_way_and_the_order_in_progress(crash: Crash) -> None:
    for left in crash.left.values():
        assert left.call["state"] == "active"
        assert left.call["attempts"] in (1, 2)  # the plan may have been sent in a second attempt
        assert left.order_state == "inProgress"
    assert crash.at_hub == set(KINDS)  # all was done, and nobody knows


def test_a_cancelled_order_is_taken_out_of_the_hub_and_everything_it_held_is_free(
    operator: RunningOperator, crash: Crash
) -> None:
    operator.hub.set_faults(NO_PLAN)
    order_id = operator.order(band=["Ku"])
    operator.wait_for(lambda: struck(operator, 0), "the hub to refuse the plan")
    service_id = planned_service(operator, order_id)
    assert set(at_hub(operator, service_id)) == {"forward", "return", "terminal"}
    wish = {"productOrder": {"id": order_id}, "cancellationReason": "the mine is closed"}
    answer = operator.api("provisioning").post(CANCELS, json=wish)
    assert answer.status_code == 201, answer.text
    operator.hub.set_faults()

    order = operator.follow(order_id)
    assert order["state"] == "cancelled"
    assert at_hub(operator, service_id) == {}
    assert operator.get(f"/tmf-api/serviceInventory/v4/service/{service_id}")["state"] == "terminated"
    held = operator.get(RESOURCES, orderId=order_id, limit="100")
    states = {one["@type"]: characteristics(one)["state"] for one in held}
    assert states == {"SpectrumAssignment": "released", "HubPortAssignment": "released", "Terminal": "removed"}
    [reservation] = operator.get(RESERVATIONS, orderId=order_id)
    assert reservation["state"] == "cancelled"
    assert operator.get(STOCKED, orderId=order_id, state="issued") == []
    tasks = operator.tasks(order_id).values()
    assert {one["state"] for one in tasks} == {"cancelled", "completed"}
    assert {one["state"] for one in tasks if one.get("undoHandler")} == {"cancelled"}


def test_what_is_handed_over_is_not_cancelled(operator: RunningOperator, in_service: str) -> None:
    service = operator.get(f"/tmf-api/serviceInventory/v4/service/{in_service}")
    [completed] = operator.get(ORDERS, state="completed", limit="1")
    before = effects(operator, in_service)
    answer = operator.api("provisioning").post(CANCELS, json={"productOrder": {"id": completed["id"]}})
    assert answer.status_code == 409, answer.text
    assert effects(operator, in_service) == before
    assert operator.get(service["href"]) == service


def hub_state(operator: RunningOperator, service_id: str) -> Body:
    found: Body = operator.get(HUB_STATE, "noc", serviceId=service_id)
    return found


def test_a_hub_that_does_as_it_was_told_has_no_drift_and_nothing_to_be_sent(
    operator: RunningOperator, in_service: str
) -> None:
    state = hub_state(operator, in_service)
    assert state["serviceId"] == in_service
    assert state["differences"] == []
    assert state["wouldSend"] == []
    told = state["told"]
    assert [one["carrier_id"] for one in told["carriers"]] == [f"{in_service}-forward", f"{in_service}-return"]


def test_what_somebody_changed_at_the_hub_is_shown_field_by_field_and_what_would_be_sent_is_not_sent(
    operator: RunningOperator, in_service: str
) -> None:
    with operator.hub.client() as hub:
        parts = ask(hub, in_service)
        carrier, plan = (
            {key: one[key] for key in one if key not in ("id", "revision")} for one in (parts["forward"], parts["plan"])
        )
        louder = carrier | {"transmit_power_dbw": carrier["transmit_power_dbw"] - 2}
        hub.put(f"/v1/carriers/{in_service}-forward", json=louder).raise_for_status()
        hub.delete(f"/v1/plans/{in_service}-plan").raise_for_status()
        before = operator.hub.journal()

        state = hub_state(operator, in_service)
        power = next(one for one in state["differences"] if one["field"] == "transmit_power_dbw")
        assert (power["kind"], power["id"]) == ("carrier", f"{in_service}-forward")
        assert power["desired"] == pytest.approx(carrier["transmit_power_dbw"])
        assert power["actual"] == pytest.approx(louder["transmit_power_dbw"])
        gone = next(one for one in state["differences"] if one["kind"] == "plan")
        assert (gone["field"], gone["desired"], gone["actual"]) == ("exists", True, False)
        assert len(state["differences"]) == 2
        sent = state["wouldSend"]
        assert [(one["method"], one["path"]) for one in sent] == [
            ("PUT", f"/v1/carriers/{in_service}-forward"),
            ("PUT", f"/v1/plans/{in_service}-plan"),
        ]
        assert operator.hub.journal() == before  # a dry run changes nothing

        for one in sent:
            hub.put(one["path"], json=one["body"]).raise_for_status()
        restored = ask(hub, in_service)
    assert {key: restored["plan"][key] for key in plan} == plan
    assert hub_state(operator, in_service)["differences"] == []


def test_the_state_of_the_hub_is_told_to_those_who_may_read_the_network_and_only_of_services(
    operator: RunningOperator, in_service: str
) -> None:
    for role in ("sales", "customer", "supply"):
        assert operator.api(role).get(HUB_STATE, params={"serviceId": in_service}).status_code == 403
    for wrong in ("01890000-0000-7000-8000-000000000000", "nothing", "' OR 1=1 --"):
        assert operator.api("noc").get(HUB_STATE, params={"serviceId": wrong}).status_code == 404
    assert 400 <= operator.api("noc").get(HUB_STATE).status_code < 500


def test_after_the_crash_both_orders_go_on_by_themselves_and_are_delivered(
    operator: RunningOperator, crash: Crash
) -> None:
    for order_id in (crash.carrier_under_way, crash.answer_lost):
        order = operator.follow(order_id, within_s=AT_MOST_S)
        assert order["state"] == "completed", order.get("note")
        task = operator.tasks(order_id)["configure_hub"]
        assert (task["attempts"], task["round"]) == (2, 1)
        assert datetime.fromisoformat(task["finishedAt"]) > crash.at


def test_the_hub_did_everything_once_though_it_was_told_twice(operator: RunningOperator, crash: Crash) -> None:
    for order_id in (crash.carrier_under_way, crash.answer_lost):
        service_id = str(operator.service_of(order_id)["id"])
        done = effects(operator, service_id)
        assert sorted(done) == [
            "measure terminal measured",
            "put forward created",
            "put plan created",
            "put return created",
            "put terminal created",
        ]
        assert {one["revision"] for one in at_hub(operator, service_id).values()} == {1}
        assert hub_state(operator, service_id)["differences"] == []


def test_hub_and_inventory_agree_on_who_has_which_port(operator: RunningOperator, crash: Crash) -> None:
    inventory = {
        (held["hubId"], held["portNumber"])
        for one in operator.get(RESOURCES, **{"@type": "HubPortAssignment", "limit": "100"})
        if (held := characteristics(one))["state"] == "assigned"
    }
    with operator.hub.client() as hub:
        hubs = hub.get("/v1/hubs").json()["items"]
    taken = {(one["id"], port["port"]) for one in hubs for port in one["ports_taken"]}
    assert len(taken) == 3
    assert taken == inventory
