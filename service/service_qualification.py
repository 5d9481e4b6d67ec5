"""Service qualification over HTTP: can this service be delivered (check), and which ways are there (query).

Both answer at once: the task is `done` when it is answered. A check says of each item `qualified`, `alternate` when
only another band, terminal or polarisation than the accepted ones would do, or `unqualified`, with the reason of every
satellite. Words: TMF645. The characteristics are checked against the service specification that the item names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type, tmf
from satcom.core.errors import Fault, NotFound, Refused
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Instant, Json, Reference, RelatedParty, Value
from satcom.service.catalog import ServiceSpecification, validate_characteristics
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.demand import SEVERAL, Demand, asked_values, demand_of
from satcom.service.evidence import qualify_on_record
from satcom.service.qualification import ends_of_life, terminal_supply
from satcom.service.solution import AccessSolution, LeaseSolution, Qualification, Solution, TerminalSolution
from satcom.supplychain.procurement import Supply

MOST_ITEMS = 20
Task = TypeVar("Task", bound="ServiceQualificationTask")


class TaskState(StrEnum):
    """TMF645 `TaskStateType`; what is answered at once is done."""

    DONE = "done"


class QualificationResult(StrEnum):
    QUALIFIED = "qualified"
    ALTERNATE = "alternate"
    UNQUALIFIED = "unqualified"


class AskedService(Value):
    """The service that is asked for, or one that is offered: `ServiceRefOrValue`."""

    service_specification: Reference | None = None
    service_characteristic: list[Characteristic] = Field(default_factory=list)
    supporting_resource: list[Reference] = Field(default_factory=list)
    start_date: Instant | None = None
    end_date: Instant | None = None


class UnavailabilityReason(Value):
    """Why a satellite cannot: our reason's code, and the words with the number."""

    code: str
    label: str


class AlternateProposal(Value):
    """Another way."""

    id: str
    alternate_service: AskedService
    alternate_service_availability_date: Instant | None = None


class CheckItem(Value):
    """One service to be checked, and the answer."""

    id: str | None = None
    service: AskedService | None = None
    state: str | None = None
    qualification_result: QualificationResult | None = None
    eligibility_unavailability_reason: list[UnavailabilityReason] = Field(default_factory=list)
    alternate_service_proposal: list[AlternateProposal] = Field(default_factory=list)
    expected_activation_date: Instant | None = None


class QueryItem(Value):
    """What is searched for, or one way that was found."""

    id: str | None = None
    service: AskedService | None = None
    expected_activation_date: Instant | None = None


class ServiceQualificationTask(Entity):
    """What both kinds of qualification have in common."""

    state: TaskState = Field(default=TaskState.DONE, sa_type=state_type(TaskState))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    effective_qualification_date: datetime | None = Field(default=None, sa_type=INSTANT)

    life_cycle: ClassVar = LifeCycle(TaskState, start=("done",))


class CheckServiceQualification(ServiceQualificationTask, table=True):
    """Can these services be delivered?"""

    __tablename__ = "check_service_qualification"

    check_service_qualification_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    qualification_result: QualificationResult | None = Field(default=None, sa_type=state_type(QualificationResult))
    provide_alternative: bool | None = None
    provide_unavailability_reason: bool | None = None
    service_qualification_item: list[CheckItem] = Field(default_factory=list, sa_type=JsonOf(list[CheckItem]))

    api: ClassVar = tmf("TMF645", "CheckServiceQualification", Capability.QUALIFY)


class QueryServiceQualification(ServiceQualificationTask, table=True):
    """Which ways are there to deliver a service?"""

    __tablename__ = "query_service_qualification"

    query_service_qualification_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    search_criteria: QueryItem | None = Field(default=None, sa_type=JsonOf(QueryItem))
    service_qualification_item: list[QueryItem] = Field(default_factory=list, sa_type=JsonOf(list[QueryItem]))

    api: ClassVar = tmf("TMF645", "QueryServiceQualification", Capability.QUALIFY)


CHOICES = frozenset(
    {"bands", "terminal_types", "satellites", "constellations", "polarisation"}
)  # given up for an alternative


@dataclass(frozen=True)
class _Question:
    """One item understood: what is asked of the network, and by which specification."""

    demand: Demand
    specification: Reference


def check_service_qualification(
    session: Session, task: CheckServiceQualification, by: Principal
) -> CheckServiceQualification:
    """Answer a check. Raises `Refused` with the faults of the first item that has some."""
    items = task.service_qualification_item
    if not 1 <= len(items) <= MOST_ITEMS:
        raise Refused("/serviceQualificationItem", f"{len(items)} items", "invalid", f"1 to {MOST_ITEMS} items")
    _refuse_answers(task)
    answered = []
    for index, item in enumerate(items):
        pointer = f"/serviceQualificationItem/{index}"
        question = _question(session, item.service, item.expected_activation_date, f"{pointer}/service")
        answered.append(_checked(session, task, item, question, str(index + 1), pointer))
    results = {one.qualification_result for one in answered}
    task.service_qualification_item = answered
    task.qualification_result = next(
        (one for one in (QualificationResult.UNQUALIFIED, QualificationResult.ALTERNATE) if one in results),
        QualificationResult.QUALIFIED,
    )
    return _entered(session, task, by)


def query_service_qualification(
    session: Session, task: QueryServiceQualification, by: Principal
) -> QueryServiceQualification:
    """Answer a query: one item for each way, best first."""
    asked = task.search_criteria
    if asked is None:
        raise Refused("/searchCriteria", "'searchCriteria' is mandatory", "missing")
    pointer = "/searchCriteria/service"
    question = _question(session, asked.service, asked.expected_activation_date, pointer)
    found = _asked_of_network(session, question.demand, pointer)
    supplies, ends = terminal_supply(session, found.solutions), ends_of_life(session, question.demand, found.solutions)
    task.service_qualification_item = [
        QueryItem(
            id=str(number),
            service=_offered(question, one, supplies, ends, found.evidence_id),
            expected_activation_date=_activation(question, one, supplies),
        )
        for number, one in enumerate(found.solutions, start=1)
    ]
    return _entered(session, task, by)


def _refuse_answers(task: CheckServiceQualification) -> None:
    """The answers of an item are ours to give."""
    faults = [
        Fault(f"/serviceQualificationItem/{index}/{name}", "is answered, not asked", "readOnly")
        for index, item in enumerate(task.service_qualification_item)
        for name, given in (
            ("qualificationResult", item.qualification_result),
            ("eligibilityUnavailabilityReason", item.eligibility_unavailability_reason),
            ("alternateServiceProposal", item.alternate_service_proposal),
        )
        if given
    ]
    if faults:
        raise Refused.all(faults)


def _question(session: Session, service: AskedService | None, activation: datetime | None, pointer: str) -> _Question:
    if service is None:
        raise Refused(pointer, "'service' is mandatory", "missing")
    named = service.service_specification
    if named is None:
        raise Refused(f"{pointer}/serviceSpecification", "'serviceSpecification' is mandatory", "missing")
    try:
        specification = find(session, ServiceSpecification, named.id)
    except NotFound as error:
        why = f"there is no service specification {named.id[:80]!r}"
        raise Refused(f"{pointer}/serviceSpecification/id", why, "notFound") from error
    prefix = f"{pointer}/serviceCharacteristic"
    complete = validate_characteristics(specification, service.service_characteristic, prefix)
    start = service.start_date or activation or now()
    return _Question(demand_of(session, specification, complete, start, service.end_date, prefix), named)


def _asked_of_network(session: Session, demand: Demand, pointer: str) -> Qualification:
    """With the faults of the demand where they were written."""
    dates = {"/startAt": "/startDate", "/stopAt": "/endDate"}
    try:
        return qualify_on_record(session, demand)
    except Refused as refusal:
        raise Refused.all(
            [
                Fault(
                    pointer + dates.get(fault.field, "/serviceCharacteristic" + fault.field),
                    fault.why,
                    fault.code,
                    fault.accepted,
                )
                for fault in refusal.faults
            ]
        ) from refusal


def _checked(
    session: Session, task: CheckServiceQualification, item: CheckItem, question: _Question, number: str, pointer: str
) -> CheckItem:
    at = f"{pointer}/service"
    found = _asked_of_network(session, question.demand, at)
    solutions, result = list(found.solutions), QualificationResult.QUALIFIED
    service, others, activation = item.service, solutions[1:], item.expected_activation_date
    answer, supplies = found, terminal_supply(session, solutions)
    ends = ends_of_life(session, question.demand, solutions)
    if solutions:
        service = _offered(question, solutions[0], supplies, ends, found.evidence_id)
        activation = _activation(question, solutions[0], supplies)
    else:
        result, others = QualificationResult.UNQUALIFIED, []
        open_demand = question.demand.model_copy(
            update=dict.fromkeys(CHOICES & type(question.demand).model_fields.keys())
        )
        if task.provide_alternative is not False and open_demand != question.demand:
            answer = _asked_of_network(session, open_demand, at)
            others = list(answer.solutions)
            supplies, ends = terminal_supply(session, others), ends_of_life(session, question.demand, others)
            result = QualificationResult.ALTERNATE if others else result
    reasons = [
        UnavailabilityReason(code=one.reason.value, label=f"{one.space_segment_name}: {one.text}")
        for one in found.losers
    ]
    told = result is not QualificationResult.QUALIFIED and task.provide_unavailability_reason is not False
    proposals = [
        AlternateProposal(
            id=str(rank),
            alternate_service=_offered(question, one, supplies, ends, answer.evidence_id),
            alternate_service_availability_date=_activation(question, one, supplies),
        )
        for rank, one in enumerate(others, start=1)
    ]
    return item.model_copy(
        update={
            "id": item.id or number,
            "service": service,
            "state": "done",
            "qualification_result": result,
            "expected_activation_date": activation,
            "eligibility_unavailability_reason": reasons if told else [],
            "alternate_service_proposal": proposals if task.provide_alternative is not False else [],
        }
    )


def _activation(question: _Question, one: Solution, supplies: Mapping[str, Supply]) -> datetime | None:
    """When the service can be there: not before its terminal is; `None` when nobody sells the terminal."""
    if isinstance(one, LeaseSolution):
        return question.demand.start_at
    there = supplies[one.terminal_type_id].expected(now())
    return None if there is None else max(there, question.demand.start_at)


def _offered(
    question: _Question,
    one: Solution,
    supplies: Mapping[str, Supply],
    ends: Mapping[str, date],
    evidence_id: str | None,
) -> AskedService:
    """A way as a service: what the customer gets and what it takes; the payload's own values stay inside.

    What has no end is told with the day on which the satellite's life ends. Of the terminal it says whether one is in
    stock, not how many; else how long one takes, where somebody sells it.
    """
    values: dict[str, Json] = {
        name: value for name, value in asked_values(question.demand).items() if name not in SEVERAL
    }
    over = "constellation" if isinstance(one, ConstellationSolution) else "satellite"
    values |= {"band": one.band, over: one.space_segment_name}
    if one.space_segment_id in ends:
        values["satelliteEndOfLifeDate"] = ends[one.space_segment_id].isoformat()
    if isinstance(one, LeaseSolution):
        values |= {
            "transponder": one.transponder_name,
            "polarisation": one.downlink_polarisation,
            "powerShareHz": one.power_share_hz,
            "eirpLimitDbw": round(one.eirp_limit_dbw, 2),
            "fluxDensityLimitDbwPerM2": round(one.flux_density_limit_dbw_per_m2, 2),
        }
    else:
        values |= {
            "availabilityPercent": one.availability_percent,
            "confidencePercent": one.confidence_percent,
            "terminalType": one.terminal_type_name,
            "antennaDiameterM": one.antenna_diameter_m,
            "marginDb": round(one.margin_db, 2),
        }
        values |= _looked_at(one)
        supply = supplies[one.terminal_type_id]
        values["terminalInStock"] = supply.free > 0
        if not supply.free and supply.lead_time_days is not None:
            values["terminalLeadTimeDays"] = supply.lead_time_days
    values |= {"chargedBandwidthHz": one.charged_bandwidth_hz, "illustrative": one.illustrative}
    if evidence_id is not None:
        values["qualificationEvidence"] = evidence_id
    return AskedService(
        service_specification=question.specification,
        service_characteristic=[Characteristic(name=name, value=value) for name, value in values.items()],
        start_date=question.demand.start_at,
        end_date=question.demand.stop_at,
    )


def _looked_at(one: TerminalSolution) -> dict[str, Json]:
    """Where the terminal looks, and who is at the other end."""
    if isinstance(one, ConstellationSolution):
        return {
            "gateway": [gateway.earth_station_name for gateway in one.gateways],
            "pathAvailabilityPercent": round(one.path.availability_percent, 4),
            "longestGapS": round(one.path.longest_gap_s, 1),
            "handoversPerDay": round(one.path.handovers_per_day, 1),
            "lowestElevationDeg": one.path.lowest_elevation_deg,
        }
    told: dict[str, Json] = {
        "gateway": one.earth_station_name,
        "hub": one.hub_name,
        "azimuthDeg": round(one.azimuth_deg, 2),
        "elevationDeg": round(one.elevation_deg, 2),
    }
    if isinstance(one, AccessSolution):
        told |= {"forwardPool": one.forward_pool.pool_name, "returnPool": one.return_pool.pool_name}
    return told


def _entered(session: Session, task: Task, by: Principal) -> Task:
    task.party_id = by.party_id
    task.state = TaskState.DONE
    task.effective_qualification_date = now()
    session.add(task)
    session.flush()
    return task


check_routes = TmfRoutes(CheckServiceQualification)
check_routes.post(check_service_qualification, may=Capability.QUALIFY)
query_routes = TmfRoutes(QueryServiceQualification)
query_routes.post(query_service_qualification, may=Capability.QUALIFY)
