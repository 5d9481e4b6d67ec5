"""A hop: one transmitter, one path, one receiver. Telemetry, a regenerative payload and a link between satellites.

A regenerative payload decides every bit anew, so that its hops stand or fall by themselves: the worst margin counts,
errors and outages add up. A chain of transparent hops adds up noise instead (`link_budget.combine_db`). Between
satellites there is no air: the path is free space.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 2; ITU-R P.525 (free-space loss, flux density).
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import effective_aperture_db_m2
from satcom.resource.physics.budget_lines import Line, Shown, lines_of
from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, POSITIVE, Accepted, checked
from satcom.resource.physics.link_budget import (
    NO_INTERFERENCE_DB,
    carrier_to_noise_density_db_hz,
    combine_db,
    free_space_loss_db,
    spreading_loss_db_m2,
)
from satcom.resource.physics.orbit import EARTH_RADIUS_KM

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts


@dataclass(frozen=True)
class Hop:
    """What a hop is made of. `losses_db` is all beside free space: pointing, polarization, air, ageing.

    `interference_ci0_db_hz` is carrier over interference density, `inf` where there is none.
    """

    eirp_dbw: Values
    range_km: Values
    freq_hz: Values
    figure_of_merit_db_per_k: Values
    losses_db: Values = 0.0
    interference_ci0_db_hz: Values = NO_INTERFERENCE_DB


@dataclass(frozen=True)
class HopBudget:
    """All lines of a hop; arrays that broadcast, nan where an input was out of range."""

    eirp_dbw: Annotated[Array, Shown("EIRP", "dBW", "given")]
    range_km: Annotated[Array, Shown("Range", "km", "given")]
    free_space_loss_db: Annotated[Array, Shown("Free-space loss", "dB", "ITU-R P.525")]
    losses_db: Annotated[Array, Shown("Other losses", "dB", "given")]
    flux_density_dbw_per_m2: Annotated[Array, Shown("Flux density", "dBW/m2", "ITU-R P.525: EIRP / 4 pi d^2")]
    isotropic_level_dbw: Annotated[Array, Shown("Level at an isotropic antenna", "dBW", "EIRP less losses")]
    figure_of_merit_db_per_k: Annotated[Array, Shown("Receiver G/T", "dB/K", "given")]
    cn0_db_hz: Annotated[Array, Shown("C/N0", "dB-Hz", "EIRP - losses + G/T - k")]
    interference_ci0_db_hz: Annotated[Array, Shown("C/I0", "dB-Hz", "given")]
    cn0i0_db_hz: Annotated[Array, Shown("C/(N0+I0)", "dB-Hz", "noise and interference add")]

    def es_n0_db(self, symbol_rate_baud: Values) -> Array:
        """C/(N+I) in a noise bandwidth of the symbol rate; with the bit rate it is Eb/(N0+I0)."""
        ratio_db: Array = self.cn0i0_db_hz - 10 * np.log10(_positive(symbol_rate_baud))
        return ratio_db

    def as_table(self, index: tuple[int, ...] = ()) -> list[Line]:
        """The rows of one hop."""
        return lines_of(self, index, frozenset({"interference_ci0_db_hz"}))


@checked(eirp_dbw=FINITE, range_km=POSITIVE, freq_hz=POSITIVE, figure_of_merit_db_per_k=FINITE, losses_db=NOT_NEGATIVE)
def hop_budget(hop: Hop) -> HopBudget:
    """The budget of a hop. All arguments broadcast."""
    loss_db = free_space_loss_db.or_nan(hop.range_km, hop.freq_hz)
    isotropic_dbw = np.asarray(hop.eirp_dbw) - loss_db - hop.losses_db
    cn0 = carrier_to_noise_density_db_hz.or_nan(hop.eirp_dbw, loss_db + hop.losses_db, hop.figure_of_merit_db_per_k)
    return HopBudget(
        eirp_dbw=np.asarray(hop.eirp_dbw),
        range_km=np.asarray(hop.range_km),
        free_space_loss_db=loss_db,
        losses_db=np.asarray(hop.losses_db),
        flux_density_dbw_per_m2=np.asarray(hop.eirp_dbw) - spreading_loss_db_m2.or_nan(hop.range_km) - hop.losses_db,
        isotropic_level_dbw=isotropic_dbw,
        figure_of_merit_db_per_k=np.asarray(hop.figure_of_merit_db_per_k),
        cn0_db_hz=cn0,
        interference_ci0_db_hz=np.asarray(hop.interference_ci0_db_hz),
        cn0i0_db_hz=combine_db(cn0, hop.interference_ci0_db_hz),
    )


@checked(power_dbw=FINITE, antenna_gain_dbi=FINITE, losses_db=NOT_NEGATIVE)
def eirp_dbw(power_dbw: Values, antenna_gain_dbi: Values, losses_db: Values = 0.0) -> Array:
    """Power at the amplifier less what is lost up to the antenna, plus its gain."""
    level_dbw: Array = np.asarray(power_dbw) - losses_db + antenna_gain_dbi
    return level_dbw


@checked(flux_density_dbw_per_m2=FINITE, freq_hz=POSITIVE)
def isotropic_level_dbw(flux_density_dbw_per_m2: Values, freq_hz: Values) -> Array:
    """What an isotropic antenna gathers of a flux density. Source: ITU-R P.525."""
    level_dbw: Array = np.asarray(flux_density_dbw_per_m2) + effective_aperture_db_m2.or_nan(freq_hz)
    return level_dbw


def regenerative_margin_db(*margins_db: Values) -> Array:
    """The margin of hops that each decide the bits anew: that of the weakest."""
    worst_db: Array = np.min(np.stack(np.broadcast_arrays(*margins_db)), axis=0)
    return worst_db


def regenerative_frame_error_ratio(*ratios: Values) -> Array:
    """Frames that do not arrive over independent hops: 1 - (1 - a)(1 - b) ...; outages add up the same way."""
    kept = np.stack(np.broadcast_arrays(*(_share(one) for one in ratios)))
    lost: Array = -np.expm1(np.sum(np.log1p(-kept), axis=0))
    return lost


@checked(first_altitude_km=POSITIVE, second_altitude_km=POSITIVE, separation_deg=Accepted(0.0, 180.0))
def inter_satellite_range_km(first_altitude_km: Values, second_altitude_km: Values, separation_deg: Values) -> Array:
    """Distance of two satellites seen `separation_deg` apart from the Earth's centre; nan where the Earth is between.

    The ray has to pass above the Earth's equatorial radius.
    """
    first, second = EARTH_RADIUS_KM + _positive(first_altitude_km), EARTH_RADIUS_KM + _positive(second_altitude_km)
    cosine = np.cos(np.radians(separation_deg))
    distance_km = np.sqrt(first**2 + second**2 - 2 * first * second * cosine)
    # the horizon of each satellite is this far away; beyond both of them the Earth is between
    horizon_km = np.sqrt(first**2 - EARTH_RADIUS_KM**2) + np.sqrt(second**2 - EARTH_RADIUS_KM**2)
    return np.where(distance_km <= horizon_km, distance_km, np.nan)


def _share(ratio: Values) -> Array:
    number = np.asarray(ratio, dtype=np.float64)
    return np.where((number >= 0) & (number < 1), number, np.nan)


def _positive(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where(number > 0, number, np.nan)
