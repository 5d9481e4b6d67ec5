"""docs/validation.md: whole, of tests that are there, and told by comparisons that can fail."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.resource.physics.published import A_LINE, PAGE, ROOT, Published, Section, followed, page_of, two_digits
from tests.resource.physics.validation_sheets import SHEETS

LINES = [match for match in map(A_LINE.match, PAGE.read_text(encoding="utf-8").splitlines()) if match]
REFERENCES = {match["reference"] for match in LINES}


def test_every_sheet_and_every_published_budget_is_on_the_page() -> None:
    budgets = json.loads((ROOT / "tests/data/link_budgets.json").read_text())["cases"]
    assert {sheet.stem for sheet in SHEETS.glob("*.csv")} | {case["id"] for case in budgets} <= REFERENCES


def test_every_line_is_of_a_test_that_is_held_against_something_published() -> None:
    for path in {match["path"] for match in LINES}:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        there = {
            one.name
            for one in tree.body
            if isinstance(one, ast.FunctionDef) and "published" in {argument.arg for argument in one.args.args}
        }
        assert {match["test"].split("[")[0] for match in LINES if match["path"] == path} <= there, path


def test_what_stands_in_for_examples_is_on_the_page_and_is_a_test() -> None:
    assert followed() in PAGE.read_text(encoding="utf-8")
    for path, test in re.findall(r'\(\.\./(\S+) "(\w+)"\)', followed()):
        assert f"\ndef {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_what_is_beyond_its_tolerance_fails_and_tells_how_far(tmp_path: Path) -> None:
    published = Published("tests/x.py", "test_x", [])
    published("R", "q", [1.0, 2.0], [1.0, 2.01], rel=0.006)
    assert published.lines == ['| [R](../tests/x.py "test_x") | q | 2 | 2 | 0.5 % of it | 0.6 % of it | |']
    assert published.of_the_page() == []
    for found in (2.011, float("nan")):
        with pytest.raises(AssertionError, match="R, q"):
            published("R", "q", [1.0, found], [1.0, 2.0], abs=0.01, unit="dB")
    with pytest.raises(AssertionError, match="nothing is compared"):
        published("R", "q", [], [], abs=0.01)


def test_the_page_orders_its_lines_by_reference_whoever_told_them_first() -> None:
    published = Published("tests/x.py", "test_x", [])
    for reference in ("P.838", "P.453"):
        published(reference, "q", 1.0, 1.0, abs=1e-9)
    lines = [(Section.PROPAGATION, line) for line in published.lines]
    assert page_of(lines) == page_of(lines[::-1])


def test_a_difference_is_rounded_up_to_two_digits() -> None:
    assert [two_digits(one) for one in (0.1234, 0.12, 3.01, 9.99e-7)] == [0.13, 0.12, 3.1, 1e-6]
