"""Product offering qualification: what can be sold to a place, at which price, and why not otherwise.

The network says what is feasible (`service.qualification`), partners where it says that nothing is; here each solution
is priced by the list and ranked by what the customer pays in all: over the term it asks for, or over a year. The
cheapest is the answer, the others are alternates. Nothing is reserved, so an answer holds for a while and is asked
again by the order. Words: TMF679.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime
from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type, tmf
from satcom.core.errors import Refused, RuleRefused
from satcom.core.life_cycle import LifeCycle, move
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Characteristic, Json, Money, Note, RelatedParty, reference
from satcom.enterprise.party import operator_of
from satcom.market.catalog.product_offering import ProductOffering, list_prices
from satcom.market.order_item import ADD, FaultsFound, parties_named, where_written
from satcom.market.partner_margin import over
from satcom.market.partner_offers import PartnerProposal, answers_for, partner_proposals, questions_for_partners
from satcom.market.pricing import PricedOffer
from satcom.market.qualification_item import (
    ITEMS,
    Alternate,
    QualificationItem,
    QualifiedProduct,
    Question,
    Unavailability,
    questions_asked,
)
from satcom.market.solution_price import BAND, TERMINAL_TYPE, charge_prices, price_by_list, terminal_name
from satcom.service.constellation_solution import ConstellationSolution
from satcom.service.evidence import qualify_on_record
from satcom.service.qualification import ends_of_life, terminal_supply
from satcom.service.solution import AccessSolution, AnyLoser, LeaseSolution, Qualification, Solution
from satcom.service.way import LostWay, PathPart
from satcom.supplychain.partner_search import PartnerAnswer
from satcom.supplychain.procurement import Supply

MOST_ALTERNATES = 10
VALID_FOR = timedelta(days=14)
NO_PRICE = "noPrice"
ILLUSTRATIVE = "rests on illustrative payload data"


class QualificationState(StrEnum):
    """TMF679 `TaskStateType`. Answers come at once."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    DONE = "done"
    TERMINATED_WITH_ERROR = "terminatedWithError"


class Result(StrEnum):
    """TMF679 `qualificationResult`."""

    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"


class ProductOfferingQualification(Entity, table=True):
    """A question and its answer. It belongs to whoever it was asked for."""

    __tablename__ = "product_offering_qualification"

    api: ClassVar = tmf("TMF679", "ProductOfferingQualification", Capability.QUALIFY)
    life_cycle: ClassVar = LifeCycle[QualificationState](
        QualificationState,
        ("acknowledged", "inProgress", "it takes a while"),
        ("acknowledged", "done", "answered at once"),
        ("inProgress", "done", "answered"),
        ("inProgress", "terminatedWithError", "it could not be answered"),
    )

    state: QualificationState = Field(default=QualificationState.ACKNOWLEDGED, sa_type=state_type(QualificationState))
    product_offering_qualification_date: AwareDatetime = Field(default_factory=now, sa_type=INSTANT)
    effective_qualification_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    expiration_date: AwareDatetime | None = Field(default=None, sa_type=INSTANT)
    qualification_result: Result | None = Field(default=None, sa_type=state_type(Result))
    provide_alternative: bool = True
    provide_only_available: bool = False
    provide_unavailability_reason: bool = True
    related_party: list[RelatedParty] = Field(default_factory=list, sa_type=JsonOf(list[RelatedParty]))
    product_offering_qualification_item: list[QualificationItem] = Field(
        default_factory=list, sa_type=JsonOf(list[QualificationItem])
    )


@dataclass(frozen=True)
class Proposal:
    """A feasible solution with its price; `total` is what the customer pays in the months compared.

    `terminal` is what the price list calls its terminal: that is how it is ordered.
    """

    solution: Solution
    terminal: str | None
    priced: PricedOffer
    months: int
    total: Money


# Rules


def total_over(priced: PricedOffer, months: int) -> Money:
    """What the customer pays in `months`, before tax."""
    return over(priced.one_time, priced.per_month, months)


def rank(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Cheapest first; among equals in the order of the network, which takes least of it first."""
    return sorted(proposals, key=lambda one: one.total.value)


def unavailabilities(losers: Sequence[AnyLoser]) -> list[Unavailability]:
    """Each loser with its reason, said once; of a satellite that serves otherwise, what of the path does not."""
    said = dict.fromkeys((str(one.reason), _label(one)) for one in losers)
    return [Unavailability(code=code, label=label) for code, label in said]


def _label(one: AnyLoser) -> str:
    if isinstance(one, LostWay) and one.part is not PathPart.BAND:
        return f"{one.satellite_name}, {one.part_name}: {one.text}"
    return f"{one.subject}: {one.text}"


# Commands


def qualify_offering(
    session: Session, asked: ProductOfferingQualification, by: Principal
) -> ProductOfferingQualification:
    """Answer which of the items can be delivered, how, and at which price.

    Raises `Refused` or `RuleRefused` with every fault, each under the pointer of its field.
    """
    found = FaultsFound()
    with found.gathering():
        asked.related_party, customer = parties_named(session, asked.related_party, by)
        asker = operator_of(session).party_id if customer is None else asked.related_party[customer].id
        asked.party_id = asker
    questions = questions_asked(session, asked.product_offering_qualification_item, found)
    found.refuse()
    answers = []
    for index, question in enumerate(questions):
        with found.gathering():
            answers.append(_answer(session, asked, question, index, by))
    found.refuse()
    qualified = [one for one in answers if one.qualification_item_result == Result.QUALIFIED]
    asked.product_offering_qualification_item = qualified if asked.provide_only_available else answers
    asked.qualification_result = Result.QUALIFIED if len(qualified) == len(answers) else Result.UNQUALIFIED
    asked.product_offering_qualification_date = asked.effective_qualification_date = now()
    asked.expiration_date = now() + VALID_FOR
    move(asked, QualificationState.DONE)
    session.add(asked)
    session.flush()
    return asked


def ask_partners_first(
    session: Session, asked: ProductOfferingQualification, by: Principal
) -> Callable[[], dict[int, tuple[PartnerAnswer, ...]]]:
    """What partners are to be asked before the answer is made. What is wrong with the question, the answer refuses."""
    items = asked.product_offering_qualification_item
    found = FaultsFound()
    questions = questions_asked(session, items, found)
    return questions_for_partners(
        session, [] if found.faults else [(index, one.demand) for index, one in enumerate(questions)]
    )


def priced_solutions(
    session: Session, offering: ProductOffering, solutions: Sequence[Solution], months: int, at: datetime
) -> tuple[list[Proposal], list[Unavailability]]:
    """The solutions that have a price, cheapest for the customer first; and those that have none, with the reason."""
    prices = list_prices(session, offering)
    proposals, unpriced = [], []
    for solution in solutions:
        try:
            priced = price_by_list(prices, solution, at)
        except RuleRefused as refused:
            why = f"{solution.space_segment_name}, {_with(solution)}: {refused.faults[0].why}"
            unpriced.append(Unavailability(code=NO_PRICE, label=why))
        else:
            terminal = None if isinstance(solution, LeaseSolution) else terminal_name(solution, prices)
            proposals.append(Proposal(solution, terminal, priced, months, total_over(priced, months)))
    return rank(proposals), unpriced


def _answer(
    session: Session, asked: ProductOfferingQualification, question: Question, index: int, by: Principal
) -> QualificationItem:
    found = _feasible(session, question, asked.party_id, index)
    ranked, unpriced = priced_solutions(session, question.offering, found.solutions, question.months, now())
    partners, setbacks = partner_proposals(session, question.offering, found, question.months, now())
    told = dict.fromkeys((one.code, one.told_to(by)) for one in setbacks)
    reasons = unavailabilities([*found.losers, *found.lost_ways]) + unpriced
    reasons += [Unavailability(code=code, label=label) for code, label in told]
    named = reference(question.offering.id, "ProductOffering", question.offering.href, question.offering.name)
    rate = operator_of(session).tax_rate_percent
    supplies, ends = terminal_supply(session, found.solutions), ends_of_life(session, question.demand, found.solutions)
    products = [
        _product(question, one, rate, _supply_of(one.solution, supplies), ends.get(one.solution.space_segment_id))
        for one in ranked
    ]
    products += [_by_partner(question, one, rate) for one in partners]
    dates = [_activation(question, _supply_of(one.solution, supplies)) for one in ranked]
    dates += [max(one.solution.offer.activation_at or now(), question.demand.start_at) for one in partners]
    plain = (question.item.product or QualifiedProduct()).model_copy(
        update={"product_characteristic": question.characteristics}
    )
    alternates = [
        Alternate(
            id=str(number),
            alternate_activation_date=date,
            alternate_product_offering=named,
            alternate_product=product,
        )
        for number, (product, date) in enumerate(list(zip(products, dates, strict=True))[1 : 1 + MOST_ALTERNATES], 1)
    ]
    notes = _notes(found, max(len(products) - 1 - MOST_ALTERNATES, 0) if asked.provide_alternative else 0)
    return question.item.model_copy(
        update={
            "action": ADD,
            "state": QualificationState.DONE.value,
            "product_offering": named,
            "product": products[0] if products else plain,
            "qualification_item_result": (Result.QUALIFIED if products else Result.UNQUALIFIED).value,
            "expected_activation_date": dates[0] if dates else None,
            "alternate_product_offering_proposal": alternates if asked.provide_alternative else [],
            "eligibility_unavailability_reason": reasons if asked.provide_unavailability_reason else [],
            "note": question.item.note + notes,
        }
    )


def _supply_of(solution: Solution, supplies: Mapping[str, Supply]) -> Supply | None:
    return None if isinstance(solution, LeaseSolution) else supplies[solution.terminal_type_id]


def _activation(question: Question, supply: Supply | None) -> datetime | None:
    """When the product can be in service: not before its terminal is there; `None` when nobody sells the terminal."""
    if supply is None:  # it needs no terminal
        return question.demand.start_at
    there = supply.expected(now())
    return None if there is None else max(there, question.demand.start_at)


def _notes(found: Qualification, untold: int) -> list[Note]:
    """Which ways are not told, and why; the evidence comes last."""
    texts = {}
    if found.left_out:
        why = "each takes as much capacity as one that is told, of the same band with the same terminal, or more"
        texts["leftOut"] = f"{found.left_out} more ways are left out: {why}"
    if untold:
        texts["notTold"] = f"{untold} dearer alternates are not told: the {MOST_ALTERNATES} cheapest are"
    if found.lost_left_out:
        texts["lostLeftOut"] = f"{found.lost_left_out} more parts of paths that cannot serve came less far: not told"
    if found.evidence_id:
        texts["evidence"] = f"evidence {found.evidence_id}"
    return [Note.model_validate({"id": name, "text": text}) for name, text in texts.items()]


def _feasible(session: Session, question: Question, party_id: str | None, index: int) -> Qualification:
    """What network and partners can do, with the evidence kept. A refusal is named where the customer wrote it."""
    at = f"{ITEMS}/{index}"
    try:
        return qualify_on_record(session, question.demand, party_id, partners=answers_for(session, index))
    except Refused as refused:
        given = (question.item.product or QualifiedProduct()).product_characteristic
        dates = {"startAt": f"{at}/product/startDate", "stopAt": f"{at}/product/productTerm"}
        raise where_written(refused, given, f"{at}/product/productCharacteristic", dates) from refused


def _with(solution: Solution) -> str:
    """What delivers it beside the satellite."""
    if isinstance(solution, LeaseSolution):
        return solution.transponder_name
    if isinstance(solution, ConstellationSolution):
        stations = [one.earth_station_name for one in solution.gateways]
        return f"{solution.terminal_type_name} by {', '.join(stations)}"
    by = f"{solution.terminal_type_name} by {solution.earth_station_name}, hub {solution.hub_name}"
    if isinstance(solution, AccessSolution):
        return f"{by}, pools {solution.forward_pool.pool_name} and {solution.return_pool.pool_name}"
    return by


def _product(
    question: Question, proposal: Proposal, tax_rate_percent: Decimal, supply: Supply | None, end_of_life: date | None
) -> QualifiedProduct:
    """The product as this solution delivers it, with its prices; `end_of_life` of what was asked for without end."""
    solution = proposal.solution
    chosen: dict[str, Json] = {BAND: solution.band}
    if proposal.terminal is not None:
        chosen[TERMINAL_TYPE] = proposal.terminal
    kept = [one for one in question.characteristics if one.name not in chosen]
    described = (
        f"{solution.space_segment_name} {solution.band}, {_with(solution)};"
        f" {solution.charged_bandwidth_hz / 1e6:.3f} MHz; {_costs(proposal)} before tax"
        + (f"; {supply.in_words(now())}" if supply is not None else "")
    )
    if end_of_life is not None:
        described += f"; until {end_of_life}, when the life of {solution.space_segment_name} ends"
    if solution.illustrative:
        described += f"; {ILLUSTRATIVE}"
    given = question.item.product or QualifiedProduct()
    return given.model_copy(
        update={
            "description": described,
            "product_characteristic": kept
            + [Characteristic(name=name, value=chosen[name]) for name in chosen if name in question.choices],
            "product_price": charge_prices(proposal.priced, tax_rate_percent),
        }
    )


def _costs(proposal: Proposal) -> str:
    """In words; what is booked costs once."""
    solution, priced = proposal.solution, proposal.priced
    if isinstance(solution, LeaseSolution) and solution.duration_minutes is not None:
        return f"{priced.one_time} for {solution.duration_minutes} minutes"
    return f"{priced.one_time} once and {priced.per_month} a month, {proposal.total} in {proposal.months} months"


def _by_partner(question: Question, proposal: PartnerProposal, tax_rate_percent: Decimal) -> QualifiedProduct:
    """The product as a partner delivers it, with our prices."""
    given = question.item.product or QualifiedProduct()
    described = (
        f"capacity of a partner, with its terminal; {proposal.priced.one_time} once and {proposal.priced.per_month}"
        f" a month, {proposal.total} in {proposal.months} months before tax"
    )
    return given.model_copy(
        update={
            "description": described,
            "product_characteristic": question.characteristics,
            "product_price": charge_prices(proposal.priced, tax_rate_percent),
        }
    )


routes = TmfRoutes(ProductOfferingQualification)
routes.post(qualify_offering, may=Capability.QUALIFY, asking=ask_partners_first)
