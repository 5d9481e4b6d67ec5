"""The comparison of what was told with what happened: a fault of each sort is noticed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tests.core.an_inbox import Body
from tests.hardening.listeners import Happened, Signed, mistold, signed_at_any_time, signed_just_now, untold

LOG = [
    Happened(7, "event 7", "service 1", "Service", "serviceCreateEvent"),
    Happened(8, "event 8", "service 2", "Service", "serviceCreateEvent"),
    Happened(9, "event 9", "service 1", "Service", "serviceStateChangeEvent"),
]
SECRET, OTHER = Webhook(b"of this listener"), Webhook(b"of another one")


def told(*events: str) -> list[Body]:
    """What a listener has of these changes of the log, one after the other."""
    known = {one.event: one for one in LOG}
    return [
        {
            "eventId": name,
            "eventType": f"{known[name].type[0].upper()}{known[name].type[1:]}",
            "event": {"service": {"id": known[name].of}},
        }
        for name in events
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("event 7", "event 8", "event 9"),
        ("event 8", "event 7", "event 9"),
        ("event 7", "event 9", "event 7", "event 8", "event 9"),
    ],
)
def test_each_at_least_once_and_in_order_for_each_object_is_right(names: tuple[str, ...]) -> None:
    assert list(untold(LOG, told(*names), 0)) == []
    assert list(mistold(LOG, told(*names))) == []


def test_what_was_not_told_is_noticed_unless_it_was_before_the_registration() -> None:
    assert len(list(untold(LOG, told("event 7", "event 9"), 0))) == 1
    assert list(untold(LOG, told("event 9"), after=8)) == []


def test_what_is_told_the_wrong_way_round_is_noticed() -> None:
    assert len(list(mistold(LOG, told("event 9", "event 7", "event 8")))) == 1


def test_what_did_not_happen_is_noticed() -> None:
    [created, _, moved] = told("event 7", "event 8", "event 9")
    assert len(list(mistold(LOG, [{**created, "eventId": "event 5"}]))) == 1
    assert len(list(mistold(LOG, [{**created, "event": moved["event"], "eventType": moved["eventType"]}]))) == 1
    assert len(list(mistold(LOG, [{**moved, "event": {"service": {"id": "service 2"}}}]))) == 1


@pytest.mark.parametrize(("signed", "tomorrow_too"), [(signed_just_now, False), (signed_at_any_time, True)])
def test_only_what_is_signed_with_the_own_secret_is_genuine(signed: Signed, tomorrow_too: bool) -> None:
    raw = json.dumps({"eventId": "event 7"}).encode()

    def headers(at: datetime, secret: Webhook = SECRET) -> dict[str, str]:
        signature = secret.sign("event 7", at, raw.decode())
        return {
            "webhook-id": "event 7",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    today = datetime.now(UTC)
    assert signed(SECRET, headers(today), raw)
    assert not signed(SECRET, headers(today, OTHER), raw)
    assert not signed(SECRET, headers(today), raw.replace(b"7", b"8"))
    assert signed(SECRET, headers(today + timedelta(days=1)), raw) is tomorrow_too
