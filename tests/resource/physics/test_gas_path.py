"""Gases along a path against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.atmosphere import reference_air
from satcom.resource.physics.gas import gas_specific_attenuation_db_per_km
from satcom.resource.physics.gas_path import path_between, path_to_space, refractive_index
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
SHEET_A, SHEET_B = "P.676_13_A_Gas_A1_2.2.1a", "P.676_13_A_Gas_A1_2.2.1b"


def test_the_reference_atmosphere_is_the_one_of_the_p676_example(published: Published) -> None:
    rows = sheet_rows("P.676_13_A_Gas_A1_2.2.1a", range(4, 19))
    air = reference_air(rows[:, 9])
    vapour_hpa = air.vapour_g_per_m3 * air.temperature_k / 216.7
    oxygen, vapour = gas_specific_attenuation_db_per_km(28e9, air)

    assert len(rows) == 922
    found = np.stack((air.pressure_hpa, air.vapour_g_per_m3, vapour_hpa), axis=1)
    published(SHEET_A, "layers: pressure, vapour", found, rows[:, [10, 12, 14]], rel=PRINTED_DIGITS)
    published(SHEET_A, "layers: temperature", air.temperature_k, rows[:, 11], rel=PRINTED_DIGITS)
    published(SHEET_A, "layers: refractive index", refractive_index(air), rows[:, 15], abs=1e-9)
    lost = np.stack((oxygen, vapour), axis=1)
    published(SHEET_A, "layers: oxygen, vapour", lost, rows[:, 20:22], rel=PRINTED_DIGITS)


def test_a_path_to_space_is_the_one_of_the_p676_example(published: Published) -> None:
    (told,) = sheet_rows("P.676_13_A_Gas_A1_2.2.1a", range(3))
    path = path_to_space(told[0] * 1e9, told[2])
    published(SHEET_A, "path to space", path.total_db, told[25], abs=PRINTED_DIGITS, unit="dB")
    published(SHEET_A, "bending", path.bending_rad, told[24], abs=1e-9, unit="rad")


@pytest.mark.parametrize("column", [0, 32])
def test_a_path_between_two_heights_is_the_one_of_the_p676_examples(published: Published, column: int) -> None:
    (told,) = sheet_rows("P.676_13_A_Gas_A1_2.2.1b", range(column, column + 4))
    freq_ghz, lower_km, upper_km, elevation_deg = told[column : column + 4]
    path = path_between(freq_ghz * 1e9, elevation_deg, lower_km, upper_km)
    between = f"{lower_km:g} to {upper_km:g} km"
    published(SHEET_B, f"path, {between}", path.total_db, told[column + 29], abs=PRINTED_DIGITS, unit="dB")
    published(SHEET_B, f"bending, {between}", path.bending_rad, told[column + 28], abs=1e-9, unit="rad")


@given(freq_ghz=st.floats(1, 1000), low_deg=st.floats(0, 89), more_deg=st.floats(0.5, 90))
def test_a_steeper_path_loses_less_and_bends_less(freq_ghz: float, low_deg: float, more_deg: float) -> None:
    path = path_to_space(freq_ghz * 1e9, np.array([low_deg, min(low_deg + more_deg, 90)]))
    assert path.total_db[1] < path.total_db[0]
    assert path.bending_rad[1] <= path.bending_rad[0]


@given(lower=st.floats(0, 40), middle=st.floats(1, 20), upper=st.floats(1, 30))
def test_a_path_straight_up_is_the_sum_of_its_parts(lower: float, middle: float, upper: float) -> None:
    between, top = lower + middle, lower + middle + upper
    whole = path_between(22e9, 90, lower, top).total_db
    assert path_between(22e9, 90, lower, between).total_db + path_between(22e9, 90, between, top).total_db == (
        pytest.approx(whole, rel=1e-3)
    )


def test_what_is_no_path_upwards_is_refused_and_what_has_no_answer_has_none() -> None:
    for lower, upper in ((5, 5), (8, 2), (-1, 3), (0, 101), (np.nan, 3)):
        with pytest.raises(ValueError, match="no path upwards"):
            path_between.or_nan(20e9, 30, lower, upper)
    assert np.isnan(path_to_space.or_nan(20e9, -1).total_db)
    assert np.isnan(path_to_space.or_nan(0.5e9, 30).total_db)
    assert np.isnan(reference_air.or_nan([-0.1, 100.1]).pressure_hpa).all()
