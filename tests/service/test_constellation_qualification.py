"""A site under passing satellites: a promise that path and rain keep, and every loser with its number and instant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any  # what a licence may be changed by

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from satcom.app.loading.load import load
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.enterprise.party import Operator
from satcom.resource.capacity_day import SLOTS, CapacityDay, FlownThen
from satcom.resource.constellation import BeamPayload
from satcom.resource.ground import Antenna
from satcom.resource.licence import LicenceFact
from satcom.resource.physics.attenuation import total_attenuation
from satcom.resource.physics.orbit import read_tle
from satcom.resource.physics.passes import HandoverRule
from satcom.resource.resource import Band, Polarisation
from satcom.service.constellation_qualification import constellation_inputs, qualify_constellation
from satcom.service.constellation_solution import (
    ConstellationLoser,
    ConstellationQualification,
    ConstellationSolution,
    PathReason,
)
from satcom.service.demand import ConstellationDemand
from satcom.service.design.constellation import decide_constellation
from satcom.service.design.constellation_facts import (
    CellsLit,
    ConstellationFacts,
    FlownFacts,
    GatewayFacts,
    PassingInputs,
)
from satcom.service.design.day_capacity import times_on_day
from satcom.service.design.facts import Assumptions, Fleet, Occupancy, TerminalTypeFacts
from satcom.service.design.inputs import Inputs
from satcom.service.design.passing_weather import AtPlace, PlaceWeather
from satcom.service.design.solving import decide_constellations, solve
from satcom.service.qualification import design, refuse_hopeless_place
from satcom.supplychain.drivers.port import CapacityAsked
from satcom.supplychain.partner_search import PartnerAnswer

EXAMPLES = Path(__file__).parents[2] / "examples"
START = datetime(2026, 8, 22, 18, tzinfo=UTC)
SITE = (-10.71, 25.39)  # Kolwezi
MHZ = 1_000_000
BEAM = BeamPayload(
    bandwidth_hz=216 * MHZ,
    uplink_center_hz=28_400 * MHZ,
    downlink_center_hz=18_600 * MHZ,
    uplink_polarisation=Polarisation.LHCP,
    downlink_polarisation=Polarisation.RHCP,
    eirp_saturation_dbw=54,
    g_over_t_db_per_k=9,
    sfd_dbw_per_m2=-86,
    input_backoff_db=3,
    output_backoff_db=2,
)
DISH = Antenna(id="a", band=Band.KA, diameter_m=7.3, efficiency=0.65, hpa_power_dbw=25, noise_temperature_k=200)


def a_gateway(name: str, latitude_deg: float, longitude_deg: float, free_ports: int = 1) -> GatewayFacts:
    return GatewayFacts(name, name, latitude_deg, longitude_deg, 100.0, 15.0, DISH, name, name, free_ports)


NEMEA, KARACHI, HORTOLANDIA = a_gateway("Nemea", 37.8, 22.7), a_gateway("Karachi", 24.9, 67.0), a_gateway("H", -23, -47)


@lru_cache(maxsize=1)
def mpower() -> ConstellationFacts:
    """The orbits of O3b mPOWER with made-up payload."""
    fleet = read_tle((EXAMPLES / "meo_operator" / "elements.tle").read_text()).elements
    return ConstellationFacts(
        id="c",
        name="O3b mPOWER",
        user_band="Ka",
        rule=HandoverRule.HIGHEST,
        lowest_elevation_deg=20.0,
        edge_gain_db=-3.0,
        gateway_power_control_db=14.0,
        terminal_power_control_db=10.0,
        forward=BEAM,
        return_link=BEAM.model_copy(update={"eirp_saturation_dbw": 48, "sfd_dbw_per_m2": -92}),
        satellites=tuple(FlownFacts(str(one.norad_id), one.name, one) for one in fleet),
        gateways=(NEMEA, KARACHI, HORTOLANDIA),
        terminal_types=tuple(
            TerminalTypeFacts(name, name, "Ka", "vsat", metres, 0.65, watts, 1.3, True, None, False)
            for name, metres, watts in (("large", 2.4, 20.0), ("small", 1.2, 8.0))
        ),
        licences=(LicenceFact("CD", "Ka", "vsat", date(2020, 1, 1), date(2040, 1, 1), "L1"),),
        illustrative=True,
    )


def asked(
    availability_percent: float = 99.5, place: tuple[float, float] = SITE, mbps: float = 10
) -> ConstellationDemand:
    return ConstellationDemand(
        downlink_rate_bps=round(mbps * MHZ),
        uplink_rate_bps=4 * MHZ,
        availability_percent=availability_percent,
        latitude_deg=place[0],
        longitude_deg=place[1],
        start_at=START,
    )


def answer(facts: ConstellationFacts, demand: ConstellationDemand, hours: int = 12) -> ConstellationQualification:
    inputs = PassingInputs(START, START, hours, "CD", 1400.0, facts, Assumptions())
    return decide_constellation(inputs, demand)


def test_a_confidence_costs_capacity_and_is_told() -> None:
    average = answer(mpower(), asked()).solutions[0]
    inputs = PassingInputs(START, START, 12, "CD", 1400.0, mpower(), Assumptions(confidence_percent=90.0))
    sure = decide_constellation(inputs, asked()).solutions[0]
    assert (average.confidence_percent, sure.confidence_percent) == (50.0, 90.0)
    assert sure.charged_bandwidth_hz > average.charged_bandwidth_hz
    assert sure.availability_percent >= 99.5


def test_what_others_have_left_of_the_beam_bounds_the_carriers() -> None:
    best = answer(mpower(), asked()).solutions[0]
    needed_hz = best.forward.charged_bandwidth_hz
    inputs = PassingInputs(START, START, 12, "CD", 1400.0, mpower(), Assumptions())
    just = decide_constellation(replace(inputs, forward_room_hz=needed_hz), asked())
    assert just.solutions[0] == best
    short = decide_constellation(replace(inputs, forward_room_hz=needed_hz - 1), asked())
    assert short.loser is not None
    assert (short.loser.reason, short.loser.value) == (PathReason.NO_BANDWIDTH, needed_hz - 1)


def with_rooms(forward_hz: dict[str, int]) -> ConstellationFacts:
    """Feeders with so much left, by gateway; those not named are not limited."""
    gateways = tuple(replace(one, forward_room_hz=forward_hz.get(one.name)) for one in mpower().gateways)
    return replace(mpower(), gateways=gateways)


def test_a_gateway_whose_feeder_is_full_is_left_out_and_where_all_are_the_reason_is_told() -> None:
    free = answer(mpower(), asked(98.5)).solutions[0]
    first = free.gateways[0].earth_station_name
    assert sum(one.share_percent for one in free.gateways) == pytest.approx(100)
    around = answer(with_rooms({first: 1_000}), asked(98.5))
    if around.loser is None:
        assert all(first not in [one.earth_station_name for one in way.gateways] for way in around.solutions)
    else:
        assert around.loser.reason is PathReason.NO_FEEDER
    lost = answer(with_rooms(dict.fromkeys((one.name for one in mpower().gateways), 0)), asked(98.5)).loser
    assert lost is not None
    assert (lost.reason, lost.value, lost.unit) == (PathReason.NO_FEEDER, 0, "Hz")
    assert first in lost.text


def test_what_is_full_when_the_service_does_not_need_it_does_not_stand_in_its_way() -> None:
    """Nemea is full all day but when it serves the site; then it has just enough, or 1 Hz too little."""
    demand = asked(90.0, (5, -10))  # one half of the time through Nemea, the other through Hortolandia
    day = CapacityDay(
        datetime(2026, 8, 23, tzinfo=UTC),
        mpower().lowest_elevation_deg,
        mpower().rule,
        tuple(FlownThen(one.id, one.name, one.elements) for one in mpower().satellites),
    )
    free = PassingInputs(START, START, 12, "CD", 1400.0, mpower(), Assumptions(), day=day)
    best = decide_constellation(free, demand).solutions[0]
    through = [one for one in mpower().gateways if one.station_id in {use.earth_station_id for use in best.gateways}]
    needed = set(times_on_day(free, demand, through).through["Nemea"])  # type: ignore[union-attr]
    assert 0 < len(needed) < SLOTS

    def with_left(left_hz: int) -> ConstellationQualification:
        by_slot = tuple(left_hz if slot in needed else 0 for slot in range(SLOTS))
        nemea = replace(NEMEA, forward_room_hz=0, forward_by_slot_hz=by_slot, return_by_slot_hz=(10**9,) * SLOTS)
        gateways = tuple(nemea if one is NEMEA else one for one in mpower().gateways)
        return decide_constellation(replace(free, constellation=replace(mpower(), gateways=gateways)), demand)

    just = with_left(best.forward.charged_bandwidth_hz)
    (use,) = [one for one in just.solutions[0].gateways if one.earth_station_id == "Nemea"]
    assert use.forward_left_hz == best.forward.charged_bandwidth_hz
    assert use.fullest_at is not None
    assert use.fullest_at.date() == date(2026, 8, 23)
    short = with_left(best.forward.charged_bandwidth_hz - 1)
    if short.loser is None:
        assert all(use.earth_station_id != "Nemea" for way in short.solutions for use in way.gateways)
    else:
        assert short.loser.reason is PathReason.NO_FEEDER
        assert short.loser.at is not None
        assert "of the capacity day" in short.loser.text


def test_a_satellite_whose_beams_are_all_lit_elsewhere_loses_at_that_time() -> None:
    day = CapacityDay(
        datetime(2026, 8, 23, tzinfo=UTC),
        mpower().lowest_elevation_deg,
        mpower().rule,
        tuple(FlownThen(one.id, one.name, one.elements) for one in mpower().satellites),
    )
    busy = tuple(CellsLit(one.id, (3,) * SLOTS) for one in mpower().satellites)
    inputs = PassingInputs(
        START, START, 12, "CD", 1400.0, mpower(), Assumptions(), day=day, beams_per_satellite=4, cells_lit=busy
    )
    assert decide_constellation(inputs, asked()).solutions
    lost = decide_constellation(replace(inputs, beams_per_satellite=3), asked()).loser
    assert lost is not None
    assert (lost.reason, lost.unit) == (PathReason.NO_BEAM, "beams")
    assert lost.at is not None
    assert "lights 3 other cells at" in lost.text
    unknown = decide_constellation(replace(inputs, day=None), asked()).loser
    assert unknown is not None
    assert unknown.reason is PathReason.NO_ELEMENTS


def test_where_ports_are_what_is_missing_the_hubs_are_named() -> None:
    busy = replace(
        mpower(), gateways=tuple(replace(one, free_ports=int(one is HORTOLANDIA)) for one in mpower().gateways)
    )
    lost = answer(busy, asked()).loser
    assert lost is not None
    assert lost.reason is PathReason.NO_HUB_PORT
    assert "Nemea at Nemea, Karachi at Karachi" in lost.text


def test_a_satellite_with_old_elements_is_left_out_and_all_that_are_old_lose() -> None:
    """They are judged by the day that is planned for, not by the days that the plan is made of."""
    inputs = PassingInputs(START, START, 12, "CD", 1400.0, mpower(), Assumptions(), elements_limit_days=30)
    first = inputs.constellation.satellites[0]
    old = replace(first, elements=replace(first.elements, epoch=START - timedelta(days=40)))
    some = replace(inputs.constellation, satellites=(old, *inputs.constellation.satellites[1:]))
    path = decide_constellation(replace(inputs, constellation=some), asked(90.0)).path
    assert path is not None
    assert first.id not in {one.satellite_id for one in path.legs}
    lost = decide_constellation(replace(inputs, at=START + timedelta(days=60)), asked()).loser
    assert lost is not None
    assert (lost.reason, lost.limit, lost.unit) == (PathReason.ELEMENTS_TOO_OLD, 30, "days")


def test_another_band_or_polarisation_than_was_asked_for_loses_by_its_name() -> None:
    for asked_for, reason in (({"bands": ("C",)}, "otherBand"), ({"polarisation": "vertical"}, "otherPolarisation")):
        lost = answer(mpower(), asked().model_copy(update=asked_for)).loser
        assert lost is not None
        assert lost.reason == reason


def a_refusal() -> PartnerAnswer:
    of = CapacityAsked(
        downlink_rate_bps=10 * MHZ,
        uplink_rate_bps=4 * MHZ,
        availability_percent=99.5,
        latitude_deg=SITE[0],
        longitude_deg=SITE[1],
        start_at=START,
    )
    limits = {"ceiling_per_mbps": {"value": 100, "unit": "USD"}, "minimum_margin_percent": 10}
    named = {"partnership_id": "p", "partner_name": "Partner", "agreement_id": "a"}
    return PartnerAnswer.model_validate(named | limits | {"asked": of, "at": START, "refusal": "no"})


def test_partners_are_judged_where_no_constellation_delivers(network: Database) -> None:
    nobody = asked().model_copy(update={"bands": ("C",)})
    with network.as_worker() as session:
        found = design(session, nobody, partners=[a_refusal()])
    assert [one.partner_name for one in found.qualification.partner_losers] == ["Partner"]
    assert found.inputs.partners == (a_refusal(),)


def test_a_constellation_that_is_not_there_is_refused_before_the_order(network: Database) -> None:
    unknown = asked().model_copy(update={"constellations": ("Teledesic",)})
    with network.as_worker() as session, pytest.raises(Refused) as refused:
        refuse_hopeless_place(session, unknown)
    assert [one.field for one in refused.value.faults] == ["/constellation"]


def test_what_an_answer_rests_on_goes_to_json_and_gives_the_same_answer() -> None:
    passing = PassingInputs(START, START, 12, "CD", 1400.0, mpower(), Assumptions())
    whole = Inputs(START, "CD", Fleet.none(), Occupancy.none(), constellations=(passing,))
    told, kept = decide_constellations(whole, asked())
    best = told.solutions[0]
    assert isinstance(best, ConstellationSolution)
    assert len(kept[0].constellation.satellites) == best.path.satellite_count
    again = solve(Inputs.of(replace(whole, constellations=kept).wire()), asked())
    assert again.solutions == told.solutions


@settings(max_examples=8)
@given(availability_percent=st.floats(98.5, 99.8))
def test_what_is_promised_is_at_least_what_is_asked_and_every_instant_closes(availability_percent: float) -> None:
    found = answer(mpower(), asked(availability_percent))
    assert found.loser is None or not found.solutions
    for one in found.solutions:
        assert one.availability_percent >= availability_percent
        for carrier in (one.forward, one.return_link):
            assert carrier.faded_margin.worst_db == pytest.approx(Assumptions().required_margin_db, abs=1e-6)
            assert carrier.margin_db == pytest.approx(carrier.faded_margin.worst_db, abs=1e-6)
            assert carrier.clear_sky_margin.worst_db > carrier.faded_margin.worst_db
            told = carrier.clear_sky_margin
            assert told.worst_db <= told.one_percent_db <= told.median_db <= told.best_db
            assert carrier.charged_bandwidth_hz <= 216 * MHZ
    charged = [one.charged_bandwidth_hz for one in found.solutions]
    assert charged == sorted(charged)


def test_the_path_is_told_without_a_hole_and_handovers_are_counted() -> None:
    path = answer(mpower(), asked(), hours=24).path
    assert path is not None
    served = [(one.start_at, one.stop_at) for one in path.legs]
    parts = sorted(served + [(one.start_at, one.stop_at) for one in path.gaps])
    assert parts[0][0] == path.start_at
    assert parts[-1][1] == path.stop_at
    assert all(one[1] == after[0] for one, after in pairwise(parts))
    assert path.handovers_per_day == len(path.legs) - 1 - len(path.gaps)
    assert min(one.lowest_elevation_deg for one in path.legs) >= 20
    assert path.availability_percent == pytest.approx(100, abs=1e-6)


@settings(max_examples=15)
@given(elevation_deg=st.floats(15, 80), share_percent=st.floats(0.002, 5))
def test_weather_between_the_steps_is_that_of_p618_and_hardly_less(elevation_deg: float, share_percent: float) -> None:
    place = AtPlace(*SITE, 1.4, 2.4, 0.65)
    steps = PlaceWeather.of(place, 28.4e9, 45.0, 15.0, 80.0)
    told = steps.attenuation(np.array([elevation_deg]), np.array([share_percent])).total_db[0, 0]
    exact = float(total_attenuation(*SITE, 28.4e9, elevation_deg, share_percent, 45.0, 2.4, 0.65, 1.4).total_db)
    assert told == pytest.approx(exact, rel=0.03, abs=0.02)
    assert told >= exact - 0.1


def test_a_place_too_far_north_has_no_path_and_the_longest_gap_is_dated() -> None:
    lost = answer(mpower(), asked(place=(55.0, 25.0))).loser
    assert lost is not None
    assert (lost.reason, lost.unit, lost.limit) == (PathReason.NO_PATH, "%", 99.5)
    assert lost.value is not None
    assert lost.value < 99.5
    assert lost.at is not None
    assert START <= lost.at < START + timedelta(hours=12)
    assert f"from {lost.at:%Y-%m-%d %H:%M:%S}Z on" in lost.text


def test_a_gateway_on_the_other_side_of_the_ocean_is_not_in_view_all_the_time() -> None:
    lost = answer(replace(mpower(), gateways=(HORTOLANDIA,)), asked()).loser
    assert lost is not None
    assert lost.reason is PathReason.NO_GATEWAY_IN_VIEW
    assert lost.value is not None
    assert 0 < lost.value < 99.5
    assert lost.at is not None


def test_every_other_loser_has_its_reason_and_number() -> None:
    facts = mpower()
    full = tuple(replace(one, free_ports=0) for one in facts.gateways)
    unapproved = tuple(replace(one, approved=False) for one in facts.terminal_types)
    weak = replace(facts, forward=BEAM.model_copy(update={"eirp_saturation_dbw": 0}))
    for case, reason, mbps in (
        (replace(facts, gateways=full), PathReason.NO_HUB_PORT, 10.0),
        (replace(facts, gateways=()), PathReason.NO_HUB_PORT, 10.0),
        (replace(facts, satellites=()), PathReason.NO_ELEMENTS, 10.0),
        (replace(facts, licences=()), PathReason.NO_LICENCE, 10.0),
        (replace(facts, terminal_types=unapproved), PathReason.NO_APPROVED_TERMINAL, 10.0),
        (weak, PathReason.LINK_DOES_NOT_CLOSE, 10.0),
        (facts, PathReason.NO_BANDWIDTH, 1200.0),
    ):
        lost = answer(case, asked(95.0, mbps=mbps)).loser
        assert lost is not None
        assert lost.reason is reason, lost.text
        assert lost.value is not None
        assert lost.limit is not None
        assert lost.value < lost.limit or reason is PathReason.LINK_DOES_NOT_CLOSE
        assert lost.unit


def test_what_a_licence_does_not_let_pass_is_not_sold_over_a_constellation() -> None:
    facts, year = replace(mpower(), satellite_count=10), timedelta(days=365)
    licence = facts.licences[0]

    def lost(demand: ConstellationDemand, **changes: Any) -> ConstellationLoser:
        told = answer(replace(facts, licences=(replace(licence, **changes),)), demand).loser
        assert told is not None
        return told

    for_a_year = asked(95.0).model_copy(update={"stop_at": START + year})
    ends = lost(for_a_year, valid_until=(START + year).date() - timedelta(days=31))
    assert (ends.reason, ends.limit, ends.unit) == (PathReason.LICENCE_EXPIRES, 0, "days")
    assert ends.value == pytest.approx(30, abs=1)
    small = lost(asked(95.0), least_antenna_diameter_m=30.0)
    assert (small.reason, small.limit, small.unit) == (PathReason.ANTENNA_BELOW_LICENCE, 30.0, "m")
    dense = lost(asked(95.0), eirp_density_limit_dbw_per_hz=-80.0)
    assert (dense.reason, dense.limit, dense.unit) == (PathReason.LICENSED_DENSITY, -80.0, "dBW/Hz")
    assert "(licence of the country)" in dense.text
    assert lost(asked(95.0), eirp_limit_dbw=5.0).reason is PathReason.LINK_DOES_NOT_CLOSE
    unbound = replace(licence, eirp_density_limit_dbw_per_hz=60.0, eirp_limit_dbw=90.0)
    assert answer(replace(facts, licences=(unbound,)), asked(95.0)).solutions


def test_a_gateway_without_a_free_port_serves_nobody() -> None:
    facts = mpower()
    full = tuple(replace(one, free_ports=int(one is not NEMEA)) for one in facts.gateways)
    path = answer(replace(facts, gateways=full), asked(90.0)).path
    assert path is not None
    assert "Nemea" not in {one.earth_station_name for one in path.legs}
    open_path = answer(facts, asked()).path
    assert open_path is not None
    assert "Nemea" in {one.earth_station_name for one in open_path.legs}


@pytest.fixture
def network(database: Database) -> Iterator[Database]:
    with clock.at(START):
        load(database, EXAMPLES / "meo_operator", dry_run=False, by="ada at the command line")
        yield database


def test_the_example_is_delivered_in_dr_congo_and_old_elements_are_not_carried_on(network: Database) -> None:
    with network.as_worker() as session:
        found = qualify_constellation(session, "o3b MPOWER", asked())
        assert [one.terminal_type_name for one in found.solutions]
        assert found.path is not None
        assert found.path.start_at == START
        assert found.solutions[0].licence_reference == "ARPTC/VSAT/KA/2024"
        assert all(one.illustrative for one in found.solutions)
        assert all(one.forward.limits_kept and one.return_link.limits_kept for one in found.solutions)
        facts = constellation_inputs(session, "O3b mPOWER", asked()).constellation
        assert facts.satellite_count == len(facts.satellites) == 10
        newest = max(one.elements.epoch for one in facts.satellites)
    with clock.at(START + timedelta(days=60)), network.as_worker() as session:
        later = constellation_inputs(session, "O3b mPOWER", asked())
        assert later.start_at == newest + timedelta(days=7)
        session.exec(select(Operator)).one().elements_limit_days = 14
        session.flush()
        lost = qualify_constellation(session, "O3b mPOWER", asked()).loser
        assert lost is not None
        assert (lost.reason, lost.limit) == (PathReason.ELEMENTS_TOO_OLD, 14)
        sold = design(session, asked().model_copy(update={"start_at": START + timedelta(days=60)})).qualification
        assert [one.reason for one in sold.losers] == [PathReason.ELEMENTS_TOO_OLD]


def test_a_question_that_makes_no_sense_is_refused_by_field(network: Database) -> None:
    with network.as_worker() as session:
        for called, demand, hours, field in (
            ("Teledesic", asked(), 24, "/constellation"),
            ("O3b mPOWER", asked(), 0, "/hours"),
            ("O3b mPOWER", asked(), 169, "/hours"),
            ("O3b mPOWER", asked(99.999), 24, "/availabilityPercent"),
            ("O3b mPOWER", asked(place=(0.0, -30.0)), 24, "/latitudeDeg"),
        ):
            with pytest.raises(Refused) as refused:
                qualify_constellation(session, called, demand, hours)
            assert [one.field for one in refused.value.faults] == [field]
