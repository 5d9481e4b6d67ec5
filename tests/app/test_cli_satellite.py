"""`satcom satellite redate`: whom another in-service date touches is shown first, and done when it is confirmed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from satcom.app.http import create_app
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.resource.satellite import Satellite
from tests.app.the_command_line import CommandLine, Said, ask_in_process, token_of
from tests.orchestration.operations.test_awaited_satellite import CHANGES, Body, midnight
from tests.orchestration.operations.test_slip_of_every_kind import Fleet, a_fleet


@dataclass(frozen=True)
class Planning:
    """A planner at a terminal, and an order of each kind for a satellite that is to come."""

    fleet: Fleet
    satcom: CommandLine
    name: str

    def redate(self, *words: str, day: str | None = None) -> Said:
        return self.satcom("satellite", "redate", self.name, day or str(self.fleet.slipped), *REASON, *words)

    def changes(self) -> list[Body]:
        at = self.fleet.programme
        found: list[Body] = at.http.get(CHANGES, headers=at.planner).json()
        return found

    @property
    def moved(self) -> dict[str, bool]:
        """Who of them begins on the new day."""
        new = {midnight(self.fleet.slipped)}
        return {kind: self.fleet.starts(one) == new for kind, one in self.fleet.orders.items()}


REASON = ("--reason", "the launcher slips")
NOBODY, EVERYBODY = (dict.fromkeys(("link", "access", "lease"), moved) for moved in (False, True))


@pytest.fixture
def planning(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Planning]:
    ask_in_process(monkeypatch, create_app(database))
    with a_fleet(database, tmp_path) as fleet:
        satcom = CommandLine(monkeypatch, capsys)
        satcom.set(SATCOM_TOKEN=token_of(database, "planning"), COLUMNS="250")
        with database.as_worker() as session:
            name = session.get_one(Satellite, fleet.satellite).name
        yield Planning(fleet, satcom, name)
    clock.offset = timedelta(0)


def test_who_is_touched_is_shown_with_both_days_and_nothing_moves_until_it_is_confirmed(planning: Planning) -> None:
    fleet, at = planning.fleet, planning.fleet.programme
    shown = planning.redate()
    assert shown.status == 0, shown.err
    lines, [change] = shown.out.splitlines(), planning.changes()
    assert lines[0] == f"{planning.name}: in service on {fleet.slipped}, not on {at.planned}"
    for order_id in fleet.orders.values():
        order = at.order(order_id)
        [row] = [line for line in lines if order["reference"] in line]
        cells = [cell.strip() for cell in row.split("  ") if cell.strip()]
        offering = order["productOrderItem"][0]["productOffering"]["name"]
        assert cells[:3] == [order["reference"], "Mine", offering]
        assert cells[3].endswith(f" of {order['reference']}")
        assert f"{fleet.start:%Y-%m-%d} -> {fleet.slipped}" in row
        promised = next(one["promisedAfter"] for one in change["touched"] if one["order"]["id"] == order_id)
        assert f"{order['expectedCompletionDate'][:10]} -> {promised[:10]}" in row
    assert planning.moved == NOBODY
    assert lines[-1] == f"nothing is moved yet: satcom satellite confirm {change['id']}"
    assert (change["state"], change["reason"]) == ("proposed", REASON[1])

    done = planning.satcom("satellite", "confirm", change["id"])
    assert (done.status, done.out.strip()) == (0, "the change is confirmed; 3 are touched by it"), done.err
    assert planning.moved == EVERYBODY
    again = planning.satcom("satellite", "confirm", change["id"])
    assert again.status == 1
    assert "CHANGE: it is confirmed" in again.err
    assert planning.satcom("satellite", "withdraw", change["id"]).status == 1


def test_confirmed_at_once_it_is_shown_and_done_and_a_program_reads_the_same_list(planning: Planning) -> None:
    fleet = planning.fleet
    said = planning.redate("--json")
    assert said.status == 0, said.err
    shown = json.loads(said.out)
    assert shown["state"] == "proposed"
    assert {one["order"]["id"] for one in shown["touched"]} == set(fleet.orders.values())
    assert all(one["service"]["name"] and one["product"] and one["customer"]["name"] for one in shown["touched"])
    assert {(one["startsBefore"][:10], one["startsAfter"][:10]) for one in shown["touched"]} == {
        (f"{fleet.start:%Y-%m-%d}", str(fleet.slipped))
    }
    assert planning.moved == NOBODY
    withdrawn = planning.satcom("satellite", "withdraw", shown["id"], "--json")
    assert json.loads(withdrawn.out)["state"] == "withdrawn"
    assert planning.moved == NOBODY

    done = planning.redate("--confirm")
    assert done.status == 0, done.err
    assert done.out.count(" -> ") >= 6
    assert done.out.splitlines()[-1] == "the change is confirmed; 3 are touched by it"
    assert planning.moved == EVERYBODY
    back = planning.redate("--confirm", "--json", day=str(fleet.programme.planned))
    confirmed = json.loads(back.out)
    assert (confirmed["state"], confirmed["decidedBy"]) == ("confirmed", "planning of a test")
    assert planning.moved == NOBODY


def test_what_cannot_be_is_said_as_it_was_typed_and_moves_nothing(planning: Planning) -> None:
    fleet, unknown = planning.fleet, new_id()
    day, planned = str(fleet.slipped), str(fleet.programme.planned)
    for words, status, said in (
        (("redate", "Sputnik", day, *REASON), 1, "SATELLITE: there is no satellite 'Sputnik' (accepted: an id, "),
        (("redate", unknown, day, *REASON), 1, f"SATELLITE: there is no satellite '{unknown}'"),
        (("redate", planning.name, "2020-01-01", *REASON), 1, "DAY: 2020-01-01 is over (accepted: "),
        (("redate", planning.name, planned, *REASON), 1, f"DAY: {planning.name} is planned for {planned} already"),
        (("redate", planning.name, "2090-01-01", *REASON), 1, f"DAY: {planning.name} ends its life on "),
        (
            ("redate", planning.name, "tomorrow", *REASON),
            2,
            "Invalid value for 'DAY': Value error, 'tomorrow' does not",
        ),
        (("redate", planning.name, day, "--reason", ""), 1, "--reason: "),
        (("redate", planning.name, day), 2, "Missing option '--reason'"),
        (("confirm", unknown), 1, "CHANGE: there is no"),
        (("confirm", "PO-2026-000001"), 1, "CHANGE: "),
    ):
        refused = planning.satcom("satellite", *words, *(("--confirm",) if words[0] == "redate" else ()))
        told = " ".join(refused.err.replace("│", " ").split())
        assert (refused.status, said in told) == (status, True), (words, refused)
    for role in ("noc", "sales"):
        planning.satcom.set(SATCOM_TOKEN=token_of(fleet.programme.operation.database, role))
        refused = planning.redate("--confirm")
        assert (refused.status, "role: " in refused.err) == (1, True), refused
    customer = token_of(fleet.programme.operation.database, "customer", fleet.programme.operation.market.party)
    planning.satcom.set(SATCOM_TOKEN=customer)
    assert planning.redate("--confirm").status == 1
    assert planning.changes() == []
    assert planning.moved == NOBODY
