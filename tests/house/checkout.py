"""The checkout as git sees it, and copies of it in which a test may break something."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("core", "enterprise", "supplychain", "resource", "service", "market", "orchestration", "portal", "app")
FOLDERS_OF_THE_PACKAGE = (*LAYERS, "simulators")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def files() -> list[str]:
    """Paths from the root of all that is committed or about to be: what git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({path for path in listed.split("\0") if path and os.path.lexists(ROOT / path)})


def package_files() -> list[str]:
    return [path for path in files() if path.split("/")[0] in FOLDERS_OF_THE_PACKAGE]


def python_files() -> list[str]:
    return [path for path in files() if path.endswith(".py")]


def text_of(path: str) -> str | None:
    """What the file says; None when it is no text (an archive, a picture) or a link."""
    file = ROOT / path
    if file.is_symlink():
        return None
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def fenced(path: str) -> list[tuple[str, str]]:
    """What a page sets apart, from top to bottom: the language and the text."""
    return [(language, text) for language, text in FENCED.findall(text_of(path) or "")]


def project() -> dict[str, Any]:
    """`pyproject.toml`, section `project`."""
    section: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return section


def copy(paths: list[str], to: Path) -> Path:
    for path in paths:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, to / path, follow_symlinks=False)
    return to


def bare_house(to: Path) -> Path:
    """A copy with configuration, links and folders, but no code: what is planted in it is all there is."""
    kept = [path for path in files() if path == "pyproject.toml" or path.startswith("src/") or "py.typed" in path]
    return copy(kept, to)


def plant(house: Path, path: str, source: str) -> None:
    (house / path).parent.mkdir(parents=True, exist_ok=True)
    (house / path).write_text(source)


def run(house: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment in the copy, as a developer does in the checkout."""
    tool = Path(sys.executable).parent / command[0]
    return subprocess.run([str(tool), *command[1:]], cwd=house, capture_output=True, text=True, check=False)
