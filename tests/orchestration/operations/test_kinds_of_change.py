"""Changes of every kind of service: shares of carrier pools, leased spectrum, and another terminal at the site."""

from pathlib import Path

from sqlmodel import Session, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.inventory import product_of_order
from satcom.market.ordering import CancelProductOrder, OrderState, ProductOrder, cancel_order, place_order
from satcom.orchestration.operations.ordered_network import demand_of_order
from satcom.orchestration.plan import FlowState, TaskState
from satcom.orchestration.repair import skip
from satcom.resource.carrier_pool import CarrierPool, PoolShare, WantedShare, fill_of
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import Terminal, TerminalState
from satcom.resource.hold import HoldState, Owner, Period, assign
from satcom.resource.payload import Transponder
from satcom.resource.reservation import Held, held_by_reservation, reservation_of
from satcom.resource.spectrum import WantedSlot, peak_power_hz, taken_of
from satcom.service.ordering import service_order_of
from satcom.service.qualification import qualify
from satcom.service.solution import AccessSolution, LinkSolution
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.market.a_market import CHARACTERISTICS, as_customer
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    MHZ,
    a_lease_ordered,
    an_access_ordered,
    an_offer,
    ordered,
    record_the_test,
)
from tests.resource.a_network import tomorrow
from tests.resource.held_alone import hold_share, hold_slot

OTHERS = Owner(None, None, None)
NARROW_HZ = 100_000


def change(operation: Operation, order_id: str, action: str = "modify", **values: Json) -> str:
    """Order a change, or the end, of what an order delivered; the order's id."""
    with operation.database.as_worker() as session:
        product = product_of_order(session, order_id)
        assert product is not None
        wanted: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
        item: Json = {
            "id": "1",
            "action": action,
            "product": {"id": product.id, "productCharacteristic": wanted},
        }
        body: dict[str, Json] = {"relatedParty": [as_customer(operation.market.party)], "productOrderItem": [item]}
        return place_order(session, from_body(ProductOrder, body), WORKER).id


def held(session: Session, order_id: str) -> Held:
    reservation = reservation_of(session, order_id)
    assert reservation is not None
    return held_by_reservation(session, reservation)


def test_an_access_gets_more_of_its_pool_when_only_the_difference_is_free(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, pools=True) as operation:
        order_id = an_access_ordered(operation)
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            leave_of_its_pool(session, share_of(session, order_id).cir_baud, order_id)
        too_much = change(operation, order_id, downlinkRateBps=8 * MHZ, downlinkCommittedRateBps=MHZ * 11 // 5)
        assert "noCommittedRate: " in refused(operation, too_much)
        with database.as_worker() as session:
            assert (reservation_of(session, too_much), share_of(session, order_id).state) == (None, HoldState.ASSIGNED)
        more = change(operation, order_id, downlinkRateBps=8 * MHZ, downlinkCommittedRateBps=2 * MHZ)
        flow, tasks = operation.advance(more)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        with database.as_worker() as session, operation.hub.client() as hub:
            assert reservation_of(session, order_id) is None
            shares = held(session, more).shares
            assert [(one.state, one.cir_bps, one.mir_bps) for one in shares] == [
                (HoldState.ASSIGNED, 2 * MHZ, 8 * MHZ),
                (HoldState.ASSIGNED, ACCESS["uplinkCommittedRateBps"], ACCESS["uplinkRateBps"]),
            ]
            [plan] = hub.get("/v1/plans").json()["items"]
            assert [plan["forward_cir_bps"], plan["forward_mir_bps"]] == [2 * MHZ, 8 * MHZ]


def refused(operation: Operation, order_id: str) -> str:
    """Why nothing came of an order."""
    assert operation.advance(order_id)[0].state is FlowState.CANCELLED
    with operation.database.as_worker() as session:
        order = session.get_one(ProductOrder, order_id)
        assert order.state is OrderState.REJECTED
        return str(order.note[-1].text)


def share_of(session: Session, order_id: str) -> PoolShare:
    """Of the forward pool."""
    return held(session, order_id).shares[0]


def leave_of_its_pool(session: Session, left_baud: int, order_id: str) -> None:
    """Others are promised all of its forward pool but this."""
    pool_id, period = share_of(session, order_id).carrier_pool_id, Period(now())
    taken = session.get_one(CarrierPool, pool_id).committable_baud - fill_of(session, pool_id, period).committed_baud
    theirs = WantedShare(pool_id, 1, 1, taken - left_baud, taken - left_baud)
    assign(session, [hold_share(session, theirs, period, OTHERS, tomorrow())])


def leave_of_its_power(session: Session, left_hz: int, order_id: str) -> None:
    """Others take all power of its transponder but this, and all of every other one of its satellite."""
    [slot] = held(session, order_id).slots
    satellite_id, period = session.get_one(Transponder, slot.transponder_id).satellite_id, Period(now())
    for one in session.exec(select(Transponder).where(Transponder.satellite_id == satellite_id)).all():
        free_hz = one.bandwidth_hz - peak_power_hz(taken_of(session, one.id, period), period)
        theirs = WantedSlot(one.id, NARROW_HZ, free_hz - (left_hz if one.id == slot.transponder_id else 0))
        assign(session, [hold_slot(session, theirs, period, OTHERS, tomorrow())])


def test_a_lease_becomes_wider_once_the_noc_has_seen_the_carriers(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        order_id = a_lease_ordered(operation)
        operation.advance(order_id)
        record_the_test(operation, order_id)
        assert operation.advance(order_id)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            leave_of_its_power(session, 1 * MHZ, order_id)
        too_much = change(operation, order_id, bandwidthHz=MHZ * 31 // 5)
        assert "noPower: " in refused(operation, too_much)
        with database.as_worker() as session:
            assert [one.state for one in held(session, order_id).slots] == [HoldState.ASSIGNED]
        wider = change(operation, order_id, bandwidthHz=6 * MHZ)
        flow, tasks = operation.advance(wider)
        assert (flow.state, tasks["carriers_are_moved"].state) == (FlowState.ACTIVE, TaskState.ACTIVE)
        with database.as_worker() as session:
            both = [slot for each in (order_id, wider) for slot in held(session, each).slots]
            assert [(one.bandwidth_hz, one.state) for one in both] == [
                (5 * MHZ, HoldState.ASSIGNED),
                (6 * MHZ, HoldState.ASSIGNED),
            ]
            skip(session, flow.id, "carriers_are_moved", WORKER)
        flow, tasks = operation.advance(wider)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        with database.as_worker() as session:
            [slot] = held(session, wider).slots
            assert (slot.bandwidth_hz, slot.state) == (6 * MHZ, HoldState.ASSIGNED)
        end = change(operation, order_id, action="delete")
        assert operation.advance(end)[1]["carriers_are_off"].state is TaskState.ACTIVE
        with database.as_worker() as session:
            skip(session, operation.flow(end)[0].id, "carriers_are_off", WORKER)
        assert operation.advance(end)[0].state is FlowState.COMPLETED
        with database.as_worker() as session:
            assert reservation_of(session, wider) is None


def a_link_with_its_terminal(operation: Operation) -> tuple[str, str, str]:
    """A delivered link: its order, its terminal type, and another one that its satellite could be reached with."""
    kinds = (NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL)
    with operation.database.as_worker() as session:
        offering = an_offer(session, [*CHARACTERISTICS, "terminalType"], *kinds)
    order_id = ordered(operation, offering, **CHARACTERISTICS)
    assert operation.advance(order_id)[0].state is FlowState.COMPLETED
    return order_id, *its_terminal_and_another(operation, order_id)


def its_terminal_and_another(operation: Operation, order_id: str) -> tuple[str, str]:
    """The terminal type of a site, and another one that its satellite could be reached with."""
    with operation.database.as_worker() as session:
        placed = service_order_of(session, order_id)
        assert placed is not None
        assert isinstance(placed.solution, LinkSolution | AccessSolution)
        mine = placed.solution
        every_way = qualify(session, demand_of_order(session, session.get_one(ProductOrder, order_id)), True)
        other = next(
            one.terminal_type_name
            for one in every_way.to_sites
            if (one.satellite_id, one.band) == (mine.satellite_id, mine.band)
            and one.terminal_type_id != mine.terminal_type_id
        )
        return mine.terminal_type_name, other


def test_another_terminal_is_brought_and_the_old_one_comes_back(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path) as operation:
        order_id, old_type, new_type = a_link_with_its_terminal(operation)
        swap = change(operation, order_id, terminalType=new_type)
        flow, tasks = operation.advance(swap)
        assert {name: task.fault for name, task in tasks.items() if task.fault} == {}
        assert flow.state is FlowState.COMPLETED
        with database.as_worker() as session, operation.hub.client() as hub:
            sites = {one.order_id: one for one in session.exec(select(Terminal))}
            assert (sites[order_id].state, sites[swap].state) == (TerminalState.REMOVED, TerminalState.IN_SERVICE)
            devices = {one.serial_number: one for one in session.exec(select(StockedTerminal))}
            old, new = devices[str(sites[order_id].serial_number)], devices[str(sites[swap].serial_number)]
            assert (old.terminal_type_name, old.state) == (old_type, StockState.IN_RETURN)
            assert (new.terminal_type_name, new.state) == (new_type, StockState.ISSUED)
            [terminal] = hub.get("/v1/terminals").json()["items"]
            assert terminal["serial_number"] == new.serial_number


def test_a_terminal_that_does_not_come_in_time_leaves_the_one_that_is_there(database: Database, tmp_path: Path) -> None:
    with an_operation(database, tmp_path, in_stock=1) as operation:
        order_id, _, new_type = a_link_with_its_terminal(operation)
        with database.as_worker() as session:
            for one in session.exec(select(StockedTerminal).where(StockedTerminal.terminal_type_name == new_type)):
                session.delete(one)
        swap = change(operation, order_id, terminalType=new_type)
        flow, tasks = operation.advance(swap)
        assert (flow.state, tasks["terminal_is_here"].state) == (FlowState.ACTIVE, TaskState.ACTIVE)
        with database.as_worker() as session:
            cancel: dict[str, Json] = {"productOrder": {"id": swap}}
            cancel_order(session, from_body(CancelProductOrder, cancel), WORKER)
        assert operation.advance(swap)[0].state is FlowState.CANCELLED
        with database.as_worker() as session:
            [site] = session.exec(select(Terminal).where(Terminal.state == TerminalState.IN_SERVICE))
            device = session.exec(
                select(StockedTerminal).where(StockedTerminal.serial_number == site.serial_number)
            ).one()
            assert (site.order_id, device.state) == (order_id, StockState.ISSUED)
