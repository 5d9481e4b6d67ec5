"""The line-up test: what the modems of one terminal read of the true sky.

Computed from what is configured in this NMS and from the simulator's own sky, never from what the product planned. A
reading errs by a normal deviate seeded with the simulator's seed and the journal's number, so a run can be repeated.
"""

import math
import random
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from satcom.simulators.hub_nms.configuration import Carrier, Fleet, Hub, Satellite, Terminal, Weather
from satcom.simulators.hub_nms.coverage import beam_gain_db
from satcom.simulators.hub_nms.held import Direction, carrier_called, carrier_towards, plan_of, terminal_called
from satcom.simulators.hub_nms.modcods import Modcod, adapted_modcod, fastest_modcod, known_modcod
from satcom.simulators.hub_nms.sky import LIGHT_M_PER_S, EarthStation, Link, hub_station, link, terminal_station
from satcom.simulators.hub_nms.store import Refusal, Store

MODEM_DELAY_S = 0.012
"""Framing, interleaving and processing of one pass through both modems of a link."""
READING_ERROR_DB = 0.1
"""Standard deviation of a modem's own reading."""


class CarrierMeasurement(BaseModel):
    """What the receiving modem reads; the readings are null when there is no signal to measure.

    C/N is in the noise bandwidth of the matched filter, which is the symbol rate, so it equals Es/N0.
    """

    model_config = ConfigDict(frozen=True)

    carrier_id: str
    locked: bool
    carrier_to_noise_density_db_hz: float | None
    carrier_to_noise_db: float | None
    es_over_n0_db: float | None
    required_es_over_n0_db: float
    throughput_bps: int


class Measurement(BaseModel):
    """A line-up test of one terminal. Without a plan no traffic passes, so throughput is 0."""

    model_config = ConfigDict(frozen=True)

    terminal_id: str
    forward: CarrierMeasurement
    return_link: CarrierMeasurement | None = Field(serialization_alias="return")
    round_trip_latency_s: float | None


class Truth(BaseModel):
    """What the sky really does, for whoever sets up a test; no modem could tell."""

    true_azimuth_deg: float
    true_elevation_deg: float
    pointing_error_deg: float
    forward: Link | None
    return_link: Link | None = Field(serialization_alias="return")


class LineUp:
    """One terminal's links in the sky of a fleet, as now configured."""

    def __init__(self, store: Store, fleet: Fleet, terminal_id: str) -> None:
        self._store, self._fleet, self._terminal_id = store, fleet, terminal_id
        self._terminal = terminal_called(store, terminal_id, status=404)
        self._plan = plan_of(store, terminal_id)

    def measure(self, noise: random.Random) -> Measurement:
        forward = self._read(self._terminal.carrier_id, "forward", noise)
        back_id = self._terminal.return_carrier_id
        return Measurement(
            terminal_id=self._terminal_id,
            forward=forward,
            return_link=self._read(back_id, "return", noise) if back_id is not None else None,
            round_trip_latency_s=self._round_trip_s() if forward.locked else None,
        )

    def truth(self) -> Truth:
        forward_id, back_id = self._terminal.carrier_id, self._terminal.return_carrier_id
        _, here = self._ends(carrier_towards(self._store, forward_id, "forward"))
        return Truth(
            true_azimuth_deg=here.look.azimuth_deg,
            true_elevation_deg=here.look.elevation_deg,
            pointing_error_deg=here.off_axis_deg,
            forward=self._link(forward_id, "forward"),
            return_link=self._link(back_id, "return") if back_id is not None else None,
        )

    def _read(self, carrier_id: str, direction: Direction, noise: random.Random) -> CarrierMeasurement:
        carrier, true = carrier_towards(self._store, carrier_id, direction), self._link(carrier_id, direction)
        error_db = noise.gauss(0, READING_ERROR_DB)
        density_db_hz = ratio_db = None
        if true is not None:
            density_db_hz = round(true.carrier_to_noise_density_db_hz + error_db, 3)
            ratio_db = round(density_db_hz - 10 * math.log10(carrier.symbol_rate_baud), 3)
        modcod = adapted_modcod(ratio_db) if carrier.modcod is None else known_modcod(carrier.modcod)
        locked = ratio_db is not None and ratio_db >= modcod.required_es_over_n0_db
        return CarrierMeasurement(
            carrier_id=carrier_id,
            locked=locked,
            carrier_to_noise_density_db_hz=density_db_hz,
            carrier_to_noise_db=ratio_db,
            es_over_n0_db=ratio_db,
            required_es_over_n0_db=modcod.required_es_over_n0_db,
            throughput_bps=min(self._maximum_rate_bps(direction), rate_bps(carrier, modcod)) if locked else 0,
        )

    def _maximum_rate_bps(self, direction: Direction) -> int:
        if self._plan is None:
            return 0
        return self._plan.forward_mir_bps if direction == "forward" else self._plan.return_mir_bps

    def _round_trip_s(self) -> float:
        hub, here = self._ends(carrier_called(self._store, self._terminal.carrier_id))
        one_way_s = (hub.look.range_m + here.look.range_m) / LIGHT_M_PER_S + MODEM_DELAY_S
        return round(2 * one_way_s, 6)

    def _link(self, carrier_id: str, direction: Direction) -> Link | None:
        carrier = carrier_towards(self._store, carrier_id, direction)
        transponder = self._fleet.transponder(carrier.satellite_id, carrier.transponder_id)
        if transponder is None:
            raise Refusal(409, "not_in_fleet", f"transponder {carrier.transponder_id} is no longer in the fleet")
        hub, here = self._ends(carrier)
        sender, receiver = (hub, here) if direction == "forward" else (here, hub)
        return link(
            sent_by(carrier, self._terminal), sender, receiver, transponder, self._neighbours(carrier_id, carrier)
        )

    def _ends(self, carrier: Carrier) -> tuple[EarthStation, EarthStation]:
        """Hub and this terminal, towards the carrier's satellite."""
        hub = hub_end(self._fleet, carrier)
        if hub is None:
            raise Refusal(
                409, "not_in_fleet", f"hub {carrier.hub_id} or satellite {carrier.satellite_id} is no longer there"
            )
        return hub, self._terminal_end(self._terminal_id, self._terminal, carrier)

    def _terminal_end(self, terminal_id: str, terminal: Terminal, carrier: Carrier) -> EarthStation:
        satellite = self._fleet.satellite(carrier.satellite_id)
        if satellite is None:
            raise Refusal(409, "not_in_fleet", f"satellite {carrier.satellite_id} is no longer in the fleet")
        weather = self._store.setting(f"weather:{terminal_id}")
        fade_db = Weather.model_validate_json(weather).fade_db if weather else 0.0
        received_hz = carrier_called(self._store, terminal.carrier_id).downlink_center_hz
        station = terminal_station(self._fleet.equipped(terminal), satellite, received_hz, fade_db)
        return _in_beams(self._fleet, station, terminal, satellite, carrier)

    def _neighbours(self, carrier_id: str, carrier: Carrier) -> list[tuple[Carrier, EarthStation]]:
        """The other carriers on the transponder, with who sends them; a return carrier without a terminal is silent."""
        neighbours = []
        for _, other_id in self._store.resting_on("transponder", transponder_path(carrier)):
            if other_id == carrier_id:
                continue
            other = carrier_called(self._store, other_id)
            if other.direction == "forward":
                hub = hub_end(self._fleet, other)
                neighbours += [(other, hub)] if hub else []
            else:  # those who share a carrier send in turn: one of them disturbs
                for _, sender_id in self._store.resting_on("carrier", other_id)[:1]:
                    sender = terminal_called(self._store, sender_id)
                    neighbours.append((sent_by(other, sender), self._terminal_end(sender_id, sender, other)))
        return neighbours


def hub_end(fleet: Fleet, carrier: Carrier) -> EarthStation | None:
    """The hub of a carrier, as its transponder's beams have it; None where hub or satellite is no longer there."""
    hub, satellite = fleet.hub(carrier.hub_id), fleet.satellite(carrier.satellite_id)
    if hub is None or satellite is None:
        return None
    freq_hz = carrier.uplink_center_hz if carrier.direction == "forward" else carrier.downlink_center_hz
    station = hub_station(hub.towards(carrier.transponder_id), satellite, freq_hz)
    return _in_beams(fleet, station, hub, satellite, carrier)


def _in_beams(
    fleet: Fleet, station: EarthStation, place: Hub | Terminal, satellite: Satellite, carrier: Carrier
) -> EarthStation:
    """The station with what the beams of the carrier's transponder have left at its place."""
    transponder = fleet.transponder(carrier.satellite_id, carrier.transponder_id)
    if transponder is None:
        return station
    up_db, down_db = (
        beam_gain_db(fleet.beam(one), place.latitude_deg, place.longitude_deg, satellite)
        for one in (transponder.uplink_beam_id, transponder.downlink_beam_id)
    )
    return replace(station, uplink_beam_db=up_db, downlink_beam_db=down_db)


def sent_by(carrier: Carrier, terminal: Terminal) -> Carrier:
    """The carrier as the terminal sends it: on one that is shared each has a power of its own."""
    if carrier.direction == "forward" or terminal.transmit_power_dbw is None:
        return carrier
    return carrier.model_copy(update={"transmit_power_dbw": terminal.transmit_power_dbw})


def information_rate_bps(carrier: Carrier) -> int:
    """What the carrier carries at its MODCOD, at most."""
    return rate_bps(carrier, fastest_modcod() if carrier.modcod is None else known_modcod(carrier.modcod))


def rate_bps(carrier: Carrier, modcod: Modcod) -> int:
    return int(carrier.symbol_rate_baud * modcod.spectral_efficiency_bit_per_symbol)


def transponder_path(carrier: Carrier) -> str:
    """A transponder's id is unique on its satellite only."""
    return f"{carrier.satellite_id}/{carrier.transponder_id}"
