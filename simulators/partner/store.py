"""The partner's memory: what it offered, holds and delivers, and its answers under their keys, in one SQLite file.

An effect and the answer under its idempotency key are one transaction. A killed process loses nothing. Refusals are
not kept: they had no effect, and the same request may be accepted once the cause is gone.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Body: TypeAlias = dict[str, Any]  # JSON as it comes
SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    kind TEXT NOT NULL, id TEXT NOT NULL, external_id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_by_external_id ON held (kind, external_id);
CREATE TABLE IF NOT EXISTS answer (
    idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL, id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Refusal(Exception):
    """The partner will not do it: HTTP status, a code, and why."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason = status, code, reason


class Store:
    """All state that must outlive the process. Used from one thread."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = NORMAL")
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

    def once(self, key: str | None, fingerprint: str, effect: Callable[[], tuple[int, Body]]) -> tuple[int, Body]:
        """Run `effect`, or give the answer its key already got. Raises `Refusal` when the key had another request."""
        with self.transaction():
            row = self._sql.execute(
                "SELECT fingerprint, status, body FROM answer WHERE idempotency_key = ?", (key,)
            ).fetchone()
            if row is not None:
                if row[0] != fingerprint:
                    raise Refusal(422, "keyReused", f"key {key} was used for another request")
                return int(row[1]), json.loads(row[2])
            status, body = effect()
            if key is not None:
                self._sql.execute(
                    "INSERT INTO answer VALUES (?, ?, ?, ?)", (key, fingerprint, status, json.dumps(body))
                )
            return status, body

    def get(self, kind: str, held_id: str) -> Body | None:
        row = self._sql.execute("SELECT body FROM held WHERE kind = ? AND id = ?", (kind, held_id)).fetchone()
        return json.loads(row[0]) if row else None

    def called(self, kind: str, external_id: str | None) -> list[Body]:
        """The objects of a kind; those with that external id where one is given."""
        rows = self._sql.execute(
            "SELECT body FROM held WHERE kind = ?1 AND (?2 IS NULL OR external_id = ?2) ORDER BY id",
            (kind, external_id),
        )
        return [json.loads(row[0]) for row in rows]

    def put(self, kind: str, body: Body) -> Body:
        self._sql.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)",
            (kind, body["id"], body.get("externalId"), json.dumps(body)),
        )
        return body

    def record(self, action: str, held_id: str) -> None:
        self._sql.execute("INSERT INTO journal (action, id) VALUES (?, ?)", (action, held_id))

    def journal(self) -> list[Body]:
        return [{"action": row[0], "id": row[1]} for row in self._sql.execute("SELECT action, id FROM journal")]

    def setting(self, name: str) -> str | None:
        row = self._sql.execute("SELECT body FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def set(self, name: str, body: str) -> None:
        self._sql.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, body))
