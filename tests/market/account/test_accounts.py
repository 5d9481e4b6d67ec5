"""Accounts name what finance keeps, and what is on them follows from bills and deliveries."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import Entity, from_body, new_id, wire
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, Money
from satcom.enterprise.party import Organization
from satcom.market.account.balance import (
    tell_billing_balances,
    tell_financial_balances,
    tell_party_balances,
    tell_settlement_balances,
)
from satcom.market.account.bill_presentation import BillFormat, drop_presentation, offer_bill_format
from satcom.market.account.billing_account import (
    BillingAccount,
    drop_billing_account,
    patch_billing_account,
)
from satcom.market.account.billing_cycle import (
    BillingCycleSpecification,
    drop_billing_cycle,
    patch_billing_cycle,
    specify_billing_cycle,
)
from satcom.market.account.financial_account import (
    FinancialAccount,
    drop_financial_account,
    open_financial_account,
    patch_financial_account,
)
from satcom.market.account.party_account import (
    PartyAccount,
    drop_party_account,
    open_party_account,
    patch_party_account,
)
from satcom.market.account.settlement_account import (
    SettlementAccount,
    drop_settlement_account,
    open_settlement_account,
    patch_settlement_account,
)
from satcom.market.billing import first_bill
from satcom.supplychain.drivers.port import CapacityAsked, CapacityOffer
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState
from tests.enterprise.an_operator import an_operator, an_organization
from tests.market.a_customer import a_customer, an_account, named
from tests.market.a_market import a_market
from tests.market.a_product import a_product
from tests.supplychain.a_partnership import a_partnership

STRUCTURE = "/billStructure"
TELLING = (tell_billing_balances, tell_financial_balances, tell_party_balances)


def a_cycle(session: Session, **more: Json) -> BillingCycleSpecification:
    body: dict[str, Json] = {"name": f"Monthly {new_id()}", "billingDateShift": 14, "paymentDueDateOffset": 45}
    return specify_billing_cycle(session, from_body(BillingCycleSpecification, body | more), WORKER)


def a_format(session: Session, name: str = "PDF") -> BillFormat:
    return offer_bill_format(session, from_body(BillFormat, {"name": name}), WORKER)


def by_reference(entity: Entity) -> Json:
    return {"isRef": True, "id": entity.id, "name": "as finance calls it"}


def a_financial_account(session: Session, *parties: Json) -> FinancialAccount:
    body: Json = {"name": "Receivables", "relatedParty": list(parties)}
    return open_financial_account(session, from_body(FinancialAccount, body), WORKER)


def a_party_account(session: Session, party: Organization, **more: Json) -> PartyAccount:
    body: dict[str, Json] = {"name": "All of it", "relatedParty": [named(party)]}
    return open_party_account(session, from_body(PartyAccount, body | more), WORKER)


def a_settlement_account(session: Session, party: Organization, **more: Json) -> SettlementAccount:
    body: dict[str, Json] = {"name": "What we owe", "relatedParty": [named(party)]}
    return open_settlement_account(session, from_body(SettlementAccount, body | more), WORKER)


def test_an_account_is_billed_by_the_cycle_that_it_names(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        customer, cycle, layout = a_customer(session), a_cycle(session), a_format(session)
        party: dict[str, Json] = {"id": customer.engaged_party.id, "name": "Mine", "@referredType": "Organization"}
        structure: Json = {"cycleSpecification": by_reference(cycle), "format": by_reference(layout)}
        account = an_account(session, party, billStructure=structure)
        assert (account.bill_day, account.due_days) == (15, 45)
        assert account.bill_structure is not None
        assert account.bill_structure.format is not None
        assert account.bill_structure.format.name == "PDF"

        with pytest.raises(RuleRefused, match="names it") as refused:
            patch_billing_cycle(session, cycle, {"billingDateShift": 0}, WORKER)
        assert refused.value.faults[0].field == "/billingDateShift"
        patch_billing_cycle(session, cycle, {"description": "for mines"}, WORKER)
        with pytest.raises(RuleRefused, match="names it"):
            drop_billing_cycle(session, cycle, WORKER)
        with pytest.raises(RuleRefused, match="names it"):
            drop_presentation(session, layout, WORKER)
        patch_billing_account(session, account, {"billStructure": None}, WORKER)
        session.flush()
        assert (account.bill_day, account.due_days) == (1, 30)
        drop_billing_cycle(session, cycle, WORKER)
        drop_presentation(session, layout, WORKER)


def test_an_account_names_only_what_is_there_and_valid(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        over: Json = {"endDateTime": (now() - timedelta(days=1)).isoformat()}
        past, layout = a_cycle(session, validFor=over), a_format(session)
        party = named(an_organization(session))
        a_customer(session, session.get_one(Organization, party["id"]))
        cases: list[tuple[str, Json, str]] = [
            ("cycleSpecification", by_reference(layout), f"{STRUCTURE}/cycleSpecification/id"),
            ("cycleSpecification", by_reference(past), f"{STRUCTURE}/cycleSpecification/id"),
            ("format", {"isRef": False, "name": "by hand"}, f"{STRUCTURE}/format/id"),
            ("presentationMedia", [by_reference(layout)], f"{STRUCTURE}/presentationMedia/0/id"),
        ]
        for part, named_term, field in cases:
            with pytest.raises(Refused) as refused:
                an_account(session, party, billStructure={part: named_term})
            assert refused.value.faults[0].field == field
        with pytest.raises(Refused, match="no financial account"):
            an_account(session, party, financialAccount={"id": new_id()})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"frequency": "weekly"}, "/frequency"),
        ({"billingPeriod": "quarter"}, "/billingPeriod"),
        ({"mailingDateOffset": 3}, "/mailingDateOffset"),
        ({"billingDateShift": 28}, "/billingDateShift"),
    ],
)
def test_a_cycle_by_which_no_bill_is_made_is_not_offered(
    database: Database, wrong: dict[str, Json], field: str
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(Refused) as refused:
            a_cycle(session, **wrong)
        assert refused.value.faults[0].field == field
        a_cycle(session, name="Monthly")
        with pytest.raises(WrongState, match="already"):
            a_cycle(session, name="Monthly")


def balance(told: dict[str, Json]) -> list[tuple[Json, Json]]:
    listed = told["accountBalance"]
    assert isinstance(listed, list)
    return [(one["balanceType"], one["amount"]) for one in listed if isinstance(one, dict)]


def test_what_is_on_an_account_follows_from_its_bills_and_is_written_by_nobody(database: Database) -> None:
    with database.as_worker() as session:
        market = a_market(session)
        party = session.get_one(Organization, market.party)
        carrying, whole = a_financial_account(session), a_party_account(session, party)
        account = session.get_one(BillingAccount, market.account)
        patch_billing_account(session, account, {"financialAccount": {"id": carrying.id}}, WORKER)
        told = [wire(one) for one in (account, carrying, whole)]
        for tell, body in zip(TELLING, told, strict=True):
            tell(session, [body])
            assert body["accountBalance"] == []
        bill = first_bill(session, a_product(session, market).id)
        for tell, body in zip(TELLING, told, strict=True):
            tell(session, [body])
            assert balance(body) == [("receivable", bill.remaining_amount.wire())]
        with pytest.raises(Refused) as refused:
            from_body(BillingAccount, {"name": "x", "relatedParty": [named(party)], "accountBalance": []})
        assert refused.value.faults[0].field == "/accountBalance"

        with pytest.raises(RuleRefused, match="billing account"):
            patch_financial_account(session, carrying, {"state": "Closed"}, WORKER)
        with pytest.raises(RuleRefused, match="it carries"):
            drop_financial_account(session, carrying, WORKER)
        with pytest.raises(RuleRefused, match="billing account"):
            drop_party_account(session, whole, WORKER)
        with pytest.raises(RuleRefused, match="accounts are open"):
            patch_party_account(session, whole, {"state": "Closed"}, WORKER)
        with pytest.raises(RuleRefused, match=r"bill|order|product"):
            drop_billing_account(session, account, WORKER)


def test_an_account_that_was_never_used_is_forgotten(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        party = an_organization(session)
        a_customer(session, party)
        carrying, whole = a_financial_account(session), a_party_account(session, party)
        account = an_account(session, named(party), financialAccount={"id": carrying.id})
        drop_billing_account(session, account, WORKER)
        session.flush()
        drop_financial_account(session, carrying, WORKER)
        drop_party_account(session, whole, WORKER)


def test_a_party_has_one_account_and_a_financial_account_of_a_party_carries_no_other_s(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        ours, theirs = an_organization(session, "Ours"), an_organization(session, "Theirs")
        a_customer(session, ours)
        a_party_account(session, ours)
        with pytest.raises(RuleRefused, match="has the account"):
            a_party_account(session, ours)
        carrying = a_financial_account(session, named(theirs))
        with pytest.raises(RuleRefused, match="only"):
            an_account(session, named(ours), financialAccount={"id": carrying.id})
        with pytest.raises(RuleRefused, match="keeps its party"):
            patch_financial_account(session, carrying, {"relatedParty": [named(ours)]}, WORKER)


def test_a_partner_is_owed_what_it_has_delivered(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partnership = a_partnership(session, "https://partner.example")
        partner = session.get_one(Organization, partnership.organization_id)
        with pytest.raises(RuleRefused, match="is no partner"):
            a_settlement_account(session, an_organization(session, "Nobody"))
        carrying = a_financial_account(session)
        account = a_settlement_account(session, partner, financialAccount={"id": carrying.id})
        told = wire(account)
        tell_settlement_balances(session, [told])
        assert told["accountBalance"] == []

        monthly, once = (Money(unit="USD", value=Decimal(value)) for value in (3000, 500))
        start = now().replace(day=1) - timedelta(days=70)
        asked = CapacityAsked(
            downlink_rate_bps=1,
            uplink_rate_bps=1,
            availability_percent=99,
            latitude_deg=0,
            longitude_deg=0,
            start_at=start,
        )
        offer = CapacityOffer(offer_id="1", offering_id="1", offering_name="Link", monthly=monthly, one_time=once)
        under = partnership.partner[0].agreement[0].id
        capacity = PartnerCapacity(
            order_id=new_id(),
            partnership_id=partnership.id,
            agreement_id=under,
            partner_name="Oceanis",
            state=PartnerCapacityState.DELIVERED,
            asked=asked,
            offer=offer,
            monthly_cost=monthly,
            one_time_cost=once,
            delivered_at=start,
        )
        session.add(capacity)
        session.flush()
        books = wire(carrying)
        tell_settlement_balances(session, [told])
        tell_financial_balances(session, [books])
        [(kind, amount)] = balance(told)
        assert balance(books) == [(kind, amount)]
        assert kind == "payable"
        assert isinstance(amount, dict)
        assert isinstance(amount["value"], float)
        assert 500 + 2 * 3000 < amount["value"] < 500 + 4 * 3000  # 70 to 101 days
        with pytest.raises(RuleRefused, match="is delivered"):
            patch_settlement_account(session, account, {"state": "Closed"}, WORKER)
        with pytest.raises(RuleRefused, match="was leased"):
            drop_settlement_account(session, account, WORKER)
        with pytest.raises(RuleRefused, match="settlement account"):
            drop_financial_account(session, carrying, WORKER)
