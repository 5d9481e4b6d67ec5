"""What the operator sells: the service and the product it delivers, its price list, and the offerings.

Days are those of the operator's time zone, periods half open. A product offers the characteristics of its service.
What is in use is not altered: the catalogue refuses that, and takes a new entry instead.
"""

from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator
from sqlmodel import col, select

from satcom.app.loading.entries import EntryKeys, ExactAmount, Keys, instant, parsed, several
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Kind, Load
from satcom.core.characteristics import RangeInterval, ValueType
from satcom.core.entity import from_body, wire
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.values import Currency, Json, instant_text
from satcom.enterprise.catalog_entry import LifecycleStatus, enter, revise
from satcom.enterprise.party import operator_of
from satcom.market.catalog.category import Category
from satcom.market.catalog.offering_term import DAY, EARLY_TERMINATION, MINIMUM_TERM, MONTH, NOTICE_PERIOD
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice, patch_price
from satcom.market.catalog.product_specification import (
    ProductSpecification,
)
from satcom.market.order_item import FaultsFound
from satcom.market.pricing import PriceType, PriceUnit
from satcom.market.solution_price import BAND, CAPACITY, TERMINAL_TYPE
from satcom.resource.catalog import (
    NetworkNeed,
    ResourceSpecification,
)
from satcom.resource.ground import TerminalType
from satcom.resource.resource import Band
from satcom.service.catalog import ServiceSpecification

STATED = frozenset({"name", "lifecycle_status"})
DESCRIBED = ("description", "version")
RESOURCE = Kind(
    ResourceSpecification,
    enter,
    revise,
    {},
    STATED | {"category"},
    DESCRIBED,
)
SERVICE = Kind(
    ServiceSpecification,
    enter,
    revise,
    {"spec_characteristic": "characteristics", "resource_specification": "resources"},
    STATED | {"spec_characteristic", "resource_specification"},
    DESCRIBED,
)
PRODUCT = Kind(
    ProductSpecification,
    enter,
    revise,
    {"product_spec_characteristic": "service_specification"},
    STATED | {"product_spec_characteristic", "service_specification"},
    DESCRIBED,
)
PRICE = Kind(
    ProductOfferingPrice,
    enter,
    patch_price,
    {
        "price": "amount",
        "unit_of_measure": "unit",
        "recurring_charge_period_type": "recurring_period",
        "recurring_charge_period_length": "recurring_period",
        "prod_spec_char_value_use": "terminal_type",
        "valid_for": "valid_until",
    },
    STATED
    | {
        "price_type",
        "price",
        "unit_of_measure",
        "recurring_charge_period_type",
        "recurring_charge_period_length",
        "prod_spec_char_value_use",
        "valid_for",
    },
    (),
)
OFFERING = Kind(
    ProductOffering,
    enter,
    revise,
    {
        "product_offering_price": "prices",
        "productOfferingTerm": "minimum_term_months",
        "valid_for": "valid_until",
        "category": "categories",
    },
    STATED | {"product_specification", "product_offering_price", "valid_for", "category"},
    (*DESCRIBED, "productOfferingTerm"),
)
# a site, a terminal and a link are each counted once in an order
UNITS = {"site": PriceUnit.EACH, "terminal": PriceUnit.EACH, "link": PriceUnit.EACH} | {
    one.value: one for one in PriceUnit
}
BY_THE_HOUR = {"h": PriceUnit.MINUTE, "MHz h": PriceUnit.MEGAHERTZ_MINUTE}  # a price for 60 of them


class CharacteristicKeys(Keys):
    """What a customer may choose. TM Forum takes whole numbers as the ends of a range."""

    name: str
    description: str | None = None
    value_type: ValueType
    unit: str | None = None
    min: int | None = None
    max: int | None = None
    range_interval: RangeInterval | None = None
    values: list[str | int | float | bool] | None = None
    pattern: str | None = None
    default: str | int | float | bool | None = None
    required: bool = False
    max_cardinality: int | None = None


class CatalogueKeys(EntryKeys):
    name: str
    description: str | None = None
    version: str | None = None
    lifecycle_status: LifecycleStatus = LifecycleStatus.ACTIVE

    @property
    def stated(self) -> dict[str, Json]:
        """What every entry of a catalogue says."""
        body: dict[str, Json] = {"name": self.name, "lifecycleStatus": self.lifecycle_status.value}
        given = {"description": self.description, "version": self.version}
        return body | {key: value for key, value in given.items() if value is not None}


class ResourceKeys(CatalogueKeys):
    category: NetworkNeed | None = None


class ServiceKeys(CatalogueKeys):
    characteristics: list[CharacteristicKeys]
    resources: tuple[str, ...] = ()


class ProductKeys(CatalogueKeys):
    service_specification: str


class PriceKeys(CatalogueKeys):
    product_offering: str
    price_type: PriceType
    recurring_period: Literal["month"] | None = None
    amount: ExactAmount
    currency: Currency
    unit: Literal["site", "terminal", "link", "each", "MHz", "Mbit/s", "Mbit/s CIR", "min", "h", "MHz min", "MHz h"]
    valid_from: date | None = None
    valid_until: date | None = None
    terminal_type: Annotated[list[str] | None, BeforeValidator(several)] = None
    band: Annotated[list[Band] | None, BeforeValidator(several)] = None
    capacity: Annotated[list[Literal["partnerCapacity"]] | None, BeforeValidator(several)] = None


class OfferingKeys(CatalogueKeys):
    lifecycle_status: LifecycleStatus = LifecycleStatus.LAUNCHED
    product_specification: str
    categories: Annotated[tuple[str, ...], BeforeValidator(several)] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    minimum_term_months: int | None = None
    early_termination_months: int | None = None
    notice_period_days: int | None = None


def load_catalogue(load: Load) -> None:
    """From the service up to the offering, each after what it names."""
    prices: dict[str, list[str]] = {}
    for entry in load.each("resource_specifications", ResourceSpecification):
        with load.checking(RESOURCE, entry):
            resource = parsed(ResourceKeys, entry)
            body = resource.stated | given(category=resource.category and resource.category.value)
            load.keep(RESOURCE, entry, from_body(ResourceSpecification, body), resource.name)
    for entry in load.each("service_specifications", ServiceSpecification):
        with load.checking(SERVICE, entry):
            _load_service(load, entry)
    for entry in load.each("product_specifications", ProductSpecification):
        with load.checking(PRODUCT, entry):
            _load_product(load, entry)
    for entry in load.each("prices", ProductOfferingPrice):
        with load.checking(PRICE, entry):
            keys = parsed(PriceKeys, entry)
            prices.setdefault(keys.product_offering, []).append(entry.slug)
            _load_price(load, entry, keys)
    for entry in load.each("product_offerings", ProductOffering):
        with load.checking(OFFERING, entry):
            _load_offering(load, entry, prices.get(entry.slug, []))


def _characteristic(keys: CharacteristicKeys) -> Json:
    """In the words of TMF633."""
    values: list[dict[str, Json]] = [{"value": one} for one in keys.values or []]
    if keys.min is not None or keys.max is not None:
        interval = keys.range_interval.value if keys.range_interval else None
        values.append(given(valueFrom=keys.min, valueTo=keys.max, rangeInterval=interval))
    if keys.default is not None:
        same = next((one for one in values if one.get("value") == keys.default), None)
        values = [one for one in values if one is not same] + [{"value": keys.default, "isDefault": True}]
    if keys.unit is not None and values:
        values = [one | {"unitOfMeasure": keys.unit} for one in values]
    return given(
        name=keys.name,
        description=keys.description,
        valueType=keys.value_type.value,
        minCardinality=1 if keys.required else 0,
        maxCardinality=keys.max_cardinality,
        regex=keys.pattern,
        characteristicValueSpecification=[*values] or None,
    )


def given(**values: Json) -> dict[str, Json]:
    return {key: value for key, value in values.items() if value is not None}


def _load_service(load: Load, entry: Entry) -> None:
    keys, found = parsed(ServiceKeys, entry), FaultsFound()
    needed = [load.named(ResourceSpecification, one, "resources", found) for one in keys.resources]
    found.refuse()
    characteristics: Json = [_characteristic(one) for one in keys.characteristics]
    listed: Json = [{"id": one} for one in needed]
    body = keys.stated | {"specCharacteristic": characteristics, "resourceSpecification": listed}
    load.keep(SERVICE, entry, from_body(ServiceSpecification, body), keys.name)


def _load_product(load: Load, entry: Entry) -> None:
    keys, found = parsed(ProductKeys, entry), FaultsFound()
    service_id = load.named(ServiceSpecification, keys.service_specification, "service_specification", found)
    found.refuse()
    service = load.session.get(ServiceSpecification, service_id)
    body = keys.stated | {
        "serviceSpecification": [{"id": service_id}],
        "productSpecCharacteristic": _offered(service) if service is not None else [],
    }
    load.keep(PRODUCT, entry, from_body(ProductSpecification, body), keys.name)


def _offered(service: ServiceSpecification) -> list[Json]:
    """The characteristics of the service in the words of TMF620."""
    listed = wire(service).get("specCharacteristic")
    known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    renamed = {"characteristicValueSpecification": "productSpecCharacteristicValue"}
    return [{renamed.get(key, key): value for key, value in one.items()} for one in known]


def _load_price(load: Load, entry: Entry, keys: PriceKeys) -> None:
    found = FaultsFound()
    for one in keys.terminal_type or []:
        load.named(TerminalType, one, "terminal_type", found)
    offerings = {one.slug for one in load.files.entries("product_offerings")}
    if keys.product_offering not in offerings:
        load.named(ProductOffering, keys.product_offering, "product_offering", found)
    if keys.price_type is PriceType.RECURRING and keys.recurring_period is None:
        found.faults.append(Fault("recurring_period", "missing", "missing", MONTH))
    billed_in = operator_of(load.session).currency if load.has_operator else keys.currency
    if keys.currency != billed_in:
        why = f"the operator does business in {billed_in}, this price is in {keys.currency}"
        found.faults.append(Fault("currency", why, "currency", billed_in))
    found.refuse()
    only_for: dict[str, list[str] | None] = {
        TERMINAL_TYPE: keys.terminal_type,
        BAND: [one.value for one in keys.band] if keys.band else None,
        CAPACITY: [str(one) for one in keys.capacity] if keys.capacity else None,
    }
    body = keys.stated | given(
        priceType=keys.price_type.value,
        price={"unit": keys.currency, "value": float(keys.amount)},
        unitOfMeasure=_measure(keys.unit),
        recurringChargePeriodType=keys.recurring_period,
        recurringChargePeriodLength=None if keys.recurring_period is None else 1,
        validFor=period(load, keys.valid_from, keys.valid_until),
        prodSpecCharValueUse=[
            {"name": name, "productSpecCharacteristicValue": [{"value": one} for one in values]}
            for name, values in only_for.items()
            if values
        ],
    )
    load.keep(PRICE, entry, from_body(ProductOfferingPrice, body), keys.name)


def _measure(unit: str) -> dict[str, Json]:
    if unit in BY_THE_HOUR:
        return {"amount": 60, "units": BY_THE_HOUR[unit].value}
    return {"amount": 1, "units": UNITS[unit].value}


def _load_offering(load: Load, entry: Entry, prices: list[str]) -> None:
    keys, found = parsed(OfferingKeys, entry), FaultsFound()
    product_id = load.named(ProductSpecification, keys.product_specification, "product_specification", found)
    price_ids = [load.named(ProductOfferingPrice, one, "prices", found) for one in prices]
    categories = [load.named(Category, one, "categories", found) for one in keys.categories]
    found.refuse()
    present = load.session.get(ProductOffering, loaded_id("ProductOffering", entry.slug))
    kept = [one.id for one in present.product_offering_price] if present is not None else []
    body = keys.stated | given(
        productSpecification={"id": product_id},
        category=[{"id": one} for one in categories],
        productOfferingPrice=[{"id": one} for one in dict.fromkeys([*kept, *price_ids])],
        validFor=period(load, keys.valid_from, keys.valid_until),
        productOfferingTerm=_terms(keys),
    )
    offering = load.keep(OFFERING, entry, from_body(ProductOffering, body), keys.name)
    if offering is not None:
        _check_terminals_are_priced(load, offering)


def _terms(keys: OfferingKeys) -> Json:
    named = (
        (MINIMUM_TERM, keys.minimum_term_months, MONTH),
        (NOTICE_PERIOD, keys.notice_period_days, DAY),
        (EARLY_TERMINATION, keys.early_termination_months, MONTH),
    )
    terms: list[Json] = [
        {"name": name, "duration": {"amount": amount, "units": units}}
        for name, amount, units in named
        if amount is not None
    ]
    return terms or None


def _check_terminals_are_priced(load: Load, offering: ProductOffering) -> None:
    """Where the price depends on the terminal, every terminal that a customer may get has one: each that is offered.

    Where the product does not say which, that is every approved one.
    """
    listed = [load.session.get(ProductOfferingPrice, one.id) for one in offering.product_offering_price]
    uses = [use for one in listed if one is not None for use in one.prod_spec_char_value_use]
    priced = {str(one.value) for use in uses if use.name == TERMINAL_TYPE for one in use.allowed}
    if not priced:
        return
    ids = priced | {loaded_id("TerminalType", one) for one in priced}
    approved = load.session.exec(
        select(TerminalType).where(col(TerminalType.approved)).order_by(col(TerminalType.name))
    )
    product = offering.product_specification
    specification = load.session.get(ProductSpecification, product.id) if product is not None else None
    offered = specification.product_spec_characteristic if specification is not None else []
    values = [
        str(allowed.value)
        for one in offered
        if one.name == TERMINAL_TYPE
        for allowed in one.allowed
        if allowed.value is not None
    ]
    lacking = [one for one in values if one not in priced]
    if not values:
        lacking = [one.name for one in approved if one.id not in ids and one.name not in priced]
    if lacking:
        faults = [Fault("prices", f"terminal type {one!r} is offered without a price", "noPrice") for one in lacking]
        raise Refused.all(faults)


def period(load: Load, first: date | None, until: date | None) -> Json:
    if first is None and until is None:
        return None
    zone = operator_of(load.session).zone if load.has_operator else ZoneInfo("UTC")
    start, end = instant(first, zone), instant(until, zone)
    return given(
        startDateTime=instant_text(start) if start is not None else None,
        endDateTime=instant_text(end) if end is not None else None,
    )
