"""Facts of the network: what a qualification knows, as values that can be kept and computed with again.

A `Fleet` is everything that does not depend on the demand, an `Occupancy` what is taken of it in the asked period.
What no data sheet of the fleet tells is planned with the values of `Assumptions`.
Both go to JSON and back without losing a digit: what a solution was computed from is its evidence (`service.evidence`).
Reading them from the database is `service.design.reading`; deciding with them is `service.design.solving`.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import PlainSerializer, PlainValidator

from satcom.core.loading import loaded_id
from satcom.resource.free_spectrum import TakenSpectrum
from satcom.resource.ground import Antenna
from satcom.resource.licence import LicenceFact
from satcom.resource.neighbour import NeighbourSatellite
from satcom.resource.payload import Beam, Boresight, ContourLine
from satcom.resource.physics import coverage
from satcom.resource.physics.operating_point import Amplifier
from satcom.resource.physics.orbit import Elements
from satcom.resource.resource import Band
from satcom.resource.satellite import BEFORE_SERVICE, SatelliteState, serves_throughout
from satcom.service.solution import AccessSolution, Solution
from satcom.service.way import AVERAGE_YEAR_PERCENT, SatelliteWay, SiteWay


@dataclass(frozen=True)
class SatelliteFacts:
    """One satellite and the element set that tells where it stands."""

    id: str
    name: str
    orbital_longitude_deg: float
    state: SatelliteState
    in_service_date: date | None
    end_of_life_date: date | None
    elements: Elements | None
    illustrative: bool
    neighbours: tuple[NeighbourSatellite, ...] = ()

    def neighbours_in(self, band: str) -> tuple[NeighbourSatellite, ...]:
        """Those that work in the band: no others disturb it."""
        return tuple(one for one in self.neighbours if band in one.bands)

    @property
    def before_service(self) -> bool:
        """Its slot tells where it will stand; what elements there are tell of its way there."""
        return self.state in BEFORE_SERVICE

    def in_service_throughout(self, start_at: datetime, stop_at: datetime | None) -> bool:
        """The rule is the satellite's own."""
        return serves_throughout(self.state, self.in_service_date, self.end_of_life_date, start_at, stop_at)


@dataclass(frozen=True)
class BeamFacts:
    """One beam: contours or a boresight."""

    id: str
    satellite_id: str
    name: str
    band: Band
    contours: tuple[ContourLine, ...]
    boresight: Boresight | None
    illustrative: bool

    def shape(self, orbital_longitude_deg: float) -> coverage.Beam:
        """The rule is the beam's own."""
        beam = Beam(
            name=self.name,
            satellite_id=self.satellite_id,
            band=self.band,
            contours=list(self.contours),
            boresight=self.boresight,
        )
        return beam.shape(orbital_longitude_deg)


@dataclass(frozen=True)
class TransponderFacts:
    """One transparent transponder, RF values at the peak of its beams."""

    id: str
    satellite_id: str
    name: str
    band: str
    uplink_beam_id: str
    downlink_beam_id: str
    bandwidth_hz: int
    uplink_center_hz: int
    downlink_center_hz: int
    uplink_polarisation: str
    downlink_polarisation: str
    eirp_saturation_dbw: float
    g_over_t_db_per_k: float
    sfd_dbw_per_m2: float
    input_backoff_db: float
    output_backoff_db: float
    guard_band_hz: int
    illustrative: bool
    uplink_eirp_density_limit_dbw_per_hz: float | None = None
    downlink_eirp_density_limit_dbw_per_hz: float | None = None
    amplifier: Amplifier | None = None
    many_carriers: bool = True

    @property
    def low_edge_hz(self) -> int:
        return self.downlink_center_hz - self.bandwidth_hz // 2


@dataclass(frozen=True)
class StationFacts:
    """One earth station."""

    id: str
    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    horizon_mask_deg: float
    antennas: tuple[Antenna, ...]
    illustrative: bool


@dataclass(frozen=True)
class HubFacts:
    """One hub of an earth station."""

    id: str
    name: str
    earth_station_id: str
    ports: int
    satellite_ids: tuple[str, ...]
    bands: tuple[str, ...]
    illustrative: bool


@dataclass(frozen=True)
class TerminalTypeFacts:
    """One kind of terminal. `price` is its amount, only to choose between equals."""

    id: str
    name: str
    band: str
    terminal_class: str
    antenna_diameter_m: float
    antenna_efficiency: float
    buc_power_w: float
    lnb_noise_figure_db: float
    approved: bool
    price: float | None
    illustrative: bool
    pointing_rms_deg: float | None = None

    def is_among(self, names: Collection[str]) -> bool:
        """Whether one of `names` is its id, its name, or the name it was loaded under."""
        return any(name in (self.id, self.name) or loaded_id("TerminalType", name) == self.id for name in names)


@dataclass(frozen=True)
class PoolFacts:
    """Shared carriers of one hub in one direction, with the power of the slot that they lie in."""

    id: str
    name: str
    hub_id: str
    transponder_id: str
    direction: str
    power_share_hz: int
    symbol_rate_baud: int
    carrier_symbol_rate_baud: int
    rolloff: float
    committable_baud: int
    saleable_baud: int
    contention_ratio: float
    illustrative: bool

    @property
    def carriers(self) -> float:
        """How many carriers share the power."""
        return self.symbol_rate_baud / self.carrier_symbol_rate_baud


@dataclass(frozen=True, eq=False)
class Fleet:
    """The network as it does not depend on a demand. Compared by identity, so that what follows from it is kept."""

    satellites: tuple[SatelliteFacts, ...]
    beams: tuple[BeamFacts, ...]
    transponders: tuple[TransponderFacts, ...]
    stations: tuple[StationFacts, ...]
    hubs: tuple[HubFacts, ...]
    terminal_types: tuple[TerminalTypeFacts, ...]
    licences: tuple[LicenceFact, ...]
    pools: tuple[PoolFacts, ...] = ()

    @cached_property
    def beam_index(self) -> dict[str, int]:
        return {one.id: index for index, one in enumerate(self.beams)}

    @cached_property
    def pools_by_transponder(self) -> dict[str, list[PoolFacts]]:
        found: dict[str, list[PoolFacts]] = {}
        for one in self.pools:
            found.setdefault(one.transponder_id, []).append(one)
        return found

    @staticmethod
    def none() -> "Fleet":
        """Nothing: who asks for satellites that pass, asks for none of these."""
        return Fleet((), (), (), (), (), (), ())

    def used_by(self, solutions: Iterable[Solution], country: str | None) -> "Fleet":
        """Only what the solutions rest on, in the same order."""
        ways = list(solutions)
        sites = [one for one in ways if isinstance(one, SiteWay)]
        satellites = {one.satellite_id for one in ways if isinstance(one, SatelliteWay)}
        transponders = {transponder for one in ways for transponder in one.transponder_ids}
        kept = tuple(one for one in self.transponders if one.id in transponders)
        beams = {one.uplink_beam_id for one in kept} | {one.downlink_beam_id for one in kept}
        antennas = {(one.earth_station_id, one.antenna_id) for one in sites}
        terminals = {one.terminal_type_id for one in sites}
        pools = _pools_of(ways)
        return Fleet(
            satellites=tuple(one for one in self.satellites if one.id in satellites),
            beams=tuple(one for one in self.beams if one.id in beams),
            transponders=kept,
            stations=tuple(
                replace(one, antennas=tuple(dish for dish in one.antennas if (one.id, dish.id) in antennas))
                for one in self.stations
                if any(one.id == station for station, _ in antennas)
            ),
            hubs=tuple(one for one in self.hubs if one.id in {way.hub_id for way in sites}),
            terminal_types=tuple(one for one in self.terminal_types if one.id in terminals),
            licences=tuple(one for one in self.licences if ways and one.country == country),
            pools=tuple(one for one in self.pools if one.id in pools),
        )


@dataclass(frozen=True)
class Assumptions:
    """Values of the trade, where the fleet's data say nothing. Interference is under clear sky, per carrier.

    The C/I of intermodulation counts where a transponder's amplifier is not declared, those of adjacent satellites
    where no neighbour in the band is.

    `confidence_percent` is what availability is sold with, the operator's own setting: at 50 the average year counts.
    `within_limits`: carriers keep the limits on their density (`service.design.limits`); they were not asked before,
    and until `over_footprint` on the ground only at the receiving place.
    `sources_told`: budgets tell where interference comes from, and add up in rain; they did not before.
    `pointing_counted`: random pointing and the age of elements are in what is sold with a confidence; they were not.
    `parts_apart`: each gateway and each pair of pools is a way of its own; before, only the best for each terminal was.
    """

    roll_off: float = 0.2
    implementation_margin_db: float = 0.8
    required_margin_db: float = 0.5
    gateway_power_control_db: float = 6.0
    gateway_pointing_loss_db: float = 0.2
    terminal_pointing_loss_db: float = 0.4
    terminal_feed_loss_db: float = 0.2
    terminal_ground_temperature_k: float = 25.0
    intermodulation_ci_db: float = 18.0
    uplink_adjacent_satellite_ci_db: float = 28.0
    uplink_cross_polar_ci_db: float = 27.0
    downlink_adjacent_satellite_ci_db: float = 22.0
    downlink_cross_polar_ci_db: float = 27.0
    confidence_percent: float = AVERAGE_YEAR_PERCENT
    within_limits: bool = True
    sources_told: bool = True
    over_footprint: bool = True
    pointing_counted: bool = True
    parts_apart: bool = True


def _taken_rows(taken: TakenSpectrum) -> list[list[float | None]]:
    """One list per assignment; an open end is `None`."""
    ends = [None if math.isinf(stop) else stop for stop in taken.stop_s.tolist()]
    columns = (taken.row, taken.start_hz, taken.stop_hz, taken.power_share_hz, taken.start_s)
    return [list(row) for row in zip(*(column.tolist() for column in columns), ends, strict=True)]


def _taken_of(rows: TakenSpectrum | list[list[float | None]]) -> TakenSpectrum:
    if isinstance(rows, TakenSpectrum):
        return rows
    whole = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
    seconds = np.array([[row[4], np.inf if row[5] is None else row[5]] for row in rows], dtype=np.float64).reshape(
        -1, 2
    )
    return TakenSpectrum(whole[:, 0], whole[:, 1], whole[:, 2], whole[:, 3], seconds[:, 0], seconds[:, 1])


@dataclass(frozen=True, eq=False)
class Occupancy:
    """What is taken of the transponders and pools in the asked period, and how many ports of each hub are free in it.

    Of a pool: the symbols a second that are committed, and that are sold, at the fullest instant.
    """

    transponder_ids: tuple[str, ...]
    taken: Annotated[TakenSpectrum, PlainValidator(_taken_of), PlainSerializer(_taken_rows)]
    free_ports: dict[str, int]
    pool_fill: dict[str, tuple[int, int]] = field(default_factory=dict)

    @staticmethod
    def none() -> "Occupancy":
        return Occupancy((), _taken_of([]), {})

    def used_by(self, solutions: Iterable[Solution]) -> "Occupancy":
        """Only what concerns the solutions."""
        ways = list(solutions)
        used = {transponder for one in ways for transponder in one.transponder_ids}
        kept = [row for row, one in enumerate(self.transponder_ids) if one in used]
        new_row = np.full(len(self.transponder_ids), -1, dtype=np.int64)
        new_row[kept] = np.arange(len(kept))
        taken, mine = self.taken, new_row[self.taken.row] >= 0
        hubs = {one.hub_id for one in ways if isinstance(one, SiteWay)}
        return Occupancy(
            tuple(self.transponder_ids[row] for row in kept),
            TakenSpectrum(
                new_row[taken.row[mine]],
                taken.start_hz[mine],
                taken.stop_hz[mine],
                taken.power_share_hz[mine],
                taken.start_s[mine],
                taken.stop_s[mine],
            ),
            {hub: ports for hub, ports in self.free_ports.items() if hub in hubs},
            {pool: fill for pool, fill in self.pool_fill.items() if pool in _pools_of(ways)},
        )


def _pools_of(ways: Iterable[Solution]) -> set[str]:
    shared = [one for one in ways if isinstance(one, AccessSolution)]
    return {one.forward_pool.pool_id for one in shared} | {one.return_pool.pool_id for one in shared}
