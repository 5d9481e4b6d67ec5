"""A disk that a test may fill without harm to others: a file system of its own, in memory.

Root mounts it. Anybody else has the test run once more in a user namespace, in which he may.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.house.checkout import ROOT

GIVEN = "SATCOM_TEST_SMALL_DISK"
MOUNT = ["mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "satcom"]
AS_ROOT = ["unshare", "--map-root-user", "--mount"]
NEEDED = (
    "A full disk is tried on a file system of its own, and none can be mounted. Run the test as root (in a container:"
    " with CAP_SYS_ADMIN), or allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1` on Debian,"
    " `sysctl kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu."
)


def may_mount() -> bool:
    """Whether this process is root's, or has been given its disk."""
    return os.geteuid() == 0 or GIVEN in os.environ


@contextmanager
def a_small_disk() -> Iterator[Path]:
    """The folder, of 400 MB. Fails with what is needed where it cannot be had."""
    if GIVEN in os.environ:
        yield Path(os.environ[GIVEN])
        return
    with tempfile.TemporaryDirectory(prefix="satcom-disk-", dir="/tmp") as folder:
        _mounted([*MOUNT, folder])
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def run_where_it_may_mount(test: str) -> None:
    """The test of this node id, once more, in a namespace where this user may mount. Fails as it does.

    It is its own root there for the mount alone: PostgreSQL does not run as root, so it goes on as itself again.
    """
    with tempfile.TemporaryDirectory(prefix="satcom-disk-", dir="/tmp") as folder:
        _mounted([*AS_ROOT, *MOUNT, folder])
        oneself = ["unshare", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
        command = [*oneself, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
        whole = [*AS_ROOT, "sh", "-c", f'{" ".join(MOUNT)} "${GIVEN}" && exec "$@"', "sh", *command]
        done = subprocess.run(
            whole, cwd=ROOT, env=os.environ | {GIVEN: folder}, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr


def _mounted(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{NEEDED} It said: {done.stderr.strip()}"
