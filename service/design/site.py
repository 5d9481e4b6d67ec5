"""The site's end of a solution: satellite, teleport and terminal, as every way to a site names them."""

from datetime import datetime

from satcom.core.values import Json
from satcom.resource.physics.orbit import element_age_days
from satcom.service.design.facts import SatelliteFacts, TerminalTypeFacts
from satcom.service.design.payloads import Gateway
from satcom.service.design.sky import Promised
from satcom.service.design.survey import Survey


def site_values(
    found: Survey,
    satellite_row: int,
    gateway: Gateway,
    kind: TerminalTypeFacts,
    transponder_rows: list[int],
    promised: Promised,
) -> dict[str, Json]:
    """What `SiteWay` holds beside its carriers. It is illustrative when anything that it rests on is."""
    fleet = found.fleet
    satellite, transponders = fleet.satellites[satellite_row], [fleet.transponders[row] for row in transponder_rows]
    station, hub = fleet.stations[gateway.station], fleet.hubs[gateway.hub]
    beams = {one.uplink_beam_id for one in transponders} | {one.downlink_beam_id for one in transponders}
    made_up = [satellite.illustrative, station.illustrative, hub.illustrative, kind.illustrative]
    made_up += [one.illustrative for one in transponders]
    made_up += [fleet.beams[fleet.beam_index[one]].illustrative for one in beams]
    return {
        "satellite_id": satellite.id,
        "satellite_name": satellite.name,
        "band": kind.band,
        "earth_station_id": station.id,
        "earth_station_name": station.name,
        "antenna_id": gateway.antenna.id,
        "hub_id": hub.id,
        "hub_name": hub.name,
        "terminal_type_id": kind.id,
        "terminal_type_name": kind.name,
        "antenna_diameter_m": kind.antenna_diameter_m,
        "azimuth_deg": float(found.site.azimuth_deg[satellite_row, 0]),
        "elevation_deg": float(found.site.elevation_deg[satellite_row, 0]),
        "element_age_days": _element_age_days(satellite, found.at),
        "licence_reference": found.licences[kind.id].reference,
        "availability_percent": promised.availability_percent,
        "confidence_percent": promised.confidence_percent,
        "illustrative": any(made_up),
    }


def _element_age_days(satellite: SatelliteFacts, at: datetime) -> float:
    """Of the elements that it was looked for with; before it is in service, its slot tells where it will stand."""
    if satellite.elements is None or satellite.before_service:
        return 0.0
    return element_age_days(satellite.elements, at)
