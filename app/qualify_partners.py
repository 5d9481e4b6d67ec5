"""Partners in `satcom qualify`: what they ask of us, what we ask of the customer for it, and why others cannot.

Shown to the operator's own people only: it says what capacity costs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlmodel import Session

from satcom.app.qualify_tables import print_table, table_titled
from satcom.app.qualify_terms import offerings_on_sale
from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.values import Json
from satcom.market.partner_margin import COMPARED_MONTHS
from satcom.market.partner_offers import PartnerProposal, PartnerSetback, partner_proposals
from satcom.service.demand import SiteDemand
from satcom.service.design.partnering import with_partners
from satcom.service.qualification import asked_of_partners, partners_to_ask
from satcom.service.solution import Qualification
from satcom.supplychain.partner_search import ask_partners


@dataclass(frozen=True)
class PartnerTerms:
    """The offers of partners that can be made to a customer by the list of `offering`, and why the others cannot."""

    offering: str | None = None
    proposals: tuple[PartnerProposal, ...] = ()
    setbacks: tuple[PartnerSetback, ...] = ()

    def wire(self) -> Json:
        """For a program."""
        return {
            "priceList": self.offering,
            "offers": [_wire(one) for one in self.proposals],
            "refused": [{"partner": one.partner_name, "code": one.code, "reason": one.why} for one in self.setbacks],
        }


def with_partners_asked(database: Database, answer: Qualification) -> Qualification:
    """The answer with what partners offer, who are asked where no way of our own is feasible."""
    if answer.solutions or not isinstance(answer.demand, SiteDemand):
        return answer
    with database.as_worker() as session:
        partners = partners_to_ask(session, answer.demand)
    return with_partners(answer, ask_partners(partners, asked_of_partners(answer.demand)))


def partner_terms_at(database: Database, answer: Qualification) -> PartnerTerms:
    """Priced by the list of the offering on sale by which most of the offers can be made."""
    if not (answer.partner_solutions or answer.partner_losers):
        return PartnerTerms()
    with database.as_worker() as session:
        found = list(_by_offering(session, answer))
    return max(found, key=lambda one: len(one.proposals), default=PartnerTerms())


def _by_offering(session: Session, answer: Qualification) -> Iterable[PartnerTerms]:
    for offering in offerings_on_sale(session, answer, []):
        proposals, setbacks = partner_proposals(session, offering, answer, COMPARED_MONTHS, now())
        yield PartnerTerms(offering.name, tuple(proposals), tuple(setbacks))


def show_partners(console: Console, terms: PartnerTerms) -> None:
    """Print the offers, cheapest for the customer first, and the reasons."""
    if terms.proposals:
        print_table(console, _offers(terms))
    if terms.setbacks:
        table = table_titled("Why partners cannot")
        table.add_column("partner", ratio=1)
        table.add_column("reason", no_wrap=True)
        for one in terms.setbacks:
            table.add_row(f"{escape(one.partner_name)}\n[dim]{escape(one.why)}[/dim]", f"[red]{one.code}[/red]")
        print_table(console, table)


def _offers(terms: PartnerTerms) -> Table:
    count = len(terms.proposals)
    table = table_titled(f"{'1 partner' if count == 1 else f'{count} partners'} can deliver it, cheapest first")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("partner\nwhat, in service from", overflow="fold")
    table.add_column("cost once\na month", justify="right", no_wrap=True)
    table.add_column("price once\na month", justify="right", no_wrap=True)
    table.add_column("margin\nleast", justify="right", no_wrap=True)
    table.caption = (
        f"In {terms.proposals[0].solution.offer.monthly.unit} before tax, by the list of {now():%Y-%m-%d}:"
        f" {escape(terms.offering or '')}. Margin over {COMPARED_MONTHS} months."
    )
    for rank, one in enumerate(terms.proposals, 1):
        offer, priced = one.solution.offer, one.priced
        there = f", {offer.activation_at:%Y-%m-%d}" if offer.activation_at else ""
        table.add_row(
            str(rank),
            f"{escape(one.solution.partner_name)}\n[dim]{escape(offer.offering_name)}{there}[/dim]",
            f"{offer.one_time.value:,.2f}\n{offer.monthly.value:,.2f}",
            f"{priced.one_time.value:,.2f}\n{priced.per_month.value:,.2f}",
            f"{one.margin_percent} %\n[dim]{one.solution.minimum_margin_percent.normalize():f} %[/dim]",
            style="bold" if rank == 1 else "",
        )
    return table


def _wire(one: PartnerProposal) -> dict[str, Json]:
    offer = one.solution.offer
    return {
        "partner": one.solution.partner_name,
        "offering": offer.offering_name,
        "cost": {"oneTime": offer.one_time.wire(), "perMonth": offer.monthly.wire()},
        "price": {"oneTime": one.priced.one_time.wire(), "perMonth": one.priced.per_month.wire()},
        "marginPercent": float(one.margin_percent),
        "minimumMarginPercent": float(one.solution.minimum_margin_percent),
        "expectedDate": offer.activation_at.date().isoformat() if offer.activation_at else None,
    }
