"""Room for five: of 64 customers who order at the same instant five are served and 59 are told what was short.

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
from typing import Any

import httpx
from sqlalchemy import create_engine, delete, text
from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.values import Json
from satcom.resource.ground import TerminalType
from satcom.resource.hold import HoldState
from satcom.resource.hub import Hub
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.demand import LinkDemand
from satcom.service.qualification import qualify_solution
from satcom.service.solution import LinkSolution
from satcom.service.way import CarrierPlan
from tests.crash.agreement import disagreements, held, listed
from tests.crash.an_installation import PORTS, Installation, an_installation
from tests.crash.office import ENDED, ORDERS
from tests.market.a_market import an_order_body
from tests.service.the_demonstration import the_demand

SEEDS = int(os.environ.get("SATCOM_HAMMER_SEEDS", "3"))
FIRST_SEED = int(os.environ.get("SATCOM_HAMMER_FIRST", "0"))
CUSTOMERS, ROOM = 64, 5
LEAST_SLACK_HZ = 2_000  # a satellite moves a little, and with it what a link takes
SHORT = ("noContiguousSlot", "noPower", "noHubPort")
RATES: dict[str, Json] = {"downlinkRateBps": 1_000_000, "uplinkRateBps": 512_000}
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
        time.sleep(0.3)


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
