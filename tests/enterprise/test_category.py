"""Categories and catalogues: a tree without rings, and lists that follow from what names what."""

from collections.abc import Callable, Iterator
from typing import get_origin

import pytest
from sqlmodel import Session

from satcom.core.database import Database
from satcom.core.entity import from_body, new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import catalog_kinds, enter, namings_of, revise, withdraw
from satcom.enterprise.category import CategoryEntry
from satcom.market.catalog.category import Catalog, Category
from satcom.resource.category import ResourceCategory
from satcom.service.category import ServiceCandidate, ServiceCategory
from tests.enterprise.an_operator import an_individual, an_operator

KINDS: tuple[type[CategoryEntry], ...] = (Category, ServiceCategory, ResourceCategory)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.as_worker() as opened:
        an_operator(opened)
        yield opened


def a_category(session: Session, kind: type[CategoryEntry], name: str, **more: Json) -> CategoryEntry:
    body: dict[str, Json] = {"name": name, "lifecycleStatus": "Active"}
    return enter(session, from_body(kind, body | more), WORKER)


def refusal(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RuleRefused) as refused:
        act()
    return refused.value.faults[0].field, refused.value.faults[0].code


@pytest.mark.parametrize("kind", KINDS)
def test_no_category_stands_below_itself(session: Session, kind: type[CategoryEntry]) -> None:
    top = a_category(session, kind, "Connectivity")
    middle = a_category(session, kind, "Dedicated", parentId=top.id)
    leaf = a_category(session, kind, "Maritime", parentId=middle.id)
    assert (top.is_root, middle.is_root) == (True, False)
    for above in (top, middle, leaf):
        moved = refusal(lambda above=above: revise(session, top, {"parentId": above.id}, WORKER))  # type: ignore[misc]
        assert moved == ("/parentId", "ring")
        session.refresh(top)
    revise(session, leaf, {"parentId": None}, WORKER)
    assert leaf.is_root


def test_a_root_has_nothing_above_it_and_what_is_no_root_has(session: Session) -> None:
    top = a_category(session, Category, "Connectivity")
    wrong: tuple[dict[str, Json], ...] = ({"isRoot": True, "parentId": top.id}, {"isRoot": False})
    for body in wrong:
        assert refusal(lambda body=body: a_category(session, Category, "Broadband", **body)) == (  # type: ignore[misc]
            "/isRoot",
            "contradiction",
        )
    nowhere: tuple[Json, ...] = (new_id(), "connectivity", a_category(session, ServiceCategory, "Links").id)
    for parent in nowhere:
        assert refusal(lambda parent=parent: a_category(session, Category, "Broadband", parentId=parent)) == (  # type: ignore[misc]
            "/parentId",
            "notFound",
        )


def test_what_stands_below_keeps_a_category_from_being_deleted_and_in_use_from_being_retired(session: Session) -> None:
    idea = a_category(session, Category, "Aero", lifecycleStatus="In study")
    a_category(session, Category, "Cabins", lifecycleStatus="In study", parentId=idea.id)
    assert refusal(lambda: withdraw(session, idea, WORKER)) == ("/id", "inUse")
    top = a_category(session, Category, "Connectivity")
    below = a_category(session, Category, "Broadband", parentId=top.id)
    assert refusal(lambda: revise(session, top, {"lifecycleStatus": "Retired"}, WORKER)) == ("/id", "inUse")
    session.refresh(top)
    revise(session, below, {"lifecycleStatus": "Retired"}, WORKER)
    revise(session, top, {"lifecycleStatus": "Retired"}, WORKER)


def test_what_belongs_to_a_category_is_said_by_it_and_not_by_the_category(session: Session) -> None:
    for kind in KINDS:
        for name in kind.computed:
            given: dict[str, Json] = {name: [{"id": new_id()}]}
            with pytest.raises(Refused) as refused:
                a_category(session, kind, "Broadband", **given)
            assert (refused.value.faults[0].field, refused.value.faults[0].code) == (f"/{name}", "readOnly")
        assert {naming.listed_as for _, naming in namings_of(kind)} - {None} == kind.computed


def a_catalogue(session: Session, *categories: str, **more: Json) -> Catalog:
    listed: Json = [{"id": one} for one in categories]
    body: dict[str, Json] = {"name": "Retail", "lifecycleStatus": "Active", "category": listed}
    return enter(session, from_body(Catalog, body | more), WORKER)


def test_a_catalogue_in_use_shows_categories_in_use_each_once_to_parties_that_there_are(session: Session) -> None:
    ready, idea = (a_category(session, Category, one, lifecycleStatus=one).id for one in ("Active", "In study"))
    person: dict[str, Json] = {"id": an_individual(session).id, "role": "owner", "@referredType": "Individual"}
    assert a_catalogue(session, ready, relatedParty=[person]).related_party[0].role == "owner"
    assert refusal(lambda: a_catalogue(session, ready, idea)) == ("/category/1/id", "notActive")
    assert refusal(lambda: a_catalogue(session, ready, ready)) == ("/category/1/id", "duplicate")
    assert refusal(lambda: a_catalogue(session, new_id())) == ("/category/0/id", "notFound")
    stranger: Json = [person | {"id": new_id()}]
    assert refusal(lambda: a_catalogue(session, ready, relatedParty=stranger)) == ("/relatedParty/0/id", "notFound")
    shown = session.get_one(Category, ready)
    assert refusal(lambda: revise(session, shown, {"lifecycleStatus": "Retired"}, WORKER)) == ("/id", "inUse")


def test_everything_that_an_entry_of_any_catalogue_names_must_exist(session: Session) -> None:
    """Each kind names others by attributes that its document has."""
    named = [(kind, one) for kind in catalog_kinds() for one in kind.names() if kind.__module__.startswith("satcom.")]
    assert len(named) >= 15
    for kind, naming in named:
        assert kind.api.document is not None
        assert naming.wire in kind.api.document.attributes(kind.api.definition or "")
        one: Json = new_id() if naming.column == "parent_id" else {"id": new_id()}
        value: Json = [one] if get_origin(kind.model_fields[naming.column].annotation) is list else one
        body: dict[str, Json] = {"name": "An idea", naming.wire: value}
        if kind is ServiceCandidate:
            body.setdefault("serviceSpecification", {"id": new_id()})
        with pytest.raises(RuleRefused) as refused:
            enter(session, from_body(kind, body), WORKER)
        assert "notFound" in {fault.code for fault in refused.value.faults}, kind
