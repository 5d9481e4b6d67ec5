"""Partners, the agreement that binds each, and the partnership under it.

The token of a partner's API is no data: it is a setting of the installation (`docs/partners.md`).
"""

from datetime import date

from satcom.app.loading.entries import Exact, Keys, Price, instant, parsed
from satcom.app.loading.files import Entry
from satcom.app.loading.loading import Kind, Load, Outcome
from satcom.app.loading.operator import ORGANIZATION, PartyKeys, organization_of
from satcom.core.entity import checked
from satcom.core.loading import loaded_id
from satcom.core.values import Json, RelatedParty, TimePeriod, reference
from satcom.enterprise.agreement import Agreement, AgreementStatus, conclude_agreement, patch_agreement
from satcom.enterprise.party import Organization, operator_of, party_reference
from satcom.supplychain.partnership import (
    API_URL,
    CEILING,
    FLOOR,
    NOTICE,
    RENEWAL,
    Partnership,
    PartnershipSpecification,
    PartnerStatus,
    RoleSpecification,
    engage_partner,
    patch_partnership,
    specify_partnership,
)

AGREEMENT = Kind(
    Agreement,
    conclude_agreement,
    patch_agreement,
    words={"engaged_party": "name", "agreement_period": "agreement.valid_until", "characteristic": "agreement"},
    decides=frozenset({"name", "agreement_period", "characteristic"}),
)
PARTNERSHIP = Kind(
    Partnership,
    engage_partner,
    patch_partnership,
    words={"partner": "api_url", "description": "note"},
    decides=frozenset({"name", "partner", "description"}),
    further=(),
)
CAPACITY = "partnership-capacity"  # the kind that loaded partners are engaged in
PROVIDER = "capacityProvider"


class AgreementKeys(Keys):
    """What a Mbit/s a month may cost us at most, and the margin that must stay of our price.

    How many days before its end a term is renewed, and for how many months.
    """

    name: str
    valid_from: date | None = None
    valid_until: date | None = None
    monthly_price_ceiling_per_mbps: Price
    minimum_margin_percent: Exact | int
    renewal_notice_days: int | None = None
    renewal_months: int | None = None


class PartnerKeys(PartyKeys):
    api_url: str
    agreement: AgreementKeys


def load_partners(load: Load) -> None:
    for entry in load.each("partners", Organization, Agreement, Partnership):
        with load.checking(PARTNERSHIP, entry):
            _load_partner(load, entry)


def _load_partner(load: Load, entry: Entry) -> None:
    keys = parsed(PartnerKeys, entry)
    organization = load.keep(ORGANIZATION, entry, organization_of(keys, []), keys.name)
    if organization is None:
        return
    agreement = load.keep(AGREEMENT, entry, _agreement(load, keys.agreement, organization), keys.agreement.name)
    if agreement is None:
        return
    partner: Json = {
        "name": organization.trading_name,
        "engagedParty": party_reference(organization, RelatedParty(id=organization.id, role=PROVIDER)).wire(),
        "status": _status(load, entry),
        "agreement": [reference(agreement.id, "Agreement", agreement.href, agreement.name).wire()],
        "characteristic": [{"name": API_URL, "value": keys.api_url}],
    }
    values = {
        "name": f"Capacity of {keys.name}",
        "specification": reference(_specification(load), "PartnershipSpecification"),
        "partner": [partner],
        "description": keys.note,
    }
    load.keep(PARTNERSHIP, entry, checked(Partnership, values), keys.name)


def _agreement(load: Load, keys: AgreementKeys, partner: Organization) -> Agreement:
    ours = RelatedParty(id=operator_of(load.session).organization_id)
    start, end = instant(keys.valid_from), instant(keys.valid_until)
    terms = {CEILING: keys.monthly_price_ceiling_per_mbps.money, FLOOR: float(keys.minimum_margin_percent)}
    renewal = {NOTICE: keys.renewal_notice_days, RENEWAL: keys.renewal_months}
    told = terms | {name: value for name, value in renewal.items() if value is not None}
    return checked(
        Agreement,
        {
            "name": keys.name,
            "agreement_type": "partnerCapacity",
            "status": AgreementStatus.APPROVED,
            "agreement_period": TimePeriod(start_date_time=start, end_date_time=end) if start or end else None,
            "engaged_party": [ours, RelatedParty(id=partner.id, role=PROVIDER)],
            "agreement_item": [{"termOrCondition": [{"description": "Managed capacity by site"}]}],
            "characteristic": [{"name": name, "value": value} for name, value in told.items()],
        },
    )


def _specification(load: Load) -> str:
    """The id of the kind of partnership; made with the first partner, and told with the first of every load."""
    kind = PartnershipSpecification.__name__
    identifier = loaded_id(kind, CAPACITY)
    known = load.session.get(PartnershipSpecification, identifier)
    if known is None:
        made = PartnershipSpecification(name="Capacity partners", role_specification=[RoleSpecification(name=PROVIDER)])
        made.id = identifier
        specify_partnership(load.session, made, load.session.info["principal"])
        load.tell(kind, CAPACITY, made.name, Outcome.CREATED)
    elif (kind, CAPACITY) not in {(one.kind, one.slug) for one in load.changes}:
        load.tell(kind, CAPACITY, known.name, Outcome.UNCHANGED)
    return identifier


def _status(load: Load, entry: Entry) -> str:
    """As it stands: what people moved by hand is not moved back by a file."""
    known = load.session.get(Partnership, loaded_id(Partnership.__name__, entry.slug))
    return (known.standing if known is not None else PartnerStatus.ACTIVE).value
