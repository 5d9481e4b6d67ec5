"""OS2, X1: what a solution was computed from is kept, and gives the same numbers when the network is another one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from satcom.core.loading import loaded_id
from satcom.core.values import Json
from tests.scenarios.a_running_operator import (
    FLOWS,
    FOLDER,
    RESOURCES,
    Body,
    RunningOperator,
    characteristics,
    satcom,
)

EVIDENCE = "/satcom-api/service/v1/qualificationEvidence"
ELEMENTS = "/satcom-api/resource/v1/elementSet"
CHECKS = "/tmf-api/serviceQualificationManagement/v4/checkServiceQualification"
SPECIFICATION = loaded_id("ServiceSpecification", "service-spec-dedicated-scpc-link")


@dataclass(frozen=True)
class Changed:
    """The satellites that are not what they were: with less power, at another place, out of service."""

    weaker: str
    moved: str
    gone: str


@pytest.fixture(scope="module")
def order_id(operator: RunningOperator) -> str:
    """A delivered order."""
    return operator.delivered(band=["Ku"])


@pytest.fixture(scope="module")
def evidence(operator: RunningOperator, order_id: str) -> Body:
    """The evidence of the way that the order was delivered."""
    reserved = operator.tasks(order_id)["reserve_all_or_none"]["result"]
    found: Body = operator.get(f"{EVIDENCE}/{reserved['evidenceId']}")
    return found


def recomputed(operator: RunningOperator, evidence: Body) -> Body:
    answer = operator.api("noc").post(f"{evidence['href']}/recomputation")
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def correct(operator: RunningOperator, resource_id: str, **values: Json) -> None:
    """Correct values of the network as the migration does."""
    given = [{"name": name, "value": value} for name, value in values.items()]
    body = {"resourceCharacteristic": given}
    answer = operator.api("migration").patch(f"{RESOURCES}/{resource_id}", json=body)
    assert answer.status_code == 200, answer.text


def asked_today(operator: RunningOperator, evidence: Body) -> Body:
    """The answer of today's network to the demand of the evidence, from its own evidence."""
    demand = evidence["demand"]
    names = {"downlinkRateBps", "uplinkRateBps", "availabilityPercent", "latitudeDeg", "longitudeDeg", "altitudeM"}
    asked: list[Json] = [{"name": name, "value": value} for name, value in demand.items() if name in names]
    asked += [{"name": "country", "value": demand["country"]}, {"name": "band", "value": demand["bands"]}]
    service = {
        "serviceSpecification": {"id": SPECIFICATION},
        "startDate": demand["startAt"],
        "endDate": demand["stopAt"],
        "serviceCharacteristic": asked,
    }
    answer = operator.api("sales").post(CHECKS, json={"serviceQualificationItem": [{"service": service}]})
    assert answer.status_code == 201, answer.text
    newest: list[Body] = operator.get(EVIDENCE, sort="-id", limit="1")
    return newest[0]


def way(evidence: Body, satellite: str) -> Body:
    """The best way over a satellite."""
    solutions: list[Body] = evidence["result"]["solutions"]
    return next(one for one in solutions if one["satelliteName"] == satellite)


def test_the_design_of_an_order_is_kept_with_all_that_it_rests_on(evidence: Body) -> None:
    chosen = evidence["result"]["solutions"][0]
    fleet, standards = evidence["inputs"]["fleet"], evidence["standards"]
    satellite = next(one for one in fleet["satellites"] if one["name"] == chosen["satelliteName"])
    assert len(satellite["elements"]["line1"]) == len(satellite["elements"]["line2"]) == 69
    assert chosen["elementAgeDays"] > 0
    assert chosen["marginDb"] >= 0
    assert [one["direction"] for one in (chosen["forward"], chosen["returnLink"])] == ["forward", "return"]
    assert len(chosen["forward"]["budget"]) > 10
    assert standards["attenuation"] == "ITU-R P.618-14"
    assert len(standards["modcods"]) == len(standards["digitalMaps"]) == 64
    assert standards["program"]
    assert evidence["demand"]["downlinkRateBps"] == 10_000_000


@pytest.fixture(scope="module")
def another_fleet(operator: RunningOperator, evidence: Body, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """The network after weaker transponders, an earlier end of life and new elements."""
    ways = list(dict.fromkeys((one["satelliteId"], one["satelliteName"]) for one in evidence["result"]["solutions"]))
    (weaker, weaker_name), (moved, moved_name), (gone, gone_name) = ways
    for one in operator.get(RESOURCES, **{"@type": "Transponder", "limit": "100"}):
        held = characteristics(one)
        if held["satelliteId"] == weaker:
            correct(operator, one["id"], eirpSaturationDbw=held["eirpSaturationDbw"] - 3)
    correct(operator, gone, endOfLifeDate=evidence["demand"]["startAt"][:10])
    load_elements(operator, one_day_later(moved), tmp_path_factory.mktemp("elements"))
    return Changed(weaker_name, moved_name, gone_name)


def one_day_later(satellite_id: str) -> list[str]:
    """The element set of a satellite with its epoch a day later and all else the same: one degree further west."""
    lines = (FOLDER / "elements.tle").read_text(encoding="ascii").splitlines()
    satellites = yaml.safe_load((FOLDER / "satellites.yaml").read_text(encoding="utf-8"))
    number = next(one["norad_id"] for one in satellites if loaded_id("Satellite", one["id"]) == satellite_id)
    at = next(index for index, line in enumerate(lines) if line.startswith(f"1 {number:05d}"))
    one, two = lines[at], lines[at + 1]
    changed = f"{one[:20]}{float(one[20:32]) + 1:012.8f}{one[32:68]}"
    digits = sum(int(sign) if sign.isdigit() else sign == "-" for sign in changed)
    return [lines[at - 1], f"{changed}{digits % 10}", two]


def load_elements(operator: RunningOperator, lines: list[str], folder: Path) -> None:
    """Load a folder that holds nothing but new elements."""
    (folder / "elements.tle").write_text("\n".join(lines) + "\n", encoding="ascii")
    satcom(operator.url, folder, "load", str(folder))


def test_the_fleet_changed_and_so_did_the_answer_of_today(
    operator: RunningOperator, evidence: Body, another_fleet: Changed
) -> None:
    today, then = asked_today(operator, evidence), evidence
    assert another_fleet.gone not in {one["satelliteName"] for one in today["result"]["solutions"]}
    needed = "powerEquivalentBandwidthHz"
    weaker = another_fleet.weaker
    assert way(today, weaker)["forward"][needed] > 1.1 * way(then, weaker)["forward"][needed]
    moved = another_fleet.moved
    assert abs(way(today, moved)["azimuthDeg"] - way(then, moved)["azimuthDeg"]) > 0.3
    assert way(today, moved)["elementAgeDays"] < way(then, moved)["elementAgeDays"]


def test_the_evidence_gives_the_same_numbers_on_another_fleet(
    operator: RunningOperator, evidence: Body, another_fleet: Changed
) -> None:
    again = recomputed(operator, evidence)
    assert again["sameNumbers"] is True
    assert again["largestDifference"] <= 1e-9
    assert again["changedStandards"] == []
    names = ("azimuthDeg", "elevationDeg", "elementAgeDays", "marginDb", "chargedBandwidthHz")
    for satellite in (another_fleet.weaker, another_fleet.moved, another_fleet.gone):
        recorded, now = way(evidence, satellite), way({"result": again["recomputed"]}, satellite)
        assert [now[name] for name in names] == pytest.approx([recorded[name] for name in names], rel=1e-9)
    assert again["recomputed"]["losers"] == evidence["result"]["losers"]
    assert operator.get(evidence["href"]) == evidence


def test_the_evidence_is_written_by_qualifications_only(operator: RunningOperator, evidence: Body) -> None:
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        path = EVIDENCE if method == "POST" else evidence["href"]
        answer = operator.api().request(method, path, json={"result": {}})
        assert answer.status_code == 405, method


def test_payload_data_are_for_those_who_may_read_the_network(operator: RunningOperator, evidence: Body) -> None:
    for role in ("sales", "supply", "customer"):
        api = operator.api(role)
        for answer in (
            api.get(EVIDENCE),
            api.get(evidence["href"]),
            api.post(f"{evidence['href']}/recomputation"),
        ):
            assert answer.status_code == 403, (role, answer.text)
            assert "eirp" not in answer.text.lower()


def test_a_customer_sees_the_steps_of_his_order_without_the_values_of_the_payload(
    operator: RunningOperator, order_id: str
) -> None:
    flow = operator.flow(order_id)
    tasks: Any = operator.get(f"{FLOWS}/{flow['id']}/taskFlow", "customer", limit="100")
    assert len(tasks) > 10
    assert "result" not in {one["name"] for task in tasks for one in task["characteristic"]}


def test_what_is_no_evidence_cannot_be_recomputed(operator: RunningOperator) -> None:
    for identifier in ("01890000-0000-7000-8000-000000000000", "1'; DROP TABLE service; --", "..%2F..%2Fetc"):
        answer = operator.api("noc").post(f"{EVIDENCE}/{identifier}/recomputation")
        assert answer.status_code == 404, answer.text
