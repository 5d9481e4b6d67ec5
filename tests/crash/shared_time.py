"""Business time that a test sets forward, for all processes at once: a visit or a day that is awaited comes at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from satcom.core.clock import BusinessClock, wall_now

VARIABLE = "CRASH_SHARED_TIME"


@dataclass(frozen=True)
class SharedTime:
    """The file says by how many seconds the business is ahead of the wall clock. It never goes back."""

    file: Path

    @classmethod
    def beginning(cls, at: datetime, file: Path) -> "SharedTime":
        time = cls(file)
        time._set(at)
        return time

    def now(self) -> datetime:
        return wall_now() + timedelta(seconds=float(self.file.read_text(encoding="ascii")))

    def set_forward(self, to: datetime) -> None:
        """It is `to` now, unless it is later already. One process alone does this."""
        if to > self.now():
            self._set(to)

    def _set(self, to: datetime) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str((to - wall_now()).total_seconds()), encoding="ascii")
        new.rename(self.file)

    def next_hour(self) -> datetime:
        """The first full hour that is more than a quarter of an hour ahead."""
        soon = self.now() + timedelta(minutes=15)
        return soon.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)

    @contextmanager
    def kept_here(self) -> Iterator[None]:
        """This process has it, too."""
        with patch.object(BusinessClock, "now", self.now):
            yield
