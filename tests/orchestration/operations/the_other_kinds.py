"""Orders of the other kinds: spectrum that is leased, and access over shared carriers."""

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.market.ordering import ProductOrder, place_order
from satcom.resource.catalog import NetworkNeed
from satcom.resource.reservation import held_by_reservation, reservation_of
from satcom.service.access_test import record_access_test
from satcom.service.catalog import DURATION, ServiceSpecification
from satcom.service.inventory import service_of_order
from satcom.service.service_test import ServiceTest
from tests.market.a_market import Market, a_price
from tests.orchestration.operations.an_order_to_service import Operation
from tests.resource.a_resource_catalogue import built_from

MHZ = 1_000_000
TEXTS = ("terminalType", "installation", "satellite")
ACCESS: dict[str, Json] = {
    "downlinkRateBps": 5_000_000,
    "uplinkRateBps": 1_000_000,
    "downlinkCommittedRateBps": 1_000_000,
    "uplinkCommittedRateBps": 200_000,
    "availabilityPercent": 99.5,
    "latitudeDeg": -10.7148,
    "longitudeDeg": 25.3855,
}


def an_offer(session: Session, names: list[str], *needs: NetworkNeed, monthly: bool = True, unit: str = "MHz") -> str:
    """An offering of a service with these numbers, a price for each, and one for each MHz or `unit`, by the month."""
    known: list[Json] = [
        {"name": name, "valueType": "string" if name in TEXTS else "number", "minCardinality": int(name == DURATION)}
        for name in names
    ]
    built: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Active",
        "specCharacteristic": known,
        "resourceSpecification": built_from(session, *needs),
    }
    service = enter(session, from_body(ServiceSpecification, built), WORKER)
    described: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Active",
        "serviceSpecification": [{"id": service.id}],
        "productSpecCharacteristic": known,
    }
    product = enter(session, from_body(ProductSpecification, described), WORKER)
    prices = [
        enter(session, from_body(ProductOfferingPrice, one), WORKER)
        for one in (a_price("Setup", 500, monthly=False), a_price("Capacity", 2500, monthly=monthly, unit=unit))
    ]
    offered: dict[str, Json] = {
        "name": needs[0].value,
        "lifecycleStatus": "Launched",
        "productSpecification": {"id": product.id},
        "productOfferingPrice": [{"id": one.id} for one in prices],
    }
    return enter(session, from_body(ProductOffering, offered), WORKER).id


def order_body(market: Market, offering: str, **values: Json) -> dict[str, Json]:
    chosen: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
    return {
        "billingAccount": {"id": market.account},
        "relatedParty": [{"id": market.party, "role": "customer", "@referredType": "Organization"}],
        "productOrderItem": [
            {
                "id": "1",
                "action": "add",
                "productOffering": {"id": offering},
                "product": {"productCharacteristic": chosen},
            }
        ],
    }


def ordered(operation: Operation, offering: str, **values: Json) -> str:
    with operation.database.as_worker() as session:
        body = order_body(operation.market, offering, **values)
        return place_order(session, from_body(ProductOrder, body), WORKER).id


def a_lease_offered(session: Session) -> str:
    return an_offer(session, ["bandwidthHz"], NetworkNeed.LEASED_SPECTRUM)


def a_lease_ordered(operation: Operation) -> str:
    with operation.database.as_worker() as session:
        offering = a_lease_offered(session)
    return ordered(operation, offering, bandwidthHz=5 * MHZ)


def a_booking_offered(session: Session) -> str:
    return an_offer(session, [DURATION, "bandwidthHz"], NetworkNeed.LEASED_SPECTRUM, monthly=False, unit="MHz min")


def record_the_test(operation: Operation, order_id: str, too_high_hz: int = 0) -> None:
    """The NOC reads the customer's carriers and records what it read."""
    with operation.database.as_worker() as session:
        service, reservation = service_of_order(session, order_id), reservation_of(session, order_id)
        assert service is not None
        assert reservation is not None
        [slot] = held_by_reservation(session, reservation).slots
        readings = {
            "lowEdge": (slot.start_hz, "Hz"),
            "highEdge": (slot.stop_hz + too_high_hz, "Hz"),
            "satelliteEirp": (10.0, "dBW"),
            "crossPolarIsolation": (35.0, "dB"),
        }
        measures: list[Json] = [
            {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
            for name, (value, unit) in readings.items()
        ]
        body: dict[str, Json] = {
            "name": "Access test",
            "relatedService": {"id": service.id},
            "testSpecification": {"id": "access-test"},
            "testMeasure": measures,
        }
        record_access_test(session, from_body(ServiceTest, body), WORKER)


def an_access_offered(session: Session) -> str:
    return an_offer(session, list(ACCESS), NetworkNeed.POOL_SHARE, NetworkNeed.TERMINAL)


def an_access_ordered(operation: Operation) -> str:
    with operation.database.as_worker() as session:
        offering = an_access_offered(session)
    return ordered(operation, offering, **ACCESS)
