"""What `satcom constellation-coverage` asks: from where satellites that move are seen, and for how much of the time.

By geometry alone, on a grid over the world or by latitude: whether a beam, a carrier or a port is free is not asked.
With earth stations a satellite counts while one of them sees it, too: a bent pipe. Drawing is `app.coverage_picture`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from satcom.app.coverage_query import CoverageMap
from satcom.core.errors import Refused
from satcom.core.wrong_value import check_ranges
from satcom.resource.element_age import check_ages
from satcom.resource.passes import LONGEST_HOURS, LOWEST_ELEVATION_DEG, Fleet, gateway_sites
from satcom.resource.physics.coverage_map import MapGrid
from satcom.resource.physics.latitude_coverage import InView, LatitudeCoverage, by_latitude, in_view_by_latitude

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]  # latitudes done, latitudes in all
USUAL_POINTS, FEWEST_POINTS, MOST_POINTS = 73, 13, 361
MOST_SATELLITE_SITE_DAYS: Final = 40_000_000  # some minutes


class TimeQuantity(StrEnum):
    """What is drawn."""

    SERVED = "served"
    GAP = "gap"
    IN_VIEW = "in-view"


TOLD: Final = {
    TimeQuantity.SERVED: ("Time in which a satellite serves", "%"),
    TimeQuantity.GAP: ("Longest gap", "min"),
    TimeQuantity.IN_VIEW: ("Satellites in view, mean", ""),
}


@dataclass(frozen=True)
class TimeAsked:
    """A map as it was typed; `start_at` with its zone, `points` along the equator."""

    quantity: TimeQuantity
    start_at: datetime
    hours: int = 24
    lowest_elevation_deg: float = LOWEST_ELEVATION_DEG
    points: int = USUAL_POINTS


def silent(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def coverage_in_time(fleet: Fleet, who: str, asked: TimeAsked, progress: Progress = silent) -> CoverageMap:
    """The map over the world. Raises `Refused` naming the field that is wrong, or what is too much."""
    grid, seen = _seen(fleet, asked, progress)
    values = np.array([_value(one, asked.quantity) for one in seen])
    title, unit = TOLD[asked.quantity]
    through = ", ".join(one.station.name for one in fleet.gateways)
    period = f"{asked.hours} h from {asked.start_at:%Y-%m-%d %H:%M} UTC"
    above = f"above {asked.lowest_elevation_deg:g}°"
    return CoverageMap(
        quantity=asked.quantity,
        grid=grid,
        values=values,
        part=np.zeros(values.shape, dtype=np.int64),
        title=title,
        unit=unit,
        satellites=(),
        beams=(),
        elements_of=min(one.elements.epoch for one in fleet.flown),
        conditions=f"{above}, {period}{f', through {through}' if through else ''}",
        illustrative=False,
        who=f"{who} ({len(fleet.flown)} satellites)",
    )


def latitudes_in_time(fleet: Fleet, asked: TimeAsked, progress: Progress = silent) -> LatitudeCoverage:
    """The same places, told for each latitude from South to North. Raises as `coverage_in_time`."""
    grid, seen = _seen(fleet, asked, progress)
    return by_latitude(grid.latitude_deg, seen)


def _seen(fleet: Fleet, asked: TimeAsked, progress: Progress) -> tuple[MapGrid, Sequence[InView]]:
    check_ranges(
        [
            ("elevationDeg", asked.lowest_elevation_deg, 0, 89),
            ("hours", asked.hours, 1, LONGEST_HOURS),
            ("points", asked.points, FEWEST_POINTS, MOST_POINTS),
        ]
    )
    if not fleet.flown:
        why = "of none of these satellites elements are kept"
        raise Refused("satelliteId", why, "noElements", "satcom elements load FILE")
    grid = MapGrid(np.linspace(-90.0, 90.0, asked.points // 2 + 1), np.linspace(-180.0, 180.0, asked.points))
    work = len(fleet.flown) * grid.shape[0] * grid.shape[1] * asked.hours / 24
    if work > MOST_SATELLITE_SITE_DAYS:
        why = f"{len(fleet.flown)} satellites seen from {grid.shape[0] * grid.shape[1]} places are too much at once"
        raise Refused("points", why, "tooMuch", "fewer points or hours")
    elements = [one.elements for one in fleet.flown]
    check_ages("startAt", elements, asked.start_at + timedelta(hours=asked.hours), fleet.elements_limit_days)
    found = in_view_by_latitude(
        elements,
        grid.latitude_deg,
        grid.longitude_deg,
        asked.lowest_elevation_deg,
        asked.start_at,
        asked.hours * 3600.0,
        gateway_sites(fleet.gateways),
    )
    seen = []
    for one in found:
        seen.append(one)
        progress(len(seen), grid.shape[0])
    return grid, seen


def _value(seen: InView, quantity: TimeQuantity) -> Array:
    """nan from where nothing is ever seen."""
    values = {
        TimeQuantity.SERVED: seen.covered_percent,
        TimeQuantity.GAP: seen.longest_gap_s / 60,
        TimeQuantity.IN_VIEW: seen.mean_in_view,
    }
    return np.where(seen.covered_percent > 0, values[quantity], np.nan)
