"""Where processes are to be killed inside a flow, and where they were: a folder that all of them share.

A point is a task and a phase of it ("configure_hub call", "undo of design_the_service result"). The claim of a point is
written before the blow, so each blow falls as often as it is wanted and no oftener, whichever process comes by.
"""

import fcntl
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from satcom.orchestration.plan import TaskFlow, UndoState
from satcom.orchestration.wave import Phase


def point_of(task: TaskFlow, phase: Phase) -> str:
    undo = "undo of " if task.undo_state is UndoState.ACTIVE else ""
    return f"{undo}{task.task_flow_specification} {phase}"


class Points:
    """The points of one run; blows fall at least `gap_s` apart, so that something gets done between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / "points.json"

    def want(self, points: Mapping[str, int], gap_s: float) -> None:
        """From now on these points, each so many times more."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "lock").touch()
        with self._locked():
            struck = self._read()["struck"] if self._state.exists() else []
            self._write({"open": dict(points), "gap_s": gap_s, "last": 0.0, "struck": struck})

    def claim(self, point: str) -> bool:
        """Whether whoever is at this point is to be killed now. It waits there until the last blow is long enough ago.

        What is passed by may not be reached again for long.
        """
        while True:
            with self._locked():
                state = self._read()
                left, now_s = state["open"].get(point, 0), time.time()
                if left < 1:
                    return False
                rest_s = state["gap_s"] - (now_s - state["last"])
                if rest_s <= 0:
                    state["open"][point] = left - 1
                    self._write(state | {"last": now_s, "struck": [*state["struck"], point]})
                    return True
            time.sleep(min(rest_s, state["gap_s"]))

    def note_blow(self) -> None:
        """Somebody was killed from outside: the gap begins anew."""
        with self._locked():
            self._write(self._read() | {"last": time.time()})

    def open(self) -> dict[str, int]:
        with self._locked():
            return {point: left for point, left in self._read()["open"].items() if left}

    def struck(self) -> "Counter[str]":
        with self._locked():
            return Counter(self._read()["struck"])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self.folder / "lock", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Any]:  # JSON gives any
        state: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        return state

    def _write(self, state: Mapping[str, object]) -> None:
        new = self._state.with_suffix(".new")
        new.write_text(json.dumps(state), encoding="utf-8")
        new.rename(self._state)
