"""The network inventory (TMF639): all kinds of resource as one collection, told apart by `@type`.

What can be touched is a physical resource (satellites and their transponders, earth stations, hubs, terminals), the
rest logical (beams, constellations, slots, ports, pools, shares of pools and of constellations); each of these is a
collection of the objects, too. Orders and flows write the inventory. Directly it is written only by the migration role,
which is how an operator brings the network that he has: each object is checked like any command, and its change is
marked. A change that would leave sold capacity without the band or the port it was sold on is refused; a state is moved
along its life cycle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psycopg.errors import ForeignKeyViolation
from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import principal_in
from satcom.core.entity import change, wire
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.events import announce
from satcom.core.life_cycle import move
from satcom.core.security import MIGRATION, Capability, Principal
from satcom.core.tenancy import visible
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.party import find_party, operator_of
from satcom.resource.capacity_day import check_day
from satcom.resource.carrier_pool import CarrierPool, PoolShare, fill_of, lock_pools, take_over_share
from satcom.resource.constellation import Constellation, check_gateways
from satcom.resource.constellation_holding import lock_constellations, take_over_constellation_share
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.constellation_sold import check_sold, plan_anew, planned_by
from satcom.resource.ground import EarthStation, Terminal
from satcom.resource.hold import Hold, HoldState, Period
from satcom.resource.hub import Hub, HubPortAssignment, lock_hubs, take_over_port
from satcom.resource.payload import Beam, Transponder
from satcom.resource.resource import (
    LOGICAL_COLLECTION,
    PHYSICAL,
    PHYSICAL_COLLECTION,
    Resource,
    check_references,
    pointer,
)
from satcom.resource.satellite import CARRIES_TRAFFIC, Satellite
from satcom.resource.satellite_life import follow_correction
from satcom.resource.sky_noise import check_constellation, check_station, check_transponder
from satcom.resource.spectrum import SpectrumAssignment, assignments_of, lock_transponders, take_over_carrier

KINDS: tuple[type[Resource], ...] = (
    Satellite,
    Beam,
    Transponder,
    EarthStation,
    Hub,
    HubPortAssignment,
    SpectrumAssignment,
    CarrierPool,
    PoolShare,
    Terminal,
    Constellation,
    ConstellationShare,
)
CHARACTERISTICS = "resourceCharacteristic"
SERIAL_NUMBER = "serialNumber"
TAKEN = {"slot_is_sold_once": "start_hz", "port_is_given_once": "port_number"}  # constraint, and the column it is about


def enter(session: Session, resource: Resource, by: Principal) -> Resource:
    """Enter a resource that exists in the world. It belongs to the party in `relatedParty`, else to the operator.

    Raises `Refused` with everything that it points at and is not there, `RuleRefused` where it does not fit the rest.
    """
    by.need(Capability.MIGRATE)
    session.info["mark"] = MIGRATION
    resource.party_id = _party(session, resource)
    _kept(session, resource, lambda: session.add(resource))
    if isinstance(resource, Constellation):
        check_day(session, resource)
    return resource


def amend(session: Session, resource: Resource, patch: dict[str, Json], by: Principal) -> Resource:
    """Correct a resource. Characteristics are merged by name; a value of null takes one away.

    Raises as `enter` does, and `WrongState` where the life cycle has no such move.
    """
    by.need(Capability.MIGRATE)
    session.info["mark"] = MIGRATION
    if isinstance(resource, Hold):
        _check_of_no_order(resource)
    state, rest = _without_state(resource, patch)
    known = (resource.in_service_date, resource.state) if isinstance(resource, Satellite) else None
    planned = planned_by(resource) if isinstance(resource, Constellation) else None

    def apply() -> None:
        if isinstance(resource, Hub):
            lock_hubs(session, [resource.id])
        if isinstance(resource, Transponder):
            lock_transponders(session, [resource.id])
        if isinstance(resource, CarrierPool):
            lock_pools(session, [resource.id])
        if isinstance(resource, Constellation):
            lock_constellations(session, [resource.id])
        if rest:
            change(resource, rest)
        if state is not None:
            move(resource, state)  # type: ignore[arg-type, type-var]  # only kinds with a life cycle have a state

    _kept(session, resource, apply)
    if isinstance(resource, Satellite) and known is not None:
        follow_correction(session, resource, *known)
    if isinstance(resource, Constellation) and planned != planned_by(resource):
        check_day(session, resource)
        plan_anew(session, resource)
    return resource


def _check_of_no_order(held: Hold) -> None:
    """What an order takes is changed, and given back, by an order: corrected here it would be sold a second time."""
    if held.state is not HoldState.RELEASED and (held.order_id or held.reservation_id):
        why = f"{held.order_reference or 'a reservation'} holds it"
        raise RuleRefused("id", why, "madeByOrder", "change or end what was ordered, or give the reservation back")


def _kept(session: Session, resource: Resource, apply: Callable[[], None]) -> Resource:
    """Apply, check and write in one savepoint; what the database refuses is refused in words."""
    name = resource.name
    try:
        with session.begin_nested(), session.no_autoflush:
            apply()
            check_references(session, resource)
            _check(session, resource)
            session.flush()
    except IntegrityError as error:
        raise _refusal(type(resource), name, error) from error
    return resource


def _check(session: Session, resource: Resource) -> None:
    """What each kind owes to the others."""
    match resource:
        case SpectrumAssignment():
            take_over_carrier(session, resource)
        case HubPortAssignment():
            take_over_port(session, resource)
        case CarrierPool():
            _check_pool(session, resource)
        case PoolShare():
            take_over_share(session, resource)
        case Satellite():
            if resource.state in CARRIES_TRAFFIC and resource.in_service_date is None:
                where = pointer(Satellite, "in_service_date")
                raise Refused(where, "a satellite that carries traffic has an in-service date", "missing")
        case Transponder():
            _check_transponder(session, resource)
            check_transponder(session, resource)
        case EarthStation():
            wanted = [one for antenna in resource.antennas for one in antenna.satellite_ids]
            _check_satellites(session, wanted, pointer(EarthStation, "antennas"))
            check_station(session, resource)
        case Hub():
            _check_satellites(session, resource.satellite_ids, pointer(Hub, "satellite_ids"))
            _check_ports(session, resource)
        case Constellation():
            check_gateways(session, resource)
            check_constellation(session, resource)
            check_sold(session, resource)
        case ConstellationShare():
            take_over_constellation_share(session, resource)
        case _:
            pass


def _check_transponder(session: Session, transponder: Transponder) -> None:
    """It works through beams of its satellite, and what is sold on it still fits."""
    faults = []
    for column in ("uplink_beam_id", "downlink_beam_id"):
        beam = session.get(Beam, getattr(transponder, column))
        if beam is not None and (beam.satellite_id, beam.band) != (transponder.satellite_id, transponder.band):
            why = f"{beam.name} is a {beam.band} beam of another satellite, or of another band than {transponder.band}"
            faults.append(Fault(pointer(Transponder, column), why, "wrongBeam"))
    if faults:
        raise Refused.all(faults)
    sold = assignments_of(session, transponder.id, Period(now()))
    outside = [one for one in sold if one.start_hz < transponder.low_edge_hz or one.stop_hz > transponder.high_edge_hz]
    if outside:
        where = pointer(Transponder, "bandwidth_hz")
        raise RuleRefused(where, f"{outside[0].name} would lie outside of the transponder", "soldOutside")


def _check_ports(session: Session, hub: Hub) -> None:
    above = (col(HubPortAssignment.hub_id) == hub.id) & (col(HubPortAssignment.port_number) > hub.ports)
    in_use = HubPortAssignment.in_force(Period(now()), now())
    lost = session.exec(select(HubPortAssignment).where(above, in_use)).first()
    if lost is not None:
        raise RuleRefused(pointer(Hub, "ports"), f"{lost.name} is in use", "portInUse", f"at least {lost.port_number}")


def _check_pool(session: Session, pool: CarrierPool) -> None:
    """It lies in spectrum of the operator that is wide enough, and what was sold of it still fits."""
    slot = session.get(SpectrumAssignment, pool.spectrum_assignment_id)
    if slot is not None:
        occupied_hz = round(pool.symbol_rate_baud * (1 + pool.rolloff))
        if occupied_hz > slot.bandwidth_hz:
            where = pointer(CarrierPool, "symbol_rate_baud")
            why = f"its carriers occupy {occupied_hz} Hz, {slot.name} has {slot.bandwidth_hz} Hz"
            raise RuleRefused(where, why, "widerThanSlot", f"at most {int(slot.bandwidth_hz / (1 + pool.rolloff))}")
    fill = fill_of(session, pool.id, Period(now()))
    if fill.committed_baud > pool.committable_baud or fill.sold_baud > pool.saleable_baud:
        where = pointer(CarrierPool, "symbol_rate_baud")
        why = f"{fill.committed_baud} symbols/s of it are committed and {fill.sold_baud} sold"
        raise RuleRefused(where, why, "soldAlready", "a pool that holds what was sold of it")


def _check_satellites(session: Session, identifiers: list[str], where: str) -> None:
    seen = visible(Satellite, principal_in(session))
    known = set(session.exec(select(Satellite.id).where(col(Satellite.id).in_(identifiers), seen)))
    faults = [Fault(where, f"there is no satellite {one!r}", "notFound") for one in identifiers if one not in known]
    if faults:
        raise Refused.all(faults)


def _party(session: Session, resource: Resource) -> str:
    """Whose it is. Capacity and terminals may belong to a customer, the network is the operator's."""
    given = resource.further.get("relatedParty")
    if given and isinstance(resource, Hold | Terminal):
        return find_party(session, str(given[0]["id"]), "/relatedParty/0/id").id
    return operator_of(session).organization_id


def _without_state(resource: Resource, patch: dict[str, Json]) -> tuple[object, dict[str, Json]]:
    """The state that the patch asks for, and the patch with the complete list of characteristics otherwise."""
    given = patch.get(CHARACTERISTICS)
    if not isinstance(given, list):
        return None, patch
    present = wire(resource).get(CHARACTERISTICS)
    merged = {str(one["name"]): one for one in present if isinstance(one, dict)} if isinstance(present, list) else {}
    state: object = None
    for one in given:
        if isinstance(one, dict):
            name = str(one["name"])
            if name == resource.state_field and resource.life_cycle is not None:
                state = _known_state(resource, one.get("value"))
            elif one.get("value") is None:
                merged.pop(name, None)
            else:
                merged[name] = one
    return state, patch | {CHARACTERISTICS: list(merged.values())}


def _known_state(resource: Resource, value: Json) -> object:
    states = list(resource.life_cycle.moves) if resource.life_cycle is not None else []
    found = next((state for state in states if state == value), None)
    if found is None:
        where = pointer(type(resource), resource.state_field)
        raise Refused(where, f"{value!r} is no state", "notInEnumeration", ", ".join(states))
    return found


def _refusal(kind: type[Resource], name: str, error: IntegrityError) -> RuleRefused:
    """What a constraint of the database says, as a refusal of the field it is about."""
    diagnosis = getattr(error.orig, "diag", None)
    constraint = str(getattr(diagnosis, "constraint_name", None))
    if constraint in TAKEN:
        return RuleRefused(pointer(kind, TAKEN[constraint]), f"{name} is taken already", "slotTaken")
    for column in kind.__table__.columns:  # type: ignore[attr-defined]
        if column.unique and constraint == f"{column.table.name}_{column.name}_key":
            return RuleRefused(pointer(kind, column.name), "another one has it already", "duplicate")
    return RuleRefused("/", f"the database's rule {constraint} refuses it", "conflict")


@dataclass(frozen=True)
class ResourceToBeWithdrawn:
    """It is about to be taken out of the inventory. Whoever relies on it refuses."""

    resource_id: str


def withdraw(session: Session, resource: Resource, by: Principal) -> None:
    """Take out what was entered by mistake. What was ever ordered, or stands in relation to anything, stays on record.

    Raises `RuleRefused` with who names it.
    """
    by.need(Capability.MIGRATE)
    session.info["mark"] = MIGRATION
    order = getattr(resource, "order_id", None) or getattr(resource, "reservation_id", None)
    if order is not None:
        why = f"it was held or built for {getattr(resource, 'order_reference', None) or order}"
        raise RuleRefused("id", why, "inUse", "it is released or removed, and stays")
    if isinstance(resource, Satellite):
        _check_nobody_points_at(session, resource)
    if isinstance(resource, Hub | EarthStation):
        _check_no_constellation_uses(session, resource)
    announce(session, ResourceToBeWithdrawn(resource.id))
    try:
        with session.begin_nested():
            session.delete(resource)
            session.flush()
    except IntegrityError as error:
        if not isinstance(error.orig, ForeignKeyViolation):
            raise
        who = str(getattr(getattr(error.orig, "diag", None), "table_name", "another object")).replace("_", " ")
        raise RuleRefused("id", f"a {who} names it", "inUse", "what nothing names") from error


def _check_no_constellation_uses(session: Session, part: Hub | EarthStation) -> None:
    """It is no gateway of a constellation."""
    key = "hubId" if isinstance(part, Hub) else "earthStationId"
    gateways = type_coerce(col(Constellation.gateways), JSONB).contains([{key: part.id}])
    name = session.exec(select(Constellation.name).where(gateways)).first()
    if name is not None:
        raise RuleRefused("id", f"{name} is worked through it", "inUse", "what is no gateway of a constellation")


def _check_nobody_points_at(session: Session, satellite: Satellite) -> None:
    """No antenna and no hub looks at it."""
    antennas = type_coerce(col(EarthStation.antennas), JSONB).contains([{"satelliteIds": [satellite.id]}])
    hubs = type_coerce(col(Hub.satellite_ids), JSONB).contains([satellite.id])
    for query in (select(EarthStation.name).where(antennas), select(Hub.name).where(hubs)):
        name = session.exec(query).first()
        if name is not None:
            raise RuleRefused("id", f"{name} works with it", "inUse", "a satellite that nothing points at")


def tell_serial_numbers(session: Session, bodies: Sequence[dict[str, Json]]) -> None:
    """TMF639 has the serial number of what can be touched beside its characteristics."""
    for body in bodies:
        known = body.get(CHARACTERISTICS)
        for one in known if isinstance(known, list) else []:
            if isinstance(one, dict) and one.get("name") == SERIAL_NUMBER:
                body[SERIAL_NUMBER] = one.get("value")


PHYSICAL_KINDS = tuple(kind for kind in KINDS if kind.api is PHYSICAL)
LOGICAL_KINDS = tuple(kind for kind in KINDS if kind.api is not PHYSICAL)
routes = TmfRoutes(*KINDS)
physical_routes = TmfRoutes(*PHYSICAL_KINDS, derived=tell_serial_numbers, api=PHYSICAL_COLLECTION)
logical_routes = TmfRoutes(*LOGICAL_KINDS, api=LOGICAL_COLLECTION)
for collection in (routes, physical_routes, logical_routes):
    collection.post(enter, may=Capability.MIGRATE)
    collection.patch(amend, may=Capability.MIGRATE)
    collection.delete(withdraw, may=Capability.MIGRATE)
