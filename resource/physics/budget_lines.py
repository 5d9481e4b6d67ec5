"""The lines of a bent-pipe budget, with the names and units under which engineers read them.

One field per line; the table that people see is made from the fields, so nothing that was computed can be missing.
How the lines come about is `link_budget`.
"""

from dataclasses import dataclass, fields
from typing import Annotated, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Names = NDArray[np.str_]

_MAY_BE_MISSING = frozenset(
    f"{link}_{part}"
    for link in ("uplink", "downlink")
    for part in (
        "gas_attenuation_db",
        "cloud_attenuation_db",
        "rain_attenuation_db",
        "scintillation_db",
        "adjacent_satellite_ci_db",
        "cross_polar_ci_db",
        "adjacent_carrier_ci_db",
    )
) | {"intermodulation_ci_db"}


class Line(NamedTuple):
    """One row of the table an engineer reads."""

    label: str
    value: float | str
    unit: str


class Shown(NamedTuple):
    """How a field of a budget is named in the table, and its unit."""

    label: str
    unit: str


@dataclass(frozen=True)
class BentPipeBudget:
    """All lines of one direction. Every field broadcasts to `shape`; nan where an input was out of range.

    `power_share` is the carrier's part of the transponder's power at its operating point.
    """

    bit_rate_bps: Annotated[Array, Shown("Bit rate", "bit/s")]
    modcod: Annotated[Names, Shown("MODCOD", "")]
    symbol_rate_baud: Annotated[Array, Shown("Symbol rate", "baud")]
    hpa_power_dbw: Annotated[Array, Shown("HPA power used, with power control", "dBW")]
    hpa_margin_db: Annotated[Array, Shown("HPA power left", "dB")]
    uplink_eirp_dbw: Annotated[Array, Shown("Uplink EIRP", "dBW")]
    uplink_pointing_loss_db: Annotated[Array, Shown("Uplink pointing loss", "dB")]
    uplink_range_km: Annotated[Array, Shown("Uplink range", "km")]
    uplink_free_space_loss_db: Annotated[Array, Shown("Uplink free-space loss", "dB")]
    uplink_clear_attenuation_db: Annotated[Array, Shown("Uplink attenuation, clear sky", "dB")]
    uplink_gas_attenuation_db: Annotated[Array, Shown("Uplink attenuation by gas", "dB")]
    uplink_cloud_attenuation_db: Annotated[Array, Shown("Uplink attenuation by cloud", "dB")]
    uplink_rain_attenuation_db: Annotated[Array, Shown("Uplink attenuation by rain", "dB")]
    uplink_scintillation_db: Annotated[Array, Shown("Uplink scintillation", "dB")]
    uplink_faded_attenuation_db: Annotated[Array, Shown("Uplink attenuation, total in rain", "dB")]
    uplink_power_control_db: Annotated[Array, Shown("Uplink power control used", "dB")]
    uplink_beam_gain_db: Annotated[Array, Shown("Uplink beam, below peak", "dB")]
    flux_density_dbw_per_m2: Annotated[Array, Shown("Flux density at the satellite", "dBW/m2")]
    saturation_flux_density_dbw_per_m2: Annotated[Array, Shown("Saturation flux density", "dBW/m2")]
    satellite_figure_of_merit_db_per_k: Annotated[Array, Shown("Satellite G/T", "dB/K")]
    carrier_input_backoff_db: Annotated[Array, Shown("Carrier input back-off", "dB")]
    carrier_output_backoff_db: Annotated[Array, Shown("Carrier output back-off", "dB")]
    saturation_eirp_dbw: Annotated[Array, Shown("Satellite saturation EIRP to the site", "dBW")]
    satellite_eirp_dbw: Annotated[Array, Shown("Satellite EIRP of the carrier", "dBW")]
    downlink_range_km: Annotated[Array, Shown("Downlink range", "km")]
    downlink_free_space_loss_db: Annotated[Array, Shown("Downlink free-space loss", "dB")]
    downlink_clear_attenuation_db: Annotated[Array, Shown("Downlink attenuation, clear sky", "dB")]
    downlink_gas_attenuation_db: Annotated[Array, Shown("Downlink attenuation by gas", "dB")]
    downlink_cloud_attenuation_db: Annotated[Array, Shown("Downlink attenuation by cloud", "dB")]
    downlink_rain_attenuation_db: Annotated[Array, Shown("Downlink attenuation by rain", "dB")]
    downlink_scintillation_db: Annotated[Array, Shown("Downlink scintillation", "dB")]
    downlink_faded_attenuation_db: Annotated[Array, Shown("Downlink attenuation, total in rain", "dB")]
    downlink_beam_gain_db: Annotated[Array, Shown("Downlink beam, below peak", "dB")]
    downlink_pointing_loss_db: Annotated[Array, Shown("Downlink pointing loss", "dB")]
    figure_of_merit_clear_db_per_k: Annotated[Array, Shown("Station G/T, clear sky", "dB/K")]
    figure_of_merit_rain_db_per_k: Annotated[Array, Shown("Station G/T, rain", "dB/K")]
    uplink_cn0_clear_db_hz: Annotated[Array, Shown("Uplink C/N0, clear sky", "dB-Hz")]
    uplink_cn0_rain_db_hz: Annotated[Array, Shown("Uplink C/N0, uplink rain", "dB-Hz")]
    downlink_cn0_clear_db_hz: Annotated[Array, Shown("Downlink C/N0, clear sky", "dB-Hz")]
    downlink_cn0_uplink_rain_db_hz: Annotated[Array, Shown("Downlink C/N0, uplink rain", "dB-Hz")]
    downlink_cn0_rain_db_hz: Annotated[Array, Shown("Downlink C/N0, downlink rain", "dB-Hz")]
    intermodulation_ci_db: Annotated[Array, Shown("C/I intermodulation", "dB")]
    uplink_adjacent_satellite_ci_db: Annotated[Array, Shown("C/I uplink adjacent satellite", "dB")]
    uplink_cross_polar_ci_db: Annotated[Array, Shown("C/I uplink cross-polarization", "dB")]
    uplink_adjacent_carrier_ci_db: Annotated[Array, Shown("C/I uplink adjacent carrier", "dB")]
    downlink_adjacent_satellite_ci_db: Annotated[Array, Shown("C/I downlink adjacent satellite", "dB")]
    downlink_cross_polar_ci_db: Annotated[Array, Shown("C/I downlink cross-polarization", "dB")]
    es_n0_clear_db: Annotated[Array, Shown("C/(N+I) = Es/(N0+I0), clear sky", "dB")]
    es_n0_uplink_rain_db: Annotated[Array, Shown("C/(N+I), uplink rain", "dB")]
    es_n0_downlink_rain_db: Annotated[Array, Shown("C/(N+I), downlink rain", "dB")]
    required_es_n0_db: Annotated[Array, Shown("Required Es/N0", "dB")]
    margin_clear_db: Annotated[Array, Shown("Margin, clear sky", "dB")]
    margin_uplink_rain_db: Annotated[Array, Shown("Margin, uplink rain", "dB")]
    margin_downlink_rain_db: Annotated[Array, Shown("Margin, downlink rain", "dB")]
    required_margin_db: Annotated[Array, Shown("Required margin", "dB")]
    occupied_bandwidth_hz: Annotated[Array, Shown("Occupied bandwidth", "Hz")]
    power_share: Annotated[Array, Shown("Share of the transponder's power", "")]
    power_equivalent_bandwidth_hz: Annotated[Array, Shown("Power-equivalent bandwidth", "Hz")]

    @property
    def shape(self) -> tuple[int, ...]:
        """What all lines broadcast to."""
        return np.broadcast_shapes(*(np.shape(getattr(self, one.name)) for one in fields(self)))

    @property
    def margin_db(self) -> Array:
        """The least of the three margins, over what the MODCOD requires; `required_margin_db` is not taken off."""
        worst_db: Array = np.minimum(
            np.minimum(self.margin_clear_db, self.margin_uplink_rain_db), self.margin_downlink_rain_db
        )
        return worst_db

    @property
    def leased_bandwidth_hz(self) -> Array:
        """What the carrier costs of the transponder: the larger of its bandwidth and of its power."""
        leased_hz: Array = np.maximum(self.occupied_bandwidth_hz, self.power_equivalent_bandwidth_hz)
        return leased_hz

    @property
    def is_power_limited(self) -> NDArray[np.bool_]:
        """Where power, not bandwidth, decides the cost."""
        return np.asarray(self.power_equivalent_bandwidth_hz > self.occupied_bandwidth_hz)

    def as_table(self, index: tuple[int, ...] = ()) -> list[Line]:
        """The rows of one budget. Parts that were not given (nan) and interference that is not there are left out."""
        shape = self.shape
        table = []
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            shown: Shown = hint.__metadata__[0]
            value = np.broadcast_to(getattr(self, name), shape)[index]
            if isinstance(value, str):
                table.append(Line(shown.label, str(value), shown.unit))
            elif not (name in _MAY_BE_MISSING and not np.isfinite(value)):
                table.append(Line(shown.label, float(value), shown.unit))
        driver = "power" if np.broadcast_to(self.is_power_limited, shape)[index] else "bandwidth"
        return [*table, Line("Cost is driven by", driver, "")]
