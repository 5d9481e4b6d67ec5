"""Partner capacity: what was offered to us for an order, held, ordered and delivered at a partner, and what it costs.

The row follows what happened at the partner; the flow of the order calls there and writes it down. It is the
operator's, not the customer's: what capacity costs us is nobody else's business. Each command may be repeated.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import NotFound, RuleRefused
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Money
from satcom.enterprise.party import operator_of
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer, CapacityOrdered
from satcom.supplychain.partnership import PartnershipToBeDeleted


class PartnerCapacityState(StrEnum):
    OFFERED = "offered"
    HELD = "held"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    RELEASED = "released"


class PartnerCapacity(Entity, table=True):
    """The capacity of one partner for one product order."""

    __tablename__ = "partner_capacity"
    __table_args__ = (
        Index("one_partner_capacity_per_order", "order_id", unique=True, postgresql_where=text("state <> 'released'")),
    )

    order_id: str = Field(index=True, sa_type=id_type())
    partnership_id: str = Field(foreign_key="partnership.id", index=True, sa_type=id_type())
    agreement_id: str = Field(foreign_key="agreement.id", sa_type=id_type())
    partner_name: str = Field(max_length=300)
    state: PartnerCapacityState = Field(
        default=PartnerCapacityState.OFFERED, sa_type=state_type(PartnerCapacityState), index=True
    )
    asked: CapacityAsked = Field(sa_type=JsonOf(CapacityAsked))
    offer: CapacityOffer = Field(sa_type=JsonOf(CapacityOffer))
    monthly_cost: Money = Field(sa_type=JsonOf(Money))
    one_time_cost: Money = Field(sa_type=JsonOf(Money))
    hold_id: str | None = Field(default=None, max_length=200)
    hold_until: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    partner_order_id: str | None = Field(default=None, max_length=200)
    expected_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    delivered_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    released_because: str | None = Field(default=None, max_length=500)

    api: ClassVar = own("supplyChain/v1", "partnerCapacity", Capability.READ_PARTNER_CAPACITY)
    life_cycle: ClassVar = LifeCycle[PartnerCapacityState](
        PartnerCapacityState,
        ("offered", "held", "the partner keeps it for us for a while"),
        ("offered", "released", "it was not held after all"),
        ("held", "ordered", "the partner took our order"),
        ("held", "released", "given back, or the hold ran out"),
        ("ordered", "delivered", "the partner delivers"),
        ("ordered", "released", "the order was cancelled at the partner"),
        ("delivered", "released", "the service ended"),
    )

    @property
    def name(self) -> str:
        return f"{self.offer.offering_name} of {self.partner_name}"


class TakenOffer(Protocol):
    """An offer that was chosen, and under which agreement."""

    @property
    def partnership_id(self) -> str: ...
    @property
    def agreement_id(self) -> str: ...
    @property
    def partner_name(self) -> str: ...
    @property
    def asked(self) -> CapacityAsked: ...
    @property
    def offer(self) -> CapacityOffer: ...


def take_offer(session: Session, order_id: str, taken: TakenOffer) -> PartnerCapacity:
    """A partner's offer was chosen for the order. Chosen again, it is the same row."""
    known = capacity_of_order(session, order_id)
    if known is not None:
        return known
    capacity = PartnerCapacity(
        party_id=operator_of(session).organization_id,
        order_id=order_id,
        partnership_id=taken.partnership_id,
        agreement_id=taken.agreement_id,
        partner_name=taken.partner_name,
        asked=taken.asked,
        offer=taken.offer,
        monthly_cost=taken.offer.monthly,
        one_time_cost=taken.offer.one_time,
        expected_at=taken.offer.activation_at,
    )
    session.add(capacity)
    session.flush()
    return capacity


def note_held(session: Session, order_id: str, hold_id: str, until: datetime | None) -> PartnerCapacity:
    """The partner holds it."""
    capacity = _capacity(session, order_id)
    capacity.hold_id, capacity.hold_until = hold_id, until
    return _moved(session, capacity, PartnerCapacityState.HELD)


def note_ordered(session: Session, order_id: str, ordered: CapacityOrdered) -> PartnerCapacity:
    """The partner took the order; from now on its price is the cost."""
    capacity = _capacity(session, order_id)
    capacity.partner_order_id, capacity.expected_at = ordered.order_id, ordered.expected_at
    capacity.monthly_cost, capacity.one_time_cost = ordered.monthly, ordered.one_time
    return _moved(session, capacity, PartnerCapacityState.ORDERED)


def note_delivered(session: Session, order_id: str) -> PartnerCapacity:
    """The partner serves the site."""
    capacity = _capacity(session, order_id)
    capacity.delivered_at = capacity.delivered_at or now()
    return _moved(session, capacity, PartnerCapacityState.DELIVERED)


def note_released(session: Session, order_id: str, because: str) -> None:
    """Undo: the partner has it back. Does nothing where there is nothing."""
    capacity = capacity_of_order(session, order_id)
    if capacity is not None:
        capacity.released_because = because
        _moved(session, capacity, PartnerCapacityState.RELEASED)


def capacity_of_order(session: Session, order_id: str) -> PartnerCapacity | None:
    """What a partner provides for the order; `None` before one is chosen and after it was released."""
    standing = col(PartnerCapacity.state) != PartnerCapacityState.RELEASED
    query = select(PartnerCapacity).where(PartnerCapacity.order_id == order_id, standing).with_for_update()
    return session.exec(query).first()


def refusals(session: Session, order_id: str) -> dict[str, str]:
    """The partnerships whose capacity was chosen for the order and not to be had, with the reason."""
    released = col(PartnerCapacity.state) == PartnerCapacityState.RELEASED
    query = select(PartnerCapacity).where(PartnerCapacity.order_id == order_id, released)
    return {one.partnership_id: one.released_because or "" for one in session.exec(query)}


@on(PartnershipToBeDeleted)
def keep_partners_of_capacity(session: Session, event: PartnershipToBeDeleted) -> None:
    """A partnership under which capacity was leased stays on record."""
    leased = session.exec(select(PartnerCapacity).where(PartnerCapacity.partnership_id == event.partnership_id)).first()
    if leased is not None:
        raise RuleRefused("id", f"{leased.name} was leased under it", "inUse", "partner status ended")


def _capacity(session: Session, order_id: str) -> PartnerCapacity:
    capacity = capacity_of_order(session, order_id)
    if capacity is None:
        raise NotFound("partner capacity of order", order_id)
    return capacity


def _moved(session: Session, capacity: PartnerCapacity, state: PartnerCapacityState) -> PartnerCapacity:
    move(capacity, state)
    session.add(capacity)
    session.flush()
    return capacity


routes = TmfRoutes(PartnerCapacity)
