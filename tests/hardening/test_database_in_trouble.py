"""The database server is restarted in order, and its disk is full, while orders run: they wait, and go on."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx
import psycopg
import pytest
from psycopg import sql

from satcom.core import embedded_postgres
from tests.crash.agreement import disagreements
from tests.crash.an_installation import Installation, an_installation
from tests.crash.office import Kind, Office
from tests.postgres_server import run_sql

RESTARTS, ORDERS = 3, 8
DISK, FULL_FOR_S = "400m", 10.0
WRITE_MUCH = sql.SQL("CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 10000)")


def all_in_service(installation: Installation, office: Office) -> None:
    assert office.until(lambda: not office.open(), within_s=600), installation.last_words()
    assert [story.state for story in office.stories] == ["completed"] * len(office.stories)
    with (
        httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
        installation.operation.hub.client() as hub,
    ):
        assert disagreements(api, hub) == []
    assert installation.ended == [], installation.last_words()
    assert installation.killed.total() == 0


def test_orders_go_on_when_the_database_server_is_restarted_under_them(tmp_path: Path) -> None:
    with an_installation(tmp_path, in_stock=ORDERS) as installation:
        office = Office(installation, Random(1))
        with installation.watched_over():
            installation.wait_until_served()
            for _ in range(RESTARTS):
                office.place([Kind.PATIENT] * (ORDERS // RESTARTS))
                with installation.database_away():
                    embedded_postgres.restart(installation.data_dir, fsync=False)
            all_in_service(installation, office)


@contextmanager
def a_small_disk() -> Iterator[Path]:
    """A folder on a file system of its own, which a test may fill without harm to others."""
    folder = Path(tempfile.mkdtemp(prefix="satcom-disk-", dir="/tmp"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=711", "satcom", folder], check=False)
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("only root may mount a disk of its own")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


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


def test_orders_wait_while_the_disk_is_full_and_go_on_when_there_is_room(tmp_path: Path) -> None:
    with a_small_disk() as disk, an_installation(tmp_path, in_stock=ORDERS, data_dir=disk) as installation:
        assert embedded_postgres.status(disk).cluster.is_relative_to(disk)
        office = Office(installation, Random(1))
        with installation.watched_over():
            installation.wait_until_served()
            office.place([Kind.PATIENT] * (ORDERS // 2))
            with installation.database_away():
                ballast = fill(disk)
                with pytest.raises(psycopg.OperationalError):
                    run_sql(installation.operation.database.url, WRITE_MUCH)
                time.sleep(FULL_FOR_S)
                ballast.unlink()
            office.place([Kind.PATIENT] * (ORDERS // 2))
            all_in_service(installation, office)
