"""OS15, X7: a service tells when the Sun takes it away and its satellite is dark, as a calendar to subscribe to.

When its satellite is manoeuvred, the plan of flight dynamics tells.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from satcom.core.values import Json
from tests.scenarios.a_running_operator import Body, RunningOperator, satcom

EVENTS = "/satcom-api/service/v1/plannedEvent"
KU_180: dict[str, Json] = {"band": ["Ku"], "terminalType": ["term-ku-180"]}
SPRING = {"startAt": "2027-02-20T00:00:00Z", "days": "50"}  # around the equinox


@pytest.fixture(scope="module")
def served(operator: RunningOperator) -> str:
    """The order of a service that works."""
    return operator.delivered(**KU_180)


def events(operator: RunningOperator, service: str, role: str = "noc", **asked: str) -> list[Body]:
    found: list[Body] = operator.get(EVENTS, role, serviceId=service, **(SPRING | asked))
    return found


def test_the_sun_takes_both_ends_away_around_the_equinox_by_what_the_link_bears(
    operator: RunningOperator, served: str
) -> None:
    found = events(operator, served)
    outages = [one for one in found if one["kind"] == "sunOutage"]
    assert len({one["at"] for one in outages}) == 2
    assert all(one["degradationDb"] > one["bearsDb"] > 0 for one in outages)
    assert {one["peak"][:7] for one in outages} <= {"2027-02", "2027-03", "2027-04"}
    assert [one["start"] for one in found] == sorted(one["start"] for one in found)
    assert any(one["kind"] == "eclipse" and one["umbraS"] > 3600 for one in found)


def test_an_outage_begins_when_the_carrier_falls_to_what_it_requires(operator: RunningOperator, served: str) -> None:
    """A longer look tells the same, and nothing happens far from the equinox but an eclipse by the Moon."""
    again = events(operator, served, days="20")
    assert again == events(operator, served)[: len(again)]
    summer = events(operator, served, startAt="2027-06-01T00:00:00Z", days="30")
    assert [one for one in summer if one["kind"] == "sunOutage"] == []


def test_the_calendar_keeps_the_identity_of_every_event(operator: RunningOperator, served: str) -> None:
    def read() -> list[Any]:
        answer = operator.api("customer").get(
            EVENTS, params=SPRING | {"serviceId": served}, headers={"Accept": "text/calendar"}
        )
        assert answer.headers["content-type"].startswith("text/calendar")
        return list(Calendar.from_ical(answer.content).walk("VEVENT"))

    entries = read()
    assert len(entries) == len(events(operator, served))
    assert [one["UID"] for one in entries] == [one["UID"] for one in read()]
    assert all(isinstance(one.decoded("DTSTART"), datetime) for one in entries)


def test_the_command_line_lists_and_writes_them(operator: RunningOperator, served: str) -> None:
    out = operator.folder / "events.ics"
    who = ("--url", operator.base_url, "--token", operator.tokens["noc"])
    asked = ("service", "events", served, "--start", "2027-02-20", "--days", "50", "--ics", str(out))
    told = satcom(operator.url, operator.folder, *asked, *who)
    assert told.count("sun outage") == sum(one["kind"] == "sunOutage" for one in events(operator, served))
    assert out.read_bytes().startswith(b"BEGIN:VCALENDAR")


def a_plan(folder: Path, satellite: str, duration: str) -> Path:
    """North-South station keeping, as flight dynamics sends it."""
    file = folder / "station_keeping.opm"
    file.write_text(
        f"CCSDS_OPM_VERS = 3.0\nOBJECT_NAME = {satellite}\nOBJECT_ID = UNKNOWN\n"
        "CENTER_NAME = EARTH\nTIME_SYSTEM = UTC\n"
        f"COMMENT North-South\nMAN_EPOCH_IGNITION = 2027-03-02T06:00:00\nMAN_DURATION = {duration}\n"
        "MAN_DELTA_MASS = -1.2 [kg]\nMAN_REF_FRAME = RTN\n"
        "MAN_DV_1 = 0.0 [km/s]\nMAN_DV_2 = 0.00001 [km/s]\nMAN_DV_3 = 0.001 [km/s]\n",
        encoding="utf-8",
    )
    return file


def test_a_manoeuvre_of_its_satellite_names_the_service_and_its_customer(
    operator: RunningOperator, served: str
) -> None:
    service = operator.service_of(served)
    path = operator.get("/satcom-api/service/v1/servicePathAt", "noc", serviceId=served, at="2027-03-02T06:00:00Z")
    plan, out = a_plan(operator.folder, path["satellite"]["name"].upper(), "900 [s]"), operator.folder / "burns.ics"
    asked = ("manoeuvres", str(plan), "--service", service["name"], "--ics", str(out), "--json")
    (burn,) = json.loads(satcom(operator.url, operator.folder, *asked))
    assert (burn["at"], burn["start"], burn["durationS"]) == (path["satellite"]["name"], "2027-03-02T06:00:00Z", 900)
    assert (burn["inPlaneMPerS"], burn["outOfPlaneMPerS"]) == (0.01, 1.0)
    assert service["id"] in [one["id"] for one in burn["services"]]
    (entry,) = Calendar.from_ical(out.read_bytes()).walk("VEVENT")
    assert service["name"] in str(entry["description"])
    with pytest.raises(AssertionError, match="line 8: MAN_DURATION is '-900'; a number of s, 0 to 31622400"):
        satcom(operator.url, operator.folder, "manoeuvres", str(a_plan(operator.folder, "Nosuch", "-900 [s]")))


def test_bad_questions_are_refused_by_field(operator: RunningOperator, served: str) -> None:
    lease = operator.order("transponder_lease_order.yaml")
    operator.wait_for_task(lease, "design_the_service", "completed")
    leased = operator.tasks(lease)["design_the_service"]["result"]
    for query, status, field in (
        ({}, 400, "serviceId"),
        ({"serviceId": "nobody's"}, 404, "serviceId"),
        ({"serviceId": served, "days": "400"}, 400, "days"),
        ({"serviceId": served, "startAt": "2027-02-20T00:00:00"}, 400, "startAt"),
        ({"serviceId": str(leased)}, 422, "serviceId"),
    ):
        answer = operator.api("noc").get(EVENTS, params=query)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
