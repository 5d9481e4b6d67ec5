"""Delivery of events: from the change log to every listener, at least once, in order for each object.

Any number of processes deliver. One at a time has a listener, held by a lock of the database that ends with its
transaction, so a killed process leaves nothing behind but a few events that are sent again under the same id. Objects
do not wait for each other, changes of one object do. What cannot be delivered is tried again, ever more rarely, and a
listener that is dead for days is parked: it keeps its position and misses nothing.

New changes are looked for ten times a second. A notification at each commit would put all commits of the house in a
row, since PostgreSQL orders its notifications by a lock.
"""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import psycopg
import structlog
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from satcom.core import metrics
from satcom.core.callback import Caller, NotDelivered
from satcom.core.clock import has_come, wall_now
from satcom.core.commit_order import SettledChanges
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.event import Batch, Occurrence, Readership, read_batch
from satcom.core.life_cycle import move
from satcom.core.listener import (
    Listener,
    ListenerPosition,
    ListenerSecret,
    ListenerState,
    kinds_of,
    principal_of,
    watch_of,
)
from satcom.core.settings import settings
from satcom.core.tmf_document import tmf_document

LOOK_EVERY_S = 0.1
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 600.0
LONGEST_REST = timedelta(seconds=2 * LONGEST_RETRY_S)
BATCH, WINDOW, PARALLEL = 500, 5_000, 16
TURN_S = 2.0  # after which a listener lets others have their turn, when it is slow
T = TypeVar("T")
log = structlog.get_logger()

_DUE = text(
    "SELECT l.id FROM listener l JOIN listener_position p ON p.listener_id = l.id WHERE l.state = 'active'"
    " AND p.sequence < :settled AND (p.wake_at IS NULL OR p.wake_at NOT BETWEEN :now AND :latest)"
    " ORDER BY p.sequence, l.id LIMIT 500"
)
_MINE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('listener ' || :listener, 0))")


def back_off(attempts: int) -> timedelta:
    """Longer each time, and never the same for two listeners that failed together."""
    longest_s = min(FIRST_RETRY_S * 2.0 ** min(attempts - 1, 20), LONGEST_RETRY_S)
    return timedelta(seconds=longest_s * random.uniform(0.5, 1.0))


@dataclass
class Turn:
    """One listener in the hands of this process, until its transaction ends."""

    stack: ExitStack
    session: Session
    listener: Listener
    secret: bytes
    position: ListenerPosition
    batch: Batch
    told: set[int] = field(default_factory=set)
    failure: NotDelivered | None = None
    out_of_time: bool = False

    @property
    def more(self) -> bool:
        return self.failure is None and (self.batch.full or self.out_of_time)


class EventDelivery:
    """Delivers until cancelled; survives the database going away and coming back."""

    def __init__(self, database: Database, at_once: int) -> None:
        self.database, self.at_once = database, at_once
        self.settled = SettledChanges()
        self._pool = ThreadPoolExecutor(at_once + 1, thread_name_prefix="events")
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._look_again = asyncio.Event()

    async def run(self) -> None:
        try:
            async with Caller(settings().event_networks) as caller:
                while True:
                    try:
                        await self._look(caller)
                    except (OperationalError, psycopg.Error, OSError) as lost:
                        log.warning("events wait for the database", error=str(lost)[:200])
                        self.settled = SettledChanges()
                        await asyncio.sleep(1)
                    except Exception:
                        log.exception("looking for events broke; it goes on")
                        await asyncio.sleep(1)
                    await self._pause()
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)
            self._pool.shutdown()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._look_again.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return
        self._look_again.clear()

    async def _look(self, caller: Caller) -> None:
        """Begin a turn for every listener that has something to be told, as far as hands are free."""
        if len(self._busy) >= self.at_once:
            return
        for listener_id in await self._in_thread(self._due):
            if listener_id not in self._busy and len(self._busy) < self.at_once:
                task = asyncio.create_task(self._serve(caller, listener_id, self.settled.number))
                self._busy[listener_id] = task

    def _due(self) -> list[str]:
        with self.database.worker.connect() as connection:
            settled = self.settled.look(connection)
            latest = wall_now() + LONGEST_REST
            found = connection.execute(_DUE, {"settled": settled, "now": wall_now(), "latest": latest})
            return [str(one) for one in found.scalars()]

    async def _serve(self, caller: Caller, listener_id: str, settled: int) -> None:
        more = False
        try:
            turn = await self._in_thread(lambda: self._begin(listener_id, settled))
            if turn is not None:
                try:
                    await self._tell(caller, turn)
                finally:
                    await asyncio.shield(self._in_thread(lambda: self._end(turn)))
                more = turn.more
        except (OperationalError, psycopg.Error, OSError) as lost:
            log.warning("events of a listener wait for the database", listener=listener_id, error=str(lost)[:200])
        except Exception:
            log.exception("a listener's turn broke; it is tried again", listener=listener_id)
            await asyncio.sleep(1)
        finally:
            del self._busy[listener_id]
            if more:
                self._look_again.set()

    async def _in_thread(self, what: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, what)

    def _begin(self, listener_id: str, settled: int) -> Turn | None:
        """Take the listener, and read what it is told next; `None` when another has it or there is nothing to do."""
        with ExitStack() as stack:
            session = stack.enter_context(self.database.as_worker("event delivery"))
            # Whatever is forgotten here at a crash of the database is sent again.
            session.connection().execute(text("SET LOCAL synchronous_commit = off"))
            if not session.connection().execute(_MINE, {"listener": listener_id}).scalar_one():
                return None
            listener, position = session.get(Listener, listener_id), session.get(ListenerPosition, listener_id)
            secret = session.get(ListenerSecret, listener_id)
            if listener is None or position is None or secret is None or listener.state != ListenerState.ACTIVE:
                return None
            if position.sequence >= settled or not has_come(position.wake_at, LONGEST_REST):
                return None
            upto = min(settled, position.sequence + WINDOW)
            readers = _readers_of(session, listener)
            if readers is None:
                return None
            batch = read_batch(session.connection(), readers, position.sequence, upto, BATCH)
            return Turn(stack.pop_all(), session, listener, secret.secret, position, batch)

    async def _tell(self, caller: Caller, turn: Turn) -> None:
        """Send the batch: objects side by side, each object's changes one after the other, until one fails."""
        chains: dict[str, list[Occurrence]] = {}
        ahead = set(turn.position.ahead)
        for one in turn.batch.occurrences:
            if one.sequence not in ahead:
                chains.setdefault(one.entity_id, []).append(one)
        waiting = iter(list(chains.values()))
        until = asyncio.get_running_loop().time() + TURN_S

        async def work() -> None:
            for chain in waiting:
                for one in chain:
                    if turn.failure is not None:
                        return
                    if asyncio.get_running_loop().time() > until:
                        turn.out_of_time = True
                        return
                    try:
                        await caller.send(turn.listener.callback, turn.secret, one.letter)
                    except NotDelivered as failure:
                        metrics.event_failures.labels(failure.kind).inc()
                        turn.failure = failure
                        return
                    turn.told.add(one.sequence)
                    metrics.events_delivered.labels(turn.listener.document).inc()

        await asyncio.gather(*(work() for _ in range(min(PARALLEL, len(chains)))))

    def _end(self, turn: Turn) -> None:
        """Note how far it got, unless somebody has placed the listener elsewhere meanwhile; park it when it is dead."""
        with turn.stack:
            before, now = turn.position.sequence, wall_now()
            done = turn.told | set(turn.position.ahead)
            left = [one.sequence for one in turn.batch.occurrences if one.sequence not in done]
            reached = left[0] - 1 if left else turn.batch.through
            values: dict[str, Any] = {"sequence": reached, "ahead": sorted(one for one in done if one > reached)}
            if turn.told:
                values |= {"delivered": turn.position.delivered + len(turn.told), "delivered_at": now}
            since = turn.position.failing_since
            if turn.failure is None:
                values |= {"attempts": 0, "failing_since": None, "wake_at": None, "last_error": None}
            else:
                stuck = since is not None and not turn.told
                attempts = turn.position.attempts + 1 if stuck else 1
                since = since if stuck else now
                values |= {"attempts": attempts, "failing_since": since, "wake_at": now + back_off(attempts)}
                values["last_error"] = str(turn.failure)
            kept = update(ListenerPosition).where(
                col(ListenerPosition.listener_id) == turn.listener.id, col(ListenerPosition.sequence) == before
            )
            turn.session.connection().execute(kept.values(**values))
            if turn.failure is not None:
                log.warning("an event was not delivered", listener=turn.listener.id, error=str(turn.failure))
                patience = timedelta(hours=settings().event_patience_hours)
                if turn.failure.for_good or (since is not None and now - since > patience):
                    _park(turn.session, turn.listener, str(turn.failure))


def _readers_of(session: Session, listener: Listener) -> Readership | None:
    """Who reads with this listener; parks one whose query the API of a newer release does not take any more."""
    principal, document = principal_of(session.connection(), listener), tmf_document(listener.document)
    kinds = kinds_of(listener.document, principal)
    try:
        watch = watch_of(document, listener.query, kinds)
    except Refused as changed:
        kept = update(ListenerPosition).where(col(ListenerPosition.listener_id) == listener.id)
        session.connection().execute(kept.values(last_error=str(changed)))
        _park(session, listener, str(changed))
        return None
    return Readership(document, kinds, principal, watch)


def _park(session: Session, listener: Listener, why: str) -> None:
    session.refresh(listener, with_for_update=True)
    move(listener, ListenerState.PARKED)
    session.flush()
    log.error("listener parked", listener=listener.id, error=why)
