"""Rain against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.rain import (
    power_law_coefficients,
    rain_attenuation_db,
    rain_height_km,
    rain_path,
    rain_probability_percent,
    rain_rate_exceeded_mm_per_h,
    rain_rate_mm_per_h,
    rain_specific_attenuation_db_per_km,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9

latitudes = st.floats(-60, 70)
longitudes = st.floats(-180, 180)


def test_one_kilometre_of_rain_loses_what_the_p838_examples_say(published: Published) -> None:
    rows = sheet_rows("P.838_3_Sp.Att", range(14))
    elevation_deg, freq_hz, rate_mm_per_h, tilt_deg = rows[:, 3], rows[:, 4] * 1e9, rows[:, 5], rows[:, 6]

    k_h, alpha_h, k_v, alpha_v = power_law_coefficients(freq_hz)
    loss = rain_specific_attenuation_db_per_km(freq_hz, rate_mm_per_h, elevation_deg, tilt_deg)

    assert len(rows) == 64
    found = np.stack((k_h, k_v, alpha_h, alpha_v), axis=1)
    published("P.838_3_Sp.Att", "coefficients", found, rows[:, 7:11], abs=PRINTED_DIGITS)
    published("P.838_3_Sp.Att", "one kilometre of rain", loss, rows[:, 13], abs=PRINTED_DIGITS, unit="dB/km")


def test_rain_reaches_as_high_as_the_p839_examples_say(published: Published) -> None:
    rows = sheet_rows("P.839_4_Rain_Height", [0, 1, 3, 4])
    assert len(rows) == 8
    top_km = rain_height_km(rows[:, 0], rows[:, 1])
    published("P.839_4_Rain_Height", "rain height", top_km, rows[:, 4], abs=PRINTED_DIGITS, unit="km")


def test_it_rains_as_often_and_as_hard_as_the_p837_examples_say(published: Published) -> None:
    rows = sheet_rows("P.837_7_Rp", [0, 1, 2, 39])
    # Where nothing is exceeded the example leaves the rate empty or writes 0.
    wanted_mm_per_h = np.nan_to_num(rows[:, 40])

    rate_mm_per_h = rain_rate_exceeded_mm_per_h(rows[:, 0], rows[:, 1], rows[:, 2])

    assert len(rows) == 40
    sheet, percent = "P.837_7_Rp", rain_probability_percent(rows[:, 0], rows[:, 1])
    published(sheet, "probability of rain", percent, rows[:, 39], abs=PRINTED_DIGITS, unit="%")
    # The examples bisect the probability to 1e-3 %; the rate is then good to about 1e-5 of itself.
    left = "the sheet bisects to 0.001 % of the probability"
    published(sheet, "rate, full method", rate_mm_per_h, wanted_mm_per_h, rel=2e-5, abs=1e-6, unit="mm/h", left=left)


def test_the_rain_rate_of_the_map_is_the_one_of_the_p837_examples(published: Published) -> None:
    rows = sheet_rows("P.837_7_Rp", [0, 1, 2, 3], range(56, 65))
    assert len(rows) == 8
    rate = rain_rate_mm_per_h(rows[:, 0], rows[:, 1])
    published("P.837_7_Rp", "rate of the map, 0.01 %", rate, rows[:, 3], abs=PRINTED_DIGITS, unit="mm/h")


def test_rain_attenuation_is_the_one_of_the_p618_examples_step_by_step(published: Published) -> None:
    rows = sheet_rows("P.618_14_A_Rain", range(19))
    lat, freq_hz, elevation_deg, tilt_deg = rows[:, 0], rows[:, 4] * 1e9, rows[:, 5], rows[:, 6]
    station_km, percent, top_km, rate_mm_per_h = rows[:, 3], rows[:, 7], rows[:, 8], rows[:, 9]

    path = rain_path(lat, freq_hz, elevation_deg, tilt_deg, station_km, top_km, rate_mm_per_h)
    loss_db = rain_attenuation_db(lat, freq_hz, elevation_deg, percent, tilt_deg, station_km, top_km, rate_mm_per_h)

    assert len(rows) == 64
    published("P.618_14_A_Rain", "every step", np.stack(path, axis=1), rows[:, 10:17], abs=PRINTED_DIGITS)
    published("P.618_14_A_Rain", "attenuation", loss_db, rows[:, 18], abs=PRINTED_DIGITS, unit="dB")


def a_link(percent: float, freq_hz: float = 14e9, elevation_deg: float = 40.0, station_km: float = 0.1) -> float:
    """Rain attenuation of a link at 45 degrees north under moderate rain."""
    return float(rain_attenuation_db.or_nan(45.0, freq_hz, elevation_deg, percent, 45.0, station_km, 3.0, 35.0))


@given(often=st.floats(0.001, 5), factor=st.floats(1.001, 10))
def test_the_rarer_the_fade_the_deeper_it_is(often: float, factor: float) -> None:
    rare = max(often / factor, 0.001)
    assert a_link(rare) >= a_link(often)


@given(low_km=st.floats(-0.4, 2.9), climb_km=st.floats(0.01, 3))
def test_a_higher_station_never_sees_more_rain(low_km: float, climb_km: float) -> None:
    assert a_link(0.01, station_km=low_km + climb_km) <= a_link(0.01, station_km=low_km)


def test_above_the_rain_and_in_the_driest_desert_there_is_none() -> None:
    assert a_link(0.01, station_km=3.5) == 0.0
    assert rain_attenuation_db(23.0, 14e9, 40.0, 0.01, 45.0, 0.2, 4.5, 0.0) == 0.0


def test_straight_up_is_as_good_as_almost_straight_up() -> None:
    assert a_link(0.01, elevation_deg=90.0) == pytest.approx(a_link(0.01, elevation_deg=90 - 1e-9), rel=1e-5)


@pytest.mark.parametrize(
    ("percent", "freq_hz", "elevation_deg"),
    [(0.0009, 14e9, 40), (5.1, 14e9, 40), (0.1, 0.9e9, 40), (0.1, 56e9, 40), (0.1, 14e9, 0), (0.1, 14e9, 91)],
)
def test_what_the_method_does_not_cover_has_no_number(percent: float, freq_hz: float, elevation_deg: float) -> None:
    assert np.isnan(a_link(percent, freq_hz, elevation_deg))


@given(lat=latitudes, lon=longitudes)
def test_the_map_and_the_full_method_tell_the_same_rain_rate(lat: float, lon: float) -> None:
    of_map, full = rain_rate_mm_per_h(lat, lon), rain_rate_exceeded_mm_per_h(lat, lon, 0.01)
    assert of_map == pytest.approx(full, rel=0.05, abs=1.5)


def test_the_rain_rate_is_exceeded_for_no_longer_than_it_rains() -> None:
    rains_percent = rain_probability_percent(51.5, -0.14)
    assert rain_rate_exceeded_mm_per_h(51.5, -0.14, rains_percent * 1.001) == 0.0
    assert rain_rate_exceeded_mm_per_h(51.5, -0.14, rains_percent * 0.999) > 0.0
