"""What a qualification is asked about, item by item, and what it answers.

An item is checked as one of an order is, and becomes a demand. Words: TMF679; the start that is asked for is the
product's `startDate`, the term its `productTerm`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field as ValueField
from sqlmodel import Session

from satcom.core.clock import months_later, now
from satcom.core.errors import Fault
from satcom.core.values import Characteristic, Instant, Note, Reference, Value
from satcom.market.booking import check_booking
from satcom.market.catalog.product_offering import (
    ProductOffering,
    offered_characteristics,
    sellable,
    service_sold,
    specification_of,
)
from satcom.market.order_item import (
    ADD,
    FaultsFound,
    OrderTerm,
    check_bound_long_enough,
    check_start,
    offering_of,
    term_faults,
    term_months,
)
from satcom.market.partner_margin import COMPARED_MONTHS
from satcom.market.solution_price import ChargePrice
from satcom.service.demand import Demand, demand_of

ITEMS = "/productOfferingQualificationItem"
MOST_ITEMS = 10


class Unavailability(Value):
    """TMF679 `EligibilityUnavailabilityReason`: a reason code, and the words with the number that decided."""

    code: str
    label: str


class QualifiedProduct(Value):
    """The product that is asked about or could be had; its prices and a description once it is qualified."""

    description: str | None = None
    start_date: Instant | None = None
    product_characteristic: list[Characteristic] = ValueField(default_factory=list)
    product_price: list[ChargePrice] = ValueField(default_factory=list)
    product_term: list[OrderTerm] = ValueField(default_factory=list)


class Alternate(Value):
    """TMF679 `AlternateProductOfferingProposal`: the same offering, delivered another way."""

    id: str
    alternate_activation_date: Instant | None = None
    alternate_product_offering: Reference
    alternate_product: QualifiedProduct


class QualificationItem(Value):
    """TMF679 `ProductOfferingQualificationItem`."""

    id: str = ValueField(min_length=1, max_length=100)
    action: str | None = None
    state: str | None = None
    qualification_item_result: str | None = None
    product_offering: Reference | None = None
    product: QualifiedProduct | None = None
    eligibility_unavailability_reason: list[Unavailability] = ValueField(default_factory=list)
    alternate_product_offering_proposal: list[Alternate] = ValueField(default_factory=list)
    expected_activation_date: Instant | None = None
    note: list[Note] = ValueField(default_factory=list)


@dataclass(frozen=True)
class Question:
    """One item, checked: what is asked for, of which offering. `choices` are the characteristics the product has."""

    item: QualificationItem
    offering: ProductOffering
    characteristics: list[Characteristic]
    choices: frozenset[str]
    demand: Demand
    months: int


def questions_asked(session: Session, items: Sequence[QualificationItem], found: FaultsFound) -> list[Question]:
    """The items, checked; what is wrong goes to `found`."""
    if not 1 <= len(items) <= MOST_ITEMS:
        why = f"{len(items)} items are asked about"
        found.faults.append(Fault(ITEMS, why, "cardinality", f"1 to {MOST_ITEMS}"))
        found.words_wrong = True
        return []
    questions = []
    for index, item in enumerate(items):
        with found.gathering():
            questions.append(_question(session, item, f"{ITEMS}/{index}"))
    return questions


def _question(session: Session, item: QualificationItem, at: str) -> Question:
    product = item.product or QualifiedProduct()
    found = FaultsFound(term_faults(product.product_term, f"{at}/product/productTerm"))
    if item.action not in (None, ADD):
        why = f"this release delivers new products only, it does not take {item.action!r}"
        found.faults.append(Fault(f"{at}/action", why, "notOffered", ADD))
    start = product.start_date or now()
    with found.gathering():
        check_start(session, start, f"{at}/product/startDate")
    if item.product_offering is None:
        found.faults.append(Fault(f"{at}/productOffering", "the item names no offering", "missing"))
        found.words_wrong = True
    else:
        with found.gathering():
            offering = offering_of(session, item.product_offering.id, f"{at}/productOffering/id")
            sellable(offering, now(), f"{at}/productOffering/id")
            check_bound_long_enough(offering, term_months(product.product_term), f"{at}/product/productTerm/0")
            listed = f"{at}/product/productCharacteristic"
            complete = offered_characteristics(session, offering, product.product_characteristic, listed)
            months = term_months(product.product_term)
            check_booking(complete, start, months, f"{at}/product/startDate", f"{at}/product/productTerm")
    found.refuse()
    sold, stop = service_sold(session, offering), months_later(start, months) if months else None
    demand = demand_of(session, sold, complete, start, stop, listed)
    choices = frozenset(one.name for one in specification_of(session, offering).product_spec_characteristic)
    return Question(item, offering, complete, choices, demand, months or COMPARED_MONTHS)
