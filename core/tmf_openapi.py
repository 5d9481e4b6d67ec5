"""The API description: request and response schemas taken from the official documents, one component per definition."""

from collections.abc import Iterable
from typing import Any

from satcom.core.entity import Api, Entity, shape
from satcom.core.tmf_document import TmfDocument, tmf_document
from satcom.core.values import Json

ERROR_NAME = "Error"
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["code", "reason"],
    "properties": {
        "code": {"type": "string", "description": "what kind of fault it is"},
        "reason": {"type": "string", "description": "what is wrong, for a person"},
        "message": {"type": "string", "description": "what would be accepted"},
        "status": {"type": "string", "description": "the HTTP status"},
        "field": {"type": "string", "description": "JSON pointer or parameter of the first fault"},
        "fault": {
            "type": "array",
            "description": "every fault that was found",
            "items": {
                "type": "object",
                "required": ["code", "field", "reason"],
                "properties": {
                    "code": {"type": "string"},
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                    "accepted": {"type": "string"},
                },
            },
        },
        "@type": {"type": "string"},
    },
}
PAGING: list[dict[str, Any]] = [
    {"name": "fields", "in": "query", "schema": {"type": "string"}, "description": "attributes wanted, by comma"},
    {
        "name": "sort",
        "in": "query",
        "schema": {"type": "string"},
        "description": "attributes; - before one: descending",
    },
    {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 1000}},
]
STATUS_TEXT = {
    "400": "The input is wrong",
    "401": "No valid access token",
    "403": "The roles do not allow it",
    "404": "There is no such object",
    "409": "The life cycle does not allow it",
    "412": "It was changed since it was read",
    "413": "The body is too large",
    "415": "The body is said to be no JSON",
    "422": "A rule of the business says no",
    "503": "Not just now",
}
FASTAPIS_OWN = "HTTPValidationError"
REFUSED_WRITES = ("404", "409", "412", "413", "415", "422")


def component(api: Api, definition: str | None) -> dict[str, Any]:
    """A reference to the component of `definition`; an open object for resources of our own."""
    if api.document is None or definition is None:
        return {"type": "object"}
    return {"$ref": f"#/components/schemas/{api.document.name}.{definition}"}


def refusals(*statuses: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{ERROR_NAME}"}
    return {
        status: {"description": STATUS_TEXT[status], "content": {"application/json": {"schema": schema}}}
        for status in statuses
    }


def with_errors(described: dict[str, Any]) -> dict[str, Any]:
    """The API description with every refusal that its operations may answer."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"]
            if FASTAPIS_OWN in str(told.get("422")):
                del told["422"]  # it is answered by our own 400
            told |= refusals(*_refusals(path, method))
    return described


def _refusals(path: str, method: str) -> tuple[str, ...]:
    if path == "/health":
        return ("503",)
    found = ("404",) if "{" in path and method == "get" else ()
    return "400", "401", "403", *found, *(() if method == "get" else REFUSED_WRITES), "503"


def list_operation(api: Api) -> dict[str, Any]:
    schema = {"type": "array", "items": component(api, api.definition)}
    found = {"description": "The objects", "content": {"application/json": {"schema": schema}}}
    return {"parameters": PAGING, "responses": {"200": found, "206": found}}


def one_operation(api: Api) -> dict[str, Any]:
    found = {"description": "The object", "content": {"application/json": {"schema": component(api, api.definition)}}}
    return {"parameters": PAGING[:1], "responses": {"200": found}}


def write_operation(api: Api, kind: str) -> dict[str, Any]:
    """`kind` is "create" or "update"."""
    document, definition = api.document, api.definition
    body: dict[str, Any] = {"type": "object"}
    if document is not None and definition is not None:
        named = document.create_definition(definition) if kind == "create" else document.update_definition(definition)
        body = component(api, named)
        example = example_of(document, named)
    else:
        example = {}
    done = {"description": "Done", "content": {"application/json": {"schema": component(api, definition)}}}
    status = "201" if kind == "create" else "200"
    header = "Idempotency-Key" if kind == "create" else "If-Match"
    return {
        "parameters": [{"name": header, "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": {status: done},
    }


def example_of(document: TmfDocument, definition: str) -> Json:
    """The smallest body the document allows: mandatory attributes only, all the way down."""
    return _example(document, document.definitions[definition], definition, 0)


def _example(document: TmfDocument, schema: Any, name: str, depth: int) -> Json:
    if "$ref" in schema:
        target = schema["$ref"].rsplit("/", 1)[1]
        return _example(document, document.definitions[target], name, depth + 1)
    if "enum" in schema:
        first: Json = schema["enum"][0]
        return first
    match schema.get("type"):
        case "array":
            return [_example(document, schema.get("items", {}), name, depth + 1)] if depth < 8 else []
        case "object":
            properties = schema.get("properties", {})
            wanted = schema.get("required", []) if depth < 8 else []
            return {one: _example(document, properties.get(one, {}), one, depth + 1) for one in wanted}
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return {"date-time": "2027-01-01T00:00:00Z", "uri-reference": "https://example.org"}.get(
                schema.get("format"), name
            )


def components(offered: Iterable[tuple[Api, type[Entity]]]) -> dict[str, Any]:
    """The component schemas of the documents that are offered, each kind at its collection, and the error body.

    An entity is answered with attributes of our own beside the document's, and with `fields` without most of them.
    """
    answered = list(offered)
    found: dict[str, Any] = {ERROR_NAME: ERROR_SCHEMA}
    for name in sorted({api.document.name for api, _ in answered if api.document is not None}):
        for defined, schema in tmf_document(name).definitions.items():
            found[f"{name}.{defined}"] = _renamed(schema, name)
    for api, kind in answered:
        document, definition = api.document, api.definition
        if document is not None and definition is not None:
            whole = found[f"{document.name}.{definition}"]
            names = [one.wire for one in shape(kind).attributes if not one.writable or one.wire in kind.extensions]
            own: dict[str, Any] = {name: {} for name in names}
            for sent in {document.create_definition(definition), document.update_definition(definition)}:
                found[f"{document.name}.{sent}"]["properties"] |= {name: {} for name in sorted(kind.extensions)}
            whole["properties"] = own | whole["properties"] | {"@type": {"type": "string"}}
            whole["required"] = ["id", "href"]
    return found


def _renamed(schema: Any, document: str) -> Any:
    if isinstance(schema, dict):
        return {
            key: f"#/components/schemas/{document}.{value.rsplit('/', 1)[1]}"
            if key == "$ref"
            else _renamed(value, document)
            for key, value in schema.items()
        }
    return [_renamed(one, document) for one in schema] if isinstance(schema, list) else schema
