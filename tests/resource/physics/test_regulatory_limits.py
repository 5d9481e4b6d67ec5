"""Limits as their texts print them, and carriers held against them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.regulatory_limits import (
    CoordinationLimits,
    Gate,
    breaches,
    constellation_size_db,
    flux_density_excess_db,
    flux_density_limit_dbw_per_m2_hz,
    off_axis_excess_db,
    off_axis_limit_dbw_per_hz,
    passing_flux_density_limit_dbw_per_m2_hz,
)

PER_40_KHZ, PER_4_KHZ, PER_MHZ = 10 * np.log10(40e3), 10 * np.log10(4e3), 60.0


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


@pytest.mark.parametrize(
    ("ghz", "arrival_deg", "limit_dbw", "width_db"),
    [
        (3.8, 3.0, -152.0, PER_4_KHZ),
        (3.8, 15.0, -147.0, PER_4_KHZ),
        (11.0, 25.0, -140.0, PER_4_KHZ),
        (12.5, 90.0, -138.0, PER_4_KHZ),
        (18.0, 5.0, -115.0, PER_MHZ),
        (19.5, 40.0, -105.0, PER_MHZ),
    ],
)
def test_flux_density_limits_are_those_of_table_21_4(
    ghz: float, arrival_deg: float, limit_dbw: float, width_db: float
) -> None:
    assert flux_density_limit_dbw_per_m2_hz(arrival_deg, ghz * 1e9) + width_db == pytest.approx(limit_dbw)


@pytest.mark.parametrize(
    ("band_ghz", "arrival_deg", "satellites", "limit_dbw"),
    [
        ((10.9, 11.1), 3.0, 700, -126.0),
        ((10.9, 11.1), 15.0, 700, -121.0),
        ((10.9, 11.1), 60.0, 700, -116.0),
        ((12.0, 12.2), 25.0, 700, -114.0),
        ((11.6, 11.8), 25.0, 700, -116.0),  # across the border of two rows: the stricter
        ((18.0, 18.2), 5.0, 50, -115.0),
        ((18.0, 18.2), 5.0, 169, -120.0),
        ((18.0, 18.2), 5.0, 288, -125.0),
        ((18.0, 18.2), 15.0, 288, -115.0),
        ((18.0, 18.2), 5.0, 633, -130.0),
        ((18.0, 18.2), 25.0, 633, -105.0),
        ((19.4, 19.6), 5.0, 633, -115.0),
        ((19.2, 19.4), 5.0, 288, -125.0),
        ((38.0, 39.0), 15.0, 10, -112.5),
        ((41.0, 41.5), 15.0, 10, -110.0),
        ((42.1, 42.4), 5.0, 10, -120.0),
    ],
)
def test_satellites_that_pass_have_rows_of_their_own(
    band_ghz: tuple[float, float], arrival_deg: float, satellites: int, limit_dbw: float
) -> None:
    """In 1 MHz; Table 21-4, and X of No. 21.16.6."""
    low_hz, high_hz = (one * 1e9 for one in band_ghz)
    told = passing_flux_density_limit_dbw_per_m2_hz(arrival_deg, low_hz, high_hz, satellites)
    assert told + PER_MHZ == pytest.approx(limit_dbw)


def test_satellites_that_pass_have_no_limit_where_the_table_has_none() -> None:
    def told(arrival_deg: float, low_ghz: float, high_ghz: float) -> float:
        return float(passing_flux_density_limit_dbw_per_m2_hz(arrival_deg, low_ghz * 1e9, high_ghz * 1e9, 10))

    assert np.isnan([told(40, 3.6, 3.7), told(40, 19.8, 20.2), told(-1, 11, 11.1), told(40, 19.7, 19.9)]).all()
    assert np.isfinite([told(40, 19.6, 19.9), told(0, 11, 11.1), told(90, 11, 11.1)]).all()


@given(count=st.integers(1, 1000), more=st.integers(1, 1000))
def test_more_satellites_never_may_more_and_x_has_no_step(count: int, more: int) -> None:
    fewer_db, more_db = constellation_size_db(np.array([count, count + more]))
    assert 0 <= fewer_db <= more_db <= fewer_db + 5 * more / 119 + 1e-9
    assert np.isnan(constellation_size_db(0))


def test_where_a_text_sets_no_limit_there_is_none() -> None:
    assert np.isnan(off_axis_limit_dbw_per_hz(np.array([1.0, 2.4, 181.0]), 14.25e9)).all()
    assert np.isnan(off_axis_limit_dbw_per_hz(5.0, np.array([13.5e9, 20e9, -1.0, np.nan]))).all()
    assert np.isnan(flux_density_limit_dbw_per_m2_hz(np.array([-1.0, np.nan]), 11e9)).all()
    assert np.isnan(off_axis_excess_db(-40.0, 1.8, 0.65, 20e9))


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
    bound = breaches(**carrier(), agreed=agreed)
    assert [(one.gate, one.limit) for one in bound] == [
        (Gate.COORDINATED_UPLINK, -12.0),
        (Gate.COORDINATED_DOWNLINK, -26.0),
    ]
    assert all(one.source for one in (*loud, *bright, *bound))
