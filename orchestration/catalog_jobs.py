"""Exports and imports of catalogues are carried out by the workers: whoever asks for one waits for none of it."""

from sqlmodel import Session

from satcom.core.events import on
from satcom.enterprise.catalog_job import CatalogJobAsked
from satcom.orchestration.queue import enqueue_exchange


@on(CatalogJobAsked)
def have_it_carried_out(session: Session, event: CatalogJobAsked) -> None:
    """In the transaction that makes the job: it is there when a worker looks."""
    enqueue_exchange(session, event.kind, event.job_id)
