"""Objects of which a listener has refused a change: their later changes wait, those of all others go on.

Kept with the listener's position, at most `MOST` of them. With more, the listener as a whole waits: one that refuses so
much takes nothing, and what is kept for it has a bound.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self, TypeAlias

from satcom.core.values import Json, instant_text

MOST: Final = 100


@dataclass(frozen=True)
class HeldObject:
    """From which change on it waits; how often that was tried since when, and when it is tried again (`None`: now)."""

    first: int
    attempts: int = 0
    since: datetime | None = None
    wake_at: datetime | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Json]) -> Self:
        first, attempts = kept["first"], kept["attempts"]
        assert isinstance(first, int)
        assert isinstance(attempts, int)
        return cls(first, attempts, _moment(kept["since"]), _moment(kept["wakeAt"]))

    def written(self) -> dict[str, Json]:
        return {
            "first": self.first,
            "attempts": self.attempts,
            "since": instant_text(self.since) if self.since else None,
            "wakeAt": instant_text(self.wake_at) if self.wake_at else None,
        }


HeldObjects: TypeAlias = dict[str, HeldObject]  # by the object's id


def _moment(text: Json) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def held_in(kept: Mapping[str, Mapping[str, Json]]) -> HeldObjects:
    return {identifier: HeldObject.read(one) for identifier, one in kept.items()}


def written(held: HeldObjects) -> dict[str, dict[str, Json]]:
    return {identifier: one.written() for identifier, one in held.items()}


def at_once(held: HeldObjects) -> HeldObjects:
    """The same objects, as if none of them had been tried."""
    return {identifier: HeldObject(one.first) for identifier, one in held.items()}


def next_try(held: HeldObjects, now: datetime) -> datetime | None:
    """When the first of them is tried again; `None` when nothing is held."""
    return min((one.wake_at or now for one in held.values()), default=None)


def oldest(held: HeldObjects) -> datetime | None:
    """Since when the one that waits longest was refused."""
    return min((one.since for one in held.values() if one.since is not None), default=None)


def first_untold(changes: Iterable[tuple[int, str]], told: set[int]) -> dict[str, int]:
    """By object, the first of these changes that was not told."""
    found: dict[str, int] = {}
    for sequence, identifier in changes:
        if sequence not in told:
            found[identifier] = min(sequence, found.get(identifier, sequence))
    return found
