"""Joint availability: for which share of the year a bent pipe works when rain may fade both links, even at once.

A budget with rain on one link at a time needs somebody to divide the unavailability between the links. Here nobody
does: every pair of fades that the margin does not carry counts, by its probability. Rain at two sites goes together
as ITU-R P.618 says for their distance; sites in different climates are independent (`distance_km` infinite), a
station that hears itself is one site (0). Each link keeps its own distribution of total attenuation.

Words: ITU-R P.618-14, sections 2.2.4.1 (joint exceedance), 2.5 (total attenuation) and 3 (sky noise).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from satcom.resource.physics.attenuation import (
    COSMIC_BACKGROUND_K,
    MEAN_RADIATING_TEMPERATURE_K,
    total_attenuation,
)
from satcom.resource.physics.joint_rain import path_rain_probability_percent, raining_at_both
from satcom.resource.physics.link_budget import FullPower, Link, Values, at_full_power
from satcom.resource.physics.modcod import ModcodTable
from satcom.resource.physics.modcod_search import Noise
from satcom.resource.physics.rain import rain_height_km, rain_probability_percent

Array = NDArray[np.float64]

# Shares of the year at which a link's attenuation is computed; between them ln A is linear in the normal quantile.
PERCENT = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0])
LEAST_FADE_DB = 1e-4
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, eq=False)
class Fades:
    """What a path loses beyond clear sky: `fade_db` of shape (..., shares) exceeded for `PERCENT` of the year.

    `rain_percent` is the share of the year in which rain attenuates the path. A fade rarer than 0.001 % counts as
    that often; one more frequent than 5 % as often as it rains.
    """

    fade_db: Array
    rain_percent: Array

    @classmethod
    def at(
        cls,
        latitude_deg: ArrayLike,
        longitude_deg: ArrayLike,
        freq_hz: ArrayLike,
        elevation_deg: ArrayLike,
        polarization_tilt_deg: ArrayLike,
        antenna_diameter_m: ArrayLike,
        antenna_efficiency: ArrayLike,
        station_height_km: ArrayLike,
    ) -> Self:
        """Of earth stations anywhere; arguments as in `total_attenuation`, broadcast to (...)."""
        *given, height = (
            np.asarray(one, float)[..., None]
            for one in (latitude_deg, longitude_deg, freq_hz, elevation_deg, polarization_tilt_deg,
                        antenna_diameter_m, antenna_efficiency, station_height_km)
        )  # fmt: skip
        lat, lon, freq, elevation, tilt, diameter, efficiency = given
        lost = total_attenuation.or_nan(lat, lon, freq, elevation, PERCENT, tilt, diameter, efficiency, height)
        rains = path_rain_probability_percent.or_nan(
            rain_probability_percent.or_nan(lat, lon), elevation, height, rain_height_km.or_nan(lat, lon)
        )
        return cls(lost.total_db - lost.gas_db, np.broadcast_to(rains[..., 0], lost.total_db.shape[:-1]))

    def exceeded_percent(self, fade_db: Array) -> Array:
        """Share of the year in which the path fades by more; `fade_db` of shape (..., n) to the same."""
        probability: Array = 100 * ndtr(-self._quantile(fade_db))
        rains = np.maximum(self.rain_percent, PERCENT[-1])[..., None]
        percent = np.clip(np.where(fade_db < self.fade_db[..., -1:], rains, probability), PERCENT[0], rains)
        return np.where(fade_db <= 0, rains, np.where(np.isnan(fade_db), np.nan, percent))

    def fade_exceeded_db(self, percent: Array) -> Array:
        """The fade exceeded for a share of the year; `percent` of shape (..., n). None beyond 5 % of it."""
        z = -ndtri(percent / 100)
        log_fade = _between(z, np.broadcast_to(QUANTILES, self.fade_db.shape), self._log_fade())
        return np.where(percent > PERCENT[-1], 0.0, np.exp(log_fade))

    def _log_fade(self) -> Array:
        """ln of the fades, rarest last."""
        return np.log(np.maximum(self.fade_db[..., ::-1], LEAST_FADE_DB))

    def _quantile(self, fade_db: Array) -> Array:
        log_fade = self._log_fade() + np.arange(len(PERCENT)) * 1e-12  # where it never rains all are equal
        asked = np.log(np.maximum(fade_db, LEAST_FADE_DB))
        return _between(asked, log_fade, np.broadcast_to(QUANTILES, log_fade.shape))


QUANTILES: Array = -ndtri(PERCENT[::-1] / 100)


@dataclass(frozen=True, eq=False)
class Room:
    """How much fade a carrier stands: its disturbances over it, linear, at its share of power, under clear sky.

    `steady` is all but the noise of the down link. That grows with a fade as `hot` x - `cold`, where x is the fade as
    a ratio: weaker by x, and under a warmer sky. All attenuation counts as absorbing.
    """

    steady: Array
    downlink: Array
    hot: Array
    cold: Array
    power_control_db: Array

    @classmethod
    def of(cls, link: Link, rolloff: Values, symbol_rate_baud: Values, power_share: Values) -> Self:
        """Of a carrier on a link; all broadcast."""
        full = at_full_power.or_nan(link)
        per_share = np.asarray(symbol_rate_baud) / np.asarray(power_share)
        downlink = per_share * 10 ** (-full.downlink_cn0_clear_db_hz / 10)
        noise = Noise.of(link, full, rolloff)
        clear = np.asarray(link.down.clear_attenuation_db)
        temperature_k = link.receive.antenna.system_temperature_k(clear)
        swing_k = (MEAN_RADIATING_TEMPERATURE_K - COSMIC_BACKGROUND_K) * 10 ** (-clear / 10)
        return cls(
            steady=noise.clear * per_share - downlink + noise.interference,
            downlink=downlink,
            hot=(temperature_k + swing_k) / temperature_k,
            cold=swing_k / temperature_k,
            power_control_db=_power_control_db(link, full, power_share),
        )

    def es_n0_db(self, uplink_fade_db: Values, downlink_fade_db: Values) -> Array:
        """Es/(N0+I0) when the up link fades by the one and the down link by the other."""
        left_db = np.maximum(np.asarray(uplink_fade_db) - self.power_control_db, 0)
        grown = self.hot * 10 ** (np.asarray(downlink_fade_db) / 10) - self.cold
        ratio_db: Array = -10 * np.log10(self.steady + self.downlink * grown) - left_db
        return ratio_db

    def downlink_fade_db(self, required_es_n0_db: Values, uplink_fade_db: Values) -> Array:
        """The down-link fade that just leaves the required Es/N0 beside an up-link fade; negative without room."""
        left_db = np.maximum(np.asarray(uplink_fade_db) - self.power_control_db, 0)
        room = 10 ** (-(np.asarray(required_es_n0_db) + left_db) / 10) - self.steady
        ratio = np.maximum(room / self.downlink + self.cold, 1e-9) / self.hot
        fade_db: Array = 10 * np.log10(ratio)
        return fade_db

    def uplink_fade_db(self, required_es_n0_db: Values) -> Array:
        """The up-link fade that just leaves the required Es/N0 under a clear down link; negative without room."""
        spare_db = self.es_n0_db(0.0, 0.0) - required_es_n0_db
        return np.where(spare_db >= 0, spare_db + self.power_control_db, spare_db)

    def expanded(self) -> "Room":
        """With one more dimension at the end, for required Es/N0 or nodes side by side."""
        return Room(
            *(one[..., None] for one in (self.steady, self.downlink, self.hot, self.cold, self.power_control_db))
        )


def availability_percent(
    room: Room, required_es_n0_db: Values, up: Fades, down: Fades, distance_km: Values = np.inf
) -> Array:
    """Share of the average year in which a carrier keeps its required Es/N0. All broadcast to (...).

    `distance_km` lies between the two stations. 0 where the link does not close under clear sky.
    """
    required = np.asarray(required_es_n0_db, dtype=np.float64)
    most_up_db = room.uplink_fade_db(required)
    most_down_db = room.downlink_fade_db(required, 0.0)
    closes = (most_up_db >= 0) & (most_down_db >= 0)
    up_rains, down_rains = (np.maximum(one.rain_percent, PERCENT[-1]) / 100 for one in (up, down))
    up_fails = up.exceeded_percent(most_up_db[..., None])[..., 0] / 100 / up_rains
    down_fails = down.exceeded_percent(most_down_db[..., None])[..., 0] / 100 / down_rains
    both_rain, correlation = raining_at_both.or_nan(up_rains, down_rains, np.asarray(distance_km, float))
    both_rain = np.minimum(both_rain, np.minimum(up_rains, down_rains))
    # rain at both: whatever the up link loses leaves the down link less
    first = up_fails[..., None]
    share = np.exp(np.log(first) * (1 - NODES) / 2)  # of the rain on the up link, from `up_fails` to all of it
    weight = NODE_WEIGHTS / 2 * -np.log(first) * share
    left_db = room.expanded().downlink_fade_db(
        required[..., None], up.fade_exceeded_db(100 * share * up_rains[..., None])
    )
    down_share = np.where(left_db >= 0, down.exceeded_percent(left_db) / 100 / down_rains[..., None], 1.0)
    root = np.sqrt(np.maximum(1 - correlation**2, 1e-12))[..., None]
    given_up = ndtr((_quantile(down_share) - correlation[..., None] * _quantile(share)) / root)
    both_fail = up_fails + np.sum(weight * given_up, axis=-1)
    fails = both_rain * both_fail + (up_rains - both_rain) * up_fails + (down_rains - both_rain) * down_fails
    return np.where(np.isnan(most_up_db + most_down_db), np.nan, np.where(closes, 100 * (1 - fails), 0.0))


@dataclass(frozen=True, eq=False)
class ModcodAvailability:
    """Adaptive coding: `at_least_percent` is how long a MODCOD or a better one holds, `percent` how long it is used.

    Shapes (..., modcods), rows of the table given; `mean_bps` of shape (...) is the rate averaged over the year.
    """

    at_least_percent: Array
    percent: Array
    mean_bps: Array


def modcod_availability(
    room: Room,
    table: ModcodTable,
    implementation_margin_db: Values,
    symbol_rate_baud: Values,
    up: Fades,
    down: Fades,
    distance_km: Values = np.inf,
) -> ModcodAvailability:
    """How long each MODCOD is in use on a carrier that adapts, always the most efficient that holds."""
    required = table.es_n0_threshold_db + np.asarray(implementation_margin_db)[..., None]
    wide = [Fades(one.fade_db[..., None, :], one.rain_percent[..., None]) for one in (up, down)]
    holds = availability_percent(room.expanded(), required, wide[0], wide[1], np.asarray(distance_km)[..., None])
    order = np.argsort(table.spectral_efficiency, kind="stable")
    rising = holds[..., order]
    better = np.maximum.accumulate(rising[..., ::-1], axis=-1)[..., ::-1]  # it, or one more efficient
    used = better - np.concatenate([better[..., 1:], np.zeros_like(better[..., :1])], axis=-1)
    percent, at_least = np.empty_like(used), np.empty_like(better)
    percent[..., order], at_least[..., order] = used, better
    mean_bps: Array = np.asarray(symbol_rate_baud) * (percent @ table.spectral_efficiency) / 100
    return ModcodAvailability(at_least, percent, mean_bps)


def _power_control_db(link: Link, full: FullPower, power_share: Values) -> Array:
    """Range of the power control, as far as the amplifier has it spare beyond what the budget counted."""
    spare_db = full.hpa_margin_db + full.uplink_power_control_db - 10 * np.log10(power_share)
    return np.clip(np.asarray(link.transmit.uplink_power_control_db, dtype=np.float64), 0, np.maximum(spare_db, 0))


def _quantile(share: Array) -> Array:
    """Of the normal distribution; a share of 1 stays finite."""
    quantile: Array = ndtri(np.minimum(share, 1 - 1e-12))
    return quantile


def _between(x: Array, xs: Array, ys: Array) -> Array:
    """Linear interpolation in tables of their own, (..., n) in (..., points), drawn on beyond the ends."""
    below = np.clip(np.sum(x[..., None] >= xs[..., None, :], axis=-1) - 1, 0, xs.shape[-1] - 2)
    shape = np.broadcast_shapes(below.shape[:-1], xs.shape[:-1])
    below = np.broadcast_to(below, (*shape, below.shape[-1]))
    xs, ys = (np.broadcast_to(one, (*shape, one.shape[-1])) for one in (xs, ys))
    x0, x1 = np.take_along_axis(xs, below, -1), np.take_along_axis(xs, below + 1, -1)
    y0, y1 = np.take_along_axis(ys, below, -1), np.take_along_axis(ys, below + 1, -1)
    return np.asarray(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
