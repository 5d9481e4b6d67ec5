"""Activation: what the hub is told, so that a reserved solution becomes a working service.

The translation is pure: from the solution, the slots with their centre frequencies, the hub port and the terminal to
the configuration in the words of the driver's port. Every id follows from the service's id and every key from the
task's, so that a step repeated after a crash has one effect. Speaking to the hub is `resource.drivers`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import TypeAdapter

from satcom.core.errors import Refused, RuleRefused
from satcom.core.tmf_filter import is_uuid
from satcom.core.values import Json
from satcom.resource.drivers.port import (
    CarrierConfiguration,
    CarrierPair,
    Difference,
    HubConfiguration,
    HubDriver,
    PlannedRequest,
    Polarisation,
    RatePlan,
    TerminalConfiguration,
)
from satcom.resource.payload import Transponder
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.constellation_solution import ConstellationSolution, PassingCarrier
from satcom.service.demand import Direction
from satcom.service.solution import AccessSolution, LinkSolution, SiteSolution
from satcom.service.way import CarrierPlan

LETTERS: Final[dict[str, Polarisation]] = {"horizontal": "H", "vertical": "V", "lhcp": "L", "rhcp": "R"}
P = TypeVar("P", CarrierConfiguration, TerminalConfiguration, RatePlan)
CONFIGURATION: TypeAdapter[HubConfiguration] = TypeAdapter(HubConfiguration)


@dataclass(frozen=True)
class CarrierSlot:
    """Where a carrier lies: the transponder and its centre frequencies up and down."""

    transponder_id: str
    uplink_center_hz: int
    downlink_center_hz: int


@dataclass(frozen=True)
class LinkSlots:
    """The slots of both directions."""

    forward: CarrierSlot
    return_link: CarrierSlot


@dataclass(frozen=True)
class SiteTerminal:
    """The terminal at the site: its serial number and where it stands."""

    serial_number: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0


@dataclass(frozen=True)
class HubIds:
    """What the hub calls the parts of a service."""

    forward_carrier: str
    return_carrier: str
    terminal: str
    plan: str


def hub_ids(service_id: str) -> HubIds:
    """The same for the same service, whoever asks and how often."""
    return HubIds(f"{service_id}-forward", f"{service_id}-return", f"{service_id}-terminal", f"{service_id}-plan")


def service_named(name: str) -> str | None:
    """The id of the service that something at a hub is of, by its name; `None` where we do not name things so."""
    service_id, hyphen = name[:36], name[36:37]
    return service_id.lower() if is_uuid(service_id) and hyphen == "-" else None


def by_service(held: HubConfiguration) -> dict[str, HubConfiguration]:
    """What a hub holds of each service, by its id; what we do not name so is left out."""
    carriers = _grouped((service_named(one.carrier_id), one) for one in held.carriers)
    terminals = _grouped((service_named(one.terminal_id), one) for one in held.terminals)
    plans = _grouped((service_named(one.plan_id), one) for one in held.plans)
    named = {one for one in (*carriers, *terminals, *plans) if one is not None}
    return {one: HubConfiguration(carriers[one], terminals[one], plans[one]) for one in named}


def _grouped(parts: Iterable[tuple[str | None, P]]) -> Mapping[str | None, tuple[P, ...]]:
    groups: defaultdict[str | None, tuple[P, ...]] = defaultdict(tuple)
    for service_id, part in parts:
        groups[service_id] += (part,)
    return groups


def carrier_slot(transponder: Transponder, assignment: SpectrumAssignment) -> CarrierSlot:
    """The slot of an assignment. Raises `Refused` when it lies on another transponder."""
    if assignment.transponder_id != transponder.id:
        why = f"{assignment.name} does not lie on {transponder.name}"
        raise Refused("transponderId", why, "otherTransponder", assignment.transponder_id)
    downlink_hz = assignment.downlink_center_hz
    return CarrierSlot(transponder.id, transponder.uplink_hz(downlink_hz), downlink_hz)


def link_configuration(
    solution: LinkSolution, slots: LinkSlots, port: int, terminal: SiteTerminal, service_id: str
) -> HubConfiguration:
    """What the hub is to hold for a link of its own: two carriers on `port`, the terminal, its rates.

    Raises `Refused` when a slot lies on another transponder than the solution says, or on an unknown polarisation.
    """
    ids = hub_ids(service_id)
    carriers = (
        _carrier(ids.forward_carrier, solution, solution.forward, slots.forward, port),
        _carrier(ids.return_carrier, solution, solution.return_link, slots.return_link, port),
    )
    forward, back = solution.forward.bit_rate_bps, solution.return_link.bit_rate_bps
    rates = RatePlan(ids.plan, ids.terminal, forward, forward, back, back)
    at_site = _terminal(solution, terminal, ids, ids.forward_carrier, ids.return_carrier)
    return HubConfiguration(carriers, (at_site,), (rates,))


def access_configuration(solution: AccessSolution, terminal: SiteTerminal, service_id: str) -> HubConfiguration:
    """What the hub is to hold for access over shared carriers, which are there already: the terminal, its rates."""
    ids, forward, back = hub_ids(service_id), solution.forward_pool, solution.return_pool
    rates = RatePlan(ids.plan, ids.terminal, forward.cir_bps, forward.mir_bps, back.cir_bps, back.mir_bps)
    return HubConfiguration((), (_terminal(solution, terminal, ids, forward.pool_id, back.pool_id),), (rates,))


def passing_configuration(
    solution: ConstellationSolution, ports: Mapping[str, int], terminal: SiteTerminal, service_id: str
) -> HubConfiguration:
    """What the hubs are to hold for a link over satellites that pass: two carriers at every gateway, the terminal that
    is handed over between them, its rates. `ports` are those held, by hub.

    Raises `RuleRefused` where no port is held on one of the hubs.
    """
    ids = hub_ids(service_id)
    missing = [one.hub_name for one in solution.gateways if one.hub_id not in ports]
    if missing:
        raise RuleRefused("port", f"no port is held on {', '.join(missing)}", "notPlanned")
    through = [
        tuple(
            _passing_carrier(solution, carrier, gateway.hub_id, ports[gateway.hub_id], service_id)
            for carrier in (solution.forward, solution.return_link)
        )
        for gateway in solution.gateways
    ]
    home, *others = (CarrierPair(forward.carrier_id, back.carrier_id) for forward, back in through)
    at_site = TerminalConfiguration(
        terminal_id=ids.terminal,
        serial_number=terminal.serial_number,
        terminal_type=solution.terminal_type_name,
        antenna_diameter_m=solution.antenna_diameter_m,
        latitude_deg=terminal.latitude_deg,
        longitude_deg=terminal.longitude_deg,
        altitude_m=terminal.altitude_m,
        azimuth_deg=None,
        elevation_deg=None,
        carrier_id=home.carrier_id,
        return_carrier_id=home.return_carrier_id,
        handover_carriers=tuple(others),
    )
    forward, back = solution.forward.bit_rate_bps, solution.return_link.bit_rate_bps
    rates = RatePlan(ids.plan, ids.terminal, forward, forward, back, back)
    return HubConfiguration(tuple(one for pair in through for one in pair), (at_site,), (rates,))


def payload_id(constellation_id: str, direction: Direction) -> str:
    """What a hub calls the payload of a constellation's satellites in one direction."""
    return f"{constellation_id}-{direction}"


def _passing_carrier(
    solution: ConstellationSolution, plan: PassingCarrier, hub_id: str, port: int, service_id: str
) -> CarrierConfiguration:
    return CarrierConfiguration(
        carrier_id=f"{service_id}-{plan.direction}-{hub_id}",
        hub_id=hub_id,
        port=port,
        satellite_id=solution.constellation_id,
        transponder_id=payload_id(solution.constellation_id, plan.direction),
        uplink_center_hz=plan.uplink_center_hz,
        downlink_center_hz=plan.downlink_center_hz,
        symbol_rate_baud=plan.symbol_rate_baud,
        roll_off=plan.roll_off,
        modcod=plan.modcod,
        uplink_polarisation=letter(plan.uplink_polarisation),
        downlink_polarisation=letter(plan.downlink_polarisation),
        transmit_power_dbw=plan.most_transmit_power_dbw,
        direction=plan.direction,
        power_share=plan.power_share,
    )


def _terminal(
    solution: SiteSolution, terminal: SiteTerminal, ids: HubIds, forward_carrier: str, return_carrier: str
) -> TerminalConfiguration:
    return TerminalConfiguration(
        terminal_id=ids.terminal,
        serial_number=terminal.serial_number,
        terminal_type=solution.terminal_type_name,
        antenna_diameter_m=solution.antenna_diameter_m,
        latitude_deg=terminal.latitude_deg,
        longitude_deg=terminal.longitude_deg,
        altitude_m=terminal.altitude_m,
        azimuth_deg=solution.azimuth_deg,
        elevation_deg=solution.elevation_deg,
        carrier_id=forward_carrier,
        return_carrier_id=return_carrier,
        transmit_power_dbw=None if isinstance(solution, LinkSolution) else solution.return_link.transmit_power_dbw,
    )


def to_json(configured: HubConfiguration) -> Json:
    """The configuration as a task's result."""
    written: Json = CONFIGURATION.dump_python(configured, mode="json")
    return written


def from_json(written: Json) -> HubConfiguration:
    """Back from a task's result."""
    return CONFIGURATION.validate_python(written)


def activate(hub: HubDriver, configured: HubConfiguration, key: str, cancels: str | None = None) -> None:
    """Bring the hub to the configuration: carriers, then terminal, then plan. Repeating it with `key` changes nothing.

    `cancels` is the key of the call that it undoes: should a request of that arrive later, the hub refuses it.
    Raises `DriverRefused` and `DriverUnavailable`.
    """
    for carrier in configured.carriers:
        part = carrier.carrier_id
        hub.configure_carrier(carrier, _key(key, part), _cancelled(cancels, part))
    for terminal in configured.terminals:
        part = terminal.terminal_id
        hub.configure_terminal(terminal, _key(key, part), _cancelled(cancels, part))
    for plan in configured.plans:
        hub.apply_plan(plan, _key(key, plan.plan_id), _cancelled(cancels, plan.plan_id))


def deactivate(hub: HubDriver, configured: HubConfiguration, key: str, cancels: str | None = None) -> None:
    """Take the configuration out of the hub, last first; what is not there is passed over.

    `cancels` is the key of the `activate` that it undoes: should a request of that arrive later, the hub refuses it.
    """
    for plan in reversed(configured.plans):
        hub.remove_plan(plan.plan_id, _key(key, plan.plan_id), _cancelled(cancels, plan.plan_id))
    for terminal in reversed(configured.terminals):
        hub.remove_terminal(
            terminal.terminal_id, _key(key, terminal.terminal_id), _cancelled(cancels, terminal.terminal_id)
        )
    for carrier in reversed(configured.carriers):
        hub.remove_carrier(carrier.carrier_id, _key(key, carrier.carrier_id), _cancelled(cancels, carrier.carrier_id))


def left_over(before: HubConfiguration, after: HubConfiguration) -> HubConfiguration:
    """The carriers that a hub held `before` and holds no more: a gateway that is not gone through any longer."""
    kept = {one.carrier_id for one in after.carriers}
    return HubConfiguration(tuple(one for one in before.carriers if one.carrier_id not in kept))


def dry_run(hub: HubDriver, configured: HubConfiguration) -> list[PlannedRequest]:
    """What `activate` would send that the hub does not hold already. Changes nothing."""
    return hub.plan_of_changes(configured)


def drift(hub: HubDriver, configured: HubConfiguration) -> list[Difference]:
    """Field by field, where the hub differs from what it was told."""
    return hub.drift(configured)


def _carrier(
    carrier_id: str, solution: LinkSolution, plan: CarrierPlan, slot: CarrierSlot, port: int
) -> CarrierConfiguration:
    if slot.transponder_id != plan.transponder_id:
        why = f"the {plan.direction} slot lies on another transponder than {plan.transponder_name}"
        raise Refused("transponderId", why, "otherTransponder", plan.transponder_id)
    return CarrierConfiguration(
        carrier_id=carrier_id,
        hub_id=solution.hub_id,
        port=port,
        satellite_id=solution.satellite_id,
        transponder_id=plan.transponder_id,
        uplink_center_hz=slot.uplink_center_hz,
        downlink_center_hz=slot.downlink_center_hz,
        symbol_rate_baud=plan.symbol_rate_baud,
        roll_off=plan.roll_off,
        modcod=plan.modcod,
        uplink_polarisation=letter(plan.uplink_polarisation),
        downlink_polarisation=letter(plan.downlink_polarisation),
        transmit_power_dbw=plan.transmit_power_dbw,
        direction=plan.direction,
    )


def letter(polarisation: str) -> Polarisation:
    """The hub's letter for a polarisation. Raises `Refused` on a word that is none."""
    if polarisation not in LETTERS:
        raise Refused("polarisation", f"{polarisation!r} is no polarisation", "invalid", ", ".join(LETTERS))
    return LETTERS[polarisation]


def _key(key: str, part: str) -> str:
    return f"{key}:{part}"


def _cancelled(cancels: str | None, part: str) -> str | None:
    return None if cancels is None else _key(cancels, part)
