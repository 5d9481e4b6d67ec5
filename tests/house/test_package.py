"""What a user installs is what the checkout holds: no file lost on the way, none shadowing Python's own."""

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.house.checkout import FOLDERS_OF_THE_PACKAGE, ROOT, copy, files, package_files, python_files

BUILD = "import setuptools.build_meta as backend, sys; print(getattr(backend, sys.argv[1])(sys.argv[2]))"


def build(kind: str, house: Path, to: Path) -> Path:
    """Build as pip does, with the environment's own setuptools: the same steps, and no network."""
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(to)]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, check=True)
    return to / done.stdout.splitlines()[-1]


def modules_imported(path: str) -> set[str]:
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The list of a wheel built the long way: checkout, source archive, wheel."""
    place = tmp_path_factory.mktemp("package")
    house = copy([path for path in files() if not path.startswith("tests/")], place / "checkout")
    with tarfile.open(build("sdist", house, place)) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (unpacked,) = (place / "unpacked").iterdir()
    with zipfile.ZipFile(build("wheel", unpacked, place)) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: set[str]) -> None:
    packed = {name for name in wheel if ".dist-info/" not in name}
    assert packed == {f"satcom/{path}" for path in package_files()}


def test_the_wheel_carries_its_licence(wheel: set[str]) -> None:
    assert [name for name in wheel if name.endswith(".dist-info/licenses/LICENSE")]


def test_every_layer_is_linked_into_the_package_and_typed() -> None:
    links = {path.name: path for path in (ROOT / "src" / "satcom").iterdir()}
    assert set(links) == set(FOLDERS_OF_THE_PACKAGE)
    assert all(link.is_symlink() and link.resolve() == ROOT / name for name, link in links.items())
    assert all((ROOT / name / "py.typed").is_file() for name in FOLDERS_OF_THE_PACKAGE)


def test_no_folder_is_a_classic_package() -> None:
    """An `__init__.py` in `resource/` would hide the standard module; one above it hides it from import-linter."""
    assert [path for path in python_files() if path.endswith("__init__.py")] == []


def test_code_is_imported_under_one_name_only() -> None:
    """`from market import ...` works from the root too, and would make a second copy of every table."""
    ours = tuple(f"{folder}." for folder in (*FOLDERS_OF_THE_PACKAGE, "src"))
    wrong = [
        (path, module)
        for path in python_files()
        for module in modules_imported(path) - {"resource"}  # Python's own
        if f"{module}.".startswith(ours)
    ]
    assert wrong == []


def test_the_standard_module_resource_is_found_from_the_root() -> None:
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)


def test_the_tests_that_are_imported_are_ours() -> None:
    """A dependency that installs a package `tests` of its own would win over a folder without `__init__.py`."""
    program = "import tests; print(*tests.__path__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == ROOT / "tests"
