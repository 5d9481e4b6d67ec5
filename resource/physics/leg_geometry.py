"""Geometry along a service plan: at even instants of its legs, elevation and range from the site and from the gateway.

What a link meets while one satellite after the other carries it. Elevations are without refraction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.fleet_path import fleet_path, step_s
from satcom.resource.physics.horizon_mask import Sites
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.passes import Legs

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class LegGeometry:
    """One entry an instant; each stands for `weight_s` seconds of its leg. `leg` is a row of the legs."""

    leg: IntArray
    after_s: Array
    weight_s: Array
    site_elevation_deg: Array
    site_range_km: Array
    gateway_elevation_deg: Array
    gateway_range_km: Array

    def __len__(self) -> int:
        return len(self.after_s)


def leg_geometry(
    elements: Sequence[Elements], legs: Legs, site: Sites, gateways: Sites, start: datetime, every_s: float
) -> LegGeometry:
    """Sample each leg at its ends and between, at most `every_s` apart. Every leg goes through a gateway.

    Raises `ValueError` where a leg has none, and where `site` is not one.
    """
    if len(site) != 1:
        raise ValueError(f"site: {len(site)} sites; a plan is made for one")
    if np.any(legs.gateway < 0):
        raise ValueError("legs: one goes through no gateway")
    length_s = legs.end_s - legs.begin_s
    samples = np.maximum(np.ceil(length_s / every_s).astype(np.int64), 1) + 1
    leg = np.repeat(np.arange(len(legs)), samples)
    number = np.arange(len(leg)) - np.repeat(np.cumsum(samples) - samples, samples)
    apart_s = (length_s / (samples - 1))[leg]
    after_s = legs.begin_s[leg] + number * apart_s
    at_an_end = (number == 0) | (number == samples[leg] - 1)
    position_km = _positions(elements, legs.satellite[leg], after_s, start)
    of_gateway = legs.gateway[leg]
    site_elevation_deg, site_range_km = _seen_from(site, np.zeros(len(leg), np.int64), position_km)
    gateway_elevation_deg, gateway_range_km = _seen_from(gateways, of_gateway, position_km)
    return LegGeometry(
        leg=leg,
        after_s=after_s,
        weight_s=np.where(at_an_end, apart_s / 2, apart_s),
        site_elevation_deg=site_elevation_deg,
        site_range_km=site_range_km,
        gateway_elevation_deg=gateway_elevation_deg,
        gateway_range_km=gateway_range_km,
    )


def _positions(elements: Sequence[Elements], satellite: IntArray, after_s: Array, start: datetime) -> Array:
    """Where each satellite is at its instant, Earth-fixed, (instants, 3). Those of the same step go together."""
    position_km = np.empty((len(satellite), 3))
    alike: dict[float, list[int]] = defaultdict(list)
    for number in np.unique(satellite).tolist():
        alike[step_s(elements[number])].append(number)
    for step, numbers in alike.items():
        chosen = np.flatnonzero(np.isin(satellite, numbers))
        path = fleet_path(
            [elements[one] for one in numbers],
            start,
            float(after_s[chosen].min()),
            float(after_s[chosen].max()),
            step,
        )
        row = np.searchsorted(np.array(numbers), satellite[chosen])
        position_km[chosen] = path.at(row, after_s[chosen])
    return position_km


def _seen_from(sites: Sites, of_site: IntArray, position_km: Array) -> tuple[Array, Array]:
    """Elevation and range of each position from its own site."""
    sight_km = position_km - sites.position_km[of_site]
    east, north, up = np.einsum("nij,nj->in", sites.axes[of_site], sight_km)
    elevation_deg: Array = np.degrees(np.arctan2(up, np.hypot(east, north)))
    range_km: Array = np.sqrt(np.einsum("nk,nk->n", sight_km, sight_km))
    return elevation_deg, range_km
