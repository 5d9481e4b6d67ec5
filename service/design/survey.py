"""Survey: who could serve the site at all, before any link is worked out.

For each satellite and band, in the order of `Reason`: in service in the whole period, licence, look angles above the
masks, contours, approved terminal. Whoever fails here leaves a setback: how far it came, and the number that decided.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from satcom.core.values import Json
from satcom.resource.hold import Period
from satcom.resource.licence import LicenceFact, Unlicensed, licence_for
from satcom.resource.physics import coverage
from satcom.resource.physics.climate import altitude_km
from satcom.service.demand import DemandPeriod, SiteDemand
from satcom.service.design.facts import Fleet, SatelliteFacts, TerminalTypeFacts
from satcom.service.design.licensing import highest_uplink_hz, sends
from satcom.service.design.payloads import Gateway, Payload, gateway_called, payloads, transponder_arrays
from satcom.service.design.sky import LOWEST_ELEVATION_DEG, Look, beam_shapes, gateway_beam_gain_db, gateway_look, look
from satcom.service.way import PathPart, Reason

Array = NDArray[np.float64]
EARTH_RADIUS_KM = 6371.0
_STAGES = {reason: stage for stage, reason in enumerate(Reason, start=1)}


@dataclass(frozen=True)
class Setback:
    """Where a candidate failed. Of two, the one that came further counts, then the one that missed by less."""

    reason: Reason
    subject: str
    text: str
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    missed_by: float = 0.0
    asked_for: bool = True
    free_at: datetime | None = None

    @property
    def progress(self) -> tuple[float, float]:
        """What the customer did not ask for came less far than all that he did."""
        return (_STAGES[self.reason] if self.asked_for else 0.0), -self.missed_by

    def free_from(self, free_at: datetime | None) -> "Setback":
        """The same, with the instant from which on there would be room, where that is known."""
        if free_at is None:
            return self
        return replace(self, free_at=free_at, text=f"{self.text}, free from {free_at:%Y-%m-%d}")

    def told(self) -> dict[str, Json]:
        """What a loser tells of it."""
        names = ("subject", "reason", "value", "limit", "unit", "text", "free_at")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class LostPart:
    """One part of a path over a satellite that no way has, and why."""

    satellite: int
    part: PathPart
    name: str
    setback: Setback


@dataclass(frozen=True, eq=False)
class Reached:
    """A payload that sees the site: the rows of its own lists that are left, and why its others are not."""

    payload: Payload
    transponders: NDArray[np.intp]
    gateways: tuple[int, ...]
    terminals: tuple[int, ...]
    lost: tuple[LostPart, ...] = ()


@dataclass(frozen=True, eq=False)
class Survey:
    """The payloads that are left, and why the others are not. `height_km` is that of the site.

    `licences` are by id of the type of terminal that may be put up under them.
    """

    fleet: Fleet
    at: datetime
    period: Period
    country: str | None
    height_km: float
    site: Look
    site_beam_gain_db: Array
    reached: tuple[Reached, ...]
    setbacks: dict[int, Setback]
    licences: dict[str, LicenceFact]

    @property
    def transponder_ids(self) -> tuple[str, ...]:
        fleet = self.fleet
        return tuple(
            fleet.transponders[row].id for one in self.reached for row in one.payload.transponders[one.transponders]
        )

    @property
    def hub_ids(self) -> tuple[str, ...]:
        hubs = {one.payload.gateways[row].hub for one in self.reached for row in one.gateways}
        return tuple(self.fleet.hubs[row].id for row in sorted(hubs))


def keep_furthest(setbacks: dict[int, Setback], satellite: int, setback: Setback) -> None:
    """Remember the setback of the candidate that came furthest."""
    before = setbacks.get(satellite)
    if before is None or setback.progress > before.progress:
        setbacks[satellite] = setback


def survey(fleet: Fleet, demand: SiteDemand, country: str | None, at: datetime) -> Survey:
    """Look at all satellites from the site."""
    period = Period(demand.start_at, demand.stop_at)
    latitude, longitude = np.array([demand.latitude_deg]), np.array([demand.longitude_deg])
    if demand.altitude_m is None:
        height_km = max(float(altitude_km.or_nan(latitude, longitude)[0]), 0.0)
    else:
        height_km = demand.altitude_m / 1000
    site = look(fleet, latitude, longitude, np.array([height_km * 1000]), at)
    gain_db = coverage.relative_gain_db.or_nan(beam_shapes(fleet), latitude, longitude)[:, 0]
    setbacks: dict[int, Setback] = {}
    serving = set()
    for row, satellite in enumerate(fleet.satellites):
        if satellite.elements is None and not satellite.before_service:
            text = "no elements tell where it stands"
            setbacks[row] = Setback(Reason.NOT_IN_SERVICE, satellite.name, text, 0, 1, "element sets")
        elif satellite.in_service_throughout(demand.start_at, demand.served_until):
            serving.add(row)
        else:
            setbacks[row] = not_in_service(satellite, demand)
    licences = _Licences(fleet, country, period, demand.rate_bps("return"))
    reached = []
    for payload in payloads(fleet):
        if payload.satellite not in serving:
            continue
        found = _examine(fleet, payload, demand, licences, site, gain_db, at)
        if isinstance(found, Setback):
            keep_furthest(setbacks, payload.satellite, found)
        else:
            reached.append(found)
    for row in serving - {one.satellite for one in payloads(fleet)}:
        keep_furthest(setbacks, row, without_transponder(fleet.satellites[row]))
    return Survey(fleet, at, period, country, height_km, site, gain_db, tuple(reached), setbacks, licences.held)


class _Licences:
    """Under which licence each type of terminal may stand in the country, or why under none; by id."""

    def __init__(self, fleet: Fleet, country: str | None, period: Period, rate_bps: int) -> None:
        up_hz = {band: highest_uplink_hz(fleet, band) for band in {one.band for one in fleet.terminal_types}}
        mine = [one for one in fleet.licences if one.country == country]
        self.held: dict[str, LicenceFact] = {}
        self.refused: dict[str, Unlicensed] = {}
        for one in fleet.terminal_types:
            sent = sends(one, up_hz[one.band], rate_bps)
            found = licence_for(mine, country, one.band, one.terminal_class, period, one.antenna_diameter_m, sent)
            if isinstance(found, LicenceFact):
                self.held[one.id] = found
            else:
                self.refused[one.id] = found

    def refusal(self, subject: str, kinds: Iterable[TerminalTypeFacts]) -> Setback:
        """Of several types the one that comes furthest, and misses by less."""
        told = [setback_of(subject, self.refused[one.id]) for one in kinds]
        return max(told, key=lambda one: one.progress)


def setback_of(subject: str, why: Unlicensed) -> Setback:
    """The same as a loser tells it."""
    return Setback(
        Reason(why.gate.value), subject, why.text, why.value, why.limit, why.unit, abs(why.value - why.limit)
    )


def _examine(
    fleet: Fleet,
    payload: Payload,
    demand: SiteDemand,
    licences: _Licences,
    site: Look,
    gain_db: Array,
    at: datetime,
) -> Reached | Setback:
    """One payload through all stages."""
    subject, band = f"{fleet.satellites[payload.satellite].name} {payload.band}", payload.band
    if demand.bands is not None and band not in demand.bands:
        text = f"{band} band was not asked for"
        return Setback(Reason.NO_APPROVED_TERMINAL, subject, text, 0, 1, "bands asked for", asked_for=False)
    kinds = [fleet.terminal_types[row] for row in payload.terminals]
    wanted = demand.terminal_types
    asked = [one for one in kinds if wanted is None or one.is_among(wanted)] or kinds
    if asked and not any(one.id in licences.held for one in asked):
        return licences.refusal(subject, asked)
    allowed = [row for row, one in enumerate(kinds) if one.id in licences.held]
    elevation_deg = float(site.elevation_deg[payload.satellite, 0])
    if not elevation_deg >= LOWEST_ELEVATION_DEG:
        text = f"elevation at the site {elevation_deg:.1f} deg, at least {LOWEST_ELEVATION_DEG:.1f} is needed"
        return _below_mask(subject, text, elevation_deg, LOWEST_ELEVATION_DEG)
    gateways = _gateways_in_sight(fleet, payload, subject, at)
    if isinstance(gateways, Setback):
        return gateways
    covered = _covered(fleet, payload, gateways, demand, subject, gain_db)
    if isinstance(covered, Setback):
        return covered
    accepted = [row for row in allowed if wanted is None or kinds[row].is_among(wanted)]
    terminals = tuple(row for row in accepted if kinds[row].approved)
    if not terminals:
        what = f"{len(accepted)} terminal types of {band} band" if accepted else f"no terminal type of {band} band"
        text = f"{what} would do, none of them approved" if accepted else f"{what} that would be accepted"
        return Setback(Reason.NO_APPROVED_TERMINAL, subject, text, 0, 1, "terminal types")
    lost = _lost_parts(fleet, payload, subject, gateways, asked, licences, at)
    return Reached(payload, covered, gateways, terminals, tuple(lost))


def _lost_parts(
    fleet: Fleet,
    payload: Payload,
    subject: str,
    gateways: tuple[int, ...],
    kinds: Iterable[TerminalTypeFacts],
    licences: _Licences,
    at: datetime,
) -> Iterator[LostPart]:
    """Of a payload that is left the terminal types that may not be put up, and the gateways below their masks."""
    for kind in kinds:
        why = _no_terminal(subject, kind, licences)
        if why is not None:
            yield LostPart(payload.satellite, PathPart.TERMINAL_TYPE, kind.name, why)
    above = _above_masks_deg(fleet, payload, at)
    for row, (one, each) in enumerate(zip(payload.gateways, above, strict=True)):
        if row not in gateways:
            named = gateway_called(fleet, one)
            yield LostPart(payload.satellite, PathPart.GATEWAY, named, _below_its_mask(fleet, one, each, subject))


def _no_terminal(subject: str, kind: TerminalTypeFacts, licences: _Licences) -> Setback | None:
    if kind.id not in licences.held:
        return licences.refusal(subject, [kind])
    if kind.approved:
        return None
    return Setback(Reason.NO_APPROVED_TERMINAL, subject, f"{kind.name} is not approved", 0, 1, "terminal types")


def _above_masks_deg(fleet: Fleet, payload: Payload, at: datetime) -> list[tuple[float, float]]:
    """Of each gateway the elevation at which it sees the satellite, and its mask."""
    elevation = gateway_look(fleet, at).elevation_deg[payload.satellite]
    masks = (max(fleet.stations[one.station].horizon_mask_deg, LOWEST_ELEVATION_DEG) for one in payload.gateways)
    return [(float(elevation[one.station]), mask) for one, mask in zip(payload.gateways, masks, strict=True)]


def _below_its_mask(fleet: Fleet, one: Gateway, above: tuple[float, float], subject: str) -> Setback:
    elevation_deg, mask_deg = above
    text = f"elevation at {fleet.stations[one.station].name} {elevation_deg:.1f} deg, its mask is {mask_deg:.1f}"
    return _below_mask(subject, text, elevation_deg, mask_deg)


def _gateways_in_sight(fleet: Fleet, payload: Payload, subject: str, at: datetime) -> tuple[int, ...] | Setback:
    if not payload.gateways:
        text = f"no hub with an antenna serves it in {payload.band} band"
        return Setback(Reason.NO_HUB_PORT, subject, text, 0, 1, "ports")
    above = _above_masks_deg(fleet, payload, at)
    seen = tuple(row for row, (elevation_deg, mask_deg) in enumerate(above) if elevation_deg >= mask_deg)
    if seen:
        return seen
    best = int(np.argmax([elevation_deg - mask_deg for elevation_deg, mask_deg in above]))
    return _below_its_mask(fleet, payload.gateways[best], above[best], subject)


def _covered(
    fleet: Fleet, payload: Payload, gateways: tuple[int, ...], demand: SiteDemand, subject: str, gain_db: Array
) -> NDArray[np.intp] | Setback:
    """The transponders that can carry one direction at least, when both directions can be carried."""
    arrays, rows = transponder_arrays(fleet), payload.transponders
    up_beam, down_beam = arrays.up_beam[rows], arrays.down_beam[rows]
    stations = np.array([payload.gateways[row].station for row in gateways])
    gateway_db = gateway_beam_gain_db(fleet)
    forward = np.isfinite(gain_db[down_beam])
    back = np.isfinite(gain_db[up_beam])
    if not forward.any() or not back.any():
        beams = down_beam if not forward.any() else up_beam
        return _outside(fleet, set(beams.tolist()), demand, subject)
    if demand.polarisation is not None:
        forward &= arrays.down_polarisation[rows] == demand.polarisation
    forward &= np.isfinite(gateway_db[up_beam][:, stations]).any(axis=1)
    back &= np.isfinite(gateway_db[down_beam][:, stations]).any(axis=1)
    if not forward.any() or not back.any():
        asked = f" and comes down {demand.polarisation}" if demand.polarisation is not None else ""
        which = "towards" if not forward.any() else "from"
        text = f"no transponder {which} the site joins it with a gateway{asked}"
        return Setback(Reason.OUTSIDE_CONTOUR, subject, text, 0, 1, "transponders")
    return np.flatnonzero(forward | back)


def _outside(fleet: Fleet, beams: set[int], demand: SiteDemand, subject: str) -> Setback:
    """By how far the site lies outside the nearest of the beams, as the crow flies."""
    name, distance_km = min(
        ((fleet.beams[row].name, _distance_km(fleet, row, demand)) for row in sorted(beams)), key=lambda one: one[1]
    )
    text = f"the site lies {distance_km:.0f} km outside the beam {name}"
    return Setback(Reason.OUTSIDE_CONTOUR, subject, text, distance_km, 0, "km", missed_by=distance_km)


def _distance_km(fleet: Fleet, row: int, demand: SiteDemand) -> float:
    """To the nearest corner of the outermost contours, or to the centre of a round beam."""
    beam = fleet.beams[row]
    if beam.boresight is not None:
        corners = np.array([[beam.boresight.longitude_deg, beam.boresight.latitude_deg]])
    else:
        corners = np.array([corner for contour in beam.contours for corner in contour.polygon])
    longitude, latitude = np.radians(corners).T
    here, there = np.radians(demand.latitude_deg), latitude
    half = np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * (
        np.sin((longitude - np.radians(demand.longitude_deg)) / 2) ** 2
    )
    return float(np.min(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))))


def _below_mask(subject: str, text: str, value: float, limit: float) -> Setback:
    known = value if np.isfinite(value) else None
    return Setback(Reason.BELOW_MASK, subject, text, known, limit, "deg", limit - value if known is not None else 180.0)


def without_transponder(satellite: SatelliteFacts) -> Setback:
    return Setback(Reason.OUTSIDE_CONTOUR, satellite.name, "it has no transponder", 0, 1, "transponders")


def not_in_service(satellite: SatelliteFacts, asked: DemandPeriod) -> Setback:
    """Why a satellite does not carry traffic in all of the period."""
    begin, end = satellite.in_service_date, satellite.end_of_life_date
    period, last = Period(asked.start_at, asked.stop_at), asked.served_until or asked.start_at
    if begin is None:
        return Setback(Reason.NOT_IN_SERVICE, satellite.name, "no date of service is known", 0, 1, "dates of service")
    if begin > asked.start_at.date():
        text, late = f"it enters service on {begin}, after {period}", (begin - asked.start_at.date()).days
        return Setback(Reason.NOT_IN_SERVICE, satellite.name, text, late, 0, "days", missed_by=late)
    if end is not None and end <= last.date():
        missing = (last - datetime.combine(end, time(), UTC)) / timedelta(days=1)
        wanted = f"the period is {period}"
        if asked.stop_at is None and asked.least_until is not None:
            wanted = f"what has no end is to last until {last:%Y-%m-%d} at least"
        text = f"it ends its life on {end}, {wanted}"
        return Setback(Reason.NOT_IN_SERVICE, satellite.name, text, round(missing, 3), 0, "days")
    text = f"it carries no traffic: {satellite.state.value}"
    return Setback(Reason.NOT_IN_SERVICE, satellite.name, text, 0, 1, "satellites in service")
