"""The line-up test: what the modems of one terminal read of the true sky.

Computed from what is configured in this NMS and from the simulator's own sky, never from what the product planned. A
reading errs by a normal deviate seeded with the simulator's seed and the journal's number, so a run can be repeated.
"""

import math
import random
from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from satcom.simulators.hub_nms.configuration import Carrier, Fleet, Hub, Terminal, Transponder, Weather
from satcom.simulators.hub_nms.coverage import beam_gain_db
from satcom.simulators.hub_nms.held import Direction, carrier_called, carrier_towards, plan_of, terminal_called
from satcom.simulators.hub_nms.modcods import Modcod, adapted_modcod, fastest_modcod, known_modcod
from satcom.simulators.hub_nms.passing import Passing, serving
from satcom.simulators.hub_nms.sky import (
    LIGHT_M_PER_S,
    EarthStation,
    Link,
    Place,
    at_its_share,
    hub_station,
    link,
    standing_m,
    terminal_station,
)
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
    """A line-up test of one terminal. Without a plan no traffic passes, so throughput is 0.

    Where satellites pass it tells which one, and which hub, it was; neither when none is in view.
    """

    model_config = ConfigDict(frozen=True)

    terminal_id: str
    forward: CarrierMeasurement
    return_link: CarrierMeasurement | None = Field(serialization_alias="return")
    round_trip_latency_s: float | None
    satellite_id: str | None = None
    hub_id: str | None = None


class Truth(BaseModel):
    """What the sky really does, for whoever sets up a test; no modem could tell. Nulls when no satellite is in view."""

    satellite_id: str | None
    hub_id: str | None
    true_azimuth_deg: float | None
    true_elevation_deg: float | None
    pointing_error_deg: float | None
    forward: Link | None
    return_link: Link | None = Field(serialization_alias="return")


class LineUp:
    """One terminal's links in the sky of a fleet, as now configured, at an instant."""

    def __init__(self, store: Store, fleet: Fleet, terminal_id: str, at: datetime) -> None:
        self._store, self._fleet, self._terminal_id = store, fleet, terminal_id
        self._terminal = terminal_called(store, terminal_id, status=404)
        self._plan = plan_of(store, terminal_id)
        self._forward_id, self._back_id = self._terminal.carrier_pairs[0]
        self._passing: Passing | None = None
        first = carrier_towards(store, self._forward_id, "forward")
        constellation = fleet.constellation(first.satellite_id)
        self._on_the_air = constellation is None
        if constellation is not None:
            through = self._pairs_of(constellation.id)
            hubs = [hub for hub in fleet.hubs if hub.id in through]
            self._passing = serving(constellation, self._terminal, hubs, at)
            if self._passing is not None:
                self._on_the_air = True
                self._forward_id, self._back_id = through[self._passing.hub_id]

    def _pairs_of(self, constellation_id: str) -> dict[str, tuple[str, str | None]]:
        """The terminal's carriers over the constellation, by hub; of two through one hub, the first."""
        found: dict[str, tuple[str, str | None]] = {}
        for pair in self._terminal.carrier_pairs:
            carrier = carrier_towards(self._store, pair[0], "forward")
            if carrier.satellite_id == constellation_id:
                found.setdefault(carrier.hub_id, pair)
        return found

    def measure(self, noise: random.Random) -> Measurement:
        forward = self._read(self._forward_id, "forward", noise)
        back_id, passing = self._back_id, self._passing
        return Measurement(
            terminal_id=self._terminal_id,
            forward=forward,
            return_link=self._read(back_id, "return", noise) if back_id is not None else None,
            round_trip_latency_s=self._round_trip_s() if forward.locked else None,
            satellite_id=None if passing is None else passing.satellite_id,
            hub_id=None if passing is None else passing.hub_id,
        )

    def truth(self) -> Truth:
        carrier, back_id, passing = carrier_called(self._store, self._forward_id), self._back_id, self._passing
        here = self._ends(carrier)[1] if self._on_the_air else None
        fixed = (carrier.satellite_id, carrier.hub_id) if self._on_the_air else (None, None)
        satellite_id, hub_id = fixed if passing is None else (passing.satellite_id, passing.hub_id)
        return Truth(
            satellite_id=satellite_id,
            hub_id=hub_id,
            true_azimuth_deg=None if here is None else here.look.azimuth_deg,
            true_elevation_deg=None if here is None else here.look.elevation_deg,
            pointing_error_deg=None if here is None else here.off_axis_deg,
            forward=self._link(self._forward_id, "forward"),
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
        hub, here = self._ends(carrier_called(self._store, self._forward_id))
        one_way_s = (hub.look.range_m + here.look.range_m) / LIGHT_M_PER_S + MODEM_DELAY_S
        return round(2 * one_way_s, 6)

    def _link(self, carrier_id: str, direction: Direction) -> Link | None:
        carrier = carrier_towards(self._store, carrier_id, direction)
        transponder = self._fleet.transponder(carrier.satellite_id, carrier.transponder_id)
        if transponder is None:
            raise Refusal(409, "not_in_fleet", f"transponder {carrier.transponder_id} is no longer in the fleet")
        if not self._on_the_air:
            return None
        hub, here = self._ends(carrier)
        sender, receiver = (hub, here) if direction == "forward" else (here, hub)
        sent = sent_by(carrier, self._terminal, sender, transponder)
        return link(sent, sender, receiver, transponder, self._neighbours(carrier_id, carrier, transponder))

    def _ends(self, carrier: Carrier) -> tuple[EarthStation, EarthStation]:
        """Hub and this terminal, towards the carrier's satellite."""
        hub = hub_end(self._fleet, carrier, self._passing)
        if hub is None:
            raise Refusal(
                409, "not_in_fleet", f"hub {carrier.hub_id} or satellite {carrier.satellite_id} is no longer there"
            )
        return hub, self._terminal_end(self._terminal_id, self._terminal, carrier)

    def _terminal_end(self, terminal_id: str, terminal: Terminal, carrier: Carrier) -> EarthStation:
        there_m = place_of(self._fleet, carrier, self._passing)
        if there_m is None:
            raise Refusal(409, "not_in_fleet", f"satellite {carrier.satellite_id} is no longer in the fleet")
        weather = self._store.setting(f"weather:{terminal_id}")
        fade_db = Weather.model_validate_json(weather).fade_db if weather else 0.0
        received_hz = carrier_called(self._store, terminal.carrier_id).downlink_center_hz
        station = terminal_station(self._fleet.equipped(terminal), there_m, received_hz, fade_db)
        return _in_beams(self._fleet, station, terminal, carrier)

    def _neighbours(
        self, carrier_id: str, carrier: Carrier, transponder: Transponder
    ) -> list[tuple[Carrier, EarthStation]]:
        """The other carriers on the transponder, with who sends them; a return carrier without a terminal is silent.

        In a beam that follows one terminal there are none.
        """
        neighbours: list[tuple[Carrier, EarthStation]] = []
        if self._fleet.constellation(carrier.satellite_id) is not None:
            return neighbours
        for _, other_id in self._store.resting_on("transponder", transponder_path(carrier)):
            if other_id == carrier_id:
                continue
            other = carrier_called(self._store, other_id)
            if other.direction == "forward":
                hub = hub_end(self._fleet, other)
                neighbours += [(at_its_share(other, hub, transponder), hub)] if hub else []
            else:  # those who share a carrier send in turn: one of them disturbs
                for _, sender_id in self._store.resting_on("carrier", other_id)[:1]:
                    terminal = terminal_called(self._store, sender_id)
                    end = self._terminal_end(sender_id, terminal, other)
                    neighbours.append((sent_by(other, terminal, end, transponder), end))
        return neighbours


def place_of(fleet: Fleet, carrier: Carrier, passing: Passing | None) -> Place | None:
    """Where the carrier's satellite is, the one that passes if it is on a constellation; None when there is none."""
    satellite = fleet.satellite(carrier.satellite_id)
    if satellite is not None:
        return standing_m(satellite)
    return None if passing is None or fleet.constellation(carrier.satellite_id) is None else passing.there_m


def hub_end(fleet: Fleet, carrier: Carrier, passing: Passing | None = None) -> EarthStation | None:
    """The hub of a carrier, as its transponder's beams have it; None where hub or satellite is no longer there."""
    hub, there_m = fleet.hub(carrier.hub_id), place_of(fleet, carrier, passing)
    if hub is None or there_m is None:
        return None
    freq_hz = carrier.uplink_center_hz if carrier.direction == "forward" else carrier.downlink_center_hz
    station = hub_station(hub.towards(carrier.transponder_id), there_m, freq_hz)
    return _in_beams(fleet, station, hub, carrier)


def _in_beams(fleet: Fleet, station: EarthStation, place: Hub | Terminal, carrier: Carrier) -> EarthStation:
    """The station with what the beams of the carrier's transponder have left at its place."""
    constellation, satellite = fleet.constellation(carrier.satellite_id), fleet.satellite(carrier.satellite_id)
    if constellation is not None:
        edge_db = constellation.edge_gain_db if isinstance(place, Terminal) else 0.0
        return replace(station, uplink_beam_db=edge_db, downlink_beam_db=edge_db)
    transponder = fleet.transponder(carrier.satellite_id, carrier.transponder_id)
    if transponder is None or satellite is None:
        return station
    up_db, down_db = (
        beam_gain_db(fleet.beam(one), place.latitude_deg, place.longitude_deg, satellite)
        for one in (transponder.uplink_beam_id, transponder.downlink_beam_id)
    )
    return replace(station, uplink_beam_db=up_db, downlink_beam_db=down_db)


def sent_by(carrier: Carrier, terminal: Terminal, sender: EarthStation, transponder: Transponder) -> Carrier:
    """The carrier as it is sent: on one that terminals share, each has a power of its own."""
    if carrier.direction == "return" and terminal.transmit_power_dbw is not None:
        carrier = carrier.model_copy(update={"transmit_power_dbw": terminal.transmit_power_dbw})
    return at_its_share(carrier, sender, transponder)


def information_rate_bps(carrier: Carrier) -> int:
    """What the carrier carries at its MODCOD, at most."""
    return rate_bps(carrier, fastest_modcod() if carrier.modcod is None else known_modcod(carrier.modcod))


def rate_bps(carrier: Carrier, modcod: Modcod) -> int:
    return int(carrier.symbol_rate_baud * modcod.spectral_efficiency_bit_per_symbol)


def transponder_path(carrier: Carrier) -> str:
    """A transponder's id is unique on its satellite only."""
    return f"{carrier.satellite_id}/{carrier.transponder_id}"
