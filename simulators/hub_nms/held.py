"""Reading what the NMS holds as values; what is missing is refused by name."""

from typing import Literal

from satcom.simulators.hub_nms.configuration import Carrier, Plan, Terminal
from satcom.simulators.hub_nms.store import Refusal, Store

Direction = Literal["forward", "return"]


def carrier_called(store: Store, carrier_id: str) -> Carrier:
    held = store.get("carrier", carrier_id)
    if held is None:
        raise Refusal(422, "no_such_carrier", f"there is no carrier {carrier_id}")
    return Carrier.model_validate_json(held.body)


def carrier_towards(store: Store, carrier_id: str, direction: Direction) -> Carrier:
    carrier = carrier_called(store, carrier_id)
    if carrier.direction != direction:
        raise Refusal(422, "wrong_direction", f"{carrier_id} is a {carrier.direction} carrier, not a {direction} one")
    return carrier


def terminal_called(store: Store, terminal_id: str, status: int = 422) -> Terminal:
    held = store.get("terminal", terminal_id)
    if held is None:
        raise Refusal(status, "no_such_terminal", f"there is no terminal {terminal_id}")
    return Terminal.model_validate_json(held.body)


def plan_of(store: Store, terminal_id: str) -> Plan | None:
    """The terminal's plan; it has at most one."""
    for kind, held_id in store.resting_on("terminal", terminal_id):
        held = store.get(kind, held_id)
        if held is not None:
            return Plan.model_validate_json(held.body)
    return None
