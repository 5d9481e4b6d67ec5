"""The command line as a person or a program meets it: what is typed, what is said, and the exit status."""

import fcntl
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from rich.console import Console
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command

from satcom.app import cli
from satcom.app.commands.api import Api
from satcom.app.demonstration import free_port, served
from satcom.core.database import Database
from tests.market.a_market import a_token
from tests.orchestration.operations.an_order_to_service import Operation, an_operation


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """`satcom` in this process, with what it reads from its environment."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Said:
        self.monkeypatch.setattr(sys, "argv", ["satcom", *words])
        self.capsys.readouterr()
        root = logging.getLogger()
        handlers, level = root.handlers, root.level
        try:
            cli.main()
            status = 0
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 1
        finally:  # its log goes where its errors went, which is closed after this test
            root.handlers = handlers
            root.setLevel(level)
        out, err = self.capsys.readouterr()
        return Said(status, out, err)

    def set(self, **environment: str) -> None:
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)


def on_a_terminal(*words: str, columns: int) -> str:
    """What the program writes to a terminal so wide."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    surroundings = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    program = [str(Path(sys.executable).with_name("satcom")), *words]
    with subprocess.Popen(program, stdin=its, stdout=its, stderr=its, env=surroundings | {"TERM": "dumb"}) as process:
        os.close(its)
        written = bytearray()
        with suppress(OSError):  # the end of what is written to a terminal
            while piece := os.read(ours, 65536):
                written += piece
        os.close(ours)
    assert process.returncode == 0, written
    return written.decode().replace("\r\n", "\n")


def commands(group: Any = None, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command, with the words that call it."""
    group = group or get_command(cli.app)
    within = Context(group)
    for name in group.list_commands(within):
        command = group.get_command(within, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, *words, name)
        else:
            yield (*words, name), command


@contextmanager
def a_served_operation(database: Database, tmp_path: Path, in_stock: int = 3) -> Iterator[tuple[Operation, str]]:
    """Everything an order needs, with API and workers running; and the address of the API."""
    with an_operation(database, tmp_path, in_stock) as operation:
        many = Database(database.url, connections=12)
        port = free_port("127.0.0.1", 18000, Console(quiet=True))
        with served(many, operation.driver, port):
            yield operation, f"http://127.0.0.1:{port}"
        many.close()


def ask_in_process(monkeypatch: pytest.MonkeyPatch, app: FastAPI) -> None:
    """Commands ask this application, without a server or workers beside them."""
    monkeypatch.setattr(Api.__init__, "__defaults__", (TestClient(app)._transport,))


def token_of(database: Database, role: str, party: str | None = None) -> str:
    return a_token(database, role, party)["Authorization"].removeprefix("Bearer ")
