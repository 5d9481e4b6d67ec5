"""Planned events of a service: when the Sun takes it away at one of its ends, and when its satellite is dark.

The receivers are those of its link budget: the antenna of the terminal, and that of the teleport. An outage is when the
noise of the Sun costs more than the carrier can bear under clear sky, by the budget that was sold. Each end is asked by
itself. A satellite in eclipse lives from its batteries; the service goes on.
Where the satellite stands is the middle of its box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan, log10
from zoneinfo import ZoneInfo

from sqlmodel import Session
from tzfpy import get_tz

from satcom.core.database import network_view
from satcom.core.errors import RuleRefused
from satcom.core.values import Json
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.payload import Transponder
from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.eclipse import Eclipse, eclipses
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.physics.sun import track_of_place, track_of_slot
from satcom.resource.physics.sun_outage import Receiver, SunOutage, bearable_degradation_db, sun_outages
from satcom.resource.planned_event import eclipse_body, eclipse_entry, outage_body, outage_entry
from satcom.resource.satellite import Satellite
from satcom.service.constellation_solution import PassingCarrier
from satcom.service.inventory import Service
from satcom.service.service_place import place_of
from satcom.service.solution import SiteSolution
from satcom.service.way import CarrierPlan

LEAST_DB = 0.1  # a carrier without margin is lost to any Sun


@dataclass(frozen=True)
class End:
    """One end of the link, with what receives there. `bears_db` is what the Sun may cost the carrier."""

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    mask_deg: float
    receiver: Receiver
    bears_db: float

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(get_tz(self.longitude_deg, self.latitude_deg) or "UTC")


@dataclass(frozen=True)
class ServiceLink:
    """A service over a geostationary satellite."""

    satellite: str
    longitude_deg: float
    site: End
    gateway: End


@dataclass(frozen=True)
class PlannedEvents:
    """The events of a service in a period, each list by time."""

    link: ServiceLink
    at_site: Sequence[SunOutage]
    at_gateway: Sequence[SunOutage]
    eclipses: Sequence[Eclipse]

    def body(self) -> list[Json]:
        """By time; each says its kind and where."""
        found: list[tuple[datetime, dict[str, Json]]] = []
        for end, outages in ((self.link.site, self.at_site), (self.link.gateway, self.at_gateway)):
            told: dict[str, Json] = {"kind": "sunOutage", "at": end.name, "bearsDb": round(end.bears_db, 2)}
            found += [(one.start, told | outage_body(one, end.zone)) for one in outages]
        dark: dict[str, Json] = {"kind": "eclipse", "at": self.link.satellite}
        found += [(one.start, dark | eclipse_body(one)) for one in self.eclipses]
        return [one for _, one in sorted(found, key=lambda one: one[0])]

    def entries(self) -> list[CalendarEntry]:
        satellite = self.link.satellite
        ends = ((self.link.site, self.at_site), (self.link.gateway, self.at_gateway))
        outages = [outage_entry(one, satellite, end.name) for end, several in ends for one in several]
        return outages + [eclipse_entry(one, satellite) for one in self.eclipses]


def events_of(link: ServiceLink, start: datetime, stop: datetime) -> PlannedEvents:
    """All of a period."""
    track = track_of_slot(link.longitude_deg)

    def outages(end: End) -> list[SunOutage]:
        ground = track_of_place(end.latitude_deg, end.longitude_deg, end.altitude_m / 1000)
        return sun_outages(track, ground, end.receiver, max(end.bears_db, LEAST_DB), start, stop, end.mask_deg)

    return PlannedEvents(link, outages(link.site), outages(link.gateway), eclipses(track, start, stop))


def link_of(session: Session, service: Service, solution: SiteSolution) -> ServiceLink:
    """What receives at both ends of a service.

    Raises `RuleRefused` where that is not on record, or moves, or stands below the horizon.
    """
    with network_view(session) as network:
        satellite = network.get_one(Satellite, solution.satellite_id)
        station = network.get_one(EarthStation, solution.earth_station_id)
        terminal = network.get_one(TerminalType, solution.terminal_type_id)
        down = {
            plan.direction: float(network.get_one(Transponder, plan.transponder_id).downlink_center_hz)
            for plan in (solution.forward, solution.return_link)
        }
    if satellite.orbital_longitude_deg is None:
        raise RuleRefused("serviceId", f"{satellite.name} moves", "movingSatellite", "satcom passes")
    dish = next((one for one in station.antennas if one.id == solution.antenna_id), None)
    if dish is None:
        why = f"{station.name} has no antenna {solution.antenna_id} any more"
        raise RuleRefused("serviceId", why, "notOnRecord", "")
    at_site = receiver_of(terminal.antenna_diameter_m, terminal.antenna_efficiency, down["forward"], solution.forward)
    at_gateway = receiver_of(dish.diameter_m, dish.efficiency, down["return"], solution.return_link)
    teleport = (station.latitude_deg, station.longitude_deg, station.altitude_m, station.horizon_mask_deg)
    place = place_of(service)
    site = (place.latitude_deg, place.longitude_deg, place.altitude_m, 0.0)
    link = ServiceLink(
        satellite.name,
        satellite.orbital_longitude_deg,
        End(service.name or service.id, *site, at_site, bears_db(solution.forward)),
        End(station.name, *teleport, at_gateway, bears_db(solution.return_link)),
    )
    check_seen(link)
    return link


def check_seen(link: ServiceLink) -> None:
    """Raises `RuleRefused` when an end does not see the satellite: the Sun takes nothing away there."""
    for end in (link.site, link.gateway):
        look = slot_angles.or_nan(link.longitude_deg, end.latitude_deg, end.longitude_deg, end.altitude_m)
        high_deg = float(look.elevation_deg.item())
        if high_deg < 0:
            why = f"{link.satellite} is below the horizon of {end.name}: it stands {high_deg:.1f} degrees high"
            raise RuleRefused("serviceId", why, "belowHorizon", "a service whose ends see its satellite")


def receiver_of(diameter_m: float, efficiency: float, freq_hz: float, plan: CarrierPlan | PassingCarrier) -> Receiver:
    """The antenna with the noise temperature that the budget counts under clear sky. Raises as `in_the_sun`."""
    gain_dbi = float(parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz))
    return in_the_sun(diameter_m, efficiency, freq_hz, 10 ** ((gain_dbi - _line(plan, "Station G/T")) / 10))


def in_the_sun(diameter_m: float, efficiency: float, freq_hz: float, temperature_k: float) -> Receiver:
    """Raises `RuleRefused` where the noise of the Sun is not known, as above 30 GHz."""
    try:
        return Receiver(diameter_m, efficiency, freq_hz, temperature_k)
    except ValueError as wrong:
        raise RuleRefused("serviceId", f"the Sun is not computed: {wrong}", "outOfRange", "") from wrong


def bears_db(plan: CarrierPlan | PassingCarrier) -> float:
    """What the Sun may cost the down link; nothing of a carrier that has no margin."""
    per_symbol_db = _line(plan, "Downlink C/N0") - 10 * float(log10(plan.symbol_rate_baud))
    # over satellites that pass, the budget is that of the instant with the least margin in rain
    whole_db = _line(plan, "C/(N+I) = Es/(N0+I0)") if isinstance(plan, PassingCarrier) else plan.clear_sky_es_n0_db
    bearable_db = bearable_degradation_db(whole_db, per_symbol_db, plan.required_es_n0_db)
    return 0.0 if isnan(bearable_db) else bearable_db


def _line(plan: CarrierPlan | PassingCarrier, label: str) -> float:
    """A line of the budget that was sold, under clear sky. Raises `RuleRefused` where it is not on record."""
    value = next((one.clear_sky for one in plan.budget if one.label == label), None)
    if value is None:
        raise RuleRefused("serviceId", f"the budget that was sold has no line {label}", "notOnRecord", "")
    return value
