"""Noise of the Sun in an antenna: how hot the Sun is, and how much of it the antenna takes in beside its axis.

The Sun is a disc of one temperature; the antenna's pattern is integrated over it. That of the quiet Sun is used where
no other is given: at a sunspot maximum it may be four times as hot at 4 GHz, and bursts go beyond all of this.

Source: ITU-R S.1525-1, Annex 1; side lobes by S.465-6.
"""

import numpy as np

from satcom.resource.physics.antenna import Array, Values, half_power_beamwidth_deg, parabola_gain_dbi
from satcom.resource.physics.antenna_pattern import PATTERN_HZ, s465_gain_dbi
from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, POSITIVE, SHARE, Accepted, checked

SUN_DIAMETER_DEG = 0.53  # S.1525-1, Annex 1: at microwaves, about the equinox
_POLARIZATION = 0.5  # S.1525-1: half of the power is in the other polarization
_RINGS, _SPOKES = 16, 24
_FARTHEST_DEG = 60.0
_ANGLES_DEG = np.concatenate([[0.0], np.geomspace(1e-3, _FARTHEST_DEG, 3000)])


SUN_HZ = Accepted(1e9, 30e9)


@checked(freq_hz=SUN_HZ)
def sun_brightness_k(freq_hz: Values) -> Array:
    """Temperature of the quiet Sun's disc as an antenna of one polarization sees it; nan outside 1 to 30 GHz.

    120,000 * 0.5 * f^-0.75, f in GHz. Source: ITU-R S.1525-1, Annex 1.
    """
    freq_ghz = np.asarray(freq_hz, dtype=np.float64) / 1e9
    inside = np.where((freq_ghz >= 1) & (freq_ghz <= 30), freq_ghz, np.nan)
    temperature_k: Array = 120_000 * _POLARIZATION * inside**-0.75
    return temperature_k


@checked(
    apart=["offset_deg"],
    offset_deg=FINITE,
    diameter_m=POSITIVE,
    efficiency=SHARE,
    freq_hz=PATTERN_HZ,
    brightness_k=POSITIVE,
)
def sun_noise_k(
    offset_deg: Values, diameter_m: float, efficiency: float, freq_hz: float, brightness_k: float | None = None
) -> Array:
    """What the Sun adds to the antenna's noise when its middle stands `offset_deg` beside the axis; shape of it.

    The main lobe is a parabola in dB as in `antenna.pointing_loss_db`; beside it the antenna keeps S.465-6, and up to
    where that begins, its first value. It falls with the offset. nan outside of what the parts hold for.
    """
    hot_k = float(sun_brightness_k.or_nan(freq_hz)) if brightness_k is None else brightness_k
    offset = np.abs(np.asarray(offset_deg, dtype=np.float64))
    radius, turn, weight = _disc()
    angle_deg = np.sqrt(
        np.maximum(offset[..., None] ** 2 + radius**2 + 2 * offset[..., None] * radius * np.cos(turn), 0.0)
    )
    gain = _gain(angle_deg, diameter_m, efficiency, freq_hz)
    solid_angle = np.pi * np.radians(SUN_DIAMETER_DEG / 2) ** 2
    noise_k: Array = hot_k * solid_angle / (4 * np.pi) * (gain @ weight)
    # an antenna cannot become hotter than what it looks at
    return np.minimum(noise_k, hot_k)


@checked(noise_k=NOT_NEGATIVE, system_temperature_k=POSITIVE)
def sun_degradation_db(noise_k: Values, system_temperature_k: Values) -> Array:
    """How much C/N falls when the Sun adds `noise_k`. `system_temperature_k` is without it; nan at or below zero."""
    without_k = np.asarray(system_temperature_k, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        degradation_db: Array = np.where(without_k > 0, 10 * np.log10(1 + np.asarray(noise_k) / without_k), np.nan)
    return degradation_db


@checked(
    degradation_db=POSITIVE,
    system_temperature_k=POSITIVE,
    diameter_m=POSITIVE,
    efficiency=SHARE,
    freq_hz=PATTERN_HZ,
    brightness_k=POSITIVE,
)
def offset_of_degradation_deg(
    degradation_db: float,
    system_temperature_k: float,
    diameter_m: float,
    efficiency: float,
    freq_hz: float,
    brightness_k: float | None = None,
) -> float:
    """How near the Sun must come for C/N to fall by `degradation_db`; nan when not even the middle does that.

    60 degrees, as far as this looks, when it falls so much even there.
    """
    noise_k = sun_noise_k.or_nan(_ANGLES_DEG, diameter_m, efficiency, freq_hz, brightness_k)
    degradation = np.minimum.accumulate(sun_degradation_db.or_nan(noise_k, system_temperature_k))
    if not degradation[0] >= degradation_db:
        return float("nan")
    return float(np.interp(-degradation_db, -degradation, _ANGLES_DEG))


def _disc() -> tuple[Array, Array, Array]:
    """Points of the disc: distance from its middle in degrees, direction, and share of the area."""
    nodes, weights = np.polynomial.legendre.leggauss(_RINGS)
    share = (nodes + 1) / 2  # in the square of the radius, which is even in area
    turn = 2 * np.pi * (np.arange(_SPOKES) + 0.5) / _SPOKES
    radius_deg = np.repeat(np.sqrt(share) * SUN_DIAMETER_DEG / 2, _SPOKES)
    return radius_deg, np.tile(turn, _RINGS), np.repeat(weights / 2 / _SPOKES, _SPOKES)


def _gain(angle_deg: Array, diameter_m: float, efficiency: float, freq_hz: float) -> Array:
    beamwidth_deg = half_power_beamwidth_deg.or_nan(diameter_m, freq_hz)
    main_dbi = parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz) - 12 * (angle_deg / beamwidth_deg) ** 2
    side_dbi = s465_gain_dbi.or_nan(_ANGLES_DEG, diameter_m, freq_hz)
    promised = ~np.isnan(side_dbi)
    beside_dbi = np.interp(angle_deg, _ANGLES_DEG[promised], np.minimum.accumulate(side_dbi[promised]))
    gain: Array = 10 ** (np.maximum(main_dbi, beside_dbi) / 10)
    return gain
