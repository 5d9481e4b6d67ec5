"""A machine whose clock is set while it runs: the real programs under libfaketime, the database server among them.

Only the time of day is set. The monotonic clock goes on, as it does on a real machine.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from satcom.core import embedded_postgres, postgres_home
from satcom.core.postgres_home import Account

APT_LINE = "apt-get install --yes --no-install-recommends faketime"


@dataclass(frozen=True)
class SetClock:
    """`surroundings` put a program under this clock."""

    file: Path

    def set_ahead(self, by: timedelta) -> None:
        """All programs read it within a second."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{by.total_seconds():+.0f}\n", encoding="ascii")
        new.rename(self.file)

    @property
    def surroundings(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


@contextmanager
def a_set_clock() -> Iterator[SetClock]:
    """A clock that shows the time as it is. Database servers that are started meanwhile go by it."""
    folder = Path(tempfile.mkdtemp(prefix="satcom-clock-", dir="/tmp"))
    folder.chmod(0o755)  # the account of the database server reads it
    clock = SetClock(folder / "clock")
    clock.set_ahead(timedelta(0))

    def run(account: Account, command: Sequence[str | Path]) -> "CompletedProcess[str]":
        under = ["env", *(f"{name}={value}" for name, value in clock.surroundings.items())]
        return postgres_home.run(account, [*under, *command] if "start" in command else command)

    try:
        with patch.object(embedded_postgres, "run", run):
            yield clock
    finally:
        shutil.rmtree(folder)


def _library() -> Path:
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if found is None:
        raise RuntimeError(f"libfaketime is missing. Type: {APT_LINE}")
    return found
