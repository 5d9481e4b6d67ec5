"""Receive chain: how the noise of feed, LNB, cable and modem adds up, stage after stage, and what of it rain changes.

Everything is counted at the antenna flange, the reference plane of G/T. A loss is a stage too: it is as noisy as it
is warm. What the sky adds in rain is `antenna`; what the noise means for a carrier is `link_budget`.

Words: ITU-R P.372 (noise factor and temperature), H. T. Friis, Noise Figures of Radio Receivers, Proc. IRE 32, 1944.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.antenna import (
    REFERENCE_TEMPERATURE_K,
    ReceiveAntenna,
    cascade_temperature_k,
    noise_temperature_k,
)
from satcom.resource.physics.checked import FINITE, NOT_NEGATIVE, checked

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts


@dataclass(frozen=True)
class Stage:
    """One stage: its noise temperature at its own input, and its gain. Arrays broadcast; nan where it is impossible."""

    temperature_k: Values
    gain_db: Values

    @classmethod
    def of_noise_figure(cls, noise_figure_db: Values, gain_db: Values) -> Self:
        """An amplifier or converter by its data sheet. Source: ITU-R P.372."""
        return cls(noise_temperature_k.or_nan(noise_figure_db), gain_db)

    @classmethod
    def of_loss(cls, loss_db: Values, temperature_k: Values = REFERENCE_TEMPERATURE_K) -> Self:
        """A feed, waveguide or cable of this loss at this physical temperature: T (l - 1). nan below 0 dB."""
        loss = np.where(np.asarray(loss_db) >= 0, loss_db, np.nan)
        return cls(np.asarray(temperature_k) * (10 ** (loss / 10) - 1), -loss)


def chain_temperature_k(stages: Sequence[Stage]) -> Array:
    """Noise temperature of the whole chain at the input of its first stage (Friis). Raises `ValueError` without one."""
    if not stages:
        raise ValueError("stages: a receive chain has at least one stage")
    columns = np.broadcast_arrays(*(one for stage in stages for one in (stage.temperature_k, stage.gain_db)))
    return cascade_temperature_k(np.stack(columns[::2], axis=-1), np.stack(columns[1::2], axis=-1))


@checked(temperature_k=NOT_NEGATIVE)
def noise_figure_db(temperature_k: Values) -> Array:
    """Noise figure of a chain of this temperature; nan below 0 K. Source: ITU-R P.372."""
    temperature = np.where(np.asarray(temperature_k) >= 0, temperature_k, np.nan)
    figure_db: Array = 10 * np.log10(1 + temperature / REFERENCE_TEMPERATURE_K)
    return figure_db


@checked(antenna_gain_dbi=FINITE, ground_temperature_k=NOT_NEGATIVE, feed_loss_db=NOT_NEGATIVE)
def receive_antenna(
    antenna_gain_dbi: Values, ground_temperature_k: Values, feed_loss_db: Values, stages: Sequence[Stage]
) -> ReceiveAntenna:
    """The antenna with this chain behind its feed: G/T under any sky. The feed is at 290 K."""
    return ReceiveAntenna(antenna_gain_dbi, chain_temperature_k(stages), ground_temperature_k, feed_loss_db)
