"""The modem's table of MODCODs: information rate and the Es/N0 at which the demodulator locks.

DVB-S2 (ETSI EN 302 307-1, table 13) and DVB-S2X (EN 302 307-2, table 20a), normal FECFRAME, without pilots.
"""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Modcod:
    """One line of the table."""

    name: str
    spectral_efficiency_bit_per_symbol: float
    required_es_over_n0_db: float


def _table() -> dict[str, Modcod]:
    with Path(__file__).with_name("modcods.csv").open(encoding="utf-8", newline="") as lines:
        rows = [
            Modcod(
                row["modcod"],
                float(row["spectral_efficiency_bit_per_symbol"]),
                float(row["required_es_over_n0_db"]),
            )
            for row in csv.DictReader(lines)
        ]
    return {row.name: row for row in rows}


MODCODS = _table()


def known_modcod(name: str) -> Modcod:
    """The line of that name, for example `QPSK 3/4`. Raises `ValueError` naming some that would do."""
    modcod = MODCODS.get(name)
    if modcod is None:
        raise ValueError(f"the modem has no MODCOD {name!r}; it has for example {', '.join(list(MODCODS)[:8])}")
    return modcod


ROBUST_FIRST = sorted(MODCODS.values(), key=lambda one: one.required_es_over_n0_db)


def adapted_modcod(es_over_n0_db: float | None) -> Modcod:
    """The fastest that locks at this ratio; the most robust where none does."""
    holding = [one for one in ROBUST_FIRST if es_over_n0_db is not None and one.required_es_over_n0_db <= es_over_n0_db]
    return max(holding, key=lambda one: one.spectral_efficiency_bit_per_symbol, default=ROBUST_FIRST[0])


def fastest_modcod() -> Modcod:
    return max(ROBUST_FIRST, key=lambda one: one.spectral_efficiency_bit_per_symbol)
