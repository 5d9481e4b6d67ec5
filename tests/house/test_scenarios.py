"""What the documents say works has a scenario that shows it, and what has a scenario is said."""

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.house.checkout import files, text_of

ROW = re.compile(r"\b(?:[SOE][MSRP]|X)\d{1,2}\b")  # OS1 is operations, service layer, row 1; X1 goes through several
FOLDER = "tests/scenarios"
WITHOUT_OPERATOR = f"{FOLDER}/test_x_kernel_alone.py"  # its interface is the import of the physics, by a page
SCENARIOS = {path: PurePosixPath(path).name for path in files() if re.match(rf"{FOLDER}/test_\w+\.py$", path)}


def row_of(path: str) -> str:
    """The row that a scenario file is named after; X for what goes through all of them."""
    found = re.match(r"test_([a-z]{2}\d{1,2}|x)_\w+\.py$", SCENARIOS[path])
    assert found, f"{path}: a scenario is called test_<row>_<what it is about>.py"
    return found[1].upper()


def rows_of(path: str) -> set[str]:
    """All rows that a scenario says it shows: its docstring begins with them."""
    said, colon, _ = (ast.get_docstring(ast.parse(text_of(path) or "")) or "").partition(": ")
    assert colon, f"{path}: the docstring of a scenario begins with its rows and a colon"
    return set(said.split(", "))


def rows_in(*documents: str) -> set[str]:
    return {row for path in documents for row in ROW.findall(text_of(path) or "")}


def public_documents() -> list[str]:
    return [path for path in files() if path in ("README.md", "CHANGELOG.md") or re.match(r"docs/.*\.md$", path)]


def test_every_row_that_the_documents_name_has_its_scenario() -> None:
    assert rows_in(*public_documents()) <= set().union(*map(rows_of, SCENARIOS))


def test_every_row_that_has_a_scenario_is_named_in_the_changelog() -> None:
    assert set().union(*map(rows_of, SCENARIOS)) - {"X"} <= rows_in("CHANGELOG.md")


@pytest.mark.parametrize("path", sorted(SCENARIOS))
def test_a_scenario_says_its_row(path: str) -> None:
    assert all(row == "X" or ROW.fullmatch(row) for row in rows_of(path))
    assert any(row.startswith(row_of(path)) for row in rows_of(path))


@pytest.mark.parametrize("path", sorted(SCENARIOS.keys() - {WITHOUT_OPERATOR}))
def test_a_scenario_tries_bad_input_on_a_running_operator(path: str) -> None:
    tree = ast.parse(text_of(path) or "")
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    tests = [name for name in functions if name.startswith("test_")]
    assert tests
    for name in tests:
        assert _looks_at_an_operator(name, functions), name
    refusals = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, int)}
    assert refusals & set(range(400, 500)), "no refusal is expected anywhere"


def test_what_needs_no_operator_tries_bad_input_too() -> None:
    assert "is out of range" in (text_of(WITHOUT_OPERATOR) or "")


def _looks_at_an_operator(name: str, functions: dict[str, ast.FunctionDef]) -> bool:
    """Whether a test asks for the running operator, itself or by a fixture of its file."""
    if name == "operator":
        return True
    return name in functions and any(
        _looks_at_an_operator(argument.arg, functions) for argument in functions[name].args.args
    )


@pytest.mark.parametrize("path", sorted(SCENARIOS))
def test_a_scenario_goes_through_the_public_interface_only(path: str) -> None:
    tree = ast.parse(text_of(path) or "")
    imported = {one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
    inside = {name for name in imported if name.startswith("satcom.")}
    assert inside <= {"satcom.core.loading", "satcom.core.values"}  # the ids of the loaded files, and the type of JSON
