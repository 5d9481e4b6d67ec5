"""Fade durations and slopes against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.fade_dynamics import (
    fade_durations,
    longer_fades,
    number_of_fades,
    slope_density,
    slope_deviation_db_per_s,
    slope_exceeded,
    time_in_longer_fades,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_durations_are_those_of_the_p1623_examples(published: Published) -> None:
    rows = sheet_rows("P.1623_1_Fade_Dur", range(1, 20))
    duration_s, threshold_db, elevation_deg, freq_ghz, _, faded_s = rows[:, 1:7].T
    fades = fade_durations(freq_ghz * 1e9, elevation_deg, threshold_db)

    assert len(rows) == 11
    told = rows[:, [7, 8, 9, 12, 13, 14]]
    number = number_of_fades(fades, faded_s)
    longer, time_in = longer_fades(fades, duration_s), time_in_longer_fades(fades, duration_s)
    found = np.stack((number, longer, time_in, longer * number, time_in * faded_s), axis=1)
    published("P.1623_1_Fade_Dur", "parameters", np.stack(fades, axis=1), told, rel=PRINTED_DIGITS)
    published("P.1623_1_Fade_Dur", "number, share and time of longer fades", found, rows[:, 15:20], rel=PRINTED_DIGITS)


def test_the_number_of_fades_by_duration_and_threshold_is_that_of_the_p1623_table(published: Published) -> None:
    thresholds = sheet_rows("P.1623_1_Fade_Dur", range(2, 7), range(28, 34))
    table = sheet_rows("P.1623_1_Fade_Dur", range(1, 8), range(36, 49))
    fades = fade_durations(14e9, 30, thresholds[:, 2])
    found = longer_fades(fades, table[:, 1, None]) * number_of_fades(fades, thresholds[:, 6])

    assert (len(thresholds), len(table)) == (6, 13)
    published("P.1623_1_Fade_Dur", "table by duration and threshold", found, table[:, 2:8], rel=PRINTED_DIGITS)


def test_slopes_are_those_of_the_p1623_examples(published: Published) -> None:
    """Its column of the density is not compared: it is not the derivative of its own distribution, ours is."""
    (told,) = sheet_rows("P.1623_1_Fade_Slope", range(6))
    rows = sheet_rows("P.1623_1_Fade_Slope", [3, 6, 7, 8])
    deviation = slope_deviation_db_per_s(told[0], told[1], told[2])

    assert len(rows) == 100
    sheet, left = "P.1623_1_Fade_Slope", "density: there not the derivative of its own distribution"
    exceeded, either = slope_exceeded(rows[:, 3], deviation), 2 * slope_exceeded(np.abs(rows[:, 3]), deviation)
    published(sheet, "deviation", deviation, told[5], rel=PRINTED_DIGITS)
    published(sheet, "share of the time, slope", exceeded, rows[:, 7], abs=PRINTED_DIGITS, left=left)
    published(sheet, "share of the time, absolute slope", either, rows[:, 8], abs=PRINTED_DIGITS)


@given(slope=st.floats(-2, 2), deviation=st.floats(0.01, 1))
def test_the_density_of_the_slope_is_what_its_distribution_loses(slope: float, deviation: float) -> None:
    step = 1e-5 * deviation
    lost = (slope_exceeded(slope - step, deviation) - slope_exceeded(slope + step, deviation)) / (2 * step)
    assert slope_density(slope, deviation) == pytest.approx(lost, rel=1e-5, abs=1e-8)


@given(
    freq_ghz=st.floats(10, 50),
    elevation=st.floats(5, 60),
    threshold=st.floats(0.5, 30),
    shorter=st.floats(1, 5000),
    longer=st.floats(0, 5000),
)
def test_fewer_fades_are_longer_and_no_more_than_all(
    freq_ghz: float, elevation: float, threshold: float, shorter: float, longer: float
) -> None:
    fades = fade_durations(freq_ghz * 1e9, elevation, threshold)
    for part in (longer_fades, time_in_longer_fades):
        less, more = part(fades, shorter + longer), part(fades, shorter)
        assert 0 <= less <= more * (1 + 1e-12) <= 1 + 1e-12


def test_outside_its_range_it_has_no_answer() -> None:
    for freq_hz, elevation, threshold in ((9e9, 30, 3), (51e9, 30, 3), (20e9, 4, 3), (20e9, 61, 3), (20e9, 30, 0)):
        assert np.isnan(longer_fades.or_nan(fade_durations.or_nan(freq_hz, elevation, threshold), 60))
    assert np.isnan(slope_deviation_db_per_s.or_nan(21, 0.02, 10))
    assert np.isnan(slope_deviation_db_per_s.or_nan(10, 0.02, 0.5))
