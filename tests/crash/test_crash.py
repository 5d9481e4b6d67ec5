"""Whatever is killed, whenever: every order ends in service or fully undone, and all books agree.

A blow falls on each kind of flow on its way forward and on its way back. `make soak` does it oftener, and has enough
kills for each task and each undo: SATCOM_CRASH_RUNS runs from seed SATCOM_CRASH_SEED on, of SATCOM_CRASH_KILLS each.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.crash.agreement import disagreements, effects_twice
from tests.crash.an_installation import SERVER, Installation, an_installation
from tests.crash.blows import Killer, faults_of_the_hub, histogram, outside, points_of_orders
from tests.crash.killable import FRESH_KEYS
from tests.crash.office import Kind, Office
from tests.crash.sold import Sold, offer_every_kind

KILLS = int(os.environ.get("SATCOM_CRASH_KILLS", "20"))
SEED = int(os.environ.get("SATCOM_CRASH_SEED", "1"))
RUNS = int(os.environ.get("SATCOM_CRASH_RUNS", "1"))
OUTSIDE = KILLS // 5
FIRST = {
    Sold.LINK: [Kind.PATIENT, Kind.RAINED_ON, Kind.RAINED_ON, Kind.IMPATIENT, Kind.FICKLE, Kind.IMPOSSIBLE],
    Sold.ACCESS: [Kind.PATIENT, Kind.RAINED_ON, Kind.RAINED_ON, Kind.IMPATIENT, Kind.FICKLE],
    Sold.LEASE: [Kind.PATIENT, Kind.RAINED_ON, Kind.IMPATIENT, Kind.FICKLE],
    Sold.PARTNER: [Kind.PATIENT, Kind.PATIENT, Kind.IMPATIENT, Kind.IMPATIENT, Kind.FICKLE],
}
NEXT = [
    (Sold.LINK, Kind.RAINED_ON),
    (Sold.LINK, Kind.FICKLE),
    (Sold.ACCESS, Kind.RAINED_ON),
    (Sold.LEASE, Kind.PATIENT),
    (Sold.LEASE, Kind.IMPATIENT),
    (Sold.PARTNER, Kind.PATIENT),
    (Sold.PARTNER, Kind.IMPATIENT),
    (Sold.PARTNER, Kind.IMPATIENT),
]
GAP_S = 0.65
AT_ONCE = 12  # more orders come while blows are still to fall and fewer than these are open


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_order_ends_in_service_or_fully_undone_whatever_is_killed(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    random, began = Random(seed), time.monotonic()
    points = points_of_orders(random, KILLS - OUTSIDE)
    with an_installation(tmp_path, in_stock=2, every_kind=True) as installation:
        office = Office(installation, random, offer_every_kind(installation.operation, installation.partner))
        installation.operation.hub.set_faults(*faults_of_the_hub(seed))
        installation.points.want(points, GAP_S)
        with installation.watched_over():
            installation.wait_until_served()
            under_fire(installation, office, random)
        fired_s = time.monotonic() - began
        recovered = recover(installation, office)
        record_property("histogram", report(installation, office, fired_s, time.monotonic() - began))
        assert installation.ended == [], installation.last_words()
        assert recovered == [], installation.last_words()
        assert installation.killed.total() >= KILLS
        assert set(points) <= set(installation.points.struck())


def under_fire(installation: Installation, office: Office, random: Random) -> None:
    """Orders come for as long as blows are to fall."""
    first = [(sold, kind) for sold, kinds in FIRST.items() for kind in kinds]
    office.place_each(random.sample(first, len(first)))
    killer = Killer(installation, random, outside(OUTSIDE), gap_s=3.0)
    killer.start()

    def all_fell() -> bool:
        fallen = not installation.points.open() and not killer.victims
        if fallen and installation.killed.total() < KILLS:  # one fell on somebody who was dead already
            killer.victims.append(SERVER)
            fallen = False
        if not fallen and len(office.open()) < AT_ONCE:
            office.place_each(NEXT)
        return fallen

    try:
        assert office.until(all_fell, within_s=600 + 30 * KILLS), f"still to fall: {installation.points.open()}"
    finally:
        killer.stop()


def recover(installation: Installation, office: Office, within_s: float = 600) -> list[str]:
    """Start everything afresh, let it finish, and compare the books."""
    installation.points.want({}, 0)
    installation.operation.hub.restart()
    installation.operation.hub.set_faults()
    with installation.watched_over():
        installation.wait_until_served()
        office.until(lambda: not office.open(), within_s)
        with (
            httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
            installation.operation.hub.client() as hub,
            installation.partner.client() as partner,
        ):
            return disagreements(api, hub, partner)


def report(installation: Installation, office: Office, fired_s: float, took_s: float) -> str:
    ends = Counter(story.state for story in office.stories)
    told = ", ".join(f"{number} {state}" for state, number in sorted(ends.items()))
    blows = histogram(installation.points.struck(), installation.killed)
    return f"{blows}\n{len(office.stories)} orders: {told}\n{fired_s:.0f} s under fire, {took_s:.0f} s in all"


@pytest.mark.at_length
def test_without_idempotency_keys_the_hub_does_things_twice(tmp_path: Path) -> None:
    """The mutant of the test above: it sees what it is there to see."""
    with an_installation(tmp_path, in_stock=8, workers=0, further={FRESH_KEYS: "yes"}) as installation:
        office = Office(installation, Random(SEED))
        lost = {"kind": "effect_done_answer_lost", "probability": 0.4, "seed": SEED}
        installation.operation.hub.set_faults(lost)
        with installation.watched_over():
            installation.wait_until_served()
            office.place([Kind.PATIENT] * 6)
            office.until(lambda: not office.open(), within_s=60)
            with installation.operation.hub.client() as hub:
                twice = effects_twice(hub)
    assert [what for what in twice if " carrier " in what], twice
