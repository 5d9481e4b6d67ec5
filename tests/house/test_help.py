"""Help of every command: what is typed is named in capitals, and a closed list of values is offered to the shell."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer import Context

from satcom.app.commands import approval, listener, order, satellite
from satcom.core.listener import ListenerState
from satcom.core.security import Role
from satcom.market.order_approval import ApprovalState
from satcom.market.ordering import OrderState
from satcom.resource.satellite import SatelliteState
from tests.app.the_command_line import commands
from tests.house.checkout import ROOT

IN_CAPITALS = re.compile(r"[A-Z][A-Z0-9_=-]*")


def parameters() -> list[tuple[str, str, Any]]:
    """Each as help shows it, with its command; a switch and what must not be typed have no name."""
    return [
        (" ".join(words), one.display_name_raw if one.param_type_name == "argument" else one.metavar, one)
        for words, command in commands()
        for one in command.get_params(Context(command))
    ]


def test_what_is_typed_is_named_in_capitals_everywhere() -> None:
    found = parameters()
    switches = {id(one) for _, _, one in found if getattr(one, "is_flag", False)}
    named = [(words, name) for words, name, one in found if id(one) not in switches]
    assert [each for each in named if not IN_CAPITALS.fullmatch(each[1] or "")] == []
    assert {name for _, name, one in found if id(one) in switches} == {""}
    assert (len(named) > 200, len(switches) > 50) == (True, True)


def test_no_help_names_a_type_of_the_program() -> None:
    for words, command in commands():
        within = Context(command)
        usage = " ".join(command.collect_usage_pieces(within))
        shown = [record[0] for one in command.get_params(within) if (record := one.get_help_record(within))]
        assert not re.search(r"[<>{}]", f"{usage} {' '.join(shown)}"), words


def offered_for(*words: str) -> list[str]:
    """What bash is told when a person presses Tab after the words."""
    program = str(Path(sys.executable).with_name("satcom"))
    asked = {
        "_SATCOM_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["satcom", *words]),
        "COMP_CWORD": str(len(words)),
    }
    said = subprocess.run([program], env=asked, capture_output=True, text=True, check=True, timeout=120)
    return said.stdout.split()


def test_the_shell_is_offered_the_roles() -> None:
    assert offered_for("token", "create", "ann", "--role", "") == list(Role)
    assert offered_for("token", "create", "ann", "--role", "p") == [one for one in Role if one.startswith("p")]


def test_the_states_that_are_offered_are_those_there_are() -> None:
    assert list(order.STATES) == list(OrderState)
    assert list(listener.STATES) == list(ListenerState)
    assert list(approval.STATES) == list(ApprovalState)
    assert list(satellite.STATES) == [one for one in SatelliteState if one is not SatelliteState.PLANNED]


def test_every_list_of_a_command_is_made_where_nothing_is_cut() -> None:
    files = list((ROOT / "app" / "commands").glob("*.py"))
    assert [one.name for one in files if "rich.table" in one.read_text(encoding="utf-8")] == []
    assert sum("satcom.app.listing" in one.read_text(encoding="utf-8") for one in files) > 15
