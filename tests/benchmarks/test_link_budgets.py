"""What is measured of link budgets: every site answered in both directions, and answers that are alike."""

import numpy as np
import pytest
from benchmarks import link_budgets

from satcom.resource.physics.attenuation import sky_noise_temperature_k


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
    loss_db = link_budgets.own_attenuation_db(sites) + 0.3
    sky_k = sky_noise_temperature_k(loss_db)
    own = np.array([link_budgets.down_link_db(sites, loss_db, sky_k), loss_db, sky_k])
    table = link_budgets.compared(sites, given_db + 0.001, own)
    assert [row[2] for row in table.rows[:2]] == pytest.approx([0.001, 0.0], abs=1e-9)
    with pytest.raises(ValueError, match=r"differ by up to 0.100 dB: attenuation given"):
        link_budgets.compared(sites, given_db + np.where(np.arange(20) == 7, 0.1, 0.0), own)
    with pytest.raises(ValueError, match=r"differ by up to 0.200 dB: attenuation and sky that it computes"):
        link_budgets.compared(sites, given_db, own + np.array([[0.2], [0.0], [0.0]]))


def test_a_quantity_that_another_package_has_otherwise_is_refused() -> None:
    mine = link_budgets.of_one_down_link()
    told = {"another": [("C/N0", mine["C/N0"] + 0.001), ("free-space loss", mine["free-space loss"])]}
    assert len(link_budgets.compared_with_others(told).rows) == 2
    told["another"].append(("noise density", -200.0))
    with pytest.raises(ValueError, match=r"noise density is -200.0 by another"):
        link_budgets.compared_with_others(told)
