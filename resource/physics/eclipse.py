"""Eclipses of satellites: when Earth or Moon hides the Sun from them, in part or wholly.

In the penumbra a part of the Sun is hidden, in the umbra all of it. The Earth is the ellipsoid of WGS 84; its
atmosphere, which bends some light into the umbra, is left out.

Source: geometry of discs as seen from the satellite; Sun and Moon by ERFA (`sun`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

import numpy as np

from satcom.resource.physics.event_search import Interval, crossing_s, intervals_below
from satcom.resource.physics.orbit import EARTH_FLATTENING, EARTH_RADIUS_KM, Array
from satcom.resource.physics.sun import (
    MOON_RADIUS_KM,
    SUN_RADIUS_KM,
    Track,
    instant,
    instant_s,
    moon_position_km,
    separation_deg,
    sun_position_km,
)
from satcom.resource.physics.sun_outage import search_step_s

_BETWEEN_SEASONS = timedelta(days=20)
_TO_SPHERE = np.array([1.0, 1.0, 1 / (1 - EARTH_FLATTENING)])  # makes the ellipsoid a sphere, and rays stay straight


class Body(StrEnum):
    """What hides the Sun."""

    EARTH = "earth"
    MOON = "moon"


@dataclass(frozen=True)
class Eclipse:
    """One eclipse of a satellite. `umbra_start` and `umbra_end` are `None` when the Sun is never hidden wholly."""

    body: Body
    start: datetime
    umbra_start: datetime | None
    deepest: datetime
    umbra_end: datetime | None
    end: datetime
    hidden: float  # share of the Sun's disc at the deepest, 0 to 1

    @property
    def umbra(self) -> timedelta:
        if self.umbra_start is None or self.umbra_end is None:
            return timedelta(0)
        return self.umbra_end - self.umbra_start


@dataclass(frozen=True)
class EclipseSeason:
    """Eclipses that follow each other within days, as at an equinox."""

    first: datetime
    last: datetime
    eclipses: int
    longest: Eclipse
    umbra: timedelta  # all together


def eclipses(
    satellite: Track, start: datetime, stop: datetime, bodies: Sequence[Body] = (Body.EARTH, Body.MOON)
) -> list[Eclipse]:
    """Every eclipse in the period, by its start; one that reaches over an end of it is cut there.

    Raises `ValueError` on an instant without time zone or a period that does not end after it starts.
    """
    begin_s, end_s = instant_s(start), instant_s(stop)
    step_s = search_step_s(satellite, begin_s)
    found: list[Eclipse] = []
    for body in bodies:
        penumbras = intervals_below(partial(_uncovered_deg, body, satellite), begin_s, end_s, step_s)
        found.extend(_with_umbra(body, satellite, penumbras))
    return sorted(found, key=lambda one: one.start)


def eclipse_seasons(found: Sequence[Eclipse]) -> list[EclipseSeason]:
    """The table of seasons of eclipses by the Earth; those by the Moon keep none."""
    seasons: list[list[Eclipse]] = []
    for one in (one for one in found if one.body is Body.EARTH):
        if seasons and one.start - seasons[-1][-1].end < _BETWEEN_SEASONS:
            seasons[-1].append(one)
        else:
            seasons.append([one])
    return [
        EclipseSeason(
            first=season[0].start,
            last=season[-1].end,
            eclipses=len(season),
            longest=max(season, key=lambda one: (one.umbra, one.end - one.start)),
            umbra=sum((one.umbra for one in season), timedelta(0)),
        )
        for season in seasons
    ]


def _uncovered_deg(body: Body, satellite: Track, at_s: Array) -> Array:
    """Angle between the two limbs that meet first; below zero in the penumbra."""
    apart, hiding, sun = _discs_deg(body, satellite, at_s)
    return apart - hiding - sun


def _not_wholly_deg(body: Body, satellite: Track, at_s: Array) -> Array:
    """Below zero when the Sun is hidden wholly."""
    apart, hiding, sun = _discs_deg(body, satellite, at_s)
    return apart - hiding + sun


def _discs_deg(body: Body, satellite: Track, at_s: Array) -> tuple[Array, Array, Array]:
    """As the satellite sees them: from the middle of the Sun to that of the body, and the radius of each."""
    place_km, sun_km = satellite(at_s), sun_position_km(at_s)
    if body is Body.EARTH:
        place_km, sun_km = place_km * _TO_SPHERE, sun_km * _TO_SPHERE
        body_km, radius_km = np.zeros_like(place_km), EARTH_RADIUS_KM
    else:
        body_km, radius_km = moon_position_km(at_s), MOON_RADIUS_KM
    to_sun_km, to_body_km = sun_km - place_km, body_km - place_km
    hiding = np.degrees(np.arcsin(np.minimum(radius_km / np.linalg.norm(to_body_km, axis=-1), 1.0)))
    sun = np.degrees(np.arcsin(SUN_RADIUS_KM / np.linalg.norm(to_sun_km, axis=-1)))
    return separation_deg(to_sun_km, to_body_km), hiding, sun


def _with_umbra(body: Body, satellite: Track, penumbras: list[Interval]) -> list[Eclipse]:
    """The eclipses, all at once."""
    if not penumbras:
        return []
    not_wholly = partial(_not_wholly_deg, body, satellite)
    start_s, deepest_s, stop_s = np.array([(one.start_s, one.lowest_s, one.stop_s) for one in penumbras]).T
    total = not_wholly(deepest_s) < 0
    umbra_s = np.full((2, len(penumbras)), np.nan)
    for side, ends_s in enumerate((start_s[total], stop_s[total])):
        cut = not_wholly(ends_s) < 0 if len(ends_s) else np.empty(0, dtype=bool)  # by the end of the period
        umbra_s[side, total] = np.where(cut, ends_s, crossing_s(not_wholly, ends_s, deepest_s[total]))
    discs = zip(*_discs_deg(body, satellite, deepest_s), strict=True)
    return [
        Eclipse(
            body=body,
            start=instant(one.start_s),
            umbra_start=instant(begin) if wholly else None,
            deepest=instant(one.lowest_s),
            umbra_end=instant(end) if wholly else None,
            end=instant(one.stop_s),
            hidden=hidden_share(*(float(value) for value in disc)),
        )
        for one, wholly, begin, end, disc in zip(penumbras, total, *umbra_s, discs, strict=True)
    ]


def hidden_share(apart_deg: float, hiding_radius_deg: float, sun_radius_deg: float) -> float:
    """Share of the Sun's disc that another disc hides: the lens of two circles."""
    if apart_deg >= hiding_radius_deg + sun_radius_deg:
        return 0.0
    if apart_deg <= abs(hiding_radius_deg - sun_radius_deg):
        return min(1.0, (hiding_radius_deg / sun_radius_deg) ** 2)
    d, r, s = apart_deg, hiding_radius_deg, sun_radius_deg
    of_hiding = r**2 * np.arccos((d**2 + r**2 - s**2) / (2 * d * r))
    of_sun = s**2 * np.arccos((d**2 + s**2 - r**2) / (2 * d * s))
    kite = 0.5 * np.sqrt((-d + r + s) * (d + r - s) * (d - r + s) * (d + r + s))
    return float((of_hiding + of_sun - kite) / (np.pi * s**2))
