"""What the simulated hub NMS is told: fleet, carriers, terminals, plans, weather and faults.

These are the bodies of its REST API. A value that no modem, antenna or hub could take is refused here, by field;
what only the sky can tell (a wrong frequency, a wrong pointing) is accepted and shows in the measurement.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from satcom.simulators.hub_nms.modcods import known_modcod

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Hertz = Annotated[int, Field(gt=0, le=100_000_000_000)]
BitRate = Annotated[int, Field(ge=0, le=10_000_000_000)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Diameter = Annotated[float, Field(gt=0.1, le=40)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
BackOff = Annotated[float, Field(ge=0, le=40)]
SpaceAge = Annotated[AwareDatetime, Field(ge=datetime(1957, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]


class Polarisation(StrEnum):
    """Linear horizontal and vertical, circular left and right."""

    HORIZONTAL = "H"
    VERTICAL = "V"
    LEFT = "L"
    RIGHT = "R"


class Strict(BaseModel):
    """A body in which a field nobody knows, or a number that is none, is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Antenna(Strict):
    """One of a hub's antennas, and the transponders that it works through."""

    transponder_ids: tuple[Identifier, ...]
    antenna_diameter_m: Diameter
    antenna_efficiency: Efficiency = 0.65
    hpa_power_dbw: float | None = Field(default=None, ge=-30, le=60, description="most power of one carrier")
    system_noise_temperature_k: float = Field(default=120, gt=0, le=5000)


class TerminalType(Strict):
    """What every terminal of a type is made of."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    antenna_efficiency: Efficiency
    system_noise_temperature_k: float = Field(gt=0, le=5000)


class Hub(Strict):
    """An earth station with its modems. Its antenna tracks the satellite, so it is never much off.

    It sees what passes from `horizon_mask_deg` up.
    """

    id: Identifier
    latitude_deg: Latitude
    longitude_deg: Longitude
    altitude_m: float = Field(default=0, ge=-500, le=9000)
    antenna_diameter_m: Diameter
    antenna_efficiency: Efficiency = 0.65
    ports: int = Field(ge=1, le=10_000)
    hpa_power_dbw: float | None = Field(default=None, ge=-30, le=50, description="most power of one carrier")
    system_noise_temperature_k: float = Field(default=120, gt=0, le=5000)
    figure_of_merit_db_per_k: float | None = Field(
        default=None, ge=-40, le=60, description="taken instead of antenna gain over noise temperature"
    )
    antennas: tuple[Antenna, ...] = ()
    horizon_mask_deg: float = Field(default=0, ge=0, lt=90)

    def towards(self, transponder_id: str) -> "Hub":
        """The hub with the antenna that works through the transponder; its own where none is listed for it."""
        antenna = next((one for one in self.antennas if transponder_id in one.transponder_ids), None)
        return self if antenna is None else self.model_copy(update=antenna.model_dump(exclude={"transponder_ids"}))


class ContourLine(Strict):
    """A closed line of equal level, as [longitude, latitude]; inside it the beam is at least as strong."""

    level_db: float = Field(ge=-60, le=0, description="relative to the peak of the beam")
    polygon: tuple[tuple[float, float], ...] = Field(min_length=3)


class Boresight(Strict):
    """A beam of one feed: where it is pointed, and its full width between the -3 dB points, seen from the satellite.

    An ellipse has a minor width, too; its longer axis is turned from East towards North.
    """

    latitude_deg: Latitude
    longitude_deg: Longitude
    half_power_width_deg: float = Field(gt=0, le=40)
    minor_width_deg: float | None = Field(default=None, gt=0, le=40)
    rotation_deg: float = Field(default=0.0, ge=-180, le=180)


class Beam(Strict):
    """What a satellite's beam covers: contours, or a boresight."""

    id: Identifier
    contours: tuple[ContourLine, ...] = ()
    boresight: Boresight | None = None

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.boresight is None) != bool(self.contours):
            raise ValueError("a beam has either contours or a boresight")
        return self


class Transponder(Strict):
    """One bent-pipe channel. Back-offs are positive decibels below saturation, of the fully loaded transponder."""

    id: Identifier
    uplink_center_hz: Hertz
    downlink_center_hz: Hertz
    bandwidth_hz: Hertz
    uplink_polarisation: Polarisation
    downlink_polarisation: Polarisation
    eirp_saturation_dbw: float = Field(ge=-20, le=90)
    g_over_t_db_per_k: float = Field(ge=-50, le=40)
    sfd_dbw_per_m2: float = Field(ge=-130, le=-40)
    input_backoff_db: BackOff = 0
    output_backoff_db: BackOff = 0
    carrier_to_interference_db: float | None = Field(
        default=None, ge=0, le=60, description="of other systems, to each carrier; none when empty"
    )
    carrier_to_intermodulation_db: float | None = Field(
        default=None, ge=0, le=60, description="of the fully loaded transponder, even over its band; none when empty"
    )
    uplink_beam_id: Identifier | None = Field(default=None, description="at its peak everywhere when empty")
    downlink_beam_id: Identifier | None = None


class Satellite(Strict):
    """A geostationary satellite, exactly over the equator at its longitude."""

    id: Identifier
    longitude_deg: Longitude
    transponders: tuple[Transponder, ...]


class MeanElements(Strict):
    """An orbit, by the keywords and units of an orbit mean-elements message (OMM, CCSDS 502.0) for SGP4."""

    model_config = ConfigDict(alias_generator=str.upper, validate_by_name=True, serialize_by_alias=True)

    epoch: SpaceAge
    mean_motion: float = Field(gt=0, le=18, description="revolutions per day")
    eccentricity: float = Field(ge=0, lt=1)
    inclination: float = Field(ge=0, le=180)
    ra_of_asc_node: float = Field(ge=-360, le=360)
    arg_of_pericenter: float = Field(ge=-360, le=360)
    mean_anomaly: float = Field(ge=-360, le=360)
    bstar: float = Field(default=0, ge=-10, le=10)
    mean_motion_dot: float = Field(default=0, ge=-10, le=10)
    mean_motion_ddot: float = Field(default=0, ge=-10, le=10)


class PassingSatellite(Strict):
    """A satellite of a constellation."""

    id: Identifier
    elements: MeanElements


class Constellation(Strict):
    """Satellites that pass, all with the same payload.

    Each terminal is alone in a beam that follows it from whichever satellite serves it, and counted at the beam's edge,
    the hub at the peak. It sees the satellites from `lowest_elevation_deg` up.
    """

    id: Identifier
    lowest_elevation_deg: float = Field(ge=0, lt=90)
    edge_gain_db: float = Field(default=0, ge=-40, le=0, description="of a beam at its edge, to its peak")
    transponders: tuple[Transponder, ...]
    satellites: tuple[PassingSatellite, ...]

    @model_validator(mode="after")
    def beams_follow_the_terminals(self) -> Self:
        if any(one.uplink_beam_id or one.downlink_beam_id for one in self.transponders):
            raise ValueError("the beams of satellites that pass follow the terminals: a transponder names none")
        return self


class SharedCarrier(Strict):
    """A carrier that a hub holds for many terminals: on the air before any of them, its MODCOD follows each link.

    It was lined up to its share of the transponder's power. What a terminal sends with is the terminal's.
    """

    id: Identifier
    hub_id: Identifier
    direction: Literal["forward", "return"]
    satellite_id: Identifier
    transponder_id: Identifier
    uplink_center_hz: Hertz
    downlink_center_hz: Hertz
    symbol_rate_baud: int = Field(ge=1000, le=500_000_000)
    roll_off: float = Field(ge=0, le=0.5)
    power_share: float = Field(gt=0, le=1, description="of the transponder's power at its operating point")


class Fleet(Strict):
    """What exists in the simulated world."""

    hubs: tuple[Hub, ...] = ()
    satellites: tuple[Satellite, ...] = ()
    terminal_types: tuple[TerminalType, ...] = ()
    beams: tuple[Beam, ...] = ()
    shared_carriers: tuple[SharedCarrier, ...] = ()
    constellations: tuple[Constellation, ...] = ()

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        for ids in (
            [hub.id for hub in self.hubs],
            [carrier.id for carrier in self.shared_carriers],
            [beam.id for beam in self.beams],
            [*(satellite.id for satellite in self.satellites), *(one.id for one in self.constellations)],
            [satellite.id for one in self.constellations for satellite in one.satellites],
            *([transponder.id for transponder in satellite.transponders] for satellite in self.satellites),
            *([transponder.id for transponder in one.transponders] for one in self.constellations),
        ):
            if len(ids) != len(set(ids)):
                raise ValueError(f"an id stands twice among {', '.join(ids)}")
        return self

    @model_validator(mode="after")
    def beams_are_there(self) -> Self:
        used = {
            beam_id
            for satellite in self.satellites
            for transponder in satellite.transponders
            for beam_id in (transponder.uplink_beam_id, transponder.downlink_beam_id)
        }
        missing = used - {None} - {beam.id for beam in self.beams}
        if missing:
            raise ValueError(f"there is no beam {', '.join(sorted(str(one) for one in missing))}")
        return self

    @model_validator(mode="after")
    def shared_carriers_have_their_equipment(self) -> Self:
        for one in self.shared_carriers:
            if self.hub(one.hub_id) is None or self.transponder(one.satellite_id, one.transponder_id) is None:
                raise ValueError(f"shared carrier {one.id} has no hub {one.hub_id} or transponder {one.transponder_id}")
            if self.constellation(one.satellite_id) is not None:
                raise ValueError(f"shared carrier {one.id} is on satellites that pass: there each has its own")
        return self

    def beam(self, beam_id: str | None) -> Beam | None:
        return next((beam for beam in self.beams if beam.id == beam_id), None)

    def hub(self, hub_id: str) -> Hub | None:
        return next((hub for hub in self.hubs if hub.id == hub_id), None)

    def equipped(self, terminal: "Terminal") -> "Terminal":
        """The terminal with what its type is made of, as far as the fleet knows the type."""
        known = next((one for one in self.terminal_types if one.name == terminal.terminal_type), None)
        return terminal if known is None else terminal.model_copy(update=known.model_dump(exclude={"name"}))

    def satellite(self, satellite_id: str) -> Satellite | None:
        return next((satellite for satellite in self.satellites if satellite.id == satellite_id), None)

    def constellation(self, constellation_id: str) -> Constellation | None:
        return next((one for one in self.constellations if one.id == constellation_id), None)

    def transponder(self, satellite_id: str, transponder_id: str) -> Transponder | None:
        """Of a satellite, or of all satellites of a constellation."""
        carrying = self.satellite(satellite_id) or self.constellation(satellite_id)
        transponders = carrying.transponders if carrying else ()
        return next((transponder for transponder in transponders if transponder.id == transponder_id), None)


class Carrier(Strict):
    """One modulated carrier of a modem port: `forward` leaves the hub, `return` leaves a terminal."""

    hub_id: Identifier
    port: int | None = Field(default=None, ge=1, description="none of a carrier that many terminals share")
    direction: Literal["forward", "return"] = "forward"
    satellite_id: Identifier
    transponder_id: Identifier
    uplink_center_hz: Hertz
    downlink_center_hz: Hertz
    symbol_rate_baud: int = Field(ge=1000, le=500_000_000)
    roll_off: float = Field(ge=0, le=0.5)
    modcod: Annotated[str, StringConstraints(max_length=30)] | None = Field(
        default=None, examples=["QPSK 3/4"], description="adaptive when empty: the fastest that holds for each terminal"
    )
    uplink_polarisation: Polarisation
    downlink_polarisation: Polarisation
    transmit_power_dbw: float = Field(ge=-60, le=50, description="into the antenna of whoever transmits")
    power_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="of the transponder's power: whoever transmits keeps it under clear sky, with at most that power",
    )

    @model_validator(mode="after")
    def modem_knows_the_modcod(self) -> Self:
        if self.modcod is not None:
            known_modcod(self.modcod)
        return self

    @property
    def occupied_bandwidth_hz(self) -> float:
        return self.symbol_rate_baud * (1 + self.roll_off)


class CarrierPair(Strict):
    """The carriers of both directions through one hub."""

    carrier_id: Identifier
    return_carrier_id: Identifier


class Terminal(Strict):
    """A VSAT: where it stands, where it points, which carriers it listens and talks on.

    Without azimuth and elevation its antenna follows the satellite.
    """

    serial_number: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    terminal_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    antenna_diameter_m: Diameter
    antenna_efficiency: Efficiency = 0.65
    latitude_deg: Latitude
    longitude_deg: Longitude
    altitude_m: float = Field(default=0, ge=-500, le=9000)
    carrier_id: Identifier = Field(description="the forward carrier it receives")
    return_carrier_id: Identifier | None = Field(default=None, description="the return carrier it transmits")
    transmit_power_dbw: float | None = Field(
        default=None, ge=-60, le=50, description="into its antenna on a carrier that it shares; else the carrier says"
    )
    handover_carriers: tuple[CarrierPair, ...] = Field(
        default=(), max_length=100, description="through the other hubs, to which it is handed over"
    )
    azimuth_deg: float | None = Field(ge=0, le=360, description="pointing, from true north, clockwise")
    elevation_deg: float | None = Field(ge=-5, le=90)
    system_noise_temperature_k: float = Field(default=120, gt=0, le=5000)
    figure_of_merit_db_per_k: float | None = Field(
        default=None, ge=-40, le=60, description="taken instead of antenna gain over noise temperature"
    )

    @model_validator(mode="after")
    def it_points_or_follows(self) -> Self:
        if (self.azimuth_deg is None) != (self.elevation_deg is None):
            raise ValueError("azimuth_deg and elevation_deg are given together, or neither for one that follows")
        return self

    @property
    def carrier_pairs(self) -> tuple[tuple[str, str | None], ...]:
        """All its carriers, forward and return."""
        others = tuple((one.carrier_id, one.return_carrier_id) for one in self.handover_carriers)
        return ((self.carrier_id, self.return_carrier_id), *others)


class Plan(Strict):
    """The rates a terminal is given: committed (CIR) and at most (MIR), each way."""

    terminal_id: Identifier
    forward_cir_bps: BitRate
    forward_mir_bps: BitRate
    return_cir_bps: BitRate = 0
    return_mir_bps: BitRate = 0

    @model_validator(mode="after")
    def committed_is_within_maximum(self) -> Self:
        if self.forward_cir_bps > self.forward_mir_bps or self.return_cir_bps > self.return_mir_bps:
            raise ValueError("a committed rate (CIR) is above its maximum rate (MIR)")
        return self


class Instant(Strict):
    """What time it is in the simulated world; of the machine's clock when there is none."""

    at: SpaceAge | None = None


class Weather(Strict):
    """Fade at a terminal on top of the clear sky, until it is set back to 0."""

    fade_db: float = Field(ge=0, le=100)


class FaultKind(StrEnum):
    """What goes wrong."""

    SLOW = "slow"
    ERROR_500 = "error500"
    ANSWER_LOST = "effect_done_answer_lost"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    RESTART = "restart"


class FaultRule(Strict):
    """Which requests meet which fault, how often. The first rule that matches and still has a count decides."""

    kind: FaultKind
    method: str = Field(default="*", max_length=10, description="glob, for example PUT")
    path: str = Field(default="*", max_length=200, description="glob, for example /v1/carriers/*")
    terminal: str = Field(default="*", max_length=100, description="glob on the terminal in path or body")
    count: int | None = Field(default=None, ge=0, description="how often at most; for ever when empty")
    probability: float = Field(default=1, ge=0, le=1)
    seed: int = 0
    delay_s: float = Field(
        default=1, ge=0, le=600, description="slow: how long; out_of_order: at most; restart: how long away"
    )


class Faults(Strict):
    """All rules; they replace those before."""

    rules: tuple[FaultRule, ...] = ()
