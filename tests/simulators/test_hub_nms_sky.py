"""The simulator's own sky against independent references: skyfield, textbook sums and the laws of decibels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyfield.api import load, wgs84

from satcom.simulators.hub_nms.configuration import Carrier, Polarisation, Satellite, Transponder
from satcom.simulators.hub_nms.sky import (
    EarthStation,
    LookAngles,
    angle_between_deg,
    antenna_gain_dbi,
    link,
    look_angles,
    path_loss_db,
    standing_m,
)

GEO_ALTITUDE_M = 42_164_170.0 - 6_378_137.0
NOW = load.timescale(builtin=True).utc(2027, 3, 1)
TRANSPONDER = Transponder(
    id="TP",
    uplink_center_hz=14_250_000_000,
    downlink_center_hz=11_200_000_000,
    bandwidth_hz=36_000_000,
    uplink_polarisation=Polarisation.HORIZONTAL,
    downlink_polarisation=Polarisation.VERTICAL,
    eirp_saturation_dbw=50,
    g_over_t_db_per_k=2,
    sfd_dbw_per_m2=-85,
    input_backoff_db=6,
    output_backoff_db=3,
)
CARRIER = Carrier(
    hub_id="H",
    port=1,
    satellite_id="S",
    transponder_id="TP",
    uplink_center_hz=14_250_000_000,
    downlink_center_hz=11_200_000_000,
    symbol_rate_baud=1_000_000,
    roll_off=0.2,
    modcod="QPSK 1/2",
    uplink_polarisation=Polarisation.HORIZONTAL,
    downlink_polarisation=Polarisation.VERTICAL,
    transmit_power_dbw=0,
)
ZENITH = LookAngles(0, 90, GEO_ALTITUDE_M)
STATION = EarthStation(ZENITH, 2.4, 0.65, 120, 20.0, 0.0, 0.0)


def satellite_at(longitude_deg: float) -> Satellite:
    return Satellite(id="S", longitude_deg=longitude_deg, transponders=(TRANSPONDER,))


@given(
    latitude_deg=st.floats(-65, 65),
    longitude_deg=st.floats(-180, 180),
    altitude_m=st.floats(0, 5000),
    east_deg=st.floats(-60, 60),
)
def test_look_angles_are_those_of_skyfield(
    latitude_deg: float, longitude_deg: float, altitude_m: float, east_deg: float
) -> None:
    slot_deg = (longitude_deg + east_deg + 180) % 360 - 180
    ours = look_angles(latitude_deg, longitude_deg, altitude_m, standing_m(satellite_at(slot_deg)))
    station = wgs84.latlon(latitude_deg, longitude_deg, altitude_m)
    in_orbit = wgs84.latlon(0, slot_deg, elevation_m=GEO_ALTITUDE_M)
    elevation, azimuth, distance = (in_orbit - station).at(NOW).altaz()
    assert angle_between_deg(azimuth.degrees, elevation.degrees, ours) < 1e-4
    assert ours.range_m == pytest.approx(distance.m, abs=1)


def test_free_space_loss_to_the_sub_satellite_point_is_the_textbook_sum() -> None:
    free_space_db = 92.45 + 20 * math.log10(11.2) + 20 * math.log10(GEO_ALTITUDE_M / 1000)  # GHz and km, P.525
    assert path_loss_db(11.2e9, ZENITH) == pytest.approx(free_space_db + 0.066, abs=0.01)  # and clear air


def test_a_dish_of_1_2_m_has_41_decibels_at_11_2_ghz() -> None:
    assert antenna_gain_dbi(11.2e9, 1.2, 0.65, 0.0) == pytest.approx(41.1, abs=0.05)


@given(angles_deg=st.tuples(st.floats(0, 180), st.floats(0, 180)), diameter_m=st.floats(0.5, 13))
def test_gain_never_grows_away_from_the_axis(angles_deg: tuple[float, float], diameter_m: float) -> None:
    near_deg, far_deg = sorted(angles_deg)
    near_dbi, far_dbi = (antenna_gain_dbi(14e9, diameter_m, 0.65, angle) for angle in (near_deg, far_deg))
    assert near_dbi >= far_dbi


def test_the_link_is_the_sum_of_its_lines() -> None:
    true = link(CARRIER, STATION, STATION, TRANSPONDER, ())
    assert true is not None
    gain_dbi = 10 * math.log10(0.65 * (math.pi * 2.4 * 14.25e9 / 299_792_458) ** 2)
    assert true.uplink_eirp_dbw == pytest.approx(gain_dbi)
    up_db_hz = gain_dbi - (92.45 + 20 * math.log10(14.25) + 20 * math.log10(35_786.033)) - 0.0931 + 2 + 228.6
    assert true.carrier_to_noise_density_up_db_hz == pytest.approx(up_db_hz, abs=0.01)
    flux_dbw_per_m2 = gain_dbi - 10 * math.log10(4 * math.pi * GEO_ALTITUDE_M**2) - 0.0931
    assert true.downlink_eirp_dbw == pytest.approx(50 - (-85 - flux_dbw_per_m2) + (6 - 3), abs=0.01)
    down_db_hz = true.downlink_eirp_dbw - path_loss_db(11.2e9, ZENITH) + 20 + 228.6
    assert true.carrier_to_noise_density_down_db_hz == pytest.approx(down_db_hz, abs=0.01)
    both = 10 ** (-up_db_hz / 10) + 10 ** (-down_db_hz / 10)
    assert true.carrier_to_noise_density_db_hz == pytest.approx(-10 * math.log10(both), abs=0.01)


@given(power_dbw=st.floats(-20, 10))
def test_a_decibel_more_power_is_a_decibel_more_signal(power_dbw: float) -> None:
    one = link(CARRIER.model_copy(update={"transmit_power_dbw": power_dbw}), STATION, STATION, TRANSPONDER, ())
    more = link(CARRIER.model_copy(update={"transmit_power_dbw": power_dbw + 1}), STATION, STATION, TRANSPONDER, ())
    assert one is not None
    assert more is not None
    gained_db = more.carrier_to_noise_density_db_hz - one.carrier_to_noise_density_db_hz
    assert gained_db == pytest.approx(1)


def test_no_carrier_leaves_a_transponder_above_saturation() -> None:
    loud = link(CARRIER.model_copy(update={"transmit_power_dbw": 50}), STATION, STATION, TRANSPONDER, ())
    assert loud is not None
    assert loud.downlink_eirp_dbw == 50


def test_nothing_arrives_below_the_horizon() -> None:
    sunk = EarthStation(LookAngles(90, -1, 4.2e7), 2.4, 0.65, 120, 20.0, 0.0, 0.0)
    assert link(CARRIER, sunk, STATION, TRANSPONDER, ()) is None
    assert link(CARRIER, STATION, sunk, TRANSPONDER, ()) is None


@given(apart_hz=st.integers(-10_000_000, 10_000_000))
def test_a_neighbour_disturbs_exactly_where_the_bands_overlap(apart_hz: int) -> None:
    neighbour = CARRIER.model_copy(update={"uplink_center_hz": CARRIER.uplink_center_hz + apart_hz})
    true = link(CARRIER, STATION, STATION, TRANSPONDER, [(neighbour, STATION)])
    assert true is not None
    overlap = 1 - abs(apart_hz) / 1_200_000
    if overlap * 1_200_000 > 1:
        assert true.carrier_to_interference_db == pytest.approx(-10 * math.log10(overlap), abs=1e-3)
    else:
        assert true.carrier_to_interference_db is None
