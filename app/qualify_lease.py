"""What `satcom qualify-lease` asks: which transponders have the spectrum that a customer wants for his own carriers.

It asks the local network and writes nothing. What is typed wrong is named by its option.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from sqlmodel import Session, col, select

from satcom.app.as_typed import as_typed
from satcom.app.qualify_terms import terms_at
from satcom.app.qualify_view import show_qualification
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.resource import Band, Polarisation
from satcom.resource.satellite import Satellite
from satcom.service.demand import LeaseDemand
from satcom.service.qualification import qualify

OPTIONS: Final = {
    "/bandwidthHz": "--mhz",
    "/powerSharePercent": "--power-share",
    "/uplinkLatitudeDeg": "--from-latitude",
    "/uplinkLongitudeDeg": "--from-longitude",
    "/downlinkLatitudeDeg": "--to-latitude",
    "/downlinkLongitudeDeg": "--to-longitude",
    "/startAt": "--start",
    "/stopAt": "--stop",
}
Place = tuple[float | None, float | None]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]


def qualify_lease_command(opened: Callable[[], AbstractContextManager[Database]]) -> Callable[..., None]:
    """The command, on the database that `opened` opens."""

    def command(
        mhz: Annotated[float, typer.Option(help="Bandwidth, MHz.")],
        power_share: Annotated[
            float | None, typer.Option(help="Of the transponder's power, percent; left out: as of its bandwidth.")
        ] = None,
        satellite: Annotated[list[str] | None, typer.Option(help="Only on this one; may be repeated.")] = None,
        band: Annotated[
            list[Band] | None, typer.Option(help=f"{', '.join(Band)}; may be repeated.", case_sensitive=False)
        ] = None,
        polarisation: Annotated[
            Polarisation | None, typer.Option(help=f"Of the downlink: {', '.join(Polarisation)}.")
        ] = None,
        from_latitude: Annotated[float | None, typer.Option(help="The customer sends from here, degrees.")] = None,
        from_longitude: Annotated[float | None, typer.Option(help="East is positive.")] = None,
        to_latitude: Annotated[float | None, typer.Option(help="The customer receives here, degrees.")] = None,
        to_longitude: Annotated[float | None, typer.Option(help="East is positive.")] = None,
        start: Day = None,
        stop: Day = None,
        brief: Annotated[bool, typer.Option("--brief", help="A line for each reason.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
    ) -> None:
        """Whether spectrum can be leased, on which transponders, and why not on others. Nothing is reserved.

        The customer brings his own carriers and terminals. Days are in UTC; left out: from now on, without
        end, which is a year at least.
        """
        if not 1 <= mhz * 1e6 <= MAX_BANDWIDTH_HZ:
            accepted = f"0.000001 to {MAX_BANDWIDTH_HZ / 1e6:g} MHz"
            raise Refused("--mhz", f"{mhz:g} MHz is no bandwidth", "outOfRange", accepted)
        demand = LeaseDemand(
            capacity="leasedSpectrum",
            bandwidth_hz=round(mhz * 1e6),
            power_share_percent=power_share,
            bands=tuple(one.value for one in band) if band else None,
            polarisation=polarisation.value if polarisation else None,
            uplink_latitude_deg=from_latitude,
            uplink_longitude_deg=from_longitude,
            downlink_latitude_deg=to_latitude,
            downlink_longitude_deg=to_longitude,
            start_at=start.replace(tzinfo=UTC) if start else now(),
            stop_at=stop.replace(tzinfo=UTC) if stop else None,
        )
        with opened() as database:
            with database.as_worker() as session:
                wanted = _satellites(session, satellite or [])
                with as_typed(OPTIONS):
                    answer = qualify(session, demand.model_copy(update={"satellites": wanted}))
            terms = terms_at(database, answer)
        if as_json:
            typer.echo(json.dumps(answer.wire() | terms.wire(answer.solutions)))
        else:
            show_qualification(Console(), answer, terms, brief)

    return command


def _satellites(session: Session, asked: list[str]) -> tuple[str, ...] | None:
    """Their names. Raises `Refused` on one that nobody has by this id, name, or name it was loaded under."""
    known = session.exec(select(Satellite).order_by(col(Satellite.name))).all()
    by_name = {name: one.name for one in known for name in (one.id, one.name)}
    found = {one: by_name.get(one) or by_name.get(loaded_id(Satellite.__name__, one)) for one in asked}
    unknown = [one for one, name in found.items() if name is None]
    if unknown:
        accepted = "; ".join(one.name for one in known)
        raise Refused.all(
            [Fault("--satellite", f"there is no satellite {one!r}", "notFound", accepted) for one in unknown]
        )
    return tuple(name for name in found.values() if name is not None) or None
