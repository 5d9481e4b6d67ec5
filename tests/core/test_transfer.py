"""Documents from and to addresses that somebody named: not into closed networks, not on and on."""

import ipaddress

import pytest

from satcom.core import transfer
from satcom.core.callback import NotDelivered
from satcom.core.transfer import deliver, fetch
from tests.core.a_document_server import a_document_server

HERE = (ipaddress.ip_network("127.0.0.0/8"),)


def test_what_is_delivered_lies_there_and_is_fetched_again() -> None:
    with a_document_server() as documents:
        deliver(documents.url("/all.json?to=them"), HERE, b'{"a": 1}', "application/json")
        assert fetch(documents.url("/all.json?to=them"), HERE) == b'{"a": 1}'


def test_nothing_is_asked_of_a_network_that_is_closed_nor_of_where_an_answer_sends_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_document_server() as documents:
        documents.kept["/elsewhere"] = b"{}"
        for url in (documents.url("/elsewhere"), documents.url("/elsewhere").replace("127.0.0.1", "localhost")):
            with pytest.raises(NotDelivered, match="SATCOM_EVENT_NETWORKS"):
                fetch(url, ())
        assert documents.asked == []
        documents.answers["/moved"] = 302
        with pytest.raises(NotDelivered, match="redirects are not followed"):
            fetch(documents.url("/moved"), HERE)
        with pytest.raises(NotDelivered, match="answered 302"):
            deliver(documents.url("/moved"), HERE, b"{}", "application/json")
        assert documents.asked == ["GET /moved", "PUT /moved"]
        monkeypatch.setattr(transfer, "MOST_BYTES", 1)
        with pytest.raises(NotDelivered, match="longer than 1 bytes"):
            fetch(documents.url("/elsewhere"), HERE)
    with pytest.raises(NotDelivered, match="cannot be reached"):
        fetch(documents.url("/elsewhere"), HERE)
