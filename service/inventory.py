"""The service inventory: what each customer receives, in which state, and over which satellite and hub since when.

A service is made and moved by the flow of an order. Its path is cut in time: what carried it last month stays known
when something else carries it now, and paths of one service never overlap; the database promises that. Existing
services of an operator come in by the migration role. Each undo does nothing when there is nothing to undo.
Words: TMF638. What was sold is `market.inventory`.

The path at an instant over HTTP: `servicePath?serviceId=S&startAt.lte=T&sort=-startAt&limit=1`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime
from sqlalchemy import CheckConstraint, Index, or_, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, own, state_type, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused, WrongState
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import CUSTOMER_ROLE, MIGRATION, Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference, RelatedParty, instant_text, reference
from satcom.enterprise.party import find_party, party_reference
from satcom.resource.payload import Transponder
from satcom.service.catalog import ServiceSpecification, validate_characteristics
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.solution import Chosen, PartnerSolution, Solution
from satcom.service.way import SatelliteWay, SiteWay


class ServiceState(StrEnum):
    """TMF638 `ServiceStateType`."""

    FEASIBILITY_CHECKED = "feasibilityChecked"
    DESIGNED = "designed"
    RESERVED = "reserved"
    INACTIVE = "inactive"
    ACTIVE = "active"
    TERMINATED = "terminated"


class Service(Entity, table=True):
    """What one customer receives at one site. Not the sold product (market) nor the carrier (resource)."""

    __tablename__ = "service"
    __table_args__ = (
        Index("one_service_per_order", "order_id", unique=True, postgresql_where=text("state <> 'terminated'")),
        CheckConstraint("end_date >= start_date", name="service_ends_after_its_start"),
    )

    name: str | None = Field(default=None, max_length=200)
    state: ServiceState = Field(default=ServiceState.FEASIBILITY_CHECKED, sa_type=state_type(ServiceState))
    service_specification: Reference = Field(sa_type=JsonOf(Reference))
    service_characteristic: list[Characteristic] = Field(default_factory=list, sa_type=JsonOf(list[Characteristic]))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    supporting_resource: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    service_date: str = Field(default_factory=lambda: instant_text(now()), max_length=40)
    start_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    end_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    order_id: str | None = Field(default=None, sa_type=id_type())

    api: ClassVar = tmf("TMF638", "Service", Capability.READ_SERVICES)
    private: ClassVar[frozenset[str]] = frozenset({"order_id"})
    life_cycle: ClassVar = LifeCycle[ServiceState](
        ServiceState,
        ("feasibilityChecked", "designed", "a solution was chosen"),
        ("feasibilityChecked", "terminated", "it was never ordered"),
        ("designed", "reserved", "slot, power, port and terminal are held"),
        ("designed", "terminated", "the order was undone"),
        ("reserved", "designed", "what was held was given back"),
        ("reserved", "inactive", "configured in the hub"),
        ("reserved", "terminated", "the order was cancelled"),
        ("inactive", "reserved", "the configuration was taken out of the hub"),
        ("inactive", "active", "measured C/N meets the link budget"),
        ("inactive", "terminated", "the service ended"),
        ("active", "inactive", "suspended, or taken back by its order"),
        ("active", "terminated", "the service ended"),
    )


class ServicePath(Entity, table=True):
    """What carries a service from `start_at` (inclusive) to `stop_at` (exclusive); open: until further notice.

    A lease goes through no earth station or hub of ours. Over a constellation satellites and gateways take turns, so
    the path names it alone.
    """

    __tablename__ = "service_path"
    __table_args__ = (
        CheckConstraint("stop_at > start_at", name="path_has_time"),
        CheckConstraint("(satellite_id IS NULL) <> (constellation_id IS NULL)", name="path_has_space_segment"),
        ExcludeConstraint(
            (text("service_id"), "="),
            (text("tstzrange(start_at, stop_at)"), "&&"),
            using="gist",
            name="one_path_at_a_time",
        ),
    )

    service_id: str = Field(foreign_key="service.id", index=True, sa_type=id_type())
    start_at: AwareDatetime = Field(sa_type=INSTANT)
    stop_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    satellite_id: str | None = Field(default=None, foreign_key="satellite.id", index=True, sa_type=id_type())
    constellation_id: str | None = Field(default=None, foreign_key="constellation.id", index=True, sa_type=id_type())
    beam_ids: list[str] = Field(default_factory=list, sa_type=JsonOf(list[str]))
    transponder_ids: list[str] = Field(default_factory=list, sa_type=JsonOf(list[str]))
    earth_station_id: str | None = Field(default=None, foreign_key="earth_station.id", sa_type=id_type())
    gateway_ids: list[str] = Field(default_factory=list, sa_type=JsonOf(list[str]))
    hub_id: str | None = Field(default=None, foreign_key="hub.id", index=True, sa_type=id_type())

    api: ClassVar = own("service/v1", "servicePath", Capability.READ_SERVICES)


@dataclass(frozen=True)
class Design:
    """What a new service is to be. `party_id` is the customer's; `order_id` the product order's."""

    order_id: str
    party_id: str
    name: str
    specification_id: str
    characteristics: tuple[Characteristic, ...]


# Commands of the flow


def design_service(session: Session, design: Design) -> Service:
    """Enter the service that an order will deliver. Asked again for the same order, it gives the same service.

    Raises `Refused` on a specification or party that does not exist and on characteristics that do not fit.
    """
    made = service_of_order(session, design.order_id)
    if made is not None:
        return made
    specification = _specification(session, design.specification_id)
    party = find_party(session, design.party_id, "/relatedParty/0/id")
    service = Service(
        name=design.name,
        service_specification=_specification_reference(specification),
        service_characteristic=validate_characteristics(specification, list(design.characteristics)),
        related_party=[party_reference(party, RelatedParty(id=party.id, role=CUSTOMER_ROLE))],
        order_id=design.order_id,
        party_id=party.id,
    )
    move(service, ServiceState.DESIGNED)
    return _kept(session, service)


def discard_design(session: Session, service_id: str) -> None:
    """Undo of `design_service`. Raises `WrongState` on a service that is active: that is terminated, not undone."""
    service = find_for_update(session, Service, service_id)
    if service.state is ServiceState.ACTIVE:
        raise WrongState("state", "the service is active", "active", "deactivate it first, or terminate it")
    move(service, ServiceState.TERMINATED)
    _kept(session, service)


def reserve_service(
    session: Session, service_id: str, resources: Sequence[Reference], terms: Sequence[Characteristic] = ()
) -> Service:
    """Note that everything the service needs is held: slots, port, terminal. Doing it again does nothing.

    `terms` is what whoever has the service must know of it, beside what he asked for.
    """
    service = find_for_update(session, Service, service_id)
    if service.state is ServiceState.RESERVED:
        return service
    move(service, ServiceState.RESERVED)
    service.supporting_resource = list(resources)
    told = {one.name for one in terms}
    kept = [one for one in service.service_characteristic if one.name not in told]
    service.service_characteristic = [*kept, *terms]
    return _kept(session, service)


def release_service(session: Session, service_id: str) -> None:
    """Undo of `reserve_service`. Raises `WrongState` while the hub is configured for it."""
    service = find_for_update(session, Service, service_id)
    if service.state in (ServiceState.RESERVED, ServiceState.INACTIVE, ServiceState.ACTIVE):
        move(service, ServiceState.DESIGNED)
        service.supporting_resource = []
        _kept(session, service)


def configure_service(session: Session, service_id: str) -> Service:
    """Note that the hub is configured for it. Doing it again does nothing."""
    service = find_for_update(session, Service, service_id)
    move(service, ServiceState.INACTIVE)
    return _kept(session, service)


def deconfigure_service(session: Session, service_id: str) -> None:
    """Undo of `configure_service`. Raises `WrongState` while it is active."""
    service = find_for_update(session, Service, service_id)
    if service.state in (ServiceState.INACTIVE, ServiceState.ACTIVE):
        move(service, ServiceState.RESERVED)
        _kept(session, service)


def activate_service(session: Session, service_id: str, at: datetime, solution: Chosen) -> Service:
    """The service begins at `at`, over the path of `solution`; a partner's path is not ours. Again, it does nothing."""
    service = find_for_update(session, Service, service_id)
    if service.state is ServiceState.ACTIVE:
        return service
    move(service, ServiceState.ACTIVE)
    service.start_date = service.start_date or at
    service.further = service.further | {"hasStarted": True, "isServiceEnabled": True}
    _kept(session, service)
    if not isinstance(solution, PartnerSolution):
        begin_path(session, service, at, solution)
    return service


def deactivate_service(session: Session, service_id: str, at: datetime) -> None:
    """Undo of `activate_service`: from `at` on nothing carries it."""
    service = find_for_update(session, Service, service_id)
    if service.state is ServiceState.ACTIVE:
        move(service, ServiceState.INACTIVE)
        service.further = service.further | {"isServiceEnabled": False}
        _kept(session, service)
        end_path(session, service.id, at)


def terminate_service(session: Session, service_id: str, at: datetime) -> Service:
    """The service ends at `at`. Doing it again does nothing."""
    service = find_for_update(session, Service, service_id)
    if service.state is ServiceState.TERMINATED:
        return service
    move(service, ServiceState.TERMINATED)
    service.end_date = at if service.start_date is None else max(at, service.start_date)
    service.further = service.further | {"isServiceEnabled": False}
    end_path(session, service.id, at)
    return _kept(session, service)


def service_of_order(session: Session, order_id: str) -> Service | None:
    """The service that an order delivers; `None` before its design and after it was undone."""
    living = col(Service.state) != ServiceState.TERMINATED
    return session.exec(select(Service).where(Service.order_id == order_id, living)).first()


# The path in time


def path_at(session: Session, service_id: str, instant: datetime) -> ServicePath | None:
    """What carries the service at `instant`; `None` when nothing does."""
    begun = col(ServicePath.start_at) <= instant
    not_ended = or_(col(ServicePath.stop_at).is_(None), col(ServicePath.stop_at) > instant)
    return session.exec(select(ServicePath).where(ServicePath.service_id == service_id, begun, not_ended)).first()


def begin_path(session: Session, service: Service, at: datetime, solution: Solution) -> ServicePath:
    """From `at` on the service goes over the solution's satellite, transponders and hub; what did before ends there.

    Over a constellation it goes over that: which of its satellites serves when is `service.serving_satellite`.

    Raises `RuleRefused` on `startAt` when a path that begins later is there already.
    """
    end_path(session, service.id, at)
    found = [find(session, Transponder, one) for one in solution.transponder_ids]
    at_site = solution if isinstance(solution, SiteWay) else None
    path = ServicePath(
        service_id=service.id,
        start_at=at,
        satellite_id=solution.satellite_id if isinstance(solution, SatelliteWay) else None,
        constellation_id=solution.constellation_id if isinstance(solution, ConstellationSolution) else None,
        beam_ids=list(dict.fromkeys(beam for one in found for beam in (one.uplink_beam_id, one.downlink_beam_id))),
        transponder_ids=list(solution.transponder_ids),
        earth_station_id=at_site.earth_station_id if at_site else None,
        gateway_ids=[one.earth_station_id for one in solution.gateways]
        if isinstance(solution, ConstellationSolution)
        else [],
        hub_id=at_site.hub_id if at_site else None,
        party_id=service.party_id,
    )
    try:
        with session.begin_nested():
            session.add(path)
            session.flush()
    except IntegrityError as error:
        if "one_path_at_a_time" not in str(error.orig):
            raise
        why = f"another path of the service begins after {at.isoformat()}"
        raise RuleRefused("startAt", why, "pathOverlaps", "an instant after the beginning of the last path") from error
    return path


def end_path(session: Session, service_id: str, at: datetime) -> None:
    """What carries the service at `at` carries it no more. A path that began just then never was."""
    path = path_at(session, service_id, at)
    if path is None:
        return
    if path.start_at == at:
        session.delete(path)
    else:
        path.stop_at = at
        session.add(path)
    session.flush()


# Commands of the migration role


def import_service(session: Session, service: Service, by: Principal) -> Service:
    """Bring an existing service into the inventory, marked in the change log. It belongs to its customer.

    Raises `Refused` with every fault: specification, characteristics, customer, dates that do not fit the state.
    """
    with _marked(session):
        _check_imported(session, service)
        return _kept(session, service)


def correct_service(session: Session, service: Service, patch: dict[str, Json], by: Principal) -> Service:
    """Correct an imported service; its state is moved by what happens to it. Raises as `import_service`."""
    if service.order_id is not None:
        why = "an order made it, and an order changes it"
        raise RuleRefused("id", why, "madeByOrder", "a service that was imported")
    with _marked(session):
        change(service, patch)
        _check_imported(session, service)
        return _kept(session, service)


@contextmanager
def _marked(session: Session) -> Iterator[None]:
    """What is changed within carries the mark of a migration."""
    session.info["mark"] = MIGRATION
    try:
        yield
    finally:
        del session.info["mark"]


def _check_imported(session: Session, service: Service) -> None:
    faults: list[Fault] = []
    try:
        specification = _specification(session, service.service_specification.id)
        service.service_characteristic = validate_characteristics(specification, service.service_characteristic)
        service.service_specification = _specification_reference(specification)
    except Refused as refused:
        faults += refused.faults
    customers = [i for i, one in enumerate(service.related_party) if (one.role or "").lower() == CUSTOMER_ROLE]
    if len(customers) == 1:
        try:
            service.party_id = find_party(
                session, service.related_party[customers[0]].id, f"/relatedParty/{customers[0]}/id"
            ).id
        except Refused as refused:
            faults += refused.faults
    else:
        why = f"{len(customers)} parties have the role {CUSTOMER_ROLE!r}"
        faults.append(Fault("/relatedParty", why, "missing" if not customers else "severalCustomers", "one"))
    faults += _date_faults(service)
    if faults:
        raise Refused.all(faults)


def _date_faults(service: Service) -> list[Fault]:
    faults = []
    if service.state is ServiceState.ACTIVE and service.start_date is None:
        faults.append(Fault("/startDate", "an active service has begun", "missing", "the instant it began"))
    if service.state is ServiceState.TERMINATED and service.end_date is None:
        faults.append(Fault("/endDate", "a terminated service has ended", "missing", "the instant it ended"))
    if service.start_date is not None and service.end_date is not None and service.end_date < service.start_date:
        faults.append(Fault("/endDate", "it is before the start", "endBeforeStart", "the start or later"))
    return faults


def _specification(session: Session, identifier: str) -> ServiceSpecification:
    try:
        return find(session, ServiceSpecification, identifier)
    except NotFound as error:
        why = f"there is no service specification {identifier[:80]!r}"
        raise Refused("/serviceSpecification/id", why, "notFound", "the id of a service specification") from error


def _specification_reference(specification: ServiceSpecification) -> Reference:
    return reference(specification.id, "ServiceSpecification", specification.href, specification.name)


def _kept(session: Session, service: Service) -> Service:
    session.add(service)
    session.flush()
    return service


routes = TmfRoutes(Service)
routes.post(import_service, may=Capability.MIGRATE)
routes.patch(correct_service, may=Capability.MIGRATE)
path_routes = TmfRoutes(ServicePath)
