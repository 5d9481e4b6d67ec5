"""Resource pools: resources of one kind that capacity is sold from as one (TMF685).

A planner puts transponders, hubs or carrier pools together, and pushes further ones in or extracts them; a resource is
in one pool at most, or its capacity would be counted twice. How much a pool has and what is left of it follows from the
network and from what is held, and is written by nobody. What was reserved from a resource stays reserved when it
leaves the pool. Pushes and extracts stay on record.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final, TypeVar

from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update, lock_key
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.events import on
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Reference, RelatedParty, reference
from satcom.enterprise.party import find_party, operator_of, party_reference
from satcom.resource.hold import Period
from satcom.resource.inventory import ResourceToBeWithdrawn
from satcom.resource.payload import Transponder
from satcom.resource.pool.room import MEASURED, Room, rooms_of
from satcom.resource.reservation_item import Amount, Capacity
from satcom.resource.resource import Resource
from satcom.resource.satellite import BEFORE_SERVICE, CARRIES_TRAFFIC, Satellite

POOLABLE: Final = {kind.__name__: kind for kind in MEASURED}
MOST_RESOURCES: Final = 1000
FREE, AT_ONCE = "free", "freeAtOnce"


class ResourcePool(Entity, table=True):
    """Resources of one kind, by what planners call them."""

    __tablename__ = "resource_pool"

    description: str | None = Field(default=None, max_length=300)
    resource: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    related_party: RelatedParty | None = Field(default=None, sa_type=JsonOf(RelatedParty))

    api: ClassVar = tmf("TMF685", "ResourcePool", Capability.READ_RESERVATIONS)
    computed: ClassVar[frozenset[str]] = frozenset({"capacity"})

    @property
    def called(self) -> str:
        return self.description or self.id

    @property
    def kind(self) -> type[Resource] | None:
        """Of which kind its resources are; `None` while it is empty."""
        return POOLABLE.get(self.resource[0].referred_type or "") if self.resource else None


class PoolMovement(Entity):
    """Resources that went into a pool, or out of it. The document leaves to us what is said."""

    resource_pool: Reference = Field(sa_type=JsonOf(Reference))
    resource: list[Reference] = Field(sa_type=JsonOf(list[Reference]))
    description: str | None = Field(default=None, max_length=300)
    moved_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    resource_pool_id: str | None = Field(default=None, foreign_key="resource_pool.id", index=True, sa_type=id_type())

    private: ClassVar[frozenset[str]] = frozenset({"resource_pool_id"})
    extensions: ClassVar[frozenset[str]] = frozenset({"resourcePool", "resource", "description"})


M = TypeVar("M", bound=PoolMovement)


class Push(PoolMovement, table=True):
    """Resources that were put into a pool."""

    __tablename__ = "pool_push"

    api: ClassVar = tmf("TMF685", "Push", Capability.READ_RESERVATIONS)


class Extract(PoolMovement, table=True):
    """Resources that were taken out of a pool."""

    __tablename__ = "pool_extract"

    api: ClassVar = tmf("TMF685", "Extract", Capability.READ_RESERVATIONS)


def form_pool(session: Session, pool: ResourcePool, by: Principal) -> ResourcePool:
    """Form a pool of these resources. Raises `Refused` with each that is not there, of another kind, or pooled."""
    named, pool.resource = pool.resource, []
    pool.resource = _admitted(session, pool, named)
    _complete(session, pool)
    pool.party_id = operator_of(session).party_id
    session.add(pool)
    session.flush()
    return pool


def patch_pool(session: Session, pool: ResourcePool, patch: dict[str, Json], by: Principal) -> ResourcePool:
    """Describe a pool otherwise. What is in it is pushed and extracted."""
    if "resource" in patch:
        raise RuleRefused(
            "/resource", "resources are pushed into a pool and extracted from it", "fixed", "push, extract"
        )
    change(pool, patch)
    _complete(session, pool)
    session.flush()
    return pool


def push(session: Session, pushed: Push, by: Principal) -> Push:
    """Put resources into a pool. Raises `Refused` with each that cannot go in."""
    pool = _moved(session, pushed)
    admitted = _admitted(session, pool, pushed.resource)
    pool.resource = [*pool.resource, *admitted]
    return _recorded(session, pushed, pool, admitted)


def extract(session: Session, extracted: Extract, by: Principal) -> Extract:
    """Take resources out of a pool. Raises `Refused` with each that is not in it."""
    pool = _moved(session, extracted)
    inside = {one.id: one for one in pool.resource}
    faults = [
        Fault(f"/resource/{index}/id", f"{one.name or one.id} is not in {pool.called}", "notInPool")
        for index, one in enumerate(extracted.resource)
        if one.id not in inside
    ]
    if faults:
        raise RuleRefused.all(faults)
    gone = [inside[one] for one in dict.fromkeys(one.id for one in extracted.resource)]
    pool.resource = [one for one in pool.resource if one not in gone]
    return _recorded(session, extracted, pool, gone)


def pool_named(session: Session, identifier: str, where: str) -> ResourcePool:
    """The pool of this id. Raises `Refused` on `where`."""
    try:
        return find(session, ResourcePool, identifier)
    except NotFound as error:
        why = f"there is no resource pool {identifier[:80]!r}"
        raise Refused(where, why, "notFound", "the id of a resource pool") from error


def resource_named(session: Session, named: Reference, where: str) -> Resource:
    """The transponder, hub or carrier pool that is named. Raises `Refused` below `where`."""
    kind = POOLABLE.get(named.referred_type or "")
    if kind is None:
        accepted = ", ".join(POOLABLE)
        raise Refused(
            f"{where}/@referredType", "nothing is reserved from such a resource", "notInEnumeration", accepted
        )
    try:
        return find(session, kind, named.id)
    except NotFound as error:
        raise Refused(f"{where}/id", f"there is no {kind.__name__} {named.id[:80]!r}", "notFound") from error


def pool_rooms(session: Session, pool: ResourcePool, period: Period) -> list[Room]:
    """The room in each resource of a pool."""
    return [] if pool.kind is None else rooms_of(session, pool.kind, [one.id for one in pool.resource], period)


def capacities(kind: type[Resource], rooms: Sequence[Room]) -> list[Capacity]:
    """All of it, what is free, and the most that is free for one reservation."""
    measured = MEASURED[kind].value
    capital = f"{measured[0].upper()}{measured[1:]}"
    amounts = (
        (measured, "in all", sum(one.total for one in rooms)),
        (f"{FREE}{capital}", "free", sum(one.left for one in rooms)),
        (
            f"{AT_ONCE}{capital}",
            "free at once",
            max((one.at_once for one in rooms), default=0),
        ),
    )
    return [
        Capacity(
            capacity_amount=Amount(capacity_amount=str(amount)),
            capacity_spec=Reference(id=identifier, name=name),
        )
        for identifier, name, amount in amounts
    ]


def _moved(session: Session, movement: PoolMovement) -> ResourcePool:
    """The pool that something goes into or out of, locked; nothing else is pooled meanwhile."""
    if not 1 <= len(movement.resource) <= MOST_RESOURCES:
        why = f"{len(movement.resource)} resources"
        raise Refused("/resource", why, "cardinality", f"1 to {MOST_RESOURCES}")
    pool = pool_named(session, movement.resource_pool.id, "/resourcePool/id")
    lock_key(session.connection(), "resource pools")
    return find_for_update(session, ResourcePool, pool.id)


def _recorded(session: Session, movement: M, pool: ResourcePool, moved: list[Reference]) -> M:
    session.add(pool)
    movement.resource, movement.moved_at = moved, now()
    movement.resource_pool = reference(pool.id, "ResourcePool", pool.href, pool.description)
    movement.resource_pool_id, movement.party_id = pool.id, pool.party_id
    session.add(movement)
    session.flush()
    return movement


def _admitted(session: Session, pool: ResourcePool, named: Sequence[Reference]) -> list[Reference]:
    """The resources in full. Raises `Refused` with each that is not there, of another kind, or pooled already."""
    lock_key(session.connection(), "resource pools")
    faults: list[Fault] = []
    admitted: list[Reference] = []
    for index, one in enumerate(named):
        where = f"/resource/{index}"
        try:
            resource = resource_named(session, one, where)
            _check_fits(session, pool, admitted, resource, where)
        except Refused as refused:
            faults += refused.faults
            continue
        admitted.append(reference(resource.id, type(resource).__name__, resource.href, resource.name))
    if faults:
        raise RuleRefused.all(faults)
    return admitted


def _check_fits(
    session: Session, pool: ResourcePool, before: Sequence[Reference], resource: Resource, where: str
) -> None:
    kind = type(resource).__name__
    others = [*pool.resource, *before]
    if others and others[0].referred_type != kind:
        why = f"a pool is of one kind, this one of {others[0].referred_type}"
        raise RuleRefused(f"{where}/@referredType", why, "wrongKind", others[0].referred_type)
    inside = type_coerce(col(ResourcePool.resource), JSONB).contains([{"id": resource.id}])
    known = session.exec(select(ResourcePool).where(inside)).first()
    if known is not None or any(one.id == resource.id for one in before):
        why = f"{resource.name} is in {known.called if known is not None else 'it'} already"
        raise RuleRefused(f"{where}/id", why, "pooled", "a resource that is in no pool")
    if isinstance(resource, Transponder):
        satellite = session.get_one(Satellite, resource.satellite_id)
        if satellite.state not in CARRIES_TRAFFIC | BEFORE_SERVICE:
            why = f"{satellite.name} is {satellite.state}: nothing is sold on it any more"
            raise RuleRefused(
                f"{where}/id", why, "satelliteNotInService", "a transponder that is or will be in service"
            )


def _complete(session: Session, pool: ResourcePool) -> None:
    if pool.related_party is not None:
        known = party_reference(find_party(session, pool.related_party.id, "/relatedParty/id"), pool.related_party)
        if known != pool.related_party:
            pool.related_party = known


def tell_capacity(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """What each pool has, and what is left of it now. As many statements for one pool as for many."""
    named = {str(body["id"]): [Reference.model_validate(one) for one in _listed(body)] for body in bodies}
    rooms: dict[str, Room] = {}
    for name, kind in POOLABLE.items():
        ids = [one.id for listed in named.values() for one in listed if one.referred_type == name]
        found = rooms_of(session, kind, ids, Period(now())) if ids else []
        rooms |= {one.resource.id: one for one in found}
    for body in bodies:
        listed = named[str(body["id"])]
        kind_of = POOLABLE.get(listed[0].referred_type or "") if listed else None
        if kind_of is not None:
            inside = [rooms[one.id] for one in listed if one.id in rooms]
            body["capacity"] = [one.wire() for one in capacities(kind_of, inside)]


def _listed(body: dict[str, Json]) -> list[Json]:
    resources = body.get("resource")
    return resources if isinstance(resources, list) else []


@on(ResourceToBeWithdrawn)
def keep_what_is_pooled(session: Session, event: ResourceToBeWithdrawn) -> None:
    """A resource is extracted from its pool first."""
    inside = type_coerce(col(ResourcePool.resource), JSONB).contains([{"id": event.resource_id}])
    pool = session.exec(select(ResourcePool).where(inside)).first()
    if pool is not None:
        raise RuleRefused("id", f"it is in the pool {pool.called!r}", "inUse", "extract it first")


routes = TmfRoutes(ResourcePool, derived=tell_capacity)
routes.post(form_pool, may=Capability.KEEP_POOLS)
routes.patch(patch_pool, may=Capability.KEEP_POOLS)
push_routes = TmfRoutes(Push)
push_routes.post(push, may=Capability.KEEP_POOLS)
extract_routes = TmfRoutes(Extract)
extract_routes.post(extract, may=Capability.KEEP_POOLS)
