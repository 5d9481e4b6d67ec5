"""A site is lost while orders run: they go on elsewhere, from the backup that was taken meanwhile.

So does what is told of them. What the lost site did after the backup was told by it, and is told again as it is done
again. What was ordered after the backup is lost with it and ordered anew; what the hub holds for it, the NOC clears.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from satcom.core.database import Database
from tests.core.an_inbox import an_inbox
from tests.crash.an_installation import Installation, a_database_server, an_installation
from tests.crash.office import ORDERS, Kind, Office, Story
from tests.crash.sold import Sold, offer_every_kind
from tests.hardening.at_work import KINDS, all_in_service, one_of_each
from tests.hardening.listeners import ALLOWED, Listeners, mistold
from tests.house.checkout import ROOT
from tests.orchestration.operations.an_order_to_service import Operation

IN_STOCK, OF_EACH = 3, 2  # one waits for a terminal that is bought
TO_BE_CLEARED = "configure_hub: its port at the hub has to be cleared first"


def satcom(surroundings: Mapping[str, str], *words: str) -> None:
    """The command line, as an operator types it."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("satcom")), *words],
        cwd=ROOT,
        env=os.environ | dict(surroundings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_orders_that_ran_while_they_were_backed_up_go_on_elsewhere_and_nothing_is_done_twice(tmp_path: Path) -> None:
    kept = tmp_path / "satcom.dump"
    with (
        an_inbox() as inbox,
        an_installation(tmp_path, in_stock=IN_STOCK, every_kind=True, further=ALLOWED) as lost,
    ):
        office = Office(lost, Random(1), offer_every_kind(lost.operation, lost.partner))
        with lost.watched_over():
            lost.wait_until_served()
            listeners = Listeners(office, inbox)
            for _ in range(OF_EACH):
                one_of_each(office)
            assert office.until(lambda: any(one.ended for one in office.stories), within_s=600)
            assert office.open(), "nothing ran any more when it was backed up"
            satcom({"SATCOM_DATABASE_URL": lost.operation.database.url}, "db", "backup", str(kept))
            kept_of = listeners.happened(lost.operation.database)
            one_of_each(office)  # from here on all is lost
            assert office.until(lambda: links_delivered(office.stories[-len(KINDS) :]), within_s=600)
            later = office.until(lambda: any(mistold(kept_of, listeners.inbox.events)), within_s=600)
            assert later, f"listeners were told of nothing after the backup\n{lost.last_words()}"
            office.place([Kind.PATIENT])  # just begun when the site is lost
        office.close()
        assert office.open(), "nothing ran any more when the site was lost"
        with a_database_server() as (data_dir, url):
            satcom({"SATCOM_DATABASE_URL": url}, "db", "restore", str(kept))
            database = Database(url, connections=4)
            here = lost.operation
            moved = Installation(
                Operation(database, here.market, here.hub, here.driver),
                tmp_path / "elsewhere",
                data_dir,
                further=ALLOWED,
                partner=lost.partner,
            )
            go_on(moved, office, listeners)
            database.close()


def links_delivered(stories: Sequence[Story]) -> bool:
    return all(one.state == "completed" for one in stories if one.sold is Sold.LINK)


def go_on(installation: Installation, left_by: Office, listeners: Listeners) -> None:
    """The same orders, at their new place, until all have ended; those that are lost, ordered anew."""
    office, told = Office(installation, Random(2), left_by.offers), listeners.inbox.events
    office.stories, since = left_by.stories, len(told)
    of_the_lost = list(mistold(listeners.happened(installation.operation.database), told))
    assert of_the_lost, "the lost site did nothing after the backup"
    with installation.watched_over():
        installation.wait_until_served()
        assert len(office.order_anew()) == len(KINDS) + 1, "those that were ordered after the backup"
        assert office.until(lambda: TO_BE_CLEARED in notes_of_the_held(office), within_s=600), installation.stuck()
        access = {"SATCOM_URL": installation.url, "SATCOM_TOKEN": installation.headers["Authorization"].split()[1]}
        satcom(access, "hub", "clear", "--yes")
        all_in_service(office, listeners, since)


def notes_of_the_held(office: Office) -> str:
    """Why orders are held."""
    return "\n".join(note["text"] for one in office.listed(ORDERS, state="held") for note in one["note"])
