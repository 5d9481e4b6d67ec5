"""Rain at two places or frequencies against the ITU-R validation examples, and what must hold anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from satcom.resource.physics.joint_rain import (
    LogNormal,
    attenuated_less_percent,
    both_exceeded,
    diversity_gain_db,
    exceeded_given_other,
    fitted,
    joint_exceedance_percent,
    level_given_other_db,
    path_rain_probability_percent,
)
from satcom.resource.physics.rain import rain_height_km
from tests.resource.physics.published import Published
from tests.resource.physics.validation_sheets import sheet_rows

PRINTED_DIGITS = 1e-9
QUADRATURE = 1e-9  # the sheet integrates numerically


@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(-0.99, 0.99))
def test_the_normal_integral_is_that_of_an_independent_quadrature(h: float, k: float, correlation: float) -> None:
    there = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([-h, -k])
    assert both_exceeded(h, k, correlation) == pytest.approx(there, abs=1e-7)


def test_the_probability_of_attenuation_is_the_one_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_PofA", range(12))
    height_km = rain_height_km(rows[:, 0], rows[:, 1])
    percent = path_rain_probability_percent(rows[:, 5], rows[:, 4], rows[:, 2], height_km)

    assert len(rows) == 64
    published("P.618_14_PofA", "probability of attenuation", percent, rows[:, 11], abs=QUADRATURE, unit="%")


@given(st.floats(0, 100), st.floats(5, 90), st.floats(0, 5))
def test_it_rains_on_a_path_at_least_as_often_as_at_its_foot(rains: float, elevation: float, height: float) -> None:
    on_path = path_rain_probability_percent(rains, elevation, 0, height)
    assert rains - 1e-6 <= on_path <= 100 + 1e-9 or height == 0


def test_frequency_scaling_is_the_one_of_the_p618_examples(published: Published) -> None:
    (place,) = sheet_rows("P.618_14_Freq_Scaling", range(6), range(12, 13))
    (told,) = sheet_rows("P.618_14_Freq_Scaling", [4, 5, 11, 12, 14, 15], range(16, 17))
    levels = sheet_rows("P.618_14_Freq_Scaling", [0, 1, 3, 7, 8, 10], range(18, 36))
    low, high = (fitted(levels[:, column], place[5], levels[:, 0]) for column in (1, 8))

    assert len(levels) == 12
    sheet, parameters = "P.618_14_Freq_Scaling", [low.mean, low.deviation, high.mean, high.deviation]
    published(sheet, "log-normal parameters", parameters, told[[4, 5, 11, 12]], abs=PRINTED_DIGITS)
    table = sheet_rows("P.618_14_Freq_Scaling", range(24, 45), range(18, 39))
    assert len(table) == 20
    seen_db, target_db = table[:, 24], np.arange(1, 21) / 2
    found = exceeded_given_other(target_db, seen_db[:, None], high, low, 30e9, 20e9)
    published(sheet, "exceeded, given the other", found, table[:, 25:45], abs=PRINTED_DIGITS)
    back = level_given_other_db(found[4, 6:14], 2.5, high, low, 30e9, 20e9)
    assert back == pytest.approx(target_db[6:14])
    inverse = sheet_rows("P.618_14_Freq_Scaling", range(24, 45), range(43, 62))
    level_db = level_given_other_db(inverse[:, 24, None], target_db, high, low, 30e9, 20e9)
    assert len(inverse) == 19
    published(sheet, "level, given the other", level_db, inverse[:, 25:45], abs=PRINTED_DIGITS, unit="dB")


def test_diversity_gain_is_the_one_of_the_p618_examples(published: Published) -> None:
    rows = sheet_rows("P.618_14_SD_Gain", range(12))
    gain_db = diversity_gain_db(rows[:, 1], rows[:, 0], rows[:, 2] * 1e9, rows[:, 3], rows[:, 4])

    assert len(rows) == 21
    published("P.618_14_SD_Gain", "diversity gain", gain_db, rows[:, 11], abs=PRINTED_DIGITS, unit="dB")


def test_joint_outage_of_two_sites_is_the_one_of_the_p618_examples(published: Published) -> None:
    sites = sheet_rows("P.618_14_SD_JP", [1, 2, 3, 4, 5], range(11, 16))
    levels = sheet_rows("P.618_14_SD_JP", [10, 11, 12, 13, 14, 15, 16, 18, 19], range(11, 23))
    rows = sheet_rows("P.618_14_SD_JP", range(1, 14), range(31, 43))
    assert (len(sites), len(levels), len(rows)) == (4, 12, 12)
    distance_km = sites[[0, 2], 7]
    # of each group of three rows: the columns of the attenuation at its two sites, who they are, how far apart
    groups = [(11, 14, 0, 1), (12, 15, 0, 1), (13, 16, 0, 1), (18, 19, 2, 3)]
    outage: list[float] = []
    parameters = []
    for one, other, first, second in groups:
        here = fitted(levels[:, one], sites[first, 4], levels[:, 10])
        there = fitted(levels[:, other], sites[second, 4], levels[:, 10])
        told = rows[len(outage) : len(outage) + 3]
        parameters.append([here.deviation, there.deviation, here.mean, there.mean])
        outage += list(joint_exceedance_percent(told[:, 1], told[:, 2], here, there, distance_km[first // 2]))
    published("P.618_14_SD_JP", "log-normal parameters", parameters, rows[::3, 7:11], abs=1e-9)
    published("P.618_14_SD_JP", "joint outage", outage, rows[:, 13], abs=QUADRATURE, unit="%")


def test_differential_attenuation_is_the_one_of_the_p1815_example(published: Published) -> None:
    sites = sheet_rows("P.1815_1_DIFF_ATT", range(1, 6), range(10, 12))
    levels = sheet_rows("P.1815_1_DIFF_ATT", [10, 11, 12], range(10, 22))
    (told,) = sheet_rows("P.1815_1_DIFF_ATT", range(19), range(30, 31))
    here, there = (fitted(levels[:, 11 + site], sites[site, 4], levels[:, 10]) for site in (0, 1))
    parameters = [here.deviation, there.deviation, here.mean, there.mean]
    published("P.1815_1_DIFF_ATT", "log-normal parameters", parameters, told[11:15], abs=1e-9)
    low_db, high_db, less_db, most_db = told[1:5]
    more = [joint_exceedance_percent(one, most_db, here, there, sites[0, 7]) for one in (low_db, high_db)]
    published("P.1815_1_DIFF_ATT", "both exceeded", more, told[15:17], abs=QUADRATURE, unit="%")
    found = attenuated_less_percent((low_db, high_db), (told[5], told[6]), less_db, here, there, sites[0, 7])
    # the sheet sums some 200 steps, each at its lower end; the sum goes to ours as the steps become small
    left = "the sheet sums 200 steps; ours is their limit"
    published("P.1815_1_DIFF_ATT", "one attenuated less", found, told[18], abs=1e-3, unit="%", left=left)


@given(st.floats(0, 60), st.floats(0, 20), st.floats(0, 90))
def test_a_second_site_never_makes_it_worse_nor_removes_the_rain(loss: float, apart: float, angle: float) -> None:
    gain = diversity_gain_db(loss, apart, 20e9, 40, angle)
    assert -0.5 <= gain <= loss


def test_outside_their_range_they_have_no_answer() -> None:
    asked = LogNormal(np.array(0.0), np.array(1.0), np.array(0.05))
    assert np.isnan(diversity_gain_db.or_nan(10, 21, 20e9, 40, 0))
    assert np.isnan(diversity_gain_db.or_nan(10, 10, 20e9, 40, 91))
    assert np.isnan(path_rain_probability_percent.or_nan(-1, 40, 0, 3))
    assert np.isnan(exceeded_given_other.or_nan(5, 5, asked, asked, 20e9, 30e9))
    assert np.isnan(fitted([3.0], 5.0, [0.1]).deviation)
