"""Backup and restore of the whole database, by PostgreSQL's own `pg_dump` and `pg_restore` (custom format).

A backup is one consistent moment and includes owners and rights, but not the database roles themselves: these must
exist where it is restored. Both need the maintenance login, since a plain role would see only its own party's rows.
Programs are taken in the server's version or the next newer one; an older `pg_dump` refuses a newer server.
"""

import os
import re
import secrets
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from satcom.core.postgres_home import PostgresUnavailable, programs

CONTENTS = """
SELECT string_agg(name, ', ' ORDER BY name) FROM (
  (SELECT format('%I.%I', n.nspname, c.relname) AS name, 'pg_class'::regclass AS kind, c.oid
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
  UNION ALL
  (SELECT format('%I.%I()', n.nspname, p.proname), 'pg_proc'::regclass, p.oid
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
  UNION ALL
  (SELECT format('%I.%I', n.nspname, t.typname), 'pg_type'::regclass, t.oid
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
  UNION ALL
  (SELECT format('schema %I', nspname), 'pg_namespace'::regclass, oid FROM pg_namespace
   WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public'))
) AS found
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = kind AND d.objid = found.oid AND d.deptype = 'e')
"""


class BackupFailed(RuntimeError):  # noqa: N818 (the fact, as it is told to a person)
    """The backup or the restore did not happen; nothing was changed. The message says why."""


def backup(url: str, file: Path) -> None:
    """Write the database of `url` (maintenance login, SQLAlchemy form) to `file`, as a whole or not at all.

    The file is readable by its owner alone: it holds everybody's data. Raises `BackupFailed`.
    """
    pg_dump = _programs_for(_server_version(url))[0] / "pg_dump"
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as refused:
        raise BackupFailed(f"{file} cannot be written: {refused.strerror}.") from refused
    try:
        _call(url, [pg_dump, "--format=custom", "--no-password", "--file", draft])
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, file: Path) -> None:
    """Fill the empty database of `url` from `file`, in one transaction. Raises `BackupFailed`, also when not empty."""
    if not file.is_file():
        raise BackupFailed(f"There is no backup {file}.")
    name = make_url(url).database
    with closing(_connection(url)) as connection:
        row = connection.execute(CONTENTS).fetchone()
    if row is not None and row[0] is not None:
        found = row[0] if len(row[0]) < 200 else row[0][:200] + " ..."
        raise BackupFailed(f"The database {name} is not empty (it has {found}). Restore into an empty one.")
    pg_restore = _reader_of(file, _programs_for(_server_version(url)))
    _call(url, [pg_restore, "--single-transaction", "--exit-on-error", "--no-password", file])


def _server_version(url: str) -> int:
    """The major version, 15 to 18."""
    with closing(_connection(url)) as connection:
        return connection.info.server_version // 10000


def _programs_for(version: int) -> list[Path]:
    """Folders with the client programs of this version or newer, the nearest first."""
    on_path = shutil.which("pg_dump")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(on_path).parent] if on_path else [])]
    try:
        folders.insert(0, programs())
    except PostgresUnavailable:  # the wheel is one source among others here
        on_path = on_path or ""
    found = {folder: _version_of(folder) for folder in folders if (folder / "pg_dump").is_file()}
    fitting = sorted((folder for folder in found if found[folder] >= version), key=lambda folder: found[folder])
    if not fitting:
        raise BackupFailed(
            f"pg_dump of version {version} or newer is missing (the server is a PostgreSQL {version}). "
            f"Type: apt-get install postgresql-client-{version}, or put it on the PATH."
        )
    return fitting


def _version_of(folder: Path) -> int:
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def _reader_of(file: Path, folders: list[Path]) -> Path:
    """The first `pg_restore` that understands the file: one written by a newer `pg_dump` needs a newer one."""
    why = ""
    for folder in folders:
        listed = subprocess.run([folder / "pg_restore", "--list", file], capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            return folder / "pg_restore"
        why = listed.stderr.strip()
    raise BackupFailed(f"{file} cannot be read as a backup: {why}")


def _call(url: str, command: list[str | Path]) -> None:
    """The password goes by the environment: every user of the machine can read a command line."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C"}
    password = make_url(url).password
    if password is not None:
        environment["PGPASSWORD"] = password
    target = make_url(url).set(password=None)
    done = subprocess.run(
        [*command, "--dbname", _conninfo(target.render_as_string())],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupFailed(f"{Path(command[0]).name} of {target.database} failed: {done.stderr.strip()}")


def _connection(url: str) -> psycopg.Connection[tuple[str | None]]:
    try:
        return psycopg.connect(_conninfo(url), autocommit=True)
    except psycopg.OperationalError as refused:
        raise BackupFailed(f"The database cannot be reached: {refused}") from refused


def _conninfo(url: str) -> str:
    """SQLAlchemy's URL in libpq's form."""
    parsed = make_url(url)
    where = parsed.translate_connect_args(username="user", database="dbname")
    query = {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
    return make_conninfo("", **{**where, **query})
