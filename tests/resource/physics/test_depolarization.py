"""Depolarization against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.depolarization import (
    discrimination_db,
    discrimination_scaled_db,
    rain_discrimination_db,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_discrimination_is_the_one_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_XPD", range(18))
    percent, freq_hz, elevation_deg, tilt_deg, attenuation_db = rows[:, 4], rows[:, 5] * 1e9, *rows[:, 6:9].T
    asked = (freq_hz, elevation_deg, tilt_deg, percent, attenuation_db)

    assert len(rows) == 64
    of_rain, whole = rain_discrimination_db(*asked), discrimination_db(*asked)
    published("P.618_14_XPD", "of rain", of_rain, rows[:, 15], abs=PRINTED_DIGITS, unit="dB")
    published("P.618_14_XPD", "of rain and ice", whole, rows[:, 17], abs=PRINTED_DIGITS, unit="dB")


@given(percent=st.floats(0.001, 1), attenuation_db=st.floats(0.1, 60), more_db=st.floats(0.01, 20))
def test_heavier_rain_leaves_less_isolation(percent: float, attenuation_db: float, more_db: float) -> None:
    light, heavy = discrimination_db(20e9, 40, 45, percent, np.array([attenuation_db, attenuation_db + more_db]))
    assert heavy < light


def test_a_polarization_along_the_drops_is_isolated_best() -> None:
    by_tilt = discrimination_db(20e9, 40, np.arange(0, 91, 5), 0.1, 10)
    assert by_tilt.argmin() == len(by_tilt) // 2
    assert by_tilt[0] == pytest.approx(by_tilt[-1])


def test_a_scaled_discrimination_comes_back_unchanged() -> None:
    there = discrimination_scaled_db(30, 12e9, 0, 20e9, 45)
    assert there < 30
    assert discrimination_scaled_db(there, 20e9, 45, 12e9, 0) == pytest.approx(30)


def test_outside_its_range_it_has_no_answer() -> None:
    outside = [(5e9, 0.1, 3), (56e9, 0.1, 3), (20e9, 2, 3), (20e9, 0.0005, 3), (20e9, 0.1, 0), (np.nan, 0.1, 3)]
    for freq_hz, percent, attenuation_db in outside:
        assert np.isnan(discrimination_db.or_nan(freq_hz, 40, 0, percent, attenuation_db))
    assert np.isnan(discrimination_scaled_db.or_nan(30, 3e9, 0, 20e9, 0))
