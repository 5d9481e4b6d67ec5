"""Availability sold with a confidence: at 50 % nothing changes, above it links are built for worse years."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.core.clock import clock
from satcom.core.database import Database, find
from satcom.core.security import WORKER
from satcom.enterprise.operator_settings import change_settings
from satcom.resource.physics.antenna import half_power_beamwidth_deg
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.joint_availability import Fades, Room
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.uncertainty import (
    Unknowns,
    element_error_deg,
    margin_at_confidence_db,
    mean_pointing_loss_db,
)
from satcom.resource.physics.year_to_year import climatic_ratio
from satcom.service.demand import DIRECTIONS
from satcom.service.design import sky
from satcom.service.design.carriers import Sizer
from satcom.service.design.confidence import confident
from satcom.service.design.inputs import Inputs
from satcom.service.design.lanes import layout
from satcom.service.design.sky import Promised
from satcom.service.design.solving import solve
from satcom.service.design.survey import survey
from satcom.service.evidence import SAME_TO, QualificationEvidence, largest_difference, qualify_on_record, recompute
from tests.enterprise.an_operator import an_operator
from tests.service.demonstration_facts import the_demonstration_facts
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template) as whole:
        yield whole


def sold_with(facts: Inputs, confidence_percent: float) -> Inputs:
    return replace(facts, assumed=replace(facts.assumed, confidence_percent=confidence_percent))


@given(
    latitude=st.floats(-60, 60),
    longitude=st.floats(-180, 180),
    freq_hz=st.floats(4e9, 30e9),
    elevation=st.floats(5, 90),
    availability=st.floats(90, 99.99),
)
@settings(max_examples=15, deadline=None)
def test_with_50_percent_attenuation_is_that_of_the_average_year_to_the_last_digit(
    latitude: float, longitude: float, freq_hz: float, elevation: float, availability: float
) -> None:
    def exceeded(percent: Values) -> TotalAttenuation:
        return total_attenuation(latitude, longitude, freq_hz, elevation, percent, 45.0, 1.2, 0.65)

    percent = Promised(availability).unavailability_percent
    air, even = exceeded(percent), confident(exceeded, percent, 50.0, np.array(latitude), np.array(longitude))
    for cause in ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db"):
        assert np.array_equal(getattr(even, cause), getattr(air, cause), equal_nan=True)


@pytest.mark.parametrize(("confidence_percent", "calls"), [(50.0, 1), (90.0, 2)])
def test_with_50_percent_attenuation_is_asked_once(
    facts: Inputs, monkeypatch: pytest.MonkeyPatch, confidence_percent: float, calls: int
) -> None:
    asked: list[object] = []

    def counted(*arguments: object) -> object:
        asked.append(arguments)
        return total_attenuation(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(total_attenuation, "or_nan", counted)
    sky.ray_table([], Promised(99.7, confidence_percent))
    assert len(asked) == calls


def test_who_sells_the_average_year_loads_no_library_for_confidence() -> None:
    asked = "import sys, satcom.service.evidence; sys.exit('scipy.special' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True)


@given(
    confidences=st.tuples(st.floats(50, 99.9), st.floats(50, 99.9)),
    availability_percent=st.floats(98, 99.9),
    rate_bps=st.integers(256_000, 10_000_000),
)
@settings(max_examples=10, deadline=None)
def test_more_confidence_never_takes_less_bandwidth(
    facts: Inputs, confidences: tuple[float, float], availability_percent: float, rate_bps: int
) -> None:
    demand = the_demand(availability_percent=availability_percent, downlink_rate_bps=rate_bps)
    less, more = (solve(sold_with(facts, one), demand).to_sites for one in sorted(confidences))
    if more:
        assert less
        # a hertz for each of the two whole numbers
        assert less[0].charged_bandwidth_hz <= more[0].charged_bandwidth_hz + 2


def test_the_carriers_keep_their_margin_at_the_confidence_that_they_are_sold_with(facts: Inputs) -> None:
    """Against the margin that `satcom link-budget --confidence` tells, from curves of the whole distribution."""
    demand, sure = the_demand(bands=("Ku",)), sold_with(facts, 90.0)
    found = survey(facts.fleet, demand, "CD", facts.at)
    sizer = Sizer(layout(found, demand, facts.occupancy, sure.assumed), demand, sure.assumed)
    plan = sizer.plan
    both = [sizer.size(direction, plan.lanes, sizer.free_limits(plan.lanes)).closes for direction in DIRECTIONS]
    lane = plan.lanes.take(np.flatnonzero(both[0] & both[1])[:1])
    limits = sizer.free_limits(lane)
    gateway = plan.gateways[int(lane.gateway[0])]
    station, kind = facts.fleet.stations[gateway.station], facts.fleet.terminal_types[int(lane.terminal[0])]
    transponder = facts.fleet.transponders[int(lane.transponder[0])]
    (satellite,) = [row for row, one in enumerate(facts.fleet.satellites) if one.id == transponder.satellite_id]
    at_gateway = (
        (station.latitude_deg, station.longitude_deg),
        float(plan.ground.gateway_elevation_deg[satellite, gateway.station]),
        (gateway.antenna.diameter_m, gateway.antenna.efficiency, station.altitude_m / 1000),
    )
    at_site = (
        (demand.latitude_deg, demand.longitude_deg),
        float(plan.ground.site_elevation_deg[satellite]),
        (kind.antenna_diameter_m, kind.antenna_efficiency, found.height_km),
    )
    range_km = float(plan.ground.site_range_km[satellite])
    for direction in DIRECTIONS:
        link, sized = sizer.exact(direction, lane, limits)
        assert sized.closes.all()
        ends = (at_gateway, at_site) if direction == "forward" else (at_site, at_gateway)
        fades = tuple(
            Fades.at(*place, freq_hz, elevation_deg, 0.0 if polarisation == "horizontal" else 90.0, *dish)
            for (place, elevation_deg, dish), freq_hz, polarisation in zip(
                ends,
                (transponder.uplink_center_hz, transponder.downlink_center_hz),
                (transponder.uplink_polarisation, transponder.downlink_polarisation),
                strict=True,
            )
        )
        room = Room.of(link, sure.assumed.roll_off, sized.budget.symbol_rate_baud, sized.budget.power_share)
        ratio = max(float(climatic_ratio(*place)) for place, _, _ in ends)
        required = float(sized.budget.required_es_n0_db[0])
        one = Room(*(np.asarray(part).reshape(-1)[0] for part in vars(room).values()))
        pointing = [
            _mean_pointing_loss_db(dish[0], freq_hz, range_km if dish == at_site[2] else None)
            for (_, _, dish), freq_hz in zip(
                ends, (transponder.uplink_center_hz, transponder.downlink_center_hz), strict=True
            )
        ]
        # the room has the bad pointing of the receiver in it already
        unknowns = Unknowns(ratio, up_pointing_db=pointing[0])
        (margin_db,) = margin_at_confidence_db(one, required, (fades[0], fades[1]), 0.15, unknowns, 0.9)
        # rays are counted at the upper end of steps of 250 MHz, and the curve is drawn between shares of the year
        assert margin_db == pytest.approx(sure.assumed.required_margin_db, abs=0.25)
        (average_db,) = margin_at_confidence_db(one, required, (fades[0], fades[1]), 0.15, unknowns, 0.5)
        assert average_db > margin_db + 0.2
        known_db = sure.assumed.terminal_pointing_loss_db
        known_db = known_db if direction == "forward" else sure.assumed.gateway_pointing_loss_db
        lost_db = float(np.asarray(link.receive.pointing_loss_db).reshape(-1)[0]) - known_db
        assert lost_db == pytest.approx(-pointing[1] * np.log1p(-0.9), rel=0.02)


def _mean_pointing_loss_db(diameter_m: float, freq_hz: float, range_km: float | None) -> float:
    """A tenth of the beam at random; a terminal is pointed by elements of a week, which is what they are held for."""
    width_deg = half_power_beamwidth_deg(diameter_m, freq_hz)
    aged_deg = 0.0 if range_km is None else float(element_error_deg(7.0, range_km))
    return float(mean_pointing_loss_db(np.hypot(0.1 * width_deg, aged_deg), width_deg))


def test_what_points_worse_is_sold_with_more_margin_and_costs_nothing_in_the_average_year(facts: Inputs) -> None:
    def pointing(rms_deg: float) -> Inputs:
        kinds = tuple(replace(one, pointing_rms_deg=rms_deg) for one in facts.fleet.terminal_types)
        return replace(facts, fleet=replace(facts.fleet, terminal_types=kinds))

    demand = the_demand(bands=("Ku",))
    still, shaken = (solve(sold_with(pointing(one), 90.0), demand).to_sites[0] for one in (0.0, 0.1))
    assert shaken.charged_bandwidth_hz > still.charged_bandwidth_hz
    lines = {line.label: line for line in shaken.return_link.budget}
    assert lines["Required margin"].clear_sky is not None
    assert lines["Required margin"].clear_sky > facts.assumed.required_margin_db
    assert lines["Required margin"].source == "0.5 dB, and the sender's random pointing at 90 % confidence"
    assert solve(pointing(0.1), demand) == solve(facts, demand)


def test_evidence_from_before_pointing_counted_is_sold_without_it(facts: Inputs) -> None:
    demand, stored = the_demand(bands=("Ku",)), sold_with(facts, 90.0).wire()
    assert isinstance(stored, dict)
    assumed = stored["assumed"]
    assert isinstance(assumed, dict)
    del assumed["pointing_counted"]
    before, now = (solve(one, demand).to_sites[0] for one in (Inputs.of(stored), sold_with(facts, 90.0)))
    assert before.charged_bandwidth_hz < now.charged_bandwidth_hz
    required = {line.label: line.clear_sky for line in before.forward.budget}["Required margin"]
    assert required == facts.assumed.required_margin_db


def test_what_is_sold_with_confidence_says_so_and_recomputes_equal_after_the_operator_thinks_again(
    database: Database,
) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        operator = an_operator(session)
        average = qualify_on_record(session, the_demand())
        change_settings(session, operator, {"availabilityConfidencePercent": 90}, WORKER)
        sure = qualify_on_record(session, the_demand())
        change_settings(session, operator, {"availabilityConfidencePercent": 50}, WORKER)
        again = qualify_on_record(session, the_demand())
        assert average.solutions == again.solutions
        assert {one.confidence_percent for one in average.to_sites} == {50.0}
        assert {one.confidence_percent for one in sure.to_sites} == {90.0}
        assert sure.to_sites[0].charged_bandwidth_hz > average.to_sites[0].charged_bandwidth_hz
        told = [line for line in sure.to_sites[0].forward.budget if line.label == "Confidence of the fades"]
        assert [(one.faded_up, one.faded_down, one.unit) for one in told] == [(90.0, 90.0, "%")]
        assert all(line.label != "Confidence of the fades" for line in average.to_sites[0].forward.budget)
        for answer in (average, sure):
            assert answer.evidence_id is not None
            kept = find(session, QualificationEvidence, answer.evidence_id)
            assert largest_difference(answer, recompute(kept)) <= SAME_TO
