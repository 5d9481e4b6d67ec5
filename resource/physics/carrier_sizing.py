"""Carrier sizing: the MODCOD, bandwidth and power that bring a bit rate at least cost of the transponder.

A carrier pays for the larger of its occupied and its power-equivalent bandwidth. A more efficient MODCOD takes less
of the first and more of the second; the least of the larger one wins. The power for a margin is solved exactly:
noise falls with the carrier's share of power, given interference does not, so 1/(Es/N0) = Rs K / share + i.
Arrays broadcast: a fleet with its transponders and gateways is one call.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 2 (power-equivalent bandwidth).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import checked
from satcom.resource.physics.link_budget import (
    CARRIER,
    LINK,
    BentPipeBudget,
    Carrier,
    Link,
    Values,
    at_full_power,
    bent_pipe_budget,
)
from satcom.resource.physics.modcod import Indices, ModcodTable, symbol_rate_baud
from satcom.resource.physics.modcod_search import Found, Noise, Sought, best_modcods

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Limit(IntEnum):
    """What keeps a lane from closing."""

    NONE = 0
    OUT_OF_RANGE = 1  # an input is nan, or the place is outside the beam
    INTERFERENCE = 2  # no power would do
    TRANSPONDER_POWER = 3
    STATION_POWER = 4  # the amplifier of the transmitting station
    BANDWIDTH = 5  # the most efficient MODCOD is still too wide
    POWER_DENSITY = 6  # more power would do, but not over so few hertz


@dataclass(frozen=True)
class CarrierPower:
    """The power a carrier needs for its margin in clear sky and in rain on either link.

    nan where interference alone already takes the margin. `closes` says that the share is within the transponder's
    operating point and that the station's amplifier can provide it.
    """

    power_share: Array
    carrier_output_backoff_db: Array
    satellite_eirp_dbw: Array
    uplink_eirp_dbw: Array
    hpa_margin_db: Array
    power_equivalent_bandwidth_hz: Array
    closes: Flags


@dataclass(frozen=True)
class AskedCarrier:
    """What is asked of a carrier, before its MODCOD is chosen."""

    bit_rate_bps: Values
    rolloff: Values
    implementation_margin_db: Values
    required_margin_db: Values = 0.0


@dataclass(frozen=True)
class CarrierSizing:
    """The cheapest carrier of each lane, arrays of one shape.

    A lane that cannot close has nan in its three bandwidths, the `limit` that decided, and the budget of the MODCOD
    that comes nearest at all the power it may have; `margin_db` then is below zero by what is missing. `margin_db` is
    what is left over the required margin, so zero where the lane closes. `modcod` is a row of the table given.
    """

    closes: Flags
    limit: NDArray[np.int8]
    modcod: Indices
    margin_db: Array
    occupied_bandwidth_hz: Array
    power_equivalent_bandwidth_hz: Array
    leased_bandwidth_hz: Array
    budget: BentPipeBudget


@checked((), **LINK, **CARRIER)
def carrier_power_for_margin(link: Link, carrier: Carrier) -> CarrierPower:
    """The satellite EIRP that leaves exactly the carrier's required margin in the worst weather, in closed form."""
    full = at_full_power.or_nan(link)
    demand = 10 ** ((np.asarray(carrier.required_es_n0_db) + carrier.required_margin_db) / 10)
    rate_baud = symbol_rate_baud.or_nan(carrier.bit_rate_bps, carrier.spectral_efficiency)
    share = Noise.of(link, full, carrier.rolloff).share_for(demand, rate_baud)
    share = np.where(np.isfinite(share), share, np.nan)
    share_db = 10 * np.log10(share)
    hpa_margin_db = full.hpa_margin_db - share_db
    return CarrierPower(
        power_share=share,
        carrier_output_backoff_db=link.transponder.output_backoff_db - share_db,
        satellite_eirp_dbw=full.satellite_eirp_dbw + share_db,
        uplink_eirp_dbw=full.uplink_eirp_dbw + share_db,
        hpa_margin_db=hpa_margin_db,
        power_equivalent_bandwidth_hz=share * link.transponder.bandwidth_hz,
        closes=(share <= 1) & (hpa_margin_db >= 0),
    )


def size_carrier(
    link: Link,
    asked: AskedCarrier,
    table: ModcodTable,
    free_bandwidth_hz: Values,
    free_power_bandwidth_hz: Values,
    share_per_baud_limit: Values = np.inf,
) -> CarrierSizing:
    """For every lane the MODCOD of least max(occupied, power-equivalent) bandwidth that closes in every weather.

    `free_bandwidth_hz` is the widest carrier that fits, `free_power_bandwidth_hz` the power that is left, as PEB;
    `share_per_baud_limit` the share of the transponder's power that each symbol a second may have. All arguments
    broadcast; the required Es/N0 is the table's threshold plus the implementation margin.
    """
    full = at_full_power.or_nan(link)
    noise = Noise.of(link, full, asked.rolloff)
    share_left = np.clip(np.asarray(free_power_bandwidth_hz) / link.transponder.bandwidth_hz, 0, 1)
    share_of_station = 10 ** (full.hpa_margin_db / 10)
    share_limit = np.minimum(share_left, share_of_station)
    best = best_modcods(
        Sought(
            noise,
            asked.bit_rate_bps,
            asked.rolloff,
            10 ** ((np.asarray(asked.implementation_margin_db) + asked.required_margin_db) / 10),
            share_limit,
            free_bandwidth_hz,
            link.transponder.bandwidth_hz,
            share_per_baud_limit,
        ),
        table,
    )
    carrier = _carrier(asked, table, best.chosen)
    demand = 10 ** ((np.asarray(carrier.required_es_n0_db) + asked.required_margin_db) / 10)
    rate_baud = symbol_rate_baud.or_nan(asked.bit_rate_bps, carrier.spectral_efficiency)
    needed = noise.share_for(demand, rate_baud)
    dense_share = np.asarray(share_per_baud_limit) * rate_baud
    share = np.where(best.closes, needed, np.minimum(share_limit, dense_share))
    with np.errstate(divide="ignore"):  # no power left: the back-off is infinite
        carrier_output_backoff_db = link.transponder.output_backoff_db - 10 * np.log10(share)
    budget = bent_pipe_budget.or_nan(link, carrier, carrier_output_backoff_db, full)
    return CarrierSizing(
        closes=best.closes,
        limit=_limit(best, needed, share_of_station < share_left, dense_share < share_limit),
        modcod=best.chosen,
        margin_db=budget.margin_db - asked.required_margin_db,
        occupied_bandwidth_hz=np.where(best.closes, budget.occupied_bandwidth_hz, np.nan),
        power_equivalent_bandwidth_hz=np.where(best.closes, budget.power_equivalent_bandwidth_hz, np.nan),
        leased_bandwidth_hz=np.where(best.closes, budget.leased_bandwidth_hz, np.nan),
        budget=budget,
    )


def _carrier(asked: AskedCarrier, table: ModcodTable, chosen: Indices) -> Carrier:
    """What was asked for, with these rows of the table."""
    return Carrier(
        bit_rate_bps=asked.bit_rate_bps,
        spectral_efficiency=table.spectral_efficiency[chosen],
        required_es_n0_db=table.es_n0_threshold_db[chosen] + asked.implementation_margin_db,
        rolloff=asked.rolloff,
        required_margin_db=asked.required_margin_db,
        modcod=table.name[chosen],
    )


def _limit(best: Found, needed_share: Array, station_decides: Flags, density_decides: Flags) -> NDArray[np.int8]:
    """The first of the reasons that holds; `needed_share` is that of the chosen or nearest MODCOD."""
    limit = np.select(
        [best.closes, np.isnan(needed_share), ~best.fits, np.isinf(needed_share), density_decides, station_decides],
        [
            Limit.NONE,
            Limit.OUT_OF_RANGE,
            Limit.BANDWIDTH,
            Limit.INTERFERENCE,
            Limit.POWER_DENSITY,
            Limit.STATION_POWER,
        ],
        default=Limit.TRANSPONDER_POWER,
    )
    return limit.astype(np.int8)
