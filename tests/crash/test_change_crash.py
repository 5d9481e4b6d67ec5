"""Whatever is killed while services change and end: each is as before or as asked, gone or there, in all books."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.crash.agreement_of_change import disagreements_of_change
from tests.crash.an_installation import Installation, an_installation
from tests.crash.blows import Killer, faults_of_the_hub, histogram, outside, points_of_changes
from tests.crash.change_office import STAYS, ChangeOffice, changing, leaving
from tests.crash.office import STEP_S
from tests.crash.sold import Sold, offer_every_kind, with_terminals_to_choose
from tests.crash.test_crash import GAP_S, KILLS, OUTSIDE, RUNS, SEED
from tests.simulators.partner_process import connected_to

LONGEST_S = 900
CUSTOMERS = [
    *((sold, changing(sold, first)) for sold in (Sold.LINK, Sold.ACCESS) for first in (0, 1)),
    *((sold, changing(sold)) for sold in (Sold.LEASE, Sold.PARTNER)),
    *((sold, leaving(sold)) for sold in Sold),
]
ANSWERS_LOST = ("slow", "effect_done_answer_lost", "duplicate")


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_change_and_every_end_is_done_or_undone_whatever_is_killed(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    random = Random(seed)
    points = points_of_changes(random, wanted=KILLS - OUTSIDE)
    with an_installation(tmp_path, in_stock=100, every_kind=True) as installation:
        offers = offer_every_kind(installation.operation, installation.partner)
        offers = with_terminals_to_choose(offers, installation.operation)
        office = ChangeOffice(installation, random, offers)
        with connected_to(installation.partner):
            office.deliver(Sold.LINK, STAYS, kept=True)
            for sold, wishes in CUSTOMERS:
                office.deliver(sold, wishes)
        faults = [one for one in faults_of_the_hub(seed) if one["kind"] in ANSWERS_LOST]
        installation.operation.hub.set_faults(*office.faults(), *faults)
        installation.points.want(points, GAP_S)
        with installation.watched_over():
            installation.wait_until_served()
            under_fire(installation, office, random)
        wrong = recover(installation, office)
        told = ", ".join(f"{what} {times}" for what, times in sorted(office.ends.items()))
        record_property("histogram", f"{histogram(installation.points.struck(), installation.killed)}\n{told}")
        assert installation.ended == [], installation.last_words()
        assert wrong == [], installation.last_words()
        assert set(points) <= set(installation.points.struck())


def under_fire(installation: Installation, office: ChangeOffice, random: Random) -> None:
    """Customers change and end what they have while blows are to fall, and until one of each kind has ended."""
    killer = Killer(installation, random, outside(OUTSIDE), gap_s=3.0)
    killer.start()
    give_up = time.monotonic() + LONGEST_S
    try:
        while installation.points.open() or killer.victims or office.ended() != set(Sold):
            left = set(Sold) - office.ended()
            assert time.monotonic() < give_up, f"still to fall: {installation.points.open()}; to end: {left}"
            office.step(more=True)
            time.sleep(STEP_S)
    finally:
        killer.stop()


def recover(installation: Installation, office: ChangeOffice, within_s: float = 600) -> list[str]:
    """Start everything afresh, let it finish, and compare the books."""
    installation.points.want({}, 0)
    installation.operation.hub.restart()
    installation.operation.hub.set_faults()
    with installation.watched_over():
        installation.wait_until_served()
        give_up = time.monotonic() + within_s
        while office.open() and time.monotonic() < give_up:
            office.step(more=False)
            time.sleep(STEP_S)
        with (
            httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
            installation.operation.hub.client() as hub,
            installation.partner.client() as partner,
        ):
            return disagreements_of_change(api, hub, partner)
