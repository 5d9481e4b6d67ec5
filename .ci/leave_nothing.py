"""Runs a command, and fails when a process that it started, however far removed, outlives it. Linux only.

Whatever loses its parent is handed to this process instead of to init, so neither a new session, nor another user,
nor a cleaned environment hides it.
"""

import ctypes
import os
import subprocess
import sys
import time
from contextlib import suppress

import psutil

PR_SET_CHILD_SUBREAPER = 36
GRACE_S = 5.0  # what was told to end may need a moment


def left_running() -> list[psutil.Process]:
    """Descendants that live. Those that ended are laid to rest, since their parent is gone."""
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE:
            os.waitpid(child.pid, 0)
    return psutil.Process().children(recursive=True)


def main(command: list[str]) -> int:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    code = subprocess.run(command, check=False).returncode
    deadline = time.monotonic() + GRACE_S
    while (left := left_running()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        with suppress(psutil.NoSuchProcess):  # it ended after all
            sys.stderr.write(f"left running: {process.pid} {' '.join(process.cmdline())}\n")
            process.kill()
    return code or (1 if left else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
