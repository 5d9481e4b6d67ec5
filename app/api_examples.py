"""For every POST of the API description a body that the operator of `examples/operator` takes as it stands.

Ids are those that `satcom load` gives, so they hold in every installation that loaded that folder. What only an
operator at work has, an order or a purchase order, stands there in words to be replaced.
"""

from datetime import timedelta
from typing import Any, Final

from satcom.core.clock import now
from satcom.core.loading import loaded_id
from satcom.core.values import Json, instant_text

AN_ORDER: Final = "the id of a product order of yours"
A_PURCHASE: Final = "the id of a purchase order under way"
A_SERVICE: Final = "the id or name of a service in use, or the reference of its order"
A_LEASE: Final = "the id of a service that is a lease and waits for its access test"
AN_INSTALLED: Final = "the id of a product order that waits for its appointment"
AN_AWAITED: Final = "the id of a satellite that is not in service yet"
A_POOL: Final = "the id of a resource pool of yours"
CUSTOMER: Final = "customer-lualaba-copper"
PARTNER: Final = "partner-oceanis"
SORTED_AS: Final = (
    ("Category", "category-dedicated"),
    ("ServiceCategory", "service-category-links"),
    ("ResourceCategory", "resource-category-ground"),
)
SITE: Final[dict[str, Json]] = {"latitudeDeg": -10.7148, "longitudeDeg": 25.3855, "altitudeM": 1430, "country": "CD"}
BEAM: Final[dict[str, Json]] = {
    "satelliteId": loaded_id("Satellite", "sat-amos-17"),
    "band": "Ku",
    "boresight": {"latitudeDeg": -10, "longitudeDeg": 25, "halfPowerWidthDeg": 4},
}
MARGIN: Final[dict[str, Json]] = {"value": 15, "default": True, "unitOfMeasure": "%"}
LINK: Final[dict[str, Json]] = {"downlinkRateBps": 10_000_000, "uplinkRateBps": 4_000_000, "availabilityPercent": 99.7}


def with_examples(described: dict[str, Any]) -> dict[str, Any]:
    """The API description with these bodies as its examples."""
    bodies = example_bodies()
    for path, operations in described["paths"].items():
        body, taken = bodies.get(path.rsplit("/", 1)[1]), operations.get("post", {}).get("requestBody")
        if body is not None and taken is not None:
            taken["content"]["application/json"]["example"] = body
    return described


def example_bodies() -> dict[str, Json]:
    """By the name of the collection."""
    groups = (_parties(), _catalogue(), _questions(), _orders(), _visits(), _inventories(), _partners())
    return {name: body for group in groups for name, body in group.items()}


def _reference(kind: str, slug: str) -> dict[str, Json]:
    return {"id": loaded_id(kind, slug), "@referredType": kind}


def _customer() -> Json:
    return [{**_reference("Organization", CUSTOMER), "name": "Lualaba Copper", "role": "customer"}]


def _partner() -> dict[str, Json]:
    return {**_reference("Organization", PARTNER), "name": "Oceanis", "role": "partner"}


def _values(given: dict[str, Json]) -> Json:
    return [{"name": name, "value": value} for name, value in given.items()]


def _in_days(days: int) -> Json:
    """A midnight to come; a fixed one would be over some day."""
    return instant_text(now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days))


def _parties() -> dict[str, Json]:
    return {
        "organization": {"tradingName": "Kivu Tea", "name": "Kivu Tea Estates SARL"},
        "individual": {"givenName": "Ada", "familyName": "Obi"},
        "customer": {
            "name": "Rift Valley VSAT",
            "engagedParty": _reference("Organization", "supplier-rift-valley-vsat"),
        },
        "billingAccount": {"name": "Lualaba Copper, second account", "relatedParty": _customer()},
        "billingCycleSpecification": {
            "name": "On the 15th, payable in 45 days",
            "frequency": "monthly",
            "billingDateShift": 14,
            "paymentDueDateOffset": 45,
        },
        "customerBillOnDemand": {
            "name": "Before the audit",
            "billingAccount": {"id": loaded_id("BillingAccount", "account-lualaba-copper")},
        },
        "billFormat": {"name": "PDF", "description": "Pages for people"},
        "billPresentationMedia": {"name": "Electronic mail"},
        "financialAccount": {"name": "Receivables, Central Africa"},
        "partyAccount": {"name": "Lualaba Copper", "relatedParty": _customer()},
        "settlementAccount": {"name": "Oceanis, capacity", "relatedParty": [_partner()]},
    }


def _catalogue() -> dict[str, Json]:
    price: Json = {
        "name": "On-site survey",
        "priceType": "oneTime",
        "price": {"unit": "USD", "value": 400},
        "lifecycleStatus": "Active",
    }
    retail, service, resource = (_reference(kind, slug) for kind, slug in SORTED_AS)
    return {
        "importJob": {"url": "https://catalogues.example.org/meridian.json"},
        "exportJob": {"url": ""},
        "catalog": {"name": "Seasonal offers", "category": [retail]},
        "category": {"name": "Seasonal links", "parentId": retail["id"]},
        "serviceCatalog": {"name": "Services for a season", "category": [service]},
        "serviceCategory": {"name": "Seasonal services", "parentId": service["id"]},
        "serviceCandidate": {
            "name": "Link for a season",
            "serviceSpecification": _reference("ServiceSpecification", "service-spec-dedicated-scpc-link"),
            "category": [service],
        },
        "resourceCatalog": {"name": "Ground equipment", "category": [resource]},
        "resourceCategory": {"name": "Loaned terminals", "parentId": resource["id"]},
        "resourceCandidate": {
            "name": "Terminal for a season",
            "resourceSpecification": _reference("ResourceSpecification", "resource-terminal"),
            "category": [resource],
        },
        "resourceSpecification": {"name": "Loaned terminal"},
        "productSpecification": {"name": "Link for a season"},
        "productOffering": {"name": "Link for a season", "lifecycleStatus": "In study"},
        "productOfferingPrice": price,
        "serviceSpecification": {"name": "Link for a season"},
    }


def _item() -> dict[str, Json]:
    return {
        "id": "1",
        "action": "add",
        "productOffering": {"id": loaded_id("ProductOffering", "offering-dedicated-scpc-link")},
        "product": {"productCharacteristic": _values({**LINK, **SITE})},
    }


def _service() -> Json:
    return {
        "serviceSpecification": {"id": loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")},
        "serviceCharacteristic": _values({**LINK, **SITE}),
        "startDate": _in_days(30),
        "endDate": _in_days(395),
    }


def _questions() -> dict[str, Json]:
    slot: dict[str, Json] = {
        "relatedEntity": [{**_reference("Transponder", "tp-amos-17-ku-1v"), "role": "of"}],
        "capacityDemand": {"capacityAmount": {"capacityAmount": "1000000"}, "capacitySpec": {"id": "bandwidthHz"}},
    }
    hub: Json = {"relatedEntity": [{**_reference("Hub", "hub-hartebeesthoek-1"), "role": "of"}]}
    return {
        "productOfferingQualification": {"productOfferingQualificationItem": [_item()]},
        "checkServiceQualification": {"serviceQualificationItem": [{"id": "1", "service": _service()}]},
        "queryServiceQualification": {"searchCriteria": {"service": _service()}},
        "availabilityCheck": {
            "resource": _reference("Transponder", "tp-amos-17-ku-1v"),
            "capacityDemand": slot["capacityDemand"],
            "requestedPeriod": {"startDateTime": _in_days(30), "endDateTime": _in_days(395)},
        },
        "resourcePool": {
            "description": "Hubs in southern Africa",
            "resource": [_reference("Hub", "hub-hartebeesthoek-1")],
        },
        "push": {"resourcePool": {"id": A_POOL}, "resource": [_reference("Hub", "hub-hartebeesthoek-1")]},
        "extract": {"resourcePool": {"id": A_POOL}, "resource": [_reference("Hub", "hub-hartebeesthoek-1")]},
        "reservation": {
            "relatedParty": _customer(),
            "reservationItem": [slot, hub],
            "reservationPeriod": {"startDateTime": _in_days(30), "endDateTime": _in_days(395)},
            "validFor": {"endDateTime": _in_days(7)},
        },
    }


def _reading(name: str, value: float, unit: str) -> Json:
    return {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}


def _orders() -> dict[str, Json]:
    return {
        "productOrder": {
            "externalId": "your own reference",
            "billingAccount": {"id": loaded_id("BillingAccount", "account-lualaba-copper")},
            "relatedParty": _customer(),
            "productOrderItem": [_item()],
        },
        "cancelProductOrder": {"productOrder": {"id": AN_ORDER}, "cancellationReason": "the mine opens a year later"},
        "purchaseOrder": {"stockItem": {"id": loaded_id("StockItem", "stock-johannesburg-ku-120")}, "quantity": 10},
        "shipment": {
            "purchaseOrder": {"id": A_PURCHASE},
            "serialNumber": ["SN-0002"],
            "carrier": "DHL",
            "trackingNumber": "JD014600003SE",
            "expectedDate": f"{now() + timedelta(days=21):%Y-%m-%d}",
        },
        "terminalSwap": {"serviceId": A_SERVICE, "serialNumber": "SN-0002", "reason": "its BUC does not transmit"},
        "hubClearance": {"serviceIds": ["019ac1de-8a4f-7c1b-9d2e-5f6a7b8c9d0e"]},
        "equipmentReturn": {"serialNumber": "STOCK-JOHANNESBURG-KU-120-0001", "reason": "its BUC does not transmit"},
        "goodsReceipt": {"purchaseOrder": {"id": A_PURCHASE}, "serialNumber": ["SN-0001"]},
        "serviceTestSpecification": {
            "name": "Line-up of dedicated links",
            "relatedServiceSpecification": [_reference("ServiceSpecification", "service-spec-dedicated-scpc-link")],
            "testMeasureDefinition": [
                {
                    "metricName": "forwardEsN0",
                    "unitOfMeasure": "dB",
                    "thresholdRule": [{"conformanceTargetLower": "-0.8", "conformanceTargetUpper": "1.5"}],
                }
            ],
            "lifecycleStatus": "In study",
        },
        "serviceTest": {
            "name": "Access test",
            "relatedService": {"id": A_LEASE},
            "testSpecification": {"id": "access-test"},
            "testMeasure": [
                _reading("lowEdge", 12_570_000_000, "Hz"),
                _reading("highEdge", 12_578_000_000, "Hz"),
                _reading("satelliteEirp", 38.5, "dBW"),
                _reading("crossPolarIsolation", 33, "dB"),
            ],
        },
    }


def _visits() -> dict[str, Json]:
    order: Json = [{"id": AN_INSTALLED, "role": "installed order", "@referredType": "ProductOrder"}]
    return {
        "searchTimeSlot": {
            "relatedEntity": order,
            "requestedTimeSlot": [{"validFor": {"startDateTime": _in_days(10), "endDateTime": _in_days(24)}}],
        },
        "appointment": {
            "relatedEntity": order,
            "validFor": {"startDateTime": "2027-03-31T06:00:00Z", "endDateTime": "2027-03-31T10:00:00Z"},
        },
    }


def _inventories() -> dict[str, Json]:
    price: Json = {
        "name": "Capacity",
        "priceType": "recurring",
        "recurringChargePeriod": "month",
        "price": {"dutyFreeAmount": {"unit": "USD", "value": 9000}},
    }
    return {
        "product": {
            "name": "Link sold before satcom",
            "status": "active",
            "startDate": "2024-01-01T00:00:00Z",
            "billingAccount": {"id": loaded_id("BillingAccount", "account-lualaba-copper")},
            "productOffering": {"id": loaded_id("ProductOffering", "offering-dedicated-scpc-link")},
            "productCharacteristic": _values({**LINK, **SITE}),
            "productPrice": [price],
            "relatedParty": _customer(),
        },
        "service": {
            "name": "Link delivered before satcom",
            "state": "active",
            "startDate": "2024-01-01T00:00:00Z",
            "serviceSpecification": {"id": loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")},
            "serviceCharacteristic": _values({**LINK, **SITE}),
            "relatedParty": _customer(),
        },
        "approvalRule": {"abovePerMonth": 50_000, "role": "finance"},
        "escalationRule": {"owner": "provisioning", "nextOwner": "noc", "afterHours": 24},
        "satelliteMilestone": {
            "satellite": _reference("Satellite", "sat-intelsat-22"),
            "state": "inclined",
            "reason": "north-south station keeping ends to save fuel",
        },
        "inServiceDateChange": {
            "satellite": {"id": AN_AWAITED},
            "inServiceDate": f"{now() + timedelta(days=360):%Y-%m-%d}",
            "reason": "the launch moves by 60 days",
        },
        "resource": {
            "@type": "Satellite",
            "name": "Another satellite",
            "resourceCharacteristic": _values({"noradId": 99999, "orbitalLongitudeDeg": 10.5, "state": "planned"}),
        },
        "physicalResource": {
            "@type": "EarthStation",
            "name": "Another teleport",
            "resourceCharacteristic": _values({"latitudeDeg": -4.3, "longitudeDeg": 15.3, "country": "CD"}),
        },
        "logicalResource": {"@type": "Beam", "name": "Another beam", "resourceCharacteristic": _values(BEAM)},
    }


def _partners() -> dict[str, Json]:
    supplier: Json = {**_reference("Organization", "supplier-highveld-terminals"), "name": "Highveld Terminals"}
    operator: Json = {**_reference("Organization", "operator-meridian"), "name": "Meridian"}
    terms: dict[str, Json] = {
        "monthlyPriceCeilingPerMbps": {"unit": "USD", "value": 320},
        "minimumMarginPercent": 15,
    }
    term: Json = {"name": "minimumMarginPercent", "valueType": "number", "specCharacteristicValue": [MARGIN]}
    return {
        "agreementSpecification": {
            "name": "Capacity of partners",
            "attachment": [{"name": "Terms of 2027", "url": "https://example.org/capacity-terms-2027.pdf"}],
            "lifecycleStatus": "Active",
            "specificationCharacteristic": [term],
        },
        "agreement": {
            "name": "Capacity of Highveld",
            "agreementType": "partnerCapacity",
            "status": "approved",
            "agreementPeriod": {"startDateTime": _in_days(0), "endDateTime": _in_days(365)},
            "engagedParty": [operator, supplier],
            "agreementItem": [{"termOrCondition": [{"description": "Managed capacity by site"}]}],
            "characteristic": _values(terms),
        },
        "partnershipSpecification": {"name": "Installation partners", "roleSpecification": [{"name": "installer"}]},
        "partnership": {
            "name": "Highveld as installer",
            "specification": {"id": loaded_id("PartnershipSpecification", "partnership-capacity")},
            "partner": [{"name": "Highveld Terminals", "engagedParty": supplier}],
        },
    }
