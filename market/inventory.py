"""Product inventory: what each customer has, since when, on which account, at which price.

A product comes from an order and is handed over by its flow; nobody writes it by hand but who brings in the products
an operator sold before, under the same checks. Its price is the one it was sold at. Words: TMF637 (whose state
'aborted ' is not used: what was undone before it was active is cancelled).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime
from sqlalchemy import type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.database import find_for_update
from satcom.core.entity import INSTANT, Entity, JsonOf, change, id_type, state_type, tmf
from satcom.core.errors import RuleRefused
from satcom.core.events import on
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import MIGRATION, Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Reference, RelatedParty, Value, reference
from satcom.market.account.account import AccountToBeClosed, AccountToBeDeleted
from satcom.market.catalog.offering_term import Term, begun
from satcom.market.catalog.product_offering import offered_characteristics
from satcom.market.order_item import FaultsFound, account_of, customer_among, offering_of
from satcom.market.solution_price import ChargePrice

CORRECTABLE = ("description", "isCustomerVisible", "name", "place", "productSerialNumber")


class ProductStatus(StrEnum):
    """TMF637 `ProductStatusType`."""

    CREATED = "created"
    PENDING_ACTIVE = "pendingActive"
    CANCELLED = "cancelled"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_TERMINATE = "pendingTerminate"
    TERMINATED = "terminated"


LOADABLE = frozenset({ProductStatus.ACTIVE, ProductStatus.SUSPENDED})
GONE = frozenset({ProductStatus.CANCELLED, ProductStatus.TERMINATED})


class OrderedBy(Value):
    """TMF637 `RelatedProductOrderItem`: the order that the product comes from."""

    product_order_id: str
    product_order_href: str | None = None
    order_item_id: str
    order_item_action: str | None = None


class Product(Entity, table=True):
    """One product that one customer has."""

    __tablename__ = "product"

    api: ClassVar = tmf("TMF637", "Product", Capability.READ_ORDERS)
    state_field: ClassVar[str] = "status"
    private: ClassVar[frozenset[str]] = frozenset({"order_id"})
    life_cycle: ClassVar = LifeCycle[ProductStatus](
        ProductStatus,
        ("created", "pendingActive", "a service realises it"),
        ("created", "cancelled", "the order was undone"),
        ("pendingActive", "active", "its service passed the test and was handed over"),
        ("pendingActive", "cancelled", "the order was undone"),
        ("active", "suspended", "customer or collection paused it"),
        ("suspended", "active", "it is taken up again"),
        ("active", "pendingTerminate", "notice was given"),
        ("suspended", "pendingTerminate", "notice was given"),
        ("pendingTerminate", "active", "the notice was withdrawn"),
        ("pendingTerminate", "terminated", "it ended"),
        ("active", "terminated", "it was taken back"),
        ("suspended", "terminated", "it ended"),
    )

    name: str = Field(min_length=1, max_length=300)
    status: ProductStatus = Field(default=ProductStatus.CREATED, sa_type=state_type(ProductStatus))
    is_bundle: bool = False
    order_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    start_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    termination_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    billing_account: Reference = Field(sa_type=JsonOf(Reference))
    product_offering: Reference = Field(sa_type=JsonOf(Reference))
    product_characteristic: list[Characteristic] = Field(default_factory=list, sa_type=JsonOf(list[Characteristic]))
    product_price: list[ChargePrice] = Field(default_factory=list, sa_type=JsonOf(list[ChargePrice]))
    product_term: list[Term] = Field(default_factory=list, sa_type=JsonOf(list[Term]))
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    product_order_item: list[OrderedBy] = Field(default_factory=list, sa_type=JsonOf(list[OrderedBy]))
    realizing_service: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    order_id: str | None = Field(default=None, foreign_key="product_order.id", unique=True, sa_type=id_type())


# Commands of the flow. Each may be repeated.


def product_of_order(session: Session, order_id: str) -> Product | None:
    """The product that the order added."""
    return session.exec(select(Product).where(Product.order_id == order_id)).first()


def hand_over(session: Session, product_id: str, at: datetime, booked_until: datetime | None = None) -> Product:
    """The customer has the product from `at` on, and as long as it is booked."""
    product = find_for_update(session, Product, product_id)
    move(product, ProductStatus.ACTIVE)
    if product.start_date is None:
        product.start_date, product.termination_date = at, booked_until
        product.product_term = begun(product.product_term, at)
    session.flush()
    return product


def note_notice(session: Session, product_id: str, end: datetime) -> Product:
    """The customer has given notice: the product ends at `end`."""
    product = find_for_update(session, Product, product_id)
    move(product, ProductStatus.PENDING_TERMINATE)
    product.termination_date = end
    session.flush()
    return product


def withdraw_notice(session: Session, product_id: str) -> Product:
    """Undo of `note_notice`: the product goes on. Nothing happens when no notice was given."""
    product = find_for_update(session, Product, product_id)
    if product.status is ProductStatus.PENDING_TERMINATE:
        move(product, ProductStatus.ACTIVE)
        product.termination_date = None
        session.flush()
    return product


def end_product(session: Session, product_id: str, at: datetime) -> Product:
    """The customer has the product no more from `at` on. Doing it again does nothing."""
    product = find_for_update(session, Product, product_id)
    if product.status is not ProductStatus.TERMINATED:
        move(product, ProductStatus.TERMINATED)
        product.termination_date = at
        session.flush()
    return product


def take_back(session: Session, order_id: str) -> Product | None:
    """Undo: the order's product ends, if there is one; cancelled when the customer never had it."""
    product = product_of_order(session, order_id)
    if product is None or product.status in GONE:
        return product
    if product.status in (ProductStatus.CREATED, ProductStatus.PENDING_ACTIVE):
        move(product, ProductStatus.CANCELLED)
    else:
        move(product, ProductStatus.TERMINATED)
    product.termination_date = now()
    session.flush()
    return product


# Commands of who brings existing products in


def load_product(session: Session, product: Product, by: Principal) -> Product:
    """Bring in a product that was sold before, with its price and its start. Marked in the change log.

    Raises `Refused` or `RuleRefused` with every fault.
    """
    found = FaultsFound()
    if product.status not in LOADABLE:
        with found.gathering():
            why = f"only products in use are loaded, not {product.status}"
            raise RuleRefused("/status", why, "notLoadable", ", ".join(sorted(LOADABLE)))
    with found.gathering():
        _check_past(product)
    with found.gathering():
        product.related_party, customer = customer_among(session, product.related_party, by)
        product.party_id = customer.engaged_party.id
        product.billing_account = account_of(
            session, product.billing_account.id, product.party_id, "/billingAccount/id"
        )
    with found.gathering():
        offering = offering_of(session, product.product_offering.id, "/productOffering/id")
        product.product_offering = reference(offering.id, "ProductOffering", offering.href, offering.name)
        product.product_characteristic = offered_characteristics(session, offering, product.product_characteristic)
    found.refuse()
    session.info["mark"] = MIGRATION
    session.add(product)
    session.flush()
    return product


def _check_past(product: Product) -> None:
    """What was sold has a price and began in the past."""
    if not product.product_price:
        raise RuleRefused("/productPrice", "what was sold has a price", "missing", "one price or more")
    if any(one.price.duty_free_amount.value < Decimal(0) for one in product.product_price):
        raise RuleRefused("/productPrice", "a price is not negative", "outOfRange", "0 or more")
    if product.start_date is None or product.start_date > now():
        raise RuleRefused("/startDate", "what is in use began in the past", "missing", "a past date")
    if product.termination_date is not None:
        raise RuleRefused("/terminationDate", "what is in use has not ended", "derived", "nothing")


def correct_product(session: Session, product: Product, patch: dict[str, Json], by: Principal) -> Product:
    """Correct what describes a product; what was sold, to whom and at which price stays."""
    fixed = sorted(set(patch) - set(CORRECTABLE) - {"status"})
    if fixed:
        why = "it is what was sold; it changes by orders only"
        raise RuleRefused(f"/{fixed[0]}", why, "fixed", ", ".join(CORRECTABLE))
    change(product, patch)
    session.info["mark"] = MIGRATION
    session.flush()
    return product


@on(AccountToBeClosed)
def keep_accounts_of_products(session: Session, event: AccountToBeClosed) -> None:
    """An account that a product is charged to stays open."""
    account = type_coerce(col(Product.billing_account), JSONB)
    query = select(Product).where(account.contains({"id": event.account_id}), col(Product.status).not_in(GONE))
    product = session.exec(query).first()
    if product is not None:
        raise RuleRefused("/state", f"product {product.name!r} ({product.id}) is charged to it", "inUse")


@on(AccountToBeDeleted)
def keep_accounts_of_what_was_sold(session: Session, event: AccountToBeDeleted) -> None:
    """An account that a product was ever charged to stays."""
    account = type_coerce(col(Product.billing_account), JSONB)
    product = session.exec(select(Product).where(account.contains({"id": event.account_id}))).first()
    if product is not None:
        why = f"product {product.name!r} ({product.id}) names it"
        raise RuleRefused("id", why, "inUse", "close the account instead")


routes = TmfRoutes(Product)
routes.post(load_product, may=Capability.MIGRATE)
routes.patch(correct_product, may=Capability.MIGRATE)
