"""Requests that nobody thought of, made from the API description: no answer is a fault of ours, each is as described.

What is made follows a seed, so that a failure comes again. `make fuzz` takes another each day, and longer.
"""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.contract.what_exists import Existing
from tests.scenarios.a_running_operator import RunningOperator

PROGRAM: Final = Path(sys.executable).with_name("schemathesis")
HOOKS: Final = Path(__file__).with_name("fuzz_hooks.py")
SEED: Final = os.environ.get("SATCOM_FUZZ_SEED", "1")
SECONDS: Final = int(os.environ.get("SATCOM_FUZZ_SECONDS", "0"))  # for all roles together; 0: a request of each
SHARES: Final = {"administrator": 1.0, "customer": 0.4, "sales": 0.2, "noc": 0.2, "nobody": 0.2}  # of paths, or of time
BRIEF: Final = ("--phases", "fuzzing", "--max-examples", "1")
WHOLE: Final = ("--phases", "examples,coverage,fuzzing,stateful", "--max-time")
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# An operation without parameters is called as well; of what was answered before nothing is sent again: once is enough.
EXAMPLES: Final = "[phases.examples]\nfill-missing = true\nextra-data-sources.responses = false\n"
DONE_OR_REFUSED_BY_A_RULE: Final = frozenset({200, 201, 204, 206, 409, 422})
# What no request of a caller gets to, and why.
NOT_REACHED: Final = {
    "GET /satcom-api/supplyChain/v1/partnerCapacity/{id}": "there is none until a partner's own system has sold some",
}


@dataclass(frozen=True)
class Fuzzer:
    """Asks the operator in the name of a role, by a description that names what exists."""

    operator: RunningOperator
    existing: Existing
    folder: Path

    def answers(self, role: str, *how: str, share: float = 1.0) -> dict[str, list[int]]:
        """The status of every answer, by operation; all of the paths or a share are asked, each called at least once.

        Every answer was as described, or the test fails.
        """
        paths = list(self.existing.description["paths"].items())
        drawn = dict(random.Random(f"{SEED} {role}").sample(paths, round(share * len(paths))))
        described = self.existing.description | {"paths": drawn}
        for name, kept in (("api.json", described), ("ids.json", self.existing.ids)):
            (self.folder / name).write_text(json.dumps(kept), encoding="utf-8")
        (self.folder / "schemathesis.toml").write_text(EXAMPLES, encoding="utf-8")
        told, answers = self.folder / "told", self.folder / "answers"
        answers.touch()
        token = [] if role == "nobody" else ["--header", f"Authorization: Bearer {self.operator.tokens[role]}"]
        command: list[str | Path] = [PROGRAM, "run", "api.json", "--url", self.operator.base_url, *token, *how]
        command += ["--seed", SEED, "--generation-database", "none", "--no-shrink", "--no-color", "--warnings", "off"]
        command += ["--checks", ",".join(CHECKS), "--suppress-health-check", "all", "--request-timeout", "600"]
        files = {"SATCOM_FUZZ_ANSWERS": str(answers), "SATCOM_FUZZ_IDS": "ids.json", "SCHEMATHESIS_HOOKS": str(HOOKS)}
        with told.open("w", encoding="utf-8") as out:
            done = subprocess.run(command, cwd=self.folder, env=os.environ | files, stdout=out, stderr=out, check=False)
        self.existing.ids.update(json.loads((self.folder / "ids.json").read_text(encoding="utf-8")))
        assert done.returncode == 0, told.read_text(encoding="utf-8")[-8000:]
        assert "request broke" not in self.operator.log(), "a fault of ours is in the log, whatever the caller was told"
        found = defaultdict[str, list[int]](list)
        for line in answers.read_text(encoding="utf-8").splitlines():
            operation, _, status = line.rpartition(" ")
            found[operation].append(int(status))
        wanted = {f"{method.upper()} {path}" for path, methods in drawn.items() for method in methods}
        assert "--max-time" in how or wanted - found.keys() == set(), "these were never called"
        return found


@pytest.fixture
def fuzzer(operator: RunningOperator, existing: Existing, tmp_path: Path) -> Fuzzer:
    return Fuzzer(operator, existing, tmp_path)


def test_every_operation_is_asked_for_what_exists_and_gets_as_far_as_the_rules_of_the_business(fuzzer: Fuzzer) -> None:
    """A request or two of each, however long they take."""
    answers = fuzzer.answers("administrator", "--phases", "examples")
    assert len(answers) > 400, "the description is built in a new way"
    reached = {one for one in answers if DONE_OR_REFUSED_BY_A_RULE & set(answers[one])}
    missed = {one: sorted(set(answers[one])) for one in answers.keys() - reached - NOT_REACHED.keys()}
    assert missed == {}, "these were called, and never done nor refused by a rule"
    assert reached & NOT_REACHED.keys() == set(), "these are reached after all"


@pytest.mark.parametrize("role", SHARES)
def test_whatever_a_role_sends_is_answered_as_described(fuzzer: Fuzzer, role: str) -> None:
    """Made up, about what exists and what does not."""
    if SECONDS:
        fuzzer.answers(role, *WHOLE, str(round(SECONDS * SHARES[role] / sum(SHARES.values()))))
    else:
        fuzzer.answers(role, *BRIEF, share=SHARES[role])
