"""Shared carriers on the demonstration network: a forward and a return pool of the hub at Hartebeesthoek."""

from datetime import UTC, datetime

from sqlmodel import Session

from satcom.core.entity import checked
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.hold import Owner, Period, assign
from satcom.resource.spectrum import WantedSlot
from satcom.service.demand import AccessDemand
from tests.resource.a_network import tomorrow
from tests.resource.held_alone import hold_slot
from tests.service.the_demonstration import identifier, the_demand

HUB, TRANSPONDER = "hub-hartebeesthoek-1", "tp-eutelsat-10b-ku-2v"
MHZ = 1_000_000
OPERATOR = Owner(None, None, None)


def load_pools(session: Session, committable_percent: float = 80.0, contention_ratio: float = 20.0) -> None:
    """6 Mbaud forward in one carrier, 4 Mbaud back in eight."""
    for name, direction, baud, carriers in (("forward", "forward", 6 * MHZ, 1), ("return", "return", 4 * MHZ, 8)):
        width_hz = baud * 6 // 5
        wanted = WantedSlot(identifier("Transponder", TRANSPONDER), width_hz, width_hz)
        slot = hold_slot(session, wanted, Period(datetime(2026, 1, 1, tzinfo=UTC)), OPERATOR, tomorrow())
        assign(session, [slot])
        pool = {
            "id": identifier("CarrierPool", name),
            "name": f"East Africa {name}",
            "hub_id": identifier("Hub", HUB),
            "spectrum_assignment_id": slot.id,
            "direction": direction,
            "symbol_rate_baud": baud,
            "carrier_symbol_rate_baud": baud // carriers,
            "rolloff": 0.2,
            "committable_percent": committable_percent,
            "contention_ratio": contention_ratio,
        }
        session.add(checked(CarrierPool, pool))
    session.flush()


def the_access(**changes: object) -> AccessDemand:
    """The mine's office, over shared carriers: 5 Mbit/s down and 1 up at most, a fifth of it committed."""
    asked = the_demand(downlink_rate_bps=5_000_000, uplink_rate_bps=1_000_000, availability_percent=99.5)
    values = asked.model_dump() | {
        "capacity": "poolShare",
        "downlink_committed_rate_bps": 1_000_000,
        "uplink_committed_rate_bps": 200_000,
    }
    return AccessDemand.model_validate(values | changes)
