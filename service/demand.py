"""From the characteristics of a service to the demand that the network is asked.

One vocabulary, with the unit in the name, for services and for the products above them. The demand is for the period
from start to stop, without a stop for as long as the network lasts.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from satcom.core.errors import Fault, Refused
from satcom.core.values import Characteristic, Json
from satcom.service.catalog import ServiceSpecification, capacity_of
from satcom.service.solution import Demand

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
}
SEVERAL = {"band": "bands", "terminalType": "terminal_types", "satellite": "satellites"}
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

    Raises `Refused` below `pointer` with every characteristic that is missing or no such value.
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
        return _DEMAND.validate_python(values)
    except ValidationError as error:
        raise Refused.all(
            [
                Fault(
                    pointer,
                    f"{NAMES.get(str(fault['loc'][-1]), fault['loc'][-1])}: {fault['msg']}",
                    "missing" if fault["type"] == "missing" else "invalid",
                )
                for fault in error.errors(include_url=False)
            ]
        ) from error


def _several(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def asked_values(demand: Demand) -> dict[str, Json]:
    """The characteristics that say what is asked for; what was left open is left out."""
    given = demand.model_dump(mode="json", exclude_none=True)
    return {name: given[field] for field, name in NAMES.items() if field in given}
