"""The worst place of a beam: nowhere in the beam is less left of the limit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.resource.physics.beam_footprint import footprint, passing_footprint, worst_place
from satcom.resource.physics.coverage import Contour, ContourBeam, SpotBeam, relative_gain_db
from satcom.resource.physics.link_budget import spreading_loss_db_m2
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.power_flux_density import (
    flux_density_excess_db,
    flux_density_limit_dbw_per_m2_hz,
    passing_flux_density_limit_dbw_per_m2_hz,
)

EUROPE = SpotBeam(50.0, 10.0, 3.0, 10.0)


def at_every_place(beam: SpotBeam, freq_hz: float, step_deg: float = 0.5) -> float:
    """Most EIRP density at the peak, by the look angles of a grid over the Earth."""
    latitude, longitude = (
        one.ravel() for one in np.meshgrid(np.arange(-84, 84, step_deg), np.arange(-80, 100, step_deg))
    )
    gain_db = relative_gain_db.or_nan([beam], latitude, longitude)[0]
    lit = np.isfinite(gain_db)
    seen = slot_angles.or_nan(beam.satellite_longitude_deg, latitude[lit], longitude[lit], 0.0)
    over = flux_density_excess_db(gain_db[lit], seen.range_km[0], seen.elevation_deg[0], freq_hz)
    return -float(np.nanmax(over))


@given(
    latitude_deg=st.floats(-60, 60),
    longitude_deg=st.floats(-30, 50),
    width_deg=st.floats(1, 8),
    ghz=st.sampled_from([3.8, 11.2, 18.5, 38.5]),
)
@settings(max_examples=15, deadline=None)
def test_no_place_of_the_earth_has_less_left_than_the_worst_place(
    latitude_deg: float, longitude_deg: float, width_deg: float, ghz: float
) -> None:
    beam = SpotBeam(latitude_deg, longitude_deg, width_deg, 10.0)
    worst = worst_place(footprint(beam, 10.0), ghz * 1e9)
    assert worst is not None
    assert worst.eirp_density_limit_dbw_per_hz == pytest.approx(at_every_place(beam, ghz * 1e9, 1.0), abs=0.25)


def test_the_worst_place_is_where_the_published_equations_say_what_it_is() -> None:
    worst = worst_place(footprint(EUROPE, 10.0), 11.2e9)
    assert worst is not None
    seen = slot_angles(10.0, worst.latitude_deg, worst.longitude_deg, 0.0)
    assert (worst.range_km, worst.arrival_deg) == pytest.approx((seen.range_km[0, 0], seen.elevation_deg[0, 0]))
    assert -worst.below_peak_db == pytest.approx(
        relative_gain_db([EUROPE], np.array(worst.latitude_deg), np.array(worst.longitude_deg))[0, 0]
    )
    arrives = worst.flux_density_dbw_per_m2_hz(-10.0)
    assert arrives == pytest.approx(-10 - worst.below_peak_db - spreading_loss_db_m2(worst.range_km))
    assert worst.limit_dbw_per_m2_hz == pytest.approx(flux_density_limit_dbw_per_m2_hz(worst.arrival_deg, 11.2e9))


def test_the_edge_towards_the_pole_is_worse_than_the_peak_by_what_the_limit_falls() -> None:
    """At the peak 32.6 degrees: -140; the edge sees the satellite at 5 degrees: -150, 2.4 dB below the peak."""
    worst = worst_place(footprint(EUROPE, 10.0), 11.2e9)
    assert worst is not None
    peak = slot_angles(10.0, 50.0, 10.0, 0.0)
    at_peak = -float(flux_density_excess_db(0.0, peak.range_km[0, 0], peak.elevation_deg[0, 0], 11.2e9))
    assert worst.latitude_deg > 75
    assert worst.arrival_deg == pytest.approx(5.0, abs=0.3)
    assert at_peak - worst.eirp_density_limit_dbw_per_hz == pytest.approx(7.1, abs=0.2)


def test_a_beam_that_sees_no_horizon_is_worst_near_its_peak() -> None:
    """Above 25 degrees the limit does not change: the peak, or what lies nearer to the satellite, decides."""
    worst = worst_place(footprint(SpotBeam(5.0, 10.0, 1.0, 10.0), 10.0), 11.2e9)
    assert worst is not None
    assert worst.below_peak_db < 0.1
    assert worst.arrival_deg > 80


def test_where_no_limit_is_set_no_place_is_the_worst() -> None:
    assert worst_place(footprint(EUROPE, 10.0), 20.0e9) is None


def test_between_two_contours_the_inner_level_counts_and_outside_nothing() -> None:
    def square(half: float) -> tuple[tuple[tuple[float, float], ...], ...]:
        corners = ((10 - half, 55 - half), (10 + half, 55 - half), (10 + half, 55 + half), (10 - half, 55 + half))
        return ((*corners, corners[0]),)

    beam = ContourBeam(54.0, (Contour(50.0, (square(15.0),)), Contour(53.0, (square(5.0),))))
    lit = footprint(beam, 10.0)
    assert set(np.round(lit.below_peak_db, 9)) == {0.0, 1.0}
    inner = (abs(lit.latitude_deg - 55) <= 5) & (abs(lit.longitude_deg - 10) <= 5)
    assert (lit.below_peak_db[inner] == 0).all()
    assert (abs(lit.latitude_deg - 55) <= 15.001).all()
    worst = worst_place(lit, 11.2e9)
    assert worst is not None
    assert worst.latitude_deg == pytest.approx(70.0)  # the northern edge arrives lowest


def test_a_beam_at_the_edge_of_the_earth_keeps_to_the_earth() -> None:
    lit = footprint(SpotBeam(70.0, 10.0, 4.0, 10.0), 10.0)
    assert lit.arrival_deg.min() == pytest.approx(0.0, abs=1.0)
    assert (lit.arrival_deg >= 0).all()


def test_a_beam_that_follows_a_site_is_worst_away_from_the_satellite() -> None:
    """At 20 degrees the far side sees it lower; above 25 the limit is flat, and nearer is worse."""
    told = passing_footprint(np.array([2000.0, 1300.0]), np.array([20.0, 60.0]), 400.0, -3.0, (11.0e9, 11.2e9), 600)
    assert told.away_km[0] >= 200
    assert told.arrival_deg[0] < 20
    assert told.away_km[1] <= 0
    assert told.arrival_deg[1] > 60


@given(range_km=st.floats(600, 2500), elevation_deg=st.floats(10, 89), diameter_km=st.floats(10, 600))
@settings(max_examples=40)
def test_the_site_itself_is_never_worse_than_the_worst_place(
    range_km: float, elevation_deg: float, diameter_km: float
) -> None:
    band_hz = (18.0e9, 18.2e9)
    told = passing_footprint(range_km, elevation_deg, diameter_km, -3.0, band_hz, 600)
    at_site = -spreading_loss_db_m2(range_km) - passing_flux_density_limit_dbw_per_m2_hz(elevation_deg, *band_hz, 600)
    assert told.at_one_dbw_per_m2_hz - told.limit_dbw_per_m2_hz >= at_site - 1e-6
    assert abs(told.away_km) <= diameter_km


def test_a_passing_satellite_whose_band_has_no_limit_has_no_worst_place() -> None:
    told = passing_footprint(np.array([1000.0, 2000.0]), np.array([80.0, 20.0]), 100.0, -3.0, (20.0e9, 20.2e9), 600)
    assert np.isnan(told.limit_dbw_per_m2_hz).all()
    assert np.isnan(told.away_km).all()
