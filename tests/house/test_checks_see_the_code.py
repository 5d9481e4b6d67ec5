"""A check can be green because it looked at nothing. So each is shown a fault in every layer and must name it."""

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.house.checkout import FOLDERS_OF_THE_PACKAGE, LAYERS, ROOT, bare_house, package_files, plant, run

UNTYPED = "def answer(question):\n    return question\n"
WRONG_TYPE = 'def answer() -> int:\n    return "forty-two"\n'
HIDDEN_IMPORT = "def answer() -> str:\n    from json import dumps\n\n    return dumps(42)\n"

FOLDERS_WITH_CODE = sorted(
    {str(Path(path).parent) for path in package_files() if path.endswith(".py")} | {*FOLDERS_OF_THE_PACKAGE}
)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return bare_house(tmp_path)


def contracts(house: Path) -> str:
    """What import-linter says about the copy, without its colours and ornaments.

    The checkout is installed in this environment; it is taken off the path, or both would be read as one package.
    """
    program = (
        "import sys; from importlinter.cli import lint_imports_command;"
        f"sys.path = [{str(house / 'src')!r}, *(p for p in sys.path if p not in ('', {str(ROOT / 'src')!r}))];"
        "lint_imports_command(['--no-cache'])"
    )
    done = run(house, Path(sys.executable).name, "-c", program)
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def test_mypy_sees_every_folder_of_the_package(house: Path) -> None:
    for folder in FOLDERS_WITH_CODE:
        plant(house, f"{folder}/planted.py", WRONG_TYPE)
        plant(house, f"{folder}/planted_untyped.py", UNTYPED)
    done = run(house, "mypy")
    assert done.returncode == 1
    missed = [
        folder
        for folder in FOLDERS_WITH_CODE
        if f"src/satcom/{folder}/planted.py:2: error" not in done.stdout
        or f"src/satcom/{folder}/planted_untyped.py:1: error" not in done.stdout
    ]
    assert missed == []


def test_mypy_sees_the_tests(house: Path) -> None:
    plant(house, "tests/resource/physics/test_planted.py", WRONG_TYPE)
    plant(house, "tests/house/test_planted.py", UNTYPED)
    plant(house, "tests/shared.py", WRONG_TYPE)
    plant(house, "tests/house/test_sharing.py", "from tests.shared import answer\n\nwrong: str = answer()\n")
    done = run(house, "mypy", "tests")
    assert "tests/resource/physics/test_planted.py:2: error" in done.stdout
    assert "tests/house/test_planted.py:1: error" in done.stdout
    assert "tests/house/test_sharing.py:3: error" in done.stdout  # one test module's types are known to another


def test_mypy_finds_nothing_where_nothing_is_wrong(house: Path) -> None:
    for folder in FOLDERS_WITH_CODE:
        plant(house, f"{folder}/planted.py", WRONG_TYPE.replace('"forty-two"', "42"))
    done = run(house, "mypy")
    assert done.returncode == 0, done.stdout


def a_module_in_each(house: Path) -> None:
    for folder in FOLDERS_OF_THE_PACKAGE:
        plant(house, f"{folder}/planted.py", "")
        plant(house, f"{folder}/target.py", "")  # imports nothing, so that no fault is seen only through another
    plant(house, "resource/physics/planted.py", "")


def test_an_import_from_the_layer_above_is_refused_in_every_layer(house: Path) -> None:
    a_module_in_each(house)
    for lower, upper in pairwise(LAYERS):
        plant(house, f"{lower}/planted.py", f"from satcom.{upper} import target\n")
    said = contracts(house)
    assert "Imports only point down BROKEN" in said
    missed = [pair for pair in pairwise(LAYERS) if "satcom.{}.planted -> satcom.{}.target".format(*pair) not in said]
    assert missed == []


def test_an_upward_import_is_seen_in_a_folder_within_a_layer(house: Path) -> None:
    a_module_in_each(house)
    plant(house, "resource/physics/planted.py", "from satcom.market import target\n")
    assert "satcom.resource.physics.planted -> satcom.market.target" in contracts(house)


def test_an_import_from_a_layer_below_is_allowed(house: Path) -> None:
    a_module_in_each(house)
    for lower, upper in pairwise(LAYERS):
        plant(house, f"{upper}/planted.py", f"from satcom.{lower} import target\n")
    said = contracts(house)
    assert "Imports only point down KEPT" in said, said
    assert "BROKEN" not in said


def test_the_portal_may_still_be_empty(house: Path) -> None:
    a_module_in_each(house)
    for module in (house / "portal").glob("*.py"):
        module.unlink()
    assert "Contracts: 3 kept, 0 broken" in contracts(house)


@pytest.mark.parametrize("layer", LAYERS)
def test_simulators_know_nothing_of_the_product(house: Path, layer: str) -> None:
    a_module_in_each(house)
    plant(house, "simulators/planted.py", f"from satcom.{layer} import target\n")
    assert "Simulators share nothing with the product BROKEN" in contracts(house)


def test_simulators_may_read_their_settings(house: Path) -> None:
    a_module_in_each(house)
    plant(house, "core/settings.py", "")
    plant(house, "simulators/planted.py", "from satcom.core import settings\n")
    assert "BROKEN" not in contracts(house)


@pytest.mark.parametrize("forbidden", ["satcom.core.target", "sqlmodel", "sqlalchemy", "fastapi"])
def test_physics_stands_alone(house: Path, forbidden: str) -> None:
    a_module_in_each(house)
    plant(house, "resource/physics/planted.py", f"import {forbidden}\n")
    assert "Physics stands alone BROKEN" in contracts(house)


def test_ruff_sees_an_import_hidden_in_a_function_in_every_folder(house: Path) -> None:
    for folder in FOLDERS_WITH_CODE:
        plant(house, f"{folder}/planted.py", HIDDEN_IMPORT)
    done = run(house, "ruff", "check", "--output-format=concise", ".")
    assert [folder for folder in FOLDERS_WITH_CODE if f"{folder}/planted.py:2:5: PLC0415" not in done.stdout] == []


def test_no_file_is_excused_from_the_type_check() -> None:
    excused = re.compile(r"^# *mypy:|# type: ignore(?!\[)", re.MULTILINE)
    found = [path for path in package_files() if path.endswith(".py") and excused.search((ROOT / path).read_text())]
    assert found == []
