"""How a year strays from the average, by P.678-3: the sum term by term, the risk both ways, and what must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.year_to_year import (
    climatic_ratio,
    correlated_minutes,
    risk,
    year_deviation_percent,
    yearly_percent_not_exceeded,
)

shares = st.floats(0.01, 2)  # percent
ratios = st.floats(0.05, 1)


@pytest.mark.parametrize("share", [1e-4, 1e-3, 1e-2, 2e-2])
def test_the_sum_of_the_correlation_is_that_of_every_minute_of_the_year(share: float) -> None:
    # P.678-3, annex 2: N = 525960, 60 s, a = 0.0265, b = -0.0396 ln p + 0.286
    minutes_s = 60.0 * np.abs(np.arange(-525_959, 525_960))
    every = np.exp(-0.0265 * minutes_s ** (-0.0396 * np.log(share) + 0.286)).sum()
    assert correlated_minutes(share) == pytest.approx(every, rel=1e-6)


def test_the_map_has_its_values_and_lies_the_right_way_up() -> None:
    # first rows of the published file: latitude 89.75 and 89.25 North, longitude 0.25 East
    assert climatic_ratio.or_nan([89.75, 90.0], 0.25) == pytest.approx([0.2738, 0.2738], abs=1e-9)
    assert climatic_ratio.or_nan(89.25, 0.25) == pytest.approx(0.2866, abs=1e-9)
    assert climatic_ratio.or_nan(89.25, 360.25) == pytest.approx(0.2866, abs=1e-9)
    cities = climatic_ratio.or_nan([48.8, 9.05, 51.5, 25.78], [2.3, 38.7, -0.14, -80.22])
    assert ((cities > 0) & (cities < 1)).all()  # as its readme says of land
    assert np.isnan(climatic_ratio.or_nan([91, np.nan], 0)).all()


@given(percent=shares, ratio=ratios)
def test_the_average_is_missed_in_every_other_year(percent: float, ratio: float) -> None:
    assert risk(percent, percent, ratio) == pytest.approx(0.5)  # annex 3 says so
    assert yearly_percent_not_exceeded(percent, ratio, 0.5) == pytest.approx(percent)


@given(percent=shares, ratio=ratios, confidence=st.floats(0.51, 0.999))
def test_the_risk_beyond_a_confident_share_is_what_the_confidence_leaves(
    percent: float, ratio: float, confidence: float
) -> None:
    yearly = yearly_percent_not_exceeded(percent, ratio, confidence)
    assert risk(yearly, percent, ratio) == pytest.approx(1 - confidence)


@given(percent=shares, ratio=ratios)
def test_a_year_strays_by_at_least_its_climate_and_rare_events_more_than_frequent_ones(
    percent: float, ratio: float
) -> None:
    relative = year_deviation_percent(np.array([percent, 2.0]), ratio) / np.array([percent, 2.0])
    assert relative[0] >= max(ratio, relative[1] * (1 - 1e-9))


def test_outside_its_range_it_has_no_answer() -> None:
    assert np.isnan(year_deviation_percent.or_nan([0.009, 2.1, np.nan], 0.2)).all()
    assert np.isnan(yearly_percent_not_exceeded.or_nan(0.1, 0.2, [0, 1, -1])).all()
