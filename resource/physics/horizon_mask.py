"""Sites with what they see of the sky: a horizon that rises and falls with azimuth, and the windows above it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import LATITUDES, Accepted, checked
from satcom.resource.physics.fleet_path import FleetPath
from satcom.resource.physics.orbit import earth_fixed_km, horizon_axes
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

SHORTEST_S = 5.0  # a longer window or gap is found whatever the shape of the horizon
PIECES_AT_ONCE = 20_000  # what a processor's cache likes
EDGE_S = 0.01  # how well an edge on it is found
ROUNDS = 60
ROUNDED_S = 1e-6  # by so much an instant may differ that was a part of a step


@dataclass(frozen=True)
class Sites:
    """Sites on WGS 84, each with its horizon.

    `horizon_deg` has shape (sites, azimuths): elevations at equal steps of azimuth from North over East, straight
    between them; one column is the same horizon all round. The form is that of ITU-R notices, by 5 degrees as a rule.

    Source: Radio Regulations, Appendix 7, horizon elevation angles by azimuth.
    """

    latitude_deg: Array
    longitude_deg: Array
    altitude_m: Array
    horizon_deg: Array

    def __len__(self) -> int:
        return len(self.latitude_deg)

    def where_rugged(self) -> IntArray:
        """Those whose horizon changes with azimuth."""
        return np.flatnonzero(np.ptp(self.horizon_deg, axis=1) > 0)

    def at_highest(self, chosen: IntArray) -> "Sites":
        """The chosen ones with a level horizon as high as the highest point of theirs."""
        highest_deg = self.horizon_deg[chosen].max(axis=1, keepdims=True)
        return Sites(self.latitude_deg[chosen], self.longitude_deg[chosen], self.altitude_m[chosen], highest_deg)

    def between(self, first: int, last: int) -> "Sites":
        return Sites(
            self.latitude_deg[first:last],
            self.longitude_deg[first:last],
            self.altitude_m[first:last],
            self.horizon_deg[first:last],
        )

    @cached_property
    def axes(self) -> Array:
        """Unit vectors East, North and up, (sites, 3, 3)."""
        return horizon_axes(self.latitude_deg, self.longitude_deg)

    @cached_property
    def up(self) -> Array:
        up: Array = np.ascontiguousarray(self.axes[:, 2])
        return up

    @cached_property
    def position_km(self) -> Array:
        return earth_fixed_km(self.latitude_deg, self.longitude_deg, self.altitude_m / 1000)

    @cached_property
    def direction(self) -> Array:
        """Unit vectors from the Earth's centre."""
        direction: Array = self.position_km / np.linalg.norm(self.position_km, axis=1, keepdims=True)
        return direction

    @cached_property
    def sine_of_lowest(self) -> Array:
        lowest: Array = np.sin(np.radians(self.horizon_deg.min(axis=1)))
        return lowest

    @cached_property
    def _along_plumb_km(self) -> Array:
        along: Array = np.einsum("sk,sk->s", self.position_km, self.up)
        return along

    @cached_property
    def _across_plumb_km(self) -> Array:
        """What the plumb line misses the Earth's centre by, (sites, 3)."""
        across: Array = self.position_km - self._along_plumb_km[:, None] * self.up
        return across

    def above_lowest_km(self, site: IntArray, satellite_km: Array) -> tuple[Array, Array]:
        """How much farther along the site's plumb line a satellite is than where it would be on the lowest horizon.

        Not the elevation, yet of its sign; and as smooth in time as the satellite's path, also overhead. Also the
        square root in it, for the slope. From the condition up = sin(horizon) range, solved for the component along
        the plumb line with the range written by the distance from the Earth's centre.
        """
        across, sine = self._across_plumb_km.take(site, axis=0), self.sine_of_lowest.take(site)
        along = self._along_plumb_km.take(site) * (1 - sine * sine)
        off = satellite_km - across
        flat = self._along_plumb_km.take(site) * along
        root = np.sqrt(np.einsum("ik,ik->i", off, off) - flat)
        return np.einsum("ik,ik->i", self.up.take(site, axis=0), satellite_km) - along - sine * root, root

    def climb_km_per_s(self, site: IntArray, satellite_km: Array, velocity_km_per_s: Array) -> Array:
        """How fast that grows."""
        _, root = self.above_lowest_km(site, satellite_km)
        off = satellite_km - self._across_plumb_km.take(site, axis=0)
        outward = np.einsum("ik,ik->i", off, velocity_km_per_s) / root
        upward = np.einsum("ik,ik->i", self.up.take(site, axis=0), velocity_km_per_s)
        climb: Array = upward - self.sine_of_lowest.take(site) * outward
        return climb

    def reach_rad(self, radius_km: Array) -> Array:
        """Angle at the Earth's centre up to which a satellite of that radius can be above the lowest horizon.

        Shape (satellites, sites). From the plane triangle of centre, site and satellite; the plumb line's deviation
        from the centre is taken off the horizon.
        """
        distance_km = np.linalg.norm(self.position_km, axis=1)
        deviation = np.arccos(np.clip(np.einsum("sk,sk->s", self.up, self.direction), -1, 1))
        lowest = np.radians(self.horizon_deg.min(axis=1)) - deviation
        sine = np.clip(distance_km * np.cos(lowest) / np.asarray(radius_km)[:, None], -1, 1)
        reach: Array = np.arccos(sine) - lowest
        return reach

    def horizon_at_deg(self, site: IntArray, azimuth_deg: Array) -> Array:
        """The horizon of one site towards one azimuth each, straight between the azimuths given."""
        columns = self.horizon_deg.shape[1]
        place = azimuth_deg * (columns / 360)
        place -= np.floor(place * (1 / columns)) * columns
        column = np.minimum(_whole(place), columns - 1)  # a hair West of North is North, not beyond
        index = site * columns + column
        here = self.horizon_deg.reshape(-1).take(index, mode="clip")
        horizon: Array = here + (place - column) * self._rise_deg.take(index, mode="clip")
        return horizon

    @cached_property
    def _rise_deg(self) -> Array:
        """From each azimuth given to the next, flat."""
        rise: Array = np.roll(self.horizon_deg, -1, axis=1) - self.horizon_deg
        return rise.reshape(-1)


def _whole(place: Array) -> IntArray:
    """Cut to whole numbers. A satellite that came down has no azimuth; any number does, as its horizon stays nan."""
    with np.errstate(invalid="ignore"):
        return place.astype(np.int64)


@checked(
    apart=["horizon_deg"],
    latitude_deg=LATITUDES,
    longitude_deg=Accepted(-720.0, 720.0),
    altitude_m=Accepted(-500.0, 50_000.0),
    horizon_deg=Accepted(-20.0, 90.0),
)
def sites_on(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, altitude_m: ArrayLike = 0.0, horizon_deg: ArrayLike = 0.0
) -> Sites:
    """Sites from arrays that broadcast to (sites,); `horizon_deg` is a number or broadcasts to (sites, azimuths).

    Latitudes of -90 to 90 degrees, altitudes of -500 to 50,000 m, horizons of -20 to 90 degrees; `OutOfRange` names
    what is not. Raises `ValueError` on places of more than one axis.
    """
    latitude, longitude, altitude = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, float)) for value in (latitude_deg, longitude_deg, altitude_m))
    )
    if latitude.ndim != 1:
        raise ValueError(f"latitude_deg, longitude_deg, altitude_m: shape {latitude.shape}, one value a site is wanted")
    horizon = np.asarray(horizon_deg, float)
    columns = horizon.shape[-1] if horizon.ndim else 1
    try:
        of_each = np.broadcast_to(horizon, (len(latitude), columns)).copy()
    except ValueError:
        wanted = f"one elevation, or one row for each of {len(latitude)} sites"
        raise ValueError(f"horizon_deg: shape {horizon.shape}, wanted is {wanted}") from None
    return Sites(latitude.copy(), longitude.copy(), altitude.copy(), of_each)


def horizon_from_points_deg(azimuth_deg: ArrayLike, elevation_deg: ArrayLike, azimuths: int = 360) -> Array:
    """A surveyed horizon at equal steps of azimuth, from points at any, straight between them; shape (azimuths,)."""
    azimuth, elevation = np.asarray(azimuth_deg, float) % 360, np.asarray(elevation_deg, float)
    if azimuth.size == 0 or azimuth.shape != elevation.shape:
        raise ValueError(f"elevation_deg: {elevation.size} values for {azimuth.size} azimuths")
    horizon: Array = np.interp(np.arange(azimuths) * 360 / azimuths, azimuth, elevation, period=360)
    return horizon


def windows_above_mask(path: FleetPath, sites: Sites, windows: Windows, above_all: Windows) -> Windows:
    """What of windows above each site's lowest horizon is above its horizon at the satellite's azimuth.

    `above_all` are the windows above the highest point of the rugged horizons. What lies between the two is looked at
    every `SHORTEST_S` or oftener, so that a window or gap of up to that may be missed. Only there is an azimuth needed.
    """
    rugged = np.ptp(sites.horizon_deg, axis=1) > 0
    if not rugged.any():
        return windows
    concerned = rugged[windows.site]
    plain, asked = windows.where(~concerned), windows.where(concerned).sorted()
    owner, begins_s, ends_s = _between(asked, above_all, len(sites))
    pieces = [(_owner_of(above_all, asked, len(sites)), above_all.rise_s, above_all.set_s)]
    pieces += _Horizon(path, sites, asked).visible(owner, begins_s, ends_s)
    owner, begins_s, ends_s = (np.concatenate(each) for each in zip(*pieces, strict=True))
    order = np.lexsort((begins_s, owner))
    owner, begins_s, ends_s = owner[order], begins_s[order], ends_s[order]
    goes_on = (owner[1:] == owner[:-1]) & (begins_s[1:] <= ends_s[:-1] + ROUNDED_S)
    first = np.concatenate([[True], ~goes_on]) if len(owner) else np.empty(0, np.bool_)
    last = np.concatenate([~goes_on, [True]]) if len(owner) else first
    whole = asked.where(owner[first])
    rise_s = np.where(begins_s[first] - whole.rise_s < ROUNDED_S, whole.rise_s, begins_s[first])
    set_s = np.where(whole.set_s - ends_s[last] < ROUNDED_S, whole.set_s, ends_s[last])
    seen = Windows(whole.satellite, whole.site, rise_s, set_s)
    return Windows.joined([plain, seen])


def _between(asked: Windows, above_all: Windows, sites: int) -> tuple[IntArray, Array, Array]:
    """The parts of windows that are not above all of the horizon: window, begin, end.

    Sorted by pair and time, the begins of the parts are where a window begins or one above all ends, their ends where
    one above all begins or a window ends: as many, and one for the other.
    """
    pair = np.concatenate([asked.satellite * sites + asked.site, above_all.satellite * sites + above_all.site])
    begins_s, ends_s = np.concatenate([asked.rise_s, above_all.set_s]), np.concatenate([asked.set_s, above_all.rise_s])
    order = np.lexsort((begins_s, pair))
    owner = np.cumsum(order < len(asked)) - 1
    begins_s, ends_s = begins_s[order], ends_s[np.lexsort((ends_s, pair))]
    there = ends_s > begins_s
    return owner[there], begins_s[there], ends_s[there]


def _owner_of(above_all: Windows, asked: Windows, sites: int) -> IntArray:
    """In which window, sorted by pair and time, each of those above all of the horizon lies."""
    pair = np.concatenate([asked.satellite * sites + asked.site, above_all.satellite * sites + above_all.site])
    middle_s = np.concatenate([asked.rise_s, (above_all.rise_s + above_all.set_s) / 2])
    order = np.lexsort((middle_s, pair))
    owner = np.empty(len(order), np.int64)
    owner[order] = np.cumsum(order < len(asked)) - 1
    return owner[len(asked) :]


class _Horizon:
    """Satellites above rugged horizons, within windows."""

    def __init__(self, path: FleetPath, sites: Sites, windows: Windows) -> None:
        self.path, self.sites, self.windows = path, sites, windows

    def visible(self, owner: IntArray, begins_s: Array, ends_s: Array) -> list[tuple[IntArray, Array, Array]]:
        """What of parts of windows is above the horizon: window, begin, end. A piece lies between two nodes."""
        step_s, first_s = self.path.step_s, self.path.first_s
        begin_at, end_at = (begins_s - first_s) / step_s, (ends_s - first_s) / step_s
        begin_node = np.floor(begin_at).astype(np.int64)
        count = np.maximum(np.ceil(end_at).astype(np.int64) - begin_node, 1)
        part = np.repeat(np.arange(len(owner)), count)
        number = np.arange(len(part)) - np.repeat(np.cumsum(count) - count, count)
        node = begin_node[part] + number
        low = np.where(number == 0, begin_at[part] - begin_node[part], 0.0)
        high = np.where(number + 1 == count[part], end_at[part] - node, 1.0)
        window = owner[part]
        looks = np.maximum(np.ceil((high - low) * (step_s / SHORTEST_S)), 1).astype(np.int64)
        found = []
        for often in np.unique(looks):
            alike = np.flatnonzero(looks == often)
            for first in range(0, len(alike), PIECES_AT_ONCE):
                some = alike[first : first + PIECES_AT_ONCE]
                pieces = _Pieces(self.path, self.sites, self.windows, window[some], node[some])
                found.extend(self._looked_at(pieces, low[some], high[some], int(often)))
        return found

    def _looked_at(self, pieces: "_Pieces", low: Array, high: Array, looks: int) -> list[tuple[IntArray, Array, Array]]:
        """Between two looks that see it, and up to where the clearance changes sign between two looks."""
        at = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, looks + 1)
        clearance = pieces.clearance_deg(slice(None), at)
        seen: NDArray[np.bool_] = clearance > 0
        always = np.asarray(seen.all(axis=1))
        piece, look = np.nonzero((seen[:, :-1] | seen[:, 1:]) & ~always[:, None])
        begin, end = at[piece, look], at[piece, look + 1]
        at_begin, at_end = clearance[piece, look], clearance[piece, look + 1]
        changes = np.flatnonzero((at_begin > 0) != (at_end > 0))
        rises = at_begin[changes] <= 0
        cut = self._crossing(pieces, piece[changes], begin[changes], end[changes], at_begin[changes], at_end[changes])
        begin[changes], end[changes] = np.where(rises, cut, begin[changes]), np.where(rises, end[changes], cut)
        return [
            (pieces.window[always], pieces.time_s(always, low[always]), pieces.time_s(always, high[always])),
            (pieces.window[piece], pieces.time_s(piece, begin), pieces.time_s(piece, end)),
        ]

    def _crossing(
        self, pieces: "_Pieces", piece: IntArray, begin: Array, end: Array, at_begin: Array, at_end: Array
    ) -> Array:
        """Where the clearance changes sign: false position, a little beyond, so that both ends come near.

        The value at an end that stays twice is halved (Illinois), so that no end stays for long.
        """
        low, high, f_low, f_high = begin.copy(), end.copy(), at_begin.copy(), at_end.copy()
        first, stays, edge = at_begin > 0, np.zeros(len(piece)), EDGE_S / self.path.step_s
        active = np.arange(len(piece))
        for _ in range(ROUNDS):
            active = active[high[active] - low[active] > edge]
            if not len(active):
                break
            one_low, one_high, width = f_low[active], f_high[active], high[active] - low[active]
            with np.errstate(invalid="ignore", divide="ignore"):
                weight = np.nan_to_num(one_low / (one_low - one_high), nan=0.5)
            beyond = np.where(np.abs(one_low) < np.abs(one_high), 0.4, -0.4) * edge / width
            middle = low[active] + np.clip(weight + beyond, 0.02, 0.98) * width
            value = pieces.clearance_deg(piece[active], middle)
            before = (value > 0) == first[active]
            here, there = active[before], active[~before]
            low[here], f_low[here] = middle[before], value[before]
            high[there], f_high[there] = middle[~before], value[~before]
            f_high[here[stays[here] > 0]] /= 2
            f_low[there[stays[there] < 0]] /= 2
            stays[here], stays[there] = 1, -1
        crossing: Array = (low + high) / 2
        return crossing


class _Pieces:
    """Pieces of paths between two nodes each, seen from the sites: cubics East, North and up, in the site's axes."""

    def __init__(self, path: FleetPath, sites: Sites, windows: Windows, window: IntArray, node: IntArray) -> None:
        self.path, self.sites, self.window, self.node = path, sites, window, node
        self.site = windows.site[window]
        cubic = path.cubic(windows.satellite[window], node)
        cubic[:, 0] -= sites.position_km.take(self.site, axis=0)
        self.cubic = np.matmul(cubic, sites.axes.take(self.site, axis=0).transpose(0, 2, 1))  # (pieces, powers, axes)
        self.cubic = np.ascontiguousarray(self.cubic.transpose(2, 1, 0))

    def time_s(self, piece: IntArray | NDArray[np.bool_], at: Array) -> Array:
        time_s: Array = self.path.first_s + (self.node[piece] + at) * self.path.step_s
        return time_s

    def clearance_deg(self, piece: IntArray | slice, at: Array) -> Array:
        """Elevation less the horizon below it, at parts of the step after the node; (pieces,) or (pieces, instants)."""
        site, cubic = self.site[piece], self.cubic[:, :, piece]
        if at.ndim == 2:
            site, cubic = site[:, None], cubic[..., None]
        east, north, up = (one[0] + at * (one[1] + at * (one[2] + at * one[3])) for one in cubic)
        azimuth = np.degrees(np.arctan2(east, north))
        elevation = np.degrees(np.arctan2(up, np.sqrt(east * east + north * north)))
        clearance: Array = elevation - self.sites.horizon_at_deg(site, azimuth)
        return clearance
