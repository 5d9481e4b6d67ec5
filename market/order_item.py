"""What an order may ask for: who orders, what is added, on which account, when.

Every fault is found at once and named by its pointer. The parties, the account and the offering must be there for the
one who asks: what belongs to others does not exist. Words: TMF622.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import Field
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import find
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.security import CUSTOMER_ROLE, OUTSIDE, Principal
from satcom.core.values import Characteristic, Reference, RelatedParty, Value, reference
from satcom.enterprise.party import Party, find_party, operator_of, party_reference
from satcom.market.account.billing_account import BillingAccount, charged_account
from satcom.market.catalog.offering_term import MINIMUM_TERM, MONTH, Duration, months_of, term_called
from satcom.market.catalog.product_offering import (
    ProductOffering,
    list_prices,
    offered_characteristics,
    sellable,
    service_sold,
)
from satcom.market.customer import Customer, ordering_customer
from satcom.market.solution_price import ChargePrice
from satcom.service.demand import demand_of
from satcom.service.qualification import refuse_hopeless_place

ITEM = "/productOrderItem/0"
CHARACTERISTICS = f"{ITEM}/product/productCharacteristic"
ADD, MODIFY, DELETE = "add", "modify", "delete"
ACTIONS = (ADD, MODIFY, DELETE)
ACKNOWLEDGED = "acknowledged"
LATEST = timedelta(days=15 * 366)
LONGEST_TERM_MONTHS = 180


class OrderedProduct(Value):
    """The product as it is asked for; its `id` once it is delivered."""

    id: str | None = None
    product_characteristic: list[Characteristic] = Field(default_factory=list)


class OrderTerm(Value):
    """For how long the customer binds itself."""

    name: str | None = None
    description: str | None = None
    duration: Duration | None = None


class OrderItem(Value):
    """TMF622 `ProductOrderItem`."""

    id: str = Field(min_length=1, max_length=100)
    action: str
    state: str | None = None
    quantity: int | None = None
    product_offering: Reference | None = None
    product: OrderedProduct | None = None
    billing_account: Reference | None = None
    item_term: list[OrderTerm] = Field(default_factory=list)
    item_price: list[ChargePrice] = Field(default_factory=list)
    item_total_price: list[ChargePrice] = Field(default_factory=list)

    @property
    def offering_id(self) -> str:
        """Raises `Refused` while none is named."""
        if self.product_offering is None:
            raise Refused(f"{ITEM}/productOffering", "the item names no offering", "missing", "a product offering")
        return self.product_offering.id

    @property
    def characteristics(self) -> list[Characteristic]:
        return self.product.product_characteristic if self.product else []

    @property
    def term_months(self) -> int | None:
        """How many months the customer binds itself; `None` when it does not say."""
        return term_months(self.item_term)


@dataclass
class FaultsFound:
    """Gathers what several checks refuse, so that the caller hears of everything at once."""

    faults: list[Fault] = field(default_factory=list)
    words_wrong: bool = False

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Within, the first refusal ends the check but not those that follow."""
        try:
            yield
        except Refused as refused:
            self.faults += refused.faults
            self.words_wrong |= not isinstance(refused, RuleRefused)

    def refuse(self) -> None:
        """Raises `Refused` when the input is wrong, `RuleRefused` when only rules say no."""
        if self.faults:
            raise (Refused if self.words_wrong else RuleRefused).all(self.faults)


def parties_named(
    session: Session, parties: Sequence[RelatedParty], by: Principal
) -> tuple[list[RelatedParty], int | None]:
    """The related parties with name and link, and which of them is the customer, `None` when none is.

    A customer who names none acts for itself. A customer may be named by the id of its party or by its own (TMF629).
    Raises `Refused` with every fault.
    """
    given = list(parties)
    named = [index for index, one in enumerate(given) if (one.role or "").lower() == CUSTOMER_ROLE]
    if not named and by.party_id is not None and by.roles & OUTSIDE:
        named, given = [len(given)], [*given, RelatedParty(id=by.party_id, role=CUSTOMER_ROLE)]
    found = FaultsFound()
    if len(named) > 1:
        why = f"{len(named)} parties have the role {CUSTOMER_ROLE!r}"
        found.faults.append(Fault("/relatedParty", why, "severalCustomers", "one with that role"))
        found.words_wrong = True
    kept = []
    for index, one in enumerate(given):
        with found.gathering():
            kept.append(party_reference(_party_meant(session, one.id, f"/relatedParty/{index}/id"), one))
    found.refuse()
    return kept, named[0] if named else None


def _party_meant(session: Session, identifier: str, pointer: str) -> Party:
    """The party of this id, or that the customer of this id is. Raises `Refused` when there is neither, or are both."""
    try:
        customer = find(session, Customer, identifier)
    except NotFound:
        customer = None
    try:
        party = find_party(session, identifier, pointer)
    except Refused:
        if customer is not None:
            return find_party(session, customer.engaged_party.id, pointer)
        why = f"there is no party and no customer {identifier[:80]!r}"
        raise Refused(pointer, why, "notFound", "the id of an organization, an individual or a customer") from None
    if customer is not None and customer.engaged_party.id != party.id:
        why = f"{identifier[:80]!r} is both customer {customer.name!r} and another party"
        raise Refused(pointer, why, "ambiguous", f"the id of the customer's party: {customer.engaged_party.id}")
    return party


def customer_among(
    session: Session, parties: Sequence[RelatedParty], by: Principal
) -> tuple[list[RelatedParty], Customer]:
    """The related parties with name and link, and the customer among them.

    Raises `Refused`, or `RuleRefused` when the party may not order.
    """
    kept, index = parties_named(session, parties, by)
    if index is None:
        raise Refused("/relatedParty", f"no party has the role {CUSTOMER_ROLE!r}", "missing", "one with that role")
    return kept, ordering_customer(session, kept[index].id, f"/relatedParty/{index}/id")


def only_item(items: Sequence[OrderItem]) -> OrderItem:
    """The one item of an order. Raises `RuleRefused` when there are several."""
    if len(items) != 1:
        why = f"the order has {len(items)} items; this release takes one at a time"
        raise RuleRefused("/productOrderItem/1", why, "severalItems", "one order for each item")
    return items[0]


def check_item(
    session: Session, asked: OrderItem, order_account: Reference | None, party_id: str
) -> tuple[OrderItem, Reference]:
    """The item as it is accepted, complete, and the account it is charged to.

    Raises `Refused` or `RuleRefused` with every fault.
    """
    found, item = FaultsFound(_form_faults(asked)), asked
    with found.gathering():
        item = _offered(session, item)
        offering = find(session, ProductOffering, item.offering_id)
        _check_place(session, offering, item.characteristics, asked.characteristics)
    with found.gathering():
        account = _account(session, item.billing_account, order_account, party_id)
    found.refuse()
    check_currency(session, item.offering_id, account.id)
    return item.model_copy(update={"state": ACKNOWLEDGED}), account


def check_currency(session: Session, offering_id: str, account_id: str) -> None:
    """What is delivered has to be billed. Raises `RuleRefused` on an account in another currency than the prices."""
    account = find(session, BillingAccount, account_id)
    priced = {one.price.unit for one in list_prices(session, find(session, ProductOffering, offering_id))}
    if priced and account.currency not in priced:
        why = f"the account is in {account.currency}, the offering is priced in {', '.join(sorted(priced))}"
        raise RuleRefused("/billingAccount/id", why, "currency", "an account in the currency of the prices")


def check_dates(session: Session, start: datetime | None, completion: datetime | None) -> None:
    """Raises `RuleRefused` on dates that are past, out of order, or further off than any contract."""
    faults = _moment_faults(session, start, "/requestedStartDate") if start is not None else []
    faults += _completion_faults(session, start, completion)
    if faults:
        raise RuleRefused.all(faults)


def check_completion(session: Session, start: datetime | None, completion: datetime | None) -> None:
    """Raises `RuleRefused` on a completion that is past, before the start, or further off than any contract."""
    faults = _completion_faults(session, start, completion)
    if faults:
        raise RuleRefused.all(faults)


def check_start(session: Session, start: datetime, pointer: str) -> None:
    """Raises `RuleRefused` on `pointer` when nothing can start then."""
    faults = _moment_faults(session, start, pointer)
    if faults:
        raise RuleRefused.all(faults)


def _completion_faults(session: Session, start: datetime | None, completion: datetime | None) -> list[Fault]:
    if completion is None:
        return []
    faults = _moment_faults(session, completion, "/requestedCompletionDate")
    if start is not None and completion < start:
        why = f"it is before the start {told_here(session, start)}"
        faults.append(Fault("/requestedCompletionDate", why, "endBeforeStart", "the start or later"))
    return faults


def _moment_faults(session: Session, moment: datetime, pointer: str) -> list[Fault]:
    earliest, latest = now() - timedelta(days=1), now() + LATEST
    if earliest <= moment <= latest:
        return []
    what = "is over" if moment < earliest else "is further off than any contract"
    accepted = f"{told_here(session, earliest)} to {told_here(session, latest)}"
    return [Fault(pointer, f"{told_here(session, moment)} {what}", "outOfRange", accepted)]


def told_here(session: Session, moment: datetime) -> str:
    """An instant as people who do business with the operator read it: in his time zone, with its offset."""
    try:
        here = moment.astimezone(operator_of(session).zone)
    except OverflowError:  # the first and the last day of the calendar
        here = moment
    return here.isoformat(sep=" ", timespec="minutes")


def _offered(session: Session, item: OrderItem) -> OrderItem:
    """The item with its offering's name and complete characteristics."""
    offering = offering_of(session, item.offering_id, f"{ITEM}/productOffering/id")
    sellable(offering, now(), f"{ITEM}/productOffering/id")
    complete = offered_characteristics(session, offering, item.characteristics, CHARACTERISTICS)
    check_bound_long_enough(offering, item.term_months, f"{ITEM}/itemTerm/0")
    product = (item.product or OrderedProduct()).model_copy(update={"product_characteristic": complete})
    named = reference(offering.id, "ProductOffering", offering.href, offering.name)
    return item.model_copy(update={"product": product, "product_offering": named})


def check_bound_long_enough(offering: ProductOffering, months: int | None, pointer: str) -> None:
    """Who says for how long he binds himself cannot say less than the offering asks. Raises `RuleRefused`."""
    least = term_called(offering.product_offering_term, MINIMUM_TERM)
    if least is not None and months is not None and months < months_of(least):
        why = f"{months} months are shorter than the minimum term of {offering.name}"
        raise RuleRefused(pointer, why, "tooShort", f"{months_of(least)} months or more, or nothing")


def _check_place(
    session: Session, offering: ProductOffering, complete: Sequence[Characteristic], given: Sequence[Characteristic]
) -> None:
    """What the flow could only refuse is refused at once. Raises `Refused` or `RuleRefused`."""
    # dates and term are checked for themselves
    demand = demand_of(session, service_sold(session, offering), complete, now(), None, CHARACTERISTICS)
    try:
        refuse_hopeless_place(session, demand)
    except Refused as refused:
        raise where_written(refused, given, CHARACTERISTICS) from refused


def where_written(
    refused: Refused, given: Sequence[Characteristic], listed: str, elsewhere: Mapping[str, str] | None = None
) -> Refused:
    """The refusal of a demand with its faults where the customer wrote them: in his list at `listed`, or elsewhere.

    What he did not write is named in words.
    """
    pointers = {one.name: f"{listed}/{index}" for index, one in enumerate(given)} | dict(elsewhere or {})
    faults = []
    for one in refused.faults:
        name = one.field.rsplit("/", 1)[-1]
        written = name in pointers or one.field == listed
        faults.append(replace(one, field=pointers.get(name, listed), why=one.why if written else f"{name}: {one.why}"))
    return (RuleRefused if isinstance(refused, RuleRefused) else Refused).all(faults)


def offering_of(session: Session, offering_id: str, pointer: str) -> ProductOffering:
    """The offering. Raises `Refused` on `pointer`."""
    try:
        return find(session, ProductOffering, offering_id)
    except NotFound as error:
        why = f"there is no product offering {offering_id[:80]!r}"
        raise Refused(pointer, why, "notFound", "the id of an offering of the catalogue") from error


def _account(session: Session, of_item: Reference | None, of_order: Reference | None, party_id: str) -> Reference:
    wanted, pointer = (of_item, f"{ITEM}/billingAccount/id") if of_item else (of_order, "/billingAccount/id")
    if wanted is None:
        raise Refused("/billingAccount", "the order names no billing account", "missing", "an account of the customer")
    if of_order is not None and of_order.id != wanted.id:
        why = "the item names another account than the order"
        raise RuleRefused(pointer, why, "severalAccounts", "one account for the order")
    return account_of(session, wanted.id, party_id, pointer)


def account_of(session: Session, account_id: str, party_id: str, pointer: str) -> Reference:
    """The account, which `party_id` may be charged on; it stays open until the transaction ends.

    Raises `Refused` or `RuleRefused` on `pointer`.
    """
    try:
        account = find(session, BillingAccount, account_id)
    except NotFound as error:
        why = f"there is no billing account {account_id[:80]!r}"
        raise Refused(pointer, why, "notFound", "the id of an account of the customer") from error
    # whoever closes the account waits, and finds what is charged to it; others that charge it do not wait
    session.refresh(account, with_for_update={"read": True})
    account = charged_account(session, account, party_id, pointer)
    return reference(account.id, "BillingAccount", account.href, account.name)


def _form_faults(item: OrderItem) -> list[Fault]:
    """What a new product does not take."""
    faults = derived_faults(item)
    if item.action not in ACTIONS:
        why = f"this release does not take {item.action[:40]!r}"
        faults.append(Fault(f"{ITEM}/action", why, "notOffered", ", ".join(ACTIONS)))
    if item.product is not None and item.product.id is not None:
        faults.append(Fault(f"{ITEM}/product/id", "a product that is added has no id yet", "derived", "nothing"))
    return faults + term_faults(item.item_term, f"{ITEM}/itemTerm")


def derived_faults(item: OrderItem) -> list[Fault]:
    """What no item takes in this release, and what the operator itself writes."""
    faults = []
    if item.quantity not in (None, 1):
        faults.append(Fault(f"{ITEM}/quantity", "each link is ordered by itself", "outOfRange", "1"))
    if item.state not in (None, ACKNOWLEDGED):
        faults.append(Fault(f"{ITEM}/state", "it follows from the delivery", "derived", ACKNOWLEDGED))
    extra = item.model_extra or {}
    if extra.get("productOrderItem"):
        why = "this release takes no items within items"
        faults.append(Fault(f"{ITEM}/productOrderItem", why, "notOffered", "nothing"))
    for name, prices in (("itemPrice", item.item_price), ("itemTotalPrice", item.item_total_price)):
        if prices:
            faults.append(Fault(f"{ITEM}/{name}", "the price follows from the catalogue", "derived", "nothing"))
    return faults


def term_months(terms: Sequence[OrderTerm]) -> int | None:
    """How many months the customer binds itself; `None` when it does not say."""
    durations = [one.duration for one in terms if one.duration is not None]
    return int(durations[0].amount) if durations and durations[0].amount is not None else None


def term_faults(terms: Sequence[OrderTerm], pointer: str) -> list[Fault]:
    """What is wrong with the terms listed at `pointer`."""
    faults = []
    if len(terms) > 1:
        faults.append(Fault(f"{pointer}/1", "an item has one term", "severalTerms", "one"))
    for index, term in enumerate(terms):
        duration = term.duration or Duration()
        amount, at = duration.amount, f"{pointer}/{index}/duration"
        whole = amount is not None and amount == amount.to_integral_value()
        if duration.units != MONTH:
            why = f"a term is in months, not {str(duration.units)[:40]!r}"
            faults.append(Fault(f"{at}/units", why, "invalid", MONTH))
        if amount is None or not whole or not 1 <= amount <= Decimal(LONGEST_TERM_MONTHS):
            why = "a term is a number of whole months"
            faults.append(Fault(f"{at}/amount", why, "outOfRange", f"1 to {LONGEST_TERM_MONTHS}"))
    return faults
