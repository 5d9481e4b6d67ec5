"""The beams of the simulated sky: what is left of them at a place, and that the product's own coverage agrees."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics import coverage
from satcom.simulators.hub_nms.configuration import Beam, Boresight, ContourLine, Fleet, Satellite, Transponder
from satcom.simulators.hub_nms.coverage import beam_gain_db
from satcom.simulators.hub_nms.sky import EarthStation, LookAngles, link
from tests.simulators.test_hub_nms_sky import CARRIER, GEO_ALTITUDE_M, STATION, TRANSPONDER

INNER = ((20.0, -10.0), (40.0, -10.0), (40.0, 10.0), (20.0, 10.0), (20.0, -10.0))
OUTER = ((10.0, -20.0), (50.0, -20.0), (50.0, 20.0), (10.0, 20.0), (10.0, -20.0))
CONTOURS = Beam(id="B", contours=(ContourLine(level_db=-1, polygon=INNER), ContourLine(level_db=-3, polygon=OUTER)))
SPOT = Beam(id="B", boresight=Boresight(latitude_deg=-2, longitude_deg=20, half_power_width_deg=3))
SATELLITE = Satellite(id="S", longitude_deg=33.0, transponders=())


def of_the_product(beam: coverage.Beam, latitude_deg: float, longitude_deg: float) -> float:
    return float(coverage.relative_gain_db([beam], np.array([latitude_deg]), np.array([longitude_deg]))[0, 0])


@given(latitude_deg=st.floats(-70, 70), longitude_deg=st.floats(-180, 180))
def test_a_round_beam_covers_what_the_product_says_it_covers(latitude_deg: float, longitude_deg: float) -> None:
    other = coverage.SpotBeam(-2, 20, 3, 33.0)
    theirs_db = of_the_product(other, latitude_deg, longitude_deg)
    ours_db = beam_gain_db(SPOT, latitude_deg, longitude_deg, SATELLITE)
    if math.isfinite(theirs_db):
        assert ours_db == pytest.approx(theirs_db, abs=0.05) or (ours_db == -math.inf and theirs_db < -19.9)
    else:  # what lies below the horizon is refused by its elevation
        behind = not -75 < longitude_deg - 33 < 75 or abs(latitude_deg) > 60
        assert ours_db < -19.9 or behind


@given(
    latitude_deg=st.floats(-40, 40),
    longitude_deg=st.floats(-20, 80),
    minor_deg=st.floats(1.5, 3),
    rotation_deg=st.floats(-180, 180),
)
def test_an_ellipse_is_turned_as_the_product_turns_it(
    latitude_deg: float, longitude_deg: float, minor_deg: float, rotation_deg: float
) -> None:
    other = coverage.SpotBeam(5, 20, 3, 33.0, minor_beamwidth_deg=minor_deg, rotation_deg=rotation_deg)
    turned = {"half_power_width_deg": 3, "minor_width_deg": minor_deg, "rotation_deg": rotation_deg}
    beam = Beam(id="E", boresight=Boresight(latitude_deg=5, longitude_deg=20, **turned))
    theirs_db = of_the_product(other, latitude_deg, longitude_deg)
    ours_db = beam_gain_db(beam, latitude_deg, longitude_deg, SATELLITE)
    if math.isfinite(theirs_db) and theirs_db > -19:
        assert ours_db == pytest.approx(theirs_db, abs=0.3)  # the simulated Earth is a ball
    else:
        assert ours_db < -18


@given(latitude_deg=st.floats(-30, 30), longitude_deg=st.floats(0, 60))
def test_inside_a_contour_its_level_holds_and_outside_all_there_is_nothing(
    latitude_deg: float, longitude_deg: float
) -> None:
    theirs = coverage.ContourBeam(0.0, (coverage.Contour(-1, ((INNER,),)), coverage.Contour(-3, ((OUTER,),))))
    ours_db = beam_gain_db(CONTOURS, latitude_deg, longitude_deg, SATELLITE)
    on_a_line = {abs(latitude_deg), abs(longitude_deg - 30)} & {10.0, 20.0}
    if not on_a_line:
        assert ours_db == of_the_product(theirs, latitude_deg, longitude_deg)


@pytest.mark.parametrize("turn_deg", [0.0, 360.0])
def test_a_beam_over_the_date_line_is_like_any_other(turn_deg: float) -> None:
    ring = ((170.0, -10.0), (-170.0 + turn_deg, -10.0), (-170.0 + turn_deg, 10.0), (170.0, 10.0))
    beam = Beam(id="P", contours=(ContourLine(level_db=-2, polygon=ring),))
    inside, outside = ((0.0, 175.0), (5.0, -175.0)), ((0.0, 165.0), (0.0, -165.0), (15.0, 180.0), (0.0, 0.0))
    assert [beam_gain_db(beam, *place, SATELLITE) for place in inside] == [-2, -2]
    assert [beam_gain_db(beam, *place, SATELLITE) for place in outside] == [-math.inf] * 4


def test_a_transponder_without_a_beam_is_at_its_peak_everywhere() -> None:
    assert beam_gain_db(None, 50, 170, SATELLITE) == 0


def _weaker_by(uplink_beam_db: float, downlink_beam_db: float) -> EarthStation:
    look = LookAngles(0, 90, GEO_ALTITUDE_M)
    return EarthStation(look, 2.4, 0.65, 120, 20.0, 0.0, 0.0, uplink_beam_db, downlink_beam_db)


def test_at_the_edge_of_both_beams_the_up_link_loses_one_and_the_down_link_both() -> None:
    peak = link(CARRIER, STATION, STATION, TRANSPONDER, ())
    edge = link(CARRIER, _weaker_by(-3, 0), _weaker_by(0, -2), TRANSPONDER, ())
    assert peak is not None
    assert edge is not None
    up, down = "carrier_to_noise_density_up_db_hz", "carrier_to_noise_density_down_db_hz"
    assert getattr(peak, up) - getattr(edge, up) == pytest.approx(3)
    assert getattr(peak, down) - getattr(edge, down) == pytest.approx(5)


@pytest.mark.parametrize("ends", [(-math.inf, 0.0), (0.0, -math.inf)])
def test_nothing_arrives_out_of_coverage(ends: tuple[float, float]) -> None:
    assert link(CARRIER, _weaker_by(ends[0], 0), _weaker_by(0, ends[1]), TRANSPONDER, ()) is None


def test_a_carrier_half_as_dense_as_its_transponder_has_half_the_distance_to_its_intermodulation() -> None:
    noisy = TRANSPONDER.model_copy(update={"carrier_to_intermodulation_db": 18.0})
    loud, soft = (
        link(CARRIER.model_copy(update={"transmit_power_dbw": power_dbw}), STATION, STATION, noisy, ())
        for power_dbw in (0.0, -3.0)
    )
    assert loud is not None
    assert soft is not None
    assert loud.carrier_to_interference_db is not None
    assert soft.carrier_to_interference_db is not None
    assert loud.carrier_to_interference_db - soft.carrier_to_interference_db == pytest.approx(3)
    density_db = loud.downlink_eirp_dbw - (50 - 3) + 10 * math.log10(36e6 / 1.2e6)
    assert loud.carrier_to_interference_db == pytest.approx(18 + density_db)


def test_a_transponder_of_a_beam_that_is_not_in_the_fleet_is_refused() -> None:
    lost = Transponder.model_validate(TRANSPONDER.model_dump() | {"uplink_beam_id": "NOWHERE"})
    satellite = Satellite(id="S", longitude_deg=33.0, transponders=(lost,))
    with pytest.raises(ValueError, match="there is no beam NOWHERE"):
        Fleet(satellites=(satellite,))
    with pytest.raises(ValueError, match="either contours or a boresight"):
        Beam(id="B")
