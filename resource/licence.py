"""Licences: where the operator may put up terminals: country x band x terminal class, from a day to a day.

Both days count. At sea no country's licence applies, and nothing is sold.
Words: ISO 3166-1 alpha-2 (countries).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from pydantic import ValidationInfo, field_validator
from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, Session, select

from satcom.core.entity import Entity, change, own, state_type
from satcom.core.errors import Refused
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.resource.ground import Country, TerminalType
from satcom.resource.hold import Period
from satcom.resource.resource import Band


class Licence(Entity, table=True):
    """One licence of one country."""

    __tablename__ = "licence"
    __table_args__ = (
        CheckConstraint("valid_until >= valid_from", name="licence_in_order"),
        Index("licence_by_country", "country", "band", "terminal_class"),
    )

    country: Country = Field(max_length=2)
    band: Band = Field(sa_type=state_type(Band))
    terminal_class: str = Field(min_length=1, max_length=40)
    valid_from: date
    valid_until: date
    reference: str = Field(min_length=1, max_length=200)
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("resource/v1", "licence", Capability.READ_NETWORK)

    @field_validator("valid_until")
    @classmethod
    def _not_before_its_first_day(cls, value: date, info: ValidationInfo) -> date:
        begin = info.data.get("valid_from")
        if begin is not None and value < begin:
            raise ValueError(f"is before the first day {begin}")
        return value


@dataclass(frozen=True)
class LicenceFact:
    """What a licence allows. Both days count."""

    country: str
    band: str
    terminal_class: str
    valid_from: date
    valid_until: date


def licensed(
    licences: Iterable[LicenceFact], country: str | None, band: str, terminal_class: str, period: Period
) -> bool:
    """Whether one licence covers the period; of an open period its first day, since licences are renewed.

    `country` is `None` at sea, where nothing is licensed.
    """
    first = period.start_at.date()
    last = first if period.stop_at is None else _last_day(period.stop_at)
    return country is not None and any(
        (one.country, one.band, one.terminal_class) == (country, band, terminal_class)
        and one.valid_from <= first
        and last <= one.valid_until
        for one in licences
    )


def _last_day(stop_at: datetime) -> date:
    return (stop_at - timedelta(microseconds=1)).date()


def enter_licence(session: Session, licence: Licence, by: Principal) -> Licence:
    """Enter a licence that was granted. Raises `Refused` on a class that no terminal type has."""
    by.need(Capability.MIGRATE)
    _check_terminal_class(session, licence)
    licence.party_id = operator_of(session).organization_id
    session.add(licence)
    session.flush()
    return licence


def correct_licence(session: Session, licence: Licence, patch: dict[str, Json], by: Principal) -> Licence:
    """Correct or renew it. What was sold under it before goes on: licences are asked when something is sold."""
    by.need(Capability.MIGRATE)
    change(licence, patch)
    with session.no_autoflush:
        _check_terminal_class(session, licence)
    session.flush()
    return licence


def _check_terminal_class(session: Session, licence: Licence) -> None:
    """A licence of a class that no terminal type has would never be asked for."""
    known = sorted(session.exec(select(TerminalType.terminal_class).distinct()))
    if licence.terminal_class not in known:
        why = f"no terminal type is of the class {licence.terminal_class!r}"
        raise Refused("/terminalClass", why, "notFound", ", ".join(known) or "enter a terminal type first")


licence_routes = TmfRoutes(Licence)
