"""Coverage maps: what beams bring to every place of a grid: EIRP, G/T, SFD, power flux density, rate, availability.

Each quantity is an array of shape (places,): of the beams that fall on a place the best counts; nan where none does.
Rate and availability are those of one carrier that fills the transponder, received by one kind of terminal. The
up link is that of a station which brings the transponder to its operating point, in clear sky; so it does not
matter where it stands.

Words: ITU Radio Regulations, Article 21 (power flux density in a reference bandwidth), ETSI EN 302 307 (MODCODs).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, effective_aperture_db_m2
from satcom.resource.physics.attenuation import TotalAttenuation, total_attenuation
from satcom.resource.physics.checked import LATITUDES, LONGITUDES, Accepted, check
from satcom.resource.physics.link_budget import (
    carrier_to_noise_density_db_hz,
    combine_db,
    free_space_loss_db,
    spreading_loss_db_m2,
)
from satcom.resource.physics.modcod import NONE_CLOSES, best_modcod, dvb_table

Array = NDArray[np.float64]

UNAVAILABILITIES_PERCENT = np.array([0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0])


@dataclass(frozen=True, eq=False)
class MapGrid:
    """A regular grid: latitudes rise, longitudes run on (170 to 190 across the date line)."""

    latitude_deg: Array
    longitude_deg: Array

    @classmethod
    def around(cls, south_deg: float, west_deg: float, north_deg: float, east_deg: float, points: int) -> "MapGrid":
        """Square cells in degrees, `points` along the longer side: two or more.

        Raises `OutOfRange`, also where North does not lie beyond South, or East beyond West.
        """
        check({"south_deg": (south_deg, LATITUDES), "west_deg": (west_deg, LONGITUDES)})
        north, east = Accepted(south_deg, 90.0, above=True), Accepted(west_deg, west_deg + 360.0, above=True)
        check({"north_deg": (north_deg, north), "east_deg": (east_deg, east), "points": (points, Accepted(2))})
        step_deg = max(north_deg - south_deg, east_deg - west_deg) / (points - 1)
        rows, columns = (int(np.ceil(side / step_deg)) + 1 for side in (north_deg - south_deg, east_deg - west_deg))
        return cls(np.linspace(south_deg, north_deg, max(rows, 2)), np.linspace(west_deg, east_deg, max(columns, 2)))

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.latitude_deg), len(self.longitude_deg)

    def places(self) -> tuple[Array, Array]:
        """Latitude and longitude of every point; shape (places,)."""
        rows, columns = np.meshgrid(self.latitude_deg, self.longitude_deg, indexing="ij")
        return rows.ravel(), columns.ravel()

    def coarser(self, points: int) -> "MapGrid":
        """The same area by at most so many points a side."""
        return MapGrid(*(one[np.unique(np.linspace(0, len(one) - 1, min(points, len(one))).round().astype(int))]
                         for one in (self.latitude_deg, self.longitude_deg)))  # fmt: skip

    def finer(self, values: Array, wanted: "MapGrid") -> Array:
        """Values at the points of a grid within this one, bilinear; (..., places of this) to (..., of the other)."""
        row, column = (
            np.interp(inner, outer, np.arange(len(outer)))
            for inner, outer in ((wanted.latitude_deg, self.latitude_deg), (wanted.longitude_deg, self.longitude_deg))
        )
        table = values.reshape(*values.shape[:-1], *self.shape)
        up, left = np.minimum(row.astype(int), self.shape[0] - 2), np.minimum(column.astype(int), self.shape[1] - 2)
        down, right = (row - up)[:, None], column - left
        rows = table[..., up, :] * (1 - down) + table[..., up + 1, :] * down
        fine: Array = rows[..., left] * (1 - right) + rows[..., left + 1] * right
        return fine.reshape(*values.shape[:-1], -1)


@dataclass(frozen=True, eq=False)
class MapTransponders:
    """Transponders side by side, values at the peak of their beams; arrays of shape (transponders,)."""

    eirp_dbw: Array
    figure_of_merit_db_per_k: Array
    sfd_dbw_per_m2: Array
    input_backoff_db: Array
    output_backoff_db: Array
    up_freq_hz: Array
    down_freq_hz: Array
    bandwidth_hz: Array
    tilt_deg: Array

    def symbol_rate_baud(self, rolloff: float) -> Array:
        return self.bandwidth_hz / (1 + rolloff)

    def uplink_cn0_db_hz(self) -> Array:
        """Of the carrier that fills the transponder, whoever sends it: flux density over the noise at the satellite."""
        flux_density = self.sfd_dbw_per_m2 - self.input_backoff_db
        into_isotropic_dbw = flux_density + effective_aperture_db_m2.or_nan(self.up_freq_hz)
        return carrier_to_noise_density_db_hz.or_nan(into_isotropic_dbw, 0.0, self.figure_of_merit_db_per_k)


@dataclass(frozen=True)
class MapTerminal:
    """What receives: a dish with its LNB, and what disturbs it (carrier over interference, all together)."""

    diameter_m: float
    efficiency: float
    lnb_noise_figure_db: float
    ground_temperature_k: float = 25.0
    feed_loss_db: float = 0.2
    pointing_loss_db: float = 0.4
    interference_ci_db: float = np.inf
    implementation_margin_db: float = 0.8
    rolloff: float = 0.2


def strongest(peak: Array, level_db: Array) -> Array:
    """EIRP or G/T at places: the highest of `peak` (beams,) and `level_db` (beams, places) together."""
    return _best(peak[:, None] + level_db)


def saturation_flux_density_dbw_per_m2(peak_dbw_per_m2: Array, level_db: Array) -> Array:
    """SFD at places: what has to arrive from there to saturate the transponder; the lowest counts."""
    return -_best(level_db - peak_dbw_per_m2[:, None])


def power_flux_density_dbw_per_m2(
    transponders: MapTransponders, level_db: Array, range_km: Array, reference_bandwidth_hz: float = 4000.0
) -> Array:
    """Power flux density at the ground at saturation, spread evenly over the transponder, in a reference bandwidth.

    `level_db` and `range_km` are of shape (transponders, places). Free space, no attenuation.
    """
    spread_db = 10 * np.log10(np.minimum(reference_bandwidth_hz / transponders.bandwidth_hz, 1))
    return _best((transponders.eirp_dbw + spread_db)[:, None] + level_db - spreading_loss_db_m2.or_nan(range_km))


def air_over(
    grid: MapGrid,
    transponders: MapTransponders,
    terminal: MapTerminal,
    elevation_deg: Array,
    unavailability_percent: float,
) -> TotalAttenuation:
    """Attenuation to each transponder at each point of a grid; shapes (transponders, places)."""
    latitude_deg, longitude_deg = grid.places()
    return total_attenuation.or_nan(
        latitude_deg,
        longitude_deg,
        transponders.down_freq_hz[:, None],
        elevation_deg,
        unavailability_percent,
        transponders.tilt_deg[:, None],
        terminal.diameter_m,
        terminal.efficiency,
    )


def downlink_es_n0_db(
    transponders: MapTransponders, terminal: MapTerminal, level_db: Array, range_km: Array, air: TotalAttenuation
) -> Array:
    """Es/N0 of the carrier that fills each transponder, up link and interference included; (transponders, places)."""
    down_hz = transponders.down_freq_hz[:, None]
    antenna = ReceiveAntenna.of_dish(
        terminal.diameter_m,
        terminal.efficiency,
        down_hz,
        terminal.lnb_noise_figure_db,
        terminal.ground_temperature_k,
        terminal.feed_loss_db,
    )
    absorbed_db = air.gas_db + air.cloud_db + air.rain_db
    covered_db = np.where(np.isfinite(level_db), level_db, np.nan)
    downlink_db_hz = carrier_to_noise_density_db_hz.or_nan(
        (transponders.eirp_dbw - transponders.output_backoff_db)[:, None] + covered_db,
        free_space_loss_db.or_nan(range_km, down_hz) + air.total_db + terminal.pointing_loss_db,
        antenna.figure_of_merit_db_per_k(absorbed_db),
    )
    rate_db = 10 * np.log10(transponders.symbol_rate_baud(terminal.rolloff))[:, None]
    uplink_db_hz = transponders.uplink_cn0_db_hz()[:, None]
    return combine_db(downlink_db_hz - rate_db, uplink_db_hz - rate_db, terminal.interference_ci_db)


def best_rate_bps(transponders: MapTransponders, terminal: MapTerminal, es_n0_db: Array) -> Array:
    """Bits a second of the best transponder, each with the MODCOD that closes; nan where none does."""
    table = dvb_table()
    chosen = best_modcod.or_nan(es_n0_db, terminal.implementation_margin_db)
    efficiency = np.where(chosen == NONE_CLOSES, np.nan, table.spectral_efficiency[chosen])
    return _best(efficiency * transponders.symbol_rate_baud(terminal.rolloff)[:, None])


def availability_percent(es_n0_db: Array, unavailability_percent: Array, required_es_n0_db: float) -> Array:
    """Share of the average year in which the best transponder's Es/N0 suffices.

    `es_n0_db` has shape (unavailabilities, transponders, places), unavailabilities rising; between two of them the
    logarithm of the share is linear in Es/N0. nan where it does not suffice even at the last.
    """
    best_db = np.array([_best(one) for one in es_n0_db])
    enough = best_db >= required_es_n0_db
    first = np.argmax(enough, axis=0)
    before = np.maximum(first - 1, 0)
    place = np.arange(best_db.shape[1])
    low_db, high_db = best_db[before, place], best_db[first, place]
    share = np.where(first > 0, (required_es_n0_db - low_db) / np.where(high_db > low_db, high_db - low_db, 1), 1.0)
    logs = np.log(unavailability_percent)
    unavailable = np.exp(logs[before] + np.clip(np.nan_to_num(share), 0, 1) * (logs[first] - logs[before]))
    return np.where(enough.any(axis=0), 100 - unavailable, np.nan)


def _best(values: Array) -> Array:
    """The highest of the first axis; nan where there is none."""
    known = np.where(np.isfinite(values), values, -np.inf)
    best = known.max(axis=0, initial=-np.inf)
    return np.where(np.isfinite(best), best, np.nan)
