"""Partners among the answers: which of their offers may be taken, and why the others may not. Pure.

A partner's price to us is judged by the ceiling of its agreement here; what we earn is the market's to judge.
"""

from collections.abc import Iterable
from decimal import Decimal

from satcom.core.values import Money
from satcom.service.solution import PartnerLoser, PartnerReason, PartnerSolution, Qualification
from satcom.supplychain.drivers.port import CapacityAsked
from satcom.supplychain.partner_search import PartnerAnswer


def with_partners(answer: Qualification, told: Iterable[PartnerAnswer]) -> Qualification:
    """The answer with what partners told: the cheapest for us first."""
    judged = [_judged(one) for one in told]
    ways = [one for one in judged if isinstance(one, PartnerSolution)]
    return answer.model_copy(
        update={
            "partner_solutions": tuple(sorted(ways, key=lambda one: one.offer.monthly.value)),
            "partner_losers": tuple(one for one in judged if isinstance(one, PartnerLoser)),
        }
    )


def above_ceiling(monthly: Money, asked: CapacityAsked, ceiling: Money) -> tuple[float, float] | None:
    """What a Mbit/s costs a month, and what it may cost, where that is less."""
    each = monthly.value / Decimal(str(asked.rate_mbps))
    return (round(float(each), 2), float(ceiling.value)) if each > ceiling.value else None


def _judged(told: PartnerAnswer) -> PartnerSolution | PartnerLoser:
    if told.offer is None:
        reason = PartnerReason.REFUSED if told.refusal is not None else PartnerReason.UNREACHABLE
        return _loser(told, reason, told.refusal or told.unreachable or "it said nothing")
    offer, ceiling = told.offer, told.ceiling_per_mbps
    if offer.monthly.unit != ceiling.unit or offer.one_time.unit != ceiling.unit:
        text = f"its price is in {offer.monthly.unit}, the agreement is in {ceiling.unit}"
        return _loser(told, PartnerReason.OTHER_CURRENCY, text)
    above = above_ceiling(offer.monthly, told.asked, ceiling)
    if above is not None:
        text = ceiling_text(told.asked, offer.monthly, above)
        unit = f"{ceiling.unit} a Mbit/s a month"
        return _loser(told, PartnerReason.ABOVE_CEILING, text, (above[0], above[1], unit))
    return PartnerSolution(
        partnership_id=told.partnership_id,
        partner_name=told.partner_name,
        agreement_id=told.agreement_id,
        minimum_margin_percent=told.minimum_margin_percent,
        ceiling_per_mbps=ceiling,
        asked=told.asked,
        offer=offer,
    )


def ceiling_text(asked: CapacityAsked, monthly: Money, above: tuple[float, float]) -> str:
    """The price against the ceiling, in words."""
    return (
        f"{monthly} a month for {asked.rate_mbps:g} Mbit/s are {above[0]:g} {monthly.unit} a Mbit/s;"
        f" the agreement allows {above[1]:g}"
    )


def _loser(
    told: PartnerAnswer, reason: PartnerReason, text: str, number: tuple[float, float, str] | None = None
) -> PartnerLoser:
    value, limit, unit = number or (None, None, None)
    return PartnerLoser(
        partnership_id=told.partnership_id,
        partner_name=told.partner_name,
        reason=reason,
        value=value,
        limit=limit,
        unit=unit,
        text=text,
    )
