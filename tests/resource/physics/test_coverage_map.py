"""Maps of beams: each quantity held against the link budget of a single place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, parabola_gain_dbi
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.coverage import SpotBeam, relative_gain_db
from satcom.resource.physics.coverage_map import (
    UNAVAILABILITIES_PERCENT,
    MapGrid,
    MapTerminal,
    MapTransponders,
    air_over,
    availability_percent,
    best_rate_bps,
    downlink_es_n0_db,
    power_flux_density_dbw_per_m2,
    saturation_flux_density_dbw_per_m2,
    strongest,
)
from satcom.resource.physics.link_budget import (
    Carrier,
    Interference,
    Link,
    Path,
    ReceiveStation,
    TransmitStation,
    Transponder,
    bent_pipe_budget,
)
from satcom.resource.physics.modcod import dvb_table
from satcom.resource.physics.orbit import slot_angles

Array = NDArray[np.float64]

BEAMS = (SpotBeam(0.0, 20.0, 1.5, 17.0), SpotBeam(0.0, 26.0, 1.5, 17.0))
TWO = MapTransponders(
    eirp_dbw=np.array([52.0, 50.0]),
    figure_of_merit_db_per_k=np.array([6.0, 5.0]),
    sfd_dbw_per_m2=np.array([-88.0, -85.0]),
    input_backoff_db=np.array([6.0, 6.0]),
    output_backoff_db=np.array([3.0, 3.0]),
    up_freq_hz=np.array([14.2e9, 14.3e9]),
    down_freq_hz=np.array([11.5e9, 11.6e9]),
    bandwidth_hz=np.array([36e6, 54e6]),
    tilt_deg=np.array([0.0, 90.0]),
)
TERMINAL = MapTerminal(1.2, 0.65, 0.8)
GRID = MapGrid.around(-12.0, 8.0, 12.0, 38.0, 31)


def seen(grid: MapGrid) -> tuple[Array, Array, Array]:
    """Level, range and elevation; shape (beams, places)."""
    latitude, longitude = grid.places()
    look = slot_angles(17.0, latitude, longitude, 0.0)
    level_db = relative_gain_db(BEAMS, latitude, longitude)
    return level_db, np.repeat(look.range_km, 2, 0), np.repeat(look.elevation_deg, 2, 0)


def at_place(values: Array, latitude_deg: float, longitude_deg: float) -> float:
    row = int(np.argmin(np.abs(GRID.latitude_deg - latitude_deg)))
    return float(values.reshape(GRID.shape)[row, int(np.argmin(np.abs(GRID.longitude_deg - longitude_deg)))])


def test_at_its_boresight_each_beam_has_its_peak_and_far_away_there_is_nothing() -> None:
    level_db, *_ = seen(GRID)
    eirp = strongest(TWO.eirp_dbw, level_db)
    assert at_place(eirp, 0, 20) == pytest.approx(52)
    assert at_place(eirp, 0, 26) == pytest.approx(max(50, 52 + at_place(level_db[0], 0, 26)))
    assert np.isnan(at_place(eirp, 12, 38))
    sfd = saturation_flux_density_dbw_per_m2(TWO.sfd_dbw_per_m2, level_db)
    assert at_place(sfd, 0, 20) == pytest.approx(-88)
    assert at_place(sfd, 0, 14) > -88


def test_pfd_below_the_satellite_is_eirp_less_162_and_the_share_of_the_bandwidth() -> None:
    level_db, range_km, _ = seen(GRID)
    pfd = at_place(power_flux_density_dbw_per_m2(TWO, level_db, range_km), 0, 20)
    assert pfd == pytest.approx(52 - 162.1 - 10 * np.log10(36e6 / 4e3), abs=0.1)
    whole = power_flux_density_dbw_per_m2(TWO, level_db, range_km, 1e9)
    assert at_place(whole, 0, 20) == pytest.approx(52 - 162.1, abs=0.1)


def test_es_n0_is_that_of_the_bent_pipe_budget_wherever_its_gateway_stands() -> None:
    level_db, range_km, elevation_deg = seen(GRID)
    air = air_over(GRID, TWO, TERMINAL, elevation_deg, 0.1)
    es_n0 = downlink_es_n0_db(TWO, TERMINAL, level_db, range_km, air)
    place = int(np.flatnonzero((GRID.places()[0] == 0) & (GRID.places()[1] == 20))[0])
    antenna = ReceiveAntenna.of_dish(1.2, 0.65, 11.5e9, 0.8, 25.0, 0.2)
    rate_baud = 36e6 / 1.2
    for gateway_db in (0.0, -2.5):
        link = Link(
            TransmitStation(parabola_gain_dbi(9.0, 0.65, 14.2e9), 30.0),
            Path(range_km=38_000.0, beam_gain_db=gateway_db),
            Transponder(14.2e9, 11.5e9, 36e6, 52.0, 6.0, -88.0, 6.0, 3.0),
            Path(
                range_km=range_km[0, place],
                clear_attenuation_db=air.gas_db[0, place],
                faded_attenuation_db=air.total_db[0, place],
                gas_attenuation_db=air.gas_db[0, place],
                cloud_attenuation_db=air.cloud_db[0, place],
                rain_attenuation_db=air.rain_db[0, place],
            ),
            ReceiveStation(antenna, 0.4),
            Interference(),
        )
        budget = bent_pipe_budget(link, Carrier(rate_baud * 2, 2.0, 5.0, 0.2), 3.0)
        assert es_n0[0, place] == pytest.approx(float(budget.es_n0_downlink_rain_db), abs=0.01)


def test_rate_falls_with_availability_and_is_that_of_a_modcod() -> None:
    level_db, range_km, elevation_deg = seen(GRID)
    rates = []
    for percent in (0.01, 0.1, 1.0):
        air = air_over(GRID, TWO, TERMINAL, elevation_deg, percent)
        rates.append(best_rate_bps(TWO, TERMINAL, downlink_es_n0_db(TWO, TERMINAL, level_db, range_km, air)))
    covered = np.isfinite(rates[0])
    assert (np.diff(np.array(rates)[:, covered], axis=0) >= 0).all()
    efficiencies = {round(float(one), 6) for one in dvb_table().spectral_efficiency}
    assert {round(one / 30e6, 6) for one in rates[1][covered]} & efficiencies
    assert np.isnan(rates[2][~np.isfinite(level_db).any(axis=0)]).all()


def test_availability_is_where_the_attenuation_takes_the_margin() -> None:
    level_db, range_km, elevation_deg = seen(GRID)
    air = [air_over(GRID, TWO, TERMINAL, elevation_deg, one) for one in UNAVAILABILITIES_PERCENT]
    es_n0 = np.array([downlink_es_n0_db(TWO, TERMINAL, level_db, range_km, one) for one in air])
    available = availability_percent(es_n0, UNAVAILABILITIES_PERCENT, 8.0)
    place = int(np.nanargmin(np.abs(available - 99.7)))
    percent = 100 - available[place]
    latitude, longitude = (one[place] for one in GRID.places())
    there = total_attenuation(
        latitude, longitude, TWO.down_freq_hz, elevation_deg[:, place], percent, TWO.tilt_deg, 1.2, 0.65
    )
    exact = downlink_es_n0_db(TWO, TERMINAL, level_db[:, [place]], range_km[:, [place]], _column(there))
    assert np.nanmax(exact) == pytest.approx(8.0, abs=0.15)  # interpolated between two shares of the year


def _column(air: TotalAttenuation) -> TotalAttenuation:
    return TotalAttenuation(
        *(one[:, None] for one in (air.gas_db, air.cloud_db, air.rain_db, air.scintillation_db, air.total_db))
    )


@given(required_db=st.floats(-5, 20))
def test_what_asks_more_is_available_less(required_db: float) -> None:
    es_n0 = np.linspace(-10, 14, 10)[:, None, None] + np.zeros((10, 1, 3))
    less = availability_percent(es_n0, UNAVAILABILITIES_PERCENT, required_db)
    more = availability_percent(es_n0, UNAVAILABILITIES_PERCENT, required_db + 0.5)
    assert not (more > less + 1e-9).any()
    assert np.isnan(availability_percent(es_n0, UNAVAILABILITIES_PERCENT, 15.0)).all()
    assert availability_percent(es_n0, UNAVAILABILITIES_PERCENT, -20.0) == pytest.approx(99.999)


@given(seed=st.integers(0, 1000))
def test_a_finer_grid_goes_through_the_points_of_the_coarse_one(seed: int) -> None:
    coarse = MapGrid(np.array([0.0, 1.0, 3.0]), np.array([10.0, 12.0]))
    values = np.random.default_rng(seed).normal(size=(2, 6))
    assert coarse.finer(values, coarse) == pytest.approx(values)
    middle = coarse.finer(values, MapGrid(np.array([0.5, 2.0]), np.array([11.0, 12.0])))
    assert middle[0, 0] == pytest.approx(values[0, [0, 1, 2, 3]].mean())
