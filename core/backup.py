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
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from satcom.core.errors import Unable
from satcom.core.postgres_home import PostgresUnavailable, programs

TRANSACTION_TIMEOUT_SINCE = 17

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


class BackupFailed(Unable):
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
    version = _server_version(url)
    folder = _reader_of(file, _programs_for(version))
    if _version_of(folder) >= TRANSACTION_TIMEOUT_SINCE > version:
        _restore_to_older(url, folder, file)
    else:
        _call(url, [folder / "pg_restore", "--single-transaction", "--exit-on-error", "--no-password", file])


def _restore_to_older(url: str, folder: Path, file: Path) -> None:
    """`pg_restore` begins with a setting that an older server does not know and refuses; all else it does know.

    The whole text is written before the first statement runs, so that a broken backup cannot be committed half.
    """
    with tempfile.TemporaryDirectory(prefix="satcom-restore-") as private:
        whole, fitting = Path(private, "whole.sql"), Path(private, "fitting.sql")
        written = _program([folder / "pg_restore", "--file", whole, file])
        if written.returncode != 0:
            raise BackupFailed(f"{file} cannot be read as a backup: {written.stderr.strip()}")
        with whole.open("rb") as source, fitting.open("wb") as target:
            for line in source:
                if line == b"SET transaction_timeout = 0;\n":
                    break  # the first one: a later one would be somebody's text
                target.write(line)
            shutil.copyfileobj(source, target)
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--no-password"]
        _call(url, [folder / "psql", *options, "--file", fitting])


def _server_version(url: str) -> int:
    """The major version, 15 to 18."""
    with closing(_connection(url)) as connection:
        return connection.info.server_version // 10000


def _programs_for(version: int) -> list[Path]:
    """Folders with the client programs of this version or newer, the nearest first."""
    on_path = shutil.which("pg_dump")
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(on_path).parent] if on_path else [])]
    with suppress(PostgresUnavailable):  # the wheel is one source among others here
        folders.insert(0, programs())
    found = {folder: _version_of(folder) for folder in folders if (folder / "pg_dump").is_file()}
    fitting = sorted((folder for folder in found if found[folder] >= version), key=lambda folder: found[folder])
    if not fitting:
        raise BackupFailed(
            f"pg_dump of version {version} or newer is missing (the server is a PostgreSQL {version}). "
            f"Type: apt-get install postgresql-client-{version}, or put it on the PATH."
        )
    return fitting


def _version_of(folder: Path) -> int:
    found = re.search(r"\) (\d+)", _program([folder / "pg_dump", "--version"]).stdout)
    return int(found[1]) if found else 0


def _reader_of(file: Path, folders: list[Path]) -> Path:
    """The first folder whose `pg_restore` understands the file: one written by a newer `pg_dump` needs a newer one."""
    why = ""
    for folder in folders:
        listed = _program([folder / "pg_restore", "--list", file])
        if listed.returncode == 0:
            return folder
        why = listed.stderr.strip()
    raise BackupFailed(f"{file} cannot be read as a backup: {why}")


def _call(url: str, command: Sequence[str | Path]) -> None:
    """The password goes by the environment: every user of the machine can read a command line."""
    target = _parameters(url)
    password = target.pop("password", None)
    done = _program([*command, "--dbname", make_conninfo("", **target)], password)
    if done.returncode != 0:
        raise BackupFailed(f"{Path(command[0]).name} of {target['dbname']} failed: {done.stderr.strip()}")


def _program(command: Sequence[str | Path], password: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LC_ALL": "C"} | ({} if password is None else {"PGPASSWORD": password})
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _connection(url: str) -> psycopg.Connection[tuple[str | None]]:
    try:
        return psycopg.connect(make_conninfo("", **_parameters(url)), autocommit=True)
    except psycopg.OperationalError as refused:
        raise BackupFailed(f"The database cannot be reached: {refused}") from refused


def _parameters(url: str) -> dict[str, str]:
    """SQLAlchemy's URL in libpq's words."""
    parsed = make_url(url)
    known = parsed.translate_connect_args(username="user", database="dbname")
    query = {name: value if isinstance(value, str) else ",".join(value) for name, value in parsed.query.items()}
    return {name: str(value) for name, value in known.items()} | query
