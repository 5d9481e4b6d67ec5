"""A service is accepted when it measures as planned, and both numbers are kept."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import from_body, new_id, wire
from satcom.core.errors import NotFound, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter, revise, withdraw
from satcom.resource.drivers.port import Measurement
from satcom.service.demand import Direction
from satcom.service.inventory import Service
from satcom.service.service_test import (
    Deviation,
    ServiceTestState,
    accept,
    judge,
    latest_test,
    record_test,
)
from satcom.service.service_test_specification import (
    ServiceTestSpecification,
)
from tests.service.a_service import a_service
from tests.service.a_solution import a_solution, as_planned, weaker

TOLERANCE_DB = 1.0
RULE = "/testMeasureDefinition/0/thresholdRule/0"
directions = st.sampled_from(["forward", "return"])


def codes(measured: Measurement) -> list[tuple[str, str, bool]]:
    return [(one.metric, one.code, one.fails) for one in judge(a_solution(), measured)]


def test_what_measures_as_planned_has_no_deviation() -> None:
    assert judge(a_solution(), as_planned(a_solution())) == []


@given(direction=directions, by_db=st.floats(-30, 30))
def test_weaker_than_the_tolerance_fails_and_stronger_is_only_reported(direction: Direction, by_db: float) -> None:
    measured = weaker(as_planned(a_solution()), direction, by_db)
    metric = f"{direction}EsN0"
    if by_db > TOLERANCE_DB + 1e-9:
        assert codes(measured) == [(metric, "belowPlan", True)]
    elif by_db < -TOLERANCE_DB - 1e-9:
        assert codes(measured) == [(metric, "abovePlan", False)]
    elif abs(by_db) < TOLERANCE_DB - 1e-9:
        assert codes(measured) == []


@given(weak=st.floats(-30, 30), by_db=st.floats(0, 30))
def test_a_weaker_signal_never_passes_where_a_stronger_one_fails(weak: float, by_db: float) -> None:
    stronger_one = weaker(as_planned(a_solution()), "forward", weak)
    weaker_one = weaker(stronger_one, "forward", by_db)
    fails = [any(one.fails for one in judge(a_solution(), measured)) for measured in (stronger_one, weaker_one)]
    assert fails != [True, False]


def test_a_carrier_without_lock_fails_whatever_it_reads() -> None:
    good = as_planned(a_solution())
    assert good.return_link is not None
    assert codes(replace(good, forward=replace(good.forward, locked=False))) == [("forwardLocked", "notLocked", True)]
    assert codes(replace(good, return_link=None)) == [("returnLocked", "notLocked", True)]
    dark = replace(good.return_link, locked=False, es_over_n0_db=None, throughput_bps=0)
    assert codes(replace(good, return_link=dark)) == [("returnLocked", "notLocked", True)]


@pytest.mark.parametrize("reading", [None, float("nan"), float("inf")])
def test_a_reading_that_is_none_is_no_reading(reading: float | None) -> None:
    good = as_planned(a_solution())
    blind = replace(good, forward=replace(good.forward, es_over_n0_db=reading), round_trip_latency_s=reading)
    assert codes(blind) == [("forwardEsN0", "noReading", True), ("roundTripLatency", "noReading", True)]


def test_the_rate_that_was_sold_passes_and_one_bit_less_does_not() -> None:
    good = as_planned(a_solution())
    slow = replace(good, forward=replace(good.forward, throughput_bps=good.forward.throughput_bps - 1))
    assert codes(slow) == [("forwardThroughput", "belowRate", True)]


@pytest.mark.parametrize(
    ("latency_s", "passes"), [(0.1, False), (0.476, False), (0.5, True), (0.6, True), (1.2, False)]
)
def test_the_latency_is_that_of_a_geostationary_satellite(latency_s: float, passes: bool) -> None:
    found = codes(replace(as_planned(a_solution()), round_trip_latency_s=latency_s))
    assert found == ([] if passes else [("roundTripLatency", "latencyOutOfRange", True)])


def test_a_test_keeps_plan_and_measurement_side_by_side(database: Database) -> None:
    with database.as_worker() as session:
        service = a_service(session)
        test = record_test(session, service.id, weaker(as_planned(a_solution()), "forward", 3.0), a_solution())
        body: Any = wire(test)
    planned = {one["name"]: one["value"] for one in body["characteristic"]}
    measured = {one["metricName"]: one["value"]["value"] for one in body["testMeasure"]}
    broken = {one["metricName"] for one in body["testMeasure"] if one["ruleViolation"]}
    assert (planned["plannedForwardEsN0"], measured["forwardEsN0"]) == (12.0, 9.0)
    assert (planned["plannedReturnThroughput"], measured["returnThroughput"]) == (400_000, 400_000)
    assert broken == {"forwardEsN0"}
    assert body["state"] == "failed"
    assert body["relatedService"]["id"] == service.id
    assert not {"deviations", "serviceId"} & body.keys()


def test_a_failed_test_is_refused_with_its_number_and_its_limit(database: Database) -> None:
    with database.as_worker() as session:
        weak = weaker(as_planned(a_solution()), "forward", 3.0)
        test_id = record_test(session, a_service(session).id, weak, a_solution()).service_id
    with database.as_worker() as session:
        test = latest_test(session, test_id or "")
        assert test is not None
        with pytest.raises(RuleRefused) as refused:
            accept(test)
    fault = refused.value.faults[0]
    assert (fault.field, fault.code, fault.accepted) == ("serviceTest", "belowPlan", "at least 11 dB")
    assert "forwardEsN0 9 dB, limit 11 dB" in fault.why


def test_a_failed_test_is_refused_for_what_failed(database: Database) -> None:
    with database.as_worker() as session:
        slow = replace(as_planned(a_solution()), round_trip_latency_s=1.2)
        test = record_test(session, a_service(session).id, slow, a_solution())
        with pytest.raises(RuleRefused) as refused:
            accept(test)
    assert [one.code for one in refused.value.faults] == ["latencyOutOfRange"]


def test_a_service_stronger_than_planned_is_accepted_and_the_deviation_is_kept(database: Database) -> None:
    with database.as_worker() as session:
        strong = weaker(as_planned(a_solution()), "return", -3.0)
        test = record_test(session, a_service(session).id, strong, a_solution())
        accept(test)
        assert test.state is ServiceTestState.COMPLETED
        assert test.deviations == [Deviation("returnEsN0", "abovePlan", 14.0, 12.0, "dB", False)]


def test_a_second_test_stands_beside_the_first(database: Database) -> None:
    with database.as_worker() as session:
        service = a_service(session)
        good = as_planned(a_solution())
        first = record_test(session, service.id, weaker(good, "forward", 3.0), a_solution())
        second = record_test(session, service.id, good, a_solution())
        assert latest_test(session, service.id) is second
        assert first.state is ServiceTestState.FAILED


def test_only_a_service_of_the_inventory_is_tested(database: Database) -> None:
    with database.as_worker() as session, pytest.raises(NotFound):
        record_test(session, new_id(), as_planned(a_solution()), a_solution())


def a_test_specification(session: Session, service: Service, *rules: Json, **more: Json) -> ServiceTestSpecification:
    body: dict[str, Json] = {
        "name": "Line-up",
        "lifecycleStatus": "Active",
        "relatedServiceSpecification": [{"id": service.service_specification.id}],
        "testMeasureDefinition": list(rules),
    }
    return enter(session, from_body(ServiceTestSpecification, body | more), WORKER)


def a_rule(metric: str, unit: str, lower: str | None = None, upper: str | None = None) -> Json:
    ends: dict[str, Json] = {"conformanceTargetLower": lower, "conformanceTargetUpper": upper}
    return {
        "metricName": metric,
        "unitOfMeasure": unit,
        "thresholdRule": [{name: end for name, end in ends.items() if end is not None}],
    }


def test_a_test_is_judged_by_the_specification_in_use_for_its_kind_of_service(database: Database) -> None:
    with database.as_worker() as session:
        service, weak = a_service(session), weaker(as_planned(a_solution()), "forward", 2.0)
        before = record_test(session, service.id, weak, a_solution())
        assert (before.state, wire(before)["testSpecification"]) == (ServiceTestState.FAILED, {"id": "line-up"})
        kind = a_test_specification(session, service, a_rule("forwardEsN0", "dB", lower="-2.5"))
        test = record_test(session, service.id, weak, a_solution())
        assert test.state is ServiceTestState.COMPLETED
        assert test.test_specification is not None
        assert test.test_specification.id == kind.id
        assert record_test(session, service.id, weaker(weak, "forward", 1.0), a_solution()).failures != []
        with pytest.raises(RuleRefused, match="is tested by"):
            a_test_specification(session, service)
        with pytest.raises(RuleRefused, match="rely on it"):
            revise(session, kind, {"testMeasureDefinition": []}, WORKER)
        with pytest.raises(RuleRefused, match="only a draft"):
            withdraw(session, kind, WORKER)
        revise(session, kind, {"lifecycleStatus": "Retired"}, WORKER)
        withdraw(session, a_test_specification(session, service, lifecycleStatus="In study"), WORKER)
        assert record_test(session, service.id, weak, a_solution()).state is ServiceTestState.FAILED


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (a_rule("temperature", "K"), "/testMeasureDefinition/0/metricName"),
        (a_rule("forwardEsN0", "dBHz"), "/testMeasureDefinition/0/unitOfMeasure"),
        (a_rule("forwardEsN0", "dB", lower="weak"), "/testMeasureDefinition/0/thresholdRule/0/conformanceTargetLower"),
        (
            a_rule("roundTripLatency", "s", lower="0.9"),
            "/testMeasureDefinition/0/thresholdRule/0/conformanceTargetLower",
        ),
        (a_rule("forwardEsN0", "dB", lower="0.1"), "/testMeasureDefinition/0/thresholdRule/0"),
    ],
)
def test_a_limit_that_no_test_could_keep_is_refused_by_its_place(database: Database, rule: Json, field: str) -> None:
    with database.as_worker() as session:
        service = a_service(session)
        with pytest.raises(RuleRefused) as refused:
            a_test_specification(session, service, rule)
        assert refused.value.faults[0].field == field
        with pytest.raises(RuleRefused, match="no service specification"):
            a_test_specification(session, service, relatedServiceSpecification=[{"id": new_id()}])
