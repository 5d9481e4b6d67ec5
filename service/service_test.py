"""The service test: what was measured at hand-over, beside what the link budget promised.

Planned and measured values are kept side by side and neither is written over. A service is accepted when both carriers
are locked, carry their rate, and are not weaker than the clear-sky plan by more than the tolerance. One that is
stronger passes, and is reported: too much power disturbs neighbours. The latency tells a wrong orbit or a detour.
Words: TMF653. The plan is the one of the solution; it is not computed again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import ClassVar, Final

from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, state_type, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability
from satcom.core.values import Characteristic, Instant, Reference, RelatedParty, Value, reference
from satcom.resource.drivers.port import CarrierMeasurement, Measurement
from satcom.service.constellation_solution import ConstellationSolution, PassingCarrier
from satcom.service.inventory import Service
from satcom.service.service_test_specification import LIMITS, Limits, Range, tested_by
from satcom.service.solution import TerminalSolution
from satcom.service.way import CarrierPlan

LINE_UP: Final = "line-up"  # a test by the limits that go without saying
BELOW_PLAN, ABOVE_PLAN, NOT_LOCKED, NO_READING = "belowPlan", "abovePlan", "notLocked", "noReading"
LATENCY_METRIC: Final = "roundTripLatency"
BELOW_RATE, LATENCY = "belowRate", "latencyOutOfRange"
ON_DEMAND: Final = "ONDEMAND"
LIGHT_KM_PER_S: Final = 299_792.458
FRAMING_S: Final = 0.25  # what modems and framing take, there and back


class ServiceTestState(StrEnum):
    """How a test ended."""

    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class Deviation:
    """One reading that is not as planned. `fails`: the service cannot be accepted with it."""

    metric: str
    code: str
    measured: float | None = None
    limit: float | None = None
    unit: str = ""
    fails: bool = False

    def __str__(self) -> str:
        measured = "no reading" if self.measured is None else f"{self.measured:g} {self.unit}".strip()
        limit = "" if self.limit is None else f", limit {self.limit:g} {self.unit}".rstrip()
        return f"{self.metric} {measured}{limit}"


class Violation(Value):
    """TMF653 `MeasureThresholdRuleViolation`."""

    name: str
    description: str
    conformance_target_lower: str | None = None
    conformance_target_upper: str | None = None
    threshold_rule_severity: str


class Measure(Value):
    """TMF653 `TestMeasure`."""

    metric_name: str
    value: Characteristic
    unit_of_measure: str
    capture_date_time: Instant = Field(default_factory=now)
    rule_violation: list[Violation] = Field(default_factory=list)


class ServiceTest(Entity, table=True):
    """One test. `characteristic` holds what was planned, `testMeasure` what was measured."""

    __tablename__ = "service_test"

    name: str = Field(max_length=200)
    mode: str = Field(default=ON_DEMAND, max_length=20)
    state: ServiceTestState = Field(default=ServiceTestState.COMPLETED, sa_type=state_type(ServiceTestState))
    start_date_time: datetime = Field(default_factory=now, sa_type=INSTANT)
    end_date_time: datetime = Field(default_factory=now, sa_type=INSTANT)
    related_service: Reference = Field(sa_type=JsonOf(Reference))
    test_specification: Reference | None = Field(default=None, sa_type=JsonOf(Reference))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    characteristic: list[Characteristic] = Field(default_factory=list, sa_type=JsonOf(list[Characteristic]))
    test_measure: list[Measure] = Field(default_factory=list, sa_type=JsonOf(list[Measure]))
    service_id: str | None = Field(
        default=None, foreign_key="service.id", index=True, nullable=False, sa_type=id_type()
    )
    deviations: list[Deviation] = Field(default_factory=list, sa_type=JsonOf(list[Deviation]))

    api: ClassVar = tmf("TMF653", "ServiceTest", Capability.READ_SERVICES)
    private: ClassVar[frozenset[str]] = frozenset({"service_id", "deviations"})
    life_cycle: ClassVar = LifeCycle[ServiceTestState](
        ServiceTestState, start=("completed", "failed")
    )  # a record is never changed

    @property
    def failures(self) -> list[Deviation]:
        return [one for one in self.deviations if one.fails]


def judge(solution: TerminalSolution, measured: Measurement, limits: Limits = LIMITS) -> list[Deviation]:
    """Every reading that is not as planned, in the order forward, return, latency. Empty: all as planned."""
    found = _judge_carrier("forward", solution.forward, measured.forward, limits)
    if measured.return_link is None:
        found.append(Deviation(_metric("return", "Locked"), NOT_LOCKED, None, None, "", True))
    else:
        found += _judge_carrier("return", solution.return_link, measured.return_link, limits)
    latency_s, allowed = measured.round_trip_latency_s, _latency(solution, limits)
    if latency_s is None or not isfinite(latency_s):
        found.append(Deviation(LATENCY_METRIC, NO_READING, None, allowed.upper, "s", True))
    elif allowed.lower is not None and latency_s < allowed.lower:
        found.append(Deviation(LATENCY_METRIC, LATENCY, latency_s, allowed.lower, "s", True))
    elif allowed.upper is not None and latency_s > allowed.upper:
        found.append(Deviation(LATENCY_METRIC, LATENCY, latency_s, allowed.upper, "s", True))
    return found


def _latency(solution: TerminalSolution, limits: Limits) -> Range:
    """What the operator said; unless he did, over satellites that pass what light takes along their paths."""
    said = limits[LATENCY_METRIC]
    if not isinstance(solution, ConstellationSolution) or said != LIMITS[LATENCY_METRIC]:
        return said
    shortest_km, longest_km = solution.path.shortest_path_km or 0.0, solution.path.longest_path_km or 0.0
    return replace(said, lower=2 * shortest_km / LIGHT_KM_PER_S, upper=2 * longest_km / LIGHT_KM_PER_S + FRAMING_S)


def _judge_carrier(
    direction: str, plan: CarrierPlan | PassingCarrier, read: CarrierMeasurement, limits: Limits
) -> list[Deviation]:
    """A carrier that is not locked has no other faults: nothing can be read from it."""
    if not read.locked:
        limit_db = read.required_es_over_n0_db
        return [Deviation(_metric(direction, "Locked"), NOT_LOCKED, read.es_over_n0_db, limit_db, "dB", True)]
    found = []
    ratio_db, metric = read.es_over_n0_db, _metric(direction, "EsN0")
    least_db = plan.clear_sky_es_n0_db + (limits[metric].lower or 0.0)
    most_db = plan.best_es_n0_db + (limits[metric].upper or 0.0)
    if ratio_db is None or not isfinite(ratio_db):
        found.append(Deviation(metric, NO_READING, None, least_db, "dB", True))
    elif ratio_db < least_db:
        found.append(Deviation(metric, BELOW_PLAN, ratio_db, least_db, "dB", True))
    elif ratio_db > most_db:
        found.append(Deviation(metric, ABOVE_PLAN, ratio_db, most_db, "dB", False))
    if read.throughput_bps < plan.bit_rate_bps:
        rate = _metric(direction, "Throughput")
        found.append(Deviation(rate, BELOW_RATE, read.throughput_bps, plan.bit_rate_bps, "bit/s", True))
    return found


def record_test(session: Session, service_id: str, measured: Measurement, solution: TerminalSolution) -> ServiceTest:
    """Keep what was planned and what was measured, and whether that is good enough. Raises `NotFound`."""
    service = find(session, Service, service_id)
    at, by = now(), tested_by(session, service.service_specification.id, LINE_UP)
    deviations = judge(solution, measured, by.limits)
    test = ServiceTest(
        name=f"Line-up of {service.name or service.id}"[:200],
        state=ServiceTestState.FAILED if any(one.fails for one in deviations) else ServiceTestState.COMPLETED,
        start_date_time=at,
        end_date_time=at,
        related_service=reference(service.id, "Service", service.href, service.name),
        test_specification=by.specification,
        related_party=service.related_party,
        characteristic=_planned(solution),
        test_measure=_measures(measured, deviations, at),
        deviations=deviations,
        service_id=service.id,
        party_id=service.party_id,
    )
    session.add(test)
    session.flush()
    return test


def latest_test(session: Session, service_id: str) -> ServiceTest | None:
    """The last test of a service."""
    query = select(ServiceTest).where(ServiceTest.service_id == service_id).order_by(col(ServiceTest.id).desc())
    return session.exec(query).first()


def accept(test: ServiceTest) -> None:
    """Raises `RuleRefused` on `serviceTest` with each reading that fails, its number and its limit."""
    faults = [Fault("serviceTest", f"{one} ({one.code})", one.code, _wanted(one)) for one in test.failures]
    if faults:
        raise RuleRefused.all(faults)


def _wanted(deviation: Deviation) -> str:
    if deviation.limit is None:
        return "a carrier that is locked"
    read = deviation.measured
    most = deviation.code == LATENCY and read is not None and read > deviation.limit
    return f"{'at most' if most else 'at least'} {deviation.limit:g} {deviation.unit}".strip()


def _planned(solution: TerminalSolution) -> list[Characteristic]:
    planned = []
    for direction, plan in (("forward", solution.forward), ("return", solution.return_link)):
        values: list[tuple[str, float]] = [("EsN0", plan.clear_sky_es_n0_db)]
        if isinstance(plan, PassingCarrier):  # it is seen nearer and farther
            values.append(("BestEsN0", plan.best_es_n0_db))
        values += [("RequiredEsN0", plan.required_es_n0_db), ("Throughput", plan.bit_rate_bps)]
        for what, value in values:
            planned.append(Characteristic(name=f"planned{_metric(direction, what, capital=True)}", value=value))
    return planned


def _measures(measured: Measurement, deviations: list[Deviation], at: datetime) -> list[Measure]:
    """Every reading there is, each with the rules that it breaks."""
    read: list[tuple[str, float | bool | None, str]] = []
    for direction, one in (("forward", measured.forward), ("return", measured.return_link)):
        read.append((_metric(direction, "Locked"), one is not None and one.locked, ""))
        if one is not None:
            read += [
                (_metric(direction, "EsN0"), one.es_over_n0_db, "dB"),
                (_metric(direction, "CarrierToNoiseDensity"), one.carrier_to_noise_density_db_hz, "dBHz"),
                (_metric(direction, "Throughput"), one.throughput_bps, "bit/s"),
            ]
    read.append((LATENCY_METRIC, measured.round_trip_latency_s, "s"))
    return [
        Measure(
            metric_name=name,
            value=Characteristic(name=name, value=value),
            unit_of_measure=unit,
            capture_date_time=at,
            rule_violation=[violation(one) for one in deviations if one.metric == name],
        )
        for name, value, unit in read
        if value is not None or any(one.metric == name for one in deviations)
    ]


def violation(deviation: Deviation) -> Violation:
    """The deviation in the words of TMF653."""
    limit = None if deviation.limit is None else f"{deviation.limit:g} {deviation.unit}"
    measured = deviation.measured
    upper = deviation.limit is not None and measured is not None and measured > deviation.limit
    return Violation(
        name=deviation.code,
        description=str(deviation),
        conformance_target_lower=None if upper else limit,
        conformance_target_upper=limit if upper else None,
        threshold_rule_severity="critical" if deviation.fails else "warning",
    )


def _metric(direction: str, what: str, capital: bool = False) -> str:
    return f"{direction.capitalize() if capital else direction}{what}"
