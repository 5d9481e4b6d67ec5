"""Suppliers are organizations that we buy from, and stay as long as we do."""

import pytest

from satcom.core.database import Database, find
from satcom.core.entity import checked, new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.enterprise.party import Organization, delete_organization, patch_organization
from satcom.supplychain.partner import Supplier, correct_supplier, engage_supplier
from tests.enterprise.an_operator import an_operator, an_organization
from tests.supplychain.a_stock import a_supplier


def test_a_supplier_is_called_as_its_organization_and_belongs_to_the_operator(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        supplier = a_supplier(session, "Rift Valley")
        assert (supplier.name, supplier.party_id) == ("Rift Valley", operator.organization_id)


def test_every_wrong_code_of_a_supplier_is_named(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        values = {"organization_id": an_organization(session).id, "country": "XX", "currency": "XYZ"}
        with pytest.raises(Refused) as refused:
            engage_supplier(session, checked(Supplier, values), WORKER)
    assert {fault.field for fault in refused.value.faults} == {"/country", "/currency"}


def test_nobody_buys_from_who_does_not_exist_is_closed_or_is_a_supplier_already(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        closed, known = an_organization(session, "Closed"), a_supplier(session)
        patch_organization(session, closed, {"status": "closed"}, WORKER)
        codes = []
        for identifier in (new_id(), closed.id, known.organization_id):
            values = {"organization_id": identifier, "country": "ZA", "currency": "USD"}
            with pytest.raises(Refused) as refused:
                engage_supplier(session, checked(Supplier, values), WORKER)
            assert refused.value.faults[0].field == "/organizationId"
            codes.append(refused.value.faults[0].code)
    assert codes == ["notFound", "closed", "onlyOne"]


def test_an_organization_that_we_buy_from_is_neither_closed_nor_forgotten(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        ours = find(session, Organization, a_supplier(session).organization_id)
        with pytest.raises(RuleRefused, match="buy from it"):
            delete_organization(session, ours, WORKER)
        with pytest.raises(RuleRefused, match="buy from it"):
            patch_organization(session, ours, {"status": "closed"}, WORKER)


def test_a_supplier_is_corrected_but_stays_with_its_organization_and_its_name(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        supplier, other = a_supplier(session), an_organization(session, "Other")
        correct_supplier(session, supplier, {"currency": "ZAR", "name": "Somebody"}, WORKER)
        assert (supplier.currency, supplier.name) == ("ZAR", "Highveld Terminals")
        with pytest.raises(Refused, match="'XYZ' is no currency"), session.begin_nested():
            correct_supplier(session, supplier, {"currency": "XYZ"}, WORKER)
        with pytest.raises(RuleRefused, match="stays with its organization"), session.begin_nested():
            correct_supplier(session, supplier, {"organizationId": other.id}, WORKER)
