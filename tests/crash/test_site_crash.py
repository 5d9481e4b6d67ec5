"""Whatever is killed while terminals are changed and satellites slip: each is as before or as asked, in all books."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest
from sqlmodel import select

from satcom.core.security import WORKER, Role
from satcom.market.order_approval import NewApprovalRule, add_rule
from satcom.resource.catalog import NetworkNeed
from satcom.supplychain.stock import StockedTerminal, StockState
from tests.core.a_listener import a_listener, networks
from tests.core.an_inbox import Inbox, an_inbox
from tests.crash.agreement_of_change import ENDS, disagreements_of_change
from tests.crash.agreement_of_sites import TOLD_OF, differently_told, disagreements_of_sites
from tests.crash.an_installation import HUB, POSTGRES, SERVER, Installation, an_installation
from tests.crash.blows import Killer, faults_of_the_hub, histogram, points_of_sites
from tests.crash.office import STEP_S
from tests.crash.programme import Programme
from tests.crash.shared_time import VARIABLE, SharedTime
from tests.crash.site_office import CYCLE, SiteOffice, Wish
from tests.crash.sold import Offers, Sold, with_terminals_to_choose
from tests.crash.test_change_crash import ANSWERS_LOST
from tests.crash.test_crash import GAP_S, KILLS, RUNS, SEED
from tests.orchestration.operations.the_other_kinds import an_offer
from tests.service.an_installation import an_installer

BEGINS = datetime(2027, 3, 2, 6, tzinfo=UTC)  # no bill day falls into a run
OUTSIDE, LONGEST_S = {POSTGRES: 2, HUB: 1, SERVER: 1}, 900
CUSTOMERS = [  # each with its first wish
    (sold, CYCLE.index(wish))
    for sold in (Sold.LINK, Sold.ACCESS)
    for wish in (Wish.RAINED_ON, Wish.SWAP, Wish.NOT_SWAPPED)
]
TEAMS = 20
FEW = 1  # of the other terminal are on the shelf; more have to be bought
LISTENER = "127.0.0.0/8"
DEAR = 1  # a month: what makes an order dearer is to be approved


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
def test_every_change_of_a_terminal_and_every_slip_is_done_or_undone_whatever_is_killed(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    random, began = Random(seed), time.monotonic()
    points = points_of_sites(random, wanted=KILLS - sum(OUTSIDE.values()))
    shared = SharedTime.beginning(BEGINS, tmp_path / "ahead")
    further = {VARIABLE: str(shared.file), "SATCOM_EVENT_NETWORKS": LISTENER}
    with (
        shared.kept_here(),
        networks(LISTENER),
        an_inbox() as inbox,
        an_installation(tmp_path, in_stock=len(CUSTOMERS), further=further, every_kind=True) as installation,
    ):
        for document in TOLD_OF:
            a_listener(installation.operation.database, inbox.url, document=document)
        office, programme = everybody(installation, random, shared)
        installation.operation.hub.set_faults(*(f for f in faults_of_the_hub(seed) if f["kind"] in ANSWERS_LOST))
        installation.points.want(points, GAP_S)
        with installation.watched_over():
            installation.wait_until_served()
            under_fire(installation, office, programme, random)
        fired_s = time.monotonic() - began
        wrong = recover(installation, office, programme, inbox)
        told = ", ".join(f"{what} {times}" for what, times in sorted(office.ends.items()))
        took = f"{fired_s:.0f} s under fire, {time.monotonic() - began:.0f} s in all"
        blows = histogram(installation.points.struck(), installation.killed)
        record_property("histogram", f"{blows}\n{told}\n{len(programme.satellites)} satellites\n{took}")
        assert installation.ended == [], installation.last_words()
        assert wrong == [], installation.last_words()
        assert set(points) <= set(installation.points.struck())


def everybody(installation: Installation, random: Random, shared: SharedTime) -> tuple[SiteOffice, Programme]:
    """The offers, the rule of sales, the installer, and the customers with their first terminals."""
    operation = installation.operation
    with operation.database.as_worker() as session:
        lease = an_offer(session, ["bandwidthHz", "satellite"], NetworkNeed.LEASED_SPECTRUM)
        an_installer(session, TEAMS, working_days=[*range(1, 8)], first_hour=0, last_hour=24, visit_hours=1)
    of_leases = Offers(operation.market, {Sold.LEASE: lease})
    offers = with_terminals_to_choose(of_leases, operation, "installation")
    office = SiteOffice(installation, random, offers, shared)
    for sold, first in CUSTOMERS:
        office.deliver(sold, first)
    with operation.database.as_worker() as session:
        on_the_shelf = select(StockedTerminal).where(StockedTerminal.state == StockState.IN_STOCK)
        for other in office.others:
            for one in session.exec(on_the_shelf.where(StockedTerminal.terminal_type_name == other)).all()[FEW:]:
                session.delete(one)
        add_rule(session, NewApprovalRule.model_validate({"abovePerMonth": DEAR, "role": Role.SALES}), WORKER)
    return office, Programme(installation, random, offers, shared)


def under_fire(installation: Installation, office: SiteOffice, programme: Programme, random: Random) -> None:
    """Terminals are changed and satellites come for as long as blows are to fall."""
    killer = Killer(installation, random, OUTSIDE, gap_s=4.0)
    killer.start()
    give_up = time.monotonic() + LONGEST_S
    try:
        while installation.points.open() or killer.victims:
            assert time.monotonic() < give_up, f"still to fall: {installation.points.open()}"
            office.step(more=True)
            programme.step(more=True)
            time.sleep(STEP_S)
    finally:
        killer.stop()


def recover(
    installation: Installation, office: SiteOffice, programme: Programme, inbox: Inbox, within_s: float = 400
) -> list[str]:
    """Start everything afresh, let it finish, and compare the books."""
    installation.points.want({}, 0)
    installation.operation.hub.restart()
    installation.operation.hub.set_faults()
    with installation.watched_over():
        installation.wait_until_served()
        give_up = time.monotonic() + within_s
        while (office.open() or programme.open()) and time.monotonic() < give_up:
            office.step(more=False)
            programme.step(more=False)
            time.sleep(STEP_S)
        with (
            httpx.Client(base_url=installation.url, headers=installation.headers, timeout=60, trust_env=False) as api,
            installation.operation.hub.client() as hub,
        ):
            ends = *ENDS, "rejected"  # by sales
            wrong = programme.wrong + disagreements_of_change(api, hub, ends=ends)
            return wrong + disagreements_of_sites(api, hub) + differently_told(api, inbox)
