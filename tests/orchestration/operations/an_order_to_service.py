"""The demonstration network with an offer, a customer and a hub simulator: what an order needs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, select

from satcom.app.simulated_hub import fleet_of
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.catalog.product_specification import ProductSpecification
from satcom.market.ordering import ProductOrder, place_order
from satcom.orchestration.engine import Engine, unobserved
from satcom.orchestration.plan import ProcessFlow, TaskFlow, tasks_of
from satcom.orchestration.wave import Observer
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.ground import TerminalType
from satcom.resource.hub import Hub
from satcom.service.catalog import ServiceSpecification
from satcom.supplychain.partner import Supplier
from satcom.supplychain.stock import Depot, StockItem, opening_stock
from tests.enterprise.an_operator import an_operator, an_organization
from tests.furnished_database import furnished
from tests.market.a_market import PRICES, SPECIFICATION, Market, a_buyer, a_price, an_order_body
from tests.resource.a_resource_catalogue import built_from
from tests.service.shared_carriers import load_pools
from tests.service.the_demonstration import load_the_network
from tests.simulators.hub_nms_process import HubNmsProcess, hub_nms_process

TERMINAL = 1  # index in PRICES of the one that is only for a terminal
RANGES: list[tuple[str, Json, Json]] = [
    ("downlinkRateBps", 256_000, 60_000_000),
    ("uplinkRateBps", 128_000, 20_000_000),
    ("latitudeDeg", -90, 90),
    ("longitudeDeg", -180, 180),
    ("availabilityPercent", 98, 100),
]


@dataclass(frozen=True)
class Operation:
    """A database with everything that an order needs, and the hub."""

    database: Database
    market: Market
    hub: HubNmsProcess
    driver: HubNmsDriver

    def order(self, **characteristics: Json) -> str:
        """Place an order for the mine; its id."""
        with self.database.as_worker() as session:
            return place_order(
                session, from_body(ProductOrder, an_order_body(self.market, **characteristics)), WORKER
            ).id

    def advance(self, order_id: str, observe: Observer = unobserved) -> tuple[ProcessFlow, dict[str, TaskFlow]]:
        """Do all that can be done now for an order."""
        Engine(self.database, self.driver, observe).advance(self.flow(order_id)[0].id)
        return self.flow(order_id)

    def flow(self, order_id: str) -> tuple[ProcessFlow, dict[str, TaskFlow]]:
        with self.database.as_worker() as session:
            flow = session.exec(select(ProcessFlow).where(ProcessFlow.subject_id == order_id)).one()
            return flow, {task.task_flow_specification: task for task in tasks_of(session, flow)}


@contextmanager
def an_operation(
    database: Database, tmp_path: Path, in_stock: int = 3, ports: int | None = None, pools: bool = False
) -> Iterator[Operation]:
    """Everything in place; `in_stock` terminals of each kind on the shelf, `ports` at each hub that has any.

    With `pools` the hub has carriers that many share.
    """

    def furnish(session: Session) -> tuple[Market, dict[str, Json]]:
        an_operator(session)
        load_the_network(session)
        for one in session.exec(select(Hub).where(Hub.ports > 0)):
            one.ports = ports or one.ports
        if pools:
            load_pools(session)
        market = _market(session)
        _stock(session, in_stock)
        session.flush()
        return market, json.loads(json.dumps(fleet_of(session)))

    market, fleet = furnished(database, furnish, in_stock, ports, pools)
    with hub_nms_process(tmp_path, fleet) as hub, HubNmsDriver(hub.url, hub.token) as driver:
        yield Operation(database, market, hub, driver)


def _market(session: Session) -> Market:
    spec_characteristics: list[Json] = [
        {
            "name": name,
            "valueType": "number",
            "minCardinality": 1,
            "characteristicValueSpecification": [{"valueFrom": low, "valueTo": high}],
        }
        for name, low, high in RANGES
    ]
    body: dict[str, Json] = {
        "name": "Dedicated SCPC link",
        "lifecycleStatus": "Active",
        "specCharacteristic": spec_characteristics,
        "resourceSpecification": built_from(session),
    }
    realised_by = enter(session, from_body(ServiceSpecification, body), WORKER)
    described: dict[str, Json] = SPECIFICATION | {"serviceSpecification": [{"id": realised_by.id}]}
    specification = enter(session, from_body(ProductSpecification, described), WORKER)
    prices = [one for index, one in enumerate(PRICES) if index != TERMINAL] + [a_price("Terminal", 5950, monthly=False)]
    prices += [a_price("C capacity", 2600, monthly=True, unit="MHz", band="C")]
    prices += [a_price("Ka capacity", 2100, monthly=True, unit="MHz", band="Ka")]
    listed = [enter(session, from_body(ProductOfferingPrice, one), WORKER) for one in prices]
    offered: dict[str, Json] = {
        "name": "Dedicated SCPC link",
        "lifecycleStatus": "Launched",
        "productSpecification": {"id": specification.id},
        "productOfferingPrice": [{"id": one.id} for one in listed],
    }
    offering = enter(session, from_body(ProductOffering, offered), WORKER)
    mine, other = an_organization(session, "Mine"), an_organization(session, "Other mine")
    return Market(offering.id, mine.id, a_buyer(session, mine).id, other.id, a_buyer(session, other).id)


def _stock(session: Session, quantity: int) -> None:
    supplier_party = an_organization(session, "Supplier")
    supplier = Supplier(
        name="Supplier", country="KE", currency="USD", party_id=supplier_party.id, organization_id=supplier_party.id
    )
    session.add(supplier)
    session.flush()
    depot = Depot(
        name="Nairobi",
        supplier_id=supplier.id,
        country="KE",
        latitude_deg=-1.3,
        longitude_deg=36.8,
        party_id=supplier_party.id,
    )
    session.add(depot)
    session.flush()
    for number, kind in enumerate(session.exec(select(TerminalType)).all()):
        item = StockItem(
            depot_id=depot.id,
            terminal_type_id=kind.id,
            terminal_type_name=kind.name,
            lead_time_days=30,
            party_id=supplier_party.id,
        )
        session.add(item)
        session.flush()
        opening_stock(session, item, quantity, f"T{number}")
