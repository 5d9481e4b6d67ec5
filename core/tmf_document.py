"""The official TM Forum documents, reduced to facts: what a body may have, of which type, and what it must.

`deploy/reduce_tmf_documents.py` makes the files in `tmf_documents/` from the published Swagger documents. Bodies are
checked here, all faults at once, each with the JSON pointer of its field.
"""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeAlias

from jsonschema_rs import Draft7Validator, ValidationError, ValidationErrorKind

from satcom.core.errors import Fault
from satcom.core.values import Json

Schema: TypeAlias = dict[str, Json]
FOLDER = Path(__file__).parent / "tmf_documents"


@dataclass(frozen=True)
class TmfDocument:
    """One API document, for example TMF622."""

    name: str
    title: str
    version: str
    base_path: str
    events: frozenset[str]
    definitions: dict[str, Schema]
    event_content: str = "event"

    def attributes(self, definition: str) -> frozenset[str]:
        properties = self.definitions[definition].get("properties")
        return frozenset(properties) if isinstance(properties, dict) else frozenset()

    def validator(self, definition: str) -> Draft7Validator:
        return _validator(self.name, definition)

    def create_definition(self, definition: str) -> str:
        """The document's definition of a POST body for this resource."""
        return f"{definition}_Create" if f"{definition}_Create" in self.definitions else definition

    def update_definition(self, definition: str) -> str:
        return f"{definition}_Update" if f"{definition}_Update" in self.definitions else definition

    @cached_property
    def listeners(self) -> dict[str, str]:
        return {event.lower(): event for event in self.events}


@lru_cache
def tmf_document(name: str) -> TmfDocument:
    """The document `name`, for example "TMF622"."""
    facts = json.loads((FOLDER / f"{name}.json").read_text())
    events, content = frozenset(facts["events"]), facts.get("eventContent", "event")
    return TmfDocument(name, facts["title"], facts["version"], facts["basePath"], events, facts["definitions"], content)


@lru_cache
def _validator(name: str, definition: str) -> Draft7Validator:
    schema = {"$ref": f"#/$defs/{definition}", "$defs": tmf_document(name).definitions}
    return Draft7Validator(schema, validate_formats=True)


def body_faults(document: TmfDocument, definition: str, body: Json, extensions: frozenset[str]) -> list[Fault]:
    """Everything in `body` that the document does not allow; `extensions` are top-level attributes of our own."""
    if not isinstance(body, dict):
        return [Fault("/", "the body is not a JSON object", "wrongType", "object")]
    official = {key: value for key, value in body.items() if key not in extensions}
    known = document.attributes(definition)
    return [fault for error in document.validator(definition).iter_errors(official) for fault in _faults(error, known)]


def _faults(error: ValidationError, known: frozenset[str]) -> list[Fault]:
    pointer = "/" + "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in error.instance_path)
    inside = pointer.rstrip("/")
    match error.kind:
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            accepted = ", ".join(sorted(known)) if pointer == "/" else None
            return [
                Fault(f"{inside}/{name}", f"there is no attribute {name!r} here", "unknownAttribute", accepted)
                for name in names
            ]
        case ValidationErrorKind.Required(property=name):
            return [Fault(f"{inside}/{name}", f"{name!r} is mandatory", "missing")]
        case ValidationErrorKind.Enum(options=options):
            return [Fault(pointer, _short(error.message), "notInEnumeration", ", ".join(map(str, options)))]
        case ValidationErrorKind.Type(types=types):
            return [Fault(pointer, _short(error.message), "wrongType", ", ".join(types))]
        case ValidationErrorKind.Format(format=name):
            return [Fault(pointer, _short(error.message), "wrongFormat", name)]
        case _:
            return [Fault(pointer, _short(error.message))]


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:120]} ... {message[-60:]}"
