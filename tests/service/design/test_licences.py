"""Licences: what a country's licence does not let pass is no solution, and says so by code and number."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any  # what a licence may be changed by

import numpy as np
import pytest

from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import solve
from satcom.service.way import CarrierPlan, Loser, Reason
from tests.service.demonstration_facts import the_demonstration_facts
from tests.service.shared_carriers import the_access
from tests.service.the_demonstration import START, the_demand


@pytest.fixture(scope="module")
def facts(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template) as whole:
        yield whole


@pytest.fixture(scope="module")
def pools(template: str) -> Iterator[Inputs]:
    with the_demonstration_facts(template, with_pools=True) as whole:
        yield whole


def with_licences(facts: Inputs, **changes: Any) -> Inputs:
    """Every licence changed alike."""
    licences = tuple(replace(one, **changes) for one in facts.fleet.licences)
    return replace(facts, fleet=replace(facts.fleet, licences=licences))


def uplink_eirp_dbw(carrier: CarrierPlan) -> float:
    value = next(one.clear_sky for one in carrier.budget if one.label == "Uplink EIRP")
    assert value is not None
    return value


def losers_for(facts: Inputs, reason: Reason, **demand: object) -> list[Loser]:
    answer = solve(facts, the_demand(**demand))
    assert answer.to_sites == ()
    found = [one for one in answer.losers if one.reason is reason]
    assert found
    return found


def test_a_licence_that_ends_within_the_term_is_told_with_the_days_that_are_missing(facts: Inputs) -> None:
    short = with_licences(facts, valid_until=(START + timedelta(days=100)).date())
    stop_at = START + timedelta(days=131)
    for one in losers_for(short, Reason.LICENCE_EXPIRES, stop_at=stop_at):
        assert (one.value, one.limit, one.unit) == (30, 0, "days")
        assert f"ends on {short.fleet.licences[0].valid_until}, the term on" in one.text
    assert solve(short, the_demand(stop_at=START + timedelta(days=101))).to_sites
    assert solve(short, the_demand(stop_at=None)).to_sites  # licences are renewed


def test_a_place_that_is_not_licensed_on_the_first_day_has_no_licence(facts: Inputs) -> None:
    later = with_licences(facts, valid_from=(START + timedelta(days=1)).date())
    for one in losers_for(later, Reason.NO_LICENCE):
        assert (one.value, one.limit, one.unit) == (0, 1, "licences")


def test_an_antenna_smaller_than_the_licence_asks_for_is_told_with_both_diameters(facts: Inputs) -> None:
    strict = with_licences(facts, least_antenna_diameter_m=12.0)
    for one in losers_for(strict, Reason.ANTENNA_BELOW_LICENCE):
        assert one.value is not None
        assert (0 < one.value < 12, one.limit, one.unit) == (True, 12.0, "m")
    largest = max(one.antenna_diameter_m for one in facts.fleet.terminal_types)
    ways = solve(with_licences(facts, least_antenna_diameter_m=largest), the_demand()).to_sites
    assert {one.antenna_diameter_m for one in ways} <= {largest}


def test_a_density_over_the_licence_is_told_with_its_reference_and_one_within_is_offered(facts: Inputs) -> None:
    strict = with_licences(facts, eirp_density_limit_dbw_per_hz=-60.0)
    for one in losers_for(strict, Reason.LICENSED_DENSITY, bands=("Ku",)):
        assert one.value is not None
        assert (one.limit, one.unit) == (-60.0, "dBW/Hz")
        assert f"return: {one.value + 60:.1f} dB denser than allowed (licence ARPTC" in one.text
    demand = the_demand(bands=("Ku",))
    best = solve(facts, demand).to_sites[0].return_link
    density = uplink_eirp_dbw(best) - 10 * np.log10(best.symbol_rate_baud)
    for way in solve(with_licences(facts, eirp_density_limit_dbw_per_hz=density - 0.5), demand).to_sites:
        sent = way.return_link
        assert uplink_eirp_dbw(sent) - 10 * np.log10(sent.symbol_rate_baud) <= density - 0.5


def test_no_terminal_sends_more_than_its_licence_allows(facts: Inputs) -> None:
    demand = the_demand(bands=("Ku",))
    freely = [uplink_eirp_dbw(one.return_link) for one in solve(facts, demand).to_sites]
    for limit in (min(freely) + 0.1, (min(freely) + max(freely)) / 2, max(freely)):
        ways = solve(with_licences(facts, eirp_limit_dbw=limit), demand).to_sites
        assert ways
        assert all(uplink_eirp_dbw(one.return_link) <= limit + 1e-6 for one in ways)
    assert solve(with_licences(facts, eirp_limit_dbw=-20.0), demand).to_sites == ()


def test_a_carrier_that_the_licensed_eirp_stops_is_told_with_what_is_asked_and_allowed(
    facts: Inputs, pools: Inputs
) -> None:
    for whole, demand in ((facts, the_demand(bands=("Ku",))), (pools, the_access(bands=("Ku",)))):
        answer = solve(with_licences(whole, eirp_limit_dbw=5.0), demand)
        assert answer.to_sites == ()
        found = [one for one in answer.losers if one.reason is Reason.LICENSED_EIRP]
        assert found
        for one in found:
            assert one.value is not None
            assert (one.value > 5.0, one.limit, one.unit) == (True, 5.0, "dBW")
            told = re.search(r"return: (\S+) dBW EIRP asked, 5 dBW allowed \(licence ARPTC", one.text)
            assert told
            assert float(told[1]) == pytest.approx(one.value, abs=0.056)  # both are rounded: to 0.1 and 0.01
    # what is asked is what would do
    asked = min(one.value or 0 for one in losers_for(with_licences(facts, eirp_limit_dbw=5.0), Reason.LICENSED_EIRP))
    assert solve(with_licences(facts, eirp_limit_dbw=asked + 0.1), the_demand()).to_sites
    assert not solve(with_licences(facts, eirp_limit_dbw=asked - 0.1), the_demand(bands=("Ku",))).to_sites


def test_shared_carriers_keep_the_licence_too(pools: Inputs) -> None:
    access = the_access(bands=("Ku",))
    way = solve(pools, access).to_sites[0]
    one = way.return_link
    density = uplink_eirp_dbw(one) - 10 * np.log10(one.symbol_rate_baud)
    for held in solve(with_licences(pools, eirp_density_limit_dbw_per_hz=density - 1), access).to_sites:
        sent = held.return_link
        assert uplink_eirp_dbw(sent) - 10 * np.log10(sent.symbol_rate_baud) <= density - 1 + 1e-6


def test_a_licence_that_sets_nothing_changes_nothing_and_old_evidence_reads_as_such(facts: Inputs) -> None:
    loose = with_licences(facts, eirp_density_limit_dbw_per_hz=60.0, eirp_limit_dbw=100.0, call_sign="9Q5 ABC")
    assert solve(loose, the_demand()) == solve(facts, the_demand())
    stored = loose.wire()
    assert isinstance(stored, dict)
    fleet = stored["fleet"]
    assert isinstance(fleet, dict)
    assert isinstance(fleet["licences"], list)
    for one in fleet["licences"]:
        assert isinstance(one, dict)
        for name in ("call_sign", "eirp_limit_dbw", "eirp_density_limit_dbw_per_hz", "least_antenna_diameter_m"):
            del one[name]
    assert Inputs.of(stored).fleet.licences == facts.fleet.licences
