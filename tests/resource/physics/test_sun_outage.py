"""Sun outages against JPL's ephemeris by Skyfield, and against the numbers of ITU-R S.1525-1."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyfield.api import EarthSatellite, wgs84

from satcom.resource.physics.antenna import half_power_beamwidth_deg
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.orbit import satellite_positions_km
from satcom.resource.physics.sun import (
    Track,
    instant,
    instant_s,
    moon_position_km,
    separation_deg,
    sun_position_km,
    track_of_elements,
    track_of_place,
    track_of_slot,
)
from satcom.resource.physics.sun_noise import (
    offset_of_degradation_deg,
    sun_brightness_k,
    sun_degradation_db,
    sun_noise_k,
)
from satcom.resource.physics.sun_outage import (
    Receiver,
    SunPass,
    Turn,
    bearable_degradation_db,
    sun_outages,
    sun_outages_in_turn,
    sun_passes,
)
from tests.resource.physics.published import Published, Section
from tests.resource.physics.the_jpl_ephemeris import TIMESCALE, apparent_sun_km, ephemeris, moon_km, times

FLEET = read_elements((Path(__file__).parents[2] / "data" / "elements" / "sample.tle").read_text()).elements
BY_NAME = {one.name: one for one in FLEET}
YEAR = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
SPRING = datetime(2027, 2, 20, tzinfo=UTC), datetime(2027, 4, 20, tzinfo=UTC)
TELEPORT = (-25.89, 27.69, 1500.0)  # degrees, metres
FIVE_SECONDS = timedelta(seconds=5)
RECEIVER = Receiver(diameter_m=3.7, efficiency=0.65, freq_hz=11.2e9, system_temperature_k=150.0)


def station() -> Track:
    return track_of_place(TELEPORT[0], TELEPORT[1], TELEPORT[2] / 1000)


def by_skyfield(name: str, at: datetime) -> float:
    """Angle between Sun and satellite at the teleport, by Skyfield alone."""
    elements = BY_NAME[name]
    place = wgs84.latlon(*TELEPORT)
    time = TIMESCALE.from_datetime(at)
    satellite = (EarthSatellite(elements.line1, elements.line2, ts=TIMESCALE) - place).at(time)
    sun = (ephemeris()["earth"] + place).at(time).observe(ephemeris()["sun"]).apparent()
    return float(satellite.separation_from(sun).degrees)


def crossing_by_skyfield(
    name: str, near: datetime, limit_deg: float, inwards: bool, within_s: float = 120.0
) -> datetime:
    """When Skyfield's angle goes through the limit, around `near`."""
    low, high = near - timedelta(seconds=within_s), near + timedelta(seconds=within_s)
    for _ in range(20):
        middle = low + (high - low) / 2
        outside = by_skyfield(name, middle) > limit_deg
        low, high = (middle, high) if outside is inwards else (low, middle)
    return low


def test_the_sun_stands_within_a_tenth_of_an_arc_second_of_jpl_and_the_moon_within_32_km(published: Published) -> None:
    years = [
        instant_s(datetime(year, month, 1, tzinfo=UTC)) for year, month in ((2020, 1), (2027, 6), (2034, 9), (2041, 3))
    ]
    at_s = np.concatenate([year_s + np.linspace(0, 27 * 86400, 60) for year_s in years])
    apart_arcsec = separation_deg(sun_position_km(at_s), apparent_sun_km(at_s)) * 3600
    apart_km, none = np.linalg.norm(moon_position_km(at_s) - moon_km(at_s), axis=1), np.zeros(len(at_s))
    left, section = "what ERFA promises", Section.ORBITS
    published("JPL DE421", "Sun", apart_arcsec, none, abs=0.1, unit="arc seconds", least=0.001, section=section)
    published("JPL DE421", "Moon", apart_km, none, abs=32, unit="km", left=left, section=section)


def test_a_track_of_elements_is_the_same_orbit_as_one_instant_after_the_other() -> None:
    for one in FLEET:
        at_s = instant_s(one.epoch) + np.array([0.0, 1e5, 3e6])
        singly = np.concatenate([satellite_positions_km([one], instant(at)) for at in at_s])
        assert np.abs(track_of_elements(one)(at_s) - singly).max() < 1e-3  # a metre


@pytest.mark.parametrize(("name", "limit_deg"), [("AMOS-17", 0.6), ("SES-5", 1.2)])
def test_edges_lie_within_five_seconds_of_jpl(published: Published, name: str, limit_deg: float) -> None:
    start = BY_NAME[name].epoch
    passes = sun_passes(track_of_elements(BY_NAME[name]), station(), limit_deg, start, start + timedelta(days=40), 5.0)
    assert 2 <= len(passes) <= 8
    apart = []
    for one in passes:
        apart.append(one.start - crossing_by_skyfield(name, one.start, limit_deg, inwards=True))
        apart.append(one.end - crossing_by_skyfield(name, one.end, limit_deg, inwards=False))
        assert by_skyfield(name, one.peak) == pytest.approx(one.separation_deg, abs=1e-3)
        around = [by_skyfield(name, one.peak + timedelta(seconds=step)) for step in (-5, 0, 5)]
        assert around[1] <= min(around) + 1e-4
    seconds, none, what = [one.total_seconds() for one in apart], np.zeros(len(apart)), f"sun outage, {name}"
    published("JPL DE421", what, seconds, none, abs=5, unit="s", least=0.01, section=Section.ORBITS)


def test_no_day_of_the_season_is_missed_and_none_is_made_up() -> None:
    name, limit_deg = "AMOS-17", 0.6
    start = BY_NAME[name].epoch
    passes = sun_passes(track_of_elements(BY_NAME[name]), station(), limit_deg, start, start + timedelta(days=40), 5.0)
    at_s = instant_s(start) + np.arange(0, 40 * 86400, 60.0)
    place_km = station()(at_s)
    near = (
        separation_deg(track_of_elements(BY_NAME[name])(at_s) - place_km, apparent_sun_km(at_s) - place_km) < limit_deg
    )
    days = {instant(at).date() for at in at_s[near]}
    assert days == {one.peak.date() for one in passes}
    assert len(times(at_s[:1]).whole) == 1


def test_a_satellite_of_a_low_orbit_meets_the_sun_in_passes_of_seconds() -> None:
    name = "ONEWEB-0012"
    start = BY_NAME[name].epoch + timedelta(days=60)  # at its epoch it flies along the terminator
    satellite = track_of_elements(BY_NAME[name])
    passes = sun_passes(satellite, station(), 8.0, start, start + timedelta(days=10), 5.0)
    at_s = instant_s(start) + np.arange(0, 10 * 86400, 1.0)
    near = separation_deg(satellite(at_s) - station()(at_s), sun_position_km(at_s) - station()(at_s)) < 8.0
    above = np.array([one.elevation_deg > 5 for one in passes])
    assert len(passes) >= 2
    assert above.all()
    for one in passes:
        assert one.end - one.start < timedelta(seconds=60)
        assert abs(one.start - crossing_by_skyfield(name, one.start, 8.0, inwards=True, within_s=6)) < FIVE_SECONDS
    seen = sum((one.end - one.start).total_seconds() for one in passes)
    lowest = satellite(at_s[near]) - station()(at_s[near])
    up = station()(at_s[near])
    assert seen == pytest.approx(float((90 - separation_deg(lowest, up) > 5).sum()), abs=2.0 * len(passes))


def test_turns_of_a_satellite_lose_as_much_as_the_satellite_without_turns() -> None:
    """The station looks through the Earth here, so that the Sun is met often."""
    name = "ONEWEB-0012"
    start = BY_NAME[name].epoch + timedelta(days=60)
    satellite, small = track_of_elements(BY_NAME[name]), Receiver(0.45, 0.65, 11e9, 60.0)
    whole = sun_outages(satellite, station(), small, 0.1, start, start + timedelta(days=5), mask_deg=-90.0)
    minutes = range(0, 5 * 1440, 20)
    begins = [start + timedelta(minutes=one) for one in minutes]
    turns = [Turn(satellite, begin, begin + timedelta(minutes=20)) for begin in begins]
    found = sun_outages_in_turn(turns, station(), small, 0.1)
    assert len(whole) >= 3
    lasts_s = [
        sum((one.end - one.start).total_seconds() for one in some) for some in (whole, [one for _, one in found])
    ]
    assert lasts_s[0] == pytest.approx(lasts_s[1], abs=0.1)
    assert all(begins[number] <= one.start < one.end <= turns[number].stop for number, one in found)


def test_the_quiet_sun_has_the_temperature_of_s1525() -> None:
    assert sun_brightness_k.or_nan(4e9) == pytest.approx(21_000, rel=0.02)  # S.1525-1, Annex 1
    assert np.isnan(sun_brightness_k.or_nan(np.array([0.5e9, 31e9]))).all()


def test_a_transit_lasts_as_long_as_s1525_says() -> None:
    """Annex 2, 3.5: an 11 m antenna at 11 GHz, a disc of 0.48 degrees, within the 3 dB beam."""
    beamwidth_deg = float(half_power_beamwidth_deg(11.0, 11e9))
    assert beamwidth_deg == pytest.approx(0.17, abs=0.005)
    width_deg = beamwidth_deg + 0.48
    lengths_min = []
    for latitude_deg in np.arange(-32.0, -20.0, 1.0):  # the parallax puts the days elsewhere in the transit
        place = track_of_place(float(latitude_deg), 27.7, 1.5)
        passes = sun_passes(track_of_slot(17.0), place, width_deg / 2, *SPRING)
        assert len(passes) in (1, 2)
        lengths_min.append([(one.end - one.start).total_seconds() / 60 for one in passes])
    assert max(max(one) for one in lengths_min) == pytest.approx(width_deg / 0.25, rel=0.05)  # about 2.5 minutes
    total_min = np.pi * width_deg**2 / (4 * 0.4 * 0.25)  # about 3.5 minutes
    assert np.mean([sum(one) for one in lengths_min]) == pytest.approx(total_min, rel=0.1)


def test_a_large_antenna_is_filled_by_the_sun_and_a_small_one_hardly() -> None:
    at_the_middle = {d: float(sun_noise_k(0.0, d, 0.65, 11e9)) for d in (0.6, 1.8, 10.0)}
    hot_k = float(sun_brightness_k(11e9))
    assert 0.8 * hot_k < at_the_middle[10.0] <= hot_k
    # small against the beam, the disc is a point of its solid angle: efficiency * pi^2 (D/lambda)^2 * (angle / 4 pi)
    wavelengths = 0.6 * 11e9 / 299_792_458
    as_point_k = hot_k * 0.65 * (np.pi * wavelengths) ** 2 * np.radians(0.265) ** 2 / 4
    assert at_the_middle[0.6] == pytest.approx(as_point_k, rel=0.02)
    assert at_the_middle[0.6] < at_the_middle[1.8] < at_the_middle[10.0]


@settings(max_examples=30, deadline=None)
@given(
    diameter_m=st.floats(0.45, 13),
    freq_hz=st.floats(3.5e9, 21e9),
    temperature_k=st.floats(50, 600),
    threshold_db=st.floats(0.5, 12),
)
def test_the_angle_of_a_degradation_gives_that_degradation(
    diameter_m: float, freq_hz: float, temperature_k: float, threshold_db: float
) -> None:
    dish = (diameter_m, 0.65, freq_hz)
    angle_deg = offset_of_degradation_deg(threshold_db, temperature_k, *dish)
    if np.isnan(angle_deg):
        assert sun_degradation_db(sun_noise_k(0.0, *dish), temperature_k) < threshold_db
    else:
        inside, outside = (
            sun_degradation_db(sun_noise_k(angle_deg * share, *dish), temperature_k) for share in (0.99, 1.01)
        )
        assert outside - 1e-6 <= threshold_db <= inside + 1e-6


def test_an_outage_costs_its_threshold_at_the_edges_and_most_at_the_peak() -> None:
    outages = sun_outages(track_of_slot(17.0), station(), RECEIVER, 3.0, *YEAR, mask_deg=5.0)
    assert len(outages) == pytest.approx(10, abs=2)
    assert {one.peak.month for one in outages} == {3, 4, 9}  # a southern station: after and before the equinox
    for one in outages:
        for edge in (one.start, one.end):
            at_s = np.array([instant_s(edge)])
            from_km = station()(at_s)
            apart_deg = separation_deg(track_of_slot(17.0)(at_s) - from_km, sun_position_km(at_s) - from_km)
            noise_k = sun_noise_k(apart_deg, RECEIVER.diameter_m, RECEIVER.efficiency, RECEIVER.freq_hz)
            assert sun_degradation_db(noise_k, 150.0)[0] == pytest.approx(3.0, abs=0.02)
        assert one.degradation_db > 3.0
        assert one.start < one.peak < one.end
    assert all(one.end < other.start for one, other in pairwise(outages))
    lower = sun_outages(track_of_slot(17.0), station(), RECEIVER, 1.5, *YEAR, mask_deg=5.0)
    assert len(lower) >= len(outages)


def test_a_link_that_bears_more_than_the_sun_adds_has_no_outage() -> None:
    small = Receiver(0.6, 0.65, 11.2e9, 150.0)
    assert sun_outages(track_of_slot(17.0), station(), small, 6.0, *YEAR) == []


def test_below_the_mask_nothing_is_lost() -> None:
    assert sun_passes(track_of_slot(170.0), station(), 1.0, *SPRING) == []
    assert all(
        isinstance(one, SunPass) for one in sun_passes(track_of_slot(17.0), station(), 1.0, *SPRING, mask_deg=5.0)
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"diameter_m": 0.0}, "diameter_m: 0 m is out of range .accepted: 0.1 to 70 m."),
        ({"efficiency": 1.2}, "efficiency: 1.2 is out of range"),
        ({"freq_hz": 40e9}, "freq_hz: 40000000000 Hz is out of range"),
        ({"system_temperature_k": float("nan")}, "system_temperature_k: nan K is out of range"),
    ],
)
def test_a_receiver_that_makes_no_sense_is_refused(change: dict[str, float], why: str) -> None:
    values = {"diameter_m": 3.7, "efficiency": 0.65, "freq_hz": 11e9, "system_temperature_k": 150.0} | change
    with pytest.raises(ValueError, match=why):
        Receiver(**values)
    with pytest.raises(ValueError, match="time zone"):
        sun_passes(track_of_slot(17.0), station(), 1.0, datetime(2027, 1, 1), YEAR[1])  # noqa: DTZ001
    with pytest.raises(ValueError, match="ends after it starts"):
        sun_passes(track_of_slot(17.0), station(), 1.0, YEAR[1], YEAR[0])
    with pytest.raises(ValueError, match="threshold_db: 0 dB is out of range"):
        sun_outages(track_of_slot(17.0), station(), RECEIVER, 0.0, *YEAR)


@given(st.floats(3, 25), st.floats(0.05, 20), st.floats(0.1, 15))
def test_a_link_bears_what_brings_it_down_to_what_it_requires(
    down_db: float, others_db: float, margin_db: float
) -> None:
    down, others = 10 ** (-down_db / 10), 10 ** (-(down_db + others_db) / 10)
    whole_db = -10 * np.log10(down + others)
    bears_db = bearable_degradation_db(whole_db, down_db, whole_db - margin_db)
    left_db = -10 * np.log10(down * 10 ** (bears_db / 10) + others)
    assert left_db == pytest.approx(whole_db - margin_db)
    assert bears_db >= margin_db


def test_a_link_below_what_it_requires_bears_nothing() -> None:
    assert np.isnan(bearable_degradation_db(5.0, 8.0, 6.0))
