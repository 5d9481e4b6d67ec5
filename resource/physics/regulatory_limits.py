"""Regulatory limits: what a carrier may radiate beside its satellite, and what a satellite may lay on the ground.

Limits are in the reference bandwidth of their text; they are brought to a density in one hertz, so that a carrier's
own density can be held against them. An operator's coordination agreements are given as densities of the same kind.
Whether a country has licensed a service is no physics and not here. Arrays broadcast; nan where no limit is set.

Words: ITU-R S.524-9 (earth stations, off-axis EIRP density), Radio Regulations Appendix 8 Annex III (the antenna near
its axis). What may arrive on the ground is `power_flux_density`, and the places of a beam `beam_footprint`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.beam_footprint import Footprint, WorstPlace, worst_place
from satcom.resource.physics.checked import FINITE, POSITIVE, SHARE, Accepted, checked
from satcom.resource.physics.interference import side_lobe_gain_dbi
from satcom.resource.physics.power_flux_density import (
    FLUX_DENSITY,
    TABLE_21_4,
    flux_density_excess_db,
    flux_density_limit_dbw_per_m2_hz,
)

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

# S.524-9, recommends 2, 3.1 and 4: band in GHz, nearest angle, 32 - 25 log, plateau, 35 - 25 log, far, bandwidth.
_OFF_AXIS = (
    (5.725, 7.075, 2.5, 32.0, 11.0, 35.0, -7.0, 4e3),
    (12.75, 13.25, 2.5, 39.0, 18.0, 42.0, 0.0, 40e3),
    (13.75, 14.5, 2.5, 39.0, 18.0, 42.0, 0.0, 40e3),
    (27.5, 30.0, 2.0, 19.0, -2.0, 22.0, -10.0, 40e3),
)
ANGLES_DEG: Array = np.concatenate([np.arange(2.0, 10.0, 0.1), np.arange(10.5, 180.0, 1.0)])

AGREEMENT = "coordination agreement"
LICENCE = "licence of the country"
S_524_9 = "ITU-R S.524-9"
OVER_THE_LIMIT = "dB over the limit"
DENSITY = "dBW/Hz"


class Gate(StrEnum):
    """The reason code of a limit that is not kept."""

    OFF_AXIS_EIRP_DENSITY = "offAxisEirpDensity"
    POWER_FLUX_DENSITY = "powerFluxDensity"
    COORDINATED_UPLINK = "coordinatedUplinkDensity"
    COORDINATED_DOWNLINK = "coordinatedDownlinkDensity"
    LICENSED_DENSITY = "licensedEirpDensity"


@dataclass(frozen=True)
class CoordinationLimits:
    """What an operator's agreements allow, `inf` where they say nothing."""

    uplink_eirp_density_dbw_per_hz: float = np.inf
    downlink_eirp_density_dbw_per_hz: float = np.inf


@dataclass(frozen=True)
class Breach:
    """One limit that is not kept: by which number, over which, and where it says so.

    On the ground also the place where it is exceeded most, and the angle at which the satellite arrives there.
    """

    gate: Gate
    value: float
    limit: float
    unit: str
    source: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    arrival_deg: float | None = None

    @property
    def over_db(self) -> float:
        return self.value - self.limit

    @property
    def where(self) -> str:
        """On the ground, as people write it; no place is named where it is the receiving station's."""
        if self.arrival_deg is None:
            return ""
        if self.latitude_deg is None or self.longitude_deg is None:
            return f"at the receiving station, {self.arrival_deg:.1f} deg over the horizon"
        north, east = "N" if self.latitude_deg >= 0 else "S", "E" if self.longitude_deg >= 0 else "W"
        place = f"{abs(self.latitude_deg):.2f} {north} {abs(self.longitude_deg):.2f} {east}"
        return f"at {place}, {self.arrival_deg:.1f} deg over the horizon"


@checked(off_axis_deg=Accepted(0.0, 180.0), freq_hz=POSITIVE)
def off_axis_limit_dbw_per_hz(off_axis_deg: Values, freq_hz: Values) -> Array:
    """Most EIRP density that an earth station may send at an angle beside its satellite, towards the orbit.

    nan nearer than 2.5 degrees (2 degrees from 27.5 GHz on) and outside 5.725-7.075, 12.75-13.25, 13.75-14.5 and
    27.5-30 GHz. Source: ITU-R S.524-9, recommends 2, 3.1 and 4.
    """
    angle, ghz = np.broadcast_arrays(np.asarray(off_axis_deg, float), np.asarray(freq_hz, float) / 1e9)
    limit = np.full(angle.shape, np.nan)
    for low, high, nearest, near, plateau, middle, far, width_hz in _OFF_AXIS:
        with np.errstate(divide="ignore", invalid="ignore"):
            falling = 25 * np.log10(angle)
        level = np.select(
            [angle <= 7, angle <= 9.2, angle <= 48],
            [near - falling, np.full_like(angle, plateau), middle - falling],
            far,
        )
        inside = (ghz >= low) & (ghz <= high) & (angle >= nearest) & (angle <= 180)
        limit = np.where(inside, level - 10 * np.log10(width_hz), limit)
    return limit


@checked(power_density_dbw_per_hz=FINITE, diameter_m=POSITIVE, efficiency=SHARE, freq_hz=POSITIVE)
def off_axis_excess_db(
    power_density_dbw_per_hz: Values, diameter_m: Values, efficiency: Values, freq_hz: Values
) -> Array:
    """By how much a station's side lobes exceed the limit at their worst angle; negative where they keep it.

    The density is that at the antenna's flange. nan where no limit is set. Source: ITU-R S.524-9 with S.580, S.465.
    """
    density, dish, eta, freq = (
        np.asarray(one, float)[..., None] for one in (power_density_dbw_per_hz, diameter_m, efficiency, freq_hz)
    )
    beyond = (
        density
        + side_lobe_gain_dbi.or_nan(ANGLES_DEG, dish, eta, freq)
        - off_axis_limit_dbw_per_hz.or_nan(ANGLES_DEG, freq)
    )
    excess_db: Array = np.max(np.where(np.isnan(beyond), -np.inf, beyond), axis=-1)
    return np.where(np.isneginf(excess_db), np.nan, excess_db)


@checked(diameter_m=POSITIVE, efficiency=SHARE, freq_hz=POSITIVE)
def flange_density_limit_dbw_per_hz(diameter_m: Values, efficiency: Values, freq_hz: Values) -> Array:
    """Most density at an antenna's flange with which its side lobes keep the limit. Arguments broadcast.

    nan where no limit is set. Source: ITU-R S.524-9 with S.580, S.465.
    """
    return -off_axis_excess_db.or_nan(0.0, diameter_m, efficiency, freq_hz)


def flux_breach(worst: WorstPlace, peak_eirp_density_dbw_per_hz: float) -> Breach:
    """What a carrier of this density at the peak of its beam lays on the worst place, beside the limit there."""
    return Breach(
        Gate.POWER_FLUX_DENSITY,
        worst.flux_density_dbw_per_m2_hz(peak_eirp_density_dbw_per_hz),
        worst.limit_dbw_per_m2_hz,
        FLUX_DENSITY,
        TABLE_21_4,
        worst.latitude_deg,
        worst.longitude_deg,
        worst.arrival_deg,
    )


def breaches(
    uplink_power_density_dbw_per_hz: float,
    uplink_eirp_density_dbw_per_hz: float,
    diameter_m: float,
    efficiency: float,
    uplink_freq_hz: float,
    downlink_eirp_density_dbw_per_hz: float,
    downlink_range_km: float,
    arrival_deg: float,
    downlink_freq_hz: float,
    agreed: CoordinationLimits | None = None,
    lit: Footprint | None = None,
    below_peak_db: float = 0.0,
) -> tuple[Breach, ...]:
    """The limits that one carrier does not keep, each with its reason code and number.

    The uplink's densities are under clear sky: power control only makes good what the rain takes. On the ground the
    receiving place counts, `below_peak_db` in its beam, and of the places that the beam has `lit` the worst.
    """
    agreed = agreed or CoordinationLimits()
    beside = float(off_axis_excess_db.or_nan(uplink_power_density_dbw_per_hz, diameter_m, efficiency, uplink_freq_hz))
    ground_limit = float(flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, downlink_freq_hz))
    ground = ground_limit + float(
        flux_density_excess_db.or_nan(
            downlink_eirp_density_dbw_per_hz, downlink_range_km, arrival_deg, downlink_freq_hz
        )
    )
    on_the_ground = Breach(
        Gate.POWER_FLUX_DENSITY, ground, ground_limit, FLUX_DENSITY, TABLE_21_4, None, None, arrival_deg
    )
    worst = None if lit is None else worst_place(lit, downlink_freq_hz)
    if worst is not None:
        elsewhere = flux_breach(worst, downlink_eirp_density_dbw_per_hz + below_peak_db)
        on_the_ground = max(on_the_ground, elsewhere, key=lambda one: np.nan_to_num(one.over_db, nan=-np.inf))
    up_limit, down_limit = agreed.uplink_eirp_density_dbw_per_hz, agreed.downlink_eirp_density_dbw_per_hz
    held = (
        Breach(Gate.OFF_AXIS_EIRP_DENSITY, beside, 0.0, OVER_THE_LIMIT, S_524_9),
        on_the_ground,
        Breach(Gate.COORDINATED_UPLINK, uplink_eirp_density_dbw_per_hz, up_limit, DENSITY, AGREEMENT),
        Breach(Gate.COORDINATED_DOWNLINK, downlink_eirp_density_dbw_per_hz, down_limit, DENSITY, AGREEMENT),
    )  # fmt: skip
    return tuple(one for one in held if one.value > one.limit)
