"""Return waveforms: what the bursts of a DVB-RCS2 terminal carry, and at what Es/N0.

The linear reference waveforms of the standard, short bursts (536 symbols) and long ones (1616). The efficiency counts
the whole burst, preamble and pilots included; the guard time between bursts is not. Thresholds are at a packet error
ratio of 1e-5 in Gaussian noise without implementation loss.

Words: ETSI EN 301 545-2, annex A (waveform identifiers 3 to 22); thresholds as tabulated by the OpenSAND emulator.
"""

import csv
from functools import lru_cache
from importlib.resources import files

import numpy as np

from satcom.resource.physics.modcod import ModcodTable

STANDARD = "DVB-RCS2"
SHORT_BURST_SYMBOLS, LONG_BURST_SYMBOLS = 536, 1616


@lru_cache(maxsize=4)
def rcs2_table(burst_symbols: int = LONG_BURST_SYMBOLS) -> ModcodTable:
    """The waveforms of one burst length, weakest demand first. Raises `ValueError` for a length there is not."""
    text = files("satcom.resource.physics").joinpath("data/dvb_rcs2_waveforms.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if int(row["burst_symbols"]) == burst_symbols]
    if not rows:
        raise ValueError(f"burst_symbols: {burst_symbols} symbols; there are 536 and 1616")
    table = ModcodTable(
        standard=np.full(len(rows), STANDARD),
        name=np.array([f"{row['modulation']} {row['code_rate']}" for row in rows]),
        spectral_efficiency=np.array([float(row["spectral_efficiency_bit_per_symbol"]) for row in rows]),
        es_n0_threshold_db=np.array([float(row["esn0_awgn_db"]) for row in rows]),
        nonlinear_threshold_db=np.full(len(rows), np.nan),
    )
    return table.rows(np.argsort(table.es_n0_threshold_db, kind="stable"))
