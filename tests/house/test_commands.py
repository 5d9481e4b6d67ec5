"""`make` and CI on machines that lack something: they say what to type, and they do nothing twice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, copy

PROGRAMS_OF_ANY_MACHINE = ("cat", "cksum", "dirname", "env", "grep", "mkdir", "cp", "rm", "sh")

# A stand-in that answers as Python does, makes a .venv that holds itself, and writes down what it was asked.
PYTHON = """#!/bin/sh
echo "$@" >>"$LOG"
case "$*" in
    *"sys.version_info[:2]"*) echo "{version}" ;;
    *"sys.version_info < "*) exit {too_old} ;;
    *ensurepip*) exit {no_venv} ;;
    "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""


class Machine:
    """A machine with a few programs and the pythons it is given, and a checkout under a path with spaces."""

    def __init__(self, place: Path) -> None:
        self.programs = place / "bin"
        self.programs.mkdir()
        for name in PROGRAMS_OF_ANY_MACHINE:
            (self.programs / name).symlink_to(shutil.which(name) or "")
        self.log = place / "log"
        self.checkout = copy([".ci/environment", "pyproject.toml", "requirements.lock"], place / "a check out")
        (self.checkout / ".ci" / "environment").chmod(0o755)

    def has(self, name: str, *, version: str = "3.11", too_old: bool = False, no_venv: bool = False) -> None:
        self.program(name, PYTHON.format(version=version, too_old=int(too_old), no_venv=int(no_venv)))

    def program(self, name: str, source: str) -> None:
        (self.programs / name).write_text(source)
        (self.programs / name).chmod(0o755)

    def make_environment(self) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        surroundings = {"PATH": str(self.programs), "LOG": str(self.log)}
        command = [str(self.checkout / ".ci" / "environment")]
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)

    @property
    def asked(self) -> str:
        return self.log.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_python_it_says_what_to_type(machine: Machine) -> None:
    done = machine.make_environment()
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found none" in done.stderr
    assert "apt-get install -y python3 python3-venv" in done.stderr


def test_an_old_python_is_named(machine: Machine) -> None:
    machine.has("python3", version="3.9", too_old=True)
    assert "found 3.9" in machine.make_environment().stderr


def test_without_venv_it_gives_the_one_line_to_type(machine: Machine) -> None:
    machine.has("python3", version="3.12", no_venv=True)
    done = machine.make_environment()
    assert done.returncode == 1
    assert "    sudo apt-get install -y python3.12-venv\n" in done.stderr


def test_a_name_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.program("python3.11", "#!/bin/sh\nexit 127\n")
    machine.has("python3.12", version="3.12", no_venv=True)
    machine.has("python3.13", version="3.13")
    assert machine.make_environment().returncode == 0
    assert "-m venv --clear .venv" in machine.asked


def test_every_package_is_installed_by_its_hash(machine: Machine) -> None:
    machine.has("python3")
    assert machine.make_environment().returncode == 0
    assert "--require-hashes --no-deps --only-binary :all: -r requirements.lock" in machine.asked


def test_a_second_run_asks_nobody_for_anything(machine: Machine) -> None:
    machine.has("python3")
    machine.make_environment()
    again = machine.make_environment()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert "pip" not in machine.asked
    assert "venv" not in machine.asked


def test_what_changed_is_compiled_at_every_run(machine: Machine) -> None:
    machine.has("python3")
    for _ in range(2):
        assert machine.make_environment().returncode == 0
        assert "-m compileall -qq src/satcom/" in machine.asked


def test_a_changed_lock_is_installed_into_the_same_environment(machine: Machine) -> None:
    machine.has("python3")
    machine.make_environment()
    with (machine.checkout / "requirements.lock").open("a") as lock:
        lock.write("another==1.0 --hash=sha256:0\n")
    machine.make_environment()
    assert "pip install" in machine.asked
    assert "-m venv" not in machine.asked


def test_a_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    machine.has("python3")
    machine.make_environment()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    machine.make_environment()
    assert "-m venv --clear .venv" in machine.asked


def test_an_install_that_failed_is_taken_up_again(machine: Machine) -> None:
    machine.has("python3")
    machine.make_environment()
    (machine.checkout / ".venv" / "satcom.stamp").unlink()
    machine.make_environment()
    assert "pip install" in machine.asked


def ci_run(place: Path, *, demonstration: str) -> subprocess.CompletedProcess[str]:
    """`.ci/run` over a stand-in project whose demonstration is one shell line."""
    house = copy([".ci/run", ".ci/stage", ".ci/leave_nothing.py"], place)
    (house / "python").write_text(f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    (house / "python").chmod(0o755)
    (house / ".ci" / "environment").write_text("#!/bin/sh\nmkdir -p .venv/bin && cp python .venv/bin/python\n")
    (house / "Makefile").write_text(f".PHONY: test run\ntest:\n\t@true\nrun:\n\t@{demonstration}\n")
    for script in (house / ".ci").iterdir():
        script.chmod(0o755)
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["bash", str(house / ".ci" / "run")]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)


def test_ci_prints_each_stage_with_its_time(tmp_path: Path) -> None:
    done = ci_run(tmp_path, demonstration="true")
    assert done.returncode == 0
    for stage in ("environment, from nothing", "make test", "make run ARGS=--exit"):
        assert f"==> {stage}: done in " in done.stdout


def test_ci_fails_when_the_demonstration_does(tmp_path: Path) -> None:
    done = ci_run(tmp_path, demonstration="exit 3")
    assert done.returncode != 0
    assert "==> make run ARGS=--exit: FAILED" in done.stdout


def test_ci_fails_when_a_process_outlives_it(tmp_path: Path) -> None:
    done = ci_run(tmp_path, demonstration="env -i setsid sleep 61 >/dev/null 2>&1 &")
    assert done.returncode != 0
    assert "left running" in done.stderr
    assert "sleep 61" in done.stderr


def test_the_scripts_may_be_executed() -> None:
    scripts = [path for path in (ROOT / ".ci").iterdir() if path.suffix == ""]
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []
