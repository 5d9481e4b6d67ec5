"""The worst month: the published short form, its ends, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.worst_month import worst_month_factor, worst_month_percent, year_percent

SHARES = np.logspace(-4, 2, 601)


def test_in_the_middle_it_is_the_short_form_that_p841_prints() -> None:
    month = np.logspace(-3, np.log10(7), 50)  # printed for 1.9e-4 to 7.8 % of the worst month
    assert year_percent(month) == pytest.approx(0.30 * month**1.15, rel=0.02)


def test_a_month_is_at_worst_as_bad_as_a_year_that_is_bad_in_one_month_only() -> None:
    assert worst_month_factor(1e-6) == 12
    assert worst_month_percent(100) == pytest.approx(100)
    assert worst_month_percent(29, q1=5) == 100
    factor = worst_month_factor(SHARES)
    assert (np.diff(factor) <= 1e-12).all()
    assert factor.min() == pytest.approx(1)


@given(share=st.floats(1e-6, 100), q1=st.floats(1.5, 3.3), beta=st.floats(0.05, 0.3))
def test_there_and_back_is_where_it_began(share: float, q1: float, beta: float) -> None:
    assert year_percent(worst_month_percent(share, q1, beta), q1, beta) == pytest.approx(share, rel=1e-9)


def test_what_is_no_share_has_no_answer() -> None:
    for wrong in (0, -1, 100.1, np.nan):
        assert np.isnan(worst_month_percent.or_nan(wrong))
        assert np.isnan(year_percent.or_nan(wrong))
