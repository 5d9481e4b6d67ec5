"""A faulty terminal at a site is swapped: another of its type takes its place, and it comes back to the depot.

The new one is taken from stock by its serial number, the hub is told of it, and what it makes of the link is measured
before the old one is given up. Until then a refusal leaves the service with the old one; the new one goes back.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from sqlalchemy import Index, text, type_coerce
from sqlalchemy import Sequence as NumberSequence
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel, col, select

from satcom.core.clock import now
from satcom.core.database import find, find_for_update
from satcom.core.entity import INSTANT, Entity, id_type, own, state_type
from satcom.core.errors import RuleRefused, WrongState
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.own_body import OwnBody
from satcom.core.security import WORKER, Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, reference
from satcom.enterprise.numbering import next_reference
from satcom.enterprise.party import operator_of
from satcom.market.inventory import Product
from satcom.market.order_of_change import PRODUCT
from satcom.market.ordering import ENDED, ProductOrder, ProductOrderCreated
from satcom.orchestration.flow_event import FlowUndone
from satcom.orchestration.operations.change_of_service import measure_the_change, reconfigure_hub, restore_hub
from satcom.orchestration.operations.hub_state import service_meant
from satcom.orchestration.operations.ordered_activation import accept_test
from satcom.orchestration.operations.service_in_place import told_to_hub
from satcom.orchestration.plan import Plan, flow_of, plan
from satcom.orchestration.queue import enqueue
from satcom.orchestration.schedule import lay_out
from satcom.orchestration.standing import turn_round
from satcom.resource.ground import (
    Terminal,
    TerminalState,
    install_terminal,
    move_terminal,
    plan_terminal,
    terminal_at_site,
)
from satcom.service.activation import to_json
from satcom.service.inventory import Service, ServiceState
from satcom.service.ordering import service_order_of
from satcom.supplychain.equipment_return import release_terminal
from satcom.supplychain.stock import hold_numbered, issue_terminal, pass_on_terminal

TERMINAL_SWAP: Final = "terminalSwap"
SWAP_NUMBERS = NumberSequence("terminal_swap_number", metadata=SQLModel.metadata)


class SwapState(StrEnum):
    IN_PROGRESS = "inProgress"
    DONE = "done"
    UNDONE = "undone"


class TerminalSwap(Entity, table=True):
    """One swap at the site of a service. `old_serial_number` is what stood there when it was asked for."""

    __tablename__ = "terminal_swap"
    __table_args__ = (
        Index("one_swap_at_a_time", "service_id", unique=True, postgresql_where=text("state = 'inProgress'")),
    )

    reference: str = Field(unique=True, max_length=40)
    state: SwapState = Field(default=SwapState.IN_PROGRESS, sa_type=state_type(SwapState))
    service_id: str = Field(foreign_key="service.id", index=True, sa_type=id_type())
    old_serial_number: str = Field(max_length=100)
    serial_number: str = Field(max_length=100)
    reason: str = Field(min_length=1, max_length=1000)
    asked_by: str = Field(max_length=200)
    asked_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)

    api: ClassVar = own("service/v1", "terminalSwap", Capability.READ_NETWORK)
    life_cycle: ClassVar = LifeCycle[SwapState](
        SwapState,
        ("inProgress", "done", "the new one works, and the old one comes back"),
        ("inProgress", "undone", "the service stays with the old one"),
    )


class NewSwap(OwnBody):
    """What a field engineer asks for: `serialNumber` is the terminal that he has with him."""

    service_id: str = Field(min_length=1, max_length=200)
    serial_number: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1000)


@plan(TERMINAL_SWAP)
def terminal_swap(plan: Plan, swap: str, service: str = "") -> None:
    """The recipe. A measurement that is too weak is judged by a person, as at the first installation."""
    prepared = plan.task(prepare_swap, swap)
    configured = plan.task(reconfigure_hub, prepared, outside=True, undo=restore_hub)
    measured = plan.task(measure_the_change, prepared, after=[configured], outside=True)
    accepted = plan.task(accept_test, service, prepared, measured, skippable=True, again_from=measured)
    plan.task(complete_swap, swap, after=[accepted], no_return=True)


def swap_terminal(session: Session, wanted: NewSwap, by: Principal) -> TerminalSwap:
    """Take the new terminal from stock, and begin.

    Raises `NoSuchService`, `Refused` on a serial number that is not in the books, `WrongState` when the service is not
    in use or the terminal not free, `RuleRefused` on another type or while something else happens to the service.
    """
    service = find_for_update(session, Service, service_meant(session, wanted.service_id).id)
    if service.state is not ServiceState.ACTIVE or service.order_id is None:
        raise WrongState("/serviceId", f"the service is {service.state}", service.state, ServiceState.ACTIVE.value)
    site = terminal_at_site(session, service.order_id)
    if site is None or site.serial_number is None:
        raise RuleRefused("/serviceId", "no terminal of ours stands at its site", "noTerminal", "a service at a site")
    _check_alone(session, service)
    swap = TerminalSwap(
        party_id=operator_of(session).organization_id,
        reference=next_reference(session, SWAP_NUMBERS, "TS"),
        service_id=service.id,
        old_serial_number=site.serial_number,
        serial_number=wanted.serial_number,
        reason=wanted.reason,
        asked_by=by.name,
    )
    session.info["order_reference"] = swap.reference
    hold_numbered(session, wanted.serial_number, site.terminal_type_id, swap.id, service.party_id)
    session.add(swap)
    session.flush()
    enqueue(session, lay_out(session, TERMINAL_SWAP, swap, swap.reference, service.id).id)
    return swap


def call_off(session: Session, swap: TerminalSwap, patch: dict[str, Json], by: Principal) -> TerminalSwap:
    """Have the service keep the old one: the hub is told of it again, and the new one goes back.

    Raises `RuleRefused` on any other patch, `WrongState` once it has ended.
    """
    for name in sorted(patch.keys() - {"state", "@type"}):
        raise RuleRefused(f"/{name[:80]}", "it stays as it was asked for", "fixed", "state")
    if patch.get("state") != SwapState.UNDONE:
        raise RuleRefused("/state", "a swap is called off, or it goes on by itself", "fixed", SwapState.UNDONE)
    flow = flow_of(session, swap.id)
    if swap.state is not SwapState.IN_PROGRESS or flow is None:
        raise WrongState("/state", f"{swap.reference} is {swap.state}", swap.state, SwapState.IN_PROGRESS)
    session.info["order_reference"] = swap.reference
    turn_round(flow, None, {"field": "swap", "why": f"{by.name} called it off", "code": "calledOff"})
    enqueue(session, flow.id)
    return swap


def _check_alone(session: Session, service: Service) -> None:
    """Raises `RuleRefused` while another swap, or an order that changes or ends the product, is under way."""
    other = open_swap(session, service.id)
    if other is not None:
        raise RuleRefused("/serviceId", f"{other.reference} is under way", "underChange", "a service without a swap")
    realized = type_coerce(col(Product.realizing_service), JSONB).contains([{"id": service.id}])
    changing = (
        select(ProductOrder.reference)
        .join(Product, col(Product.id) == col(ProductOrder.changed_product_id))
        .where(col(ProductOrder.state).not_in(ENDED), ProductOrder.party_id == service.party_id, realized)
    )
    order = session.exec(changing).first()
    if order is not None:
        why = f"order {order} changes or ends it"
        raise RuleRefused("/serviceId", why, "underChange", "a service that no open order is about")


def open_swap(session: Session, service_id: str) -> TerminalSwap | None:
    going_on = col(TerminalSwap.state) == SwapState.IN_PROGRESS
    return session.exec(select(TerminalSwap).where(TerminalSwap.service_id == service_id, going_on)).first()


def _service_of(session: Session, product_id: str) -> str | None:
    product = session.get(Product, product_id)
    return product.realizing_service[0].id if product is not None and product.realizing_service else None


@on(ProductOrderCreated)
def keep_swaps_undisturbed(session: Session, event: ProductOrderCreated) -> None:
    """What is being swapped is changed or ended after that."""
    service_id = _service_of(session, event.order.changed_product_id) if event.order.changed_product_id else None
    swap = open_swap(session, service_id) if service_id is not None else None
    if swap is not None:
        why = f"its terminal is being swapped ({swap.reference})"
        raise RuleRefused(PRODUCT, why, "underChange", "a product whose terminal is not being swapped")


# The tasks


def prepare_swap(session: Session, swap_id: str) -> Json:
    """The new terminal leaves the depot, and what the hub is to be told is settled."""
    swap = find(session, TerminalSwap, swap_id)
    service = find(session, Service, swap.service_id)
    placed = service_order_of(session, service.order_id or "")
    if placed is None:
        raise RuleRefused("serviceId", "what carries it is not on record", "notOnRecord", "a service of an order")
    issue_terminal(session, swap.id)
    old = told_to_hub(session, service)
    new = replace(old, terminals=tuple(replace(one, serial_number=swap.serial_number) for one in old.terminals))
    return {"old": to_json(old), "new": to_json(new), "solution": placed.solution.wire()}


def complete_swap(session: Session, swap_id: str) -> Json:
    """It works: the new one stands at the site, the old one is to come back."""
    swap = find_for_update(session, TerminalSwap, swap_id)
    service = find_for_update(session, Service, swap.service_id)
    order_id = service.order_id or ""
    old = terminal_at_site(session, order_id)
    if old is None:
        raise RuleRefused("serviceId", "the terminal was taken down meanwhile", "noTerminal")
    move_terminal(session, old, TerminalState.REMOVED, WORKER)
    kept = old.model_dump(exclude={"id", "version", "created_at", "updated_at", "state", "serial_number"})
    new = plan_terminal(session, Terminal.model_validate(kept), WORKER)
    install_terminal(session, new, swap.serial_number, WORKER)
    move_terminal(session, new, TerminalState.IN_SERVICE, WORKER)
    release_terminal(session, order_id, f"swapped by {swap.reference}: {swap.reason}")
    pass_on_terminal(session, swap.id, order_id)
    named = reference(new.id, Terminal.__name__, new.href, new.name)
    service.supporting_resource = [named if one.id == old.id else one for one in service.supporting_resource]
    move(swap, SwapState.DONE)
    swap.ended_at = now()
    session.flush()
    return new.id


@on(FlowUndone)
def end_swap(session: Session, event: FlowUndone) -> None:
    """The hub has the old one again; the new one goes back."""
    swap = session.get(TerminalSwap, event.flow.subject_id)
    if swap is not None and swap.state is SwapState.IN_PROGRESS:
        release_terminal(session, swap.id, f"{swap.reference} was undone")
        move(swap, SwapState.UNDONE)
        swap.ended_at = now()
        session.flush()


routes = TmfRoutes(TerminalSwap)
routes.patch(call_off, may=Capability.SWAP_TERMINALS)
routes.post(swap_terminal, may=Capability.SWAP_TERMINALS, reads=NewSwap)
