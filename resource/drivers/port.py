"""The port to a hub's network management system: what the product asks of any hub, in its own words.

A driver speaks a vendor's protocol behind this port. Every action that changes something takes an idempotency key that
stays the same over all repetitions of the same step, so that a step repeated after a crash has one effect. `UNDO` says
which action takes which back. Pointing is true north, clockwise; powers are into the antenna of whoever transmits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from satcom.core.values import Json

Polarisation = Literal["H", "V", "L", "R"]
Direction = Literal["forward", "return"]


class DriverRefused(Exception):
    """The hub understood and will not do it. Asking again is useless until something is changed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"the hub refused: {message} ({code})")
        self.status, self.code, self.message = status, code, message


class PortTaken(DriverRefused):
    """The hub holds on the port what our books do not know of. No order is undone for that: the NOC looks at it."""


class DriverUnavailable(Exception):
    """The hub could not be asked, or its answer was not understood. What was asked may or may not have been done."""


@dataclass(frozen=True)
class CarrierConfiguration:
    """A carrier on a hub's modem port: `forward` is sent by the hub, `return` by a terminal.

    Over passing satellites `satellite_id` is the constellation and `transponder_id` its payload of that direction:
    `CONSTELLATION-forward` or `CONSTELLATION-return`. Where `power_share` of the beam's power is given, whoever
    transmits follows the distance of the satellite so that the carrier keeps that share under clear sky, with at most
    `transmit_power_dbw`.
    """

    carrier_id: str
    hub_id: str
    port: int
    satellite_id: str
    transponder_id: str
    uplink_center_hz: int
    downlink_center_hz: int
    symbol_rate_baud: int
    roll_off: float
    modcod: str
    uplink_polarisation: Polarisation
    downlink_polarisation: Polarisation
    transmit_power_dbw: float
    direction: Direction = "forward"
    power_share: float | None = None


@dataclass(frozen=True)
class CarrierPair:
    """The carriers of both directions through one gateway."""

    carrier_id: str
    return_carrier_id: str


@dataclass(frozen=True)
class TerminalConfiguration:
    """A terminal: which carriers it hears and sends, where it stands and where it points.

    On a return carrier that it shares it sends with `transmit_power_dbw`; on one of its own the carrier says.
    Without `azimuth_deg` and `elevation_deg` it follows the satellites; `handover_carriers` are those through the other
    gateways, to which it is handed over as they pass.
    """

    terminal_id: str
    serial_number: str
    terminal_type: str
    antenna_diameter_m: float
    latitude_deg: float
    longitude_deg: float
    azimuth_deg: float | None
    elevation_deg: float | None
    carrier_id: str
    return_carrier_id: str | None = None
    altitude_m: float = 0.0
    figure_of_merit_db_per_k: float | None = None
    transmit_power_dbw: float | None = None
    handover_carriers: tuple[CarrierPair, ...] = ()


@dataclass(frozen=True)
class RatePlan:
    """Committed (CIR) and maximum (MIR) information rates of a terminal, each way."""

    plan_id: str
    terminal_id: str
    forward_cir_bps: int
    forward_mir_bps: int
    return_cir_bps: int = 0
    return_mir_bps: int = 0


@dataclass(frozen=True)
class HubConfiguration:
    """Carriers, terminals and plans together: what a hub should hold, or does."""

    carriers: tuple[CarrierConfiguration, ...] = ()
    terminals: tuple[TerminalConfiguration, ...] = ()
    plans: tuple[RatePlan, ...] = ()


@dataclass(frozen=True)
class CarrierMeasurement:
    """What the receiving modem reads. The readings are None where there is no signal; C/N is per symbol rate."""

    carrier_id: str
    locked: bool
    carrier_to_noise_density_db_hz: float | None
    carrier_to_noise_db: float | None
    es_over_n0_db: float | None
    required_es_over_n0_db: float
    throughput_bps: int


@dataclass(frozen=True)
class Measurement:
    """A line-up test of one terminal.

    Where several satellites pass, it tells over which one and through which hub it was; the latency is of that path.
    """

    terminal_id: str
    forward: CarrierMeasurement
    return_link: CarrierMeasurement | None
    round_trip_latency_s: float | None
    satellite_id: str | None = None
    hub_id: str | None = None


@dataclass(frozen=True)
class Difference:
    """One field in which the hub differs from what is desired. A missing object differs in `exists`.

    Pairs of carriers are told as text.
    """

    kind: Literal["carrier", "terminal", "plan"]
    id: str
    field: str
    desired: str | float | bool | None
    actual: str | float | bool | None


@dataclass(frozen=True)
class PlannedRequest:
    """One request a dry run would send, and why."""

    method: Literal["PUT", "DELETE"]
    path: str
    body: Mapping[str, Json]
    differences: tuple[Difference, ...]


class Action(StrEnum):
    """What can be asked of a hub. The value is the name of the driver's method."""

    CONFIGURE_CARRIER = "configure_carrier"
    REMOVE_CARRIER = "remove_carrier"
    CONFIGURE_TERMINAL = "configure_terminal"
    REMOVE_TERMINAL = "remove_terminal"
    APPLY_PLAN = "apply_plan"
    REMOVE_PLAN = "remove_plan"
    MEASURE = "measure"
    READ_BACK = "read_back"
    HOLDS = "holds"


UNDO: Mapping[Action, Action | None] = {
    Action.CONFIGURE_CARRIER: Action.REMOVE_CARRIER,
    Action.REMOVE_CARRIER: Action.CONFIGURE_CARRIER,
    Action.CONFIGURE_TERMINAL: Action.REMOVE_TERMINAL,
    Action.REMOVE_TERMINAL: Action.CONFIGURE_TERMINAL,
    Action.APPLY_PLAN: Action.REMOVE_PLAN,
    Action.REMOVE_PLAN: Action.APPLY_PLAN,
    Action.MEASURE: None,
    Action.READ_BACK: None,
    Action.HOLDS: None,
}
"""What takes an action back; None where there is nothing to take back. The undo of a removal, and of a configuration
that replaced another, configures again what `read_back` told before; an undo that finds nothing to undo does nothing.
"""


class HubDriver(Protocol):
    """A hub's NMS.

    All methods raise `DriverRefused` when the hub will not, and `DriverUnavailable` when it cannot be asked. The undo
    of a step that may still be under way passes that step's key as `cancels`: should the step's request arrive after
    its undo, the hub refuses it.
    """

    def configure_carrier(self, carrier: CarrierConfiguration, key: str, cancels: str | None = None) -> None: ...

    def remove_carrier(self, carrier_id: str, key: str, cancels: str | None = None) -> None: ...

    def configure_terminal(self, terminal: TerminalConfiguration, key: str, cancels: str | None = None) -> None: ...

    def remove_terminal(self, terminal_id: str, key: str, cancels: str | None = None) -> None: ...

    def apply_plan(self, plan: RatePlan, key: str, cancels: str | None = None) -> None: ...

    def remove_plan(self, plan_id: str, key: str, cancels: str | None = None) -> None: ...

    def measure(self, terminal_id: str, key: str) -> Measurement:
        """Test the terminal's links. The same key gives the same reading; a new test wants a new key."""
        ...

    def read_back(self, asked: HubConfiguration) -> HubConfiguration:
        """What the hub holds under the ids in `asked`; what it does not hold is left out."""
        ...

    def holds(self, wanted: Callable[[str], bool]) -> HubConfiguration:
        """All that the hub holds under ids that are `wanted`, whoever put it there."""
        ...

    def plan_of_changes(self, desired: HubConfiguration) -> list[PlannedRequest]:
        """Dry run: the requests that would bring the hub to `desired`, in order. Changes nothing."""
        ...

    def drift(self, desired: HubConfiguration) -> list[Difference]:
        """Field by field, where the hub differs from `desired`. What `desired` does not name is not looked at."""
        ...
