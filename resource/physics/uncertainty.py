"""Uncertainty: how sure a margin and an availability are, and what may be sold with which confidence.

Three things that nobody knows when a link is sold: how far the prediction of attenuation is off at this place (one
log-normal factor on all fades, of both links alike), how rainy the year is (`year_to_year`), and how well the
stations are pointed (a Gaussian error in two directions; elements that have aged add to it). What is sold with a
confidence c is reached or exceeded with the probability c. Without a confidence, the average year of the predicted
statistics counts, as in a budget.

Words: ITU-R P.618-14, section 2.5 (errors of the prediction), P.311 (they are told of the logarithm), P.678-3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from satcom.resource.physics.checked import CONFIDENCE, FINITE, NOT_NEGATIVE, POSITIVE, SHARE_PERCENT, Accepted, checked
from satcom.resource.physics.joint_availability import Fades, Room, availability_percent
from satcom.resource.physics.link_budget import Values
from satcom.resource.physics.year_to_year import LEAST_PERCENT, MOST_PERCENT, year_deviation_percent

Array = NDArray[np.float64]

# P.618, 2.5: rms error of the total attenuation against measurements of many years, of the logarithm (P.311). Against
# those of single years it is 0.35; there the years are in it, which are counted apart here.
PREDICTION_ERROR = 0.25
# Elements in two lines at their epoch, and what a day adds: the careful end of the 1 to 3 km a day that users report
EPOCH_ERROR_KM, GROWTH_KM_PER_DAY = 1.0, 3.0
PREDICTIONS, POINTINGS = 48, 8  # equally likely values that a distribution is taken at
HALVINGS = 40
MOST_SPARE_DB, SPARE_STEPS, SPARE_WITHIN_DB = 40.0, 8, 0.005
RARER = 1.1  # how steeply a fade grows is taken from one that is exceeded for so much less long


@dataclass(frozen=True, eq=False)
class Unknowns:
    """What is not known of a link. `ratio` is the `climatic_ratio` of its rainier station.

    `prediction_error` is the standard deviation of the logarithm of attenuation; `up_pointing_db` and
    `down_pointing_db` the mean loss by random pointing, which is distributed exponentially.
    """

    ratio: float
    prediction_error: float = PREDICTION_ERROR
    up_pointing_db: float = 0.0
    down_pointing_db: float = 0.0


@checked(age_days=NOT_NEGATIVE, range_km=POSITIVE)
def element_error_deg(age_days: Values, range_km: Values) -> Array:
    """Angle by which a satellite stands off where elements of this age place it, seen from this range.

    An rms over both directions; the whole error counts as across the line of sight. nan for what is negative.
    """
    age = np.asarray(age_days, dtype=np.float64)
    away_km = EPOCH_ERROR_KM + GROWTH_KM_PER_DAY * np.where(age >= 0, age, np.nan)
    distance_km = np.asarray(range_km, dtype=np.float64)
    error_deg: Array = np.degrees(np.arctan2(away_km, np.where(distance_km > 0, distance_km, np.nan)))
    return error_deg


@checked(rms_error_deg=NOT_NEGATIVE, half_power_beamwidth_deg=POSITIVE)
def mean_pointing_loss_db(rms_error_deg: Values, half_power_beamwidth_deg: Values) -> Array:
    """Mean of the loss in dB of a Gaussian beam, 12 (error / width)^2, under a random error of this rms.

    The square of a Gaussian error in two directions is distributed exponentially, and so is this loss.
    """
    ratio = np.asarray(rms_error_deg, dtype=np.float64) / np.asarray(half_power_beamwidth_deg, dtype=np.float64)
    return np.where(ratio >= 0, 12 * ratio**2, np.nan)


@checked(required_es_n0_db=FINITE, unavailability_percent=SHARE_PERCENT, confidence=CONFIDENCE)
def margin_at_confidence_db(
    room: Room,
    required_es_n0_db: float,
    fades: tuple[Fades, Fades],
    unavailability_percent: float,
    unknowns: Unknowns,
    confidence: Values,
) -> Array:
    """The lesser margin, rain on the up link or on the down link, that the link keeps with each confidence (0 to 1).

    `unavailability_percent` is the share of the year in which either link may fade; `fades` are up and down. The fade
    of a bad year is the one that the average year exceeds for less long. A bad fade and bad pointing of that
    confidence count at once: on the safe side.
    """
    c = _inside(confidence)
    up, down = (_fade_at_confidence_db(one, unavailability_percent, unknowns, c) for one in fades)
    # a bad pointing of this confidence: exponential
    lost_up, lost_down = (-mean * np.log1p(-c) for mean in (unknowns.up_pointing_db, unknowns.down_pointing_db))
    mispointed = _mispointed(room, lost_down)
    rain_up = mispointed.es_n0_db(up, 0.0)
    rain_down = mispointed.es_n0_db(0.0, down)
    margin_db: Array = np.minimum(rain_up, rain_down) - lost_up - required_es_n0_db
    return margin_db


@checked(required_es_n0_db=FINITE, confidence=CONFIDENCE)
def availability_at_confidence_percent(
    room: Room,
    required_es_n0_db: float,
    fades: tuple[Fades, Fades],
    distance_km: float,
    unknowns: Unknowns,
    confidence: Values,
) -> Array:
    """The availability that any one year reaches with each confidence (0 to 1, both left out).

    The outage of a year is a mixture of normal distributions, one for each of equally likely errors of prediction and
    pointing; its quantile is found by halving. Beyond 0.01 to 2 % of the year, where P.678-3 says
    nothing, the years' share of the outage at the nearer end counts.
    """
    c = _inside(confidence)
    return 100 - _outage_at_confidence_percent(room, required_es_n0_db, fades, distance_km, unknowns, c)


@checked(
    required_es_n0_db=FINITE,
    confidence=CONFIDENCE,
    availability_percent=Accepted(0.0, 99.999),
)
def spare_at_confidence_db(
    room: Room,
    required_es_n0_db: float,
    fades: tuple[Fades, Fades],
    distance_km: float,
    unknowns: Unknowns,
    confidence: Values,
    availability_percent: float,
) -> Array:
    """By how much more Es/N0 could be required until the availability is just reached with each confidence.

    Not negative where `availability_at_confidence_percent` reaches it, so the margin of what is promised: rain on both
    links, not half of the unavailability for either as in `margin_at_confidence_db`. Within 40 dB; nan beyond.
    """
    c = _inside(confidence)
    wanted = np.log(100 - availability_percent)

    def log_outage(spare_db: float) -> Array:
        required = required_es_n0_db + spare_db
        outage = _outage_at_confidence_percent(room, required, fades, distance_km, unknowns, c)
        return np.log(np.maximum(outage, 1e-12))

    low, high = np.full(c.shape, -MOST_SPARE_DB), np.full(c.shape, MOST_SPARE_DB)
    for one in np.linspace(-MOST_SPARE_DB, MOST_SPARE_DB, 2 * SPARE_STEPS + 1)[1:-1].tolist():
        enough = log_outage(one) <= wanted
        low, high = np.where(enough, one, low), np.where(enough, high, np.minimum(high, one))
    spare = np.full(c.shape, np.nan)
    for row in np.flatnonzero(~np.isnan(c) & (low > -MOST_SPARE_DB) & (high < MOST_SPARE_DB)):
        near, far = float(low[row]), float(high[row])
        while far - near > SPARE_WITHIN_DB:
            middle = (near + far) / 2
            near, far = (middle, far) if log_outage(middle)[row] <= wanted else (near, middle)
        spare[row] = near
    return spare


def _inside(confidence: Values) -> Array:
    """Shape (confidences,); nan where it is not between 0 and 1."""
    c = np.atleast_1d(np.asarray(confidence, dtype=np.float64))
    return np.where((c > 0) & (c < 1), c, np.nan)


def _outage_at_confidence_percent(
    room: Room,
    required_es_n0_db: float,
    fades: tuple[Fades, Fades],
    distance_km: float,
    unknowns: Unknowns,
    c: Array,
) -> Array:
    outage = _outages_percent(room, required_es_n0_db, fades, distance_km, unknowns)
    inside = np.clip(outage, LEAST_PERCENT, MOST_PERCENT)
    deviation = outage * year_deviation_percent.or_nan(inside, unknowns.ratio) / inside
    low, high = np.zeros(c.shape), np.full(c.shape, 100.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        likely = ndtr((middle[:, None] - outage) / deviation).mean(axis=-1)
        low, high = np.where(likely < c, middle, low), np.where(likely < c, high, middle)
    return np.where(np.isnan(c) | np.isnan(outage).any(), np.nan, (low + high) / 2)


@checked(
    fade_db=NOT_NEGATIVE,
    rarer_db=NOT_NEGATIVE,
    percent=SHARE_PERCENT,
    ratio=NOT_NEGATIVE,
    confidence=CONFIDENCE,
    prediction_error=NOT_NEGATIVE,
)
def fade_factor_at_confidence(
    fade_db: Values,
    rarer_db: Values,
    percent: Values,
    ratio: Values,
    confidence: Values,
    prediction_error: Values = PREDICTION_ERROR,
) -> Array:
    """What a fade grows by when it is to be held with a confidence (0 to 1, both left out): 1 at 0.5.

    `fade_db` is exceeded for `percent` of the average year, `rarer_db` for that over `RARER`; `ratio` is the
    `climatic_ratio` of the place. The logarithms of the error of prediction and of the year add as squares; beyond
    0.01 to 2 % of the year, where P.678-3 says nothing, the years' share at the nearer end counts. Arguments broadcast.
    """
    c = np.asarray(confidence, dtype=np.float64)
    quantile = ndtri(np.where((c > 0) & (c < 1), c, np.nan))
    inside = np.clip(np.asarray(percent, dtype=np.float64), LEAST_PERCENT, MOST_PERCENT)
    of_year = year_deviation_percent.or_nan(inside, ratio) / inside
    there, rarer = np.asarray(fade_db, dtype=np.float64), np.asarray(rarer_db, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # where nothing fades
        steepness = np.where(there > 0, np.log(rarer / there) / np.log(RARER), 0.0)
    spread = np.hypot(prediction_error, of_year * steepness)
    factor: Array = np.exp(spread * quantile)
    return factor


def _fade_at_confidence_db(fades: Fades, percent: float, unknowns: Unknowns, confidence: Array) -> Array:
    there, rarer = fades.fade_exceeded_db(np.array([percent, percent / RARER]))
    fade_db: Array = there * fade_factor_at_confidence.or_nan(
        there, rarer, percent, unknowns.ratio, confidence, unknowns.prediction_error
    )
    return fade_db


def _outages_percent(
    room: Room, required_es_n0_db: float, fades: tuple[Fades, Fades], distance_km: float, unknowns: Unknowns
) -> Array:
    """The average year's outage for each error of prediction and of pointing, all equally likely."""
    factor = np.exp(unknowns.prediction_error * ndtri(_middles(PREDICTIONS)))[:, None, None, None]
    lost_up, lost_down = (
        -mean * np.log1p(-_middles(POINTINGS)) if mean > 0 else np.zeros(1)
        for mean in (unknowns.up_pointing_db, unknowns.down_pointing_db)
    )
    up, down = (Fades(one.fade_db * factor, one.rain_percent) for one in fades)
    # of shape (errors of prediction, losses up, losses down)
    required = np.broadcast_to(required_es_n0_db + lost_up[:, None], (PREDICTIONS, lost_up.size, lost_down.size))
    available = availability_percent(_mispointed(room, lost_down), required, up, down, distance_km)
    return 100 - available.ravel()


def _middles(parts: int) -> Array:
    """The middle quantile of each of so many equally likely parts."""
    return (np.arange(parts) + 0.5) / parts


def _mispointed(room: Room, lost_down_db: Array) -> Room:
    """The down link weaker by a loss that warms nothing."""
    return Room(room.steady, room.downlink * 10 ** (lost_down_db / 10), room.hot, room.cold, room.power_control_db)
