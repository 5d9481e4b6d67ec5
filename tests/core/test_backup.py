"""A backup is worth what its restore brings back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import make_url

from satcom.core import backup as backups
from satcom.core.backup import BackupFailed, backup, restore
from tests.postgres_server import chosen_server, debian_server, drop_database, embedded_server, new_database, run_sql

OPERATOR = """
CREATE EXTENSION btree_gist;
CREATE ROLE an_owner NOLOGIN;
CREATE ROLE an_app LOGIN;
CREATE TABLE slot (transponder int, hz int8range, EXCLUDE USING gist (transponder WITH =, hz WITH &&));
ALTER TABLE slot OWNER TO an_owner;
ALTER TABLE slot ENABLE ROW LEVEL SECURITY;
ALTER TABLE slot FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON slot USING (transponder = 1);
GRANT SELECT ON slot TO an_app;
INSERT INTO slot VALUES (1, '[10,20)'), (2, '[10,20)');
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with chosen_server() as url:
        run_sql(url, sql.SQL(OPERATOR))
        yield url


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    url = new_database(make_url(server).set(database="template1").render_as_string())
    yield url
    drop_database(url)


def test_everything_comes_back_with_its_rules_and_rights(server: str, empty: str, tmp_path: Path) -> None:
    backup(server, tmp_path / "b")
    restore(empty, tmp_path / "b")
    assert run_sql(empty, sql.SQL("SELECT transponder FROM slot ORDER BY 1")) == [(1,), (2,)]
    as_app = make_url(empty).set(username="an_app")
    assert run_sql(as_app, sql.SQL("SELECT transponder FROM slot")) == [(1,)]  # the row-level security holds
    with pytest.raises(Exception, match="exclusion constraint"):
        run_sql(empty, sql.SQL("INSERT INTO slot VALUES (1, '[15,25)')"))


def test_a_backup_is_for_its_owners_eyes_only_and_replaces_the_last_one(server: str, tmp_path: Path) -> None:
    file = tmp_path / "b"
    file.write_text("yesterday's")
    backup(server, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().startswith(b"PGDMP")
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("CREATE TABLE old (a int)", "public.old"),
        ("CREATE FUNCTION old() RETURNS int LANGUAGE sql RETURN 1", r"public\.old\(\)"),
        ("CREATE TYPE old AS ENUM ('a')", "public.old"),
        ("CREATE SCHEMA old", "schema old"),
    ],
)
def test_a_database_that_is_not_empty_is_refused_by_name(
    server: str, empty: str, tmp_path: Path, there: str, named: str
) -> None:
    backup(server, tmp_path / "b")
    run_sql(empty, sql.SQL(there))
    with pytest.raises(BackupFailed, match=rf"{make_url(empty).database} is not empty \(it has {named}\)"):
        restore(empty, tmp_path / "b")
    assert run_sql(empty, sql.SQL("SELECT to_regclass('slot')")) == [(None,)]


def test_an_extension_alone_does_not_make_a_database_full(server: str, empty: str, tmp_path: Path) -> None:
    backup(server, tmp_path / "b")
    run_sql(empty, sql.SQL("CREATE EXTENSION btree_gist"))
    restore(empty, tmp_path / "b")
    assert run_sql(empty, sql.SQL("SELECT count(*) FROM slot")) == [(2,)]


def test_a_restore_that_fails_half_way_leaves_nothing(server: str, empty: str, tmp_path: Path) -> None:
    """The grant to a role that is missing comes last, after the tables and their rows."""
    source = new_database(server)
    run_sql(source, sql.SQL("CREATE ROLE gone"))
    run_sql(source, sql.SQL("GRANT SELECT ON slot TO gone"))
    backup(source, tmp_path / "b")
    drop_database(source)
    run_sql(server, sql.SQL("DROP ROLE gone"))
    with pytest.raises(BackupFailed, match='role "gone" does not exist'):
        restore(empty, tmp_path / "b")
    assert run_sql(empty, sql.SQL("SELECT to_regclass('slot')")) == [(None,)]


def test_a_failed_backup_leaves_the_last_one_alone(server: str, tmp_path: Path) -> None:
    file = tmp_path / "b"
    file.write_text("yesterday's")
    with pytest.raises(BackupFailed, match="row-level security"):
        backup(make_url(server).set(username="an_app").render_as_string(), file)
    assert file.read_text() == "yesterday's"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("content", "why"), [(None, "There is no backup"), ("not a backup", "cannot be read")])
def test_what_is_no_backup_is_refused(empty: str, tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "b").write_text(content)
    with pytest.raises(BackupFailed, match=why):
        restore(empty, tmp_path / "b")


def test_an_unwritable_place_and_an_unreachable_server_are_told(server: str, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="cannot be written: No such file or directory"):
        backup(server, tmp_path / "no" / "b")
    with pytest.raises(BackupFailed, match="cannot be reached"):
        backup(f"postgresql+psycopg://satcom_admin@/satcom?host={tmp_path}&port=1", tmp_path / "b")


def test_a_backup_moves_between_the_embedded_server_and_debians(tmp_path: Path) -> None:
    """Whoever outgrows the embedded server takes his data along, also to an older PostgreSQL, and back."""
    with embedded_server() as embedded, debian_server() as debian:
        for url in (embedded, debian):
            run_sql(url, sql.SQL(OPERATOR))
            run_sql(url, sql.SQL("CREATE TABLE note AS SELECT E'SET transaction_timeout = 0;\\n' AS text"))
        for source, target in ((debian, embedded), (embedded, debian)):
            copy = new_database(make_url(target).set(database="template1").render_as_string())
            backup(source, tmp_path / "b")
            restore(copy, tmp_path / "b")
            assert run_sql(copy, sql.SQL("SELECT count(*) FROM slot")) == [(2,)]
            assert run_sql(copy, sql.SQL("SELECT text FROM note")) == [("SET transaction_timeout = 0;\n",)]


def test_the_programs_nearest_to_the_servers_version_are_taken() -> None:
    versions = {folder: backups._version_of(folder) for folder in backups._programs_for(1)}
    assert list(versions.values()) == sorted(versions.values())
    assert versions[backups._programs_for(18)[0]] == 18
    with pytest.raises(BackupFailed, match=r"version 77 or newer is missing.*apt-get install postgresql-client-77"):
        backups._programs_for(77)


def test_a_password_is_not_shown_on_the_command_line(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def watched(command: list[str], **how: object) -> object:
        seen.append(" ".join(map(str, command)))
        return run(command, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    backup(make_url(server).set(password="a secret").render_as_string(hide_password=False), tmp_path / "b")
    assert any("--format=custom" in command for command in seen)
    assert not any("a secret" in command for command in seen)
