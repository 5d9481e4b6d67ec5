"""Leases on the demonstration network: which transponders can give up spectrum, with which power, and which cannot."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.hold import Owner, Period
from satcom.resource.spectrum import WantedSlot
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import solve
from satcom.service.evidence import keep, largest_difference, recompute
from satcom.service.qualification import design, qualify
from satcom.service.solution import LeaseSolution, Qualification
from satcom.service.way import Reason
from tests.postgres_server import drop_database, new_database
from tests.resource.a_network import tomorrow
from tests.resource.held_alone import hold_slot
from tests.service.the_demonstration import ORDERED_AT, START, load_the_network, the_lease

MHZ = 1_000_000
NOBODY = Owner(None, None, None)


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    url = new_database(template)
    database = Database(url, connections=2)
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        whole = design(session, the_lease(uplink_latitude_deg=None, uplink_longitude_deg=None, bands=None)).inputs
    yield whole
    database.close()
    drop_database(url)


def leases(answer: Qualification) -> list[LeaseSolution]:
    return [one for one in answer.solutions if isinstance(one, LeaseSolution)]


def test_every_satellite_can_give_spectrum_or_says_why_not(facts: Inputs) -> None:
    answer = solve(facts, the_lease())
    assert leases(answer)
    told = {one.space_segment_name for one in answer.solutions} | {one.space_segment_name for one in answer.losers}
    assert told == {one.name for one in facts.fleet.satellites}
    assert {one.space_segment_name for one in answer.solutions}.isdisjoint(
        one.space_segment_name for one in answer.losers
    )


def test_power_goes_with_bandwidth_unless_more_or_less_of_it_is_asked_for(facts: Inputs) -> None:
    [plain, *_] = leases(solve(facts, the_lease()))
    [strong, *_] = leases(solve(facts, the_lease(power_share_percent=25)))
    assert (plain.power_share_hz, plain.charged_bandwidth_hz) == (9 * MHZ, 9 * MHZ)
    assert strong.power_share_hz > 9 * MHZ
    assert strong.charged_bandwidth_hz == strong.power_share_hz
    transponder = next(one for one in facts.fleet.transponders if one.id == plain.transponder_id)
    full_dbw = transponder.eirp_saturation_dbw - transponder.output_backoff_db
    assert plain.eirp_limit_dbw < full_dbw


def test_the_tightest_piece_that_fits_is_leased_first(facts: Inputs) -> None:
    ways = leases(solve(facts, the_lease(bandwidth_hz=MHZ)))
    assert len({(one.satellite_id, one.band) for one in ways[:2]}) == 2  # the best of each comes before others


def test_what_is_asked_for_is_kept_to(facts: Inputs) -> None:
    only = leases(solve(facts, the_lease(satellites=("sat-amos-17",), polarisation="vertical")))
    assert {(one.satellite_name, one.downlink_polarisation) for one in only} == {("Amos-17", "vertical")}
    answer = solve(facts, the_lease(downlink_latitude_deg=-43.5, downlink_longitude_deg=172.6))
    assert answer.solutions == ()
    assert {one.reason for one in answer.losers} <= {Reason.OUTSIDE_CONTOUR, Reason.NOT_IN_SERVICE}


def test_a_full_transponder_is_told_with_the_number_that_decided(facts: Inputs) -> None:
    answer = solve(facts, the_lease(bandwidth_hz=60 * MHZ))
    told = {one.reason for one in answer.losers}
    assert Reason.NO_CONTIGUOUS_SLOT in told
    [loser, *_] = [one for one in answer.losers if one.reason is Reason.NO_CONTIGUOUS_SLOT]
    assert loser.value is not None
    assert loser.limit == 60 * MHZ


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"bandwidth_hz": 0}, "/bandwidthHz"),
        ({"power_share_percent": 101}, "/powerSharePercent"),
        ({"power_share_percent": float("nan")}, "/powerSharePercent"),
        ({"uplink_longitude_deg": None}, "/uplinkLongitudeDeg"),
        ({"downlink_latitude_deg": 91}, "/downlinkLatitudeDeg"),
        ({"stop_at": START}, "/stopAt"),
    ],
)
def test_a_demand_that_is_none_is_refused_by_field(database: Database, wrong: dict[str, object], field: str) -> None:
    with database.as_worker() as session, pytest.raises(Refused) as refused:
        qualify(session, the_lease(**wrong))
    assert [one.field for one in refused.value.faults] == [field]


def test_what_was_found_can_be_held_and_is_not_offered_twice(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        demand = the_lease(satellites=("Amos-17",))
        period = Period(demand.start_at, demand.stop_at)
        held = 0
        while ways := leases(qualify(session, demand)):
            wanted = WantedSlot(ways[0].transponder_id, ways[0].bandwidth_hz, ways[0].power_share_hz)
            hold_slot(session, wanted, period, NOBODY, tomorrow())
            held += 1
        assert 3 <= held <= 18  # three transponders of 54 MHz


@settings(max_examples=30, deadline=None)
@given(width=st.integers(1, 70 * MHZ), percent=st.none() | st.floats(0.1, 100))
def test_an_offer_always_has_room_and_power(facts: Inputs, width: int, percent: float | None) -> None:
    for one in leases(solve(facts, the_lease(bandwidth_hz=width, power_share_percent=percent))):
        transponder = next(this for this in facts.fleet.transponders if this.id == one.transponder_id)
        assert one.bandwidth_hz == width <= transponder.bandwidth_hz
        assert one.power_share_hz <= transponder.bandwidth_hz
        assert one.charged_bandwidth_hz == max(one.bandwidth_hz, one.power_share_hz)


def test_the_evidence_of_a_lease_is_computed_again(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        evidence = keep(session, design(session, the_lease()))
        session.expire(evidence)
        assert evidence.result.solutions
        assert largest_difference(evidence.result, recompute(evidence)) <= 1e-9
