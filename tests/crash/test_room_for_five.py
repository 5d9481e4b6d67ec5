"""Room for five: of 64 customers who order at the same instant five are served and 59 are told what was short.

Of a transponder, its power or a hub it is links that run short; of shared carriers accesses, among links and leases.

`make soak` runs 100 seeds: SATCOM_HAMMER_SEEDS says how many, SATCOM_HAMMER_FIRST from which.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import httpx
import pytest
from benchmarks.booking_clients import FAULTS
from sqlalchemy import create_engine, delete, text
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.values import Json
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.ground import TerminalType
from satcom.resource.hold import HoldState
from satcom.resource.hub import Hub
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.demand import LinkDemand
from satcom.service.qualification import qualify_solution
from satcom.service.solution import AccessSolution, LinkSolution
from satcom.service.way import CarrierPlan
from tests.crash.agreement import disagreements, held, listed
from tests.crash.an_installation import PORTS, Installation, an_installation
from tests.crash.office import ENDED, ORDERS, STEP_S, Kind, Office
from tests.crash.sold import Offers, Sold
from tests.market.a_market import an_order_body
from tests.orchestration.operations.the_other_kinds import a_lease_offered, an_access_offered
from tests.service.shared_carriers import the_access
from tests.service.the_demonstration import the_demand

SEEDS = int(os.environ.get("SATCOM_HAMMER_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("SATCOM_HAMMER_FIRST", "0"))
CUSTOMERS, ROOM = 64, 5
LEAST_SLACK_HZ = 2_000  # a satellite moves a little, and with it what a link takes
SHORT = ("noContiguousSlot", "noPower", "noHubPort")
RATES: dict[str, Json] = {"downlinkRateBps": 1_000_000, "uplinkRateBps": 512_000}
RATE_BPS = 1_000_000
ORDERED = {Sold.ACCESS: 40, Sold.LINK: 16, Sold.LEASE: 8}
AMONG_OTHERS = {
    (Sold.ACCESS, "completed"): ROOM,
    (Sold.ACCESS, "rejected"): ORDERED[Sold.ACCESS] - ROOM,
    (Sold.LINK, "completed"): ORDERED[Sold.LINK],
    (Sold.LEASE, "completed"): ORDERED[Sold.LEASE],
}
OF_ORDERS = (
    "cancel_product_order, product_order, product, applied_customer_billing_rate, customer_bill, service_path, service,"
    " service_order, service_test, resource_order, reservation, spectrum_assignment, hub_port_assignment, terminal,"
    " purchase_order, goods_receipt, qualification_evidence, task_flow, process_flow, idempotency_key, change_log"
)


def _best_link(session: Session) -> LinkSolution:
    best = qualify_solution(session, demand())
    assert isinstance(best, LinkSolution)
    return best


@dataclass(frozen=True)
class Network:
    """The one way through the network, and what one link of the demand takes of it."""

    transponder: str
    hub: str
    link: LinkSolution

    @property
    def carriers(self) -> tuple[CarrierPlan, CarrierPlan]:
        return self.link.forward, self.link.return_link


@contextmanager
def a_network_of_one_way(folder: Path) -> Iterator[tuple[Installation, Network]]:
    """An installation with one transponder, one hub and one terminal type; two workers, a server that only serves."""
    with an_installation(folder, in_stock=CUSTOMERS + ROOM, server_works=False) as installation:
        with installation.operation.database.as_worker() as session:
            network = one_way_left(session)
        with installation.watched_over():
            installation.wait_until_served()
            installation.wait_until_worked()
            yield installation, network


def one_way_left(session: Session) -> Network:
    """The best way of today, and nothing else."""
    best = _best_link(session)
    assert best.forward.transponder_id == best.return_link.transponder_id
    session.connection().execute(delete(SpectrumAssignment))
    session.connection().execute(delete(Transponder).where(col(Transponder.id) != best.forward.transponder_id))
    for hub in session.exec(select(Hub).where(col(Hub.id) != best.hub_id)):
        hub.ports = 0
    for kind in session.exec(select(TerminalType).where(col(TerminalType.id) != best.terminal_type_id)):
        kind.approved = False
    session.flush()
    return Network(best.forward.transponder_id, best.hub_id, _best_link(session))


def demand() -> LinkDemand:
    """What each order of this test asks for."""
    rates = {"downlink_rate_bps": RATES["downlinkRateBps"], "uplink_rate_bps": RATES["uplinkRateBps"]}
    return the_demand(**rates, altitude_m=None, country=None, start_at=now(), stop_at=None)


def make_room_for_five(session: Session, network: Network, short: str, random: Random) -> None:
    """Leave what five links take of the one thing that is short, and less than a sixth would need."""
    transponder, hub = session.get_one(Transponder, network.transponder), session.get_one(Hub, network.hub)
    hub.ports = ROOM if short == "noHubPort" else PORTS
    guard_hz = transponder.guard_band_hz
    widths_hz = sum(one.occupied_bandwidth_hz for one in network.carriers)
    power_hz = sum(one.power_equivalent_bandwidth_hz for one in network.carriers)
    if short == "noContiguousSlot":
        slack_hz = random.randrange(LEAST_SLACK_HZ, widths_hz // 4)
        free_hz = ROOM * widths_hz + (2 * ROOM - 1) * guard_hz + slack_hz
        start_hz = transponder.low_edge_hz + guard_hz + free_hz + guard_hz
        session.add(neighbour(transponder, start_hz, 0))
    if short == "noPower":
        slack_hz = random.randrange(LEAST_SLACK_HZ, power_hz // 20)
        share_hz = transponder.bandwidth_hz - ROOM * power_hz - slack_hz
        session.add(neighbour(transponder, transponder.high_edge_hz - 1_000_000, share_hz))
    session.flush()


def neighbour(transponder: Transponder, start_hz: int, power_share_hz: int) -> SpectrumAssignment:
    """A carrier that takes the rest, from `start_hz` to the upper edge."""
    return SpectrumAssignment(
        name="neighbour",
        transponder_id=transponder.id,
        start_hz=start_hz,
        stop_hz=transponder.high_edge_hz,
        power_share_hz=power_share_hz,
        guard_band_hz=transponder.guard_band_hz,
        state=HoldState.ASSIGNED,
        start_at=datetime(2020, 1, 1, tzinfo=UTC),
    )


def begin_anew(installation: Installation) -> None:
    """All orders, what they took, and what the hub holds, are forgotten; the terminals are on the shelf again."""
    engine = create_engine(installation.operation.database.url)
    give_up = time.monotonic() + 30
    with engine.connect() as connection:
        while connection.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one():
            assert time.monotonic() < give_up, "the workers do not come to rest"
            connection.rollback()
            time.sleep(0.05)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {OF_ORDERS} CASCADE"))
        connection.execute(
            text(
                "UPDATE stocked_terminal SET state = 'inStock', order_id = NULL, held_for_party_id = NULL,"
                " held_until = NULL WHERE state <> 'inStock'"
            )
        )
    engine.dispose()
    with installation.operation.hub.client() as hub:
        for kind in ("plans", "terminals", "carriers"):
            for one in held(hub, kind):
                key = {"Idempotency-Key": f"forget {one['id']}"}
                hub.delete(f"/v1/{kind}/{one['id']}", headers=key).raise_for_status()


def order_all_at_once(installation: Installation, random: Random) -> None:
    """Each customer orders once, within a moment of the others, and asks no second time."""
    market = installation.operation.market
    bodies = [an_order_body(market, **RATES) for _ in range(CUSTOMERS)]
    for body in random.sample(bodies, CUSTOMERS // 2):
        body |= an_order_body(replace(market, party=market.other_party, account=market.other_account), **RATES)
    moments = [random.uniform(0, 0.1) for _ in range(CUSTOMERS)]
    limits = httpx.Limits(max_connections=CUSTOMERS)
    with (
        httpx.Client(
            base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False, limits=limits
        ) as api,
        ThreadPoolExecutor(CUSTOMERS) as pool,
    ):

        def order(number: int) -> int:
            time.sleep(moments[number])
            return api.post(ORDERS, json=bodies[number]).status_code

        assert list(pool.map(order, range(CUSTOMERS))) == [201] * CUSTOMERS


def ended(api: httpx.Client, within_s: float = 600) -> list[dict[str, Any]]:
    """The orders when all have ended."""
    give_up = time.monotonic() + within_s
    while True:
        orders = listed(api, ORDERS)
        if all(one["state"] in ENDED for one in orders) or time.monotonic() > give_up:
            return orders
        time.sleep(STEP_S)


def test_of_64_who_order_at_once_five_are_served_and_59_told_why(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    told: Counter[str] = Counter()
    took_s = []
    with a_network_of_one_way(tmp_path) as (installation, network):
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            random, short, began = Random(seed), SHORT[seed % len(SHORT)], time.monotonic()
            begin_anew(installation)
            with installation.operation.database.as_worker() as session:
                make_room_for_five(session, network, short, random)
            order_all_at_once(installation, random)
            with (
                httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60) as api,
                installation.operation.hub.client() as hub,
            ):
                orders = ended(api)
                states = Counter(one["state"] for one in orders)
                assert states == {"completed": ROOM, "rejected": CUSTOMERS - ROOM}, (seed, short, states)
                reasons = Counter(reason(one) for one in orders if one["state"] == "rejected")
                assert reasons == {short: CUSTOMERS - ROOM}, (seed, reasons)
                assert disagreements(api, hub) == [], seed
            told[short] += 1
            took_s.append(time.monotonic() - began)
        assert installation.ended == [], installation.last_words()
        assert installation.killed.total() == 0
    seeds = ", ".join(f"{times} short of {short}" for short, times in sorted(told.items()))
    record_property(
        "histogram",
        f"{SEEDS} seeds from {FIRST_SEED} ({seeds}): each {ROOM} in service, {CUSTOMERS - ROOM} refused;"
        f" {min(took_s):.1f} to {max(took_s):.1f} s a seed, {sum(took_s):.0f} s in all",
    )


def reason(order: dict[str, Any]) -> str:
    """The code that the customer was told."""
    notes = [str(one["text"]) for one in order["note"] if one["author"] == "operator"]
    return notes[-1].partition(":")[0] if notes else "nothing"


@pytest.mark.at_length
def test_of_all_who_order_access_at_once_five_are_promised_their_rate(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Beside them links and leases are ordered, and all served. Meanwhile the pools are asked how full they are."""
    for seed in range(FIRST_SEED, FIRST_SEED + max(SEEDS // 10, 1)):
        random, began = Random(seed), time.monotonic()
        with an_installation(tmp_path / str(seed), in_stock=CUSTOMERS, server_works=False, every_kind=True) as one:
            with one.operation.database.as_worker() as session:
                of_kind = {Sold.ACCESS: an_access_offered(session), Sold.LEASE: a_lease_offered(session)}
                short = promise_five(session, random)
            offers = Offers(one.operation.market, {Sold.LINK: one.operation.market.offering, **of_kind})
            with one.watched_over():
                one.wait_until_served()
                one.wait_until_worked()
                with fill_watched(one.operation.database) as oversold:
                    office = order_every_kind(one, offers, random)
                states = Counter((story.sold, story.state) for story in office.stories)
                assert states == AMONG_OTHERS, (seed, short, states, one.last_words())
                orders = {order["id"]: order for order in office.listed(ORDERS)}
                refused = [orders[story.order] for story in office.stories if story.state == "rejected"]
                assert Counter(map(reason, refused)) == {"noCommittedRate": len(refused)}, (seed, short)
                assert oversold == [], (seed, short)
                with (
                    httpx.Client(base_url=one.url, headers=one.headers, timeout=60) as api,
                    one.operation.hub.client() as hub,
                ):
                    assert disagreements(api, hub) == [], seed
                office.close()
            assert one.ended == [], one.last_words()
        record_property("histogram", f"seed {seed}: {short} short, {time.monotonic() - began:.0f} s")


def promise_five(session: Session, random: Random) -> str:
    """Leave of one pool what five accesses are promised, and less than a sixth would need; its name."""
    asked = {
        "downlink_rate_bps": RATE_BPS,
        "uplink_rate_bps": RATE_BPS // 2,
        "downlink_committed_rate_bps": RATE_BPS // 8,
        "uplink_committed_rate_bps": RATE_BPS // 16,
    }
    best = qualify_solution(session, the_access(**asked, altitude_m=None, country=None, start_at=now(), stop_at=None))
    assert isinstance(best, AccessSolution)
    plan = random.choice((best.forward_pool, best.return_pool))
    pool = session.get_one(CarrierPool, plan.pool_id)
    left_baud = ROOM * plan.cir_baud + random.randrange(plan.cir_baud // 4, plan.cir_baud // 2)
    pool.committable_percent = 100 * left_baud / pool.symbol_rate_baud
    session.flush()
    return pool.name


def order_every_kind(installation: Installation, offers: Offers, random: Random) -> Office:
    """All at once, in any order; until all have ended."""
    office = Office(installation, random, offers)
    kinds = [sold for sold, number in ORDERED.items() for _ in range(number)]
    office.place_each([(sold, Kind.PATIENT) for sold in random.sample(kinds, len(kinds))], [RATE_BPS])
    assert office.until(lambda: not office.open(), within_s=600), installation.stuck()
    return office


@contextmanager
def fill_watched(database: Database) -> Iterator[list[str]]:
    """What is found oversold while it is asked again and again in this block, and once more at its end."""
    found: list[str] = []
    over = Event()

    def look() -> None:
        with database.as_worker() as session:
            found.extend(str(list(row)) for row in session.connection().execute(text(FAULTS["a pool is oversold"])))

    def watch() -> None:
        while not over.wait(0.1):
            look()

    with ThreadPoolExecutor(1) as watcher:
        watching = watcher.submit(watch)
        try:
            yield found
        finally:
            over.set()
        watching.result()
    look()
