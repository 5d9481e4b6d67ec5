"""Carrier pools: the carriers of a hub that many terminals share, and who is promised how much of them.

A forward pool is one or more wide carriers of the hub, a return pool the carriers on which terminals send in turn
(MF-TDMA); each lies in spectrum that is assigned to the operator. A terminal is admitted with a committed and a maximum
rate (CIR, MIR). Both are counted in symbols a second, because a terminal in the rain, or at the edge of the beam, takes
more of the pool for the same bit rate. At no instant may what is committed exceed the committable part of the pool, nor
what all may ask at most exceed the pool by more than its contention ratio.
That no pool is ever oversold is promised by the database, which checks it under the pool's lock, not by this module.
Words: ETSI EN 302 307 (forward carrier), EN 301 545-2 (return carriers), MEF 10 (committed and excess rate).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from sqlalchemy import DDL, CheckConstraint, Index, bindparam, event, text
from sqlmodel import Field, Session, col

from satcom.core.entity import HERTZ, id_type, state_type
from satcom.core.errors import Fault, Refused, RuleRefused
from satcom.resource.hold import (
    Hold,
    HoldState,
    Owner,
    Period,
    check_until,
    fullest,
    keep,
    lock_for_holding,
    release_run_out,
    to_run_out,
    when,
)
from satcom.resource.payload import MAX_BANDWIDTH_HZ
from satcom.resource.resource import Finite, IdText, Resource, pointer
from satcom.resource.spectrum import Direction

MAX_RATE_BPS = 10_000_000_000

# Whoever writes a share has the pool to himself until he commits; then the sum that he sees is the sum that there is.
# It sees the shares of all parties. Its lock lets by the one that a foreign key takes before: so two who forgot to lock
# the pool first wait in turn, not for each other.
NEVER_OVERSOLD = (
    """
CREATE FUNCTION pool_is_never_oversold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pool carrier_pool;
    fullest record;
    all_parties text := COALESCE(current_setting('satcom.all_parties', true), '');
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'shares are written at READ COMMITTED: else others that commit are not seen'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM set_config('satcom.all_parties', 'on', true);
    SELECT * INTO STRICT pool FROM carrier_pool WHERE id = NEW.carrier_pool_id FOR NO KEY UPDATE;
    WITH counted AS (
        SELECT greatest(start_at, NEW.start_at) AS start_at, stop_at, cir_baud, mir_baud FROM pool_share
        WHERE carrier_pool_id = NEW.carrier_pool_id AND state <> 'released'
        AND (id = NEW.id OR COALESCE(in_place_of, id) <> COALESCE(NEW.in_place_of, NEW.id))
        AND tstzrange(start_at, stop_at) && tstzrange(NEW.start_at, NEW.stop_at)
    ), step AS (
        SELECT at, sum(cir) AS cir, sum(mir) AS mir FROM (
            SELECT start_at AS at, cir_baud AS cir, mir_baud AS mir FROM counted
            UNION ALL SELECT stop_at, -cir_baud, -mir_baud FROM counted WHERE stop_at IS NOT NULL
        ) change GROUP BY at
    ), level AS (SELECT sum(cir) OVER (ORDER BY at) AS cir, sum(mir) OVER (ORDER BY at) AS mir FROM step)
    SELECT max(cir) AS cir, max(mir) AS mir INTO fullest FROM level;
    PERFORM set_config('satcom.all_parties', all_parties, true);
    IF fullest.cir > floor(pool.symbol_rate_baud * pool.committable_percent / 100)
    OR fullest.mir > floor(pool.symbol_rate_baud * pool.contention_ratio) THEN
        RAISE EXCEPTION 'pool_is_never_oversold: %', pool.name USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE TRIGGER pool_is_never_oversold AFTER INSERT OR UPDATE ON pool_share
FOR EACH ROW WHEN (NEW.state <> 'released') EXECUTE FUNCTION pool_is_never_oversold()
""",
)


class CarrierPool(Resource, table=True):
    """Shared carriers of one hub in one direction, on one transponder.

    `symbol_rate_baud` is of all carriers together, `carrier_symbol_rate_baud` of each of them;
    `committable_percent` is how much of it may be promised, `contention_ratio` how often it may be sold at most.
    """

    __tablename__ = "carrier_pool"
    __table_args__ = (
        CheckConstraint("symbol_rate_baud >= carrier_symbol_rate_baud", name="pool_holds_a_carrier"),
        CheckConstraint("contention_ratio >= 1", name="pool_is_sold_once_at_least"),
        CheckConstraint("committable_percent BETWEEN 0 AND 100", name="pool_promises_a_part"),
    )

    hub_id: Annotated[str, IdText] = Field(foreign_key="hub.id", index=True, sa_type=id_type())
    spectrum_assignment_id: Annotated[str, IdText] = Field(
        foreign_key="spectrum_assignment.id", unique=True, sa_type=id_type()
    )
    direction: Direction = Field(sa_type=state_type(Direction))
    symbol_rate_baud: int = Field(gt=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    carrier_symbol_rate_baud: int = Field(gt=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    rolloff: Finite = Field(ge=0, le=1)
    committable_percent: Finite = Field(default=80.0, ge=0, le=100)
    contention_ratio: Finite = Field(default=20.0, ge=1, le=1000)

    @property
    def committable_baud(self) -> int:
        """What may be committed to all terminals together."""
        return int(self.symbol_rate_baud * self.committable_percent / 100)

    @property
    def saleable_baud(self) -> int:
        """What all terminals together may ask at most."""
        return int(self.symbol_rate_baud * self.contention_ratio)


class PoolShare(Hold, table=True):
    """What one terminal is promised of a pool. The symbol rates are those of its rates at the MODCOD that holds."""

    __tablename__ = "pool_share"
    __table_args__ = (
        CheckConstraint("mir_bps >= cir_bps AND mir_baud >= cir_baud AND cir_baud >= 0", name="share_has_order"),
        CheckConstraint("stop_at > start_at", name="share_has_time"),
        CheckConstraint("state <> 'held' OR hold_until IS NOT NULL", name="share_hold_ends"),
        to_run_out("shares_to_run_out", "carrier_pool_id"),
        Index(
            "shares_in_force",
            "carrier_pool_id",
            text("tstzrange(start_at, stop_at)"),
            postgresql_using="gist",
            postgresql_where=text("state <> 'released'"),
        ),
    )

    carrier_pool_id: Annotated[str, IdText] = Field(foreign_key="carrier_pool.id", index=True, sa_type=id_type())
    cir_bps: int = Field(ge=0, le=MAX_RATE_BPS, sa_type=HERTZ)
    mir_bps: int = Field(gt=0, le=MAX_RATE_BPS, sa_type=HERTZ)
    cir_baud: int = Field(ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    mir_baud: int = Field(gt=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)

    @property
    def clashes(self) -> dict[str, Fault]:
        why = f"the pool has no room for {self.name}"
        return {"pool_is_never_oversold": Fault("cirBps", why, "noCommittedRate")}


for statement in NEVER_OVERSOLD:
    event.listen(PoolShare.__table__, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[attr-defined, no-untyped-call]


@dataclass(frozen=True)
class WantedShare:
    """A share to be admitted to a pool."""

    pool_id: str
    cir_bps: int
    mir_bps: int
    cir_baud: int
    mir_baud: int


@dataclass(frozen=True)
class PoolFill:
    """What of a pool is taken at the fullest instant of a period."""

    committed_baud: int
    sold_baud: int


def lock_pools(session: Session, identifiers: Iterable[str]) -> dict[str, CarrierPool]:
    """As `lock_for_holding`, after transponders and hubs; what ran out there is released."""
    locked = lock_for_holding(session, CarrierPool, identifiers)
    release_run_out(session, PoolShare, "carrier_pool_id", locked)
    return locked


def fill_of(session: Session, pool_id: str, period: Period, without: Sequence[str] = ()) -> PoolFill:
    """What is held or assigned of a pool at the fullest instant of `period`, of each kind for itself."""
    return fills_of(session, [pool_id], period, without).get(pool_id, PoolFill(0, 0))


def fills_of(
    session: Session, pool_ids: Sequence[str], period: Period, without: Sequence[str] = ()
) -> dict[str, PoolFill]:
    """As `fill_of`, of many pools in one statement; those of which nothing is taken are left out."""
    asked = {"pools": list(pool_ids), "without": list(without), **when(period)}
    rows = session.connection().execute(_fullest(), asked)
    return {str(pool_id): PoolFill(int(cir), int(mir)) for pool_id, cir, mir in rows}


@cache
def _fullest() -> Any:
    """Of each pool, the most that is committed and sold at any instant of a period."""
    counted = PoolShare.in_force_as_asked() & col(PoolShare.carrier_pool_id).in_(bindparam("pools", expanding=True))
    counted &= col(PoolShare.id).not_in(bindparam("without", expanding=True))
    rates = [col(PoolShare.cir_baud), col(PoolShare.mir_baud)]
    return fullest(PoolShare, col(PoolShare.carrier_pool_id), rates, counted)


def find_share(
    session: Session,
    pool: CarrierPool,
    wanted: WantedShare,
    period: Period,
    owner: Owner,
    until: datetime,
    reservation_id: str | None = None,
    instead_of: PoolShare | None = None,
) -> PoolShare:
    """A share of a locked pool, to be held until `until`; what it is held `instead_of` is free to it. Writes nothing.

    Raises `RuleRefused`: `noCommittedRate` when too little of the pool can still be promised at some
    instant of the period, `poolContended` when its contention ratio would be exceeded; `Refused` on absurd rates.
    """
    check_until(until)
    if not 0 <= wanted.cir_bps <= wanted.mir_bps or wanted.mir_bps <= 0 or not 0 <= wanted.cir_baud <= wanted.mir_baud:
        why = f"{wanted.cir_bps} bit/s committed of at most {wanted.mir_bps} bit/s"
        raise Refused("cirBps", why, "invalid", "0 up to the maximum rate")
    fill = fill_of(session, pool.id, period, without=[instead_of.id] if instead_of is not None else [])
    _check_room(pool, wanted, fill, period)
    return PoolShare(
        name=f"{pool.name}, {_mbps(wanted.cir_bps)} of {_mbps(wanted.mir_bps)} Mbit/s",
        carrier_pool_id=pool.id,
        cir_bps=wanted.cir_bps,
        mir_bps=wanted.mir_bps,
        cir_baud=wanted.cir_baud,
        mir_baud=wanted.mir_baud,
        start_at=period.start_at,
        stop_at=period.stop_at,
        illustrative=pool.illustrative,
    ).held_for(owner, reservation_id, until, instead_of)


def take_over_share(session: Session, share: PoolShare) -> PoolShare:
    """Enter a share that a terminal has already. Raises `RuleRefused` when the pool has no room for it."""
    pool = lock_pools(session, [share.carrier_pool_id])[share.carrier_pool_id]
    if share.state is HoldState.HELD and share.hold_until is None:
        raise Refused(pointer(PoolShare, "hold_until"), "a hold says until when", "missing")
    wanted = WantedShare(pool.id, share.cir_bps, share.mir_bps, share.cir_baud, share.mir_baud)
    if share.state is not HoldState.RELEASED:  # what was given back takes nothing, whoever has it now
        _check_room(pool, wanted, fill_of(session, pool.id, share.period, without=[share.id]), share.period)
    keep(session, [share], pointer(PoolShare, "cir_bps"))
    return share


def _check_room(pool: CarrierPool, wanted: WantedShare, fill: PoolFill, period: Period) -> None:
    left_baud = max(pool.committable_baud - fill.committed_baud, 0)
    if wanted.cir_baud > left_baud:
        why = f"{wanted.cir_baud} symbols/s cannot be promised on {pool.name}, {period}; {left_baud} are left"
        raise RuleRefused(
            "cirBps", why, "noCommittedRate", f"at most {_part(wanted.cir_bps, wanted.cir_baud, left_baud)}"
        )
    left_baud = max(pool.saleable_baud - fill.sold_baud, 0)
    if wanted.mir_baud > left_baud:
        why = f"{pool.name} would be sold more than {pool.contention_ratio:g} times, {period}"
        raise RuleRefused(
            "mirBps", why, "poolContended", f"at most {_part(wanted.mir_bps, wanted.mir_baud, left_baud)}"
        )


def _part(rate_bps: int, rate_baud: int, left_baud: int) -> str:
    return f"{rate_bps * left_baud // max(rate_baud, 1)} bit/s"


def _mbps(rate_bps: int) -> str:
    return f"{rate_bps / 1e6:g}"
