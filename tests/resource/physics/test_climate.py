"""Altitude, temperature and water vapour against the ITU-R validation examples."""

import numpy as np

from satcom.resource.physics.climate import (
    altitude_km,
    mean_temperature_k,
    monthly_temperature_k,
    vapour_content_kg_per_m2,
    vapour_density_g_per_m3,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
MONTHLY = "monthly rows: there is no monthly method"


def test_the_ground_is_as_high_as_the_p1511_examples_say(published: Published) -> None:
    rows = sheet_rows("P.1511_TOPO", [0, 1, 2])
    assert len(rows) == 15
    published("P.1511_TOPO", "altitude", altitude_km(rows[:, 0], rows[:, 1]) * 1000, rows[:, 2], abs=1e-8, unit="m")


def test_the_ground_is_as_warm_as_the_p1510_examples_say(published: Published) -> None:
    rows = sheet_rows("P.1510_Surf_temp", range(15))
    lat, lon = rows[:, 0], rows[:, 1]
    assert len(rows) == 15
    mean_k, monthly_k = mean_temperature_k(lat, lon), monthly_temperature_k(lat, lon)
    published("P.1510_Surf_temp", "mean temperature", mean_k, rows[:, 2], abs=PRINTED_DIGITS, unit="K")
    published("P.1510_Surf_temp", "of each month", monthly_k, rows[:, 3:15], abs=PRINTED_DIGITS, unit="K")


def test_the_air_is_as_humid_as_the_p836_examples_say(published: Published) -> None:
    rows = sheet_rows("P.836_6_WV", [0, 1, 2, 4, 6], range(13, 46))
    density = vapour_density_g_per_m3(rows[:, 0], rows[:, 1], rows[:, 2] / 1000, rows[:, 4])
    assert len(rows) == 32
    published("P.836_6_WV", "vapour density", density, rows[:, 6], abs=PRINTED_DIGITS, unit="g/m3", left=MONTHLY)


def test_the_column_holds_as_much_vapour_as_the_p836_examples_say(published: Published) -> None:
    rows = sheet_rows("P.836_6_WV", [0, 1, 2, 4, 6], range(86, 119))
    content = vapour_content_kg_per_m2(rows[:, 0], rows[:, 1], rows[:, 2] / 1000, rows[:, 4])
    assert len(rows) == 32
    published("P.836_6_WV", "vapour content", content, rows[:, 6], abs=PRINTED_DIGITS, unit="kg/m2", left=MONTHLY)


def test_off_the_globe_and_beyond_the_year_there_is_no_air() -> None:
    assert np.isnan(altitude_km.or_nan([91.0, np.nan], 0.0)).all()
    assert np.isnan(vapour_density_g_per_m3.or_nan(10.0, 10.0, 0.0, [0.09, 99.1])).all()
