"""What is ordered, changed, ended or swapped is cancelled at each of its tasks, and everything is as before."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest

from satcom.core.database import Database, find
from satcom.core.errors import WrongState
from satcom.core.security import WORKER
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.operations.cease_at_partner import cease_at_partner
from satcom.orchestration.operations.cease_of_service import cease_of_service
from satcom.orchestration.operations.change_at_partner import change_at_partner
from satcom.orchestration.operations.change_of_service import change_of_service
from satcom.orchestration.operations.order_to_service import order_to_service
from satcom.orchestration.operations.partner_to_service import partner_to_service
from satcom.orchestration.operations.terminal_swap import SwapState, TerminalSwap, terminal_swap
from satcom.orchestration.plan import FlowState, Plan, TaskFlow, TaskKind, TaskState
from satcom.orchestration.repair import retry
from satcom.resource.catalog import NetworkNeed
from tests.market.a_market import CHARACTERISTICS
from tests.orchestration.operations.stopped_orders import Sold, Stop, everything_sold, stops_at
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import DAKOTA
from tests.orchestration.operations.test_terminal_swap import a_swap
from tests.orchestration.operations.the_other_kinds import ACCESS, MHZ, ordered
from tests.postgres_server import drop_database, new_database
from tests.resource.a_resource_catalogue import A_LINK

LEASED, SHARED = [NetworkNeed.LEASED_SPECTRUM], [NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL]


def a_link(sold: Sold) -> str:
    return ordered(sold.operation, sold.offers["link"], **CHARACTERISTICS, installation="onSite")


def an_access(sold: Sold) -> str:
    return ordered(sold.operation, sold.offers["access"], **ACCESS)


def a_lease(sold: Sold) -> str:
    return ordered(sold.operation, sold.offers["lease"], bandwidthHz=5 * MHZ)


def at_a_partner(sold: Sold) -> str:
    return sold.operation.order(**DAKOTA)


def faster_access(sold: Sold) -> str:
    """Dearer, too: else nobody would have to approve it."""
    service = access_in_use(sold)
    return change(sold.operation, service, downlinkRateBps=8 * MHZ, downlinkCommittedRateBps=2 * MHZ)


def access_in_use(sold: Sold) -> str:
    return sold.delivered("access", lambda: an_access(sold))


def lease_in_use(sold: Sold) -> str:
    return sold.delivered("lease", lambda: a_lease(sold))


def link_in_use(sold: Sold) -> str:
    """One that no other recipe changes."""
    return sold.delivered("link", lambda: a_link(sold))


def partners_in_use(sold: Sold) -> str:
    return sold.delivered("partner", lambda: at_a_partner(sold))


@dataclass(frozen=True)
class Recipe:
    """What may be cancelled: its plan, and how it is asked for."""

    name: str
    declare: Callable[[Plan], None]
    ask: Callable[[Sold], str]
    in_use: Callable[[Sold], str] = lambda sold: sold.link

    def tasks(self) -> list[TaskFlow]:
        draft = Plan()
        self.declare(draft)
        return draft.tasks

    def past_return(self) -> list[Stop]:
        """Every task after the point of no return, and that point itself where the outside is told there."""
        tasks = self.tasks()
        first = next(one for one, task in enumerate(tasks) if task.no_return)
        after = [task for task in tasks[first:] if task is not tasks[first] or task.kind is TaskKind.OUTSIDE]
        return [stop for task in after for stop in stops_at(task)]


RECIPES = [
    Recipe("a link", lambda plan: order_to_service(plan, "", A_LINK), a_link),
    Recipe("an access", lambda plan: order_to_service(plan, "", SHARED, installed=False), an_access),
    Recipe("a lease", lambda plan: order_to_service(plan, "", LEASED, installed=False), a_lease),
    Recipe("a link by a partner", lambda plan: partner_to_service(plan, ""), at_a_partner),
    Recipe(
        "a faster link",
        lambda plan: change_of_service(plan, "", A_LINK, False, False),
        lambda sold: change(sold.operation, sold.link, downlinkRateBps=20 * MHZ),
    ),
    Recipe(
        "another terminal",
        lambda plan: change_of_service(plan, "", A_LINK, True, True),
        lambda sold: change(sold.operation, sold.link, terminalType=sold.other_terminal, installation="onSite"),
    ),
    Recipe(
        "a faster access",
        lambda plan: change_of_service(plan, "", SHARED, False, False),
        faster_access,
        access_in_use,
    ),
    Recipe(
        "a wider lease",
        lambda plan: change_of_service(plan, "", LEASED, False, False),
        lambda sold: change(sold.operation, lease_in_use(sold), bandwidthHz=9 * MHZ),
        lease_in_use,
    ),
    Recipe(
        "more of a partner",
        lambda plan: change_at_partner(plan, ""),
        lambda sold: change(sold.operation, partners_in_use(sold), downlinkRateBps=16 * MHZ),
        partners_in_use,
    ),
    Recipe(
        "a swap",
        lambda plan: terminal_swap(plan, ""),
        lambda sold: a_swap(sold.operation, link_in_use(sold)).id,
        link_in_use,
    ),
    Recipe(
        "the end of a link",
        lambda plan: cease_of_service(plan, "", A_LINK, ""),
        lambda sold: change(sold.operation, sold.link, action="delete"),
    ),
    Recipe(
        "the end of an access",
        lambda plan: cease_of_service(plan, "", SHARED, ""),
        lambda sold: change(sold.operation, access_in_use(sold), action="delete"),
        access_in_use,
    ),
    Recipe(
        "the end of a lease",
        lambda plan: cease_of_service(plan, "", LEASED, ""),
        lambda sold: change(sold.operation, lease_in_use(sold), action="delete"),
        lease_in_use,
    ),
    Recipe(
        "the end at a partner",
        lambda plan: cease_at_partner(plan, "", ""),
        lambda sold: change(sold.operation, partners_in_use(sold), action="delete"),
        partners_in_use,
    ),
]
Case = tuple[Recipe, Stop]


def returning() -> Iterator[Case]:
    """Every task of every recipe up to the point of no return, and before that point itself."""
    for recipe in RECIPES:
        tasks = recipe.tasks()
        last = next(one for one, task in enumerate(tasks) if task.no_return)
        for task in tasks[: last + 1]:
            yield from ((recipe, stop) for stop in stops_at(task) if not task.no_return or stop.how == "held")


def told_apart(cases: Iterable[Case]) -> Iterator[pytest.ParameterSet]:
    """Each by its name. A stop that an earlier recipe shares is made again at length only."""
    seen: set[Stop] = set()
    for recipe, stop in cases:
        marks = [pytest.mark.at_length] if stop in seen else []
        yield pytest.param(recipe, stop, id=f"{recipe.name}, {stop.task} {stop.how}", marks=marks)
        seen.add(stop)


RETURNING = list(told_apart(returning()))


@pytest.fixture(scope="module")
def sold(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sold]:
    url = new_database(template)
    database = Database(url, connections=4)
    with everything_sold(database, tmp_path_factory.mktemp("outside")) as sold:
        yield sold
    database.close()
    drop_database(url)


def is_cancelled(sold: Sold, order_id: str) -> bool:
    with sold.database.as_worker() as session:
        swap = session.get(TerminalSwap, order_id)
        if swap is not None:
            return swap.state is SwapState.UNDONE
        return find(session, ProductOrder, order_id).state is OrderState.CANCELLED


@pytest.mark.parametrize(("recipe", "stop"), RETURNING)
def test_what_is_cancelled_at_a_task_leaves_everything_as_it_was(sold: Sold, recipe: Recipe, stop: Stop) -> None:
    recipe.in_use(sold)
    before, sold.known = sold.known or sold.books(), None
    order_id = recipe.ask(sold)
    tasks = sold.bring(order_id, stop)
    assert stands(tasks, stop)
    sold.cancel(order_id)
    sold.followed(order_id, FlowState.CANCELLED)
    assert is_cancelled(sold, order_id)
    assert sold.given_back_twice(order_id) == []
    after = sold.books()
    assert after.left_by(before) == []
    sold.known = after


@pytest.mark.parametrize("recipe", RECIPES, ids=[one.name for one in RECIPES])
def test_past_the_point_of_no_return_it_is_told_what_it_costs_and_the_order_goes_on(sold: Sold, recipe: Recipe) -> None:
    recipe.in_use(sold)
    sold.known, order_id = None, recipe.ask(sold)
    for stop in recipe.past_return():
        tasks = sold.bring(order_id, stop)
        assert stands(tasks, stop)
        assert_too_late(sold, order_id)
        if stop.how == "held":
            with sold.database.as_worker() as session:
                retry(session, tasks[stop.task].process_flow_id, stop.task, WORKER)
    sold.bring(order_id)
    sold.followed(order_id, FlowState.COMPLETED)
    assert_too_late(sold, order_id)


def assert_too_late(sold: Sold, order_id: str) -> None:
    with pytest.raises(WrongState) as refused:
        sold.cancel(order_id)
    [fault] = refused.value.faults
    assert (fault.field, fault.code) in (("/productOrder/id", "tooLate"), ("/state", SwapState.DONE))
    assert fault.field == "/state" or "costs" in str(fault.accepted)


def stands(tasks: dict[str, TaskFlow], stop: Stop) -> bool:
    """Whether the order stopped there. Fails with what is wrong elsewhere."""
    elsewhere = {name: one.fault for name, one in tasks.items() if one.fault and name != stop.task}
    assert elsewhere == {}
    return tasks[stop.task].state is (TaskState.HOLD if stop.how == "held" else TaskState.ACTIVE)
