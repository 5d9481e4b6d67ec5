"""Where an event may be sent, and what a listener's query may ask for."""

import asyncio
import ipaddress
from collections.abc import Sequence

import httpcore
import pytest

from satcom.core.callback import ForbiddenAddress, GuardedConnections, Network, allowed, callback_faults
from satcom.core.errors import Refused
from satcom.core.values import Json
from satcom.core.watch import read_watch

PRIVATE: Sequence[Network] = ()
HOME: Sequence[Network] = (ipaddress.ip_network("10.20.0.0/16"),)
EVENTS = frozenset({"ProductOrderStateChangeEvent", "ProductOrderCreateEvent"})
RESOURCES = {"productOrder": frozenset({"id", "state", "relatedParty", "priority", "completionDate"})}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.20.1.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_no_event_goes_into_a_network_that_is_not_public(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address), PRIVATE)


@pytest.mark.parametrize(("address", "may"), [("10.20.1.1", True), ("::ffff:10.20.1.1", True), ("10.21.0.1", False)])
def test_the_operator_may_name_networks_of_his_own(address: str, may: bool) -> None:
    assert allowed(ipaddress.ip_address(address), HOME) is may


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_the_public_internet_is_open(address: str) -> None:
    assert allowed(ipaddress.ip_address(address), PRIVATE)


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        ("ftp://example.org/x", "wrongFormat"),
        ("example.org", "wrongFormat"),
        ("http://", "wrongFormat"),
        ("http://[::1", "wrongFormat"),
        ("https://example.org:99999/x", "wrongFormat"),
        ("https://example.org/x y", "wrongFormat"),
        ("https://example.org/#part", "wrongFormat"),
        ("https://example.org/" + "x" * 2000, "wrongFormat"),
        ("https://me:secret@example.org/", "credentials"),
        ("http://127.0.0.1:80/", "forbiddenAddress"),
        ("http://localhost/", "forbiddenAddress"),
        ("http://2130706433/", "forbiddenAddress"),
        ("http://0x7f.1/", "forbiddenAddress"),
        ("http://[::ffff:7f00:1]/", "forbiddenAddress"),
    ],
)
def test_a_callback_that_cannot_be_is_refused_when_it_is_registered(callback: str, code: str) -> None:
    assert [fault.code for fault in callback_faults(callback, PRIVATE)] == [code]


@pytest.mark.parametrize(
    "callback", ["https://example.org/listener?key=1", "http://example.org:8080", "http://8.8.8.8/x"]
)
def test_a_callback_of_the_internet_is_taken(callback: str) -> None:
    assert callback_faults(callback, PRIVATE) == []


def test_a_name_is_judged_by_what_it_means_when_it_is_called() -> None:
    """However it was written when it was registered."""

    async def call() -> None:
        async with httpcore.AsyncConnectionPool(network_backend=GuardedConnections(PRIVATE)) as pool:
            await pool.request("POST", "http://localhost:9/listener")

    with pytest.raises(ForbiddenAddress, match="SATCOM_EVENT_NETWORKS"):
        asyncio.run(call())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("eventType=ProductOrderDoneEvent", "no event 'ProductOrderDoneEvent'"),
        ("state=held", "nothing to filter by"),
        ("productOrder.colour=red", "no attribute of productOrder 'colour'"),
        ("productOrder.state=", "has no value"),
        ("fields=colour", "no attribute 'colour'"),
        ("held", "no value"),
        ("&", "no name=value"),
        ("x" * 3000, "longer than"),
        ("&".join(["productOrder.state=held"] * 21), "more than 20"),
    ],
)
def test_a_query_is_checked_when_it_is_registered(query: str, told: str) -> None:
    with pytest.raises(Refused) as refused:
        read_watch(query, EVENTS, RESOURCES)
    assert any(told in fault.why for fault in refused.value.faults), refused.value.faults
    assert {fault.field for fault in refused.value.faults} == {"/query"}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("productOrder.state=held,completed", True),
        ("event.productOrder.state=held", True),
        ("productOrder.state=completed", False),
        ("productOrder.relatedParty.id=7", True),
        ("productOrder.relatedParty.id=8", False),
        ("productOrder.relatedParty.role=customer&productOrder.state=held", True),
        ("productOrder.priority.gte=3", True),
        ("productOrder.priority.gt=3", False),
        ("productOrder.priority.lt=many", False),
        ("productOrder.completionDate.lt=2027", False),
        ("eventType=productOrderCreateEvent", True),
        (None, True),
    ],
)
def test_conditions_reach_into_the_payload(query: str | None, fits: bool) -> None:
    parties: Json = [{"id": "6", "role": "seller"}, {"id": "7", "role": "customer"}]
    payload: Json = {"productOrder": {"state": "held", "priority": 3, "relatedParty": parties}}
    watch = read_watch(query, EVENTS, RESOURCES)
    assert watch.fits(payload) is fits
    assert watch.wants_type("ProductOrderCreateEvent")
