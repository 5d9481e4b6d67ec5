"""The database: PostgreSQL, and the one place that opens a transaction.

Requests run as the role `satcom_app` under row-level security, flows as `satcom_worker`, migrations as `satcom_owner`;
nothing runs as a superuser. A transaction commits when its block ends and rolls back when it raises.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, TypeAlias

import orjson
import structlog
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.access import principal_of
from satcom.core.change_log import log_changes
from satcom.core.entity import E, Entity
from satcom.core.errors import NotFound
from satcom.core.security import WORKER, Principal
from satcom.core.tenancy import APP, WORKER_ROLE, changeable, set_tenant, visible
from satcom.core.tmf_filter import is_uuid
from satcom.core.traces import about_order

log = structlog.get_logger()

Turn: TypeAlias = Callable[..., AbstractContextManager[Session]]


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


def engine_as(url: str, role: str, connections: int) -> Engine:
    """An engine whose every connection has taken `role`."""
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"options": f"-c role={role} -c timezone=UTC"},
    )


class Database:
    """One PostgreSQL database and the ways into it."""

    def __init__(self, url: str, connections: int = 20) -> None:
        self.url = url
        self.app = engine_as(url, APP, connections)
        self.worker = engine_as(url, WORKER_ROLE, connections)

    @contextmanager
    def request(self, token: str | None) -> Iterator[tuple[Session, Principal]]:
        """A transaction of whoever holds `token`. Raises `Unauthenticated`."""
        with _session(self.app) as session:
            principal = principal_of(session.connection(), token)
            set_tenant(session.connection(), principal)
            session.info |= {"by": principal.name, "principal": principal, "database": self}
            yield session, principal
        order = session.info.get("order_reference")
        if order is not None:  # what was committed for an order is found by its reference, as what flows do
            about_order(order)
            log.info("order changed", order=order, by=principal.name)

    @contextmanager
    def as_worker(self, by: str = WORKER.name, order_reference: str | None = None) -> Iterator[Session]:
        """A transaction of the program itself, which sees all parties."""
        with _session(self.worker) as session:
            session.info |= {"by": by, "principal": WORKER, "order_reference": order_reference, "database": self}
            yield session

    @contextmanager
    def as_worker_in_turn(self) -> Iterator[Turn]:
        """Transactions of the program itself, one after the other on one connection: each call of what it gives is one.

        A transaction remembers nothing of those before it but the entities that it is told to keep, which are as they
        were left. One that raised is the last.
        """
        with self.worker.connect() as connection, _Logged(connection, expire_on_commit=False) as session:

            @contextmanager
            def turn(*kept: Entity) -> Iterator[Session]:
                known = {id(one) for one in kept}
                for one in [one for one in session if id(one) not in known]:
                    session.expunge(one)
                session.info.clear()
                session.info |= {"by": WORKER.name, "principal": WORKER, "database": self}
                with session.begin():
                    yield session

            yield turn

    def ready(self) -> None:
        """Raises what the driver raises when the database cannot be reached."""
        with self.worker.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.app.dispose()
        self.worker.dispose()


class _Logged(Session):
    """A session whose changes go to the change log."""


event.listen(_Logged, "before_flush", log_changes)


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    with _Logged(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def network_view(session: Session) -> Iterator[Session]:
    """The operator's network, for a rule that must look at it on behalf of somebody who may not.

    Reads only. What is learned goes back as an answer (feasible, a reason, a number), never as rows.
    """
    if principal_in(session) is WORKER:
        yield session
        return
    database: Database = session.info["database"]
    with database.as_worker(str(session.info["by"])) as network:
        network.connection().execute(text("SET TRANSACTION READ ONLY"))
        yield network


def principal_in(session: Session) -> Principal:
    principal: Principal = session.info["principal"]
    return principal


def find(session: Session, kind: type[E], identifier: str) -> E:
    """The entity `identifier` as its caller may see it. Raises `NotFound`, also for what belongs to others."""
    query, principal = _by_id(kind), principal_in(session)
    if not principal.all_parties:
        query = query.where(visible(kind, principal))
    found: E = _found(session, kind, identifier, query)
    return found


def find_for_update(session: Session, kind: type[E], identifier: str) -> E:
    """As `find`, but only what the caller may change; locked until the transaction ends, and read afresh."""
    query, principal = _by_id_locked(kind), principal_in(session)
    if not principal.all_parties:
        query = query.where(changeable(kind, principal))
    found: E = _found(session, kind, identifier, query)
    return found


@cache
def _by_id(kind: type[Entity]) -> SelectOfScalar[Any]:
    """Built once for each kind: SQLAlchemy then knows it again without looking through it."""
    return select(kind).where(col(kind.id) == bindparam("wanted"))


@cache
def _by_id_locked(kind: type[Entity]) -> SelectOfScalar[Any]:
    return _by_id(kind).with_for_update().execution_options(populate_existing=True)


def _found(session: Session, kind: type[E], identifier: str, query: SelectOfScalar[E]) -> E:
    entity = session.exec(query, params={"wanted": identifier}).first() if is_uuid(identifier) else None
    if entity is None:
        raise NotFound(kind.__name__, identifier)
    return entity


def lock_key(connection: Connection, key: str) -> None:
    """Wait for and take a lock that ends with the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
