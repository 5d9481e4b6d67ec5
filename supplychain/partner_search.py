"""Asking partners what they could serve, all at once and for a short time only.

Nothing of it stands in a transaction: whoever asks reads whom to ask first, and uses the answers afterwards. An answer
is kept as it came, with the terms of the agreement it is judged by, so that what follows can be computed again.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from decimal import Decimal

from satcom.core.clock import now
from satcom.core.settings import settings
from satcom.core.values import Amount, Instant, Money, Value
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer, PartnerRefused, PartnerUnavailable
from satcom.supplychain.drivers.tmf_partner import partner_at, partner_token
from satcom.supplychain.partnership import CapacityPartner


class PartnerAnswer(Value):
    """What one partner said: an offer, a refusal in its own words, or nothing within the time."""

    partnership_id: str
    partner_name: str
    agreement_id: str
    ceiling_per_mbps: Money
    minimum_margin_percent: Amount
    asked: CapacityAsked
    at: Instant
    offer: CapacityOffer | None = None
    refusal: str | None = None
    unreachable: str | None = None


def connected(partners: Sequence[CapacityPartner]) -> tuple[CapacityPartner, ...]:
    """Those for whose API this installation has a token."""
    return tuple(one for one in partners if partner_token(one.api_url) is not None)


def ask_partners(
    partners: Sequence[CapacityPartner], asked: CapacityAsked, changes: str | None = None
) -> tuple[PartnerAnswer, ...]:
    """What each partner offers for the site, in the order of the partners. Who is late has not answered.

    `changes`: what was delivered for that order of the partner is to be so.
    """
    if not partners:
        return ()
    limit_s = settings().partner_limit_s
    pool = ThreadPoolExecutor(len(partners), thread_name_prefix="partner")
    asking = [pool.submit(_ask, one, asked, changes, limit_s) for one in partners]
    wait(asking, limit_s)
    pool.shutdown(wait=False, cancel_futures=True)
    return tuple(_answer(one, asked, future, limit_s) for one, future in zip(partners, asking, strict=True))


def _ask(partner: CapacityPartner, asked: CapacityAsked, changes: str | None, limit_s: float) -> CapacityOffer:
    with partner_at(partner.api_url, timeout_s=limit_s, attempts=1) as driver:
        return driver.search(asked, changes)


def _answer(
    partner: CapacityPartner, asked: CapacityAsked, future: "Future[CapacityOffer]", limit_s: float
) -> PartnerAnswer:
    told: dict[str, object] = {}
    if not future.done():
        told["unreachable"] = f"no answer in {limit_s:g} s"
    else:
        try:
            told["offer"] = future.result()
        except PartnerRefused as refused:
            told["refusal"] = str(refused)
        except PartnerUnavailable as away:
            told["unreachable"] = str(away)
    terms: dict[str, object] = {
        "partnership_id": partner.partnership_id,
        "partner_name": partner.name,
        "agreement_id": partner.terms.agreement_id,
        "ceiling_per_mbps": partner.terms.ceiling_per_mbps,
        "minimum_margin_percent": Decimal(partner.terms.minimum_margin_percent),
        "asked": asked,
        "at": now(),
    }
    return PartnerAnswer.model_validate(terms | told)
