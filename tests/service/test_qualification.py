"""Qualification on the demonstration operator: who can carry the first order, who cannot, and by which number."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import select

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.resource.free_spectrum import TakenSpectrum
from satcom.resource.hold import Owner, Period
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import WantedSlot
from satcom.service.demand import Demand, LeaseDemand, LinkDemand
from satcom.service.design.facts import Occupancy
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import decide, solve
from satcom.service.design.survey import survey
from satcom.service.qualification import design, ends_of_life, qualify, qualify_solution, refuse_hopeless_place
from satcom.service.solution import Qualification, SiteSolution
from satcom.service.way import CarrierPlan, Reason
from tests.postgres_server import drop_database, new_database
from tests.resource.held_alone import hold_port, hold_slot
from tests.service.the_demonstration import ORDERED_AT, START, identifier, load_the_network, the_demand

NOBODY = Owner(None, None, None)
README = {
    "Intelsat 22": Reason.NO_POWER,
    "Eutelsat 8 West B": Reason.NO_CONTIGUOUS_SLOT,
    "Intelsat 37e": Reason.NO_HUB_PORT,
    "Badr-7 (Arabsat-6B)": Reason.LINK_DOES_NOT_CLOSE,
    "Eutelsat Hotbird 13G": Reason.OUTSIDE_CONTOUR,
    "Thaicom 8": Reason.OUTSIDE_CONTOUR,
    "Eutelsat Konnect": Reason.NO_LICENCE,
    "NigComSat-1R": Reason.NOT_IN_SERVICE,
    "SES-9": Reason.BELOW_MASK,
}


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    """The whole demonstration network as facts; nothing below them reads the database."""
    url = new_database(template)
    database = Database(url, connections=2)
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        whole = design(session, the_demand()).inputs
    yield whole
    database.close()
    drop_database(url)


def reasons(answer: Qualification) -> dict[str, StrEnum]:
    return {one.space_segment_name: one.reason for one in answer.losers}


def test_the_first_order_finds_who_the_readme_says_and_each_loser_its_reason(facts: Inputs) -> None:
    answer = solve(facts, the_demand())
    assert {one.satellite_name for one in answer.to_sites} == {"Amos-17", "Eutelsat 10B", "Intelsat 39"}
    assert reasons(answer) == README
    assert min(one.antenna_diameter_m for one in answer.to_sites if one.band == "Ku") <= 1.8


def test_each_loser_says_the_number_that_decided(facts: Inputs) -> None:
    told = {one.space_segment_name: one for one in solve(facts, the_demand()).losers}
    assert told["SES-9"].value == pytest.approx(-1.7, abs=0.1)
    assert told["Badr-7 (Arabsat-6B)"].value is not None
    assert told["Badr-7 (Arabsat-6B)"].value < -3
    for name in ("Intelsat 22", "Eutelsat 8 West B", "Intelsat 37e"):
        value, limit = told[name].value, told[name].limit
        assert value is not None
        assert limit is not None
        assert value < limit
    assert told["NigComSat-1R"].value == 736  # days from 2026-12-19 to 2028-12-24
    assert all(one.text for one in told.values())


def test_every_satellite_is_either_feasible_or_a_loser_once(facts: Inputs) -> None:
    answer = solve(facts, the_demand())
    feasible = {one.satellite_id for one in answer.to_sites}
    lost = [one.space_segment_id for one in answer.losers]
    assert len(lost) == len(set(lost))
    assert feasible | set(lost) == {one.id for one in facts.fleet.satellites}
    assert not feasible & set(lost)


def test_solutions_are_ranked_by_what_they_are_charged_and_each_satellite_tells_its_best(facts: Inputs) -> None:
    answer, every = solve(facts, the_demand()), every_way(facts, the_demand())
    for solutions in (answer.to_sites, every.to_sites):
        charged = [one.charged_bandwidth_hz for one in solutions]
        assert charged == sorted(charged)
    best: dict[str, SiteSolution] = {}
    for one in every.to_sites:
        best.setdefault(one.satellite_id, one)
    assert all(one in answer.to_sites for one in best.values())


def every_way(facts: Inputs, demand: LinkDemand) -> Qualification:
    """The answer with nothing left out."""
    found = survey(facts.fleet, demand, facts.country, facts.at)
    return decide(found, demand, facts.occupancy, facts.assumed, every_way=True)


@given(availability_percent=st.floats(98, 99.9), rate_bps=st.integers(256_000, 30_000_000))
@settings(max_examples=15, deadline=None)
def test_no_way_that_is_left_out_takes_less_of_its_band_with_its_terminal(
    facts: Inputs, availability_percent: float, rate_bps: int
) -> None:
    demand = the_demand(availability_percent=availability_percent, downlink_rate_bps=rate_bps)
    answer, every = solve(facts, demand), every_way(facts, demand)
    assert every.left_out == 0
    assert answer.left_out == len(every.to_sites) - len(answer.to_sites)
    least: dict[tuple[str, str], int] = {}
    for one in answer.to_sites:
        least.setdefault((one.band, one.terminal_type_id), one.charged_bandwidth_hz)
    for one in every.to_sites:
        # priced by band, terminal and capacity, whatever the list says, it costs no less than one that is told
        assert least[one.band, one.terminal_type_id] <= one.charged_bandwidth_hz + 2


def test_ways_are_left_out_when_there_are_many_and_told_when_they_are_asked_for(facts: Inputs) -> None:
    answer, every = solve(facts, the_demand()), every_way(facts, the_demand())
    assert answer.left_out > 0
    assert len(every.to_sites) == len(answer.to_sites) + answer.left_out
    assert set(map(way_of, answer.to_sites)) < set(map(way_of, every.to_sites))


def test_the_cheapest_terminal_is_told_although_another_is_smaller_and_takes_less(facts: Inputs) -> None:
    fleet = facts.fleet
    (small,) = [one for one in fleet.terminal_types if one.name == "Ku 1.80 m, 8 W"]
    # an old large antenna that takes more than the small one, and may be given away
    old = replace(small, id="old", name="Ku 3.00 m, old", antenna_diameter_m=3.0, antenna_efficiency=0.2)
    fleet = replace(fleet, terminal_types=(*fleet.terminal_types, old))
    answer = solve(replace(facts, fleet=fleet), the_demand(bands=("Ku",)))
    told = {one.terminal_type_name: one.charged_bandwidth_hz for one in answer.to_sites}
    assert old.name in told
    assert min(one.charged_bandwidth_hz for one in answer.to_sites) < told[old.name]


def way_of(solution: SiteSolution) -> tuple[str, str]:
    return solution.satellite_id, solution.terminal_type_id


def test_the_country_is_told_also_where_nobody_named_it(facts: Inputs) -> None:
    assert solve(facts, the_demand(country=None)).country == "CD"


def line(carrier: CarrierPlan, label: str) -> tuple[float, float, float]:
    row = next(one for one in carrier.budget if one.label == label)
    assert row.clear_sky is not None
    assert row.faded_up is not None
    assert row.faded_down is not None
    return row.clear_sky, row.faded_up, row.faded_down


def test_the_budget_of_each_carrier_adds_up_to_its_margin_and_its_bandwidth(facts: Inputs) -> None:
    for solution in solve(facts, the_demand()).to_sites:
        for carrier in (solution.forward, solution.return_link):
            ratios, margins = line(carrier, "C/(N+I) = Es/(N0+I0)"), line(carrier, "Margin")
            assert carrier.clear_sky_es_n0_db == ratios[0]
            assert carrier.margin_db == pytest.approx(min(margins), abs=1e-9)
            assert np.array(ratios) - carrier.required_es_n0_db == pytest.approx(np.array(margins), abs=1e-9)
            assert carrier.margin_db == pytest.approx(facts.assumed.required_margin_db, abs=1e-6)
            # whole symbols and whole hertz, both upwards
            occupied_hz = carrier.symbol_rate_baud * (1 + carrier.roll_off)
            assert carrier.occupied_bandwidth_hz == pytest.approx(occupied_hz, abs=2.5)


def test_both_carriers_of_every_solution_find_room_and_power_when_they_are_taken(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        demand = the_demand()
        answer = qualify(session, demand)
        until, period = ORDERED_AT + timedelta(hours=2), Period(demand.start_at, demand.stop_at)
        for solution in answer.to_sites:
            with session.begin_nested() as trial:
                both = sorted((solution.forward, solution.return_link), key=lambda one: -one.occupied_bandwidth_hz)
                for carrier in both:
                    width_hz, power_hz = carrier.occupied_bandwidth_hz, carrier.power_equivalent_bandwidth_hz
                    wanted = WantedSlot(carrier.transponder_id, width_hz, power_hz)
                    hold_slot(session, wanted, period, NOBODY, until)
                hold_port(session, solution.hub_id, period, NOBODY, until)
                trial.rollback()


def test_a_transponder_whose_spectrum_was_taken_is_offered_no_more(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        demand = the_demand(bands=("C",))
        best = qualify(session, demand).to_sites[0]
        until, period = ORDERED_AT + timedelta(hours=2), Period(demand.start_at, demand.stop_at)
        fitting = 0
        for width_hz in (32_000_000, 16_000_000, 8_000_000, 4_000_000, 2_000_000, 1_000_000, 500_000):
            wanted = WantedSlot(best.forward.transponder_id, width_hz, 0)
            with suppress(RuleRefused):
                while hold_slot(session, wanted, period, NOBODY, until):
                    fitting += 1
        assert fitting
        after = qualify(session, demand)
        assert best.forward.transponder_id not in {one.forward.transponder_id for one in after.to_sites}
        later = demand.model_copy(update={"start_at": demand.stop_at, "stop_at": None})
        assert best.forward.transponder_id in {one.forward.transponder_id for one in qualify(session, later).to_sites}


def test_a_full_hub_is_the_reason_when_ports_are_all_that_is_missing(facts: Inputs) -> None:
    occupied = facts.occupancy
    no_ports = Occupancy(occupied.transponder_ids, occupied.taken, dict.fromkeys(occupied.free_ports, 0))
    answer = solve(replace(facts, occupancy=no_ports), the_demand())
    assert answer.to_sites == ()
    for name in ("Amos-17", "Eutelsat 10B", "Intelsat 39", "Intelsat 37e"):
        assert reasons(answer)[name] is Reason.NO_HUB_PORT


def test_a_full_transponder_is_the_reason_when_spectrum_is_all_that_is_missing(facts: Inputs) -> None:
    answer = solve(replace(facts, occupancy=filled(facts, power_hz=0)), the_demand())
    assert answer.to_sites == ()
    assert reasons(answer)["Amos-17"] is Reason.NO_CONTIGUOUS_SLOT


def filled(facts: Inputs, power_hz: int) -> Occupancy:
    """One carrier of all time over the whole of each transponder."""
    by_id = {one.id: one for one in facts.fleet.transponders}
    ids = facts.occupancy.transponder_ids
    low = np.array([by_id[one].low_edge_hz for one in ids], dtype=np.int64)
    wide = np.array([by_id[one].bandwidth_hz for one in ids], dtype=np.int64)
    count = len(ids)
    taken = TakenSpectrum(
        np.arange(count, dtype=np.int64),
        low,
        low + wide,
        np.full(count, power_hz, dtype=np.int64),
        np.zeros(count),
        np.full(count, np.inf),
    )
    return Occupancy(ids, taken, facts.occupancy.free_ports)


def only_one_transponder(facts: Inputs, left_hz: int, power_left_hz: int) -> Inputs:
    """The C 1H of Amos-17 alone, with one free piece of `left_hz` between the guard bands and this much power."""
    one = next(
        one for one in facts.fleet.transponders if one.name == "C 1H" and one.id in facts.occupancy.transponder_ids
    )
    fleet = replace(facts.fleet, transponders=(one,))
    start_hz = one.low_edge_hz + one.guard_band_hz + left_hz + one.guard_band_hz // 2
    width_hz = max(one.low_edge_hz + one.bandwidth_hz - start_hz, 1)
    first, start, stop, power = np.array(
        [[0], [start_hz], [start_hz + width_hz], [one.bandwidth_hz - power_left_hz]], dtype=np.int64
    )
    taken = TakenSpectrum(first, start, stop, power, np.zeros(1), np.full(1, np.inf))
    return replace(facts, fleet=fleet, occupancy=Occupancy((one.id,), taken, facts.occupancy.free_ports))


@settings(max_examples=60, deadline=None)
@given(
    left_hz=st.integers(500_000, 9_000_000),
    power_left_hz=st.integers(500_000, 9_000_000),
    more_hz=st.integers(0, 10**6),
)
def test_both_carriers_on_one_transponder_fit_into_what_is_left_and_more_room_loses_nothing(
    facts: Inputs, left_hz: int, power_left_hz: int, more_hz: int
) -> None:
    narrow = only_one_transponder(facts, left_hz, power_left_hz)
    answer = solve(narrow, the_demand())
    for one in answer.to_sites:
        carriers = one.forward, one.return_link
        guard_hz = narrow.fleet.transponders[0].guard_band_hz
        assert sum(carrier.occupied_bandwidth_hz for carrier in carriers) + guard_hz <= left_hz
        assert sum(carrier.power_equivalent_bandwidth_hz for carrier in carriers) <= power_left_hz
    if answer.to_sites:
        wide = solve(only_one_transponder(facts, left_hz + more_hz, power_left_hz + more_hz), the_demand())
        assert wide.to_sites
    else:
        assert reasons(answer)["Amos-17"] in (Reason.NO_CONTIGUOUS_SLOT, Reason.NO_POWER)


def test_where_the_cheapest_two_carriers_have_no_room_together_narrower_ones_are_found(facts: Inputs) -> None:
    cheapest = solve(only_one_transponder(facts, 9_000_000, 9_000_000), the_demand()).to_sites[0]
    occupied = [one.occupied_bandwidth_hz for one in (cheapest.forward, cheapest.return_link)]
    tight_hz = sum(occupied) + facts.fleet.transponders[0].guard_band_hz - 1
    squeezed = solve(only_one_transponder(facts, tight_hz, 9_000_000), the_demand()).to_sites
    assert squeezed
    assert squeezed[0].charged_bandwidth_hz > cheapest.charged_bandwidth_hz


@settings(max_examples=25, deadline=None)
@given(
    one=st.floats(98.0, 99.95),
    other=st.floats(98.0, 99.95),
    downlink=st.integers(256_000, 60_000_000),
    uplink=st.integers(128_000, 4_000_000),
)
def test_more_availability_never_takes_less_bandwidth(
    facts: Inputs, one: float, other: float, downlink: int, uplink: int
) -> None:
    less, more = sorted((one, other))
    cheap, dear = (
        solve(facts, the_demand(availability_percent=asked, downlink_rate_bps=downlink, uplink_rate_bps=uplink))
        for asked in (less, more)
    )
    if dear.to_sites:
        assert cheap.to_sites
        # a hertz for each of the two whole numbers
        assert cheap.to_sites[0].charged_bandwidth_hz <= dear.to_sites[0].charged_bandwidth_hz + 2


@settings(max_examples=40, deadline=None)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_any_place_on_earth_has_an_answer_that_names_every_satellite(
    facts: Inputs, latitude: float, longitude: float
) -> None:
    asked = the_demand(latitude_deg=latitude, longitude_deg=longitude, altitude_m=None)
    answer = solve(facts, asked)
    named = {one.space_segment_id for one in answer.to_sites} | {one.space_segment_id for one in answer.losers}
    assert named == {one.id for one in facts.fleet.satellites}
    numbers = [one.elevation_deg for one in answer.to_sites]
    assert all(number >= 5 for number in numbers)


def test_the_same_question_has_the_same_answer(facts: Inputs) -> None:
    assert solve(facts, the_demand()) == solve(facts, the_demand())


def test_what_the_customer_accepts_is_kept_to(facts: Inputs) -> None:
    only_c = solve(facts, the_demand(bands=("C",)))
    assert {one.band for one in only_c.to_sites} == {"C"}
    small = solve(facts, the_demand(terminal_types=("Ku 1.80 m, 8 W",)))
    assert solve(facts, the_demand(terminal_types=("term-ku-180",))).to_sites == small.to_sites
    assert {one.terminal_type_name for one in small.to_sites} == {"Ku 1.80 m, 8 W"}
    vertical = solve(facts, the_demand(polarisation="vertical"))
    assert vertical.to_sites
    assert {one.forward.downlink_polarisation for one in vertical.to_sites} == {"vertical"}
    unapproved = solve(facts, the_demand(terminal_types=("C 1.80 m, 5 W",)))
    assert reasons(unapproved)["Amos-17"] is Reason.NO_APPROVED_TERMINAL


def test_where_no_country_is_nothing_is_licensed(facts: Inputs) -> None:
    at_sea = solve(replace(facts, country=None), the_demand())
    assert at_sea.to_sites == ()
    assert reasons(at_sea)["Amos-17"] is Reason.NO_LICENCE
    assert "no country" in next(one.text for one in at_sea.losers if one.space_segment_name == "Amos-17")


def test_an_order_that_outlives_a_satellite_is_told_so(facts: Inputs) -> None:
    start = datetime(2028, 3, 1, tzinfo=UTC)
    late = solve(facts, the_demand(start_at=start, stop_at=start.replace(year=2030, month=9)))
    assert reasons(late)["Intelsat 22"] is Reason.NOT_IN_SERVICE
    assert reasons(late)["Eutelsat 8 West B"] is Reason.NOT_IN_SERVICE


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"latitude_deg": math.nan}, "/latitudeDeg"),
        ({"longitude_deg": 181.0}, "/longitudeDeg"),
        ({"downlink_rate_bps": 0}, "/downlinkRateBps"),
        ({"uplink_rate_bps": 10**15}, "/uplinkRateBps"),
        ({"availability_percent": 100.0}, "/availabilityPercent"),
        ({"altitude_m": math.inf}, "/altitudeM"),
        ({"stop_at": datetime(2020, 1, 1, tzinfo=UTC)}, "/stopAt"),
        ({"start_at": datetime(9000, 1, 1, tzinfo=UTC), "stop_at": None}, "/startAt"),
        ({"country": "NO"}, "/country"),
    ],
)
def test_absurd_demands_are_refused_by_name(database: Database, wrong: dict[str, object], field: str) -> None:
    with database.as_worker() as session, pytest.raises(Refused) as refused:
        qualify(session, the_demand(**wrong))
    assert [one.field for one in refused.value.faults] == [field]


def test_an_order_gets_the_way_it_was_quoted_as_long_as_that_is_feasible(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        demand = the_demand()
        solutions = qualify(session, demand).to_sites
        quoted = solutions[-1]
        assert qualify_solution(session, demand) == solutions[0]
        assert qualify_solution(session, demand, quoted) == quoted
        narrower = demand.model_copy(update={"bands": ("C",)})
        assert quoted.band == "Ku"
        assert qualify_solution(session, narrower, quoted).band == "C"


def test_an_order_that_nobody_can_carry_is_refused_with_every_reason(database: Database) -> None:
    simandou: dict[str, object] = {"latitude_deg": 8.517, "longitude_deg": -8.9, "altitude_m": 700, "country": "GN"}
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        with pytest.raises(RuleRefused) as refused:
            qualify_solution(session, the_demand(**simandou))
    (fault,) = refused.value.faults
    assert fault.field == "/place"
    assert fault.code == Reason.NO_LICENCE.value
    assert "Amos-17: no C-band licence in GN" in fault.why or "Amos-17: no Ku-band licence in GN" in fault.why


def at_place(latitude: float, longitude: float, **more: object) -> Demand:
    return the_demand(latitude_deg=latitude, longitude_deg=longitude, altitude_m=None, **{"country": None} | more)


@pytest.mark.parametrize(
    ("latitude", "longitude", "code", "told"),
    [
        (0.0, 5.0, "noCountry", "latitude 0, longitude 5 lies in no country"),
        (-43.5, 172.6, "outsideContour", "under no beam"),
        (-80.0, 25.0, "belowMask", "1.3 deg, at least 5.0"),
        (40.0, -100.0, "belowMask", "-2.6 deg"),
    ],
)
def test_a_place_that_nobody_will_ever_reach_is_refused_for_what_it_is(
    database: Database, latitude: float, longitude: float, code: str, told: str
) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        with pytest.raises(RuleRefused) as refused:
            refuse_hopeless_place(session, at_place(latitude, longitude))
        with pytest.raises(Refused) as elsewhere:
            refuse_hopeless_place(session, at_place(latitude, longitude, country="CD"))
    (fault,) = refused.value.faults
    assert (fault.field, fault.code) == ("/latitudeDeg", code)
    assert told in fault.why
    assert [one.field for one in elsewhere.value.faults] == ["/country"]


def test_a_place_is_not_hopeless_for_want_of_a_licence_a_satellite_in_service_room_or_a_port(
    database: Database,
) -> None:
    simandou = at_place(8.517, -8.9)
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        refuse_hopeless_place(session, simandou)
        assert not qualify(session, simandou).to_sites
        connection = session.connection()
        connection.exec_driver_sql("UPDATE satellite SET in_service_date = NULL, state = 'planned'")
        connection.exec_driver_sql("DELETE FROM element_set")
        connection.exec_driver_sql("UPDATE hub SET ports = 0")
        assert not qualify(session, the_demand()).to_sites
        refuse_hopeless_place(session, the_demand())


def test_no_place_with_a_way_is_called_hopeless_and_the_others_only_for_reasons_of_the_place(
    database: Database,
) -> None:
    of_the_place = {Reason.NOT_IN_SERVICE, Reason.NO_LICENCE, Reason.BELOW_MASK, Reason.OUTSIDE_CONTOUR}
    hopeless = hopeful = 0
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        for latitude in range(-78, 80, 6):
            for longitude in range(-180, 180, 9):
                demand = at_place(latitude, longitude)
                try:
                    refuse_hopeless_place(session, demand)
                except RuleRefused as refused:
                    if refused.faults[0].code != "noCountry" and (hopeless := hopeless + 1) % 10 == 0:
                        answer = qualify(session, demand)
                        assert not answer.to_sites, demand
                        assert set(reasons(answer).values()) <= of_the_place, demand
                else:
                    hopeful += 1
    assert hopeless > 50
    assert hopeful > 50


def test_a_place_is_judged_by_two_statements_and_without_a_fleet_only_by_the_map(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        refuse_hopeless_place(session, at_place(-43.5, 172.6))
        with pytest.raises(RuleRefused):
            refuse_hopeless_place(session, at_place(0, 5))
        load_the_network(session)
        refuse_hopeless_place(session, the_demand())
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda _, __, sql, *___: asked.append(sql))
        refuse_hopeless_place(session, the_demand())
        assert len(asked) == 2  # whether a partner could serve, and whether the fleet is the one that is known


def test_a_question_about_a_place_at_sea_is_refused(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        with pytest.raises(RuleRefused) as refused:
            qualify(session, at_place(0, 5))
    assert [one.code for one in refused.value.faults] == ["noCountry"]


def test_what_is_asked_for_without_end_lasts_a_year_at_least_and_is_told_until_when(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        amos = session.exec(select(Satellite).where(Satellite.name == "Amos-17")).one()
        year_later = START.date().replace(year=START.year + 1)
        demand: Demand = the_demand(stop_at=None)
        for end, serves in ((year_later - timedelta(days=1), False), (year_later, True)):
            amos.end_of_life_date = end
            session.flush()
            answer = qualify(session, demand)
            assert (reasons(answer).get("Amos-17") is Reason.NOT_IN_SERVICE) is not serves
            lease = qualify(session, LeaseDemand(capacity="leasedSpectrum", bandwidth_hz=10**6, start_at=START))
            for one in (answer, lease):
                assert ("Amos-17" in {way.space_segment_name for way in one.solutions}) is serves
            assert ends_of_life(session, demand, answer.solutions).get(amos.id) == (end if serves else None)
        assert ends_of_life(session, the_demand(), answer.solutions) == {}, "it has an end of its own"
        amos.end_of_life_date = year_later - timedelta(days=1)
        session.flush()
        (told,) = [one for one in qualify(session, demand).losers if one.space_segment_id == amos.id]
        assert f"ends its life on {amos.end_of_life_date}, what has no end is to last until {year_later}" in told.text
        in_place = design(session, demand, without=[new_id()], in_place=True).qualification
        assert amos.id in {way.space_segment_id for way in in_place.solutions}, (
            "what is there may change to the last day"
        )
        held = design(session, demand, without=[new_id()]).qualification
        assert amos.id not in {way.space_segment_id for way in held.solutions}, (
            "a hold that is taken up is no service yet"
        )


def test_a_change_of_the_network_is_seen_by_the_next_question(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
    demand: Demand = the_demand()
    with clock.at(ORDERED_AT), database.as_worker() as session:
        assert "Amos-17" in {one.satellite_name for one in qualify(session, demand).to_sites}
        satellite_id = identifier("Satellite", "sat-amos-17")
        session.connection().exec_driver_sql(
            "UPDATE satellite SET end_of_life_date = '2027-01-01' WHERE id = %(id)s", {"id": satellite_id}
        )
        assert reasons(qualify(session, demand))["Amos-17"] is Reason.NOT_IN_SERVICE
