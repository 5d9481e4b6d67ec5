"""Antenna patterns: how much an antenna radiates or hears beside its axis, as the reference patterns promise it.

A reference pattern is an envelope: side lobes stay below it, nulls are not in it. It serves interference between
networks, where nobody measured the other's antenna; a measured pattern is better. Angles are from the axis, 0 to 180
degrees. A pattern of an earth station says nothing within its first degree or so: there the gain is `nan`, and the
main lobe (`antenna`) is asked. Arrays broadcast.

Words: ITU-R S.465-6, S.580-6, S.1855-0 (earth stations), S.672-4 and S.1528-0 (satellites).
"""

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import wavelength_m
from satcom.resource.physics.checked import FINITE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

BACK_LOBE_DBI = -10.0
MEO_MASK_DB, LEO_MASK_DB = -12.0, -6.75  # S.1528: where the mask leaves the main lobe
OFF_AXIS, PATTERN_HZ = Accepted(0.0, 180.0), Accepted(2e9, 31e9)
_FIRST_NULL = 6.32  # S.672 and S.1528: `b`, half-widths at which the far side lobes begin
_S672_LOBE_END = {-20.0: 2.58, -25.0: 2.88, -30.0: 3.16}  # S.672: `a` of a round beam, by side-lobe level
_S1528_ELLIPSE = {-15.0: 1.4, -20.0: 1.0, -25.0: 0.6, -30.0: 0.4}  # S.1528: weight of the axial ratio in `a`
S672_LEVELS_DB, S1528_LEVELS_DB = Accepted(only=tuple(_S672_LOBE_END)), Accepted(only=tuple(_S1528_ELLIPSE))
AXIAL_RATIOS = Accepted(1.0, np.nextafter(10.0, 0.0))


@checked(off_axis_deg=OFF_AXIS, diameter_m=POSITIVE, freq_hz=PATTERN_HZ)
def s465_gain_dbi(off_axis_deg: Values, diameter_m: Values, freq_hz: Values) -> Array:
    """Envelope of an earth station's side lobes, for coordination from 2 to 31 GHz.

    nan outside these frequencies, and nearer than 1 degree or 100 lambda/D (below 50 wavelengths of diameter:
    2 degrees or 114 (D/lambda)^-1.09).

    Source: ITU-R S.465-6, recommends 2.
    """
    angle_deg, wavelengths = _seen_by(off_axis_deg, diameter_m, freq_hz)
    large, small = np.maximum(1, 100 / wavelengths), np.maximum(2, 114 * wavelengths**-1.09)
    return np.where(angle_deg >= np.where(wavelengths >= 50, large, small), _far_lobes_dbi(angle_deg), np.nan)


@checked(off_axis_deg=OFF_AXIS, diameter_m=POSITIVE, freq_hz=PATTERN_HZ)
def s580_gain_dbi(off_axis_deg: Values, diameter_m: Values, freq_hz: Values) -> Array:
    """Design objective of an earth station to the geostationary orbit: 90 % of the side-lobe peaks are below.

    29 - 25 log(angle) up to 20 degrees, beyond them S.465; between, the lower of both is carried on until they meet
    (-3.5 dBi to 26.3 degrees, as in the Radiocommunication Bureau's pattern library). nan nearer than 1 degree or
    100 lambda/D, below 50 wavelengths of diameter, and outside 2 to 31 GHz.

    Source: ITU-R S.580-6, recommends 1, and S.465-6 beyond.
    """
    angle_deg, wavelengths = _seen_by(off_axis_deg, diameter_m, freq_hz)
    known = (wavelengths >= 50) & (angle_deg >= np.maximum(1, 100 / wavelengths))
    near_dbi = 29 - 25 * _log10(np.minimum(angle_deg, 20))
    return np.where(known, np.minimum(near_dbi, _far_lobes_dbi(angle_deg)), np.nan)


@checked(off_axis_deg=OFF_AXIS, plane_deg=FINITE, diameter_m=POSITIVE, freq_hz=PATTERN_HZ)
def s1855_gain_dbi(off_axis_deg: Values, plane_deg: Values, diameter_m: Values, freq_hz: Values) -> Array:
    """Envelope of an earth station that is no circle: lower in the plane of the geostationary orbit than across.

    `diameter_m` is the antenna's size along the orbit, `plane_deg` the angle between the orbit and the plane of
    interest: 0 along, 90 across. nan nearer than the larger of 15.85 (D/lambda)^-0.6 and 118 (D/lambda)^-1.06
    degrees, below 15 wavelengths, and outside 2 to 31 GHz.

    Source: ITU-R S.1855-0, the patterns from 46.8 wavelengths on and from 15 on.
    """
    angle_deg, wavelengths = _seen_by(off_axis_deg, diameter_m, freq_hz)
    across_db = 3 * np.sin(np.radians(plane_deg)) ** 2
    near_dbi = 29 + across_db - 25 * _log10(angle_deg)
    middle_dbi = 7.9 + across_db * (9.2 - angle_deg) / 2.2
    far_dbi = 32 - 25 * _log10(angle_deg)
    large_dbi = np.where(angle_deg <= 48, far_dbi, BACK_LOBE_DBI)
    small_dbi = np.select([angle_deg <= 30.2, angle_deg <= 70], [far_dbi, np.full_like(far_dbi, -5.0)], 0.0)
    gain_dbi = np.where(wavelengths >= 46.8, large_dbi, small_dbi)
    gain_dbi = np.select([angle_deg <= 7, angle_deg <= 9.2], [near_dbi, middle_dbi], gain_dbi)
    nearest_deg = np.maximum(15.85 * wavelengths**-0.6, 118 * wavelengths**-1.06)
    return np.where((wavelengths >= 15) & (angle_deg >= nearest_deg), gain_dbi, np.nan)


@checked(
    off_axis_deg=OFF_AXIS,
    peak_gain_dbi=FINITE,
    half_power_beamwidth_deg=POSITIVE,
    side_lobe_db=S672_LEVELS_DB,
    axial_ratio=AXIAL_RATIOS,
)
def s672_gain_dbi(
    off_axis_deg: Values,
    peak_gain_dbi: Values,
    half_power_beamwidth_deg: Values,
    side_lobe_db: Values = -20.0,
    axial_ratio: Values = 1.0,
) -> Array:
    """Design objective of a geostationary satellite's beam of a single feed, round or elliptical.

    `half_power_beamwidth_deg` is the full width in the plane of interest, `axial_ratio` the longer width over the
    shorter (1 to below 10). `side_lobe_db` is -20, -25 or -30, the level of the near side lobes to the peak; else nan.
    No side lobe is taken above the peak.

    Source: ITU-R S.672-4, Annex 1, section 1.1; 0 dBi far out, back lobes 15 + LN + 0.25 Gm + 5 log z.
    """
    ratio_db = _axial_ratio_db(axial_ratio)
    lobe_end = np.full(np.shape(side_lobe_db), np.nan)
    for level_db, half_widths in _S672_LOBE_END.items():
        lobe_end = np.where(np.asarray(side_lobe_db) == level_db, half_widths, lobe_end)
    lobe_end = lobe_end * np.sqrt(1 - ratio_db / 10)
    return _satellite_dbi(off_axis_deg, peak_gain_dbi, half_power_beamwidth_deg, side_lobe_db, ratio_db, lobe_end, 2.0)


@checked(
    off_axis_deg=OFF_AXIS,
    peak_gain_dbi=FINITE,
    half_power_beamwidth_deg=POSITIVE,
    side_lobe_db=S1528_LEVELS_DB,
    axial_ratio=AXIAL_RATIOS,
)
def s1528_gain_dbi(
    off_axis_deg: Values,
    peak_gain_dbi: Values,
    half_power_beamwidth_deg: Values,
    side_lobe_db: Values = -15.0,
    axial_ratio: Values = 1.0,
) -> Array:
    """Reference pattern of a satellite that is not geostationary, below 30 GHz. Arguments as in `s672_gain_dbi`.

    `side_lobe_db` is -15, -20, -25 or -30; else nan. Where the main lobe ends the mask steps down to the side lobes, as
    the Recommendation's figure does.

    Source: ITU-R S.1528-0, recommends 1.2.
    """
    ratio_db = _axial_ratio_db(axial_ratio)
    weight = np.full(np.shape(side_lobe_db), np.nan)
    for level_db, one in _S1528_ELLIPSE.items():
        weight = np.where(np.asarray(side_lobe_db) == level_db, one, weight)
    with np.errstate(invalid="ignore"):  # so long an ellipse has no main lobe in this mask
        lobe_end = 2.58 * np.sqrt(1 - weight * ratio_db / 10)
    return _satellite_dbi(off_axis_deg, peak_gain_dbi, half_power_beamwidth_deg, side_lobe_db, ratio_db, lobe_end, 1.5)


@checked(
    off_axis_deg=OFF_AXIS,
    peak_gain_dbi=FINITE,
    half_power_beamwidth_deg=POSITIVE,
    mask_db=Accepted(most=0.0),
    far_side_lobe_dbi=FINITE,
)
def s1528_constellation_gain_dbi(
    off_axis_deg: Values,
    peak_gain_dbi: Values,
    half_power_beamwidth_deg: Values,
    mask_db: Values = LEO_MASK_DB,
    far_side_lobe_dbi: Values = 5.0,
) -> Array:
    """Reference pattern of a constellation's satellite where its design is not known, below 30 GHz.

    The main lobe down to `mask_db` (`LEO_MASK_DB`, `MEO_MASK_DB`), 25 dB a decade after it, `far_side_lobe_dbi` far
    out, which the Recommendation leaves to the system.

    Source: ITU-R S.1528-0, recommends 1.3.
    """
    angle_deg, half_width_deg = _angle(off_axis_deg), _positive(half_power_beamwidth_deg) / 2
    mask = np.where((np.asarray(mask_db) < 0) & np.isfinite(peak_gain_dbi), mask_db, np.nan)
    lobe_end_deg = half_width_deg * np.sqrt(-mask / 3)
    main_dbi = peak_gain_dbi - 3 * (angle_deg / half_width_deg) ** 2
    with np.errstate(divide="ignore"):
        side_dbi = peak_gain_dbi + mask - 25 * np.log10(angle_deg / lobe_end_deg)
    gain_dbi: Array = np.where(angle_deg <= lobe_end_deg, main_dbi, np.maximum(side_dbi, far_side_lobe_dbi))
    return gain_dbi


def _satellite_dbi(
    off_axis_deg: Values,
    peak_dbi: Values,
    width_deg: Values,
    side_lobe_db: Values,
    ratio_db: Array,
    lobe_end: Array,
    exponent: float,
) -> Array:
    """The common shape: main lobe, two steps of near side lobes, 25 dB a decade, far out, back."""
    angle_deg, half_width_deg = _angle(off_axis_deg), _positive(width_deg) / 2
    half_widths = angle_deg / half_width_deg
    peak = np.where(np.isfinite(peak_dbi), peak_dbi, np.nan)
    level_dbi = peak + side_lobe_db
    with np.errstate(divide="ignore"):
        falling_dbi = level_dbi - 25 * np.log10(half_widths / _FIRST_NULL)
    back_dbi = np.maximum(15 + np.asarray(side_lobe_db) + 0.25 * peak + ratio_db / 2, 0)
    gain_dbi: Array = np.select(
        [
            half_widths <= lobe_end,
            half_widths <= _FIRST_NULL / 2,
            half_widths <= _FIRST_NULL,
            angle_deg <= 90,
        ],
        [
            peak - 3 * half_widths**exponent,
            np.minimum(level_dbi + 2 * ratio_db, peak),
            np.broadcast_arrays(level_dbi, half_widths)[0],
            np.maximum(falling_dbi, np.minimum(level_dbi, 0)),
        ],
        np.minimum(back_dbi, peak),
    )
    return np.where(np.isnan(half_widths + level_dbi + lobe_end), np.nan, gain_dbi)


def _seen_by(off_axis_deg: Values, diameter_m: Values, freq_hz: Values) -> tuple[Array, Array]:
    """Angle and diameter in wavelengths, broadcast; nan outside 2 to 31 GHz."""
    freq = np.asarray(freq_hz, dtype=np.float64)
    known = np.where((freq >= 2e9) & (freq <= 31e9), freq, np.nan)
    angle_deg, wavelengths = np.broadcast_arrays(
        _angle(off_axis_deg), _positive(diameter_m) / wavelength_m.or_nan(known)
    )
    return angle_deg, wavelengths


def _far_lobes_dbi(angle_deg: Array) -> Array:
    """32 - 25 log(angle) below 48 degrees, -10 dBi beyond."""
    return np.where(angle_deg < 48, 32 - 25 * _log10(angle_deg), BACK_LOBE_DBI)


def _axial_ratio_db(axial_ratio: Values) -> Array:
    ratio = np.asarray(axial_ratio, dtype=np.float64)
    ratio_db: Array = 10 * np.log10(np.where((ratio >= 1) & (ratio < 10), ratio, np.nan))
    return ratio_db


def _angle(off_axis_deg: Values) -> Array:
    angle_deg = np.asarray(off_axis_deg, dtype=np.float64)
    return np.where((angle_deg >= 0) & (angle_deg <= 180), angle_deg, np.nan)


def _log10(angle_deg: Array) -> Array:
    with np.errstate(divide="ignore"):  # on axis, where no envelope is asked
        log: Array = np.log10(angle_deg)
    return log


def _positive(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where((number > 0) & (number < np.inf), number, np.nan)
