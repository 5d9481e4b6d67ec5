"""Loaded by schemathesis itself (SCHEMATHESIS_HOOKS): keeps what was answered, and sends ids that exist.

SATCOM_FUZZ_ANSWERS   a file that gets a line for each answer: method, path, status
SATCOM_FUZZ_IDS       a file with the ids in each collection, by its path; at the end with those that are left
"""

import atexit
import json
import os
from itertools import count
from pathlib import Path
from typing import Any, Final

import schemathesis

ANSWERS: Final = Path(os.environ["SATCOM_FUZZ_ANSWERS"])
FILE: Final = Path(os.environ["SATCOM_FUZZ_IDS"])
IDS: Final[dict[str, list[str]]] = json.loads(FILE.read_text(encoding="utf-8"))
INVENTING: Final = frozenset({"coverage", "fuzzing"})
_turns = count()
atexit.register(lambda: FILE.write_text(json.dumps(IDS), encoding="utf-8"))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Of the requests that are made up every second names an object that there is."""
    ids = IDS.get(_collection(case))
    if ids and "id" in (case.path_parameters or {}) and case.meta and case.meta.phase.name.value in INVENTING:
        turn, again = divmod(next(_turns), 2)
        if again:
            case.path_parameters["id"] = ids[turn % len(ids)]


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    with ANSWERS.open("a", encoding="utf-8") as kept:
        kept.write(f"{case.method} {case.operation.path} {response.status_code}\n")
    ids = IDS.get(_collection(case), [])
    match case.method, response.status_code:
        case "POST", 201 if "{" not in case.operation.path:
            ids.append(response.json()["id"])
        case "DELETE", 204 if case.path_parameters["id"] in ids:
            ids.remove(case.path_parameters["id"])


def _collection(case: Any) -> str:
    return str(case.operation.path).partition("/{id}")[0]
