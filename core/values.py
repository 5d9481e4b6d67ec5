"""Value objects that TM Forum resources are made of: money, period, characteristic, party, place, reference.

Each is frozen, speaks camelCase on the wire, and keeps attributes of the official document that it does not name.
Amounts are `Decimal` in the program and JSON numbers on the wire, exact to 15 significant digits.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, TypeAlias

import pycountry
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

Json: TypeAlias = JsonValue


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC. Raises `ValueError` on one that UTC has no year for."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from error


def instant_text(moment: datetime) -> str:
    """An instant as it goes out: ISO 8601, UTC, `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=512)
def _currency(code: str) -> str:
    found = pycountry.currencies.get(alpha_3=code)
    if found is None or found.alpha_3 != code:  # it finds "usd" too, which no ledger adds to USD
        raise ValueError(f"{code!r} is no ISO 4217 currency")
    return code


Amount = Annotated[Decimal, Field(max_digits=15, allow_inf_nan=False), PlainSerializer(float, when_used="json")]
Currency = Annotated[str, AfterValidator(_currency)]
Instant = Annotated[AwareDatetime, AfterValidator(in_utc), PlainSerializer(instant_text, when_used="json")]


class Value(BaseModel):
    """A value object: compared by content, never changed."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True)

    def wire(self) -> dict[str, Json]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Money(Value):
    """An amount in a currency. No arithmetic across currencies."""

    unit: Currency
    value: Amount

    def __add__(self, other: "Money") -> "Money":
        if self.unit != other.unit:
            raise ValueError(f"{self.unit} and {other.unit} cannot be added")
        return Money(unit=self.unit, value=self.value + other.value)

    def times(self, factor: Decimal) -> "Money":
        """Multiplied and rounded half even to a hundredth."""
        return Money(unit=self.unit, value=(self.value * factor).quantize(Decimal("0.01")))

    def __str__(self) -> str:
        return f"{self.value:,.2f} {self.unit}"


class TimePeriod(Value):
    """From `start` (inclusive) to `end` (exclusive); an open end has no limit."""

    start_date_time: Instant | None = None
    end_date_time: Instant | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "TimePeriod":
        if self.start_date_time and self.end_date_time and self.end_date_time <= self.start_date_time:
            raise ValueError("endDateTime is not after startDateTime")
        return self

    def holds(self, moment: datetime) -> bool:
        started = self.start_date_time is None or self.start_date_time <= moment
        return started and (self.end_date_time is None or moment < self.end_date_time)


class Characteristic(Value):
    """A named value, as TMF638 and its neighbours carry it."""

    name: str
    value: Json = None
    value_type: str | None = None


class Reference(Value):
    """Points to an object of the same or another API."""

    id: str
    href: str | None = None
    name: str | None = None
    role: str | None = None
    referred_type: str | None = Field(default=None, alias="@referredType")


class RelatedParty(Reference):
    """A party with its role in this object. TMF641 asks for its `@type`, no other document does."""

    role: str | None = None
    type: str | None = Field(default=None, alias="@type")


class Note(Value):
    """Something a person or a rule wrote down."""

    text: str | None = None
    author: str | None = None
    date: Instant | None = None


def reference(entity_id: str, kind: str, href: str | None = None, name: str | None = None) -> Reference:
    return Reference.model_validate({"id": entity_id, "href": href, "name": name, "@referredType": kind})
