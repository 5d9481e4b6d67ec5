"""Solvers: the one number of a link that makes its budget close with nothing to spare.

Rate, bandwidth, amplifier power follow exactly from the budget's own equation, 1/(Es/N0) = Rs K / share + i. An
antenna changes gain, pointing and side lobes at once, and availability is an integral: those are bracketed. Put back
into the budget, every answer leaves a margin of zero; where there is none it is nan. Arrays broadcast.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.carrier_sizing import carrier_power_for_margin
from satcom.resource.physics.checked import FINITE, POSITIVE, Accepted, checked
from satcom.resource.physics.link_budget import CARRIER, LINK, Carrier, Link, Values, at_full_power, bent_pipe_budget
from satcom.resource.physics.modcod import NONE_CLOSES, Indices, ModcodTable
from satcom.resource.physics.modcod_search import ROUNDING, Noise

Array = NDArray[np.float64]

HALVINGS = 60


@dataclass(frozen=True, eq=False)
class CarrierFound:
    """The carrier of each lane: its MODCOD (a row of the table, `NONE_CLOSES`), rate, and what it takes.

    nan where no MODCOD closes.
    """

    modcod: Indices
    bit_rate_bps: Array
    symbol_rate_baud: Array
    occupied_bandwidth_hz: Array
    power_share: Array


@checked((), **LINK, rolloff=Accepted(0.0, 1.0), spare_db=FINITE, power_share=POSITIVE)
def highest_rate(
    link: Link,
    table: ModcodTable,
    rolloff: Values,
    spare_db: Values,
    bandwidth_hz: Values,
    power_share: Values = 1.0,
) -> CarrierFound:
    """The most bits a second through a bandwidth and a share of the transponder's power, in every weather.

    `spare_db` is implementation and required margin together. The carrier is as wide as the bandwidth, or as the power
    of transponder and station can fill at its Es/N0.
    """
    noise, share_limit, demand, wide = _every_modcod(link, table, rolloff, spare_db, power_share)
    by_bandwidth = np.asarray(bandwidth_hz)[..., None] / wide
    rate_baud = np.minimum(by_bandwidth, share_limit / noise.share_for(demand, 1.0))
    return _chosen(noise, table, demand, wide, rate_baud, rate_baud * table.spectral_efficiency)


@checked((), **LINK, bit_rate_bps=POSITIVE, rolloff=Accepted(0.0, 1.0), spare_db=FINITE, power_share=POSITIVE)
def least_bandwidth(
    link: Link,
    table: ModcodTable,
    bit_rate_bps: Values,
    rolloff: Values,
    spare_db: Values,
    power_share: Values = 1.0,
) -> CarrierFound:
    """The narrowest carrier for a bit rate that closes in every weather with this share of power at most."""
    noise, share_limit, demand, wide = _every_modcod(link, table, rolloff, spare_db, power_share)
    rate_baud = np.asarray(bit_rate_bps, dtype=np.float64)[..., None] / table.spectral_efficiency
    rate_baud = np.where(rate_baud > 0, rate_baud, np.nan)
    closes = noise.share_for(demand, rate_baud) <= share_limit * (1 + ROUNDING)  # an answer put back closes
    return _chosen(noise, table, demand, wide, np.where(closes, rate_baud, 0.0), np.where(closes, 1 / rate_baud, 0.0))


@checked((), **LINK, **CARRIER)
def least_amplifier_dbw(link: Link, carrier: Carrier) -> Array:
    """Rated power of the station's amplifier (BUC, HPA) that just brings the carrier its margin.

    Its back-off and the power control in use are included. nan where interference, or the transponder's own power, is
    the limit.
    """
    power = carrier_power_for_margin.or_nan(link, carrier)
    rated_dbw: Array = np.asarray(link.transmit.hpa_power_dbw) - power.hpa_margin_db
    return np.where(power.power_share <= 1, rated_dbw, np.nan)


@checked((), **CARRIER, carrier_output_backoff_db=FINITE, smallest_m=POSITIVE, largest_m=POSITIVE)
def least_antenna_m(
    link_of: Callable[[Array], Link],
    carrier: Carrier,
    carrier_output_backoff_db: Values,
    smallest_m: Values = 0.1,
    largest_m: Values = 30.0,
) -> Array:
    """The smallest diameter with which a carrier at this output back-off keeps its required margin and its amplifier.

    `link_of` makes the link of a diameter: whatever hangs on it (gain, noise, pointing, side lobes) is looked at
    again. The answer is where the margin first reaches zero when it rises with the diameter.
    """

    def spare_db(diameter_m: Array) -> Array:
        budget = bent_pipe_budget.or_nan(link_of(diameter_m), carrier, carrier_output_backoff_db)
        return np.minimum(budget.margin_db - budget.required_margin_db, budget.hpa_margin_db)

    return least_that_meets.or_nan(spare_db, smallest_m, largest_m)


@checked(low=POSITIVE, high=POSITIVE)
def least_that_meets(spare: Callable[[Array], Array], low: Values, high: Values) -> Array:
    """Where a rising function first is zero or above, between two positive bounds; nan where it is not by `high`.

    At `low` when it is so there already. Bisection in the logarithm, to the last digits; the answer itself meets.
    """
    least, most = (np.asarray(one, dtype=np.float64) for one in (low, high))
    possible = (least > 0) & (most > least)
    at_low, at_high = spare(least), spare(most)
    shape = np.broadcast_shapes(at_low.shape, at_high.shape, possible.shape)
    below, above = (np.broadcast_to(np.where(possible, one, np.nan), shape) for one in (least, most))
    for _ in range(HALVINGS):
        middle = np.sqrt(below * above)
        meets = spare(middle) >= 0
        below, above = np.where(meets, below, middle), np.where(meets, middle, above)
    return np.where(at_low >= 0, np.where(possible, least, np.nan), np.where(at_high >= 0, above, np.nan))


def _every_modcod(
    link: Link, table: ModcodTable, rolloff: Values, spare_db: Values, power_share: Values
) -> tuple[Noise, Array, Array, Array]:
    """All lanes with all MODCODs, which lie on the last axis: noise, power limit, demand, bandwidth per baud."""
    full = at_full_power.or_nan(link)
    by_lane = Noise.of(link, full, rolloff)
    noise = Noise(
        *(np.asarray(one)[..., None] for one in (by_lane.clear, by_lane.rain, by_lane.interference, by_lane.fade))
    )
    limit = np.minimum(np.minimum(np.asarray(power_share, dtype=np.float64), 1.0), 10 ** (full.hpa_margin_db / 10))
    demand = 10 ** ((table.es_n0_threshold_db + np.asarray(spare_db)[..., None]) / 10)
    return noise, limit[..., None], demand, 1 + np.asarray(rolloff, dtype=np.float64)[..., None]


def _chosen(
    noise: Noise, table: ModcodTable, demand: Array, wide: Array, rate_baud: Array, worth: Array
) -> CarrierFound:
    """The MODCOD of the highest worth; of equal ones the least demanding."""
    worth = np.where(np.isnan(worth), 0.0, worth)
    best = np.argmax(worth, axis=-1)[..., None]
    found = np.take_along_axis(worth, best, -1)[..., 0] > 0

    def of_best(one: Array) -> Array:
        chosen = np.take_along_axis(np.broadcast_to(one, worth.shape), best, -1)[..., 0]
        return np.where(found, chosen, np.nan)

    rate = of_best(rate_baud)
    return CarrierFound(
        modcod=np.where(found, best[..., 0], NONE_CLOSES),
        bit_rate_bps=rate * np.where(found, table.spectral_efficiency[best[..., 0]], np.nan),
        symbol_rate_baud=rate,
        occupied_bandwidth_hz=rate * of_best(wide),
        power_share=of_best(noise.share_for(demand, rate_baud)),
    )
