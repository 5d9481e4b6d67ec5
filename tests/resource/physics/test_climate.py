"""Altitude, temperature and water vapour against the ITU-R validation examples."""

import numpy as np
import pytest

from satcom.resource.physics.climate import (
    altitude_km,
    mean_air,
    mean_temperature_k,
    monthly_temperature_k,
    vapour_content_kg_per_m2,
    vapour_density_g_per_m3,
)
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9


def test_the_ground_is_as_high_as_the_p1511_examples_say() -> None:
    rows = sheet_rows("P.1511_TOPO", [0, 1, 2])
    assert len(rows) == 15
    assert altitude_km(rows[:, 0], rows[:, 1]) * 1000 == pytest.approx(rows[:, 2], abs=1e-8)


def test_the_ground_is_as_warm_as_the_p1510_examples_say() -> None:
    rows = sheet_rows("P.1510_Surf_temp", range(15))
    lat, lon = rows[:, 0], rows[:, 1]
    assert len(rows) == 15
    assert mean_temperature_k(lat, lon) == pytest.approx(rows[:, 2], abs=PRINTED_DIGITS)
    assert monthly_temperature_k(lat, lon) == pytest.approx(rows[:, 3:15], abs=PRINTED_DIGITS)


def test_the_air_is_as_humid_as_the_p836_examples_say() -> None:
    rows = sheet_rows("P.836_6_WV", [0, 1, 2, 4, 6], range(13, 46))
    density = vapour_density_g_per_m3(rows[:, 0], rows[:, 1], rows[:, 2] / 1000, rows[:, 4])
    assert len(rows) == 32
    assert density == pytest.approx(rows[:, 6], abs=PRINTED_DIGITS)


def test_the_column_holds_as_much_vapour_as_the_p836_examples_say() -> None:
    rows = sheet_rows("P.836_6_WV", [0, 1, 2, 4, 6], range(86, 119))
    content = vapour_content_kg_per_m2(rows[:, 0], rows[:, 1], rows[:, 2] / 1000, rows[:, 4])
    assert len(rows) == 32
    assert content == pytest.approx(rows[:, 6], abs=PRINTED_DIGITS)


def test_the_mean_air_stands_in_well_for_p2145() -> None:
    """The P.2145 examples: density within 0.8 g/m3 (10 %), temperature within 2.2 K, pressure within 1.4 %."""
    rows = sheet_rows("P.2145_CLIMATIC_MAPS_GAS_ATT", range(8), range(8, 89))
    rows = rows[np.abs(rows[:, 0]) < 85]
    air = mean_air(rows[:, 0], rows[:, 1], rows[:, 2])
    assert len(rows) > 50
    assert air.vapour_g_per_m3 == pytest.approx(rows[:, 4], abs=0.8, rel=0.1)
    assert air.temperature_k == pytest.approx(rows[:, 6], abs=2.2)
    assert air.pressure_hpa == pytest.approx(rows[:, 5], rel=0.014)


def test_off_the_globe_and_beyond_the_year_there_is_no_air() -> None:
    assert np.isnan(altitude_km([91.0, np.nan], 0.0)).all()
    assert np.isnan(vapour_density_g_per_m3(10.0, 10.0, 0.0, [0.09, 99.1])).all()
    assert np.isnan(mean_air(-90.5, 0.0, 0.0).vapour_g_per_m3)
