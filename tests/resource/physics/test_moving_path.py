"""Rain on paths to moving satellites against the ITU-R validation example, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from satcom.resource.physics.moving_path import (
    margin_at_db,
    orbit_average_percent,
    rain_exceedance_percent,
    slant_range_km,
)
from satcom.resource.physics.rain import rain_attenuation_db, rain_height_km, rain_rate_mm_per_h
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
BY_STEPS = 1e-4
STEPS = "the sheet inverts the attenuation by steps"


def test_the_average_over_an_orbit_is_the_one_of_the_p618_example(published: Published) -> None:
    (place,) = sheet_rows("P.618_14_A_Rain_non_GSO", range(8))
    rows = sheet_rows("P.618_14_A_Rain_non_GSO", range(9, 16))
    latitude, longitude, height_km, freq_ghz, tilt, altitude_km, zenith_db, _ = place[:8]
    elevation = rows[:, 11]
    margin_db = margin_at_db(zenith_db, altitude_km, elevation)
    rain = (height_km, rain_height_km(latitude, longitude), rain_rate_mm_per_h(latitude, longitude))
    percent = rain_exceedance_percent(margin_db, latitude, freq_ghz * 1e9, elevation, tilt, *rain)

    assert len(rows) == 85
    sheet, range_km = "P.618_14_A_Rain_non_GSO", slant_range_km(altitude_km, elevation)
    published(sheet, "slant range", range_km, rows[:, 12], abs=1e-8, unit="km")
    published(sheet, "margin", margin_db, rows[:, 13], abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "exceedance by elevation", percent, rows[:, 14], rel=BY_STEPS, left=STEPS)
    # the sheet counts the time below the limit, in which the link is not used, as time without rain
    time = np.append(rows[:, 9], 100 - rows[:, 9].sum())
    ours, theirs = (orbit_average_percent(time, np.append(one, 0)) for one in (percent, rows[:, 14]))
    published(sheet, "average over the orbit", ours, place[16], rel=BY_STEPS, left=STEPS)
    published(sheet, "average of the printed", theirs, place[16], abs=PRINTED_DIGITS, unit="%")


@given(
    percent=st.floats(0.002, 4.9), elevation=st.floats(5, 90), freq_ghz=st.floats(10, 50), latitude=st.floats(-60, 60)
)
def test_a_margin_is_exceeded_as_often_as_the_rain_takes_so_much(
    percent: float, elevation: float, freq_ghz: float, latitude: float
) -> None:
    way = (0.0, 4.0, 40.0)
    attenuation_db = rain_attenuation_db(latitude, freq_ghz * 1e9, elevation, percent, 45, *way)
    # where rain is heaviest, P.618's attenuation falls again towards the rarest rain: there is no inverse
    assume(rain_attenuation_db(latitude, freq_ghz * 1e9, elevation, 0.001, 45, *way) > attenuation_db)
    again = rain_exceedance_percent(attenuation_db, latitude, freq_ghz * 1e9, elevation, 45, *way)
    assert rain_attenuation_db(latitude, freq_ghz * 1e9, elevation, again, 45, *way) == pytest.approx(attenuation_db)


def test_where_it_never_rains_nothing_is_exceeded() -> None:
    assert rain_exceedance_percent.or_nan(1.0, 20, 20e9, 40, 0, 5.0, 4.0, 40.0) == 0
    assert np.isnan(rain_exceedance_percent.or_nan(1.0, 20, 60e9, 40, 0, 0.0, 4.0, 40.0))


def test_time_at_a_bad_elevation_counts_by_how_long_it_is() -> None:
    assert orbit_average_percent([3, 1], [0, 4]) == pytest.approx(1)
    assert orbit_average_percent([[1, 1], [0, 1]], [0, 4]) == pytest.approx([2, 4])
