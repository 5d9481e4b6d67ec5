"""What is measured of attenuation: points that all differ, and answers that are alike."""

import numpy as np
import pytest
from benchmarks import total_attenuation


def test_every_point_differs_from_every_other_and_has_an_answer() -> None:
    asked = total_attenuation.points(500)
    assert all(len(np.unique(row)) == 500 for row in asked)
    assert np.isfinite(total_attenuation.ours(asked).total_db).mean() > 0.98


def test_the_peer_is_asked_for_pairs_of_frequency_and_share() -> None:
    asked = total_attenuation.peers_points(500)
    pairs = {(freq_ghz, percent) for freq_ghz, percent in asked[[2, 4]].T}
    assert pairs == set(total_attenuation.PEERS_PAIRS)


def test_answers_that_differ_are_not_timed() -> None:
    rain_db = np.linspace(1, 20, 50)
    assert "100% answered by both" in total_attenuation.compared(rain_db, rain_db * 1.001)
    with pytest.raises(ValueError, match="the answers differ"):
        total_attenuation.compared(rain_db, rain_db * 1.1)
