"""An installation at work: every kind of service is ordered while somebody listens to all of its events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx

from satcom.core.access import create_token
from tests.core.an_inbox import an_inbox
from tests.crash.agreement import disagreements
from tests.crash.agreement_of_sites import differently_told
from tests.crash.an_installation import Installation, an_installation
from tests.crash.office import FLOWS, Kind, Office
from tests.crash.sold import Sold, offer_every_kind
from tests.hardening.listeners import ALLOWED, Listeners, Signed, signed_just_now

KINDS = (Sold.LINK, Sold.ACCESS, Sold.LEASE)  # a partner has his own clock, his own disk and his own backup


@contextmanager
def at_work(
    folder: Path,
    *,
    in_stock: int,
    further: Mapping[str, str] | None = None,
    data_dir: Path | None = None,
    signed: Signed = signed_just_now,
) -> Iterator[tuple[Office, Listeners]]:
    """The customers of one who sells every kind, and the listeners; all runs, and is watched over."""
    all_set = ALLOWED | dict(further or {})
    sold = an_installation(folder, in_stock=in_stock, every_kind=True, further=all_set, data_dir=data_dir)
    with an_inbox() as inbox, sold as installation:
        let_in_for_long(installation)
        office = Office(installation, Random(1), offer_every_kind(installation.operation, installation.partner))
        with installation.watched_over():
            installation.wait_until_served()
            yield office, Listeners(office, inbox, signed)


def let_in_for_long(installation: Installation) -> None:
    """A token that outlives the days that a test lets pass."""
    with installation.operation.database.as_worker() as session:
        _, secret = create_token(session, "of a long test", ["administrator"], None, timedelta(days=30))
    installation.headers = {"Authorization": f"Bearer {secret}"}


def one_of_each(office: Office) -> None:
    """An order of each kind, all at the same time."""
    office.place_each((sold, Kind.PATIENT) for sold in KINDS)


def all_in_service(office: Office, listeners: Listeners, since: int = 0) -> None:
    """Every order is delivered, all books agree, and all of it was told; `since` as in `Listeners.told_amiss`."""
    here = office.installation
    assert office.until(lambda: not office.open(), within_s=600), here.stuck()
    ended_otherwise = [(one.reference, one.sold, one.state) for one in office.stories if one.state != "completed"]
    assert ended_otherwise == [], f"{ended_otherwise}\n{here.stuck()}\n{why_undone(office)}"
    with (
        _api(here) as api,
        here.operation.hub.client() as hub,
        here.partner.client() as partner,
    ):
        assert disagreements(api, hub, partner) == []
    assert told_amiss(office, listeners, since) == []
    assert here.ended == [], here.last_words()


def why_undone(office: Office) -> list[str]:
    """What the flows that were undone say."""
    told = (one.get("characteristic", []) for one in office.listed(FLOWS))
    return [str(one["value"]) for named in told for one in named if one["name"] == "cause"]


def told_amiss(office: Office, listeners: Listeners, since: int = 0) -> list[str]:
    """What is wrong with all that was told."""
    wrong = listeners.told_amiss(office.installation.operation.database, since)
    with _api(office.installation) as api:
        return wrong + differently_told(api, listeners.inbox)


def _api(installation: Installation) -> httpx.Client:
    return httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False)
