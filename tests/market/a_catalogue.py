"""A catalogue with one dedicated link, as tests need it."""

from sqlmodel import Session

from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.service.catalog import ServiceSpecification
from tests.resource.a_resource_catalogue import built_from

RATE: dict[str, Json] = {"name": "rate", "valueType": "integer", "minCardinality": 1}
RANGE: list[Json] = [{"valueFrom": 128, "valueTo": 60000, "unitOfMeasure": "bit/s"}]
CAPACITY: dict[str, Json] = {
    "name": "Capacity",
    "lifecycleStatus": "Active",
    "priceType": "recurring",
    "recurringChargePeriodType": "month",
    "price": {"unit": "USD", "value": 2900},
    "unitOfMeasure": {"amount": 1, "units": "MHz"},
}


def a_service_specification(session: Session, **more: Json) -> ServiceSpecification:
    characteristic: Json = [RATE | {"characteristicValueSpecification": RANGE}]
    body: dict[str, Json] = {
        "name": "Link",
        "lifecycleStatus": "Active",
        "specCharacteristic": characteristic,
        "resourceSpecification": built_from(session),
    }
    return enter(session, from_body(ServiceSpecification, body | more), WORKER)


def a_product_specification(
    session: Session, service: ServiceSpecification | None = None, **more: Json
) -> ProductSpecification:
    service = service or a_service_specification(session)
    body: dict[str, Json] = {
        "name": "Dedicated link",
        "lifecycleStatus": "Active",
        "serviceSpecification": [{"id": service.id}],
        "productSpecCharacteristic": [RATE | {"productSpecCharacteristicValue": RANGE}],
    }
    return enter(session, from_body(ProductSpecification, body | more), WORKER)


def a_price(session: Session, **more: Json) -> ProductOfferingPrice:
    return enter(session, from_body(ProductOfferingPrice, CAPACITY | more), WORKER)


def an_offering(
    session: Session,
    specification: ProductSpecification | None = None,
    *prices: ProductOfferingPrice,
    **more: Json,
) -> ProductOffering:
    """A launched offering, unless `more` says otherwise."""
    specification = specification or a_product_specification(session)
    body: dict[str, Json] = {
        "name": "Dedicated link",
        "lifecycleStatus": "Launched",
        "productSpecification": {"id": specification.id},
        "productOfferingPrice": [{"id": one.id} for one in prices or (a_price(session),)],
    }
    return enter(session, from_body(ProductOffering, body | more), WORKER)
