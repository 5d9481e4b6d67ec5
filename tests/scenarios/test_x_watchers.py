"""X: programs that watch are told of every change by signed events, whether the server dies or the listener does."""

from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from tests.core.an_inbox import Inbox, an_inbox
from tests.scenarios.a_running_operator import TMF, Body, RunningOperator

ORDERS = f"{TMF}/productOrderingManagement/v4/hub"
SERVICES = f"{TMF}/serviceInventory/v4/hub"
RESOURCES = f"{TMF}/resourceInventoryManagement/v4/hub"
LISTENERS = "/satcom-api/event/v1/listener"
ELSEWHERE = "https://oss.example.org/satcom"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with an_inbox() as listening:
        yield listening


def registered(operator: RunningOperator, hub: str, role: str, **body: str) -> Body:
    answer = operator.api(role).post(hub, json=body)
    assert answer.status_code == 201, answer.text
    told: Body = answer.json()
    return told


def states(inbox: Inbox, order_id: str) -> list[str]:
    return [one["event"]["productOrder"]["state"] for one in inbox.about(order_id)]


def ended(inbox: Inbox, order_id: str) -> bool:
    return states(inbox, order_id)[-1:] == ["completed"]


def test_a_customer_watches_his_order_from_acknowledged_to_completed(operator: RunningOperator, inbox: Inbox) -> None:
    secret = registered(operator, ORDERS, "customer", callback=inbox.url)["secret"]
    order_id = operator.delivered()
    operator.wait_for(lambda: ended(inbox, order_id), "the last event")
    first, *_, last = inbox.about(order_id)
    assert (first["eventType"], states(inbox, order_id)[0]) == ("ProductOrderCreateEvent", "acknowledged")
    moves = [one for one in inbox.about(order_id) if one["eventType"] == "ProductOrderStateChangeEvent"]
    assert moves[-1]["event"]["productOrder"]["state"] == "completed"
    assert {one.get("correlationId") for one in inbox.about(order_id)[1:]} == {
        last["event"]["productOrder"]["reference"]
    }
    assert len({one["eventId"] for one in inbox.events}) == len(inbox.events)
    for headers, raw in inbox.letters:
        Webhook(secret).verify(raw, headers)


def test_events_go_on_when_the_server_was_killed_and_the_listener_was_away(
    operator: RunningOperator, inbox: Inbox
) -> None:
    asked = "eventType=ProductOrderStateChangeEvent&productOrder.state=completed"
    with an_inbox() as away:
        listener = registered(operator, ORDERS, "noc", callback=away.url, query=asked)
    registered(operator, ORDERS, "noc", callback=inbox.url)
    order_id = operator.order()
    operator.wait_for(lambda: bool(states(inbox, order_id)), "the first event")
    operator.kill_server()
    operator.start_server()
    operator.follow(order_id)
    operator.wait_for(lambda: ended(inbox, order_id), "the last event")
    told = inbox.about(order_id)
    once = list({one["eventId"]: one["event"]["productOrder"]["state"] for one in told}.values())
    assert once[-1] == "completed"
    assert once.count("acknowledged") >= 1
    with an_inbox(away):
        moved = operator.api("noc").patch(f"{LISTENERS}/{listener['id']}", json={"state": "active"})
        assert moved.status_code == 200, moved.text
        operator.wait_for(lambda: bool(away.about(order_id)), "what it missed")
    assert [one["event"]["productOrder"]["state"] for one in away.about(order_id)] == ["completed"]


def test_the_noc_sees_what_is_stuck(operator: RunningOperator, inbox: Inbox) -> None:
    inbox.answers = lambda _: 500
    listener = registered(operator, SERVICES, "noc", callback=inbox.url)
    operator.order()
    path = f"{LISTENERS}/{listener['id']}/standing"
    operator.wait_for(lambda: operator.get(path, "noc").get("lastError") == "answered 500", "the failure")
    standing = operator.get(path, "noc")
    assert standing["backlog"] >= 1
    assert {"failingSince", "nextAttemptAt", "waitingSince"} <= standing.keys()
    inbox.answers = lambda _: 204
    operator.api("noc").patch(f"{LISTENERS}/{listener['id']}", json={"state": "active"})
    operator.wait_for(lambda: operator.get(path, "noc")["backlog"] == 0, "all to be told")


@pytest.mark.parametrize(
    ("hub", "role", "body", "status", "field"),
    [
        (ORDERS, "noc", {"callback": "http://10.0.0.1/"}, 400, "/callback"),
        (ORDERS, "noc", {"callback": "http://me:secret@oss.example.org/"}, 400, "/callback"),
        (ORDERS, "noc", {"callback": ELSEWHERE, "query": "eventType=Nothing"}, 400, "/query"),
        (ORDERS, "noc", {"query": "eventType=ProductOrderCreateEvent"}, 400, "/callback"),
        (RESOURCES, "customer", {"callback": ELSEWHERE}, 403, "role"),
    ],
)
def test_what_cannot_be_watched_is_refused_by_its_field(
    operator: RunningOperator, hub: str, role: str, body: Body, status: int, field: str
) -> None:
    answer = operator.api(role).post(hub, json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
