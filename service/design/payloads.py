"""Payloads: for each satellite and band the transponders, the gateways that serve them, and the terminals that fit.

A gateway is a hub together with an antenna of its station: the hub serves satellite and band, the antenna points there.
Rays are the paths between ground and satellite that weaken alike: transponders of nearly one frequency and of one
polarisation share one.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from satcom.resource.ground import Antenna
from satcom.resource.physics.operating_point import multi_carrier_curve
from satcom.service.design.facts import Fleet, TransponderFacts

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

FREQUENCY_STEP_HZ = 250e6  # rays are counted at the upper end of their step: never too little attenuation
TILT_DEG = {"horizontal": 0.0, "vertical": 90.0}  # at the satellite; circular takes 45
CIRCULAR_TILT_DEG = 45.0


@dataclass(frozen=True)
class Gateway:
    """A hub with an antenna of its station; `station` and `hub` are rows of the fleet."""

    station: int
    hub: int
    antenna: Antenna


@dataclass(frozen=True, eq=False)
class Rays:
    """The kinds of ray of a payload in one direction, and which of them each transponder takes."""

    freq_hz: Array
    tilt_deg: Array
    kind: Indices

    @classmethod
    def of(cls, freq_hz: list[int], polarisations: list[str]) -> "Rays":
        stepped = np.ceil(np.array(freq_hz) / FREQUENCY_STEP_HZ) * FREQUENCY_STEP_HZ
        tilt = [TILT_DEG.get(one, CIRCULAR_TILT_DEG) for one in polarisations]
        kinds, kind = np.unique(np.column_stack([stepped, tilt]), axis=0, return_inverse=True)
        return cls(kinds[:, 0], kinds[:, 1], kind.reshape(-1))


@dataclass(frozen=True, eq=False)
class Payload:
    """One satellite in one band. Numbers are rows of the fleet."""

    satellite: int
    band: str
    transponders: Indices
    gateways: tuple[Gateway, ...]
    terminals: tuple[int, ...]
    up: Rays
    down: Rays


@dataclass(frozen=True, eq=False)
class TransponderArrays:
    """The transponders of the fleet side by side. C/I of intermodulation is nan where no amplifier is declared."""

    satellite: Indices
    up_beam: Indices
    down_beam: Indices
    up_freq_hz: Array
    down_freq_hz: Array
    bandwidth_hz: Array
    guard_band_hz: NDArray[np.int64]
    low_edge_hz: NDArray[np.int64]
    high_edge_hz: NDArray[np.int64]
    eirp_dbw: Array
    figure_of_merit_db_per_k: Array
    sfd_dbw_per_m2: Array
    input_backoff_db: Array
    output_backoff_db: Array
    intermodulation_ci_db: Array
    down_polarisation: NDArray[np.str_]


@lru_cache(maxsize=4)
def payloads(fleet: Fleet) -> tuple[Payload, ...]:
    """All payloads, satellites in the order of the fleet, bands by name."""
    rows: dict[tuple[int, str], list[int]] = defaultdict(list)
    satellites = {one.id: index for index, one in enumerate(fleet.satellites)}
    for index, one in enumerate(fleet.transponders):
        rows[satellites[one.satellite_id], one.band].append(index)
    gateways = _gateways(fleet)
    terminals = defaultdict(list)
    for index, kind in enumerate(fleet.terminal_types):
        terminals[kind.band].append(index)
    return tuple(
        _payload(fleet, satellite, band, rows[satellite, band], gateways, tuple(terminals[band]))
        for satellite, band in sorted(rows)
    )


def gateway_called(fleet: Fleet, one: Gateway) -> str:
    """Its hub and its station; the antenna, too, where several of the station point at the same satellite."""
    station = fleet.stations[one.station]
    alike = [each for each in station.antennas if set(each.satellite_ids) & set(one.antenna.satellite_ids)]
    antenna = f", {one.antenna.id}" if sum(each.band == one.antenna.band for each in alike) > 1 else ""
    return f"{fleet.hubs[one.hub].name} at {station.name}{antenna}"


@lru_cache(maxsize=4)
def transponder_arrays(fleet: Fleet) -> TransponderArrays:
    """One array per value of the transponders."""
    all_of, beams = fleet.transponders, fleet.beam_index
    satellites = {one.id: index for index, one in enumerate(fleet.satellites)}
    low_hz = np.array([one.low_edge_hz for one in all_of], dtype=np.int64)
    bandwidth_hz = np.array([one.bandwidth_hz for one in all_of], dtype=np.int64)
    return TransponderArrays(
        satellite=np.array([satellites[one.satellite_id] for one in all_of], dtype=np.intp),
        up_beam=np.array([beams[one.uplink_beam_id] for one in all_of], dtype=np.intp),
        down_beam=np.array([beams[one.downlink_beam_id] for one in all_of], dtype=np.intp),
        up_freq_hz=np.array([float(one.uplink_center_hz) for one in all_of]),
        down_freq_hz=np.array([float(one.downlink_center_hz) for one in all_of]),
        bandwidth_hz=bandwidth_hz.astype(np.float64),
        guard_band_hz=np.array([one.guard_band_hz for one in all_of], dtype=np.int64),
        low_edge_hz=low_hz,
        high_edge_hz=low_hz + bandwidth_hz,
        eirp_dbw=np.array([one.eirp_saturation_dbw for one in all_of]),
        figure_of_merit_db_per_k=np.array([one.g_over_t_db_per_k for one in all_of]),
        sfd_dbw_per_m2=np.array([one.sfd_dbw_per_m2 for one in all_of]),
        input_backoff_db=np.array([one.input_backoff_db for one in all_of]),
        output_backoff_db=np.array([one.output_backoff_db for one in all_of]),
        intermodulation_ci_db=np.array([_intermodulation_ci_db(one) for one in all_of], dtype=np.float64),
        down_polarisation=np.array([one.downlink_polarisation for one in all_of], dtype=np.str_),
    )


def _intermodulation_ci_db(one: TransponderFacts) -> float:
    """At its output back-off; nan where its amplifier is not known."""
    if one.amplifier is None:
        return float("nan")
    if not one.many_carriers:
        return float("inf")
    curve = multi_carrier_curve(one.amplifier)
    return float(curve.intermodulation_at_db(curve.input_for_output_db(one.output_backoff_db)))


def _gateways(fleet: Fleet) -> dict[tuple[str, str], list[Gateway]]:
    """By satellite id and band."""
    stations = {one.id: index for index, one in enumerate(fleet.stations)}
    found: dict[tuple[str, str], list[Gateway]] = defaultdict(list)
    for hub_index, hub in enumerate(fleet.hubs):
        station = stations.get(hub.earth_station_id)
        if station is None:
            continue
        served = frozenset(hub.satellite_ids)
        for antenna in fleet.stations[station].antennas:
            if str(antenna.band) in hub.bands:
                for satellite_id in antenna.satellite_ids:
                    if satellite_id in served:
                        found[satellite_id, str(antenna.band)].append(Gateway(station, hub_index, antenna))
    return found


def _payload(
    fleet: Fleet,
    satellite: int,
    band: str,
    rows: list[int],
    gateways: dict[tuple[str, str], list[Gateway]],
    terminals: tuple[int, ...],
) -> Payload:
    members: list[TransponderFacts] = [fleet.transponders[row] for row in rows]
    return Payload(
        satellite=satellite,
        band=band,
        transponders=np.array(rows, dtype=np.intp),
        gateways=tuple(gateways.get((fleet.satellites[satellite].id, band), ())),
        terminals=terminals,
        up=Rays.of([one.uplink_center_hz for one in members], [one.uplink_polarisation for one in members]),
        down=Rays.of([one.downlink_center_hz for one in members], [one.downlink_polarisation for one in members]),
    )
