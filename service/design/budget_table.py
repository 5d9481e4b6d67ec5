"""The link budget as engineers read it: one row per line, clear sky beside rain on the up link and on the down link."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from satcom.resource.physics.link_budget import BentPipeBudget
from satcom.service.way import AVERAGE_YEAR_PERCENT, BudgetLine


class _Row(NamedTuple):
    """The fields of a budget under clear sky and in both rains; `None` where the line has no value of its own there."""

    label: str
    unit: str
    clear_sky: str | None
    faded_up: str | None
    faded_down: str | None


def _same(label: str, unit: str, name: str) -> _Row:
    return _Row(label, unit, name, name, name)


_ROWS = (
    _same("Symbol rate", "baud", "symbol_rate_baud"),
    _same("Occupied bandwidth", "Hz", "occupied_bandwidth_hz"),
    _same("Uplink EIRP", "dBW", "uplink_eirp_dbw"),
    _same("Uplink pointing loss", "dB", "uplink_pointing_loss_db"),
    _same("Uplink range", "km", "uplink_range_km"),
    _same("Uplink free-space loss", "dB", "uplink_free_space_loss_db"),
    _Row(
        "Uplink attenuation",
        "dB",
        "uplink_clear_attenuation_db",
        "uplink_faded_attenuation_db",
        "uplink_clear_attenuation_db",
    ),
    _Row("of it gas", "dB", "uplink_gas_attenuation_db", "uplink_gas_attenuation_db", "uplink_gas_attenuation_db"),
    _Row("of it cloud", "dB", None, "uplink_cloud_attenuation_db", None),
    _Row("of it rain", "dB", None, "uplink_rain_attenuation_db", None),
    _Row("of it scintillation", "dB", None, "uplink_scintillation_db", None),
    _Row("Uplink power control used", "dB", None, "uplink_power_control_db", None),
    _Row("HPA power left, with power control", "dB", "hpa_margin_db", "hpa_margin_db", "hpa_margin_db"),
    _same("Uplink beam, below peak", "dB", "uplink_beam_gain_db"),
    _same("Satellite G/T", "dB/K", "satellite_figure_of_merit_db_per_k"),
    _Row("Flux density at the satellite", "dBW/m2", "flux_density_dbw_per_m2", None, "flux_density_dbw_per_m2"),
    _same("Saturation flux density", "dBW/m2", "saturation_flux_density_dbw_per_m2"),
    _same("Carrier input back-off", "dB", "carrier_input_backoff_db"),
    _same("Carrier output back-off", "dB", "carrier_output_backoff_db"),
    _Row("Uplink C/N0", "dB-Hz", "uplink_cn0_clear_db_hz", "uplink_cn0_rain_db_hz", "uplink_cn0_clear_db_hz"),
    _same("Saturation EIRP to the receiver", "dBW", "saturation_eirp_dbw"),
    _same("Satellite EIRP of the carrier", "dBW", "satellite_eirp_dbw"),
    _same("Downlink beam, below peak", "dB", "downlink_beam_gain_db"),
    _same("Downlink range", "km", "downlink_range_km"),
    _same("Downlink free-space loss", "dB", "downlink_free_space_loss_db"),
    _Row(
        "Downlink attenuation",
        "dB",
        "downlink_clear_attenuation_db",
        "downlink_clear_attenuation_db",
        "downlink_faded_attenuation_db",
    ),
    _Row("of it gas", "dB", *("downlink_gas_attenuation_db",) * 3),
    _Row("of it cloud", "dB", None, None, "downlink_cloud_attenuation_db"),
    _Row("of it rain", "dB", None, None, "downlink_rain_attenuation_db"),
    _Row("of it scintillation", "dB", None, None, "downlink_scintillation_db"),
    _same("Downlink pointing loss", "dB", "downlink_pointing_loss_db"),
    _Row(
        "Station G/T",
        "dB/K",
        "figure_of_merit_clear_db_per_k",
        "figure_of_merit_clear_db_per_k",
        "figure_of_merit_rain_db_per_k",
    ),
    _Row(
        "Downlink C/N0",
        "dB-Hz",
        "downlink_cn0_clear_db_hz",
        "downlink_cn0_uplink_rain_db_hz",
        "downlink_cn0_rain_db_hz",
    ),
    _same("C/I intermodulation, clear sky", "dB", "intermodulation_ci_db"),
    _same("C/I uplink adjacent satellite, clear sky", "dB", "uplink_adjacent_satellite_ci_db"),
    _same("C/I uplink cross-polarization, clear sky", "dB", "uplink_cross_polar_ci_db"),
    _same("C/I downlink adjacent satellite, clear sky", "dB", "downlink_adjacent_satellite_ci_db"),
    _same("C/I downlink cross-polarization, clear sky", "dB", "downlink_cross_polar_ci_db"),
    _same("C/I adjacent carriers, clear sky", "dB", "uplink_adjacent_carrier_ci_db"),
    _same("C/I uplink co-channel beams, clear sky", "dB", "uplink_co_channel_ci_db"),
    _same("C/I downlink co-channel beams, clear sky", "dB", "downlink_co_channel_ci_db"),
    _Row("C/(N+I) = Es/(N0+I0)", "dB", "es_n0_clear_db", "es_n0_uplink_rain_db", "es_n0_downlink_rain_db"),
    _same("Required Es/N0", "dB", "required_es_n0_db"),
    _Row("Margin", "dB", "margin_clear_db", "margin_uplink_rain_db", "margin_downlink_rain_db"),
    _same("Required margin", "dB", "required_margin_db"),
    _same("Share of the transponder's power", "", "power_share"),
    _same("Power-equivalent bandwidth", "Hz", "power_equivalent_bandwidth_hz"),
)
_LEFT_OUT_WHEN_ABSENT = frozenset(
    ("uplink_adjacent_carrier_ci_db", "uplink_co_channel_ci_db", "downlink_co_channel_ci_db")
)


# under clear sky as they are, in rain on the up link with power control and less what it does not make good
_IN_UPLINK_RAIN = {
    "uplink_eirp_dbw": "uplink_eirp_rain_dbw",
    "flux_density_dbw_per_m2": "flux_density_rain_dbw_per_m2",
    "carrier_input_backoff_db": "carrier_input_backoff_rain_db",
    "carrier_output_backoff_db": "carrier_output_backoff_rain_db",
    "satellite_eirp_dbw": "satellite_eirp_rain_dbw",
}


def budget_table(
    budget: BentPipeBudget,
    index: int,
    confidence_percent: float = AVERAGE_YEAR_PERCENT,
    sources: Mapping[str, str] | None = MappingProxyType({}),
) -> tuple[BudgetLine, ...]:
    """The rows of one lane of `budget`; carriers and beams beside it only where there are some.

    The confidence that its fades are held with is told where they are not those of the average year. `sources` tell by
    the name of the field what a disturbance was computed from; `None` gives the table as it was before there were any,
    when the levels in rain on the up link were those under clear sky.
    """
    in_rain = {} if sources is None else _IN_UPLINK_RAIN

    def value(name: str | None) -> float | None:
        column = None if name is None else np.asarray(getattr(budget, name))
        if column is None:
            return None
        number = float(column if column.ndim == 0 else column[index])
        return number if np.isfinite(number) else None

    lines = tuple(
        BudgetLine(
            label=row.label,
            clear_sky=value(row.clear_sky),
            faded_up=value(in_rain.get(row.clear_sky or "", row.faded_up)),
            faded_down=value(row.faded_down),
            unit=row.unit,
            source=(sources or {}).get(row.clear_sky or ""),
        )
        for row in _ROWS
        if row.clear_sky not in _LEFT_OUT_WHEN_ABSENT or value(row.clear_sky) is not None
    )
    if confidence_percent == AVERAGE_YEAR_PERCENT:
        return lines
    told = BudgetLine(
        label="Confidence of the fades", faded_up=confidence_percent, faded_down=confidence_percent, unit="%"
    )
    return *lines, told
