"""What is asked about the payload of a satellite over HTTP: its frequency plan, its switch matrix, its collisions."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Query, Request, Response
from sqlmodel import Session, col, select

from satcom.core.errors import Refused
from satcom.core.routes import Routes
from satcom.core.security import Capability
from satcom.core.tmf_api import database_of, json_response, token_of, who_may
from satcom.core.tmf_openapi import refusals
from satcom.core.values import Json, reference
from satcom.resource.naming import resources_called, visible_to_caller
from satcom.resource.payload import MAX_BANDWIDTH_HZ, Beam, Transponder
from satcom.resource.payload_plan import (
    LEAST_CI_DB,
    Channel,
    PlanFault,
    Side,
    collisions,
    connections,
    disturbed,
    reuse,
)
from satcom.resource.resource import Finite, Resource
from satcom.resource.satellite import Satellite

PATH: Final = "/satcom-api/resource/v1/payloadPlan"
P = TypeVar("P", Beam, Transponder)
routes = Routes("payload")


@routes.on(
    "GET",
    PATH,
    name="read payloadPlan",
    openapi_extra={"responses": refusals("404", "422")},
    first=who_may(Capability.READ_NETWORK),
)
def read_payload_plan(
    request: Request,
    satelliteId: str | None = None,  # noqa: N803 (the names on the wire)
    guardHz: Annotated[int, Query(ge=0, le=MAX_BANDWIDTH_HZ)] = 0,  # noqa: N803
    leastCiDb: Annotated[Finite, Query(ge=0, le=60)] = LEAST_CI_DB,  # noqa: N803
) -> Response:
    """The channels of a satellite up and down, which beams they connect, and where they collide.

    `guardHz` is the gap that channels of one beam and polarisation are to keep, `leastCiDb` what frequency reuse in
    another beam may cost at the worst place. Of a satellite that moves beams are not compared.
    """
    if satelliteId is None:
        raise Refused("satelliteId", "which satellite is mandatory", "missing", "an id or a name")
    with database_of(request).request(token_of(request)) as (session, _):
        (satellite,) = resources_called(session, Satellite, [satelliteId], "satelliteId")
        beams = {one.id: one for one in _of(session, Beam, satellite)}
        transponders = _of(session, Transponder, satellite)
    return json_response(plan_body(satellite, beams, transponders, guardHz, leastCiDb))


def _of(session: Session, kind: type[P], satellite: Satellite) -> Sequence[P]:
    there = select(kind).where(visible_to_caller(session, kind), col(kind.satellite_id) == satellite.id)
    return session.exec(there.order_by(col(kind.name), col(kind.id))).all()


def plan_body(
    satellite: Satellite,
    beams: Mapping[str, Beam],
    transponders: Sequence[Transponder],
    guard_hz: int,
    least_ci_db: float,
) -> dict[str, Json]:
    sides = {side: [_channel(one, side) for one in transponders] for side in Side}
    faults = [fault for side, channels in sides.items() for fault in collisions(side, channels, guard_hz)]
    stands_at = satellite.orbital_longitude_deg
    if stands_at is not None:
        shapes = {one.id: one.shape(stands_at) for one in beams.values()}
        for side, channels in sides.items():
            faults += disturbed(side, channels, shapes, stands_at, least_ci_db)
    named = {one.id: _named(one) for one in (*beams.values(), *transponders)}
    matrix = connections(sides[Side.UPLINK], sides[Side.DOWNLINK])
    width_hz = {one.id: one.bandwidth_hz for one in transponders}
    return {
        "satellite": _named(satellite),
        "guardHz": guard_hz,
        "leastCiDb": least_ci_db,
        "beam": [{**_named(one), "band": one.band.value} for one in beams.values()],
        "uplink": [_channel_body(one, named) for one in _by_frequency(sides[Side.UPLINK])],
        "downlink": [_channel_body(one, named) for one in _by_frequency(sides[Side.DOWNLINK])],
        "uplinkReuse": round(reuse(sides[Side.UPLINK]), 2),
        "downlinkReuse": round(reuse(sides[Side.DOWNLINK]), 2),
        "connection": [
            {
                "uplinkBeam": named[up],
                "downlinkBeam": named[down],
                "transponder": [named[one] for one in through],
                "bandwidthHz": sum(width_hz[one] for one in through),
            }
            for (up, down), through in matrix.items()
        ],
        "fault": [_fault_body(one, named) for one in faults],
        "illustrative": any(one.illustrative for one in (*beams.values(), *transponders)),
    }


def _channel(one: Transponder, side: Side) -> Channel:
    up = side is Side.UPLINK
    low_edge_hz = one.uplink_hz(one.low_edge_hz) if up else one.low_edge_hz
    beam, polarisation = (
        (one.uplink_beam_id, one.uplink_polarisation) if up else (one.downlink_beam_id, one.downlink_polarisation)
    )
    edges = low_edge_hz, low_edge_hz + one.bandwidth_hz
    return Channel(one.id, one.name, beam, polarisation.value, *edges, one.eirp_saturation_dbw)


def _by_frequency(channels: Sequence[Channel]) -> list[Channel]:
    return sorted(channels, key=lambda one: (one.low_edge_hz, one.name))


def _channel_body(one: Channel, named: Mapping[str, Json]) -> Json:
    return {
        "transponder": named[one.transponder_id],
        "beam": named[one.beam_id],
        "polarisation": one.polarisation,
        "lowEdgeHz": one.low_edge_hz,
        "highEdgeHz": one.high_edge_hz,
    }


def _fault_body(one: PlanFault, named: Mapping[str, Json]) -> Json:
    return {
        "code": one.code.value,
        "side": one.side.value,
        "transponder": [named[one.first.transponder_id], named[one.second.transponder_id]],
        "value": round(one.value, 6),
        "limit": one.limit,
        "unit": one.unit,
        "text": one.text,
    }


def _named(one: Resource) -> dict[str, Json]:
    return reference(one.id, type(one).__name__, one.href, one.name).wire()
