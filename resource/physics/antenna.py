"""Antennas: how much a dish gathers, how much it loses when it points beside, and how noisy it hears.

Gains are those of a circular aperture; noise is counted at the antenna flange (the reference plane of G/T).
Rain makes the sky warm: the same attenuation that weakens the carrier raises the noise.

Words: ITU-R P.618-14 section 3 (noise from attenuation), ITU-R P.372 (noise figure and temperature).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.attenuation import sky_noise_temperature_k
from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, POSITIVE, SHARE, checked

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
REFERENCE_TEMPERATURE_K = 290.0  # P.372: the temperature a noise figure is referred to
_BEAMWIDTH_CONSTANT_DEG = 70.0  # illumination tapered by about 10 dB at the rim, the usual reflector


@checked(freq_hz=POSITIVE)
def wavelength_m(freq_hz: Values) -> Array:
    """Wavelength in vacuum; nan at or below zero."""
    return SPEED_OF_LIGHT_M_PER_S / _positive(freq_hz)


@checked(diameter_m=POSITIVE, efficiency=SHARE, freq_hz=POSITIVE)
def parabola_gain_dbi(diameter_m: Values, efficiency: Values, freq_hz: Values) -> Array:
    """Peak gain of a circular aperture, efficiency (pi D / lambda)^2. `efficiency` is above 0 and up to 1; else nan."""
    efficiency = np.where(np.asarray(efficiency) <= 1, _positive(efficiency), np.nan)
    gain_dbi: Array = 10 * np.log10(efficiency * (np.pi * _positive(diameter_m) / wavelength_m.or_nan(freq_hz)) ** 2)
    return gain_dbi


@checked(gain_dbi=FINITE, efficiency=SHARE, freq_hz=POSITIVE)
def dish_diameter_m(gain_dbi: Values, efficiency: Values, freq_hz: Values) -> Array:
    """Diameter of the circular aperture that has this peak gain: `parabola_gain_dbi` turned round."""
    efficiency = np.where(np.asarray(efficiency) <= 1, _positive(efficiency), np.nan)
    diameter_m: Array = wavelength_m.or_nan(freq_hz) / np.pi * np.sqrt(10 ** (np.asarray(gain_dbi) / 10) / efficiency)
    return diameter_m


@checked(surface_rms_m=NOT_NEGATIVE, freq_hz=POSITIVE)
def surface_loss_db(surface_rms_m: Values, freq_hz: Values) -> Array:
    """Gain that a rough reflector loses: 10 log10(e) (4 pi rms / lambda)^2, or 686 (rms / lambda)^2 dB.

    `surface_rms_m` is the root mean square deviation from the paraboloid (half the error of the path), zero or more;
    else nan. It adds to what `efficiency` counts (illumination, spillover, blockage).
    Source: Ruze, Antenna tolerance theory, Proc. IEEE 54 (1966), equation 1, small correlation lengths.
    """
    rms_m = np.where(np.asarray(surface_rms_m) >= 0, surface_rms_m, np.nan)
    loss_db: Array = 10 * np.log10(np.e) * (4 * np.pi * rms_m / wavelength_m.or_nan(freq_hz)) ** 2
    return loss_db


@checked(freq_hz=POSITIVE)
def effective_aperture_db_m2(freq_hz: Values) -> Array:
    """Effective aperture of an isotropic antenna, lambda^2 / 4 pi, in dB of a square metre (negative above 85 MHz)."""
    aperture_db_m2: Array = 10 * np.log10(wavelength_m.or_nan(freq_hz) ** 2 / (4 * np.pi))
    return aperture_db_m2


@checked(diameter_m=POSITIVE, freq_hz=POSITIVE)
def half_power_beamwidth_deg(diameter_m: Values, freq_hz: Values) -> Array:
    """Full width of the main lobe between its -3 dB points: 70 lambda / D."""
    beamwidth_deg: Array = _BEAMWIDTH_CONSTANT_DEG * wavelength_m.or_nan(freq_hz) / _positive(diameter_m)
    return beamwidth_deg


@checked(offset_deg=FINITE, half_power_beamwidth_deg=POSITIVE)
def pointing_loss_db(offset_deg: Values, half_power_beamwidth_deg: Values) -> Array:
    """Loss inside the main lobe of an antenna that points `offset_deg` beside: 12 (offset / width)^2.

    The parabola holds down to about 20 dB; farther out it is no promise of isolation.
    Source: ITU-R S.672-4, Annex 1 (main lobe, exponent 2).
    """
    loss_db: Array = 12 * (np.asarray(offset_deg) / _positive(half_power_beamwidth_deg)) ** 2
    return loss_db


@checked(noise_figure_db=NOT_NEGATIVE)
def noise_temperature_k(noise_figure_db: Values) -> Array:
    """Temperature of a receiver with this noise figure; nan below 0 dB. Source: ITU-R P.372."""
    figure_db = np.where(np.asarray(noise_figure_db) >= 0, noise_figure_db, np.nan)
    temperature_k: Array = REFERENCE_TEMPERATURE_K * (10 ** (figure_db / 10) - 1)
    return temperature_k


def cascade_temperature_k(temperature_k: Array, gain_db: Array) -> Array:
    """Noise temperature of stages one after the other, at the input of the first (Friis).

    Shape (..., stages) to (...). The gain of the last stage does not matter.
    """
    gain_before_db = np.cumsum(gain_db, axis=-1) - gain_db
    at_input_k: Array = np.sum(temperature_k / 10 ** (gain_before_db / 10), axis=-1)
    return at_input_k


@dataclass(frozen=True)
class ReceiveAntenna:
    """What decides the G/T of a station: arrays that broadcast.

    `ground_temperature_k` is what side and back lobes pick up (spillover). `feed_loss_db` is the loss between flange
    and LNB, at 290 K. `receiver_temperature_k` is LNB and what follows, at the input of the LNB.
    """

    gain_dbi: Values
    receiver_temperature_k: Values
    ground_temperature_k: Values = 0.0
    feed_loss_db: Values = 0.0

    @classmethod
    def of_dish(
        cls,
        diameter_m: Values,
        efficiency: Values,
        freq_hz: Values,
        lnb_noise_figure_db: Values,
        ground_temperature_k: Values = 0.0,
        feed_loss_db: Values = 0.0,
    ) -> Self:
        """A dish with its LNB as in their data sheets."""
        return cls(
            gain_dbi=parabola_gain_dbi.or_nan(diameter_m, efficiency, freq_hz),
            receiver_temperature_k=noise_temperature_k.or_nan(lnb_noise_figure_db),
            ground_temperature_k=ground_temperature_k,
            feed_loss_db=feed_loss_db,
        )

    @classmethod
    def of_figure_of_merit(
        cls, figure_of_merit_db_per_k: Values, system_temperature_k: Values, clear_sky_attenuation_db: Values
    ) -> Self:
        """A station of which G/T and system temperature are known at the flange, both measured under clear sky.

        nan where the sky alone is warmer than the system.
        """
        without_sky_k = np.asarray(system_temperature_k) - sky_noise_temperature_k.or_nan(clear_sky_attenuation_db)
        return cls(
            gain_dbi=figure_of_merit_db_per_k + 10 * np.log10(system_temperature_k),
            receiver_temperature_k=np.where(without_sky_k >= 0, without_sky_k, np.nan),
        )

    def system_temperature_k(self, attenuation_db: Values) -> Array:
        """Noise at the flange: sky through `attenuation_db`, ground, feed and receiver."""
        feed_loss = 10 ** (np.asarray(self.feed_loss_db) / 10)
        temperature_k: Array = (
            sky_noise_temperature_k.or_nan(attenuation_db)
            + self.ground_temperature_k
            + REFERENCE_TEMPERATURE_K * (feed_loss - 1)
            + self.receiver_temperature_k * feed_loss
        )
        return temperature_k

    def figure_of_merit_db_per_k(self, attenuation_db: Values) -> Array:
        """G/T at the flange, under a sky of `attenuation_db`."""
        figure_db_per_k: Array = self.gain_dbi - 10 * np.log10(self.system_temperature_k(attenuation_db))
        return figure_db_per_k


def _positive(value: Values) -> Array:
    number = np.asarray(value, dtype=np.float64)
    return np.where(number > 0, number, np.nan)
