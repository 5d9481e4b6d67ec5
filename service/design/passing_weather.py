"""Weather on paths that move: attenuation by elevation and by share of the year, for a site and for each gateway.

P.618-14 is worked out at steps of elevation and of the share of the year; between them it runs smoothly and is
interpolated, an elevation linearly, a share by its logarithm. How often a link is out over all its elevations is the
average weighted by time. Source: ITU-R P.618-14, section 8 (non-GSO paths).
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.attenuation import RAIN_PERCENT, TotalAttenuation, total_attenuation
from satcom.resource.physics.link_budget import Values
from satcom.service.way import AVERAGE_YEAR_PERCENT

Array = NDArray[np.float64]

LOWEST_ELEVATION_DEG = 5.0  # P.618-14 holds from here up
STEP_DEG = 1.0
RAREST_PERCENT = 0.001
# up to 5 % closely, for there rain ends
SHARES = np.append(np.geomspace(RAREST_PERCENT, RAIN_PERCENT, 32), [10.0, 20.0, 50.0])


@dataclass(frozen=True)
class AtPlace:
    """An antenna at a place, as the air sees it."""

    latitude_deg: float
    longitude_deg: float
    height_km: float
    diameter_m: float
    efficiency: float


@dataclass(frozen=True)
class PlaceWeather:
    """Attenuation at one place and frequency, (elevations, shares), with the elevations that it stands at."""

    elevation_deg: Array
    air: TotalAttenuation

    @classmethod
    def of(
        cls,
        place: AtPlace,
        freq_hz: float,
        tilt_deg: float,
        lowest_deg: float,
        highest_deg: float,
        confidence_percent: float = AVERAGE_YEAR_PERCENT,
    ) -> "PlaceWeather":
        """For all elevations between the lowest and the highest that are met, as a year keeps it with a confidence."""
        low = max(lowest_deg, LOWEST_ELEVATION_DEG)
        steps = max(int(np.ceil((highest_deg - low) / STEP_DEG)), 1) + 1
        elevation_deg = np.linspace(low, max(highest_deg, low), steps)

        def exceeded(share_percent: Values) -> TotalAttenuation:
            return total_attenuation.or_nan(
                place.latitude_deg,
                place.longitude_deg,
                freq_hz,
                elevation_deg[:, None],
                # of what is rarer than the rarest nothing is predicted
                np.maximum(share_percent, RAREST_PERCENT),
                tilt_deg,
                place.diameter_m,
                place.efficiency,
                place.height_km,
            )

        if confidence_percent == AVERAGE_YEAR_PERCENT:
            return cls(elevation_deg, exceeded(SHARES))
        from satcom.service.design.confidence import confident  # noqa: PLC0415  (SciPy, which the average year needs not)

        sure = confident(exceeded, SHARES, confidence_percent, place.latitude_deg, place.longitude_deg)
        return cls(elevation_deg, sure)

    def attenuation(self, elevation_deg: Array, share_percent: Array) -> TotalAttenuation:
        """At each elevation, for each share of the year; (shares, instants)."""
        return TotalAttenuation(
            *(
                _at(self.elevation_deg, getattr(self.air, cause.name), elevation_deg, share_percent)
                for cause in fields(TotalAttenuation)
            )
        )


def _at(elevations_deg: Array, table_db: Array, elevation_deg: Array, share_percent: Array) -> Array:
    """Between the steps; the table is (elevations, shares)."""
    table = np.broadcast_to(table_db, (len(elevations_deg), len(SHARES)))
    column = np.interp(np.log(share_percent), np.log(SHARES), np.arange(len(SHARES)))
    left = np.minimum(column.astype(np.int64), len(SHARES) - 2)
    of_share = table[:, left] + (column - left) * (table[:, left + 1] - table[:, left])
    return np.array([np.interp(elevation_deg, elevations_deg, one) for one in of_share.T])


def outage_percent(margin_db: Array, required_db: float) -> Array:
    """How often each instant's link is out: margins (shares, instants), one row for each of `SHARES`.

    The margin grows with the share; where it is enough the link is out as often. What is rarer than the rarest share
    counts as that, and where not even the most frequent will do the link is always out.
    """
    enough = margin_db >= required_db
    first = np.argmax(enough, axis=0)
    percent: Array = np.where(enough.any(axis=0), SHARES[first], 100.0)
    return percent
