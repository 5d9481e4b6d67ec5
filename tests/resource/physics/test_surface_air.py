"""Air at the ground over the year against the P.2145-0 examples, and what of the P.676-13 examples rests on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.climate import altitude_km
from satcom.resource.physics.gas import gas_attenuation_db
from satcom.resource.physics.surface_air import TROPOPAUSE_KM, SurfaceAir, air_of_the_year
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_numbers, sheet_rows

Array = NDArray[np.float64]

SHEET = "P.2145_CLIMATIC_MAPS_GAS_ATT"
RARE = "2 rows at 0.01 %: maps are shipped from 0.1 % on"


def in_the_order_of_the_sheet(found: SurfaceAir) -> list[Array]:
    air = found.air
    return [air.vapour_g_per_m3, air.pressure_hpa, air.temperature_k, found.vapour_content_kg_per_m2]


def test_the_air_of_the_year_is_the_one_of_the_p2145_examples(published: Published) -> None:
    rows = sheet_rows(SHEET, range(12), range(8, 89))
    rare = rows[:, 3] < 0.1
    mean, exceeded = air_of_the_year(rows[:, 0], rows[:, 1], rows[:, 2], np.maximum(rows[:, 3], 0.1))

    assert (len(rows), rare.sum()) == (79, 2)
    quantities = [("vapour density", "g/m3"), ("pressure", "hPa"), ("temperature", "K"), ("vapour content", "kg/m2")]
    told = rows[:, 4:12].T
    for (name, unit), found, wanted in zip(quantities, in_the_order_of_the_sheet(mean), told[:4], strict=True):
        published(SHEET, f"mean {name}", found, wanted, abs=1e-9, unit=unit)
    for (name, unit), found, wanted in zip(quantities, in_the_order_of_the_sheet(exceeded), told[4:], strict=True):
        published(SHEET, f"{name} exceeded", found[~rare], wanted[~rare], abs=1e-9, unit=unit, left=RARE)


def test_gas_attenuation_is_the_one_of_the_p676_examples_by_our_maps(published: Published) -> None:
    """The annual rows from their place, height, frequency, elevation and share of the year alone."""
    rows = np.array(sheet_numbers("P.676_13_A_Gas_A2_STAT")[11:88])
    rows = rows[rows[:, 11] >= 0.1]
    mean, exceeded = air_of_the_year(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 11])

    loss_db = gas_attenuation_db(
        rows[:, 4] * 1e9, rows[:, 6], mean.air, exceeded.air, exceeded.vapour_content_kg_per_m2
    )

    assert len(rows) >= 70
    sheet, left = "P.676_13_A_Gas_A2_STAT", "monthly rows: there is no such method; 2 rows at 0.01 %"
    published(sheet, "slant, our maps", loss_db, rows[:, 39], abs=1e-9, unit="dB", left=left)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), rare=st.floats(0.1, 50), factor=st.floats(1, 500))
def test_what_is_exceeded_less_often_is_more(lat: float, lon: float, rare: float, factor: float) -> None:
    percent = np.array([rare, min(rare * factor, 50.0)])
    for quantity in in_the_order_of_the_sheet(air_of_the_year(lat, lon, altitude_km(lat, lon), percent).exceeded):
        assert quantity[0] >= quantity[1] - 1e-9


@pytest.mark.parametrize("above_km", [-0.5, 0.0, 11.0, 30.0, 100.0])
def test_a_station_at_any_height_anywhere_has_air_that_can_be(above_km: float) -> None:
    lat, lon = np.meshgrid(np.linspace(-90, 90, 91), np.linspace(-180, 180, 91))
    for at in air_of_the_year(lat, lon, altitude_km(lat, lon) + above_km, 5.0):
        assert (at.air.temperature_k > 130).all()
        vapour_hpa = at.air.vapour_g_per_m3 * at.air.temperature_k / 216.7
        assert (at.air.pressure_hpa > vapour_hpa).all()
        assert (at.vapour_content_kg_per_m2 > 0).all()


def test_it_gets_no_colder_above_the_tropopause() -> None:
    low, high = air_of_the_year(0.0, -30.0, np.array([TROPOPAUSE_KM + 0.1, 50.0]), 5.0).mean.air.temperature_k
    assert low == high < air_of_the_year(0.0, -30.0, 10.0, 5.0).mean.air.temperature_k


def test_a_fleet_in_one_call_is_as_good_as_one_by_one() -> None:
    lat, lon, percent = np.array([9.05, 51.5, -33.9]), np.array([38.7, -0.14, 18.4]), np.array([[0.25], [5.0]])
    fleet = air_of_the_year(lat, lon, 0.2, percent)
    for row in range(2):
        for site in range(3):
            one = air_of_the_year(lat[site], lon[site], 0.2, percent[row, 0])
            for all_of_them, alone in zip(fleet, one, strict=True):
                pairs = zip(in_the_order_of_the_sheet(all_of_them), in_the_order_of_the_sheet(alone), strict=True)
                assert all(array[row, site] == pytest.approx(value, rel=1e-12) for array, value in pairs)


def test_a_share_is_answered_alike_whatever_is_asked_with_it() -> None:
    """Alone it needs the maps from 5 % on, together with a rarer one all of them."""
    alone, among = (air_of_the_year(9.05, 38.7, 2.5, percent).exceeded for percent in ([7.0, 50.0], [7.0, 50.0, 0.2]))
    pairs = zip(in_the_order_of_the_sheet(alone), in_the_order_of_the_sheet(among), strict=True)
    assert all(one == pytest.approx(more[:2], rel=1e-12) for one, more in pairs)


def test_off_the_globe_and_beyond_the_maps_there_is_no_air() -> None:
    for off_the_globe in air_of_the_year.or_nan([90.5, np.nan], 0.0, 0.0, 1.0):
        assert all(np.isnan(quantity).all() for quantity in in_the_order_of_the_sheet(off_the_globe))
    mean, exceeded = air_of_the_year.or_nan(10.0, 10.0, 0.0, [0.09, 50.1])
    assert all(np.isnan(quantity).all() for quantity in in_the_order_of_the_sheet(exceeded))
    assert all(np.isfinite(quantity).all() for quantity in in_the_order_of_the_sheet(mean))
