"""`satcom spectrum repack` says how near its plan is to the shortest."""

import pytest

from satcom.app.commands.api import Api
from tests.app.the_command_line import CommandLine

MOVE = {"step": 1, "carrier": {"name": "a"}, "who": "somebody", "fromHz": 0, "toHz": 2, "bandwidthHz": 1}


@pytest.mark.parametrize(
    ("at_least", "is_least", "said"),
    [
        (2, True, "no plan has fewer, or moves less"),
        (2, False, "no plan has fewer; whether one of as many moves less, the search was too long to tell"),
        (1, True, "at most 1 more than the shortest, which the search was too long to tell"),
        (1, False, "at most 1 more than the shortest, which the search was too long to tell"),
    ],
)
def test_what_is_certain_of_a_plan_is_said_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_least: int, is_least: bool, said: str
) -> None:
    plan = {"move": [MOVE, MOVE], "movedHz": 2_000_000, "slot": {"startHz": 0, "stopHz": 5_000_000}}
    plan |= {"atLeastMoves": at_least, "isShortest": at_least == 2, "isLeast": is_least}
    monkeypatch.setattr(Api, "get", lambda *_, **__: plan)
    told = CommandLine(monkeypatch, capsys)("spectrum", "repack", "--transponder", "t", "--mhz", "5", "--token", "x")
    assert (told.status, told.err) == (0, "")
    assert told.out.splitlines()[-1] == f"2 moves of 2 MHz open 0 to 5 MHz; {said}"
