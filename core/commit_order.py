"""Up to which number every row of the change log is there that ever will be.

Numbers are drawn before their transactions commit, so a lower one may appear after a higher one, and whoever goes by
the highest that he sees loses it. The order of transaction ids would not help: of two that change one object, the one
that began first may come last. What helps: a transaction locks the table before it draws its first number and holds
that lock until it ends. When all who held it at some moment are gone, every number drawn before that moment is
settled: to be seen, or never to come. Nobody waits for anybody, and a long transaction elsewhere holds nothing up.
"""

import time
from collections import deque

from sqlalchemy import Connection, text

from satcom.core.errors import Unavailable

LAST_DRAWN = "coalesce(pg_sequence_last_value('change_log_sequence_seq'), 0)"
_LAST = text(f"SELECT {LAST_DRAWN}")
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted"
    " AND relation = 'change_log'::regclass AND pid IS DISTINCT FROM pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
LOOK_AGAIN_S = 0.005
MARKS = 100


def _drawn(connection: Connection) -> tuple[int, frozenset[str]]:
    """The last number drawn, and who may yet commit it or one before it. In this order: who comes later draws later."""
    last = int(connection.execute(_LAST).scalar_one())
    return last, frozenset(connection.execute(_WRITERS).scalars())


class SettledChanges:
    """Follows the change log; one for each process that reads it, and no two need to agree."""

    def __init__(self) -> None:
        self.number = 0
        self._marks: deque[tuple[int, frozenset[str]]] = deque()

    def look(self, connection: Connection) -> int:
        """The newest settled number. A statement after this one sees every row up to it."""
        last, writers = _drawn(connection)
        if last < self.number:  # another past: a backup took the place of what was followed
            self.number = 0
            self._marks.clear()
        while self._marks and not self._marks[0][1] & writers:
            self.number = self._marks.popleft()[0]
        if not writers:
            self.number = last
            self._marks.clear()
        elif last > self.number and len(self._marks) < MARKS:
            self._marks.append((last, writers))
        return self.number


def settled_at_once(connection: Connection, within_s: float) -> int:
    """The last number drawn, as soon as it is settled: whatever commits from then on has a higher one.

    Raises `Unavailable` when somebody has been writing for longer.
    """
    until = time.monotonic() + within_s
    last, writers = _drawn(connection)
    while writers:
        if time.monotonic() > until:
            raise Unavailable("hub", "somebody is writing very much just now; try again in a while")
        time.sleep(LOOK_AGAIN_S)
        writers &= _drawn(connection)[1]
    return last
