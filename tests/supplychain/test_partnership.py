"""A partner is engaged under an agreement that says what its capacity may cost."""

import pytest
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body, wire
from satcom.core.errors import Refused, RuleRefused, WrongState
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.agreement import Agreement, drop_agreement, patch_agreement
from satcom.enterprise.party import Organization, patch_organization
from satcom.supplychain.partnership import (
    Partnership,
    PartnershipSpecification,
    capacity_partners,
    drop_partnership,
    drop_specification,
    engage_partner,
    patch_partnership,
    specify_partnership,
)
from tests.enterprise.an_operator import an_operator, an_organization
from tests.supplychain.a_partnership import a_partnership, a_specification, an_agreement, partnership_body

URL = "https://api.oceanis.example/tmf"


def test_a_partner_that_leases_capacity_is_asked_under_the_terms_of_its_agreement(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        a_partnership(session, URL, ceiling={"unit": "USD", "value": 280}, floor_percent=12.5)
        (partner,) = capacity_partners(session, now())
        assert (partner.name, partner.api_url) == ("Oceanis", URL)
        assert (str(partner.terms.ceiling_per_mbps), float(partner.terms.minimum_margin_percent)) == (
            "280.00 USD",
            12.5,
        )


def test_a_partner_who_is_suspended_or_whose_agreement_has_ended_is_not_asked(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        resting, unbound = a_partnership(session, URL, "Resting"), a_partnership(session, URL, "Unbound")
        _to(session, resting, "suspended")
        patch_agreement(
            session,
            session.get_one(Agreement, unbound.partner[0].agreement[0].id),
            {"status": "terminated"},
            WORKER,
        )
        assert capacity_partners(session, now()) == []
        _to(session, resting, "active")
        assert [one.name for one in capacity_partners(session, now())] == ["Resting"]


def test_a_partnership_that_has_ended_is_over(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partnership = a_partnership(session, URL)
        with pytest.raises(Refused, match="there is no state 'asleep'"):
            _to(session, partnership, "asleep")
        _to(session, partnership, "ended")
        with pytest.raises(RuleRefused, match="has ended"):
            _to(session, partnership, "active")


def _to(session: Session, partnership: Partnership, status: str) -> None:
    partner = wire(partnership)["partner"]
    assert isinstance(partner, list)
    assert isinstance(partner[0], dict)
    patch: dict[str, Json] = {"partner": [partner[0] | {"status": status}]}
    patch_partnership(session, partnership, patch, WORKER)


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("ftp://api.oceanis.example", "/partner/0/characteristic/0/value"),
        ("https://user:secret@api.oceanis.example", "/partner/0/characteristic/0/value"),
        ("https://api.oceanis.example?key=secret", "/partner/0/characteristic/0/value"),
        ("https://api.oceanis.example:nowhere", "/partner/0/characteristic/0/value"),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused(database: Database, url: str, field: str) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(Refused) as refused:
            a_partnership(session, url)
    assert [fault.field for fault in refused.value.faults] == [field]


def test_capacity_is_leased_under_an_agreement_with_ceiling_and_floor_only(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partner, other = an_organization(session, "Oceanis"), an_organization(session, "Other")
        codes = []
        for agreement in (
            an_agreement(session, partner, ceiling=None),
            an_agreement(session, partner, floor_percent=100),
            an_agreement(session, partner, status="inProcess"),
            an_agreement(session, other),
        ):
            partnership = from_body(Partnership, partnership_body(session, partner, URL, agreement))
            with pytest.raises(Refused) as refused:
                engage_partner(session, partnership, WORKER)
            codes.append(refused.value.faults[0].code)
    assert codes == ["noPriceCeiling", "noMarginFloor", "noAgreement", "otherParty"]


def test_nobody_is_engaged_twice_and_nobody_who_does_not_exist_or_is_the_operator(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        known = a_partnership(session, URL)
        ours = session.get_one(Organization, operator.organization_id)
        there = session.get_one(Organization, known.organization_id)
        codes = []
        for partner in (there, ours):
            body = partnership_body(session, partner, URL, an_agreement(session, there))
            with pytest.raises(Refused) as refused:
                engage_partner(session, from_body(Partnership, body), WORKER)
            codes.append(refused.value.faults[0].code)
        assert codes == ["onlyOne", "operator"]
        with pytest.raises(RuleRefused, match="is approved"):
            patch_organization(session, there, {"status": "closed"}, WORKER)


def test_a_kind_of_partnership_has_a_name_of_its_own_and_roles(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        known = a_specification(session)
        for body, field in (
            ({"name": known.name, "roleSpecification": [{"name": "installer"}]}, "/name"),
            ({"name": "Installers"}, "/roleSpecification"),
            ({"name": "Twice", "roleSpecification": [{"name": "installer"}] * 2}, "/roleSpecification"),
        ):
            with pytest.raises(Refused) as refused:
                specify_partnership(session, from_body(PartnershipSpecification, body), WORKER)  # type: ignore[arg-type]
            assert refused.value.faults[0].field == field


def test_a_partner_is_engaged_in_a_role_that_the_kind_of_partnership_knows(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partner = an_organization(session, "Oceanis")
        body = partnership_body(session, partner, URL)
        named: dict[str, Json] = body["partner"][0]["engagedParty"]  # type: ignore[index,call-overload,assignment]
        named["role"] = "launcher"
        with pytest.raises(Refused, match="knows no role 'launcher'"):
            engage_partner(session, from_body(Partnership, body), WORKER)


def test_what_partners_were_engaged_in_and_under_stays_and_the_rest_is_forgotten(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        partnership = a_partnership(session, URL)
        kind = a_specification(session)
        draft = an_agreement(session, session.get_one(Organization, partnership.organization_id), status="inProcess")
        partner = wire(partnership)["partner"]
        assert isinstance(partner, list)
        assert isinstance(partner[0], dict)
        named = partner[0] | {"agreement": [*partnership.partner[0].wire()["agreement"], {"id": draft.id}]}  # type: ignore[misc]
        patch_partnership(session, partnership, {"partner": [named]}, WORKER)
        with pytest.raises(RuleRefused, match="is one"):
            drop_specification(session, kind, WORKER)
        with pytest.raises(RuleRefused, match="names it"):
            drop_agreement(session, draft, WORKER)
        with pytest.raises(WrongState, match="stays on record"):
            drop_agreement(session, session.get_one(Agreement, partnership.partner[0].agreement[0].id), WORKER)
        drop_partnership(session, partnership, WORKER)
        session.flush()
        drop_agreement(session, draft, WORKER)
        drop_specification(session, kind, WORKER)
