"""What a physics function is given wrong is told by name, with its unit and what is accepted, all of it at once."""

from dataclasses import asdict, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from satcom.core import wrong_value
from satcom.resource.physics import checked
from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.antenna_pattern import s465_gain_dbi, s580_gain_dbi, s672_gain_dbi
from satcom.resource.physics.attenuation import total_attenuation
from satcom.resource.physics.checked import LATITUDES, POSITIVE, Accepted, Checked, OutOfRange, check
from satcom.resource.physics.coverage import SpotBeam, relative_gain_db
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.link_budget import (
    Carrier,
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    bent_pipe_budget,
    free_space_loss_db,
)
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.passes import service_plan

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


PLACE = {"latitude_deg": 9.05, "longitude_deg": 38.7}
SKY = PLACE | {
    "freq_hz": 14.25e9,
    "elevation_deg": 45.0,
    "unavailability_percent": 0.1,
    "polarization_tilt_deg": 90.0,
    "antenna_diameter_m": 1.8,
    "antenna_efficiency": 0.65,
}
DISH = {"diameter_m": 1.8, "efficiency": 0.65, "freq_hz": 14.25e9}
PATTERN = {"off_axis_deg": 3.0, "diameter_m": 1.8, "freq_hz": 14.25e9}
FEED = {"off_axis_deg": 3.0, "peak_gain_dbi": 40.0, "half_power_beamwidth_deg": 1.0}
SPOT = SpotBeam(0.0, 20.0, 2.0, 17.0)
ENTRANCES: list[tuple[Checked[..., Any], dict[str, Any], dict[str, Any], list[str]]] = [
    (
        total_attenuation,
        SKY,
        {"elevation_deg": -3, "unavailability_percent": 0, "antenna_diameter_m": 0, "freq_hz": -11e9},
        [
            "freq_hz: -11000000000 Hz is out of range (accepted: 1000000000 to 55000000000 Hz)",
            "elevation_deg: -3 degrees is out of range (accepted: 5 to 90 degrees)",
            "unavailability_percent: 0 % is out of range (accepted: 0.001 to 50 %)",
            "antenna_diameter_m: 0 m is out of range (accepted: more than 0 m)",
        ],
    ),
    (
        slot_angles,
        PLACE | {"slot_deg": [17.0, 31.0], "altitude_m": 0.0},
        {"latitude_deg": np.nan},
        ["latitude_deg: nan degrees is out of range (accepted: -90 to 90 degrees)"],
    ),
    (
        free_space_loss_db,
        {"range_km": 36_000.0, "freq_hz": 11e9},
        {"range_km": [1.0, 2.0], "freq_hz": [1e9, 2e9, 3e9]},
        ["shapes do not broadcast: range_km (2,), freq_hz (3,)"],
    ),
    (parabola_gain_dbi, DISH, {"efficiency": 1.2}, ["efficiency: 1.2 is out of range (accepted: more than 0 to 1)"]),
    (s465_gain_dbi, PATTERN, {"diameter_m": 0}, ["diameter_m: 0 m is out of range (accepted: more than 0 m)"]),
    (
        s580_gain_dbi,
        PATTERN,
        {"off_axis_deg": 200},
        ["off_axis_deg: 200 degrees is out of range (accepted: 0 to 180 degrees)"],
    ),
    (s672_gain_dbi, FEED, {"side_lobe_db": -22}, ["side_lobe_db: -22 dB is out of range (accepted: -20, -25, -30 dB)"]),
    (
        relative_gain_db,
        PLACE | {"beams": [SPOT]},
        {"beams": [SPOT, replace(SPOT, half_power_beamwidth_deg=0.0)], "longitude_deg": np.inf},
        [
            "beams[1].half_power_beamwidth_deg: 0 degrees is out of range (accepted: more than 0 degrees)",
            "longitude_deg: inf degrees is out of range (accepted: a finite number in degrees)",
        ],
    ),
    (
        service_plan,
        {
            "elements": [],
            "site": sites_on(0.0, 0.0),
            "gateways": None,
            "start": datetime(2027, 1, 1, tzinfo=UTC),
            "span_s": 60.0,
        },
        {"span_s": -1.0},
        ["span_s: -1 s is out of range (accepted: more than 0 s)"],
    ),
]


@pytest.mark.parametrize(("function", "good", "wrong", "told"), ENTRANCES)
def test_a_person_is_told_what_is_wrong_and_an_array_goes_on(
    function: Checked[..., Any], good: dict[str, Any], wrong: dict[str, Any], told: list[str]
) -> None:
    with pytest.raises(OutOfRange) as refused:
        function(**good | wrong)
    assert list(refused.value.lines) == told
    if function is not service_plan:  # of no satellites there is no plan
        np.testing.assert_equal(asdict_of(function(**good)), asdict_of(function.or_nan(**good)))


def asdict_of(answer: Any) -> Any:
    return asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer


def test_a_link_that_cannot_be_is_told_by_the_place_of_its_fault() -> None:
    link = a_link()
    spoilt = replace(link, up=replace(link.up, range_km=-1.0), transponder=replace(link.transponder, up_freq_hz=np.nan))
    carrier = Carrier(10e6, 1.487473, 4.83, 0.2)
    with pytest.raises(OutOfRange) as refused:
        bent_pipe_budget(spoilt, replace(carrier, bit_rate_bps=0.0), 12.0)
    assert refused.value.lines == (
        "link.up.range_km: -1 km is out of range (accepted: more than 0 km)",
        "link.transponder.up_freq_hz: nan Hz is out of range (accepted: more than 0 Hz)",
        "carrier.bit_rate_bps: 0 bit/s is out of range (accepted: more than 0 bit/s)",
    )
    assert np.isnan(bent_pipe_budget.or_nan(spoilt, carrier, 12.0).margin_clear_db).all()
    assert np.isfinite(bent_pipe_budget(link, carrier, 12.0).margin_clear_db).all()


def a_link() -> Link:
    return Link(
        TransmitStation(antenna_gain_dbi=60.0, hpa_power_dbw=20.0),
        Path(36_000.0),
        Transponder(14e9, 11e9, 36e6, 50.0, 5.0, -85.0),
        Path(36_000.0),
        ReceiveStation(ReceiveAntenna.of_dish(1.8, 0.65, 11e9, 0.8, 30.0, 0.1)),
        Interference(),
    )
