"""What a simulated hub is told of the world: the operator's own hubs, satellites and terminal types.

The simulator has code and physics of its own; the radio values that it starts from are those of the inventory, so that
a link that was budgeted right measures as planned.
"""

import math
from collections.abc import Sequence

from sqlmodel import Session, col, select

from satcom.core.clock import now
from satcom.core.values import Json, instant_text
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.constellation import BeamPayload, Constellation
from satcom.resource.ground import Antenna, EarthStation, TerminalType
from satcom.resource.hub import Hub
from satcom.resource.naming import NotThere
from satcom.resource.passes import Flown, fleet_called
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.mean_elements import KEYWORDS
from satcom.resource.physics.orbit import mean_elements
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.activation import letter, payload_id
from satcom.service.demand import DIRECTIONS
from satcom.service.design.facts import Assumptions

REFERENCE_TEMPERATURE_K = 290.0
TERMINAL_ANTENNA_TEMPERATURE_K = 45.0  # clear sky and what the antenna sees of the ground, above 20 degrees


def fleet_of(session: Session) -> dict[str, Json]:
    """The fleet as the simulator of hubs takes it.

    Only hubs with ports are in it, of satellites those that stand still and have transponders, and all constellations
    with those that carry traffic, by the newest elements that are kept of each.

    Shared carriers are taken to be on the air: whoever loads a pool says that its hub has it.
    """
    standing = session.exec(select(Satellite).where(col(Satellite.orbital_longitude_deg).is_not(None))).all()
    ids = [one.id for one in standing]
    of_them = select(Transponder).where(col(Transponder.satellite_id).in_(ids))
    transponders = session.exec(of_them.order_by(col(Transponder.id))).all()
    satellites = [_satellite(one, transponders) for one in sorted(standing, key=lambda one: one.id)]
    stations = {one.id: one for one in session.exec(select(EarthStation))}
    hubs = session.exec(select(Hub).where(col(Hub.ports) > 0).order_by(col(Hub.id)))
    beams = session.exec(select(Beam).where(col(Beam.satellite_id).in_(ids)).order_by(col(Beam.id)))
    on_the_air = select(CarrierPool, SpectrumAssignment).join(
        SpectrumAssignment, col(SpectrumAssignment.id) == col(CarrierPool.spectrum_assignment_id)
    )
    carried = {one.id: one for one in transponders}
    pools = session.exec(on_the_air.order_by(col(CarrierPool.id))).all()
    types = session.exec(select(TerminalType).order_by(col(TerminalType.id)))
    passing = session.exec(select(Constellation).order_by(col(Constellation.id))).all()
    return {
        "hubs": [_hub(one, stations[one.earth_station_id], transponders, passing) for one in hubs],
        "satellites": [one for one in satellites if one["transponders"]],
        "terminal_types": [_terminal_type(one) for one in types],
        "beams": [_beam(one) for one in beams],
        "shared_carriers": [
            _shared_carrier(pool, slot, carried[slot.transponder_id])
            for pool, slot in pools
            if slot.transponder_id in carried
        ],
        "constellations": [_constellation(session, one) for one in passing],
    }


def _hub(
    hub: Hub, station: EarthStation, transponders: Sequence[Transponder], passing: Sequence[Constellation]
) -> dict[str, Json]:
    antennas: list[Json] = [
        _antenna(one, transponders, _payloads_through(one, hub, passing)) for one in station.antennas
    ]
    return {
        "id": hub.id,
        "latitude_deg": station.latitude_deg,
        "longitude_deg": station.longitude_deg,
        "altitude_m": station.altitude_m,
        "antenna_diameter_m": station.antennas[0].diameter_m,
        "ports": hub.ports,
        "antennas": antennas,
        "horizon_mask_deg": max(station.horizon_mask_deg, 0.0),
    }


def _payloads_through(antenna: Antenna, hub: Hub, passing: Sequence[Constellation]) -> list[str]:
    """The payloads of the constellations whose gateway the antenna is."""
    return [
        payload_id(one.id, direction)
        for one in passing
        for direction in DIRECTIONS
        if any(gateway.hub_id == hub.id and gateway.antenna_id == antenna.id for gateway in one.gateways)
    ]


def _antenna(antenna: Antenna, transponders: Sequence[Transponder], payload_ids: Sequence[str]) -> dict[str, Json]:
    served: list[Json] = [
        one.id for one in transponders if one.satellite_id in antenna.satellite_ids and one.band == antenna.band
    ]
    served += payload_ids
    return {
        "transponder_ids": served,
        "antenna_diameter_m": antenna.diameter_m,
        "antenna_efficiency": antenna.efficiency,
        "hpa_power_dbw": antenna.hpa_power_dbw,
        "system_noise_temperature_k": antenna.noise_temperature_k,
    }


def _shared_carrier(pool: CarrierPool, slot: SpectrumAssignment, transponder: Transponder) -> dict[str, Json]:
    """The first carrier of the pool: the others are like it, and a terminal is on one of them at a time."""
    carriers = pool.symbol_rate_baud / pool.carrier_symbol_rate_baud
    downlink_hz = slot.start_hz + round((slot.stop_hz - slot.start_hz) / carriers / 2)
    return {
        "id": pool.id,
        "hub_id": pool.hub_id,
        "direction": pool.direction.value,
        "satellite_id": transponder.satellite_id,
        "transponder_id": transponder.id,
        "uplink_center_hz": transponder.uplink_hz(downlink_hz),
        "downlink_center_hz": downlink_hz,
        "symbol_rate_baud": pool.carrier_symbol_rate_baud,
        "roll_off": pool.rolloff,
        "power_share": slot.power_share_hz / transponder.bandwidth_hz / carriers,
    }


def _satellite(satellite: Satellite, transponders: Sequence[Transponder]) -> dict[str, Json]:
    carried: list[Json] = [_transponder(one) for one in transponders if one.satellite_id == satellite.id]
    return {"id": satellite.id, "longitude_deg": satellite.orbital_longitude_deg, "transponders": carried}


def _beam(one: Beam) -> dict[str, Json]:
    boresight: Json = None if one.boresight is None else one.boresight.model_dump(mode="json", by_alias=False)
    contours: list[Json] = [
        {"level_db": line.level_db, "polygon": [list(place) for place in line.polygon]} for line in one.contours
    ]
    return {"id": one.id, "contours": contours, "boresight": boresight}


def _constellation(session: Session, one: Constellation) -> dict[str, Json]:
    """Its satellites are those that carry traffic and whose elements are kept; there may be none yet."""
    try:
        flown = fleet_called(session, (), one.name, (), now()).flown
    except NotThere:
        flown = ()
    payloads = (payload_id(one.id, "forward"), one.forward), (payload_id(one.id, "return"), one.return_link)
    return {
        "id": one.id,
        "lowest_elevation_deg": one.lowest_elevation_deg,
        "edge_gain_db": one.edge_gain_db,
        "transponders": [{"id": name, **_radio(payload)} for name, payload in payloads],
        "satellites": [_passing(each) for each in flown],
    }


def _passing(one: Flown) -> Json:
    mean = mean_elements(one.elements)
    elements: dict[str, Json] = {keyword: getattr(mean, attribute) for keyword, attribute, *_ in KEYWORDS}
    return {"id": one.satellite.reference["id"], "elements": {"EPOCH": instant_text(one.elements.epoch), **elements}}


def _transponder(one: Transponder) -> dict[str, Json]:
    beams: dict[str, Json] = {"uplink_beam_id": one.uplink_beam_id, "downlink_beam_id": one.downlink_beam_id}
    return {"id": one.id, **_radio(one), **beams}


def _radio(one: Transponder | BeamPayload) -> dict[str, Json]:
    return {
        "uplink_center_hz": one.uplink_center_hz,
        "downlink_center_hz": one.downlink_center_hz,
        "bandwidth_hz": one.bandwidth_hz,
        "uplink_polarisation": letter(one.uplink_polarisation),
        "downlink_polarisation": letter(one.downlink_polarisation),
        "eirp_saturation_dbw": one.eirp_saturation_dbw,
        "g_over_t_db_per_k": one.g_over_t_db_per_k,
        "sfd_dbw_per_m2": one.sfd_dbw_per_m2,
        "input_backoff_db": one.input_backoff_db,
        "output_backoff_db": one.output_backoff_db,
        "carrier_to_interference_db": interference_db(Assumptions()),
        "carrier_to_intermodulation_db": Assumptions().intermodulation_ci_db,
    }


def interference_db(assumed: Assumptions) -> float:
    """C/I of neighbouring satellites and the other polarisation together."""
    ratios_db = (
        assumed.uplink_adjacent_satellite_ci_db,
        assumed.uplink_cross_polar_ci_db,
        assumed.downlink_adjacent_satellite_ci_db,
        assumed.downlink_cross_polar_ci_db,
    )
    return -10 * math.log10(sum(10 ** (-one / 10) for one in ratios_db))


def _terminal_type(kind: TerminalType) -> dict[str, Json]:
    receiver_k = REFERENCE_TEMPERATURE_K * (10 ** (kind.lnb_noise_figure_db / 10) - 1)
    return {
        "name": kind.name,
        "antenna_efficiency": kind.antenna_efficiency,
        "system_noise_temperature_k": receiver_k + TERMINAL_ANTENNA_TEMPERATURE_K,
    }
