"""`satcom listener`: what the NOC types when somebody's events do not arrive."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from satcom.core.database import Database
from satcom.core.entity import new_id
from tests.app.the_command_line import CommandLine, a_served_operation, token_of
from tests.core.a_listener import a_listener


@pytest.fixture
def satcom(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    with a_served_operation(database, tmp_path) as (_, url):
        line = CommandLine(monkeypatch, capsys)
        line.set(SATCOM_URL=url, SATCOM_TOKEN=token_of(database, "noc"), COLUMNS="200")
        yield line


def test_a_listener_is_seen_parked_resumed_replayed_and_removed(satcom: CommandLine, database: Database) -> None:
    assert "nobody listens" in satcom("listener", "list").out
    listener, _ = a_listener(database, "https://oss.example.org/satcom")
    listed = json.loads(satcom("listener", "list", "--json").out)
    assert [(one["id"], one["state"], one["backlog"]) for one in listed] == [(listener.id, "active", 0)]
    assert listener.id[:18] in satcom("listener", "list").out, "folded, but whole"
    assert json.loads(satcom("listener", "park", listener.id, "--json").out)["state"] == "parked"
    assert "nobody listens" in satcom("listener", "list", "--state", "active").out
    assert "parked" in satcom("listener", "show", listener.id).out
    assert json.loads(satcom("listener", "resume", listener.id, "--json").out)["state"] == "active"
    satcom("listener", "park", listener.id)
    before = json.loads(satcom("listener", "show", listener.id, "--json").out)
    replayed = json.loads(satcom("listener", "replay", listener.id, "2020-01-01", "--json").out)
    assert replayed["position"] < before["position"]
    assert replayed["backlog"] > before["backlog"]
    assert satcom("listener", "replay", listener.id, "2020-01-01T12:00+03:00").status == 0
    assert satcom("listener", "remove", listener.id).status == 0
    assert "nobody listens" in satcom("listener", "list").out


def test_what_is_wrong_is_said_in_a_line(satcom: CommandLine, database: Database) -> None:
    unknown = satcom("listener", "show", new_id())
    assert (unknown.status, "there is no Listener" in unknown.err) == (1, True)
    listener, _ = a_listener(database, "https://oss.example.org/satcom")
    ahead = satcom("listener", "replay", listener.id, "2999-01-01")
    assert (ahead.status, "SINCE: " in ahead.err) == (1, True)
    satcom.set(SATCOM_TOKEN=token_of(database, "finance"))
    others = satcom("listener", "remove", listener.id)
    assert (others.status, "may not park, resume and remove" in others.err) == (1, True)
