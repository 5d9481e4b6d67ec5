"""OR7, X2, X3: capacity is held for somebody until a day: all of it or nothing, and never for two at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations

import httpx
import pytest

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import CUSTOMER, ORDERS, RESOURCES, Body, RunningOperator, characteristics

RESERVATIONS = "/tmf-api/resourcePoolManagement/v4/reservation"
HAMMERED, QUIET, NARROW = "tp-amos-17-ku-2v", "tp-amos-17-ku-3v", "tp-amos-17-ku-1v"
HUB, HUB_WITHOUT_PORTS = "hub-hartebeesthoek-1", "hub-accra-1"
MHZ = 1_000_000
YEARS = (2031, 2032, 2033)
ATTEMPTS, AT_ONCE = 60, 12


@dataclass(frozen=True)
class Slot:
    """What an assignment takes, with its guard band on either side shared with its neighbour."""

    start_hz: float
    stop_hz: float
    start_at: datetime
    stop_at: datetime

    def overlaps(self, other: "Slot") -> bool:
        in_frequency = self.start_hz < other.stop_hz and other.start_hz < self.stop_hz
        return in_frequency and self.start_at < other.stop_at and other.start_at < self.stop_at


def a_slot(transponder: str, width_hz: int) -> Body:
    demand = {"capacityAmount": {"capacityAmount": str(width_hz)}, "capacitySpec": {"id": "bandwidthHz"}}
    of = {"id": loaded_id("Transponder", transponder), "role": "of", "@referredType": "Transponder"}
    return {"relatedEntity": [of], "capacityDemand": demand}


def a_port(hub: str) -> Body:
    return {"relatedEntity": [{"id": loaded_id("Hub", hub), "role": "of", "@referredType": "Hub"}]}


def in_time(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def a_hold(*items: Body, year: int = YEARS[0], until: str | None = None) -> Body:
    """A reservation for the mine in one year."""
    return {
        "relatedParty": [{"id": loaded_id("Organization", CUSTOMER), "role": "customer"}],
        "reservationItem": list(items),
        "reservationPeriod": {"startDateTime": f"{year}-01-01T00:00:00Z", "endDateTime": f"{year + 1}-01-01T00:00:00Z"},
        "validFor": {"endDateTime": until or in_time(days=7)},
        "description": "for the talks in March",
    }


def held(operator: RunningOperator, *items: Body, role: str = "sales", **further: str) -> Body:
    answer = operator.api(role).post(RESERVATIONS, json=a_hold(*items, **further))  # type: ignore[arg-type]
    assert answer.status_code == 201, answer.text
    found: Body = answer.json()
    return found


def read(operator: RunningOperator, reservation: Body) -> Body:
    found: Body = operator.get(reservation["href"], "provisioning")
    return found


def taken_on(operator: RunningOperator, transponder: str) -> list[Body]:
    """What the inventory has on a transponder that is held or assigned, characteristics among the attributes."""
    filters = {"@type": "SpectrumAssignment", "transponderId": loaded_id("Transponder", transponder), "limit": "500"}
    found = [one | characteristics(one) for one in operator.get(RESOURCES, **filters)]
    return [one for one in found if one["state"] in ("held", "assigned")]


def slots_on(operator: RunningOperator, transponder: str) -> list[Slot]:
    forever = datetime(9999, 1, 1, tzinfo=UTC)
    return [
        Slot(
            one["startHz"] - one["guardBandHz"] / 2,
            one["stopHz"] + one["guardBandHz"] / 2,
            datetime.fromisoformat(one["startAt"]),
            datetime.fromisoformat(one["stopAt"]) if "stopAt" in one else forever,
        )
        for one in taken_on(operator, transponder)
    ]


def counts(operator: RunningOperator) -> tuple[str, str]:
    """How many reservations there are, and how many things that could be held."""
    paths = (RESERVATIONS, RESOURCES)
    one, other = (operator.api().get(path, params={"limit": "1"}).headers["X-Total-Count"] for path in paths)
    return one, other


def test_a_hold_says_how_much_of_what_for_whom_by_whom_and_until_when(operator: RunningOperator) -> None:
    until = in_time(days=10)
    made = held(operator, a_slot(QUIET, 6 * MHZ), a_port(HUB), until=until)
    found = read(operator, made)
    slot, port = found["reservationItem"]
    assert found["state"] == "held"
    assert [one["quantity"] for one in (slot, port)] == [1, 1]
    assert slot["appliedCapacity"]["capacityAmount"]["capacityAmount"] == str(6 * MHZ)
    assert found["reservationPeriod"]["startDateTime"].startswith(str(YEARS[0]))
    assert datetime.fromisoformat(found["validFor"]["endDateTime"]) == datetime.fromisoformat(until)
    assert [one["name"] for one in found["relatedParty"]] == ["Lualaba Copper"]
    for item, kind in ((slot, "SpectrumAssignment"), (port, "HubPortAssignment")):
        kept = item["appliedCapacity"]["relatedCapacity"][0]
        of_inventory = operator.get(kept["href"], "provisioning")
        assert kept["@referredType"] == of_inventory["@type"] == kind
        assert characteristics(of_inventory)["state"] == "held"
        assert characteristics(of_inventory)["reservationId"] == made["id"]


def test_a_hold_becomes_the_order_of_whom_it_was_made_for(operator: RunningOperator) -> None:
    asked = a_hold(a_slot(NARROW, 6 * MHZ), year=datetime.now(UTC).year)
    hold = operator.api("sales").post(RESERVATIONS, json=asked).json()
    named = {"reservation": {"id": hold["id"], "@referredType": "Reservation"}}
    answer = operator.api("provisioning").post(ORDERS, json=operator.order_body() | named)
    assert answer.status_code == 201, answer.text
    order = operator.follow(answer.json()["id"])
    assert order["state"] == "completed", order.get("note")
    assert order["reservation"]["id"] == hold["id"]
    taken = read(operator, hold)
    assert taken["state"] == "cancelled"
    assert taken["stateChangeReason"] == f"taken up by {order['reference']}"
    slots = [one for one in taken_on(operator, NARROW) if one.get("orderId") == order["id"]]
    assert slots, "what was held is used, though other ways rank before it"
    again = operator.api("provisioning").post(ORDERS, json=operator.order_body() | named)
    assert [one["code"] for one in again.json()["fault"]] == ["reservationEnded"]


def test_only_a_hold_for_the_customer_who_orders_is_taken_up(operator: RunningOperator) -> None:
    other = a_hold(a_slot(QUIET, 6 * MHZ)) | {
        "relatedParty": [{"id": loaded_id("Organization", "customer-fouta-logistics"), "role": "customer"}]
    }
    foreign = operator.api("sales").post(RESERVATIONS, json=other)
    assert foreign.status_code == 201, foreign.text
    of_an_order = read(operator, operator.get(RESERVATIONS, "provisioning", state="completed", limit="1")[0])
    for identifier, code in (
        (foreign.json()["id"], "otherParty"),
        (of_an_order["id"], "heldByOrder"),
        (loaded_id("Hub", HUB), "notFound"),
        ("none", "notFound"),
    ):
        named = {"reservation": {"id": identifier, "@referredType": "Reservation"}}
        answer = operator.api("provisioning").post(ORDERS, json=operator.order_body() | named)
        assert [(one["field"], one["code"]) for one in answer.json()["fault"]] == [("/reservation/id", code)]


def test_a_hammer_of_reservations_at_once_leaves_no_overlap(operator: RunningOperator) -> None:
    headers = dict(operator.api("provisioning").headers)

    def attempt(number: int) -> tuple[int, Body]:
        body = a_hold(a_slot(HAMMERED, (5 + number % 3) * MHZ), year=YEARS[number % len(YEARS)])
        with httpx.Client(base_url=operator.base_url, headers=headers, timeout=60, trust_env=False) as api:
            answer = api.post(RESERVATIONS, json=body)
        told: Body = answer.json()
        return answer.status_code, told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(attempt, range(ATTEMPTS)))
    made = [body for status, body in answers if status == 201]
    refused = [body for status, body in answers if status != 201]
    assert {status for status, _ in answers} == {201, 422}
    assert {one["code"] for one in refused} <= {"noContiguousSlot", "noPower"}
    assert all("MHz" in one["reason"] for one in refused)

    slots = slots_on(operator, HAMMERED)
    assert [pair for pair in combinations(slots, 2) if pair[0].overlaps(pair[1])] == []
    kept = {one["reservationId"] for one in taken_on(operator, HAMMERED) if "reservationId" in one}
    assert kept == {one["id"] for one in made}
    for year in YEARS:
        at = datetime(year, 6, 1, tzinfo=UTC)
        power_hz = sum(
            one["powerShareHz"]
            for one, slot in zip(taken_on(operator, HAMMERED), slots, strict=True)
            if slot.start_at <= at < slot.stop_at
        )
        assert 40 * MHZ < power_hz <= 54 * MHZ  # nearly full, and never more than there is


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([a_slot(QUIET, 4 * MHZ), a_slot(NARROW, 30 * MHZ)], "noContiguousSlot"),
        ([a_slot(QUIET, 4 * MHZ), a_port(HUB_WITHOUT_PORTS)], "noHubPort"),
        ([a_slot(QUIET, 4 * MHZ), a_slot("tp-nigcomsat-1r-ku-2v", MHZ)], "satelliteNotInService"),
        ([a_slot(QUIET, 4 * MHZ), a_slot("tp-intelsat-22-c-1r", 5 * MHZ)], "satelliteNotInService"),
    ],
    ids=["a slot too wide", "no port", "no life left", "ended before"],
)
def test_of_what_cannot_be_held_together_nothing_is_held(
    operator: RunningOperator, items: list[Body], code: str
) -> None:
    before = counts(operator)
    answer = operator.api("provisioning").post(RESERVATIONS, json=a_hold(*items))
    assert answer.status_code == 422, answer.text
    assert code in {one["code"] for one in answer.json()["fault"]}, answer.text
    assert counts(operator) == before


def test_a_hold_that_ran_out_says_so_and_what_it_held_is_free_for_the_next(operator: RunningOperator) -> None:
    widest = 41 * MHZ
    asked = a_slot("tp-eutelsat-10b-ku-1h", widest)
    first = held(operator, asked, role="provisioning", until=in_time(seconds=3))
    second = operator.api("provisioning").post(RESERVATIONS, json=a_hold(asked))
    assert second.status_code == 422, second.text  # there is room for one of them only

    operator.wait_for(lambda: read(operator, first)["state"] == "failed", "the hold to run out")
    ended = read(operator, first)
    assert ended["stateChangeReason"] == "the hold ran out"
    assert ended["stateChangeDate"] >= ended["validFor"]["endDateTime"]
    [item] = ended["reservationItem"]
    kept = item["appliedCapacity"]["relatedCapacity"][0]
    slot = characteristics(operator.get(kept["href"]))
    assert (slot["state"], slot["releasedBecause"]) == ("released", "the hold ran out")
    assert held(operator, asked, role="provisioning")["state"] == "held"

    longer = {"validFor": {"endDateTime": in_time(days=1)}}
    answer = operator.api("provisioning").patch(first["href"], json=longer)
    assert answer.status_code == 422, answer.text
    assert read(operator, first)["state"] == "failed"


def test_who_holds_it_may_extend_it_so_may_provisioning_and_noc_and_nobody_else(operator: RunningOperator) -> None:
    of_provisioning, of_sales = (held(operator, a_slot(QUIET, MHZ), role=role) for role in ("provisioning", "sales"))
    rights = [(of_provisioning, role, False) for role in ("sales", "customer", "supply", "migration")]
    rights += [(of_provisioning, "provisioning", True), (of_provisioning, "noc", True), (of_sales, "sales", True)]
    for days, (made, role, may) in enumerate(rights, start=20):
        later = in_time(days=days)
        answer = operator.api(role).patch(made["href"], json={"validFor": {"endDateTime": later}})
        assert answer.status_code == (200 if may else 403), (role, answer.text)
        told = datetime.fromisoformat(read(operator, made)["validFor"]["endDateTime"])
        assert (told == datetime.fromisoformat(later)) is may, role


def test_given_back_it_is_free_at_once_and_stays_on_record(operator: RunningOperator) -> None:
    made = held(operator, a_slot(QUIET, 2 * MHZ), a_port(HUB))
    change = {"state": "cancelled", "stateChangeReason": "lost to another bidder"}
    answer = operator.api("sales").patch(made["href"], json=change)
    assert answer.status_code == 200, answer.text
    found = read(operator, made)
    assert (found["state"], found["stateChangeReason"]) == ("cancelled", "lost to another bidder")
    for item in found["reservationItem"]:
        kept = item["appliedCapacity"]["relatedCapacity"][0]
        assert characteristics(operator.get(kept["href"]))["state"] == "released"
    assert operator.api().delete(made["href"]).status_code == 405


def test_what_an_order_holds_is_not_given_back_by_hand(operator: RunningOperator) -> None:
    order_id = operator.delivered(band=["C"])
    [reservation] = operator.get(RESERVATIONS, orderId=order_id)
    assert reservation["state"] == "completed"
    answer = operator.api("provisioning").patch(reservation["href"], json={"state": "cancelled"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "heldByOrder"


def test_a_customer_holds_nothing_and_the_same_key_holds_once(operator: RunningOperator) -> None:
    body = a_hold(a_slot(QUIET, MHZ))
    for role in ("customer", "noc", "supply", "migration"):
        assert operator.api(role).post(RESERVATIONS, json=body).status_code == 403, role
    key = {"Idempotency-Key": "talks-in-march"}
    one, again = (operator.api("sales").post(RESERVATIONS, json=body, headers=key) for _ in range(2))
    assert (one.status_code, again.status_code) == (201, 201)
    assert one.json()["id"] == again.json()["id"]
    other = operator.api("sales").post(RESERVATIONS, json=body | {"description": "another"}, headers=key)
    assert other.status_code == 422


BAD: list[tuple[str, dict[str, Json], str]] = [
    ("for nobody", {"relatedParty": []}, "/relatedParty"),
    ("of nothing", {"reservationItem": []}, "/reservationItem"),
    ("of what is none", {"reservationItem": [{"relatedEntity": []}]}, "/reservationItem/0/relatedEntity"),
    ("without a width", {"reservationItem": [a_slot(QUIET, 0)]}, "/reservationItem/0/capacityDemand"),
    ("wider than any", {"reservationItem": [a_slot(QUIET, 10**12)]}, "/reservationItem/0/capacityDemand"),
    ("from no day", {"reservationPeriod": {}}, "/reservationPeriod/startDateTime"),
    (
        "ends before it begins",
        {"reservationPeriod": {"startDateTime": "2032-01-01T00:00:00Z", "endDateTime": "2031-01-01T00:00:00Z"}},
        "",
    ),
    ("without an end of hold", {"validFor": {}}, "/validFor/endDateTime"),
    ("until yesterday", {"validFor": {"endDateTime": "2020-01-01T00:00:00Z"}}, "/validFor/endDateTime"),
    ("for ever", {"validFor": {"endDateTime": "2999-01-01T00:00:00Z"}}, "/validFor/endDateTime"),
    ("assigned at once", {"state": "completed"}, "/state"),
    ("with a colour", {"colour": "red"}, "/colour"),
]


@pytest.mark.parametrize(("changed", "field"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_hold_that_cannot_be_is_refused_by_field_and_leaves_no_trace(
    operator: RunningOperator, changed: dict[str, Json], field: str
) -> None:
    before = counts(operator)
    answer = operator.api("sales").post(RESERVATIONS, json=a_hold(a_slot(QUIET, MHZ)) | changed)
    assert answer.status_code in (400, 422), answer.text
    assert any(one["field"].startswith(field) for one in answer.json()["fault"]), answer.text
    assert counts(operator) == before
