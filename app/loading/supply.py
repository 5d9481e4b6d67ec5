"""Suppliers, the depots where they keep terminals with what lies there to begin with, and who installs."""

from satcom.app.loading.entries import EntryKeys, parsed
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import FieldChange, Kind, Load
from satcom.app.loading.network import Listed, load_list
from satcom.app.loading.operator import ORGANIZATION, PartyKeys, organization_of
from satcom.core.entity import checked
from satcom.core.loading import loaded_id
from satcom.enterprise.party import Organization
from satcom.market.order_item import FaultsFound
from satcom.resource.ground import Country, TerminalType
from satcom.supplychain.installer import Installer, correct_installer, engage_installer
from satcom.supplychain.partner import Supplier, correct_supplier, engage_supplier
from satcom.supplychain.stock import (
    Depot,
    StockItem,
    correct_depot,
    correct_item,
    list_item,
    open_depot,
    opening_stock,
)

SUPPLIER = Kind(Supplier, engage_supplier, correct_supplier)
DEPOTS = Listed(
    "depots",
    Kind(Depot, open_depot, correct_depot, {"supplier_id": "supplier"}),
    {"supplier": ("supplier_id", Supplier)},
)
INSTALLERS = Listed(
    "installers",
    Kind(Installer, engage_installer, correct_installer, {"supplier_id": "supplier"}),
    {"supplier": ("supplier_id", Supplier)},
)
STOCK_ITEM = Kind(
    StockItem,
    list_item,
    correct_item,
    {"depot_id": "depot", "terminal_type_id": "terminal_type", "terminal_type_name": "terminal_type"},
)


class SupplierKeys(PartyKeys):
    country: Country
    currency: str


class StockKeys(EntryKeys):
    """`quantity` is what a depot begins with; more may be added later, nothing is taken away."""

    depot: str
    terminal_type: str
    quantity: int = 0
    lead_time_days: int


def load_suppliers(load: Load) -> None:
    for entry in load.each("suppliers", Organization, Supplier):
        with load.checking(SUPPLIER, entry):
            keys = parsed(SupplierKeys, entry)
            load.keep(ORGANIZATION, entry, organization_of(keys.model_copy(update={"contact": None}), []), keys.name)
            values = {
                "organization_id": loaded_id("Organization", entry.slug),
                "contact": keys.contact.model_dump(exclude_none=True) if keys.contact is not None else None,
                "further": {"note": keys.notes} if keys.notes else {},
            }
            plain = keys.model_dump(include={"name", "country", "currency", "source", "illustrative"})
            load.keep(SUPPLIER, entry, checked(Supplier, plain | values), keys.name)


def load_stock(load: Load) -> None:
    """Depots and what is in them, after the terminal types; and installers."""
    load_list(load, DEPOTS)
    load_list(load, INSTALLERS)
    for entry in load.each("stock", StockItem):
        with load.checking(STOCK_ITEM, entry):
            _load_item(load, entry)


def _load_item(load: Load, entry: Entry) -> None:
    keys = parsed(StockKeys, entry)
    found = FaultsFound()
    depot_id = load.named(Depot, keys.depot, "depot", found)
    terminal_type_id = load.named(TerminalType, keys.terminal_type, "terminal_type", found)
    found.refuse()
    kind = load.session.get(TerminalType, terminal_type_id)
    name = kind.name if kind is not None else keys.terminal_type
    values = {
        "depot_id": depot_id,
        "terminal_type_id": terminal_type_id,
        "terminal_type_name": name,
        "further": {"note": keys.notes} if keys.notes else {},
    }
    plain = keys.model_dump(include={"lead_time_days", "source", "illustrative"})
    item = load.keep(STOCK_ITEM, entry, checked(StockItem, plain | values), f"{name} in {keys.depot}")
    if item is None:
        return
    with load.session.begin_nested():
        added = opening_stock(load.session, item, keys.quantity, entry.slug.upper())
    if added:
        load.also_changed(FieldChange("quantity", keys.quantity - len(added), keys.quantity))
