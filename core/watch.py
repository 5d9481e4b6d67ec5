"""What a listener wants to be told: the `query` of its registration (TMF630), checked then and held against each event.

    eventType=ProductOrderStateChangeEvent,ProductOrderCreateEvent&productOrder.state=held,completed&fields=state

`eventType` names events of the API. A path that begins with a resource (`event.` may stand before it) reaches into
its attributes, and through lists at every level; `.gt`, `.gte`, `.lt` and `.lte` compare. An event that lacks the
attribute does not fit. `fields` are the attributes that are sent.
"""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from satcom.core.errors import Fault, Refused
from satcom.core.values import Json

COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
MAX_LENGTH, MAX_CONDITIONS = 2000, 20
FIELD = "/query"


@dataclass(frozen=True)
class Condition:
    """`path` into the event's payload, how it is compared, and the values of which one must fit."""

    path: tuple[str, ...]
    comparison: str
    values: tuple[str, ...]

    def fits(self, payload: Json) -> bool:
        return any(
            _compares(self.comparison, found, value) for found in _at(payload, self.path) for value in self.values
        )


@dataclass(frozen=True)
class Watch:
    """The events that are wanted; of no type named: all."""

    event_types: frozenset[str] = (
        frozenset()
    )  # in lower case: documents and their users do not agree on the first letter
    conditions: tuple[Condition, ...] = ()
    fields: frozenset[str] = frozenset()

    def wants_type(self, event_type: str) -> bool:
        return not self.event_types or event_type.lower() in self.event_types

    def fits(self, payload: Json) -> bool:
        return all(one.fits(payload) for one in self.conditions)


def read_watch(query: str | None, events: frozenset[str], resources: Mapping[str, frozenset[str]]) -> Watch:
    """The watch that `query` asks for, of an API with these `events` and attributes by resource.

    Raises `Refused` with every fault.
    """
    if not query:
        return Watch()
    if len(query) > MAX_LENGTH:
        raise Refused(FIELD, f"is longer than {MAX_LENGTH} characters", "tooLong")
    faults: list[Fault] = []
    types: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    conditions: list[Condition] = []
    for name, value in parse_qsl(query.lstrip("?"), keep_blank_values=True):
        values = tuple(one.strip() for one in value.split(",") if one.strip())
        if name == "eventType":
            types |= frozenset(one.lower() for one in values)
            faults += _unknown("event", values, events)
        elif name == "fields":
            fields |= frozenset(values)
            faults += _unknown("attribute", values, frozenset().union(*resources.values()))
        else:
            conditions.append(_condition(name, values, resources, faults))
    if len(conditions) > MAX_CONDITIONS:
        faults.append(Fault(FIELD, f"has more than {MAX_CONDITIONS} conditions", "tooMany"))
    if not types and not conditions and not fields and not faults:
        faults.append(Fault(FIELD, f"{query[:80]!r} has no name=value in it", "invalid", "eventType=..."))
    if faults:
        raise Refused.all(faults)
    return Watch(types, tuple(conditions), fields)


def _unknown(what: str, names: Sequence[str], known: frozenset[str]) -> Iterator[Fault]:
    lower = {one.lower() for one in known}
    for name in names:
        if name.lower() not in lower:
            yield Fault(FIELD, f"there is no {what} {name[:80]!r} here", "unknown", ", ".join(sorted(known)))


def _condition(
    name: str, values: tuple[str, ...], resources: Mapping[str, frozenset[str]], faults: list[Fault]
) -> Condition:
    steps = tuple(name.removeprefix("event.").split("."))
    comparison = steps[-1] if len(steps) > 2 and steps[-1] in COMPARISONS else "eq"
    path = steps[:-1] if comparison != "eq" else steps
    if path[0] not in resources or len(path) < 2:
        ways = [f"{one}.ATTRIBUTE" for one in sorted(resources)]
        accepted = ", ".join(["eventType", "fields", *ways])
        faults.append(Fault(FIELD, f"{name[:80]!r} is nothing to filter by", "unknown", accepted))
    elif path[1] not in resources[path[0]]:
        faults += _unknown(f"attribute of {path[0]}", path[1:2], resources[path[0]])
    if not values:
        faults.append(Fault(FIELD, f"{name[:80]!r} has no value", "missing"))
    return Condition(path, comparison, values)


def _at(value: Json, path: tuple[str, ...]) -> Iterator[Json]:
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _compares(comparison: str, found: Json, wanted: str) -> bool:
    if isinstance(found, bool):
        return comparison == "eq" and wanted == ("true" if found else "false")
    if isinstance(found, int | float):
        number = _number(wanted)
        if number is None:
            return False
        return found == number if comparison == "eq" else bool(COMPARISONS[comparison](found, number))
    if not isinstance(found, str):
        return False
    return found == wanted if comparison == "eq" else bool(COMPARISONS[comparison](found, wanted))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
