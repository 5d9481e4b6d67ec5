"""The driver against a partner's API over real HTTP: each step has one effect, whatever becomes of its answer."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from satcom.supplychain.drivers.port import (
    CapacityAsked,
    OrderStanding,
    PartnerRefused,
    PartnerUnavailable,
)
from satcom.supplychain.drivers.tmf_partner import TmfPartnerDriver, partner_at
from tests.simulators.partner_process import PartnerProcess, connected_to, partner_process

ASKED = CapacityAsked(
    downlink_rate_bps=10_000_000,
    uplink_rate_bps=4_000_000,
    availability_percent=99.5,
    latitude_deg=48.0,
    longitude_deg=-100.0,
    start_at=datetime(2027, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[PartnerProcess]:
    with partner_process(tmp_path) as process:
        yield process


@pytest.fixture
def driver(partner: PartnerProcess) -> Iterator[TmfPartnerDriver]:
    with TmfPartnerDriver(partner.url, partner.token) as ready:
        yield ready


def test_what_a_partner_offers_is_held_ordered_delivered_and_given_back(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    partner.set_world(price_per_mbps=200, one_time_price=1000, delivery_s=0)
    offer = driver.search(ASKED)
    assert (str(offer.monthly), str(offer.one_time)) == ("2,800.00 USD", "1,000.00 USD")
    held = driver.hold(offer, "hold")
    assert held.until is not None
    ordered = driver.order(ASKED, offer, held.hold_id, "order")
    assert driver.standing(ordered.order_id).standing is OrderStanding.DELIVERED
    driver.cancel("order", "order:undo")
    driver.release(offer, "hold", "hold:undo")
    assert driver.standing(ordered.order_id).standing is OrderStanding.ENDED
    assert partner.journal() == ["qualify", "hold", "order", "cancel", "release"]


def test_what_was_delivered_is_ended_once(partner: PartnerProcess, driver: TmfPartnerDriver) -> None:
    partner.set_world(delivery_s=0)
    offer = driver.search(ASKED)
    ordered = driver.order(ASKED, offer, driver.hold(offer, "hold").hold_id, "order")
    driver.end(ordered.order_id, "end")
    driver.end(ordered.order_id, "end")
    assert partner.journal() == ["qualify", "hold", "order", "end"]


def test_a_hold_is_extended_and_a_term_renewed_once_whatever_becomes_of_the_answers(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    partner.set_world(delivery_s=0, hold_s=100, term_days=30, one_time_price=1000, price_factor_at_renewal=1.5)
    offer = driver.search(ASKED)
    held = driver.hold(offer, "hold")
    assert held.until is not None
    partner.set_faults(
        {"action": "extend", "kind": "answerLost", "count": 2}, {"action": "renew", "kind": "answerLost", "count": 2}
    )
    longer = driver.extend(held.hold_id, held.until + timedelta(days=1), "extend")
    assert longer.until is not None
    assert held.until < longer.until < held.until + timedelta(days=1), "as long as the partner grants"
    ordered = driver.order(ASKED, offer, held.hold_id, "order")
    first_end = ordered.term_ends_at
    assert first_end is not None
    until = first_end + timedelta(days=365)
    another = driver.offer_renewal(ordered.order_id, until)
    assert another.term_ends_at == until
    assert (float(another.monthly.value), float(another.one_time.value)) == (14 * 190 * 1.5, 0)
    renewed = driver.renew(ordered.order_id, another, until, "renew")
    assert driver.standing(renewed.order_id).standing is OrderStanding.DELIVERED
    assert driver.standing(renewed.order_id).term_ends_at == until
    driver.cancel("renew", "renew:undo")
    assert driver.standing(renewed.order_id).standing is OrderStanding.ENDED
    partner.set_world(renews=False)
    with pytest.raises(PartnerRefused, match="noRenewal"):
        driver.offer_renewal(ordered.order_id, until)
    with pytest.raises(PartnerRefused, match="notHeld"):
        driver.extend(held.hold_id, until, "extend again")
    driver.end(ordered.order_id, "end")
    assert partner.journal() == ["qualify", "hold", "extend", "order", "qualify", "renew", "cancel", "qualify", "end"]


@pytest.mark.parametrize("action", ["hold", "order"])
def test_a_step_whose_answer_was_lost_is_repeated_and_done_once(
    partner: PartnerProcess, driver: TmfPartnerDriver, action: str
) -> None:
    offer = driver.search(ASKED)
    partner.set_faults({"action": action, "kind": "answerLost", "count": 2})
    held = driver.hold(offer, "hold")
    ordered = driver.order(ASKED, offer, held.hold_id, "order")
    assert driver.order(ASKED, offer, held.hold_id, "order").order_id == ordered.order_id
    assert partner.journal() == ["qualify", "hold", "order"]


def test_what_was_held_without_our_learning_it_is_released_all_the_same(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    offer = driver.search(ASKED)
    partner.set_faults({"action": "hold", "kind": "answerLost", "count": 1})
    with (
        TmfPartnerDriver(partner.url, partner.token, attempts=1) as careless,
        pytest.raises(PartnerUnavailable),
    ):
        careless.hold(offer, "hold")
    driver.release(offer, "hold", "hold:undo")
    driver.release(offer, "hold", "hold:undo")
    assert partner.journal() == ["qualify", "hold", "release"]


class LateOrder(httpx.BaseTransport):
    """The network, on which an order sent long ago arrives just before the first request to give a hold back."""

    def __init__(self, arrive: Callable[[], object]) -> None:
        self._network, self._arrive, self._arrived = httpx.HTTPTransport(), arrive, False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" and not self._arrived:
            self._arrived = True
            self._arrive()
        return self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


def test_an_order_that_arrives_while_it_is_cancelled_is_cancelled_too(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    offer = driver.search(ASKED)
    held = driver.hold(offer, "hold")
    late = LateOrder(lambda: driver.order(ASKED, offer, held.hold_id, "order"))
    with TmfPartnerDriver(partner.url, partner.token, transport=late) as cancelling:
        cancelling.cancel("order", "order:undo", held.hold_id)
        cancelling.release(offer, "hold", "hold:undo")
    assert partner.journal() == ["qualify", "hold", "order", "release", "cancel"]


def test_an_order_that_arrives_after_it_was_cancelled_finds_nothing_that_it_could_take(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    offer = driver.search(ASKED)
    held = driver.hold(offer, "hold")
    driver.cancel("order", "order:undo", held.hold_id)
    with pytest.raises(PartnerRefused, match="notHeld"):
        driver.order(ASKED, offer, held.hold_id, "order")
    driver.release(offer, "hold", "hold:undo")
    assert partner.journal() == ["qualify", "hold", "release"]


def test_of_a_shared_rate_the_partner_is_told_what_is_committed_and_may_refuse_it(
    partner: PartnerProcess, driver: TmfPartnerDriver
) -> None:
    partner.set_world(price_per_mbps=100)
    committed = {"downlink_committed_rate_bps": 3_000_000, "uplink_committed_rate_bps": 1_000_000}
    access = ASKED.model_copy(update=committed)
    assert str(driver.search(ASKED).monthly) == "1,400.00 USD"
    assert str(driver.search(access).monthly) == "500.00 USD", "4 of 14 Mbit/s, and a tenth of the others"
    partner.set_world(commits=False)
    with pytest.raises(PartnerRefused, match="noCommittedRate"):
        driver.search(access)
    none = dict.fromkeys(committed, 0)
    assert str(driver.search(ASKED.model_copy(update=none)).monthly) == "140.00 USD"


def test_a_partner_that_was_killed_remembers_what_it_holds(partner: PartnerProcess, driver: TmfPartnerDriver) -> None:
    offer = driver.search(ASKED)
    held = driver.hold(offer, "hold")
    partner.kill()
    partner.restart()
    assert driver.hold(offer, "hold").hold_id == held.hold_id
    assert partner.journal() == ["qualify", "hold"]


def test_a_refusal_is_told_in_the_partners_words(partner: PartnerProcess, driver: TmfPartnerDriver) -> None:
    offer = driver.search(ASKED)
    partner.set_faults({"action": "hold", "kind": "refused", "reason": "sold an hour ago"})
    with pytest.raises(PartnerRefused, match=r"sold an hour ago \(refused\)"):
        driver.hold(offer, "hold")
    partner.set_world(largest_mbps=5)
    with pytest.raises(PartnerRefused, match="14 Mbit/s are asked for, 5 Mbit/s are free"):
        driver.search(ASKED)
    partner.set_world(north_deg=10)
    with pytest.raises(PartnerRefused, match="outside of what we cover"):
        driver.search(ASKED)


def test_a_hold_that_ran_out_cannot_be_ordered(partner: PartnerProcess, driver: TmfPartnerDriver) -> None:
    partner.set_world(hold_s=0.001)
    offer = driver.search(ASKED)
    held = driver.hold(offer, "hold")
    with pytest.raises(PartnerRefused, match="holdExpired"):
        driver.order(ASKED, offer, held.hold_id, "order")


def test_a_partner_who_is_away_or_answers_nonsense_is_unavailable(partner: PartnerProcess) -> None:
    with TmfPartnerDriver(partner.url, "wrong") as stranger, pytest.raises(PartnerUnavailable, match="our token"):
        stranger.search(ASKED)
    with TmfPartnerDriver(f"{partner.url}/elsewhere", partner.token) as lost, pytest.raises(PartnerRefused):
        lost.search(ASKED)
    partner.set_faults({"action": "search", "kind": "down"})
    with (
        TmfPartnerDriver(partner.url, partner.token, attempts=2) as driver,
        pytest.raises(PartnerUnavailable, match="no answer in 2 attempts"),
    ):
        driver.search(ASKED)


def test_only_the_address_that_a_token_was_set_for_is_called(partner: PartnerProcess) -> None:
    with connected_to(partner):
        with partner_at(partner.url) as driver:
            assert driver.search(ASKED).offering_name
        with pytest.raises(PartnerUnavailable, match="no token"), partner_at("http://127.0.0.1:1"):
            pass
