"""Neighbours: what the side lobes of gateways and terminals let through, to other satellites' and from them.

Of a satellite the declared neighbours count that work in the band. Up, stations that point at them are taken to be as
large as ours; a density that is not declared is that of our own transponder, evenly loaded. So the ratios are those of
a carrier that takes power as it takes bandwidth: `even_` in `link_budget.Interference`.
Words: ITU-R S.465, S.580 (`resource.physics.adjacent_slots`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.adjacent_slots import heard_beside_dbi
from satcom.resource.physics.link_budget import Interference, Link, Values, spreading_loss_db_m2
from satcom.service.design.facts import Assumptions, Fleet, SatelliteFacts, TransponderFacts
from satcom.service.way import AVERAGE_YEAR_PERCENT

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
Side = Literal["up", "down"]

ASSUMED = "assumed"
ASSUMED_INTERMODULATION = "assumed: no amplifier is declared"
ASSUMED_ADJACENT = "assumed: no neighbour in {} band is declared"


@dataclass(frozen=True)
class Arc:
    """A satellite among its neighbours in one band; of each its longitude and its density, nan where not declared."""

    longitude_deg: float
    neighbours: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, satellite: SatelliteFacts, band: str, side: Side) -> "Arc":
        found = []
        for one in satellite.neighbours_in(band):
            density = one.uplink_eirp_density_dbw_per_hz if side == "up" else one.downlink_eirp_density_dbw_per_hz
            found.append((one.orbital_longitude_deg, np.nan if density is None else density))
        return cls(satellite.orbital_longitude_deg, tuple(found))


@dataclass(frozen=True)
class Antennas:
    """Where the antennas of rays stand, their size, and the frequency; arrays (rays,)."""

    latitude_deg: Array
    longitude_deg: Array
    diameter_m: Array
    efficiency: Array
    freq_hz: Array

    def take(self, rows: Indices) -> "Antennas":
        return Antennas(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Beside:
    """Of each ray whether its satellite has neighbours, and its side lobes towards them, weighed by density.

    Apart those as dense as we are, and those whose density is declared; `-inf` where there are none.
    """

    has_neighbours: Flags
    as_ours_dbi: Array
    declared_dbw_per_hz: Array

    @cached_property
    def is_declared(self) -> bool:
        """Whether any density is."""
        return bool(np.isfinite(self.declared_dbw_per_hz).any())

    def even_ci_db(self, ray: Indices, gain_dbi: Values, own_dbw_per_hz: Callable[[], Array]) -> Array:
        """Of carriers on these rays as dense as their transponder is loaded; `inf` where nobody is heard.

        How dense that is, is asked only where a neighbour's density is declared.
        """
        heard_dbi: Array = self.as_ours_dbi[ray]
        if self.is_declared:
            dense = 10 ** ((self.declared_dbw_per_hz[ray] - own_dbw_per_hz()) / 10)
            with np.errstate(divide="ignore"):
                heard_dbi = 10 * np.log10(10 ** (heard_dbi / 10) + dense)
        return np.asarray(gain_dbi) - heard_dbi


def beside(arcs: Sequence[Arc], rays_each: Sequence[int], antennas: Antennas) -> Beside | None:
    """For rays of several satellites one after the other; `None` where none of them has neighbours."""
    most = max((len(one.neighbours) for one in arcs), default=0)
    if most == 0:
        return None
    table = np.full((len(arcs), most, 2), np.nan)
    for row, one in enumerate(arcs):
        table[row, : len(one.neighbours)] = np.array(one.neighbours).reshape(-1, 2)
    arc_of_ray = np.repeat(np.arange(len(arcs)), rays_each)
    has_neighbours = ~np.isnan(table[arc_of_ray, 0, 0])
    rows = np.flatnonzero(has_neighbours)
    of = arc_of_ray[rows]
    longitude_deg, density = table[of, :, 0], table[of, :, 1]
    own_deg, mine = np.array([one.longitude_deg for one in arcs])[of], antennas.take(rows)
    known, heard = ~np.isnan(density), []
    for counted, weight in ((~known, 0.0), (known, np.where(known, density, 0.0))):
        column = np.full(len(arc_of_ray), -np.inf)
        if (counted & ~np.isnan(longitude_deg)).any():
            there_deg = np.where(counted, longitude_deg, np.nan)
            column[rows] = heard_beside_dbi.or_nan(
                own_deg,
                there_deg,
                mine.latitude_deg,
                mine.longitude_deg,
                mine.diameter_m,
                mine.efficiency,
                mine.freq_hz,
                weight,
            )
        heard.append(column)
    return Beside(has_neighbours, *heard)


def with_neighbours(
    link: Link, up: tuple[Beside | None, Indices], down: tuple[Beside | None, Indices], assumed: Assumptions
) -> Interference:
    """What disturbs the lanes of a link, of each side the rays that they take: by neighbours, else as assumed."""
    if up[0] is None and down[0] is None:
        return Interference(
            uplink_adjacent_satellite_ci_db=assumed.uplink_adjacent_satellite_ci_db,
            uplink_cross_polar_ci_db=assumed.uplink_cross_polar_ci_db,
            downlink_adjacent_satellite_ci_db=assumed.downlink_adjacent_satellite_ci_db,
            downlink_cross_polar_ci_db=assumed.downlink_cross_polar_ci_db,
        )
    uplink = _side(up, assumed.uplink_adjacent_satellite_ci_db, link.transmit.antenna_gain_dbi, lambda: _sent(link))
    downlink = _side(
        down, assumed.downlink_adjacent_satellite_ci_db, link.receive.antenna.gain_dbi, lambda: _arriving(link)
    )
    return Interference(
        uplink_adjacent_satellite_ci_db=uplink[0],
        uplink_cross_polar_ci_db=assumed.uplink_cross_polar_ci_db,
        downlink_adjacent_satellite_ci_db=downlink[0],
        downlink_cross_polar_ci_db=assumed.downlink_cross_polar_ci_db,
        even_uplink_adjacent_satellite_ci_db=uplink[1],
        even_downlink_adjacent_satellite_ci_db=downlink[1],
    )


def _sent(link: Link) -> Array:
    """EIRP density in dBW/Hz, without losses, that loads the transponder evenly from where each lane goes up."""
    transponder = link.transponder
    flux_dbw_per_m2 = np.asarray(transponder.saturation_flux_density_dbw_per_m2) - transponder.input_backoff_db
    sent_dbw = flux_dbw_per_m2 - link.up.beam_gain_db + spreading_loss_db_m2.or_nan(link.up.range_km)
    density: Array = sent_dbw - 10 * np.log10(transponder.bandwidth_hz)
    return density


def _arriving(link: Link) -> Array:
    """EIRP density in dBW/Hz of the loaded transponder towards where each lane comes down."""
    transponder = link.transponder
    peak_dbw = np.asarray(transponder.saturation_eirp_dbw) - transponder.output_backoff_db
    density: Array = peak_dbw + np.asarray(link.down.beam_gain_db) - 10 * np.log10(transponder.bandwidth_hz)
    return density


def _side(
    of: tuple[Beside | None, Indices], assumed_db: float, gain_dbi: Values, own_dbw_per_hz: Callable[[], Array]
) -> tuple[Values, Values]:
    """C/I of every carrier, and C/I of an even one."""
    found, ray = of
    if found is None:
        return assumed_db, np.inf
    if found.has_neighbours.all():
        return np.inf, found.even_ci_db(ray, gain_dbi, own_dbw_per_hz)
    has_neighbours = found.has_neighbours[ray]
    even_db = found.even_ci_db(ray, gain_dbi, own_dbw_per_hz)
    return np.where(has_neighbours, np.inf, assumed_db), np.where(has_neighbours, even_db, np.inf)


def sources_of(fleet: Fleet, transponder: TransponderFacts, assumed: Assumptions) -> dict[str, str] | None:
    """What the interference in a budget over the transponder was computed from, by the name of its field.

    `None` for answers from before budgets told it.
    """
    if not assumed.sources_told:
        return None
    satellite = next(one for one in fleet.satellites if one.id == transponder.satellite_id)
    beside_it = satellite.neighbours_in(transponder.band)
    names = ", ".join(str(one) for one in beside_it)
    adjacent = f"side lobes (S.580, S.465) and {names}" if beside_it else ASSUMED_ADJACENT.format(transponder.band)
    if transponder.amplifier is None:
        amplified = ASSUMED_INTERMODULATION
    elif transponder.many_carriers:
        amplified = (
            f"{transponder.amplifier} with many carriers at {transponder.output_backoff_db:g} dB output back-off"
        )
    else:
        amplified = "none: one carrier has the transponder"
    found = {
        "intermodulation_ci_db": amplified,
        "uplink_adjacent_satellite_ci_db": adjacent,
        "downlink_adjacent_satellite_ci_db": adjacent,
        "uplink_cross_polar_ci_db": ASSUMED,
        "downlink_cross_polar_ci_db": ASSUMED,
    }
    if assumed.pointing_counted and assumed.confidence_percent != AVERAGE_YEAR_PERCENT:
        at = f"at {assumed.confidence_percent:g} % confidence"
        found["required_margin_db"] = f"{assumed.required_margin_db:g} dB, and the sender's random pointing {at}"
        found["downlink_pointing_loss_db"] = f"known, and random {at}"
    return found


def sources_assumed(assumed: Assumptions) -> dict[str, str] | None:
    """As `sources_of`, for satellites that pass: all of their interference is assumed."""
    names = (
        "intermodulation_ci_db",
        "uplink_adjacent_satellite_ci_db",
        "downlink_adjacent_satellite_ci_db",
        "uplink_cross_polar_ci_db",
        "downlink_cross_polar_ci_db",
    )
    return dict.fromkeys(names, ASSUMED) if assumed.sources_told else None
