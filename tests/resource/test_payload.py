"""Payload: beams and transponders that could exist."""

import numpy as np
import pytest

from satcom.core.entity import checked, new_id
from satcom.core.errors import Refused
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.coverage import relative_gain_db
from satcom.resource.resource import Band
from tests.resource.a_network import transponder_values

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
INNER = [[3, 3], [7, 3], [7, 7], [3, 7], [3, 3]]
BORESIGHT = {"latitudeDeg": 0, "longitudeDeg": 20, "halfPowerWidthDeg": 8}


def a_beam(**facts: object) -> Beam:
    return checked(Beam, {"name": "B", "satellite_id": new_id(), "band": "Ku"} | facts)


def test_contours_become_the_levels_that_physics_sees() -> None:
    beam = a_beam(contours=[{"levelDb": -3, "polygon": SQUARE}, {"levelDb": -1, "polygon": INNER}])
    levels = relative_gain_db([beam.shape(5.0)], np.array([5.0, 1.0, 20.0]), np.array([5.0, 1.0, 20.0]))
    assert levels[0].tolist() == [-1, -3, -np.inf]


def test_a_boresight_becomes_a_round_beam_three_db_down_at_half_its_width() -> None:
    level_db = relative_gain_db([a_beam(boresight=BORESIGHT).shape(20.0)], np.array([0.0]), np.array([20.0]))
    assert level_db[0, 0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("facts", "field", "why"),
    [
        ({}, "/", "either contours or a boresight"),
        ({"contours": [{"levelDb": -1, "polygon": SQUARE}], "boresight": BORESIGHT}, "/", "either"),
        ({"contours": [{"levelDb": -1, "polygon": SQUARE[:-1]}]}, "/contours/0/polygon", "not closed"),
        (
            {"contours": [{"levelDb": -1, "polygon": [[0, 0], [9, 9], [0, 9], [9, 0], [0, 0]]}]},
            "/contours/0/polygon",
            "no simple polygon",
        ),
        ({"contours": [{"levelDb": 1, "polygon": SQUARE}]}, "/contours/0/levelDb", "1 is too large"),
        ({"contours": [{"levelDb": -1, "polygon": [[0, 91], [1, 0], [0, 0], [0, 91]]}]}, "/contours/0", "91 is too"),
        ({"contours": [{"levelDb": -1, "polygon": SQUARE, "colour": 1}]}, "/contours/0/colour", "no such key"),
        ({"boresight": BORESIGHT | {"halfPowerWidthDeg": 0}}, "/boresight/halfPowerWidthDeg", "0 is too small"),
        ({"boresight": BORESIGHT | {"latitudeDeg": float("nan")}}, "/boresight/latitudeDeg", "no number"),
    ],
)
def test_a_beam_that_cannot_be_is_refused_by_its_field(facts: dict[str, object], field: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        a_beam(**facts)
    inside = "" if field == "/" else "/resourceCharacteristic"
    assert refused.value.faults[0].field.startswith(f"{inside}{field}")


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [
        ("bandwidth_hz", 0, "bandwidthHz"),
        ("uplink_center_hz", 12_560_000_000, "downlinkCenterHz"),
        ("downlink_center_hz", 20_000_000, "downlinkCenterHz"),
        ("eirp_saturation_dbw", float("inf"), "eirpSaturationDbw"),
        ("g_over_t_db_per_k", 90, "gOverTDbPerK"),
        ("sfd_dbw_per_m2", 0, "sfdDbwPerM2"),
        ("output_backoff_db", -1, "outputBackoffDb"),
        ("guard_band_hz", 27_000_000, "guardBandHz"),
        ("amplifier", "klystron", "amplifier"),
        ("uplink_polarisation", "diagonal", "uplinkPolarisation"),
        ("satellite_id", "42", "satelliteId"),
    ],
)
def test_a_transponder_that_cannot_be_is_refused_by_its_field(column: str, value: object, field: str) -> None:
    beam = Beam(id=new_id(), name="Africa", satellite_id=new_id(), band=Band.KU)
    with pytest.raises(Refused) as refused:
        checked(Transponder, transponder_values(beam) | {column: value})
    assert refused.value.faults[0].field == f"/resourceCharacteristic/{field}"


def test_many_carriers_cannot_drive_an_amplifier_to_its_saturation() -> None:
    beam = Beam(id=new_id(), name="Africa", satellite_id=new_id(), band=Band.KU)
    driven = transponder_values(beam) | {"amplifier": "twta", "output_backoff_db": 0.5}
    with pytest.raises(Refused, match=r"with many carriers twta has an output back-off of 1\.9 to"):
        checked(Transponder, driven)
    assert checked(Transponder, driven | {"many_carriers": False}).output_backoff_db == 0.5


def test_a_transponder_shifts_the_band_it_takes_up() -> None:
    beam = Beam(id=new_id(), name="Africa", satellite_id=new_id(), band=Band.KU)
    transponder = checked(Transponder, transponder_values(beam))
    assert (transponder.low_edge_hz, transponder.high_edge_hz) == (12_533_000_000, 12_587_000_000)
    assert transponder.uplink_hz(12_540_000_000) == 14_040_000_000


def test_a_boresight_with_two_widths_is_a_turned_ellipse() -> None:
    turned = BORESIGHT | {"minorWidthDeg": 2, "rotationDeg": 90}
    north, east = relative_gain_db([a_beam(boresight=turned).shape(20.0)], np.array([15.0, 0]), np.array([20.0, 35]))[0]
    assert north > -3
    assert east == -np.inf
    with pytest.raises(Refused, match="is wider than the half-power width") as refused:
        a_beam(boresight=BORESIGHT | {"minorWidthDeg": 9})
    assert refused.value.faults[0].field.endswith("/boresight/minorWidthDeg")
