"""Interference: what other carriers put into a link, as carrier over interference in the carrier's own bandwidth.

Four neighbours: the other polarization (antennas, and rain that turns it), the same frequency in another beam, the
next satellite along the orbit (through side lobes), and the next carrier in the band (through its roll-off).
Ratios are in dB, `inf` where nothing disturbs; several add up with `link_budget.combine_db`.

Words: ITU-R S.465, S.580 (side lobes), S.1432 (allowances), P.618-14 section 4 (depolarization); EN 302 307-1, 5.6
(root-raised-cosine shaping).
"""

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import parabola_gain_dbi, wavelength_m
from satcom.resource.physics.antenna_pattern import s465_gain_dbi, s580_gain_dbi
from satcom.resource.physics.checked import (
    FINITE,
    LATITUDES,
    LONGITUDES,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Accepted,
    checked,
)
from satcom.resource.physics.depolarization import DISCRIMINATION_HZ, DISCRIMINATION_PERCENT, discrimination_db
from satcom.resource.physics.link_budget import combine_db
from satcom.resource.physics.orbit import GEOSTATIONARY_ALTITUDE_KM, earth_fixed_km

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

SPECTRUM_POINTS = 801


def cross_polar_ci_db(*discriminations_db: Values) -> Array:
    """C/I from a carrier of the same power in the other polarization, through antennas each of this discrimination.

    What leaks at the sender, on the way and at the receiver adds up in power.
    """
    return combine_db(*discriminations_db)


@checked(
    freq_hz=DISCRIMINATION_HZ,
    elevation_deg=Accepted(0.0, 90.0),
    polarization_tilt_deg=FINITE,
    unavailability_percent=DISCRIMINATION_PERCENT,
    rain_attenuation_db=NOT_NEGATIVE,
)
def rain_cross_polar_ci_db(
    freq_hz: Values,
    elevation_deg: Values,
    polarization_tilt_deg: Values,
    unavailability_percent: Values,
    rain_attenuation_db: Values,
) -> Array:
    """C/I that rain and ice leave of the polarizations, not met for a share of the year; `inf` without rain.

    nan outside 6 to 55 GHz and 0.001 to 1 %. Source: ITU-R P.618-14, section 4.1.
    """
    discrimination = discrimination_db.or_nan(
        freq_hz, elevation_deg, polarization_tilt_deg, unavailability_percent, rain_attenuation_db
    )
    return np.where(np.asarray(rain_attenuation_db) == 0, np.inf, discrimination)


@checked(apart=["activity"], wanted_gain_db=FINITE, activity=Accepted(0.0, 1.0))
def co_channel_ci_db(wanted_gain_db: Values, other_gains_db: Array, activity: Values = 1.0) -> Array:
    """C/I from beams that use the same frequency and polarization; `other_gains_db` has shape (..., beams).

    Gains towards one place, all beams at the same power density; `activity` is the share of it that a beam carries.
    """
    others = np.sum(np.asarray(activity) * 10 ** (np.asarray(other_gains_db) / 10), axis=-1)
    with np.errstate(divide="ignore"):
        ratio_db: Array = np.asarray(wanted_gain_db) - 10 * np.log10(others)
    return ratio_db


@checked(
    latitude_deg=LATITUDES,
    longitude_deg=LONGITUDES,
    wanted_longitude_deg=LONGITUDES,
    neighbour_longitude_deg=LONGITUDES,
)
def topocentric_separation_deg(
    latitude_deg: Values, longitude_deg: Values, wanted_longitude_deg: Values, neighbour_longitude_deg: Values
) -> Array:
    """Angle between two geostationary satellites as a place on the Earth sees them. Arguments broadcast.

    nan where a satellite is below the horizon, and where the place is no place.
    """
    latitude, longitude, wanted, neighbour = np.broadcast_arrays(
        *(
            np.asarray(one, float)
            for one in (latitude_deg, longitude_deg, wanted_longitude_deg, neighbour_longitude_deg)
        )
    )
    latitude = np.where(np.abs(latitude) <= 90, latitude, np.nan)
    place_km = earth_fixed_km(latitude, longitude, np.zeros_like(latitude))
    up = earth_fixed_km(latitude, longitude, np.ones_like(latitude)) - place_km
    to_wanted, to_neighbour = (
        earth_fixed_km(np.zeros_like(one), one, np.full_like(one, GEOSTATIONARY_ALTITUDE_KM)) - place_km
        for one in (wanted, neighbour)
    )
    across = np.linalg.norm(np.cross(to_wanted, to_neighbour), axis=-1)
    angle_deg = np.degrees(np.arctan2(across, np.sum(to_wanted * to_neighbour, axis=-1)))
    seen = (np.sum(up * to_wanted, axis=-1) > 0) & (np.sum(up * to_neighbour, axis=-1) > 0)
    separation_deg: Array = np.where(seen, angle_deg, np.nan)
    return separation_deg


@checked(off_axis_deg=Accepted(0.0, 180.0), diameter_m=POSITIVE, efficiency=SHARE, freq_hz=POSITIVE)
def side_lobe_gain_dbi(off_axis_deg: Values, diameter_m: Values, efficiency: Values, freq_hz: Values) -> Array:
    """What an earth station may radiate or hear beside its axis: S.580 from 50 wavelengths of diameter on, else S.465.

    Nearer than the patterns begin the main lobe counts, or the first side lobe's plateau where that is higher; never
    more than the peak.

    Source: ITU-R S.580-6, S.465-6; Radio Regulations, Appendix 8, Annex III near the axis.
    """
    peak_dbi = parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz)
    large_dbi, any_dbi = (
        pattern(off_axis_deg, diameter_m, freq_hz) for pattern in (s580_gain_dbi.or_nan, s465_gain_dbi.or_nan)
    )
    lobe_dbi = np.where(np.isnan(large_dbi), any_dbi, large_dbi)
    wavelengths = np.asarray(diameter_m) / wavelength_m.or_nan(freq_hz)
    main_dbi = peak_dbi - 2.5e-3 * (wavelengths * np.asarray(off_axis_deg, float)) ** 2
    near_dbi = np.maximum(main_dbi, 2 + 15 * np.log10(wavelengths))
    gain_dbi: Array = np.minimum(np.where(np.isnan(lobe_dbi), near_dbi, lobe_dbi), peak_dbi)
    return gain_dbi


@checked(
    eirp_density_dbw_per_hz=FINITE,
    satellite_discrimination_db=FINITE,
)
def adjacent_satellite_uplink_ci_db(
    eirp_density_dbw_per_hz: Values,
    neighbour_power_density_dbw_per_hz: Array,
    neighbour_side_lobe_dbi: Array,
    satellite_discrimination_db: Values = 0.0,
) -> Array:
    """C/I at the satellite from stations that point at its neighbours; those have shape (..., neighbours).

    The wanted station's density on axis, the others' at their antenna's flange with its side lobe towards us. Ranges
    count as equal. `satellite_discrimination_db` is how much less the satellite hears from where those stations are.
    """
    others = np.asarray(neighbour_power_density_dbw_per_hz) + neighbour_side_lobe_dbi
    return np.asarray(eirp_density_dbw_per_hz) + satellite_discrimination_db - _sum_db(others)


@checked(
    eirp_density_dbw_per_hz=FINITE,
    antenna_gain_dbi=FINITE,
)
def adjacent_satellite_downlink_ci_db(
    eirp_density_dbw_per_hz: Values,
    neighbour_eirp_density_dbw_per_hz: Array,
    antenna_gain_dbi: Values,
    side_lobe_dbi: Array,
) -> Array:
    """C/I at a station that hears neighbouring satellites through its side lobes; those have shape (..., neighbours).

    Densities are towards the station. Ranges count as equal.
    """
    others = np.asarray(neighbour_eirp_density_dbw_per_hz) + side_lobe_dbi
    return np.asarray(eirp_density_dbw_per_hz) + antenna_gain_dbi - _sum_db(others)


@checked(
    symbol_rate_baud=POSITIVE,
    rolloff=SHARE,
    neighbour_symbol_rate_baud=POSITIVE,
    neighbour_rolloff=SHARE,
    spacing_hz=FINITE,
    neighbour_excess_db=FINITE,
)
def adjacent_carrier_ci_db(
    symbol_rate_baud: Values,
    rolloff: Values,
    neighbour_symbol_rate_baud: Values,
    neighbour_rolloff: Values,
    spacing_hz: Values,
    neighbour_excess_db: Values = 0.0,
) -> Array:
    """C/I from one carrier at `spacing_hz`, whose power density is `neighbour_excess_db` above ours.

    What of its root-raised-cosine spectrum passes our matched filter, in a noise bandwidth of our symbol rate; `inf`
    where the spectra do not touch. Two equal neighbours: 3 dB less. nan where a symbol rate is not above zero or a
    roll-off not above 0 and up to 1.
    """
    ours, theirs, alpha, beta, spacing, excess_db = np.broadcast_arrays(
        *(
            np.asarray(one, float)
            for one in (symbol_rate_baud, neighbour_symbol_rate_baud, rolloff, neighbour_rolloff, spacing_hz,
                        neighbour_excess_db)
        )
    )  # fmt: skip
    possible = (ours > 0) & (theirs > 0) & (alpha > 0) & (alpha <= 1) & (beta > 0) & (beta <= 1)
    half_hz, other_half_hz = np.where(possible, ours * (1 + alpha) / 2, np.nan), theirs * (1 + beta) / 2
    # only where both are: steps over the whole of ours would miss a carrier much narrower than it
    low_hz, high_hz = np.maximum(-half_hz, spacing - other_half_hz), np.minimum(half_hz, spacing + other_half_hz)
    at_hz = low_hz[..., None] + np.maximum(high_hz - low_hz, 0)[..., None] * np.linspace(0, 1, SPECTRUM_POINTS)
    passed = _raised_cosine(at_hz, ours[..., None], alpha[..., None]) * _raised_cosine(
        at_hz - spacing[..., None], theirs[..., None], beta[..., None]
    )
    interference = np.trapezoid(passed, at_hz, axis=-1) / ours
    with np.errstate(divide="ignore"):
        ratio_db: Array = -10 * np.log10(interference) - excess_db
    return ratio_db


def _raised_cosine(offset_hz: Array, symbol_rate_baud: Array, rolloff: Array) -> Array:
    """Power spectrum of a root-raised-cosine carrier, 1 in its middle."""
    beyond = (np.abs(offset_hz) / symbol_rate_baud - (1 - rolloff) / 2) / rolloff
    return np.asarray((1 + np.cos(np.pi * np.clip(beyond, 0, 1))) / 2)


def _sum_db(levels_db: Array) -> Array:
    with np.errstate(divide="ignore"):
        together_db: Array = 10 * np.log10(np.sum(10 ** (np.asarray(levels_db) / 10), axis=-1))
    return together_db
