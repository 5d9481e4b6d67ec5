"""An installer comes in its hours by the clock at the site, on working days, and on no public holiday."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.database import Database
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.supplychain.installer import Installer, correct_installer, public_holidays, visits_of, zone_at
from tests.enterprise.an_operator import an_operator
from tests.service.an_installation import an_installer

NEW_YORK = ZoneInfo("America/New_York")


@given(
    first=st.integers(0, 12),
    hours=st.integers(1, 6),
    days=st.sets(st.integers(1, 7), min_size=1),
    after=st.timedeltas(timedelta(0), timedelta(days=1500)),
)
def test_visits_lie_within_the_hours_at_the_site_on_working_days(
    first: int, hours: int, days: set[int], after: timedelta
) -> None:
    calendar = Installer(
        name="I", country="US", working_days=sorted(days), first_hour=first, last_hour=first + 8, visit_hours=hours
    )
    begin = datetime(2026, 1, 1, tzinfo=UTC) + after
    visits = list(visits_of(calendar, NEW_YORK, begin, begin + timedelta(days=30)))
    assert len(visits) >= 3
    for one, following in pairwise(visits):
        assert one.stop_at <= following.start_at
    for one in visits:
        local = one.start_at.astimezone(NEW_YORK)
        assert local.isoweekday() in days
        assert first <= local.hour <= first + 8 - hours
        assert one.start_at >= begin
        assert local.date() not in public_holidays("US", local.year)


def test_the_clock_at_the_site_is_put_forward_with_the_others_there() -> None:
    calendar = Installer(name="I", country="US", visit_hours=8)
    begin = datetime(2027, 3, 12, tzinfo=UTC)  # a Friday; summer time begins on the Sunday after it
    before, after = list(visits_of(calendar, NEW_YORK, begin, begin + timedelta(days=4)))
    assert (before.start_at.hour, after.start_at.hour) == (13, 12)


def test_a_country_has_its_own_holidays_and_a_place_its_own_clock() -> None:
    assert date(2027, 6, 30) in public_holidays("CD", 2027)  # independence of DR Congo
    assert date(2027, 6, 30) not in public_holidays("KE", 2027)
    assert public_holidays("ZZ", 2027) == {}  # nobody knows them
    assert zone_at(-10.7148, 25.3855).key == "Africa/Lubumbashi"
    assert zone_at(-4.32, 15.31).key == "Africa/Kinshasa"  # the same country, an hour earlier


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"country": "XX"}, "/country"),
        ({"working_days": [0, 8]}, "/workingDays"),
        ({"working_days": [1, 1]}, "/workingDays"),
        ({"first_hour": 14, "last_hour": 16, "visit_hours": 4}, "/lastHour"),
        ({"supplier_id": "00000000-0000-7000-8000-000000000000"}, "/supplierId"),
    ],
)
def test_a_calendar_that_is_none_is_refused_by_its_field(database: Database, wrong: dict[str, Any], field: str) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(Refused) as refused:
            an_installer(session, **wrong)
        assert [one.field for one in refused.value.faults] == [field]


def test_a_calendar_changes_but_stays_in_its_country(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        installer = an_installer(session)
        assert correct_installer(session, installer, {"teams": 3}, WORKER).teams == 3
        with pytest.raises(RuleRefused, match="stays in its country"), session.begin_nested():
            correct_installer(session, installer, {"country": "KE"}, WORKER)
