"""Changes a client makes by merge patch, where the patch may ask for a move along the life cycle.

Catalogue entries, parties, customers and accounts are moved by the people who keep them. Orders and inventories are
not: there `core.entity.change` refuses the state.
"""

from enum import StrEnum
from typing import cast

from pydantic.alias_generators import to_camel

from satcom.core.entity import Entity, change
from satcom.core.errors import Refused
from satcom.core.life_cycle import HasState, LifeCycle, move, state_of
from satcom.core.values import Json


def amend(entity: Entity, patch: dict[str, Json]) -> StrEnum | None:
    """Apply `patch`; returns the state the entity was moved to, `None` when it stayed.

    The caller then checks what the new state demands. Raises `Refused`, or `WrongState` when there is no such move.
    """
    life_cycle: LifeCycle[StrEnum] | None = entity.life_cycle
    if life_cycle is None:
        raise TypeError(f"{type(entity).__name__} has no life cycle")
    attribute = to_camel(entity.state_field)
    change(entity, {name: value for name, value in patch.items() if name != attribute})
    if attribute not in patch:
        return None
    wanted = patch[attribute]
    states = list(life_cycle.states)
    target = next((state for state in states if state.value == wanted), None)
    if target is None:
        accepted = ", ".join(states)
        raise Refused(f"/{attribute}", f"there is no state {str(wanted)[:80]!r}", "notInEnumeration", accepted)
    moving = cast("HasState[StrEnum]", entity)
    if target == state_of(moving):
        return None
    move(moving, target)
    return target
