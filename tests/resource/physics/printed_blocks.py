"""What the validation sheets print, column by column, and which columns no test reads, with the reason.

A column is read when a test of the sheet fails, or says something else, once every number in it is another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tests.resource.physics.validation_sheets import Cells, number


@dataclass(frozen=True)
class Column:
    """Numbers one below the other, of a table: lines and columns counted from 1 as a spreadsheet does."""

    first_line: int
    last_line: int
    column: int


def printed_columns(cells: Cells) -> Iterator[Column]:
    """The columns of numbers, cut where a line of the sheet has none at all."""
    numeric = [[np.isfinite(number(cell)) for cell in row] for row in cells]
    line = 0
    for any_number, rows in groupby(numeric, key=any):
        block = list(rows)
        if any_number:
            for column in range(max(map(len, block))):
                lines = [line + at + 1 for at, row in enumerate(block) if column < len(row) and row[column]]
                if lines:
                    yield Column(lines[0], lines[-1], column + 1)
        line += len(block)


def altered(cells: Cells, column: Column) -> Cells:
    """The sheet with other numbers in the column."""
    copy = [list(row) for row in cells]
    for row in copy[column.first_line - 1 : column.last_line]:
        if column.column <= len(row) and np.isfinite(value := number(row[column.column - 1])):
            row[column.column - 1] = repr(value * 1.5 + 1)
    return copy


STEP = "steps on the way to what is compared"
AGAIN = "inputs that are not needed, or told again"
MONTHLY = "monthly statistics: there is no such method"
WEIBULL = "Weibull parameters: their maps are not shipped"

# By sheet: first and last line, columns, and why no test reads them.
LEFT: dict[str, list[tuple[int, int, str, str]]] = {
    "P.1511_TOPO": [(8, 22, "5-7", "height of the geoid: there is no such method")],
    "P.1623_1_Fade_Dur": [
        (10, 13, "6", AGAIN), (10, 13, "11-12", STEP), (17, 23, "6", AGAIN), (17, 23, "11-12", STEP),
        (28, 33, "4-6", AGAIN),
    ],
    "P.1623_1_Fade_Slope": [
        (10, 10, "5", STEP), (10, 109, "7", "density: there not the derivative of its own distribution"),
    ],
    "P.1815_1_DIFF_ATT": [
        (10, 11, "2-4,6-7", AGAIN), (10, 10, "9", AGAIN), (30, 30, "1", AGAIN), (30, 30, "8-11", STEP),
        (30, 30, "18", "a rectangle of the joint probability that is compared"),
    ],
    "P.2145_CLIMATIC_MAPS_GAS_ATT": [
        (9, 87, "14-18", WEIBULL),
        (93, 171, "1-4,6-18", MONTHLY), (93, 171, "19-37", MONTHLY),
    ],
    "P.618_14_A_Rain": [(13, 76, "2-3", AGAIN), (13, 76, "18", STEP)],
    "P.618_14_A_Rain_non_GSO": [(8, 8, "8", AGAIN), (8, 8, "18", STEP), (13, 97, "11,16", STEP)],
    "P.618_14_A_Scint": [(11, 58, "3-4", AGAIN), (11, 58, "11-14", STEP)],
    "P.618_14_A_Scint_Shallow": [(12, 65, "5", AGAIN), (12, 65, "11-12,15,18-24", STEP)],
    "P.618_14_A_scint_Deep": [(12, 65, "4", AGAIN), (12, 65, "9", STEP)],
    "P.618_14_Att_Tot": [
        (15, 62, "4", AGAIN), (67, 67, "1-9", AGAIN),
        (95, 97, "3", AGAIN), (93, 97, "4", AGAIN),
    ],
    "P.618_14_Freq_Scaling": [
        (12, 12, "1-5", AGAIN), (18, 29, "4,11", STEP), (15, 29, "8", STEP), (16, 16, "15-16", STEP),
        (17, 27, "19", AGAIN),
    ],
    "P.618_14_PofA": [(10, 73, "4", AGAIN), (10, 73, "7-11", STEP)],
    "P.618_14_SD_Gain": [(10, 30, "6-11", STEP)],
    "P.618_14_SD_JP": [
        (11, 15, "2-4,6-7", AGAIN), (11, 14, "9", AGAIN), (32, 41, "1", AGAIN), (31, 42, "4-7,12-13", STEP),
    ],
    "P.618_14_XPD": [(9, 72, "1-4", AGAIN), (9, 72, "10-15,17", STEP)],
    "P.676_13_A_Gas_A1_2.2.1a": [(14, 14, "2", AGAIN), (14, 935, "5-9,14,17-19,23", STEP)],
    "P.676_13_A_Gas_A1_2.2.1b": [
        (15, 15, "6-8,38-40", STEP), (15, 196, "9-23,25-27", STEP), (15, 448, "41-55,57-59", STEP),
    ],
    "P.676_13_A_Gas_A2_INST": [
        (11, 20, "2,19", "relative humidity: there is no such method"), (11, 20, "6,23", AGAIN), (11, 20, "14", STEP),
    ],
    "P.676_13_A_Gas_A2_STAT": [
        (12, 88, "4,10-11,25-29,31", AGAIN), (12, 88, "21,23,36,38", STEP),
        (93, 169, "1-3,6,11-13,26-30,32", AGAIN), (93, 169, "22,24,37,39", STEP),
    ],
    "P.676_13_A_Gas_A2_Weib": [
        (9, 23, "1-3", AGAIN), (9, 23, "16", STEP),
        (10, 22, "5,18", "slant: the zenith over the sine of the elevation"),
    ],
    "P.676_13_SpAtt": [
        (9, 17, "3-7,12-16", "five frequencies step by step: they are among the 350"),
        (19, 368, "4", "the sum of the two that are compared"),
    ],
    "P.836_6_WV": [(49, 80, "1-3,5,7-10", MONTHLY), (122, 153, "1-3,5,7-10", MONTHLY)],
    "P.837_7_Rp": [(12, 51, "4-39,42-43", STEP), (57, 64, "3,5-6", AGAIN)],
    "P.838_3_Sp.Att": [(11, 74, "1-3", AGAIN), (11, 74, "12-13", STEP)],
    "P.839_4_Rain_Height": [(11, 18, "4", STEP)],
    "P.840_9_A_Clouds": [(10, 41, "6-8", STEP)],
    "P840_9_L": [(13, 48, "10-12,14-17", MONTHLY)],
}  # fmt: skip


def left_columns(sheet: str) -> set[Column]:
    """The columns of the sheet that LEFT names."""
    return {
        Column(first, last, column)
        for first, last, columns, _ in LEFT.get(sheet, [])
        for part in columns.split(",")
        for column in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)
    }
