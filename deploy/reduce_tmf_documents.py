"""Reduce official TM Forum documents (Swagger 2.0, Apache-2.0) to the facts the program needs; keep no prose.

    python deploy/reduce_tmf_documents.py FOLDER_WITH_DOCUMENTS

Writes `core/tmf_documents/TMF622.json` and so on: base path, operations, event names, and every definition with its
attributes, types, formats, enumerations and mandatory lists. `allOf` is flattened, and an object that lists attributes
allows no others, so that a misspelt attribute is refused by its name. What is told to listeners goes in the same form
to `tests/data/tmf_events.json`, for the tests alone.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]
DOCUMENTS = [
    "620",
    "622",
    "629",
    "632",
    "633",
    "634",
    "637",
    "638",
    "639",
    "641",
    "645",
    "646",
    "651",
    "652",
    "653",
    "666",
    "668",
    "678",
    "679",
    "685",
    "701",
]
NOTIFIED = re.compile("Event(Payload)?$|^EventSubscription|^Hub")  # what goes to listeners is `core.event`
CONTENT = ("event", "payload")  # under which an event carries its resource: the documents do not agree
KEPT = ("type", "format", "enum", "$ref", "items", "required", "properties")


def reduced(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """One definition without prose, flattened and closed."""
    out: Schema = {}
    for part in schema.get("allOf", []):
        whole = definitions[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
        inherited = reduced(whole, definitions)
        out.setdefault("properties", {}).update(inherited.get("properties", {}))
        out.setdefault("required", []).extend(inherited.get("required", []))
    for key in KEPT:
        if key not in schema:
            continue
        if key == "properties":
            properties = {name: reduced(value, definitions) for name, value in schema[key].items()}
            out.setdefault("properties", {}).update(properties)
        elif key == "items":
            out[key] = reduced(schema[key], definitions)
        elif key == "required":
            out["required"] = sorted({*out.get("required", []), *schema[key]})
        elif key == "$ref":
            out[key] = "#/$defs/" + schema[key].rsplit("/", 1)[1]
        else:
            out[key] = schema[key]
    if out.get("format") in ("base64", "float", "int32", "int64", "string"):
        del out["format"]
    if out.get("format") == "uri":  # TMF630 has an href relative to the host, too: what is answered can be sent back
        out["format"] = "uri-reference"
    if out.get("properties"):
        out |= {"type": "object", "additionalProperties": False}
    return out


def reduced_events(document: Schema) -> Schema:
    """The schema of each event, by its name; what it carries is named as the definitions name it."""
    definitions, found = document["definitions"], {}
    for path, operations in document["paths"].items():
        if path.startswith("/listener"):
            (body,) = (one for one in operations["post"]["parameters"] if one["in"] == "body")
            event = reduced(definitions[body["schema"]["$ref"].rsplit("/", 1)[1]], definitions)
            (content,) = (name for name in CONTENT if name in event["properties"])
            carried = event["properties"][content]["$ref"].rsplit("/", 1)[1]
            event["properties"][content] = reduced(definitions[carried], definitions)
            found[path.rsplit("/", 1)[1]] = event
    return found


def reduce_document(path: Path) -> tuple[str, Schema, Schema]:
    """The name of a document, its facts, and its events."""
    document = json.loads(path.read_text(encoding="utf-8-sig"))
    definitions, events = document["definitions"], reduced_events(document)
    named = re.fullmatch(r"(TMF\d{3})-v(\d\.\d\.\d)\.json", path.name)
    if named is None:
        raise SystemExit(f"{path}: the name holds no TMF number and version")
    operations = {
        p: sorted(o for o in operation if o in ("get", "post", "put", "patch", "delete"))
        for p, operation in document["paths"].items()
        if not p.startswith("/listener")
    }
    facts = {
        "title": document["info"]["title"],
        "version": named.group(2),
        "basePath": document["basePath"].rstrip("/"),
        "operations": operations,
        "events": sorted(events),
        "definitions": {
            name: reduced(schema, definitions) for name, schema in definitions.items() if not NOTIFIED.search(name)
        },
    }
    contents = {name for name in CONTENT for event in events.values() if name in event["properties"]}
    if contents - {CONTENT[0]}:
        (facts["eventContent"],) = contents
    return named.group(1), facts, events


def kept(facts: Schema, file: Path) -> None:
    file.write_text(json.dumps(facts, indent=None, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    root = Path(__file__).parents[1]
    told: Schema = {}
    for number in DOCUMENTS:
        source = next(Path(sys.argv[1]).glob(f"TMF{number}-*.json"))
        name, facts, told[source.stem] = reduce_document(source)
        kept(facts, root / "core" / "tmf_documents" / f"{name}.json")
        print(name, len(told[source.stem]))  # noqa: T201
    kept(told, root / "tests" / "data" / "tmf_events.json")
