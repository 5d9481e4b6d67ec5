"""Every column that a validation sheet prints is read by a test, or told on the page with the reason why not."""

import importlib
import warnings
from collections.abc import Iterable

import numpy as np
import pytest

from tests.resource.physics import validation_sheets
from tests.resource.physics.printed_blocks import LEFT, Column, altered, left_columns, printed_columns
from tests.resource.physics.published import A_LINE, LEFT_HEAD, PAGE, Published, left_lines
from tests.resource.physics.validation_sheets import SHEETS, Cells, sheet_cells

LINES = [match for match in map(A_LINE.match, PAGE.read_text(encoding="utf-8").splitlines()) if match]


def told_by(path: str, test: str) -> list[str]:
    """What the test tells of its comparisons, or that it fails."""
    name, _, parameter = test.removesuffix("]").partition("[")
    run = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    published = Published(path, test, [])
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            run(published, *([int(parameter)] if parameter else []))
    except Exception as failure:  # noqa: BLE001 - however it fails, it has read what was altered
        return [type(failure).__name__]
    return published.lines


@pytest.mark.parametrize("sheet", sorted(sheet.stem for sheet in SHEETS.glob("*.csv")))
def test_every_column_of_numbers_is_read_by_a_test_or_left_with_a_reason(
    sheet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = sheet_cells(sheet)
    tests = sorted({(line["path"], line["test"]) for line in LINES if line["reference"] == sheet})
    usual = {one: told_by(*one) for one in tests}
    columns, left = set(printed_columns(cells)), left_columns(sheet)

    def is_read(chosen: Iterable[Column]) -> bool:
        other: Cells = cells
        for column in chosen:
            other = altered(other, column)
        monkeypatch.setattr(
            validation_sheets, "sheet_cells", lambda name: other if name == sheet else sheet_cells(name)
        )
        return any(told_by(*one) != usual[one] for one in tests)

    assert left <= columns
    assert not left or not is_read(left), "left on the page, and read"
    assert [column for column in sorted(columns - left, key=str) if not is_read([column])] == []


def test_the_page_tells_what_is_left() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith("".join([LEFT_HEAD, *left_lines()]))
    assert set(LEFT) <= {sheet.stem for sheet in SHEETS.glob("*.csv")}
