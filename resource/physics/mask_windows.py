"""Windows above horizons that rise and fall with azimuth: paths are looked at every few seconds, and cheaply.

Where both ends of a piece of path are surely above the highest point of a horizon, or both below the lowest, there is
nothing to look at. A look at the others is in single precision and without an angle: azimuths are only told apart by
bins, each with the lowest and the highest tangent of the horizon in it. What lies between those two, few of a
thousand looks above hills, is computed exactly; so are the crossings.
"""

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.fleet_path import FleetPath
from satcom.resource.physics.horizon_mask import BINS, Sites, bin_towards
from satcom.resource.physics.reach import Reach
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Truth = NDArray[np.bool_]

SHORTEST_S = 5.0  # a longer window or gap is found whatever the shape of the horizon
EDGE_S = 0.01  # how well an edge is found
PIECES_AT_ONCE = 2000  # what a processor's cache likes
CROSSINGS_AT_ONCE = 20_000
TINY = 1e-300  # as a share of two zeros is none


def windows_above_mask(path: FleetPath, sites: Sites) -> Windows:
    """Windows over all nodes; a window or gap of up to `SHORTEST_S` may be missed.

    Pieces of path are numbered through satellites, sites and nodes, so that an instant is a piece and a part of it.
    """
    lost = np.isnan(path.position_km[:, :, 0])
    lost = np.pad(lost[:, :-1] | lost[:, 1:], ((0, 0), (1, 1)), constant_values=True)
    lost_before, lost_after = lost[:, :-2], lost[:, 2:]
    reach = Reach(path, sites)
    near, above = reach.within(), reach.surely_above()
    passed_over = lost[:, None, 1:-1] | (above[..., :-1] & above[..., 1:] & ~(lost_before | lost_after)[:, None])
    piece = np.flatnonzero((near[..., :-1] | near[..., 1:]) & ~passed_over)
    pieces = near.shape[2] - 1
    pair, node = np.divmod(piece, pieces)
    satellite = pair // len(sites)

    at = np.linspace(0, 1, int(np.ceil(path.step_s / SHORTEST_S)) + 1)
    seen = _seen(path, sites, piece, at)
    follows = np.flatnonzero((piece[1:] == piece[:-1] + 1) & (node[1:] > 0))
    seen[-1, follows] = seen[0, follows + 1]  # one look, whatever the rounding
    opened, left_open = seen[0] & lost_before[satellite, node], seen[-1] & lost_after[satellite, node]
    edges = np.concatenate([piece[opened], _crossings(path, sites, piece, at, seen), piece[left_open] + 1])
    edges.sort()
    opens, shuts = edges[0::2], edges[1::2]
    pair = opens.astype(np.int64) // pieces
    satellite, site = np.divmod(pair, len(sites))
    first_s = path.first_s - path.step_s * pieces * pair
    return Windows(satellite, site, first_s + path.step_s * opens, first_s + path.step_s * shuts)


def _seen(path: FleetPath, sites: Sites, piece: IntArray, at: Array) -> Truth:
    """Whether the satellite is above the horizon at parts of each piece: (parts, pieces)."""
    seen = np.empty((len(at), len(piece)), np.bool_)
    for first in range(0, len(piece), PIECES_AT_ONCE):
        some = slice(first, first + PIECES_AT_ONCE)
        seen[:, some] = _Pieces(path, sites, piece[some]).seen(at)
    return seen


def _crossings(path: FleetPath, sites: Sites, piece: IntArray, at: Array, seen: Truth) -> Array:
    """Between every two looks of which one sees it."""
    changes = np.flatnonzero(seen[1:] != seen[:-1])
    crossings = np.empty(len(changes))
    for first in range(0, len(changes), CROSSINGS_AT_ONCE):
        some = slice(first, first + CROSSINGS_AT_ONCE)
        look, changing = np.divmod(changes[some], len(piece))
        pieces = _Pieces(path, sites, piece[changing])
        crossings[some] = piece[changing] + pieces.crossing(at[look], at[look + 1], seen[look, changing])
    return crossings


class _Pieces:
    """Pieces of paths between two nodes each, seen from sites: cubics East, North and up, in the site's axes."""

    def __init__(self, path: FleetPath, sites: Sites, piece: IntArray) -> None:
        pair, node = np.divmod(piece, path.position_km.shape[1] - 1)
        satellite, self.site = np.divmod(pair, len(sites))
        self.sites, self.step_s = sites, path.step_s
        cubic = path.cubic(satellite, node)
        cubic[:, 0] -= sites.position_km.take(self.site, axis=0)
        axes = sites.axes.take(self.site, axis=0)
        # pieces last, as in all that follows: long rows are what numpy is fast at
        axes, cubic = (np.ascontiguousarray(one.transpose(1, 2, 0)) for one in (axes, cubic))
        self.cubic = np.einsum("akp,qkp->aqp", axes, cubic)  # (axes, powers, pieces)

    def seen(self, at: Array) -> Truth:
        """Whether the satellite is above the horizon at parts of each piece: (parts, pieces)."""
        powers = np.vander(at, 4, increasing=True).astype(np.float32)
        east, north, up = powers @ self.cubic.astype(np.float32)
        across = np.sqrt(east * east + north * north)
        place = bin_towards(east, north) + self.site * BINS
        lowest, highest = self.sites.tangents_by_bin
        seen: Truth = up > highest.take(place, mode="clip") * across
        doubtful = np.flatnonzero(seen != (up > lowest.take(place, mode="clip") * across))
        look, piece = np.divmod(doubtful, len(self.site))
        seen[look, piece] = self.clearance_deg(piece, at[look]) > 0
        return seen

    def crossing(self, low: Array, high: Array, seen: Truth) -> Array:
        """Where each piece, seen at its part `low` or not, changes: by false position, (pieces,).

        A little beyond it, so that both ends come near. The value at an end that stays twice is halved (Illinois), so
        that no end stays for long.
        """
        enough = 2 * EDGE_S / self.step_s
        piece, crossing, last = np.arange(len(low)), np.empty(len(low)), np.full(len(low), -1)
        at_low, at_high = self.clearance_deg(piece, low), self.clearance_deg(piece, high)
        while len(piece):
            size_low, size_high, width = np.abs(at_low), np.abs(at_high), high - low
            beyond = np.where(size_low < size_high, 0.4, -0.4) * enough / width
            middle = low + np.clip(size_low / (size_low + size_high + TINY) + beyond, 0.02, 0.98) * width
            value = self.clearance_deg(piece, middle)
            before = (value > 0) == seen
            kept = np.where(before == last, 0.5, 1.0)
            low, at_low = np.where(before, middle, low), np.where(before, value, at_low * kept)
            high, at_high = np.where(before, high, middle), np.where(before, at_high * kept, value)
            crossing[piece] = (low + high) / 2
            wide = np.flatnonzero(high - low > enough)
            piece, seen, last, low, high = piece[wide], seen[wide], before[wide], low[wide], high[wide]
            at_low, at_high = at_low[wide], at_high[wide]
        return crossing

    def clearance_deg(self, piece: IntArray, at: Array) -> Array:
        """Elevation less the horizon below it, of one piece each at one part of it."""
        cubic = self.cubic.take(piece, axis=2)
        east, north, up = (one[0] + at * (one[1] + at * (one[2] + at * one[3])) for one in cubic)
        azimuth = np.degrees(np.arctan2(east, north))
        elevation = np.degrees(np.arctan2(up, np.sqrt(east * east + north * north)))
        clearance: Array = elevation - self.sites.horizon_at_deg(self.site.take(piece), azimuth)
        return clearance
