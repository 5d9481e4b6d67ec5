"""Booking attempts at the database itself: what `reserve` writes in the end, sent without it and without the ORM.

An attempt is one transaction: it locks what it books, takes back what ran out there, and writes the hold of a slot, of
a port, of a share of a pool or of a constellation, or of all four. The place and the period are drawn by lot, not
looked for; so most are refused once the network is full, and the answer is the guards' alone: a slot asks for a power
that is drawn by lot, too, and of a constellation a cell with the satellites that light it, or a gateway at some times
of the capacity day. One attempt in twenty forgets the lock. Nothing goes into the change log, and there is no row of a
reservation.
Attempts have numbers: the id of what is booked is the number, and the answer is one byte at its place in a file.
"""

import json
import multiprocessing
import selectors
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from random import Random
from threading import Event
from typing import TypeAlias
from uuid import UUID

import numpy as np
from benchmarks.booking_clients import FIRST_DAY, LAST_DAY, PROCESSES, Network
from numpy.typing import NDArray
from psycopg import pq
from psycopg.errors import lookup
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from satcom.app.worker import conninfo
from satcom.resource import constellation_guard, power_guard
from satcom.resource.hold import EXPIRED

Answers: TypeAlias = NDArray[np.uint8]
NO_LOCK_EVERY = 20
MOST_POWER = (3, 3, 3, 3, 20)  # of a slot's bandwidth; one in five transmits to small terminals
GIVEN_BACK_EVERY = 3
HOUR_S, LONGEST_H = 3600, 24 * 90
BRIEF_S, LONG_S = 2, 30 * 24 * HOUR_S
# of a constellation: beams of 250 MHz, gateways of 500, satellites that light 3 cells at once
CELLS, TIMES_OF_DAY, MOST_BEAM_HZ = 12, 6, 200_000_000
SATELLITES = tuple(str(UUID(int=number)) for number in range(1, 5))


class Told(IntEnum):
    """What a client was told of his attempt, or the last that he asked when he has not been told."""

    NOTHING = 0
    ASKED = 1
    BOOKED = 2
    ASKED_BACK = 3
    GIVEN_BACK = 4
    DEADLOCK = 5
    NOT_BOOKED = 6
    NO_SPECTRUM = 7
    NO_POWER = 8
    NO_PORT = 9
    NO_RATE = 10
    NO_BEAM = 11
    NO_FEEDER = 12
    NO_SATELLITE = 13


GUARDS = {
    "slot_is_sold_once": Told.NO_SPECTRUM,
    power_guard.GUARD: Told.NO_POWER,
    "port_is_given_once": Told.NO_PORT,
    "pool_is_never_oversold": Told.NO_RATE,
}
BY_A_GUARD = (*GUARDS.values(), Told.NO_BEAM, Told.NO_FEEDER, Told.NO_SATELLITE)
REFUSED, DEADLOCKED = "23P01", "40P01"  # exclusion violation, as which all guards refuse


@dataclass(frozen=True)
class Part:
    """A kind of hold: its table, what it is a part of, and the columns that only it has (`types`: bigint)."""

    table: str
    whole: str
    of: str
    columns: str
    types: tuple[str, ...] = ()

    def statements(self) -> list[str]:
        own = self.columns.split(", ")
        types = ", ".join(self.types or ["bigint"] * len(own))
        values = ", ".join(f"${number}" for number in range(6, 6 + len(own)))
        released = "state = 'released', version = version + 1, updated_at = now(), released_because ="
        return [
            f"PREPARE lock_{self.whole}(uuid) AS SELECT id FROM {self.whole} WHERE id = $1 FOR UPDATE",
            f"PREPARE run_out_{self.table}(uuid) AS UPDATE {self.table} SET {released} '{EXPIRED}'"
            f" WHERE {self.of} = $1 AND state = 'held' AND hold_until <= now()",
            f"PREPARE give_back_{self.table}(uuid) AS UPDATE {self.table} SET {released} 'given back' WHERE id = $1",
            f"PREPARE hold_{self.table}(uuid, int, float8, float8, uuid, {types}) AS"
            f" INSERT INTO {self.table} (id, order_id, reservation_id, hold_until, start_at, stop_at, {self.of},"
            f" {self.columns}, version, created_at, updated_at, further, name, illustrative, state)"
            f" VALUES ($1, $1, $1, now() + $2 * interval '1 second', to_timestamp($3), to_timestamp($4), $5, {values},"
            " 1, now(), now(), '{}', 'booked', false, 'held')",
        ]


SLOT = Part("spectrum_assignment", "transponder", "transponder_id", "start_hz, stop_hz, power_share_hz, guard_band_hz")
PORT = Part("hub_port_assignment", "hub", "hub_id", "port_number")
SHARE = Part("pool_share", "carrier_pool", "carrier_pool_id", "cir_bps, mir_bps, cir_baud, mir_baud")
PASSAGE = Part(
    "constellation_share",
    "constellation",
    "constellation_id",
    "cell, earth_station_id, forward_hz, return_hz, day_slots, lit_by",
    ("text", "uuid", "bigint", "bigint", "smallint[]", "jsonb"),
)
PARTS = (SLOT, PORT, SHARE, PASSAGE)
KINDS = (*[(SLOT,)] * 12, *[(PORT,)] * 3, *[(SHARE,)] * 3, *[(PASSAGE,)] * 4, PARTS, PARTS)


@dataclass(frozen=True)
class Ring:
    """A constellation, and where its gateways stand."""

    constellation: str
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What can be booked, and where slots can lie: all transponders are alike."""

    network: Network
    rings: tuple[Ring, ...]
    low_edge_hz: int
    high_edge_hz: int
    guard_band_hz: int
    ports: int


def parts_of(number: int) -> tuple[Part, ...]:
    """What attempt `number` asks for."""
    return KINDS[number % len(KINDS)]


def identifier(number: int) -> str:
    return f"{number:032x}"


def booking(place: Place, number: int) -> str:
    """The statements of attempt `number`, as one transaction."""
    random = Random(number)
    parts = parts_of(number)
    starts_s = int(FIRST_DAY.timestamp()) + HOUR_S * random.randrange(24 * LAST_DAY)
    stops_s = "NULL" if random.random() < 0.001 else str(starts_s + HOUR_S * random.randint(1, LONGEST_H))
    hold_s = BRIEF_S if random.random() < 0.05 else LONG_S
    network, ring = place.network, random.choice(place.rings)
    wholes = {
        SLOT: random.choice(network.transponders),
        PORT: random.choice(network.hubs),
        SHARE: random.choice(network.pools),
        PASSAGE: ring.constellation,
    }
    said = (
        [] if random.randrange(NO_LOCK_EVERY) == 0 else [f"EXECUTE lock_{one.whole}('{wholes[one]}')" for one in parts]
    )
    said += [f"EXECUTE run_out_{one.table}('{wholes[one]}')" for one in parts]
    common = f"'{identifier(number)}', {hold_s}, {starts_s}, {stops_s}"
    said += [f"EXECUTE hold_{one.table}({common}, '{wholes[one]}', {_own(place, ring, one, random)})" for one in parts]
    return ";".join(said)


def _own(place: Place, ring: Ring, part: Part, random: Random) -> str:
    if part is PASSAGE:
        return _passage(ring, random)
    if part is PORT:
        return str(random.randint(1, place.ports))
    if part is SHARE:
        cir, mir = random.randrange(2_000_000), random.randint(2_000_000, 10_000_000)
        return f"{2 * cir}, {2 * mir}, {cir}, {mir}"
    width_hz = random.randint(200_000, 5_000_000)
    start_hz = random.randint(place.low_edge_hz, place.high_edge_hz - width_hz)
    power_share_hz = random.randrange(random.choice(MOST_POWER) * width_hz)
    return f"{start_hz}, {start_hz + width_hz}, {power_share_hz}, {place.guard_band_hz}"


def _passage(ring: Ring, random: Random) -> str:
    """A cell and by whom it is lit when, or a gateway and when."""
    forward_hz, return_hz, first = (random.randint(1, one) for one in (MOST_BEAM_HZ, MOST_BEAM_HZ, TIMES_OF_DAY))
    times = list(range(first, first + random.randint(1, 3)))
    if random.random() < 0.5:
        lit_by = [{"satelliteId": one, "slots": times} for one in random.sample(SATELLITES, random.randint(1, 2))]
        return f"'{random.randrange(CELLS)}/0', NULL, {forward_hz}, {return_hz}, NULL, '{json.dumps(lit_by)}'"
    at = ",".join(str(one) for one in times)
    return f"NULL, '{random.choice(ring.stations)}', {forward_hz}, {return_hz}, '{{{at}}}', '[]'"


def giving_back(number: int) -> str:
    return ";".join(f"EXECUTE give_back_{one.table}('{identifier(number)}')" for one in parts_of(number))


@dataclass
class Client:
    """One connection, and what it was asked last."""

    connection: PGconn
    number: int = -1
    asked: Told = Told.NOTHING
    refusal: Told | None = None

    def ask(self, place: Place, asked: Told, number: int) -> None:
        self.number, self.asked, self.refusal = number, asked, None
        said = booking(place, number) if asked is Told.ASKED else giving_back(number)
        self.connection.send_query(said.encode())
        self.connection.flush()

    def answered(self) -> bool:
        """Read what has come. Whether it is all."""
        self.connection.consume_input()
        while not self.connection.is_busy():
            result = self.connection.get_result()
            if result is None:
                return True
            if result.status == ExecStatus.FATAL_ERROR:
                self.refusal = refusal_of(result)
        return False

    @property
    def told(self) -> Told:
        if self.asked is Told.ASKED_BACK:
            return Told.GIVEN_BACK if self.refusal is None else Told.BOOKED
        return self.refusal or Told.BOOKED


def refusal_of(result: PGresult) -> Told:
    """Which guard refused, or that two waited for each other. What is neither is no refusal: it is raised."""
    code, constraint, said, detail = (
        (result.error_field(one) or b"").decode()
        for one in (
            DiagnosticField.SQLSTATE,
            DiagnosticField.CONSTRAINT_NAME,
            DiagnosticField.MESSAGE_PRIMARY,
            DiagnosticField.MESSAGE_DETAIL,
        )
    )
    guard = constraint or said.partition(":")[0]
    if code == REFUSED and guard in GUARDS:
        return GUARDS[guard]
    if code == REFUSED and guard == constellation_guard.GUARD:
        return Told.NO_SATELLITE if detail in SATELLITES else Told.NO_FEEDER if detail else Told.NO_BEAM
    if code == DEADLOCKED:
        return Told.DEADLOCK
    raise lookup(code)(result.error_message.decode())


def connect(url: str) -> PGconn:
    connection = pq.PGconn.connect(conninfo(url).encode())
    if connection.status != ConnStatus.OK:
        raise ConnectionError(connection.error_message.decode())
    statements = [statement for part in PARTS for statement in part.statements()]
    for statement in ("SET plan_cache_mode = force_generic_plan", *statements):
        result = connection.exec_(statement.encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise RuntimeError(result.error_message.decode())
    connection.nonblocking = 1
    return connection


@dataclass(frozen=True)
class Share:
    """What one process does of a round: its attempts, and what of earlier rounds it may give back."""

    url: str
    place: Place
    file: Path
    numbers: Sequence[int]
    booked: Sequence[int]
    clients: int

    def tasks(self) -> Iterator[tuple[Told, int]]:
        booked = iter(self.booked)
        for place, number in enumerate(self.numbers):
            yield Told.ASKED, number
            given_back = next(booked, None) if place % GIVEN_BACK_EVERY == 0 else None
            if given_back is not None:
                yield Told.ASKED_BACK, given_back


def recorded(file: Path) -> Answers:
    """The answers to all attempts, shared by all who map the file."""
    return np.memmap(file, dtype=np.uint8, mode="r+")


def stop_when_told() -> Event:
    """Set by Ctrl-C and by `kill`: then nothing more is asked, and what was asked is waited for."""
    over = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    return over


def work(share: Share, over: Event) -> None:
    """Keep every client busy until all tasks are answered. What is asked is noted before it is sent."""
    answers, tasks = recorded(share.file), share.tasks()
    waiting = selectors.DefaultSelector()
    clients = [Client(connect(share.url)) for _ in range(share.clients)]

    def give(client: Client) -> bool:
        asked, number = next(tasks, (Told.NOTHING, -1))
        if asked is Told.NOTHING or over.is_set():
            return False
        answers[number] = asked
        client.ask(share.place, asked, number)
        return True

    busy = 0
    for client in clients:
        if give(client):
            waiting.register(client.connection.socket, selectors.EVENT_READ, client)
            busy += 1
    while busy:
        for key, _ in waiting.select():
            client = key.data
            if client.answered():
                answers[client.number] = client.told
                if not give(client):
                    waiting.unregister(client.connection.socket)
                    busy -= 1
    for client in clients:
        client.connection.finish()


def _process(share: Share) -> None:
    work(share, stop_when_told())


def attempt_all(url: str, place: Place, file: Path, numbers: range, clients: int) -> int:
    """Those of `numbers` that have not been made, by so many connections; some of what was booked before is given back.

    What is booked in a round is given back in a later one: so everything that was booked is there at one comparison.
    How many of them have been made now.
    """
    answers = recorded(file)
    booked = np.flatnonzero(answers[: numbers.start] == Told.BOOKED).tolist()
    Random(numbers.start).shuffle(booked)
    open_ = (numbers.start + np.flatnonzero(answers[numbers.start : numbers.stop] == Told.NOTHING)).tolist()
    shares = [
        Share(url, place, file, open_[one::PROCESSES], booked[one::PROCESSES], max(clients // PROCESSES, 1))
        for one in range(PROCESSES)
    ]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        for job in [pool.submit(_process, share) for share in shares]:
            job.result()
    return len(open_) - int(np.count_nonzero(answers[numbers.start : numbers.stop] == Told.NOTHING))
