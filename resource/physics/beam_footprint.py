"""Beam footprint: where on the ground a beam puts its energy, and where it comes nearest to what may arrive there.

The limit on power flux-density falls towards the horizon faster than a beam does, so the worst place often is not the
receiving station, nor the peak, but the edge that sees the satellite lowest. A round or elliptical beam counts down to
the end of its main lobe, 20 dB below its peak. A contour promises at least its level; what it may be at most is the
level of the next contour inside, and the peak within the innermost; beyond the outermost nothing is known, or counted.
Free space counts. Places lie at sea level.

Words: Radio Regulations, Article 21 (angle of arrival); ITU-R S.672-4 (main lobe).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.coverage import MAIN_LOBE_EDGE_DB, Beam, ContourBeam, SpotBeam, relative_gain_db
from satcom.resource.physics.link_budget import spreading_loss_db_m2
from satcom.resource.physics.orbit import EARTH_RADIUS_KM, GEOSTATIONARY_ALTITUDE_KM, earth_fixed_km, horizon_axes
from satcom.resource.physics.power_flux_density import (
    ANY_REGION,
    Values,
    flux_density_limit_dbw_per_m2_hz,
    passing_flux_density_limit_dbw_per_m2_hz,
)
from satcom.resource.physics.satellite_view import SatelliteView

Array = NDArray[np.float64]
_RINGS, _SPOKES, _ROWS = 24, 48, 48  # of the samples of a lobe, and of the box of a contour
_LOW_DEG = np.arange(0.0, 30.25, 0.25)  # of arrival: there limits change, and directions from the satellite hardly do
_STEPS = 40  # across a beam on the ground


@dataclass(frozen=True, eq=False)
class Footprint:
    """Places that a beam lights, arrays (places,): how far the satellite is, how it arrives, how far below the peak."""

    latitude_deg: Array
    longitude_deg: Array
    range_km: Array
    arrival_deg: Array
    below_peak_db: Array


@dataclass(frozen=True)
class WorstPlace:
    """Where in a footprint least is left of the limit. `eirp_density_limit_dbw_per_hz` is what the peak may have."""

    latitude_deg: float
    longitude_deg: float
    range_km: float
    arrival_deg: float
    below_peak_db: float
    limit_dbw_per_m2_hz: float
    eirp_density_limit_dbw_per_hz: float

    def flux_density_dbw_per_m2_hz(self, peak_eirp_density_dbw_per_hz: float) -> float:
        """What arrives there of a carrier of this density at the peak of the beam."""
        return self.limit_dbw_per_m2_hz + peak_eirp_density_dbw_per_hz - self.eirp_density_limit_dbw_per_hz


@lru_cache(maxsize=512)
def footprint(
    beam: Beam,
    satellite_longitude_deg: float,
    satellite_latitude_deg: float = 0.0,
    satellite_altitude_km: float = GEOSTATIONARY_ALTITUDE_KM,
) -> Footprint:
    """The places on the ground that a beam lights, from its peak to its end and to the edge of the Earth."""
    view = SatelliteView(satellite_longitude_deg, satellite_latitude_deg, satellite_altitude_km)
    if isinstance(beam, SpotBeam):
        latitude_deg, longitude_deg = _places_of_lobe(beam, view)
    else:
        latitude_deg, longitude_deg = _places_of_contours(beam)
    at_most_db = _at_most_db(beam, latitude_deg, longitude_deg)
    range_km, arrival_deg = _arrival(view, latitude_deg, longitude_deg)
    lit = np.isfinite(at_most_db) & (arrival_deg >= 0)
    return Footprint(*(one[lit] for one in (latitude_deg, longitude_deg, range_km, arrival_deg, -at_most_db)))


def worst_place(lit: Footprint, freq_hz: float, region: Values = ANY_REGION) -> WorstPlace | None:
    """Where a carrier of a geostationary satellite comes nearest to the limit, `None` where none is set.

    `region` is the ITU's, of each place or of all. Source: Radio Regulations, Article 21, Table 21-4.
    """
    limit = flux_density_limit_dbw_per_m2_hz.or_nan(lit.arrival_deg, freq_hz, region)
    allowed = limit + spreading_loss_db_m2.or_nan(lit.range_km) + lit.below_peak_db
    if not np.isfinite(allowed).any():
        return None
    row = int(np.nanargmin(allowed))
    return WorstPlace(
        latitude_deg=float(lit.latitude_deg[row]),
        longitude_deg=float(lit.longitude_deg[row]),
        range_km=float(lit.range_km[row]),
        arrival_deg=float(lit.arrival_deg[row]),
        below_peak_db=float(lit.below_peak_db[row]),
        limit_dbw_per_m2_hz=float(limit[row]),
        eirp_density_limit_dbw_per_hz=float(allowed[row]),
    )


@dataclass(frozen=True, eq=False)
class PassingFootprint:
    """The worst place of a beam that follows a site, at every instant; arrays in the shape of the instants.

    `away_km` is its distance from the site, negative towards the satellite; `at_one_dbw_per_m2_hz` what arrives there
    of 0 dBW in one hertz at the peak. nan where no limit is set.
    """

    away_km: Array
    arrival_deg: Array
    limit_dbw_per_m2_hz: Array
    at_one_dbw_per_m2_hz: Array


def passing_footprint(
    site_range_km: Values,
    site_elevation_deg: Values,
    beam_diameter_km: float,
    edge_gain_db: float,
    band_hz: tuple[float, float],
    satellites: int,
) -> PassingFootprint:
    """Where a beam that lights a site comes nearest to the limit, the site anywhere in it.

    Only places in line with site and satellite need be looked at: beside this line a place is as far from the peak and
    sees the satellite no lower. Up to half the diameter from the site may lie at the peak; beyond, the level falls with
    the square of the distance, by the edge gain at the end. The Earth is round. `satellites` and `band_hz` (lowest and
    highest) as in `passing_flux_density_limit_dbw_per_m2_hz`. Source: Radio Regulations, Article 21, Table 21-4.
    """
    range_km, elevation = (
        np.asarray(site_range_km, float)[..., None],
        np.radians(np.asarray(site_elevation_deg, float))[..., None],
    )
    away_km = beam_diameter_km * np.linspace(-1, 1, 2 * _STEPS + 1)
    up_km, along_km = EARTH_RADIUS_KM + range_km * np.sin(elevation), range_km * np.cos(elevation)
    orbit_km = np.hypot(up_km, along_km)
    turn = np.arctan2(along_km, up_km) + away_km / EARTH_RADIUS_KM
    there_km = np.sqrt(EARTH_RADIUS_KM**2 + orbit_km**2 - 2 * EARTH_RADIUS_KM * orbit_km * np.cos(turn))
    arrival_deg = np.degrees(np.arcsin(np.clip((orbit_km * np.cos(turn) - EARTH_RADIUS_KM) / there_km, -1, 1)))
    beyond = np.maximum(2 * np.abs(away_km) / beam_diameter_km - 1, 0)
    arrives = edge_gain_db * beyond**2 - spreading_loss_db_m2.or_nan(there_km)
    limit = passing_flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, *band_hz, satellites)
    excess = np.where(np.isfinite(limit), arrives - limit, -np.inf)
    row = np.argmax(excess, axis=-1)[..., None]
    none = np.isneginf(np.take_along_axis(excess, row, axis=-1)[..., 0])

    def there(values: Array) -> Array:
        chosen: Array = np.take_along_axis(np.broadcast_to(values, excess.shape), row, axis=-1)[..., 0]
        return np.where(none, np.nan, chosen)

    return PassingFootprint(there(away_km), there(arrival_deg), there(limit), there(arrives))


def _places_of_lobe(beam: SpotBeam, view: SatelliteView) -> tuple[Array, Array]:
    """Rings around the boresight as the satellite sees it, and lines along which it arrives at one low angle."""
    azimuth, elevation = view.direction_deg(beam.boresight_latitude_deg, beam.boresight_longitude_deg)
    end_deg = beam.half_power_beamwidth_deg / 2 * np.sqrt(MAIN_LOBE_EDGE_DB / -3)
    off_deg = end_deg * np.linspace(0, 1, _RINGS + 1)[:, None]
    around = np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False)
    low_azimuth, low_elevation = _low_directions_deg(float(azimuth), float(elevation), end_deg, view)
    latitude_deg, longitude_deg = view.place_deg(
        np.concatenate([(azimuth + off_deg * np.cos(around)).ravel(), low_azimuth]),
        np.concatenate([(elevation + off_deg * np.sin(around)).ravel(), low_elevation]),
    )
    met = np.isfinite(latitude_deg)
    return latitude_deg[met], longitude_deg[met]


def _low_directions_deg(
    azimuth_deg: float, elevation_deg: float, end_deg: float, view: SatelliteView
) -> tuple[Array, Array]:
    """Of `_LOW_DEG`, as far to both sides of the boresight as the lobe reaches."""
    orbit_km = np.linalg.norm(view.position_km)
    from_nadir = np.arcsin(EARTH_RADIUS_KM * np.cos(np.radians(_LOW_DEG)) / orbit_km)[:, None]
    boresight_deg = np.hypot(azimuth_deg, elevation_deg)
    from_nadir = from_nadir[np.degrees(from_nadir[:, 0]) <= boresight_deg + end_deg]
    widest = np.pi if end_deg >= boresight_deg else np.arcsin(end_deg / boresight_deg)
    side = np.arctan2(elevation_deg, azimuth_deg) + np.linspace(-widest, widest, _SPOKES + 1)
    low_azimuth = np.arctan2(np.sin(from_nadir) * np.cos(side), np.cos(from_nadir))
    low_elevation = np.arcsin(np.sin(from_nadir) * np.sin(side))
    return np.degrees(low_azimuth).ravel(), np.degrees(low_elevation).ravel()


def _places_of_contours(beam: ContourBeam) -> tuple[Array, Array]:
    """The corners of the contours, and a grid over the box around them. Edges go the shorter way round."""
    corners, grids = [], []
    for contour in beam.contours:
        for polygon in contour.polygons:
            longitude_deg, latitude_deg = np.array(polygon[0], dtype=np.float64).T
            longitude_deg = np.unwrap(longitude_deg, period=360)
            corners.append((latitude_deg, longitude_deg))
            box = [np.linspace(one.min(), one.max(), _ROWS) for one in (latitude_deg, longitude_deg)]
            grids.append([one.ravel() for one in np.meshgrid(*box)])
    latitude_deg, longitude_deg = (np.concatenate(one) for one in zip(*corners, *grids, strict=True))
    return latitude_deg, (longitude_deg + 180) % 360 - 180


def _at_most_db(beam: Beam, latitude_deg: Array, longitude_deg: Array) -> Array:
    """Level to the peak that a place may have at most; `-inf` where the beam promises nothing."""
    promised_db: Array = relative_gain_db.or_nan([beam], latitude_deg, longitude_deg)[0]
    if isinstance(beam, SpotBeam):
        return promised_db
    levels_db = np.unique([*(one.level_db - beam.peak_level_db for one in beam.contours), 0.0])
    above = np.minimum(np.searchsorted(levels_db, promised_db + 1e-9), len(levels_db) - 1)
    return np.where(np.isfinite(promised_db), levels_db[above], promised_db)


def _arrival(view: SatelliteView, latitude_deg: Array, longitude_deg: Array) -> tuple[Array, Array]:
    """Distance and angle over the horizon of the satellite."""
    to_satellite_km = view.position_km - earth_fixed_km(latitude_deg, longitude_deg, 0.0)
    range_km = np.linalg.norm(to_satellite_km, axis=-1)
    east, north, up = np.einsum("pki,pi->kp", horizon_axes(latitude_deg, longitude_deg), to_satellite_km)
    return range_km, np.degrees(np.arctan2(up, np.hypot(east, north)))
