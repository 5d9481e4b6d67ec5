"""Delivery of events: from the change log to every listener, at least once, in order for each object.

Any number of processes deliver. One at a time has a listener, held by a lock of the database that ends with its
transaction, so a killed process leaves nothing behind but a few events that are sent again under the same id. Objects
do not wait for each other, changes of one object do: what a listener refuses is put aside with its object
(`held_object`), and the position goes on. What cannot be delivered is tried again, ever more rarely, and a listener
that is dead for days is parked: it keeps its position and misses nothing.

New changes are looked for ten times a second, and down to three times while there are none. A notification at each
commit would put all commits of the house in a row, since PostgreSQL orders its notifications by a lock.
"""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
import structlog
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from satcom.core import metrics
from satcom.core.callback import ANSWERED, Caller, NotDelivered
from satcom.core.clock import has_come, wall_now
from satcom.core.commit_order import LAST_DRAWN, SettledChanges
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.event import Batch, Occurrence, Readership, read_batch, read_batch_of
from satcom.core.event_api import event_api
from satcom.core.held_object import MOST, HeldObject, HeldObjects, first_untold, held_in, next_try, oldest, written
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

LOOK_EVERY_S, LOOK_AT_LEAST_EVERY_S, SLOWER = 0.1, 0.3, 1.1
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 600.0
LONGEST_REST = timedelta(seconds=2 * LONGEST_RETRY_S)
BATCH, WINDOW, PARALLEL = 500, 5_000, 16
TURN_S = 2.0  # after which a listener lets others have their turn, when it is slow
T = TypeVar("T")
log = structlog.get_logger()

_WAITS = (
    "FROM listener l JOIN listener_position p ON p.listener_id = l.id WHERE l.state = 'active'"
    " AND (p.sequence < :settled OR p.retry_at NOT BETWEEN :now AND :latest)"
    " AND (p.wake_at IS NULL OR p.wake_at NOT BETWEEN :now AND :latest)"
)
_DUE = text(f"SELECT l.id {_WAITS} ORDER BY p.sequence, l.id LIMIT 500")
_NEWS = text(f"SELECT {LAST_DRAWN} <> :settled OR EXISTS (SELECT 1 {_WAITS})")  # a backup restored draws lower ones
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
    held: HeldObjects  # before this turn
    again: Batch  # of those of them whose time has come
    trying: frozenset[str]  # these
    told: set[int] = field(default_factory=set)
    refusals: dict[str, NotDelivered] = field(default_factory=dict)  # by object
    failure: NotDelivered | None = None  # of the listener as a whole
    out_of_time: bool = False

    @property
    def more(self) -> bool:
        return self.failure is None and (self.batch.full or self.out_of_time)

    def chains(self) -> list[list[Occurrence]]:
        """What is sent now: of each object its changes, one after the other."""
        ahead, found = set(self.position.ahead), dict[str, list[Occurrence]]()
        again = self.again.occurrences
        news = [one for one in self.batch.occurrences if one.sequence not in ahead and self._has_its_turn(one)]
        for one in [*again, *news]:
            found.setdefault(one.entity_id, []).append(one)
        return list(found.values())

    def _has_its_turn(self, new: Occurrence) -> bool:
        """Not that of an object of which an earlier change waits, or may wait behind what was read."""
        return new.entity_id not in self.held or (new.entity_id in self.trying and not self.again.full)

    def not_taken(self, identifier: str, failure: NotDelivered) -> None:
        """The object waits when the listener lives, which an answer shows; else the listener does."""
        waiting = self.held.keys() | self.refusals.keys() | {identifier}
        silent = [one for one in self.refusals.values() if one.kind != ANSWERED]
        if failure.for_good or len(waiting) > MOST or (failure.kind != ANSWERED and silent):
            self.failure = failure
        else:
            self.refusals[identifier] = failure

    def close(self) -> None:
        """Whoever answers nobody is down: one failure without an answer is the object's when others were taken."""
        silent = [one for one in self.refusals.values() if one.kind != ANSWERED]
        if silent and len(silent) == len(self.refusals) and not self.told and self.failure is None:
            self.failure = silent[0]
        if self.failure is not None:
            self.refusals = {who: one for who, one in self.refusals.items() if one.kind == ANSWERED}

    def shows_it_dead(self, since: datetime | None, now: datetime) -> bool:
        """It says that it is gone, or has taken nothing for longer than is waited."""
        if self.failure is None and not self.refusals:
            return False
        if self.failure is not None and self.failure.for_good:
            return True
        patience, last = timedelta(hours=settings().event_patience_hours), self.position.delivered_at
        taken = bool(self.told) or (last is not None and now - last <= patience)
        return not taken and since is not None and now - since > patience

    def reached(self) -> int:
        """Up to where all is told but what is held."""
        held, done = self.held.keys() | self.refusals.keys(), self.told | set(self.position.ahead)
        left = [
            one.sequence for one in self.batch.occurrences if one.sequence not in done and one.entity_id not in held
        ]
        return left[0] - 1 if left else self.batch.through

    def held_after(self, now: datetime) -> HeldObjects:
        """What waits after this turn: what was not tried as before, and the rest from its first change not told."""
        done = self.told | set(self.position.ahead)
        changes = [(one.sequence, one.entity_id) for one in [*self.again.occurrences, *self.batch.occurrences]]
        firsts, took = first_untold(changes, done), {who for sequence, who in changes if sequence in self.told}
        found = {who: one for who, one in self.held.items() if who not in self.trying}
        for who in self.trying | self.refusals.keys():
            before = self.held.get(who)
            first = firsts.get(who)
            if self.again.full and who in self.trying:  # there may be more that was not read
                first = min(first or self.again.through + 1, self.again.through + 1)
            if first is None:
                continue
            if who in self.refusals:
                stuck = before is not None and who not in took
                attempts = before.attempts + 1 if before is not None and stuck else 1
                since = before.since if before is not None and stuck and before.since else now
                found[who] = HeldObject(first, attempts, since, now + back_off(attempts))
            elif before is not None:
                found[who] = replace(before, first=first, wake_at=None)
        return found


class EventDelivery:
    """Delivers until cancelled; survives the database going away and coming back."""

    def __init__(self, database: Database, at_once: int) -> None:
        self.database, self.at_once = database, at_once
        self.settled = SettledChanges()
        self._looking = database.worker.execution_options(isolation_level="AUTOCOMMIT")
        self._pool = ThreadPoolExecutor(at_once + 1, thread_name_prefix="events")
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._look_again = asyncio.Event()
        self._rest_s = LOOK_EVERY_S

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
            await asyncio.wait_for(self._look_again.wait(), self._rest_s)
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
        """Most looks find nothing, and that is one statement."""
        at = {"now": wall_now(), "latest": wall_now() + LONGEST_REST}
        with self._looking.connect() as connection:
            news = connection.execute(_NEWS, at | {"settled": self.settled.number}).scalar_one()
            self._rest_s = LOOK_EVERY_S if news else min(self._rest_s * SLOWER, LOOK_AT_LEAST_EVERY_S)
            if not news:
                return []
            settled = self.settled.look(connection)
            return [str(one) for one in connection.execute(_DUE, at | {"settled": settled}).scalars()]

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
            held = held_in(position.held)
            due = [who for who, one in held.items() if has_come(one.wake_at, LONGEST_REST)]
            if not has_come(position.wake_at, LONGEST_REST) or (position.sequence >= settled and not due):
                return None
            upto = max(min(settled, position.sequence + WINDOW), position.sequence)
            readers = _readers_of(session, listener)
            if readers is None:
                return None
            firsts = {who: held[who].first for who in sorted(due, key=lambda who: held[who].first)[:PARALLEL]}
            again = Batch([], position.sequence, False)
            if firsts:
                again = read_batch_of(session.connection(), readers, firsts, position.sequence, BATCH)
            batch = read_batch(session.connection(), readers, position.sequence, upto, BATCH)
            trying = frozenset(firsts)
            return Turn(stack.pop_all(), session, listener, secret.secret, position, batch, held, again, trying)

    async def _tell(self, caller: Caller, turn: Turn) -> None:
        """Send the batch: objects side by side, each object's changes one after the other, until one is refused."""
        chains = turn.chains()
        waiting = iter(chains)
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
                        turn.not_taken(one.entity_id, failure)
                        break
                    turn.told.add(one.sequence)
                    metrics.events_delivered.labels(turn.listener.document).inc()

        await asyncio.gather(*(work() for _ in range(min(PARALLEL, len(chains)))))

    def _end(self, turn: Turn) -> None:
        """Note how far it got, unless somebody has placed the listener elsewhere meanwhile; park it when it is dead."""
        with turn.stack:
            turn.close()
            before, now = turn.position.sequence, wall_now()
            reached, held = turn.reached(), turn.held_after(now)
            ahead = sorted(one for one in turn.told | set(turn.position.ahead) if one > reached)
            values: dict[str, Any] = {"sequence": reached, "ahead": ahead}
            values |= {"held": written(held), "retry_at": next_try(held, now)}
            if turn.told:
                values |= {"delivered": turn.position.delivered + len(turn.told), "delivered_at": now}
            since = turn.position.failing_since
            if turn.failure is not None:
                attempts = turn.position.attempts + 1 if turn.position.wake_at is not None and not turn.told else 1
                since = since if since is not None and not turn.told else now
                values |= {"attempts": attempts, "failing_since": since, "wake_at": now + back_off(attempts)}
                values["last_error"] = str(turn.failure)
            else:
                refused = next((str(one) for one in turn.refusals.values()), turn.position.last_error)
                values |= {"attempts": max((one.attempts for one in held.values()), default=0), "wake_at": None}
                values |= {"failing_since": oldest(held), "last_error": refused if held else None}
                since = oldest(held)
            kept = update(ListenerPosition).where(
                col(ListenerPosition.listener_id) == turn.listener.id, col(ListenerPosition.sequence) == before
            )
            turn.session.connection().execute(kept.values(**values))
            for failure in [*turn.refusals.values(), *([turn.failure] if turn.failure else [])]:
                log.warning("an event was not delivered", listener=turn.listener.id, error=str(failure))
            if turn.shows_it_dead(since, now):
                _park(turn.session, turn.listener, str(values["last_error"]))


def _readers_of(session: Session, listener: Listener) -> Readership | None:
    """Who reads with this listener; parks one whose query the API of a newer release does not take any more."""
    principal, api = principal_of(session.connection(), listener), event_api(listener.document)
    kinds = kinds_of(api, principal)
    try:
        watch = watch_of(api, listener.query, kinds)
    except Refused as changed:
        kept = update(ListenerPosition).where(col(ListenerPosition.listener_id) == listener.id)
        session.connection().execute(kept.values(last_error=str(changed)))
        _park(session, listener, str(changed))
        return None
    return Readership(api, kinds, principal, watch)


def _park(session: Session, listener: Listener, why: str) -> None:
    session.refresh(listener, with_for_update=True)
    move(listener, ListenerState.PARKED)
    session.flush()
    log.error("listener parked", listener=listener.id, error=why)
