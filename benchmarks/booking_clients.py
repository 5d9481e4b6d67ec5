"""Clients who book at random on a small network, and the comparison of the books with what they were told.

They ask for links, accesses over shared carriers and leases, and for all in one. Spectrum, power, ports and what can be
promised of pools all run short. The comparison is plain SQL over what is stored: it shares no rule with what it checks.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from threading import Semaphore

from sqlalchemy import text

from satcom.app import declarations
from satcom.core.clock import now
from satcom.core.database import Database, find
from satcom.core.entity import checked, new_id
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.resource.carrier_pool import CarrierPool, WantedShare
from satcom.resource.hold import Owner, Period, assign
from satcom.resource.reservation import Reservation, Wanted, expire_due, release, reserve
from satcom.resource.reservation import assign as go_ahead
from satcom.resource.spectrum import WantedSlot
from tests.resource.a_network import MHZ, a_hub, a_slot, a_transponder
from tests.resource.held_alone import hold_slot

PROCESSES, CONNECTIONS = 2, 40
TRANSPONDERS, HUBS, PORTS = 8, 4, 24
BRIEF = timedelta(seconds=1)
FIRST_DAY = datetime(2030, 1, 1, tzinfo=UTC)
LAST_DAY, LONGEST = 1_500, 500  # days
NOBODY = Owner(None, None, None)
MOST_COMMITTED_BAUD, MOST_BAUD = 3_000_000, 10_000_000  # of pools of 10 Mbaud, of which 8 may be promised


class Kind(StrEnum):
    """What is asked for: carriers of one's own with a port, shares of pools, spectrum alone, or all of it."""

    LINK = "link"
    ACCESS = "access"
    LEASE = "lease"
    ALL = "all"


OFTEN = {Kind.LINK: 4, Kind.ACCESS: 3, Kind.LEASE: 1, Kind.ALL: 2}

# Each gives one row for what must not be.
FAULTS = {
    "slots overlap": """
        SELECT a.id, b.id FROM spectrum_assignment a JOIN spectrum_assignment b
        ON a.transponder_id = b.transponder_id AND a.id < b.id AND a.start_hz < b.stop_hz + a.guard_band_hz
        AND b.start_hz < a.stop_hz + a.guard_band_hz AND (b.stop_at IS NULL OR a.start_at < b.stop_at)
        AND (a.stop_at IS NULL OR b.start_at < a.stop_at)
        WHERE a.state <> 'released' AND b.state <> 'released'""",
    "a port is given twice": """
        SELECT a.id, b.id FROM hub_port_assignment a JOIN hub_port_assignment b
        ON a.hub_id = b.hub_id AND a.port_number = b.port_number AND a.id < b.id
        AND a.start_at < b.stop_at AND b.start_at < a.stop_at
        WHERE a.state <> 'released' AND b.state <> 'released'""",
    "more power than there is": """
        SELECT t.id, a.start_at FROM spectrum_assignment a JOIN transponder t ON t.id = a.transponder_id
        JOIN spectrum_assignment b ON b.transponder_id = a.transponder_id AND b.state <> 'released'
        AND b.start_at <= a.start_at AND (b.stop_at IS NULL OR a.start_at < b.stop_at)
        WHERE a.state <> 'released' GROUP BY t.id, a.id HAVING sum(b.power_share_hz) > t.bandwidth_hz""",
    "a pool is oversold": """
        SELECT p.id, a.start_at FROM pool_share a JOIN carrier_pool p ON p.id = a.carrier_pool_id
        JOIN pool_share b ON b.carrier_pool_id = a.carrier_pool_id AND b.state <> 'released'
        AND b.start_at <= a.start_at AND a.start_at < b.stop_at
        WHERE a.state <> 'released' GROUP BY p.id, a.id
        HAVING sum(b.cir_baud) > p.symbol_rate_baud * p.committable_percent / 100
        OR sum(b.mir_baud) > p.symbol_rate_baud * p.contention_ratio""",
}
STORED = """
    SELECT r.order_id::text, r.id::text, r.state,
    (SELECT string_agg(state, ' ' ORDER BY state) FROM (
        SELECT state FROM spectrum_assignment WHERE reservation_id = r.id
        UNION ALL SELECT state FROM hub_port_assignment WHERE reservation_id = r.id
        UNION ALL SELECT state FROM pool_share WHERE reservation_id = r.id) part)
    FROM reservation r"""
NOBODYS = """
    SELECT id FROM spectrum_assignment s WHERE order_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM reservation r WHERE r.id = s.reservation_id)
    UNION ALL SELECT id FROM hub_port_assignment s
    WHERE NOT EXISTS (SELECT FROM reservation r WHERE r.id = s.reservation_id)
    UNION ALL SELECT id FROM pool_share s WHERE NOT EXISTS (SELECT FROM reservation r WHERE r.id = s.reservation_id)"""
BOOKED = {
    "assigned": ("completed", "assigned"),
    "given back": ("cancelled", "released"),
    "held": ("held", "held"),
    "ran out": ("failed", "released"),
}


@dataclass(frozen=True)
class Network:
    """Ids of what can be booked."""

    transponders: tuple[str, ...]
    hubs: tuple[str, ...]
    pools: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a client was told: what became of the `parts` that he was granted, or the code of the refusal."""

    order_id: str
    kind: Kind
    outcome: str
    parts: int
    reservation_id: str | None = None


def a_network(database: Database, ports: int = PORTS, times: int = 1) -> Network:
    """Transponders, hubs with ports, and a carrier pool for each hub; `times` as many."""
    assert declarations.ROUTES
    with database.as_worker() as session:
        transponders = [a_transponder(session) for _ in range(times * TRANSPONDERS)]
        hubs = [a_hub(session, ports) for _ in range(times * HUBS)]
        pools = []
        for transponder, hub in zip(transponders, hubs, strict=False):
            always, until = Period(datetime(2026, 1, 1, tzinfo=UTC)), now() + timedelta(days=1)
            slot = hold_slot(session, a_slot(transponder, 12 * MHZ), always, NOBODY, until)
            assign(session, [slot])
            values = {
                "name": f"Pool of {hub.name}",
                "hub_id": hub.id,
                "spectrum_assignment_id": slot.id,
                "direction": "forward",
                "symbol_rate_baud": 10_000_000,
                "carrier_symbol_rate_baud": 10_000_000,
                "rolloff": 0.2,
                "contention_ratio": 5,
            }
            pools.append(checked(CarrierPool, values))
        session.add_all(pools)
        session.flush()
        kinds = (transponders, hubs, pools)
        return Network(*(tuple(one.id for one in kind) for kind in kinds))


def book(url: str, network: Network, first: int, attempts: int, clients: int) -> list[Answer]:
    """The answers to so many attempts, the first of which has the number `first`."""
    shares = [range(first + number, first + attempts, PROCESSES) for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_book, url, network, share, max(clients // PROCESSES, 1)) for share in shares]
        return [answer for job in jobs for answer in job.result()]


def _book(url: str, network: Network, numbers: Sequence[int], clients: int) -> list[Answer]:
    assert declarations.ROUTES
    database = Database(url, CONNECTIONS)
    turn = Semaphore(CONNECTIONS)
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda number: _attempt(database, turn, network, Random(number)), numbers))
    database.close()
    return answers


def _attempt(database: Database, turn: Semaphore, network: Network, random: Random) -> Answer:
    """When a connection is free: who waits for one has not asked yet."""
    with turn:
        return attempt(database, network, random)


def attempt(database: Database, network: Network, random: Random) -> Answer:
    """One client asks, and does one of four things with what he is granted. Only a refusal is an answer."""
    order_id = new_id()
    outcome = random.choices(list(BOOKED), (4, 4, 1, 1))[0]
    until = now() + (BRIEF if outcome == "ran out" else timedelta(days=1))
    kind = random.choices(list(OFTEN), list(OFTEN.values()))[0]
    asked = wanted(network, kind, order_id, random)
    parts = len(asked.slots) + len(asked.hub_ids) + len(asked.shares)
    try:
        with database.as_worker() as session:
            reservation_id = reserve(session, asked, until, WORKER).id
    except RuleRefused as refused:
        return Answer(order_id, kind, refused.faults[0].code, parts)
    with database.as_worker() as session:
        reservation = find(session, Reservation, reservation_id)
        if outcome == "assigned":
            go_ahead(session, reservation)
        elif outcome == "given back":
            release(session, reservation, "the client thought better of it")
    return Answer(order_id, kind, outcome, parts, reservation_id)


def wanted(network: Network, kind: Kind, order_id: str, random: Random) -> Wanted:
    starts = FIRST_DAY + timedelta(days=random.randrange(LAST_DAY))
    period = Period(starts, starts + timedelta(days=random.randint(1, LONGEST)))
    slots = {Kind.LINK: 2, Kind.ACCESS: 0, Kind.LEASE: 1, Kind.ALL: 2}[kind]
    shares = {Kind.LINK: 0, Kind.ACCESS: 2, Kind.LEASE: 0, Kind.ALL: 1}[kind]
    hubs = (random.choice(network.hubs),) if kind in (Kind.LINK, Kind.ALL) else ()
    return Wanted(
        Owner(order_id, None, None),
        period,
        tuple(a_slot_wanted(network, most_hz, random) for most_hz in (12 * MHZ, 6 * MHZ)[:slots]),
        hubs,
        shares=tuple(a_share_wanted(pool, random) for pool in random.sample(network.pools, shares)),
    )


def a_slot_wanted(network: Network, most_hz: int, random: Random) -> WantedSlot:
    width_hz = random.randint(most_hz // 30, most_hz)
    return WantedSlot(random.choice(network.transponders), width_hz, int(width_hz * random.uniform(0.3, 2)))


def a_share_wanted(pool: str, random: Random) -> WantedShare:
    cir_baud = random.randint(0, MOST_COMMITTED_BAUD)
    mir_baud = random.randint(max(cir_baud, 1), MOST_BAUD)
    return WantedShare(pool, 2 * cir_baud, 2 * mir_baud, cir_baud, mir_baud)


def differences(database: Database, answers: Sequence[Answer], attempts: int) -> list[str]:
    """Where the books are not what they have to be, after everything that ran out was taken back."""
    time.sleep(BRIEF.total_seconds())
    while True:
        with database.as_worker() as session:
            if len(expire_due(session)) < 100:
                break
    found = [] if len(answers) == attempts else [f"{attempts} attempts, {len(answers)} answers"]
    with database.as_worker() as session:
        connection = session.connection()
        for what, query in FAULTS.items():
            found += [f"{what}: {list(row)}" for row in connection.execute(text(query))]
        found += [f"{row[0]} is held for nobody" for row in connection.execute(text(NOBODYS))]
        stored = {row[0]: tuple(row[1:]) for row in connection.execute(text(STORED))}
    for one in answers:
        booked = stored.pop(one.order_id, None)
        expected = None
        if one.reservation_id is not None:
            state, parts = BOOKED[one.outcome]
            expected = (one.reservation_id, state, " ".join([parts] * one.parts))
        if booked != expected:
            found.append(f"{one.order_id} was told {one.outcome}, in the books is {booked}")
    return found + [f"{order_id} was told nothing, in the books is {booked}" for order_id, booked in stored.items()]


def forget(database: Database) -> None:
    """Empty the database for another round."""
    with database.as_worker() as session:
        session.connection().execute(text("SET LOCAL ROLE NONE"))
        session.connection().execute(text("TRUNCATE satellite, earth_station, reservation, change_log CASCADE"))
