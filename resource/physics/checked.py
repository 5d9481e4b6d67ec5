"""What a physics function takes: each quantity with its unit and its range, and one clear error for what is outside.

Inside, arrays are computed as they come, and nan says where a value is outside of a model: of a million points some lie
below a horizon, and the others are to be answered. Who calls a function by hand meant what he typed. So the entrances
are `checked`: they raise `OutOfRange`, a `ValueError`, that names every field that is wrong with its unit, and what is
accepted. The same function without the look is its `or_nan`:

    total_attenuation(...)           raises on an elevation of 2 degrees
    total_attenuation.or_nan(...)    answers nan there

A place of which there is no map stays nan with both.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import signature
from typing import Final, ParamSpec, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

UNITS: Final = {  # by the end of a name; physics stands alone, the test holds them to those of `core.wrong_value`
    "kg_per_m2": "kg/m²",
    "km_per_s": "km/s",
    "db_per_s": "dB/s",
    "g_per_m3": "g/m³",
    "dbw_per_m2": "dBW/m²",
    "dbw_per_hz": "dBW/Hz",
    "db_per_k": "dB/K",
    "mm_per_h": "mm/h",
    "percent": "%",
    "baud": "baud",
    "bps": "bit/s",
    "dbw": "dBW",
    "dbi": "dBi",
    "deg": "degrees",
    "hpa": "hPa",
    "hz": "Hz",
    "db": "dB",
    "km": "km",
    "m": "m",
    "k": "K",
    "s": "s",
    "days": "days",
}
P = ParamSpec("P")
R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class Accepted:
    """From `least` to `most`, both with it; `above` leaves `least` out; or `only` these. Never nan.

    Infinite only where that means something (`infinite`): sites so far apart that their weather is not shared.
    """

    least: float = -np.inf
    most: float = np.inf
    above: bool = False
    only: tuple[float, ...] = ()
    infinite: bool = False

    def text(self, unit: str) -> str:
        """As a person reads it, with the unit."""
        after = f" {unit}" if unit else ""
        if self.only:
            return f"{', '.join(map(_number, self.only))}{after}"
        if not np.isfinite(self.least) and not np.isfinite(self.most):
            return f"a finite number{f' in {unit}' if unit else ''}"
        if not np.isfinite(self.least):
            return f"at most {_number(self.most)}{after}"
        if not np.isfinite(self.most):
            return f"{'more than' if self.above else 'at least'} {_number(self.least)}{after}"
        low = f"{'more than ' if self.above else ''}{_number(self.least)}"
        return f"{low} to {_number(self.most)}{after}"


POSITIVE: Final = Accepted(0.0, above=True)
NOT_NEGATIVE: Final = Accepted(0.0)
FINITE: Final = Accepted()
SHARE: Final = Accepted(0.0, 1.0, above=True)  # an efficiency
SHARE_PERCENT: Final = Accepted(0.0, 100.0, above=True)
CONFIDENCE: Final = Accepted(1e-9, 1 - 1e-9)  # neither never nor certain
ABOVE_HORIZON: Final = Accepted(0.0, 90.0, above=True)
LATITUDES: Final = Accepted(-90.0, 90.0)
LONGITUDES: Final = Accepted()  # in whichever turn they are written


class OutOfRange(ValueError):
    """A line for each field that is wrong."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class Checked(Protocol[P, R]):
    """A function that raises `OutOfRange`, and the same one that answers nan."""

    @property
    def or_nan(self) -> Callable[P, R]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...


def check(given: Mapping[str, tuple[object, Accepted]], apart: Sequence[str] = ()) -> None:
    """Raises `OutOfRange` with every field whose values are no numbers or not accepted; what is `None` is not given.

    The shapes must broadcast, but of those `apart`, which stand by themselves.
    """
    lines: list[str] = []
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (value, accepted) in given.items():
        if value is None:
            continue
        unit = unit_of(name.rpartition(".")[2])
        try:
            values = np.asarray(value, float)
        except (TypeError, ValueError):
            number = f"numbers in {unit}" if unit else "numbers"
            lines.append(f"{name}: {str(value)[:60]!r} is no number (accepted: {number})")
            continue
        if name not in apart:
            shapes[name] = values.shape
        line = _out_of_range(name, values, accepted, unit)
        lines += [line] if line else []
    if not _broadcast(shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        lines.append(f"shapes do not broadcast: {told}")
    if lines:
        raise OutOfRange(lines)


def checked(apart: Sequence[str] = (), **ranges: Accepted) -> Callable[[Callable[P, R]], Checked[P, R]]:
    """Of a function: its arguments, and fields of those that are dataclasses, are in these ranges by name.

    The shapes of those that are named must broadcast, but of those `apart`, which stand by themselves.
    """

    def of(inner: Callable[P, R]) -> Checked[P, R]:
        names = signature(inner)

        @wraps(inner)
        def entrance(*args: P.args, **kwargs: P.kwargs) -> R:
            check(dict(_named(names.bind(*args, **kwargs).arguments, ranges)), apart)
            return inner(*args, **kwargs)

        entrance.or_nan = inner  # type: ignore[attr-defined]
        return cast(Checked[P, R], entrance)

    return of


def _named(
    given: Mapping[str, object], ranges: Mapping[str, Accepted]
) -> Iterator[tuple[str, tuple[object, Accepted]]]:
    for name, value in given.items():
        if is_dataclass(value) and not isinstance(value, type):
            below = {one.name: getattr(value, one.name) for one in fields(value)}
            yield from ((f"{name}.{path}", one) for path, one in _named(below, ranges))
        elif isinstance(value, list | tuple) and value and is_dataclass(value[0]):
            yield from _named({f"{name}[{number}]": one for number, one in enumerate(value)}, ranges)
        elif name in ranges:
            yield name, (value, ranges[name])


def _out_of_range(name: str, values: NDArray[np.float64], accepted: Accepted, unit: str) -> str | None:
    above = values > accepted.least if accepted.above else values >= accepted.least
    wrong = ~(above & (values <= accepted.most) & (accepted.infinite | np.isfinite(values)))
    if accepted.only:
        wrong |= ~np.isin(values, accepted.only)
    if not wrong.any():
        return None
    first = np.argwhere(wrong)[0].tolist()
    value = f"{_number(float(values[tuple(first)]))}{unit and f' {unit}'}"
    where = f", {np.count_nonzero(wrong)} of {values.size} values, the first at {first}" if values.ndim else ""
    return f"{name}: {value} is out of range{where} (accepted: {accepted.text(unit)})"


def unit_of(name: str) -> str:
    """The unit that the end of a name says; nothing when it says none."""
    return next((unit for suffix, unit in UNITS.items() if name.endswith(f"_{suffix}")), "")


def _number(value: float) -> str:
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else f"{value:.9g}"


def _broadcast(shapes: Iterable[tuple[int, ...]]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
