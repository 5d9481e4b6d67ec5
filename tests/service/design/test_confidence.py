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
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.joint_availability import Fades, Room
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.uncertainty import Unknowns, margin_at_confidence_db
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
        (margin_db,) = margin_at_confidence_db(one, required, (fades[0], fades[1]), 0.15, Unknowns(ratio), 0.9)
        # rays are counted at the upper end of steps of 250 MHz, and the curve is drawn between shares of the year
        assert margin_db == pytest.approx(sure.assumed.required_margin_db, abs=0.25)
        (average_db,) = margin_at_confidence_db(one, required, (fades[0], fades[1]), 0.15, Unknowns(ratio), 0.5)
        assert average_db > margin_db + 0.2


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
