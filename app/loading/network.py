"""The network that the operator has: satellites with their elements, payload, carriers on the air, ground, licences.

An entry says what its object is made of: its keys are the columns, and a reference is the slug of the other object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlmodel import Session, col, select

from satcom.app.loading.contours import CONTOUR_KEYS, contours_of_file
from satcom.app.loading.entries import (
    REMARKS,
    Price,
    note_of,
    several,
    unknown_key,
    within,
)
from satcom.app.loading.files import Entry, Values
from satcom.app.loading.loading import Kind, Load, Outcome
from satcom.app.loading.spot_beams import lay_out_lattices
from satcom.core.entity import E, Entity, checked, shape
from satcom.core.errors import Fault
from satcom.core.security import Principal
from satcom.core.values import Json
from satcom.market.order_item import FaultsFound
from satcom.resource import inventory
from satcom.resource.carrier_pool import CarrierPool
from satcom.resource.constellation import Constellation
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.hub import Hub
from satcom.resource.licence import Licence, correct_licence, enter_licence
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.element_files import read_elements
from satcom.resource.resource import Resource
from satcom.resource.satellite import ElementSet, Satellite, record_elements
from satcom.resource.spectrum import SpectrumAssignment
from satcom.resource.terminal_type import correct_terminal_type, enter_terminal_type

R = TypeVar("R", bound=Resource)
References = Mapping[str, tuple[str, type[Entity]]]  # key in the file, column, and what it names


def in_inventory(entity: type[R], words: Mapping[str, str], decides: frozenset[str] | None = None) -> Kind[R]:
    """A kind of the network inventory."""

    def enter(session: Session, resource: R, by: Principal) -> R:
        inventory.enter(session, resource, by)
        return resource

    def correct(session: Session, resource: R, patch: dict[str, Json], by: Principal) -> R:
        inventory.amend(session, resource, patch, by)
        return resource

    return Kind(entity, enter, correct, words, decides)


@dataclass(frozen=True)
class Listed(Generic[E]):
    """A list whose entries are objects of one kind, column by column. `shape` is for what files write otherwise."""

    list: str
    kind: Kind[E]
    references: References = field(default_factory=dict)
    shape: Callable[[Load, Values, FaultsFound], None] = lambda load, values, found: None
    further: frozenset[str] = frozenset()

    @property
    def keys(self) -> set[str]:
        """What an entry may say."""
        columns = (one.column for one in shape(self.kind.entity).attributes)
        return {self.kind.words.get(one, one) for one in columns} | REMARKS | self.further


def load_list(load: Load, listed: Listed[E]) -> None:
    """Every entry of the list."""
    for entry in load.each(listed.list, listed.kind.entity):
        with load.checking(listed.kind, entry):
            wanted = _wanted(load, listed, entry)
            name = str(getattr(wanted, "name", None) or getattr(wanted, "reference", entry.slug))
            load.keep(listed.kind, entry, wanted, name)


def _wanted(load: Load, listed: Listed[E], entry: Entry) -> E:
    """The object as the entry has it. Raises `Refused` with every fault."""
    found = FaultsFound([unknown_key(key, listed.keys) for key in entry.values if key not in listed.keys])
    values = {key: value for key, value in entry.values.items() if key in listed.keys and value is not None}
    for key, (column, target) in listed.references.items():
        if key in values:
            values[column] = load.named(target, values.pop(key), key, found)
    listed.shape(load, values, found)
    notes = note_of(values.pop("note", None))
    values["further"] = {"note": notes} if notes else {}
    wanted: list[E] = []
    with found.gathering():
        wanted.append(checked(listed.kind.entity, {key: value for key, value in values.items() if key != "id"}))
    found.refuse()
    return wanted[0]


def load_elements(load: Load) -> None:
    """Keep the element sets of the satellites that are known; a public file may hold many others."""
    if load.files.elements is None:
        return
    name = load.files.elements_file
    file = read_elements(load.files.elements)
    if file.bad_lines:
        for bad in file.bad_lines:
            load.fault(f"{name}: line {bad.line_number}", bad.reason)
        return
    if not load.has_operator or not file.elements:
        return
    recorded = record_elements(load.session, load.files.elements, name)
    for bad in recorded.bad_lines:
        load.fault(f"{name}: line {bad.line_number}", bad.reason)
    added = {(one.satellite_id, one.epoch) for one in recorded.added}
    numbers = [one.norad_id for one in file.elements]
    known = load.session.exec(select(Satellite).where(col(Satellite.norad_id).in_(numbers)))
    by_number = {one.norad_id: one for one in known}
    for one in file.elements:
        satellite = by_number.get(one.norad_id)
        if satellite is not None:
            outcome = Outcome.CREATED if (satellite.id, one.epoch) in added else Outcome.UNCHANGED
            load.tell(ElementSet.__name__, f"{one.norad_id} of {one.epoch:%Y-%m-%d %H:%M}", satellite.name, outcome)


def _satellites(load: Load, values: Values, found: FaultsFound, key: str = "satellites") -> None:
    """The satellites that an entry names, under the name of the column."""
    if "satellites" in values:
        named = several(values.pop("satellites"))
        if not isinstance(named, list):
            found.faults.append(Fault(key, "it is a list of satellites", "wrongType"))
            return
        values["satellite_ids"] = [load.named(Satellite, one, key, found) for one in named]


def _station(load: Load, values: Values, found: FaultsFound) -> None:
    if isinstance(values.get("antennas"), list):
        values["antennas"] = [dict(one) if isinstance(one, dict) else one for one in values["antennas"]]
        for index, antenna in enumerate(values["antennas"]):
            if isinstance(antenna, dict):
                _satellites(load, antenna, found, f"antennas.{index}.satellites")


def _hub(load: Load, values: Values, found: FaultsFound) -> None:
    _satellites(load, values, found)
    if "bands" in values:
        values["bands"] = several(values["bands"])


def _constellation(load: Load, values: Values, found: FaultsFound) -> None:
    """Its gateways name earth stations and hubs."""
    if isinstance(values.get("gateways"), list):
        values["gateways"] = [dict(one) if isinstance(one, dict) else one for one in values["gateways"]]
        for index, gateway in enumerate(values["gateways"]):
            for key, target in (("earth_station", EarthStation), ("hub", Hub)):
                if isinstance(gateway, dict) and key in gateway:
                    gateway[f"{key}_id"] = load.named(target, gateway.pop(key), f"gateways.{index}.{key}", found)
            if isinstance(gateway, dict) and "antenna" in gateway:
                gateway["antenna_id"] = gateway.pop("antenna")


def _terminal_type(load: Load, values: Values, found: FaultsFound) -> None:
    price: Any = values.pop("price", None)
    if price is not None:
        with found.gathering():
            values["price"] = within(Price, price, "price").money


def _licence(load: Load, values: Values, found: FaultsFound) -> None:
    """A class is that of a terminal type; whether one that is at fault has it, is not known."""
    its_class = values.get("terminal_class")
    of_class = [one for one in load.files.entries("terminal_types") if one.values.get("terminal_class") == its_class]
    if load.files.unread or any((TerminalType.__name__, one.slug) in load.broken for one in of_class):
        load.names_broken = True


SATELLITES = Listed("satellites", in_inventory(Satellite, {}))
BEAMS = Listed(
    "beams",
    in_inventory(Beam, {"satellite_id": "satellite"}),
    {"satellite": ("satellite_id", Satellite)},
    contours_of_file,
    CONTOUR_KEYS,
)
TRANSPONDERS = Listed(
    "transponders",
    in_inventory(
        Transponder,
        {"satellite_id": "satellite", "uplink_beam_id": "uplink_beam", "downlink_beam_id": "downlink_beam"},
    ),
    {
        "satellite": ("satellite_id", Satellite),
        "uplink_beam": ("uplink_beam_id", Beam),
        "downlink_beam": ("downlink_beam_id", Beam),
    },
)
EARTH_STATIONS = Listed("earth_stations", in_inventory(EarthStation, {}), shape=_station)
HUBS = Listed(
    "hubs",
    in_inventory(Hub, {"earth_station_id": "earth_station", "satellite_ids": "satellites"}),
    {"earth_station": ("earth_station_id", EarthStation)},
    _hub,
)
CONSTELLATIONS = Listed("constellations", in_inventory(Constellation, {}), shape=_constellation)
CARRIER_POOLS = Listed(
    "carrier_pools",
    in_inventory(CarrierPool, {"hub_id": "hub", "spectrum_assignment_id": "carrier"}),
    {"hub": ("hub_id", Hub), "carrier": ("spectrum_assignment_id", SpectrumAssignment)},
)
TERMINAL_TYPES = Listed(
    "terminal_types", Kind(TerminalType, enter_terminal_type, correct_terminal_type), shape=_terminal_type
)
LICENCES = Listed("licences", Kind(Licence, enter_licence, correct_licence), shape=_licence)


def load_pools(load: Load) -> None:
    """Shared carriers, in spectrum that is on the air already."""
    load_list(load, CARRIER_POOLS)


def load_network(load: Load) -> None:
    """From the satellite down to the licence, each after what it names."""
    load_list(load, SATELLITES)
    load_elements(load)
    lay_out_lattices(load, BEAMS.kind)
    load_list(load, BEAMS)
    load_list(load, TRANSPONDERS)
    load_list(load, EARTH_STATIONS)
    load_list(load, HUBS)
    load_list(load, CONSTELLATIONS)
    load_list(load, TERMINAL_TYPES)
    load_list(load, LICENCES)
