"""The operator and the organizations around it: who they are, before what they sell or buy."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, select

from satcom.app.loading.entries import Contact, EntryKeys, parsed
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import FieldChange, Kind, Load, Outcome
from satcom.core.entity import from_body, plain_value
from satcom.core.security import WORKER
from satcom.core.values import Currency, Json
from satcom.enterprise.party import (
    Operator,
    Organization,
    create_organization,
    patch_organization,
    set_up_operator,
)
from satcom.resource.ground import Country

ORGANIZATION = Kind(
    Organization,
    create_organization,
    patch_organization,
    words={"trading_name": "name", "name": "legal_name", "contactMedium": "contact"},
    decides=frozenset({"trading_name"}),
    further=("name", "contactMedium", "partyCharacteristic"),
)
SETTINGS = ("name", "currency", "time_zone", "tax_rate_percent", "availability_confidence_percent")


class OperatorKeys(EntryKeys):
    name: str
    trading_name: str | None = None
    currency: Currency
    time_zone: str
    tax_rate_percent: Decimal
    availability_confidence_percent: Annotated[float, Field(ge=50, le=99.9)] | None = None


class PartyKeys(EntryKeys):
    """What a customer and a supplier say of the organization that they are."""

    name: str
    legal_name: str | None = None
    country: Country | None = None
    contact: Contact | None = None


def load_operator(load: Load) -> None:
    """The operator first: everything else is kept for it. Without one in files or database nothing is written."""
    entry = load.files.operator
    if entry is not None:
        load.has_operator = True
        with load.checking(ORGANIZATION, entry):
            _load_operator(load, entry)
    load.has_operator = _operator(load.session) is not None
    if entry is None and not load.has_operator and not load.files.unread:
        load.fault("operator.yaml", "missing: no operator is set up yet", "noOperator")


def _load_operator(load: Load, entry: Entry) -> None:
    keys = parsed(OperatorKeys, entry)
    name = keys.trading_name or keys.name
    body: dict[str, Json] = {"tradingName": name, "name": keys.name, "partyCharacteristic": remarks(keys)}
    organization = load.keep(ORGANIZATION, entry, from_body(Organization, body), name)
    assert organization is not None
    present = _operator(load.session)
    before = {one: getattr(present, one) for one in SETTINGS} if present is not None else None
    settings = (keys.currency, keys.time_zone, keys.tax_rate_percent)
    with load.session.begin_nested():
        after = set_up_operator(load.session, organization, *settings, WORKER, keys.availability_confidence_percent)
    changed = [
        FieldChange(one, plain_value(before[one]), plain_value(getattr(after, one)))
        for one in SETTINGS
        if before is not None and before[one] != getattr(after, one)
    ]
    outcome = Outcome.CREATED if before is None else Outcome.CHANGED if changed else Outcome.UNCHANGED
    load.tell("Operator", entry.slug, name, outcome, *changed)


def _operator(session: Session) -> Operator | None:
    return session.exec(select(Operator)).first()


def organization_of(keys: PartyKeys, characteristics: list[Json]) -> Organization:
    """The organization that a customer or a supplier is."""
    body: dict[str, Json] = {"tradingName": keys.name, "name": keys.legal_name or keys.name}
    if keys.contact is not None:
        body["contactMedium"] = _media(keys.contact)
    if keys.country is not None:
        characteristics = [_characteristic("country", keys.country), *characteristics]
    if characteristics:
        body["partyCharacteristic"] = characteristics
    return from_body(Organization, body)


def remarks(keys: EntryKeys) -> list[Json]:
    """Where the facts come from and what is made up, as characteristics of a party."""
    given: dict[str, Json] = {"source": keys.source, "illustrative": keys.illustrative or None, "note": keys.note}
    return [_characteristic(name, value) for name, value in given.items() if value is not None]


def _characteristic(name: str, value: Json) -> Json:
    return {"name": name, "value": value}


def _media(contact: Contact) -> Json:
    given = {"email": ("emailAddress", contact.email), "phone": ("phoneNumber", contact.phone)}
    whom: dict[str, Json] = {"contactType": contact.name} if contact.name else {}
    return [
        {"mediumType": kind, "characteristic": {**whom, name: value}}
        for kind, (name, value) in given.items()
        if value is not None
    ]
