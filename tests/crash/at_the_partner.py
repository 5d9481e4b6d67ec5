"""What a partner has of us, beside what we say it has: each hold and each order once, at the price that we know."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

Body = dict[str, Any]  # JSON gives any
RESERVATIONS = "/tmf-api/resourcePoolManagement/v4/reservation"
ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
GONE = ("cancelled", "rejected", "failed")


@dataclass(frozen=True)
class PartnersBooks:
    """The partner's own."""

    holds: list[Body]
    orders: list[Body]

    @classmethod
    def read(cls, partner: httpx.Client) -> "PartnersBooks":
        holds = partner.get(RESERVATIONS).raise_for_status().json()
        return cls(holds, partner.get(ORDERS).raise_for_status().json())

    def against(self, capacities: Iterable[Body]) -> Iterator[str]:
        """`capacities` are ours. Each in use is what one order there delivers, of one hold; nothing else stands."""
        ours = {one.get("partnerOrderId"): one for one in capacities if one["state"] != "released"}
        theirs = {one["id"]: one for one in self._in_force()}
        if theirs.keys() != ours.keys():
            yield f"ordered at the partner: {sorted(theirs)}, on our books: {sorted(map(str, ours))}"
        for order_id in theirs.keys() & ours.keys():
            cost, resource = monthly(theirs[order_id]), product(theirs[order_id])["realizingResource"][0]
            if cost != ours[order_id]["monthlyCost"]:
                yield f"the partner charges {cost}, we reckon with {ours[order_id]['monthlyCost']}"
            if resource["id"] != ours[order_id]["holdId"]:
                yield f"the order {order_id} is of the hold {resource['id']}, not {ours[order_id]['holdId']}"
        used = {resource["id"] for one in self._placed() for resource in product(one)["realizingResource"]}
        held = {one["id"] for one in self.holds if one["state"] not in GONE}
        if held != used:
            yield f"held at the partner: {sorted(held)}, of orders that stand: {sorted(used)}"
        keys = [one["externalId"] for one in self.orders]
        if len(keys) != len(set(keys)):
            yield f"the partner has an order twice: {keys}"

    def _placed(self) -> list[Body]:
        """Orders that add or change a product and were not taken back, in their order."""
        standing = [one for one in self.orders if one["state"] not in GONE and action_of(one) != "delete"]
        return sorted(standing, key=lambda one: str(one["orderDate"]))

    def _in_force(self) -> list[Body]:
        """The last one of each product that was not ended."""
        ended = {product_of(one) for one in self.orders if action_of(one) == "delete" and one["state"] not in GONE}
        last = {product_of(one): one for one in self._placed()}
        return [one for name, one in last.items() if name not in ended]


def product(order: Body) -> Body:
    found: Body = order["productOrderItem"][0]["product"]
    return found


def product_of(order: Body) -> str:
    return str(product(order)["id"])


def action_of(order: Body) -> str:
    return str(order["productOrderItem"][0]["action"])


def monthly(order: Body) -> Body:
    """What an order costs a month."""
    [price] = [one for one in order["orderTotalPrice"] if one["priceType"] == "recurring"]
    found: Body = price["price"]["dutyFreeAmount"]
    return found
