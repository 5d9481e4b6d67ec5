"""OS15, X7: a service tells when the Sun takes it away and its satellite is dark, as a calendar to subscribe to."""

from datetime import datetime
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
