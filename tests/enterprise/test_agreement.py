"""An agreement binds parties that exist, and stays as it was signed."""

from datetime import timedelta

import pytest

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.agreement import Agreement, AgreementStatus, conclude_agreement, patch_agreement
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
