"""What is refused is named by the option or argument that was typed, and by one that there is."""

from collections.abc import Mapping

import pytest

from satcom.app import qualify_lease
from satcom.app.as_typed import as_typed
from satcom.app.commands import operator, passes, spectrum
from satcom.app.commands.api import ApiRefused
from satcom.core.errors import Fault, Refused, RuleRefused
from tests.app.the_command_line import commands


def test_the_longest_field_names_the_option_and_others_stay_as_they_are() -> None:
    options = {"/item": "ITEM", "/item/list": "--set", "/item/list/1": "--set rate", "id": "ORDER"}
    fields = ("/item/list/1/value", "/item/list/10", "/item/x", "/items", "id", "/item/list/1")
    refused = RuleRefused.all([Fault(one, "no") for one in fields])
    with pytest.raises(Refused) as told, as_typed(options):
        raise refused
    assert told.value is refused, "of the same kind, and with the same status"
    assert [one.field for one in refused.faults] == ["--set rate", "--set", "ITEM", "/items", "ORDER", "--set rate"]


def test_what_the_api_refuses_is_told_as_it_was_typed() -> None:
    with pytest.raises(ApiRefused) as told, as_typed({"/state": "STATE"}):
        raise ApiRefused(422, [], [Fault("/state", "it is over", "ended", "another"), Fault("role", "not you")])
    assert (told.value.status, str(told.value)) == (422, "STATE: it is over (accepted: another)\nrole: not you")
    with pytest.raises(ApiRefused, match=r"^TASK: there is none$"), as_typed({"/state": "STATE"}):
        raise ApiRefused(404, ["TASK: there is none"])


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("operator", "set"), operator.OPTIONS),
        (("passes",), passes.OPTIONS),
        (("qualify-lease",), qualify_lease.OPTIONS),
        (("spectrum", "repack"), spectrum.OPTIONS),
    ],
)
def test_every_option_that_is_named_there_is(words: tuple[str, ...], options: Mapping[str, str]) -> None:
    (command,) = [found for called, found in commands() if called == words]
    typed = {option for one in command.params for option in one.opts}
    assert set(options.values()) <= typed
