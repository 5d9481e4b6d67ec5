"""What an order waits for is bought, shipped, received and returned from a terminal; and seen by the NOC."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from satcom.core.database import Database
from satcom.supplychain.stock import StockItem
from tests.app.the_command_line import CommandLine, a_served_operation, token_of
from tests.market.a_market import an_order_body
from tests.orchestration.operations.an_order_to_service import Operation
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.the_other_kinds import MHZ, a_lease_ordered, record_the_test

SOON = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%d}"
SENT = ("--carrier", "DHL", "--tracking-number", "JD0146", "--expected", SOON)
PATIENCE_S = 120


@dataclass(frozen=True)
class Desk:
    """A terminal before a running system."""

    satcom: CommandLine
    operation: Operation
    folder: Path

    def be(self, role: str) -> None:
        self.satcom.set(SATCOM_TOKEN=token_of(self.operation.database, role))

    def done(self, *words: str) -> Any:
        """What a command that succeeds tells a program."""
        said = self.satcom(*words, "--json")
        assert said.status == 0, said.err
        return json.loads(said.out)

    def refused(self, *words: str) -> str:
        said = self.satcom(*words)
        assert (said.status, said.out) == (1, "")
        return " ".join(said.err.split())

    def place(self) -> str:
        path = self.folder / "order.json"
        path.write_text(json.dumps(an_order_body(self.operation.market)))
        return str(self.done("order", "place", str(path))["reference"])

    def wait_for(self, task: str) -> str:
        """Until an order waits for it; the order's reference."""
        for _ in range(PATIENCE_S * 10):
            for one in self.done("order", "waits"):
                if one["taskFlowSpecification"] == task:
                    return str(one["orderReference"])
            time.sleep(0.1)
        raise AssertionError(f"no order waits for {task}")

    def followed(self, order: str) -> None:
        watched = self.satcom("order", "watch", order, "--every", "0.1")
        assert watched.status == 0, watched.out + watched.err


@pytest.fixture
def desk(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with a_served_operation(database, tmp_path, in_stock=0) as (operation, url):
        desk = Desk(CommandLine(monkeypatch, capsys), operation, tmp_path)
        desk.satcom.set(SATCOM_URL=url, COLUMNS="100")
        desk.be("administrator")
        yield desk


def test_the_terminal_that_an_order_waits_for_is_shipped_received_and_delivered(desk: Desk) -> None:
    reference = desk.place()
    desk.wait_for("terminal_is_here")
    desk.be("supply")
    [bought] = desk.done("terminal", "purchases")
    listed = " ".join(desk.satcom("terminal", "purchases").out.split())
    assert f"{bought['reference']} " in listed
    assert f"0 of 1 {reference}" in listed
    too_many = desk.refused("terminal", "ship", reference, "A-1", "A-2", *SENT)
    assert too_many == (
        f"SERIAL: 1 of 1 of {bought['reference']} are still to come, not 2 (accepted: at most 1 serial numbers)"
    )
    past = desk.refused("terminal", "ship", reference, "A-1", *SENT[:-1], "2020-01-01")
    assert past.startswith("--expected: 2020-01-01 is over (accepted: ")
    shipment = desk.done("terminal", "ship", reference, "A-1", *SENT)
    assert (shipment["purchaseOrderId"], shipment["expectedDate"]) == (bought["id"], SOON)
    around = desk.refused("terminal", "receive", reference, "A-1")
    assert around.endswith(f"(accepted: its shipment {shipment['reference']})")
    other = desk.refused("terminal", "receive", shipment["reference"], "A-9")
    assert other == f"SERIAL: 'A-9' is not in {shipment['reference']} (accepted: A-1)"
    assert desk.satcom("terminal", "follow", shipment["reference"], "--carrier", "Sea").status == 0
    assert "A-1: received for SH-" in desk.satcom("terminal", "receive", shipment["reference"], "A-1").out
    ended = desk.refused("terminal", "receive", shipment["reference"], "A-1")
    assert ended == f"DOCUMENT: {shipment['reference']} is received (accepted: a shipment under way)"
    assert desk.satcom("terminal", "purchases").out == "nothing that was bought is still to come\n"
    desk.be("administrator")
    desk.followed(reference)
    desk.be("supply")
    needed = desk.refused("terminal", "return", "A-1", "--reason", "we want it back")
    assert needed.startswith("SERIAL: ")
    assert needed.endswith("(accepted: an order that ends the service there)")


def test_terminals_for_the_shelf_are_bought_lost_shelved_returned_and_inspected(desk: Desk) -> None:
    desk.be("supply")
    nowhere = desk.refused("terminal", "buy", "a dish", "Atlantis")
    assert nowhere == "DEPOT: there is no 'Atlantis' (accepted: Nairobi)"
    unknown = desk.refused("terminal", "buy", "a dish", "Nairobi")
    with desk.operation.database.as_worker() as session:
        names = sorted(one.terminal_type_name for one in session.exec(select(StockItem)))
    assert unknown == f"TYPE: Nairobi does not list 'a dish' (accepted: {', '.join(names)})"
    name = names[0]
    bought = desk.done("terminal", "buy", name, "Nairobi", "--quantity", "2")["reference"]
    lost = desk.done("terminal", "ship", bought, "B-1", *SENT)["reference"]
    twice = desk.refused("terminal", "ship", bought, "B-1", *SENT)
    assert twice == "SERIAL: a terminal 'B-1' is in the books already"
    assert desk.done("terminal", "follow", lost, "--lost")["state"] == "lost"
    assert desk.refused("terminal", "follow", lost).startswith("DOCUMENT: nothing is noted of it (accepted: --exp")
    assert desk.done("terminal", "receive", bought, "B-2", "B-3")["serialNumber"] == ["B-2", "B-3"]
    assert desk.refused("terminal", "receive", bought, "B-4").startswith(f"DOCUMENT: {bought} is delivered")
    assert desk.satcom("terminal", "shelve", name, "Nairobi", "B-5").out == "B-5: on the shelf\n"
    again = desk.refused("terminal", "shelve", name, "Nairobi", "B-6", "B-5", "B-5")
    assert again == "SERIAL: 'B-5' is there twice"
    back = desk.done("terminal", "return", "B-5", "--reason", "the feed is bent")
    assert back["state"] == "atSupplier"
    early = desk.refused("terminal", "return", "B-5", "--reason", "the feed is bent")
    assert early == "SERIAL: B-5 is atSupplier (accepted: a terminal that is inStock or issued)"
    of_it = back["reference"]
    assert desk.refused("terminal", "follow", of_it, "--lost").startswith(f"--lost: {of_it} is no shipment (accepted: ")
    assert desk.refused("terminal", "receive", of_it, "B-3") == f"SERIAL: {of_it} is the return of B-5 (accepted: B-5)"
    assert desk.satcom("terminal", "receive", of_it, "B-5").out == f"B-5: received for {of_it}\n"
    wrong = desk.refused("terminal", "inspect", of_it, "mended", "--finding", "a new feed")
    assert wrong.startswith("STATE: 'mended' is not noted by hand")
    assert desk.satcom("terminal", "inspect", of_it, "restocked", "--finding", "a new feed").status == 0
    assert desk.refused("terminal", "inspect", of_it, "scrapped", "--finding", "bent").startswith("STATE: ")
    for words in (("ship", "PO-2026-999999", "C-1", *SENT), ("receive", "PU-1999-000001", "C-1")):
        assert "nothing was bought as " in desk.refused("terminal", *words)
    assert "(accepted: RT-2026-000001, see satcom terminal returns)" in desk.refused(
        "terminal", "inspect", "RT-1", "lost", "--finding", "it never came"
    )
    desk.be("noc")
    assert desk.refused("terminal", "buy", name, "Nairobi").startswith("role: ")


def test_the_noc_says_that_it_has_seen_the_carriers_of_a_lease(desk: Desk) -> None:
    lease = a_lease_ordered(desk.operation)
    reference = desk.wait_for("access_is_tested")
    unasked = desk.refused("service", "carriers-seen", reference)
    assert unasked == (
        f"ORDER: {reference} does not wait for carriers to be seen (accepted: one that waits for "
        "carriers_are_moved or carriers_are_off, see satcom order waits)"
    )
    record_the_test(desk.operation, lease)
    desk.followed(lease)
    for action, wait, said, values in (
        ("modify", "carriers_are_moved", "the carriers are in the changed lease", {"bandwidthHz": 9 * MHZ}),
        ("delete", "carriers_are_off", "the carriers are off the air", {}),
    ):
        changed = change(desk.operation, lease, action, **values)
        waiting = desk.wait_for(wait)
        desk.be("sales")
        assert desk.refused("service", "carriers-seen", waiting).startswith("role: ")
        desk.be("noc")
        assert desk.satcom("service", "carriers-seen", waiting).out == f"{waiting}: {said}; it goes on\n"
        desk.be("administrator")
        desk.followed(changed)
