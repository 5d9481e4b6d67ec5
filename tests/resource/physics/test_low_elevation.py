"""Fading below 5 degrees against the ITU-R validation examples, and what must hold anywhere."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.low_elevation import (
    TRANSITION_DB,
    annual_decrease_db,
    bending_deg,
    deep_fade_db,
    geoclimatic_factor,
    low_elevation_fade_db,
    scintillation_slope_per_mrad,
    transition_elevation_mrad,
)
from satcom.resource.physics.scintillation import (
    scintillation_deviation_db,
    scintillation_fade_db,
    wet_refractivity,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
GRADIENT = "refractivity gradient as the sheet prints it: its map is missing"


def test_deep_fades_are_those_of_the_p618_examples(published: Published) -> None:
    latitude, longitude, gradient, _, freq, straight, percent, apparent, _, decrease, over, factor, fade = sheet_rows(
        "P.618_14_A_scint_Deep", range(13)
    ).T

    assert len(latitude) == 54
    lifted_deg = bending_deg(straight, altitude_km(latitude, longitude))
    sheet, decrease_db = "P.618_14_A_scint_Deep", annual_decrease_db(latitude)
    fade_db = deep_fade_db(freq * 1e9, apparent, percent, factor, latitude)
    published(sheet, "apparent elevation", straight + lifted_deg, apparent, abs=PRINTED_DIGITS, unit="deg")
    ours = geoclimatic_factor(gradient, latitude, over)
    published(sheet, "geoclimatic factor", ours, factor, rel=PRINTED_DIGITS, left=GRADIENT)
    published(sheet, "month to year", decrease_db, decrease, abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "fade", fade_db, fade, abs=PRINTED_DIGITS, unit="dB", left=GRADIENT)


def test_shallow_fades_are_those_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_A_Scint_Shallow", range(1, 25))
    latitude, longitude, gradient, _, freq, straight, percent, diameter, efficiency, _, _, over, from_mrad = rows[
        :, 1:14
    ].T
    upper_db, upper_slope, fade_db = rows[:, 15], rows[:, 16], rows[:, 24]
    factor = geoclimatic_factor(gradient, latitude, over)
    wet = wet_refractivity(latitude, longitude)
    antenna = (freq * 1e9, diameter, efficiency)
    scintillation_db = scintillation_fade_db(
        scintillation_deviation_db(freq * 1e9, 5, diameter, efficiency, wet), percent
    )

    assert len(rows) == 54
    sheet, from_ours = "P.618_14_A_Scint_Shallow", transition_elevation_mrad(freq * 1e9, percent, factor, latitude)
    slope = scintillation_db * scintillation_slope_per_mrad(*antenna)
    published(sheet, "transition elevation", from_ours, from_mrad, rel=1e-9, left=GRADIENT)
    published(sheet, "scintillation at 5 degrees", scintillation_db, upper_db, abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "its slope", slope, upper_slope, abs=PRINTED_DIGITS, unit="dB/mrad")
    lost_db = low_elevation_fade_db(
        latitude,
        altitude_km(latitude, longitude),
        freq * 1e9,
        straight,
        percent,
        diameter,
        efficiency,
        wet,
        gradient,
        over,
    )
    published(sheet, "fade", lost_db, fade_db, abs=PRINTED_DIGITS, unit="dB", left=GRADIENT)


HERE: dict[str, Any] = {"latitude_deg": 9.0, "altitude_km": 0.4, "antenna_diameter_m": 2.4, "antenna_efficiency": 0.65}
HERE |= {"wet_refractivity_n": 90.0, "gradient_percent": 20.0}


@given(freq_ghz=st.floats(1, 45), percent=st.floats(0.01, 20))
def test_the_lower_a_path_the_deeper_it_fades_without_a_step(freq_ghz: float, percent: float) -> None:
    elevation_deg = np.linspace(0, 4.999, 4000)
    fade_db = low_elevation_fade_db(freq_hz=freq_ghz * 1e9, elevation_deg=elevation_deg, percent=percent, **HERE)
    assert np.isfinite(fade_db).all()
    assert (np.diff(fade_db[fade_db > TRANSITION_DB]) < 0).all()
    assert np.abs(np.diff(fade_db)).max() < 0.1


def test_at_5_degrees_it_meets_the_scintillation_of_higher_paths() -> None:
    just_below = low_elevation_fade_db(freq_hz=14.25e9, elevation_deg=5 - 1e-9, percent=0.1, **HERE)
    deviation_db = scintillation_deviation_db(14.25e9, 5, 2.4, 0.65, 90.0)
    assert just_below == pytest.approx(scintillation_fade_db(deviation_db, 0.1), abs=1e-6)


def test_the_worst_month_fades_deeper_than_the_year() -> None:
    asked = HERE | {"freq_hz": 14.25e9, "elevation_deg": np.array([1, 2, 3, 4]), "percent": 0.1}
    assert (low_elevation_fade_db(**asked, worst_month=True) > low_elevation_fade_db(**asked)).all()


def test_outside_its_range_it_has_no_answer() -> None:
    known = HERE | {"freq_hz": 14e9, "elevation_deg": 3.0, "percent": 0.1}
    assert np.isfinite(low_elevation_fade_db.or_nan(**known))
    wrongs = {"freq_hz": 46e9, "elevation_deg": 5.0, "percent": 0.0, "altitude_km": -1.0, "antenna_efficiency": 1.1}
    for name, wrong in wrongs.items():
        assert np.isnan(low_elevation_fade_db.or_nan(**known | {name: wrong})), name
    assert np.isnan(low_elevation_fade_db.or_nan(**known | {"elevation_deg": -2.0}))
