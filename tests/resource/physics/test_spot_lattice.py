"""A honeycomb of beams: neighbours never share a colour, and more colours never disturb more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.coverage import relative_gain_db
from satcom.resource.physics.satellite_view import SatelliteView
from satcom.resource.physics.spot_lattice import (
    co_channel,
    colour_bands,
    colour_of,
    hexagonal_lattice,
    peak_gain_dbi,
)

VIEW = SatelliteView(17.0)
NEIGHBOURS = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))


@given(q=st.integers(-50, 50), r=st.integers(-50, 50), colours=st.sampled_from([3, 4, 7]))
def test_beams_that_touch_have_different_colours(q: int, r: int, colours: int) -> None:
    cell = np.array(q), np.array(r)
    mine = colour_of(*cell, colours)
    around = {int(colour_of(cell[0] + dq, cell[1] + dr, colours)) for dq, dr in NEIGHBOURS}
    assert int(mine) not in around
    if colours == 7:
        assert len(around) == 6


def test_colours_are_used_evenly() -> None:
    q, r = np.mgrid[0:84, 0:84]
    for colours in (1, 3, 4, 7):
        counts = np.bincount(colour_of(q, r, colours).ravel(), minlength=colours)
        assert counts.min() == counts.max()


@pytest.mark.parametrize("rings", [0, 1, 2, 3])
def test_a_ring_adds_six_more_beams_than_the_one_before(rings: int) -> None:
    lattice = hexagonal_lattice(VIEW, 0.0, 20.0, 0.8, rings)
    assert len(lattice.colour) == 1 + 3 * rings * (rings + 1)
    assert (lattice.latitude_deg[0], lattice.longitude_deg[0]) == pytest.approx((0.0, 20.0), abs=1e-9)


def test_three_neighbours_meet_3_db_below_their_peaks() -> None:
    lattice = hexagonal_lattice(VIEW, 0.0, 17.0, 1.0, 1)
    corner = VIEW.place_deg(np.sqrt(3) / 4, 0.25)  # half a spacing East, and half of its height North
    level_db = relative_gain_db(lattice.beams(), np.array(corner[0]), np.array(corner[1]))[:, 0]
    assert np.sort(level_db)[-3:] == pytest.approx([-3.0, -3.0, -3.0], abs=0.05)


def test_more_colours_never_disturb_more() -> None:
    latitude, longitude = np.linspace(-8, 8, 9), np.linspace(12, 24, 9)
    ci_db = [
        co_channel(hexagonal_lattice(VIEW, 0.0, 18.0, 0.8, 4, colours), latitude, longitude, -20.0).ci_db
        for colours in (1, 3, 4, 7)
    ]
    assert (np.diff(np.median(ci_db, axis=1)) > 0).all()
    assert ci_db[0].max() < 15  # every neighbour disturbs


def test_in_the_middle_of_a_beam_four_colours_leave_what_six_beams_two_spacings_away_leave() -> None:
    lattice = hexagonal_lattice(VIEW, 0.0, 17.0, 0.8, 2, 4)
    found = co_channel(lattice, np.array([0.0]), np.array([17.0]), -25.0)
    same = int((lattice.colour == lattice.colour[0]).sum()) - 1
    assert same == 6
    assert found.beam[0] == 0
    assert found.gain_dbi[0] == pytest.approx(peak_gain_dbi(0.8))
    assert found.ci_db[0] == pytest.approx(25 - 10 * np.log10(6), abs=0.05)  # all six see it in their near side lobes


def test_a_beam_alone_is_not_disturbed_and_below_the_horizon_there_is_no_beam() -> None:
    found = co_channel(hexagonal_lattice(VIEW, 0.0, 17.0, 0.8, 0), np.array([0.0, 0.0]), np.array([17.0, -170.0]))
    assert found.ci_db[0] == np.inf
    assert np.isnan(found.ci_db[1])
    assert found.beam.tolist() == [0, -1]


def test_beams_that_miss_the_earth_are_left_out() -> None:
    lattice = hexagonal_lattice(VIEW, 0.0, 90.0, 1.0, 3)
    assert 0 < len(lattice.colour) < 37
    assert np.isfinite(lattice.latitude_deg).all()


def test_a_band_is_shared_by_colours_without_gap_or_overlap() -> None:
    bands = colour_bands(4, 19.7e9, 20.2e9)
    assert [one.polarisation for one in bands] == [0, 1, 0, 1]
    assert bands[0].low_edge_hz == 19.7e9
    assert bands[0].high_edge_hz == bands[2].low_edge_hz == pytest.approx(19.95e9)
    assert bands[3].high_edge_hz == pytest.approx(20.2e9)
    assert [one.polarisation for one in colour_bands(3, 1e9, 2e9)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ((VIEW, 0.0, 17.0, 0.8, 1, 5), "colours"),
        ((VIEW, 0.0, 17.0, 0.0, 1, 4), "half_power_beamwidth_deg"),
        ((VIEW, 0.0, 17.0, float("nan"), 1, 4), "half_power_beamwidth_deg"),
        ((VIEW, 0.0, -170.0, 0.8, 1, 4), "centre"),
        ((VIEW, 0.0, 17.0, 0.8, -1, 4), "rings"),
        ((VIEW, 0.0, 17.0, 0.8, 1, 4, 0.0), "spacing"),
    ],
)
def test_a_lattice_that_cannot_be_is_refused_by_name(given_: tuple[SatelliteView, ...], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}:"):
        hexagonal_lattice(*given_)  # type: ignore[arg-type]  # each row is an argument list


def test_a_band_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^band:"):
        colour_bands(4, 20e9, 19e9)
