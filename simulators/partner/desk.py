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
    contention: float = Field(default=10.0, ge=1, description="of the rate that is shared and not committed")
    commits: bool = Field(default=True, description="of a shared rate a part may be committed")
    south_deg: float = -60.0
    north_deg: float = 60.0
    west_deg: float = -180.0
    east_deg: float = 180.0
    activation_days: float = Field(default=21.0, ge=0, description="as it is told to who asks")
    delivery_s: float = Field(default=5.0, ge=0, description="as it is simulated")
    hold_s: float = Field(default=3600.0, gt=0)
    price_factor_at_order: float = Field(default=1.0, gt=0, description="the price may have changed since it was asked")
    term_days: float | None = Field(default=None, gt=0, description="what is delivered ends after so long")
    renews: bool = Field(default=True, description="what is delivered may go on after its term")
    price_factor_at_renewal: float = Field(default=1.0, gt=0)
    renewal_days: float | None = Field(default=None, ge=0, description="a renewal adds so much, whatever is asked for")
    tells_end_when_done: bool = Field(default=False, description="the end of a term is told once it is delivered")


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def is_renewal(body: Body) -> bool:
    """Whether an order is that what is delivered goes on for longer, as it is."""
    item: Body = next(iter(body.get("productOrderItem", [])), {})
    return item.get("action") == "modify" and "terminationDate" in item.get("product", {})


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
        if item.get("action") == "modify" and "terminationDate" in product:
            return self._renewable(item, product)
        asked = _values(product)
        try:
            rate_mbps = self._taken_mbps(asked)
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
        if not world.commits and _committed_bps(asked):
            return kept | _unqualified("noCommittedRate", "we commit to no rate of what is shared")
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

    def _taken_mbps(self, asked: dict[str, Any]) -> float:
        """What it takes of our capacity both ways: of a shared rate what is committed, and a part of the rest."""
        rate_bps = float(asked["downlinkRateBps"]) + float(asked["uplinkRateBps"])
        committed_bps = _committed_bps(asked)
        if committed_bps is None:
            return rate_bps / 1e6
        return (committed_bps + (rate_bps - committed_bps) / self.world.contention) / 1e6

    def _renewable(self, item: Body, product: Body) -> Body:
        """Whether what is delivered may go on until then, and at which price."""
        kept: Body = {"id": item.get("id", "1"), "action": "modify", "state": "done"}
        product_id = str(product.get("id"))
        if not self._delivers(product_id):
            return kept | _unqualified("noProduct", f"there is no product {product_id} that could go on")
        if not self.world.renews:
            return kept | _unqualified("noRenewal", "what is delivered there is promised to somebody else afterwards")
        return kept | {
            "qualificationItemResult": "qualified",
            "productOffering": {"id": "managed-site", "name": "Managed site capacity"},
            "product": product | {"productPrice": self._renewal_prices(product_id, 1.0)},
        }

    def _renewal_prices(self, product_id: str, factor: float) -> list[Body]:
        placed = [one for one in self._of_product(product_id) if "productCharacteristic" in one["product"]]
        rate_mbps = self._taken_mbps(_values(placed[-1]["product"]))
        return self._prices(rate_mbps, factor * self.world.price_factor_at_renewal, "renew")

    def _prices(self, rate_mbps: float, factor: float, action: str) -> list[Body]:
        world = self.world
        charged = {"modify": ("Change", world.change_price), "renew": ("Renewal", 0.0)}
        once = charged.get(action, ("Installation", world.one_time_price))
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

    def change_hold(self, reservation_id: str, change: Body) -> tuple[int, Body]:
        """A reservation is given back by cancelling it, and kept for longer by another end."""
        held = self.store.get(RESERVATION, reservation_id)
        if change.keys() == {"validFor"} and held is not None:
            return self._extend(held, str(change["validFor"].get("endDateTime")))
        if change != {"state": "cancelled"}:
            raise Refusal(400, "fixed", "a reservation can only be cancelled, or kept for longer")
        if held is None:
            raise Refusal(404, "notFound", f"there is no reservation {reservation_id}")
        if held["state"] != "cancelled":
            self.store.record("release", reservation_id)
        return 200, self.store.put(RESERVATION, held | {"state": "cancelled"})

    def _extend(self, held: Body, until: str) -> tuple[int, Body]:
        """At most as long from now on as anything is held."""
        now = datetime.now(UTC)
        if held["state"] != "held" or datetime.fromisoformat(held["validFor"]["endDateTime"]) <= now:
            raise Refusal(422, "notHeld", f"the hold {held['id']} has ended")
        granted = min(datetime.fromisoformat(until), now + timedelta(seconds=self.world.hold_s))
        self.store.record("extend", held["id"])
        return 200, self.store.put(RESERVATION, held | {"validFor": {"endDateTime": text(granted)}})

    def order(self, body: Body) -> tuple[int, Body]:
        """TMF622: order what is held, at the price of today, anew or as a change; or end what was delivered."""
        if body.get("externalId") and self.store.called(ORDER, str(body["externalId"])):
            raise Refusal(409, "orderedAlready", f"order {body['externalId']} was placed before")
        item = body["productOrderItem"][0]
        action, product_id = str(item["action"]), str(item["product"].get("id"))
        if action == "delete":
            return self._end(body, product_id)
        if is_renewal(body):
            return self._renew(body, product_id)
        if action == "modify" and not self._delivers(product_id):
            raise Refusal(422, "notFound", f"there is no product {product_id}")
        held = [self.store.get(RESERVATION, str(one.get("id"))) for one in item["product"].get("realizingResource", [])]
        if not held or held[0] is None or held[0]["state"] != "held":
            raise Refusal(422, "notHeld", "nothing is held for this order")
        if datetime.fromisoformat(held[0]["validFor"]["endDateTime"]) <= datetime.now(UTC):
            raise Refusal(422, "holdExpired", f"the hold ended on {held[0]['validFor']['endDateTime']}")
        rate_mbps = self._taken_mbps(_values(item["product"]))
        now = datetime.now(UTC)
        delivered = item | {"product": item["product"] | {"id": product_id if action == "modify" else str(uuid4())}}
        ends_at = self._ends_at(product_id) if action == "modify" else self._first_end(now)
        if ends_at is not None:
            delivered["product"]["terminationDate"] = text(ends_at)
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
        return 201, self._told(self.store.put(ORDER, placed))

    def _renew(self, body: Body, product_id: str) -> tuple[int, Body]:
        if not self._delivers(product_id):
            raise Refusal(422, "notFound", f"there is no product {product_id}")
        now, ends_at, added = datetime.now(UTC), self._ends_at(product_id), self.world.renewal_days
        item: Body = body["productOrderItem"][0]
        if added is not None and ends_at is not None:
            item = item | {"product": item["product"] | {"terminationDate": text(ends_at + timedelta(days=added))}}
        placed = body | {
            "productOrderItem": [item],
            "id": str(uuid4()),
            "state": "acknowledged",
            "orderDate": text(now),
            "expectedCompletionDate": text(now + timedelta(seconds=self.world.delivery_s)),
            "orderTotalPrice": self._renewal_prices(product_id, self.world.price_factor_at_order),
        }
        self.store.record("renew", product_id)
        return 201, self._told(self.store.put(ORDER, placed))

    def _end(self, body: Body, product_id: str) -> tuple[int, Body]:
        if not self._delivers(product_id):
            raise Refusal(422, "notFound", f"there is no product {product_id}")
        ended = body | {"id": str(uuid4()), "state": "completed", "orderDate": text(datetime.now(UTC))}
        self.store.record("end", product_id)
        return 201, self.store.put(ORDER, ended)

    def _delivers(self, product_id: str) -> bool:
        """Whether the product was delivered, and is not ended."""
        actions = {one["action"] for one in self._of_product(product_id)}
        ends_at = self._ends_at(product_id)
        over = ends_at is not None and ends_at <= datetime.now(UTC)
        return "add" in actions and "delete" not in actions and not over

    def _of_product(self, product_id: str) -> list[Body]:
        """The items of the completed orders about a product, in the order in which they came."""
        completed = sorted((one for one in self.orders(None) if one["state"] == "completed"), key=_ordered_at)
        items = [one["productOrderItem"][0] for one in completed]
        return [one for one in items if one["product"].get("id") == product_id]

    def _first_end(self, now: datetime) -> datetime | None:
        world = self.world
        if world.term_days is None:
            return None
        return now + timedelta(seconds=world.delivery_s) + timedelta(days=world.term_days)

    def _ends_at(self, product_id: str) -> datetime | None:
        """The end of a product's term: a renewal has moved it."""
        ends = [one["product"].get("terminationDate") for one in self._of_product(product_id)]
        return max((datetime.fromisoformat(one) for one in ends if one is not None), default=None)

    def find_order(self, order_id: str) -> Body:
        placed = self.store.get(ORDER, order_id)
        if placed is None:
            raise Refusal(404, "notFound", f"there is no order {order_id}")
        return self._told(self._of_today(placed))

    def orders(self, external_id: str | None) -> list[Body]:
        return [self._told(self._of_today(one)) for one in self.store.called(ORDER, external_id)]

    def _told(self, placed: Body) -> Body:
        """An order as others see it."""
        if placed["state"] == "completed" or not self.world.tells_end_when_done:
            return placed
        item: Body = placed["productOrderItem"][0]
        product = {name: value for name, value in item["product"].items() if name != "terminationDate"}
        return placed | {"productOrderItem": [item | {"product": product}]}

    def _of_today(self, placed: Body) -> Body:
        if placed["state"] in OPEN:
            of_today = datetime.fromisoformat(placed["orderDate"]) + timedelta(seconds=self.world.delivery_s)
            due = min(of_today, datetime.fromisoformat(placed["expectedCompletionDate"]))
            return placed | {"state": "completed" if due <= datetime.now(UTC) else "inProgress"}
        return placed

    def cancel(self, body: Body) -> tuple[int, Body]:
        placed = self.find_order(str(body.get("productOrder", {}).get("id")))
        if placed["state"] != "cancelled":
            self.store.record("cancel", placed["id"])
        self.store.put(ORDER, placed | {"state": "cancelled"})
        return 201, {"id": str(uuid4()), "state": "done", "productOrder": {"id": placed["id"]}}


def _ordered_at(placed: Body) -> str:
    return str(placed["orderDate"])


def _values(product: Body) -> dict[str, Any]:
    return {one.get("name"): one.get("value") for one in product.get("productCharacteristic", [])}


def _committed_bps(asked: dict[str, Any]) -> float | None:
    """Of both directions; `None` for a link that nobody shares."""
    given = [asked.get(name) for name in ("downlinkCommittedRateBps", "uplinkCommittedRateBps")]
    return None if given == [None, None] else sum(float(one or 0) for one in given)


def _unqualified(code: str, label: str) -> Body:
    reason = [{"code": code, "label": label}]
    return {"qualificationItemResult": "unqualified", "eligibilityUnavailabilityReason": reason}


def _price(name: str, kind: str, value: float, currency: str) -> Body:
    body: Body = {"name": name, "priceType": kind, "price": {"dutyFreeAmount": {"unit": currency, "value": value}}}
    return body | ({"recurringChargePeriod": "month"} if kind == "recurring" else {})
