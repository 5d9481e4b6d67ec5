"""What is asked about the spectrum of transponders over HTTP: what lies there, what is free, how to re-pack it.

Questions only. A plan to re-pack is answered and kept nowhere; carrying it out is not built: each move is an order to
change a service, and its customer has a say in when.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import Query, Request, Response
from sqlmodel import Session

from satcom.core.errors import Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, reference
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.repack.of_transponder import repack_of
from satcom.resource.repack.plan import MOST_MOVES, RepackPlan
from satcom.resource.spectrum_pieces import Piece, megahertz
from satcom.resource.transponder_spectrum import (
    TransponderSpectrum,
    carrier_bodies,
    period_of,
    slots_for,
    spectra,
    transponder_called,
)

SPECTRUM: Final = "/satcom-api/resource/v1/transponderSpectrum"
REPACK: Final = "/satcom-api/resource/v1/repackPlan"
Hertz = Annotated[int, Query(ge=0, le=MAX_BANDWIDTH_HZ)]
Width = Annotated[int, Query(ge=1, le=MAX_BANDWIDTH_HZ)]
routes = Routes("spectrum")


@routes.on(
    "GET",
    SPECTRUM,
    name="list transponderSpectrum",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_NETWORK),
)
def list_transponder_spectrum(
    request: Request,
    transponderId: str | None = None,  # noqa: N803 (the names on the wire)
    bandwidthHz: Width | None = None,  # noqa: N803
    powerShareHz: Hertz | None = None,  # noqa: N803
    startAt: datetime | None = None,  # noqa: N803
    stopAt: datetime | None = None,  # noqa: N803
) -> Response:
    """Every transponder with what is taken and free, and its fragmentation; one alone with its carriers, too.

    With a bandwidth only those on which a slot of it is free, and where; its power is that of its bandwidth unless
    said. From now on without an end, unless a period is said. The transponder is an id, or a name with its satellite.
    """
    if bandwidthHz is None and powerShareHz is not None:
        raise Refused("powerShareHz", "a power is asked for a bandwidth", "missing", "bandwidthHz with it")
    with database_of(request).request(token_of(request)) as (session, _):
        one = transponder_called(session, transponderId) if transponderId is not None else None
        found = spectra(session, period_of(startAt, stopAt), [one.id] if one is not None else None)
        bodies = [_with_parts(session, spectrum) if one is not None else spectrum.wire() for spectrum in found]
        if bandwidthHz is not None:
            power_hz = bandwidthHz if powerShareHz is None else powerShareHz
            slots = [slots_for(spectrum, bandwidthHz, power_hz) for spectrum in found]
            bodies = [body | {"slot": _pieces(those)} for body, those in zip(bodies, slots, strict=True) if those]
        return json_response(list(bodies))


def _with_parts(session: Session, spectrum: TransponderSpectrum) -> dict[str, Json]:
    carriers: list[Json] = list(carrier_bodies(session, spectrum.carriers))
    return spectrum.wire() | {"carrier": carriers, "free": _pieces(spectrum.free)}


def _pieces(pieces: Sequence[Piece]) -> list[Json]:
    return [{"startHz": one.start_hz, "stopHz": one.stop_hz} for one in pieces]


@routes.on(
    "GET",
    REPACK,
    name="read repackPlan",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_NETWORK),
)
def read_repack_plan(
    request: Request,
    transponderId: str,  # noqa: N803 (the names on the wire)
    bandwidthHz: Width | None = None,  # noqa: N803
    powerShareHz: Hertz | None = None,  # noqa: N803
    pinned: Annotated[list[str] | None, Query(max_length=1000)] = None,
    mostMoves: Annotated[int, Query(ge=1, le=MOST_MOVES)] = MOST_MOVES,  # noqa: N803
    startAt: datetime | None = None,  # noqa: N803
    stopAt: datetime | None = None,  # noqa: N803
) -> Response:
    """The fewest moves of carriers that open a slot of this bandwidth, make before break, and of whom.

    `isShortest` is false where the search was too long to tell; no plan has fewer moves than `atLeastMoves`. With
    `isLeast` none of as many moves moves less bandwidth.

    `pinned` are carriers by id or name that are to stay. What is held for a talk or an order stays, too.
    """
    with database_of(request).request(token_of(request)) as (session, _):
        if bandwidthHz is None:
            raise Refused("bandwidthHz", "how wide a slot is to be opened is mandatory", "missing", "hertz")
        transponder = transponder_called(session, transponderId)
        (spectrum,) = spectra(session, period_of(startAt, stopAt), [transponder.id])
        known = {body["id"]: body for body in carrier_bodies(session, spectrum.carriers)}
    power_hz = bandwidthHz if powerShareHz is None else powerShareHz
    plan = repack_of(spectrum, pinned or [], bandwidthHz, power_hz, mostMoves)
    return json_response(_plan_body(spectrum, plan, known))


def _plan_body(spectrum: TransponderSpectrum, plan: RepackPlan, known: dict[Json, dict[str, Json]]) -> dict[str, Json]:
    moves: list[Json] = []
    for number, move in enumerate(plan.moves, start=1):
        carrier = known[move.carrier_id]
        moves.append(
            {
                "step": number,
                "carrier": {name: carrier[name] for name in ("id", "href", "name", "@referredType") if name in carrier},
                "who": carrier["who"],
                **({"orderReference": carrier["orderReference"]} if "orderReference" in carrier else {}),
                "fromHz": move.old.start_hz,
                "toHz": move.new.start_hz,
                "bandwidthHz": move.new.width_hz,
                "powerShareHz": carrier["powerShareHz"],
            }
        )
    one = spectrum.transponder
    return {
        "transponder": reference(one.id, "Transponder", one.href, one.name).wire(),
        "satellite": reference(
            spectrum.satellite.id, "Satellite", spectrum.satellite.href, spectrum.satellite.name
        ).wire(),
        "bandwidthHz": plan.opened.width_hz,
        "slot": _pieces([plan.opened])[0],
        "move": moves,
        "movedHz": plan.moved_hz,
        "atLeastMoves": plan.at_least,
        "isShortest": plan.is_shortest,
        "isLeast": plan.is_least,
        "summary": f"{len(moves)} moves of {megahertz(plan.moved_hz)} MHz open {megahertz(plan.opened.width_hz)} MHz",
    }
