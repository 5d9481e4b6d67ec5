"""The tour of the API: whoever copies its commands into a shell gets what the page says."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from satcom.app.demonstration import free_port, served, simulated_hub
from satcom.app.loading.load import load
from satcom.app.simulated_hub import fleet_of
from satcom.core import migration
from satcom.core.database import Database
from satcom.resource.drivers.hub_nms import HubNmsDriver
from tests.house.checkout import fenced
from tests.postgres_server import drop_database, new_database

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = "docs/api-guide.md"
NAMED: Final = re.compile(r"# .+: (\d{3})\n")
# curl as it was called, which also writes down which command of the page was answered how
WRITTEN_DOWN: Final = r"""
curl() {
    local body; body=$(mktemp -p .)
    command curl --noproxy '*' --output "$body" --write-out "$command %{http_code}\n" "$@" >>statuses || return
    cat "$body"
}
"""


@dataclass(frozen=True)
class Served:
    """The demonstration operator at work: where its API is, and where its database."""

    url: str
    database_url: str


@pytest.fixture
def operator(postgres: str, tmp_path: Path) -> Iterator[Served]:
    url = new_database(postgres)
    migration.upgrade(url)
    database = Database(url, connections=12)
    load(database, ROOT / "examples" / "operator", dry_run=False, by="test")
    with database.as_worker("test") as session:
        fleet = json.dumps(fleet_of(session))
    port = free_port("127.0.0.1", 18100, Console(quiet=True))
    with (
        simulated_hub(tmp_path / "hub", fleet) as (hub_url, hub_token),
        HubNmsDriver(hub_url, hub_token) as hub,
        served(database, hub, port),
    ):
        yield Served(f"http://127.0.0.1:{port}", url)
    database.close()
    drop_database(url)


def commands() -> list[str]:
    return [text for language, text in fenced(GUIDE) if language == "bash"]


def expected() -> list[str]:
    found = [NAMED.match(command) for command in commands()]
    return [one[1] if one is not None else "none" for one in found]


def pasted(operator: Served, place: Path) -> subprocess.CompletedProcess[str]:
    """Every command of the page, in one shell."""
    script = ["set -euo pipefail", WRITTEN_DOWN]
    for number, command in enumerate(commands()):
        script += [f"command={number}", command]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
    environment = kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SATCOM_URL": operator.url,
        "SATCOM_DATABASE_URL": operator.database_url,
        "SATCOM_DATA_DIR": str(place / "data"),
    }
    return subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_every_command_of_the_page_asks_once_and_names_the_status_it_gets() -> None:
    assert len(commands()) > 20
    assert [command for command in commands() if NAMED.match(command) is None] == []
    assert [command for command in commands() if len(re.findall(r"\bcurl -", command)) != 1] == []
    others = [text for language, text in fenced(GUIDE) if language != "bash"]
    assert not any("curl" in text for text in others), "a command that nobody runs"


def test_the_page_read_from_top_to_bottom_is_answered_as_it_says(operator: Served, tmp_path: Path) -> None:
    assert shutil.which("curl"), "Type: apt-get install --yes curl"
    assert shutil.which("jq"), "Type: apt-get install --yes jq"
    done = pasted(operator, tmp_path)
    answered = [line.split() for line in (tmp_path / "statuses").read_text(encoding="ascii").splitlines()]
    got = [sorted({status for number, status in answered if number == str(one)}) for one in range(len(commands()))]
    differing = [
        (command, named, found)
        for command, named, found in zip(commands(), expected(), got, strict=True)
        if found != [named]
    ]
    assert differing == [], done.stdout[-2000:] + done.stderr[-2000:]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
