"""`satcom order`: one order placed, seen, watched, cancelled and repaired from a terminal or a program."""

import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from sqlmodel import select

from satcom.app.commands import order as order_commands
from satcom.app.commands.api import ApiRefused
from satcom.app.commands.order_view import listed
from satcom.app.demo_order import order_body
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.security import WORKER
from satcom.core.settings import settings
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import revise
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.ordering import ProductOrder
from satcom.orchestration.plan import TaskFlow
from tests.app.the_command_line import CommandLine, a_served_operation, on_a_terminal, token_of
from tests.market.a_market import an_order_body
from tests.orchestration.operations.an_order_to_service import Operation


@dataclass(frozen=True)
class Desk:
    """A terminal before a running system, and a folder for files."""

    satcom: CommandLine
    operation: Operation
    url: str
    folder: Path

    def file(self, **characteristics: Json) -> str:
        path = self.folder / "order.json"
        path.write_text(json.dumps(an_order_body(self.operation.market, **characteristics)))
        return str(path)

    def yaml_file(self) -> str:
        """With a date as YAML writes it."""
        path = self.folder / "order.yaml"
        text = yaml.safe_dump(an_order_body(self.operation.market))
        path.write_text(f"{text}\nrequestedCompletionDate: 2027-12-01T00:00:00Z\n")
        return str(path)

    def be(self, role: str, party: str | None = None) -> None:
        self.satcom.set(SATCOM_TOKEN=token_of(self.operation.database, role, party))

    def place(self, **characteristics: Json) -> str:
        said = self.satcom("order", "place", self.file(**characteristics))
        assert said.status == 0, said.err
        return said.out.strip()


@pytest.fixture
def in_stock() -> int:
    return 3


@pytest.fixture
def desk(
    database: Database,
    tmp_path: Path,
    in_stock: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    with a_served_operation(database, tmp_path, in_stock) as (operation, url):
        desk = Desk(CommandLine(monkeypatch, capsys), operation, url, tmp_path)
        desk.satcom.set(SATCOM_URL=url, COLUMNS="80")
        desk.be("administrator")
        yield desk


none_in_stock = pytest.mark.parametrize("in_stock", [0])


def test_an_order_is_placed_watched_line_by_line_and_shown(desk: Desk) -> None:
    reference = desk.place()
    assert reference.startswith("PO-20")
    watched = desk.satcom("order", "watch", reference, "--every", "0.1")
    assert watched.status == 0, watched.err
    lines = [line.split("  ") for line in watched.out.splitlines()]
    assert {line[0] for line in lines} == {reference}
    assert lines[-1][1:3] != ["order", "held"]
    assert [reference, "order", "completed"] in lines
    assert any(line[1] == "accept_test" and line[2] == "completed" and line[3].endswith(" s") for line in lines)
    shown = desk.satcom("order", "show", reference)
    assert shown.status == 0
    for told in (reference, "downlinkRateBps 10000000", "Dedicated SCPC link", "accept_test", "USD per month"):
        assert told in shown.out
    as_json = json.loads(desk.satcom("order", "show", reference, "--json").out)
    assert as_json["productOrder"]["state"] == as_json["processFlow"]["state"] == "completed"
    assert len(as_json["taskFlow"]) > 15
    _shows_what_was_delivered(shown.out, as_json)
    by_id = desk.satcom("order", "show", as_json["productOrder"]["id"], "--json")
    assert json.loads(by_id.out)["productOrder"]["reference"] == reference


def _shows_what_was_delivered(text: str, told: dict[str, Any]) -> None:
    """The inventories' own words, for a person and for a program."""
    lines = " ".join(text.split())
    slots = [
        {one["name"]: one["value"] for one in slot["resourceCharacteristic"]} for slot in told["spectrumAssignment"]
    ]
    assert sorted(slot["direction"] for slot in slots) == ["forward", "return"]
    for slot in slots:
        start_hz, stop_hz = slot["startHz"], slot["stopHz"]
        where = f"{slot['direction']} slot {start_hz / 1e6:.3f} to {stop_hz / 1e6:.3f} MHz,"
        wide = f"{(stop_hz - start_hz) / 1e6:.3f} MHz wide, power of {slot['powerShareHz'] / 1e6:.3f} MHz"
        assert f"{where} {wide}, transponder {told['transponder'][0]['name']}, assigned" in lines
    (satellite,), (service,), (test,), (bill,) = (
        told[one] for one in ("satellite", "service", "serviceTest", "customerBill")
    )
    (serial,) = [one["value"] for one in told["terminal"][0]["resourceCharacteristic"] if one["name"] == "serialNumber"]
    for said in (
        f"satellite {satellite['name']}",
        f"service {service['id']}, active",
        f"serial number {serial}",
        f"test {test['state']}",
        "forwardEsN0",
        f"bill {bill['billNo']}, validated, {bill['amountDue']['value']:,.2f} USD",
    ):
        assert said in lines, said


def test_an_order_in_yaml_is_read_from_a_pipe_and_watched_live(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(desk.yaml_file())
    with file.open() as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        placed = desk.satcom("order", "place", "-", "--json")
    assert placed.status == 0, placed.err
    body = json.loads(placed.out)
    assert body["requestedCompletionDate"] == "2027-12-01T00:00:00Z"
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=40, color_system=None)
    monkeypatch.setattr(order_commands, "console", console)
    assert desk.satcom("order", "watch", body["reference"], "--every", "0.1").status == 0
    assert "predicted finish" in screen.getvalue()
    last = screen.getvalue().rsplit(f"{body['reference']} completed", 1)[1]
    assert "complete_orders" in last
    assert "active" not in last


def test_the_newest_orders_are_listed_by_their_state(desk: Desk) -> None:
    first, second = desk.place(), desk.place()
    desk.satcom("order", "watch", first, "--every", "0.1")
    desk.satcom("order", "watch", second, "--every", "0.1")
    said = desk.satcom("order", "list", "--state", "completed")
    assert (said.status, said.out.index(second) < said.out.index(first)) == (0, True)
    assert [one["reference"] for one in json.loads(desk.satcom("order", "list", "--limit", "1", "--json").out)] == [
        second
    ]
    assert "no order is held" in desk.satcom("order", "list", "--state", "held").out


def test_an_order_asked_for_again_with_its_key_is_placed_once(desk: Desk) -> None:
    file = desk.file()
    first = desk.satcom("order", "place", file, "--key", "monday")
    again = desk.satcom("order", "place", file, "--key", "monday")
    assert (first.out, again.status) == (again.out, 0)
    with desk.operation.database.as_worker() as session:
        assert len(session.exec(select(ProductOrder)).all()) == 1


def test_everything_that_is_wrong_with_an_order_is_said_line_by_line(desk: Desk) -> None:
    said = desk.satcom("order", "place", desk.file(downlinkRateBps=1, availabilityPercent=50))
    assert (said.status, said.out) == (1, "")
    lines = said.err.strip().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("/productOrderItem/0/product/productCharacteristic/") for line in lines)
    assert "(accepted: 256000 to 60000000" in said.err
    nothing = desk.folder / "nothing.yaml"
    for text, why in (
        ("[1, 2]", "holds no product order"),
        ("a: [", "neither JSON nor YAML"),
        ("", "no product order"),
    ):
        nothing.write_text(text)
        said = desk.satcom("order", "place", str(nothing))
        assert (said.status, why in said.err) == (1, True), said.err


@none_in_stock
def test_nothing_that_is_copied_is_cut_on_80_columns(desk: Desk) -> None:
    reference = desk.place()
    _wait_for(desk, reference, "terminal_is_here", "active")
    found = json.loads(desk.satcom("order", "show", reference, "--json").out)
    (transponder,) = {one["name"] for one in found["transponder"]}
    for words, whole in {
        "order list": [reference],
        "order waits": [reference, "terminal_is_here"],
        f"order show {reference}": [reference, found["productOrder"]["id"], found["service"][0]["id"]],
        f"order history {reference}": [f"ProductOrder {reference}"],
        "spectrum list": [f"{found['satellite'][0]['name']} {transponder}"],
        "satellite list": [found["satellite"][0]["id"]],
    }.items():
        lines = on_a_terminal(*words.split(), columns=80).splitlines()
        assert max(map(len, lines)) <= 80, words
        assert [one for one in whole if not any(one in line for line in lines)] == [], words
        assert not any("…" in line for line in lines), words


@none_in_stock
def test_an_order_that_waits_shows_for_whom_and_is_cancelled(desk: Desk) -> None:
    reference = desk.place()
    _wait_for(desk, reference, "terminal_is_here", "active")
    shown = " ".join(desk.satcom("order", "show", reference).out.split())
    assert f"{reference} held" in shown
    assert "waits for supply, expected 20" in shown
    assert "deadline 20" in shown
    for hours, overdue in (("744", [reference]), ("0", [])):  # it was expected after 30 days of the business clock
        desk.satcom.set(SATCOM_CLOCK_AHEAD_HOURS=hours)
        settings.cache_clear()
        late = json.loads(desk.satcom("order", "waits", "--overdue", "--json").out)
        assert [one["orderReference"] for one in late] == overdue
    redated = desk.satcom("order", "redate", reference, "terminal_is_here", "2097-03-31")
    assert redated.status == 0, redated.err
    assert "2097-03-31T00:00+03:00 (2097-03-30T21:00Z)" in " ".join(redated.out.split()), "the operator is in Nairobi"
    assert "deadline 2097-03-30T21:00Z" in " ".join(desk.satcom("order", "show", reference).out.split())
    asked = desk.satcom("order", "cancel", reference, "--preview")
    assert (asked.status, " can be cancelled, and that costs nothing" in " ".join(asked.out.split())) == (0, True)
    cancelled = desk.satcom("order", "cancel", reference, "--reason", "the mine closes")
    assert (cancelled.status, "is being cancelled" in cancelled.out) == (0, True)
    watched = desk.satcom("order", "watch", reference, "--every", "0.1", "--json")
    assert watched.status == 1
    lines = [json.loads(line) for line in watched.out.splitlines()]
    assert {"reference": reference, "what": "order", "state": "cancelled", "why": "the mine closes"} == next(
        line for line in lines if line.get("state") == "cancelled" and line["what"] == "order"
    )
    again = desk.satcom("order", "cancel", reference, "--reason", "again")
    assert (again.status, "ORDER: order" in again.err) == (1, True)


@none_in_stock
def test_the_noc_repairs_from_the_terminal_and_others_do_not(desk: Desk) -> None:
    reference = desk.place()
    _wait_for(desk, reference, "terminal_is_here", "active")
    refused = desk.satcom("order", "retry", reference, "terminal_is_here")
    assert (refused.status, "only what is held is tried again (accepted: hold)" in refused.err) == (1, True)
    unknown = desk.satcom("order", "skip", reference, "make_tea")
    assert (unknown.status, "has no task 'make_tea' (accepted: qualify_again," in unknown.err) == (1, True)
    desk.be("sales")
    refused = desk.satcom("order", "skip", reference, "terminal_is_here")
    assert (refused.status, refused.err.startswith("role: sales of a test may not retry, skip")) == (1, True)
    desk.be("noc")
    refused = desk.satcom("order", "skip", reference, "terminal_is_here")
    assert (refused.status, "needs its result" in refused.err) == (1, True)
    again = desk.satcom("order", "redate", reference, "terminal_is_here", "2031-05-01T12:00+02:00", "--json")
    told = json.loads(again.out)
    assert (again.status, told["state"]) == (0, "active")
    assert {"name": "deadline", "value": "2031-05-01T10:00:00Z", "valueType": "string"} in told["characteristic"]
    for wrong in ("tomorrow", "2031-02-30", "0001-01-01T00:00+14:00"):
        refused = desk.satcom("order", "redate", reference, "terminal_is_here", wrong)
        assert (refused.status, f"WHEN: {wrong!r} is no date (accepted: 2027-03-31, " in refused.err) == (1, True)


def test_what_the_hub_holds_of_a_service_is_asked_by_the_reference_of_its_order(desk: Desk) -> None:
    reference = desk.place()
    assert desk.satcom("order", "watch", reference, "--every", "0.1").status == 0
    same = desk.satcom("service", "hub-state", reference)
    assert (same.status, "the hub holds what it was told" in same.out) == (0, True), same.err
    service_id = json.loads(desk.satcom("service", "hub-state", reference, "--json").out)["serviceId"]
    with desk.operation.hub.client() as hub:
        assert hub.delete(f"/v1/plans/{service_id}-plan", headers={"Idempotency-Key": "by hand"}).is_success
    differs = desk.satcom("service", "hub-state", service_id)
    text = " ".join(differs.out.split())
    assert (differs.status, "plan exists yes no" in text, "would be sent: PUT" in text) == (0, True, True), text
    assert max(map(len, differs.out.splitlines()[:-1])) <= 80
    unknown = desk.satcom("service", "hub-state", "PO-2026-000099")
    assert (unknown.status, "SERVICE: there is no service 'PO-2026-000099' (accepted:" in unknown.err) == (1, True)


def test_a_hub_is_cleared_of_what_no_book_has_after_it_was_shown_and_confirmed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = desk.place()
    assert desk.satcom("order", "watch", reference, "--every", "0.1").status == 0
    service_id = json.loads(desk.satcom("service", "hub-state", reference, "--json").out)["serviceId"]
    nothing = desk.satcom("hub", "clear")
    assert (nothing.status, "the hubs hold nothing that the books do not have" in nothing.out) == (0, True), nothing.err
    lost, other = sorted((new_id(), new_id()))
    with desk.operation.hub.client() as hub:
        carrier = hub.get(f"/v1/carriers/{service_id}-forward").json()
        body = {name: value for name, value in carrier.items() if name not in ("id", "revision")}
        for port, orphan in enumerate((lost, other), start=2):
            hub.put(f"/v1/carriers/{orphan}-forward", json=body | {"port": port}).raise_for_status()
    orphans = json.loads(desk.satcom("hub", "orphans", "--json").out)
    assert [one["serviceId"] for one in orphans] == [lost, other]
    at = orphans[0]["hub"][0]["name"]
    for shown in (desk.satcom("hub", "orphans", at), desk.satcom("hub", "clear", at, "--service", service_id)):
        assert (lost in shown.out) is (shown.status == 0), shown.err
    assert f"--service: {service_id} is no orphan (accepted: {lost}, {other})" in shown.err
    unknown = desk.satcom("hub", "orphans", "Nowhere")
    assert (unknown.status, unknown.err.startswith("HUB: there is no hub 'Nowhere'")) == (1, True), unknown.err
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    assert desk.satcom("hub", "clear", at).status == 1
    assert "no hub was cleared" in desk.satcom("hub", "clearances").out
    cleared = desk.satcom("hub", "clear", at, "--service", lost, "--yes")
    assert (cleared.status, lost in cleared.out, "HC-20" in cleared.out) == (0, True, True), cleared.err
    assert other not in cleared.out
    give_up = time.monotonic() + 60
    while [one["state"] for one in json.loads(desk.satcom("hub", "clearances", "--json").out)] != ["done"]:
        assert time.monotonic() < give_up, desk.satcom("hub", "clearances").out
        time.sleep(0.1)
    assert [one["serviceId"] for one in json.loads(desk.satcom("hub", "orphans", "--json").out)] == [other]


def test_the_end_of_a_product_is_shown_and_asked_about_before_notice_is_given(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = desk.place()
    assert desk.satcom("order", "watch", reference, "--every", "0.1").status == 0
    shown = desk.satcom("order", "terminate", reference, "--preview")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.splitlines()[0].endswith(" ends at once: no notice period was agreed")
    asked = json.loads(desk.satcom("order", "terminate", reference, "--preview", "--json").out)
    assert (asked["atOnce"], asked["timeZone"]) == (True, "Africa/Nairobi")
    for words in ((), ("--json",)):
        refused = desk.satcom("order", "terminate", reference, *words)
        assert (refused.status, refused.err.startswith("--yes: it is missing, and nobody is at a")) == (1, True)
    for answer, status, said in (("n", 1, "no notice is given"), ("y", 0, "PO-20")):
        typed = io.StringIO(f"{answer}\n")
        monkeypatch.setattr(typed, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", typed)
        answered = desk.satcom("order", "terminate", reference, "--on", "2031-03-31")
        assert (answered.status, said in answered.out) == (status, True), answered.err
        assert " ends on 2031-03-31T00:00+03:00" in " ".join(answered.out.split())
    twice = desk.satcom("order", "terminate", reference, "--yes")
    assert (twice.status, twice.err.startswith("PRODUCT: ")) == (1, True), twice.err


def test_what_a_late_cancel_costs_is_told_in_amounts_before_anything_is_asked_for(desk: Desk) -> None:
    terms: list[Json] = [
        {"name": name, "duration": {"amount": months, "units": "month"}}
        for name, months in (("Minimum term", 12), ("Early termination", 3))
    ]
    with desk.operation.database.as_worker() as session:
        offering = session.get_one(ProductOffering, desk.operation.market.offering)
        revise(session, offering, {"productOfferingTerm": terms}, WORKER)
    reference = desk.place()
    assert desk.satcom("order", "watch", reference, "--every", "0.1").status == 0
    order = json.loads(desk.satcom("order", "show", reference, "--json").out)["productOrder"]
    [monthly] = [one["price"] for one in order["orderTotalPrice"] if one["priceType"] == "recurring"]
    due = 3 * monthly["dutyFreeAmount"]["value"]
    asked = json.loads(desk.satcom("order", "cancel", reference, "--preview", "--json").out)
    ending = json.loads(desk.satcom("order", "terminate", reference, "--preview", "--json").out)
    [charge] = asked["itemPrice"]
    assert (asked["possible"], charge["price"]["dutyFreeAmount"]["value"]) == (False, due)
    for preview in (asked, ending):
        for rate in preview["appliedCustomerBillingRate"]:
            rate.get("periodCoverage", {}).pop("startDateTime", None)  # each was asked at a moment of its own
    for what in ("itemPrice", "appliedCustomerBillingRate", "taxExcludedAmount"):
        assert asked[what] == ending[what]
    said = desk.satcom("order", "cancel", reference, "--preview")
    total = f"to be billed in all, before tax: {asked['taxExcludedAmount']['value']:,.2f} USD"
    assert f"\nEarly termination: {due:,.2f} USD\n" in said.out
    for told in (said, desk.satcom("order", "terminate", reference, "--preview")):
        assert told.out.splitlines()[-1] == total
    without = desk.satcom("order", "cancel", reference)
    assert (without.status, without.err.startswith("--reason: it is missing (accepted: ")) == (1, True)
    placed = json.loads(desk.satcom("order", "terminate", reference, "--yes", "--json").out)
    assert placed["productOrderItem"][0]["itemPrice"] == asked["itemPrice"]


def test_what_is_wrong_with_a_change_is_named_as_it_was_typed(desk: Desk) -> None:
    reference = desk.place()
    assert desk.satcom("order", "watch", reference, "--every", "0.1").status == 0
    for words, said in (
        (("modify", reference, "--set", "uplinkRateBps=5", "--set", "downlinkRateBps=fast"), "--set downlinkRateBps: "),
        (("modify", reference, "--set", "latitudeDeg=3"), "--set latitudeDeg: a change leaves latitudeDeg as it is"),
        (("modify", "PO-2026-000099", "--set", "a=1"), "PRODUCT: there is no product 'PO-2026-000099'"),
        (("modify", new_id(), "--set", "a=1"), "PRODUCT: there is no product"),
        (("terminate", reference, "--yes", "--on", "soon"), "--on: 'soon' is no date"),
        (("terminate", reference, "--yes", "--on", "2020-03-31"), "--on: 2020-03-31 00:00+03:00 is over"),
        (("terminate", reference, "--preview", "--on", "2020-03-31"), "--on: 2020-03-31 00:00+03:00 is over"),
        (("cancel", reference, "--reason", "too dear"), f"(accepted: satcom order terminate {reference}; "),
        (("show", new_id()), "ORDER: there is no"),
    ):
        refused = desk.satcom("order", *words)
        assert (refused.status, said in refused.err) == (1, True), refused.err
        assert "/" not in refused.err.split(":")[0]


def test_the_operators_settings_are_set_and_shown_and_a_wrong_one_is_named_as_it_was_typed(desk: Desk) -> None:
    words = ("--tax-rate", "19", "--satellite-patience-days", "90", "--time-zone", "Africa/Lusaka")
    changed = json.loads(desk.satcom("operator", "set", *words, "--json").out)
    shown = json.loads(desk.satcom("operator", "show", "--json").out)
    for told in (changed, shown):
        settings = [told[one] for one in ("taxRatePercent", "satellitePatienceDays", "timeZone")]
        assert settings == [19, 90, "Africa/Lusaka"]
    again = " ".join(desk.satcom("operator", "set", "--approval-days", "6").out.split())
    assert "approvalDays 6 then an order that nobody approves is rejected" in again
    assert "taxRatePercent 19 on what is charged" in again, "what is not named stays"
    for wrong, said in (
        (("--time-zone", "Moon/Tranquility"), "--time-zone: "),
        (("--tax-rate", "-1"), "--tax-rate: "),
        (("--approval-days", "7"), "--approval-days: "),
        (("--availability-confidence", "20"), "--availability-confidence: "),
        ((), "satcom operator set: it names no setting (accepted: "),
    ):
        refused = desk.satcom("operator", "set", *wrong)
        assert (refused.status, refused.err.startswith(said)) == (1, True), refused.err
    desk.be("sales")
    refused = desk.satcom("operator", "set", "--tax-rate", "0")
    assert (refused.status, refused.err.startswith("role: ")) == (1, True), refused.err
    desk.be("administrator")
    assert json.loads(desk.satcom("operator", "show", "--json").out) == shown | {"approvalDays": 6}


def test_who_may_see_orders_only_sees_no_tasks(desk: Desk) -> None:
    reference = desk.place()
    desk.be("finance")
    said = json.loads(desk.satcom("order", "show", reference, "--json").out)
    assert (said["productOrder"]["reference"], said["processFlow"], said["taskFlow"]) == (reference, None, [])
    assert (said["spectrumAssignment"], said["service"]) == ([], []), "finance sees no network"
    desk.be("customer", desk.operation.market.other_party)
    said_to_others = desk.satcom("order", "show", reference)
    assert (said_to_others.status, "there is no order" in said_to_others.err) == (1, True)


def test_an_api_that_is_not_there_or_does_not_know_us_is_said_in_one_line(desk: Desk) -> None:
    for url, why in (
        ("http://127.0.0.1:9", "does not answer"),
        ("nonsense", "is no address"),
        (f"{desk.url}/elsewhere", "there is no such path"),
    ):
        said = desk.satcom("order", "show", "PO-2026-000001", "--url", url)
        assert (said.status, why in said.err, len(said.err.strip().splitlines())) == (1, True, 1), said.err
    for token, why in (("", "--token: it is missing"), ("wrong", "the access token is not valid"), ("ü", "no access")):
        said = desk.satcom("order", "show", "PO-2026-000001", "--token", token)
        assert (said.status, why in said.err) == (1, True), said.err
    said = desk.satcom("order", "show", "PO-2026-000099")
    assert (said.status, "there is no order 'PO-2026-000099'" in said.err) == (1, True)
    said = desk.satcom("order", "place", desk.file(), "--url", "http://127.0.0.1:9")
    assert (said.status, "ask again with --key" in said.err) == (1, True)


def _wait_for(desk: Desk, reference: str, task: str, state: str) -> None:
    """Until the workers have come so far."""
    for _ in range(600):
        with desk.operation.database.as_worker() as session:
            found = session.exec(select(TaskFlow).where(TaskFlow.task_flow_specification == task)).first()
            if found is not None and found.state == state:
                return
        time.sleep(0.1)
    raise AssertionError(f"{task} of {reference} never was {state}")


def test_an_order_in_the_words_of_an_operators_folder_is_placed_as_it_stands() -> None:
    folder = Path(__file__).parents[2] / "examples" / "operator"
    file = folder / "demo_order.yaml"
    body = order_commands.read_order(file.read_bytes(), str(file))
    assert body == order_body(folder)
    assert isinstance(body, dict)
    assert body["externalId"] == "demo-order-kamoto"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"\xff\x00\x81", "neither JSON nor YAML"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"a: &a [*a]", "Circular reference"),
        (b"latitudeDeg: .nan", "not JSON compliant"),
        (b"a: !!set {b, c}", "type set is not JSON serializable"),
    ],
)
def test_a_file_that_json_cannot_say_is_refused_before_it_is_sent(written: bytes, why: str) -> None:
    with pytest.raises(ApiRefused, match=why):
        order_commands.read_order(written, "order.yaml")


def test_a_narrow_window_keeps_the_references_that_are_to_be_typed() -> None:
    row: dict[str, Any] = {"reference": "PO-2026-000001", "state": "pendingCancellation"}
    row |= {"orderDate": "2026-11-24T20:01:26Z", "relatedParty": [{"id": "1", "name": "Lualaba Copper, mine sites"}]}
    screen = io.StringIO()
    Console(file=screen, width=60).print(listed([row]))
    assert "PO-2026-000001" in screen.getvalue()
    assert "pendingCancellation" in screen.getvalue()


def test_an_order_saved_with_a_byte_order_mark_is_read() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert order_commands.read_order("name: Café".encode(encoding), "order.yaml") == {"name": "Café"}
        assert order_commands.read_order('{"name": "Café"}'.encode(encoding), "order.json") == {"name": "Café"}
