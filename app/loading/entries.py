"""From an entry of a file to an object of the business: what it may say, and every fault in the words of the file."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from satcom.app.loading.files import Entry
from satcom.core.errors import Fault, Refused
from satcom.core.values import Amount, Currency, Json
from satcom.core.wrong_value import UNKNOWN, wrong_value

REMARKS = frozenset({"id", "note"})
MANY = 12  # names that a person reads through


def _exact(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("write it in quotes: a number with a point is not kept exactly")
    return value


def several(value: object) -> object:
    """A cell of a table holds several names side by side."""
    return [one for one in re.split(r"[;,\s]+", value) if one] if isinstance(value, str) else value


ExactAmount = Annotated[Amount, BeforeValidator(_exact)]
Exact = Annotated[Decimal, BeforeValidator(_exact)]


class Keys(BaseModel):
    """What a part of an entry may say; any other key is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EntryKeys(Keys):
    """What every entry may say of itself. `note` tells what of it is made up, and how."""

    id: str
    source: str | None = None
    illustrative: bool = False
    note: str | None = None

    @property
    def notes(self) -> list[Json]:
        return note_of(self.note)


class Price(Keys):
    """Money in a file."""

    amount: ExactAmount
    currency: Currency

    @property
    def money(self) -> dict[str, Json]:
        return {"unit": self.currency, "value": float(self.amount)}


class Contact(Keys):
    """Whom to call."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None


K = TypeVar("K", bound=EntryKeys)
P = TypeVar("P", bound=Keys)


def parsed(form: type[K], entry: Entry) -> K:
    """The entry in its form. Raises `Refused` with every fault."""
    return within(form, entry.values, "")


def within(form: type[P], values: object, above: str) -> P:
    """A part of an entry in its form; `above` is the key it stands under."""
    try:
        return form.model_validate(values)
    except ValidationError as error:
        faults = [_fault(form, one, above) for one in error.errors(include_url=False)]
        raise Refused.all(faults) from error


def _fault(form: type[Keys], error: Mapping[str, Any], above: str) -> Fault:
    steps = [str(one) for one in error["loc"]]
    field = ".".join([above, *steps] if above else steps)
    if error["type"] == UNKNOWN:
        return unknown_key(field, keys_within(form, steps[:-1]))
    return wrong_value(error, field)


def keys_within(form: type[BaseModel], steps: Sequence[str]) -> list[str]:
    """The keys that are known under a key of a form, as deep as its forms go."""
    for step in steps:
        if step.isdecimal():
            continue
        inner = _form_in(form.model_fields[step].annotation) if step in form.model_fields else None
        if inner is None:
            return []
        form = inner
    return list(form.model_fields)


def _form_in(annotation: Any) -> type[BaseModel] | None:
    """The form among the parts of a type, as in a list of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _form_in(one)) is not None), None)


def unknown_key(field: str, known: Collection[str]) -> Fault:
    """A key that nothing is kept under, with the one that was probably meant."""
    near = get_close_matches(field.rsplit(".", 1)[-1], known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ""
    return Fault(field, f"there is no such key{meant}", "unknown", ", ".join(sorted(known)) or None)


def unknown_name(field: str, what: str, name: str, known: Sequence[str]) -> Fault:
    """A name that nothing is called, with those that are meant perhaps."""
    near = get_close_matches(name, known, n=1, cutoff=0.8)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    close = get_close_matches(name, known, n=MANY, cutoff=0.0) if len(known) > MANY else list(known)
    more = f" and {len(known) - MANY} more" if len(known) > MANY else ""
    return Fault(field, f"there is no {what} {name[:80]!r}{meant}", "notFound", ", ".join(close) + more or None)


def note_of(text: Any) -> list[Json]:
    """A remark in the form of TM Forum's notes."""
    return [{"text": str(text).strip()}] if text else []


def instant(day: date | None, zone: ZoneInfo | None = None) -> datetime | None:
    """The first moment of a day."""
    if day is None:
        return None
    return datetime.combine(day, time(), zone or UTC).astimezone(UTC)


def snake(name: str) -> str:
    """`eirpSaturationDbw` as files write it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
