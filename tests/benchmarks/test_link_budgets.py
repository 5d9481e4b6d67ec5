"""What is measured of link budgets: every site answered in both directions, and answers that are alike."""

import numpy as np
import pytest
from benchmarks import link_budgets


def test_every_site_has_a_budget_in_both_directions() -> None:
    sites = link_budgets.Sites.random(50)
    forward, back = link_budgets.both_ways(sites)
    assert forward.shape == back.shape == (50,)
    row, taken_s = link_budgets.measured(50, 1)
    assert row[1] == 50
    assert row[3] == 1.0  # share with an answer
    assert taken_s > 0


def test_answers_that_differ_are_not_timed() -> None:
    sites = link_budgets.Sites.random(20)
    given_db = link_budgets.down_link_db(sites, link_budgets.GIVEN_LOSS_DB, link_budgets.GIVEN_ANTENNA_K)
    own_db = link_budgets.own_down_link_db(sites)
    table = link_budgets.compared(sites, given_db + 0.001, own_db)
    assert table.rows[0][2] == pytest.approx(0.001, rel=0.01)
    with pytest.raises(ValueError, match=r"differ by up to 0.100 dB"):
        link_budgets.compared(sites, given_db + np.where(np.arange(20) == 7, 0.1, 0.0), own_db)
    with pytest.raises(ValueError, match=r"differ by 2.00 dB"):
        link_budgets.compared(sites, given_db, own_db + 2)


def test_a_quantity_that_another_package_has_otherwise_is_refused() -> None:
    mine = link_budgets.of_one_down_link()
    told = {"another": [("C/N0", mine["C/N0"] + 0.001), ("free-space loss", mine["free-space loss"])]}
    assert len(link_budgets.compared_with_others(told).rows) == 2
    told["another"].append(("noise density", -200.0))
    with pytest.raises(ValueError, match=r"noise density is -200.0 by another"):
        link_budgets.compared_with_others(told)
