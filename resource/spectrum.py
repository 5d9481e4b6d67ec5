"""Spectrum: which piece of which transponder carries whom, and when.

A transponder's band is cut into slots: contiguous, non-overlapping in frequency and time, with the guard band of the
transponder to every neighbour and to both edges. Frequencies are those of the downlink. Slots are found lowest first,
so that what stays free stays wide. Power is counted as power-equivalent bandwidth (PEB), the share of the transponder's
usable EIRP times its bandwidth; at no instant may all shares together exceed the bandwidth.
That two slots never overlap, and that power is never oversold (`resource.power_guard`), is promised by the database,
not by this module. Many at once: `resource.free_spectrum`.
Words: ITU Radio Regulations 1.153 (occupied bandwidth); ITU Handbook on Satellite Communications, 3rd ed. (PEB).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from itertools import accumulate
from typing import Annotated, Any

from pydantic import ValidationInfo, field_validator
from sqlalchemy import DDL, CheckConstraint, bindparam, event, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import HERTZ, id_type, state_type
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.core.wrong_value import check_ranges
from satcom.resource.hold import (
    LINE,
    Hold,
    HoldState,
    Owner,
    Period,
    check_until,
    keep,
    lock_for_holding,
    release_run_out,
    to_run_out,
    when,
)
from satcom.resource.payload import MAX_BANDWIDTH_HZ, MAX_FREQUENCY_HZ, Transponder
from satcom.resource.power_guard import GUARD, NEVER_OVERSOLD
from satcom.resource.resource import Finite, IdText, pointer
from satcom.resource.spectrum_pieces import Piece, free_pieces, megahertz

# half a guard band on either side: two neighbours then keep a whole one between them
TAKEN_HZ = "int8range(start_hz - guard_band_hz / 2, stop_hz + (guard_band_hz + 1) / 2)"


class Direction(StrEnum):
    """Forward is from the hub to the site, return is back."""

    FORWARD = "forward"
    RETURN = "return"


class SpectrumAssignment(Hold, table=True):
    """A slot of a transponder with its share of power, for one owner in one period."""

    __tablename__ = "spectrum_assignment"
    __table_args__ = (
        CheckConstraint("stop_hz > start_hz AND guard_band_hz >= 0 AND power_share_hz >= 0", name="slot_has_width"),
        CheckConstraint("stop_at > start_at", name="slot_has_time"),
        CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="slot_hold_ends"),
        to_run_out("slots_to_run_out", "transponder_id"),
        ExcludeConstraint(
            (text("transponder_id"), "="),
            (text(TAKEN_HZ), "&&"),
            (text("tstzrange(start_at, stop_at)"), "&&"),
            (text(LINE), "<>"),
            where=text("state <> 'released'"),
            using="gist",
            name="slot_is_sold_once",
        ),
    )

    transponder_id: Annotated[str, IdText] = Field(foreign_key="transponder.id", index=True, sa_type=id_type())
    start_hz: int = Field(gt=0, le=MAX_FREQUENCY_HZ, sa_type=HERTZ)
    stop_hz: int = Field(gt=0, le=MAX_FREQUENCY_HZ, sa_type=HERTZ)
    power_share_hz: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    guard_band_hz: int = Field(default=0, ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    direction: Direction | None = Field(default=None, sa_type=state_type(Direction))
    symbol_rate_baud: Finite | None = Field(default=None, gt=0, le=MAX_BANDWIDTH_HZ)
    rolloff: Finite | None = Field(default=None, ge=0, le=1)
    customer_note: str | None = Field(default=None, max_length=500)

    @field_validator("stop_hz")
    @classmethod
    def _above_its_start(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("start_hz", value - 1):
            raise ValueError("is not above startHz")
        return value

    @property
    def bandwidth_hz(self) -> int:
        return self.stop_hz - self.start_hz

    @property
    def downlink_center_hz(self) -> int:
        return (self.start_hz + self.stop_hz) // 2

    @property
    def taken(self) -> "Taken":
        return Taken(
            widened(self.start_hz, self.stop_hz, self.guard_band_hz), self.power_share_hz, self.period, self.line
        )

    @property
    def clashes(self) -> dict[str, Fault]:
        there, power = f"{self.name} overlaps a carrier that is there", f"too little power is left for {self.name}"
        return {
            "slot_is_sold_once": Fault("bandwidthHz", there, "slotTaken"),
            GUARD: Fault("powerShareHz", power, "noPower"),
        }


for statement in NEVER_OVERSOLD:
    event.listen(SpectrumAssignment.__table__, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[attr-defined, no-untyped-call]


@dataclass(frozen=True)
class Taken:
    """What an assignment takes: its piece with half a guard band on either side, its power, its time.

    `line` is that of the hold, where it is one.
    """

    piece: Piece
    power_share_hz: int
    period: Period
    line: str | None = None


def widened(start_hz: int, stop_hz: int, guard_band_hz: int) -> Piece:
    """A piece with half a guard band on either side."""
    return Piece(start_hz - guard_band_hz // 2, stop_hz + (guard_band_hz + 1) // 2)


@dataclass(frozen=True)
class WantedSlot:
    """A slot to be found on a transponder. Raises `Refused` on what is no width or no power."""

    transponder_id: str
    bandwidth_hz: int
    power_share_hz: int
    direction: Direction | None = None
    symbol_rate_baud: float | None = None
    rolloff: float | None = None

    def __post_init__(self) -> None:
        check_ranges(
            [
                ("bandwidthHz", self.bandwidth_hz, 1, MAX_BANDWIDTH_HZ),
                ("powerShareHz", self.power_share_hz, 0, MAX_BANDWIDTH_HZ),
            ]
        )


@dataclass(frozen=True)
class SlotReserved:
    """Told to the layers above when a slot was held."""

    assignment_id: str
    order_id: str | None


def peak_power_hz(taken: Iterable[Taken], period: Period) -> int:
    """The most power that is taken at any one instant of `period`, as power-equivalent bandwidth."""
    change_hz: dict[datetime, int] = defaultdict(int)
    for one in taken:
        if _meet(one.period, period):
            change_hz[max(one.period.start_at, period.start_at)] += one.power_share_hz
            if one.period.stop_at is not None:
                change_hz[one.period.stop_at] -= one.power_share_hz
    return max(accumulate(change_hz[at] for at in sorted(change_hz)), default=0)


def _meet(one: Period, other: Period) -> bool:
    before_end = other.stop_at is None or one.start_at < other.stop_at
    return before_end and (one.stop_at is None or one.stop_at > other.start_at)


def lock_transponders(session: Session, identifiers: Iterable[str]) -> dict[str, Transponder]:
    """As `lock_for_holding`; what ran out there is released."""
    locked = lock_for_holding(session, Transponder, identifiers)
    release_run_out(session, SpectrumAssignment, "transponder_id", locked)
    return locked


def assignments_of(session: Session, transponder_id: str, period: Period) -> Sequence[SpectrumAssignment]:
    """What is held or assigned on a transponder within `period`, by frequency."""
    where = SpectrumAssignment.in_force(period, now()) & (col(SpectrumAssignment.transponder_id) == transponder_id)
    return session.exec(select(SpectrumAssignment).where(where).order_by(col(SpectrumAssignment.start_hz))).all()


def taken_of(session: Session, transponder_id: str, period: Period) -> list[Taken]:
    """What `assignments_of` take: read without making objects of them."""
    rows = session.connection().execute(_taken(), {"transponder": transponder_id, **when(period)})
    return [
        Taken(widened(start_hz, stop_hz, guard_hz), share_hz, Period(start_at, stop_at), in_place_of or identifier)
        for start_hz, stop_hz, guard_hz, share_hz, start_at, stop_at, in_place_of, identifier in rows
    ]


@cache
def _taken() -> Any:
    one = SpectrumAssignment
    columns = (one.start_hz, one.stop_hz, one.guard_band_hz, one.power_share_hz, one.start_at, one.stop_at)
    ids = (one.in_place_of, one.id)
    there = col(one.transponder_id) == bindparam("transponder")
    return select_columns(*(col(column) for column in (*columns, *ids))).where(there, one.in_force_as_asked())


def find_slot(
    transponder: Transponder,
    there: Sequence[Taken],
    wanted: WantedSlot,
    period: Period,
    owner: Owner,
    until: datetime,
    reservation_id: str | None = None,
    instead_of: Sequence[SpectrumAssignment] = (),
) -> SpectrumAssignment:
    """A contiguous slot with its power at the lowest frequency that what is `there` leaves free, to be held until then.

    The transponder is locked; nothing is written. `instead_of` are the slots that a service has and will let go of: the
    new one stays where the one of its direction is, if it finds room there, and the power of all of them is free to it.

    Raises `RuleRefused`: on `bandwidthHz` (`noContiguousSlot`) when no free piece is wide enough for
    the whole period, on `powerShareHz` (`noPower`) when too little power is left at some instant of it.
    """
    check_until(until)
    leaving = {one.line for one in instead_of}
    old = next((one for one in instead_of if one.direction == wanted.direction), None)
    others = [one for one in there if old is None or one.line != old.line]
    near = old if old is not None and old.transponder_id == transponder.id else None
    piece = _lowest_piece(transponder, wanted.bandwidth_hz, period, others, near)
    check_power(transponder, wanted.power_share_hz, period, [one for one in there if one.line not in leaving])
    start_hz, stop_hz = piece.start_hz, piece.start_hz + wanted.bandwidth_hz
    return SpectrumAssignment(
        name=slot_name(transponder, start_hz, stop_hz),
        transponder_id=transponder.id,
        start_hz=start_hz,
        stop_hz=stop_hz,
        power_share_hz=wanted.power_share_hz,
        guard_band_hz=transponder.guard_band_hz,
        direction=wanted.direction,
        symbol_rate_baud=wanted.symbol_rate_baud,
        rolloff=wanted.rolloff,
        start_at=period.start_at,
        stop_at=period.stop_at,
        illustrative=transponder.illustrative,
    ).held_for(owner, reservation_id, until, old)


def take_over_carrier(session: Session, carrier: SpectrumAssignment) -> SpectrumAssignment:
    """Enter a carrier that is on the air already, checked like a new one; only its guard bands are its own affair.

    Raises `RuleRefused` on `startHz` outside the transponder or across another carrier, on `powerShareHz`.
    """
    transponder = lock_transponders(session, [carrier.transponder_id])[carrier.transponder_id]
    if carrier.state is HoldState.HELD and carrier.hold_until is None:
        raise Refused(pointer(SpectrumAssignment, "hold_until"), "a hold says until when", "missing")
    where = pointer(SpectrumAssignment, "start_hz")
    if carrier.start_hz < transponder.low_edge_hz or carrier.stop_hz > transponder.high_edge_hz:
        raise RuleRefused(
            where,
            f"{megahertz(carrier.start_hz)} to {megahertz(carrier.stop_hz)} MHz is not inside {transponder.name}",
            "outsideTransponder",
            f"{megahertz(transponder.low_edge_hz)} to {megahertz(transponder.high_edge_hz)} MHz",
        )
    others = assignments_of(session, transponder.id, carrier.period)
    taken = [one.taken for one in others if one.id != carrier.id]
    check_power(transponder, carrier.power_share_hz, carrier.period, taken)
    keep(session, [carrier], where)
    return carrier


def slot_name(transponder: Transponder, start_hz: int, stop_hz: int) -> str:
    return f"{transponder.name} {megahertz(start_hz)} to {megahertz(stop_hz)} MHz"


def _lowest_piece(
    transponder: Transponder, width_hz: int, period: Period, taken: Sequence[Taken], near: SpectrumAssignment | None
) -> Piece:
    """The lowest piece that is wide enough; around where `near` lies, when there is room."""
    free = free_pieces(
        transponder.low_edge_hz, transponder.high_edge_hz, transponder.guard_band_hz, [one.piece for one in taken]
    )
    wide = [piece for piece in free if piece.width_hz >= width_hz]
    around = [one for one in wide if near is not None and one.start_hz <= near.start_hz < one.stop_hz]
    if around and near is not None:
        start_hz = min(near.start_hz, around[0].stop_hz - width_hz)
        return Piece(start_hz, start_hz + width_hz)
    piece = next(iter(wide), None)
    if piece is None:
        widest_hz = max((piece.width_hz for piece in free), default=0)
        raise RuleRefused(
            "bandwidthHz",
            f"{megahertz(width_hz)} MHz in one piece is not free on {transponder.name}, {period};"
            f" the widest free piece is {megahertz(widest_hz)} MHz",
            "noContiguousSlot",
            f"at most {widest_hz} Hz",
        )
    return piece


def check_power(transponder: Transponder, share_hz: int, period: Period, taken: Sequence[Taken]) -> None:
    left_hz = max(transponder.bandwidth_hz - peak_power_hz(taken, period), 0)
    if share_hz > left_hz:
        raise RuleRefused(
            "powerShareHz",
            f"{megahertz(share_hz)} MHz of power is not free on {transponder.name}, {period};"
            f" {megahertz(left_hz)} of {megahertz(transponder.bandwidth_hz)} MHz is left",
            "noPower",
            f"at most {left_hz} Hz",
        )
