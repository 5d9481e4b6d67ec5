"""The partner's business: what it offers at which price, what it holds, orders that it delivers after a while.

Its world is simple on purpose: a rectangle of the Earth that it covers, a price per Mbit/s, a largest rate, and how
long a delivery and a hold take. `PUT /v1/world` changes it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from satcom.simulators.partner.store import Body, Refusal, Store

QUALIFICATION, RESERVATION, ORDER, CANCELLATION = "qualification", "reservation", "order", "cancellation"
OPEN = ("acknowledged", "inProgress")


class World(BaseModel):
    """What the partner has, and what it asks for it."""

    model_config = ConfigDict(extra="forbid")

    currency: str = "USD"
    price_per_mbps: float = Field(default=190.0, gt=0, description="a month, of both directions together")
    one_time_price: float = Field(default=3200.0, ge=0)
    change_price: float = Field(default=0.0, ge=0, description="once, for a change of what is delivered")
    largest_mbps: float = Field(default=60.0, gt=0)
    south_deg: float = -60.0
    north_deg: float = 60.0
    west_deg: float = -180.0
    east_deg: float = 180.0
    activation_days: float = Field(default=21.0, ge=0, description="as it is told to who asks")
    delivery_s: float = Field(default=5.0, ge=0, description="as it is simulated")
    hold_s: float = Field(default=3600.0, gt=0)
    price_factor_at_order: float = Field(default=1.0, gt=0, description="the price may have changed since it was asked")


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class Desk:
    """Who answers. Commands are called within a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def world(self) -> World:
        kept = self.store.setting("world")
        return World() if kept is None else World.model_validate_json(kept)

    def set_world(self, world: World) -> None:
        with self.store.transaction():
            self.store.set("world", world.model_dump_json())

    def qualify(self, body: Body) -> tuple[int, Body]:
        """TMF679: each item is qualified with its price, or not, with the reason."""
        items = [self._qualified(item) for item in body.get("productOfferingQualificationItem", [])]
        if not items:
            raise Refusal(400, "missing", "no item is asked about")
        fit = all(one["qualificationItemResult"] == "qualified" for one in items)
        answer: Body = {
            "id": str(uuid4()),
            "state": "done",
            "qualificationResult": "qualified" if fit else "unqualified",
            "expirationDate": text(datetime.now(UTC) + timedelta(days=14)),
            "productOfferingQualificationItem": items,
        }
        self.store.record("qualify", answer["id"])
        return 201, self.store.put(QUALIFICATION, answer)

    def _qualified(self, item: Body) -> Body:
        world, product = self.world, item.get("product", {})
        asked = _values(product)
        try:
            rate_mbps = (float(asked["downlinkRateBps"]) + float(asked["uplinkRateBps"])) / 1e6
            latitude_deg, longitude_deg = float(asked["latitudeDeg"]), float(asked["longitudeDeg"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refusal(400, "missing", f"the characteristic {error} is missing or no number") from error
        action = str(item.get("action") or "add")
        kept: Body = {"id": item.get("id", "1"), "action": action, "state": "done"}
        if action == "modify" and not self._delivers(str(product.get("id"))):
            return kept | _unqualified("noProduct", f"there is no product {product.get('id')} that could change")
        if not (
            world.south_deg <= latitude_deg <= world.north_deg and world.west_deg <= longitude_deg <= world.east_deg
        ):
            place = f"latitude {latitude_deg:g}, longitude {longitude_deg:g} lies outside of what we cover"
            return kept | _unqualified("outsideCoverage", place)
        if rate_mbps > world.largest_mbps:
            why = f"{rate_mbps:g} Mbit/s are asked for, {world.largest_mbps:g} Mbit/s are free"
            return kept | _unqualified("noCapacity", why)
        priced = product | {"productPrice": self._prices(rate_mbps, 1.0, action)}
        return kept | {
            "qualificationItemResult": "qualified",
            "productOffering": {"id": "managed-site", "name": "Managed site capacity"},
            "product": priced,
            "expectedActivationDate": text(datetime.now(UTC) + timedelta(days=world.activation_days)),
        }

    def _prices(self, rate_mbps: float, factor: float, action: str) -> list[Body]:
        world = self.world
        once = ("Change", world.change_price) if action == "modify" else ("Installation", world.one_time_price)
        return [
            _price(
                "Managed capacity", "recurring", round(rate_mbps * world.price_per_mbps * factor, 2), world.currency
            ),
            _price(once[0], "oneTime", round(once[1] * factor, 2), world.currency),
        ]

    def reserve(self, body: Body) -> tuple[int, Body]:
        """TMF685: hold what a qualification offered."""
        offered = [
            self.store.get(QUALIFICATION, str(entity.get("id")))
            for item in body.get("reservationItem", [])
            for entity in item.get("relatedEntity", [])
        ]
        if not offered or offered[0] is None or offered[0]["qualificationResult"] != "qualified":
            raise Refusal(422, "noOffer", "nothing was offered that could be held")
        until = datetime.now(UTC) + timedelta(seconds=self.world.hold_s)
        held = body | {"id": str(uuid4()), "state": "held", "validFor": {"endDateTime": text(until)}}
        self.store.record("hold", held["id"])
        return 201, self.store.put(RESERVATION, held)

    def reservations(self) -> list[Body]:
        return self.store.called(RESERVATION, None)

    def release(self, reservation_id: str, change: Body) -> tuple[int, Body]:
        """A reservation is given back by cancelling it."""
        held = self.store.get(RESERVATION, reservation_id)
        if change != {"state": "cancelled"}:
            raise Refusal(400, "fixed", "a reservation can only be cancelled")
        if held is None:
            raise Refusal(404, "notFound", f"there is no reservation {reservation_id}")
        if held["state"] != "cancelled":
            self.store.record("release", reservation_id)
        return 200, self.store.put(RESERVATION, held | {"state": "cancelled"})

    def order(self, body: Body) -> tuple[int, Body]:
        """TMF622: order what is held, at the price of today, anew or as a change; or end what was delivered."""
        if body.get("externalId") and self.store.called(ORDER, str(body["externalId"])):
            raise Refusal(409, "orderedAlready", f"order {body['externalId']} was placed before")
        item = body["productOrderItem"][0]
        action, product_id = str(item["action"]), str(item["product"].get("id"))
        if action == "delete":
            return self._end(body, product_id)
        if action == "modify" and not self._delivers(product_id):
            raise Refusal(422, "notFound", f"there is no product {product_id}")
        held = [self.store.get(RESERVATION, str(one.get("id"))) for one in item["product"].get("realizingResource", [])]
        if not held or held[0] is None or held[0]["state"] != "held":
            raise Refusal(422, "notHeld", "nothing is held for this order")
        if datetime.fromisoformat(held[0]["validFor"]["endDateTime"]) <= datetime.now(UTC):
            raise Refusal(422, "holdExpired", f"the hold ended on {held[0]['validFor']['endDateTime']}")
        asked = _values(item["product"])
        rate_mbps = (float(asked["downlinkRateBps"]) + float(asked["uplinkRateBps"])) / 1e6
        now = datetime.now(UTC)
        delivered = item | {"product": item["product"] | {"id": product_id if action == "modify" else str(uuid4())}}
        placed = body | {
            "productOrderItem": [delivered],
            "id": str(uuid4()),
            "state": "acknowledged",
            "orderDate": text(now),
            "expectedCompletionDate": text(now + timedelta(seconds=self.world.delivery_s)),
            "orderTotalPrice": self._prices(rate_mbps, self.world.price_factor_at_order, action),
        }
        self.store.put(RESERVATION, held[0] | {"state": "completed"})
        self.store.record("order", placed["id"])
        return 201, self.store.put(ORDER, placed)

    def _end(self, body: Body, product_id: str) -> tuple[int, Body]:
        if not self._delivers(product_id):
            raise Refusal(422, "notFound", f"there is no product {product_id}")
        ended = body | {"id": str(uuid4()), "state": "completed", "orderDate": text(datetime.now(UTC))}
        self.store.record("end", product_id)
        return 201, self.store.put(ORDER, ended)

    def _delivers(self, product_id: str) -> bool:
        """Whether the product was delivered, and is not ended."""
        items = [one["productOrderItem"][0] for one in self.orders(None) if one["state"] == "completed"]
        actions = {one["action"] for one in items if one["product"].get("id") == product_id}
        return "add" in actions and "delete" not in actions

    def find_order(self, order_id: str) -> Body:
        placed = self.store.get(ORDER, order_id)
        if placed is None:
            raise Refusal(404, "notFound", f"there is no order {order_id}")
        return self._of_today(placed)

    def orders(self, external_id: str | None) -> list[Body]:
        return [self._of_today(one) for one in self.store.called(ORDER, external_id)]

    def _of_today(self, placed: Body) -> Body:
        if placed["state"] in OPEN:
            due = datetime.fromisoformat(placed["orderDate"]) + timedelta(seconds=self.world.delivery_s)
            return placed | {"state": "completed" if due <= datetime.now(UTC) else "inProgress"}
        return placed

    def cancel(self, body: Body) -> tuple[int, Body]:
        placed = self.find_order(str(body.get("productOrder", {}).get("id")))
        if placed["state"] != "cancelled":
            self.store.record("cancel", placed["id"])
        self.store.put(ORDER, placed | {"state": "cancelled"})
        return 201, {"id": str(uuid4()), "state": "done", "productOrder": {"id": placed["id"]}}


def _values(product: Body) -> dict[str, Any]:
    return {one.get("name"): one.get("value") for one in product.get("productCharacteristic", [])}


def _unqualified(code: str, label: str) -> Body:
    reason = [{"code": code, "label": label}]
    return {"qualificationItemResult": "unqualified", "eligibilityUnavailabilityReason": reason}


def _price(name: str, kind: str, value: float, currency: str) -> Body:
    body: Body = {"name": name, "priceType": kind, "price": {"dutyFreeAmount": {"unit": currency, "value": value}}}
    return body | ({"recurringChargePeriod": "month"} if kind == "recurring" else {})
