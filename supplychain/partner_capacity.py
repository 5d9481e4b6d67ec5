"""Partner capacity: what was offered to us for an order, held, ordered and delivered at a partner, and what it costs.

The row follows what happened at the partner; the flow of the order calls there and writes it down. It is the
operator's, not the customer's: what capacity costs us is nobody else's business. Each command may be repeated.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Protocol

from pydantic import AwareDatetime
from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now, wall_now
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import NotFound, RuleRefused
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Instant, Money, Value
from satcom.enterprise.agreement import Agreement
from satcom.enterprise.party import operator_of
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer, CapacityOrdered
from satcom.supplychain.partnership import USUAL_NOTICE_DAYS, PartnershipToBeDeleted, terms_in_force

EXTEND_BEFORE: Final = timedelta(hours=1)  # at most, and half of how long it is held
SHORTEST_HOLD: Final = timedelta(seconds=5)  # what is held for less is not extended
CLOCKS_APART: Final = timedelta(minutes=5)  # then what was granted until a past instant is extended again


class PartnerCapacityState(StrEnum):
    OFFERED = "offered"
    HELD = "held"
    ORDERED = "ordered"
    DELIVERED = "delivered"
    LAPSED = "lapsed"
    RELEASED = "released"


class CapacityTerm(Value):
    """A further term of what is delivered: from the end of the one before, at the price of its renewal."""

    start_at: Instant
    end_at: Instant
    monthly_cost: Money
    one_time_cost: Money
    partner_order_id: str


class PartnerCapacity(Entity, table=True):
    """The capacity of one partner for one product order.

    `monthly_cost` is that of the first term, until `renewal` tells another. `hold_extend_at` and `renew_at` are when
    the hold is to be extended and the term to be renewed; `renewal_setback` is why it could not be renewed yet.
    """

    __tablename__ = "partner_capacity"
    __table_args__ = (
        Index("one_partner_capacity_per_order", "order_id", unique=True, postgresql_where=text("state <> 'released'")),
        Index("partner_capacity_extend", "hold_extend_at", postgresql_where=text("hold_extend_at IS NOT NULL")),
        Index("partner_capacity_renew", "renew_at", postgresql_where=text("renew_at IS NOT NULL")),
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
    hold_extend_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    partner_order_id: str | None = Field(default=None, max_length=200)
    expected_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    delivered_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    term_ends_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    renew_at: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    renewal: list[CapacityTerm] = Field(default_factory=list, sa_type=JsonOf(list[CapacityTerm]))
    renewal_setback: str | None = Field(default=None, max_length=500)
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
        ("delivered", "lapsed", "the partner's term ended and was not renewed"),
        ("delivered", "released", "the service ended"),
        ("lapsed", "released", "the service ended"),
    )

    @property
    def name(self) -> str:
        return f"{self.offer.offering_name} of {self.partner_name}"

    @property
    def term_began_at(self) -> datetime | None:
        """When its last term begins, or began."""
        return self.renewal[-1].start_at if self.renewal else self.delivered_at


# Rules


def extension_due(until: datetime | None) -> datetime | None:
    """When to ask for an extension of a hold until then, by the partner's clock; `None`: it is not extended."""
    if until is None:
        return None
    left = until - wall_now()
    if left < -SHORTEST_HOLD:  # the partner's clock, or ours, was set
        return wall_now() + CLOCKS_APART
    return until - min(left / 2, EXTEND_BEFORE) if left >= SHORTEST_HOLD else None


def renewal_due(begins_at: datetime, ends_at: datetime, notice_days: int) -> datetime:
    """When to begin with the renewal of a term: by the notice of the agreement, or half of the term before its end."""
    return ends_at - min(timedelta(days=notice_days), (ends_at - begins_at) / 2)


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
    capacity.hold_id, capacity.hold_until, capacity.hold_extend_at = hold_id, until, extension_due(until)
    return _moved(session, capacity, PartnerCapacityState.HELD)


def note_ordered(session: Session, order_id: str, ordered: CapacityOrdered) -> PartnerCapacity:
    """The partner took the order; from now on its price is the cost."""
    capacity = _capacity(session, order_id)
    capacity.partner_order_id, capacity.expected_at = ordered.order_id, ordered.expected_at
    capacity.monthly_cost, capacity.one_time_cost = ordered.monthly, ordered.one_time
    capacity.hold_extend_at, capacity.term_ends_at = None, ordered.term_ends_at
    return _moved(session, capacity, PartnerCapacityState.ORDERED)


def note_delivered(session: Session, order_id: str, term_ends_at: datetime | None = None) -> PartnerCapacity:
    """The partner serves the site, for the term that it tells now, else the one that it told with the order."""
    capacity = _capacity(session, order_id)
    if capacity.delivered_at is None:
        capacity.delivered_at = now()
        capacity.term_ends_at = term_ends_at or capacity.term_ends_at
        note_term(session, capacity, capacity.delivered_at)
    return _moved(session, capacity, PartnerCapacityState.DELIVERED)


def note_term(session: Session, capacity: PartnerCapacity, begins_at: datetime) -> None:
    """A term begins. It ends when the partner says, or with the agreement; without either it goes on."""
    agreement = session.get_one(Agreement, capacity.agreement_id)
    agreed = agreement.agreement_period.end_date_time if agreement.agreement_period is not None else None
    ends = [one for one in (capacity.term_ends_at, agreed) if one is not None and one > begins_at]
    capacity.term_ends_at, capacity.renew_at = min(ends, default=None), None
    if capacity.term_ends_at is not None:
        terms = terms_in_force(session, capacity.partnership_id, begins_at)
        notice_days = terms.renewal_notice_days if terms is not None else USUAL_NOTICE_DAYS
        capacity.renew_at = renewal_due(begins_at, capacity.term_ends_at, notice_days)


def note_released(session: Session, order_id: str, because: str) -> None:
    """Undo: the partner has it back. Does nothing where there is nothing."""
    capacity = capacity_of_order(session, order_id)
    if capacity is not None:
        capacity.released_because, capacity.hold_extend_at, capacity.renew_at = because, None, None
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
