"""OR6, X4: what lies on a transponder is seen, free slots are found, and a plan to re-pack it is as short as any."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.scenarios.a_running_operator import Body, RunningOperator, satcom

LIST = Path(__file__).parents[1] / "data" / "spectrum" / "satellites.xml"
SPECTRUM, REPACK = "/satcom-api/resource/v1/transponderSpectrum", "/satcom-api/resource/v1/repackPlan"
ON = "Amos-17 Ku 2V"  # 12533 to 12587 MHz with one carrier of 5.5 MHz
MHZ = 1_000_000


def asked(operator: RunningOperator, *command: str) -> str:
    """What `satcom spectrum` says to somebody who plans the fleet."""
    who = ("--url", operator.base_url, "--token", operator.tokens["planning"])
    return satcom(operator.url, operator.folder, "spectrum", *command, *who)


def imported(operator: RunningOperator, *options: str) -> Body:
    told = satcom(operator.url, operator.folder, "spectrum", "import", str(LIST), *options, "--json")
    found: Body = json.loads(told)
    return found


def lying(operator: RunningOperator) -> Body:
    (found,) = operator.get(SPECTRUM, "planning", transponderId=ON)
    body: Body = found
    return body


@pytest.fixture(scope="module")
def listed(operator: RunningOperator) -> RunningOperator:
    """With the carriers of the list on the air."""
    before = lying(operator)["carrierCount"]
    dry = imported(operator, "--dry-run")
    assert lying(operator)["carrierCount"] == before
    assert imported(operator) == dry
    return operator


def test_a_public_list_is_imported_once_and_what_fits_nowhere_is_told(listed: RunningOperator) -> None:
    again = imported(listed)
    assert {one["outcome"] for one in again["carriers"]} == {"unchanged"}
    assert len(again["carriers"]) == 2
    assert [(one["line"], one["code"]) for one in again["leftOut"]] == [
        (12, "badValue"),
        (6, "sameCarrier"),
        (7, "clash"),
        (9, "slotTaken"),  # the operator has another carrier there
        (10, "noTransponder"),
        (11, "outsideTransponder"),
        (15, "noSatellite"),
        (16, "noSatellite"),
    ]
    carriers = {one["startHz"]: one for one in lying(listed)["carrier"]}
    assert carriers[12_564_500_000]["stopHz"] == 12_567_500_000  # 2.5 MBaud times 1.2
    assert carriers[12_564_500_000]["who"] == "On the air: 17.0E Test band & more"


def test_a_free_slot_is_one_that_can_be_held(listed: RunningOperator) -> None:
    (found,) = json.loads(asked(listed, "free", "--mhz", "15", "--transponder", ON, "--json"))
    assert [one["startHz"] for one in found["slot"]] == [12_533_200_000]
    told = asked(listed, "free", "--mhz", "21", "--transponder", ON)
    assert "free nowhere" in told
    without_power = listed.get(SPECTRUM, "planning", transponderId=ON, bandwidthHz="1000000", powerShareHz="54000000")
    assert without_power == []


def test_fragmentation_is_listed_for_every_transponder(listed: RunningOperator) -> None:
    found = {f"{one['satellite']['name']} {one['transponder']['name']}": one for one in listed.get(SPECTRUM, "noc")}
    one = found[ON]
    assert one["fragmentation"] == pytest.approx(1 - one["widestFreeHz"] / one["freeHz"], abs=1e-4)
    assert found[ON]["fragmentation"] > 0.5
    assert ON in asked(listed, "list", "--transponder", ON)


def test_a_plan_moves_the_one_carrier_that_opens_the_slot(listed: RunningOperator) -> None:
    plan = json.loads(asked(listed, "repack", "--transponder", ON, "--mhz", "21", "--json"))
    (move,) = plan["move"]
    assert move["who"] == "On the air: 17.0E Test band & more"
    assert (move["fromHz"], move["bandwidthHz"]) == (12_564_500_000, 3 * MHZ)
    free = [one for one in lying(listed)["free"] if one["startHz"] <= move["toHz"] < one["stopHz"]]
    assert move["toHz"] + move["bandwidthHz"] <= free[0]["stopHz"]
    assert plan["slot"]["stopHz"] - plan["slot"]["startHz"] == 21 * MHZ
    assert (plan["atLeastMoves"], plan["isShortest"], plan["isLeast"]) == (1, True, True)
    assert "no plan has fewer" in asked(listed, "repack", "--transponder", ON, "--mhz", "21")
    assert "nobody has to move" in asked(listed, "repack", "--transponder", ON, "--mhz", "5")


def test_a_plan_moves_nobody_yet(listed: RunningOperator) -> None:
    before = lying(listed)
    listed.get(REPACK, "planning", transponderId=ON, bandwidthHz=str(21 * MHZ))
    assert lying(listed)["carrier"] == before["carrier"]


def test_what_cannot_be_opened_is_refused_with_the_reason(listed: RunningOperator) -> None:
    def refusal(**asked_for: str) -> tuple[int, str]:
        answer = listed.api("planning").get(REPACK, params={"transponderId": ON, **asked_for})
        return answer.status_code, answer.json()["code"]

    assert refusal(bandwidthHz=str(50 * MHZ), powerShareHz="0") == (422, "tooLittleFree")
    assert refusal(bandwidthHz=str(21 * MHZ), powerShareHz=str(50 * MHZ)) == (422, "noPower")
    carriers = [one["id"] for one in lying(listed)["carrier"]]
    everybody = listed.api("planning").get(
        REPACK, params={"transponderId": ON, "bandwidthHz": str(21 * MHZ), "pinned": carriers}
    )
    assert (everybody.status_code, everybody.json()["code"]) == (422, "pinnedCarriers")
    assert "it is to stay" in everybody.json()["reason"]


def test_bad_questions_are_refused_by_field(listed: RunningOperator) -> None:
    for path, query, status, field in (
        (REPACK, {"transponderId": ON, "bandwidthHz": "0"}, 400, "bandwidthHz"),
        (REPACK, {"transponderId": "Ku 99", "bandwidthHz": "1"}, 404, "transponderId"),
        (REPACK, {"transponderId": ON, "bandwidthHz": "1", "pinned": "nobody"}, 400, "pinned"),
        (REPACK, {"transponderId": ON, "bandwidthHz": "1", "mostMoves": "99"}, 400, "mostMoves"),
        (SPECTRUM, {"powerShareHz": "1"}, 400, "powerShareHz"),
        (SPECTRUM, {"startAt": "2027-01-01T00:00:00"}, 400, "startAt"),
        (SPECTRUM, {"startAt": "2027-01-02T00:00:00Z", "stopAt": "2027-01-01T00:00:00Z"}, 400, "stopAt"),
    ):
        answer = listed.api("planning").get(path, params=query)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert listed.api("customer").get(SPECTRUM).status_code == 403


def test_a_transponder_is_drawn_and_told(listed: RunningOperator) -> None:
    out = listed.folder / "ku2v.svg"
    told = asked(listed, "show", "--transponder", ON, "--out", str(out))
    picture = ElementTree.fromstring(out.read_text(encoding="utf-8"))
    texts = [one.text or "" for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert ON in texts
    assert "On the air: 17.0E Test band & more" in texts
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polygon"))) == lying(listed)["carrierCount"]
    assert "fragmentation" in told
