"""Depolarization: how much of a signal turns up in the other polarization when it rains or freezes.

Words and symbols of ITU-R P.618-14, section 4.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from satcom.resource.physics.checked import FINITE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]


DISCRIMINATION_HZ, SCALED_HZ = Accepted(6e9, 55e9), Accepted(4e9, 30e9)
DISCRIMINATION_PERCENT = Accepted(0.001, 1.0)


def _tilt_term(tilt_deg: ArrayLike) -> Array:
    """1 - 0.484 (1 + cos 4 tau): what a polarization between the axes of the drops loses of its isolation."""
    lost: Array = 1 - 0.484 * (1 + np.cos(4 * np.radians(tilt_deg)))
    return lost


@checked(
    freq_hz=DISCRIMINATION_HZ,
    elevation_deg=Accepted(0.0, 90.0),
    tilt_deg=FINITE,
    unavailability_percent=DISCRIMINATION_PERCENT,
    rain_attenuation_db=POSITIVE,
)
def rain_discrimination_db(
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    tilt_deg: ArrayLike,
    unavailability_percent: ArrayLike,
    rain_attenuation_db: ArrayLike,
) -> Array:
    """Cross-polar discrimination by rain alone, at the attenuation that is exceeded for the same share of the year.

    Arguments broadcast. nan outside 6 to 55 GHz, 0.001 to 1 %, without attenuation. The Recommendation states the term
    of the elevation up to 60 degrees; the validation examples go on with it, and so does this. `tilt_deg` as in P.838:
    0 horizontal, 45 circular. The canting angle spreads with the rarity of the rain, by its four printed values
    (0, 5, 10 and 15 degrees for 1, 0.1, 0.01 and 0.001 %), between them in the logarithm of the share.

    Source: ITU-R P.618-14, section 4.1, steps 1 to 6.
    """
    freq_ghz, percent = np.asarray(freq_hz, float) / 1e9, np.asarray(unavailability_percent, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_f = np.log10(freq_ghz)
        by_frequency = np.select(
            [freq_ghz < 9, freq_ghz < 36], [60 * log_f - 28.3, 26 * log_f + 4.1], 35.9 * log_f - 11.3
        )
        slope = np.select(
            [freq_ghz < 9, freq_ghz < 20, freq_ghz < 40],
            [30.8 * freq_ghz**-0.21, 12.8 * freq_ghz**0.19, np.full_like(freq_ghz, 22.6)],
            13.0 * freq_ghz**0.15,
        )
        by_attenuation = slope * np.log10(np.asarray(rain_attenuation_db, float))
        by_tilt = -10 * np.log10(_tilt_term(tilt_deg))
        by_elevation = -40 * np.log10(np.cos(np.radians(elevation_deg)))
        by_canting = 0.0053 * (-5 * np.log10(percent)) ** 2
    known = (freq_ghz >= 6) & (freq_ghz <= 55) & (percent >= 0.001) & (percent <= 1)
    known = known & (np.asarray(rain_attenuation_db) > 0)
    discrimination_db: Array = np.where(
        known, by_frequency - by_attenuation + by_tilt + by_elevation + by_canting, np.nan
    )
    return discrimination_db


@checked(
    freq_hz=DISCRIMINATION_HZ,
    elevation_deg=Accepted(0.0, 90.0),
    tilt_deg=FINITE,
    unavailability_percent=DISCRIMINATION_PERCENT,
    rain_attenuation_db=POSITIVE,
)
def discrimination_db(
    freq_hz: ArrayLike,
    elevation_deg: ArrayLike,
    tilt_deg: ArrayLike,
    unavailability_percent: ArrayLike,
    rain_attenuation_db: ArrayLike,
) -> Array:
    """Cross-polar discrimination not exceeded for a share of the average year, by rain and ice.

    Arguments and range as `rain_discrimination_db`.

    Source: ITU-R P.618-14, section 4.1, steps 7 and 8.
    """
    rain_db = rain_discrimination_db.or_nan(
        freq_hz, elevation_deg, tilt_deg, unavailability_percent, rain_attenuation_db
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ice_db = rain_db * (0.3 + 0.1 * np.log10(np.asarray(unavailability_percent, float))) / 2
    both_db: Array = rain_db - ice_db
    return both_db


@checked(known_db=FINITE, from_freq_hz=SCALED_HZ, from_tilt_deg=FINITE, to_freq_hz=SCALED_HZ, to_tilt_deg=FINITE)
def discrimination_scaled_db(
    known_db: ArrayLike,
    from_freq_hz: ArrayLike,
    from_tilt_deg: ArrayLike,
    to_freq_hz: ArrayLike,
    to_tilt_deg: ArrayLike,
) -> Array:
    """A discrimination that is known at one frequency and polarization, at another. nan outside 4 to 30 GHz.

    Source: ITU-R P.618-14, section 4.3.
    """
    before, after = np.asarray(from_freq_hz, float) / 1e9, np.asarray(to_freq_hz, float) / 1e9
    known = (before >= 4) & (before <= 30) & (after >= 4) & (after <= 30)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = after * np.sqrt(_tilt_term(to_tilt_deg)) / (before * np.sqrt(_tilt_term(from_tilt_deg)))
        scaled: Array = np.where(known, np.asarray(known_db, float) - 20 * np.log10(ratio), np.nan)
    return scaled
