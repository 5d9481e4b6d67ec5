"""`satcom` on a terminal: help that reads well, tokens, loading, qualifying, and a hub where there is none."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from satcom.app import cli
from satcom.app.commands.spectrum import WithImport
from satcom.core.settings import settings
from tests.app.the_command_line import CommandLine, Said, commands
from tests.postgres_server import drop_database, new_database

OPERATOR = Path(__file__).parents[2] / "examples" / "operator"
PROGRAM = Path(sys.executable).with_name("satcom")
GROUPS = ("db", "token", "order", "service")


@pytest.fixture
def satcom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    command_line = CommandLine(monkeypatch, capsys)
    command_line.set(COLUMNS="80", TERMINAL_WIDTH="80")
    return command_line


@pytest.fixture
def on_database(satcom: CommandLine, postgres: str, tmp_path: Path) -> Iterator[CommandLine]:
    """With an empty database as the configured one."""
    url = new_database(postgres)
    satcom.set(SATCOM_DATABASE_URL=url, SATCOM_DATA_DIR=str(tmp_path))
    settings.cache_clear()
    yield satcom
    settings.cache_clear()
    drop_database(url)


def test_garbage_is_looked_for_after_a_command_as_it_was_before(satcom: CommandLine) -> None:
    before = gc.isenabled()
    try:
        for switch, on in ((gc.disable, False), (gc.enable, True)):
            switch()
            assert satcom("token", "--help").status == 0
            assert gc.isenabled() is on
    finally:
        (gc.enable if before else gc.disable)()


def test_every_command_says_what_it_does_in_80_columns(satcom: CommandLine) -> None:
    listed = satcom("--help").out
    known = [words for words, _ in commands()]
    assert len(known) >= 20
    for words in [*known, *((group,) for group in GROUPS), ()]:
        said = satcom(*words, "--help")
        assert said.status == 0
        assert max(map(len, said.out.splitlines())) <= 80
        assert len(words) != 1 or words[0] in listed
        text = " ".join(said.out.split())
        assert "Usage: satcom" in text


def test_a_list_of_commands_says_of_each_what_it_says_itself() -> None:
    lazy: dict[tuple[str, ...], str] = {(name,): does for name, (_, does) in cli.Satcom.lazy.items()}
    lazy |= {("spectrum", name): does for name, (_, does) in WithImport.lazy.items()}
    own = {words: " ".join(one.help.partition("\n\n")[0].split()) for words, one in commands() if words in lazy}
    assert own == {words: lazy[words] for words in own}
    assert len(own) > 10


def test_the_version_is_asked_as_of_any_program(satcom: CommandLine) -> None:
    said = satcom("--version")
    assert (said.status, said.out.strip()) == (0, version("satcom"))
    assert satcom("version").out == said.out


def test_the_file_of_the_program_runs_as_the_program_does() -> None:
    said = subprocess.run([sys.executable, "-m", "satcom.app.cli", "version"], stdout=-1, text=True, check=True)
    assert said.stdout.strip() == version("satcom")


def test_a_program_that_ends_does_not_look_through_its_memory_again() -> None:
    program = (
        "import atexit, gc, sys; sys.argv = ['satcom', 'version']; from satcom.app.cli import main;"
        "atexit.register(lambda: print(gc.get_freeze_count() > 10_000)); main()"
    )
    said = subprocess.run([sys.executable, "-c", program], stdout=-1, text=True, check=True)
    assert said.stdout.split() == [version("satcom"), "True"]


def test_the_demonstration_says_that_it_delivers_every_order(satcom: CommandLine) -> None:
    said = " ".join(satcom("demo", "--help").out.split())
    assert "its first orders" in said
    assert "every other *_order.yaml" in said


def test_who_interrupts_a_start_sees_no_trace(satcom: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    assert satcom("--version") == Said(cli.INTERRUPTED, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full, as on macOS")
def test_a_full_disk_below_the_output_is_said_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        said = subprocess.run([Path(sys.executable).with_name("satcom"), "version"], stdout=full, stderr=-1, text=True)
    assert said.returncode == 1
    assert said.stderr.splitlines() == ["There is no room to write: [Errno 28] No space left on device"]


def test_the_forms_of_a_date_are_said_before_one_is_given(satcom: CommandLine) -> None:
    said = " ".join(satcom("order", "redate", "--help").out.replace("│", " ").split())
    assert "satcom order redate PO-2026-000001 terminal_is_here 2027-03-31" in said
    assert "2027-03-31, 2027-03-31T12:00, or with its offset" in said
    assert "Without an offset it is the time of the operator's time zone" in said
    assert "%" not in said


def test_a_token_is_made_listed_without_its_secret_and_revoked(on_database: CommandLine) -> None:
    made = json.loads(on_database("token", "create", "night shift", "--role", "noc", "--json").out)
    listed = on_database("token", "list")
    assert ("night" in listed.out, made["token"] in listed.out) == (True, False)
    assert on_database("token", "revoke", made["id"]).status == 0
    assert json.loads(on_database("token", "list", "--json").out)[0]["state"] == "revoked"
    refused = on_database("token", "create", "x", "--role", "king")
    assert (refused.status, refused.err.startswith("--role: "), "noc" in refused.err) == (1, True, True)
    unknown = on_database("token", "revoke", "[red]nobody")
    assert (unknown.status, unknown.err.startswith("TOKEN: "), "[red]nobody" in unknown.err) == (1, True, True)


def test_an_operator_is_loaded_after_it_was_told_what_would_change(on_database: CommandLine) -> None:
    foretold = on_database("load", str(OPERATOR), "--dry-run", "--json")
    assert foretold.status == 0, foretold.err
    assert {one["outcome"] for one in json.loads(foretold.out)} == {"created"}
    loaded = on_database("load", str(OPERATOR), "--json")
    assert json.loads(loaded.out) == json.loads(foretold.out), "a dry run leaves nothing behind"
    again = on_database("load", str(OPERATOR))
    assert (again.status, "0 of " in again.out) == (0, True)
    assert max(map(len, again.out.splitlines())) <= 80
    missing = on_database("load", str(OPERATOR / "nowhere"))
    assert (missing.status, "there is no such folder" in missing.err) == (1, True)
    assert all(line.strip() for line in missing.err.splitlines()), "an empty line says nothing"


def test_a_place_is_qualified_and_what_is_wrong_is_named_by_its_option(on_database: CommandLine) -> None:
    place = ("--latitude", "-10.7148", "--longitude", "25.3855")
    assert "satcom load DIR brings a network" in on_database("qualify", *place).out
    assert on_database("load", str(OPERATOR)).status == 0
    answer = json.loads(on_database("qualify", *place, "--json").out)
    assert answer["solutions"]
    wrong = on_database("qualify", "--latitude", "95", "--longitude", "200")
    assert wrong.status == 1
    assert [line.split(":")[0] for line in wrong.err.strip().splitlines()] == ["--latitude", "--longitude"]


def test_a_hub_is_simulated_for_the_loaded_fleet_until_it_is_stopped(on_database: CommandLine, tmp_path: Path) -> None:
    empty = on_database("simulate-hub", "--port", "0")
    assert (empty.status, "satcom load DIR" in empty.err) == (1, True)
    assert on_database("load", str(OPERATOR)).status == 0
    with subprocess.Popen(
        [PROGRAM, "simulate-hub", "--port", "0", "--state", tmp_path / "hub"],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    ) as hub:
        assert hub.stdout is not None
        lines = [hub.stdout.readline().strip() for _ in range(3)]
        told = dict(line.removeprefix("export ").split("=") for line in lines if line.startswith("export "))
        headers = {"Authorization": f"Bearer {told['SATCOM_HUB_NMS_TOKEN']}"}
        url = told["SATCOM_HUB_NMS_URL"]
        hubs = httpx.get(f"{url}/v1/hubs", headers=headers, trust_env=False).json()["items"]
        taken = on_database("simulate-hub", "--port", url.rsplit(":", 1)[1], "--state", str(tmp_path / "other"))
        hub.send_signal(signal.SIGINT)
        hub.wait(20)
    assert lines[0].startswith(f"{len(hubs)} hubs, ")
    assert (taken.status, "--port: " in taken.err) == (1, True)


def test_a_port_that_is_taken_and_a_setting_that_is_none_are_said_in_a_line(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port, why in (
            (str(taken.getsockname()[1]), "is taken (accepted: another port, or 0 for any)"),
            ("abc", "not 'abc'"),
        ):
            environment = kept | {"SATCOM_DATA_DIR": str(tmp_path), "SATCOM_PORT": port}
            said = subprocess.run(
                [str(PROGRAM), "serve"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert (said.returncode, why in said.stderr, "Traceback" in said.stderr) == (1, True, False), said.stderr
