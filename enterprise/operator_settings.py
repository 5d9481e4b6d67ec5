"""The operator's settings: what money, days and availability are reckoned by, and for how long orders wait.

They are its administrator's. Each change is in the change log. Terms of sale stand in the offerings, those of partners
in their agreements.
"""

from typing import Final

from sqlmodel import Session

from satcom.core.database import find_for_update
from satcom.core.entity import change
from satcom.core.errors import Fault, Refused
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.enterprise.party import (
    Operator,
    Organization,
    check_currency_change,
    patch_organization,
    setting_faults,
)

SETTINGS: Final = (
    "name",
    "currency",
    "timeZone",
    "taxRatePercent",
    "paymentTermDays",
    "approvalDays",
    "terminalPatienceDays",
    "installationPatienceDays",
    "satellitePatienceDays",
    "availabilityConfidencePercent",
    "elementsLimitDays",
)


def change_settings(session: Session, operator: Operator, patch: dict[str, Json], by: Principal) -> Operator:
    """Change some of them. What is agreed already stays: bills that are made, waits that have begun.

    Raises `Refused` with every fault, `RuleRefused` on the currency once anything is kept in it.
    """
    known = (*SETTINGS, "@type")
    faults = [
        Fault(f"/{name[:80]}", "it is no setting", "unknownAttribute", ", ".join(SETTINGS))
        for name in patch
        if name not in known
    ]
    if faults:
        raise Refused.all(faults)
    name, currency = operator.name, operator.currency
    change(operator, {one: value for one, value in patch.items() if one in SETTINGS})
    faults = setting_faults(operator.currency, operator.time_zone, operator.tax_rate_percent)
    if not 1 <= len(operator.name.strip()) <= 300:
        faults.append(Fault("/name", "is no name", "invalid", "1 to 300 characters"))
    if faults:
        raise Refused.all(faults)
    if operator.currency != currency:
        check_currency_change(session, currency)
    if operator.name != name:
        organization = find_for_update(session, Organization, operator.organization_id)
        patch_organization(session, organization, {"tradingName": operator.name}, by)
    session.flush()
    return operator


routes = TmfRoutes(Operator)
routes.patch(change_settings, may=Capability.KEEP_OPERATOR)
