"""Throw-away database servers for the tests: the embedded PostgreSQL or Debian's, with as many databases as wanted.

SATCOM_TEST_POSTGRES=embedded|debian chooses (default embedded). Nothing here is durable, everything is fast.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from satcom.core import embedded_postgres

APT_LINE = "apt-get install --yes --no-install-recommends postgresql"
FAST = {"fsync": "off", "full_page_writes": "off", "jit": "off", "timezone": "UTC"}
ROOM_IN_MEMORY = 4_000_000_000
COPIED = "_copy_"
"""In the name of each database that is the copy of another."""
_numbers = count(1)


@contextmanager
def chosen_server() -> Iterator[str]:
    """The maintenance URL of the server that SATCOM_TEST_POSTGRES names."""
    servers = {"embedded": embedded_server, "debian": debian_server}
    with servers[os.environ.get("SATCOM_TEST_POSTGRES", "embedded")]() as url:
        yield url


@contextmanager
def embedded_server() -> Iterator[str]:
    with _public_folder() as folder:
        server = embedded_postgres.start(folder, fsync=False)
        try:
            yield server.url
        finally:
            embedded_postgres.erase(folder)


@contextmanager
def debian_server() -> Iterator[str]:
    programs = debian_programs()
    with _public_folder() as folder:
        cluster = folder / "cluster"
        cluster.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(cluster, "postgres", "postgres")
        # Trust is safe here: the socket lies in the cluster's own folder, which is closed to others.
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            cluster,
            "-A",
            "trust",
            "-U",
            embedded_postgres.MAINTENANCE_ROLE,
        ]
        _as_postgres([*initdb, "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"])
        settings = {**FAST, "listen_addresses": "", "unix_socket_directories": str(cluster)}
        with open(cluster / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        _as_postgres([programs / "pg_ctl", "start", "-w", "-D", cluster, "-l", cluster / "server.log"])
        url = _url(cluster, "postgres")
        try:
            run_sql(url, sql.SQL("CREATE DATABASE satcom"))
            yield url.set(database="satcom").render_as_string(hide_password=False)
        finally:
            _as_postgres([programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", cluster])


def debian_programs() -> Path:
    """The newest installed PostgreSQL of the system. Fails with the line to type when there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise RuntimeError(f"Debian's PostgreSQL is missing. Type: {APT_LINE}")
    return max(found, key=lambda folder: int(folder.parent.name))


def new_database(url: str) -> str:
    """The URL of a new database: a copy of the one that `url` names, to which nobody may be connected just then."""
    template = make_url(url)
    assert template.database is not None
    name = f"{re.sub(f'{COPIED}.*', '', template.database)}{COPIED}{os.getpid()}_{next(_numbers)}"
    return _copied(template, name)


def renewed_database(url: str, template: str) -> str:
    """The database that `url` names, made once more as a copy of `template`, whatever was in it."""
    drop_database(url)
    return _copied(make_url(template), str(make_url(url).database))


def _copied(template: URL, name: str) -> str:
    names = {"name": sql.Identifier(name), "template": sql.Identifier(str(template.database))}
    statement = sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY").format(**names)
    run_sql(template.set(database="postgres"), statement)
    return template.set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Delete the database that `url` names, whoever is connected."""
    gone = make_url(url)
    assert gone.database is not None
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(gone.database))
    run_sql(gone.set(database="postgres"), statement)


def run_sql(url: URL | str, statement: sql.SQL | sql.Composed) -> list[tuple[object, ...]]:
    """The rows of one statement, outside of any transaction, as the role that `url` names."""
    where = make_url(url).translate_connect_args(username="user", database="dbname") | dict(make_url(url).query)
    with closing(psycopg.connect(psycopg.conninfo.make_conninfo(**where), autocommit=True)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _in_memory() -> str | None:
    """A folder in memory with room for some servers: making a database there takes half the time."""
    there = Path("/dev/shm")
    return str(there) if there.is_dir() and shutil.disk_usage(there).free > ROOM_IN_MEMORY else None


@contextmanager
def _public_folder() -> Iterator[Path]:
    """A folder outside pytest's own one, which root keeps closed to the account of the server."""
    folder = Path(tempfile.mkdtemp(prefix="satcom-test-", dir=_in_memory() or "/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _url(socket: Path, database: str) -> URL:
    query = {"host": str(socket), "port": "5432"}
    return URL.create("postgresql+psycopg", embedded_postgres.MAINTENANCE_ROLE, database=database, query=query)


def _as_postgres(command: Sequence[str | Path]) -> None:
    """Run as Debian's account `postgres` when we are root, else as ourselves."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        user=account and account.pw_uid,
        group=account and account.pw_gid,
        extra_groups=account and [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
