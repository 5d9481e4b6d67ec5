"""The processes of the embedded PostgreSQL: which one runs a cluster, and what a killed server left behind.

A process number alone proves nothing, since numbers are used again: a process is known by what it works on, or by when
it began.
"""

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from satcom.core.postgres_home import PORT, PostgresUnavailable

QUIT_LIMIT_S = 2  # for a process whose server is dead already


def postmaster(cluster: Path) -> int | None:
    """The process that runs the cluster. Its number alone proves nothing: numbers are used again."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    try:
        return pid if _serves(psutil.Process(pid), cluster) else None
    except psutil.NoSuchProcess:
        return None


def _serves(process: psutil.Process, cluster: Path) -> bool:
    """Every process of a server has its cluster as working folder. Zombies have none."""
    try:
        return process.name() == "postgres" and process.cwd() == str(cluster)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def clear_the_dead(cluster: Path, socket: Path) -> None:
    """End what a killed server left running, and take away its lock files where they would block the next one."""
    left_over = [process for process in psutil.process_iter() if _serves(process, cluster)]
    for how in (signal.SIGQUIT, signal.SIGKILL):
        for process in left_over:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(how)
        give_up = time.monotonic() + QUIT_LIMIT_S
        while left_over and time.monotonic() < give_up:
            time.sleep(0.01)
            left_over = [process for process in left_over if _serves(process, cluster)]
    if left_over:
        raise PostgresUnavailable(f"These processes of the old server cannot be ended: {left_over}.")
    lock = cluster / "postmaster.pid"
    # PostgreSQL itself recognises a lock file of a process that is gone, but not one whose number is used again.
    if lock.exists() and psutil.pid_exists(int(lock.read_text().split("\n", 1)[0] or "0")):
        lock.unlink()
        (socket / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def birth(pid: int) -> str | None:
    """When a process began, None when it is gone. On Linux in ticks since boot: the clock may be set meanwhile."""
    try:
        if sys.platform == "linux":
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if state[0] in "ZX" else state[19]
        return str(psutil.Process(pid).create_time())
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return None
