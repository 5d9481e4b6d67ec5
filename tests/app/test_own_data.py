"""The page on bringing one's own data shows files that load as they stand, and make an operator who can deliver."""

import re
from collections import Counter

from satcom.app.demo_order import order_in
from satcom.app.loading.load import load
from satcom.app.loading.loading import Outcome
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.ordering import OrderState, ProductOrder, place_order
from satcom.market.solution_price import price_solution
from satcom.resource.satellite import ElementSet
from satcom.service.qualification import qualify
from tests.house.checkout import ROOT
from tests.service.the_demonstration import ORDERED_AT, the_demand

FOLDER = ROOT / "examples" / "own_satellite"
PAGE = ROOT / "docs" / "own-data.md"
SHOWN = re.compile(r"^`([\w.]+)`[^\n]*\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_shows_every_file_of_the_example_as_it_is() -> None:
    shown = dict(SHOWN.findall(PAGE.read_text(encoding="utf-8")))
    assert shown == {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}


def test_the_example_loads_as_it_is_shown_and_again_changes_nothing(database: Database) -> None:
    seen = load(database, FOLDER, dry_run=True, by="ada")
    assert load(database, FOLDER, dry_run=False, by="ada") == seen
    counted = Counter(one.kind for one in seen if one.outcome is Outcome.CREATED)
    assert counted["Transponder"] == counted["Licence"] == counted["SpectrumAssignment"] == 2
    assert counted["Customer"] == counted["EscalationRule"] == 3
    assert counted[ElementSet.__name__] == 1
    again = load(database, FOLDER, dry_run=False, by="ada")
    assert {one.outcome for one in again} == {Outcome.UNCHANGED}


def test_the_operator_of_the_example_can_deliver_and_price_the_order_that_lies_beside(database: Database) -> None:
    with clock.at(ORDERED_AT):
        load(database, FOLDER, dry_run=False, by="ada")
        with database.as_worker() as session:
            site = {"latitude_deg": -12.82, "longitude_deg": 28.21, "altitude_m": 1250, "country": "ZM"}
            rates = {"downlink_rate_bps": 8_000_000, "uplink_rate_bps": 2_000_000, "availability_percent": 99.5}
            answer = qualify(session, the_demand(**site, **rates))
            assert {one.space_segment_name for one in answer.solutions} == {"Baobab One"}
            offering = session.get_one(ProductOffering, loaded_id("ProductOffering", "offering-link"))
            priced = price_solution(session, offering, answer.solutions[0], ORDERED_AT)
            assert next(line.name for line in priced.lines) == "Installation"
            assert "Ku-band capacity" in [line.name for line in priced.lines]
            order = place_order(session, from_body(ProductOrder, order_in(FOLDER / "first_order.yaml")), WORKER)
            assert order.state is OrderState.ACKNOWLEDGED
            assert order.party_id == loaded_id("Organization", "customer-copper")
