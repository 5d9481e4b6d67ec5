"""What may arrive on the ground, row by row as the texts print it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.power_flux_density import (
    TABLE,
    Service,
    constellation_size_db,
    flux_density_limit_dbw_per_m2_hz,
    hemisphere_size_db,
    passing_flux_density_limit_dbw_per_m2_hz,
)

PER_4_KHZ, PER_MHZ = 10 * np.log10(4e3), 60.0


@pytest.mark.parametrize(
    ("ghz", "arrival_deg", "limit_dbw", "width_db"),
    [
        (2.6, 5.0, -136.0, PER_MHZ),
        (3.8, 3.0, -152.0, PER_4_KHZ),
        (3.8, 15.0, -147.0, PER_4_KHZ),
        (5.2, 3.0, -164.0, PER_4_KHZ),
        (5.2, 90.0, -164.0, PER_4_KHZ),
        (6.75, 25.0, -127.0, PER_MHZ),
        (7.0, 15.0, -129.0, PER_MHZ),  # stricter than -149 in 4 kHz
        (11.0, 25.0, -140.0, PER_4_KHZ),
        (12.5, 90.0, -138.0, PER_4_KHZ),
        (13.5, 12.5, -154.0, PER_4_KHZ),
        (13.5, 50.0, -149.0, PER_4_KHZ),
        (13.5, 82.0, -150.0, PER_4_KHZ),
        (13.5, 90.0, -151.0, PER_4_KHZ),
        (18.0, 5.0, -115.0, PER_MHZ),
        (19.5, 40.0, -105.0, PER_MHZ),
        (21.7, 15.0, -110.0, PER_MHZ),
        (38.0, 3.0, -127.0, PER_MHZ),
        (38.0, 20.0, -107.0, PER_MHZ),
        (38.0, 12.5, -117.0, PER_MHZ),
        (40.2, 15.0, -110.0, PER_MHZ),
        (41.0, 5.0, -120.0, PER_MHZ),
        (41.0, 10.0, -115.0, PER_MHZ),
        (41.0, 20.0, -107.5, PER_MHZ),
        (42.3, 20.0, -107.0, PER_MHZ),
    ],
)
def test_flux_density_limits_are_those_of_table_21_4(
    ghz: float, arrival_deg: float, limit_dbw: float, width_db: float
) -> None:
    assert flux_density_limit_dbw_per_m2_hz(arrival_deg, ghz * 1e9) + width_db == pytest.approx(limit_dbw)


@pytest.mark.parametrize(
    ("low_ghz", "high_ghz", "flat_4_khz", "flat_1_mhz"),
    [(3.65, 4.2, -152.0, None), (10.95, 11.2, -150.0, -126.0), (11.45, 11.7, -150.0, -126.0)],
)
@pytest.mark.parametrize("arrival_deg", [0.0, 5.0, 11.0, 25.0, 90.0])
def test_the_limits_are_those_that_the_united_states_print(
    low_ghz: float, high_ghz: float, flat_4_khz: float, flat_1_mhz: float | None, arrival_deg: float
) -> None:
    """47 CFR 25.208 (a) and (b): (d - 5) / 2 more between 5 and 25 degrees, of both widths the lower."""
    more_db = min(max(arrival_deg - 5, 0), 20) / 2
    printed = [flat_4_khz + more_db - PER_4_KHZ]
    if flat_1_mhz is not None:
        printed.append(flat_1_mhz + more_db - PER_MHZ)
    middle_hz = (low_ghz + high_ghz) / 2 * 1e9
    ours = flux_density_limit_dbw_per_m2_hz(arrival_deg, middle_hz)
    assert float(ours) == pytest.approx(min(printed), abs=0.03)


@pytest.mark.parametrize(
    ("band_ghz", "arrival_deg", "satellites", "limit_dbw"),
    [
        ((3.5, 3.6), 3.0, 2, -138.0),
        ((3.5, 3.6), 3.0, 100, -148.0),
        ((3.5, 3.6), 15.0, 100, -137.0),
        ((3.5, 3.6), 30.0, 100, -126.0),
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
    """In 1 MHz; Table 21-4, X of No. 21.16.6 and Y of No. 21.16.17."""
    low_hz, high_hz = (one * 1e9 for one in band_ghz)
    told = passing_flux_density_limit_dbw_per_m2_hz(arrival_deg, low_hz, high_hz, satellites)
    assert told + PER_MHZ == pytest.approx(limit_dbw)


def test_satellites_that_pass_have_no_limit_where_the_table_has_none() -> None:
    def told(arrival_deg: float, low_ghz: float, high_ghz: float) -> float:
        return float(passing_flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, low_ghz * 1e9, high_ghz * 1e9, 10))

    assert np.isnan([told(40, 4.2, 4.3), told(40, 19.8, 20.2), told(-1, 11, 11.1), told(40, 19.7, 19.9)]).all()
    assert np.isfinite([told(40, 19.6, 19.9), told(0, 11, 11.1), told(90, 11, 11.1)]).all()
    assert np.isnan(flux_density_limit_dbw_per_m2_hz.or_nan(np.array([-1.0, 91.0, np.nan]), 11e9)).all()


@pytest.mark.parametrize(("ghz", "bound"), [(12.3, {3}), (12.6, {1, 3}), (13.5, {1}), (11.9, set()), (11.2, {1, 2, 3})])
def test_a_region_is_held_to_its_own_rows_and_who_does_not_know_it_to_all(ghz: float, bound: set[int]) -> None:
    told = flux_density_limit_dbw_per_m2_hz(30.0, ghz * 1e9, np.array([1, 2, 3, 0]))
    assert {region for region, one in zip((1, 2, 3), told, strict=False) if np.isfinite(one)} == bound
    assert np.isfinite(told[3]) == bool(bound)


def test_science_has_rows_that_do_not_bind_who_serves_customers() -> None:
    assert np.isnan(flux_density_limit_dbw_per_m2_hz(5.0, 8.2e9))
    science = flux_density_limit_dbw_per_m2_hz(5.0, np.array([8.2e9, 26e9, 37.2e9]), service=Service.SCIENCE)
    assert science == pytest.approx([-150 - PER_4_KHZ, -175, -185])


@given(
    row=st.sampled_from(TABLE),
    place=st.floats(0.01, 0.99),
    low_deg=st.floats(0, 80),
    more_deg=st.floats(0, 10),
    satellites=st.integers(1, 2000),
)
@settings(max_examples=60)
def test_no_limit_falls_from_the_horizon_up_to_80_degrees(
    row: object, place: float, low_deg: float, more_deg: float, satellites: int
) -> None:
    one = next(each for each in TABLE if each is row)
    freq_hz = (one.low_ghz + place * (one.high_ghz - one.low_ghz)) * 1e9
    angles = np.minimum(np.array([low_deg, low_deg + more_deg]), 80)
    for lower, higher in (
        flux_density_limit_dbw_per_m2_hz(angles, freq_hz, service=one.service),
        passing_flux_density_limit_dbw_per_m2_hz(angles, freq_hz, freq_hz, satellites, service=one.service),
    ):
        assert np.isnan([lower, higher]).all() or lower <= higher + 1e-9


@given(count=st.integers(1, 1000), more=st.integers(1, 1000))
def test_more_satellites_never_may_more_and_sizes_have_no_step(count: int, more: int) -> None:
    fewer_db, more_db = constellation_size_db.or_nan(np.array([count, count + more]))
    assert 0 <= fewer_db <= more_db <= fewer_db + 5 * more / 119 + 1e-9
    assert np.diff(hemisphere_size_db.or_nan(np.array([count, count + more]))) >= 0
    assert np.isnan([constellation_size_db.or_nan(0), hemisphere_size_db.or_nan(0)]).all()
