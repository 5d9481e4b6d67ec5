"""Satellites: which there are, where they stand, in which part of their life, and the history of their elements.

A satellite carries traffic from its in-service date to its end of life, while its state allows it. Element sets come in
as published, two lines or a message (OMM), and are never overwritten: what was computed with one can be computed again.
Where a satellite is at an instant is `resource.physics.orbit`. We never command a spacecraft.

Words: CelesTrak (NORAD catalogue number, element set), CCSDS 502.0-B-3 (OMM), ITU Radio Regulations 1.189
(geostationary position).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, ValidationInfo, field_validator
from pydantic import Field as ValueField
from pydantic.alias_generators import to_camel
from sqlalchemy import CheckConstraint, UniqueConstraint, case
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Field, Session, col, select

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, checked, id_type, own, state_type
from satcom.core.errors import Fault, Refused
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Value
from satcom.resource.element_age import limit_days, why_too_old
from satcom.resource.neighbour import MOST_NEIGHBOURS, NeighbourSatellite
from satcom.resource.physics.adjacent_slots import SAME_SLOT_DEG
from satcom.resource.physics.element_files import epoch_keys, read_elements
from satcom.resource.physics.mean_elements import MeanElements
from satcom.resource.physics.omm import MAX_NORAD_ID
from satcom.resource.physics.orbit import BadLine, Elements
from satcom.resource.resource import PHYSICAL, Finite, IdText, Resource


class SatelliteState(StrEnum):
    """The life of a satellite. `inclined` and `degraded` ones still carry traffic."""

    PLANNED = "planned"
    UNDER_CONSTRUCTION = "underConstruction"
    LAUNCHED = "launched"
    IN_ORBIT_TEST = "inOrbitTest"
    IN_SERVICE = "inService"
    INCLINED = "inclined"
    DEGRADED = "degraded"
    END_OF_LIFE = "endOfLife"
    DEORBITED = "deorbited"


CARRIES_TRAFFIC = frozenset({SatelliteState.IN_SERVICE, SatelliteState.INCLINED, SatelliteState.DEGRADED})
BEFORE_SERVICE = frozenset(
    {
        SatelliteState.PLANNED,
        SatelliteState.UNDER_CONSTRUCTION,
        SatelliteState.LAUNCHED,
        SatelliteState.IN_ORBIT_TEST,
    }
)


class Satellite(Resource, table=True):
    """One satellite, at its geostationary position or moving in a constellation. Its payload is `resource.payload`.

    One that moves has no position: where it is, its elements tell. `neighbours` on the arc disturb one that stands.
    """

    __tablename__ = "satellite"
    api: ClassVar = PHYSICAL
    __table_args__ = (
        CheckConstraint("orbital_longitude_deg BETWEEN -180 AND 180", name="longitude_on_earth"),
        CheckConstraint("end_of_life_date > in_service_date", name="life_in_order"),
        CheckConstraint("(orbital_longitude_deg IS NULL) = (constellation IS NOT NULL)", name="stands_or_moves"),
    )

    norad_id: int | None = Field(default=None, unique=True, ge=1, le=MAX_NORAD_ID)
    constellation: str | None = Field(default=None, min_length=1, max_length=100, index=True)
    orbital_longitude_deg: Annotated[Finite | None, ValueField(validate_default=True)] = Field(
        default=None, ge=-180, le=180
    )
    state: SatelliteState = Field(default=SatelliteState.PLANNED, sa_type=state_type(SatelliteState))
    in_service_date: date | None = None
    end_of_life_date: date | None = None
    neighbours: list[NeighbourSatellite] = Field(
        default_factory=list, max_length=MOST_NEIGHBOURS, sa_type=JsonOf(list[NeighbourSatellite])
    )

    life_cycle: ClassVar = LifeCycle(
        SatelliteState,
        ("planned", "underConstruction", "the manufacturer began"),
        ("underConstruction", "launched", "in orbit, on its way to its position"),
        ("underConstruction", "endOfLife", "lost at launch, or the programme was given up"),
        ("launched", "inOrbitTest", "at its test position"),
        ("launched", "endOfLife", "lost before test"),
        ("inOrbitTest", "inService", "the payload was accepted"),
        ("inOrbitTest", "degraded", "accepted with losses"),
        ("inOrbitTest", "endOfLife", "lost in test"),
        ("inService", "inclined", "north-south station keeping was given up to save fuel"),
        ("inService", "degraded", "a part of payload or platform failed"),
        ("inService", "endOfLife", "taken out of traffic"),
        ("inclined", "degraded", "a part of payload or platform failed"),
        ("inclined", "endOfLife", "taken out of traffic"),
        ("degraded", "inService", "recovered"),
        ("degraded", "inclined", "north-south station keeping was given up to save fuel"),
        ("degraded", "endOfLife", "taken out of traffic"),
        ("endOfLife", "deorbited", "raised to the graveyard orbit and switched off"),
        start=("planned",),
    )

    @field_validator("orbital_longitude_deg")
    @classmethod
    def _stands_or_moves(cls, value: float | None, info: ValidationInfo) -> float | None:
        if "constellation" in info.data and (value is None) == (info.data["constellation"] is None):
            raise ValueError("a satellite has an orbital longitude, or it moves in a constellation; one of the two")
        return value

    @field_validator("end_of_life_date")
    @classmethod
    def _after_its_beginning(cls, value: date | None, info: ValidationInfo) -> date | None:
        begin = info.data.get("in_service_date")
        if value is not None and begin is not None and value <= begin:
            raise ValueError(f"is not after the in-service date {begin}")
        return value

    @field_validator("neighbours")
    @classmethod
    def _beside_it(cls, value: list[NeighbourSatellite], info: ValidationInfo) -> list[NeighbourSatellite]:
        stands_at = info.data.get("orbital_longitude_deg")
        if stands_at is None and value and "orbital_longitude_deg" in info.data:
            raise ValueError("a satellite that moves has no neighbours on the arc")
        for one in value:
            if stands_at is not None and abs((one.orbital_longitude_deg - stands_at + 180) % 360 - 180) < SAME_SLOT_DEG:
                raise ValueError(f"{one.name} shares its slot: a neighbour stands {SAME_SLOT_DEG} deg or more away")
        return value

    def in_service_throughout(self, start_at: datetime, stop_at: datetime | None) -> bool:
        return serves_throughout(self.state, self.in_service_date, self.end_of_life_date, start_at, stop_at)


def serves_throughout(
    state: SatelliteState,
    in_service_date: date | None,
    end_of_life_date: date | None,
    start_at: datetime,
    stop_at: datetime | None,
) -> bool:
    """Whether it is planned to carry traffic for the whole period; an open period asks only for its start."""
    if state not in CARRIES_TRAFFIC | BEFORE_SERVICE or in_service_date is None:
        return False
    last = start_at if stop_at is None else stop_at - timedelta(microseconds=1)
    return in_service_date <= start_at.date() and (end_of_life_date is None or last.date() < end_of_life_date)


def carries_nothing_because(one: Satellite, day: date) -> str | None:
    """Why it carries no traffic on that day; `None` when it does."""
    if one.state not in CARRIES_TRAFFIC:
        return f"it is {one.state}"
    if one.in_service_date is not None and day < one.in_service_date:
        return f"it is in service from {one.in_service_date} on"
    if one.end_of_life_date is not None and day >= one.end_of_life_date:
        return f"its life ends on {one.end_of_life_date}"
    return None


class PublishedMeanElements(Value):
    """The elements of an orbit mean-elements message (OMM) in TEME for SGP4."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)
    mean_motion_rev_per_day: Finite
    eccentricity: Finite
    inclination_deg: Finite
    ra_of_asc_node_deg: Finite
    arg_of_pericenter_deg: Finite
    mean_anomaly_deg: Finite
    bstar_per_earth_radius: Finite
    mean_motion_dot_rev_per_day2: Finite
    mean_motion_ddot_rev_per_day3: Finite


class ElementSet(Entity, table=True):
    """One published element set of a satellite: two lines, or the elements of a message (OMM)."""

    __tablename__ = "element_set"
    __table_args__ = (
        UniqueConstraint("satellite_id", "epoch", name="one_set_per_epoch"),
        CheckConstraint("(line1 IS NULL) = (line2 IS NULL)", name="both_lines_or_none"),
        CheckConstraint(
            "(line1 IS NULL) = (coalesce(jsonb_typeof(mean_elements), 'null') <> 'null')", name="lines_or_message"
        ),
    )

    satellite_id: Annotated[str, IdText] = Field(foreign_key="satellite.id", sa_type=id_type())
    epoch: datetime = Field(sa_type=INSTANT)
    line1: str | None = Field(default=None, min_length=69, max_length=69)
    line2: str | None = Field(default=None, min_length=69, max_length=69)
    mean_elements: PublishedMeanElements | None = Field(default=None, sa_type=JsonOf(PublishedMeanElements))
    source: str = Field(max_length=200)

    api: ClassVar = own("resource/v1", "elementSet", Capability.READ_NETWORK)

    def as_published(self, norad_id: int, name: str) -> Elements:
        """As physics wants them."""
        mean = MeanElements(**self.mean_elements.model_dump()) if self.mean_elements else None
        return Elements(norad_id, name, self.epoch, self.line1 or "", self.line2 or "", mean)


@dataclass(frozen=True)
class RecordedElements:
    """What became of a file of element sets."""

    added: tuple[ElementSet, ...]
    older: int  # of those added: there is a later one of the same satellite
    already_there: int  # kept before, or twice in the file
    of_unknown_satellites: tuple[int, ...]  # NORAD numbers
    bad_lines: tuple[BadLine, ...]


def record_elements(session: Session, text: str, source: str) -> RecordedElements:
    """Keep the element sets of a text in any notation for the satellites that are known; what is kept is left.

    Sets that are older than the operator takes are bad lines. Raises `Refused` on `elements` when none could be read.
    """
    file = read_elements(text)
    if file.bad_lines and not file.elements:
        raise Refused.all(
            [Fault("elements", f"line {bad.line_number}: {bad.reason}", "invalid") for bad in file.bad_lines[:20]]
        )
    numbers = {one.norad_id for one in file.elements}
    known = {one.norad_id: one for one in session.exec(select(Satellite).where(col(Satellite.norad_id).in_(numbers)))}
    kept, latest = _kept_epochs(session, {one.id: number for number, one in known.items() if number is not None})
    added: list[ElementSet] = []
    too_old: list[BadLine] = []
    already, older = file.doubles, 0
    at, limit = now(), limit_days(session)
    lines = dict(zip(file.elements, file.line_numbers, strict=True))
    for one in sorted(file.elements, key=lambda one: one.epoch, reverse=True):
        satellite = known.get(one.norad_id)
        if satellite is None:
            continue
        keys = epoch_keys(one)
        if kept.intersection(keys):
            already += 1
            continue
        why = why_too_old(one, at, limit)
        if why is not None:
            too_old.append(BadLine(lines[one], why))
            continue
        kept.add(keys[0])
        older += one.epoch < latest.setdefault(one.norad_id, one.epoch)
        added.append(_element_set(satellite, one, source))
    session.add_all(added)
    session.flush()
    unknown = tuple(sorted(numbers - {number for number in known if number is not None}))
    bad_lines = sorted([*file.bad_lines, *too_old], key=lambda one: one.line_number)
    return RecordedElements(tuple(added), older, already, unknown, tuple(bad_lines))


def _kept_epochs(session: Session, numbers: Mapping[str, int]) -> tuple[set[tuple[int, int]], dict[int, datetime]]:
    """Of satellites by their ids: which epochs are kept, and the latest of each."""
    columns = select(ElementSet.satellite_id, ElementSet.epoch).where(col(ElementSet.satellite_id).in_(numbers))
    kept: set[tuple[int, int]] = set()
    latest: dict[int, datetime] = {}
    for satellite_id, epoch in session.exec(columns):
        number = numbers[satellite_id]
        kept.add(epoch_keys(Elements(number, "", epoch))[0])
        latest[number] = max(latest.get(number, epoch), epoch)
    return kept, latest


def _element_set(satellite: Satellite, one: Elements, source: str) -> ElementSet:
    published: dict[str, object] = {"line1": one.line1, "line2": one.line2}
    if one.mean is not None:
        published = {"mean_elements": asdict(one.mean)}
    common = {"party_id": satellite.party_id, "satellite_id": satellite.id, "epoch": one.epoch, "source": source}
    return checked(ElementSet, common | published)


def elements_at(session: Session, when: datetime, satellite_ids: Sequence[str] | None = None) -> dict[str, Elements]:
    """By satellite id: the latest element set of an epoch not after `when`, else the earliest there is."""
    not_after = col(ElementSet.epoch) <= when
    query = (
        select(ElementSet, Satellite.norad_id, Satellite.name)
        .join(Satellite)
        .ext(distinct_on(col(ElementSet.satellite_id)))
        .order_by(
            col(ElementSet.satellite_id),
            not_after.desc(),
            case((not_after, col(ElementSet.epoch))).desc(),
            col(ElementSet.epoch),
        )
    )
    if satellite_ids is not None:
        query = query.where(col(ElementSet.satellite_id).in_(satellite_ids))
    return {one.satellite_id: one.as_published(norad_id or 0, name) for one, norad_id, name in session.exec(query)}


element_set_routes = TmfRoutes(ElementSet)
