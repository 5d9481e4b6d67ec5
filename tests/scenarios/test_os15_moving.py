"""OS15: a service over satellites that pass tells its handovers, gaps and the Sun behind who carries, as a calendar."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from tests.scenarios.a_running_operator import (
    FOLDER,
    Body,
    LoadedOperator,
    RunningOperator,
    a_loaded_operator,
    a_running_operator,
    satcom,
)

EVENTS = "/satcom-api/service/v1/plannedEvent"
PATH_AT = "/satcom-api/service/v1/servicePathAt"
DAYS = 2


@pytest.fixture(scope="module")
def loaded(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> LoadedOperator:
    return a_loaded_operator(postgres, tmp_path_factory.mktemp("loaded"), FOLDER.with_name("meo_operator"))


@pytest.fixture(scope="module")
def operator(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOperator]:
    with a_running_operator(loaded, tmp_path_factory.mktemp("operator")) as running:
        yield running


@pytest.fixture(scope="module")
def served(operator: RunningOperator) -> str:
    """The order of a service that works."""
    return operator.delivered()


@pytest.fixture(scope="module")
def span(operator: RunningOperator, served: str) -> dict[str, str]:
    """Two days, from the day after the service began."""
    begun = datetime.fromisoformat(operator.service_of(served)["startDate"])
    start = begun.replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return {"startAt": start.isoformat().replace("+00:00", "Z"), "days": str(DAYS)}


@pytest.fixture(scope="module")
def events(operator: RunningOperator, served: str, span: dict[str, str]) -> list[Body]:
    found: list[Body] = operator.get(EVENTS, "noc", serviceId=served, **span)
    return found


def test_every_handover_names_who_carries_before_and_after_as_an_instant_does(
    operator: RunningOperator, served: str, events: list[Body]
) -> None:
    handovers = [one for one in events if one["kind"] == "handover"]
    assert len(handovers) > 10 * DAYS
    for one in handovers[::7]:
        moment = datetime.fromisoformat(one["start"])
        for seconds, told in ((-1, one["from"]), (1, one["to"])):
            at = (moment + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
            there = operator.get(PATH_AT, "noc", serviceId=served, at=at)
            assert {"satellite": there["satellite"], "earthStation": there["earthStation"]} == told
    assert [one["start"] for one in events] == sorted(one["start"] for one in events)


def test_the_sun_is_looked_for_where_satellites_that_pass_meet_it(operator: RunningOperator, served: str) -> None:
    """At 10.7 degrees South the Sun stands behind them at the end of August and in the middle of April."""
    found = operator.get(EVENTS, "noc", serviceId=served, startAt="2027-04-10T00:00:00Z", days="3")
    outages = [one for one in found if one["kind"] == "sunOutage"]
    assert outages
    assert all(one["degradationDb"] > one["bearsDb"] >= 0 for one in outages)
    assert all(one["satellite"]["name"].startswith("O3B") for one in outages)
    winter = operator.get(EVENTS, "noc", serviceId=served, startAt="2027-06-20T00:00:00Z", days="3")
    site = operator.service_of(served)["name"]
    assert [one for one in winter if one["kind"] == "sunOutage" and one["at"] == site] == []


def test_the_customer_subscribes_to_a_calendar_that_keeps_identities(
    operator: RunningOperator, served: str, span: dict[str, str], events: list[Body]
) -> None:
    def read() -> list[Any]:
        answer = operator.api("customer").get(
            EVENTS, params=span | {"serviceId": served}, headers={"Accept": "text/calendar"}
        )
        assert answer.headers["content-type"].startswith("text/calendar")
        return list(Calendar.from_ical(answer.content).walk("VEVENT"))

    entries = read()
    assert len({str(one["UID"]) for one in entries}) == len(entries) == len(events)
    assert [one["UID"] for one in entries] == [one["UID"] for one in read()]


def test_the_command_line_lists_and_writes_them(
    operator: RunningOperator, served: str, span: dict[str, str], events: list[Body]
) -> None:
    out = operator.folder / "moving.ics"
    who = ("--url", operator.base_url, "--token", operator.tokens["noc"])
    asked = ("service", "events", served, "--start", span["startAt"][:10], "--days", str(DAYS), "--ics", str(out))
    told = satcom(operator.url, operator.folder, *asked, *who)
    assert told.count("handover") > 10 * DAYS
    assert "O3B MPOWER" in told
    assert out.read_bytes().startswith(b"BEGIN:VCALENDAR")


def test_a_span_too_long_and_a_service_that_is_not_there_are_refused_by_field(
    operator: RunningOperator, served: str
) -> None:
    for query, status, field in (
        ({"serviceId": served, "days": "32"}, 400, "days"),
        ({"serviceId": served, "days": "0"}, 400, "days"),
        ({"serviceId": "nobody's"}, 404, "serviceId"),
    ):
        answer = operator.api("noc").get(EVENTS, params=query)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
