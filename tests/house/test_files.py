"""What every committed file keeps to."""

import ast
import re

from tests.house.checkout import ROOT, files, python_files, text_of

LONGEST_FILE = 450  # lines; 400 is the aim
LONGEST_FUNCTION = 60  # lines with its docstring; 40 is the aim
# The return value has a field for every line of a link budget, and the function one line for each field.
LONGEST_TEST_FILE = 600
ONE_LINE_A_FIELD = {"bent_pipe_budget"}
MIGRATIONS = "core/migrations/versions/"  # written by a program, read once
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|deb\.debian\.org|--(extra-)?index-url"
)
MACHINE_PATHS = re.compile(r"""(?<![\w.~/:}$-])/(home|root|work|opt|mnt|srv|Users)/[\w.]""")
LINKS = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")  # to files; the web is not asked
PLACES_IN_DOCUMENTED_INSTALLATIONS = ("deploy/",)  # a systemd unit names where an operator installs


def test_no_file_names_a_registry() -> None:
    """Whoever installs uses the registry that his own machine is set to."""
    assert [path for path in files() if REGISTRIES.search(text_of(path) or "")] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    read = [path for path in files() if not path.startswith(PLACES_IN_DOCUMENTED_INSTALLATIONS)]
    assert [path for path in read if MACHINE_PATHS.search(text_of(path) or "")] == []


def test_the_lock_with_hashes_is_the_only_lock() -> None:
    others = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}
    assert [path for path in files() if path.split("/")[-1] in others] == []


def test_no_link_leads_out_of_the_checkout() -> None:
    links = [ROOT / path for path in files() if (ROOT / path).is_symlink()]
    assert [link for link in links if not link.resolve().is_relative_to(ROOT)] == []
    assert [link for link in links if link.readlink().is_absolute()] == []


def test_a_link_in_a_page_leads_somewhere() -> None:
    pages = [ROOT / path for path in files() if path.endswith(".md")]
    links = [(page, link) for page in pages for link in LINKS.findall(page.read_text(encoding="utf-8"))]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_a_file_can_be_read_in_one_sitting() -> None:
    lengths = {path: (text_of(path) or "").count("\n") for path in python_files() if MIGRATIONS not in path}
    limit = {path: LONGEST_TEST_FILE if path.startswith("tests/") else LONGEST_FILE for path in lengths}
    assert {path: length for path, length in lengths.items() if length > limit[path]} == {}


def test_a_function_can_be_read_in_one_look() -> None:
    too_long = [
        f"{path}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in python_files()
        if MIGRATIONS not in path
        for node in ast.walk(ast.parse(text_of(path) or ""))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
        if node.end_lineno - node.lineno >= LONGEST_FUNCTION and node.name not in ONE_LINE_A_FIELD
    ]
    assert too_long == []


def test_every_module_says_what_it_decides() -> None:
    silent = [path for path in python_files() if not ast.get_docstring(ast.parse(text_of(path) or ""))]
    assert [path for path in silent if not path.startswith(("tests/", "core/migrations/"))] == []
