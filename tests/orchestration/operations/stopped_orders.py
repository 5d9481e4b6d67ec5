"""Orders that stop at a task on their way, in an operation where everything is sold, and all that is on record of them.

An operation is loaded once and shared: what is cancelled leaves it as it was, so the next order finds what the one
before found.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text
from sqlmodel import SQLModel

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER, Role
from satcom.core.values import Json
from satcom.market.order_approval import NewApprovalRule, add_rule, approval_of, decide
from satcom.market.ordering import CancelProductOrder, cancel_order
from satcom.orchestration import engine, wave
from satcom.orchestration.engine import Engine
from satcom.orchestration.operations.terminal_swap import TerminalSwap, call_off
from satcom.orchestration.plan import (
    FlowState,
    Handler,
    Later,
    ProcessFlow,
    TaskFlow,
    TaskKind,
    TaskState,
    handler_called,
)
from satcom.orchestration.repair import skip
from satcom.orchestration.wave import Phase
from satcom.resource.catalog import NetworkNeed
from satcom.service.appointment import book_appointment, follow_appointment, open_appointment
from satcom.service.installation import installation_of
from tests.market.a_market import CHARACTERISTICS
from tests.orchestration.operations.an_order_to_service import Operation, an_operation
from tests.orchestration.operations.test_kinds_of_change import its_terminal_and_another
from tests.orchestration.operations.test_partner_to_service import Leasing, price_what_partners_serve
from tests.orchestration.operations.the_other_kinds import (
    a_lease_offered,
    an_access_offered,
    an_offer,
    ordered,
    record_the_test,
)
from tests.service.an_installation import an_appointment_for, an_installer, periods_free
from tests.simulators.partner_process import PartnerProcess, connected_to, partner_process
from tests.supplychain.a_partnership import a_partnership

IN_STOCK = 60  # of each kind: a terminal that left the depot comes back as a return, not to the shelf
DEAR = 1  # a month: every order is to be approved
SOMEBODY_DOES = frozenset(
    {
        "order_is_approved",
        "appointment_is_made",
        "site_is_installed",
        "access_is_tested",
        "carriers_are_moved",
        "carriers_are_off",
    }
)
ENDED = frozenset(
    {"cancelled", "released", "removed", "terminated", "inReturn", "withdrawn", "undone", "calledOff", "done"}
)
KEPT = {  # what was decided and measured stays on record, and what left the depot is on its way back
    ("order_approval", "approved"),
    ("appointment", "completed"),
    ("service_test", "completed"),
    ("equipment_return", "expected"),
}
IN_DEPOT = ("inStock", "inReturn")
RECORDS = frozenset({"task_flow"})  # of what was done
Rows = dict[str, dict[str, Any]]  # JSON gives any


class Interrupted(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Stop:
    """A task, and how the order stands there.

    `held`: all is done but it, and a person has to look. `waiting`: it waits. `called`: the outside was to be told, and
    perhaps was. `arrived`: it was told, and nobody noted it.
    """

    task: str
    how: str


def stops_at(task: TaskFlow) -> list[Stop]:
    """Every way of standing at a task."""
    if task.owner is not None:
        return [Stop(task.task_flow_specification, "waiting")]
    ways = ("called", "arrived") if task.kind is TaskKind.OUTSIDE else ("held",)
    return [Stop(task.task_flow_specification, one) for one in ways]


@dataclass
class Sold:
    """An operation with a partner, and of each kind of service one that is in use."""

    operation: Operation
    partner: PartnerProcess
    link: str
    other_terminal: str
    offers: dict[str, str]
    in_use: dict[str, str] = field(default_factory=dict)
    known: "Books | None" = None  # as they were found last, while nothing was delivered since

    @property
    def database(self) -> Database:
        return self.operation.database

    def delivered(self, kind: str, order: Callable[[], str]) -> str:
        """The order of the one that is in use; the first who asks has it delivered."""
        if kind not in self.in_use:
            order_id = order()
            self.bring(order_id)
            self.followed(order_id, FlowState.COMPLETED)
            self.in_use[kind] = order_id
            self.known = None
        return self.in_use[kind]

    def followed(self, order_id: str, until: FlowState) -> ProcessFlow:
        return Leasing(self.operation, self.partner).followed(order_id, until)[0]

    def bring(self, order_id: str, stop: Stop | None = None) -> dict[str, TaskFlow]:
        """Have everybody do his part, up to where the order is to stop, or to its end; its tasks."""

        def breaks(task: TaskFlow, phase: Phase) -> None:
            if stop is None or task.task_flow_specification != stop.task:
                return
            if (stop.how, phase) == ("held", "call"):
                raise ZeroDivisionError("a bug")
            if (stop.how, phase) in (("called", "call"), ("arrived", "result")):
                raise Interrupted

        worker = Engine(self.database, self.operation.driver, breaks, timedelta(0))
        with waiting_at(stop):
            while True:
                try:
                    worker.advance(self.operation.flow(order_id)[0].id)
                except Interrupted:
                    return self.operation.flow(order_id)[1]
                tasks = self.operation.flow(order_id)[1]
                here = tasks.get(stop.task) if stop is not None else None
                if here is not None and here.state in (TaskState.HOLD, TaskState.ACTIVE):
                    return tasks
                waits = [one for one in SOMEBODY_DOES if one in tasks and tasks[one].state is TaskState.ACTIVE]
                if not waits:
                    return tasks
                self._does(order_id, waits[0])

    def _does(self, order_id: str, wait: str) -> None:
        """Whoever is waited for does his part."""
        if wait == "access_is_tested":
            record_the_test(self.operation, order_id)
            return
        with self.database.as_worker() as session:
            installation = installation_of(session, order_id)
            if wait == "order_is_approved":
                asked = approval_of(session, order_id)
                assert asked is not None
                decide(session, asked, {"state": "approved", "reason": "he pays"}, WORKER)
            elif wait == "appointment_is_made":
                assert installation is not None
                visit = periods_free(session, installation)[-1]
                book_appointment(session, an_appointment_for(installation, visit), WORKER)
            elif wait == "site_is_installed":
                assert installation is not None
                visited = open_appointment(session, installation)
                assert visited is not None
                with clock.at(visited.stop_at):
                    follow_appointment(session, visited, {"status": "completed"}, WORKER)
            else:
                skip(session, self.operation.flow(order_id)[0].id, wait, WORKER)

    def cancel(self, order_id: str) -> None:
        """The customer thinks again; or the field engineer, of a swap."""
        with self.database.as_worker() as session:
            swap = session.get(TerminalSwap, order_id)
            if swap is not None:
                call_off(session, swap, {"state": "undone"}, WORKER)
                return
            cancel_order(session, from_body(CancelProductOrder, {"productOrder": {"id": order_id}}), WORKER)

    def given_back_twice(self, order_id: str) -> list[str]:
        """What was let go, ended or cancelled more than once for an order, by the change log."""
        state = "coalesce(after->>'state', after->>'status')"
        counted = (
            f"SELECT entity_type, {state}, count(*) FROM change_log WHERE order_reference = :reference"
            f" AND {state} = ANY(:ended) GROUP BY entity_id, entity_type, {state} HAVING count(*) > 1"
        )
        asked = {"reference": self.operation.flow(order_id)[0].reference, "ended": sorted(ENDED)}
        with self.database.as_worker() as session:
            return [f"{one[0]}: {one[2]} times {one[1]}" for one in session.connection().execute(text(counted), asked)]

    def books(self) -> "Books":
        return Books(self._rows(), self._at_hub(), self._at_partner())

    def _rows(self) -> dict[str, Rows]:
        """Everything that has a state, by table and id."""
        found: dict[str, Rows] = {}
        with self.database.as_worker() as session:
            for table in SQLModel.metadata.sorted_tables:
                if table.name in RECORDS or "id" not in table.c or not {"state", "status"} & set(table.c.keys()):
                    continue
                rows = session.connection().execute(text(f"SELECT id, to_jsonb(t) FROM {table.fullname} t"))
                found[table.name] = {str(row[0]): _told(row[1]) for row in rows}
        return found

    def _at_hub(self) -> Rows:
        with self.operation.hub.client() as hub:
            return {
                f"{kind} {one['id']}": {name: value for name, value in one.items() if name != "revision"}
                for kind in ("carriers", "terminals", "plans")
                for one in hub.get(f"/v1/{kind}").json()["items"]
            }

    def _at_partner(self) -> dict[str, int]:
        """What it holds and delivers: each is one more than was let go."""
        done = self.partner.journal()
        return {
            "held": done.count("hold") - done.count("release"),
            "ordered": done.count("order") - done.count("cancel"),
            "ended": done.count("end"),
        }


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("version", "updated_at")}


@dataclass(frozen=True)
class Books:
    """All that is held, sold and delivered: on record, in the hub and at the partner."""

    rows: dict[str, Rows]
    hub: Rows
    partner: dict[str, int]

    def left_by(self, before: "Books") -> list[str]:
        """What is not as it was, and what is new and has not ended."""
        found = [f"hub: {one}" for one in _differing(before.hub, self.hub)]
        if self.partner != before.partner:
            found.append(f"partner: {before.partner} became {self.partner}")
        for table, rows in self.rows.items():
            for key, row in rows.items():
                state, was = str(row.get("state") or row.get("status")), before.rows[table].get(key)
                if was is None and state not in ENDED and (table, state) not in KEPT:
                    found.append(f"{table}: one is {state}")
                elif table == "stocked_terminal":
                    if was != row and (state not in IN_DEPOT or (was or {})["state"] not in IN_DEPOT):
                        found.append(f"{table}: {row['serial_number']} is {state}")
                elif was is not None and was != row:
                    changed = {name: (was[name], row[name]) for name in row if was[name] != row[name]}
                    found.append(f"{table}: {changed}")
        return found


def _differing(before: Rows, after: Rows) -> list[str]:
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]


@contextmanager
def waiting_at(stop: Stop | None) -> Iterator[None]:
    """What nobody of ours does, as a day that comes, does not come."""
    if stop is None or stop.how != "waiting" or stop.task in SOMEBODY_DOES:
        yield
        return

    def called(name: str) -> Handler:
        return handler_called(name) if name != stop.task else lambda *given: Later()

    with patch.object(wave, handler_called.__name__, called), patch.object(engine, handler_called.__name__, called):
        yield


@contextmanager
def everything_sold(database: Database, folder: Path) -> Iterator[Sold]:
    with (
        partner_process(folder) as partner,
        an_operation(database, folder, in_stock=IN_STOCK, pools=True) as operation,
        connected_to(partner),
    ):
        partner.set_world(delivery_s=0, price_per_mbps=250, one_time_price=1000)
        with database.as_worker() as session:
            an_installer(session)
            a_partnership(session, partner.url)
            price_what_partners_serve(session, operation)
            needs = NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL
            offers = {
                "link": an_offer(session, [*CHARACTERISTICS, "terminalType", "installation"], *needs),
                "access": an_access_offered(session),
                "lease": a_lease_offered(session),
            }
        link = ordered(operation, offers["link"], **CHARACTERISTICS)
        assert operation.advance(link)[0].state is FlowState.COMPLETED
        _, other = its_terminal_and_another(operation, link)
        with database.as_worker() as session:
            rule: dict[str, Json] = {"abovePerMonth": DEAR, "role": Role.SALES}
            add_rule(session, NewApprovalRule.model_validate(rule), WORKER)
        yield Sold(operation, partner, link, other, offers)
