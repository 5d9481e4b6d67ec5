"""Installers: who puts terminals up in a country, on which days and hours, and how many visits at once.

An installer is the operator's own field force, or a supplier that sends its people. It keeps one calendar for each
country that it works in: its hours are those of the clock at the site, and on the country's public holidays nobody
comes. What of a calendar is taken is `service.appointment`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from sqlmodel import Field, Session, col, select
from tzfpy import get_tz

from satcom.core.database import find
from satcom.core.entity import Entity, JsonOf, change, id_type, own
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.party import operator_of
from satcom.supplychain.partner import Supplier, country_faults

WORKING_DAYS: Final = (1, 2, 3, 4, 5)  # ISO 8601: Monday is 1


class Installer(Entity, table=True):
    """A calendar: visits of `visit_hours` one after the other from `first_hour` to `last_hour`, by each of the teams.

    `lead_time_days` pass between the terminal's delivery and the first visit.
    """

    __tablename__ = "installer"

    name: str = Field(min_length=1, max_length=200)
    country: str = Field(max_length=2, index=True)
    supplier_id: str | None = Field(default=None, foreign_key="supplier.id", sa_type=id_type())
    teams: int = Field(default=1, ge=1, le=100)
    lead_time_days: int = Field(default=0, ge=0, le=365)
    working_days: list[int] = Field(default_factory=lambda: list(WORKING_DAYS), sa_type=JsonOf(list[int]))
    first_hour: int = Field(default=8, ge=0, le=23)
    last_hour: int = Field(default=16, ge=1, le=24)
    visit_hours: int = Field(default=4, ge=1, le=12)
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("supplyChain/v1", "installer", Capability.READ_SUPPLY)


@dataclass(frozen=True)
class Visit:
    """When an installer may come."""

    installer: Installer
    start_at: datetime
    stop_at: datetime


def engage_installer(session: Session, installer: Installer, by: Principal) -> Installer:
    """Note who installs in a country, and when. Raises `Refused` with every fault."""
    _check(session, installer)
    installer.party_id = operator_of(session).organization_id
    session.add(installer)
    session.flush()
    return installer


def correct_installer(session: Session, installer: Installer, patch: dict[str, Json], by: Principal) -> Installer:
    """Change the calendar; visits that are agreed stay agreed. Raises `RuleRefused` on another country."""
    country = installer.country
    change(installer, patch)
    if installer.country != country:
        raise RuleRefused("/country", "a calendar stays in its country; engage another", "fixed", country)
    _check(session, installer)
    session.flush()
    return installer


def _check(session: Session, installer: Installer) -> None:
    faults = country_faults(installer.country)
    days = installer.working_days
    if not days or len(set(days)) < len(days) or not set(days) <= set(range(1, 8)):
        faults.append(Fault("/workingDays", f"{days[:8]} are no days of a week", "invalid", "1 (Monday) to 7, once"))
    if installer.first_hour + installer.visit_hours > installer.last_hour:
        why = f"no visit of {installer.visit_hours} h fits between {installer.first_hour} and {installer.last_hour} h"
        faults.append(Fault("/lastHour", why, "tooShort", f"{installer.first_hour + installer.visit_hours} or later"))
    if installer.supplier_id is not None:
        try:
            find(session, Supplier, installer.supplier_id)
        except NotFound:
            why = f"there is no supplier {installer.supplier_id[:80]!r}"
            faults.append(Fault("/supplierId", why, "notFound", "the id of a supplier, or nothing"))
    if faults:
        raise Refused.all(faults)


def installers_in(session: Session, country: str) -> Sequence[Installer]:
    """Who installs there, by name."""
    there = select(Installer).where(Installer.country == country)
    return session.exec(there.order_by(col(Installer.name), col(Installer.id))).all()


def visits_of(installer: Installer, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Visit]:
    """The visits that begin at `since` or later and are over by `until`, by the clock of `zone`."""
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    over = datetime.min.replace(tzinfo=UTC)
    while day <= last:
        if day.isoweekday() in installer.working_days and day not in public_holidays(installer.country, day.year):
            for hour in range(
                installer.first_hour, installer.last_hour - installer.visit_hours + 1, installer.visit_hours
            ):
                start_at = datetime.combine(day, time(hour), zone).astimezone(UTC)
                stop_at = start_at + timedelta(hours=installer.visit_hours)
                if start_at < over:
                    continue  # the clock was put forward during the visit before
                over = stop_at
                if since <= start_at and stop_at <= until:
                    yield Visit(installer, start_at, stop_at)
        day += timedelta(days=1)


@lru_cache(maxsize=256)
def public_holidays(country: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year; of a country that the library does not know, none."""
    known = import_module("holidays")  # half a second, which not every start of the program shall pay
    try:
        days: Mapping[date, str] = known.country_holidays(country, years=year)
    except NotImplementedError:
        return {}
    return days


def zone_at(latitude_deg: float, longitude_deg: float) -> ZoneInfo:
    """The time zone of a place on Earth; at sea that of its meridian."""
    return ZoneInfo(get_tz(longitude_deg, latitude_deg))


routes = TmfRoutes(Installer)
