"""Payload: beams, and the transparent transponders that work through them.

A beam is known by contours with levels or by boresight and width; a transponder takes a band up in one beam and puts it
down in another, shifted but not turned over. RF values are those at the peak of the beam.
Which piece of a transponder carries whom is `resource.spectrum`; how strongly a beam falls on a place is
`resource.physics.coverage`.

Words: ITU Handbook on Satellite Communications, 3rd ed. (EIRP, G/T, SFD, input and output back-off).
"""

from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import ConfigDict, ValidationInfo, field_validator, model_validator
from pydantic import Field as ValueField
from pydantic.alias_generators import to_camel
from sqlalchemy import CheckConstraint
from sqlalchemy import Enum as SqlEnum
from sqlmodel import Field

from satcom.core.entity import HERTZ, JsonOf, id_type, state_type
from satcom.core.values import Value
from satcom.resource.physics import coverage
from satcom.resource.physics.operating_point import Amplifier, multi_carrier_curve
from satcom.resource.resource import PHYSICAL, Band, Finite, IdText, Polarisation, Resource

MAX_FREQUENCY_HZ = 300_000_000_000
MAX_BANDWIDTH_HZ = 5_000_000_000
MAX_RING_POINTS = 2_000
MAX_CONTOURS = 50

_STRICT = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
Longitude = Annotated[Finite, ValueField(ge=-360, le=360)]  # beyond 180 where a ring crosses the date line
Latitude = Annotated[Finite, ValueField(ge=-90, le=90)]


class ContourLine(Value):
    """A closed ring of [longitude, latitude] in degrees; its level is relative to the beam's peak."""

    model_config = _STRICT
    level_db: Annotated[Finite, ValueField(ge=-40, le=0)]
    polygon: Annotated[tuple[tuple[Longitude, Latitude], ...], ValueField(min_length=4, max_length=MAX_RING_POINTS)]

    @field_validator("polygon")
    @classmethod
    def _closed_and_simple(cls, ring: coverage.Ring) -> coverage.Ring:
        if ring[0] != ring[-1]:
            raise ValueError("is not closed: the last point differs from the first")
        probe = coverage.ContourBeam(0.0, (coverage.Contour(0.0, ((ring,),)),))
        coverage.relative_gain_db.or_nan(
            [probe], np.array([0.0]), np.array([0.0])
        )  # refuses a ring that crosses itself
        return ring


class Boresight(Value):
    """Where a beam of one feed points, and its full width between the half-power points, seen from the satellite.

    With `minor_width_deg` it is an ellipse: `half_power_width_deg` is the longer width, which `rotation_deg` turns from
    East towards North (anticlockwise, as in Appendix 30 of the Radio Regulations).
    """

    model_config = _STRICT
    latitude_deg: Latitude
    longitude_deg: Annotated[Finite, ValueField(ge=-180, le=180)]
    half_power_width_deg: Annotated[Finite, ValueField(gt=0, le=20)]
    minor_width_deg: Annotated[Finite, ValueField(gt=0, le=20)] | None = None
    rotation_deg: Annotated[Finite, ValueField(ge=-180, le=180)] = 0.0

    @field_validator("minor_width_deg")
    @classmethod
    def _shorter(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and value > info.data.get("half_power_width_deg", value):
            raise ValueError("is wider than the half-power width, which is the longer of the two")
        return value


class Beam(Resource, table=True):
    """One beam of a satellite: either contours or a boresight."""

    __tablename__ = "beam"

    satellite_id: Annotated[str, IdText] = Field(foreign_key="satellite.id", index=True, sa_type=id_type())
    band: Band = Field(sa_type=state_type(Band))
    contours: list[ContourLine] = Field(
        default_factory=list, max_length=MAX_CONTOURS, sa_type=JsonOf(list[ContourLine])
    )
    boresight: Boresight | None = Field(default=None, sa_type=JsonOf(Boresight))

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.boresight is None) != bool(self.contours):
            raise ValueError("a beam has either contours or a boresight")
        return self

    def shape(self, orbital_longitude_deg: float) -> coverage.Beam:
        """The beam as physics wants it. Contours of one level become one contour of several areas."""
        if self.boresight is not None:
            spot = self.boresight
            return coverage.SpotBeam(
                spot.latitude_deg,
                spot.longitude_deg,
                spot.half_power_width_deg,
                orbital_longitude_deg,
                minor_beamwidth_deg=spot.minor_width_deg,
                rotation_deg=spot.rotation_deg,
            )
        levels = sorted({line.level_db for line in self.contours}, reverse=True)
        rings = {level: tuple((line.polygon,) for line in self.contours if line.level_db == level) for level in levels}
        return coverage.ContourBeam(0.0, tuple(coverage.Contour(level, rings[level]) for level in levels))


def _polarisation(side: str) -> SqlEnum:
    kind = state_type(Polarisation)
    kind.name = f"{side}_polarisation_known"  # two CHECKs of one table cannot share a name
    return kind


class Transponder(Resource, table=True):
    """A transparent transponder at its operating point for many carriers.

    What the operator's coordination agreements allow there: `uplink_eirp_density_limit_dbw_per_hz` of any station,
    `downlink_eirp_density_limit_dbw_per_hz` at the peak of the beam; none where they say nothing.
    Its `amplifier` tells what intermodulation many carriers leave at the output back-off; `many_carriers` is whether
    there are: one alone makes none.
    """

    __tablename__ = "transponder"
    api: ClassVar = PHYSICAL
    __table_args__ = (
        CheckConstraint("bandwidth_hz > 0 AND guard_band_hz >= 0", name="has_bandwidth"),
        CheckConstraint("uplink_center_hz <> downlink_center_hz", name="up_is_not_down"),
    )

    satellite_id: Annotated[str, IdText] = Field(foreign_key="satellite.id", index=True, sa_type=id_type())
    uplink_beam_id: Annotated[str, IdText] = Field(foreign_key="beam.id", sa_type=id_type())
    downlink_beam_id: Annotated[str, IdText] = Field(foreign_key="beam.id", sa_type=id_type())
    band: Band = Field(sa_type=state_type(Band))
    bandwidth_hz: int = Field(gt=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    uplink_center_hz: int = Field(gt=0, le=MAX_FREQUENCY_HZ, sa_type=HERTZ)
    downlink_center_hz: int = Field(gt=0, le=MAX_FREQUENCY_HZ, sa_type=HERTZ)
    uplink_polarisation: Polarisation = Field(sa_type=_polarisation("uplink"))
    downlink_polarisation: Polarisation = Field(sa_type=_polarisation("downlink"))
    eirp_saturation_dbw: Finite = Field(ge=-10, le=90)
    g_over_t_db_per_k: Finite = Field(ge=-40, le=40)
    sfd_dbw_per_m2: Finite = Field(ge=-130, le=-50)
    input_backoff_db: Finite = Field(ge=0, le=30)
    output_backoff_db: Finite = Field(ge=0, le=30)
    amplifier: Amplifier | None = Field(default=None, sa_type=state_type(Amplifier))
    many_carriers: Annotated[bool, ValueField(validate_default=True)] = True
    guard_band_hz: int = Field(default=0, ge=0, le=MAX_BANDWIDTH_HZ, sa_type=HERTZ)
    uplink_eirp_density_limit_dbw_per_hz: Finite | None = Field(default=None, ge=-100, le=60)
    downlink_eirp_density_limit_dbw_per_hz: Finite | None = Field(default=None, ge=-100, le=60)

    @field_validator("uplink_center_hz", "downlink_center_hz")
    @classmethod
    def _above_zero_with_its_band(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("bandwidth_hz", 0) / 2:
            raise ValueError("lies so low that the band would reach below 0 Hz")
        return value

    @field_validator("downlink_center_hz")
    @classmethod
    def _down_is_not_up(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("uplink_center_hz"):
            raise ValueError("equals the uplink: a transponder that hears itself is an oscillator")
        return value

    @field_validator("many_carriers")
    @classmethod
    def _amplifier_gives_it(cls, value: bool, info: ValidationInfo) -> bool:
        amplifier, backoff_db = info.data.get("amplifier"), info.data.get("output_backoff_db")
        if value and amplifier is not None and backoff_db is not None:
            curve_db = multi_carrier_curve(amplifier).output_backoff_db
            if not curve_db.min() <= backoff_db <= curve_db[-1]:
                raise ValueError(
                    f"with many carriers {amplifier} has an output back-off of {curve_db.min():.1f} to"
                    f" {curve_db[-1]:.1f} dB, not {backoff_db:g}"
                )
        return value

    @field_validator("guard_band_hz")
    @classmethod
    def _leaves_room(cls, value: int, info: ValidationInfo) -> int:
        if 2 * value >= info.data.get("bandwidth_hz", 2 * value + 1):
            raise ValueError("two guard bands leave nothing of the bandwidth")
        return value

    @property
    def low_edge_hz(self) -> int:
        """Lower edge of the downlink band."""
        return self.downlink_center_hz - self.bandwidth_hz // 2

    @property
    def high_edge_hz(self) -> int:
        return self.low_edge_hz + self.bandwidth_hz

    def uplink_hz(self, downlink_hz: int) -> int:
        """The uplink frequency that comes down at `downlink_hz`."""
        return downlink_hz + self.uplink_center_hz - self.downlink_center_hz
