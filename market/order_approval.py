"""Approval: an order above a monthly price is released by a person before it is promised.

The operator says above which price per month which role is asked; of several rules the highest that the order exceeds
counts. Without a rule nobody is asked. Who refuses says why, and the order is rejected for that reason.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from fastapi import Request, Response
from pydantic import Field as ValueField
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find, lock_key
from satcom.core.entity import AMOUNT, INSTANT, Entity, JsonOf, id_type, own, state_type, wire
from satcom.core.errors import Fault, NotAllowed, Refused, RuleRefused
from satcom.core.events import announce, on
from satcom.core.idempotency import Answer
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody, own_body
from satcom.core.security import MAY, Capability, Principal, Role
from satcom.core.tmf_api import Body, TmfRoutes, once, read_json
from satcom.core.tmf_openapi import write_operation
from satcom.core.values import Amount, Json, Money, Reference, reference
from satcom.enterprise.party import CurrencyToBeChanged, currency_fixed, operator_of
from satcom.market.ordering import ProductOrder

LONGEST_REASON: Final = 1000


class ApprovalState(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApprovalRule(Entity, table=True):
    """Orders of more than this per month, in the operator's currency, are released by the role."""

    __tablename__ = "approval_rule"

    above_per_month: Amount = Field(sa_type=AMOUNT)
    role: str = Field(max_length=40)

    api: ClassVar = own("market/v1", "approvalRule", Capability.APPROVE_ORDERS)


class OrderApproval(Entity, table=True):
    """The question whether one order may be promised, and its answer. It is the operator's, not the customer's."""

    __tablename__ = "order_approval"

    product_order: Reference = Field(sa_type=JsonOf(Reference))
    order_id: str = Field(foreign_key="product_order.id", unique=True, sa_type=id_type())
    price_per_month: Money = Field(sa_type=JsonOf(Money))
    above_per_month: Money = Field(sa_type=JsonOf(Money))
    role: str = Field(max_length=40)
    state: ApprovalState = Field(default=ApprovalState.ASKED, sa_type=state_type(ApprovalState))
    asked_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    decided_by: str | None = None
    reason: str | None = Field(default=None, max_length=LONGEST_REASON)

    api: ClassVar = own("market/v1", "orderApproval", Capability.APPROVE_ORDERS)
    private: ClassVar[frozenset[str]] = frozenset({"order_id"})
    life_cycle: ClassVar = LifeCycle[ApprovalState](
        ApprovalState,
        ("asked", "approved", "the order may be promised"),
        ("asked", "refused", "it is rejected, for the reason that was given"),
        ("asked", "withdrawn", "the order ended before anybody answered"),
    )


class NewApprovalRule(OwnBody):
    """What finance sends."""

    above_per_month: Amount = ValueField(ge=0)
    role: Role


@dataclass(frozen=True)
class OrderApprovalDecided:
    """Told to whoever delivers."""

    order_id: str
    approval_id: str


def approval_is_ruled(session: Session) -> bool:
    """Whether anybody is asked for anything."""
    return session.exec(select(ApprovalRule.id).limit(1)).first() is not None


def approval_of(session: Session, order_id: str) -> OrderApproval | None:
    return session.exec(select(OrderApproval).where(OrderApproval.order_id == order_id)).first()


def ask_approval(session: Session, order_id: str, per_month: Money) -> OrderApproval | None:
    """Ask the role whose rule the price exceeds; nobody when it exceeds none. Asked once for each order."""
    asked = approval_of(session, order_id)
    if asked is not None:
        return asked
    exceeded = select(ApprovalRule).where(col(ApprovalRule.above_per_month) < per_month.value)
    rule = session.exec(exceeded.order_by(col(ApprovalRule.above_per_month).desc())).first()
    if rule is None:
        return None
    order = find(session, ProductOrder, order_id)
    approval = OrderApproval(
        party_id=operator_of(session).party_id,
        product_order=reference(order.id, "ProductOrder", order.href, order.reference),
        order_id=order.id,
        price_per_month=per_month,
        above_per_month=Money(unit=per_month.unit, value=rule.above_per_month),
        role=rule.role,
    )
    session.add(approval)
    session.flush()
    return approval


def withdraw_approval(session: Session, order_id: str) -> None:
    """The order ends: nobody need answer any more. What was answered stays."""
    asked = approval_of(session, order_id)
    if asked is not None and asked.state is ApprovalState.ASKED:
        move(asked, ApprovalState.WITHDRAWN)
        session.flush()


def decide(session: Session, approval: OrderApproval, patch: dict[str, Json], by: Principal) -> OrderApproval:
    """Approve the order, or refuse it with a reason.

    Raises `NotAllowed` to those who are not asked, `Refused` on any other patch, `WrongState` once it is decided.
    """
    if not by.all_parties or not by.roles & {approval.role, Role.ADMINISTRATOR}:
        raise NotAllowed(f"{by.name} may not decide on this order; {approval.role} is asked")
    wanted, reason = _asked(patch)
    session.info["order_reference"] = approval.product_order.name
    move(approval, wanted)
    approval.decided_at, approval.decided_by, approval.reason = now(), by.name, reason
    session.flush()
    announce(session, OrderApprovalDecided(approval.order_id, approval.id))
    return approval


def _asked(patch: dict[str, Json]) -> tuple[ApprovalState, str | None]:
    decisions = (ApprovalState.APPROVED, ApprovalState.REFUSED)
    fixed = sorted(patch.keys() - {"state", "reason", "@type"})
    if fixed:
        raise RuleRefused.all([Fault(f"/{one[:80]}", "it stays as asked", "fixed", "state, reason") for one in fixed])
    state, reason = patch.get("state"), patch.get("reason")
    if state not in decisions:
        raise Refused("/state", f"{str(state)[:80]!r} is no decision", "notInEnumeration", ", ".join(decisions))
    if reason is not None and not (
        isinstance(reason, str) and len(reason.strip()) > 0 and len(reason) <= LONGEST_REASON
    ):
        raise Refused("/reason", "is no reason", "invalid", f"1 to {LONGEST_REASON} characters")
    if state == ApprovalState.REFUSED and reason is None:
        raise RuleRefused("/reason", "who refuses says why; the customer is told", "missing", "a reason")
    return ApprovalState(str(state)), reason


def add_rule(session: Session, wanted: NewApprovalRule, by: Principal) -> ApprovalRule:
    """Have a role asked above a price. Raises `RuleRefused` on one that approves nothing, or a second for the price."""
    if not by.all_parties:
        raise NotAllowed(f"{by.name} does not see all orders")
    if wanted.role not in MAY[Capability.APPROVE_ORDERS]:
        able = ", ".join(sorted(MAY[Capability.APPROVE_ORDERS]))
        raise RuleRefused("/role", f"{wanted.role} approves no orders", "notAble", able)
    lock_key(session.connection(), "the approval rules")
    same = session.exec(select(ApprovalRule).where(ApprovalRule.above_per_month == wanted.above_per_month)).first()
    if same is not None:
        why = f"above {wanted.above_per_month} {same.role} is asked already"
        raise RuleRefused("/abovePerMonth", why, "exists", "remove that rule first")
    rule = ApprovalRule(
        party_id=operator_of(session).party_id, above_per_month=wanted.above_per_month, role=wanted.role.value
    )
    session.add(rule)
    session.flush()
    return rule


def remove_rule(session: Session, rule: ApprovalRule, by: Principal) -> None:
    """Nobody is asked by it any more; what was asked stays asked."""
    session.delete(rule)
    session.flush()


@on(CurrencyToBeChanged)
def keep_rules_currency(session: Session, event: CurrencyToBeChanged) -> None:
    """A rule is an amount in the operator's currency."""
    if approval_is_ruled(session):
        raise currency_fixed("rules of approval", event.before)


routes = TmfRoutes(OrderApproval)
routes.patch(decide, may=Capability.APPROVE_ORDERS)

rule_routes = TmfRoutes(ApprovalRule)


@rule_routes.own.on(
    "POST",
    ApprovalRule.api.path,
    status_code=201,
    name="create approvalRule",
    openapi_extra=write_operation(ApprovalRule.api, "create"),
)
def create_approval_rule(request: Request, body: Body) -> Response:
    """Say above which price per month who is asked."""

    def act(session: Session, principal: Principal) -> Answer:
        rule = add_rule(session, own_body(NewApprovalRule, read_json(body)), principal)
        return Answer(201, {"Location": rule.href, "ETag": f'"{rule.version}"'}, wire(rule))

    return once(request, body, Capability.KEEP_APPROVAL_RULES, act)


rule_routes.delete(remove_rule, may=Capability.KEEP_APPROVAL_RULES)
