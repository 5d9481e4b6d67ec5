"""Gases against the ITU-R validation examples, and the coefficient files against the printed coefficients."""

import numpy as np
import pytest
from numpy.typing import NDArray

from satcom.resource.physics.gas import (
    Air,
    annex2_coefficients,
    gas_attenuation_db,
    gas_specific_attenuation_db_per_km,
    instantaneous_gas_attenuation_db,
    oxygen_specific_attenuation_db_per_km,
    oxygen_zenith_attenuation_db,
    vapour_equivalent_height_km,
    vapour_specific_attenuation_db_per_km,
    vapour_zenith_attenuation_db,
)
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_numbers, sheet_rows

PRINTED_DIGITS = 1e-9
HUMIDITY = "from relative humidity: there is no such method"

Array = NDArray[np.float64]
Coefficients = tuple[Array, Array, Array, Array]


def four(columns: Array) -> Coefficients:
    """Coefficients a, b, c, d from four columns."""
    return columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3]


def statistical_examples() -> Array:
    """All rows of the statistical sheet, annual and monthly; the monthly ones without their extra column."""
    lines = sheet_numbers("P.676_13_A_Gas_A2_STAT")
    title_of_monthly = 88
    monthly = [line[:5] + line[6:] + [float("nan")] for line in lines[title_of_monthly:]]
    rows = np.array(lines[:title_of_monthly] + monthly)
    numeric: Array = rows[np.isfinite(rows[:, [0, 4, 15, 20, 39]]).all(axis=1)]
    return numeric


def test_one_kilometre_of_air_loses_what_the_p676_examples_say(published: Published) -> None:
    rows = sheet_rows("P.676_13_SpAtt", range(4))
    vapour_hpa = 9.97288878634056
    air = Air(np.array(1013.25 + vapour_hpa), np.array(288.15), np.array(7.5))

    oxygen, vapour = gas_specific_attenuation_db_per_km(rows[:, 0] * 1e9, air)

    assert len(rows) == 350
    published("P.676_13_SpAtt", "oxygen", oxygen, rows[:, 1], abs=PRINTED_DIGITS, unit="dB/km")
    published("P.676_13_SpAtt", "water vapour", vapour, rows[:, 2], abs=PRINTED_DIGITS, unit="dB/km")


def test_gas_attenuation_is_the_one_of_the_statistical_p676_examples(published: Published) -> None:
    """Monthly rows too: the surface values of P.2145 as the sheet prints them, coefficients as it prints them."""
    rows = statistical_examples()
    freq_hz, sine = rows[:, 4] * 1e9, np.sin(np.radians(rows[:, 6]))
    mean, exceeded = Air(rows[:, 5], rows[:, 8], rows[:, 7]), Air(rows[:, 12], rows[:, 13], rows[:, 14])

    oxygen_db = oxygen_zenith_attenuation_db(freq_hz, mean, exceeded, four(rows[:, 16:20]))
    vapour_db = vapour_zenith_attenuation_db(mean, rows[:, 29], four(rows[:, 31:35]))

    assert len(rows) == 154
    sheet, given = "P.676_13_A_Gas_A2_STAT", "surface values of P.2145 and coefficients as the sheet prints them"
    near_db = oxygen_specific_attenuation_db_per_km(freq_hz, mean)
    published(sheet, "oxygen, one kilometre", near_db, rows[:, 15], abs=PRINTED_DIGITS, unit="dB/km")
    published(sheet, "oxygen, zenith", oxygen_db, rows[:, 21], abs=PRINTED_DIGITS, unit="dB", left=given)
    published(sheet, "vapour, zenith", vapour_db, rows[:, 36], abs=PRINTED_DIGITS, unit="dB", left=given)
    published(sheet, "slant", (oxygen_db + vapour_db) / sine, rows[:, 39], abs=PRINTED_DIGITS, unit="dB", left=given)


def test_our_coefficients_are_those_that_the_p676_examples_print(published: Published) -> None:
    """Annual and monthly rows, inside the oxygen lines too; between two rows of the files they are linear."""
    rows = statistical_examples()
    mean, exceeded = Air(rows[:, 5], rows[:, 8], rows[:, 7]), Air(rows[:, 12], rows[:, 13], rows[:, 14])

    oxygen, vapour = annex2_coefficients(rows[:, 4] * 1e9)
    loss_db = gas_attenuation_db(rows[:, 4] * 1e9, rows[:, 6], mean, exceeded, rows[:, 29])

    sheet = "P.676_13_A_Gas_A2_STAT"
    found, told = np.stack((*oxygen, *vapour), axis=1), rows[:, [16, 17, 18, 19, 31, 32, 33, 34]]
    published(sheet, "coefficients", found, told, rel=PRINTED_DIGITS)
    published(sheet, "slant, our coefficients", loss_db, rows[:, 39], abs=PRINTED_DIGITS, unit="dB")


def test_gas_attenuation_is_the_one_of_the_instantaneous_p676_examples(published: Published) -> None:
    """The vapour pressure as the sheet prints it, coefficients as it prints them and then our own."""
    rows = sheet_rows("P.676_13_A_Gas_A2_INST", [*range(16), *range(17, 29), 30])
    freq_hz, elevation_deg = rows[:, 3] * 1e9, rows[:, 7]
    now, also_now = Air(rows[:, 0], rows[:, 2], rows[:, 6]), Air(rows[:, 17], rows[:, 19], rows[:, 23])

    oxygen, vapour = (
        gas_specific_attenuation_db_per_km(freq_hz, now)[0],
        vapour_specific_attenuation_db_per_km(rows[:, 20] * 1e9, also_now),
    )
    oxygen_db = oxygen_zenith_attenuation_db(freq_hz, now, now, four(rows[:, 9:13]))
    height_km = vapour_equivalent_height_km(rows[:, 20] * 1e9)
    slant_db = instantaneous_gas_attenuation_db(freq_hz, elevation_deg, now)

    assert len(rows) == 10
    sheet = "P.676_13_A_Gas_A2_INST"
    near = np.stack((oxygen, vapour), axis=1)
    published(sheet, "one kilometre", near, rows[:, [8, 25]], abs=PRINTED_DIGITS, unit="dB/km")
    pressure_hpa = rows[:, [6, 23]] * rows[:, [2, 19]] / 216.7
    published(sheet, "vapour pressure", pressure_hpa, rows[:, [4, 21]], abs=PRINTED_DIGITS, unit="hPa", left=HUMIDITY)
    oxygen_of_both = np.stack((oxygen_db, oxygen_db / np.sin(np.radians(elevation_deg))), axis=1)
    published(sheet, "oxygen, zenith and slant", oxygen_of_both, rows[:, 14:16], abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "vapour, equivalent height", height_km, rows[:, 26], abs=PRINTED_DIGITS, unit="km")
    vapour_db = vapour * height_km
    vapour_of_both = np.stack((vapour_db, vapour_db / np.sin(np.radians(rows[:, 24]))), axis=1)
    published(sheet, "vapour, zenith and slant", vapour_of_both, rows[:, 27:29], abs=PRINTED_DIGITS, unit="dB")
    both_db = oxygen_of_both[:, 1] + vapour_of_both[:, 1]
    published(sheet, "both, slant", both_db, rows[:, 30], abs=PRINTED_DIGITS, unit="dB")
    published(sheet, "both, our coefficients", slant_db, rows[:, 30], abs=PRINTED_DIGITS, unit="dB")


def test_vapour_is_the_one_of_the_weibull_p676_examples(published: Published) -> None:
    rows = sheet_rows("P.676_13_A_Gas_A2_Weib", [*range(4), *range(5, 17)])
    mean = Air(rows[:, 6], rows[:, 7], rows[:, 8])
    content_kg_per_m2 = rows[:, 9] * (-np.log(rows[:, 3] / 100)) ** (1 / rows[:, 10])

    printed_db = vapour_zenith_attenuation_db(mean, content_kg_per_m2, four(rows[:, 11:15]))
    ours_db = vapour_zenith_attenuation_db(mean, content_kg_per_m2, annex2_coefficients(rows[:, 5] * 1e9).vapour)

    assert len(rows) >= 12
    sheet, given = "P.676_13_A_Gas_A2_Weib", "the Weibull parameters as the sheet prints them"
    published(sheet, "vapour, zenith", printed_db, rows[:, 16], abs=PRINTED_DIGITS, unit="dB", left=given)
    published(sheet, "our coefficients", ours_db, rows[:, 16], abs=PRINTED_DIGITS, unit="dB", left=given)


def test_what_the_method_does_not_cover_has_no_number() -> None:
    air = Air(np.array(1013.0), np.array(288.0), np.array(7.5))
    assert np.isnan(gas_attenuation_db.or_nan([0.9e9, 350.1e9, np.nan], 45.0, air, air, 20.0)).all()
    assert np.isnan(gas_attenuation_db.or_nan(20e9, [4.9, 90.1, np.nan], air, air, 20.0)).all()
    assert np.isnan(instantaneous_gas_attenuation_db.or_nan([0.9e9, 350.1e9, np.nan], 45.0, air)).all()
    assert np.isnan(instantaneous_gas_attenuation_db.or_nan(20e9, [4.9, 90.1, np.nan], air)).all()
    assert np.isnan(vapour_equivalent_height_km.or_nan([-20e9, 0.9e9, 351e9])).all()


def test_frequencies_across_places_are_what_each_pair_gives_alone() -> None:
    places = np.linspace(0, 1, 700)  # more than are summed at once
    air = Air(1020 - 300 * places, 300 - 60 * places, 0.5 + 20 * places)
    freq_hz = np.array([11.7e9, 22e9, 60e9])
    together = gas_specific_attenuation_db_per_km(freq_hz[:, None], air)
    one_by_one = [gas_specific_attenuation_db_per_km(one, air) for one in freq_hz]
    for gas in (0, 1):
        assert together[gas] == pytest.approx(np.array([one[gas] for one in one_by_one]), rel=1e-12)
    last = Air(air.pressure_hpa[-1], air.temperature_k[-1], air.vapour_g_per_m3[-1])
    assert gas_specific_attenuation_db_per_km(60e9, last)[0] == pytest.approx(together[0][2, -1], rel=1e-12)
