"""Requests that nobody thought of, made from the API description: no answer is a fault of ours, each is as described.

What is made follows a seed, so that a failure comes again. `make fuzz` takes another each day, and longer.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.scenarios.a_running_operator import RunningOperator

PROGRAM: Final = Path(sys.executable).with_name("schemathesis")
SEED: Final = os.environ.get("SATCOM_FUZZ_SEED", "1")
SECONDS: Final = int(os.environ.get("SATCOM_FUZZ_SECONDS", "30"))  # for all roles together
LEAST_S: Final = 6
SHARES: Final = {"administrator": 0.5, "customer": 0.2, "sales": 0.1, "noc": 0.1, "nobody": 0.1}
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.parametrize("role", SHARES)
def test_whatever_a_role_sends_is_answered_as_described(operator: RunningOperator, role: str, tmp_path: Path) -> None:
    seconds = max(LEAST_S, round(SECONDS * SHARES[role]))
    httpx.get(f"{operator.base_url}/openapi.json", timeout=60)  # made once, and not in the time of the first role
    token = [] if role == "nobody" else ["--header", f"Authorization: Bearer {operator.tokens[role]}"]
    command: list[str | Path] = [PROGRAM, "run", f"{operator.base_url}/openapi.json", *token, "--no-color"]
    command += ["--seed", SEED, "--max-time", str(seconds), "--generation-database", "none", "--no-shrink"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"]
    command += ["--suppress-health-check", "all", "--warnings", "off"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-8000:]
    made = re.search(r"(\d+) generated", told)
    assert made is not None, told[-2000:]
    assert int(made[1]) >= seconds, f"only {made[0]} in {seconds} s"
    assert "request broke" not in operator.log(), "a fault of ours is in the log, whatever the caller was told"
