"""Scintillation against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.scintillation import (
    scintillation_deviation_db,
    scintillation_fade_db,
    wet_refractivity,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_the_wet_term_is_the_one_of_the_p453_examples(published: Published) -> None:
    rows = sheet_rows("P.453_14_Nwet", [0, 1, 3])
    assert len(rows) == 8
    wet = wet_refractivity(rows[:, 0], rows[:, 1])
    published("P.453_14_Nwet", "wet term", wet, rows[:, 3], abs=PRINTED_DIGITS, unit="N-units")


def test_scintillation_is_the_one_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_A_Scint", range(16))
    wet = wet_refractivity(rows[:, 0], rows[:, 1])

    deviation_db = scintillation_deviation_db(rows[:, 4] * 1e9, rows[:, 5], rows[:, 6], rows[:, 7], wet)

    assert len(rows) == 48
    sheet, fade_db = "P.618_14_A_Scint", scintillation_fade_db(deviation_db, rows[:, 8])
    published(sheet, "wet term", wet, rows[:, 9], abs=PRINTED_DIGITS, unit="N-units")
    published(sheet, "deviation", deviation_db, rows[:, 14], abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "fade", fade_db, rows[:, 15], abs=PRINTED_DIGITS, unit="dB")


@given(
    small_m=st.floats(0.01, 10), growth_m=st.floats(0, 20), freq_ghz=st.floats(1, 55), elevation_deg=st.floats(5, 90)
)
def test_a_larger_antenna_scintillates_less(
    small_m: float, growth_m: float, freq_ghz: float, elevation_deg: float
) -> None:
    small_db, large_db = scintillation_deviation_db(
        freq_ghz * 1e9, elevation_deg, [small_m, small_m + growth_m], 0.6, 60.0
    )
    assert 0 <= large_db <= small_db + 1e-12


def test_what_the_method_does_not_cover_has_no_number() -> None:
    assert np.isnan(scintillation_deviation_db.or_nan([0.9e9, 56e9, 14e9, 14e9], [30, 30, 4.9, 91], 1.2, 0.6, 60)).all()
    assert np.isnan(
        scintillation_deviation_db.or_nan(14e9, 30.0, [-1.0, 0.0, 1.0, 1.0, 1.0], [0.6, 0.6, 0.0, -0.1, 1.1], 60.0)
    ).all()
    assert np.isnan(scintillation_fade_db.or_nan(0.1, [0.0009, 51.0])).all()
