"""Reading a constellation for a qualification: its payload, who flies, its gateways, and what of them is taken.

The path is looked at over the coming hours, from the begun one on, with the element sets that are known; sets that are
older than a week are taken a week after the newest of them, since they know nothing of the manoeuvres that keep the
satellites apart. Deciding is `service.design.constellation`.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from satcom.resource.capacity_day import read_day
from satcom.resource.constellation import Constellation
from satcom.resource.constellation_share import cells_lit, room_in_cell, room_of_feeders
from satcom.resource.element_age import limit_days
from satcom.resource.ground import EarthStation
from satcom.resource.ground_cell import cell_of
from satcom.resource.hold import Period
from satcom.resource.hub import Hub, free_ports
from satcom.resource.naming import NotThere
from satcom.resource.passes import Fleet, fleet_called
from satcom.resource.physics.climate import altitude_km
from satcom.service.demand import SiteDemand
from satcom.service.design.constellation_facts import (
    CellsLit,
    ConstellationFacts,
    FlownFacts,
    GatewayFacts,
    PassingInputs,
)
from satcom.service.design.facts import Assumptions
from satcom.service.design.facts import Fleet as Ground
from satcom.service.design.sky import LONGEST_PROPAGATION


def read_passing(
    network: Session,
    read: tuple[Ground, Assumptions],
    one: Constellation,
    demand: SiteDemand,
    country: str,
    hours: int,
    at: datetime,
    without: Sequence[str] = (),
) -> PassingInputs:
    """What an answer is computed from; `read` is what `read_network` gives, which is the same for all of them.

    The holds `without` which it is asked take nothing.
    """
    period = Period(demand.start_at, demand.stop_at)
    ground, assumed = read
    facts = _facts(network, one, period, at, without, ground)
    cell = cell_of(demand.latitude_deg, demand.longitude_deg, one.beam_diameter_km)
    room = room_in_cell(network, one, cell, period, without)
    return PassingInputs(
        at=at,
        start_at=_start(facts, at),
        hours=hours,
        country=country,
        height_m=_height_m(demand),
        constellation=facts,
        assumed=assumed,
        forward_room_hz=room.forward_hz,
        return_room_hz=room.return_hz,
        elements_limit_days=limit_days(network),
        cell=cell,
        day=read_day(network, one),
        beams_per_satellite=one.beams_per_satellite,
        cells_lit=tuple(CellsLit(*each) for each in cells_lit(network, one, cell, period, without).items()),
    )


def _height_m(demand: SiteDemand) -> float:
    if demand.altitude_m is not None:
        return demand.altitude_m
    return 1000 * max(float(altitude_km.or_nan(demand.latitude_deg, demand.longitude_deg)), 0.0)


def _start(facts: ConstellationFacts, at: datetime) -> datetime:
    """From now on, but not longer after the newest set than sets can be trusted."""
    newest = max((one.elements.epoch for one in facts.satellites), default=at)
    return min(at, newest + LONGEST_PROPAGATION)


def _facts(
    network: Session, one: Constellation, period: Period, at: datetime, without: Sequence[str], ground: Ground
) -> ConstellationFacts:
    flown = _satellites(network, one, at)
    return ConstellationFacts(
        id=one.id,
        name=one.name,
        user_band=one.user_band.value,
        rule=one.handover_rule,
        lowest_elevation_deg=one.lowest_elevation_deg,
        edge_gain_db=one.edge_gain_db,
        gateway_power_control_db=one.gateway_power_control_db,
        terminal_power_control_db=one.terminal_power_control_db,
        forward=one.forward,
        return_link=one.return_link,
        satellites=tuple(FlownFacts(str(each.satellite.reference["id"]), each.satellite.name, each.elements)
                         for each in flown.flown),
        gateways=_gateways(network, one, period, without),
        terminal_types=ground.terminal_types,
        licences=ground.licences,
        illustrative=one.illustrative,
        satellite_count=len(flown.flown),
        beam_diameter_km=one.beam_diameter_km,
    )  # fmt: skip


def _satellites(network: Session, one: Constellation, at: datetime) -> Fleet:
    """Those that carry traffic; a constellation may have been declared before its first satellite."""
    try:
        return fleet_called(network, (), one.name, (), at)
    except NotThere:
        return Fleet(())


def _gateways(network: Session, one: Constellation, period: Period, without: Sequence[str]) -> tuple[GatewayFacts, ...]:
    """In the order of the declaration, with the ports that are free and what is left of each feeder."""
    stations = {
        each.id: each
        for each in network.exec(
            select(EarthStation).where(col(EarthStation.id).in_([gateway.earth_station_id for gateway in one.gateways]))
        )
    }
    wanted = [gateway.hub_id for gateway in one.gateways]
    hubs = {each.id: each for each in network.exec(select(Hub).where(col(Hub.id).in_(wanted)))}
    free = dict(zip(wanted, free_ports(network, wanted, period, without).tolist(), strict=True))
    rooms, by_time = room_of_feeders(network, one, period, without), one.capacity_day is not None
    return tuple(
        GatewayFacts(
            station_id=station.id,
            name=station.name,
            latitude_deg=station.latitude_deg,
            longitude_deg=station.longitude_deg,
            altitude_m=station.altitude_m,
            horizon_mask_deg=station.horizon_mask_deg,
            antenna=antenna,
            hub_id=gateway.hub_id,
            hub_name=hubs[gateway.hub_id].name,
            free_ports=free[gateway.hub_id],
            forward_room_hz=None if room is None else min(room.forward_hz),
            return_room_hz=None if room is None else min(room.return_hz),
            forward_by_slot_hz=() if room is None or not by_time else room.forward_hz,
            return_by_slot_hz=() if room is None or not by_time else room.return_hz,
        )
        for gateway in one.gateways
        if gateway.earth_station_id in stations and gateway.hub_id in hubs
        for station, room in ((stations[gateway.earth_station_id], rooms.get(gateway.earth_station_id)),)
        for antenna in station.antennas
        if antenna.id == gateway.antenna_id
    )
