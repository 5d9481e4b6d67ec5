"""The driver of a partner whose API is TM Forum's: TMF679 to ask, TMF685 to hold, TMF622 to order and cancel.

Time-outs, lost connections, 5xx and 429 are repeated with growing pauses and the same idempotency key; any other 4xx
is the partner's decision. An order carries our key as its `externalId`, by which it is found again. Thread-safe.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx
import structlog
from pydantic import Field as ValueField
from pydantic import TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from satcom.core.settings import settings
from satcom.core.tls import trusted_authorities
from satcom.core.traces import tell_callee
from satcom.core.values import Instant, Json, Money, Value, instant_text
from satcom.supplychain.drivers.port import (
    CapacityAsked,
    CapacityHeld,
    CapacityOffer,
    CapacityOrdered,
    OrderStanding,
    PartnerRefused,
    PartnerUnavailable,
)

QUALIFICATIONS: Final = "/tmf-api/productOfferingQualification/v4/productOfferingQualification"
RESERVATIONS: Final = "/tmf-api/resourcePoolManagement/v4/reservation"
ORDERS: Final = "/tmf-api/productOrderingManagement/v4/productOrder"
CANCELLATIONS: Final = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
ENDED: Final = frozenset({"rejected", "cancelled", "failed", "partial"})
ATTEMPTS, TIMEOUT_S, FIRST_PAUSE_S, LONGEST_PAUSE_S = 4, 10.0, 0.2, 5.0
A = TypeVar("A")
log = structlog.get_logger()


class _Named(Value):
    id: str
    name: str | None = None


class _Price(Value):
    duty_free_amount: Money


class _Charge(Value):
    price_type: str
    price: _Price


class _Reason(Value):
    code: str | None = None
    label: str | None = None


class _Product(Value):
    product_price: list[_Charge] = ValueField(default_factory=list)
    termination_date: Instant | None = None


class _Item(Value):
    qualification_item_result: str | None = None
    product_offering: _Named | None = None
    product: _Product | None = None
    expected_activation_date: Instant | None = None
    eligibility_unavailability_reason: list[_Reason] = ValueField(default_factory=list)


class _Qualification(Value):
    id: str
    expiration_date: Instant | None = None
    product_offering_qualification_item: list[_Item] = ValueField(min_length=1)


class _Period(Value):
    end_date_time: Instant | None = None


class _Reservation(Value):
    id: str
    valid_for: _Period | None = None


class _Delivered(Value):
    id: str | None = None
    termination_date: Instant | None = None


class _OrderedItem(Value):
    product: _Delivered | None = None


class _Order(Value):
    id: str
    state: str
    product_order_item: list[_OrderedItem] = ValueField(default_factory=list)
    expected_completion_date: Instant | None = None
    order_total_price: list[_Charge] = ValueField(default_factory=list)


class _Error(Value):
    code: str = "refused"
    reason: str = "it says no more"


class _Transient(Exception):
    """Worth asking again."""


class TmfPartnerDriver:
    """A `PartnerDriver`. Keeps connections open; close it, or use it in a `with`.

    `timeout_s` limits connecting and each wait for data; `attempts` counts all tries of one request. `transport` puts
    something else in the place of the network.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_s,
            follow_redirects=False,
            verify=trusted_authorities(),
            transport=transport,
        )
        self._attempts = attempts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def search(self, asked: CapacityAsked, changes: str | None = None) -> CapacityOffer:
        return self._offered(*self._what(asked, changes))

    def _offered(self, action: str, product: dict[str, Json]) -> CapacityOffer:
        item: Json = {"id": "1", "action": action, "product": product}
        body: dict[str, Json] = {"instantSyncQualification": True, "productOfferingQualificationItem": [item]}
        told = self._ask("POST", QUALIFICATIONS, _Qualification, body=body)
        found = told.product_offering_qualification_item[0]
        if found.qualification_item_result != "qualified" or found.product is None or found.product_offering is None:
            first = next(iter(found.eligibility_unavailability_reason), _Reason())
            raise PartnerRefused(first.code or "unqualified", first.label or "it gives no reason")
        monthly, one_time = _prices(found.product.product_price)
        return CapacityOffer(
            offer_id=told.id,
            offering_id=found.product_offering.id,
            offering_name=found.product_offering.name or found.product_offering.id,
            monthly=monthly,
            one_time=one_time,
            valid_until=told.expiration_date,
            activation_at=found.expected_activation_date,
            term_ends_at=found.product.termination_date,
        )

    def hold(self, offer: CapacityOffer, key: str) -> CapacityHeld:
        entity: Json = {"id": offer.offer_id, "role": "of", "@referredType": "ProductOfferingQualification"}
        body: dict[str, Json] = {"relatedParty": [], "reservationItem": [{"relatedEntity": [entity]}]}
        held = self._ask("POST", RESERVATIONS, _Reservation, key=key, body=body)
        return _held(held)

    def extend(self, hold_id: str, until: datetime, key: str) -> CapacityHeld:
        body: dict[str, Json] = {"validFor": {"endDateTime": instant_text(until)}}
        return _held(self._ask("PATCH", f"{RESERVATIONS}/{hold_id}", _Reservation, key=key, body=body))

    def release(self, offer: CapacityOffer, hold_key: str, key: str) -> None:
        try:
            held = self.hold(offer, hold_key)  # the same key gives the same hold: so its id is learned
        except PartnerRefused:
            return  # nothing is held
        self._ask("PATCH", f"{RESERVATIONS}/{held.hold_id}", _Named, key=key, body={"state": "cancelled"})

    def order(
        self, asked: CapacityAsked, offer: CapacityOffer, hold_id: str, key: str, changes: str | None = None
    ) -> CapacityOrdered:
        held: Json = {"id": hold_id, "@referredType": "Reservation"}
        action, product = self._what(asked, changes)
        item: dict[str, Json] = {
            "id": "1",
            "action": action,
            "productOffering": {"id": offer.offering_id},
            "product": {**product, "realizingResource": [held]},
        }
        body: dict[str, Json] = {
            "externalId": key,
            "requestedStartDate": instant_text(asked.start_at),
            "productOfferingQualification": [{"id": offer.offer_id}],
            "productOrderItem": [item],
        }
        return _ordered(self._ask("POST", ORDERS, _Order, key=key, body=body))

    def standing(self, order_id: str) -> CapacityOrdered:
        return _ordered(self._ask("GET", f"{ORDERS}/{order_id}", _Order))

    def offer_renewal(self, order_id: str, until: datetime) -> CapacityOffer:
        return self._offered("modify", self._prolonged(order_id, until))

    def renew(self, order_id: str, offer: CapacityOffer, until: datetime, key: str) -> CapacityOrdered:
        item: dict[str, Json] = {
            "id": "1",
            "action": "modify",
            "productOffering": {"id": offer.offering_id},
            "product": self._prolonged(order_id, until),
        }
        body: dict[str, Json] = {
            "externalId": key,
            "productOfferingQualification": [{"id": offer.offer_id}],
            "productOrderItem": [item],
        }
        return _ordered(self._ask("POST", ORDERS, _Order, key=key, body=body))

    def _prolonged(self, order_id: str, until: datetime) -> dict[str, Json]:
        """What was delivered for an order, as it is and with another end."""
        return {"id": self._delivered(order_id), "terminationDate": instant_text(until)}

    def cancel(self, order_key: str, key: str, hold_id: str | None = None) -> None:
        self._cancel_placed(order_key, key)
        if hold_id is None:
            return
        with suppress(PartnerRefused):  # it is over, or given back already
            self._ask("PATCH", f"{RESERVATIONS}/{hold_id}", _Named, key=f"{key}:hold", body={"state": "cancelled"})
        self._cancel_placed(order_key, f"{key}:late")  # what arrived between the two

    def _cancel_placed(self, order_key: str, key: str) -> None:
        for one in self._ask("GET", ORDERS, list[_Order], params={"externalId": order_key}):
            if one.state not in ENDED:
                self._ask("POST", CANCELLATIONS, _Named, key=key, body={"productOrder": {"id": one.id}})

    def end(self, order_id: str, key: str) -> None:
        item: Json = {"id": "1", "action": "delete", "product": {"id": self._delivered(order_id)}}
        self._ask("POST", ORDERS, _Named, key=key, body={"externalId": key, "productOrderItem": [item]})

    def _what(self, asked: CapacityAsked, changes: str | None) -> tuple[str, dict[str, Json]]:
        """A product to be added, or the one that was delivered for the order `changes` as it is to be."""
        if changes is None:
            return "add", _product(asked)
        return "modify", {"id": self._delivered(changes), **_product(asked)}

    def _delivered(self, order_id: str) -> str:
        """The product that was delivered for an order."""
        placed = self._ask("GET", f"{ORDERS}/{order_id}", _Order)
        product = next((one.product.id for one in placed.product_order_item if one.product and one.product.id), None)
        if product is None:
            raise PartnerRefused("noProduct", f"the order {order_id} has delivered no product")
        return product

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[A],
        *,
        key: str | None = None,
        body: dict[str, Json] | None = None,
        params: dict[str, str] | None = None,
    ) -> A:
        """Send until answered."""
        again = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
            retry=retry_if_exception_type(_Transient),
            reraise=True,
        )
        about = log.bind(method=method, path=path)
        try:
            told = again(self._send_once, method, path, key, body, params)
            about.info("partner answered", status=told.status_code)
            return TypeAdapter(answer).validate_json(told.content)
        except _Transient as last:
            about.warning("partner away", tries=self._attempts, last=str(last))
            raise PartnerUnavailable(f"no answer in {self._attempts} attempts, last: {last}") from last
        except ValidationError as fault:
            about.warning("partner not understood", why=str(fault)[:300])
            raise PartnerUnavailable(f"its answer to {method} {path} is not understood") from fault
        except PartnerRefused as refusal:
            about.info("partner refused", why=str(refusal)[:200])
            raise

    def _send_once(
        self, method: str, path: str, key: str | None, body: dict[str, Json] | None, params: dict[str, str] | None
    ) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        tell_callee(headers)
        try:
            told = self._client.request(method, path, headers=headers, json=body, params=params)
        except httpx.RequestError as fault:
            raise _Transient(f"{type(fault).__name__} {fault}".strip()) from fault
        if told.status_code >= 500 or told.status_code == 429:
            raise _Transient(f"it answered {told.status_code}")
        if told.status_code in (401, 403):
            raise PartnerUnavailable(f"it does not accept our token: {told.status_code}")
        if not told.is_success:
            raise _refusal(told)
        return told


def _refusal(told: httpx.Response) -> PartnerRefused:
    """The partner's own words, or what it sent when those are not in their place."""
    try:
        error = _Error.model_validate_json(told.content)
    except ValidationError:
        return PartnerRefused(f"http{told.status_code}", told.text[:200] or told.reason_phrase)
    return PartnerRefused(error.code, error.reason[:500])


def _held(told: _Reservation) -> CapacityHeld:
    return CapacityHeld(told.id, told.valid_for.end_date_time if told.valid_for else None)


def _product(asked: CapacityAsked) -> dict[str, Json]:
    values: dict[str, Json | None] = {
        "downlinkRateBps": asked.downlink_rate_bps,
        "uplinkRateBps": asked.uplink_rate_bps,
        "availabilityPercent": asked.availability_percent,
        "latitudeDeg": asked.latitude_deg,
        "longitudeDeg": asked.longitude_deg,
        "downlinkCommittedRateBps": asked.downlink_committed_rate_bps,
        "uplinkCommittedRateBps": asked.uplink_committed_rate_bps,
    }
    characteristics: Json = [{"name": name, "value": value} for name, value in values.items() if value is not None]
    return {"startDate": instant_text(asked.start_at), "productCharacteristic": characteristics}


def _prices(charges: list[_Charge]) -> tuple[Money, Money]:
    """A month, and once. Raises `PartnerUnavailable` where nothing is priced, or in several currencies."""
    currencies = {one.price.duty_free_amount.unit for one in charges}
    if len(currencies) != 1 or not any(one.price_type == "recurring" for one in charges):
        raise PartnerUnavailable(f"the partner's price is not understood: {len(charges)} charges in {currencies}")
    currency = currencies.pop()
    sums = {
        kind: sum((one.price.duty_free_amount.value for one in charges if one.price_type == kind), Decimal(0))
        for kind in ("recurring", "oneTime")
    }
    return Money(unit=currency, value=sums["recurring"]), Money(unit=currency, value=sums["oneTime"])


def _ordered(told: _Order) -> CapacityOrdered:
    monthly, one_time = _prices(told.order_total_price)
    standing = OrderStanding.ENDED if told.state in ENDED else OrderStanding.OPEN
    ends = [one.product.termination_date for one in told.product_order_item if one.product is not None]
    return CapacityOrdered(
        order_id=told.id,
        standing=OrderStanding.DELIVERED if told.state == "completed" else standing,
        state=told.state,
        monthly=monthly,
        one_time=one_time,
        expected_at=told.expected_completion_date,
        term_ends_at=next((one for one in ends if one is not None), None),
    )


def partner_token(url: str) -> str | None:
    """The token for a partner's API; `None`: this installation is not connected to it."""
    found = settings().partner_tokens.get(url.rstrip("/"))
    return None if found is None else found.get_secret_value()


@contextmanager
def partner_at(url: str, timeout_s: float = TIMEOUT_S, attempts: int = ATTEMPTS) -> Iterator[TmfPartnerDriver]:
    """The driver of the partner at `url`. Raises `PartnerUnavailable` without a token for that address."""
    token = partner_token(url)
    if token is None:
        raise PartnerUnavailable(f"no token for {url} is set in SATCOM_PARTNER_TOKENS")
    with TmfPartnerDriver(url, token, timeout_s=timeout_s, attempts=attempts) as driver:
        yield driver
