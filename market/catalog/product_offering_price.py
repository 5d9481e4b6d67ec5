"""Product offering prices: one charge each, once or monthly, for a period, perhaps only for some choices.

A price in use is never altered: what was quoted stays true. It is ended, and another follows it.
Words: TMF620. The arithmetic is `market.pricing`.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from sqlmodel import Field, Session, select

from satcom.core.characteristics import AllowedValue, Limit
from satcom.core.clock import now
from satcom.core.entity import JsonOf, state_type, tmf
from satcom.core.errors import Fault, RuleRefused
from satcom.core.events import announce, on
from satcom.core.security import Capability, Principal
from satcom.core.values import Json, Money, TimePeriod, Value
from satcom.enterprise.catalog_entry import IN_USE, CatalogEntry, catalog_routes, revise
from satcom.enterprise.party import CurrencyToBeChanged, currency_fixed
from satcom.market.catalog.offering_term import MONTH
from satcom.market.pricing import ListPrice, PriceType, PriceUnit


class UnitOfMeasure(Value):
    """TMF620 `Quantity`: a price is for `amount` of `units`."""

    amount: Limit = Field(default=Decimal(1), gt=0)
    units: PriceUnit = PriceUnit.EACH


class CharacteristicValueUse(Value):
    """TMF620 `ProductSpecificationCharacteristicValueUse`: the values of a characteristic that this is for."""

    name: str = Field(min_length=1)
    allowed: list[AllowedValue] = Field(default_factory=list, alias="productSpecCharacteristicValue")


class ProductOfferingPrice(CatalogEntry, table=True):
    """One charge. In draft it may be incomplete; in use it has a type, an amount and a unit."""

    __tablename__ = "product_offering_price"

    api: ClassVar = tmf("TMF620", "ProductOfferingPrice", Capability.READ_CATALOG)
    fixed: ClassVar[frozenset[str]] = frozenset(
        {
            "name",
            "price",
            "priceType",
            "unitOfMeasure",
            "prodSpecCharValueUse",
            "recurringChargePeriodType",
            "recurringChargePeriodLength",
        }
    )

    is_bundle: bool = False
    price_type: PriceType | None = Field(default=None, sa_type=state_type(PriceType))
    price: Money | None = Field(default=None, sa_type=JsonOf(Money))
    unit_of_measure: UnitOfMeasure | None = Field(default=None, sa_type=JsonOf(UnitOfMeasure))
    recurring_charge_period_type: str | None = None
    recurring_charge_period_length: int | None = None
    prod_spec_char_value_use: list[CharacteristicValueUse] = Field(
        default_factory=list, sa_type=JsonOf(list[CharacteristicValueUse])
    )

    def faults(self, session: Session) -> list[Fault]:
        faults = []
        if self.price is not None and self.price.value < 0:
            faults.append(Fault("/price/value", "a price is not negative", "outOfRange", "0 or more"))
        monthly = self.recurring_charge_period_type, self.recurring_charge_period_length
        if self.price_type is PriceType.ONE_TIME and monthly != (None, None):
            faults.append(Fault("/recurringChargePeriodType", "a one-time price has no period", "invalid", "nothing"))
        if monthly[0] not in (None, MONTH):
            why = f"no period {monthly[0][:40]!r}"
            faults.append(Fault("/recurringChargePeriodType", why, "notInEnumeration", MONTH))
        if monthly[1] not in (None, 1):
            faults.append(Fault("/recurringChargePeriodLength", "prices are by the single month", "outOfRange", "1"))
        for index, use in enumerate(self.prod_spec_char_value_use):
            if not use.allowed or any(one.value is None for one in use.allowed):
                at = f"/prodSpecCharValueUse/{index}/productSpecCharacteristicValue"
                faults.append(Fault(at, f"no value of {use.name} is named", "missing", "one or more single values"))
        return faults + (_incomplete(self) if self.lifecycle_status in IN_USE else [])


@dataclass(frozen=True)
class PriceRevised:
    """A price has changed; whoever lists it refuses when its list is no longer sound."""

    price_id: str


def list_price(entry: ProductOfferingPrice) -> ListPrice | None:
    """The price for reckoning; `None` while it is incomplete."""
    if entry.price is None or entry.price_type is None:
        return None
    measure = entry.unit_of_measure or UnitOfMeasure()
    only_for = {use.name: tuple(one.value for one in use.allowed) for use in entry.prod_spec_char_value_use}
    return ListPrice(
        entry.id, entry.name, entry.price_type, entry.price, measure.units, measure.amount, entry.valid_for, only_for
    )


def patch_price(
    session: Session, entry: ProductOfferingPrice, patch: dict[str, Json], by: Principal
) -> ProductOfferingPrice:
    """Change a draft, or end a price in use: its period may be cut short from now on, not moved."""
    before, was_in_use = entry.valid_for or TimePeriod(), entry.lifecycle_status in IN_USE
    revise(session, entry, patch, by)
    after = entry.valid_for or TimePeriod()
    if was_in_use and before.start_date_time != after.start_date_time:
        raise RuleRefused("/validFor/startDateTime", "the price is in use", "fixed", "another price that starts then")
    if was_in_use and before.end_date_time != after.end_date_time:
        moment = now()
        ended = before.end_date_time is not None and before.end_date_time <= moment
        if ended or (after.end_date_time is not None and after.end_date_time < moment):
            raise RuleRefused("/validFor/endDateTime", "what was priced in the past stays", "past", "a later end")
    announce(session, PriceRevised(entry.id))
    return entry


def _incomplete(entry: ProductOfferingPrice) -> list[Fault]:
    faults = []
    if entry.price is None:
        faults.append(Fault("/price", "a price in use has an amount", "missing"))
    if entry.price_type is None:
        faults.append(Fault("/priceType", "a price in use has a type", "missing", ", ".join(PriceType)))
    if entry.price_type is PriceType.RECURRING and entry.recurring_charge_period_type is None:
        faults.append(Fault("/recurringChargePeriodType", "a recurring price has a period", "missing", MONTH))
    return faults


@on(CurrencyToBeChanged)
def keep_prices_currency(session: Session, event: CurrencyToBeChanged) -> None:
    """What is offered is offered in the currency in which it is billed."""
    if session.exec(select(ProductOfferingPrice.id).limit(1)).first() is not None:
        raise currency_fixed("prices", event.before)


product_offering_price_routes = catalog_routes(ProductOfferingPrice, revising=patch_price)
