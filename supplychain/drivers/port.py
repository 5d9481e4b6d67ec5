"""The port to a partner who leases us capacity: what is asked of any of them, in our words.

A driver speaks the partner's protocol behind this port. What changes something at the partner takes an idempotency key
that stays the same over all repetitions, so that a step repeated after a crash or a lost answer has one effect. What
was held or ordered without our learning its id is found again by that key.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from satcom.core.values import Instant, Money, Value


class PartnerRefused(Exception):
    """The partner understood and will not do it. Asking again is useless until something is changed."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code, self.reason = code, reason


class PartnerUnavailable(Exception):
    """The partner could not be asked, or its answer was not understood. It may or may not have done what was asked."""


class CapacityAsked(Value):
    """What a site is to get, from when, for how long.

    Where others share what it is carried by, the rates are those at most, and so much of them is committed. Without
    committed rates it is a link of its own.
    """

    downlink_rate_bps: int
    uplink_rate_bps: int
    availability_percent: float
    latitude_deg: float
    longitude_deg: float
    start_at: Instant
    stop_at: Instant | None = None
    downlink_committed_rate_bps: int | None = None
    uplink_committed_rate_bps: int | None = None

    @property
    def committed_rate_bps(self) -> int:
        """Of both directions together; all of it where nobody shares it."""
        given = self.downlink_committed_rate_bps, self.uplink_committed_rate_bps
        if given == (None, None):
            return self.downlink_rate_bps + self.uplink_rate_bps
        return sum(one or 0 for one in given)

    @property
    def rate_mbps(self) -> float:
        """Of both directions together: what prices go by."""
        return (self.downlink_rate_bps + self.uplink_rate_bps) / 1e6


class CapacityOffer(Value):
    """What a partner offers: its own price to us, until when that holds, and when the site could be served.

    `term_ends_at` is the end of what would be delivered, where it has one.
    """

    offer_id: str
    offering_id: str
    offering_name: str
    monthly: Money
    one_time: Money
    valid_until: Instant | None = None
    activation_at: Instant | None = None
    term_ends_at: Instant | None = None


@dataclass(frozen=True)
class CapacityHeld:
    """Held under the partner's id until an instant."""

    hold_id: str
    until: datetime | None


class OrderStanding(StrEnum):
    """How far the partner has come with an order."""

    OPEN = "open"
    DELIVERED = "delivered"
    ENDED = "ended"


class CapacityOrdered(Value):
    """An order at the partner, with the price that it is charged at."""

    order_id: str
    standing: OrderStanding
    state: str
    monthly: Money
    one_time: Money
    expected_at: Instant | None = None
    term_ends_at: Instant | None = None


class PartnerDriver(Protocol):
    """One partner's API.

    All methods raise `PartnerRefused` when the partner will not, `PartnerUnavailable` when it cannot be asked.
    """

    def search(self, asked: CapacityAsked, changes: str | None = None) -> CapacityOffer:
        """What it would cost; all of it, also where it `changes` what was delivered for an order of that id.

        Binds nobody. Refused: it does not serve that.
        """
        ...

    def hold(self, offer: CapacityOffer, key: str) -> CapacityHeld: ...

    def extend(self, hold_id: str, until: datetime, key: str) -> CapacityHeld:
        """Hold it for longer; the partner says until when."""
        ...

    def release(self, offer: CapacityOffer, hold_key: str, key: str) -> None:
        """Give back what was held under `hold_key`; nothing, where nothing was."""
        ...

    def order(
        self, asked: CapacityAsked, offer: CapacityOffer, hold_id: str, key: str, changes: str | None = None
    ) -> CapacityOrdered:
        """Order what is held, anew or to change what was delivered for the order `changes`."""
        ...

    def standing(self, order_id: str) -> CapacityOrdered: ...

    def offer_renewal(self, order_id: str, until: datetime) -> CapacityOffer:
        """What it would cost to have until then what was delivered for an order. Binds nobody."""
        ...

    def renew(self, order_id: str, offer: CapacityOffer, until: datetime, key: str) -> CapacityOrdered:
        """Order that what was delivered for an order goes on until then. `cancel` takes it back."""
        ...

    def cancel(self, order_key: str, key: str, hold_id: str | None = None) -> None:
        """Cancel what was ordered under `order_key`; nothing, where nothing was.

        With the hold that it was ordered of, an order that is still on its way finds nothing that it could take.
        """
        ...

    def end(self, order_id: str, key: str) -> None:
        """End what was delivered for an order."""
        ...
