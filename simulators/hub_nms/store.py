"""The NMS's memory: configuration, journal and answers already given, in one SQLite file.

An effect, its journal line and the answer under its idempotency key are one transaction, so none exists without the
others. Write-ahead log with synchronous=NORMAL: a commit is in the operating system's hands when it returns, so a
killed process (SIGKILL) loses nothing; only a power cut could lose the last commits, never tear one.
Refusals are not kept under their key: they had no effect, and the same request may be accepted once the cause is gone.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS port (
    hub_id TEXT NOT NULL, port INTEGER NOT NULL, direction TEXT NOT NULL, carrier_id TEXT NOT NULL UNIQUE,
    PRIMARY KEY (hub_id, port, direction)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reference (
    kind TEXT NOT NULL, id TEXT NOT NULL, needs_kind TEXT NOT NULL, needs_id TEXT NOT NULL,
    PRIMARY KEY (needs_kind, needs_id, kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reference_by_holder ON reference (kind, id);
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, at_utc TEXT NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL,
    id TEXT NOT NULL, outcome TEXT NOT NULL, revision INTEGER NOT NULL, idempotency_key TEXT
);
CREATE INDEX IF NOT EXISTS journal_by_key ON journal (idempotency_key);
CREATE TABLE IF NOT EXISTS answer (
    idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
CANCELLED = "cancelled"


class Held(NamedTuple):
    """One configured object as its JSON body; `revision` counts how often it was applied."""

    id: str
    body: str
    revision: int


class JournalLine(NamedTuple):
    """One effect."""

    sequence: int
    at_utc: str
    action: str
    kind: str
    id: str
    outcome: str
    revision: int
    idempotency_key: str | None


@dataclass(frozen=True)
class Answer:
    """What a request is told."""

    status: int
    body: bytes


class Refusal(Exception):
    """The NMS will not do it: HTTP status, a code, and why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Store:
    """All state that must outlive the process. Used from one thread."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
        self._sql.execute("PRAGMA busy_timeout = 5000")
        self._sql.executescript(SCHEMA)

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    def once(self, key: str | None, fingerprint: str, effect: Callable[[], Answer]) -> Answer:
        """Run `effect` in a transaction, or give the answer its key already got.

        Raises `Refusal` when the key was used for another request or was cancelled, or when `effect` does.
        """
        with self.transaction():
            if key is not None and (given := self._answer_under(key, fingerprint)):
                return given
            answer = effect()
            if key is not None:
                self._sql.execute(
                    "INSERT INTO answer VALUES (?, ?, ?, ?)", (key, fingerprint, answer.status, answer.body)
                )
            return answer

    def _answer_under(self, key: str, fingerprint: str) -> Answer | None:
        row = self._sql.execute(
            "SELECT fingerprint, status, body FROM answer WHERE idempotency_key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        if row[0] == CANCELLED:
            raise Refusal(409, "key_cancelled", f"the request with key {key} was cancelled")
        if row[0] != fingerprint:
            raise Refusal(422, "key_reused", f"key {key} was used for another request")
        return Answer(row[1], row[2])

    def cancel(self, key: str) -> None:
        """From now on a request with this key is refused, had it come before or not."""
        self._sql.execute("INSERT OR REPLACE INTO answer VALUES (?, ?, 409, x'')", (key, CANCELLED))

    def get(self, kind: str, held_id: str) -> Held | None:
        row = self._sql.execute(
            "SELECT id, body, revision FROM held WHERE kind = ? AND id = ?", (kind, held_id)
        ).fetchone()
        return Held(*row) if row else None

    def page(self, kind: str, after: str, limit: int) -> list[Held]:
        rows = self._sql.execute(
            "SELECT id, body, revision FROM held WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", (kind, after, limit)
        )
        return [Held(*row) for row in rows]

    def put(self, kind: str, held_id: str, body: str, needs: list[tuple[str, str]]) -> Held:
        """Store an object and what it rests on; its revision grows each time."""
        row = self._sql.execute(
            "INSERT INTO held VALUES (?, ?, ?, 1) ON CONFLICT (kind, id)"
            " DO UPDATE SET body = excluded.body, revision = revision + 1 RETURNING id, body, revision",
            (kind, held_id, body),
        ).fetchone()
        self._sql.execute("DELETE FROM reference WHERE kind = ? AND id = ?", (kind, held_id))
        self._sql.executemany(
            "INSERT INTO reference VALUES (?, ?, ?, ?)", [(kind, held_id, *needed) for needed in needs]
        )
        return Held(*row)

    def remove(self, kind: str, held_id: str) -> Held | None:
        """Take an object away; None when there was none."""
        row = self._sql.execute(
            "DELETE FROM held WHERE kind = ? AND id = ? RETURNING id, body, revision", (kind, held_id)
        ).fetchone()
        self._sql.execute("DELETE FROM reference WHERE kind = ? AND id = ?", (kind, held_id))
        self._sql.execute("DELETE FROM port WHERE ? = 'carrier' AND carrier_id = ?", (kind, held_id))
        return Held(*row) if row else None

    def resting_on(self, kind: str, held_id: str) -> list[tuple[str, str]]:
        """Kind and id of each object that needs this one."""
        return self._sql.execute(
            "SELECT kind, id FROM reference WHERE needs_kind = ? AND needs_id = ? ORDER BY kind, id", (kind, held_id)
        ).fetchall()

    def take_port(self, hub_id: str, port: int, direction: str, carrier_id: str) -> str | None:
        """Give the port to the carrier, freeing the one it had; the other carrier's id when it is taken."""
        taken = self._sql.execute(
            "SELECT carrier_id FROM port WHERE hub_id = ? AND port = ? AND direction = ? AND carrier_id <> ?",
            (hub_id, port, direction, carrier_id),
        ).fetchone()
        if taken:
            return str(taken[0])
        self._sql.execute("DELETE FROM port WHERE carrier_id = ?", (carrier_id,))
        self._sql.execute("INSERT INTO port VALUES (?, ?, ?, ?)", (hub_id, port, direction, carrier_id))
        return None

    def ports_taken(self, hub_id: str) -> list[tuple[int, str, str]]:
        """Port, direction and carrier."""
        return self._sql.execute(
            "SELECT port, direction, carrier_id FROM port WHERE hub_id = ? ORDER BY port, direction", (hub_id,)
        ).fetchall()

    def record(self, action: str, kind: str, held_id: str, outcome: str, revision: int, key: str | None) -> int:
        """Write a journal line; its sequence number."""
        cursor = self._sql.execute(
            "INSERT INTO journal (at_utc, action, kind, id, outcome, revision, idempotency_key)"
            " VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?, ?, ?, ?, ?)",
            (action, kind, held_id, outcome, revision, key),
        )
        return int(cursor.lastrowid or 0)

    def journal(self, after: int, limit: int, key: str | None, held_id: str | None) -> list[JournalLine]:
        rows = self._sql.execute(
            "SELECT * FROM journal WHERE sequence > ?1 AND (?2 IS NULL OR idempotency_key = ?2)"
            " AND (?3 IS NULL OR id = ?3) ORDER BY sequence LIMIT ?4",
            (after, key, held_id, limit),
        )
        return [JournalLine(*row) for row in rows]

    def setting(self, name: str) -> str | None:
        row = self._sql.execute("SELECT body FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set(self, name: str, body: str) -> None:
        self._sql.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, body))
