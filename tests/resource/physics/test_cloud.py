"""Clouds against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.cloud import (
    cloud_attenuation_db,
    cloud_liquid_water_kg_per_m2,
    cloud_mass_absorption_db_per_kg_m2,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_cloud_attenuation_is_the_one_of_the_p840_examples(published: Published) -> None:
    rows = sheet_rows("P.840_9_A_Clouds", range(11))
    freq_hz, elevation_deg = rows[:, 3] * 1e9, rows[:, 4]

    water = cloud_liquid_water_kg_per_m2(rows[:, 0], rows[:, 1], rows[:, 2])

    assert len(rows) == 32
    sheet = "P.840_9_A_Clouds"
    absorbed = cloud_mass_absorption_db_per_kg_m2(freq_hz)
    published(sheet, "mass absorption", absorbed, rows[:, 8], abs=PRINTED_DIGITS, unit="dB/(kg/m2)")
    published(sheet, "liquid water", water, rows[:, 9], abs=PRINTED_DIGITS, unit="kg/m2")
    lost_db = cloud_attenuation_db(freq_hz, elevation_deg, water)
    published(sheet, "attenuation", lost_db, rows[:, 10], abs=PRINTED_DIGITS, unit="dB")


def test_the_water_in_the_clouds_is_the_one_of_the_p840_examples(published: Published) -> None:
    rows = sheet_rows("P840_9_L", [0, 1, 2, 4])
    water = cloud_liquid_water_kg_per_m2(rows[:, 0], rows[:, 1], rows[:, 2])
    assert len(rows) == 36
    published("P840_9_L", "liquid water", water, rows[:, 4], abs=PRINTED_DIGITS, unit="kg/m2")


@given(lat=st.floats(-90, 90), lon=st.floats(-360, 360), rare=st.floats(0.01, 100), factor=st.floats(1, 100))
def test_more_cloud_is_rarer_everywhere(lat: float, lon: float, rare: float, factor: float) -> None:
    often = min(rare * factor, 100.0)
    rare_water, often_water = cloud_liquid_water_kg_per_m2(lat, lon, np.array([rare, often]))
    assert rare_water >= often_water - 1e-12


def test_what_the_method_does_not_cover_has_no_number() -> None:
    assert np.isnan(cloud_liquid_water_kg_per_m2.or_nan(10.0, 10.0, [0.009, 101.0])).all()
    assert np.isnan(cloud_liquid_water_kg_per_m2.or_nan([91.0, 10.0], [10.0, np.inf], 1.0)).all()
    assert np.isnan(cloud_attenuation_db.or_nan([0.5e9, 201e9, 20e9, 20e9], [30, 30, 4.9, 91], 0.5)).all()
