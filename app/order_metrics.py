"""Orders, their tasks and waits, bills and the queue, as metrics: one statement for each family.

How old an order or how late a wait is follows the business clock; the age of a job follows the database's own.
"""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import text
from sqlmodel import Session

from satcom.core.clock import now
from satcom.market.billing import BillState
from satcom.market.ordering import ENDED, OrderState
from satcom.orchestration.queue import QUEUE

AGES = ("under 1 hour", "1 hour to 1 day", "1 day to 1 week", "1 week to 30 days", "over 30 days")
OPEN_STATES = tuple(state for state in OrderState if state not in ENDED)
ORDERS = text(
    "SELECT state, CASE WHEN state IN ('rejected', 'cancelled', 'completed', 'failed', 'partial') THEN NULL"
    " ELSE width_bucket(extract(epoch FROM :now - order_date), ARRAY[3600, 86400, 604800, 2592000]) END AS age,"
    " count(*) AS orders FROM product_order GROUP BY 1, 2"
)
OPEN_TASKS = text(
    "SELECT kind, state, undo_state, coalesce(owner, '') AS owner, count(*) AS tasks,"
    " count(*) FILTER (WHERE due_at < :now) AS overdue, count(escalated_at) AS escalated FROM task_flow"
    " WHERE state = 'active' OR state = 'hold' OR undo_state = 'hold' GROUP BY 1, 2, 3, 4"
)
BILLS = text("SELECT state, count(*) AS bills FROM customer_bill GROUP BY 1")
TO_BILL = text(
    "SELECT count(*) FILTER (WHERE next_bill_at <= :now) AS due,"
    " count(*) FILTER (WHERE not_billed_because IS NOT NULL) AS put_off FROM billing_account WHERE state = 'Active'"
)
QUEUED = text(
    "SELECT count(*) FILTER (WHERE job.status = 'todo') AS waiting, count(*) FILTER (WHERE job.status = 'doing')"
    " AS running, coalesce(extract(epoch FROM now() - min(event.at) FILTER (WHERE job.status = 'todo')), 0) AS oldest_s"
    " FROM procrastinate_jobs job LEFT JOIN procrastinate_events event ON event.job_id = job.id"
    " AND event.type = 'deferred' WHERE job.queue_name = :queue AND job.status IN ('todo', 'doing')"
)


def order_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    yield from _orders(session)
    yield from _tasks(session)
    yield from _bills(session)
    yield from _accounts(session)
    yield from _queue(session)


def _orders(session: Session) -> Iterator[GaugeMetricFamily]:
    orders = GaugeMetricFamily("satcom_orders", "Product orders by state", labels=["state"])
    aged = GaugeMetricFamily(
        "satcom_orders_open", "Orders not ended, by age since they were placed", labels=["state", "age"]
    )
    counted: dict[str, int] = defaultdict(int)
    by_age: dict[tuple[str, str], int] = defaultdict(int)
    for row in session.connection().execute(ORDERS, {"now": now()}):
        counted[row.state] += row.orders
        if row.age is not None:
            by_age[row.state, AGES[row.age]] += row.orders
    for state in OrderState:
        orders.add_metric([state.value], counted[state])
    for state in OPEN_STATES:
        for age in AGES:
            aged.add_metric([state.value, age], by_age[state.value, age])
    yield from (orders, aged)


def _tasks(session: Session) -> Iterator[GaugeMetricFamily]:
    """Owners and kinds come from the flow files, so there are few of them."""
    tasks = GaugeMetricFamily("satcom_tasks_open", "Tasks that are under way or held", labels=["kind", "state"])
    waits = GaugeMetricFamily("satcom_waits", "Waits for something from outside, by owner", labels=["owner"])
    late = GaugeMetricFamily(
        "satcom_waits_overdue", "Waits whose time is over in which it should have come", labels=["owner"]
    )
    escalated = GaugeMetricFamily(
        "satcom_waits_escalated", "Overdue waits that came from an earlier owner, by who has them now", labels=["owner"]
    )
    held = GaugeMetricFamily("satcom_tasks_held", "Tasks and undos that a person has to judge", labels=["owner"])
    counted: dict[tuple[str, ...], int] = defaultdict(int)
    for row in session.connection().execute(OPEN_TASKS, {"now": now()}):
        for_a_person = row.state == "hold" or row.undo_state == "hold"
        counted["open", row.kind, "hold" if for_a_person else row.state] += row.tasks
        if for_a_person:
            counted["held", row.owner] += row.tasks
        elif row.owner:  # somebody waits, for something here or at a partner; other outside calls are nobody's
            counted["wait", row.owner] += row.tasks
            counted["late", row.owner] += row.overdue
            counted["escalated", row.owner] += row.escalated
    families = {"open": tasks, "wait": waits, "late": late, "escalated": escalated, "held": held}
    for (family, *labels), number in sorted(counted.items()):
        families[family].add_metric(labels, number)
    yield from families.values()


def _bills(session: Session) -> Iterator[GaugeMetricFamily]:
    bills = GaugeMetricFamily("satcom_bills", "Customer bills by state", labels=["state"])
    counted = {row.state: row.bills for row in session.connection().execute(BILLS)}
    for state in BillState:
        bills.add_metric([state.value], counted.get(state.value, 0))
    yield bills


def _accounts(session: Session) -> Iterator[GaugeMetricFamily]:
    row = session.connection().execute(TO_BILL, {"now": now()}).one()
    accounts = GaugeMetricFamily(
        "satcom_accounts_to_bill", "Accounts that the bill run has to look at, or put off", labels=["state"]
    )
    accounts.add_metric(["due"], row.due)
    accounts.add_metric(["putOff"], row.put_off)
    yield accounts


def _queue(session: Session) -> Iterator[GaugeMetricFamily]:
    row = session.connection().execute(QUEUED, {"queue": QUEUE}).one()
    jobs = GaugeMetricFamily("satcom_queue_jobs", "Wake-ups of orders", labels=["state"])
    jobs.add_metric(["waiting"], row.waiting)
    jobs.add_metric(["running"], row.running)
    yield jobs
    yield GaugeMetricFamily(
        "satcom_queue_oldest_job_seconds", "Age of the oldest wake-up that waits", value=float(row.oldest_s)
    )
