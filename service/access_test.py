"""The access test of a lease: what the NOC reads when the customer's carriers come on the air for the first time.

The customer's own station sends, so no hub measures. The NOC watches the spectrum: the carriers keep within the slot,
take no more of the satellite's power than was leased, and leave the other polarisation alone. Every reading is asked
for; a test that fails is kept, and done again. Words: TMF653; ITU-R SNG.1070 and S.2003 (access procedure).
"""

from dataclasses import dataclass
from math import isfinite
from typing import Final

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.events import announce
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference, instant_text, reference
from satcom.resource.hold import HoldState
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.inventory import Service, ServiceState
from satcom.service.ordering import service_order_of
from satcom.service.service_test import Deviation, Measure, ServiceTest, ServiceTestState, violation
from satcom.service.service_test_specification import LIMITS, Limits, asked_for
from satcom.service.solution import LeaseSolution

ACCESS_TEST: Final = "access-test"  # a test by the limits that go without saying
READINGS: Final = {"lowEdge": "Hz", "highEdge": "Hz", "satelliteEirp": "dBW", "crossPolarIsolation": "dB"}
OUTSIDE_SLOT, TOO_STRONG, DISTURBS = "outsideSlot", "tooStrong", "crossPolar"
NO_LEASE = "is no lease that waits for its access test"


@dataclass(frozen=True)
class AccessTested:
    """Told to whoever waits for the test of the service that `order_id` delivers."""

    order_id: str


def access_terms(lease: LeaseSolution, slot: SpectrumAssignment, transponder: Transponder) -> list[Characteristic]:
    """Where the customer may send, how strongly, and, if it is booked, when: what he has to know before he does."""
    terms: dict[str, Json] = {
        "uplinkLowEdgeHz": transponder.uplink_hz(slot.start_hz),
        "uplinkHighEdgeHz": transponder.uplink_hz(slot.stop_hz),
        "uplinkPolarisation": lease.uplink_polarisation,
        "downlinkLowEdgeHz": slot.start_hz,
        "downlinkHighEdgeHz": slot.stop_hz,
        "downlinkPolarisation": lease.downlink_polarisation,
        "satelliteEirpLimitDbw": round(lease.eirp_limit_dbw, 2),
        "fluxDensityLimitDbwPerM2": round(lease.flux_density_limit_dbw_per_m2, 2),
    }
    if slot.stop_at is not None:  # it is booked, and the next one may come after it
        terms |= {"onAirFrom": instant_text(slot.start_at), "onAirUntil": instant_text(slot.stop_at)}
    return [Characteristic(name=name, value=value) for name, value in terms.items()]


def record_access_test(session: Session, test: ServiceTest, by: Principal) -> ServiceTest:
    """Judge the readings against the lease, and keep them with the verdict.

    Raises `Refused` with every reading that lacks or is none, `RuleRefused` when the service waits for no such test.
    """
    service, lease, slot = _leased(session, test)
    readings = _readings(test.test_measure)
    named = test.test_specification or Reference(id=ACCESS_TEST)
    by_which = asked_for(session, service.service_specification.id, named, ACCESS_TEST)
    limits, test.test_specification = by_which.limits, by_which.specification
    test.deviations = judge_access(lease, slot.start_hz, slot.stop_hz, readings, limits)
    test.state = ServiceTestState.FAILED if test.deviations else ServiceTestState.COMPLETED
    test.start_date_time = test.end_date_time = at = now()
    test.service_id, test.party_id = service.id, service.party_id
    test.related_service = reference(service.id, "Service", service.href, service.name)
    test.related_party = service.related_party
    test.characteristic = [
        Characteristic(name="plannedLowEdge", value=slot.start_hz),
        Characteristic(name="plannedHighEdge", value=slot.stop_hz),
        Characteristic(name="plannedSatelliteEirp", value=lease.eirp_limit_dbw),
        Characteristic(name="plannedCrossPolarIsolation", value=limits["crossPolarIsolation"].lower),
    ]
    test.test_measure = [
        Measure(
            metric_name=name,
            value=Characteristic(name=name, value=value),
            unit_of_measure=READINGS[name],
            capture_date_time=at,
            rule_violation=[violation(one) for one in test.deviations if one.metric == name],
        )
        for name, value in readings.items()
    ]
    session.add(test)
    session.flush()
    if service.order_id is not None:
        announce(session, AccessTested(service.order_id))
    return test


def judge_access(
    lease: LeaseSolution, start_hz: int, stop_hz: int, read: dict[str, float], limits: Limits = LIMITS
) -> list[Deviation]:
    """Every reading that the lease does not allow. Empty: the customer may stay on the air."""
    most_dbw = lease.eirp_limit_dbw + (limits["satelliteEirp"].upper or 0.0)
    least_db = limits["crossPolarIsolation"].lower or 0.0
    judged = (
        ("lowEdge", OUTSIDE_SLOT, start_hz, read["lowEdge"] < start_hz),
        ("highEdge", OUTSIDE_SLOT, stop_hz, read["highEdge"] > stop_hz),
        (
            "satelliteEirp",
            TOO_STRONG,
            most_dbw,
            read["satelliteEirp"] > most_dbw,
        ),
        ("crossPolarIsolation", DISTURBS, least_db, read["crossPolarIsolation"] < least_db),
    )
    return [
        Deviation(name, code, read[name], limit, READINGS[name], True) for name, code, limit, broken in judged if broken
    ]


def _leased(session: Session, test: ServiceTest) -> tuple[Service, LeaseSolution, SpectrumAssignment]:
    where = "/relatedService/id"
    try:
        service = find(session, Service, test.related_service.id)
    except NotFound as error:
        raise Refused(where, f"there is no service {test.related_service.id[:80]!r}", "notFound") from error
    placed = service_order_of(session, service.order_id) if service.order_id is not None else None
    slots = select(SpectrumAssignment).where(
        col(SpectrumAssignment.order_id) == service.order_id, SpectrumAssignment.state == HoldState.ASSIGNED
    )
    slot = session.exec(slots).first() if service.order_id is not None else None
    if placed is None or slot is None or not isinstance(placed.solution, LeaseSolution):
        raise RuleRefused(where, f"service {service.name} {NO_LEASE}", "noAccessTest", "a service that is a lease")
    if service.state is not ServiceState.INACTIVE:
        why = f"service {service.name} is {service.state}: it {NO_LEASE}"
        raise RuleRefused(where, why, "noAccessTest", ServiceState.INACTIVE.value)
    return service, placed.solution, slot


def _readings(measures: list[Measure]) -> dict[str, float]:
    """The readings by name. Raises `Refused` with every one that is missing, unknown or no number."""
    faults: list[Fault] = []
    read: dict[str, float] = {}
    for index, one in enumerate(measures):
        at = f"/testMeasure/{index}"
        unit = READINGS.get(one.metric_name)
        value = one.value.value
        if unit is None:
            why = f"{one.metric_name[:40]!r} is no reading of an access test"
            faults.append(Fault(f"{at}/metricName", why, "notInEnumeration", ", ".join(READINGS)))
        elif one.unit_of_measure != unit:
            faults.append(Fault(f"{at}/unitOfMeasure", f"{one.metric_name} is read in {unit}", "invalid", unit))
        elif isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            faults.append(Fault(f"{at}/value/value", "is no number", "wrongType", f"a number of {unit}"))
        else:
            read[one.metric_name] = float(value)
    named = {one.metric_name for one in measures}
    missing = [name for name in READINGS if name not in named]
    faults += [Fault("/testMeasure", f"the reading {one} is missing", "missing", READINGS[one]) for one in missing]
    if faults:
        raise Refused.all(faults)
    return read


routes = TmfRoutes(ServiceTest)
routes.post(record_access_test, may=Capability.TEST_SERVICES)
