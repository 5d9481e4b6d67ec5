"""Pointing: what an antenna loses because it, its mount or its satellite moves.

The error is random in two directions at right angles, normal in each with the same spread: wind, tracking steps, the
satellite within its box. A fixed error (alignment) is `antenna.pointing_loss_db`. The beam is taken as Gaussian, which
a main lobe is down to about 20 dB. Arrays broadcast.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 7 (pointing and tracking accuracy).
"""

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import pointing_loss_db
from satcom.resource.physics.checked import NOT_NEGATIVE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts


@checked(rms_error_deg=NOT_NEGATIVE, half_power_beamwidth_deg=POSITIVE)
def rms_pointing_loss_db(rms_error_deg: Values, half_power_beamwidth_deg: Values) -> Array:
    """Loss of the mean power under a random error: 10 log10(1 + 4 ln 2 (rms / width)^2).

    `rms_error_deg` is the root mean square of the angle off axis, root two times that of one direction.
    nan for a negative error and a width of zero or below.
    """
    ratio = _not_negative(rms_error_deg) / _positive(half_power_beamwidth_deg)
    loss_db: Array = 10 * np.log10(1 + 4 * np.log(2) * ratio**2)
    return loss_db


@checked(rms_error_deg=NOT_NEGATIVE, exceeded_percent=Accepted(0.0, 100.0, above=True))
def pointing_error_exceeded_deg(rms_error_deg: Values, exceeded_percent: Values) -> Array:
    """Angle off axis that is exceeded for this share of the time (Rayleigh): rms sqrt(-ln p); nan outside 0 to 100."""
    percent = np.asarray(exceeded_percent, dtype=np.float64)
    share = np.where((percent > 0) & (percent <= 100), percent / 100, np.nan)
    error_deg: Array = _not_negative(rms_error_deg) * np.sqrt(-np.log(share))
    return error_deg


@checked(
    rms_error_deg=NOT_NEGATIVE, half_power_beamwidth_deg=POSITIVE, exceeded_percent=Accepted(0.0, 100.0, above=True)
)
def pointing_loss_exceeded_db(
    rms_error_deg: Values, half_power_beamwidth_deg: Values, exceeded_percent: Values
) -> Array:
    """Loss that is exceeded for this share of the time: what a margin has to hold."""
    return pointing_loss_db.or_nan(
        pointing_error_exceeded_deg.or_nan(rms_error_deg, exceeded_percent), half_power_beamwidth_deg
    )


def _not_negative(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where(number >= 0, number, np.nan)


def _positive(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where(number > 0, number, np.nan)
