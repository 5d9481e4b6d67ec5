"""Passes and plans of service: summits as Skyfield finds them, and who serves counted every 20 seconds."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from skyfield.api import EarthSatellite, wgs84

from satcom.resource.physics.earth_rotation import timescale
from satcom.resource.physics.hop import Hop, hop_budget
from satcom.resource.physics.horizon_mask import sites_on
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.orbit_array import look_angle_series
from satcom.resource.physics.passes import NO_GATEWAY, GapReason, HandoverRule, ServicePlan, service_plan
from tests.resource.physics.published import Published, Section

# CelesTrak, 2026-08-22
FLEET = read_tle((Path(__file__).parents[2] / "data" / "orbit_sample.tle").read_text()).elements
O3B = [one for one in FLEET if one.name.startswith("O3B")]
LOW = [one for one in FLEET if one.name.startswith(("STARLINK", "ONEWEB"))]
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
HOUR_S = 3600.0
SPAN_S = 6 * HOUR_S
PLACE = (-10.71, 25.39, 1430.0)  # Kolwezi
STATIONS = ((-25.89, 38.0), (27.71, 23.7), 0.0)  # Hartebeesthoek and Greece
MASK_DEG = 5.0
STEP_S = 20.0

OF_A_PASS = {  # tolerance, unit, and what is left
    "pass: elevation at rise and set": (0.005, "deg", "a tenth of a second"),
    "pass: instant of the summit": (1.5, "s", "Skyfield's search stops at half a second"),
    "pass: elevation of the summit": (0.001, "deg", ""),
    "pass: azimuth of the summit": (0.02, "deg", "across the line of sight"),
    "pass: range at the summit": (0.1, "km", ""),
    "hop: C/N0 at the summit, P.525": (0.005, "dB", "by hand with 92.45 dB and 228.6 dB"),
}


def a_plan(low_deg: float = 20.0, rule: HandoverRule = HandoverRule.LONGEST_STAY, bent: bool = True) -> ServicePlan:
    site = sites_on(*PLACE, low_deg)
    return service_plan(O3B, site, sites_on(*STATIONS, MASK_DEG) if bent else None, START, SPAN_S, rule)


def elevations(places: tuple[ArrayLike, ArrayLike, float], at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of all satellites at all places, (satellites, places, times)."""
    latitude_deg, longitude_deg, altitude_m = places
    return look_angle_series(O3B, latitude_deg, longitude_deg, altitude_m, START, at_s).elevation_deg


@pytest.mark.parametrize("orbit", ["LEO", "MEO"])
def test_passes_and_the_budget_over_them_are_those_of_skyfield(published: Published, orbit: str) -> None:
    """What Skyfield sees when we say it rises, culminates and sets; a hop of 19 GHz from there, its loss by P.525."""
    scale, place = timescale(), wgs84.latlon(*PLACE)
    first, last = scale.from_datetime(START), scale.tt_jd(scale.from_datetime(START).tt + 6 / 24)
    fleet = {"LEO": LOW, "MEO": O3B}[orbit]
    found = service_plan(fleet, sites_on(*PLACE, 5.0), None, START, SPAN_S).passes
    compared: dict[str, list[tuple[float, float]]] = {quantity: [] for quantity in OF_A_PASS}
    for number in np.flatnonzero((found.rise_s > 0) & (found.set_s < SPAN_S)).tolist():
        one = fleet[int(found.satellite[number])]
        satellite = EarthSatellite(one.line1, one.line2, one.name, scale)
        edges_s = np.array([found.rise_s[number], found.peak_s[number], found.set_s[number]])
        elevation, azimuth, range_km = (satellite - place).at(scale.tt_jd(first.tt + edges_s / 86_400)).altaz()
        turned_deg = (found.peak_azimuth_deg[number] - azimuth.degrees[1] + 180) % 360 - 180
        times, events = satellite.find_events(place, first, last, altitude_degrees=5.0)
        summits_s = (times.tt - first.tt)[events == 1] * 86_400
        hop = hop_budget(Hop(34.0, found.peak_range_km[number], 19e9, 16.0))
        by_hand_db_hz = 34.0 - (92.45 + 20 * np.log10(19 * range_km.km[1])) + 16.0 + 228.6
        for quantity, ours, theirs in (
            ("pass: elevation at rise and set", 5.0, elevation.degrees[0]),
            ("pass: elevation at rise and set", 5.0, elevation.degrees[2]),
            ("pass: instant of the summit", edges_s[1], summits_s[np.argmin(np.abs(summits_s - edges_s[1]))]),
            ("pass: elevation of the summit", found.peak_elevation_deg[number], elevation.degrees[1]),
            ("pass: azimuth of the summit", turned_deg * np.cos(np.radians(elevation.degrees[1])), 0.0),
            ("pass: range at the summit", found.peak_range_km[number], range_km.km[1]),
            ("hop: C/N0 at the summit, P.525", float(hop.cn0_db_hz), by_hand_db_hz),
        ):
            compared[quantity].append((ours, theirs))
    for quantity, (within, unit, left) in OF_A_PASS.items():
        ours_by, theirs_by = np.array(compared[quantity]).T
        published(f"Skyfield, {orbit}", quantity, ours_by, theirs_by, abs=within, unit=unit, left=left,
                  section=Section.ORBITS)  # fmt: skip
    assert len(compared["pass: range at the summit"]) >= 3


@pytest.mark.parametrize("bent", [True, False])
@pytest.mark.parametrize("rule", list(HandoverRule))
@pytest.mark.parametrize("low_deg", [20.0, 60.0])
def test_a_leg_is_seen_by_site_and_gateway_and_what_no_leg_covers_is_a_gap(
    low_deg: float, rule: HandoverRule, bent: bool
) -> None:
    plan = a_plan(low_deg, rule, bent)
    begins = np.concatenate([plan.legs.begin_s, plan.gaps.begin_s])
    ends = np.concatenate([plan.legs.end_s, plan.gaps.end_s])
    order = np.argsort(begins)
    assert np.array_equal(begins[order][1:], ends[order][:-1])  # one after the other, without overlap
    assert (begins.min(), ends.max()) == (0, SPAN_S)
    assert plan.served_percent == pytest.approx(100 * float(np.sum(plan.legs.end_s - plan.legs.begin_s)) / SPAN_S)

    at_s = np.arange(STEP_S / 2, SPAN_S, STEP_S)
    at_site = elevations(PLACE, at_s)[:, 0] >= low_deg
    at_gateways = elevations(STATIONS, at_s) >= MASK_DEG
    jointly = at_site[:, None] & at_gateways
    in_view = np.asarray(at_site.any(axis=0))
    anyone = np.asarray((jointly if bent else at_site).reshape(-1, len(at_s)).any(axis=0))
    for number in range(len(plan.legs)):
        within = np.flatnonzero((at_s > plan.legs.begin_s[number] + 0.2) & (at_s < plan.legs.end_s[number] - 0.2))
        satellite, gateway = int(plan.legs.satellite[number]), int(plan.legs.gateway[number])
        assert (gateway != NO_GATEWAY) is bent
        assert (jointly[satellite, gateway] if bent else at_site[satellite])[within].all()
    for number, reason in enumerate(plan.reasons):
        within = np.flatnonzero((at_s > plan.gaps.begin_s[number] + 0.2) & (at_s < plan.gaps.end_s[number] - 0.2))
        seen, served = in_view[within], anyone[within]
        expected = {
            GapReason.NO_SATELLITE: ~seen,
            GapReason.NO_GATEWAY: seen & ~served,
            GapReason.SHORT_VIEW: served,
        }
        assert expected[reason].all()
    if rule is HandoverRule.LONGEST_STAY:
        assert GapReason.SHORT_VIEW not in plan.reasons


def test_elevations_of_a_leg_are_those_of_the_site_within_it() -> None:
    plan = a_plan()
    assert len(plan.legs) >= 2
    for number in range(len(plan.legs)):
        begin_s, end_s = plan.legs.begin_s[number], plan.legs.end_s[number]
        seen = elevations(PLACE, np.linspace(begin_s, end_s, 200))[plan.legs.satellite[number], 0]
        assert plan.legs.lowest_elevation_deg[number] == pytest.approx(seen.min(), abs=0.02)
        assert plan.legs.highest_elevation_deg[number] == pytest.approx(seen.max(), abs=0.02)


def test_a_gap_is_told_by_its_reason_when_the_gateways_are_too_far() -> None:
    far = sites_on(0.0, -154.6, 0.0, 5.0)  # on the other side of the Earth
    plan = service_plan(O3B, sites_on(*PLACE, 20.0), far, START, SPAN_S)
    assert len(plan.legs) == 0
    assert GapReason.NO_GATEWAY in plan.reasons
    assert (plan.served_percent, plan.handovers) == (0, 0)
    assert len(plan.reasons) > 1
    assert plan.longest_gap_s == SPAN_S, "one gap, whatever the reasons of its parts"


def test_the_longest_stay_hands_over_less_often_than_the_highest() -> None:
    site = sites_on(*PLACE, 5.0)
    long, high = (service_plan(LOW + O3B, site, None, START, SPAN_S, rule) for rule in HandoverRule)
    assert len(long.legs) < len(high.legs)
    assert long.served_percent >= high.served_percent


def test_a_plan_is_made_for_one_site() -> None:
    with pytest.raises(ValueError, match="2 sites"):
        service_plan(O3B, sites_on([0.0, 1.0], 0.0), None, START, SPAN_S)
