"""What the bills of an account look like, and on which way they reach the customer (TMF666).

Formats and media are a list that finance keeps; an account names those that its customer asked for.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

from sqlmodel import Field, Session, col, select

from satcom.core.database import find
from satcom.core.entity import Entity, change, tmf
from satcom.core.errors import NotFound, Refused, WrongState
from satcom.core.events import announce
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json, Value
from satcom.enterprise.party import operator_of


class BillTerm(Entity):
    """A term of billing that accounts name: everybody may know it, and it has a name of its own."""

    readable_by_all: ClassVar[bool] = True

    name: str = Field(min_length=1, max_length=300, unique=True)
    description: str | None = Field(default=None, max_length=2000)


class BillFormat(BillTerm, table=True):
    """How a bill is laid out: on pages for people, or as lines for a program."""

    __tablename__ = "bill_format"

    api: ClassVar = tmf("TMF666", "BillFormat", Capability.READ_PARTIES)


class BillPresentationMedia(BillTerm, table=True):
    """On which way a bill reaches the customer."""

    __tablename__ = "bill_presentation_media"

    api: ClassVar = tmf("TMF666", "BillPresentationMedia", Capability.READ_PARTIES)


T = TypeVar("T", bound=BillTerm)


@dataclass(frozen=True)
class BillTermToBeChanged:
    """What accounts rely on is about to change or, with `deleted`, to vanish. Whoever names it refuses."""

    term_id: str
    field: str


class TermReference(Value):
    """TMF666 `BillFormatRefOrValue` and its like: a term that is there."""

    id: str | None = None
    href: str | None = None
    name: str | None = None
    is_ref: bool = True


def enter_term(session: Session, term: T) -> T:
    """Put a term on the list. Raises `WrongState` when there is one of that name."""
    kind = type(term)
    if session.exec(select(kind).where(col(kind.name) == term.name)).first() is not None:
        raise WrongState("/name", f"there is {term.name!r} already", "exists", "a name of its own")
    term.party_id = operator_of(session).party_id
    session.add(term)
    session.flush()
    return term


def revise_term(session: Session, term: T, patch: dict[str, Json], free: frozenset[str]) -> T:
    """Change a term. What is not `free` is fixed while an account names it: its bills were promised so."""
    fixed = sorted(patch.keys() - free)
    if fixed:
        announce(session, BillTermToBeChanged(term.id, f"/{fixed[0]}"))
    change(term, patch)
    session.flush()
    return term


def drop_term(session: Session, term: BillTerm) -> None:
    """Take a term off the list. Refused while an account names it."""
    announce(session, BillTermToBeChanged(term.id, "id"))
    session.delete(term)


def term_named(session: Session, kind: type[T], named: TermReference, where: str) -> T:
    """The term that an account names. Raises `Refused` below `where` when it names none that is there."""
    if not named.is_ref or named.id is None:
        raise Refused(f"{where}/id", "names nothing that is on the list", "missing", f"the id of a {kind.__name__}")
    try:
        return find(session, kind, named.id)
    except NotFound as error:
        why = f"there is no {kind.__name__} {named.id[:80]!r}"
        raise Refused(f"{where}/id", why, "notFound", f"the id of a {kind.__name__}") from error


def in_full(term: BillTerm, named: TermReference) -> TermReference:
    """The reference with name and link."""
    return named.model_copy(update={"id": term.id, "href": term.href, "name": term.name, "is_ref": True})


DESCRIPTION = frozenset({"description"})


def offer_bill_format(session: Session, term: BillFormat, by: Principal) -> BillFormat:
    """Offer a further format."""
    return enter_term(session, term)


def offer_media(session: Session, term: BillPresentationMedia, by: Principal) -> BillPresentationMedia:
    """Offer a further way for bills."""
    return enter_term(session, term)


def patch_presentation(session: Session, term: T, patch: dict[str, Json], by: Principal) -> T:
    """Describe it otherwise; its name is fixed while an account names it."""
    return revise_term(session, term, patch, DESCRIPTION)


def drop_presentation(session: Session, term: BillTerm, by: Principal) -> None:
    """Offer it no longer."""
    drop_term(session, term)


format_routes = TmfRoutes(BillFormat)
format_routes.post(offer_bill_format, may=Capability.KEEP_ACCOUNTS)
media_routes = TmfRoutes(BillPresentationMedia)
media_routes.post(offer_media, may=Capability.KEEP_ACCOUNTS)
for collection in (format_routes, media_routes):
    collection.patch(patch_presentation, may=Capability.KEEP_ACCOUNTS)
    collection.delete(drop_presentation, may=Capability.KEEP_ACCOUNTS)
