"""Altitude, temperature and water vapour against the ITU-R validation examples."""

import numpy as np

from satcom.resource.physics.climate import (
    altitude_km,
    mean_air,
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


def test_the_mean_air_stands_in_well_for_p2145(published: Published) -> None:
    """The P.2145 examples: density within 0.8 g/m3 (10 %), temperature within 2.2 K, pressure within 1.4 %."""
    rows = sheet_rows("P.2145_CLIMATIC_MAPS_GAS_ATT", range(8), range(8, 89))
    air = mean_air(rows[:, 0], rows[:, 1], rows[:, 2])
    assert len(rows) == 79
    sheet, left = "P.2145_CLIMATIC_MAPS_GAS_ATT", "the maps of P.2145-0 are missing"
    instead = f"{left}; P.836-6 instead", f"{left}; P.1510-1 instead", f"{left}; P.835 column instead"
    density, kelvins, pressure = air.vapour_g_per_m3, air.temperature_k, air.pressure_hpa
    published(sheet, "mean vapour density", density, rows[:, 4], abs=0.8, rel=0.1, unit="g/m3", left=instead[0])
    published(sheet, "mean temperature", kelvins, rows[:, 6], abs=2.2, unit="K", left=instead[1])
    published(sheet, "mean pressure", pressure, rows[:, 5], rel=0.014, left=instead[2])


def test_the_air_of_a_share_of_the_year_stands_in_well_for_p2145(published: Published) -> None:
    """Of P.2145's surface statistics the vapour follows the share; pressure and temperature stay the annual means."""
    rows = sheet_rows("P.2145_CLIMATIC_MAPS_GAS_ATT", range(12), range(8, 89))
    rows = rows[rows[:, 3] >= 0.1]
    lat, lon, height_km, percent = rows[:, :4].T
    air = mean_air(lat, lon, height_km)
    density = vapour_density_g_per_m3(lat, lon, height_km, percent)
    content = vapour_content_kg_per_m2(lat, lon, height_km, percent)
    assert len(rows) == 77
    sheet, left = "P.2145_CLIMATIC_MAPS_GAS_ATT", "P.836-6 instead of the maps of P.2145-0; 2 rows below 0.1 %"
    mean = "the annual mean instead: the maps of P.2145-0 are missing"
    published(sheet, "vapour density exceeded", density, rows[:, 8], abs=0.6, rel=0.09, unit="g/m3", left=left)
    published(sheet, "vapour content exceeded", content, rows[:, 11], abs=0.65, rel=0.075, unit="kg/m2", left=left)
    published(sheet, "pressure exceeded", air.pressure_hpa, rows[:, 9], rel=0.055, left=mean)
    published(sheet, "temperature exceeded", air.temperature_k, rows[:, 10], abs=28.0, unit="K", left=mean)


def test_off_the_globe_and_beyond_the_year_there_is_no_air() -> None:
    assert np.isnan(altitude_km.or_nan([91.0, np.nan], 0.0)).all()
    assert np.isnan(vapour_density_g_per_m3.or_nan(10.0, 10.0, 0.0, [0.09, 99.1])).all()
    assert np.isnan(mean_air.or_nan(-90.5, 0.0, 0.0).vapour_g_per_m3)
