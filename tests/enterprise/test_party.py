"""Parties and the operator."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, select

from satcom.core.access import create_token
from satcom.core.database import Database, find
from satcom.core.entity import from_body
from satcom.core.errors import NotFound, Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.enterprise.catalog_entry import enter
from satcom.enterprise.party import (
    PARENT_FIELD,
    Organization,
    create_organization,
    delete_organization,
    operator_of,
    parent_of,
    patch_individual,
    patch_organization,
    set_up_operator,
)
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from tests.enterprise.an_operator import an_individual, an_operator, an_organization
from tests.market.a_market import PRICES


def refusal(refused: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    fault = refused.value.faults[0]
    return fault.field, fault.code


def below(parent: Organization) -> dict[str, object]:
    return {"organizationParentRelationship": {"organization": {"id": parent.id}}}


def token_for(session: Session, party: Organization) -> str:
    return create_token(session, party.trading_name, ["customer"], party.id, timedelta(days=1))[1]


def test_there_is_one_operator(database: Database) -> None:
    with database.as_worker() as session:
        with pytest.raises(RuleRefused, match="no operator"):
            operator_of(session)
        operator = an_operator(session)
        with pytest.raises(RuleRefused) as refused:
            set_up_operator(session, an_organization(session), "USD", "UTC", Decimal(0), WORKER)
        assert refusal(refused) == ("/id", "onlyOne")
        assert operator_of(session).id == operator.id


def test_the_operator_keeps_its_currency_once_it_has_prices_and_may_change_its_tax_rate(database: Database) -> None:
    with database.as_worker() as session:
        ours = find(session, Organization, an_operator(session).organization_id)
        assert set_up_operator(session, ours, "KES", "Africa/Nairobi", Decimal(16), WORKER).currency == "KES"
        set_up_operator(session, ours, "USD", "Africa/Nairobi", Decimal(16), WORKER)
        enter(session, from_body(ProductOfferingPrice, PRICES[0]), WORKER)
        set_up_operator(session, ours, "USD", "Africa/Nairobi", Decimal("18.5"), WORKER)
        assert operator_of(session).tax_rate_percent == Decimal("18.5")
        with pytest.raises(RuleRefused) as refused:
            set_up_operator(session, ours, "KES", "Africa/Nairobi", Decimal(16), WORKER)
        assert refusal(refused) == ("/currency", "fixed")


def test_every_wrong_setting_of_the_operator_is_named(database: Database) -> None:
    with database.as_worker() as session, pytest.raises(Refused) as refused:
        set_up_operator(session, an_organization(session), "XYZ", "Mars/Olympus", Decimal("NaN"), WORKER)
    assert {fault.field for fault in refused.value.faults} == {"/currency", "/timeZone", "/taxRatePercent"}


def test_the_operator_carries_the_name_of_its_organization(database: Database) -> None:
    with database.as_worker() as session:
        ours = find(session, Organization, an_operator(session).organization_id)
        patch_organization(session, ours, {"tradingName": "Meridian Two"}, WORKER)
        assert operator_of(session).name == "Meridian Two"


def test_the_operator_is_neither_closed_nor_deleted(database: Database) -> None:
    with database.as_worker() as session:
        ours = find(session, Organization, an_operator(session).organization_id)
        with pytest.raises(RuleRefused, match="operator"):
            delete_organization(session, ours, WORKER)
        with pytest.raises(RuleRefused, match="operator"):
            patch_organization(session, ours, {"status": "closed"}, WORKER)


def test_a_parent_sees_its_children_and_they_do_not_see_it(database: Database) -> None:
    with database.as_worker() as session:
        reseller = an_organization(session, "Reseller")
        customer = an_organization(session, "Customer", below=reseller)
        stranger = an_organization(session, "Stranger")
        tokens = [token_for(session, one) for one in (reseller, customer, stranger)]
    seen = []
    for token in tokens:
        with database.request(token) as (session, _):
            seen.append({one.trading_name for one in session.exec(select(Organization))})
    assert seen == [{"Reseller", "Customer"}, {"Customer"}, {"Stranger"}]


def test_who_leaves_its_parent_is_seen_by_it_no_more(database: Database) -> None:
    with database.as_worker() as session:
        reseller = an_organization(session, "Reseller")
        customer = an_organization(session, "Customer", below=reseller)
        token = token_for(session, reseller)
        patch_organization(session, customer, {"organizationParentRelationship": None}, WORKER)
        assert parent_of(session, customer.id) is None
    with database.request(token) as (session, _), pytest.raises(NotFound):
        find(session, Organization, customer.id)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_nobody_stands_above_itself(database: Database, depth: int) -> None:
    with database.as_worker() as session:
        chain = [an_organization(session, "top")]
        for _ in range(depth):
            chain.append(an_organization(session, "lower", below=chain[-1]))
        with pytest.raises(RuleRefused) as refused:
            patch_organization(session, chain[0], below(chain[-1]), WORKER)  # type: ignore[arg-type]
        assert refusal(refused) == (PARENT_FIELD, "ring")


def test_a_parent_exists_and_children_are_not_claimed(database: Database) -> None:
    with database.as_worker() as session:
        orphan = {"tradingName": "A", "organizationParentRelationship": {"organization": {"id": "nobody"}}}
        with pytest.raises(Refused) as refused:
            create_organization(session, from_body(Organization, orphan), WORKER)  # type: ignore[arg-type]
        assert refusal(refused) == (PARENT_FIELD, "notFound")
        claim = {"tradingName": "A", "organizationChildRelationship": [{"organization": {"id": "x"}}]}
        with pytest.raises(Refused) as refused:
            create_organization(session, from_body(Organization, claim), WORKER)  # type: ignore[arg-type]
        assert refusal(refused) == ("/organizationChildRelationship", "derived")


def test_a_parent_is_deleted_after_its_children(database: Database) -> None:
    with database.as_worker() as session:
        parent = an_organization(session, "Parent")
        child = an_organization(session, "Child", below=parent)
        with pytest.raises(RuleRefused) as refused:
            delete_organization(session, parent, WORKER)
        assert refusal(refused) == ("id", "hasChildren")
        delete_organization(session, child, WORKER)
        session.flush()
        delete_organization(session, parent, WORKER)


def test_a_party_lives_forward_only(database: Database) -> None:
    with database.as_worker() as session:
        company, person = an_organization(session), an_individual(session)
        patch_organization(session, company, {"status": "validated"}, WORKER)
        with pytest.raises(WrongState):
            patch_organization(session, company, {"status": "initialized"}, WORKER)
        patch_individual(session, person, {"status": "deceaded"}, WORKER)
        with pytest.raises(WrongState):
            patch_individual(session, person, {"status": "validated"}, WORKER)
        with pytest.raises(Refused) as refused:
            patch_organization(session, company, {"status": "asleep"}, WORKER)
        assert refusal(refused) == ("/status", "notInEnumeration")
        with pytest.raises(Refused, match="nothing begins as"):
            create_organization(session, from_body(Organization, {"tradingName": "A", "status": "closed"}), WORKER)
