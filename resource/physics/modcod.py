"""MODCODs: which modulation and code a carrier can use, and the spectrum a bit rate then needs.

Thresholds are those of the standards for normal frames in Gaussian noise at quasi-error-free (packet error ratio
1e-7 in DVB-S2, frame error ratio 1e-5 in DVB-S2X); what a real modem loses is the implementation margin.
Efficiencies are information bits per symbol without pilots.

Words: ETSI EN 302 307-1 table 13 (DVB-S2) and EN 302 307-2 table 20a (DVB-S2X).
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from satcom.resource.physics.checked import FINITE, POSITIVE, Accepted, checked

Array = NDArray[np.float64]
Values = float | Array  # anything that broadcasts
Indices = NDArray[np.intp]
Names = NDArray[np.str_]
Scalar = TypeVar("Scalar", bound=np.generic)

PILOT_EFFICIENCY = 1440 / 1476  # EN 302 307-1, 5.5.3: 36 pilot symbols after each 16 slots of 90
NONE_CLOSES = -1


@dataclass(frozen=True, eq=False)
class ModcodTable:
    """MODCODs side by side, weakest demand first; read-only arrays of shape (modcods,).

    `nonlinear_threshold_db` is Csat/(N0 Rs) of a single carrier at saturation, nan where the standard gives none.
    """

    standard: Names
    name: Names
    spectral_efficiency: Array
    es_n0_threshold_db: Array
    nonlinear_threshold_db: Array

    def __len__(self) -> int:
        return len(self.name)

    def of_standard(self, standard: str) -> "ModcodTable":
        """Only what a modem of `standard` knows. A DVB-S2X modem knows DVB-S2 too: use the whole table.

        Raises `ValueError` when the table has none.
        """
        rows = np.flatnonzero(self.standard == standard)
        if not rows.size:
            raise ValueError(f"no MODCOD of {standard!r}; there are {', '.join(sorted(set(self.standard)))}")
        return self.rows(rows)

    def best(self, es_n0_db: Values, implementation_margin_db: Values) -> Indices:
        """The most efficient MODCOD that `es_n0_db` carries after the margin; `NONE_CLOSES` where none does, or nan."""
        available_db = np.asarray(es_n0_db - np.asarray(implementation_margin_db), dtype=np.float64)
        # row k of `champions`: the most efficient of the k + 1 least demanding
        champions = np.maximum.accumulate(
            np.where(
                self.spectral_efficiency >= np.maximum.accumulate(self.spectral_efficiency), np.arange(len(self)), 0
            )
        )
        reached = np.searchsorted(self.es_n0_threshold_db, available_db, side="right") - 1
        chosen: Indices = np.where((reached >= 0) & ~np.isnan(available_db), champions[reached], NONE_CLOSES)
        return chosen

    def rows(self, rows: Indices) -> "ModcodTable":
        """These rows, in this order; read-only."""
        return ModcodTable(
            standard=_frozen(self.standard[rows]),
            name=_frozen(self.name[rows]),
            spectral_efficiency=_frozen(self.spectral_efficiency[rows]),
            es_n0_threshold_db=_frozen(self.es_n0_threshold_db[rows]),
            nonlinear_threshold_db=_frozen(self.nonlinear_threshold_db[rows]),
        )


@lru_cache(maxsize=1)
def dvb_table() -> ModcodTable:
    """All MODCODs of DVB-S2 and DVB-S2X, normal frames."""
    text = files("satcom.resource.physics").joinpath("data/dvbs2_dvbs2x_modcods.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    table = ModcodTable(
        standard=np.array([row["standard"] for row in rows]),
        name=np.array([f"{row['modulation']} {row['code_rate']}" for row in rows]),
        spectral_efficiency=np.array([float(row["spectral_efficiency_bit_per_symbol"]) for row in rows]),
        es_n0_threshold_db=np.array([float(row["esn0_awgn_db"]) for row in rows]),
        nonlinear_threshold_db=np.array([float(row["csat_n0rs_nonlinear_db"] or "nan") for row in rows]),
    )
    return table.rows(np.argsort(table.es_n0_threshold_db, kind="stable"))


@checked(es_n0_db=FINITE, implementation_margin_db=FINITE)
def best_modcod(es_n0_db: Values, implementation_margin_db: Values) -> Indices:
    """Rows of `dvb_table()`: the most efficient MODCOD of DVB-S2 or DVB-S2X; `NONE_CLOSES` where none closes."""
    return dvb_table().best(es_n0_db, implementation_margin_db)


@checked(bit_rate_bps=POSITIVE, spectral_efficiency=POSITIVE)
def symbol_rate_baud(bit_rate_bps: Values, spectral_efficiency: Values) -> Array:
    """Symbols a second for `bit_rate_bps` of information; nan when that is not above zero.

    With pilots, multiply the efficiency by `PILOT_EFFICIENCY`.
    """
    asked_bps = np.asarray(bit_rate_bps, dtype=np.float64)
    rate_baud: Array = np.where(asked_bps > 0, asked_bps, np.nan) / spectral_efficiency
    return rate_baud


@checked(bit_rate_bps=POSITIVE, spectral_efficiency=POSITIVE, rolloff=Accepted(0.0, 1.0))
def occupied_bandwidth_hz(bit_rate_bps: Values, spectral_efficiency: Values, rolloff: Values) -> Array:
    """Symbol rate times (1 + roll-off), guard bands not included. Source: EN 302 307-1, 5.6."""
    bandwidth_hz: Array = symbol_rate_baud.or_nan(bit_rate_bps, spectral_efficiency) * (1 + np.asarray(rolloff))
    return bandwidth_hz


@checked(bandwidth_hz=POSITIVE, spectral_efficiency=POSITIVE, rolloff=Accepted(0.0, 1.0))
def bit_rate_bps(bandwidth_hz: Values, spectral_efficiency: Values, rolloff: Values) -> Array:
    """Information a carrier of this occupied bandwidth brings: the inverse of `occupied_bandwidth_hz`."""
    rate_bps: Array = np.asarray(bandwidth_hz) / (1 + np.asarray(rolloff)) * spectral_efficiency
    return rate_bps


@checked(es_n0_db=FINITE, spectral_efficiency=POSITIVE)
def eb_n0_db(es_n0_db: Values, spectral_efficiency: Values) -> Array:
    """Energy per information bit: Es/N0 less 10 log10 of the bits in a symbol."""
    ratio_db: Array = np.asarray(es_n0_db) - 10 * np.log10(spectral_efficiency)
    return ratio_db


def _frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    array.setflags(write=False)
    return array
