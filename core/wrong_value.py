"""A wrong value in words: what is wrong with it, and what would be accepted, with the unit that its name carries.

The library that checks values speaks of its own types; whoever sent the value or wrote the file is told in the words of
the field.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from satcom.core.errors import Fault, Refused

UNITS = {
    "kg_per_m2": "kg/m²",
    "km_per_s": "km/s",
    "db_per_s": "dB/s",
    "g_per_m3": "g/m³",
    "dbw_per_m2": "dBW/m²",
    "dbw_per_hz": "dBW/Hz",
    "db_per_k": "dB/K",
    "db_hz": "dB Hz",
    "mm_per_h": "mm/h",
    "percent": "%",
    "baud": "baud",
    "bps": "bit/s",
    "dbw": "dBW",
    "dbi": "dBi",
    "deg": "degrees",
    "ghz": "GHz",
    "mhz": "MHz",
    "hpa": "hPa",
    "hz": "Hz",
    "db": "dB",
    "km": "km",
    "m": "m",
    "k": "K",
    "w": "W",
    "s": "s",
    "minutes": "minutes",
    "hours": "hours",
    "days": "days",
    "months": "months",
}
UNKNOWN = "extra_forbidden"
_WHOLE, _NUMBER = ("is no whole number", "a whole number"), ("is no number", "a number")
_DAY, _INSTANT = ("is no day", "a day, as 2026-12-31"), ("is no instant", "an instant, as 2026-12-31T00:00:00Z")
_TEXT, _TRUTH = ("is no text", "text; in YAML in quotes"), ("is neither true nor false", "true, false")
_LIST, _OBJECT = ("is no list", "a list"), ("is no object of keys and values", "keys with values")
_KINDS: dict[str, tuple[str, str]] = {
    "int": _WHOLE,
    "float": _NUMBER,
    "finite": _NUMBER,
    "decimal": _NUMBER,
    "bool": _TRUTH,
    "string": _TEXT,
    "date": _DAY,
    "datetime": _INSTANT,
    "timezone": _INSTANT,
    "list": _LIST,
    "tuple": _LIST,
    "dict": _OBJECT,
    "mapping": _OBJECT,
    "model": _OBJECT,
}
_BOUNDS = {
    "greater_than": ("is too small", "more than", "gt"),
    "greater_than_equal": ("is too small", "at least", "ge"),
    "less_than": ("is too large", "less than", "lt"),
    "less_than_equal": ("is too large", "at most", "le"),
}
_LENGTHS: dict[str, Callable[[Any], tuple[str, str]]] = {
    "string_too_short": lambda ctx: ("is too short", f"at least {_many(ctx['min_length'], 'character')}"),
    "string_too_long": lambda ctx: ("is too long", f"at most {_many(ctx['max_length'], 'character')}"),
    "too_short": lambda ctx: (f"has {ctx['actual_length']} of them", f"at least {ctx['min_length']}"),
    "too_long": lambda ctx: ("has too many of them", f"at most {ctx['max_length']}"),
    "decimal_max_digits": lambda ctx: ("has too many digits", f"at most {ctx['max_digits']} digits"),
    "enum": lambda ctx: ("is not known", _choices(ctx)),
    "literal_error": lambda ctx: ("is not known", _choices(ctx)),
}
_ALL_DIGITS = 1e15  # from here on a float does not hold them
_PATTERNS = {"^[A-Z]{2}$": "two capital letters, a code of ISO 3166-1"}


def wrong_value(error: Mapping[str, Any], field: str) -> Fault:
    """One of pydantic's errors, with its context, as a fault of `field`."""
    kind: str = error["type"]
    if kind == "missing":
        return Fault(field, "missing", "missing")
    if kind == UNKNOWN:
        return Fault(field, "there is no such key", "unknown")
    names = [one for one in error["loc"] if isinstance(one, str)]
    why, accepted = _said(kind, error.get("ctx", {}), unit_of(names[-1]) if names else "")
    if why is None:
        return Fault(field, str(error["msg"]).removeprefix("Value error, "))
    return Fault(field, f"{_shown(error['input'])} {why}", "invalid", accepted)


def out_of_range(field: str, value: float, least: float, most: float | None = None) -> Fault | None:
    """The fault of a number that is not between the two, with the unit of its name. nan never is."""
    if least <= value and (most is None or value <= most):
        return None
    unit = unit_of(field.rpartition("/")[2])
    after = f" {unit}" if unit else ""
    accepted = f"at least {number_text(least)}" if most is None else f"{number_text(least)} to {number_text(most)}"
    return Fault(field, f"{number_text(value)}{after} is out of range", "outOfRange", f"{accepted}{after}")


def check_ranges(limits: Sequence[tuple[str, float, float, float | None]]) -> None:
    """Raises `Refused` with the fault of every field whose value is not between its two limits."""
    faults = [fault for one in limits if (fault := out_of_range(*one)) is not None]
    if faults:
        raise Refused.all(faults)


def number_text(value: float) -> str:
    """As a person writes it: 2000000000 and not 2e+09, 0.000001 and not 1e-06."""
    if abs(value) < _ALL_DIGITS and value == int(value):
        return str(int(value))
    return f"{value:.9f}".rstrip("0") if 1e-7 < abs(value) < 1e-4 else f"{value:.12g}"


def unit_of(name: str) -> str:
    """The unit that the suffix of a name says, in any way of writing names; nothing when it says none."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().lstrip("-").replace("-", "_")
    known = (unit for suffix, unit in UNITS.items() if plain.endswith(f"_{suffix}") or plain == suffix)
    return next(known, "")


def _said(kind: str, context: Mapping[str, Any], unit: str) -> tuple[str | None, str | None]:
    if kind in _BOUNDS:
        why, bound, key = _BOUNDS[kind]
        return why, f"{bound} {_plain(context[key])}{unit and f' {unit}'}"
    if kind in _LENGTHS:
        return _LENGTHS[kind](context)
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return "is not written as it should be", _PATTERNS.get(pattern, f"what the pattern {pattern} allows")
    said = _KINDS.get(kind.split("_")[0])
    if said is None:
        return None, None
    return said[0], f"{said[1]} in {unit}" if unit and said in (_WHOLE, _NUMBER) else said[1]


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set):
        return "a list" if value else "an empty list"
    if isinstance(value, Mapping):
        return "an object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value[:60]) if isinstance(value, str) else str(value)[:60]


def _plain(bound: object) -> str:
    return str(bound).removesuffix(".0")


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _choices(context: Mapping[str, Any]) -> str:
    """The values that a choice takes; the last of them comes with an "or"."""
    return ", ".join(re.findall(r"'([^']*)'", str(context["expected"])))
