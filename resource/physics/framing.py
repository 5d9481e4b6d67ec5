"""Framing: how much of a DVB-S2 or S2X carrier is information, counted from its frames.

A physical-layer frame is a header of 90 symbols and slots of 90; pilots add 36 symbols after each 16 slots. Short
frames need less waiting and lose a little: their header weighs more, and so does the shorter code.

Words: ETSI EN 302 307-1, 5.3 (coding, tables 5a and 5b), 5.5 (frames, pilots) and table 13 with its note.
"""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import POSITIVE, checked
from satcom.resource.physics.modcod import ModcodTable, dvb_table

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts

NORMAL_FRAME_BITS, SHORT_FRAME_BITS = 64_800, 16_200
HEADER_BITS = 80  # of the base-band frame
SLOT_SYMBOLS, PILOT_SYMBOLS, SLOTS_BETWEEN_PILOTS = 90, 36, 16
SHORT_FRAME_LOSS_DB = 0.3  # table 13 gives 0.2 to 0.3 dB
BITS_PER_SYMBOL: Final = MappingProxyType({"QPSK": 2, "8PSK": 3, "16APSK": 4, "32APSK": 5})
# Bits before the outer code (K_bch) by code rate.
NORMAL_BITS: Final = MappingProxyType(
    {
        "1/4": 16008, "1/3": 21408, "2/5": 25728, "1/2": 32208, "3/5": 38688, "2/3": 43040, "3/4": 48408,
        "4/5": 51648, "5/6": 53840, "8/9": 57472, "9/10": 58192,
    }
)  # fmt: skip
SHORT_BITS: Final = MappingProxyType(
    {
        "1/4": 3072, "1/3": 5232, "2/5": 6312, "1/2": 7032, "3/5": 9552, "2/3": 10632, "3/4": 11712,
        "4/5": 12432, "5/6": 13152, "8/9": 14232,
    }
)  # fmt: skip


@checked(information_bits=POSITIVE, frame_bits=POSITIVE, bits_per_symbol=POSITIVE)
def frame_efficiency(information_bits: Values, frame_bits: Values, bits_per_symbol: Values, pilots: bool) -> Array:
    """Information bits a symbol of frames with `information_bits` before the outer code. Arguments broadcast.

    Source: EN 302 307-1, 5.5.2 and 5.5.3.
    """
    slots = np.asarray(frame_bits) / np.asarray(bits_per_symbol) / SLOT_SYMBOLS
    symbols = SLOT_SYMBOLS * (slots + 1)
    if pilots:
        symbols = symbols + PILOT_SYMBOLS * np.floor((slots - 1) / SLOTS_BETWEEN_PILOTS)
    efficiency: Array = (np.asarray(information_bits) - HEADER_BITS) / symbols
    return efficiency


def framed_table(short_frames: bool = False, pilots: bool = False) -> ModcodTable:
    """The MODCODs as frames of this kind carry them.

    Short frames are those of DVB-S2, where the standard gives their bits (9/10 has none). Of normal frames with
    pilots the efficiency of DVB-S2 is counted, that of DVB-S2X taken down by the share of the pilots of its slots.
    """
    table = dvb_table()
    if not short_frames and not pilots:
        return table
    rows, efficiencies = [], []
    for row, (standard, name) in enumerate(zip(table.standard, table.name, strict=True)):
        modulation, _, rate = str(name).partition(" ")
        counted = standard == "DVB-S2"
        bits = (SHORT_BITS if short_frames else NORMAL_BITS).get(rate) if counted else None
        if bits is not None:
            frame = SHORT_FRAME_BITS if short_frames else NORMAL_FRAME_BITS
            efficiencies.append(float(frame_efficiency.or_nan(bits, frame, BITS_PER_SYMBOL[modulation], pilots)))
            rows.append(row)
        elif not short_frames:
            efficiencies.append(float(table.spectral_efficiency[row]) * _with_pilots(modulation))
            rows.append(row)
    loss_db = SHORT_FRAME_LOSS_DB if short_frames else 0.0
    chosen = table.rows(np.array(rows, dtype=np.intp))
    return replace(
        chosen, spectral_efficiency=np.array(efficiencies), es_n0_threshold_db=chosen.es_n0_threshold_db + loss_db
    )


def _with_pilots(modulation: str) -> float:
    """Symbols without pilots over those with, of a normal frame."""
    points = "".join(letter for letter in modulation if letter.isdigit())
    bits = 2 if modulation == "QPSK" else int(np.log2(int(points)))
    slots = np.ceil(NORMAL_FRAME_BITS / bits / SLOT_SYMBOLS)
    symbols = SLOT_SYMBOLS * (slots + 1)
    return float(symbols / (symbols + PILOT_SYMBOLS * np.floor((slots - 1) / SLOTS_BETWEEN_PILOTS)))
