"""Whether the books are what the clients of `benchmarks.guard_clients` were told, asked without the guards.

Everything that is booked is read out and compared in numpy: two slots that meet in frequency and time, a port with two
holders, a transponder, a pool, a cell, a gateway or a satellite above its capacity. Then every answer is looked up:
booked means there once in each table, refused means in none.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import psycopg
from benchmarks.guard_clients import KINDS, PARTS, PORT, SLOT, Answers, Part, Told, identifier
from numpy.typing import NDArray

from satcom.app.worker import conninfo

Numbers = NDArray[np.int64]
AT_ONCE = 500_000
OPEN_END_S = 2**40
_PERIOD = f"extract(epoch FROM start_at)::bigint, coalesce(extract(epoch FROM stop_at)::bigint, {OPEN_END_S})"
# a whole as a number, so that everything that is read is one
_TAKEN = (
    f"SELECT dense_rank() OVER (ORDER BY {{of}}), {_PERIOD}, {{columns}} FROM {{table}} t WHERE state <> 'released'"
    " ORDER BY 1, 2"
)
_IN_FORCE = "state <> 'released'"
# What is summed: whole, start, stop, what is taken of it, of how much. A satellite lights a cell once, for many or one.
_SUMS = {
    "transponders have less power": f"""
        SELECT dense_rank() OVER (ORDER BY t.id), {_PERIOD}, power_share_hz, t.bandwidth_hz
        FROM spectrum_assignment s JOIN transponder t ON t.id = s.transponder_id WHERE s.{_IN_FORCE}""",
    "pools are oversold": f"""
        SELECT dense_rank() OVER (ORDER BY p.id), {_PERIOD}, cir_baud, mir_baud,
        floor(p.symbol_rate_baud * p.committable_percent / 100)::bigint,
        floor(p.symbol_rate_baud * p.contention_ratio)::bigint
        FROM pool_share s JOIN carrier_pool p ON p.id = s.carrier_pool_id WHERE s.{_IN_FORCE}""",
    "cells are oversold": f"""
        SELECT dense_rank() OVER (ORDER BY c.id, s.cell), {_PERIOD}, forward_hz, return_hz,
        (c.forward ->> 'bandwidthHz')::bigint, (c.return_link ->> 'bandwidthHz')::bigint
        FROM constellation_share s JOIN constellation c ON c.id = s.constellation_id
        WHERE s.{_IN_FORCE} AND s.cell IS NOT NULL""",
    "times of gateways are oversold": f"""
        SELECT dense_rank() OVER (ORDER BY c.id, s.earth_station_id, at), {_PERIOD}, forward_hz, return_hz,
        (g ->> 'feederBandwidthHz')::bigint, (g ->> 'feederBandwidthHz')::bigint
        FROM constellation_share s JOIN constellation c ON c.id = s.constellation_id
        JOIN jsonb_array_elements(c.gateways) g ON (g ->> 'earthStationId')::uuid = s.earth_station_id
        CROSS JOIN unnest(s.day_slots) at WHERE s.{_IN_FORCE}""",
    "times of satellites have fewer beams": f"""
        SELECT dense_rank() OVER (ORDER BY constellation_id, satellite, at), extract(epoch FROM lower(period))::bigint,
        coalesce(extract(epoch FROM upper(period))::bigint, {OPEN_END_S}), 1, beams FROM (
            SELECT s.constellation_id, l ->> 'satelliteId' AS satellite, at, c.beams_per_satellite AS beams, cell,
            unnest(range_agg(tstzrange(start_at, stop_at))) AS period
            FROM constellation_share s JOIN constellation c ON c.id = s.constellation_id
            CROSS JOIN jsonb_array_elements(s.lit_by) l CROSS JOIN jsonb_array_elements(l -> 'slots') at
            WHERE s.{_IN_FORCE} GROUP BY 1, 2, 3, 4, 5
        ) lit""",
}
# the last 15 digits of an id are more than enough for the number that it is
_STORED = (
    "SELECT ('x' || right(id::text, 8))::bit(32)::int::bigint, (state = 'released')::int::bigint"
    " FROM {table} WHERE id BETWEEN %s AND %s"
)


def _read(connection: psycopg.Connection, query: str, parameters: Sequence[str] = ()) -> Numbers:
    """All rows, one column of the array for each column."""
    rows = connection.execute(query.encode(), parameters, binary=True).fetchall()
    return np.array(rows, dtype=np.int64).reshape(len(rows), -1).T


def _taken(connection: psycopg.Connection, part: Part, columns: str) -> Numbers:
    return _read(connection, _TAKEN.format(of=part.of, table=part.table, columns=columns))


def meeting(taken: Numbers, low: Numbers, high: Numbers) -> int:
    """How many pairs of one whole meet in time and in [low, high). `taken`: whole, start, stop; sorted by these."""
    whole, start, stop = taken[:3]
    found, count = 0, len(whole)
    for apart in range(1, count):
        at = np.flatnonzero((whole[apart:] == whole[:-apart]) & (start[apart:] < stop[:-apart]))
        if not at.size:
            break
        found += int(np.count_nonzero((low[at] < high[at + apart]) & (low[at + apart] < high[at])))
    return found


def overfull(taken: Numbers) -> int:
    """How many wholes are sold above one of their capacities at some instant. `taken`: as `_SUMS`, sorted by whole."""
    whole, start, stop, *rest = taken
    rates, capacities = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    found = 0
    edges = np.flatnonzero(np.diff(whole, prepend=-1, append=-1))
    for first, after in pairwise(edges.tolist()):
        mine = slice(first, after)
        at = np.concatenate([start[mine], stop[mine]])
        # at one instant what ends goes first
        order = np.lexsort((np.repeat([1, 0], after - first), at))
        changes = [np.concatenate([rate[mine], -rate[mine]])[order] for rate in rates]
        found += any(
            np.cumsum(change).max(initial=0) > capacity[first]
            for change, capacity in zip(changes, capacities, strict=True)
        )
    return found


def overlaps(url: str) -> list[str]:
    """What is sold twice now."""
    with psycopg.connect(conninfo(url)) as connection:
        slots = _taken(connection, SLOT, "start_hz, stop_hz + guard_band_hz")
        ports = _taken(connection, PORT, "port_number")
        sums = {what: _read(connection, f"{query} ORDER BY 1, 2") for what, query in _SUMS.items()}
    counts = {
        "pairs of slots meet": meeting(slots, slots[3], slots[4]) if slots.size else 0,
        "pairs of holders share a port": meeting(ports, ports[3], ports[3] + 1) if ports.size else 0,
        **{what: overfull(taken) for what, taken in sums.items() if taken.size},
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def differences(url: str, answers: Answers, numbers: range) -> list[str]:
    """Which of the attempts `numbers`, and how many, are in the books otherwise than was told."""
    found: list[str] = []
    with psycopg.connect(conninfo(url)) as connection:
        for start in range(numbers.start, numbers.stop, AT_ONCE):
            some = range(start, min(start + AT_ONCE, numbers.stop))
            told = np.array(answers[some.start : some.stop])
            for part in PARTS:
                found += _of_part(connection, part, told, some)
    return found


def _of_part(connection: psycopg.Connection, part: Part, told: Answers, numbers: range) -> list[str]:
    bounds = [str(identifier(one)) for one in (numbers.start, numbers.stop - 1)]
    stored = _read(connection, _STORED.format(table=part.table), bounds)
    place = stored[0] - numbers.start if stored.size else np.array([], dtype=np.int64)
    there = np.bincount(place, minlength=len(numbers))
    released = np.bincount(place, weights=stored[1] if stored.size else None, minlength=len(numbers))
    asked = np.array([part in kind for kind in KINDS])[np.arange(numbers.start, numbers.stop) % len(KINDS)]
    granted = asked & np.isin(told, (Told.BOOKED, Told.GIVEN_BACK))
    faults = {
        "lost": granted & (there == 0),
        "there more than once": there > 1,
        "there, and nobody was told so": ~granted & (there > 0),
        "given back, and held still": granted & (told == Told.GIVEN_BACK) & (released < there),
        "not answered": asked & ~granted & np.isin(told, (Told.NOTHING, Told.ASKED, Told.ASKED_BACK)),
    }
    return [
        f"{np.count_nonzero(wrong)} of {part.table} {what}, first attempt {numbers[int(np.argmax(wrong))]}"
        for what, wrong in faults.items()
        if wrong.any()
    ]


def settle(url: str, answers: Answers) -> int:
    """After a stop: who was not answered looks at what became of it, as a client does. How many had to."""
    open_ = np.flatnonzero((answers == Told.ASKED) | (answers == Told.ASKED_BACK))
    with psycopg.connect(conninfo(url)) as connection:
        for number in open_.tolist():
            table = KINDS[number % len(KINDS)][0].table
            query = f"SELECT state = 'released' AND released_because = 'given back' FROM {table} WHERE id = %s"
            row = connection.execute(query.encode(), [identifier(number)]).fetchone()
            answers[number] = Told.NOT_BOOKED if row is None else Told.GIVEN_BACK if row[0] else Told.BOOKED
    return len(open_)
