"""Constellations: what all satellites of one carry alike, and the earth stations that they are worked through.

The payload is declared once. A satellite carries transparent user beams that follow the sites; each takes up what one
gateway sends and puts it down on the site (forward), and back (return). RF values are those at the peak of the beam.
Which satellite stands where, its elements tell (`resource.satellite`); who serves a site when, `resource.passes`.

Words: ITU Handbook on Satellite Communications, 3rd ed. (EIRP, G/T, SFD, input and output back-off).
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, model_validator
from pydantic import Field as ValueField
from pydantic.alias_generators import to_camel
from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, col, select

from satcom.core.entity import JsonOf, state_type
from satcom.core.errors import Fault, Refused
from satcom.core.values import Value
from satcom.resource.ground import EarthStation
from satcom.resource.hub import Hub
from satcom.resource.naming import visible_to_caller
from satcom.resource.payload import MAX_BANDWIDTH_HZ, MAX_FREQUENCY_HZ
from satcom.resource.physics.passes import HandoverRule
from satcom.resource.physics.regulatory_limits import off_axis_limit_dbw_per_hz
from satcom.resource.resource import Band, Finite, IdText, Polarisation, Resource, pointer

MOST_GATEWAYS = 100
MAX_FEEDER_HZ = 100_000_000_000
MOST_BEAMS = 100_000
_STRICT = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
Frequency = Annotated[int, ValueField(gt=0, le=MAX_FREQUENCY_HZ)]
Backoff = Annotated[Finite, ValueField(ge=0, le=30)]
Density = Annotated[Finite, ValueField(ge=-100, le=60)]


class OffAxisLimit(StrEnum):
    """A limit on what earth stations send beside their satellite, which a licence or an agreement may name."""

    S_524_9 = "S.524-9"


class BeamPayload(Value):
    """One user beam in one direction, at its operating point for many carriers.

    What the operator's coordination agreements allow there: `uplink_eirp_density_limit_dbw_per_hz` of any station,
    `downlink_eirp_density_limit_dbw_per_hz` at the peak of the beam, `uplink_off_axis_limit` beside the satellite, at
    all angles for which it is written; none where they say nothing.
    """

    model_config = _STRICT
    bandwidth_hz: Annotated[int, ValueField(gt=0, le=MAX_BANDWIDTH_HZ)]
    uplink_center_hz: Frequency
    downlink_center_hz: Frequency
    uplink_polarisation: Polarisation
    downlink_polarisation: Polarisation
    eirp_saturation_dbw: Annotated[Finite, ValueField(ge=-10, le=90)]
    g_over_t_db_per_k: Annotated[Finite, ValueField(ge=-40, le=40)]
    sfd_dbw_per_m2: Annotated[Finite, ValueField(ge=-130, le=-50)]
    input_backoff_db: Backoff
    output_backoff_db: Backoff
    uplink_eirp_density_limit_dbw_per_hz: Density | None = None
    downlink_eirp_density_limit_dbw_per_hz: Density | None = None
    uplink_off_axis_limit: OffAxisLimit | None = None

    @model_validator(mode="after")
    def _shifted(self) -> Self:
        if self.uplink_center_hz == self.downlink_center_hz:
            raise ValueError("the uplink equals the downlink: a transponder that hears itself is an oscillator")
        if min(self.uplink_center_hz, self.downlink_center_hz) <= self.bandwidth_hz / 2:
            raise ValueError("the band would reach below 0 Hz")
        if self.uplink_off_axis_limit is not None and np.isnan(
            off_axis_limit_dbw_per_hz.or_nan(10.0, self.uplink_center_hz)
        ):
            ghz = self.uplink_center_hz / 1e9
            raise ValueError(f"{self.uplink_off_axis_limit.value} sets no limit at an uplink of {ghz:g} GHz")
        return self


class Gateway(Value):
    """An earth station that the satellites are worked through: which antenna of it, and which hub.

    `feeder_bandwidth_hz` is what its feeder links carry each way; `None`: they are not what limits.
    """

    model_config = _STRICT
    earth_station_id: Annotated[str, IdText]
    antenna_id: Annotated[str, ValueField(min_length=1, max_length=200)]
    hub_id: Annotated[str, IdText]
    feeder_bandwidth_hz: Annotated[int, ValueField(gt=0, le=MAX_FEEDER_HZ)] | None = None


class Constellation(Resource, table=True):
    """The satellites whose `constellation` is this name, with the payload that each of them has.

    Sites see them from `lowest_elevation_deg` up. A site may lie anywhere in a beam, so every site is counted at the
    beam's edge, `edge_gain_db` to its peak. `beam_diameter_km` is what one user beam lights
    at once on the ground (`resource.constellation_share`). Power control is by how much gateways and terminals follow
    their own rain. What is sold is counted by the time of the `capacity_day` (`resource.capacity_day`), without one all
    the time; a satellite lights at most `beams_per_satellite` cells at once, `None`: as many as are sold.
    """

    __tablename__ = "constellation"
    __table_args__ = (UniqueConstraint("name", name="constellation_name_once"),)

    user_band: Band = Field(sa_type=state_type(Band))
    handover_rule: HandoverRule = Field(default=HandoverRule.LONGEST_STAY, sa_type=state_type(HandoverRule))
    lowest_elevation_deg: Finite = Field(ge=5, lt=90)
    beam_diameter_km: Finite = Field(gt=0, le=10_000)
    edge_gain_db: Finite = Field(default=0.0, ge=-40, le=0)
    gateway_power_control_db: Finite = Field(default=6.0, ge=0, le=30)
    terminal_power_control_db: Finite = Field(default=0.0, ge=0, le=30)
    forward: BeamPayload = Field(sa_type=JsonOf(BeamPayload))
    return_link: BeamPayload = Field(sa_type=JsonOf(BeamPayload))
    gateways: list[Gateway] = Field(default_factory=list, max_length=MOST_GATEWAYS, sa_type=JsonOf(list[Gateway]))
    capacity_day: date | None = Field(default=None)
    beams_per_satellite: int | None = Field(default=None, ge=1, le=MOST_BEAMS)


def check_gateways(session: Session, one: Constellation) -> None:
    """Each gateway is there with its antenna and a hub of its own. Raises `Refused` with each that is not."""
    wanted = [gateway.earth_station_id for gateway in one.gateways]
    found = session.exec(
        select(EarthStation).where(col(EarthStation.id).in_(wanted), visible_to_caller(session, EarthStation))
    )
    stations = {station.id: station for station in found}
    of_hubs = select(Hub).where(
        col(Hub.id).in_([gateway.hub_id for gateway in one.gateways]), visible_to_caller(session, Hub)
    )
    hubs = {hub.id: hub for hub in session.exec(of_hubs)}
    where, faults = pointer(Constellation, "gateways"), []
    for gateway in one.gateways:
        station, hub = stations.get(gateway.earth_station_id), hubs.get(gateway.hub_id)
        if station is None:
            faults.append(Fault(where, f"there is no earth station {gateway.earth_station_id!r}", "notFound"))
        elif all(antenna.id != gateway.antenna_id for antenna in station.antennas):
            known = ", ".join(antenna.id for antenna in station.antennas) or "it has none"
            why = f"{station.name} has no antenna {gateway.antenna_id!r}"
            faults.append(Fault(where, why, "notFound", known))
        if hub is None:
            faults.append(Fault(where, f"there is no hub {gateway.hub_id!r}", "notFound"))
        elif hub.earth_station_id != gateway.earth_station_id:
            faults.append(Fault(where, f"{hub.name} stands at another earth station", "wrongHub"))
    if len({gateway.earth_station_id for gateway in one.gateways}) < len(one.gateways):
        faults.append(Fault(where, "an earth station is one gateway", "duplicate"))
    if faults:
        raise Refused.all(faults)
