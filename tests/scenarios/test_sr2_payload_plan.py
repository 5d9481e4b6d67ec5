"""SR2: the payload of a satellite to come is laid out; channels that collide are named, and the plan is drawn."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.scenarios.a_running_operator import Body, RunningOperator, satcom

DRAFT = Path(__file__).parents[1] / "data" / "payload_plan"
GXT = Path(__file__).parents[2] / "examples" / "contours" / "baobab_ku_south.gxt"
PLAN = "/satcom-api/resource/v1/payloadPlan"
GUARD = {"guardHz": "4000000"}


def kept(operator: RunningOperator, folder: Path, moves: Sequence[tuple[str, str, str]] = ()) -> None:
    """Keep the draft; each of `moves` gives a transponder another frequency instead of one."""
    shutil.copytree(DRAFT, folder, dirs_exist_ok=True)
    (folder / "contours").mkdir()
    shutil.copy(GXT, folder / "contours" / "ku_south.gxt")
    plan = folder / "transponders.csv"
    lines = plan.read_text(encoding="utf-8").splitlines()
    for transponder, was, becomes in moves:
        number = next(number for number, line in enumerate(lines) if line.startswith(f"{transponder},"))
        assert was in lines[number]
        lines[number] = lines[number].replace(was, becomes)
    plan.write_text("\n".join(lines) + "\n", encoding="utf-8")
    satcom(operator.url, operator.folder, "load", str(folder))


@pytest.fixture(scope="module")
def planned(operator: RunningOperator, tmp_path_factory: pytest.TempPathFactory) -> RunningOperator:
    """With the draft of a satellite that is planned, beams of it as filed (GXT) and as spots."""
    kept(operator, tmp_path_factory.mktemp("plan") / "draft")
    return operator


def plan_of(operator: RunningOperator, **asked: str) -> Body:
    found: Body = operator.get(PLAN, "planning", satelliteId="baobab two", **asked)
    return found


def told(operator: RunningOperator, *options: str) -> str:
    who = ("--url", operator.base_url, "--token", operator.tokens["planning"])
    return satcom(operator.url, operator.folder, "satellite", "plan", "Baobab Two", *options, *who)


def test_channels_that_overlap_or_leave_no_guard_band_are_named_by_side(planned: RunningOperator) -> None:
    named = {(one["side"], one["code"]): one for one in plan_of(planned, **GUARD)["fault"] if one["unit"] == "MHz"}
    assert {key: (one["value"], one["limit"]) for key, one in named.items()} == {
        ("uplink", "guardBandTooNarrow"): (2, 4),
        ("downlink", "overlap"): (4, 0),
    }
    assert named["downlink", "overlap"]["text"] == "Ku 1 and Ku 2 overlap by 4 MHz"
    assert [one["name"] for one in named["downlink", "overlap"]["transponder"]] == ["Ku 1", "Ku 2"]


def test_reuse_in_beams_that_are_too_near_is_named_with_its_worst_place(planned: RunningOperator) -> None:
    disturbed = [one for one in plan_of(planned)["fault"] if one["code"] == "coChannelInterference"]
    assert {(one["side"], tuple(other["name"] for other in one["transponder"])) for one in disturbed} == {
        ("downlink", ("Ka 1", "Ka 2")),
        ("downlink", ("Ka 2", "Ka 1")),
    }
    assert all(-6 < one["value"] < 15 == one["limit"] for one in disturbed)


def test_the_switch_matrix_and_the_reuse_are_told(planned: RunningOperator) -> None:
    plan = plan_of(planned)
    through = {
        (one["uplinkBeam"]["name"], one["downlinkBeam"]["name"]): [other["name"] for other in one["transponder"]]
        for one in plan["connection"]
    }
    assert through == {
        ("Ku South", "Ku South"): ["Ku 1", "Ku 2", "Ku 3"],
        ("Ka Lusaka", "Ka Lusaka"): ["Ka 1"],
        ("Ka Harare", "Ka Harare"): ["Ka 2"],
        ("Ka Nairobi", "Ka Lusaka"): ["Ka 3"],
    }
    assert plan["uplinkReuse"] == pytest.approx((108 + 600) / (108 + 200), abs=0.01)


def test_the_plan_is_drawn_with_every_channel_on_both_sides(planned: RunningOperator) -> None:
    out = planned.folder / "plan.svg"
    assert "drawn in" in told(planned, "--out", str(out))
    picture = ElementTree.fromstring(out.read_text(encoding="utf-8"))
    texts = [one.text or "" for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    for name in ("Ku 1", "Ku 2", "Ku 3", "Ka 1", "Ka 2", "Ka 3"):
        assert texts.count(name) == 2
    assert any("Uplink Ka" in one for one in texts)
    assert json.loads(told(planned, "--json"))["satellite"]["name"] == "Baobab Two"


def test_bad_questions_are_refused_by_field(planned: RunningOperator) -> None:
    for query, status, field in (
        ({}, 400, "satelliteId"),
        ({"satelliteId": "Sputnik"}, 404, "satelliteId"),
        ({"satelliteId": "Baobab Two", "guardHz": "-1"}, 400, "guardHz"),
        ({"satelliteId": "Baobab Two", "leastCiDb": "nan"}, 400, "leastCiDb"),
    ):
        answer = planned.api("planning").get(PLAN, params=query)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert planned.api("customer").get(PLAN, params={"satelliteId": "Baobab Two"}).status_code == 403


def test_a_plan_that_is_mended_collides_no_more(planned: RunningOperator, tmp_path: Path) -> None:
    moves = [
        ("tp-2", "14058000000", "14060000000"),
        ("tp-2", "11002000000", "11010000000"),
        ("tp-5", "19800000000", "20100000000"),
    ]
    assert plan_of(planned, **GUARD)["fault"]
    kept(planned, tmp_path / "mended", moves)
    assert plan_of(planned, **GUARD)["fault"] == []
    assert "no channels collide" in told(planned, "--guard-mhz", "4", "--check")
