"""An agreement binds parties that exist, and stays as it was signed."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.agreement import Agreement, AgreementStatus, conclude_agreement, patch_agreement
from satcom.enterprise.agreement_specification import (
    AgreementSpecification,
)
from satcom.enterprise.catalog_entry import enter, revise, withdraw
from satcom.enterprise.party import delete_organization, patch_organization
from tests.enterprise.an_operator import an_operator, an_organization
from tests.supplychain.a_partnership import agreement_body, an_agreement


def test_an_agreement_names_its_parties_and_belongs_to_the_operator(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        agreement = an_agreement(session, an_organization(session, "Oceanis"))
        assert agreement.party_id == operator.organization_id
        assert agreement.engaged_party[1].name == "Oceanis"
        assert agreement.in_force(now())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"engagedParty": []}, "/engagedParty"),
        ({"agreementItem": []}, "/agreementItem"),
        ({"status": "terminated"}, "/status"),
        (
            {"agreementPeriod": {"endDateTime": instant_text(now() - timedelta(days=1))}},
            "/agreementPeriod/endDateTime",
        ),
        (
            {"engagedParty": [{"id": "nobody", "name": "N", "@referredType": "Organization"}]},
            "/engagedParty/0/id",
        ),
    ],
)
def test_what_binds_nobody_is_refused_by_name(database: Database, wrong: dict[str, Json], field: str) -> None:
    with database.as_worker() as session:
        an_operator(session)
        body = agreement_body(session, an_organization(session, "Oceanis")) | wrong
        with pytest.raises(Refused) as refused:
            conclude_agreement(session, from_body(Agreement, body), WORKER)
    assert field in {fault.field for fault in refused.value.faults}


def test_a_closed_party_signs_nothing(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        closed = an_organization(session, "Closed")
        patch_organization(session, closed, {"status": "closed"}, WORKER)
        with pytest.raises(Refused, match="Closed is closed"):
            an_agreement(session, closed)


def test_what_was_signed_stays_until_it_is_terminated(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        agreement = an_agreement(session, an_organization(session, "Oceanis"), status="inProcess")
        assert not agreement.in_force(now())
        patch_agreement(session, agreement, {"name": "Capacity 2027", "status": "approved"}, WORKER)
        with pytest.raises(RuleRefused, match="what was signed stays"):
            patch_agreement(session, agreement, {"characteristic": []}, WORKER)
        patch_agreement(session, agreement, {"status": "terminated"}, WORKER)
        assert (agreement.name, agreement.status) == ("Capacity 2027", AgreementStatus.TERMINATED)
        with pytest.raises(WrongState):
            patch_agreement(session, agreement, {"status": "approved"}, WORKER)


def test_who_is_bound_is_neither_closed_nor_forgotten(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partner = an_organization(session, "Oceanis")
        agreement = an_agreement(session, partner)
        with pytest.raises(RuleRefused, match="is approved"), session.begin_nested():
            patch_organization(session, partner, {"status": "closed"}, WORKER)
        with pytest.raises(RuleRefused, match="a party to the agreement"), session.begin_nested():
            delete_organization(session, partner, WORKER)
        patch_agreement(session, agreement, {"status": "terminated"}, WORKER)
        patch_organization(session, partner, {"status": "closed"}, WORKER)


TERMS: Json = [
    {
        "name": "minimumMarginPercent",
        "valueType": "number",
        "configurable": True,
        "specCharacteristicValue": [{"value": 15, "default": True}, {"valueFrom": "5", "valueTo": "40.5"}],
    },
    {"name": "monthlyPriceCeilingPerMbps", "valueType": "object"},
]
TEXT: Json = [{"name": "Terms", "url": "https://example.org/terms.pdf"}]
SPECIFICATION: dict[str, Json] = {"name": "Capacity", "attachment": TEXT, "specificationCharacteristic": TERMS}


def a_specification(session: Session, **changed: Json) -> AgreementSpecification:
    body = SPECIFICATION | {"lifecycleStatus": "Active"} | changed
    return enter(session, from_body(AgreementSpecification, body), WORKER)


def test_an_agreement_states_the_terms_of_its_kind_and_what_goes_without_saying_is_filled_in(
    database: Database,
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        kind = a_specification(session)
        ceiling: Json = {"name": "monthlyPriceCeilingPerMbps", "value": {"unit": "USD", "value": 300}}
        body = agreement_body(session, an_organization(session, "Oceanis"))
        body |= {"agreementSpecification": {"id": kind.id}, "characteristic": [ceiling]}
        agreement = conclude_agreement(session, from_body(Agreement, body), WORKER)
        assert agreement.agreement_specification is not None
        assert agreement.agreement_specification.name == "Capacity"
        assert {one.name: one.value for one in agreement.characteristic}["minimumMarginPercent"] == 15
        too_high: Json = {"name": "minimumMarginPercent", "value": 41}
        unheard_of: Json = {"name": "exclusivity", "value": True}
        refused: list[tuple[Json, str]] = [
            ([], "/characteristic"),
            ([ceiling, too_high], "/characteristic/1/value"),
            ([ceiling, unheard_of], "/characteristic/1/name"),
        ]
        for terms, where in refused:
            with pytest.raises(Refused) as told:
                conclude_agreement(session, from_body(Agreement, body | {"characteristic": terms}), WORKER)
            assert told.value.faults[0].field == where


def test_a_kind_of_agreement_that_is_in_use_keeps_its_text_and_one_that_is_not_is_named_by_nobody(
    database: Database,
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(Refused, match="no text"):
            a_specification(session, attachment=[])
        used = a_specification(session)
        with pytest.raises(RuleRefused, match="rely on it"):
            revise(session, used, {"attachment": []}, WORKER)
        with pytest.raises(RuleRefused, match="only a draft"):
            withdraw(session, used, WORKER)
        draft = a_specification(session, lifecycleStatus="In study")
        body = agreement_body(session, an_organization(session, "Oceanis"))
        for identifier, why in ((draft.id, "In study"), ("none", "no agreement specification")):
            named = body | {"agreementSpecification": {"id": identifier}}
            with pytest.raises(Refused, match=why):
                conclude_agreement(session, from_body(Agreement, named), WORKER)
        withdraw(session, draft, WORKER)
