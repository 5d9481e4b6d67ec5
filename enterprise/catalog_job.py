"""Jobs that export and import a catalogue: asked for over the API, carried out by a worker, seen until deleted.

A job is repeated from its beginning when its worker dies; both ways that harms nothing. An export reads one moment of
the catalogue, keeps the content with the job, and delivers it where the job says. An import enters all or nothing and
is done once. Where a job fetches from and delivers to is held to the rules for events: `core.callback`. What it says
of addresses is for those who design offers only. Words: `ImportJob` and `ExportJob` of TMF620, TMF633, TMF634.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, TypeVar

import orjson
import structlog
from fastapi import Request, Response
from pydantic.alias_generators import to_camel
from sqlalchemy import LargeBinary
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Field, Session

from satcom.core.callback import NotDelivered, callback_faults
from satcom.core.clock import now
from satcom.core.database import Database, find, find_for_update, lock_key
from satcom.core.entity import INSTANT, Entity, state_type
from satcom.core.errors import Fault, NotFound, Refused, WrongState
from satcom.core.events import announce
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import MIGRATION, Capability, Principal
from satcom.core.settings import settings
from satcom.core.tmf_api import JSON, TmfRoutes, database_of, read_json, token_of
from satcom.core.transfer import deliver, fetch
from satcom.enterprise.catalog_exchange import (
    Exchange,
    Progress,
    check_scope,
    exported,
    fault_lines,
    import_catalogue,
    read_scope,
)
from satcom.enterprise.party import operator_of

MOST_TOLD: Final = 200  # faults in an error log
FETCHED, STEP = 10, 20  # percent
TAKEN: Final = frozenset({"application/json", JSON})
log = structlog.get_logger()


class JobStatus(StrEnum):
    """`JobStateType`."""

    NOT_STARTED = "Not Started"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class CatalogJob(Entity):
    """One job. What it came to is said by the worker alone."""

    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle[JobStatus](
        JobStatus,
        ("Not Started", "Running", "a worker took it up"),
        ("Running", "Succeeded", "all of it is done"),
        ("Running", "Failed", "its error log says why; nothing was written"),
    )
    exchange: ClassVar[Exchange]

    status: JobStatus = Field(default=JobStatus.NOT_STARTED, sa_type=state_type(JobStatus))
    url: str
    path: str | None = None
    content_type: str | None = None
    creation_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    completion_date: datetime | None = Field(default=None, sa_type=INSTANT)
    error_log: str | None = None
    progress_percent: int = 0
    asked_by: str | None = None


class ExportJob(CatalogJob):
    """Exports what `path` and `query` choose; all of the catalogue without them. An empty `url` only keeps it."""

    private: ClassVar[frozenset[str]] = frozenset({"content"})

    query: str | None = None
    content: bytes | None = Field(default=None, sa_type=LargeBinary)


class ImportJob(CatalogJob):
    """Imports what lies at `url`: a catalogue, or with a `path` to a collection the list of its resources."""


SAID_BY_WORKER: Final = frozenset({"status", "creation_date", "completion_date", "error_log"})
J = TypeVar("J", bound=CatalogJob)


@dataclass(frozen=True)
class CatalogJobAsked:
    """A worker is to carry it out."""

    kind: str
    job_id: str


# -- Commands --------------------------------------------------------------------------------------------------------


def ask_for_export(session: Session, job: ExportJob, by: Principal) -> ExportJob:
    """Raises `Refused` with everything that is wrong in what is asked for."""
    faults = _faults(job, must_lie_somewhere=False)
    try:
        check_scope(session, read_scope(job.exchange, job.path, job.query))
    except Refused as refused:
        faults += refused.faults
    return _ask(session, job, faults, by)


def ask_for_import(session: Session, job: ImportJob, by: Principal) -> ImportJob:
    """Raises `Refused` with everything that is wrong in what is asked for."""
    faults = _faults(job, must_lie_somewhere=True)
    try:
        if read_scope(job.exchange, job.path, None).identifier is not None:
            faults.append(Fault("/path", "it is the path of one resource", "invalid", "the path of a collection"))
    except Refused as refused:
        faults += refused.faults
    return _ask(session, job, faults, by)


def delete_job(session: Session, job: CatalogJob, by: Principal) -> None:
    """Forget a job and what it exported; one that no worker has taken up yet will not be carried out."""
    if job.status is JobStatus.RUNNING:
        raise WrongState("/status", "a worker carries it out", "running", "a job that has ended or not begun")
    session.delete(job)


def _ask(session: Session, job: J, faults: list[Fault], by: Principal) -> J:
    if faults:
        raise Refused.all(faults)
    job.party_id = operator_of(session).party_id
    job.asked_by = by.identity
    session.add(job)
    session.flush()
    announce(session, CatalogJobAsked(type(job).__name__, job.id))
    return job


def _faults(job: CatalogJob, must_lie_somewhere: bool) -> list[Fault]:
    faults = []
    for name in sorted(SAID_BY_WORKER & job.model_fields_set):
        why = "it is said by the worker that carries the job out"
        faults.append(Fault(f"/{to_camel(name)}", why, "derived", "nothing"))
    if job.url or must_lie_somewhere:
        faults += callback_faults(job.url, settings().event_networks, "/url")
    if job.content_type not in (None, *TAKEN):
        why = f"{str(job.content_type)[:80]!r} is not read or written here"
        faults.append(Fault("/contentType", why, "notInEnumeration", "application/json"))
    return faults


# -- What a worker does ----------------------------------------------------------------------------------------------


def job_kinds(above: type[CatalogJob] = CatalogJob) -> dict[str, type[CatalogJob]]:
    """Every kind of job by its name."""
    found = {above.__name__: above} if hasattr(above, "__table__") else {}
    for kind in above.__subclasses__():
        found |= job_kinds(kind)
    return found


def carry_out(database: Database, kind_name: str, job_id: str) -> None:
    """Do the job, again from its beginning when a worker died over it. One that is deleted or done is left."""
    run = _Run(database, job_kinds()[kind_name], job_id)
    job = run.begin()
    if job is None:
        return
    try:
        if isinstance(job, ExportJob):
            run.export(job)
        else:
            run.bring_in(job)
    except NotDelivered as failure:
        run.fail(f"/url: {failure}")
    except Refused as refused:
        told, more = refused.faults[:MOST_TOLD], len(refused.faults) - MOST_TOLD
        run.fail(fault_lines(told) + (f"\nand {more} more" if more > 0 else ""))
    except (OperationalError, InterfaceError):
        raise  # the database is away, or two waited for each other: begin again
    except Exception:
        log.exception("a catalogue job broke", job=job_id)
        run.fail("something broke here; the log of the worker says what")


@dataclass
class _Run:
    """One attempt at a job."""

    database: Database
    kind: type[CatalogJob]
    job_id: str
    told_percent: int = 0

    def begin(self) -> CatalogJob | None:
        try:
            with self.database.as_worker() as session:
                job = find_for_update(session, self.kind, self.job_id)
                if job.status not in (JobStatus.NOT_STARTED, JobStatus.RUNNING):
                    return None
                move(job, JobStatus.RUNNING)
                job.progress_percent = 0
                return job
        except NotFound:
            return None

    def export(self, job: ExportJob) -> None:
        with self.database.as_worker() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            found = exported(session, job.exchange, read_scope(job.exchange, job.path, job.query))
        content = orjson.dumps(found, option=orjson.OPT_INDENT_2)
        with self.database.as_worker() as session:
            kept = find_for_update(session, type(job), self.job_id)
            kept.content, kept.progress_percent = content, 50
        if job.url:
            deliver(job.url, settings().event_networks, content, JSON)
        with self.database.as_worker() as session:
            self._end(session)

    def bring_in(self, job: CatalogJob) -> None:
        content = fetch(job.url, settings().event_networks)
        self.progress(FETCHED)
        named = read_scope(job.exchange, job.path, None).part
        if named is not None and content.lstrip()[:1] == b"[":
            content = b'{"%s":%s}' % (named.name.encode(), content)
        body = read_json(content)
        with self.database.as_worker(job.asked_by or "import") as session:
            session.info["mark"] = MIGRATION
            lock_key(session.connection(), "load")  # one at a time, and none beside `satcom load`
            if find(session, self.kind, self.job_id).status is JobStatus.RUNNING:
                import_catalogue(session, job.exchange, body, self._entries_done())
                self._end(session)

    def _entries_done(self) -> Progress:
        def tell(done: int, total: int) -> None:
            percent = FETCHED + (100 - FETCHED) * done // total
            if percent >= self.told_percent + STEP and percent < 100:
                self.progress(percent)

        return tell

    def progress(self, percent: int) -> None:
        """In a transaction of its own, so that it is seen while the work goes on."""
        self.told_percent = percent
        with self.database.as_worker() as session:
            find_for_update(session, self.kind, self.job_id).progress_percent = percent

    def _end(self, session: Session) -> None:
        job = find_for_update(session, self.kind, self.job_id)
        if job.status is JobStatus.RUNNING:
            move(job, JobStatus.SUCCEEDED)
            job.progress_percent, job.completion_date = 100, now()

    def fail(self, why: str) -> None:
        log.warning("a catalogue job failed", job=self.job_id, error=why[:300])
        with self.database.as_worker() as session:
            job = find_for_update(session, self.kind, self.job_id)
            if job.status is JobStatus.RUNNING:
                move(job, JobStatus.FAILED)
                job.error_log, job.completion_date = why, now()


# -- Routes ----------------------------------------------------------------------------------------------------------


def export_routes(kind: type[ExportJob]) -> TmfRoutes:
    """With the content at `/content` below the job."""
    routes = TmfRoutes(kind)
    routes.post(ask_for_export, may=Capability.DESIGN_OFFERS)

    def get_content(request: Request, id: str) -> Response:
        """What was exported."""
        with database_of(request).request(token_of(request)) as (session, principal):
            principal.need(kind.api.reads)
            job = find(session, kind, id)
        if job.content is None:
            raise NotFound(f"content of {kind.api.collection}", id)
        return Response(job.content, media_type=JSON)

    routes.own.add("GET", f"{kind.api.path}/{{id}}/content", get_content, f"get content of {kind.__name__}")
    routes.delete(delete_job, may=Capability.DESIGN_OFFERS)
    return routes


def import_routes(kind: type[ImportJob]) -> TmfRoutes:
    routes = TmfRoutes(kind)
    routes.post(ask_for_import, may=Capability.DESIGN_OFFERS)
    routes.delete(delete_job, may=Capability.DESIGN_OFFERS)
    return routes
