"""A catalogue, a customer and its account, as tests of what is sold need them."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from satcom.core.access import create_token
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER, Principal
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.enterprise.party import Organization
from satcom.market.account.billing_account import BillingAccount, create_billing_account
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.market.customer import Customer, create_customer
from satcom.market.ordering import ProductOrder, place_order
from satcom.service.solution import LinkSolution
from tests.enterprise.an_operator import an_operator, an_organization
from tests.service.a_service import a_specification
from tests.service.a_solution import a_solution

TERMINAL = "Ku 1.80 m, 8 W"


@dataclass(frozen=True)
class Market:
    """Ids of what can be ordered, and by whom."""

    offering: str
    party: str
    account: str
    other_party: str
    other_account: str


def a_market(session: Session) -> Market:
    """An operator with one offering, and two customers."""
    an_operator(session)
    offering = an_offering(session)
    mine, depot = an_organization(session, "Mine"), an_organization(session, "Depot")
    account, other = a_buyer(session, mine), a_buyer(session, depot)
    return Market(offering.id, mine.id, account.id, depot.id, other.id)


def a_buyer(session: Session, party: Organization, bill_day_shift: int = 0) -> BillingAccount:
    """The party as customer, with an account."""
    create_customer(session, from_body(Customer, {"name": party.trading_name, "engagedParty": engaged(party)}), WORKER)
    body: dict[str, Json] = {
        "name": f"{party.trading_name}, sites",
        "relatedParty": [{**engaged(party), "name": party.trading_name, "role": "customer"}],
        "billStructure": {
            "cycleSpecification": {"name": "monthly", "isRef": False, "billingDateShift": bill_day_shift}
        },
    }
    return create_billing_account(session, from_body(BillingAccount, body), WORKER)


def engaged(party: Organization) -> dict[str, Json]:
    return {"id": party.id, "@referredType": "Organization"}


def as_customer(party_id: str, role: str = "customer") -> Json:
    return {"id": party_id, "role": role, "@referredType": "Organization"}


def an_offering(session: Session, launched: bool = True) -> ProductOffering:
    """A dedicated link: installed and equipped once, capacity and platform by the month."""
    realised = SPECIFICATION | {"serviceSpecification": [{"id": a_specification(session).id}]}
    specification = enter(session, from_body(ProductSpecification, realised), WORKER)
    prices = [enter(session, from_body(ProductOfferingPrice, body), WORKER) for body in PRICES]
    body: dict[str, Json] = {
        "name": "Dedicated SCPC link",
        "lifecycleStatus": "Launched" if launched else "In design",
        "productSpecification": {"id": specification.id},
        "productOfferingPrice": [{"id": one.id} for one in prices],
    }
    return enter(session, from_body(ProductOffering, body), WORKER)


def number(name: str, low: int, high: int) -> Json:
    values: Json = [{"valueFrom": low, "valueTo": high}]
    return {
        "name": name,
        "valueType": "number",
        "minCardinality": 1,
        "productSpecCharacteristicValue": values,
    }


SPECIFICATION: dict[str, Json] = {
    "name": "Dedicated SCPC link",
    "lifecycleStatus": "Active",
    "productSpecCharacteristic": [
        number("downlinkRateBps", 256_000, 60_000_000),
        number("uplinkRateBps", 128_000, 20_000_000),
        number("latitudeDeg", -90, 90),
        number("longitudeDeg", -180, 180),
        number("availabilityPercent", 98, 100),
    ],
}


def a_price(name: str, amount: float, monthly: bool, unit: str = "each", **only_for: str) -> dict[str, Json]:
    body: dict[str, Json] = {
        "name": name,
        "lifecycleStatus": "Active",
        "priceType": "recurring" if monthly else "oneTime",
        "price": {"unit": "USD", "value": amount},
        "unitOfMeasure": {"amount": 1, "units": unit},
        "prodSpecCharValueUse": [
            {"name": name, "productSpecCharacteristicValue": [{"value": value}]} for name, value in only_for.items()
        ],
    }
    return body | ({"recurringChargePeriodType": "month", "recurringChargePeriodLength": 1} if monthly else {})


PRICES = [
    a_price("Installation", 2800, monthly=False),
    a_price("Terminal", 5950, monthly=False, terminalType=TERMINAL),
    a_price("Capacity", 2900, monthly=True, unit="MHz", band="Ku"),
    a_price("Platform", 450, monthly=True),
]
CHARACTERISTICS: dict[str, Json] = {
    "downlinkRateBps": 10_000_000,
    "uplinkRateBps": 4_000_000,
    "latitudeDeg": -10.7148,
    "longitudeDeg": 25.3855,
    "availabilityPercent": 99.7,
}


def an_order_body(market: Market, **characteristics: Json) -> dict[str, Json]:
    """What a customer sends. A characteristic given as `None` is left out."""
    chosen = CHARACTERISTICS | characteristics
    return {
        "billingAccount": {"id": market.account},
        "relatedParty": [as_customer(market.party)],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "productOffering": {"id": market.offering},
                "product": {
                    "productCharacteristic": [
                        {"name": name, "value": value} for name, value in chosen.items() if value is not None
                    ]
                },
            }
        ],
    }


def an_order(session: Session, market: Market, by: Principal = WORKER) -> ProductOrder:
    return place_order(session, from_body(ProductOrder, an_order_body(market)), by)


def a_priced_solution(name: str = TERMINAL, charged_bandwidth_hz: int = 6_000_000, band: str = "Ku") -> LinkSolution:
    """A solution whose terminal and bandwidth are known to the price list."""
    values = {"terminal_type_name": name, "charged_bandwidth_hz": charged_bandwidth_hz, "band": band}
    return a_solution().model_copy(update=values)


def a_token(database: Database, role: str, party: str | None = None) -> dict[str, str]:
    """The header that lets `party` in as `role`."""
    with database.as_worker() as session:
        _, secret = create_token(session, f"{role} of a test", [role], party, timedelta(days=1))
    return {"Authorization": f"Bearer {secret}"}
