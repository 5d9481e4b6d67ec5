"""Change of service: how what a customer has becomes what he asks for, without losing it on the way.

The recipe is `change_of_service`. The network is asked for the changed demand as if the service took nothing; then what
is needed is held beside what is there, where both meet it counts once, and only the difference has to be free. What is
there is let go when the new works: until then a refusal or a cancellation leaves the service exactly as it was. A
change stays on its satellite and, unless another terminal is asked for, with its terminal.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER, Role
from satcom.core.values import Json, reference
from satcom.enterprise.party import operator_of
from satcom.market.adjusting_bill import adjusting_bill
from satcom.market.inventory import Product
from satcom.market.order_delivery import begin, price_order_of_change
from satcom.market.order_item import CHARACTERISTICS, MODIFY
from satcom.market.ordering import ProductOrder
from satcom.market.product_delivery import change_product
from satcom.market.solution_price import ChargePrice, is_terminal
from satcom.orchestration.engine import Call
from satcom.orchestration.operations.order_to_service import (
    EVERYTHING,
    NO_TIME,
    complete_orders,
    give_back,
    start_date_is_here,
)
from satcom.orchestration.operations.ordered_activation import accept_test, begin_orders, measured
from satcom.orchestration.operations.ordered_approval import is_to_be_approved, wait_for_approval
from satcom.orchestration.operations.ordered_installation import (
    call_the_installation_off,
    plan_the_installation,
    wait_for_installation,
)
from satcom.orchestration.operations.ordered_network import (
    HOLD_FOR,
    demand_of_order,
    held_for,
    held_parts,
    own_solution_in,
    owner_of,
    reservation_for,
    wanted,
)
from satcom.orchestration.operations.ordered_site import (
    clear_the_site,
    obtain_terminal,
    plan_the_site,
    return_the_terminal,
    terminal_is_here,
)
from satcom.orchestration.operations.service_in_place import (
    InPlace,
    at_partner,
    cancel_the_orders_below,
    in_place,
    prepare_change,
)
from satcom.orchestration.plan import Later, Plan, TaskHandle, flow_of, plan, tasks_of
from satcom.orchestration.schedule import change_over
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import Terminal, TerminalState, move_terminal, pass_on_site, terminal_at_site
from satcom.resource.ordering import Ordered, ordered, place_resource_order
from satcom.resource.reservation import assign, held_by_reservation, release, reserve
from satcom.service import activation
from satcom.service.change import change_service, changed_characteristics
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.demand import Demand, SiteDemand
from satcom.service.evidence import qualify_on_record
from satcom.service.ordering import place_service_order
from satcom.service.solution import LeaseSolution, Qualification, Solution
from satcom.service.way import TerminalWay
from satcom.supplychain.stock import pass_on_terminal

CHANGE_OF_SERVICE: Final = "changeOfService"
CHANGE_AT_PARTNER: Final = "changeAtPartner"


@plan(CHANGE_OF_SERVICE)
def change_of_service(
    plan: Plan,
    order: str,
    needs: Collection[NetworkNeed] = EVERYTHING,
    another_terminal: bool = True,
    installed: bool = True,
    approved: bool = True,
) -> None:
    """The recipe. What stands in the brackets is needed first; what is not connected runs side by side."""
    qualified = plan.task(qualify_the_change, order)
    reserved = plan.task(reserve_the_difference, order, qualified, undo=give_back)
    priced = plan.task(price_the_change, order, reserved)
    released, visit = [wait_for_approval(plan, order, priced) if approved else priced], None
    if another_terminal and installed:
        visit = plan.task(plan_the_installation, order, priced, undo=call_the_installation_off)
        released.append(visit)
    begun = plan.task(begin_the_change, order, after=released)

    site = []
    if another_terminal:
        site = [plan.task(plan_the_site, order, reserved, after=[begun], undo=clear_the_site)]
    service = plan.task(order_the_change, order, reserved, after=[begun, *site], undo=cancel_the_orders_below)
    day = plan.wait(start_date_is_here, order, after=[begun], owner=Role.PLANNING, expected=NO_TIME)
    ready, proved = [service, day], [service, day]
    if another_terminal:
        terminal = plan.task(obtain_terminal, order, reserved, after=[begun], undo=return_the_terminal)
        here = plan.wait(terminal_is_here, order, terminal, owner=Role.SUPPLY, expected=NO_TIME, skippable=False)
        ready.append(here if visit is None else wait_for_installation(plan, order, visit, here))
    if NetworkNeed.TERMINAL in needs:
        proved = [_at_the_site(plan, order, reserved, service, ready)]
    if NetworkNeed.LEASED_SPECTRUM in needs:
        proved = [plan.wait(carriers_are_moved, order, after=ready, owner=Role.NOC)]
    changed = plan.task(switch_over, order, reserved, after=proved, no_return=True)
    billed = plan.task(bill_the_change, order, changed, priced)
    plan.task(complete_orders, order, changed, after=[billed])


def _at_the_site(
    plan: Plan, order: str, reserved: TaskHandle, service: TaskHandle, ready: list[TaskHandle]
) -> TaskHandle:
    """The hub is told anew, and what it makes of it is measured."""
    prepared = plan.task(prepare_change, order, reserved, after=ready)
    configured = plan.task(reconfigure_hub, prepared, outside=True, undo=restore_hub)
    measured = plan.task(measure_the_change, prepared, after=[configured], outside=True)
    return plan.task(accept_test, service, reserved, measured, skippable=True, again_from=measured)


# Qualify, reserve, price


def needs_another_terminal(session: Session, order: ProductOrder) -> bool:
    """Whether the customer asks for another terminal than the one that stands at his site."""
    if at_partner(session, order) is not None:
        return False  # the partner brings it
    asked, solution = demand_of_order(session, order), in_place(session, order).solution
    if not isinstance(asked, SiteDemand) or not isinstance(solution, TerminalWay) or asked.terminal_types is None:
        return False
    return not any(is_terminal(solution, name) for name in asked.terminal_types)


def qualify_the_change(session: Session, order_id: str) -> Json:
    """All ways of today for what is asked for, where what the service has counts as free; with their evidence.

    What a partner serves changes there.
    """
    order = find(session, ProductOrder, order_id)
    flow = flow_of(session, order_id)
    if flow is not None and at_partner(session, order) is not None:
        ours = operator_of(session).organization_id
        approved = is_to_be_approved(tasks_of(session, flow))
        change_over(session, flow, CHANGE_AT_PARTNER, qualify_the_change.__name__, ours, approved)
        return None
    place, demand = in_place(session, order), demand_of_order(session, order)
    as_it_stands = _as_it_stands(place.solution, needs_another_terminal(session, order))
    demand = demand.model_copy(update=as_it_stands)
    own = [one.id for one in held_by_reservation(session, place.reservation).holds]
    answer = qualify_on_record(session, demand, order.party_id, own, in_place=True)
    ways = sorted(_on_the_satellite(answer, place.solution), key=lambda way: not _same_way(way, place.solution))
    if not ways:
        raise _not_there(answer, place, demand)
    return {"solutions": [way.wire() for way in ways], "evidenceId": answer.evidence_id}


def _as_it_stands(solution: Solution, another_terminal: bool) -> dict[str, tuple[str, ...]]:
    """What of the demand is settled by what stands there."""
    if isinstance(solution, LeaseSolution):
        return {"satellites": (solution.satellite_id,), "bands": (solution.band,)}
    settled: dict[str, tuple[str, ...]] = {"bands": (solution.band,)}
    if isinstance(solution, ConstellationSolution):
        settled["constellations"] = (solution.constellation_id,)
    return settled if another_terminal else settled | {"terminal_types": (solution.terminal_type_id,)}


def _on_the_satellite(answer: Qualification, before: Solution) -> Iterator[Solution]:
    """The terminal points at its satellite, the customer's own station too."""
    for way in answer.solutions:
        if (way.space_segment_id, way.band) == (before.space_segment_id, before.band):
            yield way


def _same_way(one: Solution, other: Solution) -> bool:
    """Whether nothing but rates, MODCOD and power differs."""
    if isinstance(one, LeaseSolution) or isinstance(other, LeaseSolution):
        return one.transponder_ids == other.transponder_ids
    if isinstance(one, ConstellationSolution) or isinstance(other, ConstellationSolution):
        return one.space_segment_id == other.space_segment_id
    return (one.hub_id, one.transponder_ids) == (other.hub_id, other.transponder_ids)


def _not_there(answer: Qualification, place: InPlace, demand: Demand) -> RuleRefused:
    """Why the satellite of the service cannot deliver the change."""
    name = place.solution.space_segment_name
    losers = [one for one in answer.losers if one.space_segment_id == place.solution.space_segment_id]
    code = losers[0].reason.value if losers else "notOnThisSatellite"
    why = f"{name}, which carries the service, cannot: " + ("; ".join(one.text for one in losers) or "no way is left")
    accepted = None
    if isinstance(demand, SiteDemand):
        accepted = "less of it, or another terminalType"
    return RuleRefused(CHARACTERISTICS, why, code, accepted)


def reserve_the_difference(session: Session, order_id: str, qualified: dict[str, list[Json]]) -> Json:
    """Hold all that the best way needs, beside what the service has; of the next best where others were quicker."""
    order = find(session, ProductOrder, order_id)
    has, another = held_by_reservation(session, in_place(session, order).reservation), needs_another_terminal
    swaps = another(session, order)
    refused: RuleRefused | None = None
    for way in (own_solution_in({"solution": one}) for one in qualified["solutions"]):
        all_of_it = replace(wanted(session, order, way), instead_of=has)
        asked = all_of_it if swaps else replace(all_of_it, terminal_type_id=None)
        try:
            reserve(session, asked, now() + HOLD_FOR, WORKER)
        except RuleRefused as error:
            refused = refused or error
        else:
            return {"solution": way.wire(), "evidenceId": qualified["evidenceId"]}
    raise refused or RuleRefused(CHARACTERISTICS, "no way is left", "notOnThisSatellite")


def price_the_change(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    place = in_place(session, find(session, ProductOrder, order_id))
    priced = price_order_of_change(session, order_id, place.solution, own_solution_in(reserved))
    before = [one.wire() for one in place.product.product_price]
    return {"oneTime": priced.one_time.wire(), "perMonth": priced.per_month.wire(), "before": list(before)}


def begin_the_change(session: Session, order_id: str) -> Json:
    """What is held becomes assigned, and the order goes ahead; what the service has stays as it is."""
    assign(session, reservation_for(session, order_id))
    begin(session, order_id)
    return None


# Decompose


def order_the_change(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """The service is to be modified: what it takes is added, what it had is deleted. Its id."""
    order = find(session, ProductOrder, order_id)
    place, dates = in_place(session, order), (order.requested_start_date, order.requested_completion_date)
    characteristics = changed_characteristics(session, place.service, order.item.characteristics)
    solution, party_id = own_solution_in(reserved), order.party_id or ""
    place_service_order(
        session, order.id, party_id, place.service.id, solution, *dates, action=MODIFY, characteristics=characteristics
    )
    place_resource_order(session, owner_of(order), _items(session, order_id, place), *dates)
    return place.service.id


def _items(session: Session, order_id: str, place: InPlace) -> list[Ordered]:
    added = [ordered(one) for one in held_for(session, order_id).holds]
    had = [ordered(one, "delete") for one in held_by_reservation(session, place.reservation).holds]
    site, other = terminal_at_site(session, place.order_id), terminal_at_site(session, order_id)
    terminals = [ordered(other)] if other is not None else []
    if site is not None:
        terminals.append(ordered(site, "delete" if other is not None else MODIFY))
    return [*added, *had, *terminals]


# Reconfigure, measure


def reconfigure_hub(call: Call, prepared: dict[str, Json]) -> Json:
    old, new = activation.from_json(prepared["old"]), activation.from_json(prepared["new"])
    activation.activate(call.hub, new, call.key)
    activation.deactivate(call.hub, activation.left_over(old, new), call.key)
    return None


def restore_hub(call: Call, prepared: dict[str, Json]) -> Json:
    """The hub holds again what it held before."""
    old, new = activation.from_json(prepared["old"]), activation.from_json(prepared["new"])
    activation.activate(call.hub, old, call.key, call.cancels)
    activation.deactivate(call.hub, activation.left_over(new, old), call.key, call.cancels)
    return None


def measure_the_change(call: Call, prepared: dict[str, Json]) -> Json:
    return measured(call, activation.from_json(prepared["new"]).terminals[0])


def carriers_are_moved(session: Session, order_id: str) -> Json | Later:
    """The customer's own carriers move into the changed lease; the NOC looks, and lets the order go on."""
    return Later(None)


# Switch over, bill


def switch_over(session: Session, order_id: str, reserved: dict[str, Json]) -> Json:
    """From this instant the customer has what he asked for, pays for it, and what it took before is free."""
    begin_orders(session, order_id)
    at, order, solution = now(), find(session, ProductOrder, order_id), own_solution_in(reserved)
    place = in_place(session, order)
    site = _terminal_of_now(session, order_id, place.order_id)
    release(session, place.reservation, f"changed by {order.reference}")
    parts = held_parts(held_for(session, order_id))
    if site is not None:
        parts.append(reference(site.id, type(site).__name__, site.href, site.name))
    change_service(session, place.service.id, order_id, at, solution, order.item.characteristics, parts)
    return change_product(session, place.product.id, order).id


def _terminal_of_now(session: Session, order_id: str, before: str) -> Terminal | None:
    """The one that came takes the place of the one that is taken down; where none came, it stays as it is."""
    other = terminal_at_site(session, order_id)
    if other is None:
        pass_on_terminal(session, before, order_id)
        return pass_on_site(session, before, order_id)
    old = terminal_at_site(session, before)
    if old is not None:
        move_terminal(session, old, TerminalState.REMOVED, WORKER)
    return move_terminal(session, other, TerminalState.IN_SERVICE, WORKER)


def bill_the_change(session: Session, order_id: str, product_id: str, priced: dict[str, list[Json]]) -> Json:
    """From the day of the change on the new prices hold, also for the days that are billed already."""
    order, product = find(session, ProductOrder, order_id), find(session, Product, product_id)
    before = [ChargePrice.model_validate(one) for one in priced["before"]]
    recurring = [one for one in order.item.item_price if one.recurring_charge_period is not None]
    once = [one for one in order.item.item_price if one.recurring_charge_period is None]
    bill = adjusting_bill(session, order.id, product, now(), before, recurring, once)
    return bill.id if bill is not None else None
