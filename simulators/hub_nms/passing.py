"""Satellites that pass, as the simulated sky has them: where each is at an instant, and which one serves a terminal.

Own code over the public SGP4: its frame (TEME) is turned by Greenwich mean sidereal time, UT1 is taken as UTC and the
pole as standing still, which moves a satellite by less than a kilometre. The terminal has the satellite that stands
highest among those that one of its hubs sees, and of these hubs the one that sees it highest.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from sgp4 import omm
from sgp4.api import Satrec, jday

from satcom.simulators.hub_nms.configuration import Constellation, Hub, MeanElements, Terminal
from satcom.simulators.hub_nms.sky import Place, look_angles

LOWEST_AT_HUB_DEG = 5.0
J2000 = 2_451_545.0


@dataclass(frozen=True)
class Passing:
    """Who serves a terminal at an instant, and where it is."""

    satellite_id: str
    hub_id: str
    there_m: Place


def serving(constellation: Constellation, terminal: Terminal, hubs: Iterable[Hub], at: datetime) -> Passing | None:
    """Who serves the terminal at an instant; None when nobody does."""
    ways, able = [], list(hubs)
    for satellite in constellation.satellites:
        there_m = earth_fixed_m(satellite.elements, at)
        if there_m is None:
            continue
        elevation_deg = _elevation_deg(terminal, there_m)
        hub = _hub_that_sees_best(able, there_m) if elevation_deg >= constellation.lowest_elevation_deg else None
        if hub is not None:
            ways.append((-elevation_deg, satellite.id, Passing(satellite.id, hub.id, there_m)))
    return min(ways)[2] if ways else None


def _hub_that_sees_best(hubs: Iterable[Hub], there_m: Place) -> Hub | None:
    seen = [(-_elevation_deg(one, there_m), one.id, one) for one in hubs]
    seeing = [one for one in seen if -one[0] >= max(one[2].horizon_mask_deg, LOWEST_AT_HUB_DEG)]
    return min(seeing, key=lambda one: one[:2])[2] if seeing else None


def _elevation_deg(place: Hub | Terminal, there_m: Place) -> float:
    return look_angles(place.latitude_deg, place.longitude_deg, place.altitude_m, there_m).elevation_deg


def earth_fixed_m(elements: MeanElements, at: datetime) -> Place | None:
    """Where the satellite is; None when it has come down."""
    utc = at.astimezone(UTC)
    day, share = jday(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second + utc.microsecond / 1e6)
    error, position_km, _ = _record(elements).sgp4(day, share)
    if error:
        return None
    turned = sidereal_angle(day, share)
    x_m, y_m, z_m = (1000 * one for one in position_km)
    return (
        math.cos(turned) * x_m + math.sin(turned) * y_m,
        math.cos(turned) * y_m - math.sin(turned) * x_m,
        z_m,
    )


def sidereal_angle(day: float, share: float) -> float:
    """Greenwich mean sidereal time of a Julian date and share of a day, in radians. Source: IAU 1982."""
    centuries = (day - J2000 + share) / 36_525
    seconds = 67_310.548_41 + centuries * (
        876_600 * 3600 + 8_640_184.812_866 + centuries * (0.093_104 - 6.2e-6 * centuries)
    )
    return math.radians(seconds / 240 % 360)


@lru_cache(maxsize=4096)
def _record(elements: MeanElements) -> Satrec:
    told = elements.model_dump(by_alias=True) | {
        "EPOCH": elements.epoch.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "CLASSIFICATION_TYPE": "U",
        "OBJECT_ID": "",
        "EPHEMERIS_TYPE": 0,
        "ELEMENT_SET_NO": 0,
        "REV_AT_EPOCH": 0,
        "NORAD_CAT_ID": 0,
    }
    record = Satrec()
    omm.initialize(record, told)
    return record
