"""Sites with what they see of the sky: a horizon that rises and falls with azimuth, and the windows above it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.fleet_path import FleetPath
from satcom.resource.physics.orbit import earth_fixed_km, horizon_axes
from satcom.resource.physics.windows import Windows

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

SHORTEST_S = 5.0  # a longer window or gap is found whatever the shape of the horizon
FIRST_PIECE_S = 40.0
GREATEST_ACCELERATION_KM_PER_S2 = 0.012  # over the ground, of a satellite as low as there are
EDGE_S = 0.01  # how well an edge on it is found


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
        place = azimuth_deg % 360 * (columns / 360)
        column = _whole(place)
        flat = self.horizon_deg.reshape(-1)
        here = flat.take(site * columns + column % columns)
        there = flat.take(site * columns + (column + 1) % columns)
        horizon: Array = here + (place - column) * (there - here)
        return horizon


def _whole(place: Array) -> IntArray:
    """Cut to whole numbers. A satellite that came down has no azimuth; any number does, as its horizon stays nan."""
    with np.errstate(invalid="ignore"):
        return place.astype(np.int64)


def sites_on(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, altitude_m: ArrayLike = 0.0, horizon_deg: ArrayLike = 0.0
) -> Sites:
    """Sites from arrays that broadcast to (sites,); `horizon_deg` is a number or broadcasts to (sites, azimuths).

    Raises `ValueError` naming what is out of range: latitude -90 to 90, longitude finite, altitude -500 to 50,000 m,
    horizon -20 to 90 degrees.
    """
    latitude, longitude, altitude = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(value, float)) for value in (latitude_deg, longitude_deg, altitude_m))
    )
    if latitude.ndim != 1:
        raise ValueError(f"latitude_deg, longitude_deg, altitude_m: shape {latitude.shape}, one value a site is wanted")
    horizon = np.asarray(horizon_deg, float)
    columns = horizon.shape[-1] if horizon.ndim else 1
    horizon = np.broadcast_to(horizon, (len(latitude), columns)).copy()
    for field, value, low, high in (
        ("latitude_deg", latitude, -90, 90),
        ("longitude_deg", longitude, -720, 720),
        ("altitude_m", altitude, -500, 50_000),
        ("horizon_deg", horizon, -20, 90),
    ):
        wrong = ~((value >= low) & (value <= high))
        if wrong.any():
            raise ValueError(f"{field}: {value[wrong][0]:g} is not within {low:,} to {high:,}")
    return Sites(latitude.copy(), longitude.copy(), altitude.copy(), horizon)


def horizon_from_points_deg(azimuth_deg: ArrayLike, elevation_deg: ArrayLike, azimuths: int = 360) -> Array:
    """A surveyed horizon at equal steps of azimuth, from points at any, straight between them; shape (azimuths,)."""
    azimuth, elevation = np.asarray(azimuth_deg, float) % 360, np.asarray(elevation_deg, float)
    if azimuth.size == 0 or azimuth.shape != elevation.shape:
        raise ValueError(f"elevation_deg: {elevation.size} values for {azimuth.size} azimuths")
    horizon: Array = np.interp(np.arange(azimuths) * 360 / azimuths, azimuth, elevation, period=360)
    return horizon


def windows_above_mask(path: FleetPath, sites: Sites, windows: Windows) -> Windows:
    """What of windows above each site's lowest horizon is above its horizon at the satellite's azimuth.

    Pieces of the windows are halved until each is surely above or surely below all of the horizon that the satellite
    can pass meanwhile, or until it is short: a window or gap of up to `SHORTEST_S` may be missed.
    """
    rugged = np.ptp(sites.horizon_deg, axis=1) > 0
    if not rugged.any():
        return windows
    concerned = rugged[windows.site]
    plain, asked = windows.where(~concerned), windows.where(concerned)
    horizon = _Horizon(path, sites, asked)
    owner, begins_s, ends_s, visible = horizon.pieces()
    order = np.lexsort((begins_s, owner))
    owner, begins_s, ends_s, visible = owner[order], begins_s[order], ends_s[order], visible[order]
    owner, begins_s, ends_s = owner[visible], begins_s[visible], ends_s[visible]
    goes_on = (owner[1:] == owner[:-1]) & (begins_s[1:] <= ends_s[:-1])
    first = np.concatenate([[True], ~goes_on]) if len(owner) else np.empty(0, np.bool_)
    last = np.concatenate([~goes_on, [True]]) if len(owner) else first
    seen = Windows(asked.satellite[owner[first]], asked.site[owner[first]], begins_s[first], ends_s[last])
    return Windows.joined([plain, seen])


class _Horizon:
    """The clearance of satellites above rugged horizons, within windows."""

    def __init__(self, path: FleetPath, sites: Sites, windows: Windows) -> None:
        self.path, self.sites, self.windows = path, sites, windows
        self.highest_deg = sites.horizon_deg.max(axis=1)
        self.highest_run, self.lowest_run = _runs(sites.horizon_deg, np.maximum), _runs(sites.horizon_deg, np.minimum)

    def direction(self, window: IntArray, time_s: Array) -> Array:
        """Azimuth, elevation and range, (3, instants)."""
        satellite, site = self.windows.satellite[window], self.windows.site[window]
        sight = self.path.at(satellite, time_s) - self.sites.position_km.take(site, axis=0)
        east, north, up = np.einsum("ikj,ij->ki", self.sites.axes.take(site, axis=0), sight)
        across = np.sqrt(east * east + north * north)
        range_km = np.sqrt(across * across + up * up)
        return np.stack([np.degrees(np.arctan2(east, north)), np.degrees(np.arctan2(up, across)), range_km])

    def clearance_deg(self, window: IntArray, time_s: Array) -> Array:
        """Elevation less the horizon below it."""
        azimuth, elevation, _ = self.direction(window, time_s)
        clearance: Array = elevation - self.sites.horizon_at_deg(self.windows.site[window], azimuth)
        return clearance

    def pieces(self) -> tuple[IntArray, Array, Array, NDArray[np.bool_]]:
        """All windows in pieces that are visible or not: window, begin, end, visible."""
        count = np.ceil(self.windows.duration_s / FIRST_PIECE_S).astype(np.int64)
        owner = np.repeat(np.arange(len(self.windows)), count)
        number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        share = self.windows.duration_s / count
        begins = self.windows.rise_s[owner] + number * share[owner]
        is_last = number + 1 == count[owner]
        ends = np.where(is_last, self.windows.set_s[owner], self.windows.rise_s[owner] + (number + 1) * share[owner])
        done: list[tuple[IntArray, Array, Array, NDArray[np.bool_]]] = []
        at_begin, at_end = self.direction(owner, begins), self.direction(owner, ends)
        while len(owner):
            above, below = self._surely(owner, ends - begins, at_begin, at_end)
            surely = above | below
            short = ~surely & (ends - begins <= SHORTEST_S)
            done.append((owner[surely], begins[surely], ends[surely], above[surely]))
            done.extend(self._short_pieces(owner[short], begins[short], ends[short]))
            split = np.flatnonzero(~(surely | short))
            owner, begins, ends = owner[split], begins[split], ends[split]
            at_begin, at_end = at_begin[:, split], at_end[:, split]
            middle = (begins + ends) / 2
            between = self.direction(owner, middle)
            owner = np.concatenate([owner, owner])
            begins, ends = np.concatenate([begins, middle]), np.concatenate([middle, ends])
            at_begin, at_end = (
                np.concatenate([at_begin, between], axis=1),
                np.concatenate([between, at_end], axis=1),
            )
        if not done:
            return owner, begins, ends, np.empty(0, np.bool_)
        parts = [np.concatenate(one) for one in zip(*done, strict=True)]
        return parts[0], parts[1], parts[2], parts[3]

    def _surely(
        self, window: IntArray, lasts_s: Array, at_begin: Array, at_end: Array
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether a piece lies wholly above the horizon, or wholly below.

        Between two instants a quantity leaves the span of its values there by at most an eighth of its greatest second
        derivative times the square of the time between. For elevation and azimuth these follow from the speed, the
        nearest range and the greatest acceleration over the ground. What the horizon is at the azimuths passed is
        looked up: at its points in between, and at both ends.
        """
        site = self.windows.site[window]
        speed = self.path.fastest_km_per_s[self.windows.satellite[window]] * 1.02
        nearest = np.maximum(np.minimum(at_begin[2], at_end[2]) - speed * lasts_s / 2, 1.0)
        turn = speed / nearest  # radians a second
        reach = turn * lasts_s / 2
        steepest = np.radians(np.maximum(np.abs(at_begin[1]), np.abs(at_end[1]))) + reach
        low_enough = (steepest < 1.5) & (reach < 1.0)
        flat, tangent = np.cos(np.minimum(steepest, 1.5)), np.tan(np.minimum(steepest, 1.5))
        bend = GREATEST_ACCELERATION_KM_PER_S2 / nearest + 2 * turn**2 * (1 + tangent)
        off_deg = np.degrees(bend * lasts_s**2 / 8)
        turned = (at_end[0] - at_begin[0] + 180) % 360 - 180
        aside_deg = off_deg / flat
        round_all = ~low_enough | (turn * lasts_s / flat >= np.pi) | (np.abs(turned) + 2 * aside_deg >= 360)
        west = at_begin[0] + np.minimum(turned, 0) - aside_deg
        highest, lowest = self._extremes(site, west, np.where(round_all, 360, np.abs(turned) + 2 * aside_deg))
        low, high = np.minimum(at_begin[1], at_end[1]), np.maximum(at_begin[1], at_end[1])
        off_deg = np.where(low_enough, np.minimum(off_deg, np.degrees(reach)), np.degrees(reach))
        above_all = low - np.degrees(reach) > self.highest_deg[site]
        return (low - off_deg > highest) | above_all, high + off_deg < lowest

    def _extremes(self, site: IntArray, west_deg: Array, width_deg: Array) -> tuple[Array, Array]:
        """Highest and lowest of the horizon over a range of azimuths."""
        columns = self.sites.horizon_deg.shape[1]
        ends = [self.sites.horizon_at_deg(site, azimuth) for azimuth in (west_deg, west_deg + width_deg)]
        first = _whole(np.ceil(west_deg * (columns / 360)))
        last = _whole(np.floor((west_deg + width_deg) * (columns / 360)))
        count = np.minimum(last - first + 1, columns)
        inside = count > 0
        length = np.frexp(np.maximum(count, 1))[1] - 1  # of the two runs of 2**length points that cover them
        other = (first + count - (1 << length)) % columns
        first = first % columns
        highest, lowest = np.maximum(*ends), np.minimum(*ends)
        most = np.maximum(self.highest_run[length, site, first], self.highest_run[length, site, other])
        least = np.minimum(self.lowest_run[length, site, first], self.lowest_run[length, site, other])
        return (
            np.where(inside, np.maximum(highest, most), highest),
            np.where(inside, np.minimum(lowest, least), lowest),
        )

    def _short_pieces(
        self, owner: IntArray, begins: Array, ends: Array
    ) -> list[tuple[IntArray, Array, Array, NDArray[np.bool_]]]:
        """A short piece is cut where the clearance changes sign between its ends, by false position that halves."""
        low, high = begins.copy(), ends.copy()
        at_low, at_high = self.clearance_deg(owner, low), self.clearance_deg(owner, high)
        first = at_low > 0
        changes = np.flatnonzero(first != (at_high > 0))
        cut = ends.copy()
        active = changes
        while len(active):
            weight = np.clip(at_low[active] / (at_low[active] - at_high[active]), 0.1, 0.9)
            middle = low[active] + weight * (high[active] - low[active])
            value = self.clearance_deg(owner[active], middle)
            before = (value > 0) == first[active]
            low[active[before]], at_low[active[before]] = middle[before], value[before]
            high[active[~before]], at_high[active[~before]] = middle[~before], value[~before]
            active = active[high[active] - low[active] > EDGE_S]
        cut[changes] = (low[changes] + high[changes]) / 2
        some = changes
        return [(owner, begins, cut, first), (owner[some], cut[some], ends[some], ~first[some])]


def _runs(horizon_deg: Array, extreme: np.ufunc) -> Array:
    """Extremes of 1, 2, 4 ... neighbouring points from each on, all round; shape (lengths, sites, azimuths)."""
    runs = [horizon_deg]
    while 2 ** len(runs) <= horizon_deg.shape[1]:
        runs.append(extreme(runs[-1], np.roll(runs[-1], -(2 ** (len(runs) - 1)), axis=1)))
    return np.stack(runs)
