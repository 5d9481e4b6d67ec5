"""The line-up of a terminal that follows satellites: between two of them it is not weak, and is measured again."""

from dataclasses import replace
from typing import cast

import pytest

from satcom.orchestration.engine import Call
from satcom.orchestration.operations.ordered_activation import measured
from satcom.resource.drivers.port import (
    CarrierMeasurement,
    DriverUnavailable,
    HubDriver,
    Measurement,
    TerminalConfiguration,
)

NOTHING = CarrierMeasurement("F", False, None, None, None, 4.0, 0)
FOLLOWING = TerminalConfiguration("T", "SN-1", "Ka 2.40 m", 2.4, -10.7, 25.4, None, None, "F", "R")


class PassingSky:
    """A hub of which only the measurement is asked; it sees a satellite at the second look."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def measure(self, terminal_id: str, key: str) -> Measurement:
        self.keys.append(key)
        return Measurement(terminal_id, NOTHING, NOTHING, None, "F4" if len(self.keys) > 1 else None, "H")


def call(attempt: int, hub: PassingSky) -> Call:
    return Call("key", None, attempt, cast(HubDriver, hub))


def test_while_no_satellite_is_in_view_it_is_measured_again_as_another_request() -> None:
    hub = PassingSky()
    with pytest.raises(DriverUnavailable, match="no satellite is in view"):
        measured(call(1, hub), FOLLOWING)
    read = measured(call(2, hub), FOLLOWING)
    assert isinstance(read, dict)
    assert read["satellite_id"] == "F4"
    assert len(set(hub.keys)) == 2


def test_a_terminal_that_is_pointed_is_measured_once_under_one_key() -> None:
    hub = PassingSky()
    pointed = replace(FOLLOWING, azimuth_deg=10.0, elevation_deg=40.0)
    assert measured(call(1, hub), pointed) is not None
    assert hub.keys == ["key"]
