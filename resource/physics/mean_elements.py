"""Mean elements of SGP4: what an orbit mean-elements message (OMM) holds, and the record that SGP4 propagates.

A message is checked before it is used: SGP4 takes any number and answers with a position somewhere.
Reading messages and lines is `omm` and `orbit`; where a satellite is at an instant is `orbit`.

Words: CCSDS 502.0-B-3 section 4 (OMM), AIAA 2006-6753 (SGP4).
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sgp4.api import SGP4_ERRORS, WGS72, Satrec

EARTH_RADIUS_KM = 6378.135  # WGS 72, as SGP4 has it
_MU_KM3_PER_S2 = 398600.8  # same
_FIRST_EPOCH, _LAST_EPOCH = datetime(1957, 10, 4, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH_OF_SGP4 = datetime(1949, 12, 31, tzinfo=UTC)
_MINUTES_PER_DAY = 1440.0
_NUMBER_OF_SGP4 = 339_999  # its record holds no larger one; nothing is computed from it


@dataclass(frozen=True)
class MeanElements:
    """Brouwer mean elements in TEME for SGP4, in the units of an OMM. Valid around the epoch that stands beside."""

    mean_motion_rev_per_day: float
    eccentricity: float
    inclination_deg: float
    ra_of_asc_node_deg: float
    arg_of_pericenter_deg: float
    mean_anomaly_deg: float
    bstar_per_earth_radius: float = 0.0
    mean_motion_dot_rev_per_day2: float = 0.0
    mean_motion_ddot_rev_per_day3: float = 0.0


# keyword of the OMM, attribute, smallest and largest value that makes sense, unit
KEYWORDS = (
    ("MEAN_MOTION", "mean_motion_rev_per_day", 0.05, 18.0, "rev/day"),
    ("ECCENTRICITY", "eccentricity", 0.0, 0.999999, ""),
    ("INCLINATION", "inclination_deg", 0.0, 180.0, "deg"),
    ("RA_OF_ASC_NODE", "ra_of_asc_node_deg", -360.0, 360.0, "deg"),
    ("ARG_OF_PERICENTER", "arg_of_pericenter_deg", -360.0, 360.0, "deg"),
    ("MEAN_ANOMALY", "mean_anomaly_deg", -360.0, 360.0, "deg"),
    ("BSTAR", "bstar_per_earth_radius", -10.0, 10.0, "1/ER"),
    ("MEAN_MOTION_DOT", "mean_motion_dot_rev_per_day2", -10.0, 10.0, "rev/day**2"),
    ("MEAN_MOTION_DDOT", "mean_motion_ddot_rev_per_day3", -10.0, 10.0, "rev/day**3"),
)


def element_fault(mean: MeanElements, epoch: datetime) -> tuple[str, str] | None:
    """What makes no sense, as the keyword of the OMM and why; nothing when SGP4 can begin with the elements."""
    for keyword, attribute, least, most, unit in KEYWORDS:
        value = getattr(mean, attribute)
        if not least <= value <= most:
            return keyword, f"{keyword} is {value:g}, it lies between {least:g} and {most:g} {unit}".rstrip()
    if not _FIRST_EPOCH <= epoch < _LAST_EPOCH:
        return "EPOCH", f"EPOCH is {epoch:%Y-%m-%d}, it lies between {_FIRST_EPOCH:%Y-%m-%d} and {_LAST_EPOCH:%Y}"
    perigee_km = perigee_altitude_km(mean)
    if perigee_km < 0:
        return "MEAN_MOTION", f"MEAN_MOTION and ECCENTRICITY put the perigee {-perigee_km:.0f} km below the ground"
    error, _, _ = satellite_record(mean, epoch).sgp4_tsince(0.0)
    if error:
        return "MEAN_MOTION", f"SGP4 cannot begin with the elements: {SGP4_ERRORS.get(error, f'its error {error}')}"
    return None


def perigee_altitude_km(mean: MeanElements) -> float:
    """Height of the perigee above the equatorial radius, from the mean motion alone."""
    rad_per_s = mean.mean_motion_rev_per_day * 2 * math.pi / 86400
    return float((_MU_KM3_PER_S2 / rad_per_s**2) ** (1 / 3) * (1 - mean.eccentricity) - EARTH_RADIUS_KM)


def satellite_record(mean: MeanElements, epoch: datetime, norad_id: int = 0) -> Satrec:
    """The record that SGP4 propagates. A catalogue number that it cannot hold is left out of it."""
    per_minute = 2 * math.pi / _MINUTES_PER_DAY  # radians per minute of one revolution per day
    record = Satrec()
    record.sgp4init(
        WGS72,
        "i",
        norad_id if norad_id <= _NUMBER_OF_SGP4 else 0,
        (epoch - _EPOCH_OF_SGP4) / timedelta(days=1),
        mean.bstar_per_earth_radius,
        mean.mean_motion_dot_rev_per_day2 * per_minute / _MINUTES_PER_DAY,
        mean.mean_motion_ddot_rev_per_day3 * per_minute / _MINUTES_PER_DAY**2,
        mean.eccentricity,
        math.radians(mean.arg_of_pericenter_deg),
        math.radians(mean.inclination_deg),
        math.radians(mean.mean_anomaly_deg),
        mean.mean_motion_rev_per_day * per_minute,
        math.radians(mean.ra_of_asc_node_deg),
    )
    return record


def mean_elements_of(record: Satrec) -> MeanElements:
    """The mean elements of a record that was read from two lines."""
    per_minute = 2 * math.pi / _MINUTES_PER_DAY
    return MeanElements(
        mean_motion_rev_per_day=record.no_kozai / per_minute,
        eccentricity=record.ecco,
        inclination_deg=math.degrees(record.inclo),
        ra_of_asc_node_deg=math.degrees(record.nodeo),
        arg_of_pericenter_deg=math.degrees(record.argpo),
        mean_anomaly_deg=math.degrees(record.mo),
        bstar_per_earth_radius=record.bstar,
        mean_motion_dot_rev_per_day2=record.ndot / per_minute * _MINUTES_PER_DAY,
        mean_motion_ddot_rev_per_day3=record.nddot / per_minute * _MINUTES_PER_DAY**2,
    )
