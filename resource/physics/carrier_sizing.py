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

from satcom.resource.physics.link_budget import (
    BentPipeBudget,
    Carrier,
    FullPower,
    Link,
    Values,
    at_full_power,
    bent_pipe_budget,
)
from satcom.resource.physics.modcod import Indices, ModcodTable, symbol_rate_baud

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
    that comes nearest at all the power there is; `margin_db` then is below zero by what is missing. `margin_db` is
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


@dataclass(frozen=True)
class _Noise:
    """Noise over carrier per baud at power share 1 (`clear`, `rain`), interference over carrier, and uplink fade.

    All linear; the needed share follows without another logarithm, which is what makes a fleet cheap.
    """

    clear: Array
    rain: Array
    interference: Array
    fade: Array

    @classmethod
    def of(cls, link: Link, full: FullPower, rolloff: Values) -> "_Noise":
        intermodulation = 10 ** (-np.asarray(link.transponder.intermodulation_ci_db) / 10)
        # up link and intermodulation (per hertz of occupied bandwidth) reach the receiver whatever the weather there
        common = (
            10 ** (-full.uplink_cn0_db_hz / 10)
            + intermodulation * (1 + np.asarray(rolloff)) / link.transponder.bandwidth_hz
        )
        return cls(
            clear=common + 10 ** (-full.downlink_cn0_clear_db_hz / 10),
            rain=common + 10 ** (-full.downlink_cn0_rain_db_hz / 10),
            interference=np.asarray(10 ** (-link.interference.combined_db() / 10)),
            fade=10 ** (full.uplink_fade_db / 10),
        )

    def share_for(self, demand: Values, rate_baud: Values) -> Array:
        """Power share at which Es/N0 is `demand` (a ratio) in every weather; `inf` when no share is enough."""
        room_uplink_rain = 1 / (demand * self.fade) - self.interference
        room_downlink_rain = 1 / np.asarray(demand) - self.interference
        closed = (room_uplink_rain <= 0) | (room_downlink_rain <= 0)
        with np.errstate(divide="ignore"):  # exactly no room: infinite
            share = np.maximum(self.clear / room_uplink_rain, self.rain / room_downlink_rain) * rate_baud
        return np.where(closed & ~np.isnan(share), np.inf, share)

    def excess(self, demand: Values, rate_baud: Values, share: Array) -> Array:
        """Worst Es/N0 over `demand`, as a ratio, at this share; zero without power."""
        with np.errstate(divide="ignore"):
            per_share = np.asarray(rate_baud) / share
        disturbance = np.maximum(
            (per_share * self.clear + self.interference) * self.fade, per_share * self.rain + self.interference
        )
        excess: Array = 1 / (disturbance * demand)
        return excess


def carrier_power_for_margin(link: Link, carrier: Carrier) -> CarrierPower:
    """The satellite EIRP that leaves exactly the carrier's required margin in the worst weather, in closed form."""
    full = at_full_power(link)
    demand = 10 ** ((np.asarray(carrier.required_es_n0_db) + carrier.required_margin_db) / 10)
    rate_baud = symbol_rate_baud(carrier.bit_rate_bps, carrier.spectral_efficiency)
    share = _Noise.of(link, full, carrier.rolloff).share_for(demand, rate_baud)
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
    link: Link, asked: AskedCarrier, table: ModcodTable, free_bandwidth_hz: Values, free_power_bandwidth_hz: Values
) -> CarrierSizing:
    """For every lane the MODCOD of least max(occupied, power-equivalent) bandwidth that closes in every weather.

    `free_bandwidth_hz` is the widest carrier that fits, `free_power_bandwidth_hz` the power that is left, as PEB.
    All arguments broadcast; the required Es/N0 is the table's threshold plus the implementation margin.
    """
    full = at_full_power(link)
    noise = _Noise.of(link, full, asked.rolloff)
    share_left = np.clip(np.asarray(free_power_bandwidth_hz) / link.transponder.bandwidth_hz, 0, 1)
    share_of_station = 10 ** (full.hpa_margin_db / 10)
    share_limit = np.minimum(share_left, share_of_station)
    best = _best_modcods(link, asked, table, noise, share_limit, free_bandwidth_hz)
    chosen = np.where(best.closes, best.cheapest, best.nearest)
    required_db = table.es_n0_threshold_db[chosen] + asked.implementation_margin_db
    demand = 10 ** ((required_db + asked.required_margin_db) / 10)
    rate_baud = symbol_rate_baud(asked.bit_rate_bps, table.spectral_efficiency[chosen])
    needed = noise.share_for(demand, rate_baud)
    share = np.where(best.closes, needed, share_limit)
    with np.errstate(divide="ignore"):  # no power left: the back-off is infinite
        carrier_output_backoff_db = link.transponder.output_backoff_db - 10 * np.log10(share)
    budget = bent_pipe_budget(
        link,
        Carrier(
            bit_rate_bps=asked.bit_rate_bps,
            spectral_efficiency=table.spectral_efficiency[chosen],
            required_es_n0_db=required_db,
            rolloff=asked.rolloff,
            required_margin_db=asked.required_margin_db,
            modcod=table.name[chosen],
        ),
        carrier_output_backoff_db,
    )
    return CarrierSizing(
        closes=best.closes,
        limit=_limit(best, needed, station_decides=share_of_station < share_left),
        modcod=chosen,
        margin_db=budget.margin_db - asked.required_margin_db,
        occupied_bandwidth_hz=np.where(best.closes, budget.occupied_bandwidth_hz, np.nan),
        power_equivalent_bandwidth_hz=np.where(best.closes, budget.power_equivalent_bandwidth_hz, np.nan),
        leased_bandwidth_hz=np.where(best.closes, budget.leased_bandwidth_hz, np.nan),
        budget=budget,
    )


@dataclass(frozen=True)
class _BestModcods:
    """Rows of the table: the cheapest that closes, and the one that comes nearest among those that fit."""

    closes: Flags
    fits: Flags
    cheapest: Indices
    nearest: Indices


def _best_modcods(
    link: Link,
    asked: AskedCarrier,
    table: ModcodTable,
    noise: _Noise,
    share_limit: Array,
    free_bandwidth_hz: Values,
) -> _BestModcods:
    """One pass over the table, all lanes at once, in plain arithmetic."""
    shape = np.broadcast_shapes(
        *(np.shape(one) for one in (noise.rain, noise.interference, noise.fade, share_limit, free_bandwidth_hz)),
        *(np.shape(one) for one in (asked.bit_rate_bps, asked.implementation_margin_db, asked.required_margin_db)),
    )
    least_hz, most_excess = np.full(shape, np.inf), np.full(shape, -np.inf)
    cheapest = np.zeros(shape, dtype=np.intp)
    nearest = np.full(shape, int(np.argmax(table.spectral_efficiency)), dtype=np.intp)
    margins = 10 ** ((np.asarray(asked.implementation_margin_db) + asked.required_margin_db) / 10)
    for row, threshold_db in enumerate(table.es_n0_threshold_db):
        demand = margins * 10 ** (threshold_db / 10)
        rate_baud = symbol_rate_baud(asked.bit_rate_bps, float(table.spectral_efficiency[row]))
        occupied_hz = rate_baud * (1 + np.asarray(asked.rolloff))
        fits = occupied_hz <= free_bandwidth_hz
        share = noise.share_for(demand, rate_baud)
        leased_hz = np.maximum(occupied_hz, share * link.transponder.bandwidth_hz)
        better = fits & (share <= share_limit) & (leased_hz < least_hz)
        least_hz[better] = np.broadcast_to(leased_hz, shape)[better]
        cheapest[better] = row
        excess = noise.excess(demand, rate_baud, share_limit)
        nearer = fits & (excess > most_excess)
        most_excess[nearer] = np.broadcast_to(excess, shape)[nearer]
        nearest[nearer] = row
    return _BestModcods(np.isfinite(least_hz), np.isfinite(most_excess), cheapest, nearest)


def _limit(best: _BestModcods, needed_share: Array, station_decides: Flags) -> NDArray[np.int8]:
    """The first of the reasons that holds; `needed_share` is that of the chosen or nearest MODCOD."""
    limit = np.select(
        [best.closes, np.isnan(needed_share), ~best.fits, np.isinf(needed_share), station_decides],
        [Limit.NONE, Limit.OUT_OF_RANGE, Limit.BANDWIDTH, Limit.INTERFERENCE, Limit.STATION_POWER],
        default=Limit.TRANSPONDER_POWER,
    )
    return limit.astype(np.int8)
