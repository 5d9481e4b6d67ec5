"""The worker process: it outlives the database."""

import os
import signal
import time
from pathlib import Path
from random import Random

from satcom.core import embedded_postgres
from tests.crash.an_installation import an_installation
from tests.crash.office import Kind, Office

AWAY_S = 3.0


def test_orders_go_on_in_the_same_process_when_the_database_comes_back(tmp_path: Path) -> None:
    with an_installation(tmp_path, in_stock=3, workers=0) as installation:
        office = Office(installation, Random(1))
        with installation.watched_over():
            installation.wait_until_served()
            office.place([Kind.PATIENT])
            assert office.until(lambda: not office.open(), within_s=600)
            pid = embedded_postgres.status(installation.data_dir).pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            time.sleep(AWAY_S)
            embedded_postgres.ensure_alive(installation.data_dir, fsync=False)
            office.place([Kind.PATIENT] * 2)
            assert office.until(lambda: not office.open(), within_s=600), installation.last_words()
        assert [story.state for story in office.stories] == ["completed"] * 3
        assert installation.killed.total() == 0
        assert installation.ended == []
