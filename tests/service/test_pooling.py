"""Access over shared carriers on the demonstration network: what a site gets of a pool, and what it takes."""

from collections.abc import Iterator

import pytest

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.carrier_pool import WantedShare
from satcom.resource.hold import Owner, Period
from satcom.service.demand import AccessDemand
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import solve
from satcom.service.evidence import keep, largest_difference, recompute
from satcom.service.qualification import design, qualify
from satcom.service.solution import AccessSolution
from satcom.service.way import Reason
from tests.postgres_server import drop_database, new_database
from tests.resource.a_network import tomorrow
from tests.resource.held_alone import hold_share
from tests.service.shared_carriers import load_pools, the_access
from tests.service.the_demonstration import ORDERED_AT, identifier, load_the_network

SATELLITE = "Eutelsat 10B"


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    url = new_database(template)
    database = Database(url, connections=2)
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        load_pools(session)
        whole = design(session, the_access()).inputs
    yield whole
    database.close()
    drop_database(url)


def best(facts: Inputs, demand: AccessDemand) -> AccessSolution:
    found = solve(facts, demand).solutions[0]
    assert isinstance(found, AccessSolution)
    return found


def test_the_mine_is_served_from_the_pools_of_its_beam_and_every_other_satellite_says_why_not(facts: Inputs) -> None:
    answer = solve(facts, the_access())
    assert {one.space_segment_name for one in answer.solutions} == {SATELLITE}
    assert {one.space_segment_name for one in answer.losers} >= {"Amos-17", "Intelsat 39", "SES-9"}
    told = {one.space_segment_name: one.reason for one in answer.losers}
    assert (told["Amos-17"], told["SES-9"]) == (Reason.NO_POOL, Reason.BELOW_MASK)


def test_what_is_committed_is_counted_in_rain_and_what_is_not_under_clear_sky(facts: Inputs) -> None:
    way = best(facts, the_access())
    for carrier, share in ((way.forward, way.forward_pool), (way.return_link, way.return_pool)):
        assert carrier.margin_db >= 0.5
        assert share.cir_baud * 10 > share.mir_baud  # the committed fifth takes more symbols a bit
        assert share.mir_baud <= carrier.symbol_rate_baud
    assert way.charged_bandwidth_hz < 2_000_000


def test_more_availability_or_a_smaller_dish_never_takes_less_of_a_pool(facts: Inputs) -> None:
    taken = [best(facts, the_access(availability_percent=one)).forward_pool.cir_baud for one in (98.0, 99.5, 99.95)]
    assert taken == sorted(taken)
    by_dish = {one.antenna_diameter_m: one for one in solve(facts, the_access()).to_sites}
    takes = [by_dish[size].charged_bandwidth_hz for size in sorted(by_dish)]
    assert takes == sorted(takes, reverse=True)


def test_a_rate_that_no_carrier_of_the_pool_carries_is_told_with_its_number(facts: Inputs) -> None:
    [loser] = [
        one for one in solve(facts, the_access(uplink_rate_bps=9_000_000)).losers if one.space_segment_name == SATELLITE
    ]
    assert (loser.reason, loser.unit, loser.limit is not None) == (Reason.POOL_CONTENDED, "baud", True)


def test_more_committed_than_the_maximum_is_no_demand(facts: Inputs, database: Database) -> None:
    with database.as_worker() as session, pytest.raises(Refused) as refused:
        qualify(session, the_access(downlink_committed_rate_bps=6_000_000))
    assert [one.field for one in refused.value.faults] == ["/downlinkCommittedRateBps"]


def test_a_pool_that_is_promised_away_serves_nobody_else(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        load_pools(session)
        demand = the_access()
        period, nobody = Period(demand.start_at), Owner(None, None, None)
        first = qualify(session, demand)
        hold_share(
            session,
            WantedShare(identifier("CarrierPool", "forward"), 1, 1, 4_700_000, 4_700_000),
            period,
            nobody,
            tomorrow(),
        )
        [loser] = [one for one in qualify(session, demand).losers if one.space_segment_name == SATELLITE]
        assert first.solutions
        assert (loser.reason, loser.value) == (Reason.NO_COMMITTED_RATE, 100_000)


def test_the_evidence_of_an_access_is_computed_again_to_the_last_digit(database: Database) -> None:
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        load_pools(session)
        evidence = keep(session, design(session, the_access()))
        session.expire(evidence)
        assert largest_difference(evidence.result, recompute(evidence)) <= 1e-9
        assert evidence.result.solutions
