"""The events of the official documents, and what each kind of entity is told as on each of four occasions.

`tests/data/tmf_events.json` has the schema of every event of TM Forum's published documents (v4, Apache-2.0; the file
names stand in it), made by `deploy/reduce_tmf_documents.py`.
"""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema_rs import Draft7Validator

from satcom.core.entity import Entity
from satcom.core.schema import entities
from satcom.core.tmf_document import tmf_document
from satcom.core.values import Json

EVENTS: Final[dict[str, dict[str, Any]]] = {
    name[:6]: events
    for name, events in json.loads(
        (Path(__file__).parents[1] / "data" / "tmf_events.json").read_text(encoding="utf-8")
    ).items()
}
# What documents call the same occasion, in the order in which it is looked for; the first is our own word.
WORDS: Final = {
    "created": ("CreateEvent", "CreationEvent"),
    "changed": ("AttributeValueChangeEvent", "ChangeEvent"),
    "moved": ("StateChangeEvent", "ChangeEvent"),
    "deleted": ("DeleteEvent", "RemoveEvent"),
}
# Occasions that the documents have beyond these, and that nothing is told of: there is none.
OTHER_OCCASIONS: Final = ("BatchEvent", "InformationRequiredEvent", "JeopardyEvent", "MilestoneEvent")


def kinds() -> list[type[Entity]]:
    """Every entity that the API has."""
    return [kind for kind in entities() if kind.__module__.startswith("satcom.")]


def document_of(kind: type[Entity]) -> str | None:
    return kind.api.document.name if kind.api.document else None


def resource_of(kind: type[Entity]) -> str:
    """The resource of the API that a row of `kind` is."""
    name = kind.api.subtype or kind.api.definition or kind.__name__
    return f"{name[0].lower()}{name[1:]}"


def official_name(kind: type[Entity], occasion: str) -> str | None:
    """As the document of its API calls it; `None` where that has no such event."""
    known = EVENTS.get(document_of(kind) or "", {})
    names = (f"{resource_of(kind)}{word}" for word in WORDS[occasion])
    return next((name for name in names if name in known), None)


def told_as(kind: type[Entity], occasion: str) -> str:
    """The `eventType`: the official name, else one by the same rule."""
    name = official_name(kind, occasion) or f"{resource_of(kind)}{WORDS[occasion][0]}"
    return f"{name[0].upper()}{name[1:]}"


def payload_faults(document: str | None, event: dict[str, Any]) -> list[str]:
    """What the official schema of an event does not allow in it. Attributes of our own may stand in the resource.

    An event that no document has is held against the form of all others.
    """
    kept = {name: value for name, value in event.items() if name != "@type"}  # TMF630: whatever has a type says it
    name = event["eventType"]
    schema = EVENTS.get(document or "", {}).get(f"{name[0].lower()}{name[1:]}") or _own(next(iter(event["event"])))
    content, other = ("payload", "event") if "payload" in schema["properties"] else ("event", "payload")
    if kept.pop(other, kept[content]) != kept[content]:  # TMF666 says payload: there it is told under both names
        return ["event and payload differ"]
    mandatory = ["eventId", "eventTime", "eventType", content]
    definitions = _opened(tmf_document(document).definitions) if document else {}
    whole = schema | {"required": mandatory, "$defs": definitions}
    found = Draft7Validator(whole, validate_formats=True).iter_errors(kept)
    return [f"{'/'.join(map(str, one.instance_path))}: {one.message[:200]}" for one in found]


def _own(resource: str) -> dict[str, Any]:
    schema: dict[str, Any] = EVENTS["TMF629"]["customerCreateEvent"]
    content = {"type": "object", "properties": {resource: {"type": "object"}}, "additionalProperties": False}
    return schema | {"properties": schema["properties"] | {"event": content}}


def _opened(schema: Any) -> Any:
    """The same, with further attributes allowed in every object."""
    if isinstance(schema, dict):
        return {name: _opened(one) for name, one in schema.items() if name != "additionalProperties"}
    return [_opened(one) for one in schema] if isinstance(schema, list) else schema


def own_names() -> list[str]:
    """The events that no document has, as lines of a table: resource, API, and what follows the resource's name."""
    found = set()
    for kind in kinds():
        own = [told_as(kind, one) for one in WORDS if official_name(kind, one) is None and happens(kind, one)]
        if own:
            ways = ", ".join(name[len(resource_of(kind)) :].removesuffix("Event") for name in own)
            found.add(f"| `{resource_of(kind)}` | `{kind.api.base_path}` | {ways} |")
    return sorted(found)


def happens(kind: type[Entity], occasion: str) -> bool:
    """What has no life cycle, or is answered at once and then over, never moves."""
    return occasion != "moved" or (kind.life_cycle is not None and any(kind.life_cycle.moves.values()))


def carried(event: dict[str, Any]) -> dict[str, Json]:
    """The resource in an event."""
    (body,) = event["event"].values()
    told: dict[str, Json] = body
    return told
