"""OM6, OS3: each kind is changed up and down, refused by name, cancelled and ended, and billed to the day for it.

A link of its own, shared access, a transponder lease. What is held, what works and what is charged is looked at before,
during and after each change; the change is made on the 11th of a month, so that a part of a month is credited.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from satcom.core.values import Json
from tests.scenarios.a_running_operator import ORDERS, RESOURCES, SERVICES, TMF, Body, RunningOperator, characteristics
from tests.scenarios.test_om6_change import (
    AT,
    CANCELS,
    HUB_STATE,
    NO_PLAN,
    PATHS,
    PRODUCTS,
    RATES,
    STOCKED,
    at_hub,
    body_of,
    monthly,
    ordered,
    product_of,
)
from tests.scenarios.test_os3_three_kinds import ACCESS, LEASE, LINK, TESTS, access_test, service_in_progress

LISTED = f"{TMF}/productCatalogManagement/v4/productOfferingPrice"
WAITS = "/satcom-api/orchestration/v1/wait"
MBIT = MHZ = 1_000_000
KINDS = (LINK, ACCESS, LEASE)
CHOSEN: dict[str, dict[str, Json]] = {
    LINK: {"band": ["Ku"], "terminalType": ["term-ku-180"], "downlinkRateBps": 8 * MBIT},
    ACCESS: {
        "band": ["Ku"],
        "terminalType": ["term-ku-120"],
        "uplinkRateBps": MBIT // 2,
        "uplinkCommittedRateBps": MBIT // 8,
    },
    LEASE: {},
}
TAKES = {LINK: {"SpectrumAssignment": 2, "HubPortAssignment": 1}, ACCESS: {"PoolShare": 2}}
TAKES[LEASE] = {"SpectrumAssignment": 1}
TERMINAL_KU_180 = {"Terminal Ku 1.80 m, 8 W": 5950.0}


@dataclass
class Sold:
    """A product of a kind, and the order that delivered it as it is."""

    kind: str
    product: Body
    order_id: str

    @property
    def service_id(self) -> str:
        return str(self.product["realizingService"][0]["id"])

    def asked_for(self, name: str) -> Json:
        return next((one["value"] for one in self.product["productCharacteristic"] if one["name"] == name), None)

    def asked(self, name: str) -> float:
        return float(str(self.asked_for(name) or 0))


@pytest.fixture(scope="module")
def zone(operator: RunningOperator) -> ZoneInfo:
    return ZoneInfo(operator.get("/satcom-api/enterprise/v1/operator", fields="timeZone")[0]["timeZone"])


@pytest.fixture(scope="module")
def in_use(operator: RunningOperator, zone: ZoneInfo) -> dict[str, Sold]:
    """One product of each kind, in its second month."""
    sold = {kind: delivered(operator, kind) for kind in KINDS}
    operator.delivered(
        ACCESS, **CHOSEN[ACCESS] | {"downlinkCommittedRateBps": 2 * MBIT}
    )  # so the pool is not its alone
    noon = go_to_day(operator, zone, 11)

    def billed_beyond(one: Sold) -> bool:
        covered = [line["periodCoverage"] for line in lines_of(operator, one).values() if "periodCoverage" in line]
        return any(datetime.fromisoformat(period["endDateTime"]) > noon for period in covered)

    operator.wait_for(lambda: all(map(billed_beyond, sold.values())), "the bills of the month")
    return sold


@pytest.fixture
def well(operator: RunningOperator) -> Iterator[None]:
    yield
    operator.hub.set_faults()


def delivered(operator: RunningOperator, kind: str) -> Sold:
    order_id = operator.order(kind, **CHOSEN[kind])
    if kind == LEASE:
        operator.wait_for_task(order_id, "access_is_tested", "active")
        seen = operator.api("noc").post(TESTS, json=access_test(service_in_progress(operator, order_id)))
        assert seen.status_code == 201, seen.text
    order = operator.follow(order_id)
    assert order["state"] == "completed", order.get("note")
    return Sold(kind, product_of(operator, order_id), order_id)


def go_to_day(operator: RunningOperator, zone: ZoneInfo, day: int) -> datetime:
    """To noon of that day of the next month, where the operator is; the bills of the month are made."""
    here = datetime.now(UTC) + operator.clock_ahead
    first = (here.astimezone(zone).replace(day=28) + timedelta(days=4)).replace(day=day)
    noon = first.replace(hour=12, minute=0, second=0, microsecond=0)
    operator.move_clock(noon - here)
    return noon


def flat(body: Body) -> Body:
    return body | characteristics(body)


def held(operator: RunningOperator, kind: str, order_id: str) -> list[Body]:
    """What an order holds, or held, of the network."""
    return [
        flat(one)
        for resource in TAKES[kind]
        for one in operator.get(RESOURCES, **{"@type": resource, "orderId": order_id})
    ]


def states(holds: list[Body]) -> Counter[str]:
    return Counter(f"{one['@type']} {one['state']}" for one in holds)


def all_are(kind: str, state: str) -> Counter[str]:
    return Counter({f"{resource} {state}": number for resource, number in TAKES[kind].items()})


def listed_price(operator: RunningOperator, sold: Sold) -> float:
    """What the price list of `examples` comes to: reckoned here from what was asked for and what is held."""
    if sold.kind == ACCESS:
        most = sold.asked("downlinkRateBps") + sold.asked("uplinkRateBps")
        committed = sold.asked("downlinkCommittedRateBps") + sold.asked("uplinkCommittedRateBps")
        return 60 + 14 * most / MBIT + 310 * committed / MBIT
    slots = [one for one in held(operator, sold.kind, sold.order_id) if one["@type"] == "SpectrumAssignment"]
    taken_hz = sum(max(float(one["stopHz"]) - float(one["startHz"]), float(one["powerShareHz"])) for one in slots)
    if sold.kind == LEASE:
        return 2550 * taken_hz / MHZ
    [by_mhz] = [one for one in sold.product["productPrice"] if one["unitOfMeasure"] == "MHz"]
    listed = operator.get(f"{LISTED}/{by_mhz['productOfferingPrice']['id']}")
    return 450 + float(listed["price"]["value"]) * taken_hz / MHZ


def lines_of(operator: RunningOperator, sold: Sold) -> dict[str, Body]:
    found = operator.get(RATES, limit="1000", **{"product.id": sold.product["id"]})
    return {one["id"]: one for one in found}


def prices(product: Body) -> dict[str, float]:
    recurring = [one for one in product["productPrice"] if one["priceType"] == "recurring"]
    return {one["name"]: float(one["price"]["dutyFreeAmount"]["value"]) for one in recurring}


def noc_has_seen(operator: RunningOperator, order_id: str, task: str) -> None:
    """The NOC looked at the carriers of a lease, and lets its order go on."""
    operator.wait_for_task(order_id, task, "active")
    [wait] = [
        one
        for one in operator.get(WAITS, "noc", owner="noc")
        if characteristics(one).get("processFlowId") == operator.flow(order_id)["id"]
    ]
    answer = operator.api("noc").patch(wait["href"], json={"state": "completed"})
    assert answer.status_code == 200, answer.text


TOO_MUCH: list[tuple[str, dict[str, Json], str]] = [
    (LINK, {"downlinkRateBps": 60 * MBIT, "uplinkRateBps": 20 * MBIT}, "linkDoesNotClose"),
    (ACCESS, {"downlinkRateBps": 20 * MBIT, "downlinkCommittedRateBps": 20 * MBIT}, "noCommittedRate"),
    (ACCESS, {"uplinkRateBps": 3 * MBIT // 2}, "poolContended"),
    (LEASE, {"bandwidthHz": 54 * MHZ}, "noContiguousSlot"),
    (LEASE, {"powerSharePercent": 100}, "noPower"),
]


@pytest.mark.parametrize(("kind", "values", "code"), TOO_MUCH)
def test_an_increase_that_finds_no_room_is_refused_by_name_and_the_old_service_stays_whole(
    operator: RunningOperator, in_use: dict[str, Sold], kind: str, values: dict[str, Json], code: str
) -> None:
    before = in_use[kind]
    had, hub_had = lines_of(operator, before), at_hub(operator, before.service_id)
    refused = operator.follow(str(ordered(operator, before.product, "modify", **values)["id"]))
    assert refused["state"] == "rejected"
    assert code in refused["note"][-1]["text"], refused["note"]
    assert_as_it_was(operator, before, refused["id"], had, hub_had)


def assert_as_it_was(
    operator: RunningOperator, sold: Sold, order_id: str, had: dict[str, Body], hub_had: dict[str, Body]
) -> None:
    """After an order that came to nothing: it is delivered, held and charged as before, and the order holds nothing."""
    assert as_sold(operator, sold) == as_sold_of(sold.product)
    assert operator.get(f"{SERVICES}/{sold.service_id}")["state"] == "active"
    assert at_hub(operator, sold.service_id) == hub_had
    assert states(held(operator, sold.kind, sold.order_id)) == all_are(sold.kind, "assigned")
    assert {one["state"] for one in held(operator, sold.kind, order_id)} <= {"released"}
    assert lines_of(operator, sold) == had
    if sold.kind != LEASE:
        assert_the_hub_holds(operator, sold)


# (kind, what is asked for, whether it is dearer then)
CHANGES: list[tuple[str, dict[str, Json], bool | None]] = [
    (LINK, {"downlinkRateBps": 4 * MBIT, "availabilityPercent": 99}, False),
    (ACCESS, {"downlinkRateBps": 12 * MBIT}, True),
    (ACCESS, {"availabilityPercent": 99.9}, None),
    (ACCESS, {"terminalType": ["term-ku-180"]}, None),
    (LEASE, {"bandwidthHz": 9 * MHZ}, True),
    (LEASE, {"bandwidthHz": 3 * MHZ, "powerSharePercent": 4}, False),
]
FURTHER_CHANGES: list[tuple[str, dict[str, Json], bool | None]] = [
    (LINK, {"downlinkRateBps": 16 * MBIT}, True),
    (ACCESS, {"downlinkCommittedRateBps": 3 * MBIT, "uplinkCommittedRateBps": MBIT // 4}, True),
    (ACCESS, {"downlinkRateBps": 6 * MBIT, "downlinkCommittedRateBps": MBIT // 2}, False),
    (ACCESS, {"availabilityPercent": 98.5}, None),
    (LEASE, {"powerSharePercent": 25}, True),
]


@pytest.mark.parametrize(
    ("kind", "values", "dearer"),
    [*CHANGES, *(pytest.param(*one, marks=pytest.mark.at_length) for one in FURTHER_CHANGES)],
)
@pytest.mark.usefixtures("well")
def test_the_difference_is_held_first_and_the_old_let_go_when_the_new_is_in_service_and_billed(
    operator: RunningOperator,
    in_use: dict[str, Sold],
    zone: ZoneInfo,
    kind: str,
    values: dict[str, Json],
    dearer: bool | None,
) -> None:
    before = in_use[kind]
    had, billed, hub_had = lines_of(operator, before), prices(before.product), at_hub(operator, before.service_id)
    paths = operator.get(PATHS, serviceId=before.service_id)
    operator.hub.set_faults(NO_PLAN)
    order_id = str(ordered(operator, before.product, "modify", **values)["id"])
    operator.wait_for_task(order_id, "carriers_are_moved" if kind == LEASE else "reconfigure_hub", "active")

    assert states(held(operator, kind, order_id)) == states(held(operator, kind, before.order_id))
    assert states(held(operator, kind, before.order_id)) == all_are(kind, "assigned")
    assert as_sold(operator, before) == as_sold_of(before.product)
    assert at_hub(operator, before.service_id).get("plan") == hub_had.get("plan")
    assert operator.get(PATHS, serviceId=before.service_id) == paths

    operator.hub.set_faults()
    if kind == LEASE:
        noc_has_seen(operator, order_id, "carriers_are_moved")
    done = operator.follow(order_id)
    assert done["state"] == "completed", done.get("note")
    after = in_use[kind] = Sold(kind, operator.get(f"{PRODUCTS}/{before.product['id']}"), order_id)
    assert states(held(operator, kind, order_id)) == all_are(kind, "assigned")
    assert states(held(operator, kind, before.order_id)) == all_are(kind, "released")
    for name, value in values.items():
        assert characteristics(operator.get(f"{SERVICES}/{after.service_id}"))[name] == value
        assert {one["name"]: one["value"] for one in after.product["productCharacteristic"]}[name] == value
    assert len(operator.get(PATHS, serviceId=after.service_id)) == len(paths) + 1
    if kind != LEASE:
        assert_the_hub_holds(operator, after)
    assert monthly(after.product) == pytest.approx(listed_price(operator, after), abs=0.02)
    assert (monthly(after.product) > monthly(before.product)) is bool(dearer)
    assert (monthly(after.product) < monthly(before.product)) is (dearer is False)
    another = "terminalType" in values
    assert_billed_to_the_day(operator, after, billed, had, TERMINAL_KU_180 if another else {}, zone)
    came_back = [one["state"] for one in operator.get(STOCKED, orderId=before.order_id)]
    assert came_back == ["inReturn"] * another, "one that stays is passed on to the order that changed it"


def as_sold(operator: RunningOperator, sold: Sold) -> Body:
    return as_sold_of(operator.get(f"{PRODUCTS}/{sold.product['id']}"))


def as_sold_of(product: Body) -> Body:
    return {name: product[name] for name in ("status", "productCharacteristic", "productPrice", "productOrderItem")}


def assert_the_hub_holds(operator: RunningOperator, sold: Sold) -> None:
    """The rates that are sold, on the terminal that is there."""
    there = at_hub(operator, sold.service_id)
    committed = "downlinkCommittedRateBps" if sold.kind == ACCESS else "downlinkRateBps"
    rates = there["plan"]["forward_cir_bps"], there["plan"]["forward_mir_bps"]
    assert rates == (sold.asked(committed), sold.asked("downlinkRateBps"))
    [device] = [one for one in operator.get(STOCKED, orderId=sold.order_id) if one["state"] == "issued"]
    assert there["terminal"]["serial_number"] == device["serialNumber"]
    assert operator.get(HUB_STATE, serviceId=sold.service_id)["differences"] == []


def assert_billed_to_the_day(
    operator: RunningOperator,
    sold: Sold,
    old: dict[str, float],
    had: dict[str, Body],
    due_once: dict[str, float],
    zone: ZoneInfo,
) -> None:
    """From the 11th to the end of the month, each old price is credited and each new one charged, to the cent."""
    lines = [one for key, one in lines_of(operator, sold).items() if key not in had]
    monthly_lines = [one for one in lines if one["type"] == "recurringCharge"]
    assert len({one["bill"]["id"] for one in lines}) == 1
    for one in monthly_lines:
        start, end = (
            datetime.fromisoformat(one["periodCoverage"][name]).astimezone(zone).date()
            for name in ("startDateTime", "endDateTime")
        )
        assert (start.day, end) == (11, next_month(start))
    days, of_days = (end - start).days, (end - start.replace(day=1)).days
    expected = [(name, -round(price * days / of_days, 2)) for name, price in old.items()]
    expected += [(name, round(price * days / of_days, 2)) for name, price in prices(sold.product).items()]
    told = sorted((one["name"], amount_of(one)) for one in monthly_lines)
    assert [name for name, _ in told] == [name for name, _ in sorted(expected)]
    assert [amount for _, amount in told] == pytest.approx([amount for _, amount in sorted(expected)], abs=0.011)
    once = {one["name"]: amount_of(one) for one in lines if one["type"] == "oneTimeCharge"}
    assert once == due_once


def next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def amount_of(line: Body) -> float:
    return float(line["taxExcludedAmount"]["value"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("well")
def test_a_change_that_is_cancelled_before_the_hand_over_leaves_all_as_it_was(
    operator: RunningOperator, in_use: dict[str, Sold], kind: str
) -> None:
    before = in_use[kind]
    had, hub_had = lines_of(operator, before), at_hub(operator, before.service_id)
    operator.hub.set_faults(NO_PLAN)
    values: dict[str, Json] = {"bandwidthHz": 8 * MHZ} if kind == LEASE else {"downlinkRateBps": 10 * MBIT}
    order_id = str(ordered(operator, before.product, "modify", **values)["id"])
    operator.wait_for_task(order_id, "carriers_are_moved" if kind == LEASE else "reconfigure_hub", "active")
    cancelled(operator, order_id)
    assert_as_it_was(operator, before, order_id, had, hub_had)


def cancelled(operator: RunningOperator, order_id: str) -> None:
    answer = operator.api("provisioning").post(CANCELS, json={"productOrder": {"id": order_id}})
    assert answer.status_code == 201, answer.text
    operator.hub.set_faults()
    assert operator.follow(order_id)["state"] == "cancelled"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("well")
def test_an_order_that_is_cancelled_before_the_hand_over_leaves_nothing(operator: RunningOperator, kind: str) -> None:
    operator.hub.set_faults(NO_PLAN)
    order_id = operator.order(kind, **CHOSEN[kind])
    operator.wait_for_task(order_id, "access_is_tested" if kind == LEASE else "configure_hub", "active")
    service = service_in_progress(operator, order_id)
    cancelled(operator, order_id)
    assert at_hub(operator, service["id"]) == {}
    assert states(held(operator, kind, order_id)) == all_are(kind, "released")
    assert operator.get(f"{SERVICES}/{service['id']}")["state"] == "terminated"
    assert operator.get(PRODUCTS, status="active", **{"productOrderItem.productOrderId": order_id}) == []


REFUSED: list[tuple[str, dict[str, Json], int, str, str, str]] = [
    (ACCESS, {"downlinkCommittedRateBps": 13 * MBIT}, 400, "/0", "outOfRange", "13000000 bit/s"),
    (ACCESS, {"uplinkRateBps": 100_000}, 400, "", "outOfRange", "uplinkCommittedRateBps: "),
    (ACCESS, {"availabilityPercent": 99.9999}, 400, "/0", "outOfRange", "99.9999 %"),
    (ACCESS, {"availabilityPercent": 101}, 400, "/0/value", "outOfRange", "availabilityPercent"),
    (ACCESS, {"terminalType": ["term-none"]}, 400, "/0/value/0", "notAllowed", "term-none"),
    (ACCESS, {"longitudeDeg": 26}, 422, "/0", "fixed", "longitudeDeg"),
    (ACCESS, {"bandwidthHz": 9 * MHZ}, 400, "/0/name", "unknown", "bandwidthHz"),
    (LEASE, {"bandwidthHz": 0}, 400, "/0/value", "outOfRange", "bandwidthHz"),
    (LEASE, {"powerSharePercent": -1}, 400, "/0/value", "outOfRange", "powerSharePercent"),
    (LEASE, {"downlinkRateBps": 8 * MBIT}, 400, "/0/name", "unknown", "downlinkRateBps"),
    (LEASE, {"band": ["C"]}, 422, "/0", "fixed", "band"),
    (LEASE, {"downlinkLatitudeDeg": None}, 400, "/0", "missing", "latitude and longitude"),
    (LINK, {"downlinkCommittedRateBps": MBIT}, 400, "/0/name", "unknown", "downlinkCommittedRateBps"),
]


@pytest.mark.parametrize(("kind", "values", "status", "where", "code", "told"), REFUSED)
def test_what_cannot_be_asked_of_a_kind_is_refused_at_once_by_its_field(
    operator: RunningOperator,
    in_use: dict[str, Sold],
    kind: str,
    values: dict[str, Json],
    status: int,
    where: str,
    code: str,
    told: str,
) -> None:
    answer = operator.api("provisioning").post(ORDERS, json=body_of(in_use[kind].product, "modify", **values))
    assert answer.status_code == status, answer.text
    [fault] = answer.json()["fault"]
    assert (fault["field"], fault["code"]) == (f"{AT}/productCharacteristic{where}", code)
    assert told in fault["reason"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_end_of_what_is_not_there_and_a_cancellation_that_is_too_late_are_refused(
    operator: RunningOperator, in_use: dict[str, Sold], kind: str
) -> None:
    sold = in_use[kind]
    provisioning = operator.api("provisioning")
    late = provisioning.post(CANCELS, json={"productOrder": {"id": sold.order_id}})
    assert (late.status_code, late.json()["code"]) == (409, "tooLate")
    [item] = operator.get(f"{ORDERS}/{sold.order_id}")["productOrderItem"]
    instead = {"add": " with the action delete of ", "modify": "an order that changes it back; this one costs "}
    assert instead[item["action"]] in late.json()["fault"][0]["accepted"]
    nobody = provisioning.post(ORDERS, json=body_of(sold.product | {"id": sold.order_id}, "delete"))
    assert (nobody.status_code, nobody.json()["field"]) == (400, f"{AT}/id")


def test_the_next_bill_is_of_the_whole_month_at_the_new_price(
    operator: RunningOperator, in_use: dict[str, Sold], zone: ZoneInfo
) -> None:
    had = {kind: lines_of(operator, sold) for kind, sold in in_use.items()}
    go_to_day(operator, zone, 1)
    for kind, sold in in_use.items():

        def new() -> list[Body]:
            return [one for key, one in lines_of(operator, sold).items() if key not in had[kind]]  # noqa: B023

        operator.wait_for(lambda: bool(new()), f"the bill of {kind}")
        assert {one["name"]: amount_of(one) for one in new()} == pytest.approx(prices(sold.product))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_ended_leaves_nothing_and_its_charge_is_billed(
    operator: RunningOperator, in_use: dict[str, Sold], kind: str
) -> None:
    sold = in_use[kind]
    placed = ordered(operator, sold.product, "delete")
    [charge] = placed["productOrderItem"][0]["itemPrice"]
    if kind == LEASE:
        noc_has_seen(operator, placed["id"], "carriers_are_off")
    done = operator.follow(placed["id"])
    assert done["state"] == "completed", done.get("note")
    assert at_hub(operator, sold.service_id) == {}
    assert operator.get(f"{PRODUCTS}/{sold.product['id']}")["status"] == "terminated"
    assert operator.get(f"{SERVICES}/{sold.service_id}")["state"] == "terminated"
    assert all("stopAt" in one for one in operator.get(PATHS, serviceId=sold.service_id))
    assert states(held(operator, kind, sold.order_id)) == all_are(kind, "released")
    assert [one["state"] for one in operator.get(STOCKED, orderId=sold.order_id)] == ["inReturn"] * (kind != LEASE)
    billed = [amount_of(one) for one in lines_of(operator, sold).values() if one["name"] == charge["name"]]
    assert billed == [float(charge["price"]["dutyFreeAmount"]["value"])]
    again = operator.api("provisioning").post(ORDERS, json=body_of(sold.product, "modify", downlinkRateBps=MBIT))
    assert (again.status_code, again.json()["code"]) == (422, "notInUse")
