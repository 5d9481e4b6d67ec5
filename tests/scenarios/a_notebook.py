"""A notebook: pieces of Python that run one after the other in a process of their own, which is watched meanwhile.

This file is also what that process runs. It is started apart from environment variables of Python and from the
checkout's folder, so that only what is installed can be imported.
"""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import NamedTuple

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Ran(NamedTuple):
    """What the pieces printed, what each wrong expression was told, and what the process did on the way."""

    printed: list[str]
    told: list[str]
    modules: list[str]
    written: list[str]
    sockets: list[str]


def run(pieces: list[str], wrong: list[str], folder: Path, data: Path) -> Ran:
    """The pieces in one namespace, then the wrong expressions in the same. `data` is the data directory."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", __file__],
        input=json.dumps([pieces, wrong]),
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("SATCOM_")}
        | {"SATCOM_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ran(**json.loads(done.stdout))


def _of_this_process(pieces: list[str], wrong: list[str]) -> Ran:
    ran = Ran([], [], [], [], [])

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith("socket."):
            ran.sockets.append(event)
        elif event == "open":
            path, mode, flags = arguments
            if any(letter in str(mode or "") for letter in "wax+") or (isinstance(flags, int) and flags & _WRITES):
                ran.written.append(str(path))

    sys.addaudithook(watch)
    names: dict[str, object] = {}
    for number, piece in enumerate(pieces, start=1):
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(piece, f"<piece {number}>", "exec"), names)
        ran.printed.append(printed.getvalue())
    for expression in wrong:
        ran.told.append(_told(expression, names))
    ran.modules.extend(sorted(sys.modules))
    return ran


def _told(expression: str, names: dict[str, object]) -> str:
    try:
        eval(expression, names)
    except ValueError as refused:
        return f"{type(refused).__name__}: {refused}"
    return "answered"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_of_this_process(*json.load(sys.stdin))._asdict()))
