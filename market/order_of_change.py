"""Orders that change or end what a customer has: which product, what of it, from when on.

The item names the product of the inventory. `modify` gives the characteristics that change, the rest stays; `delete`
ends it, on the day that `requestedCompletionDate` asks for and notice allows, and tells what early termination costs.
One change at a time: what another order adds, changes or ends is left alone. Words: TMF622, TMF637.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.values import Characteristic, Reference, instant_text, reference
from satcom.enterprise.party import operator_of
from satcom.market.booking import booked_for
from satcom.market.catalog.product_offering import ProductOffering, offered_characteristics, service_sold
from satcom.market.inventory import Product, ProductStatus
from satcom.market.order_item import (
    ACKNOWLEDGED,
    CHARACTERISTICS,
    ITEM,
    MODIFY,
    FaultsFound,
    OrderedProduct,
    OrderItem,
    account_of,
    derived_faults,
    offering_of,
    told_here,
    where_written,
)
from satcom.market.solution_price import ChargePrice, one_time_total
from satcom.market.termination import earliest_end, early_termination
from satcom.service.demand import demand_of
from satcom.service.qualification import check_demand

FIXED: Final = frozenset({"latitudeDeg", "longitudeDeg", "altitudeM", "country", "band", "satellite"})
PRODUCT: Final = f"{ITEM}/product/id"


@dataclass(frozen=True)
class Changed:
    """An order of change as it is accepted. `ends_at`: of a product that is ended."""

    item: OrderItem
    account: Reference
    product: Product
    ends_at: datetime | None = None


def check_change(
    session: Session, item: OrderItem, order_account: Reference | None, party_id: str, ends_at: datetime | None
) -> Changed:
    """The item as it is accepted: with the product's offering, and all of its characteristics.

    The product is locked until the transaction ends. Raises `Refused` or `RuleRefused` with every fault.
    """
    found = FaultsFound(derived_faults(item))
    if item.item_term:
        why = "a change leaves the term of the product as it is"
        found.faults.append(Fault(f"{ITEM}/itemTerm", why, "notOffered", "nothing"))
    with found.gathering():
        product = _product_of(session, item, party_id)
        account = _same_account(session, item.billing_account or order_account, product)
        _same_offering(item, product)
        if item.action == MODIFY:
            changed = Changed(_modified(session, item, product), account, product)
        else:
            changed = _ended(session, item, product, account, ends_at)
    found.refuse()
    return changed


def _product_of(session: Session, item: OrderItem, party_id: str) -> Product:
    """The product, in use and of this customer; what belongs to others does not exist."""
    wanted = item.product.id if item.product is not None else None
    if wanted is None:
        why = f"to {item.action} is to name what is there"
        raise Refused(PRODUCT, why, "missing", "the id of a product of the customer")
    try:
        product = find_for_update(session, Product, wanted)
    except NotFound:
        product = None
    if product is None or product.party_id != party_id:
        why = f"the customer has no product {wanted[:80]!r}"
        raise Refused(PRODUCT, why, "notFound", "the id of a product of the customer")
    check_changeable(session, product)
    return product


def check_changeable(session: Session, product: Product) -> None:
    """Raises `RuleRefused` on a product that is not in use, ends by itself, or that no order has delivered."""
    if product.status is not ProductStatus.ACTIVE:
        why = f"product {product.name!r} is {product.status}"
        raise RuleRefused(PRODUCT, why, "notInUse", ProductStatus.ACTIVE.value)
    if booked_for(product.product_characteristic) is not None:
        until = f" on {told_here(session, product.termination_date)}" if product.termination_date is not None else ""
        why = f"product {product.name!r} is booked and ends by itself{until}"
        raise RuleRefused(PRODUCT, why, "booked", "another booking, for the time after it")
    if product.order_id is None:
        why = f"product {product.name!r} was taken over: how the network carries it is not on record"
        raise RuleRefused(PRODUCT, why, "takenOver", "a product that was delivered by an order")


def _same_account(session: Session, wanted: Reference | None, product: Product) -> Reference:
    """What is sold on one account is not moved to another by a change."""
    if wanted is not None and wanted.id != product.billing_account.id:
        why = "the product is charged to another account"
        raise RuleRefused("/billingAccount/id", why, "severalAccounts", product.billing_account.id)
    return account_of(session, product.billing_account.id, product.party_id or "", "/billingAccount/id")


def _same_offering(item: OrderItem, product: Product) -> None:
    named = item.product_offering
    if named is not None and named.id != product.product_offering.id:
        why = f"the product was sold under {product.product_offering.name!r}"
        raise RuleRefused(f"{ITEM}/productOffering/id", why, "otherOffering", product.product_offering.id)


def _modified(session: Session, item: OrderItem, product: Product) -> OrderItem:
    given = item.characteristics
    if not given:
        raise Refused(CHARACTERISTICS, "nothing is to change", "missing", "the characteristics that change")
    offering = offering_of(session, product.product_offering.id, f"{ITEM}/productOffering/id")
    # by name, so that a fault is told where the customer wrote it
    names = {one.name for one in given}
    merged = [*given, *(one for one in product.product_characteristic if one.name not in names)]
    complete = offered_characteristics(session, offering, merged, CHARACTERISTICS)
    complete = [one for one in complete if one.value is not None]
    different = differing(product.product_characteristic, complete)
    fixed = [one for one in different if one in FIXED]
    if fixed:
        place = next((index for index, one in enumerate(given) if one.name == fixed[0]), 0)
        why = f"a change leaves {fixed[0]} as it is; a move, or another satellite, is a new product"
        raise RuleRefused(f"{CHARACTERISTICS}/{place}", why, "fixed", f"all but {', '.join(sorted(FIXED))}")
    if not different:
        why = f"product {product.name!r} is as asked already"
        raise RuleRefused(CHARACTERISTICS, why, "nothingChanges", "a characteristic with another value")
    _check_together(session, offering, complete, given)
    return _accepted(item, product, complete)


def _check_together(
    session: Session, offering: ProductOffering, complete: Sequence[Characteristic], given: Sequence[Characteristic]
) -> None:
    """Raises `Refused` on what is no demand together, as more committed than there is at most."""
    demand = demand_of(session, service_sold(session, offering), complete, now(), None, CHARACTERISTICS)
    try:
        check_demand(demand)
    except Refused as refused:
        raise where_written(refused, given, CHARACTERISTICS) from refused


@dataclass(frozen=True)
class Ending:
    """When a product ends and what that costs, nothing without a charge."""

    end: datetime
    charge: ChargePrice | None


def ending_of(session: Session, product: Product, ends_at: datetime | None = None) -> Ending:
    """What notice that is given now brings: the end on `ends_at`, by default on the first day that it allows.

    Raises `RuleRefused` on a day that the notice period does not allow.
    """
    asked_at = now()
    earliest = earliest_end(product.product_term, asked_at)
    if ends_at is not None and ends_at < earliest and earliest > asked_at:
        why = f"notice that is given now takes effect on {told_here(session, earliest)}"
        accepted = f"{told_here(session, earliest)} or later, or nothing"
        raise RuleRefused("/requestedCompletionDate", why, "noticePeriod", accepted)
    end = max(ends_at or earliest, asked_at)
    rate = operator_of(session).tax_rate_percent
    return Ending(end, early_termination(product.product_term, product.product_price, end, rate))


def told_ending(session: Session, product: Product) -> str:
    """When notice that is given now would end a product, and what that costs."""
    ending = ending_of(session, product)
    end, charge = ending.end, ending.charge
    cost = "costs nothing" if charge is None else f"costs {charge.price.duty_free_amount} ({charge.description})"
    return f"an order with the action delete of product {product.id} ends it on {instant_text(end)} and {cost}"


def differing(before: Sequence[Characteristic], after: Sequence[Characteristic]) -> list[str]:
    """The names of the characteristics that change."""
    old, new = ({one.name: one.value for one in side if one.value is not None} for side in (before, after))
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _accepted(item: OrderItem, product: Product, characteristics: list[Characteristic]) -> OrderItem:
    named = product.product_offering
    ordered = (item.product or OrderedProduct()).model_copy(update={"product_characteristic": characteristics})
    return item.model_copy(
        update={
            "state": ACKNOWLEDGED,
            "product": ordered,
            "product_offering": reference(named.id, "ProductOffering", named.href, named.name),
        }
    )


def _ended(
    session: Session, item: OrderItem, product: Product, account: Reference, ends_at: datetime | None
) -> Changed:
    """The order tells the last day and the charge."""
    ending, rate = ending_of(session, product, ends_at), operator_of(session).tax_rate_percent
    charge = ending.charge
    accepted_item = _accepted(item, product, list(product.product_characteristic))
    charges = [charge] if charge is not None else []
    totals = [one_time_total(charge.price.duty_free_amount, rate)] if charge is not None else []
    accepted_item = accepted_item.model_copy(update={"item_price": charges, "item_total_price": totals})
    return Changed(accepted_item, account, product, ending.end)
