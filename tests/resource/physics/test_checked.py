"""What a physics function is given wrong is told by name, with its unit and what is accepted, all of it at once."""

import numpy as np
import pytest

from satcom.core import wrong_value
from satcom.resource.physics import checked
from satcom.resource.physics.checked import LATITUDES, POSITIVE, Accepted, OutOfRange, check

RATIO = Accepted(0.0, 1.0, above=True)


def test_every_fault_is_told_with_its_unit_and_where_it_stands() -> None:
    with pytest.raises(OutOfRange) as wrong:
        check(
            {
                "latitude_deg": (np.array([[10.0, 95.0], [np.nan, 0.0]]), LATITUDES),
                "freq_hz": (-11e9, POSITIVE),
                "efficiency": (0, RATIO),
                "diameter_m": ("wide", POSITIVE),
                "range_km": (np.inf, Accepted()),
                "gain_dbi": (None, Accepted()),
            }
        )
    assert wrong.value.lines == (
        "latitude_deg: 95 degrees is out of range, 2 of 4 values, the first at [0, 1] (accepted: -90 to 90 degrees)",
        "freq_hz: -11000000000 Hz is out of range (accepted: more than 0 Hz)",
        "efficiency: 0 is out of range (accepted: more than 0 to 1)",
        "diameter_m: 'wide' is no number (accepted: numbers in m)",
        "range_km: inf km is out of range (accepted: a finite number in km)",
    )
    assert isinstance(wrong.value, ValueError)


def test_shapes_that_do_not_fit_are_told_by_name() -> None:
    given = {
        "latitude_deg": (np.zeros(3), LATITUDES),
        "freq_hz": (np.full(2, 11e9), POSITIVE),
        "range_km": (np.ones(5), POSITIVE),
    }
    with pytest.raises(OutOfRange, match=r"^shapes do not broadcast: latitude_deg \(3,\), freq_hz \(2,\)$"):
        check(given, apart=["range_km"])
    check({"latitude_deg": (np.zeros((3, 1)), LATITUDES), "freq_hz": (np.full(2, 11e9), POSITIVE)})


def test_units_are_those_that_the_command_line_and_the_api_tell() -> None:
    assert checked.UNITS.items() <= wrong_value.UNITS.items()
