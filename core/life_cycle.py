"""Life cycles: which states there are, which moves are allowed, and why each exists.

A life cycle is a table of rows (from, to, why). `move` is the only place that assigns a state; a move that the table
does not hold is refused with the moves that it does hold. The table is checked when the module is imported.
"""

from enum import StrEnum
from typing import ClassVar, Generic, Protocol, TypeVar

from satcom.core.errors import WrongState

S = TypeVar("S", bound=StrEnum)
S_co = TypeVar("S_co", bound=StrEnum, covariant=True)


class LifeCycle(Generic[S]):
    """The moves of one kind of entity. `LifeCycle[State](("a", "b", "why"), ...)`; the first row starts at the start.

    Raises `ValueError` at import when a name is not a state, or a state cannot be reached from `start`.
    """

    def __init__(self, states: type[S], *moves: tuple[str, str, str], start: tuple[str, ...] = ()) -> None:
        self.states = states
        self.moves: dict[S, dict[S, str]] = {state: {} for state in states}
        for source, target, why in moves:
            self.moves[states(source)][states(target)] = why
        self.start = tuple(states(name) for name in start) or (states(moves[0][0]),)
        reached, open_states = set(self.start), list(self.start)
        while open_states:
            for target in self.moves[open_states.pop()]:
                if target not in reached:
                    reached.add(target)
                    open_states.append(target)
        lost = set(states) - reached
        if lost:
            raise ValueError(f"{states.__name__}: no move leads to {', '.join(sorted(lost))}")

    def allowed(self, state: S) -> list[S]:
        return list(self.moves[state])

    def why(self, source: S, target: S) -> str:
        return self.moves[source][target]


class HasState(Protocol[S_co]):
    """An entity with a life cycle. `state_field` names the attribute, as TM Forum calls it in that resource."""

    life_cycle: ClassVar[LifeCycle]  # type: ignore[type-arg]
    state_field: ClassVar[str]


def state_of(entity: HasState[S]) -> S:
    state: S = getattr(entity, entity.state_field)
    return state


def move(entity: HasState[S], target: S) -> None:
    """Move `entity` to `target` along its life cycle; staying where it is is no move and is allowed.

    Raises `WrongState` naming the state field and the moves that exist.
    """
    current = state_of(entity)
    if current == target:
        return
    life_cycle: LifeCycle[S] = entity.life_cycle
    if target not in life_cycle.moves[current]:
        allowed = ", ".join(life_cycle.allowed(current)) or f"none: {current} is an end"
        raise WrongState(
            entity.state_field,
            f"{type(entity).__name__} cannot go from {current} to {target}",
            "illegalMove",
            allowed,
        )
    setattr(entity, entity.state_field, target)
