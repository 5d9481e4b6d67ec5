"""Licences: where the operator may put up terminals: country x band x terminal class, from a day to a day.

Both days count. A licence may set how much a terminal sends and how small its antenna may be. At sea no country's
licence applies, and nothing is sold.
Words: ISO 3166-1 alpha-2 (countries); ITU Radio Regulations, Article 18 (licences), Article 19 (call signs).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
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
from satcom.resource.resource import Band, Finite


class Licence(Entity, table=True):
    """One licence of one country; what it does not set is left out.

    A terminal sends at most `eirp_limit_dbw` in all and `eirp_density_limit_dbw_per_hz`, under clear sky, through an
    antenna of `least_antenna_diameter_m` or more.
    """

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
    call_sign: str | None = Field(default=None, min_length=1, max_length=40)
    eirp_limit_dbw: Finite | None = Field(default=None, ge=-30, le=100)
    eirp_density_limit_dbw_per_hz: Finite | None = Field(default=None, ge=-100, le=60)
    least_antenna_diameter_m: Finite | None = Field(default=None, gt=0, le=70)
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
    reference: str = ""
    call_sign: str | None = None
    eirp_limit_dbw: float | None = None
    eirp_density_limit_dbw_per_hz: float | None = None
    least_antenna_diameter_m: float | None = None


@dataclass(frozen=True, eq=False)
class Sends:
    """What a terminal would send: its EIRP at most, and what its carrier may be.

    Of each MODCOD the symbol rate for the bit rate that is asked for, and the Es/N0 that it needs.
    """

    eirp_dbw: float
    symbol_rate_baud: NDArray[np.float64]
    required_es_n0_db: NDArray[np.float64]

    def left_db(self, licence: "LicenceFact") -> float:
        """Energy per symbol that a licence leaves over what the MODCOD needs, at the MODCOD where that is most.

        Paths differ for no licence: the one that leaves most is the one under which the carrier closes the worst path.
        """
        limits = licence.eirp_density_limit_dbw_per_hz, licence.eirp_limit_dbw
        density_dbw_per_hz, eirp_dbw = (inf if one is None else one for one in limits)
        symbols_db = 10 * np.log10(self.symbol_rate_baud)
        sent_dbw = np.minimum(min(eirp_dbw, self.eirp_dbw), density_dbw_per_hz + symbols_db)
        return float(np.max(sent_dbw - symbols_db - self.required_es_n0_db))


class LicenceGate(StrEnum):
    """The reason code of what a licence does not let pass."""

    NONE_HELD = "noLicence"
    EXPIRES = "licenceExpires"
    ANTENNA = "antennaBelowLicence"


@dataclass(frozen=True)
class Unlicensed:
    """Why a terminal may not be put up: the reason code, and the number that decided beside its limit."""

    gate: LicenceGate
    text: str
    value: float
    limit: float
    unit: str


def licensed(
    licences: Iterable[LicenceFact], country: str | None, band: str, terminal_class: str, period: Period
) -> bool:
    """Whether one licence covers the period; of an open period its first day, since licences are renewed.

    `country` is `None` at sea, where nothing is licensed.
    """
    return any(_covers(one, period) for one in _of_kind(licences, country, band, terminal_class))


def licence_for(
    licences: Iterable[LicenceFact],
    country: str | None,
    band: str,
    terminal_class: str,
    period: Period,
    antenna_diameter_m: float,
    sends: Sends,
) -> LicenceFact | Unlicensed:
    """The licence that a terminal is put up under, of several the one that leaves most to what it sends; or why none.

    Among those that leave alike the first by reference counts.
    """
    held = list(_of_kind(licences, country, band, terminal_class))
    if country is None:
        text = "the place lies in no country: nobody can license a terminal there"
        return Unlicensed(LicenceGate.NONE_HELD, text, 0, 1, "licences")
    what = f"{band}-band licence in {country} for terminals of class {terminal_class}"
    begun = [one for one in held if one.valid_from <= period.start_at.date() <= one.valid_until]
    if not begun:
        return Unlicensed(LicenceGate.NONE_HELD, f"no {what} covers the period", 0, 1, "licences")
    covering = [one for one in begun if _covers(one, period)]
    if not covering:
        last, end = max(one.valid_until for one in begun), _last_day(period)
        text = f"the {what} ends on {last}, the term on {end}"
        return Unlicensed(LicenceGate.EXPIRES, text, (end - last).days, 0, "days")
    least_m = [one.least_antenna_diameter_m or 0.0 for one in covering]
    large_enough = [one for one, least in zip(covering, least_m, strict=True) if antenna_diameter_m >= least]
    if not large_enough:
        text = f"the {what} asks for an antenna of {min(least_m):g} m or more"
        return Unlicensed(LicenceGate.ANTENNA, text, antenna_diameter_m, min(least_m), "m")
    return min(large_enough, key=lambda one: (-sends.left_db(one), one.reference))


def _of_kind(
    licences: Iterable[LicenceFact], country: str | None, band: str, terminal_class: str
) -> Iterator[LicenceFact]:
    asked = country, band, terminal_class
    return (one for one in licences if country is not None and (one.country, one.band, one.terminal_class) == asked)


def _covers(licence: LicenceFact, period: Period) -> bool:
    return licence.valid_from <= period.start_at.date() and _last_day(period) <= licence.valid_until


def _last_day(period: Period) -> date:
    """Of an open period its first."""
    if period.stop_at is None:
        return period.start_at.date()
    return (period.stop_at - timedelta(microseconds=1)).date()


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
