"""The database server is restarted in order, and its disk is full, while orders run: they wait, and go on.

Orders of every kind, and of all that happens somebody is told.
"""

import time
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from satcom.core import embedded_postgres
from tests.hardening.a_small_disk import a_small_disk, may_mount, run_where_it_may_mount
from tests.hardening.at_work import all_in_service, at_work, one_of_each
from tests.postgres_server import run_sql

RESTARTS = 3
FULL_FOR_S = 10.0
WRITE_MUCH = sql.SQL("CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 10000)")


def test_orders_go_on_when_the_database_server_is_restarted_under_them(tmp_path: Path) -> None:
    with at_work(tmp_path, in_stock=2 * RESTARTS) as (office, listeners):
        for _ in range(RESTARTS):
            one_of_each(office)
            with office.installation.database_away():
                embedded_postgres.restart(office.installation.data_dir, fsync=False)
        all_in_service(office, listeners)
        assert office.installation.killed.total() == 0


def fill(disk: Path) -> Path:
    """Somebody writes until nothing is left; what he wrote."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:  # no space left
            return ballast
    raise AssertionError("the disk has no end")


def test_orders_wait_while_the_disk_is_full_and_go_on_when_there_is_room(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not may_mount():
        run_where_it_may_mount(request.node.nodeid)
        return
    with a_small_disk() as disk, at_work(tmp_path, in_stock=4, data_dir=disk) as (office, listeners):
        installation = office.installation
        assert embedded_postgres.status(installation.data_dir).cluster.is_relative_to(disk)
        one_of_each(office)
        with installation.database_away():
            ballast = fill(disk)
            with pytest.raises(psycopg.OperationalError):
                run_sql(installation.operation.database.url, WRITE_MUCH)
            time.sleep(FULL_FOR_S)
            ballast.unlink()
        one_of_each(office)
        all_in_service(office, listeners)
        assert installation.killed.total() == 0
