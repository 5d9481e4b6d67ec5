"""Passes over a site, and the plan by which a site is served through a fleet: who, through which gateway, and when not.

A pass is one window of one satellite, with its summit. The plan takes the times in which a satellite may serve: above
the horizon of the site and, through a bent pipe, of a gateway as well. Geometry alone decides; elevations are without
refraction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import POSITIVE, checked
from satcom.resource.physics.fleet_path import fleet_path, step_s
from satcom.resource.physics.handover import HandoverSchedule, highest_satellite, longest_stay
from satcom.resource.physics.horizon_mask import Sites
from satcom.resource.physics.joint_visibility import (
    Gaps,
    JointWindows,
    gaps,
    joint_windows,
    served_windows,
    united,
)
from satcom.resource.physics.orbit import Elements
from satcom.resource.physics.visibility import fleet_windows
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST_SAMPLES, SAMPLE_S = 33, 1800.0  # of a window, when its summit is looked for
CLOSER, ROUNDS = 17, 3  # then between the neighbours of the highest sample: to the 10,000th part of a window
NO_GATEWAY = -1


class HandoverRule(StrEnum):
    """When a site goes over to another satellite: when the one it has sets, or whenever another stands higher."""

    LONGEST_STAY = "longestStay"
    HIGHEST = "highest"


class GapReason(StrEnum):
    """Why nobody serves."""

    NO_SATELLITE = "noSatellite"
    NO_GATEWAY = "noGateway"  # a satellite is seen, but by no gateway at the same time
    SHORT_VIEW = "shortView"  # none stays in view for a whole step of the rule


@dataclass(frozen=True)
class Passes:
    """One entry a pass, by rise; seconds after the start. Azimuths from true North over East."""

    satellite: IntArray
    rise_s: Array
    rise_azimuth_deg: Array
    peak_s: Array
    peak_azimuth_deg: Array
    peak_elevation_deg: Array
    peak_range_km: Array
    set_s: Array
    set_azimuth_deg: Array

    def __len__(self) -> int:
        return len(self.rise_s)


@dataclass(frozen=True)
class Legs:
    """Who carries the service, one entry a satellite and gateway, by begin; seconds after the start.

    `gateway` is `NO_GATEWAY` where none is asked for. Elevations are those at the site within the leg.
    """

    satellite: IntArray
    gateway: IntArray
    begin_s: Array
    end_s: Array
    lowest_elevation_deg: Array
    highest_elevation_deg: Array

    def __len__(self) -> int:
        return len(self.begin_s)


@dataclass(frozen=True)
class ServicePlan:
    """One site over one span: all passes, who serves, and when nobody does, each gap with its reason."""

    span_s: float
    passes: Passes
    legs: Legs
    gaps: Gaps
    reasons: tuple[GapReason, ...]
    handovers: int

    @property
    def served_percent(self) -> float:
        return 100 * (1 - float(self.gaps.duration_s.sum()) / self.span_s)

    @property
    def unserved(self) -> Gaps:
        """When nobody serves, whatever the reason: gaps of several reasons one after the other are one."""
        pieces = Windows(np.zeros(len(self.gaps.site), np.int64), self.gaps.site, self.gaps.begin_s, self.gaps.end_s)
        whole = united(pieces)
        return Gaps(whole.site, whole.rise_s, whole.set_s)

    @property
    def longest_gap_s(self) -> float:
        return float(self.unserved.duration_s.max(initial=0.0))


@dataclass(frozen=True)
class _Sight:
    """From the site to one satellite at one instant each."""

    azimuth_deg: Array
    elevation_deg: Array
    range_km: Array


@checked(span_s=POSITIVE, step_s=POSITIVE)
def service_plan(
    elements: Sequence[Elements],
    site: Sites,
    gateways: Sites | None,
    start: datetime,
    span_s: float,
    rule: HandoverRule = HandoverRule.LONGEST_STAY,
    step_s: float = 15.0,
) -> ServicePlan:
    """Plan one site. Without `gateways` a satellite that is seen serves, as one with links between satellites.

    `step_s` is how often `HandoverRule.HIGHEST` chooses. Raises `ValueError` when `site` is not one, and as
    `fleet_windows` and `highest_satellite` do.
    """
    if len(site) != 1:
        raise ValueError(f"site: {len(site)} sites; a plan is made for one")
    seen = fleet_windows(elements, site, start, span_s)
    joint = None if gateways is None else joint_windows(seen, fleet_windows(elements, gateways, start, span_s))
    served = seen if joint is None else served_windows(joint)
    if rule is HandoverRule.LONGEST_STAY:
        schedule = longest_stay(served, 0)
    else:
        schedule = highest_satellite(elements, site, 0, served, start, span_s, step_s)
    sights = _Sights(elements, np.unique(seen.satellite), site, start, span_s)
    legs = _legs(sights, schedule, joint)
    without, reasons = _gaps(seen, served, legs, span_s)
    return ServicePlan(span_s, _passes(sights, seen), legs, without, reasons, _handovers(legs))


def _passes(sights: "_Sights", windows: Windows) -> Passes:
    """The windows with their summits, by rise. Of a satellite that comes to several within a window, the highest."""
    ordered = windows.where(np.lexsort((windows.satellite, windows.rise_s)))
    of, rise_s, set_s = ordered.satellite, ordered.rise_s, ordered.set_s
    peak_s, _ = sights.summits(of, rise_s, set_s)
    peak = sights.at(of, peak_s)
    return Passes(
        satellite=of,
        rise_s=rise_s,
        rise_azimuth_deg=sights.at(of, rise_s).azimuth_deg,
        peak_s=peak_s,
        peak_azimuth_deg=peak.azimuth_deg,
        peak_elevation_deg=peak.elevation_deg,
        peak_range_km=peak.range_km,
        set_s=set_s,
        set_azimuth_deg=sights.at(of, set_s).azimuth_deg,
    )


class _Sights:
    """Look angles from one site at any instants, to the satellites of these numbers.

    Each is propagated once, those of the same step together.
    """

    def __init__(
        self, elements: Sequence[Elements], numbers: IntArray, site: Sites, start: datetime, span_s: float
    ) -> None:
        self.site = site
        alike: dict[float, list[int]] = defaultdict(list)
        for number in numbers.tolist():
            alike[step_s(elements[number])].append(number)
        self.paths = [
            (np.array(numbers), fleet_path([elements[one] for one in numbers], start, 0.0, span_s, step))
            for step, numbers in alike.items()
        ]

    def at(self, satellite: IntArray, at_s: Array) -> _Sight:
        sight_km = np.empty((len(satellite), 3))
        for numbers, path in self.paths:
            chosen = np.flatnonzero(np.isin(satellite, numbers))
            sight_km[chosen] = path.at(np.searchsorted(numbers, satellite[chosen]), at_s[chosen])
        sight_km -= self.site.position_km[0]
        east, north, up = self.site.axes[0] @ sight_km.T
        azimuth_deg: Array = np.degrees(np.arctan2(east, north)) % 360
        elevation_deg: Array = np.degrees(np.arctan2(up, np.hypot(east, north)))
        return _Sight(azimuth_deg, elevation_deg, np.sqrt(np.einsum("ik,ik->i", sight_km, sight_km)))

    def summits(self, satellite: IntArray, first_s: Array, last_s: Array) -> tuple[Array, Array]:
        """When each satellite stands highest between two instants, and the lowest elevation of the samples.

        The lowest is exact where the elevation has no dip inside: both ends are samples.
        """
        samples = np.maximum(np.ceil((last_s - first_s) / SAMPLE_S).astype(np.int64), FEWEST_SAMPLES)
        best_s, lowest_deg = self._highest_sample(satellite, first_s, last_s, samples)
        for _ in range(ROUNDS):
            apart_s = (last_s - first_s) / (samples - 1)
            first_s, last_s = np.maximum(first_s, best_s - apart_s), np.minimum(last_s, best_s + apart_s)
            samples = np.full(len(satellite), CLOSER)
            best_s, _ = self._highest_sample(satellite, first_s, last_s, samples)
        return best_s, lowest_deg

    def _highest_sample(
        self, satellite: IntArray, first_s: Array, last_s: Array, samples: IntArray
    ) -> tuple[Array, Array]:
        if not len(satellite):
            return np.empty(0), np.empty(0)
        begins = np.cumsum(samples) - samples
        owner = np.repeat(np.arange(len(satellite)), samples)
        share = (np.arange(len(owner)) - begins[owner]) / (samples[owner] - 1)
        at_s = first_s[owner] + share * (last_s - first_s)[owner]
        elevation_deg = self.at(satellite[owner], at_s).elevation_deg
        # the highest of every window comes last among its own
        best = np.lexsort((elevation_deg, owner))[begins + samples - 1]
        return at_s[best], np.minimum.reduceat(elevation_deg, begins)


def _legs(sights: _Sights, schedule: HandoverSchedule, joint: JointWindows | None) -> Legs:
    """Within a stay at a satellite, gateways follow each other as `longest_stay` has it."""
    if joint is None:
        satellite, begin_s, end_s = schedule.satellite, schedule.begin_s, schedule.end_s
        gateway = np.full(len(satellite), NO_GATEWAY)
    else:
        parts = [
            _through_gateways(joint, *stay)
            for stay in zip(
                schedule.satellite.tolist(), schedule.begin_s.tolist(), schedule.end_s.tolist(), strict=True
            )
        ]
        count = [len(one.satellite) for one in parts]
        satellite = np.repeat(schedule.satellite, count)
        gateway = np.concatenate([one.satellite for one in parts] or [np.empty(0, np.int64)])
        begin_s = np.concatenate([one.begin_s for one in parts] or [np.empty(0)])
        end_s = np.concatenate([one.end_s for one in parts] or [np.empty(0)])
    highest_s, lowest_deg = sights.summits(satellite, begin_s, end_s)
    return Legs(satellite, gateway, begin_s, end_s, lowest_deg, sights.at(satellite, highest_s).elevation_deg)


def _through_gateways(joint: JointWindows, satellite: int, begin_s: float, end_s: float) -> HandoverSchedule:
    """The gateways of one stay; they take the place of satellites."""
    mine = joint.satellite == satellite
    hosts = Windows(joint.gateway[mine], joint.terminal[mine], joint.rise_s[mine], joint.set_s[mine])
    return longest_stay(hosts.within(begin_s, end_s), 0)


def _handovers(legs: Legs) -> int:
    """Changes of satellite or gateway without a break."""
    other = (legs.satellite[1:] != legs.satellite[:-1]) | (legs.gateway[1:] != legs.gateway[:-1])
    return int(np.sum(other & (legs.begin_s[1:] == legs.end_s[:-1])))


def _gaps(seen: Windows, served: Windows, legs: Legs, span_s: float) -> tuple[Gaps, tuple[GapReason, ...]]:
    """What no leg covers, cut by reason, by begin."""
    found: list[tuple[GapReason, Gaps]] = []
    carried = Windows(legs.satellite, np.zeros(len(legs), np.int64), legs.begin_s, legs.end_s)
    reasons = (GapReason.NO_SATELLITE, seen), (GapReason.NO_GATEWAY, served), (GapReason.SHORT_VIEW, carried)
    covered: list[Windows] = []
    for reason, windows in reasons:
        missing = gaps(Windows.joined([windows, *covered]), 1, span_s)
        found.append((reason, missing))
        covered.append(Windows(np.zeros(len(missing.site), np.int64), missing.site, missing.begin_s, missing.end_s))
    begin_s, end_s = (np.concatenate([getattr(one, name) for _, one in found]) for name in ("begin_s", "end_s"))
    why = [reason for reason, one in found for _ in range(len(one.site))]
    order = np.argsort(begin_s, kind="stable")
    without = Gaps(np.zeros(len(order), np.int64), begin_s[order], end_s[order])
    return without, tuple(why[one] for one in order.tolist())
