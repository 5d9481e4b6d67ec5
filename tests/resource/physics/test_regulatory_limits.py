"""Limits as their texts print them, and carriers held against them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.beam_footprint import footprint
from satcom.resource.physics.coverage import SpotBeam
from satcom.resource.physics.power_flux_density import flux_density_excess_db
from satcom.resource.physics.regulatory_limits import (
    CoordinationLimits,
    Gate,
    breaches,
    off_axis_excess_db,
    off_axis_limit_dbw_per_hz,
)

PER_40_KHZ, PER_4_KHZ = 10 * np.log10(40e3), 10 * np.log10(4e3)


@pytest.mark.parametrize(
    ("ghz", "angle_deg", "limit_dbw", "width_db"),
    [
        (6.0, 2.5, 32 - 25 * np.log10(2.5), PER_4_KHZ),
        (6.0, 8.0, 11.0, PER_4_KHZ),
        (6.0, 100.0, -7.0, PER_4_KHZ),
        (14.25, 3.0, 39 - 25 * np.log10(3.0), PER_40_KHZ),
        (14.25, 9.0, 18.0, PER_40_KHZ),
        (14.25, 20.0, 42 - 25 * np.log10(20.0), PER_40_KHZ),
        (13.0, 60.0, 0.0, PER_40_KHZ),
        (29.0, 2.0, 19 - 25 * np.log10(2.0), PER_40_KHZ),
        (29.0, 48.0, 22 - 25 * np.log10(48.0), PER_40_KHZ),
    ],
)
def test_off_axis_limits_are_those_of_s524_9(ghz: float, angle_deg: float, limit_dbw: float, width_db: float) -> None:
    assert off_axis_limit_dbw_per_hz(angle_deg, ghz * 1e9) + width_db == pytest.approx(limit_dbw)


def test_where_a_text_sets_no_limit_there_is_none() -> None:
    assert np.isnan(off_axis_limit_dbw_per_hz.or_nan(np.array([1.0, 2.4, 181.0]), 14.25e9)).all()
    assert np.isnan(off_axis_limit_dbw_per_hz.or_nan(5.0, np.array([13.5e9, 20e9, -1.0, np.nan]))).all()
    assert np.isnan(off_axis_excess_db.or_nan(-40.0, 1.8, 0.65, 20e9))


def test_a_large_dish_keeps_the_limit_at_a_known_density() -> None:
    # 29 - 25 log against 39 - 25 log: at the flange 10 dBW in 40 kHz are just allowed
    allowed = 10 - PER_40_KHZ
    assert off_axis_excess_db(allowed, 3.7, 0.65, 14.25e9) == pytest.approx(0, abs=1e-9)
    assert off_axis_excess_db(allowed - 1, 3.7, 0.65, 14.25e9) == pytest.approx(-1)


@given(density=st.floats(-90, -20), more_db=st.floats(0, 20), diameter_m=st.floats(0.6, 9))
def test_more_power_breaks_the_limit_by_as_much_more(density: float, more_db: float, diameter_m: float) -> None:
    less, more = off_axis_excess_db(np.array([density, density + more_db]), diameter_m, 0.65, 14.25e9)
    assert more - less == pytest.approx(more_db, abs=1e-9)


def carrier(**changed: float) -> dict[str, float]:
    return {
        "uplink_power_density_dbw_per_hz": -55.0,
        "uplink_eirp_density_dbw_per_hz": -10.0,
        "diameter_m": 2.4,
        "efficiency": 0.65,
        "uplink_freq_hz": 14.25e9,
        "downlink_eirp_density_dbw_per_hz": -25.0,
        "downlink_range_km": 37_000.0,
        "arrival_deg": 40.0,
        "downlink_freq_hz": 11.2e9,
    } | changed


def test_each_limit_that_is_not_kept_has_its_reason_code_and_number() -> None:
    assert breaches(**carrier()) == ()  # type: ignore[arg-type]
    loud = breaches(**carrier(uplink_power_density_dbw_per_hz=-30.0))  # type: ignore[arg-type]
    assert [one.gate for one in loud] == [Gate.OFF_AXIS_EIRP_DENSITY]
    bright = breaches(**carrier(downlink_eirp_density_dbw_per_hz=0.0))  # type: ignore[arg-type]
    assert [one.gate for one in bright] == [Gate.POWER_FLUX_DENSITY]
    assert bright[0].value - bright[0].limit == pytest.approx(flux_density_excess_db(0.0, 37_000.0, 40.0, 11.2e9))
    agreed = CoordinationLimits(uplink_eirp_density_dbw_per_hz=-12.0, downlink_eirp_density_dbw_per_hz=-26.0)
    bound = breaches(**carrier(), agreed=agreed)  # type: ignore[arg-type]
    assert [(one.gate, one.limit) for one in bound] == [
        (Gate.COORDINATED_UPLINK, -12.0),
        (Gate.COORDINATED_DOWNLINK, -26.0),
    ]
    assert all(one.source for one in (*loud, *bright, *bound))


def test_a_carrier_that_keeps_the_limit_at_its_station_breaks_it_at_the_edge_of_its_beam() -> None:
    europe = footprint(SpotBeam(50.0, 10.0, 3.0, 10.0), 10.0)
    quiet = carrier(downlink_eirp_density_dbw_per_hz=-18.0, downlink_range_km=38_500.0, arrival_deg=32.0)
    assert breaches(**quiet) == ()  # type: ignore[arg-type]
    (found,) = breaches(**quiet, lit=europe)  # type: ignore[arg-type]
    assert found.gate is Gate.POWER_FLUX_DENSITY
    assert found.over_db == pytest.approx(2.26, abs=0.05)
    assert (found.latitude_deg, found.arrival_deg) == pytest.approx((76.5, 4.9), abs=0.5)
    (further,) = breaches(**quiet, lit=europe, below_peak_db=1.0)  # type: ignore[arg-type]
    assert further.over_db == pytest.approx(found.over_db + 1)
