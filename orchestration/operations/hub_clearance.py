"""Orphans at a hub: what it holds for services that the books do not have, and how it is cleared of them.

After a restore from a backup the hub still holds what was configured since. An orphan has a name as we give them, of a
service that no book has; what others configured, and what was loaded with names of its own, is none. Orphans are shown,
and cleared by the services that somebody names: he sees who is taken off the air. The orders that were held because a
port was taken are then tried again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from fastapi import Request, Response
from pydantic import Field as ValueField
from sqlalchemy import Sequence as NumberSequence
from sqlalchemy import and_, or_
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, own, state_type
from satcom.core.errors import Fault, NotAllowed, RuleRefused, Unavailable
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.routes import Routes
from satcom.core.security import WORKER, Capability, Principal
from satcom.core.tmf_api import TmfRoutes, database_of, json_response, token_of, who_may
from satcom.core.tmf_filter import UUID_FORM
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import operator_of
from satcom.orchestration.engine import Call
from satcom.orchestration.flow_event import FlowUndone
from satcom.orchestration.outcome import PORT_TAKEN
from satcom.orchestration.plan import FlowState, Plan, ProcessFlow, TaskFlow, TaskState, UndoState, plan
from satcom.orchestration.queue import enqueue
from satcom.orchestration.repair import retry
from satcom.orchestration.schedule import lay_out
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.drivers.port import DriverRefused, DriverUnavailable, HubConfiguration, HubDriver
from satcom.resource.hub import Hub
from satcom.resource.naming import resources_called
from satcom.service.activation import by_service, deactivate, from_json, service_named, to_json
from satcom.service.inventory import Service

HUB_CLEARANCE: Final = "hubClearance"
PATH: Final = "/satcom-api/service/v1/hubOrphan"
MOST_AT_ONCE: Final = 10_000
NUMBERS = NumberSequence("hub_clearance_number", metadata=SQLModel.metadata)
ServiceId = Annotated[str, ValueField(pattern=f"^{UUID_FORM.pattern}$")]


class ClearanceState(StrEnum):
    IN_PROGRESS = "inProgress"
    DONE = "done"
    REFUSED = "refused"


class HubClearance(Entity, table=True):
    """What was taken out of the hubs for services that no book has. `removed` is what they held, as it was."""

    __tablename__ = "hub_clearance"

    reference: str = Field(unique=True, max_length=40)
    state: ClearanceState = Field(default=ClearanceState.IN_PROGRESS, sa_type=state_type(ClearanceState))
    service_ids: list[str] = Field(sa_type=JsonOf(list[str]))
    removed: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    asked_by: str = Field(max_length=200)
    asked_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = own("service/v1", "hubClearance", Capability.READ_NETWORK)
    life_cycle: ClassVar = LifeCycle[ClearanceState](
        ClearanceState,
        ("inProgress", "done", "the hub holds nothing of them any more"),
        ("inProgress", "refused", "the hub would not"),
    )


class NewClearance(OwnBody):
    """What the NOC sends: the services, as they were shown, of which the hub is to hold nothing."""

    service_ids: list[ServiceId] = ValueField(min_length=1, max_length=MOST_AT_ONCE)


# The rule


def orphans_in(session: Session, held: HubConfiguration) -> dict[str, HubConfiguration]:
    """What a hub holds of services that the books do not have, by the service's id.

    The hub is to be asked before: what is configured has its service in the books by then.
    """
    found = by_service(held)
    return {one: found[one] for one in sorted(found.keys() - in_the_books(session, found))}


def in_the_books(session: Session, service_ids: Iterable[str]) -> set[str]:
    """Those that are of a service in the books, in whatever state it is: never cleared."""
    return set(session.exec(select(Service.id).where(col(Service.id).in_(list(service_ids)))))


def check_sees_all(by: Principal) -> None:
    """Raises `NotAllowed`: to whoever sees the services of a party only, those of all others would be orphans."""
    if not by.all_parties:
        raise NotAllowed(f"{by.name} does not see all services")


# The command and its tasks


@plan(HUB_CLEARANCE)
def hub_clearance(plan: Plan, clearance: str, service_ids: Sequence[str] = ()) -> None:
    """The recipe. What the hub held is kept before it is taken out."""
    found = plan.task(read_orphans, list(service_ids), outside=True)
    cleared = plan.task(clear_orphans, found, outside=True, no_return=True)
    plan.task(complete_clearance, clearance, found, after=[cleared])


def clear_hub(session: Session, wanted: NewClearance, by: Principal) -> HubClearance:
    """Have the hubs hold nothing of these services any more.

    Raises `NotAllowed` for whoever does not see all books, `RuleRefused` on each service that is in them.
    """
    check_sees_all(by)
    service_ids = [one.lower() for one in dict.fromkeys(wanted.service_ids)]
    ours = in_the_books(session, service_ids)
    if ours:
        accepted = "a service that no book has: satcom hub orphans"
        raise RuleRefused.all(
            [
                Fault(f"/serviceIds/{place}", f"service {one} is in the books", "inBooks", accepted)
                for place, one in enumerate(wanted.service_ids)
                if one.lower() in ours
            ]
        )
    clearance = HubClearance(
        party_id=operator_of(session).organization_id,
        reference=next_reference(session, NUMBERS, "HC"),
        service_ids=service_ids,
        asked_by=by.name,
    )
    session.add(clearance)
    session.flush()
    enqueue(session, lay_out(session, HUB_CLEARANCE, clearance, clearance.reference, service_ids).id)
    return clearance


def read_orphans(call: Call, service_ids: list[str]) -> Json:
    """What the hubs hold of them now."""
    wanted = set(service_ids)
    return to_json(call.hub.holds(lambda name: service_named(name) in wanted))


def clear_orphans(call: Call, found: Json) -> Json:
    deactivate(call.hub, from_json(found), call.key)
    return None


def complete_clearance(session: Session, clearance_id: str, found: dict[str, Json]) -> Json:
    """The orders that were held because a port was taken are tried again."""
    clearance = find_for_update(session, HubClearance, clearance_id)
    clearance.removed, clearance.ended_at = found, now()
    move(clearance, ClearanceState.DONE)
    session.flush()
    for task in session.exec(_held_for_a_port()).all():
        retry(session, task.process_flow_id, task.id, WORKER)
    session.info["order_reference"] = clearance.reference  # what follows is of this flow again
    return None


def _held_for_a_port() -> SelectOfScalar[TaskFlow]:
    """The tasks, and the undos of tasks, that wait for a person because the hub had given a port to another."""
    forward = and_(col(ProcessFlow.state) == FlowState.ACTIVE, col(TaskFlow.state) == TaskState.HOLD)
    backward = and_(col(ProcessFlow.state) == FlowState.HOLD, col(TaskFlow.undo_state) == UndoState.HOLD)
    return (
        select(TaskFlow)
        .join(ProcessFlow, col(ProcessFlow.id) == col(TaskFlow.process_flow_id))
        .where(or_(forward, backward), col(TaskFlow.fault)["code"].astext == PORT_TAKEN)
        .order_by(col(TaskFlow.process_flow_id))
    )


@on(FlowUndone)
def end_clearance(session: Session, event: FlowUndone) -> None:
    clearance = session.get(HubClearance, event.flow.subject_id)
    if clearance is not None and clearance.state is ClearanceState.IN_PROGRESS:
        clearance.ended_at = now()
        move(clearance, ClearanceState.REFUSED)
        session.flush()


# The routes

routes = TmfRoutes(HubClearance)
routes.post(clear_hub, may=Capability.REPAIR_FLOWS, reads=NewClearance)
orphan_routes = Routes("hubOrphan")


@orphan_routes.on(
    "GET",
    PATH,
    name="list hubOrphan",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_NETWORK),
)
def list_orphans(request: Request, hubId: str | None = None) -> Response:  # noqa: N803 (the name on the wire)
    """By service what the hubs hold, or the one of this id or name, for services that the books do not have."""
    with database_of(request).request(token_of(request)) as (session, principal):
        check_sees_all(principal)
        asked = None if hubId is None else resources_called(session, Hub, [hubId], "hubId")[0].id
    held = _held_by(request.app.state.hub)
    with database_of(request).request(token_of(request)) as (session, _):
        names = {one.id: one.name for one in session.exec(select(Hub)) if asked in (None, one.id)}
        pools = {one.id: one.hub_id for one in session.exec(select(CarrierPool))}
        told = [_told(one, of_it, names, pools) for one, of_it in orphans_in(session, held).items()]
    return json_response([one for one in told if asked is None or one["hub"]])


def _held_by(hub: HubDriver | None) -> HubConfiguration:
    """All that has a name as we give them. Raises `Unavailable` when it cannot be asked."""
    if hub is None:
        raise Unavailable("hub", "no hub is configured here")
    try:
        return hub.holds(lambda name: service_named(name) is not None)
    except (DriverRefused, DriverUnavailable) as error:
        raise Unavailable("hub", f"it cannot be asked: {error}") from error


def _told(
    service_id: str, held: HubConfiguration, names: Mapping[str, str], pools: Mapping[str, str]
) -> dict[str, Json]:
    """With the hubs of its carriers and of the shared carriers that its terminal is on."""
    hubs = {one.hub_id for one in held.carriers} | {pools.get(one.carrier_id, "") for one in held.terminals}
    named: list[Json] = [{"id": one, "name": names[one]} for one in sorted(hubs & names.keys())]
    return {"serviceId": service_id, "hub": named, "holds": to_json(held)}
