"""A satellite that a terminal and a gateway see together: what a bent pipe without inter-satellite links needs.

Everything works on `Windows`, seconds after one start; the propagation is done by then.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class JointWindows:
    """One entry a time in which one terminal and one gateway see one satellite; sorted by these and time."""

    satellite: IntArray
    terminal: IntArray
    gateway: IntArray
    rise_s: Array
    set_s: Array

    def __len__(self) -> int:
        return len(self.rise_s)


@dataclass(frozen=True)
class Gaps:
    """Times in which a site sees no satellite, sorted by site and time."""

    site: IntArray
    begin_s: Array
    end_s: Array

    @property
    def duration_s(self) -> Array:
        return self.end_s - self.begin_s


def joint_windows(at_terminals: Windows, at_gateways: Windows) -> JointWindows:
    """All overlaps of windows of the same satellite at a terminal and at a gateway.

    `site` numbers the terminals in the one and the gateways in the other. Windows of a satellite at a site must not
    overlap each other; those of a search do not.
    """
    users, parts = at_terminals.sorted(), []
    for gateway in np.unique(at_gateways.site):
        hosts = at_gateways.where(at_gateways.site == gateway).sorted()
        # one line of time for all satellites, each on a stretch of its own
        stretch = 2 * max(users.set_s.max(initial=1), hosts.set_s.max(initial=1))
        host_rise, host_set = hosts.rise_s + hosts.satellite * stretch, hosts.set_s + hosts.satellite * stretch
        first = np.searchsorted(host_set, users.rise_s + users.satellite * stretch, side="right")
        behind = np.searchsorted(host_rise, users.set_s + users.satellite * stretch, side="left")
        count = np.maximum(behind - first, 0)
        user = np.repeat(np.arange(len(users)), count)
        host = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        rise_s = np.maximum(users.rise_s[user], hosts.rise_s[host])
        set_s = np.minimum(users.set_s[user], hosts.set_s[host])
        parts.append((users.satellite[user], users.site[user], np.full(len(user), gateway), rise_s, set_s))
    if not parts:
        nothing = np.empty(0, np.int64)
        return JointWindows(nothing, nothing, nothing, np.empty(0), np.empty(0))
    satellite, terminal, gateway_of, rise_s, set_s = (np.concatenate(one) for one in zip(*parts, strict=True))
    order = np.lexsort((rise_s, gateway_of, terminal, satellite))
    return JointWindows(satellite[order], terminal[order], gateway_of[order], rise_s[order], set_s[order])


def served_windows(joint: JointWindows) -> Windows:
    """When a satellite serves a terminal by any of the gateways; `site` numbers the terminals."""
    return united(Windows(joint.satellite, joint.terminal, joint.rise_s, joint.set_s))


def united(windows: Windows) -> Windows:
    """Windows of the same satellite and site that touch or overlap become one; sorted."""
    ordered = windows.sorted()
    if not len(ordered):
        return ordered
    group = np.cumsum(
        np.concatenate([[0], (np.diff(ordered.satellite) != 0) | (np.diff(ordered.site) != 0)]).astype(np.int64)
    )
    stretch = 2 * (ordered.set_s.max() - min(ordered.rise_s.min(), 0)) + 1
    rise, latest = ordered.rise_s + group * stretch, np.maximum.accumulate(ordered.set_s + group * stretch)
    begins = np.concatenate([[True], rise[1:] > latest[:-1]])
    # the set itself and not the sum with its stretch, which has lost digits
    set_s = np.maximum.reduceat(ordered.set_s, np.flatnonzero(begins))
    return Windows(ordered.satellite[begins], ordered.site[begins], ordered.rise_s[begins], set_s)


def gaps(windows: Windows, sites: int, span_s: float) -> Gaps:
    """When each of `sites` sites sees no satellite at all between 0 and `span_s`."""
    anyone = united(
        Windows(np.zeros(len(windows), np.int64), windows.site, windows.rise_s, windows.set_s).within(0, span_s)
    )
    every = np.arange(sites)
    site = np.concatenate([every, anyone.site])
    begin_s = np.concatenate([np.zeros(sites), anyone.set_s])
    order = np.lexsort((begin_s, site))
    site, begin_s = site[order], begin_s[order]
    end_site, end_s = np.concatenate([anyone.site, every]), np.concatenate([anyone.rise_s, np.full(sites, span_s)])
    end_s = end_s[np.lexsort((end_s, end_site))]
    real = end_s > begin_s
    return Gaps(site[real], begin_s[real], end_s[real])
