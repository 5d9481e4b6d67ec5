"""The lines of a bent-pipe budget, with the names and units under which engineers read them.

One field per line; the table that people see is made from the fields, so nothing that was computed can be missing.
How the lines come about is `link_budget`.
"""

from collections.abc import Iterable
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
        "co_channel_ci_db",
    )
) | {"intermodulation_ci_db"}


class Line(NamedTuple):
    """One row of the table an engineer reads; `source` is the equation or Recommendation, or that it was given."""

    label: str
    value: float | str
    unit: str
    source: str = ""


def as_text(lines: Iterable[Line]) -> str:
    """The rows below each other: label, value, unit."""

    def shown(value: float | str) -> str:
        return value if isinstance(value, str) else f"{value:,.{0 if abs(value) >= 100_000 else 3}f}"

    return "\n".join(f"{one.label:<40} {shown(one.value):>16} {one.unit}".rstrip() for one in lines)


class Shown(NamedTuple):
    """How a field of a budget is named in the table, its unit, and where its value comes from."""

    label: str
    unit: str
    source: str


@dataclass(frozen=True)
class BentPipeBudget:
    """All lines of one direction. Every field broadcasts to `shape`; nan where an input was out of range.

    `power_share` is the carrier's part of the transponder's power at its operating point.
    """

    bit_rate_bps: Annotated[Array, Shown("Bit rate", "bit/s", "given")]
    modcod: Annotated[Names, Shown("MODCOD", "", "given")]
    symbol_rate_baud: Annotated[Array, Shown("Symbol rate", "baud", "bit rate / efficiency")]
    hpa_power_dbw: Annotated[
        Array, Shown("HPA power used, with power control", "dBW", "EIRP + feed loss - antenna gain")
    ]
    hpa_margin_db: Annotated[Array, Shown("HPA power left", "dB", "rated power less back-off and used")]
    uplink_eirp_dbw: Annotated[Array, Shown("Uplink EIRP", "dBW", "flux density + spreading + losses")]
    uplink_pointing_loss_db: Annotated[Array, Shown("Uplink pointing loss", "dB", "given")]
    uplink_range_km: Annotated[Array, Shown("Uplink range", "km", "given")]
    uplink_free_space_loss_db: Annotated[Array, Shown("Uplink free-space loss", "dB", "ITU-R P.525")]
    uplink_clear_attenuation_db: Annotated[Array, Shown("Uplink attenuation, clear sky", "dB", "given: ITU-R P.676")]
    uplink_gas_attenuation_db: Annotated[Array, Shown("Uplink attenuation by gas", "dB", "given: ITU-R P.676")]
    uplink_cloud_attenuation_db: Annotated[Array, Shown("Uplink attenuation by cloud", "dB", "given: ITU-R P.840")]
    uplink_rain_attenuation_db: Annotated[Array, Shown("Uplink attenuation by rain", "dB", "given: ITU-R P.618 2.2.1")]
    uplink_scintillation_db: Annotated[Array, Shown("Uplink scintillation", "dB", "given: ITU-R P.618 2.4")]
    uplink_faded_attenuation_db: Annotated[
        Array, Shown("Uplink attenuation, total in rain", "dB", "given: ITU-R P.618 2.5")
    ]
    uplink_power_control_db: Annotated[Array, Shown("Uplink power control used", "dB", "least of fade and range")]
    uplink_beam_gain_db: Annotated[Array, Shown("Uplink beam, below peak", "dB", "given: coverage")]
    flux_density_dbw_per_m2: Annotated[
        Array, Shown("Flux density at the satellite", "dBW/m2", "SFD less input back-off")
    ]
    saturation_flux_density_dbw_per_m2: Annotated[
        Array, Shown("Saturation flux density", "dBW/m2", "given, at the site")
    ]
    satellite_figure_of_merit_db_per_k: Annotated[Array, Shown("Satellite G/T", "dB/K", "given, at the site")]
    carrier_input_backoff_db: Annotated[Array, Shown("Carrier input back-off", "dB", "transponder less share")]
    carrier_output_backoff_db: Annotated[Array, Shown("Carrier output back-off", "dB", "given or solved")]
    saturation_eirp_dbw: Annotated[Array, Shown("Satellite saturation EIRP to the site", "dBW", "given, at the site")]
    satellite_eirp_dbw: Annotated[Array, Shown("Satellite EIRP of the carrier", "dBW", "saturation less back-off")]
    downlink_range_km: Annotated[Array, Shown("Downlink range", "km", "given")]
    downlink_free_space_loss_db: Annotated[Array, Shown("Downlink free-space loss", "dB", "ITU-R P.525")]
    downlink_clear_attenuation_db: Annotated[
        Array, Shown("Downlink attenuation, clear sky", "dB", "given: ITU-R P.676")
    ]
    downlink_gas_attenuation_db: Annotated[Array, Shown("Downlink attenuation by gas", "dB", "given: ITU-R P.676")]
    downlink_cloud_attenuation_db: Annotated[Array, Shown("Downlink attenuation by cloud", "dB", "given: ITU-R P.840")]
    downlink_rain_attenuation_db: Annotated[
        Array, Shown("Downlink attenuation by rain", "dB", "given: ITU-R P.618 2.2.1")
    ]
    downlink_scintillation_db: Annotated[Array, Shown("Downlink scintillation", "dB", "given: ITU-R P.618 2.4")]
    downlink_faded_attenuation_db: Annotated[
        Array, Shown("Downlink attenuation, total in rain", "dB", "given: ITU-R P.618 2.5")
    ]
    downlink_beam_gain_db: Annotated[Array, Shown("Downlink beam, below peak", "dB", "given: coverage")]
    downlink_pointing_loss_db: Annotated[Array, Shown("Downlink pointing loss", "dB", "given")]
    figure_of_merit_clear_db_per_k: Annotated[
        Array, Shown("Station G/T, clear sky", "dB/K", "ITU-R P.618 3, sky as clear")
    ]
    figure_of_merit_rain_db_per_k: Annotated[Array, Shown("Station G/T, rain", "dB/K", "ITU-R P.618 3, sky in rain")]
    uplink_cn0_clear_db_hz: Annotated[Array, Shown("Uplink C/N0, clear sky", "dB-Hz", "EIRP - losses + G/T - k")]
    uplink_cn0_rain_db_hz: Annotated[Array, Shown("Uplink C/N0, uplink rain", "dB-Hz", "less the fade left")]
    downlink_cn0_clear_db_hz: Annotated[Array, Shown("Downlink C/N0, clear sky", "dB-Hz", "EIRP - losses + G/T - k")]
    downlink_cn0_uplink_rain_db_hz: Annotated[
        Array, Shown("Downlink C/N0, uplink rain", "dB-Hz", "less the uplink fade left")
    ]
    downlink_cn0_rain_db_hz: Annotated[
        Array, Shown("Downlink C/N0, downlink rain", "dB-Hz", "less the fade, G/T in rain")
    ]
    intermodulation_ci_db: Annotated[Array, Shown("C/I intermodulation", "dB", "given, by share and width")]
    uplink_adjacent_satellite_ci_db: Annotated[Array, Shown("C/I uplink adjacent satellite", "dB", "given")]
    uplink_cross_polar_ci_db: Annotated[Array, Shown("C/I uplink cross-polarization", "dB", "given")]
    uplink_adjacent_carrier_ci_db: Annotated[Array, Shown("C/I uplink adjacent carrier", "dB", "given")]
    downlink_adjacent_satellite_ci_db: Annotated[Array, Shown("C/I downlink adjacent satellite", "dB", "given")]
    downlink_cross_polar_ci_db: Annotated[Array, Shown("C/I downlink cross-polarization", "dB", "given")]
    uplink_co_channel_ci_db: Annotated[Array, Shown("C/I uplink co-channel beams", "dB", "given")]
    downlink_co_channel_ci_db: Annotated[Array, Shown("C/I downlink co-channel beams", "dB", "given")]
    es_n0_clear_db: Annotated[Array, Shown("C/(N+I) = Es/(N0+I0), clear sky", "dB", "all disturbances add")]
    es_n0_uplink_rain_db: Annotated[Array, Shown("C/(N+I), uplink rain", "dB", "all disturbances add")]
    es_n0_downlink_rain_db: Annotated[Array, Shown("C/(N+I), downlink rain", "dB", "all disturbances add")]
    required_es_n0_db: Annotated[Array, Shown("Required Es/N0", "dB", "given: MODCOD and modem")]
    margin_clear_db: Annotated[Array, Shown("Margin, clear sky", "dB", "C/(N+I) less required")]
    margin_uplink_rain_db: Annotated[Array, Shown("Margin, uplink rain", "dB", "C/(N+I) less required")]
    margin_downlink_rain_db: Annotated[Array, Shown("Margin, downlink rain", "dB", "C/(N+I) less required")]
    required_margin_db: Annotated[Array, Shown("Required margin", "dB", "given")]
    occupied_bandwidth_hz: Annotated[Array, Shown("Occupied bandwidth", "Hz", "EN 302 307-1, 5.6")]
    power_share: Annotated[Array, Shown("Share of the transponder's power", "", "back-off to the transponder")]
    power_equivalent_bandwidth_hz: Annotated[Array, Shown("Power-equivalent bandwidth", "Hz", "share of the bandwidth")]

    def __repr__(self) -> str:  # sixty arrays tell a reader less
        return f"<BentPipeBudget, shape {self.shape}, margin_db {self.margin_db}>"

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
    def uplink_fade_left_db(self) -> Array:
        """What rain on the up link takes and power control does not make good."""
        left_db: Array = self.uplink_cn0_clear_db_hz - self.uplink_cn0_rain_db_hz
        return left_db

    @property
    def uplink_eirp_rain_dbw(self) -> Array:
        """In rain on the up link, power control in use."""
        eirp_dbw: Array = self.uplink_eirp_dbw + self.uplink_power_control_db
        return eirp_dbw

    @property
    def flux_density_rain_dbw_per_m2(self) -> Array:
        """In rain on the up link."""
        flux_dbw_per_m2: Array = self.flux_density_dbw_per_m2 - self.uplink_fade_left_db
        return flux_dbw_per_m2

    @property
    def carrier_input_backoff_rain_db(self) -> Array:
        """In rain on the up link."""
        backoff_db: Array = self.carrier_input_backoff_db + self.uplink_fade_left_db
        return backoff_db

    @property
    def carrier_output_backoff_rain_db(self) -> Array:
        """In rain on the up link: the transponder works in its linear range."""
        backoff_db: Array = self.carrier_output_backoff_db + self.uplink_fade_left_db
        return backoff_db

    @property
    def satellite_eirp_rain_dbw(self) -> Array:
        """In rain on the up link."""
        eirp_dbw: Array = self.satellite_eirp_dbw - self.uplink_fade_left_db
        return eirp_dbw

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
        driver = "power" if np.broadcast_to(self.is_power_limited, self.shape)[index] else "bandwidth"
        return [*lines_of(self, index, _MAY_BE_MISSING), Line("Cost is driven by", driver, "", "the larger of the two")]


def lines_of(budget: object, index: tuple[int, ...], may_be_missing: frozenset[str]) -> list[Line]:
    """The fields of a budget dataclass at `index`, in their order; those that may be missing only when finite."""
    hints = get_type_hints(type(budget), include_extras=True)
    shape = np.broadcast_shapes(*(np.shape(getattr(budget, name)) for name in hints))
    table = []
    for name, hint in hints.items():
        shown: Shown = hint.__metadata__[0]
        value = np.broadcast_to(getattr(budget, name), shape)[index]
        if isinstance(value, str):
            table.append(Line(shown.label, str(value), shown.unit, shown.source))
        elif not (name in may_be_missing and not np.isfinite(value)):
            table.append(Line(shown.label, float(value), shown.unit, shown.source))
    return table
