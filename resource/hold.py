"""Holds: how a part of the network is kept for somebody, assigned, and given back.

What can be sold once only is first held until an instant, then assigned without end of hold, then released. A hold that
ran out counts as free from that instant on; its row is released by whoever locks its transponder or hub next, and by
the sweep of `resource.reservation`. That nothing is given twice is promised by the database's guards. A service that
changes holds its new part before it lets go of the old one: the one takes the place of the other (`in_place_of`), and
where they meet they do not stand in each other's way. To everybody else both are taken.

Locks are always taken in this order: reservation, transponders, hubs, carrier pools and constellations, each by id,
then the rows of the holds (`resource.locked_network`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar

import sqlalchemy as sa
from pydantic import ValidationInfo, field_validator
from sqlalchemy import ColumnElement, Index, and_, bindparam, func, literal, literal_column, or_, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from satcom.core.clock import now
from satcom.core.entity import INSTANT, id_type, state_type
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import CUSTOMER_ROLE
from satcom.core.values import RelatedParty, in_utc
from satcom.resource.resource import IdText, Resource

EXPIRED = "the hold ran out"
LINE = "COALESCE(in_place_of, id)"  # as `Hold.line`, for the exclusion constraints
R = TypeVar("R", bound=Resource)
# written out, not sent as a parameter: by them the indexes of what is in force are known
_HELD: ColumnElement[str] = literal_column("'held'")
_ASSIGNED: ColumnElement[str] = literal_column("'assigned'")
_RELEASED: ColumnElement[str] = literal_column("'released'")


class HoldState(StrEnum):
    HELD = "held"
    ASSIGNED = "assigned"
    RELEASED = "released"


@dataclass(frozen=True)
class Period:
    """From `start_at` (inclusive) to `stop_at` (exclusive); `None` is open. Raises `Refused` on `stopAt`."""

    start_at: datetime
    stop_at: datetime | None = None

    def __post_init__(self) -> None:
        for field, moment in (("startAt", self.start_at), ("stopAt", self.stop_at)):
            if moment is not None and moment.tzinfo is None:
                raise Refused(field, "has no time zone", "invalid", "for example 2027-01-01T00:00:00Z")
        if self.stop_at is not None and self.stop_at <= self.start_at:
            raise Refused("stopAt", f"{self.stop_at.isoformat()} is not after the start {self.start_at.isoformat()}")

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d} to " + (f"{self.stop_at:%Y-%m-%d}" if self.stop_at else "open end")


@dataclass(frozen=True)
class Owner:
    """For whom something is held: the order, how people call it, and the party it is for."""

    order_id: str | None
    order_reference: str | None
    party_id: str | None

    def related_party(self) -> list[RelatedParty]:
        """The party as an object that is held or ordered for it names it."""
        if self.party_id is None:
            return []
        return [RelatedParty.model_validate({"id": self.party_id, "role": CUSTOMER_ROLE, "@referredType": "Party"})]


class Hold(Resource):
    """A part of a resource for one owner in one period. `party_id` is the party that it is for."""

    state: HoldState = Field(default=HoldState.HELD, sa_type=state_type(HoldState))
    start_at: datetime = Field(sa_type=INSTANT)
    stop_at: datetime | None = Field(default=None, sa_type=INSTANT)
    hold_until: datetime | None = Field(default=None, sa_type=INSTANT)
    order_id: Annotated[str | None, IdText] = Field(default=None, index=True, sa_type=id_type())
    order_reference: str | None = Field(default=None, max_length=100)
    reservation_id: Annotated[str | None, IdText] = Field(default=None, index=True, sa_type=id_type())
    released_because: str | None = Field(default=None, max_length=500)
    in_place_of: Annotated[str | None, IdText] = Field(default=None, sa_type=id_type())

    life_cycle: ClassVar = LifeCycle(
        HoldState,
        ("held", "assigned", "the order goes ahead: no end of hold any more"),
        ("held", "released", "the order was refused or cancelled, or the hold ran out"),
        ("assigned", "released", "the service ended, or the order was undone"),
        start=("held", "assigned"),
    )

    @field_validator("start_at", "stop_at", "hold_until")
    @classmethod
    def _instant(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("has no time zone")
        return value if value is None else in_utc(value)

    @field_validator("stop_at")
    @classmethod
    def _after_its_start(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start_at = info.data.get("start_at")
        if value is not None and start_at is not None and value <= start_at:
            raise ValueError(f"is not after the start {start_at.isoformat()}")
        return value

    @property
    def clashes(self) -> dict[str, Fault]:
        """The guards of the database by which it is given once, and what is said when one refuses it."""
        raise NotImplementedError

    @property
    def line(self) -> str:
        """The same for a hold and all that take its place: the id of the first of them."""
        return self.in_place_of or self.id

    @property
    def period(self) -> Period:
        return Period(self.start_at, self.stop_at)

    @classmethod
    def in_force(cls, period: Period, at: datetime) -> ColumnElement[bool]:
        """Rows that take something within `period`, seen at `at`: what ran out by then takes nothing."""
        return cls._in_force(literal(period.start_at, INSTANT), literal(period.stop_at, INSTANT), literal(at, INSTANT))

    @classmethod
    def in_force_as_asked(cls) -> ColumnElement[bool]:
        """As `in_force`, for statements that are built once; they are run with the parameters `when` gives."""
        start_at, stop_at, at = (bindparam(one, type_=INSTANT) for one in ("from_at", "to_at", "seen_at"))
        return cls._in_force(start_at, stop_at, at)

    @classmethod
    def _in_force(
        cls, start_at: ColumnElement[datetime], stop_at: ColumnElement[datetime], at: ColumnElement[datetime]
    ) -> ColumnElement[bool]:
        return and_(
            col(cls.state) != _RELEASED,
            or_(col(cls.state) == _ASSIGNED, col(cls.hold_until) > at),
            func.tstzrange(col(cls.start_at), col(cls.stop_at)).bool_op("&&")(func.tstzrange(start_at, stop_at)),
        )

    @classmethod
    def run_out(cls, at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
        """Rows that are held still though their time is over."""
        return and_(col(cls.state) == _HELD, col(cls.hold_until) <= at)

    def held_for(
        self, owner: Owner, reservation_id: str | None, until: datetime, instead_of: "Hold | None" = None
    ) -> Self:
        """For whom, until when, and whose place it takes, where it takes one."""
        self.in_place_of = instead_of.line if instead_of is not None else None
        self.party_id = owner.party_id
        self.order_id, self.order_reference = owner.order_id, owner.order_reference
        self.reservation_id, self.hold_until = reservation_id, until
        return self


def when(period: Period) -> dict[str, datetime | None]:
    """The parameters of `Hold.in_force_as_asked`."""
    return {"from_at": period.start_at, "to_at": period.stop_at, "seen_at": now()}


def to_run_out(name: str, of: str) -> Index:
    """The index by which whoever locks the whole finds what ran out there, however much was held before."""
    return Index(name, of, "hold_until", postgresql_where=text("state = 'held'"))


def check_until(until: datetime) -> None:
    """A hold ends in the future. Raises `Refused` on `validFor`."""
    if until.tzinfo is None:
        raise Refused("/validFor/endDateTime", "has no time zone", "invalid", "for example 2027-01-01T00:00:00Z")
    if until <= now():
        raise RuleRefused(
            "/validFor/endDateTime", f"{until.isoformat()} is over", "holdInPast", f"after {now().isoformat()}"
        )


def lock_for_holding(session: Session, kind: type[R], identifiers: Iterable[str]) -> dict[str, R]:
    """One seller at a time: lock in the order of the ids. Raises `NotFound`."""
    wanted = sorted(set(identifiers))
    if not wanted:
        return {}
    locked = {one.id: one for one in session.exec(_locking(kind), params={"wanted": wanted})}
    for identifier in wanted:
        if identifier not in locked:
            raise NotFound(kind.__name__, identifier)
    return locked


@cache
def _locking(kind: type[R]) -> SelectOfScalar[R]:
    """Built once for each kind, as in `core.database`."""
    wanted = col(kind.id).in_(bindparam("wanted", expanding=True))
    query = select(kind).where(wanted).order_by(col(kind.id)).with_for_update()
    return query.execution_options(populate_existing=True)


def release_run_out(session: Session, holds: type[Hold], of: str, identifiers: Iterable[str]) -> None:
    """Release the `holds` `of` what is locked that ran out by now."""
    run_out = holds.run_out(now()) & col(getattr(holds, of)).in_(sorted(set(identifiers)))
    release(session, session.exec(select(holds).where(run_out)).all(), EXPIRED)


def fullest(
    kind: type[Hold],
    of: ColumnElement[Any] | Mapped[Any],
    amounts: Sequence[Mapped[int]],
    counted: ColumnElement[bool],
) -> Any:
    """The statement: what `counted` rows take `of` each at the fullest instant, of every amount for itself.

    It is run with the parameters `when` gives. That of which nothing is taken is left out.
    """
    names = [f"amount_{number}" for number in range(len(amounts))]
    begins_at = func.greatest(col(kind.start_at), bindparam("from_at", type_=INSTANT)).label("at")
    begins = sa.select(of.label("of"), begins_at, *(one.label(name) for one, name in zip(amounts, names, strict=True)))
    ends = sa.select(of, col(kind.stop_at), *(-one for one in amounts)).where(col(kind.stop_at).is_not(None))
    change = sa.union_all(begins.where(counted), ends.where(counted)).subquery().c
    step = (
        sa.select(change.of, change.at, *(func.sum(change[name]).label(name) for name in names))
        .group_by(change.of, change.at)
        .subquery()
        .c
    )
    running = (func.sum(step[name]).over(partition_by=step.of, order_by=step.at).label(name) for name in names)
    level = sa.select(step.of, *running).subquery().c
    return sa.select(level.of, *(func.max(level[name]) for name in names)).group_by(level.of)


def keep(session: Session, holds: Sequence[Hold], field: str | None = None) -> None:
    """Write them in one go. What somebody else has, the database says now, not at the commit: it is refused.

    It is refused at `field`, where it is no other than that of `Hold.clashes`. The caller's transaction, or its
    savepoint, is broken by then.
    """
    session.add_all(holds)
    # now: what the database refused cannot be read any more
    faults = [said for one in holds for said in one.clashes.items()]
    try:
        session.flush()
    except IntegrityError as error:
        clashes = clashing(error, faults)
        if not clashes:
            raise
        raise RuleRefused.all([replace(one, field=field or one.field) for one in clashes]) from error


def clashing(error: IntegrityError, faults: Iterable[tuple[str, Fault]]) -> list[Fault]:
    """Those of `Hold.clashes` that the database refused, with what its guard counted, where it counts."""
    told = getattr(error.orig, "diag", None)
    counted = told.message_detail if told is not None and told.constraint_name is None else None
    found = (fault for guard, fault in faults if guard in str(error.orig))
    return [replace(one, why=f"{one.why}: {counted}") if counted else one for one in found]


def assign(session: Session, holds: Iterable[Hold]) -> None:
    """Turn holds into assignments. Doing it again does nothing. Raises `WrongState` on what was released."""
    for hold in holds:
        move(hold, HoldState.ASSIGNED)
        hold.hold_until = None
        session.add(hold)
    session.flush()


def release(session: Session, holds: Iterable[Hold], because: str) -> None:
    """Give back. Doing it again does nothing."""
    kept = [hold for hold in holds if hold.state is not HoldState.RELEASED]
    for hold in kept:
        move(hold, HoldState.RELEASED)
        hold.released_because = because
        session.add(hold)
    if kept:
        session.flush()
