"""The ITU-R validation examples (CG-3M3J-13-ValEx Rev 8.3.0) as arrays."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Cells = list[list[str]]
SHEETS = Path(__file__).parents[2] / "data" / "itu_valex"


def number(cell: str) -> float:
    """The cell's number, else nan."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def sheet_cells(sheet: str) -> Cells:
    """Every cell of the sheet, line by line."""
    with (SHEETS / f"{sheet}.csv").open(encoding="utf-8") as file:
        return list(csv.reader(file))


def sheet_numbers(sheet: str) -> list[list[float]]:
    """Every cell of the sheet as a number, else nan."""
    return [[number(cell) for cell in row] for row in sheet_cells(sheet)]


def sheet_rows(sheet: str, needed: Sequence[int], lines: range | None = None) -> NDArray[np.float64]:
    """Rows of a sheet with a number in each needed column, optionally only those on some lines (from 1)."""
    cells = sheet_numbers(sheet)
    chosen = cells if lines is None else cells[lines.start - 1 : lines.stop - 1]
    rows = np.array(chosen)
    numeric: NDArray[np.float64] = rows[np.isfinite(rows[:, needed]).all(axis=1)]
    return numeric
