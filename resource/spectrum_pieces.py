"""Pieces of spectrum: how wide they are, and which are free between carriers. Numbers only, nothing of a database."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A piece of spectrum, from `start_hz` (inclusive) to `stop_hz` (exclusive)."""

    start_hz: int
    stop_hz: int

    @property
    def width_hz(self) -> int:
        return self.stop_hz - self.start_hz


def free_pieces(low_edge_hz: int, high_edge_hz: int, guard_band_hz: int, taken: Iterable[Piece]) -> list[Piece]:
    """Where a new carrier may lie, lowest first; its own guard bands are taken off already.

    `taken` are the pieces of the carriers there, each with half its guard band on either side.
    """
    below, above = guard_band_hz // 2, guard_band_hz - guard_band_hz // 2
    free, start_hz, end_hz = [], low_edge_hz + guard_band_hz, high_edge_hz - guard_band_hz
    for piece in sorted(taken, key=lambda one: one.start_hz):
        stop_hz = min(piece.start_hz - above, end_hz)  # a carrier taken over may lie in the guard band of the edge
        if stop_hz > start_hz:
            free.append(Piece(start_hz, stop_hz))
        start_hz = max(start_hz, piece.stop_hz + below)
    if end_hz > start_hz:
        free.append(Piece(start_hz, end_hz))
    return free


def megahertz(hertz: float) -> str:
    return f"{hertz / 1e6:.6f}".rstrip("0").rstrip(".")
