"""The operator's administrator changes its settings; what is kept in its currency keeps the currency."""

from decimal import Decimal

import pytest

from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.operator_settings import change_settings
from satcom.enterprise.party import Organization
from satcom.market.account.billing_account import BillingAccount, create_billing_account
from satcom.market.order_approval import NewApprovalRule, add_rule, remove_rule
from tests.enterprise.an_operator import an_operator, an_organization
from tests.market.a_market import a_buyer, engaged


def test_settings_are_changed_and_accounts_that_are_opened_from_then_on_are_due_by_them(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        mine = an_organization(session, "Mine")
        before = a_buyer(session, mine)
        patch: dict[str, Json] = {"name": "Meridian Two", "timeZone": "Africa/Lagos", "taxRatePercent": 7.5}
        change_settings(session, operator, patch | {"paymentTermDays": 14}, WORKER)
        body: dict[str, Json] = {
            "name": "Depot",
            "relatedParty": [{**engaged(mine), "name": "Mine", "role": "customer"}],
        }
        after = create_billing_account(session, from_body(BillingAccount, body), WORKER)
        assert (operator.time_zone, operator.tax_rate_percent) == ("Africa/Lagos", Decimal("7.5"))
        assert session.get_one(Organization, operator.organization_id).trading_name == operator.name == "Meridian Two"
        assert (before.due_days, after.due_days) == (30, 14)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"timeZone": "Mars/Olympus"}, "/timeZone"),
        ({"timeZone": ""}, "/timeZone"),
        ({"timeZone": 3}, "/timeZone"),
        ({"taxRatePercent": 150}, "/taxRatePercent"),
        ({"taxRatePercent": "much"}, "/taxRatePercent"),
        ({"taxRatePercent": None}, "/taxRatePercent"),
        ({"currency": "XYZ"}, "/currency"),
        ({"name": " "}, "/name"),
        ({"approvalDays": 7}, "/approvalDays"),
        ({"paymentTermDays": -1}, "/paymentTermDays"),
        ({"availabilityConfidencePercent": 49.9}, "/availabilityConfidencePercent"),
        ({"availabilityConfidencePercent": 100}, "/availabilityConfidencePercent"),
        ({"theOnly": False}, "/theOnly"),
        ({"colour": "blue"}, "/colour"),
    ],
)
def test_what_is_no_setting_is_refused_by_its_field(database: Database, patch: dict[str, Json], field: str) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        with pytest.raises(Refused) as refused, session.begin_nested():
            change_settings(session, operator, patch, WORKER)
        assert [one.field for one in refused.value.faults] == [field]


def test_the_currency_is_changed_until_anything_is_kept_in_it(database: Database) -> None:
    with database.as_worker() as session:
        operator = an_operator(session)
        change_settings(session, operator, {"currency": "KES"}, WORKER)
        rule = NewApprovalRule.model_validate({"abovePerMonth": 50_000, "role": "finance"})
        kept = add_rule(session, rule, WORKER)
        with pytest.raises(Refused, match="rules of approval are kept in KES"), session.begin_nested():
            change_settings(session, operator, {"currency": "USD"}, WORKER)
        remove_rule(session, kept, WORKER)
        session.refresh(operator)
        a_buyer(session, an_organization(session, "Mine"))
        with pytest.raises(Refused, match="billing accounts, and their bills, are kept in KES"):
            change_settings(session, operator, {"currency": "USD"}, WORKER)
