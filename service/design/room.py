"""Room: what is free on many transponders at once, bandwidth in pieces and power.

The same rules as one transponder's in `resource.spectrum`: guard bands to every neighbour and both edges, lowest piece
first, no instant with more power than there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from satcom.resource.hold import Period
from satcom.resource.spectrum import Piece, Taken, free_pieces, peak_power_hz
from satcom.service.design.facts import Fleet, TakenFacts

Hertz = NDArray[np.int64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Room:
    """By row of the fleet's transponders: free pieces lowest first (padded with 0), the widest, and the power left.

    What was not asked for has no room.
    """

    piece_hz: Hertz
    widest_hz: Hertz
    power_hz: Hertz
    guard_band_hz: Hertz

    def left_beside(self, transponder: Indices, first_hz: Hertz) -> Hertz:
        """The widest piece that is left when a carrier of `first_hz` takes the lowest that holds it; 0 when none does."""
        pieces = self.piece_hz[transponder]
        fits = pieces >= first_hz[:, None]
        where = np.argmax(fits, axis=1)
        rest = pieces.copy()
        rows = np.arange(len(transponder))
        # the second carrier keeps one guard band to the first; the free piece has the outer ones taken off already
        rest[rows, where] -= first_hz + self.guard_band_hz[transponder]
        return np.where(fits.any(axis=1), np.maximum(rest.max(axis=1, initial=0), 0), 0)


def room_of(fleet: Fleet, transponders: Sequence[int], taken: Sequence[TakenFacts], period: Period) -> Room:
    """What is free on the transponders in the whole period."""
    by_id: dict[str, list[Taken]] = {fleet.transponders[row].id: [] for row in transponders}
    for one in taken:
        if one.transponder_id in by_id:
            piece = Piece(one.start_hz, one.stop_hz)
            by_id[one.transponder_id].append(Taken(piece, one.power_share_hz, Period(one.start_at, one.stop_at)))
    widths: dict[int, list[int]] = {}
    power_hz = np.zeros(len(fleet.transponders), dtype=np.int64)
    for row in transponders:
        one = fleet.transponders[row]
        there = by_id[one.id]
        edges = one.low_edge_hz, one.low_edge_hz + one.bandwidth_hz
        pieces = free_pieces(*edges, one.guard_band_hz, [carrier.piece for carrier in there])
        widths[row] = [piece.width_hz for piece in pieces]
        power_hz[row] = max(one.bandwidth_hz - peak_power_hz(there, period), 0)
    most = max((len(pieces) for pieces in widths.values()), default=0)
    piece_hz = np.zeros((len(fleet.transponders), max(most, 1)), dtype=np.int64)
    for row, pieces in widths.items():
        piece_hz[row, : len(pieces)] = pieces
    guard_hz = np.array([one.guard_band_hz for one in fleet.transponders], dtype=np.int64)
    return Room(piece_hz, piece_hz.max(axis=1), power_hz, guard_hz)
