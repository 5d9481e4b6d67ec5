"""Characteristics: what a specification lets a customer choose, and whether what was chosen fits.

A specification (product, service) lists characteristics with a type and the values allowed: single values, ranges or a
regular expression; a value fits when it fits one of them. Words: TMF620 and TMF633 `CharacteristicValueSpecification`.
A default that stands alone does not restrict, unless the characteristic is not configurable.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from jsonschema_rs import Draft7Validator, RegexOptions
from jsonschema_rs import ValidationError as SchemaError
from pydantic import Field, PlainSerializer

from satcom.core.errors import Fault, Refused
from satcom.core.values import Characteristic, Json, Value

MAX_TEXT = 4000


class ValueType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"


class RangeInterval(StrEnum):
    """Which ends belong to a range, in the words of TMF633."""

    CLOSED = "closed"
    OPEN = "open"
    CLOSED_BOTTOM = "closedBottom"
    CLOSED_TOP = "closedTop"


def _plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Limit = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=18), PlainSerializer(_plain_number, when_used="json")]


class AllowedValue(Value):
    """TMF `CharacteristicValueSpecification`: one value, one range, or one pattern that is allowed."""

    value: Json = None
    value_from: Limit | None = None
    value_to: Limit | None = None
    range_interval: RangeInterval | None = None
    regex: str | None = Field(default=None, max_length=500)
    unit_of_measure: str | None = None
    is_default: bool | None = None

    @property
    def is_range(self) -> bool:
        return self.value_from is not None or self.value_to is not None


class CharacteristicSpecification(Value):
    """TMF633 `CharacteristicSpecification`. Products name the list of values differently and say so in a subclass."""

    name: str = Field(min_length=1, max_length=100)
    value_type: ValueType = ValueType.STRING
    min_cardinality: int | None = Field(default=None, ge=0, le=1000)
    max_cardinality: int | None = Field(default=None, ge=1, le=1000)
    configurable: bool | None = None
    regex: str | None = Field(default=None, max_length=500)
    allowed: list[AllowedValue] = Field(default_factory=list, alias="characteristicValueSpecification")


@dataclass(frozen=True)
class CharacteristicRule:
    """What one characteristic may be. `allowed` empty: anything of the type. `most` above 1: a list of values."""

    name: str
    value_type: ValueType
    allowed: tuple[AllowedValue, ...] = ()
    pattern: str | None = None
    least: int = 0
    most: int = 1
    default: Json = None
    unit: str | None = None
    narrowed: tuple[AllowedValue, ...] = ()

    def accepted(self) -> str:
        """What would be accepted, in words."""
        parts = [_words(one) for one in self.narrowed or self.allowed]
        what = " or ".join(parts) if parts else f"a {self.value_type}"
        if self.pattern is not None:
            what += f" that matches {self.pattern}"
        unit = f" {self.unit}" if self.unit else ""
        return f"{what}{unit}" + (f", {max(self.least, 1)} to {self.most} of them" if self.most > 1 else "")


def rule_of(specification: CharacteristicSpecification) -> CharacteristicRule:
    """The rule that a characteristic's specification makes."""
    listed = specification.allowed
    defaults = [one.value for one in listed if one.is_default and one.value is not None]
    lone_default = len(listed) == 1 and bool(defaults) and not listed[0].is_range and listed[0].regex is None
    free = lone_default and specification.configurable is not False
    restricting = () if free else tuple(one for one in listed if one.is_range or one.regex or one.value is not None)
    most = specification.max_cardinality or 1
    default: Json = None
    if defaults:
        default = list(defaults) if most > 1 else defaults[0]
    return CharacteristicRule(
        specification.name,
        specification.value_type,
        restricting,
        specification.regex,
        specification.min_cardinality or 0,
        most,
        default,
        next((one.unit_of_measure for one in listed if one.unit_of_measure), None),
    )


def narrowed(rule: CharacteristicRule, allowed: Sequence[AllowedValue]) -> CharacteristicRule:
    """The rule with fewer values allowed, as an offering narrows a product; its default replaces the rule's own.

    A default that no longer fits is dropped.
    """
    defaults = [one.value for one in allowed if one.is_default and one.value is not None]
    default: Json = rule.default
    if defaults:
        default = list(defaults) if rule.most > 1 else defaults[0]
    narrow = replace(rule, narrowed=tuple(allowed), default=default)
    return replace(narrow, default=None) if default is not None and _value_faults(narrow, default, "") else narrow


def specification_faults(specifications: Sequence[CharacteristicSpecification], prefix: str) -> list[Fault]:
    """What is wrong with the specifications themselves: names twice, empty ranges, defaults that do not fit."""
    faults = []
    times = Counter(one.name for one in specifications)
    for index, one in enumerate(specifications):
        at = f"{prefix}/{index}"
        rule = rule_of(one)
        if times[one.name] > 1:
            faults.append(Fault(f"{at}/name", f"{one.name!r} is there {times[one.name]} times", "duplicate"))
        if rule.least > rule.most:
            faults.append(Fault(f"{at}/minCardinality", f"{rule.least} is more than maxCardinality {rule.most}"))
        if any(allowed.is_range for allowed in one.allowed) and one.value_type not in (
            ValueType.NUMBER,
            ValueType.INTEGER,
        ):
            faults.append(Fault(f"{at}/valueType", f"a {one.value_type} has no range", "invalid", "number, integer"))
        if any(_is_empty(allowed) for allowed in one.allowed):
            faults.append(Fault(at, f"no value of {one.name!r} lies in its range", "emptyRange"))
        broken = [text for text in _patterns(one) if not _compiles(text)]
        faults += [Fault(f"{at}/regex", f"{text!r} is no regular expression") for text in broken]
        if not broken and rule.default is not None:
            faults += _value_faults(rule, rule.default, at)
    return faults


def check_characteristics(
    rules: Sequence[CharacteristicRule], given: Sequence[Characteristic], prefix: str
) -> list[Characteristic]:
    """The complete list, in the order of the rules, with defaults filled in and numbers in their type.

    Raises `Refused` with every fault; `prefix` is the JSON pointer of the given list.
    """
    by_name = {rule.name: rule for rule in rules}
    times = Counter(one.name for one in given)
    faults: list[Fault] = []
    chosen: dict[str, Characteristic] = {}
    for index, one in enumerate(given):
        rule = by_name.get(one.name)
        if rule is None:
            known = ", ".join(by_name)
            faults.append(
                Fault(f"{prefix}/{index}/name", f"there is no characteristic {one.name[:80]!r}", "unknown", known)
            )
        elif times[one.name] > 1:
            faults.append(
                Fault(f"{prefix}/{index}/name", f"{one.name!r} is given {times[one.name]} times", "duplicate")
            )
        elif one.value is not None:
            wrong = _value_faults(rule, one.value, f"{prefix}/{index}/value")
            faults += wrong
            if not wrong:
                value = _in_type(rule, one.value)
                chosen[one.name] = one.model_copy(update={"value": value, "value_type": rule.value_type.value})
    given_names = {one.name for one in given if one.value is not None}
    for rule in rules:
        if rule.name in given_names:
            continue
        if rule.default is not None:
            chosen[rule.name] = Characteristic(name=rule.name, value=rule.default, value_type=rule.value_type.value)
        elif rule.least > 0:
            faults.append(Fault(prefix or "/", f"{rule.name!r} is mandatory", "missing", rule.accepted()))
    if faults:
        raise Refused.all(faults)
    return [chosen[rule.name] for rule in rules if rule.name in chosen]


def _value_faults(rule: CharacteristicRule, value: Json, pointer: str) -> list[Fault]:
    if rule.most == 1 or not isinstance(value, list):
        why = _why_not(rule, value)
        return [Fault(pointer, f"{rule.name} {why[1]}", why[0], rule.accepted())] if why else []
    faults = []
    if not max(rule.least, 1) <= len(value) <= rule.most:
        faults.append(Fault(pointer, f"{rule.name} has {len(value)} values", "cardinality", rule.accepted()))
    for index, one in enumerate(value):
        why = _why_not(rule, one)
        if why:
            faults.append(Fault(f"{pointer}/{index}", f"{rule.name} {why[1]}", why[0], rule.accepted()))
    return faults


def _why_not(rule: CharacteristicRule, value: Json) -> tuple[str, str] | None:
    """Why one value does not fit: a code and words; `None` when it fits."""
    if not _has_type(value, rule.value_type):
        return "wrongType", f"is {_shown(value)}, which is no {rule.value_type}"
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return "tooLong", f"is longer than {MAX_TEXT} characters"
    if rule.pattern is not None and not (isinstance(value, str) and _matches(rule.pattern, value)):
        return "pattern", f"is {_shown(value)}, which does not match"
    for choices in (rule.allowed, rule.narrowed):
        if choices and not any(_fits(one, value) for one in choices):
            return "outOfRange" if any(one.is_range for one in choices) else "notAllowed", f"is {_shown(value)}"
    return None


def _has_type(value: Json, kind: ValueType) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match kind:
        case ValueType.NUMBER:
            return number
        case ValueType.INTEGER:
            return number and value == math.floor(value)  # type: ignore[arg-type]
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.STRING:
            return isinstance(value, str)
        case ValueType.OBJECT:
            return isinstance(value, dict)


def _in_type(rule: CharacteristicRule, value: Json) -> Json:
    """Integers as integers, also when written 1e7; several values as a list."""
    if rule.most > 1:
        return [_single_in_type(rule, one) for one in (value if isinstance(value, list) else [value])]
    return _single_in_type(rule, value)


def _single_in_type(rule: CharacteristicRule, value: Json) -> Json:
    return int(value) if rule.value_type is ValueType.INTEGER and isinstance(value, float) else value


def _fits(allowed: AllowedValue, value: Json) -> bool:
    if allowed.is_range and isinstance(value, int | float):
        exact = Decimal(str(value))
        interval = allowed.range_interval or RangeInterval.CLOSED
        bottom = interval in (RangeInterval.CLOSED, RangeInterval.CLOSED_BOTTOM)
        top = interval in (RangeInterval.CLOSED, RangeInterval.CLOSED_TOP)
        low, high = allowed.value_from, allowed.value_to
        above = low is None or low < exact or (bottom and low == exact)
        return above and (high is None or exact < high or (top and exact == high))
    if allowed.regex is not None:
        return isinstance(value, str) and _matches(allowed.regex, value)
    return value == allowed.value and isinstance(value, bool) == isinstance(allowed.value, bool)


def _is_empty(allowed: AllowedValue) -> bool:
    low, high = allowed.value_from, allowed.value_to
    if low is None or high is None:
        return False
    return low > high or (low == high and allowed.range_interval not in (None, RangeInterval.CLOSED))


def _words(allowed: AllowedValue) -> str:
    if allowed.is_range:
        interval = allowed.range_interval or RangeInterval.CLOSED
        low = "" if interval in (RangeInterval.CLOSED, RangeInterval.CLOSED_BOTTOM) else "more than "
        high = "" if interval in (RangeInterval.CLOSED, RangeInterval.CLOSED_TOP) else "less than "
        start = "any" if allowed.value_from is None else f"{low}{allowed.value_from:f}"
        end = "any" if allowed.value_to is None else f"{high}{allowed.value_to:f}"
        return f"{start} to {end}"
    return f"text that matches {allowed.regex}" if allowed.regex is not None else str(allowed.value)


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _patterns(specification: CharacteristicSpecification) -> list[str]:
    texts = [specification.regex, *(one.regex for one in specification.allowed)]
    return [text for text in texts if text is not None]


@lru_cache(maxsize=1000)
def _pattern(text: str) -> Draft7Validator:
    """Matches the whole text, in a time that grows with its length only, whatever the expression."""
    return Draft7Validator({"pattern": f"^(?:{text})$"}, pattern_options=RegexOptions())


def _matches(pattern: str, value: str) -> bool:
    return _pattern(pattern).is_valid(value)


def _compiles(text: str) -> bool:
    try:
        Draft7Validator({"pattern": text}, pattern_options=RegexOptions())  # alone: "a)(b" would close our bracket
        _pattern(text)
    except SchemaError:
        return False
    return True
