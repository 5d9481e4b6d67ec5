"""Carriers on the air: what occupies the transponders already, for customers that are known or only described.

A piece of spectrum is its edges or its centre with its bandwidth, in MHz or in hertz, always those of the downlink.
A carrier whose power share is not said takes as much of the power as of the bandwidth.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from satcom.app.loading.entries import EntryKeys, instant, parsed
from satcom.app.loading.files import Entry, Values
from satcom.app.loading.loading import Kind, Load
from satcom.app.loading.network import in_inventory
from satcom.core.clock import now
from satcom.core.entity import checked
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.core.security import CUSTOMER_ROLE
from satcom.core.values import Json
from satcom.market.customer import Customer
from satcom.market.order_item import FaultsFound
from satcom.resource.hold import HoldState
from satcom.resource.payload import MAX_FREQUENCY_HZ, Transponder
from satcom.resource.resource import Polarisation
from satcom.resource.satellite import Satellite
from satcom.resource.spectrum import Direction, SpectrumAssignment

LETTERS = {"h": "horizontal", "v": "vertical", "r": "rhcp", "l": "lhcp"}
Megahertz = Annotated[Decimal, Field(ge=0, le=MAX_FREQUENCY_HZ // 1_000_000, decimal_places=6)]


def _in_full(value: object) -> object:
    return LETTERS.get(value.strip().lower(), value.strip().lower()) if isinstance(value, str) else value


class CarrierKeys(EntryKeys):
    """A carrier on the air. It is there from `valid_from`, else since its satellite is in service."""

    name: str | None = None
    transponder: str
    downlink_center_hz: int | None = None
    occupied_bandwidth_hz: int | None = None
    center_mhz: Megahertz | None = None
    bandwidth_mhz: Megahertz | None = None
    from_mhz: Megahertz | None = None
    to_mhz: Megahertz | None = None
    power_share_hz: int | None = None
    power_share_mhz: Megahertz | None = None
    polarisation: Annotated[Polarisation | None, BeforeValidator(_in_full)] = None
    symbol_rate_baud: float | None = None
    rolloff: float | None = None
    guard_band_hz: int | None = None
    direction: Direction | None = None
    customer: str | None = None
    customer_note: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class Way:
    """A way to say the piece: two keys, the edges that follow, and the value of either key for a carrier."""

    keys: tuple[str, str]
    edges: Callable[[int, int], tuple[int, int]]
    shown: tuple[Callable[[SpectrumAssignment], Json], Callable[[SpectrumAssignment], Json]]


def _around(center_hz: int, width_hz: int) -> tuple[int, int]:
    start_hz = center_hz - width_hz // 2
    return start_hz, start_hz + width_hz


WAYS = (
    Way(
        ("downlink_center_hz", "occupied_bandwidth_hz"),
        _around,
        (lambda one: one.downlink_center_hz, lambda one: one.bandwidth_hz),
    ),
    Way(
        ("center_mhz", "bandwidth_mhz"),
        _around,
        (lambda one: one.downlink_center_hz / 1e6, lambda one: one.bandwidth_hz / 1e6),
    ),
    Way(
        ("from_mhz", "to_mhz"),
        lambda start_hz, stop_hz: (start_hz, stop_hz),
        (lambda one: one.start_hz / 1e6, lambda one: one.stop_hz / 1e6),
    ),
)
EVERY_WAY = ", or ".join(" with ".join(way.keys) for way in WAYS)
COPIED = {"symbol_rate_baud", "rolloff", "direction", "customer_note", "source", "illustrative"}
ON_THE_AIR = in_inventory(
    SpectrumAssignment,
    {"transponder_id": "transponder", "start_at": "valid_from", "stop_at": "valid_until"},
    frozenset(COPIED)
    | {"name", "transponder_id", "start_hz", "stop_hz", "power_share_hz", "guard_band_hz", "start_at", "stop_at"},
)


def load_carriers(load: Load) -> None:
    """What occupies the transponders already."""
    for entry in load.each("carriers", SpectrumAssignment):
        with load.checking(ON_THE_AIR, entry):
            keys = parsed(CarrierKeys, entry)
            way = _way(keys)
            with load.checking(_said_so(keys, way), entry):
                _load_carrier(load, entry, keys, way)


def _way(keys: CarrierKeys) -> Way:
    """How the entry says its piece. Raises `Refused` when it does not, or does so twice."""
    begun = [way for way in WAYS if any(getattr(keys, key) is not None for key in way.keys)]
    if len(begun) != 1:
        why = ("missing", "missing") if not begun else ("the piece is said in two ways", "invalid")
        raise Refused(begun[-1].keys[0] if begun else WAYS[1].keys[0], *why, EVERY_WAY)
    lacking = [Fault(key, "missing", "missing") for key in begun[0].keys if getattr(keys, key) is None]
    if lacking:
        raise Refused.all(lacking)
    if keys.power_share_hz is not None and keys.power_share_mhz is not None:
        raise Refused("power_share_mhz", "power_share_hz says it already", "invalid", "one of the two")
    return begun[0]


def _said_so(keys: CarrierKeys, way: Way) -> Kind[SpectrumAssignment]:
    """The kind in the words of this entry."""
    power = "power_share_hz" if keys.power_share_hz is not None else "power_share_mhz"
    words = {"start_hz": way.keys[0], "stop_hz": way.keys[1], "power_share_hz": power}
    shown = dict(zip(("start_hz", "stop_hz"), way.shown, strict=True))
    if power == "power_share_mhz":
        shown["power_share_hz"] = lambda one: one.power_share_hz / 1e6
    return replace(ON_THE_AIR, words={**ON_THE_AIR.words, **words}, shown=shown)


def _load_carrier(load: Load, entry: Entry, keys: CarrierKeys, way: Way) -> None:
    found = FaultsFound()
    transponder_id = load.named(Transponder, keys.transponder, "transponder", found)
    if keys.customer is not None:
        load.named(Customer, keys.customer, "customer", found)
    transponder = load.present(Transponder, transponder_id)
    if transponder is not None and keys.polarisation not in (None, transponder.downlink_polarisation):
        why = f"{transponder.name} comes down {transponder.downlink_polarisation}, not {keys.polarisation}"
        found.faults.append(Fault("polarisation", why, "invalid", transponder.downlink_polarisation))
    present = load.present(SpectrumAssignment, loaded_id(SpectrumAssignment.__name__, entry.slug))
    if present is not None and keys.customer and present.party_id != loaded_id("Organization", keys.customer):
        why = "a carrier keeps its customer; let it end, and give the next one a new id"
        found.faults.append(Fault("customer", why, "fixed"))
    found.refuse()
    given = {"guard_band_hz": keys.guard_band_hz, "start_at": keys.valid_from}
    leave = frozenset(name for name, value in given.items() if value is None)
    carrier = _carrier(load, keys, way, transponder_id)
    load.keep(_said_so(keys, way), entry, carrier, keys.name or entry.slug, leave)


def _carrier(load: Load, keys: CarrierKeys, way: Way, transponder_id: str) -> SpectrumAssignment:
    transponder = load.present(Transponder, transponder_id)
    satellite = load.present(Satellite, transponder.satellite_id) if transponder is not None else None
    guard_band_hz = transponder.guard_band_hz if transponder is not None else 0
    since = keys.valid_from or (satellite.in_service_date if satellite is not None else None)
    start_hz, stop_hz = way.edges(*(_hertz(keys, key) for key in way.keys))
    power = "power_share_hz" if keys.power_share_hz is not None else "power_share_mhz"
    said = getattr(keys, power) is not None
    further: Values = {"note": keys.notes} if keys.notes else {}
    if keys.customer is not None:
        party = {"id": loaded_id("Organization", keys.customer), "role": CUSTOMER_ROLE, "@referredType": "Organization"}
        further["relatedParty"] = [party]
    values: Values = {
        "name": keys.name or keys.id,
        "transponder_id": transponder_id,
        "start_hz": start_hz,
        "stop_hz": stop_hz,
        "power_share_hz": _hertz(keys, power) if said else max(stop_hz - start_hz, 0),
        "guard_band_hz": guard_band_hz if keys.guard_band_hz is None else keys.guard_band_hz,
        "state": HoldState.ASSIGNED,
        "start_at": instant(since) or now(),
        "stop_at": instant(keys.valid_until),
        "further": further,
    }
    return checked(SpectrumAssignment, values | keys.model_dump(include=COPIED))


def _hertz(keys: CarrierKeys, key: str) -> int:
    value = getattr(keys, key)
    return int(value * 1_000_000) if key.endswith("_mhz") else int(value)
