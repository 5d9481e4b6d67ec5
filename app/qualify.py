"""What `satcom qualify` asks: which ways there are to deliver a link, or access on shared carriers, and why not others.

It asks the local network and writes nothing. Prices and terminals are in `app.qualify_terms`, what is shown in
`app.qualify_view`. What is typed wrong is named by its option, in the unit it was typed in.
"""

import json
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import Field, TypeAdapter
from rich.console import Console
from sqlmodel import Session, col, select

from satcom.app.parameter_names import offered
from satcom.app.qualify_partners import partner_terms_at, show_partners, with_partners_asked
from satcom.app.qualify_terms import terms_at
from satcom.app.qualify_view import show_qualification
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.values import Json
from satcom.resource.catalog import NetworkNeed
from satcom.resource.ground import TerminalType
from satcom.resource.resource import Band
from satcom.service.demand import AccessDemand, ConstellationDemand, Demand, LinkDemand, SiteDemand
from satcom.service.qualification import LARGEST_RATE_BPS, check_demand, qualify
from satcom.service.solution import Qualification

# Each field of a demand as it is typed: the option, and its unit.
OPTIONS = {
    "/latitudeDeg": "--latitude",
    "/longitudeDeg": "--longitude",
    "/downlinkRateBps": "--down-mbps",
    "/uplinkRateBps": "--up-mbps",
    "/downlinkCommittedRateBps": "--committed-down-mbps",
    "/uplinkCommittedRateBps": "--committed-up-mbps",
    "/availabilityPercent": "--availability",
    "/country": "--country",
    "/startAt": "--start",
    "/stopAt": "--stop",
    "/constellation": "--constellation",
    "/hours": "--hours",
}
Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Left out: now.")]
Stop = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Left out: without end, a year at least."),
]
OverConstellation = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Over its passing satellites, not the fixed ones.", show_default=False),
]
COMMITTED = ("--committed-down-mbps", "--committed-up-mbps")
SITE_DEMAND: TypeAdapter[LinkDemand | AccessDemand] = TypeAdapter(
    Annotated[LinkDemand | AccessDemand, Field(discriminator="capacity")]
)
RATES = {name: OPTIONS[name] for name in ("/downlinkRateBps", "/uplinkRateBps")}


def qualify_at(database: Database, demand: Demand, every_way: bool = False) -> Qualification:
    """The network's answer, and that of partners where it has no way; with `every_way` none of ours is left out.

    Raises `Refused` with every fault, each under its option.
    """
    with database.as_worker() as session:
        _check_terminals(session, demand.terminal_types or () if isinstance(demand, SiteDemand) else ())
        try:
            answer = qualify(session, demand, every_way)
        except Refused as refused:
            raise Refused.all([_of_option(fault) for fault in refused.faults]) from refused
    return with_partners_asked(database, answer)


def demand_asked(
    place: tuple[float, float],
    rates_mbps: tuple[float, float],
    availability_percent: float,
    start: datetime | None,
    stop: datetime | None,
    country: str | None = None,
    bands: Sequence[str] = (),
    terminals: Sequence[str] = (),
    committed_mbps: tuple[float, float] | None = None,
) -> LinkDemand | AccessDemand:
    """The demand as it was typed: rates down and up, days in UTC, by default from now on and without end.

    With `committed_mbps` it is for shared carriers, and the rates are those at most.

    Raises `Refused` with every fault, each under its option and in the unit that was typed.
    """
    typed = dict(zip(RATES, rates_mbps, strict=True))
    wrong = [_rate_fault(RATES[name], mbps) for name, mbps in typed.items() if not _is_rate(mbps)]
    known = {one.value.lower(): one.value for one in Band}
    accepted = ", ".join(known.values())
    unknown = [one for one in bands if one.lower() not in known]
    wrong += [Fault("--band", f"there is no band {one!r}", "notFound", accepted) for one in unknown]
    down_bps, up_bps = (round(mbps * 1e6) if _is_rate(mbps) else 1 for mbps in rates_mbps)
    kind: dict[str, Json] = {"capacity": NetworkNeed.CARRIERS.value}
    if committed_mbps is not None:
        wrong += [
            Fault(option, f"{mbps:g} Mbit/s is no rate", "outOfRange", "0 Mbit/s up to the rate")
            for option, mbps, rate_mbps in zip(COMMITTED, committed_mbps, rates_mbps, strict=True)
            if not 0 <= mbps <= rate_mbps
        ]
        pairs = zip(committed_mbps, rates_mbps, strict=True)
        down, up = (round(mbps * 1e6) if 0 <= mbps <= rate_mbps else 0 for mbps, rate_mbps in pairs)
        kind = {
            "capacity": NetworkNeed.POOL_SHARE.value,
            "downlink_committed_rate_bps": down,
            "uplink_committed_rate_bps": up,
        }
    asked = SiteDemand(
        downlink_rate_bps=down_bps,
        uplink_rate_bps=up_bps,
        availability_percent=availability_percent,
        latitude_deg=place[0],
        longitude_deg=place[1],
        country=country.upper() if country else None,
        bands=tuple(known[one.lower()] for one in bands if one.lower() in known) or None,
        terminal_types=tuple(terminals) or None,
        start_at=start.replace(tzinfo=UTC) if start else now(),
        stop_at=stop.replace(tzinfo=UTC) if stop else None,
    )
    demand = SITE_DEMAND.validate_python(asked.model_dump() | kind)
    try:
        check_demand(demand)
    except Refused as refused:
        wrong += [_of_option(fault) for fault in refused.faults]
    if wrong:
        raise Refused.all(wrong)
    return demand


def _is_rate(mbps: float) -> bool:
    return math.isfinite(mbps) and 1 <= round(mbps * 1e6) <= LARGEST_RATE_BPS


def _rate_fault(option: str, mbps: float) -> Fault:
    accepted = f"0.000001 to {LARGEST_RATE_BPS / 1e6:g} Mbit/s"
    return Fault(option, f"{mbps:g} Mbit/s is out of range", "outOfRange", accepted)


def _of_option(fault: Fault) -> Fault:
    """The fault of a demand in the words of who typed it: days are without hours."""
    return replace(fault, field=OPTIONS.get(fault.field, fault.field), why=fault.why.replace("T00:00:00+00:00", ""))


def _check_terminals(session: Session, asked: Sequence[str]) -> None:
    """Raises `Refused` on a terminal type that nobody has by this id, name, or name it was loaded under."""
    if not asked:
        return
    types = session.exec(select(TerminalType).order_by(col(TerminalType.name))).all()
    known = {name for one in types for name in (one.id, one.name)}
    unknown = [one for one in asked if not {one, loaded_id(TerminalType.__name__, one)} & known]
    if unknown:
        accepted = "; ".join(one.name for one in types)
        raise Refused.all(
            [Fault("--terminal", f"there is no terminal {one!r}", "notFound", accepted) for one in unknown]
        )


Bands = Annotated[
    list[str] | None,
    typer.Option(help=f"{', '.join(Band)}; may be given more than once.", autocompletion=offered(Band)),
]


def qualify_command(opened: Callable[[], AbstractContextManager[Database]]) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        latitude: Annotated[float, typer.Option(help="Of the site, in degrees; north is positive.")],
        longitude: Annotated[float, typer.Option(help="Of the site, in degrees; east is positive.")],
        down_mbps: Annotated[float, typer.Option(help="Rate to the site, Mbit/s.")] = 10.0,
        up_mbps: Annotated[float, typer.Option(help="Rate from the site, Mbit/s.")] = 4.0,
        availability: Annotated[float, typer.Option(help="Share of an average year, in percent.")] = 99.5,
        country: Annotated[str | None, typer.Option(help="ISO 3166 letters; left out: from the map.")] = None,
        band: Bands = None,
        terminal: Annotated[
            list[str] | None, typer.Option(help="A terminal type; may be given more than once.")
        ] = None,
        shared: Annotated[
            bool, typer.Option("--shared", help="Over carriers that many share: the rates are those at most.")
        ] = False,
        committed_down_mbps: Annotated[float, typer.Option(help="Of a shared rate to the site, always there.")] = 0.0,
        committed_up_mbps: Annotated[float, typer.Option(help="Of a shared rate from the site, always there.")] = 0.0,
        start: Start = None,
        stop: Stop = None,
        every_way: Annotated[
            bool, typer.Option("--all", help="Also ways that take more of a band with the same terminal than another.")
        ] = False,
        brief: Annotated[bool, typer.Option("--brief", help="A line for each way and each reason.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
        constellation: OverConstellation = None,
        hours: Annotated[int, typer.Option(metavar="N", help="Of passes to look at, up to 168.")] = 24,
    ) -> None:
        """Whether a link can be delivered at a place, how, and why not otherwise. Nothing is reserved."""
        rates, committed = (down_mbps, up_mbps), (committed_down_mbps, committed_up_mbps)
        if not shared and any(committed):
            why = "a link of its own has its rates all the time"
            raise Refused("--shared", f"it is missing: {why}", "missing", "--shared")
        demand = demand_asked(
            (latitude, longitude),
            rates,
            availability,
            start,
            stop,
            country,
            band or (),
            terminal or (),
            committed if shared else None,
        )
        if constellation is not None:
            _over_constellation(opened, demand, constellation, hours, brief=brief, as_json=as_json)
            return
        with opened() as database:
            answer = qualify_at(database, demand, every_way)
            terms, through_partners = terms_at(database, answer), partner_terms_at(database, answer)
        if as_json:
            told = answer.wire() | terms.wire(answer.solutions)
            typer.echo(json.dumps(told | {"partners": through_partners.wire()}))
        else:
            show_qualification(Console(), answer, terms, brief)
            show_partners(Console(), through_partners)

    return command


def _over_constellation(
    opened: Callable[[], AbstractContextManager[Database]],
    demand: LinkDemand | AccessDemand,
    name: str,
    hours: int,
    *,
    brief: bool,
    as_json: bool,
) -> None:
    """Ask one constellation. The search for passes is loaded by who asks for it."""
    from satcom.app.qualify_constellation import show_constellation  # noqa: PLC0415
    from satcom.service.constellation_qualification import qualify_constellation  # noqa: PLC0415

    if isinstance(demand, AccessDemand):
        raise Refused("--shared", "carriers over a constellation are not shared", "invalid", "without --shared")
    asked = ConstellationDemand.model_validate(demand.model_dump(exclude={"capacity"}))
    with opened() as database, database.as_worker() as session:
        _check_terminals(session, demand.terminal_types or ())
        try:
            answer = qualify_constellation(session, name, asked, hours)
        except Refused as refused:
            raise Refused.all([_of_option(fault) for fault in refused.faults]) from refused
    if as_json:
        typer.echo(json.dumps(answer.wire()))
    else:
        show_constellation(Console(), answer, brief)
