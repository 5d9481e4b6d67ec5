"""Reservations by hand: sales and provisioning hold capacity for a customer while they talk to him.

A POST asks for slots ({"relatedEntity": [{"id": TRANSPONDER, "@referredType": "Transponder"}], "capacityDemand":
{"capacityAmount": {"capacityAmount": "6000000"}, "capacitySpec": {"id": "bandwidthHz"}}}) and perhaps a hub port
({"relatedEntity": [{"id": HUB, "@referredType": "Hub"}]}), or for either from a pool (`resource.pool`). A PATCH extends
(`validFor`) or gives back (`state`). What an order holds is given back by the order only. Nothing is deleted: what was
held stays on record.
Words: TMF685.
"""

from datetime import timedelta

from pydantic import ValidationError
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.errors import Fault, NotAllowed, Refused, RuleRefused, WrongState
from satcom.core.security import Capability, Principal, Role
from satcom.core.tmf_api import TmfRoutes
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Json, Reference, TimePeriod
from satcom.enterprise.party import find_party, party_reference
from satcom.resource.hold import Owner
from satcom.resource.payload import Transponder
from satcom.resource.pool.availability_check import amount_asked, asked_period
from satcom.resource.pool.placement import from_pool, placed
from satcom.resource.reservation import (
    Reservation,
    ReservationState,
    Wanted,
    check_right,
    extend,
    release,
    reserve,
)
from satcom.resource.reservation_item import Capacity, ReservationItem
from satcom.resource.spectrum import WantedSlot

MAY_HOLD = frozenset({Role.SALES, Role.PROVISIONING, Role.ADMINISTRATOR})
LONGEST_HOLD = timedelta(days=90)
MOST_ITEMS = 20
CHANGEABLE = ("validFor", "state", "stateChangeReason")


def hold_by_hand(session: Session, asked: Reservation, by: Principal) -> Reservation:
    """Hold what was asked for, until `validFor` ends. Power follows bandwidth.

    Raises `NotAllowed` for other roles; `Refused` with every fault of the body; what `reserve` raises.
    """
    if not MAY_HOLD & by.roles:
        raise NotAllowed(f"{by.name} may not hold capacity; sales and provisioning may")
    if asked.state is not ReservationState.HELD:
        raise Refused("/state", "a reservation begins as held", "invalid", "held")
    if not asked.related_party:
        raise Refused("/relatedParty", "for whom it is held is mandatory", "missing")
    party = find_party(session, asked.related_party[0].id, "/relatedParty/0/id")
    period = asked_period(asked.reservation_period, "/reservationPeriod")
    items = placed(session, asked.reservation_item, period)
    slots, hub_ids = _wanted(items)
    until = asked.valid_for.end_date_time if asked.valid_for else None
    if until is None:
        raise Refused("/validFor/endDateTime", "a hold says until when", "missing")
    if until > now() + LONGEST_HOLD:
        latest = (now() + LONGEST_HOLD).isoformat()
        raise RuleRefused("/validFor/endDateTime", f"longer than {LONGEST_HOLD.days} days", "tooLong", latest)
    wanted = Wanted(Owner(None, None, party.id), period, tuple(slots.values()), hub_ids)
    reservation = reserve(session, wanted, until, by)
    reservation.related_party = [party_reference(party, asked.related_party[0]), *asked.related_party[1:]]
    reservation.further = asked.further
    held = _as_asked(items, slots, reservation.reservation_item)
    reservation.reservation_item = [
        one if (pool := from_pool(item)) is None else _with_pool(one, pool)
        for item, one in zip(asked.reservation_item, held, strict=True)
    ]
    session.flush()
    return reservation


def change_by_hand(session: Session, reservation: Reservation, patch: dict[str, Json], by: Principal) -> Reservation:
    """Extend a hold, or give it back.

    Raises `Refused` on any other attribute, `NotAllowed`, and `RuleRefused` on what an order holds or what ended.
    """
    names = ", ".join(CHANGEABLE)
    faults = [Fault(f"/{name}", "cannot be changed", "readOnly", names) for name in patch if name not in CHANGEABLE]
    if faults or not patch:
        raise Refused.all(faults or [Fault("/", "nothing to change", "missing", names)])
    if "state" in patch and patch["state"] != reservation.state.value:
        return _give_back(session, reservation, patch, by)
    if "validFor" not in patch:
        return reservation
    try:
        given = reservation.valid_for.wire() if reservation.valid_for else {}
        change = patch["validFor"] if isinstance(patch["validFor"], dict) else {}
        period = TimePeriod.model_validate(given | change)
    except ValidationError as error:
        raise Refused("/validFor", error.errors()[0]["msg"], "invalid") from error
    if period.end_date_time is None:
        raise Refused("/validFor/endDateTime", "a hold says until when", "missing")
    if period.end_date_time > now() + LONGEST_HOLD:
        raise RuleRefused("/validFor/endDateTime", f"longer than {LONGEST_HOLD.days} days", "tooLong")
    return extend(session, reservation, period.end_date_time, by)


def _with_pool(item: ReservationItem, pool: Reference) -> ReservationItem:
    """What is held, and from which pool it was asked for."""
    return item.model_copy(update={"related_entity": [*item.related_entity, pool]})


def _give_back(session: Session, reservation: Reservation, patch: dict[str, Json], by: Principal) -> Reservation:
    if patch["state"] != ReservationState.CANCELLED.value:
        raise WrongState("/state", "is moved by what happens to the order", "illegalMove", "cancelled")
    if reservation.order_id is not None:
        raise RuleRefused("/state", f"{reservation.order_reference} holds it: cancel the order", "heldByOrder")
    check_right(reservation, by)
    release(session, reservation, str(patch.get("stateChangeReason") or f"given back by {by.name}"))
    return reservation


def _wanted(items: list[ReservationItem]) -> tuple[dict[int, WantedSlot], tuple[str, ...]]:
    """The slots by the place of their item, and the hub, that are asked for. Raises `Refused` with every fault."""
    faults: list[Fault] = []
    slots: dict[int, WantedSlot] = {}
    hubs: list[str] = []
    if not 1 <= len(items) <= MOST_ITEMS:
        faults.append(Fault("/reservationItem", f"{len(items)} items", "cardinality", f"1 to {MOST_ITEMS}"))
    for index, item in enumerate(items[:MOST_ITEMS]):
        at = f"/reservationItem/{index}"
        kinds = [(one.referred_type, one.id) for one in item.related_entity]
        if item.action not in (None, "add"):
            faults.append(Fault(f"{at}/action", "nothing is there to be changed", "invalid", "add"))
        if len(kinds) != 1 or kinds[0][0] not in ("Transponder", "Hub") or not is_uuid(kinds[0][1]):
            accepted = "one Transponder, Hub or ResourcePool, by its id"
            faults.append(Fault(f"{at}/relatedEntity", "does not say of what", "invalid", accepted))
        elif kinds[0][0] == "Hub":
            hubs.append(kinds[0][1])
        else:
            try:
                width_hz = amount_asked(item.capacity_demand or Capacity(), Transponder, f"{at}/capacityDemand")
            except Refused as refused:
                faults += refused.faults
            else:
                slots[index] = WantedSlot(kinds[0][1], width_hz, width_hz)
    if len(hubs) > 1:
        faults.append(Fault("/reservationItem", "more than one hub port", "cardinality", "at most one"))
    if faults:
        raise Refused.all(faults)
    return slots, tuple(hubs)


def _as_asked(
    asked: list[ReservationItem], slots: dict[int, WantedSlot], held: list[ReservationItem]
) -> list[ReservationItem]:
    """What is held in the order in which it was asked for; `reserve` takes the widest slot first, and the hub last."""

    order = sorted(slots, key=lambda place: -slots[place].bandwidth_hz)
    order += [place for place in range(len(asked)) if place not in slots]
    by_place = dict(zip(order, held, strict=True))
    return [
        by_place[place].model_copy(update={"id": item.id or str(place + 1), "capacity_demand": item.capacity_demand})
        for place, item in enumerate(asked)
    ]


routes = TmfRoutes(Reservation)
# Which of these roles may begin a hold, and which may touch another's, the commands say.
routes.post(hold_by_hand, may=Capability.HOLD_CAPACITY)
routes.patch(change_by_hand, may=Capability.HOLD_CAPACITY)
