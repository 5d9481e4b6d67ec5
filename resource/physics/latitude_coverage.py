"""How well a constellation covers the Earth: how many satellites are in view, and the gaps, by latitude."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.horizon_mask import Sites, sites_on
from satcom.resource.physics.joint_visibility import gaps, joint_windows, served_windows
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.visibility import fleet_windows
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class InView:
    """What sites see in a span, one value a site."""

    covered_percent: Array
    longest_gap_s: Array
    gaps: IntArray
    mean_in_view: Array
    least_in_view: IntArray
    most_in_view: IntArray


@dataclass(frozen=True)
class LatitudeCoverage:
    """One value a latitude, over all longitudes and the whole span.

    `covered_percent` and `mean_in_view` are means; the others are of the worst longitude, `most_in_view` of the best.
    """

    latitude_deg: Array
    covered_percent: Array
    worst_covered_percent: Array
    longest_gap_s: Array
    mean_in_view: Array
    least_in_view: IntArray
    most_in_view: IntArray


def in_view(windows: Windows, sites: int, span_s: float) -> InView:
    """Count what each of `sites` sites sees between 0 and `span_s`."""
    mine = windows.within(0, span_s)
    without = gaps(mine, sites, span_s)
    gap_s = np.bincount(without.site, weights=without.duration_s, minlength=sites)
    longest_s = np.zeros(sites)
    np.maximum.at(longest_s, without.site, without.duration_s)
    least, most = _extremes(mine, sites, span_s)
    return InView(
        covered_percent=100 * (1 - gap_s / span_s),
        longest_gap_s=longest_s,
        gaps=np.bincount(without.site, minlength=sites),
        mean_in_view=np.bincount(mine.site, weights=mine.duration_s, minlength=sites) / span_s,
        least_in_view=least,
        most_in_view=most,
    )


def _extremes(windows: Windows, sites: int, span_s: float) -> tuple[IntArray, IntArray]:
    """Fewest and most satellites in view at once, for however short a time, but not for none."""
    every = np.arange(sites)
    site = np.concatenate([every, windows.site, windows.site])
    change = np.repeat([0, 1, -1], [sites, len(windows), len(windows)])
    at_s = np.concatenate([np.zeros(sites), windows.rise_s, windows.set_s])
    order = np.lexsort((at_s, site))
    site, change, at_s = site[order], change[order], at_s[order]
    running = np.cumsum(change)
    # a site ends with as many sets as rises, so that the count starts from nothing at the next
    lasts = np.concatenate([(site[1:] == site[:-1]) & (at_s[1:] > at_s[:-1]), [False]])
    lasts |= np.concatenate([site[1:] != site[:-1], [True]]) & (at_s < span_s)
    least = np.full(sites, np.iinfo(np.int64).max)
    np.minimum.at(least, site[lasts], running[lasts])
    most = np.zeros(sites, np.int64)
    np.maximum.at(most, site[lasts], running[lasts])
    return least, most


def in_view_by_latitude(
    elements: Sequence[Elements],
    latitude_deg: ArrayLike,
    longitude_deg: ArrayLike,
    horizon_deg: float,
    start: datetime,
    duration_s: float,
    gateways: Sites | None = None,
) -> Iterator[InView]:
    """What is seen from each longitude of one latitude after the other, so that memory is that of one.

    With `gateways` a satellite counts while one of them sees it, too (a bent pipe). Raises `ValueError` on what
    `sites_on` and the search refuse.
    """
    longitudes = np.atleast_1d(np.asarray(longitude_deg, float))
    at_gateways = fleet_windows(elements, gateways, start, duration_s) if gateways is not None else None
    for latitude in np.atleast_1d(np.asarray(latitude_deg, float)):
        windows = fleet_windows(elements, sites_on(latitude, longitudes, 0.0, horizon_deg), start, duration_s)
        if at_gateways is not None:
            windows = served_windows(joint_windows(windows, at_gateways))
        yield in_view(windows, len(longitudes), duration_s)


def coverage_by_latitude(
    elements: Sequence[Elements],
    latitude_deg: ArrayLike,
    horizon_deg: float,
    start: datetime,
    duration_s: float,
    longitudes: int = 24,
    gateways: Sites | None = None,
) -> LatitudeCoverage:
    """Look from `longitudes` places around each latitude; `gateways` as in `in_view_by_latitude`.

    Raises `ValueError` on what that refuses, and without a longitude.
    """
    if longitudes < 1:
        raise ValueError(f"longitudes: {longitudes} places to look from")
    around = np.arange(longitudes) * 360 / longitudes - 180
    seen = in_view_by_latitude(elements, latitude_deg, around, horizon_deg, start, duration_s, gateways)
    return by_latitude(latitude_deg, list(seen))


def by_latitude(latitude_deg: ArrayLike, seen: Sequence[InView]) -> LatitudeCoverage:
    """What is seen from each latitude, over its longitudes."""
    return LatitudeCoverage(
        latitude_deg=np.atleast_1d(np.asarray(latitude_deg, float)),
        covered_percent=np.array([one.covered_percent.mean() for one in seen]),
        worst_covered_percent=np.array([one.covered_percent.min() for one in seen]),
        longest_gap_s=np.array([one.longest_gap_s.max() for one in seen]),
        mean_in_view=np.array([one.mean_in_view.mean() for one in seen]),
        least_in_view=np.array([one.least_in_view.min() for one in seen]),
        most_in_view=np.array([one.most_in_view.max() for one in seen]),
    )
