"""A site is lost while orders run: they go on elsewhere, from the backup that was taken meanwhile."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import httpx

from satcom.core.database import Database
from tests.crash.agreement import disagreements
from tests.crash.an_installation import Installation, a_database_server, an_installation
from tests.crash.office import Kind, Office
from tests.house.checkout import ROOT
from tests.orchestration.operations.an_order_to_service import Operation

IN_STOCK, ORDERS = 10, 16  # the others wait for a terminal that is bought


def satcom(url: str, *words: str) -> None:
    """The command line, as an operator types it."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("satcom")), *words],
        cwd=ROOT,
        env=os.environ | {"SATCOM_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_orders_that_ran_while_they_were_backed_up_go_on_elsewhere_and_nothing_is_done_twice(tmp_path: Path) -> None:
    kept = tmp_path / "satcom.dump"
    with an_installation(tmp_path, in_stock=IN_STOCK) as lost:
        office = Office(lost, Random(1))
        with lost.watched_over():
            lost.wait_until_served()
            office.place([Kind.PATIENT] * ORDERS)
            assert office.until(lambda: len(office.open()) < ORDERS, within_s=600), lost.last_words()
            satcom(lost.operation.database.url, "db", "backup", str(kept))
        office.close()
        assert office.open(), "nothing ran any more when the backup was taken"
        with a_database_server() as (data_dir, url):
            satcom(url, "db", "restore", str(kept))
            database = Database(url, connections=4)
            here = lost.operation
            moved = Installation(
                Operation(database, here.market, here.hub, here.driver), tmp_path / "elsewhere", data_dir
            )
            go_on(moved, office)
            database.close()


def go_on(installation: Installation, left_by: Office) -> None:
    """The same orders, at their new place, until all have ended."""
    office = Office(installation, Random(2))
    office.stories = left_by.stories
    with installation.watched_over():
        installation.wait_until_served()
        assert office.until(lambda: not office.open(), within_s=600), installation.last_words()
        assert [story.state for story in office.stories] == ["completed"] * ORDERS
        with (
            httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
            installation.operation.hub.client() as hub,
        ):
            assert disagreements(api, hub) == []
    assert installation.ended == [], installation.last_words()
