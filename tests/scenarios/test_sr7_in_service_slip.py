"""SR7, X5: an order for a satellite still being built waits for it, moves with its date, and is released by it."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest

from satcom.core.values import Json, instant_text
from tests.scenarios.a_running_operator import CUSTOMER, ORDERS, RESOURCES, TMF, Body, RunningOperator, satcom

CATALOGUE = f"{TMF}/productCatalogManagement/v4"
CHANGES = "/satcom-api/planning/v1/inServiceDateChange"
MILESTONES = "/satcom-api/resource/v1/satelliteMilestone"
RESERVATIONS = f"{TMF}/resourcePoolManagement/v4/reservation"
MHZ = 1_000_000
PLANNED_IN = timedelta(days=100)


@dataclass
class Programme:
    """A satellite that is planned, the offer of leases on it, and an order for one."""

    operator: RunningOperator
    satellite: str
    offering: str
    planned: date

    def order(self, **further: Json) -> str:
        """Place an order for 5 MHz from ten days after the planned day; its id, once it waits."""
        place = self.operator.order_body()
        item: Json = {
            "id": "1",
            "action": "add",
            "productOffering": {"id": self.offering},
            "product": {"productCharacteristic": [{"name": "bandwidthHz", "value": 5 * MHZ}, _of(self.satellite)]},
        }
        body = place | {"productOrderItem": [item], "requestedStartDate": instant_text(self.start)} | further
        answer = self.operator.api("provisioning").post(ORDERS, json=body)
        assert answer.status_code == 201, answer.text
        order_id = str(answer.json()["id"])
        self.operator.wait_for_task(order_id, "satellite_is_in_service", "active")
        return order_id

    @property
    def start(self) -> datetime:
        return midnight(self.planned + timedelta(days=10))

    def propose(self, day: date, role: str = "planning") -> tuple[int, Body]:
        body: Json = {"satellite": {"id": self.satellite}, "inServiceDate": str(day), "reason": "the launcher is late"}
        answer = self.operator.api(role).post(CHANGES, json=body)
        return answer.status_code, answer.json()

    def reservation_start(self, order_id: str) -> str:
        [mine] = self.operator.get(RESERVATIONS, orderId=order_id)
        return str(mine["reservationPeriod"]["startDateTime"])


def _of(satellite: str) -> Json:
    return {"name": "satellite", "value": satellite}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def made(operator: RunningOperator, path: str, **body: Json) -> str:
    answer = operator.api().post(path, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def resource(operator: RunningOperator, kind: str, name: str, **values: Json) -> str:
    listed: Json = [{"name": key, "value": value} for key, value in values.items()]
    return made(operator, RESOURCES, **{"@type": kind}, name=name, resourceCharacteristic=listed)


def a_new_satellite(operator: RunningOperator, planned: date) -> str:
    """A satellite on order, over Africa, with one transponder."""
    life: dict[str, Json] = {"inServiceDate": str(planned), "endOfLifeDate": str(planned + timedelta(days=15 * 365))}
    satellite = resource(operator, "Satellite", "Meridian 1", orbitalLongitudeDeg=31.5, state="planned", **life)
    boresight: Json = {"latitudeDeg": -5, "longitudeDeg": 25, "halfPowerWidthDeg": 6}
    beam = resource(operator, "Beam", "Africa", satelliteId=satellite, band="Ku", boresight=boresight)
    resource(
        operator,
        "Transponder",
        "M1-K1",
        satelliteId=satellite,
        band="Ku",
        uplinkBeamId=beam,
        downlinkBeamId=beam,
        bandwidthHz=36 * MHZ,
        uplinkCenterHz=14_100 * MHZ,
        downlinkCenterHz=11_100 * MHZ,
        uplinkPolarisation="horizontal",
        downlinkPolarisation="vertical",
        eirpSaturationDbw=50,
        gOverTDbPerK=4,
        sfdDbwPerM2=-85,
        inputBackoffDb=6,
        outputBackoffDb=3,
        guardBandHz=0,
    )
    return satellite


def an_offer_of_leases(operator: RunningOperator) -> str:
    known: Json = [{"name": "bandwidthHz", "valueType": "number"}, {"name": "satellite", "valueType": "string"}]
    status: dict[str, Json] = {"name": "Leased spectrum", "lifecycleStatus": "Active"}
    spectrum = made(operator, f"{TMF}/resourceCatalog/v4/resourceSpecification", **status, category="leasedSpectrum")
    service = made(
        operator,
        f"{TMF}/serviceCatalogManagement/v4/serviceSpecification",
        **status,
        specCharacteristic=known,
        resourceSpecification=[{"id": spectrum}],
    )
    product = made(
        operator,
        f"{CATALOGUE}/productSpecification",
        **status,
        serviceSpecification=[{"id": service}],
        productSpecCharacteristic=known,
    )
    price = made(
        operator,
        f"{CATALOGUE}/productOfferingPrice",
        name="Capacity",
        lifecycleStatus="Active",
        priceType="recurring",
        recurringChargePeriodType="month",
        recurringChargePeriodLength=1,
        price={"unit": "USD", "value": 2500},
        unitOfMeasure={"amount": 1, "units": "MHz"},
    )
    return made(
        operator,
        f"{CATALOGUE}/productOffering",
        name="Leased spectrum",
        lifecycleStatus="Launched",
        productSpecification={"id": product},
        productOfferingPrice=[{"id": price}],
    )


@pytest.fixture(scope="module")
def programme(operator: RunningOperator) -> Programme:
    planned = (datetime.now(UTC) + PLANNED_IN).date()
    return Programme(operator, a_new_satellite(operator, planned), an_offer_of_leases(operator), planned)


def test_a_slip_is_shown_first_then_moves_orders_holds_and_promises_at_once_and_the_satellite_releases_them(
    operator: RunningOperator, programme: Programme
) -> None:
    patient = programme.order()
    pressed = programme.order(requestedCompletionDate=instant_text(programme.start + timedelta(days=20)))
    before = operator.get(f"{ORDERS}/{patient}", "customer")
    wait = operator.tasks(patient)["satellite_is_in_service"]
    assert (wait["owner"], wait["expectedAt"]) == ("planning", instant_text(midnight(programme.planned)))
    assert wait["deadline"] > wait["expectedAt"]
    assert before["state"] == "held"

    slipped = programme.planned + timedelta(days=60)
    shown = satcom(
        operator.url, operator.folder, "satellite", "redate", "Meridian 1", str(slipped), "--reason",
        "the launcher is late", "--json", "--url", operator.base_url, "--token", operator.tokens["planning"],
    )  # fmt: skip
    change: Body = json.loads(shown)
    touched = {one["order"]["id"]: one for one in change["touched"]}
    assert set(touched) == {patient, pressed}
    one = touched[patient]
    assert (one["startsBefore"], one["startsAfter"]) == (
        instant_text(programme.start),
        instant_text(midnight(slipped)),
    )
    tested = str(slipped + timedelta(days=1))  # the NOC has a day for the access test of a lease
    assert one["promisedAfter"][:10] == one["billedFromAfter"][:10] == tested
    assert one["customer"]["name"] == "Lualaba Copper"
    assert [why["code"] for why in touched[pressed]["cannotBear"]] == ["lateForCustomer"]
    assert operator.get(f"{ORDERS}/{patient}", "customer") == before, "nothing is moved before it is confirmed"

    done = operator.api("planning").patch(f"{CHANGES}/{change['id']}", json={"state": "confirmed"})
    assert (done.status_code, done.json()["state"]) == (200, "confirmed"), done.text
    for order_id in (patient, pressed):
        order = operator.get(f"{ORDERS}/{order_id}", "customer")
        assert order["expectedCompletionDate"][:10] == tested
        assert f"enters service on {slipped}, not on {programme.planned}" in order["note"][-1]["text"]
        assert programme.reservation_start(order_id) == instant_text(midnight(slipped))
        assert operator.tasks(order_id)["satellite_is_in_service"]["expectedAt"] == instant_text(midnight(slipped))

    operator.move_clock(PLANNED_IN + timedelta(days=61))
    assert operator.get(f"{ORDERS}/{patient}")["state"] == "held", "its day is here, the satellite is not"
    for state in ("underConstruction", "launched", "inOrbitTest", "inService"):
        satcom(
            operator.url, operator.folder, "satellite", "reach", "Meridian 1", state,
            "--url", operator.base_url, "--token", operator.tokens["planning"],
        )  # fmt: skip
    task = operator.wait_for_task(patient, "satellite_is_in_service", "completed")
    assert task["result"] == "Meridian 1"
    assert operator.wait_for_task(patient, "access_is_tested", "active")["owner"] == "noc"


def test_a_day_that_cannot_be_and_who_may_not_move_it_are_refused(
    operator: RunningOperator, programme: Programme
) -> None:
    status, said = programme.propose(date(2020, 1, 1))
    assert (status, said["code"], said["field"]) in {
        (422, "inPast", "/inServiceDate"),
        (409, "notAwaited", "/satellite/id"),
    }
    answer = operator.api("planning").post(CHANGES, json={"satellite": {"id": CUSTOMER}, "inServiceDate": "tomorrow"})
    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["fault"]} == {"/inServiceDate", "/reason"}
    assert programme.propose(programme.planned + timedelta(days=90), "noc")[0] == 403
    assert programme.propose(programme.planned + timedelta(days=90), "customer")[0] == 403
    wrong: Json = {"satellite": {"id": programme.satellite}, "state": "exploded"}
    refused = operator.api("planning").post(MILESTONES, json=wrong)
    assert (refused.status_code, refused.json()["field"]) == (400, "/state")
