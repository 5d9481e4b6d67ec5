"""Sites with what they see of the sky: a horizon that rises and falls with azimuth, exactly and by bins."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import LATITUDES, Accepted, checked
from satcom.resource.physics.orbit import earth_fixed_km, horizon_axes

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Truth = NDArray[np.bool_]

BINS = 1024  # of azimuth, in which a horizon is known by its lowest and its highest point; a power of two
BEYOND_DEG = 0.01  # what belongs to two bins: single precision is surer than that
DOUBT_DEG = 1e-3  # and of elevation


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

    @cached_property
    def rugged(self) -> Truth:
        """Those whose horizon changes with azimuth."""
        rugged: Truth = np.ptp(self.horizon_deg, axis=1) > 0
        return rugged

    def where(self, chosen: IntArray) -> "Sites":
        return Sites(
            self.latitude_deg[chosen], self.longitude_deg[chosen], self.altitude_m[chosen], self.horizon_deg[chosen]
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

        Shape (satellites, sites). The plumb line's deviation from the centre is taken off the horizon.
        """
        return self._cap_rad(radius_km, np.radians(self.horizon_deg.min(axis=1)) - self._deviation_rad)

    def sure_reach_rad(self, radius_km: Array) -> Array:
        """The same up to which it surely is above the highest."""
        return self._cap_rad(radius_km, np.radians(self.horizon_deg.max(axis=1)) + self._deviation_rad)

    def _cap_rad(self, radius_km: Array, elevation_rad: Array) -> Array:
        """From the plane triangle of centre, site and satellite."""
        distance_km = np.linalg.norm(self.position_km, axis=1)
        sine = np.clip(distance_km * np.cos(elevation_rad) / radius_km[:, None], -1, 1)
        cap: Array = np.arccos(sine) - elevation_rad
        return cap

    @cached_property
    def _deviation_rad(self) -> Array:
        deviation: Array = np.arccos(np.clip(np.einsum("sk,sk->s", self.up, self.direction), -1, 1))
        return deviation

    @cached_property
    def tangents_by_bin(self) -> NDArray[np.float32]:
        """The lowest and the highest tangent of each horizon in each bin and a hair beyond: (2, sites x bins)."""
        around = np.arange(BINS + 1) * (4 / BINS)
        east = 1 - np.abs(2 - around)
        azimuth = np.degrees(np.arctan2(east, np.copysign(1 - np.abs(east), 2 - around)))
        site, columns = np.arange(len(self))[:, None], self.horizon_deg.shape[1]
        begins = self.horizon_at_deg(site, azimuth[:-1] - BEYOND_DEG)
        ends = self.horizon_at_deg(site, azimuth[1:] + BEYOND_DEG)
        lowest, highest = np.minimum(begins, ends), np.maximum(begins, ends)
        for beyond_deg in (-BEYOND_DEG, BEYOND_DEG):
            given = np.radians(np.arange(columns) * (360 / columns) + beyond_deg)
            inside = bin_towards(np.sin(given), np.cos(given))
            np.minimum.at(lowest.T, inside, self.horizon_deg.T)
            np.maximum.at(highest.T, inside, self.horizon_deg.T)
        between = np.stack([lowest - DOUBT_DEG, np.minimum(highest + DOUBT_DEG, 90)])
        tangents: NDArray[np.float32] = np.tan(np.radians(between)).astype(np.float32).reshape(2, -1)
        return tangents

    def horizon_at_deg(self, site: IntArray, azimuth_deg: Array) -> Array:
        """The horizon of one site towards one azimuth each, straight between the azimuths given."""
        columns = self.horizon_deg.shape[1]
        place = azimuth_deg * (columns / 360)
        place -= np.floor(place * (1 / columns)) * columns
        column = np.minimum(place.astype(np.int64), columns - 1)  # a hair West of North is North, not beyond
        index = site * columns + column
        here = self.horizon_deg.reshape(-1).take(index, mode="clip")
        horizon: Array = here + (place - column) * self._rise_deg.take(index, mode="clip")
        return horizon

    @cached_property
    def _rise_deg(self) -> Array:
        """From each azimuth given to the next, flat."""
        rise: Array = np.roll(self.horizon_deg, -1, axis=1) - self.horizon_deg
        return rise.reshape(-1)


def bin_towards(east: Array | NDArray[np.float32], north: Array | NDArray[np.float32]) -> IntArray:
    """Which of the bins from West over North: where the direction meets the square around, for want of an angle."""
    with np.errstate(invalid="ignore"):  # overhead any will do
        sideways = east / (np.abs(east) + np.abs(north))
        bins: IntArray = ((2 - np.copysign(1 - sideways, north)) * (BINS / 4)).astype(np.int64) & (BINS - 1)
    return bins


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
