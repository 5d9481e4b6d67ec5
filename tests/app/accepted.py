"""For every route that creates something, a body that it accepts."""

from collections.abc import Callable
from datetime import date, timedelta

from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.entity import from_body, new_id
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.enterprise.catalog_entry import enter
from satcom.enterprise.category import CategoryEntry
from satcom.enterprise.party import Organization
from satcom.market.catalog.category import Category
from satcom.resource.category import ResourceCategory
from satcom.resource.pool.resource_pool import ResourcePool, form_pool
from satcom.service.catalog import ServiceSpecification
from satcom.service.category import ServiceCategory
from satcom.supplychain.procurement import order_terminal
from satcom.supplychain.stock import receive_stock
from tests.app.conftest import House
from tests.enterprise.an_operator import an_organization
from tests.market.a_customer import named
from tests.market.a_market import CHARACTERISTICS, PRICES, SPECIFICATION, Market, an_order, as_customer
from tests.orchestration.operations.a_faulty_terminal import a_swap_body
from tests.resource import a_network
from tests.resource.a_network import a_hub, a_transponder
from tests.resource.a_resource_catalogue import built_from
from tests.service.a_lease import a_lease_on_the_air
from tests.service.a_service import a_specification
from tests.service.an_installation import an_installation, an_installer, body_for, periods_free
from tests.supplychain.a_partnership import SPECIFICATION_BODY, agreement_body, partnership_body
from tests.supplychain.a_partnership import a_partnership as engaged_partner
from tests.supplychain.a_stock import a_stock_item

Body = dict[str, Json]


def accepted_body(house: House, path: str) -> Body:
    """A body that POST at `path` takes from an administrator, with what it names made ready."""
    collection = path.rsplit("/", 1)[1]
    if collection not in BODIES:
        raise KeyError(f"say in {__file__} what {path} accepts")
    with house.database.as_worker() as session:
        return BODIES[collection](session, house.filled.markets["Mine"])


def _catalogue_entry(body: Body) -> Callable[[Session, Market], Body]:
    return lambda _, __: body | {"name": "New"}


def a_customer_to_be(session: Session, _: Market) -> Body:
    party = an_organization(session, "New")
    return {"name": "New", "engagedParty": {"id": party.id, "@referredType": "Organization"}}


def an_account(_: Session, market: Market) -> Body:
    party: Json = {"id": market.party, "name": "Mine", "role": "customer", "@referredType": "Organization"}
    return {"name": "New", "relatedParty": [party]}


def an_offering(_: Session, __: Market) -> Body:
    return {"name": "New", "lifecycleStatus": "In study"}


def an_offering_question(_: Session, market: Market) -> Body:
    return {"productOfferingQualificationItem": _order(market)["productOrderItem"]}


def a_service_check(session: Session, _: Market) -> Body:
    return {"serviceQualificationItem": [{"id": "1", "service": _wanted_service(session)}]}


def a_service_query(session: Session, _: Market) -> Body:
    return {"searchCriteria": {"service": _wanted_service(session)}}


def _wanted_service(session: Session) -> Json:
    known: list[Json] = [{"name": name, "valueType": "number"} for name in CHARACTERISTICS]
    body: Body = {"name": "Link", "lifecycleStatus": "Active", "specCharacteristic": known}
    body["resourceSpecification"] = built_from(session)
    specification = enter(session, from_body(ServiceSpecification, body), WORKER)
    period: Body = {"startDate": "2027-12-24T00:00:00Z", "endDate": "2028-12-24T00:00:00Z"}
    return {"serviceSpecification": {"id": specification.id}, "serviceCharacteristic": _asked(), **period}


def a_catalogue_of(kind: type[CategoryEntry]) -> Callable[[Session, Market], Body]:
    def with_a_category(session: Session, _: Market) -> Body:
        return {"name": "New", "category": [{"id": enter(session, kind(name="New"), WORKER).id}]}

    return with_a_category


def a_service_to_choose(session: Session, _: Market) -> Body:
    return {"name": "New", "serviceSpecification": {"id": a_specification(session).id}}


def a_reservation(session: Session, market: Market) -> Body:
    demand: Json = {"capacityAmount": {"capacityAmount": "6000000"}, "capacitySpec": {"id": "bandwidthHz"}}
    slot: Json = [{"id": a_transponder(session).id, "role": "of", "@referredType": "Transponder"}]
    port: Json = [{"id": a_hub(session).id, "role": "of", "@referredType": "Hub"}]
    return {
        "relatedParty": [as_customer(market.party)],
        "reservationItem": [{"relatedEntity": slot, "capacityDemand": demand}, {"relatedEntity": port}],
        "reservationPeriod": {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z"},
        "validFor": {"endDateTime": instant_text(now() + timedelta(days=7))},
    }


def _order(market: Market) -> Body:
    characteristics: Json = _asked()
    item: Json = {
        "id": "1",
        "action": "add",
        "productOffering": {"id": market.offering},
        "product": {"productCharacteristic": characteristics},
    }
    return {
        "billingAccount": {"id": market.account},
        "relatedParty": [as_customer(market.party)],
        "productOrderItem": [item],
    }


def _asked() -> Json:
    return [{"name": name, "value": value} for name, value in CHARACTERISTICS.items()]


def a_cancellation(session: Session, market: Market) -> Body:
    return {"productOrder": {"id": an_order(session, market).id}}


def a_sold_product(_: Session, market: Market) -> Body:
    price: Json = {
        "name": "Capacity",
        "priceType": "recurring",
        "recurringChargePeriod": "month",
        "price": {"dutyFreeAmount": {"unit": "USD", "value": 9000}},
    }
    return {
        "name": "Old link",
        "status": "active",
        "startDate": instant_text(now() - timedelta(days=400)),
        "billingAccount": {"id": market.account},
        "productOffering": {"id": market.offering},
        "productCharacteristic": _asked(),
        "productPrice": [price],
        "relatedParty": [as_customer(market.party)],
    }


def a_delivered_service(session: Session, market: Market) -> Body:
    return {
        "name": "Old link",
        "state": "active",
        "startDate": "2024-01-01T00:00:00Z",
        "serviceSpecification": {"id": a_specification(session).id},
        "serviceCharacteristic": [{"name": "downlinkRateBps", "value": 1000}],
        "relatedParty": [as_customer(market.party)],
    }


def a_satellite(_: Session, __: Market) -> Body:
    figures: dict[str, Json] = {"noradId": 44479, "orbitalLongitudeDeg": 17.0, "state": "planned"}
    characteristics: Json = [{"name": name, "value": value} for name, value in figures.items()]
    return {"@type": "Satellite", "name": "Amos-17", "resourceCharacteristic": characteristics}


def a_beam(session: Session, _: Market) -> Body:
    figures: Body = {
        "satelliteId": a_network.a_satellite(session).id,
        "band": "Ku",
        "boresight": {"latitudeDeg": 0, "longitudeDeg": 20, "halfPowerWidthDeg": 8},
    }
    characteristics: Json = [{"name": name, "value": value} for name, value in figures.items()]
    return {"@type": "Beam", "name": "Africa", "resourceCharacteristic": characteristics}


def _pooled(session: Session) -> Body:
    return {"id": a_transponder(session).id, "@referredType": "Transponder"}


def a_pool(session: Session, *resources: Json) -> str:
    body: Json = {"description": "Ku", "resource": list(resources)}
    return form_pool(session, from_body(ResourcePool, body), WORKER).id


def extracted(session: Session, _: Market) -> Body:
    inside = _pooled(session)
    return {"resourcePool": {"id": a_pool(session, inside)}, "resource": [inside]}


def an_availability_question(session: Session, _: Market) -> Body:
    return {
        "resource": _pooled(session),
        "capacityDemand": {"capacityAmount": {"capacityAmount": "6000000"}, "capacitySpec": {"id": "bandwidthHz"}},
        "requestedPeriod": {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z"},
    }


def received_goods(session: Session, _: Market) -> Body:
    item = a_stock_item(session, lead_time_days=28)
    purchase = order_terminal(session, new_id(), item.terminal_type_id)
    return {"purchaseOrder": {"id": purchase.id}, "serialNumber": [f"SN-{purchase.id}"]}


def shipped_goods(session: Session, _: Market) -> Body:
    item = a_stock_item(session, lead_time_days=28)
    purchase = order_terminal(session, new_id(), item.terminal_type_id)
    carried: dict[str, Json] = {"carrier": "Sea", "trackingNumber": "MSKU-1", "expectedDate": str(now().date())}
    return {"purchaseOrder": {"id": purchase.id}, "serialNumber": [f"SN-{purchase.id}"], **carried}


def a_faulty_terminal(session: Session, _: Market) -> Body:
    [terminal] = receive_stock(session, a_stock_item(session), [f"SN-{new_id()}"])
    return {"serialNumber": terminal.serial_number, "reason": "it does not transmit"}


def an_awaited_satellite(session: Session) -> str:
    satellite = a_network.a_satellite(session, state="planned", end_of_life=date(2046, 1, 1))
    satellite.in_service_date = date(2031, 1, 1)
    session.flush()
    return satellite.id


def an_access_test(session: Session, market: Market) -> Body:
    service, lease, slot = a_lease_on_the_air(session, market.party)
    read = {
        "lowEdge": (slot.start_hz, "Hz"),
        "highEdge": (slot.stop_hz, "Hz"),
        "satelliteEirp": (lease.eirp_limit_dbw, "dBW"),
        "crossPolarIsolation": (35, "dB"),
    }
    measures: Json = [
        {"metricName": name, "unitOfMeasure": unit, "value": {"name": name, "value": value}}
        for name, (value, unit) in read.items()
    ]
    return {
        "name": "Access test",
        "relatedService": {"id": service.id},
        "testSpecification": {"id": "access-test"},
        "testMeasure": measures,
    }


def an_appointment(session: Session, market: Market) -> Body:
    an_installer(session)
    planned = an_installation(session, market.party)
    return body_for(planned.order_id, *periods_free(session, planned)[0])


def a_time_slot_search(session: Session, market: Market) -> Body:
    return {"relatedEntity": an_appointment(session, market)["relatedEntity"]}


def an_agreement(session: Session, _: Market) -> Body:
    return agreement_body(session, an_organization(session, "Partner"))


def a_settlement_account(session: Session, market: Market) -> Body:
    partner = session.get_one(Organization, engaged_partner(session, "https://api.partner.example").organization_id)
    return {"name": "New", "relatedParty": [named(partner)]}


def a_partnership(session: Session, _: Market) -> Body:
    return partnership_body(session, an_organization(session, "Partner"), "https://api.partner.example")


BODIES: dict[str, Callable[[Session, Market], Body]] = {
    "organization": lambda _, __: {"tradingName": "New"},
    "individual": lambda _, __: {"givenName": "Ada", "familyName": "Obi"},
    "customer": a_customer_to_be,
    "billingAccount": an_account,
    "billingCycleSpecification": lambda _, __: {"name": "Monthly", "billingDateShift": 14},
    "customerBillOnDemand": lambda _, market: {"billingAccount": {"id": market.account}},
    "billFormat": lambda _, __: {"name": "PDF"},
    "billPresentationMedia": lambda _, __: {"name": "Mail"},
    "financialAccount": lambda _, __: {"name": "Receivables"},
    "partyAccount": lambda session, _: {"name": "All", "relatedParty": [named(an_organization(session, "New"))]},
    "settlementAccount": a_settlement_account,
    "importJob": lambda _, __: {"url": "https://catalogue.example.org/all.json"},
    "exportJob": lambda _, __: {"url": ""},
    "catalog": a_catalogue_of(Category),
    "category": _catalogue_entry({}),
    "serviceCatalog": a_catalogue_of(ServiceCategory),
    "serviceCategory": _catalogue_entry({}),
    "serviceCandidate": a_service_to_choose,
    "resourceCatalog": a_catalogue_of(ResourceCategory),
    "resourceCategory": _catalogue_entry({}),
    "resourceCandidate": _catalogue_entry({}),
    "productSpecification": _catalogue_entry(SPECIFICATION),
    "productOffering": an_offering,
    "productOfferingPrice": _catalogue_entry(PRICES[2]),
    "resourceSpecification": _catalogue_entry({}),
    "serviceSpecification": _catalogue_entry({}),
    "productOfferingQualification": an_offering_question,
    "checkServiceQualification": a_service_check,
    "queryServiceQualification": a_service_query,
    "reservation": a_reservation,
    "resourcePool": lambda session, _: {"description": "Ku", "resource": [_pooled(session)]},
    "push": lambda session, _: {"resourcePool": {"id": a_pool(session)}, "resource": [_pooled(session)]},
    "extract": extracted,
    "availabilityCheck": an_availability_question,
    "productOrder": lambda _, market: _order(market),
    "cancelProductOrder": a_cancellation,
    "product": a_sold_product,
    "service": a_delivered_service,
    "resource": a_satellite,
    "physicalResource": a_satellite,
    "logicalResource": a_beam,
    "purchaseOrder": lambda session, _: {"stockItem": {"id": a_stock_item(session).id}, "quantity": 10},
    "shipment": shipped_goods,
    "goodsReceipt": received_goods,
    "equipmentReturn": a_faulty_terminal,
    "approvalRule": lambda _, __: {"abovePerMonth": 50_000, "role": "finance"},
    "escalationRule": lambda _, __: {"owner": "supply", "nextOwner": "noc", "afterHours": 24},
    "satelliteMilestone": lambda session, _: {
        "satellite": {"id": an_awaited_satellite(session)},
        "state": "underConstruction",
    },
    "inServiceDateChange": lambda session, _: {
        "satellite": {"id": an_awaited_satellite(session)},
        "inServiceDate": "2031-06-01",
        "reason": "the launcher is late",
    },
    "hub": lambda _, __: {"callback": f"https://oss.example.org/{new_id()}"},
    "serviceTest": an_access_test,
    "hubClearance": lambda _, __: {"serviceIds": [new_id()]},
    "terminalSwap": lambda session, _: a_swap_body(session),
    "serviceTestSpecification": lambda session, _: {
        "name": "New",
        "relatedServiceSpecification": [{"id": a_specification(session).id}],
    },
    "agreementSpecification": lambda _, __: {"name": "New", "attachment": []},
    "appointment": an_appointment,
    "searchTimeSlot": a_time_slot_search,
    "agreement": an_agreement,
    "partnershipSpecification": lambda _, __: SPECIFICATION_BODY,
    "partnership": a_partnership,
}
