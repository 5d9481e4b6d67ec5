"""Service test specifications: what is read when services of a kind are tested, and how far it may be from the plan.

The flow of an order measures by the specification that is in use for its kind of service, and a test names the one that
it was judged by. There is one at a time. What a specification does not say is judged by the limits below.
Es/N0 and EIRP are limited relative to what was planned, the others as they are read. Words: TMF653.
"""

from dataclasses import dataclass, replace
from math import isfinite
from typing import ClassVar, Final

from pydantic import Field as ValueField
from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.security import Capability
from satcom.core.values import Reference, Value, reference
from satcom.enterprise.catalog_entry import IN_USE, CatalogEntry, Naming, catalog_routes, kept_entry
from satcom.service.catalog import ServiceSpecification

MEASURES: Final = "/testMeasureDefinition"
SERVICES: Final = "/relatedServiceSpecification"


@dataclass(frozen=True)
class Range:
    """From `lower` to `upper`, both allowed; `None` is no limit. `relative`: to what was planned."""

    unit: str
    lower: float | None = None
    upper: float | None = None
    relative: bool = False


# There and back over a geostationary satellite: four times its height at least (35 786 km), four times the
# range to the horizon at most (41 679 km), and what modems and framing take.
LIMITS: Final[dict[str, Range]] = {
    "forwardEsN0": Range("dB", -1.0, 1.0, relative=True),
    "returnEsN0": Range("dB", -1.0, 1.0, relative=True),
    "roundTripLatency": Range("s", 0.477, 0.806),
    "satelliteEirp": Range("dBW", None, 0.5, relative=True),
    "crossPolarIsolation": Range("dB", 30.0, None),
}
Limits = dict[str, Range]


class ThresholdRule(Value):
    """TMF653 `MetricDefMeasureThresholdRule`: the document has the ends as text."""

    conformance_target_lower: str | None = None
    conformance_target_upper: str | None = None


class MeasureDefinition(Value):
    """TMF653 `TestMeasureDefinition`."""

    metric_name: str
    unit_of_measure: str
    threshold_rule: list[ThresholdRule] = ValueField(default_factory=list)


class ServiceTestSpecification(CatalogEntry, table=True):
    """How services of some kinds are tested."""

    __tablename__ = "service_test_specification"

    is_bundle: bool = False
    description: str | None = Field(default=None, max_length=2000)
    related_service_specification: list[Reference] = Field(sa_type=JsonOf(list[Reference]))
    test_measure_definition: list[MeasureDefinition] = Field(
        default_factory=list, sa_type=JsonOf(list[MeasureDefinition])
    )

    api: ClassVar = tmf("TMF653", "ServiceTestSpecification", Capability.READ_SERVICES)
    fixed: ClassVar[frozenset[str]] = frozenset({"relatedServiceSpecification", "testMeasureDefinition", "isBundle"})

    @classmethod
    def names(cls) -> tuple[Naming, ...]:
        return (Naming("related_service_specification", ServiceSpecification, when=frozenset()),)

    def faults(self, session: Session) -> list[Fault]:
        faults = _measure_faults(self.test_measure_definition)
        if not self.related_service_specification:
            why = "it is the test of no service"
            faults.append(Fault(SERVICES, why, "missing", "one service specification or more"))
        for index, one in enumerate(self.related_service_specification):
            service = kept_entry(session, ServiceSpecification, one.id)
            other = _in_use_for(session, one.id, but=self.id)
            if self.lifecycle_status in IN_USE and service is not None and other is not None:
                why = f"{service.name} is tested by {other.name!r} ({other.id})"
                where = f"{SERVICES}/{index}/id"
                faults.append(Fault(where, why, "testedAlready", "one at a time: retire the other"))
        return faults

    @property
    def limits(self) -> Limits:
        """What is allowed, with the limits that go without saying."""
        limits = dict(LIMITS)
        for one in self.test_measure_definition:
            for rule in one.threshold_rule:
                known = limits[one.metric_name]
                lower, upper = _number(rule.conformance_target_lower), _number(rule.conformance_target_upper)
                limits[one.metric_name] = replace(
                    known,
                    lower=known.lower if lower is None else lower,
                    upper=known.upper if upper is None else upper,
                )
        return limits


@dataclass(frozen=True)
class TestedBy:
    """The limits that a test is judged by, and the specification that has them."""

    limits: Limits
    specification: Reference


def tested_by(session: Session, service_specification_id: str, otherwise: str) -> TestedBy:
    """What services of a kind are judged by today; the limits above, under the name `otherwise`, where nobody said."""
    used = _in_use_for(session, service_specification_id)
    if used is None or not used.valid_at(now()):
        return TestedBy(LIMITS, Reference(id=otherwise))
    return TestedBy(used.limits, reference(used.id, "ServiceTestSpecification", used.href, used.name))


def asked_for(session: Session, service_specification_id: str, named: Reference, otherwise: str) -> TestedBy:
    """What somebody who tests by hand names. Raises `Refused`, or `RuleRefused` on another kind's, or one of old."""
    by = tested_by(session, service_specification_id, otherwise)
    if named.id in (otherwise, by.specification.id):
        return by
    where = "/testSpecification/id"
    accepted = f"{by.specification.name or by.specification.id}: {by.specification.id}"
    try:
        other = find(session, ServiceTestSpecification, named.id)
    except NotFound as error:
        raise Refused(where, f"there is no test specification {named.id[:80]!r}", "notFound", accepted) from error
    why = f"{other.name} is {other.lifecycle_status}, or for other services"
    raise RuleRefused(where, why, "wrongSpecification", accepted)


def _in_use_for(
    session: Session, service_specification_id: str, but: str | None = None
) -> ServiceTestSpecification | None:
    named = type_coerce(col(ServiceTestSpecification.related_service_specification), JSONB)
    query = select(ServiceTestSpecification).where(
        named.contains([{"id": service_specification_id}]),
        col(ServiceTestSpecification.lifecycle_status).in_(sorted(IN_USE)),
    )
    found = session.exec(query.order_by(col(ServiceTestSpecification.id))).all()
    return next((one for one in found if one.id != but), None)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _measure_faults(measures: list[MeasureDefinition]) -> list[Fault]:
    faults = []
    for index, one in enumerate(measures):
        where, known = f"{MEASURES}/{index}", LIMITS.get(one.metric_name)
        if known is None or one.metric_name in {before.metric_name for before in measures[:index]}:
            why = f"{one.metric_name[:40]!r} is not read in any test, or is there already"
            faults.append(Fault(f"{where}/metricName", why, "notInEnumeration", ", ".join(LIMITS)))
            continue
        if one.unit_of_measure != known.unit:
            why = f"{one.metric_name} is read in {known.unit}"
            faults.append(Fault(f"{where}/unitOfMeasure", why, "invalid", known.unit))
        for number, rule in enumerate(one.threshold_rule):
            faults += _rule_faults(rule, known, f"{where}/thresholdRule/{number}")
    return faults


def _rule_faults(rule: ThresholdRule, known: Range, where: str) -> list[Fault]:
    lower, upper = _number(rule.conformance_target_lower), _number(rule.conformance_target_upper)
    faults = [
        Fault(f"{where}/conformanceTarget{end}", "is no number", "invalid", f"a number of {known.unit}, as text")
        for end, value in (("Lower", lower), ("Upper", upper))
        if value is not None and not isfinite(value)
    ]
    least = known.lower if lower is None else lower
    most = known.upper if upper is None else upper
    if not faults and least is not None and most is not None and least > most:
        faults.append(Fault(f"{where}/conformanceTargetLower", f"{least:g} is more than {most:g}", "emptyRange"))
    beside = known.relative and ((least is not None and least > 0) or (most is not None and most < 0))
    if not faults and beside:
        faults.append(Fault(where, "what is just as planned would fail", "emptyRange", "0 lies in the range"))
    return faults


routes = catalog_routes(ServiceTestSpecification)
