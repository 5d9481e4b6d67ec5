"""Naming: which resource somebody means by an id, by its name, or by the id it was loaded under.

Case does not count. The database looks for all that is named in one statement; only a refusal reads what there is.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from satcom.core.database import principal_in
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.loading import loaded_id
from satcom.core.tenancy import visible
from satcom.core.tmf_filter import is_uuid
from satcom.resource.resource import Resource

NAMED: Final = 30  # of those there are, in a refusal
R = TypeVar("R", bound=Resource)


class NotThere(Refused):
    status = 404


def visible_to_caller(session: Session, kind: type[R]) -> ColumnElement[bool]:
    """Which rows of a kind are there for the caller."""
    return visible(kind, principal_in(session))


def resources_called(
    session: Session, kind: type[R], names: Sequence[str], field: str, full_name: ColumnElement[str] | None = None
) -> list[R]:
    """Each that is meant once, in the order of the names. `full_name` is another name that it goes by.

    Raises `NotThere` on `field` with each that is not there for the caller, `RuleRefused` where several are called so.
    """
    there_for_caller = visible_to_caller(session, kind)
    named = col(kind.name) if full_name is None else full_name
    wanted = [name for name in names if name.isprintable()]
    words = [name.lower() for name in wanted]
    ids = [loaded_id(kind.__name__, name) for name in wanted] + [word for word in words if is_uuid(word)]
    meant = or_(col(kind.id).in_(ids), func.lower(col(kind.name)).in_(words), func.lower(named).in_(words))
    found: dict[str, dict[str, tuple[R, str]]] = {}
    for one, name in session.exec(select(kind, named).where(there_for_caller, meant).order_by(named, col(kind.id))):
        for word in (one.id, one.name.lower(), name.lower()):
            found.setdefault(word, {})[one.id] = (one, name)
    of_each = [found.get(name.lower()) or found.get(loaded_id(kind.__name__, name), {}) for name in names]
    what = str(kind.__tablename__).replace("_", " ")
    missing = [name for name, those in zip(names, of_each, strict=True) if not those]
    if missing:
        there = session.exec(
            select(named).select_from(kind).where(there_for_caller).order_by(named).limit(NAMED + 1)
        ).all()
        known = ", ".join(there[:NAMED]) + (", ..." if len(there) > NAMED else "")
        accepted = f"an id, {known}" if there else "there is none"
        faults = [Fault(field, f"there is no {what} {name[:80]!r}", "notFound", accepted) for name in missing]
        refused = NotThere(field, faults[0].why, "notFound", accepted)
        refused.faults = tuple(faults)
        raise refused
    for name, those in zip(names, of_each, strict=True):
        if len(those) > 1:
            which = ", ".join(called if called.lower() != name.lower() else one.id for one, called in those.values())
            raise RuleRefused(field, f"{len(those)} are called {name[:80]!r}", "severalCalledSo", which)
    return list({one.id: one for those in of_each for one, _ in those.values()}.values())
