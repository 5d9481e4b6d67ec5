"""The items of a reservation: each thing that is held, of what, and which of it.

Words: TMF685; a capacity is a number of a unit, and names the hold in the inventory.
"""

from collections.abc import Iterable

from pydantic import Field as ValueField

from satcom.core.entity import Entity
from satcom.core.values import Reference, Value, reference
from satcom.resource.carrier_pool import PoolShare
from satcom.resource.constellation_share import ConstellationShare
from satcom.resource.hub import HubPortAssignment
from satcom.resource.spectrum import SpectrumAssignment
from satcom.supplychain.stock import StockedTerminal


class Amount(Value):
    """TMF685 `CapacityAmount`: a number as text."""

    capacity_amount: str | None = None


class Capacity(Value):
    """TMF685 `Capacity`: `capacity_spec` says of what, in which unit ("bandwidthHz"), `related_capacity` which."""

    capacity_amount: Amount | None = None
    capacity_spec: Reference | None = None
    related_capacity: list[Reference] | None = None


class ReservationItem(Value):
    """TMF685 `ReservationItem`: one thing that is held: `related_entity` says of what, `applied_capacity` which."""

    id: str | None = None
    action: str | None = None
    quantity: int | None = None
    state: str | None = None
    capacity_demand: Capacity | None = None
    applied_capacity: Capacity | None = None
    related_entity: list[Reference] = ValueField(default_factory=list)


def items_held(
    slots: Iterable[SpectrumAssignment],
    ports: Iterable[HubPortAssignment],
    shares: Iterable[PoolShare],
    passages: Iterable[ConstellationShare],
    terminal_type_id: str | None,
    terminal: StockedTerminal | None,
) -> list[ReservationItem]:
    """One item for each; a terminal that is wanted and not in stock stays pending."""
    things: list[tuple[str, str, Entity | None, int | None]] = [
        ("Transponder", one.transponder_id, one, one.bandwidth_hz) for one in slots
    ]
    things += [("Hub", one.hub_id, one, None) for one in ports]
    things += [("CarrierPool", one.carrier_pool_id, one, None) for one in shares]
    for one in passages:
        kind, identifier = (
            ("Constellation", one.constellation_id) if one.cell else ("EarthStation", one.earth_station_id)
        )
        things.append((kind, identifier or "", one, None))
    if terminal_type_id is not None:
        things.append(("TerminalType", terminal_type_id, terminal, None))
    items = []
    for number, (kind, identifier, kept, width_hz) in enumerate(things, start=1):
        items.append(
            ReservationItem(
                id=str(number),
                action="add",
                quantity=1,
                state="held" if kept is not None else "pending",
                applied_capacity=_applied(kept, width_hz) if kept is not None else None,
                related_entity=[reference(identifier, kind).model_copy(update={"role": "of"})],
            )
        )
    return items


def _applied(kept: Entity, width_hz: int | None) -> Capacity:
    of_inventory = [reference(kept.id, type(kept).__name__, kept.href)]
    if width_hz is None:
        return Capacity(related_capacity=of_inventory)
    amount = Amount(capacity_amount=str(width_hz))
    return Capacity(capacity_amount=amount, capacity_spec=Reference(id="bandwidthHz"), related_capacity=of_inventory)
