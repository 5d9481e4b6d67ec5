"""Sites of customers: places that are kept with the customer's organization, and that an order may name.

They stand with their customer in `customers.yaml`, or in a list of their own, a row for each.
"""

from typing import Annotated, Final

from pydantic import Field, FiniteFloat

from satcom.app.loading.entries import Keys, within
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Consequence, FieldChange, Kind, Load, Outcome
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.party import Organization, create_organization, patch_organization
from satcom.market.customer import Customer
from satcom.market.order_item import FaultsFound
from satcom.resource.ground import Country

CHARACTERISTICS: Final = "partyCharacteristic"
SITE: Final = Kind(Organization, create_organization, patch_organization)  # what a site is kept with
KEYS: Final = {
    "name": "name",
    "latitudeDeg": "latitude_deg",
    "longitudeDeg": "longitude_deg",
    "altitudeM": "altitude_m",
    "country": "country",
    "address": "address",
}


class SiteKeys(Keys):
    """A place of the customer, kept with its organization. Without a name it is called as its `id`."""

    id: str
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    latitude_deg: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    longitude_deg: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    altitude_m: FiniteFloat | None = None
    country: Country | None = None
    address: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    @property
    def called(self) -> str:
        return self.name or self.id

    @property
    def place(self) -> dict[str, Json]:
        """The place in the words of an order's characteristics."""
        given: dict[str, Json] = {
            "latitudeDeg": self.latitude_deg,
            "longitudeDeg": self.longitude_deg,
            "altitudeM": self.altitude_m,
            "country": self.country,
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def characteristic(self) -> dict[str, Json]:
        """As it is kept with the organization."""
        address: dict[str, Json] = {"address": self.address} if self.address is not None else {}
        return {"name": self.id, "value": {"name": self.called, **self.place, **address}}


class SiteRowKeys(SiteKeys):
    """A site in a list of its own."""

    customer: str


Rows = list[tuple[Entry, SiteRowKeys]]


def sites_of(organization: Organization) -> dict[str, dict[str, Json]]:
    """The sites that are kept with an organization, by their ids."""
    kept = organization.further.get(CHARACTERISTICS)
    named = [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []
    return {str(one["name"]): one for one in named if "latitudeDeg" in _value(one)}


def load_sites(load: Load) -> None:
    """Those of a customer are entered together. Sites that are not in the list stay as they are."""
    beside = {one.slug: one.file for one in load.files.entries("customers") if "sites" in one.values}
    for entries in load.portions("sites"):
        customers = sorted({str(one.values.get("customer")) for one in entries})
        load.read(Customer, customers)
        load.read(Organization, customers)
        rows: dict[str, Rows] = {}
        for entry in entries:
            with load.checking(SITE, entry):
                keys = within(SiteRowKeys, entry.values, "")
                _check_customer(load, keys, beside)
                rows.setdefault(keys.customer, []).append((entry, keys))
        for customer, its in rows.items():
            organization = load.present(Organization, loaded_id(SITE.name, customer))
            if organization is not None:
                _keep(load, organization, its)


def _check_customer(load: Load, keys: SiteRowKeys, beside: dict[str, str]) -> None:
    found = FaultsFound()
    load.named(Customer, keys.customer, "customer", found)
    found.refuse()
    if load.names_broken:
        raise Consequence
    if keys.customer in beside:
        why = f"its sites stand with it in {beside[keys.customer]}; keep one of the lists"
        raise Refused("customer", why, "duplicate")


def _keep(load: Load, organization: Organization, rows: Rows) -> None:
    """Enter the new sites of a customer and correct the others, in one change of its organization."""
    listed = organization.further.get(CHARACTERISTICS)
    kept, told = sites_of(organization), []
    others = [
        one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict) and one["name"] not in kept
    ]
    for entry, keys in rows:
        with load.checking(SITE, entry):
            if any(one["name"] == keys.id for one in others):
                raise Refused("id", f"something else is kept with {keys.customer} as {keys.id!r}", "duplicate")
            told.append((keys, kept.get(keys.id)))
            kept[keys.id] = keys.characteristic
    if any(before != keys.characteristic for keys, before in told):
        first = [one for one in others if one["name"] == "country"]
        last = [one for one in others if one["name"] != "country"]
        with load.checking(SITE, rows[0][0]), load.session.begin_nested():
            patch_organization(load.session, organization, {CHARACTERISTICS: [*first, *kept.values(), *last]}, WORKER)
            load.session.flush()
    for keys, before in told:
        _tell(load, keys, before)


def _tell(load: Load, keys: SiteRowKeys, before: dict[str, Json] | None) -> None:
    if before is None:
        load.tell("Site", keys.id, keys.called, Outcome.CREATED)
        return
    old, new = _value(before), _value(keys.characteristic)
    fields = [FieldChange(key, old.get(one), new.get(one)) for one, key in KEYS.items() if old.get(one) != new.get(one)]
    load.tell("Site", keys.id, keys.called, Outcome.CHANGED if fields else Outcome.UNCHANGED, *fields)


def _value(characteristic: dict[str, Json]) -> dict[str, Json]:
    value = characteristic.get("value")
    return value if isinstance(value, dict) else {}
