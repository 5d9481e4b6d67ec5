"""The payload plan of a satellite: its channels side by side, how beams are connected, and where channels collide.

On each side, up and down, channels that share a beam and a polarisation must not overlap, and keep the guard band that
the filters need. Channels of different beams may share frequencies where their beams are far enough apart: how far is
the carrier over the co-channel interference at the worst place within `EDGE_DB` of the beam that is disturbed. Down it
counts the EIRP of both; up a station anywhere within the other beam is as strong as one's own. The other polarisation
is not counted.

Words: ITU Handbook on Satellite Communications, 3rd ed. (channel, frequency reuse); TM Forum has none for payloads.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.coverage import Beam, relative_gain_db
from satcom.resource.physics.satellite_view import SatelliteView
from satcom.resource.spectrum_pieces import megahertz

Array = NDArray[np.float64]
EDGE_DB = -3.0  # down to here of its peak a beam is to serve
LEAST_CI_DB = 15.0
_LOOK_STEP_DEG, _LOOK_EDGE_DEG = 0.1, 8.8  # the Earth from the geostationary orbit


class Side(StrEnum):
    """Which of its two bands a channel is looked at in."""

    UPLINK = "uplink"
    DOWNLINK = "downlink"


class PlanFaultCode(StrEnum):
    """What is wrong between two channels."""

    OVERLAP = "overlap"
    GUARD_BAND = "guardBandTooNarrow"
    CO_CHANNEL = "coChannelInterference"


@dataclass(frozen=True)
class Channel:
    """A transponder on one side: its band in a beam. `eirp_dbw` at the peak of the downlink beam."""

    transponder_id: str
    name: str
    beam_id: str
    polarisation: str
    low_edge_hz: int
    high_edge_hz: int
    eirp_dbw: float

    def overlap_hz(self, other: "Channel") -> int:
        """Negative: the gap between them."""
        return min(self.high_edge_hz, other.high_edge_hz) - max(self.low_edge_hz, other.low_edge_hz)


@dataclass(frozen=True)
class PlanFault:
    """Two channels that collide, and the number that decided."""

    code: PlanFaultCode
    side: Side
    first: Channel
    second: Channel
    value: float
    limit: float
    unit: str
    text: str


def collisions(side: Side, channels: Sequence[Channel], guard_hz: int) -> list[PlanFault]:
    """Channels of one beam and polarisation that overlap, or are nearer than `guard_hz`; by frequency."""
    together: defaultdict[tuple[str, str], list[Channel]] = defaultdict(list)
    for one in sorted(channels, key=lambda one: (one.low_edge_hz, one.high_edge_hz, one.name)):
        together[one.beam_id, one.polarisation].append(one)
    return [fault for row in together.values() for fault in _collisions_of(side, row, guard_hz)]


def _collisions_of(side: Side, row: Sequence[Channel], guard_hz: int) -> Iterator[PlanFault]:
    """Of channels that share beam and polarisation, in the order of their lower edges."""
    for number, one in enumerate(row):
        for other in row[number + 1 :]:
            overlap_hz = one.overlap_hz(other)
            if overlap_hz <= 0:
                break
            text = f"{one.name} and {other.name} overlap by {megahertz(overlap_hz)} MHz"
            yield PlanFault(PlanFaultCode.OVERLAP, side, one, other, overlap_hz / 1e6, 0.0, "MHz", text)
    for one, other in pairwise(row):
        gap_hz = -one.overlap_hz(other)
        if 0 <= gap_hz < guard_hz:
            text = f"{megahertz(gap_hz)} MHz between {one.name} and {other.name}, not {megahertz(guard_hz)} MHz"
            yield PlanFault(PlanFaultCode.GUARD_BAND, side, one, other, gap_hz / 1e6, guard_hz / 1e6, "MHz", text)


def disturbed(
    side: Side, channels: Sequence[Channel], beams: Mapping[str, Beam], longitude_deg: float, least_ci_db: float
) -> list[PlanFault]:
    """Channels of one polarisation that share frequencies in beams too near each other, worst first.

    `first` is the channel that is disturbed. The geostationary satellite stands at `longitude_deg`.
    """
    pairs = [
        (one, other)
        for one, other in combinations(channels, 2)
        if one.beam_id != other.beam_id and one.polarisation == other.polarisation and one.overlap_hz(other) > 0
    ]
    involved = list(dict.fromkeys(beam for pair in pairs for beam in (pair[0].beam_id, pair[1].beam_id)))
    if not involved:
        return []
    levels = dict(zip(involved, _levels_db([beams[one] for one in involved], longitude_deg), strict=True))
    faults = [
        _disturbed(side, one, other, ci_db, least_ci_db)
        for pair in pairs
        for one, other in (pair, pair[::-1])
        if (ci_db := _worst_ci_db(side, one, other, levels[one.beam_id], levels[other.beam_id])) < least_ci_db
    ]
    return sorted(faults, key=lambda fault: (fault.value, fault.first.name))


def _levels_db(beams: Sequence[Beam], longitude_deg: float) -> Array:
    """Of each beam at places all over the Earth that the satellite sees; shape (beams, places)."""
    steps = np.arange(-_LOOK_EDGE_DEG, _LOOK_EDGE_DEG + _LOOK_STEP_DEG / 2, _LOOK_STEP_DEG)
    latitude, longitude = SatelliteView(longitude_deg).place_deg(*np.meshgrid(steps, steps))
    seen = np.isfinite(latitude)
    return relative_gain_db.or_nan(beams, latitude[seen], longitude[seen])


def _worst_ci_db(side: Side, one: Channel, other: Channel, mine_db: Array, theirs_db: Array) -> float:
    """Carrier of `one` over interference of `other` at the worst place; infinite where they never meet."""
    served, theirs = mine_db >= EDGE_DB, theirs_db >= EDGE_DB
    if not served.any() or not theirs.any():
        return np.inf  # a beam below the step that is looked at
    if side is Side.UPLINK:
        return float(EDGE_DB - mine_db[theirs].max())
    ci_db = one.eirp_dbw + mine_db[served] - other.eirp_dbw - theirs_db[served]
    return float(ci_db.min())


def _disturbed(side: Side, one: Channel, other: Channel, ci_db: float, least_ci_db: float) -> PlanFault:
    text = f"{other.name} disturbs {one.name} with a C/I of {ci_db:.1f} dB at the worst place, not {least_ci_db:g} dB"
    return PlanFault(PlanFaultCode.CO_CHANNEL, side, one, other, ci_db, least_ci_db, "dB", text)


def connections(up: Sequence[Channel], down: Sequence[Channel]) -> dict[tuple[str, str], list[str]]:
    """The switch matrix: which transponders lead from an uplink beam to a downlink beam, by their ids."""
    towards = {one.transponder_id: one.beam_id for one in down}
    matrix: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in up:
        matrix[one.beam_id, towards[one.transponder_id]].append(one.transponder_id)
    return dict(matrix)


def reuse(channels: Sequence[Channel]) -> float:
    """How often the spectrum is used: all bandwidths over what they cover together, polarisations apart; 0 of none."""
    covered_hz = 0
    reached_hz = 0
    for one in sorted(channels, key=lambda one: one.low_edge_hz):
        covered_hz += max(one.high_edge_hz - max(one.low_edge_hz, reached_hz), 0)
        reached_hz = max(reached_hz, one.high_edge_hz)
    return sum(one.high_edge_hz - one.low_edge_hz for one in channels) / covered_hz if covered_hz else 0.0
