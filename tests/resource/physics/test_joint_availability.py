"""Availability with rain on both links: limits, laws, and brute force over random years."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri

from satcom.resource.physics.joint_availability import PERCENT, Fades, Room, availability_percent, modcod_availability
from satcom.resource.physics.joint_rain import raining_at_both
from satcom.resource.physics.link_budget import Path, bent_pipe_budget
from satcom.resource.physics.modcod import dvb_table
from tests.resource.physics.test_link_budget_laws import KU_CARRIER, KU_LINK

DRY = Fades(np.zeros(len(PERCENT)), np.array(0.0))
LINK = replace(
    KU_LINK,
    transmit=replace(KU_LINK.transmit, uplink_power_control_db=0.0),
    up=Path(38_500.0, 0.2, 0.2, -2.0),
    down=Path(37_000.0, 0.15, 0.15, -1.5),
)
BAUD = 10e6 / 1.487473
ROOM = Room.of(LINK, 0.2, BAUD, 10**-0.9)
CLEAR_DB = float(ROOM.es_n0_db(0.0, 0.0))


def rainy(mean: float = 0.0, deviation: float = 1.3, rains: float = 8.0) -> Fades:
    """Log-normal while it rains: exactly what ln A over the normal quantile is drawn as."""
    return Fades(np.exp(mean - deviation * ndtri(PERCENT / rains)), np.array(rains))


@given(up_db=st.floats(0, 15), down_db=st.floats(0, 15))
def test_the_room_is_the_budget(up_db: float, down_db: float) -> None:
    def budget_db(up: float, down: float) -> tuple[float, float]:
        link = replace(
            LINK,
            up=replace(LINK.up, faded_attenuation_db=0.2 + up),
            down=replace(LINK.down, faded_attenuation_db=0.15 + down),
        )
        budget = bent_pipe_budget(link, KU_CARRIER, 12.5)
        return float(budget.es_n0_uplink_rain_db), float(budget.es_n0_downlink_rain_db)

    assert ROOM.es_n0_db(up_db, 0.0) == pytest.approx(budget_db(up_db, 0)[0])
    assert ROOM.es_n0_db(0.0, down_db) == pytest.approx(budget_db(0, down_db)[1])
    required_db = float(ROOM.es_n0_db(up_db, down_db))
    assert ROOM.downlink_fade_db(required_db, up_db) == pytest.approx(down_db, abs=1e-6)


def test_without_rain_a_link_that_closes_is_as_available_as_statistics_tell() -> None:
    assert availability_percent(ROOM, CLEAR_DB - 3, DRY, DRY) == pytest.approx(100 - 2 * 0.001, abs=1e-4)
    assert availability_percent(ROOM, CLEAR_DB + 0.1, DRY, DRY) == 0


@pytest.mark.parametrize("spare_db", [2.0, 4.0, 7.0])
def test_rain_on_one_link_only_is_that_links_own_distribution(spare_db: float) -> None:
    up = rainy()
    expected = up.exceeded_percent(np.array([spare_db]))[0]
    found = availability_percent(ROOM, CLEAR_DB - spare_db, up, DRY)
    assert 100 - found == pytest.approx(expected, abs=0.0015)  # beside it the 0.001 % of the other


@pytest.mark.parametrize("distance_km", [0.0, 15.0, 120.0, np.inf])
def test_the_integral_agrees_with_random_years(distance_km: float) -> None:
    up, down, required_db = rainy(0.3, 1.2), rainy(0.1, 1.4, 7.0), CLEAR_DB - 3.0
    found = availability_percent(ROOM, required_db, up, down, distance_km)
    random, draws = np.random.default_rng(3), 2_000_000
    both, correlation = raining_at_both(0.08, 0.07, distance_km)
    kind = random.uniform(size=draws)
    first = random.normal(size=draws)
    second = correlation * first + np.sqrt(1 - correlation**2) * random.normal(size=draws)
    up_db = np.where(kind < 0.08, np.exp(0.3 + 1.2 * first), 0.0)
    rains_down = (kind < both) | ((kind >= 0.08) & (kind < 0.08 + 0.07 - both))
    down_db = np.where(rains_down, np.exp(0.1 + 1.4 * second), 0.0)
    simulated = 100 * np.mean(ROOM.es_n0_db(up_db, down_db) < required_db)
    # what fades less than the fade of 5 % counts as all of the rain's share, which errs on the safe side
    assert 100 - found == pytest.approx(simulated, rel=0.03)


@settings(max_examples=25)
@given(first=st.floats(0.5, 8), more=st.floats(0, 6), distance_km=st.floats(0, 500))
def test_a_larger_margin_is_never_less_available(first: float, more: float, distance_km: float) -> None:
    up, down = rainy(), rainy(0.2)
    less = availability_percent(ROOM, CLEAR_DB - first, up, down, distance_km)
    assert availability_percent(ROOM, CLEAR_DB - first - more, up, down, distance_km) >= less - 1e-6


def test_one_storm_over_both_stations_costs_more_than_one_over_each_in_turn() -> None:
    near, far = (availability_percent(ROOM, CLEAR_DB - 12, rainy(), rainy(), one) for one in (1.0, np.inf))
    assert near < far  # the fades of both links add up in decibels


def test_every_modcod_has_its_share_of_the_year() -> None:
    table = dvb_table()
    found = modcod_availability(ROOM, table, 0.5, BAUD, rainy(), rainy(), np.inf)
    assert found.percent.shape == (len(table),)
    assert (found.percent >= -1e-9).all()
    assert found.percent.sum() == pytest.approx(found.at_least_percent.max())
    by_efficiency = found.at_least_percent[np.argsort(table.spectral_efficiency, kind="stable")]
    assert (np.diff(by_efficiency) <= 1e-12).all()
    clear = table.spectral_efficiency[table.best(CLEAR_DB, 0.5)]
    assert 0.8 * clear * BAUD < found.mean_bps < clear * BAUD


def test_fades_of_real_places_fall_with_their_rarity() -> None:
    lat: NDArray[np.float64] = np.array([9.05, 52.0])
    fades = Fades.at(lat, np.array([38.7, 5.0]), 14.25e9, 45.0, 90.0, 1.8, 0.65, 0.2)
    assert fades.fade_db.shape == (2, len(PERCENT))
    assert (np.diff(fades.fade_db, axis=-1) < 0).all()
    asked = np.array([0.01, 0.1, 1.0])
    again = fades.exceeded_percent(fades.fade_exceeded_db(np.broadcast_to(asked, (2, 3))))
    assert again == pytest.approx(np.broadcast_to(asked, (2, 3)))


def test_what_is_not_known_is_nan() -> None:
    assert np.isnan(availability_percent(ROOM, np.nan, rainy(), rainy()))
