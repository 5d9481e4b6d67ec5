"""Runs a checker of the official documents against the example operator, and accounts for every operation.

    python -m tests.contract.official_documents CHECKER FOLDER_OF_DOCUMENTS

Every operation that a document has is carried out as the document says, or refused by a rule that `bodies` names, or
listed there as not built. Whatever is none of these, or is listed and works, fails.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from satcom.core import tmf_document
from satcom.core.values import Json
from tests.contract.bodies import CHECKED_ELSEWHERE, MOVING, NOT_BUILT, REFUSED, overrides
from tests.postgres_server import chosen_server
from tests.scenarios.a_running_operator import RunningOperator, a_loaded_operator, a_running_operator
from tests.scenarios.an_installed_order import a_free_visit, an_installed_order

Operation = tuple[str, str]  # ("TMF622/productOrder", "POST")
MOST_REFUSED: Final = 0.1
REFUSING: Final = frozenset({400, 404, 405, 409, 422})
SIDE_EFFECT: Final = re.compile(r"changed too: \[(.*)\]")
UNKNOWN: Final = "00000000-dead-4bad-8bad-000000000000"


def main(checker: Path, folder: Path) -> int:
    names = sorted(path.stem for path in tmf_document.FOLDER.glob("TMF*.json"))
    documents = [max(folder.glob(f"{name}-v*.json")) for name in names]
    with (
        tempfile.TemporaryDirectory() as made,
        chosen_server() as postgres,
        a_running_operator(a_loaded_operator(postgres, Path(made)), Path(made)) as operator,
    ):
        operator.delivered()  # so that there are bills, service orders and flows to read
        rows = _rows(operator, checker, documents, Path(made), a_free_visit(operator, an_installed_order(operator)))
        asked = dict(_official(documents))
        faults = [*_broken(rows), *_unaccounted(rows, asked), *_offered_after_all(operator, asked)]
    for fault in faults:
        sys.stdout.write(f"FAULT {fault}\n")
    return 1 if faults else 0


def _rows(
    operator: RunningOperator, checker: Path, documents: list[Path], folder: Path, visit: dict[str, Json]
) -> list[dict[str, Any]]:
    """What the checker found; what is not well is shown as it says it."""
    told, found = folder / "overrides.json", folder / "rows.json"
    told.write_text(json.dumps(overrides(visit)))
    command: list[str | Path] = [
        sys.executable,
        checker,
        operator.base_url,
        *documents,
        "--overrides",
        told,
        "--json",
        found,
        "-v",
    ]
    token = f"Authorization: Bearer {operator.tokens['administrator']}"
    done = subprocess.run([*command, "--header", token], capture_output=True, text=True, check=False)
    if not found.exists():
        raise RuntimeError(f"the checker ended without a result: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    shown = [line for line in done.stdout.splitlines() if not re.search(r" (ok|n-i)  ", line[50:])]
    sys.stdout.write("\n".join(shown) + "\n")
    rows: list[dict[str, Any]] = json.loads(found.read_text())
    return rows


def _official(documents: list[Path]) -> Iterator[tuple[Operation, str]]:
    """Every operation of the documents, with its path."""
    names = {"post": "POST", "patch": "PATCH", "delete": "DELETE", "put": "PUT"}
    for file in documents:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
        for path, operations in document["paths"].items():
            if path.startswith("/listener"):
                continue
            resource = re.sub(r"/\{[^}]+\}", "", path).strip("/")
            for method in operations.keys() & {"get", *names}:
                name = names.get(method, "GET" if path.endswith("}") else "LIST")
                yield (f"{file.name[:6]}/{resource}", name), f"{document['basePath'].rstrip('/')}{path}"


def _broken(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        moving = MOVING.get(f"{row['api']}/{row['resource']}", frozenset())
        moved = row["operation"] == "PATCH" and [SIDE_EFFECT.fullmatch(why) for why in row["why"]]
        if moved and all(one and set(re.findall(r"\w+", one[1])) <= moving for one in moved):
            row["state"] = "ok"
        if row["state"] == "FAIL":
            yield f"{row['api']}/{row['resource']} {row['operation']}: {'; '.join(row['why'])[:300]}"


def _unaccounted(rows: list[dict[str, Any]], asked: dict[Operation, str]) -> Iterator[str]:
    """What neither works nor is refused nor is said to be missing. Prints how many are which."""
    well = {(f"{row['api']}/{row['resource']}", row["operation"]) for row in rows if row["state"] == "ok"}
    refused = {(resource, name) for resource, rules in REFUSED.items() for name in rules}
    elsewhere = {(resource, name) for resource, name in asked if resource in CHECKED_ELSEWHERE}
    missing = {(resource, name) for resource, name in asked if resource in NOT_BUILT}
    for resource, name in sorted(asked.keys() - well - refused - elsewhere - missing):
        yield f"{resource} {name}: neither works nor is refused by a rule"
    for resource, name in sorted(missing & well):
        yield f"{resource} {name} works, but is listed as not built"
    for resource, name in sorted(refused - asked.keys()):
        yield f"{resource} {name} is listed as refused, but no document has it"
    kept = len(asked) - len(refused) - len(missing)
    sys.stdout.write(
        f"official documents: {len(asked)} operations; {kept} carried out, {len(refused)} refused by a rule"
        f" ({len(refused) / len(asked):.1%}), {len(missing)} not built\n"
    )
    if len(refused) > MOST_REFUSED * len(asked):
        yield f"more than {MOST_REFUSED:.0%} of the operations are refused"


def _offered_after_all(operator: RunningOperator, asked: dict[Operation, str]) -> Iterator[str]:
    """What is listed as refused or not built is asked for, with an empty body, of an object that is not there."""
    for (resource, name), path in asked.items():
        if name not in REFUSED.get(resource, {}) and resource not in NOT_BUILT:
            continue
        method = {"LIST": "GET"}.get(name, name)
        body: dict[str, str] | None = {} if method in ("POST", "PATCH", "PUT") else None
        answer = operator.api().request(method, re.sub(r"\{[^}]+\}", UNKNOWN, path), json=body)
        if answer.status_code not in REFUSING:
            yield f"{resource} {name} is answered with {answer.status_code}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
