"""All that ever happened to the example operator, told once more to a listener of every API."""

from collections import defaultdict
from functools import partial
from typing import Any, Final, TypeAlias

import httpx
from pydantic.alias_generators import to_camel

from satcom.core.entity import Entity
from satcom.supplychain.equipment_return import EquipmentReturn
from satcom.supplychain.partnership import Partnership
from tests.app.official_events import WORDS, carried, document_of, happens, kinds, payload_faults, told_as
from tests.contract.what_exists import Existing
from tests.core.an_inbox import Inbox, an_inbox
from tests.scenarios.a_running_operator import Body, RunningOperator
from tests.scenarios.test_om6_change import PRODUCTS, ordered

Move: TypeAlias = tuple[str, str, str]  # the kind, from which state, to which
LISTENERS: Final = "/satcom-api/event/v1/listener"
EVER: Final = "2020-01-01T00:00:00Z"
TRIED: Final = 5  # of each kind
KINDS: Final = {kind.__name__: kind for kind in kinds()}
# What does not move at this operator; that each kind is told of when it does is in `tests.app.test_official_events`.
NOT_HERE: Final = {
    "ConstellationShare": "it has no satellites that pass",
    "CustomerBillOnDemand": "it is answered at once",
    "PartnerCapacity": "it has no partner who sells",
    "ProductOfferingQualification": "it is answered at once",
}


def test_whatever_moves_is_told_of_by_its_official_name_with_what_its_document_says_and_nothing_else_is(
    operator: RunningOperator, existing: Existing
) -> None:
    """Orders, a swap, an end and all else that was asked for have gone on; what people may move is moved further."""
    assert existing.made
    product = operator.get(PRODUCTS, status="active")[0]
    assert operator.follow(ordered(operator, product, "delete")["id"])["state"] == "completed"
    moved = {move for kind in kinds() if happens(kind, "moved") for move in walked(operator.api(), kind)}
    assert len({kind for kind, _, _ in moved}) > 20
    told = everything_told(operator)
    assert {name: faults for events in told for name, faults in at_fault(events)} == {}
    assert [wrong for events in told for wrong in wrongly_named(events)] == []
    heard = {move for events in told for move in moves(events)}
    assert moved - heard == set()
    silent = {kind.__name__ for kind in kinds() if happens(kind, "moved")} - {kind for kind, _, _ in heard}
    assert silent == NOT_HERE.keys()


def walked(api: httpx.Client, kind: type[Entity]) -> set[Move]:
    """Some of the kind are moved by every PATCH along its life cycle that is taken; which were."""
    asked = {"limit": str(TRIED)} | ({"@type": kind.__name__} if kind.api.collection == "resource" else {})
    answer = api.get(kind.api.path, params=asked)
    taken, tried = set[Move](), set[Move]()
    for body in answer.json() if answer.status_code in (200, 206) else []:
        state = state_of(kind, body)
        while state is not None:
            ways = [(kind.__name__, state, str(way)) for way in allowed(kind, state)]
            untried = [way for way in ways if way not in tried]
            tried.update(untried)
            done = next((way for way in untried if patched(api, kind, body, way[2])), None)
            if done is not None:
                taken.add(done)
            state = None if done is None else done[2]
    return taken


def allowed(kind: type[Entity], state: str) -> list[Any]:
    return list(kind.life_cycle.allowed(state)) if kind.life_cycle is not None else []


def patched(api: httpx.Client, kind: type[Entity], body: Body, state: str) -> bool:
    asked: Body = {to_camel(kind.state_field): state}
    if kind is Partnership:
        asked = {"partner": [body["partner"][0] | {"status": state}]}
    if kind is EquipmentReturn:
        asked["finding"] = "as it was found"
    answer = api.patch(body["href"], json=asked)
    assert answer.status_code < 500, answer.text
    return answer.status_code == 200


def everything_told(operator: RunningOperator) -> list[list[Body]]:
    """The events of each object, in order, since ever."""
    api = operator.api()
    with an_inbox() as inbox:
        for path in sorted({kind.api.base_path for kind in kinds()}):
            made = api.post(f"{path}/hub", json={"callback": inbox.url})
            assert made.status_code == 201, made.text
            listener = f"{LISTENERS}/{made.json()['id']}"
            assert api.patch(listener, json={"deliverFrom": EVER}).status_code == 200
        for one in operator.get(LISTENERS, callback=inbox.url, limit="100"):
            nothing_waits = partial(all_is_told, operator, one["id"])
            operator.wait_for(nothing_waits, f"{one['document']} to be told")
        return by_object(inbox)


def all_is_told(operator: RunningOperator, listener_id: str) -> bool:
    standing = operator.get(f"{LISTENERS}/{listener_id}/standing")
    return not standing["backlog"] and not standing["attempts"]


def by_object(inbox: Inbox) -> list[list[Body]]:
    """Each event once: what was told before the replay is told again."""
    found = defaultdict[str, dict[str, Body]](dict)
    for event in inbox.events:
        known = found[str(carried(event)["id"])]
        known.pop(event["eventId"], None)
        known[event["eventId"]] = event
    return [list(events.values()) for events in found.values()]


def kind_of(event: Body) -> type[Entity]:
    return KINDS[str(carried(event)["@type"])]


def state_of(kind: type[Entity], body: Body) -> str | None:
    """A state that no document knows goes out as a characteristic; that of a partnership as its partner's."""
    if kind is Partnership:
        return str(body["partner"][0]["status"])
    name = to_camel(kind.state_field)
    given: list[Body] = body.get(kind.characteristic_field or "", [])
    found = body.get(name) or next((one["value"] for one in given if one["name"] == name), None)
    return None if found is None else str(found)


def at_fault(events: list[Body]) -> list[tuple[str, list[str]]]:
    """What the official schemas do not allow, by the name of the event."""
    checked = [(one["eventType"], payload_faults(document_of(kind_of(one)), one)) for one in events]
    return [(name, faults) for name, faults in checked if faults]


def wrongly_named(events: list[Body]) -> list[tuple[str, list[str | None]]]:
    """An object is told of as made once, as moved when its state is another, and else as changed or deleted."""
    kind = kind_of(events[0])
    states = [state_of(kind, carried(one)) for one in events]
    names = {occasion: told_as(kind, occasion) for occasion in WORDS}
    wrong = []
    for number, event in enumerate(events):
        occasion = "created" if number == 0 else "changed"
        if number and happens(kind, "moved") and states[number] != states[number - 1]:
            occasion = "moved"
        if event["eventType"] not in (names[occasion], names["deleted"]):
            wrong.append((event["eventType"], states[max(number - 1, 0) : number + 1]))
    return wrong


def moves(events: list[Body]) -> list[Move]:
    """From state to state, as they are told."""
    kind = kind_of(events[0])
    states = [state_of(kind, carried(one)) for one in events]
    name = told_as(kind, "moved")
    return [
        (kind.__name__, str(before), str(after))
        for before, after, event in zip(states, states[1:], events[1:], strict=False)
        if event["eventType"] == name and before != after
    ]
