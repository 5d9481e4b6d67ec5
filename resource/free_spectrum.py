"""Free spectrum of many transponders at once: what qualification asks before it proposes a solution.

One statement brings everything that is held or assigned on the transponders in the period; the rest is arrays. The
answer agrees with what `resource.spectrum.find_slot` would find, and holds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Double, Uuid, cast, extract, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from satcom.core.clock import now
from satcom.resource.hold import Period
from satcom.resource.spectrum import SpectrumAssignment

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Values = int | Integers


@dataclass(frozen=True)
class TakenSpectrum:
    """What is taken on a list of transponders, one element per assignment.

    `row` says which transponder of the list; frequencies are widened by half a guard band on either side; times are
    seconds since 1970, `inf` for an open end.
    """

    row: Integers
    start_hz: Integers
    stop_hz: Integers
    power_share_hz: Integers
    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]


@dataclass(frozen=True)
class FreeCapacity:
    """What is free on each transponder for a whole period; arrays of shape (transponders,).

    Pieces are those in which a carrier may lie, its guard bands taken off already.
    """

    widest_hz: Integers
    second_widest_hz: Integers
    power_hz: Integers
    guard_band_hz: Integers

    def both_slots_fit(self, one_hz: Values, other_hz: Values) -> Flags:
        """Whether two carriers fit on the same transponder: side by side in one piece, or in two pieces.

        This is what `reservation.reserve` achieves, since it places the wider one first.
        """
        one, other = np.asarray(one_hz), np.asarray(other_hz)
        side_by_side = self.widest_hz >= one + other + self.guard_band_hz
        apart = (self.widest_hz >= np.maximum(one, other)) & (self.second_widest_hz >= np.minimum(one, other))
        fits: Flags = side_by_side | apart
        return fits

    def power_fits(self, power_share_hz: Values) -> Flags:
        """Whether this much power, as power-equivalent bandwidth, is free at every instant of the period."""
        fits: Flags = self.power_hz >= np.asarray(power_share_hz)
        return fits


def taken_spectrum(
    session: Session, transponder_ids: Sequence[str], period: Period, without: Sequence[str] = ()
) -> TakenSpectrum:
    """Everything in force on the transponders within `period` but the slots `without`. One statement."""
    wanted = (
        func.unnest(cast(literal(list(transponder_ids), ARRAY(Uuid(as_uuid=False))), ARRAY(Uuid(as_uuid=False))))
        .table_valued("id", with_ordinality="place")
        .render_derived()
    )
    guard_hz = col(SpectrumAssignment.guard_band_hz)
    query = (
        select(
            wanted.c.place - 1,
            col(SpectrumAssignment.start_hz) - guard_hz // 2,
            col(SpectrumAssignment.stop_hz) + (guard_hz + 1) // 2,
            col(SpectrumAssignment.power_share_hz),
            cast(extract("epoch", col(SpectrumAssignment.start_at)), Double),
            func.coalesce(cast(extract("epoch", col(SpectrumAssignment.stop_at)), Double), text("'infinity'::float8")),
        )
        .join(wanted, wanted.c.id == col(SpectrumAssignment.transponder_id))
        .where(SpectrumAssignment.in_force(period, now()), col(SpectrumAssignment.id).not_in(without))
    )
    rows = session.connection().execute(query).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    row, start_hz, stop_hz, power_share_hz = (np.array(column, dtype=np.int64) for column in columns[:4])
    start_s, stop_s = (np.array(column, dtype=np.float64) for column in columns[4:])
    return TakenSpectrum(row, start_hz, stop_hz, power_share_hz, start_s, stop_s)


def free_capacity(
    low_edge_hz: Integers, bandwidth_hz: Integers, guard_band_hz: Integers, taken: TakenSpectrum, period: Period
) -> FreeCapacity:
    """What is free on each transponder. The first three have shape (transponders,)."""
    widest_hz, second_hz = _widest_pieces(low_edge_hz, bandwidth_hz, guard_band_hz, taken)
    peak_hz = _peak_power_hz(len(bandwidth_hz), taken, period.start_at.timestamp())
    return FreeCapacity(widest_hz, second_hz, np.maximum(bandwidth_hz - peak_hz, 0), guard_band_hz)


def _widest_pieces(
    low_edge_hz: Integers, bandwidth_hz: Integers, guard_band_hz: Integers, taken: TakenSpectrum
) -> tuple[Integers, Integers]:
    """The two widest pieces of each transponder, 0 where there is none.

    All transponders are laid on one line, far enough apart, with a closed stretch at either end of each.
    """
    count = len(bandwidth_hz)
    rows = np.arange(count, dtype=np.int64)
    span_hz = 2 * (int(bandwidth_hz.max(initial=0)) + 2)
    half_below_hz, half_above_hz = guard_band_hz // 2, guard_band_hz - guard_band_hz // 2
    offset_hz = rows * span_hz
    shift_hz = (offset_hz - low_edge_hz)[taken.row]
    limit_hz = (offset_hz + span_hz)[taken.row] - 1
    row = np.concatenate([rows, taken.row, rows])
    start_hz = np.concatenate(
        [offset_hz, np.clip(taken.start_hz + shift_hz, offset_hz[taken.row], limit_hz), offset_hz + bandwidth_hz]
    )
    start_hz[-count or len(start_hz) :] -= half_below_hz
    stop_hz = np.concatenate(
        [
            offset_hz + half_above_hz,
            np.clip(taken.stop_hz + shift_hz, offset_hz[taken.row], limit_hz),
            offset_hz + span_hz,
        ]
    )
    order = np.argsort(start_hz, kind="stable")
    row, start_hz, stop_hz = row[order], start_hz[order], np.maximum.accumulate(stop_hz[order])
    width_hz = start_hz[1:] - stop_hz[:-1] - guard_band_hz[row[1:]]
    real = (row[1:] == row[:-1]) & (width_hz > 0)
    return _two_largest(count, row[1:][real], width_hz[real])


def _two_largest(count: int, row: Integers, width_hz: Integers) -> tuple[Integers, Integers]:
    order = np.lexsort((-width_hz, row))
    row, width_hz = row[order], width_hz[order]
    first = np.searchsorted(row, np.arange(count))
    behind = np.searchsorted(row, np.arange(count), side="right")
    padded = np.concatenate([width_hz, np.zeros(2, dtype=np.int64)])
    return np.where(first < behind, padded[first], 0), np.where(first + 1 < behind, padded[first + 1], 0)


def _peak_power_hz(count: int, taken: TakenSpectrum, from_s: float) -> Integers:
    """The most power taken at any one instant. What begins earlier counts from `from_s` on."""
    row = np.concatenate([taken.row, taken.row])
    at_s = np.concatenate([np.maximum(taken.start_s, from_s), taken.stop_s])
    change_hz = np.concatenate([taken.power_share_hz, -taken.power_share_hz])
    # at one instant what ends goes before what begins; each transponder's changes add up to zero
    order = np.lexsort((change_hz, at_s, row))
    peak_hz = np.zeros(count, dtype=np.int64)
    np.maximum.at(peak_hz, row[order], np.cumsum(change_hz[order]))
    return peak_hz
