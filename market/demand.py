"""From what a customer chooses to what the network must deliver: the characteristics of a product as a demand.

Products and services share one vocabulary of characteristics, with the unit in the name. The demand is for the term
when there is one, else without end.
"""

import calendar
from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from satcom.core.errors import Fault, RuleRefused
from satcom.core.values import Characteristic, Json
from satcom.service.solution import Demand

SINGLE = {
    "downlinkRateBps": "downlink_rate_bps",
    "uplinkRateBps": "uplink_rate_bps",
    "availabilityPercent": "availability_percent",
    "latitudeDeg": "latitude_deg",
    "longitudeDeg": "longitude_deg",
    "altitudeM": "altitude_m",
    "country": "country",
    "polarisation": "polarisation",
}
SEVERAL = {"band": "bands", "terminalType": "terminal_types"}
NAMES = {field: name for name, field in (SINGLE | SEVERAL).items()}


def demand_of(
    characteristics: Sequence[Characteristic], start: datetime, term_months: int | None, pointer: str
) -> Demand:
    """The demand. Raises `RuleRefused` below `pointer` when a characteristic that every link needs is not there."""
    values: dict[str, object] = {"start_at": start}
    if term_months is not None:
        values["stop_at"] = months_later(start, term_months)
    for one in characteristics:
        if one.name in SINGLE and one.value is not None:
            values[SINGLE[one.name]] = one.value
        elif one.name in SEVERAL and one.value is not None:
            values[SEVERAL[one.name]] = _several(one.value)
    try:
        return Demand.model_validate(values)
    except ValidationError as error:
        raise RuleRefused.all(
            [
                Fault(pointer, f"{NAMES.get(str(fault['loc'][0]), fault['loc'][0])}: {fault['msg']}", "missing")
                for fault in error.errors(include_url=False)
            ]
        ) from error


def months_later(start: datetime, months: int) -> datetime:
    """The same day `months` later, or the last day of that month."""
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def _several(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]
