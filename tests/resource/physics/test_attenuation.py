"""Total attenuation against the ITU-R validation examples, and what must hold anywhere."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.attenuation import (
    clear_sky_noise_temperature_k,
    mean_radiating_temperature_k,
    sky_noise_temperature_k,
    together,
    total_attenuation,
)
from satcom.resource.physics.cloud import cloud_attenuation_db, cloud_liquid_water_kg_per_m2
from satcom.resource.physics.gas import (
    annex2_coefficients,
    oxygen_zenith_attenuation_db,
    vapour_zenith_attenuation_db,
)
from satcom.resource.physics.rain import rain_attenuation_db, rain_height_km, rain_rate_exceeded_mm_per_h
from satcom.resource.physics.scintillation import (
    scintillation_deviation_db,
    scintillation_fade_db,
    wet_refractivity,
)
from satcom.resource.physics.surface_air import air_of_the_year
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

SHEET = "P.618_14_Att_Tot"
BY_MAP = "the map of the rain rate for the full method"
PARTS = ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db")


def test_total_attenuation_is_the_one_of_the_p618_examples(published: Published) -> None:
    """The rain rate by the full method, all else by the maps."""
    rows = sheet_rows(SHEET, range(17))
    lat, lon, station_km, freq_hz, elevation_deg = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 4] * 1e9, rows[:, 5]
    diameter_m, efficiency, tilt_deg, percent = rows[:, 6], rows[:, 7], rows[:, 8], rows[:, 9]
    rate_mm_per_h = rain_rate_exceeded_mm_per_h(lat, lon, 0.01)

    mean, exceeded = air_of_the_year(lat, lon, station_km, np.maximum(percent, 5))
    sine, (oxygen, vapour) = np.sin(np.radians(elevation_deg)), annex2_coefficients(freq_hz)
    oxygen_db = oxygen_zenith_attenuation_db(freq_hz, mean.air, exceeded.air, oxygen) / sine
    vapour_db = vapour_zenith_attenuation_db(mean.air, exceeded.vapour_content_kg_per_m2, vapour) / sine
    water = cloud_liquid_water_kg_per_m2(lat, lon, np.maximum(percent, 5))
    cloud_db = cloud_attenuation_db(freq_hz, elevation_deg, water)
    rain_db = rain_attenuation_db(
        lat, freq_hz, elevation_deg, percent, tilt_deg, station_km, rain_height_km(lat, lon), rate_mm_per_h
    )
    deviation_db = scintillation_deviation_db(
        freq_hz, elevation_deg, diameter_m, efficiency, wet_refractivity(lat, lon)
    )
    scintillation_db = scintillation_fade_db(deviation_db, percent)
    whole = together(oxygen_db + vapour_db, cloud_db, rain_db, scintillation_db)

    assert len(rows) == 48
    gases = np.stack((oxygen_db, vapour_db, whole.gas_db), axis=1)
    published(SHEET, "oxygen, vapour, gas", gases, rows[:, 10:13], abs=1e-9, unit="dB")
    found = np.stack((cloud_db, rain_db, scintillation_db), axis=1)
    published(SHEET, "cloud, rain, scintillation", found, rows[:, 13:16], abs=1e-6, unit="dB")
    published(SHEET, "total", whole.total_db, rows[:, 16], abs=1e-6, unit="dB")


def test_one_call_gives_the_p618_examples(published: Published) -> None:
    rows = sheet_rows(SHEET, range(17))
    asked = (rows[:, 0], rows[:, 1], rows[:, 4] * 1e9, rows[:, 5], rows[:, 9], rows[:, 8], rows[:, 6], rows[:, 7])

    found = total_attenuation(*asked)

    published(SHEET, "one call: gas", found.gas_db, rows[:, 12], abs=1e-9, unit="dB")
    published(SHEET, "one call: cloud", found.cloud_db, rows[:, 13], abs=1e-6, unit="dB")
    published(SHEET, "one call: rain", found.rain_db, rows[:, 14], rel=3e-4, left=BY_MAP)
    published(SHEET, "one call: scintillation", found.scintillation_db, rows[:, 15], abs=1e-6, unit="dB")
    published(SHEET, "one call: total", found.total_db, rows[:, 16], rel=3e-4, left=BY_MAP)


def test_the_distribution_at_geneva_is_the_one_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_Att_Tot", [0, 3, 5, 6, 8], range(68, 98))
    percent, scintillation_db, cloud_db, gas_db, total_db = rows[:, 0], rows[:, 3], rows[:, 5], rows[:, 6], rows[:, 8]
    rain_db = np.nan_to_num(rows[:, 4])

    found = total_attenuation(46.2208, 6.137, 19.5e9, 36.6141654045094, percent, 0.0, 1.2, 0.65, 0.412)

    assert len(rows) == 20
    whole = together(gas_db, cloud_db, rain_db, scintillation_db).total_db
    parts = np.stack((found.scintillation_db, found.cloud_db), axis=1)
    told = np.stack((scintillation_db, cloud_db), axis=1)
    published(SHEET, "Geneva: sum of the printed", whole, total_db, abs=1e-6, unit="dB")
    published(SHEET, "Geneva: scintillation, cloud", parts, told, abs=1e-6, unit="dB")
    published(SHEET, "Geneva: rain", found.rain_db, rain_db, rel=1e-3, left=BY_MAP)
    published(SHEET, "Geneva: gas", found.gas_db, gas_db, abs=1e-9, unit="dB")
    published(SHEET, "Geneva: total", found.total_db, total_db, rel=1e-3, left=BY_MAP)


def test_a_fleet_in_one_call_is_as_good_as_one_by_one() -> None:
    lat, lon = np.array([9.05, 51.5, -33.9]), np.array([38.7, -0.14, 18.4])
    freq_hz, percent = np.array([[14e9], [29e9]]), 0.1
    fleet = total_attenuation(lat, lon, freq_hz, 40.0, percent, 45.0, 1.2, 0.65)
    for row in range(2):
        for site in range(3):
            one = total_attenuation(lat[site], lon[site], freq_hz[row, 0], 40.0, percent, 45.0, 1.2, 0.65)
            for part in PARTS:
                assert getattr(fleet, part)[row, site] == pytest.approx(getattr(one, part), abs=1e-12)
    assert {getattr(fleet, part).shape for part in PARTS} == {(2, 3)}


def test_any_place_on_earth_has_an_attenuation_to_the_poles() -> None:
    lat, lon = np.meshgrid(np.linspace(-90, 90, 73), np.linspace(-180, 180, 49))
    everywhere = total_attenuation(lat, lon, 14e9, 40.0, 0.1, 45.0, 1.2, 0.65)
    assert all(np.isfinite(getattr(everywhere, part)).all() for part in PARTS)


def test_around_the_poles_there_is_a_number_and_at_a_pole_one() -> None:
    lat = np.array([90.0, 89.999, 89.5, 89.0, 88.875, 88.5, 87.751, 87.75, 87.0])
    lon = np.arange(-180.0, 181.0)
    for pole in (1, -1):
        around = total_attenuation(pole * lat[:, None], lon, 14e9, 40.0, 0.1, 45.0, 1.2, 0.65)
        assert all(np.isfinite(getattr(around, part)).all() for part in PARTS)
        assert np.ptp(around.total_db[0]) < 0.003  # the longitude of a pole says nothing
        assert np.abs(np.diff(around.gas_db, axis=1)).max() < 0.002  # a degree of longitude is 6 km at most


@pytest.mark.parametrize("meridian", [180.0, -180.0, 0.0, 360.0, 37.125, 358.875])
def test_no_meridian_is_a_seam(meridian: float) -> None:
    lat = np.linspace(-90, 90, 145)
    west, east = (
        total_attenuation(lat, meridian + off, 14e9, 40.0, 0.1, 45.0, 1.2, 0.65).total_db for off in (-1e-6, 1e-6)
    )
    assert west == pytest.approx(east, abs=1e-4)


@given(lat=st.floats(-65, 75), lon=st.floats(-180, 180), rare=st.floats(0.001, 50), factor=st.floats(1, 100))
def test_a_better_availability_never_needs_less_margin(lat: float, lon: float, rare: float, factor: float) -> None:
    percent = np.array([rare, min(rare * factor, 50.0)])
    better, worse = total_attenuation(lat, lon, 14e9, 30.0, percent, 45.0, 1.2, 0.65).total_db
    assert better >= worse - 1e-9


@pytest.mark.parametrize(
    ("lat", "freq_hz", "elevation_deg", "percent"),
    [(91, 14e9, 30, 0.1), (10, 0.9e9, 30, 0.1), (10, 55.1e9, 30, 0.1), (10, 14e9, 4.9, 0.1), (10, 14e9, 91, 0.1),
     (10, 14e9, 30, 0.0009), (10, 14e9, 30, 51), (10, float("nan"), 30, 0.1)],
)  # fmt: skip
def test_what_the_method_does_not_cover_has_no_total(
    lat: float, freq_hz: float, elevation_deg: float, percent: float
) -> None:
    assert np.isnan(total_attenuation.or_nan(lat, 20.0, freq_hz, elevation_deg, percent, 45.0, 1.2, 0.65).total_db)


@pytest.mark.parametrize("beyond", [0.0, -1.0, -14e9, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("argument", ["freq_hz", "elevation_deg", "unavailability_percent", "antenna_diameter_m",
                                      "antenna_efficiency"])  # fmt: skip
def test_what_cannot_be_has_no_number_and_no_warning(argument: str, beyond: float) -> None:
    asked = {
        "latitude_deg": 9.0, "longitude_deg": 38.0, "freq_hz": 14e9, "elevation_deg": 40.0,
        "unavailability_percent": 0.1, "polarization_tilt_deg": 45.0, "antenna_diameter_m": 1.2,
        "antenna_efficiency": 0.6,
    }  # fmt: skip
    with warnings.catch_warnings(action="error"):
        for value in (beyond, np.array([beyond, asked[argument]])):
            total_db = total_attenuation.or_nan(**{**asked, argument: value}).total_db
            assert np.isnan(total_db).tolist() == (True if np.ndim(value) == 0 else [True, False])


@given(
    latitude_deg=st.floats(-60, 60),
    longitude_deg=st.floats(-180, 180),
    freq_hz=st.floats(1e9, 50e9),
    elevation_deg=st.floats(5, 90),
)
def test_the_clear_sky_is_what_its_gas_radiates_and_no_warmer_higher_up(
    latitude_deg: float, longitude_deg: float, freq_hz: float, elevation_deg: float
) -> None:
    place = (latitude_deg, longitude_deg, freq_hz)
    sky_k = clear_sky_noise_temperature_k(*place, elevation_deg, 0.5)
    gas_db = total_attenuation(*place, elevation_deg, 5.0, 45.0, 5.0, 0.6, 0.5).gas_db
    assert sky_k == pytest.approx(sky_noise_temperature_k(gas_db))
    assert clear_sky_noise_temperature_k(*place, 90.0, 0.5) <= sky_k + 1e-9
    assert np.isnan(clear_sky_noise_temperature_k.or_nan(*place, 4.9, 0.5))


def test_the_sky_is_cold_when_clear_and_as_warm_as_the_air_when_opaque() -> None:
    assert sky_noise_temperature_k(0.0) == pytest.approx(2.7)
    assert sky_noise_temperature_k(60.0) == pytest.approx(275.0, abs=0.001)
    assert sky_noise_temperature_k(3.0103, mean_radiating_temperature_k(290.0)) == pytest.approx(137.47, abs=0.01)
    assert np.isnan(sky_noise_temperature_k.or_nan(-0.1))
