"""Installations: which orders need somebody at their site, where that is, and how far it has come.

An installation is planned with its order and can be appointed once its terminal and its satellite are there. Who comes
when is `service.appointment`; whether an order needs it at all, its characteristic `installation` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from zoneinfo import ZoneInfo

from sqlmodel import Field, Session, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, id_type, own, state_type
from satcom.core.errors import RuleRefused
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Reference
from satcom.enterprise.party import operator_of
from satcom.supplychain.installer import Installer, installers_in, zone_at

INSTALLATION, ON_SITE = "installation", "onSite"


class InstallationState(StrEnum):
    PLANNED = "planned"
    AWAITED = "awaited"
    APPOINTED = "appointed"
    DONE = "done"
    CALLED_OFF = "calledOff"


class Installation(Entity, table=True):
    """The installation of one order. `terminal_at` is since when its terminal can go to the site, `since` since when
    it is so.

    Until `latest_at` it is waited for.
    """

    __tablename__ = "installation"

    product_order: Reference = Field(sa_type=JsonOf(Reference))
    order_id: str = Field(unique=True, sa_type=id_type())
    state: InstallationState = Field(default=InstallationState.PLANNED, sa_type=state_type(InstallationState))
    country: str = Field(max_length=2)
    latitude_deg: float
    longitude_deg: float
    time_zone: str = Field(max_length=64)
    terminal_at: datetime | None = Field(default=None, sa_type=INSTANT)
    latest_at: datetime | None = Field(default=None, sa_type=INSTANT)
    since: datetime = Field(default_factory=now, sa_type=INSTANT)

    api: ClassVar = own("service/v1", "installation", Capability.READ_APPOINTMENTS)
    private: ClassVar[frozenset[str]] = frozenset({"order_id"})
    life_cycle: ClassVar = LifeCycle[InstallationState](
        InstallationState,
        ("planned", "awaited", "its terminal and its satellite are there"),
        ("awaited", "appointed", "an appointment is made"),
        ("appointed", "awaited", "the appointment was cancelled or missed"),
        ("appointed", "done", "the installer was there"),
        ("planned", "calledOff", "the order was undone"),
        ("awaited", "calledOff", "the order was undone"),
        ("appointed", "calledOff", "the order was undone"),
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True)
class Site:
    """Where somebody is to come."""

    country: str
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class InstallationMoved:
    """Told to whoever delivers the order."""

    order_id: str
    installation_id: str
    at: datetime


def installed_on_site(characteristics: Sequence[Characteristic]) -> bool:
    """Whether the operator sends somebody; without this characteristic the customer installs himself."""
    return any(one.name == INSTALLATION and one.value == ON_SITE for one in characteristics)


def plan_installation(session: Session, order: Reference, party_id: str | None, site: Site) -> Installation:
    """Note that an order needs somebody at its site. Asked again, it gives the same.

    Raises `RuleRefused` where nobody installs.
    """
    planned = installation_of(session, order.id)
    if planned is not None:
        return planned
    if not installers_in(session, site.country):
        why = f"nobody installs terminals in {site.country}"
        raise RuleRefused(f"/{INSTALLATION}", why, "noInstaller", "an offering that the customer installs himself")
    planned = Installation(
        product_order=order,
        order_id=order.id,
        party_id=party_id,
        country=site.country,
        latitude_deg=site.latitude_deg,
        longitude_deg=site.longitude_deg,
        time_zone=zone_at(site.latitude_deg, site.longitude_deg).key,
    )
    session.add(planned)
    session.flush()
    return planned


def await_appointment(session: Session, installation: Installation, begins: datetime) -> None:
    """From now on somebody may be sent, until long after the order `begins`. Doing it again does nothing."""
    if installation.state is InstallationState.PLANNED:
        installation.terminal_at = now()
        await_longer(session, installation, begins)
        move_installation(session, installation, InstallationState.AWAITED)


def await_longer(session: Session, installation: Installation, begins: datetime) -> datetime:
    """Until when it is waited for now that the order `begins` then; never for a shorter time than before."""
    latest = max(now(), begins) + timedelta(days=operator_of(session).installation_patience_days)
    installation.latest_at = max(latest, installation.latest_at or latest)
    session.add(installation)
    session.flush()
    return installation.latest_at


def move_installation(session: Session, installation: Installation, state: InstallationState) -> None:
    move(installation, state)
    installation.since = now()
    session.add(installation)
    session.flush()


def installation_of(session: Session, order_id: str) -> Installation | None:
    return session.exec(select(Installation).where(Installation.order_id == order_id)).first()


def earliest_visit(installation: Installation, installer: Installer) -> datetime:
    """The terminal has to come from the depot to the site first."""
    return max(now(), (installation.terminal_at or now()) + timedelta(days=installer.lead_time_days))


routes = TmfRoutes(Installation)
