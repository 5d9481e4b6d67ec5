"""Gases along a path against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.atmosphere import reference_air
from satcom.resource.physics.gas import gas_specific_attenuation_db_per_km
from satcom.resource.physics.gas_path import path_between, path_to_space, refractive_index
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_the_reference_atmosphere_is_the_one_of_the_p676_example() -> None:
    rows = sheet_rows("P.676_13_A_Gas_A1_2.2.1a", range(4, 19))
    air = reference_air(rows[:, 9])
    vapour_hpa = air.vapour_g_per_m3 * air.temperature_k / 216.7
    oxygen, vapour = gas_specific_attenuation_db_per_km(28e9, air)

    assert len(rows) == 922
    assert air.pressure_hpa == pytest.approx(rows[:, 10], rel=1e-6)
    assert air.temperature_k == pytest.approx(rows[:, 11], rel=PRINTED_DIGITS)
    assert air.vapour_g_per_m3 == pytest.approx(rows[:, 12], rel=1e-6)
    assert vapour_hpa == pytest.approx(rows[:, 14], rel=1e-6)
    assert refractive_index(air) == pytest.approx(rows[:, 15], abs=1e-9)
    assert oxygen == pytest.approx(rows[:, 20], rel=1e-5)
    assert vapour == pytest.approx(rows[:, 21], rel=1e-5)


def test_a_path_to_space_is_the_one_of_the_p676_example() -> None:
    (told,) = sheet_rows("P.676_13_A_Gas_A1_2.2.1a", range(3))
    path = path_to_space(told[0] * 1e9, told[2])
    assert path.total_db == pytest.approx(told[25], abs=1e-6)
    assert path.bending_rad == pytest.approx(told[24], abs=1e-9)


@pytest.mark.parametrize("column", [0, 32])
def test_a_path_between_two_heights_is_the_one_of_the_p676_examples(column: int) -> None:
    (told,) = sheet_rows("P.676_13_A_Gas_A1_2.2.1b", range(column, column + 4))
    freq_ghz, lower_km, upper_km, elevation_deg = told[column : column + 4]
    path = path_between(freq_ghz * 1e9, elevation_deg, lower_km, upper_km)
    assert path.total_db == pytest.approx(told[column + 29], abs=1e-6)
    assert path.bending_rad == pytest.approx(told[column + 28], abs=1e-9)


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
            path_between(20e9, 30, lower, upper)
    assert np.isnan(path_to_space(20e9, -1).total_db)
    assert np.isnan(path_to_space(0.5e9, 30).total_db)
    assert np.isnan(reference_air([-0.1, 100.1]).pressure_hpa).all()
