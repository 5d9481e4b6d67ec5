"""Every entity is told of when it is made, changed, moved and deleted: by its official name, and then only."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from satcom.core.entity import Entity
from satcom.core.life_cycle import HasState, move, state_of
from satcom.enterprise.party import Operator
from tests.app.conftest import House
from tests.app.every_table import Party, a_row
from tests.app.official_events import (
    EVENTS,
    OTHER_OCCASIONS,
    WORDS,
    carried,
    document_of,
    happens,
    kinds,
    official_name,
    own_names,
    payload_faults,
    resource_of,
    told_as,
)
from tests.core.a_listener import networks
from tests.core.an_inbox import Inbox, an_inbox, delivering
from tests.enterprise.an_operator import an_organization

PATIENCE_S: Final = 600.0
PAGE: Final = Path(__file__).parents[2] / "docs" / "events.md"


@pytest.fixture
def inbox(house: House) -> Iterator[Inbox]:
    """Registered at the hub of every API."""
    paths = {kind.api.base_path for kind in kinds()}
    assert len(paths) > 25
    headers = house.token("administrator")
    with networks("127.0.0.0/8"), an_inbox() as listening:
        for path in sorted(paths):
            made = house.http.post(f"{path}/hub", {"callback": listening.url}, headers)
            assert made.status_code == 201, f"{path}: {made.text}"
        yield listening


def test_every_event_of_the_documents_is_told_of_some_entity_or_its_occasion_does_not_arise() -> None:
    told = {(document_of(kind), official_name(kind, one)) for kind in kinds() for one in WORDS}
    offered = {(document_of(kind), resource_of(kind)) for kind in kinds()}
    missed = [
        (document, event)
        for document, events in EVENTS.items()
        for event in events
        if (document, event) not in told and not event.endswith(OTHER_OCCASIONS)
        if any(event.startswith(resource) for of, resource in offered if of == document)
    ]
    assert missed == []


def test_every_entity_is_told_of_by_its_official_name_on_each_occasion_and_on_no_other(
    house: House, inbox: Inbox
) -> None:
    expected: dict[str, list[str]] = {}
    by_id: dict[str, type[Entity]] = {}
    with house.database.as_worker() as session:
        session.delete(session.exec(select(Operator)).one())  # there is never more than one
        session.flush()
        party = Party("Watched", an_organization(session, "Watched").id)
        rows = list(_rows(session, party))
        for row in rows:
            by_id[row.id] = type(row)
            expected[row.id] = [told_as(type(row), "created")]
    with house.database.as_worker() as session:
        rows = [session.get_one(type(row), row.id) for row in rows]
        for row in rows:
            row.further = row.further | {"@baseType": "Touched"}
            session.flush()
            expected[row.id].append(told_as(type(row), "changed"))
        for row in rows:
            if _moved(session, row):
                expected[row.id].append(told_as(type(row), "moved"))
    with house.database.as_worker() as session:
        for row in reversed(rows):
            session.delete(session.get_one(type(row), row.id))
            session.flush()
            expected[row.id].append(told_as(type(row), "deleted"))
    with delivering(house.database):
        _wait_for_the_last(inbox, expected)
    heard = {one: [event["eventType"] for event in inbox.about(one)] for one in expected}
    assert {by_id[one].__name__: names for one, names in heard.items() if names != expected[one]} == {}
    each = {(by_id[one], name) for one, names in expected.items() for name in names}
    assert each == {(kind, told_as(kind, one)) for kind in kinds() for one in WORDS if happens(kind, one)}
    assert _faults(inbox.events, by_id) == {}


def _wait_for_the_last(inbox: Inbox, expected: dict[str, list[str]]) -> None:
    """After the end of an object nothing comes of it. A busy machine is slow, and this test is not about time."""
    until = time.monotonic() + PATIENCE_S
    ended = {(one, names[-1]) for one, names in expected.items()}
    while not ended <= {(str(carried(event)["id"]), event["eventType"]) for event in list(inbox.events)}:
        assert time.monotonic() < until, f"{len(inbox.events)} events came"
        time.sleep(1)


def _rows(session: Session, party: Party) -> Iterator[Entity]:
    """One row of every kind, those first to which others point."""
    catalogue: dict[str, str] = {}
    ranks = {table.name: rank for rank, table in enumerate(Entity.metadata.sorted_tables)}
    for kind in sorted(kinds(), key=lambda kind: ranks[str(kind.__tablename__)]):
        row = a_row(session, kind, party, catalogue)
        (catalogue if kind.readable_by_all else party.rows)[_named(kind)] = row.id
        yield row


def _named(kind: type[Entity]) -> str:
    return str(kind.__tablename__) if kind.readable_by_all else kind.__name__


def _moved(session: Session, row: Entity) -> bool:
    """Along its life cycle, by the first way that the database takes without anything else."""
    going = cast(HasState[Any], row)
    for way in going.life_cycle.allowed(state_of(going)) if row.life_cycle is not None else []:
        with suppress(IntegrityError), session.begin_nested():
            move(going, way)
            session.flush()
            return True
    return False


def _faults(events: list[dict[str, Any]], by_id: dict[str, type[Entity]]) -> dict[str, list[str]]:
    found = {}
    for event in events:
        kind = by_id.get(str(carried(event)["id"]))
        if kind is not None:
            assert list(event["event"]) == [resource_of(kind)]
            faults = payload_faults(document_of(kind), event)
            if faults:
                found[event["eventType"]] = faults
    return found


def test_names_that_no_document_has_are_listed_for_whoever_listens() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Names of our own")[2].partition("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == own_names()
