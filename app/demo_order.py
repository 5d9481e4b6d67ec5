"""An order in a file beside an operator's data, as the body that TMF622 takes.

Its days count from the day it is placed by the business clock, so the order does not grow old with its file. The place
is that of the customer's site, unless the characteristics say another.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from satcom.app.loading.customers import CustomerKeys
from satcom.app.loading.entries import EntryKeys, parsed, within
from satcom.app.loading.files import Entry, read_folder, read_mapping
from satcom.app.loading.sites import SiteKeys, SiteRowKeys
from satcom.core.clock import now
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.security import CUSTOMER_ROLE
from satcom.core.values import Json, instant_text
from satcom.market.catalog.offering_term import MONTH
from satcom.market.order_item import ADD

DEMO_ORDER = "demo_order.yaml"
Days = Annotated[int, Field(ge=0, le=5000)]


class OrderKeys(EntryKeys):
    customer: str
    billing_account: str
    product_offering: str
    site: str | None = None
    description: str | None = None
    requested_start_in_days: Days | None = None
    requested_completion_in_days: Days | None = None
    term_months: int | None = None
    characteristics: dict[str, Json] = Field(default_factory=dict)


def order_files(folder: Path) -> list[Path]:
    """All orders that lie in `folder`, the first one that a demonstration tells first."""
    others = (one for one in folder.glob("*_order.yaml") if one.name != DEMO_ORDER)
    return [folder / DEMO_ORDER, *sorted(others)]


def order_body(folder: Path) -> dict[str, Json]:
    """The body of the order that lies in `folder`. Raises `Refused` with every fault of its file."""
    return order_in(folder / DEMO_ORDER)


def order_in(file: Path) -> dict[str, Json]:
    """As `order_body`, for an order in a file of any name; its customers stand in the folder it lies in."""
    keys = _read(file)
    body: dict[str, Json] = {
        "externalId": keys.id,
        "billingAccount": {"id": loaded_id("BillingAccount", keys.billing_account)},
        "relatedParty": [
            {
                "id": loaded_id("Organization", keys.customer),
                "role": CUSTOMER_ROLE,
                "@referredType": "Organization",
            }
        ],
        "productOrderItem": [_item(keys, _place(keys, file))],
    }
    if keys.description is not None:
        body["description"] = keys.description
    days = {
        "requestedStartDate": keys.requested_start_in_days,
        "requestedCompletionDate": keys.requested_completion_in_days,
    }
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return body | {name: instant_text(today + timedelta(days=one)) for name, one in days.items() if one is not None}


def _read(file: Path) -> OrderKeys:
    values, faults = read_mapping(file)
    if faults:
        raise Refused.all(faults)
    entry = Entry(file.name, str(values.get("id", "order")), values)
    try:
        return parsed(OrderKeys, entry)
    except Refused as refused:
        told = [Fault(entry.at(one.field), one.why, one.code, one.accepted) for one in refused.faults]
        raise Refused.all(told) from refused


def _item(keys: OrderKeys, place: dict[str, Json]) -> Json:
    chosen: dict[str, Json] = {**place, **keys.characteristics}
    item: dict[str, Json] = {
        "id": "1",
        "action": ADD,
        "productOffering": {"id": loaded_id("ProductOffering", keys.product_offering)},
        "product": {"productCharacteristic": [{"name": name, "value": value} for name, value in chosen.items()]},
    }
    if keys.term_months is not None:
        item["itemTerm"] = [{"duration": {"amount": keys.term_months, "units": MONTH}}]
    return item


def _place(keys: OrderKeys, file: Path) -> dict[str, Json]:
    """Where the site lies. Raises `Refused` when the customer has no such site."""
    if keys.site is None:
        return {}
    folder = read_folder(file.parent)
    its = next((one for one in folder.entries("customers") if one.slug == keys.customer), None)
    sites: list[SiteKeys] = list(parsed(CustomerKeys, its).sites) if its is not None else []
    listed = [one for one in folder.entries("sites") if one.values.get("customer") == keys.customer]
    sites += [within(SiteRowKeys, one.values, "") for one in listed]
    site = next((one for one in sites if one.id == keys.site), None)
    if site is None:
        where = f"{file.name}: {keys.id}: site"
        raise Refused(where, f"customer {keys.customer!r} has no site {keys.site!r} in this folder", "notFound")
    return site.place
