"""Bent-pipe link budget: what reaches the far station through a transparent transponder, and by how much it is enough.

One direction (one station up, one down) is one budget; the way back is a second one with the stations' roles swapped.
Each budget is worked out three times: clear sky, rain on the up link, rain on the down link. Both at once is not
counted: whoever asks for an availability divides the unavailability between the two links.
A transponder works in its linear range: one carrier's fade does not move the others. Arrays broadcast.
How much power a carrier needs is `carrier_sizing`.

Words: ITU Handbook on Satellite Communications, 3rd ed., chapter 2 (SFD, IBO, OBO, C/N0, power-equivalent bandwidth).
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import ReceiveAntenna, wavelength_m
from satcom.resource.physics.attenuation import TotalAttenuation
from satcom.resource.physics.budget_lines import BentPipeBudget as BentPipeBudget
from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, POSITIVE, Accepted, checked
from satcom.resource.physics.modcod import occupied_bandwidth_hz, symbol_rate_baud

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts
Names = NDArray[np.str_]

BOLTZMANN_DBW_PER_K_HZ = 10 * np.log10(1.380649e-23)
NO_INTERFERENCE_DB = np.inf


LINK: Final = {  # what a link takes, by the names of its parts
    "range_km": POSITIVE,
    "clear_attenuation_db": NOT_NEGATIVE,
    "faded_attenuation_db": NOT_NEGATIVE,
    "beam_gain_db": Accepted(most=0.0),
    "up_freq_hz": POSITIVE,
    "down_freq_hz": POSITIVE,
    "bandwidth_hz": POSITIVE,
    "saturation_eirp_dbw": FINITE,
    "figure_of_merit_db_per_k": FINITE,
    "saturation_flux_density_dbw_per_m2": FINITE,
    "input_backoff_db": FINITE,
    "output_backoff_db": FINITE,
    "antenna_gain_dbi": FINITE,
    "hpa_power_dbw": FINITE,
    "pointing_loss_db": NOT_NEGATIVE,
    "gain_dbi": FINITE,
}
CARRIER: Final = {
    "bit_rate_bps": POSITIVE,
    "spectral_efficiency": POSITIVE,
    "required_es_n0_db": FINITE,
    "rolloff": Accepted(0.0, 1.0),
}


@dataclass(frozen=True)
class TransmitStation:
    """The station that goes up. `hpa_power_dbw` is the rated power, `hpa_backoff_db` what linearity takes of it.

    `uplink_power_control_db` is the range by which the station follows its own rain; the amplifier must have it spare.
    """

    antenna_gain_dbi: Values
    hpa_power_dbw: Values
    hpa_backoff_db: Values = 0.0
    feed_loss_db: Values = 0.0
    pointing_loss_db: Values = 0.0
    uplink_power_control_db: Values = 0.0


@dataclass(frozen=True)
class ReceiveStation:
    """The station that comes down: antenna with its noise, and what bad pointing costs."""

    antenna: ReceiveAntenna
    pointing_loss_db: Values = 0.0


@dataclass(frozen=True)
class Path:
    """From a station to the satellite: distance, attenuation, and where the station lies in the beam.

    `clear_attenuation_db` is there under clear sky (gas), `faded_attenuation_db` is the total not exceeded at the asked
    availability, clear-sky part included. The parts at that availability are for the reader, nan when not known; when
    gas, cloud and rain are all known they, and not scintillation, warm the sky. `beam_gain_db` is the level of the
    place below the beam's peak (zero or negative, `coverage`).
    """

    range_km: Values
    clear_attenuation_db: Values = 0.0
    faded_attenuation_db: Values = 0.0
    beam_gain_db: Values = 0.0
    gas_attenuation_db: Values = np.nan
    cloud_attenuation_db: Values = np.nan
    rain_attenuation_db: Values = np.nan
    scintillation_db: Values = np.nan

    @classmethod
    def through(cls, air: TotalAttenuation, range_km: Values, beam_gain_db: Values = 0.0) -> "Path":
        """By what `total_attenuation` tells of an availability; its gas is there under clear sky."""
        return cls(
            range_km=range_km,
            clear_attenuation_db=air.gas_db,
            faded_attenuation_db=air.total_db,
            beam_gain_db=beam_gain_db,
            gas_attenuation_db=air.gas_db,
            cloud_attenuation_db=air.cloud_db,
            rain_attenuation_db=air.rain_db,
            scintillation_db=air.scintillation_db,
        )

    def absorption_db(self) -> Array:
        """The part of the faded attenuation that radiates noise, clear sky at least."""
        parts_db = np.asarray(self.gas_attenuation_db) + self.cloud_attenuation_db + self.rain_attenuation_db
        absorption_db = np.where(np.isnan(parts_db), self.faded_attenuation_db, parts_db)
        return np.maximum(absorption_db, self.clear_attenuation_db)

    def fade_db(self) -> Array:
        """What rain takes beyond clear sky; nan where an attenuation is negative."""
        possible = (np.asarray(self.clear_attenuation_db) >= 0) & (np.asarray(self.faded_attenuation_db) >= 0)
        fade_db = np.maximum(np.asarray(self.faded_attenuation_db) - self.clear_attenuation_db, 0)
        return np.where(possible, fade_db, np.nan)


@dataclass(frozen=True)
class Transponder:
    """A transparent transponder at its operating point. EIRP, G/T and SFD are those at the peak of their beams.

    `input_backoff_db` and `output_backoff_db` are of the whole transponder, positive; a carrier's own back-offs differ
    from each other by as much, since a multi-carrier transponder works in its linear range.
    `intermodulation_ci_db` is of a carrier that takes power as it takes bandwidth; one with twice the power density
    has 3 dB more, because intermodulation falls on the whole band evenly.
    """

    up_freq_hz: Values
    down_freq_hz: Values
    bandwidth_hz: Values
    saturation_eirp_dbw: Values
    figure_of_merit_db_per_k: Values
    saturation_flux_density_dbw_per_m2: Values
    input_backoff_db: Values = 0.0
    output_backoff_db: Values = 0.0
    intermodulation_ci_db: Values = NO_INTERFERENCE_DB


@dataclass(frozen=True)
class Interference:
    """Carrier over interference under clear sky, each in the carrier's bandwidth; `inf` where there is none.

    Rain on the up link lowers all of them, since only the wanted carrier fades; on the down link both fade alike.
    The `even_` ones are of neighbours whose density is known, for a carrier that takes of the transponder's power as it
    takes of its bandwidth: a denser carrier has so much more. The others hold for every carrier.
    """

    uplink_adjacent_satellite_ci_db: Values = NO_INTERFERENCE_DB
    uplink_cross_polar_ci_db: Values = NO_INTERFERENCE_DB
    uplink_adjacent_carrier_ci_db: Values = NO_INTERFERENCE_DB
    downlink_adjacent_satellite_ci_db: Values = NO_INTERFERENCE_DB
    downlink_cross_polar_ci_db: Values = NO_INTERFERENCE_DB
    uplink_co_channel_ci_db: Values = NO_INTERFERENCE_DB
    downlink_co_channel_ci_db: Values = NO_INTERFERENCE_DB
    even_uplink_adjacent_satellite_ci_db: Values = NO_INTERFERENCE_DB
    even_downlink_adjacent_satellite_ci_db: Values = NO_INTERFERENCE_DB

    def combined_db(self) -> Array:
        """All together that hold for every carrier."""
        names = (one.name for one in fields(self) if not one.name.startswith("even_"))
        return combine_db(*(np.asarray(getattr(self, name)) for name in names))

    def even_db(self) -> tuple[Values, ...]:
        """Those that grow with the carrier's density, each of one that is as dense as the transponder is loaded."""
        each = self.even_uplink_adjacent_satellite_ci_db, self.even_downlink_adjacent_satellite_ci_db
        return tuple(one for one in each if not np.isposinf(one).all())


@dataclass(frozen=True)
class Link:
    """Everything a carrier meets on its way, apart from the carrier itself."""

    transmit: TransmitStation
    up: Path
    transponder: Transponder
    down: Path
    receive: ReceiveStation
    interference: Interference


@dataclass(frozen=True)
class Carrier:
    """One carrier. `required_es_n0_db` includes the implementation margin; the noise bandwidth is the symbol rate."""

    bit_rate_bps: Values
    spectral_efficiency: Values
    required_es_n0_db: Values
    rolloff: Values
    required_margin_db: Values = 0.0
    modcod: str | Names = ""


@dataclass(frozen=True)
class FullPower:
    """The link of a carrier that has all the power of the transponder's operating point; every level follows its share.

    The amplifier's margin counts the power control. `uplink_fade_db` is what power control does not make good.
    """

    uplink_eirp_dbw: Array
    hpa_margin_db: Array
    uplink_power_control_db: Array
    uplink_fade_db: Array
    flux_density_dbw_per_m2: Array
    satellite_eirp_dbw: Array
    figure_of_merit_clear_db_per_k: Array
    figure_of_merit_rain_db_per_k: Array
    uplink_cn0_db_hz: Array
    downlink_cn0_clear_db_hz: Array
    downlink_cn0_rain_db_hz: Array


@checked(range_km=POSITIVE, freq_hz=POSITIVE)
def free_space_loss_db(range_km: Values, freq_hz: Values) -> Array:
    """Loss between isotropic antennas, 20 log10(4 pi d / lambda). Source: ITU-R P.525."""
    loss_db: Array = 20 * np.log10(4000 * np.pi * _positive(range_km) / wavelength_m.or_nan(freq_hz))
    return loss_db


@checked(range_km=POSITIVE)
def spreading_loss_db_m2(range_km: Values) -> Array:
    """EIRP less this is the flux density: 10 log10(4 pi d^2) in dB of a square metre."""
    loss_db_m2: Array = 10 * np.log10(4 * np.pi * (1000 * _positive(range_km)) ** 2)
    return loss_db_m2


@checked(eirp_dbw=FINITE, losses_db=NOT_NEGATIVE, figure_of_merit_db_per_k=FINITE)
def carrier_to_noise_density_db_hz(eirp_dbw: Values, losses_db: Values, figure_of_merit_db_per_k: Values) -> Array:
    """C/N0 = EIRP - losses + G/T - k."""
    ratio_db_hz: Array = np.asarray(eirp_dbw) - losses_db + figure_of_merit_db_per_k - BOLTZMANN_DBW_PER_K_HZ
    return ratio_db_hz


def combine_db(*ratios_db: Values) -> Array:
    """Carrier over the sum of all disturbances: 1/x = 1/a + 1/b + ... in linear terms."""
    inverse = sum((10 ** (-np.asarray(one, dtype=np.float64) / 10) for one in ratios_db), start=np.float64(0))
    with np.errstate(divide="ignore"):  # nothing disturbs: infinite
        combined_db: Array = -10 * np.log10(inverse)
    return combined_db


@checked((), **LINK)
def at_full_power(link: Link) -> FullPower:
    """Levels and ratios at power share 1. nan outside a beam, and where an input is out of range."""
    up, down, transponder, station = link.up, link.down, link.transponder, link.transmit
    uplink_beam_db, downlink_beam_db = _covered(up.beam_gain_db), _covered(down.beam_gain_db)
    flux_density = transponder.saturation_flux_density_dbw_per_m2 - uplink_beam_db - transponder.input_backoff_db
    uplink_losses_db = np.asarray(up.clear_attenuation_db) + station.pointing_loss_db
    uplink_eirp_dbw = flux_density + spreading_loss_db_m2.or_nan(up.range_km) + uplink_losses_db
    uplink_fade_db = up.fade_db()
    power_control_db = np.minimum(station.uplink_power_control_db, uplink_fade_db)
    hpa_power_dbw = uplink_eirp_dbw + power_control_db + station.feed_loss_db - station.antenna_gain_dbi
    satellite_eirp_dbw = transponder.saturation_eirp_dbw + downlink_beam_db - transponder.output_backoff_db
    clear_db_per_k = link.receive.antenna.figure_of_merit_db_per_k(down.clear_attenuation_db)
    rain_db_per_k = link.receive.antenna.figure_of_merit_db_per_k(down.absorption_db())
    downlink_losses_db = (
        free_space_loss_db.or_nan(down.range_km, transponder.down_freq_hz) + link.receive.pointing_loss_db
    )
    return FullPower(
        uplink_eirp_dbw=uplink_eirp_dbw,
        hpa_margin_db=np.asarray(station.hpa_power_dbw) - station.hpa_backoff_db - hpa_power_dbw,
        uplink_power_control_db=power_control_db,
        uplink_fade_db=uplink_fade_db - power_control_db,
        flux_density_dbw_per_m2=flux_density,
        satellite_eirp_dbw=satellite_eirp_dbw,
        figure_of_merit_clear_db_per_k=clear_db_per_k,
        figure_of_merit_rain_db_per_k=rain_db_per_k,
        uplink_cn0_db_hz=carrier_to_noise_density_db_hz.or_nan(
            uplink_eirp_dbw,
            free_space_loss_db.or_nan(up.range_km, transponder.up_freq_hz) + uplink_losses_db,
            transponder.figure_of_merit_db_per_k + uplink_beam_db,
        ),
        downlink_cn0_clear_db_hz=carrier_to_noise_density_db_hz.or_nan(
            satellite_eirp_dbw, downlink_losses_db + down.clear_attenuation_db, clear_db_per_k
        ),
        downlink_cn0_rain_db_hz=carrier_to_noise_density_db_hz.or_nan(
            satellite_eirp_dbw, downlink_losses_db + down.clear_attenuation_db + down.fade_db(), rain_db_per_k
        ),
    )


@checked((), **LINK, **CARRIER, carrier_output_backoff_db=FINITE)
def bent_pipe_budget(
    link: Link, carrier: Carrier, carrier_output_backoff_db: Values, full: FullPower | None = None
) -> BentPipeBudget:
    """The budget of a carrier at this output back-off; the uplink EIRP is the one that brings it there.

    The back-off is positive, to the saturation of the whole transponder. All arguments broadcast.
    `full` is `at_full_power(link)` for who has it already.
    """
    up, down, transponder, interference = link.up, link.down, link.transponder, link.interference
    full = full or at_full_power.or_nan(link)
    share_db = transponder.output_backoff_db - np.asarray(carrier_output_backoff_db, dtype=np.float64)
    power_share = 10 ** (share_db / 10)
    rate_baud = symbol_rate_baud.or_nan(carrier.bit_rate_bps, carrier.spectral_efficiency)
    occupied_hz = occupied_bandwidth_hz.or_nan(carrier.bit_rate_bps, carrier.spectral_efficiency, carrier.rolloff)
    equivalent_hz = power_share * transponder.bandwidth_hz
    denser_db = share_db + 10 * np.log10(transponder.bandwidth_hz / occupied_hz)
    intermodulation_db = transponder.intermodulation_ci_db + denser_db
    uplink_cn0 = full.uplink_cn0_db_hz + share_db
    downlink_cn0_clear = full.downlink_cn0_clear_db_hz + share_db
    downlink_cn0_rain = full.downlink_cn0_rain_db_hz + share_db
    rate_db = 10 * np.log10(rate_baud)
    disturbed = (
        uplink_cn0 - rate_db,
        intermodulation_db,
        *(_of_density_db(one, denser_db) for one in interference.even_db()),
        interference.combined_db(),
    )
    clear_db = combine_db(downlink_cn0_clear - rate_db, *disturbed)
    # rain on the up link lowers the carrier before everything that disturbs it
    uplink_rain_db = clear_db - full.uplink_fade_db
    downlink_rain_db = combine_db(downlink_cn0_rain - rate_db, *disturbed)
    required_db = np.asarray(carrier.required_es_n0_db)
    return BentPipeBudget(
        bit_rate_bps=np.asarray(carrier.bit_rate_bps),
        modcod=np.asarray(carrier.modcod),
        symbol_rate_baud=rate_baud,
        hpa_power_dbw=np.asarray(link.transmit.hpa_power_dbw)
        - link.transmit.hpa_backoff_db
        - full.hpa_margin_db
        + share_db,
        hpa_margin_db=full.hpa_margin_db - share_db,
        uplink_eirp_dbw=full.uplink_eirp_dbw + share_db,
        uplink_pointing_loss_db=np.asarray(link.transmit.pointing_loss_db),
        uplink_range_km=np.asarray(up.range_km),
        uplink_free_space_loss_db=free_space_loss_db.or_nan(up.range_km, transponder.up_freq_hz),
        uplink_clear_attenuation_db=np.asarray(up.clear_attenuation_db),
        uplink_gas_attenuation_db=np.asarray(up.gas_attenuation_db),
        uplink_cloud_attenuation_db=np.asarray(up.cloud_attenuation_db),
        uplink_rain_attenuation_db=np.asarray(up.rain_attenuation_db),
        uplink_scintillation_db=np.asarray(up.scintillation_db),
        uplink_faded_attenuation_db=np.asarray(up.faded_attenuation_db),
        uplink_power_control_db=full.uplink_power_control_db,
        uplink_beam_gain_db=np.asarray(up.beam_gain_db),
        flux_density_dbw_per_m2=full.flux_density_dbw_per_m2 + share_db,
        saturation_flux_density_dbw_per_m2=full.flux_density_dbw_per_m2 + transponder.input_backoff_db,
        satellite_figure_of_merit_db_per_k=transponder.figure_of_merit_db_per_k + np.asarray(up.beam_gain_db),
        carrier_input_backoff_db=transponder.input_backoff_db - share_db,
        carrier_output_backoff_db=np.asarray(carrier_output_backoff_db),
        saturation_eirp_dbw=full.satellite_eirp_dbw + transponder.output_backoff_db,
        satellite_eirp_dbw=full.satellite_eirp_dbw + share_db,
        downlink_range_km=np.asarray(down.range_km),
        downlink_free_space_loss_db=free_space_loss_db.or_nan(down.range_km, transponder.down_freq_hz),
        downlink_clear_attenuation_db=np.asarray(down.clear_attenuation_db),
        downlink_gas_attenuation_db=np.asarray(down.gas_attenuation_db),
        downlink_cloud_attenuation_db=np.asarray(down.cloud_attenuation_db),
        downlink_rain_attenuation_db=np.asarray(down.rain_attenuation_db),
        downlink_scintillation_db=np.asarray(down.scintillation_db),
        downlink_faded_attenuation_db=np.asarray(down.faded_attenuation_db),
        downlink_beam_gain_db=np.asarray(down.beam_gain_db),
        downlink_pointing_loss_db=np.asarray(link.receive.pointing_loss_db),
        figure_of_merit_clear_db_per_k=full.figure_of_merit_clear_db_per_k,
        figure_of_merit_rain_db_per_k=full.figure_of_merit_rain_db_per_k,
        uplink_cn0_clear_db_hz=uplink_cn0,
        uplink_cn0_rain_db_hz=uplink_cn0 - full.uplink_fade_db,
        downlink_cn0_clear_db_hz=downlink_cn0_clear,
        downlink_cn0_uplink_rain_db_hz=downlink_cn0_clear - full.uplink_fade_db,
        downlink_cn0_rain_db_hz=downlink_cn0_rain,
        intermodulation_ci_db=intermodulation_db,
        uplink_adjacent_satellite_ci_db=_adjacent_db(
            interference.uplink_adjacent_satellite_ci_db,
            interference.even_uplink_adjacent_satellite_ci_db,
            denser_db,
        ),
        uplink_cross_polar_ci_db=np.asarray(interference.uplink_cross_polar_ci_db),
        uplink_adjacent_carrier_ci_db=np.asarray(interference.uplink_adjacent_carrier_ci_db),
        downlink_adjacent_satellite_ci_db=_adjacent_db(
            interference.downlink_adjacent_satellite_ci_db,
            interference.even_downlink_adjacent_satellite_ci_db,
            denser_db,
        ),
        downlink_cross_polar_ci_db=np.asarray(interference.downlink_cross_polar_ci_db),
        uplink_co_channel_ci_db=np.asarray(interference.uplink_co_channel_ci_db),
        downlink_co_channel_ci_db=np.asarray(interference.downlink_co_channel_ci_db),
        es_n0_clear_db=clear_db,
        es_n0_uplink_rain_db=uplink_rain_db,
        es_n0_downlink_rain_db=downlink_rain_db,
        required_es_n0_db=required_db,
        margin_clear_db=clear_db - required_db,
        margin_uplink_rain_db=uplink_rain_db - required_db,
        margin_downlink_rain_db=downlink_rain_db - required_db,
        required_margin_db=np.asarray(carrier.required_margin_db),
        occupied_bandwidth_hz=occupied_hz,
        power_share=power_share,
        power_equivalent_bandwidth_hz=equivalent_hz,
    )


def _adjacent_db(every_db: Values, even_db: Values, denser_db: Array) -> Array:
    """Of both kinds; what was given for every carrier stays as it was given."""
    if np.isposinf(even_db).all():
        return np.asarray(every_db)
    of_density_db = _of_density_db(even_db, denser_db)
    if np.isposinf(every_db).all():
        return of_density_db
    together_db: Array = np.where(np.isposinf(even_db), every_db, combine_db(every_db, of_density_db))
    return together_db


def _of_density_db(even_db: Values, denser_db: Array) -> Array:
    """C/I of a carrier by so much denser than an even one; `inf` stays, also without power."""
    none = np.isposinf(even_db)
    ratio_db: Array = np.asarray(even_db + (np.where(none, 0.0, denser_db) if none.any() else denser_db))
    return ratio_db


def _covered(beam_gain_db: Values) -> Array:
    return np.where(np.isfinite(beam_gain_db), beam_gain_db, np.nan)


def _positive(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where(number > 0, number, np.nan)
