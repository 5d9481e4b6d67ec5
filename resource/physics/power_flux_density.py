"""Power flux-density at the ground: what the Radio Regulations let a satellite lay there, by the angle of arrival.

The limit rises from the horizon upwards, so terrestrial stations that look along the ground are spared. A row is for a
band, services, kind of orbit and regions; its level is told in a reference bandwidth and brought to one hertz here, as
of a carrier that is as dense everywhere. Where several rows hold, the strictest does. Free space counts, no weather.
Which place of a beam is the worst is `beam_footprint`. Arrays broadcast; nan where no limit is set.

Words: Radio Regulations, edition of 2020, Article 21, section V: Table 21-4, Nos. 21.16.6 (X) and 21.16.17 (Y).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import FINITE, POSITIVE, Accepted, checked
from satcom.resource.physics.link_budget import spreading_loss_db_m2

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

TABLE_21_4 = "Radio Regulations, Table 21-4"
FLUX_DENSITY = "dBW/m2/Hz"
REGIONS = (1, 2, 3)
ANY_REGION = 0  # not known: the rows of every region hold


ARRIVAL, ANY_OR_ONE = Accepted(0.0, 90.0), Accepted(only=(0.0, 1.0, 2.0, 3.0))


class Service(StrEnum):
    """Which radio service a satellite sends for: to customers, or for science, weather and its own operation."""

    COMMUNICATION = "communication"
    SCIENCE = "science"


@checked(satellites=Accepted(1.0))
def constellation_size_db(satellites: Values) -> Array:
    """X: what a constellation of so many satellites has less near the horizon, from 17.7 to 19.3 GHz.

    nan below one satellite. Source: Radio Regulations, No. 21.16.6.
    """
    count = np.asarray(satellites, float)
    x_db = np.select([count <= 50, count <= 288], [0.0, 5 * (count - 50) / 119], (count + 402) / 69)
    return np.where(count >= 1, x_db, np.nan)


@checked(satellites=Accepted(1.0))
def hemisphere_size_db(satellites: Values) -> Array:
    """Y: the same from 3.4 to 4.2 GHz, by how many send on one frequency over one hemisphere at once.

    nan below one satellite. Source: Radio Regulations, No. 21.16.17.
    """
    count = np.asarray(satellites, float)
    y_db = np.where(count <= 2, 0.0, 5 * np.log10(np.maximum(count, 2.0)))
    return np.where(count >= 1, y_db, np.nan)


@dataclass(frozen=True)
class Row:
    """One row of the table: by angle of arrival its level in dBW/m2 in the reference bandwidth, linear between angles.

    `of_size` tells what a constellation has less up to 5 degrees. Both kinds of orbit unless one is left out.
    """

    low_ghz: float
    high_ghz: float
    levels: tuple[tuple[float, float], ...]
    reference_hz: float
    geostationary: bool = True
    passing: bool = True
    regions: tuple[int, ...] = REGIONS
    service: Service = Service.COMMUNICATION
    of_size: Callable[[Values], Array] | None = None

    def level_dbw_per_m2_hz(self, arrival_deg: Array, less_db: Array) -> Array:
        """`less_db` is taken off at the horizon, none of it from 25 degrees on."""
        angles_deg, levels_dbw = np.array(self.levels).T
        level: Array = np.interp(arrival_deg, angles_deg, levels_dbw) - 10 * np.log10(self.reference_hz)
        return level - less_db * np.clip((25 - arrival_deg) / 20, 0, 1)


def _rising(flat: float, steep: float) -> tuple[tuple[float, float], ...]:
    """Level up to 5 degrees, linear up to 25, level from there."""
    return ((5.0, flat), (25.0, steep))


_4K, _1M = 4e3, 1e6
_V_BAND = ((5.0, -127.0), (20.0, -107.0), (25.0, -105.0))
# In the order of the table. In Region 1 12.5-12.75 GHz is bound only in the countries of Nos. 5.494 and 5.496: held in
# all of it here. From 18.6 to 18.8 GHz only satellites that are geostationary or climb over 20,000 km may send: 5.522B.
TABLE = (
    Row(2.2, 2.3, _rising(-154, -144), _4K, service=Service.SCIENCE),
    Row(2.5, 2.69, _rising(-136, -125), _1M),
    Row(3.4, 4.2, _rising(-152, -142), _4K, passing=False),
    Row(3.4, 4.2, _rising(-138, -126), _1M, geostationary=False, of_size=hemisphere_size_db.or_nan),
    Row(4.5, 4.8, _rising(-152, -142), _4K),
    Row(5.15, 5.216, ((0.0, -164.0),), _4K),
    Row(6.7, 6.825, _rising(-137, -127), _1M),
    Row(6.825, 7.075, _rising(-154, -144), _4K),
    Row(6.825, 7.075, _rising(-134, -124), _1M),
    Row(7.25, 7.75, _rising(-152, -142), _4K),
    Row(8.025, 8.5, _rising(-150, -140), _4K, service=Service.SCIENCE),
    Row(10.7, 11.7, _rising(-150, -140), _4K, passing=False),
    Row(10.7, 11.7, _rising(-126, -116), _1M, geostationary=False),
    Row(11.7, 12.75, _rising(-124, -114), _1M, geostationary=False, regions=(1, 3)),
    Row(11.7, 12.7, _rising(-124, -114), _1M, geostationary=False, regions=(2,)),
    Row(12.2, 12.75, _rising(-148, -138), _4K, passing=False, regions=(3,)),
    Row(12.5, 12.75, _rising(-148, -138), _4K, passing=False, regions=(1,)),
    Row(13.4, 13.65, ((0, -159), (25, -149), (80, -149), (84, -151)), _4K, passing=False, regions=(1,)),
    Row(17.7, 19.3, _rising(-115, -105), _1M, passing=False),
    Row(17.7, 19.3, _rising(-115, -105), _1M, geostationary=False, of_size=constellation_size_db.or_nan),
    Row(19.3, 19.7, _rising(-115, -105), _1M),
    Row(21.4, 22.0, _rising(-115, -105), _1M, regions=(1, 3)),
    Row(22.55, 23.55, _rising(-115, -105), _1M, service=Service.SCIENCE),
    Row(25.25, 27.5, _rising(-115, -105), _1M, service=Service.SCIENCE),
    Row(31.0, 31.3, _rising(-115, -105), _1M, service=Service.SCIENCE),
    Row(31.8, 32.3, _rising(-120, -105), _1M, service=Service.SCIENCE),
    Row(34.7, 35.2, _rising(-115, -105), _1M, service=Service.SCIENCE),
    Row(37.0, 38.0, _rising(-125, -105), _1M, passing=False, service=Service.SCIENCE),
    Row(37.0, 38.0, _rising(-120, -105), _1M, geostationary=False, service=Service.SCIENCE),
    Row(37.5, 40.0, _V_BAND, _1M, passing=False),
    Row(37.5, 40.0, _rising(-120, -105), _1M, geostationary=False),
    Row(40.0, 40.5, _rising(-115, -105), _1M),
    Row(40.5, 42.0, ((5.0, -120.0), (15.0, -110.0), (25.0, -105.0)), _1M, passing=False),
    Row(40.5, 42.0, _rising(-115, -105), _1M, geostationary=False),
    Row(42.0, 42.5, _V_BAND, _1M, passing=False),
    Row(42.0, 42.5, _rising(-120, -105), _1M, geostationary=False),
)


def rows_at(freq_hz: float) -> tuple[int, ...]:
    """Which rows of `TABLE` hold for a geostationary satellite that serves customers; none: nothing is limited."""
    return tuple(
        number
        for number, one in enumerate(TABLE)
        if one.geostationary and one.service is Service.COMMUNICATION and one.low_ghz <= freq_hz / 1e9 <= one.high_ghz
    )


@checked(arrival_deg=ARRIVAL, freq_hz=POSITIVE, region=ANY_OR_ONE)
def flux_density_limit_dbw_per_m2_hz(
    arrival_deg: Values, freq_hz: Values, region: Values = ANY_REGION, service: Service = Service.COMMUNICATION
) -> Array:
    """Most power flux-density of a geostationary satellite at the ground, by the angle of arrival over the horizon.

    `region` is the ITU's, 1 to 3, or `ANY_REGION`. nan below the horizon and where no band of `TABLE` is.
    Source: Radio Regulations, Article 21, Table 21-4.
    """
    rows = [one for one in TABLE if one.geostationary and one.service is service]
    arrival, low_hz, where = np.broadcast_arrays(
        np.asarray(arrival_deg, float), np.asarray(freq_hz, float), np.asarray(region)
    )
    return _strictest(rows, arrival, (low_hz, low_hz), where, np.ones_like(low_hz))


@checked(arrival_deg=ARRIVAL, lowest_hz=POSITIVE, highest_hz=POSITIVE, satellites=Accepted(1.0), region=ANY_OR_ONE)
def passing_flux_density_limit_dbw_per_m2_hz(
    arrival_deg: Values,
    lowest_hz: Values,
    highest_hz: Values,
    satellites: Values,
    region: Values = ANY_REGION,
    service: Service = Service.COMMUNICATION,
) -> Array:
    """Most power flux-density at the ground of a satellite that is not geostationary, by the angle of arrival.

    It is the strictest that is set anywhere between the two frequencies; `satellites` is how many its constellation
    has, all of them taken to send over one hemisphere where that counts (Y). nan below the horizon and where no band of
    `TABLE` is touched. Source: Radio Regulations, Article 21, Table 21-4, Nos. 21.16.6 and 21.16.17.
    """
    rows = [one for one in TABLE if one.passing and one.service is service]
    arrival, low_hz, high_hz, count, where = np.broadcast_arrays(
        *(np.asarray(one, float) for one in (arrival_deg, lowest_hz, highest_hz, satellites)), np.asarray(region)
    )
    return _strictest(rows, arrival, (low_hz, high_hz), where, count)


def _strictest(rows: list[Row], arrival: Array, span_hz: tuple[Array, Array], region: Array, count: Array) -> Array:
    """Over the rows that touch the span; a span of one frequency lies in a row that ends there, too."""
    low_ghz, high_ghz = (one / 1e9 for one in span_hz)
    limit = np.full(arrival.shape, np.nan)
    up = (arrival >= 0) & (arrival <= 90) & (count >= 1)
    for row in rows:
        one_frequency = (low_ghz == high_ghz) & (low_ghz >= row.low_ghz) & (low_ghz <= row.high_ghz)
        touched = one_frequency | ((low_ghz < row.high_ghz) & (high_ghz > row.low_ghz))
        there = up & touched & ((region == ANY_REGION) | np.isin(region, row.regions))
        if there.any():
            less_db = np.zeros_like(count) if row.of_size is None else row.of_size(count)
            limit = np.where(there, np.fmin(limit, row.level_dbw_per_m2_hz(arrival, less_db)), limit)
    return limit


@checked(eirp_density_dbw_per_hz=FINITE, range_km=POSITIVE, arrival_deg=ARRIVAL, freq_hz=POSITIVE)
def flux_density_excess_db(
    eirp_density_dbw_per_hz: Values, range_km: Values, arrival_deg: Values, freq_hz: Values
) -> Array:
    """By how much a carrier's flux density at a place exceeds the limit, free space counted; negative where kept.

    Of a geostationary satellite. nan where no limit is set. Source: Radio Regulations, Article 21, Table 21-4.
    """
    arrives = np.asarray(eirp_density_dbw_per_hz) - spreading_loss_db_m2.or_nan(range_km)
    excess_db: Array = arrives - flux_density_limit_dbw_per_m2_hz.or_nan(arrival_deg, freq_hz)
    return excess_db


@checked(range_km=POSITIVE, arrival_deg=ARRIVAL, freq_hz=POSITIVE)
def ground_eirp_density_limit_dbw_per_hz(range_km: Values, arrival_deg: Values, freq_hz: Values) -> Array:
    """Most EIRP density of a geostationary satellite towards a place at this range, where it arrives at this angle.

    nan where no limit is set. Arguments broadcast. Source: Radio Regulations, Article 21, Table 21-4.
    """
    return -flux_density_excess_db.or_nan(0.0, range_km, arrival_deg, freq_hz)
