"""The log-normal clouds against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.cloud import cloud_attenuation_db, cloud_liquid_water_kg_per_m2
from satcom.resource.physics.log_normal_cloud import (
    CLOUDLESS_PERCENT,
    LogNormalCloud,
    log_normal_cloud,
    log_normal_liquid_water_kg_per_m2,
)
from satcom.resource.physics.maps import digital_map
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
SHEET = "P.840_9_A_Clouds"


def test_log_normal_cloud_attenuation_is_the_one_of_the_p840_examples(published: Published) -> None:
    rows = sheet_rows(SHEET, range(12, 24))
    lat, lon, percent, freq_hz, elevation_deg = rows[:, 12], rows[:, 13], rows[:, 14], rows[:, 15] * 1e9, rows[:, 16]
    absorbed, printed, attenuation_db = rows[:, 17], LogNormalCloud(*rows[:, 18:21].T), rows[:, 23]

    water = log_normal_liquid_water_kg_per_m2(printed, percent)
    ours = log_normal_cloud(lat, lon)

    assert len(rows) == 32
    cloudy = printed.probability_percent > CLOUDLESS_PERCENT
    assert (~cloudy).sum() == 4
    assert (np.isnan(ours.log_mean) == ~cloudy).all()
    none = "4 rows with clouds for 0.008 % of the year: no mean, no deviation"
    parameters, told = np.array(ours[:2]).T[cloudy], rows[cloudy, 18:20]
    published(SHEET, "log-normal: mean, deviation", parameters, told, abs=PRINTED_DIGITS, left=none)
    often = ours.probability_percent
    published(SHEET, "log-normal: probability", often, rows[:, 20], abs=PRINTED_DIGITS, unit="%")
    there = percent < printed.probability_percent
    rarer = f"{(~there).sum()} rows of more often than there are clouds: no water"
    term, unit = rows[there, 21], "kg/m2"
    published(SHEET, "log-normal: liquid water", water[there], term, abs=PRINTED_DIGITS, unit=unit, left=rarer)
    assert (water[~there] == 0).all()
    zenith_db = water * absorbed
    published(SHEET, "log-normal: zenith, by the printed", zenith_db, rows[:, 22], abs=PRINTED_DIGITS, unit="dB")
    lost_db = cloud_attenuation_db(freq_hz, elevation_deg, water)
    published(SHEET, "log-normal: attenuation, by the printed", lost_db, attenuation_db, abs=PRINTED_DIGITS, unit="dB")
    ours_db = cloud_attenuation_db(freq_hz, elevation_deg, log_normal_liquid_water_kg_per_m2(ours, percent))
    published(SHEET, "log-normal: attenuation, by our maps", ours_db, attenuation_db, abs=PRINTED_DIGITS, unit="dB")


@given(lat=st.floats(-90, 90), lon=st.floats(-360, 360), rare=st.floats(0.01, 100), factor=st.floats(1, 100))
def test_any_place_has_its_clouds_and_more_of_them_are_rarer(
    lat: float, lon: float, rare: float, factor: float
) -> None:
    cloud = log_normal_cloud(lat, lon)
    often = min(rare * factor, 100.0)
    rare_water, often_water = log_normal_liquid_water_kg_per_m2(cloud, [rare, often])
    assert rare_water >= often_water >= 0
    assert (rare_water > 0) == (rare < cloud.probability_percent and cloud.probability_percent > CLOUDLESS_PERCENT)


def test_wherever_there_are_clouds_the_maps_have_their_mean_and_deviation() -> None:
    often, log_means, deviations = (
        digital_map(name).read(np.arange(721 * 1441))
        for name in ("cloud_probability", "cloud_log_mean", "cloud_log_deviation")
    )
    cloudy = often > CLOUDLESS_PERCENT
    log_means, deviations = log_means[cloudy], deviations[cloudy]
    assert (log_means < 0).all()
    assert (deviations >= 0).all()
    assert (deviations > 0).mean() > 0.9999


def test_the_three_numbers_stand_well_for_the_map_of_each_share() -> None:
    generator = np.random.default_rng(1)
    lat, lon = np.degrees(np.arcsin(generator.uniform(-0.94, 0.94, 2000))), generator.uniform(-180, 180, 2000)
    for percent in (0.1, 1.0, 10.0):
        smooth = log_normal_liquid_water_kg_per_m2(log_normal_cloud(lat, lon), percent)
        apart = smooth - cloud_liquid_water_kg_per_m2(lat, lon, percent)
        assert np.median(np.abs(apart)) < 0.04
        assert np.quantile(np.abs(apart), 0.95) < 0.16


def test_what_the_approximation_does_not_cover_has_no_number() -> None:
    cloud = log_normal_cloud.or_nan(10.0, 10.0)
    assert np.isnan(log_normal_liquid_water_kg_per_m2.or_nan(cloud, [0.009, 101.0, np.nan])).all()
    off = log_normal_cloud.or_nan([91.0, 10.0], [10.0, np.inf])
    assert np.isnan(np.array(off)).all()
    assert np.isnan(log_normal_liquid_water_kg_per_m2.or_nan(off, 1.0)).all()


@pytest.mark.parametrize("lat", [-90.0, -87.5])
def test_where_there_are_no_clouds_there_is_no_water(lat: float) -> None:
    cloud = log_normal_cloud(lat, 0.0)
    assert cloud.probability_percent <= CLOUDLESS_PERCENT
    assert log_normal_liquid_water_kg_per_m2(cloud, 0.015) == 0
