"""Instants on the terminal: one form, which names its zone and can be typed again."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from satcom.app.instants import shown_clock, shown_day, shown_instant
from satcom.core.values import instant_text

ZONES = st.sampled_from([UTC, ZoneInfo("Africa/Nairobi"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns")])
SECONDS = st.integers(0, 4_000_000_000)  # from 1970 to 2096


@given(seconds=SECONDS, zone=ZONES)
def test_what_is_shown_is_the_same_instant_when_it_is_typed(seconds: int, zone: tzinfo) -> None:
    when = datetime.fromtimestamp(seconds, UTC)
    assert datetime.fromisoformat(shown_instant(when, zone, seconds=True)) == when
    assert datetime.fromisoformat(shown_instant(when, zone)) == when.replace(second=0, microsecond=0)
    assert shown_instant(instant_text(when), zone) == shown_instant(when, zone)


def test_the_zone_is_always_said() -> None:
    noon = datetime(2027, 3, 31, 12, 0, 5, tzinfo=UTC)
    assert shown_instant(noon) == "2027-03-31T12:00Z"
    assert shown_instant(noon, ZoneInfo("Africa/Nairobi")) == "2027-03-31T15:00+03:00"
    assert (shown_clock(noon), shown_day("2027-04-01T01:00:00+03:00")) == ("12:00:05Z", "2027-03-31")
    assert (shown_instant(None), shown_day(None)) == ("", "")
