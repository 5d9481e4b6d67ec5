"""A chain of hops as an engineer gives it: regenerative payloads, links between satellites, a moment of a pass.

Bits are decided at the end of every hop that has a `carrier`: at the last one, and before it at each payload that
regenerates. Hops up to there share the carrier and hand their noise on, as through a transparent payload without a
limiter. Each such stretch stands by itself: the chain has the margin of the weakest, and outages add up.

A hop through the air is faded by itself, for the share of the year of its own availability, while the others of its
stretch are clear. One hop is `hop`; a geostationary bent pipe with its operating point is `link_design`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from satcom.resource.physics.attenuation import TotalAttenuation, sky_noise_temperature_k, total_attenuation
from satcom.resource.physics.hop import Hop, HopBudget, hop_budget, inter_satellite_range_km, regenerative_margin_db
from satcom.resource.physics.link_budget import combine_db
from satcom.resource.physics.link_design import waveform_table
from satcom.resource.physics.link_input import Given, ImpossibleLink, Modulation
from satcom.resource.physics.moving_path import slant_range_km

Array = NDArray[np.float64]
MOST_HOPS = 20


class BetweenSatellites(Given):
    """Two satellites, `separation_deg` apart as seen from the Earth's centre."""

    first_altitude_km: float = Field(gt=0, le=400_000)
    second_altitude_km: float = Field(gt=0, le=400_000)
    separation_deg: float = Field(ge=0, le=180)


class AirInput(Given):
    """The station of a hop through the air, and how high it sees the satellite.

    `system_temperature_k` is that of its receiver under clear sky, which rain makes noisier; left out where it sends.
    """

    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=360)
    altitude_m: float | None = Field(default=None, ge=-500, le=9000)
    elevation_deg: float = Field(ge=5, le=90)
    diameter_m: float = Field(gt=0, le=40)
    efficiency: float = Field(default=0.65, gt=0, le=1)
    polarization_tilt_deg: float = Field(default=45.0, ge=0, le=180)
    availability_percent: float = Field(default=99.5, ge=50, le=99.999)
    satellite_altitude_km: float | None = Field(default=None, gt=0, le=400_000)
    system_temperature_k: float | None = Field(default=None, gt=0, le=10_000)


class HopCarrier(Modulation):
    """The carrier that is decided into bits at the end of this hop; it came over all hops since the last decision."""

    symbol_rate_mbaud: float = Field(gt=0, le=5000)
    modcod: str


class HopInput(Given):
    """One hop. Its length is `range_km`, or that `between` two satellites, or follows from `air` with an altitude."""

    name: str = Field(min_length=1, max_length=60)
    freq_ghz: float = Field(gt=0, le=300)
    eirp_dbw: float = Field(ge=-60, le=120)
    figure_of_merit_db_per_k: float = Field(ge=-60, le=80)
    range_km: float | None = Field(default=None, gt=0, le=1_000_000)
    between: BetweenSatellites | None = None
    air: AirInput | None = None
    losses_db: float = Field(default=0.0, ge=0, le=60)
    interference_ci0_db_hz: float | None = Field(default=None, ge=-50, le=200)
    carrier: HopCarrier | None = None


class ChainInput(Given):
    """The hops in the order in which the signal takes them."""

    hops: tuple[HopInput, ...] = Field(min_length=1, max_length=MOST_HOPS)


class ChainLine(NamedTuple):
    """One row of a hop's table: `faded` is `None` without air, `clear_sky` where there is only rain to tell of."""

    label: str
    unit: str
    source: str
    clear_sky: float | str | None
    faded: float | str | None


@dataclass(frozen=True, eq=False)
class ChainedHop:
    """A hop under clear sky, and in the rain of its own availability where it goes through air."""

    asked: HopInput
    clear_sky: HopBudget
    faded: HopBudget | None
    air: TotalAttenuation | None

    def lines(self) -> list[ChainLine]:
        """The table of the hop: what it loses in the air stands among its other losses, and below them by cause."""
        clear = self.clear_sky.as_table()
        faded = [None] * len(clear) if self.faded is None else [one.value for one in self.faded.as_table()]
        rows = [
            ChainLine(one.label, one.unit, one.source, one.value, rain) for one, rain in zip(clear, faded, strict=True)
        ]
        if self.air is None:
            return rows
        at = next(number for number, row in enumerate(rows) if row.label == "Other losses")
        rows[at] = rows[at]._replace(source="given, and the air")
        rows[at + 1 : at + 1] = [
            ChainLine(f"of it {name}", "dB", source, float(value) if name == "gas" else None, float(value))
            for name, source, value in (
                ("gas", "ITU-R P.676", self.air.gas_db),
                ("cloud", "ITU-R P.840", self.air.cloud_db),
                ("rain", "ITU-R P.618 2.2.1", self.air.rain_db),
                ("scintillation", "ITU-R P.618 2.4", self.air.scintillation_db),
            )
        ]
        return rows


@dataclass(frozen=True, eq=False)
class Stretch:
    """Hops from one decision of bits to the next. `faded` is with the worst of its hops in rain, else as clear."""

    hops: tuple[ChainedHop, ...]
    carrier: HopCarrier
    bit_rate_bps: float
    occupied_bandwidth_hz: float
    required_es_n0_db: float
    es_n0_clear_db: float
    es_n0_faded_db: float

    @property
    def margin_clear_db(self) -> float:
        return self.es_n0_clear_db - self.required_es_n0_db

    @property
    def margin_db(self) -> float:
        """In rain, over what the MODCOD and its modem require; `required_margin_db` is not taken off."""
        return self.es_n0_faded_db - self.required_es_n0_db

    @property
    def closes(self) -> bool:
        return self.margin_db >= self.carrier.required_margin_db


@dataclass(frozen=True, eq=False)
class ChainDesign:
    """All stretches. `availability_percent` is what is left when the outages of all hops through air add up."""

    stretches: tuple[Stretch, ...]
    availability_percent: float

    @property
    def margin_db(self) -> float:
        """That of the weakest stretch."""
        return float(regenerative_margin_db(*(one.margin_db for one in self.stretches)))

    @property
    def bit_rate_bps(self) -> float:
        """Of the narrowest stretch."""
        return min(one.bit_rate_bps for one in self.stretches)

    @property
    def closes(self) -> bool:
        return all(one.closes for one in self.stretches)


def design_chain(given: ChainInput) -> ChainDesign:
    """Work out a chain.

    Raises `ImpossibleLink` where no carrier ends the chain, a length is not told or told twice, the Earth stands
    between, propagation is not known, or the waveform has no such MODCOD.
    """
    if given.hops[-1].carrier is None:
        raise ImpossibleLink(f"hops.{len(given.hops) - 1}.carrier", "the last hop ends where bits are decided")
    chained = [_chained(f"hops.{number}", hop) for number, hop in enumerate(given.hops)]
    stretches, first = [], 0
    for number, hop in enumerate(given.hops):
        if hop.carrier is not None:
            stretches.append(_stretch(f"hops.{number}.carrier", chained[first : number + 1], hop.carrier))
            first = number + 1
    outages = [100 - hop.air.availability_percent for hop in given.hops if hop.air is not None]
    return ChainDesign(tuple(stretches), max(0.0, 100 - sum(outages)))


def _chained(field: str, asked: HopInput) -> ChainedHop:
    clear = Hop(
        eirp_dbw=asked.eirp_dbw,
        range_km=_range_km(field, asked),
        freq_hz=asked.freq_ghz * 1e9,
        figure_of_merit_db_per_k=asked.figure_of_merit_db_per_k,
        losses_db=asked.losses_db,
        interference_ci0_db_hz=np.inf if asked.interference_ci0_db_hz is None else asked.interference_ci0_db_hz,
    )
    if asked.air is None:
        return ChainedHop(asked, hop_budget.or_nan(clear), None, None)
    air = _attenuation(field, asked.air, clear.freq_hz)
    faded = replace(
        clear,
        losses_db=asked.losses_db + air.total_db,
        figure_of_merit_db_per_k=asked.figure_of_merit_db_per_k - _noise_rise_db(asked.air, air),
    )
    clear = replace(clear, losses_db=asked.losses_db + air.gas_db)
    return ChainedHop(asked, hop_budget.or_nan(clear), hop_budget.or_nan(faded), air)


def _range_km(field: str, asked: HopInput) -> float:
    altitude_km = None if asked.air is None else asked.air.satellite_altitude_km
    told = {"range_km": asked.range_km, "between": asked.between, "air.satellite_altitude_km": altitude_km}
    if sum(one is not None for one in told.values()) != 1:
        raise ImpossibleLink(f"{field}.range_km", f"tell the length of {asked.name} by one of {', '.join(told)}")
    if asked.range_km is not None:
        return asked.range_km
    if asked.between is not None:
        two = asked.between
        range_km = float(
            inter_satellite_range_km.or_nan(two.first_altitude_km, two.second_altitude_km, two.separation_deg)
        )
        if not range_km > 0:
            why = "the Earth stands between the satellites" if np.isnan(range_km) else "both are at one place"
            raise ImpossibleLink(f"{field}.between.separation_deg", why)
        return range_km
    assert asked.air is not None
    assert altitude_km is not None
    return float(slant_range_km.or_nan(altitude_km, asked.air.elevation_deg))


def _attenuation(field: str, air: AirInput, freq_hz: float | Array) -> TotalAttenuation:
    found = total_attenuation.or_nan(
        air.latitude_deg, air.longitude_deg, freq_hz, air.elevation_deg, 100 - air.availability_percent,
        air.polarization_tilt_deg, air.diameter_m, air.efficiency,
        None if air.altitude_m is None else air.altitude_m / 1000,
    )  # fmt: skip
    if not np.isfinite(found.total_db):
        ghz = float(np.asarray(freq_hz)) / 1e9
        raise ImpossibleLink(f"{field}.freq_ghz", f"propagation is not known at {ghz:g} GHz (1 to 55 GHz)")
    return found


def _noise_rise_db(air: AirInput, attenuation: TotalAttenuation) -> float:
    """By how much rain makes the receiver noisier. Source: ITU-R P.618-14, section 3."""
    if air.system_temperature_k is None:
        return 0.0
    absorbed_db = attenuation.gas_db + attenuation.cloud_db + attenuation.rain_db
    warmer_k = sky_noise_temperature_k.or_nan(absorbed_db) - sky_noise_temperature_k.or_nan(attenuation.gas_db)
    return float(10 * np.log10(1 + warmer_k / air.system_temperature_k))


def _stretch(field: str, hops: Sequence[ChainedHop], carrier: HopCarrier) -> Stretch:
    table = waveform_table(carrier, field)
    symbol_rate_baud = carrier.symbol_rate_mbaud * 1e6
    clear_db = [float(one.clear_sky.es_n0_db(symbol_rate_baud)) for one in hops]
    with_rain_db = [
        float(combine_db(*clear_db[:number], one.faded.es_n0_db(symbol_rate_baud), *clear_db[number + 1 :]))
        for number, one in enumerate(hops)
        if one.faded is not None
    ]
    es_n0_clear_db = float(combine_db(*clear_db))
    return Stretch(
        hops=tuple(hops),
        carrier=carrier,
        bit_rate_bps=symbol_rate_baud * float(table.spectral_efficiency[0]),
        occupied_bandwidth_hz=symbol_rate_baud * (1 + carrier.rolloff),
        required_es_n0_db=float(table.es_n0_threshold_db[0]) + carrier.implementation_margin_db,
        es_n0_clear_db=es_n0_clear_db,
        es_n0_faded_db=min(with_rain_db, default=es_n0_clear_db),
    )
