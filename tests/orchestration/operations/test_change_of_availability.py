"""The availability of a link on a crowded transponder: less of it frees what it took, for more there is no room."""

from collections.abc import Iterable
from pathlib import Path

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.market.inventory import Product
from satcom.market.ordering import CancelProductOrder, cancel_order
from satcom.orchestration.plan import FlowState, TaskState
from satcom.resource.hold import HoldState, Owner, Period, assign
from satcom.resource.payload import Transponder
from satcom.resource.reservation import reservation_of
from satcom.resource.spectrum import SpectrumAssignment, WantedSlot, peak_power_hz, taken_of
from satcom.resource.spectrum_pieces import free_pieces
from satcom.service.inventory import Service
from tests.crash.office import HEAVY_RAIN_DB
from tests.orchestration.operations.test_change_of_service import InService, in_service, monthly
from tests.orchestration.operations.test_kinds_of_change import refused
from tests.resource.a_network import tomorrow
from tests.resource.held_alone import hold_slot

OTHERS = Owner(None, None, None)
NARROW_HZ = 100_000
LESS, MORE, TOO_MUCH = 98.0, 99.9, 99.99


def taken_by(session: Session, served: InService, order_id: str) -> tuple[int, int]:
    """The bandwidth and the power that an order has."""
    slots = served.held(session, order_id).slots
    return sum(one.bandwidth_hz for one in slots), sum(one.power_share_hz for one in slots)


def left_of(session: Session, one: Transponder) -> tuple[int, int]:
    """The widest free piece of a transponder, and the power that nobody has."""
    taken = taken_of(session, one.id, Period(now()))
    free = free_pieces(one.low_edge_hz, one.high_edge_hz, one.guard_band_hz, [each.piece for each in taken])
    widest_hz = max((piece.width_hz for piece in free), default=0)
    return widest_hz, one.bandwidth_hz - peak_power_hz(taken, Period(now()))


def its_satellite(session: Session, served: InService) -> list[Transponder]:
    """The transponders of the satellite that carries it."""
    slot = served.held(session, served.order_id).slots[0]
    carried_by = session.get_one(Transponder, slot.transponder_id).satellite_id
    return list(session.exec(select(Transponder).where(Transponder.satellite_id == carried_by)))


def others_take(session: Session, one: Transponder, width_hz: int, power_hz: int) -> None:
    wanted = WantedSlot(one.id, width_hz, power_hz)
    assign(session, [hold_slot(session, wanted, Period(now()), OTHERS, tomorrow())])


def crowd(session: Session, transponders: Iterable[Transponder]) -> None:
    """Others take every piece of spectrum, and all power, that is left."""
    for one in transponders:
        while (left := left_of(session, one)) != (0, 0):
            others_take(session, one, *left)


def test_more_availability_takes_bandwidth_where_power_is_short_and_less_gives_back_what_nobody_else_has(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path) as served:
        with database.as_worker() as session:
            transponders = its_satellite(session, served)
            for one in transponders:
                others_take(session, one, NARROW_HZ, left_of(session, one)[1])
            width_hz, power_hz = taken_by(session, served, served.order_id)
        more = served.changed(availabilityPercent=MORE)
        with database.as_worker() as session:
            had = taken_by(session, served, more)
            assert (had[0] > width_hz, had[1] <= power_hz) == (True, True)
            crowd(session, transponders)
        too_much = served.change(availabilityPercent=TOO_MUCH)
        assert "noPower: " in refused(served.operation, too_much)
        with database.as_worker() as session:
            slots = served.held(session, more).slots
            assert (taken_by(session, served, more), {one.state for one in slots}) == (had, {HoldState.ASSIGNED})
            transponder = session.get_one(Transponder, slots[0].transponder_id)
            assert left_of(session, transponder) == (0, 0)
        less = served.changed(availabilityPercent=LESS)
        with database.as_worker() as session:
            has = taken_by(session, served, less)
            assert has < had
            assert left_of(session, transponder)[1] == had[1] - has[1]
            assert reservation_of(session, more) is None
        back = served.changed(availabilityPercent=MORE)
        with database.as_worker() as session:
            assert taken_by(session, served, back) == had
            assert left_of(session, transponder) == (0, 0)


def books(session: Session, served: InService) -> list[object]:
    """What product, service, transponders and reservation say of the link; `others` are on the transponders, too."""
    product, service = session.get_one(Product, served.product_id), session.get_one(Service, served.service_id)
    there = select(SpectrumAssignment).where(SpectrumAssignment.state != HoldState.RELEASED)
    slots = session.exec(there.order_by(col(SpectrumAssignment.id))).all()
    return [
        (product.status, monthly(product), {one.name: one.value for one in product.product_characteristic}),
        (service.state, service.order_id, {one.name: one.value for one in service.service_characteristic}),
        [(one.id, one.state, one.start_hz, one.stop_hz, one.power_share_hz) for one in slots],
        {one.id: one.state for one in served.held(session, served.order_id).holds},
    ]


def test_what_less_availability_would_free_is_kept_until_it_is_proved_and_undo_leaves_all_as_it_was(
    database: Database, tmp_path: Path
) -> None:
    with in_service(database, tmp_path) as served:
        with database.as_worker() as session:
            transponders = its_satellite(session, served)
            crowd(session, transponders)
            before = books(session, served)
        at_hub = served.at_hub()
        with served.operation.hub.client() as hub:
            where = f"/v1/sky/terminals/{served.service_id}-terminal/weather"
            hub.put(where, json={"fade_db": HEAVY_RAIN_DB}).raise_for_status()
        less = served.change(availabilityPercent=LESS)
        flow, tasks = served.operation.advance(less)
        assert (flow.state, tasks["accept_test"].state) == (FlowState.ACTIVE, TaskState.HOLD)
        changed = served.at_hub()
        assert [name for name in at_hub if changed[name] != at_hub[name]] == [
            f"{served.service_id}-forward",
            f"{served.service_id}-return",
        ]
        with database.as_worker() as session:
            left = [left_of(session, one) for one in transponders]
            assert [one for one in left if one[0] > 0 or one[1] > 0] == []  # to others the old and the new are taken
            cancel: dict[str, Json] = {"productOrder": {"id": less}}
            cancel_order(session, from_body(CancelProductOrder, cancel), WORKER)
        assert served.operation.advance(less)[0].state is FlowState.CANCELLED
        assert served.at_hub() == at_hub
        with database.as_worker() as session:
            assert books(session, served) == before
            assert reservation_of(session, less) is None
