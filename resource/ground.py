"""Ground: earth stations with their antennas, the kinds of terminal that are sold, and the terminals at the sites.

Noise temperature is that of the receiving system in clear sky at the antenna flange; amplifier power is what is left
after losses. A terminal type may be sold in a band only when it is approved. Hubs are `resource.hub`.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

import pycountry
from pydantic import AfterValidator, ConfigDict
from pydantic import Field as ValueField
from pydantic.alias_generators import to_camel
from sqlalchemy import Index, text
from sqlmodel import Field, Session, col, select

from satcom.core.database import find
from satcom.core.entity import Entity, JsonOf, checked, id_type, own, state_type
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Money, Value
from satcom.resource.resource import PHYSICAL, Band, Finite, IdText, Resource
from satcom.supplychain.equipment_return import TerminalToBeReturned


def _known_country(code: str) -> str:
    if pycountry.countries.get(alpha_2=code) is None:
        raise ValueError(f"{code!r} is no country: a code of ISO 3166-1, two capital letters")
    return code


Country = Annotated[str, ValueField(pattern="^[A-Z]{2}$"), AfterValidator(_known_country)]
Text = Annotated[str, ValueField(min_length=1, max_length=200)]
Diameter = Annotated[Finite, ValueField(gt=0, le=70)]
Efficiency = Annotated[Finite, ValueField(gt=0, le=1)]


class Antenna(Value):
    """An antenna of an earth station, and the satellites that it points at.

    `pointing_rms_deg` is how far off it points at random, while it tracks.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
    id: Text
    band: Band
    diameter_m: Diameter
    efficiency: Efficiency
    hpa_power_dbw: Annotated[Finite, ValueField(ge=-30, le=60)]
    noise_temperature_k: Annotated[Finite, ValueField(gt=0, le=5000)]
    pointing_rms_deg: Annotated[Finite, ValueField(ge=0, le=5)] | None = None
    satellite_ids: tuple[Annotated[str, IdText], ...] = ()


class EarthStation(Resource, table=True):
    """A teleport. Nothing is seen from it below `horizon_mask_deg`."""

    __tablename__ = "earth_station"
    api: ClassVar = PHYSICAL

    latitude_deg: Finite = Field(ge=-90, le=90)
    longitude_deg: Finite = Field(ge=-180, le=180)
    altitude_m: Finite = Field(default=0.0, ge=-500, le=9000)
    country: Country = Field(max_length=2)
    horizon_mask_deg: Finite = Field(default=5.0, ge=0, lt=90)
    antennas: list[Antenna] = Field(default_factory=list, max_length=500, sa_type=JsonOf(list[Antenna]))


class TerminalType(Entity, table=True):
    """A kind of terminal: a specification, not a thing. `buc_power_w` is linear power of the block upconverter.

    `pointing_rms_deg` is how far off it points at random, by wind and mount.
    """

    __tablename__ = "terminal_type"

    name: str = Field(min_length=1, max_length=200)
    band: Band = Field(sa_type=state_type(Band))
    terminal_class: str = Field(min_length=1, max_length=40)
    antenna_diameter_m: Diameter
    antenna_efficiency: Efficiency
    buc_power_w: Finite = Field(gt=0, le=5000)
    lnb_noise_figure_db: Finite = Field(ge=0, le=20)
    pointing_rms_deg: Finite | None = Field(default=None, ge=0, le=5)
    approved: bool = Field(default=False)
    price: Money | None = Field(default=None, sa_type=JsonOf(Money))
    source: str | None = Field(default=None, max_length=1000)
    illustrative: bool = Field(default=False)

    api: ClassVar = own("resource/v1", "terminalType", Capability.READ_NETWORK)
    readable_by_all: ClassVar[bool] = True


class TerminalState(StrEnum):
    PLANNED = "planned"
    INSTALLED = "installed"
    IN_SERVICE = "inService"
    REMOVED = "removed"


class Terminal(Resource, table=True):
    """One terminal at one site. It belongs to the party that it serves."""

    __tablename__ = "terminal"
    api: ClassVar = PHYSICAL
    __table_args__ = (
        Index("device_at_one_site", "serial_number", unique=True, postgresql_where=text("state <> 'removed'")),
    )

    terminal_type_id: Annotated[str, IdText] = Field(foreign_key="terminal_type.id", sa_type=id_type())
    serial_number: str | None = Field(default=None, max_length=100)
    state: TerminalState = Field(default=TerminalState.PLANNED, sa_type=state_type(TerminalState))
    order_id: Annotated[str | None, IdText] = Field(default=None, index=True, sa_type=id_type())
    latitude_deg: Finite = Field(ge=-90, le=90)
    longitude_deg: Finite = Field(ge=-180, le=180)
    altitude_m: Finite = Field(default=0.0, ge=-500, le=9000)
    azimuth_deg: Finite | None = Field(default=None, ge=0, lt=360)
    elevation_deg: Finite | None = Field(default=None, ge=-90, le=90)

    life_cycle: ClassVar = LifeCycle(
        TerminalState,
        ("planned", "installed", "mounted and pointed at the site"),
        ("planned", "removed", "the order was undone before it was mounted"),
        ("installed", "inService", "its measured C/N meets the link budget"),
        ("installed", "removed", "taken down"),
        ("inService", "installed", "the service stands still"),
        ("inService", "removed", "taken down"),
        start=("planned",),
    )


def plan_terminal(session: Session, terminal: Terminal, by: Principal) -> Terminal:
    """Plan a terminal at a site. Raises `RuleRefused` on `terminalType` when the type is not approved."""
    kind = find(session, TerminalType, terminal.terminal_type_id)
    if not kind.approved:
        raise RuleRefused("terminalType", f"{kind.name} is not approved", "noApprovedTerminal")
    planned = checked(Terminal, terminal.model_dump())
    session.add(planned)
    session.flush()
    return planned


def move_terminal(session: Session, terminal: Terminal, state: TerminalState, by: Principal) -> Terminal:
    """Note what happened to a terminal; doing it again does nothing. Raises `WrongState`."""
    move(terminal, state)
    session.add(terminal)
    session.flush()
    return terminal


terminal_type_routes = TmfRoutes(TerminalType)


def terminal_at_site(session: Session, order_id: str) -> Terminal | None:
    """The terminal that was planned for an order and not taken down."""
    there = col(Terminal.state) != TerminalState.REMOVED
    return session.exec(select(Terminal).where(Terminal.order_id == order_id, there)).first()


def pass_on_site(session: Session, from_order: str, to_order: str) -> Terminal | None:
    """A terminal that stays when another order changes what it serves. Again, it does nothing."""
    terminal = terminal_at_site(session, from_order)
    if terminal is not None:
        terminal.order_id = to_order
        session.add(terminal)
        session.flush()
    return terminal


def install_terminal(session: Session, terminal: Terminal, serial_number: str, by: Principal) -> Terminal:
    """Note which device was mounted at the site. Raises `WrongState`."""
    terminal.serial_number = serial_number
    return move_terminal(session, terminal, TerminalState.INSTALLED, by)


@on(TerminalToBeReturned)
def keep_what_stands_at_a_site(session: Session, event: TerminalToBeReturned) -> None:
    """A terminal is fetched from its site by an order, which takes it down first."""
    there = col(Terminal.state) != TerminalState.REMOVED
    site = session.exec(select(Terminal).where(Terminal.serial_number == event.serial_number, there)).first()
    if site is not None:
        why = f"{event.serial_number} stands at a site: {site.name}, {site.state}"
        raise RuleRefused("/serialNumber", why, "atSite", "an order that ends the service there")
