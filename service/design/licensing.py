"""Licensing: what a terminal would send, so that the licence is found which leaves most to it.

On shared carriers it is judged by the rate that it asks for, as if it had a carrier of its own.
"""

import numpy as np

from satcom.resource.licence import Sends
from satcom.resource.physics.antenna import parabola_gain_dbi
from satcom.resource.physics.modcod import dvb_table, symbol_rate_baud
from satcom.service.design.facts import Fleet, TerminalTypeFacts


def sends(kind: TerminalTypeFacts, up_freq_hz: float, rate_bps: int) -> Sends:
    """With all its power, at any MODCOD that modems know; losses are those of every licence alike."""
    table = dvb_table()
    gain_dbi = float(parabola_gain_dbi.or_nan(kind.antenna_diameter_m, kind.antenna_efficiency, up_freq_hz))
    rate_baud = symbol_rate_baud.or_nan(float(rate_bps), table.spectral_efficiency)
    return Sends(10 * np.log10(kind.buc_power_w) + gain_dbi, np.asarray(rate_baud), table.es_n0_threshold_db)


def highest_uplink_hz(fleet: Fleet, band: str) -> float:
    """Of the fleet in this band; where it has none the licence decides by its density alone."""
    return max((float(one.uplink_center_hz) for one in fleet.transponders if one.band == band), default=1e9)
