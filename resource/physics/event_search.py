"""When a quantity that changes with time is below zero: whole intervals, found by samples and then exactly.

What the quantity is, it does not know: an angle less its limit, a height less its mask. An interval that lies between
two samples is found as well, and so is a gap: every dip and top of the samples is followed to its end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Quantity = Callable[[Array], Array]  # instants in seconds to values, both of shape (n,); nan is not below zero

_GOLDEN = (np.sqrt(5) - 1) / 2
_STEPS_OF_DIP, _STEPS_OF_EDGE = 40, 45  # ten minutes shrink to microseconds and less


@dataclass(frozen=True)
class Interval:
    """From when to when it is below zero, and where it is lowest."""

    start_s: float
    lowest_s: float
    stop_s: float
    lowest: float


def intervals_below(quantity: Quantity, start_s: float, stop_s: float, step_s: float) -> list[Interval]:
    """Every interval within the period; one that reaches over its end is cut there.

    Between two samples the quantity may dip once. Raises `ValueError` on a period or step that is not positive.
    """
    if not stop_s > start_s:
        raise ValueError("stop: a period ends after it starts")
    if not step_s > 0:
        raise ValueError(f"step_s: {step_s:g} s is not above zero")
    times = np.linspace(start_s, stop_s, max(int(np.ceil((stop_s - start_s) / step_s)), 2) + 1)
    values = _plain(quantity(times))
    dips_s, dips = _lowest_of_dips(quantity, times, values)
    tops_s, tops = _lowest_of_dips(lambda at_s: -quantity(at_s), times, -values)  # a short time above zero
    times, values = np.concatenate([times, dips_s, tops_s]), np.concatenate([values, dips, -tops])
    order = np.argsort(times, kind="stable")
    times, values = times[order], values[order]
    below = values < 0
    changes = np.flatnonzero(below[1:] != below[:-1])
    edges_s = crossing_s(quantity, times[changes], times[changes + 1])
    edges = list(edges_s) if not below[0] else [start_s, *edges_s]
    if below[-1]:
        edges.append(stop_s)
    return [_interval(times, values, edges[at], edges[at + 1]) for at in range(0, len(edges), 2)]


def crossing_s(quantity: Quantity, one_s: Array, other_s: Array) -> Array:
    """Where it goes through zero between pairs of instants on different sides; by halving, all pairs at once."""
    if len(one_s) == 0:
        return np.empty(0)
    one, other = np.array(one_s, dtype=np.float64), np.array(other_s, dtype=np.float64)
    one_below = _plain(quantity(one)) < 0
    for _ in range(_STEPS_OF_EDGE):
        middle = (one + other) / 2
        like_one = (_plain(quantity(middle)) < 0) == one_below
        one, other = np.where(like_one, middle, one), np.where(like_one, other, middle)
    crossing: Array = (one + other) / 2
    return crossing


def lowest_s(quantity: Quantity, start_s: Array, stop_s: Array) -> Array:
    """Where it is lowest in intervals in which it dips once; by the golden section, all at once."""
    low, high = np.array(start_s, dtype=np.float64), np.array(stop_s, dtype=np.float64)
    if len(low) == 0:
        return np.empty(0)
    for _ in range(_STEPS_OF_DIP):
        width = (high - low) * _GOLDEN
        left_is_lower = _plain(quantity(high - width)) <= _plain(quantity(low + width))
        low, high = np.where(left_is_lower, low, high - width), np.where(left_is_lower, low + width, high)
    lowest: Array = (low + high) / 2
    return lowest


def _lowest_of_dips(quantity: Quantity, times: Array, values: Array) -> tuple[Array, Array]:
    if len(values) < 3:
        return np.empty(0), np.empty(0)
    # the first and the last sample have neighbours on one side only: the two there, as a dip may lie beside them
    before, after = np.append(values[2], values[:-1]), np.append(values[1:], values[-3])
    with np.errstate(invalid="ignore"):
        reach = np.maximum(before, after) - values  # it cannot fall more within a step than it rose in one
        dip = np.flatnonzero((values <= before) & (values <= after) & (values - reach < 0))
    found_s = lowest_s(quantity, times[np.maximum(dip - 1, 0)], times[np.minimum(dip + 1, len(times) - 1)])
    return found_s, _plain(quantity(found_s)) if len(found_s) else np.empty(0)


def _interval(times: Array, values: Array, start_s: float, stop_s: float) -> Interval:
    inside = (times >= start_s) & (times <= stop_s)
    at = np.flatnonzero(inside)[np.argmin(values[inside])]
    return Interval(float(start_s), float(times[at]), float(stop_s), float(values[at]))


def _plain(values: Array) -> Array:
    return np.where(np.isnan(values), np.inf, values)
