"""Programs started from a process that has imported them already: the same program in a process of its own, in no time.

A start of `satcom` costs seconds of processor, and tests that kill and restart it do so hundreds of times. What is
imported once is forked here (by the standard library's fork server); from there on everything is as in any process.
That the program starts from nothing, too, is for the tests of the command line and of the deployment to say.
"""

import atexit
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Final, Protocol

PREPARED: Final = [
    *(f"satcom.app.commands.{one}" for one in ("serve", "worker", "on_database", "db", "token", "orders", "spectrum")),
    "satcom.app.cli",
    "satcom.simulators.hub_nms.__main__",
    "satcom.simulators.partner.__main__",
    "tests.crash.killable",
]


class Running(Protocol):
    """What is asked of a process: the words of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...

    def terminate(self) -> None: ...


class PreparedProcess:
    """`program` as it runs under `words`, with these surroundings and nothing else; what it says is added to `log`."""

    def __init__(
        self,
        program: Callable[[], object],
        words: Sequence[str],
        surroundings: Mapping[str, str],
        log: Path,
        folder: Path | None = None,
    ) -> None:
        arguments = (program, list(words), dict(surroundings), str(log), str(folder or Path.cwd()))
        log.touch()
        self._process = _from_the_prepared().Process(target=_run, args=arguments, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(SIGKILL)

    def terminate(self) -> None:
        self.send_signal(SIGTERM)


def _from_the_prepared() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PREPARED)  # heard by the first who asks
    return context


def _run(program: Callable[[], object], words: list[str], surroundings: dict[str, str], log: str, folder: str) -> None:
    os.environ.clear()
    os.environ.update(surroundings)
    time.tzset()
    os.chdir(folder)
    with open(log, "ab") as said, open(os.devnull) as nothing:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(said.fileno(), stream.fileno())
        os.dup2(nothing.fileno(), 0)
    sys.argv = words
    try:
        program()
    finally:
        atexit._run_exitfuncs()  # `multiprocessing` ends without


def started_from_nothing(
    command: Sequence[str], surroundings: Mapping[str, str], log: Path, folder: Path | None = None
) -> "subprocess.Popen[bytes]":
    """For what has to be there before Python is, such as a library that the loader loads first."""
    with open(log, "ab") as said:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=dict(surroundings),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )


def said_first(process: Running, log: Path, starting: str, skip: int, within_s: float = 120) -> str:
    """The first line that begins so and was said after the first `skip` bytes. Fails when the program ends before."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        lines = log.read_bytes()[skip:].decode(errors="replace").splitlines(keepends=True)
        for line in lines:
            if line.startswith(starting) and line.endswith("\n"):
                return line.strip()
        assert process.poll() is None, f"it ended with {process.poll()}: {''.join(lines)[-3000:]}"
        time.sleep(0.01)
    raise AssertionError(f"it said nothing for {within_s:g} s")
