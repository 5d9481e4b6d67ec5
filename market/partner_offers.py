"""Partners' offers in a product offering qualification: asked beforehand, priced by our list, judged by the margin.

What a partner charges, and which partner it is, is told to nobody outside the house: a customer sees our price, and
that no partner of ours can serve him.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlmodel import Session

from satcom.core.errors import RuleRefused
from satcom.core.security import OUTSIDE, Principal
from satcom.core.tmf_api import ASKED
from satcom.core.values import Money
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.partner_margin import margin_kept, over
from satcom.market.pricing import PricedOffer
from satcom.market.solution_price import price_change, price_solution
from satcom.service.demand import Demand, LeaseDemand
from satcom.service.qualification import asked_of_partners, partners_not_asked, partners_to_ask, qualify
from satcom.service.solution import PartnerSolution, Qualification
from satcom.supplychain.drivers.port import CapacityAsked
from satcom.supplychain.partner_search import PartnerAnswer, ask_partners
from satcom.supplychain.partnership import CapacityPartner

NOT_TOLD: Final = "no partner of ours can serve the site within our terms"
NO_BARE_SPECTRUM: Final = "noBareSpectrum"
SITES_ONLY: Final = "partners serve sites, no bare spectrum is bought of them"


@dataclass(frozen=True)
class PartnerProposal:
    """A partner's offer at our price; `total` is what the customer pays in the months compared."""

    solution: PartnerSolution
    priced: PricedOffer
    months: int
    total: Money
    margin_percent: Decimal

    @property
    def cost(self) -> Money:
        return over(self.solution.offer.one_time, self.solution.offer.monthly, self.months)


@dataclass(frozen=True)
class PartnerSetback:
    """Why a partner's offer is not made."""

    code: str
    partner_name: str
    why: str
    told: str = NOT_TOLD

    def told_to(self, by: Principal) -> str:
        return self.told if by.roles & OUTSIDE else f"{self.partner_name}: {self.why}"


Answers = dict[int, tuple[PartnerAnswer, ...]]  # by the index of the item
_Question = tuple[int, CapacityAsked, tuple[CapacityPartner, ...]]


def questions_for_partners(session: Session, demands: Sequence[tuple[int, Demand]]) -> Callable[[], Answers]:
    """What to ask of partners: for each item that no way of our own can serve. Nobody else is asked."""
    questions: list[_Question] = []
    for index, demand in demands:
        partners = partners_to_ask(session, demand)
        if partners and not isinstance(demand, LeaseDemand) and not qualify(session, demand).solutions:
            questions.append((index, asked_of_partners(demand), partners))

    def ask() -> Answers:
        return {index: ask_partners(partners, asked) for index, asked, partners in questions}

    return ask


def answers_for(session: Session, index: int) -> tuple[PartnerAnswer, ...]:
    """What partners answered about an item."""
    answers: Answers = session.info.get(ASKED) or {}
    return answers.get(index, ())


def priced_by_partner(
    session: Session, offering: ProductOffering, before: PartnerSolution | None, after: PartnerSolution, at: datetime
) -> PricedOffer:
    """Our price for what a partner serves: anew, or as a change of what it served `before`."""
    if before is None:
        return price_solution(session, offering, after, at)
    return price_change(session, offering, before, after, at)


def partner_proposals(
    session: Session,
    offering: ProductOffering,
    found: Qualification,
    months: int,
    at: datetime,
    before: PartnerSolution | None = None,
) -> tuple[list[PartnerProposal], list[PartnerSetback]]:
    """The offers that can be made, cheapest for the customer first, and why the others cannot.

    Where what a partner serves is to change, it is `before` as it was.
    """
    proposals = []
    setbacks = [PartnerSetback(one.reason.value, one.partner_name, one.text) for one in found.partner_losers]
    if not found.solutions and partners_not_asked(session, found.demand):
        setbacks.append(PartnerSetback(NO_BARE_SPECTRUM, "any partner", SITES_ONLY, told=SITES_ONLY))
    for solution in found.partner_solutions:
        try:
            priced = priced_by_partner(session, offering, before, solution, at)
            margin = margin_kept(solution, priced, months)
        except RuleRefused as refused:
            first = refused.faults[0]
            setbacks.append(PartnerSetback(first.code, solution.partner_name, first.why))
        else:
            total = over(priced.one_time, priced.per_month, months)
            proposals.append(PartnerProposal(solution, priced, months, total, margin))
    return sorted(proposals, key=lambda one: one.total.value), setbacks
