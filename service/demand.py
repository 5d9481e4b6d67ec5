"""What is demanded of the network: the kinds of demand, and how the characteristics of a service become one.

One vocabulary, with the unit in the name, for services and for the products above them. The demand is for the period
from start to stop, without a stop for as long as the network lasts. What is booked stops when its minutes are over.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError
from sqlmodel import Session

from satcom.core.errors import Refused, RuleRefused
from satcom.core.values import Characteristic, Instant, Json, Value
from satcom.core.wrong_value import wrong_value
from satcom.service.catalog import DURATION, ServiceSpecification, capacity_of, is_booked

Direction = Literal["forward", "return"]
DIRECTIONS: tuple[Direction, Direction] = ("forward", "return")
LONGEST_BOOKING_MINUTES: Final = 366 * 24 * 60


class DemandPeriod(Value):
    """From when, and for how long; what has no end is to be there until `least_until` at least.

    What is booked for `duration_minutes` stops then by itself.
    """

    start_at: Instant
    stop_at: Instant | None = None
    least_until: Instant | None = None
    duration_minutes: int | None = Field(default=None, gt=0, le=LONGEST_BOOKING_MINUTES)

    @property
    def served_until(self) -> datetime | None:
        """For how long its satellite is to carry traffic; `None` asks for the start only."""
        return self.stop_at or self.least_until

    @property
    def booked_until(self) -> datetime | None:
        """When it ends by itself; `None` for what goes on until notice is given, also after its term."""
        return self.stop_at if self.duration_minutes is not None else None


class SiteDemand(DemandPeriod):
    """What a site is to get, from when, for how long. `downlink` runs to the site, `uplink` from it."""

    downlink_rate_bps: int
    uplink_rate_bps: int
    availability_percent: float
    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None = None
    country: str | None = None
    bands: tuple[str, ...] | None = None
    terminal_types: tuple[str, ...] | None = None
    polarisation: str | None = None

    def rate_bps(self, direction: Direction) -> int:
        return self.downlink_rate_bps if direction == "forward" else self.uplink_rate_bps


class LinkDemand(SiteDemand):
    """A link of its own carriers: the rates are there all the time."""

    capacity: Literal["carriers"] = "carriers"


class AccessDemand(SiteDemand):
    """Access to carriers that many share: the rates at most, and what of them is committed."""

    capacity: Literal["poolShare"]
    downlink_committed_rate_bps: int = 0
    uplink_committed_rate_bps: int = 0

    def committed_rate_bps(self, direction: Direction) -> int:
        return self.downlink_committed_rate_bps if direction == "forward" else self.uplink_committed_rate_bps


class LeaseDemand(DemandPeriod):
    """Spectrum of a transponder with its share of power; the customer brings his own carriers.

    Without `power_share_percent` power goes with bandwidth. Where places are given, the beams must reach them: the
    customer sends from one and receives at the other.
    """

    capacity: Literal["leasedSpectrum"]
    bandwidth_hz: int
    power_share_percent: float | None = None
    satellites: tuple[str, ...] | None = None
    bands: tuple[str, ...] | None = None
    polarisation: str | None = None
    uplink_latitude_deg: float | None = None
    uplink_longitude_deg: float | None = None
    downlink_latitude_deg: float | None = None
    downlink_longitude_deg: float | None = None


class ConstellationDemand(SiteDemand):
    """A link over satellites that pass; without `constellations` over whichever delivers it."""

    capacity: Literal["constellationShare"] = "constellationShare"
    constellations: tuple[str, ...] | None = None


def capacity_named(value: object) -> str:
    """Which kind it is; what was kept before there were several is a link."""
    named = value.get("capacity") if isinstance(value, dict) else getattr(value, "capacity", None)
    return str(named or "carriers")


Demand: TypeAlias = Annotated[
    Annotated[LinkDemand, Tag("carriers")]
    | Annotated[AccessDemand, Tag("poolShare")]
    | Annotated[LeaseDemand, Tag("leasedSpectrum")]
    | Annotated[ConstellationDemand, Tag("constellationShare")],
    Discriminator(capacity_named),
]

SINGLE = {
    "downlinkRateBps": "downlink_rate_bps",
    "uplinkRateBps": "uplink_rate_bps",
    "downlinkCommittedRateBps": "downlink_committed_rate_bps",
    "uplinkCommittedRateBps": "uplink_committed_rate_bps",
    "availabilityPercent": "availability_percent",
    "latitudeDeg": "latitude_deg",
    "longitudeDeg": "longitude_deg",
    "altitudeM": "altitude_m",
    "country": "country",
    "polarisation": "polarisation",
    "bandwidthHz": "bandwidth_hz",
    "powerSharePercent": "power_share_percent",
    "uplinkLatitudeDeg": "uplink_latitude_deg",
    "uplinkLongitudeDeg": "uplink_longitude_deg",
    "downlinkLatitudeDeg": "downlink_latitude_deg",
    "downlinkLongitudeDeg": "downlink_longitude_deg",
    DURATION: "duration_minutes",
}
SEVERAL = {
    "band": "bands",
    "terminalType": "terminal_types",
    "satellite": "satellites",
    "constellation": "constellations",
}
_DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)
NAMES = {field: name for name, field in (SINGLE | SEVERAL).items()}


def demand_of(
    session: Session,
    specification: ServiceSpecification,
    characteristics: Sequence[Characteristic],
    start_at: datetime,
    stop_at: datetime | None,
    pointer: str,
) -> Demand:
    """The demand for a service of this kind. Of several values (bands, terminals) it takes what the service offers.

    Raises `Refused` below `pointer` with every characteristic that is missing or no such value, and on what is booked
    but not said for how long; `RuleRefused` where it is to have another end.
    """
    capacity = capacity_of(session, specification)
    values: dict[str, object] = {"capacity": capacity.value, "start_at": start_at, "stop_at": stop_at}
    values |= {
        SEVERAL[one.name]: offered
        for one in specification.spec_characteristic
        if one.name in SEVERAL and (offered := [each.value for each in one.allowed if each.value is not None])
    }
    for one in characteristics:
        if one.name in SINGLE and one.value is not None:
            values[SINGLE[one.name]] = one.value
        elif one.name in SEVERAL and one.value is not None:
            values[SEVERAL[one.name]] = _several(one.value)
    try:
        demand = _DEMAND.validate_python(values)
    except ValidationError as error:
        faults = [(NAMES.get(str(one["loc"][-1]), one["loc"][-1]), one) for one in error.errors(include_url=False)]
        told = [(name, wrong_value(one, pointer)) for name, one in faults]
        raise Refused.all([replace(fault, why=f"{name}: {fault.why}") for name, fault in told]) from error
    return _booked(demand, pointer) if is_booked(specification.spec_characteristic) else demand


def _booked(demand: Demand, pointer: str) -> Demand:
    if demand.duration_minutes is None:
        raise Refused(pointer, f"{DURATION}: it is booked for a time", "missing", "a number of minutes")
    if demand.stop_at is not None:
        why = f"{DURATION} says when it ends, not on {demand.stop_at.isoformat()}"
        raise RuleRefused(pointer, why, "severalEnds", "no other end")
    try:
        ends_at = demand.start_at + timedelta(minutes=demand.duration_minutes)
    except OverflowError as beyond:
        why = f"{DURATION}: from {demand.start_at.isoformat()} on it would end after the calendar does"
        raise Refused(pointer, why, "outOfRange", "an earlier start") from beyond
    return demand.model_copy(update={"stop_at": ends_at})


def _several(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def asked_values(demand: Demand) -> dict[str, Json]:
    """The characteristics that say what is asked for; what was left open is left out."""
    given = demand.model_dump(mode="json", exclude_none=True)
    return {name: given[field] for field, name in NAMES.items() if field in given}
