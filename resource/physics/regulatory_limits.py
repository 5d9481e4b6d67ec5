"""Regulatory limits: what a carrier may radiate beside its satellite, and what a satellite may lay on the ground.

Limits are in the reference bandwidth of their text; they are brought to a density in one hertz, so that a carrier's
own density can be held against them. An operator's coordination agreements are given as densities of the same kind.
Whether a country has licensed a service is no physics and not here. Arrays broadcast; nan where no limit is set.

Words: ITU-R S.524-9 (earth stations, off-axis EIRP density), Radio Regulations Article 21, Table 21-4 (power
flux-density; geostationary satellites and others have rows of their own), Appendix 8 Annex III (the antenna near its
axis).
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.interference import side_lobe_gain_dbi
from satcom.resource.physics.link_budget import spreading_loss_db_m2

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

# S.524-9, recommends 2, 3.1 and 4: band in GHz, nearest angle, 32 - 25 log, plateau, 35 - 25 log, far, bandwidth.
_OFF_AXIS = (
    (5.725, 7.075, 2.5, 32.0, 11.0, 35.0, -7.0, 4e3),
    (12.75, 13.25, 2.5, 39.0, 18.0, 42.0, 0.0, 40e3),
    (13.75, 14.5, 2.5, 39.0, 18.0, 42.0, 0.0, 40e3),
    (27.5, 30.0, 2.0, 19.0, -2.0, 22.0, -10.0, 40e3),
)
# Table 21-4: band in GHz, level up to 5 degrees of arrival, level from 25 degrees on, bandwidth; between them linear.
_ON_THE_GROUND = (
    (3.4, 4.2, -152.0, -142.0, 4e3),
    (4.5, 4.8, -152.0, -142.0, 4e3),
    (7.25, 7.75, -152.0, -142.0, 4e3),
    (10.7, 11.7, -150.0, -140.0, 4e3),
    (12.2, 12.75, -148.0, -138.0, 4e3),
    (17.7, 19.7, -115.0, -105.0, 1e6),
)
# The same table, satellites that are not geostationary; the last says whether No. 21.16.6 takes X for their number.
_ON_THE_GROUND_PASSING = (
    (4.5, 4.8, -152.0, -142.0, 4e3, False),
    (7.25, 7.75, -152.0, -142.0, 4e3, False),
    (10.7, 11.7, -126.0, -116.0, 1e6, False),
    (11.7, 12.75, -124.0, -114.0, 1e6, False),
    (17.7, 19.3, -115.0, -105.0, 1e6, True),
    (19.3, 19.7, -115.0, -105.0, 1e6, False),
    (37.5, 40.0, -120.0, -105.0, 1e6, False),
    (40.0, 42.0, -115.0, -105.0, 1e6, False),
    (42.0, 42.5, -120.0, -105.0, 1e6, False),
)
ANGLES_DEG: Array = np.concatenate([np.arange(2.0, 10.0, 0.1), np.arange(10.5, 180.0, 1.0)])

AGREEMENT = "coordination agreement"
TABLE_21_4 = "Radio Regulations, Table 21-4"
S_524_9 = "ITU-R S.524-9"
OVER_THE_LIMIT = "dB over the limit"
DENSITY = "dBW/Hz"
FLUX_DENSITY = "dBW/m2/Hz"


class Gate(StrEnum):
    """The reason code of a limit that is not kept."""

    OFF_AXIS_EIRP_DENSITY = "offAxisEirpDensity"
    POWER_FLUX_DENSITY = "powerFluxDensity"
    COORDINATED_UPLINK = "coordinatedUplinkDensity"
    COORDINATED_DOWNLINK = "coordinatedDownlinkDensity"


@dataclass(frozen=True)
class CoordinationLimits:
    """What an operator's agreements allow, `inf` where they say nothing."""

    uplink_eirp_density_dbw_per_hz: float = np.inf
    downlink_eirp_density_dbw_per_hz: float = np.inf


@dataclass(frozen=True)
class Breach:
    """One limit that is not kept: by which number, over which, and where it says so."""

    gate: Gate
    value: float
    limit: float
    unit: str
    source: str


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


def off_axis_excess_db(
    power_density_dbw_per_hz: Values, diameter_m: Values, efficiency: Values, freq_hz: Values
) -> Array:
    """By how much a station's side lobes exceed the limit at their worst angle; negative where they keep it.

    The density is that at the antenna's flange. nan where no limit is set. Source: ITU-R S.524-9 with S.580, S.465.
    """
    density, dish, eta, freq = (
        np.asarray(one, float)[..., None] for one in (power_density_dbw_per_hz, diameter_m, efficiency, freq_hz)
    )
    beyond = density + side_lobe_gain_dbi(ANGLES_DEG, dish, eta, freq) - off_axis_limit_dbw_per_hz(ANGLES_DEG, freq)
    excess_db: Array = np.max(np.where(np.isnan(beyond), -np.inf, beyond), axis=-1)
    return np.where(np.isneginf(excess_db), np.nan, excess_db)


def flange_density_limit_dbw_per_hz(diameter_m: Values, efficiency: Values, freq_hz: Values) -> Array:
    """Most density at an antenna's flange with which its side lobes keep the limit. Arguments broadcast.

    nan where no limit is set. Source: ITU-R S.524-9 with S.580, S.465.
    """
    return -off_axis_excess_db(0.0, diameter_m, efficiency, freq_hz)


def flux_density_limit_dbw_per_m2_hz(arrival_deg: Values, freq_hz: Values) -> Array:
    """Most power flux-density of a geostationary satellite at the ground, by the angle of arrival over the horizon.

    nan below the horizon and outside 3.4-4.2, 4.5-4.8, 7.25-7.75, 10.7-11.7, 12.2-12.75 and 17.7-19.7 GHz.
    Source: Radio Regulations, Article 21, Table 21-4.
    """
    arrival, ghz = np.broadcast_arrays(np.asarray(arrival_deg, float), np.asarray(freq_hz, float) / 1e9)
    limit = np.full(arrival.shape, np.nan)
    for low, high, flat, steep, width_hz in _ON_THE_GROUND:
        level = flat + (steep - flat) * np.clip((arrival - 5) / 20, 0, 1) - 10 * np.log10(width_hz)
        limit = np.where((ghz >= low) & (ghz <= high) & (arrival >= 0) & (arrival <= 90), level, limit)
    return limit


def constellation_size_db(satellites: Values) -> Array:
    """X: what a constellation of so many satellites has less near the horizon, from 17.7 to 19.3 GHz.

    nan below one satellite. Source: Radio Regulations, No. 21.16.6.
    """
    count = np.asarray(satellites, float)
    x_db = np.select([count <= 50, count <= 288], [0.0, 5 * (count - 50) / 119], (count + 402) / 69)
    return np.where(count >= 1, x_db, np.nan)


def passing_flux_density_limit_dbw_per_m2_hz(
    arrival_deg: Values, lowest_hz: Values, highest_hz: Values, satellites: Values
) -> Array:
    """Most power flux-density at the ground of a satellite that is not geostationary, by the angle of arrival.

    It is the strictest that is set anywhere between the two frequencies; `satellites` is how many its constellation
    has. Arguments broadcast. nan below the horizon and where no band of 4.5-4.8, 7.25-7.75, 10.7-12.75, 17.7-19.7 and
    37.5-42.5 GHz is touched. Source: Radio Regulations, Article 21, Table 21-4 and No. 21.16.6.
    """
    arrival, low_ghz, high_ghz, x_db = np.broadcast_arrays(
        np.asarray(arrival_deg, float),
        np.asarray(lowest_hz, float) / 1e9,
        np.asarray(highest_hz, float) / 1e9,
        constellation_size_db(satellites),
    )
    limit = np.full(arrival.shape, np.nan)
    for low, high, flat, steep, width_hz, by_size in _ON_THE_GROUND_PASSING:
        least = flat - x_db if by_size else np.full_like(x_db, flat)
        level = least + (steep - least) * np.clip((arrival - 5) / 20, 0, 1) - 10 * np.log10(width_hz)
        touched = (low_ghz < high) & (high_ghz > low) & (arrival >= 0) & (arrival <= 90)
        limit = np.where(touched, np.fmin(limit, level), limit)
    return limit


def flux_density_excess_db(
    eirp_density_dbw_per_hz: Values, range_km: Values, arrival_deg: Values, freq_hz: Values
) -> Array:
    """By how much a carrier's flux density at a place exceeds the limit, free space counted; negative where kept."""
    arrives = np.asarray(eirp_density_dbw_per_hz) - spreading_loss_db_m2.or_nan(range_km)
    excess_db: Array = arrives - flux_density_limit_dbw_per_m2_hz(arrival_deg, freq_hz)
    return excess_db


def ground_eirp_density_limit_dbw_per_hz(range_km: Values, arrival_deg: Values, freq_hz: Values) -> Array:
    """Most EIRP density of a geostationary satellite towards a place at this range, where it arrives at this angle.

    nan where no limit is set. Arguments broadcast. Source: Radio Regulations, Article 21, Table 21-4.
    """
    return -flux_density_excess_db(0.0, range_km, arrival_deg, freq_hz)


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
) -> tuple[Breach, ...]:
    """The limits that one carrier does not keep, each with its reason code and number.

    The uplink's densities are under clear sky: power control only makes good what the rain takes.
    """
    agreed = agreed or CoordinationLimits()
    beside = float(off_axis_excess_db(uplink_power_density_dbw_per_hz, diameter_m, efficiency, uplink_freq_hz))
    ground_limit = float(flux_density_limit_dbw_per_m2_hz(arrival_deg, downlink_freq_hz))
    ground = ground_limit + float(
        flux_density_excess_db(downlink_eirp_density_dbw_per_hz, downlink_range_km, arrival_deg, downlink_freq_hz)
    )
    up_limit, down_limit = agreed.uplink_eirp_density_dbw_per_hz, agreed.downlink_eirp_density_dbw_per_hz
    held = (
        Breach(Gate.OFF_AXIS_EIRP_DENSITY, beside, 0.0, OVER_THE_LIMIT, S_524_9),
        Breach(Gate.POWER_FLUX_DENSITY, ground, ground_limit, FLUX_DENSITY, TABLE_21_4),
        Breach(Gate.COORDINATED_UPLINK, uplink_eirp_density_dbw_per_hz, up_limit, DENSITY, AGREEMENT),
        Breach(Gate.COORDINATED_DOWNLINK, downlink_eirp_density_dbw_per_hz, down_limit, DENSITY, AGREEMENT),
    )  # fmt: skip
    return tuple(one for one in held if one.value > one.limit)
