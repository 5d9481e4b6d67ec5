"""Which blows fall in one run: seeded points inside the tasks of the flow, and seeded kills from outside."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from satcom.app import declarations
from satcom.core.values import Json
from satcom.orchestration.operations.awaited_satellite import satellite_is_in_service
from satcom.orchestration.operations.cease_at_partner import cease_at_partner, order_the_partners_cease
from satcom.orchestration.operations.cease_of_service import carriers_are_off, cease_of_service
from satcom.orchestration.operations.change_at_partner import change_at_partner
from satcom.orchestration.operations.change_of_service import carriers_are_moved, change_of_service
from satcom.orchestration.operations.order_to_service import order_to_service
from satcom.orchestration.operations.ordered_at_partner import take_delivery
from satcom.orchestration.operations.partner_to_service import partner_to_service
from satcom.orchestration.operations.terminal_swap import terminal_swap
from satcom.orchestration.plan import Plan, TaskKind
from satcom.resource.catalog import NetworkNeed
from tests.crash.an_installation import HUB, PARTNER, POSTGRES, SERVER, Installation
from tests.crash.killable import DEEDS
from tests.resource.a_resource_catalogue import A_LINK

PHASES = {
    TaskKind.OUTSIDE: ("intent", "call", "result"),
    TaskKind.DATABASE: ("call", "result"),
    TaskKind.WAIT: ("call", "result"),
}
NOTHING_ASKED = {"approved": False, "installed": False}  # no rule asks for an approval, no customer for an installer
# the NOC looks at the carriers of a lease, and skips these: they never come to a result
SKIPPED = frozenset({carriers_are_moved.__name__, carriers_are_off.__name__})
# nobody refuses what comes after these, and nobody has the time to cancel it
NOTHING_BETWEEN = frozenset({take_delivery.__name__, order_the_partners_cease.__name__})


def points_of_orders(random: Random, wanted: int) -> dict[str, int]:
    """Every task and undo of the recipes that deliver, and `wanted` points in all: see `spread`.

    Inside a call, after a request to the hub or to a partner, too.
    """
    links, leases, by_partner = Plan(), Plan(), Plan()
    assert declarations.FLOWS
    order_to_service(links, "", A_LINK, **NOTHING_ASKED)
    order_to_service(leases, "", [NetworkNeed.LEASED_SPECTRUM], **NOTHING_ASKED)
    partner_to_service(by_partner, "", approved=False)
    inside = [f"partner {one} result" for one in ("POST reservation", "PATCH reservation", "POST productOrder")]
    things = ("carriers", "terminals", "plans")
    others = [f"hub {way} {thing} result" for way in ("PUT", "DELETE") for thing in things]
    others += ["hub POST terminals result", "partner GET productOrder result", "partner POST cancelProductOrder result"]
    return spread(random, [links, leases, by_partner], inside, others, wanted)


def points_of_changes(random: Random, wanted: int) -> dict[str, int]:
    """As `points_of_orders`, of the recipes that change a service and that end one."""
    change, end, lease, end_of_lease, partners, end_of_partners = (Plan() for _ in range(6))
    change_of_service(change, "", A_LINK, False, **NOTHING_ASKED)
    cease_of_service(end, "", A_LINK)
    change_of_service(lease, "", [NetworkNeed.LEASED_SPECTRUM], False, **NOTHING_ASKED)
    cease_of_service(end_of_lease, "", [NetworkNeed.LEASED_SPECTRUM])
    change_at_partner(partners, "", approved=False)
    cease_at_partner(end_of_partners, "")
    return spread(random, [change, end, lease, end_of_lease, partners, end_of_partners], [], [], wanted)


def points_of_sites(random: Random, wanted: int) -> dict[str, int]:
    """As `points_of_orders`, of the recipe that brings another terminal, approved and put up by others, and of a swap.

    And of what people do that orders wait for, and of the wait for a satellite that is to come.
    """
    other_terminal, swap, lease = Plan(), Plan(), Plan()
    terminal_swap(swap, "")
    change_of_service(other_terminal, "", A_LINK, another_terminal=True, installed=True, approved=True)
    order_to_service(lease, "", [NetworkNeed.LEASED_SPECTRUM], installed=False)
    every = [deed.__name__ for deed in DEEDS] + [satellite_is_in_service.__name__]
    points = [f"{name} {phase}" for name in every for phase in PHASES[TaskKind.WAIT]]
    at_the_hub = [one.task_flow_specification for one in other_terminal.tasks if one.kind is TaskKind.OUTSIDE]
    points += [f"{name} {phase}" for name in at_the_hub for phase in PHASES[TaskKind.OUTSIDE]]
    of_leases = list(spread(random, [lease], [], [], 0))
    return spread(random, [other_terminal, swap], points, of_leases, wanted)


def spread(
    random: Random, recipes: Sequence[Plan], answers: Sequence[str], others: Sequence[str], wanted: int
) -> dict[str, int]:
    """One phase of each task and of each undo, and the `answers`; of `others` and of other phases up to `wanted`.

    Where so many are wanted that none is left, each falls oftener.
    """
    points, more = list(answers), list(others)
    for task in {one.task_flow_specification: one for recipe in recipes for one in recipe.tasks}.values():
        names = [task.task_flow_specification]
        names += [f"undo of {names[0]}"] if task.undo_handler and names[0] not in NOTHING_BETWEEN else []
        for name in names:
            phases = ("call",) if name in SKIPPED else PHASES[task.kind]
            one, *rest = random.sample(phases, len(phases))
            points += [f"{name} {one}"] if f"{name} {one}" not in points else []
            more += [f"{name} {phase}" for phase in rest if task.kind is TaskKind.OUTSIDE]
    more = [one for one in more if one not in points]
    points += random.sample(more, min(max(wanted - len(points), 0), len(more)))
    return Counter([*points, *random.choices(points, k=max(wanted - len(points), 0))])


def faults_of_the_hub(seed: int) -> list[dict[str, Json]]:
    """What a hub does to whoever asks it, now and then."""
    shares = {
        "slow": 0.05,
        "error500": 0.06,
        "effect_done_answer_lost": 0.1,
        "duplicate": 0.1,
        "out_of_order": 0.05,
        "restart": 0.01,
    }
    return [
        {"kind": kind, "probability": share, "seed": seed + number, "delay_s": 0.7}
        for number, (kind, share) in enumerate(shares.items())
    ]


LONGEST_AWAY_S = 2.0


class Killer(threading.Thread):
    """Kills from outside, one after the other, each so many times; and whoever is added to the victims."""

    def __init__(self, installation: Installation, random: Random, times: Mapping[str, int], gap_s: float) -> None:
        super().__init__(name="killer", daemon=True)
        self.installation, self.gap_s, self.random = installation, gap_s, random
        self.victims = [victim for victim, number in times.items() for _ in range(number)]
        random.shuffle(self.victims)
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(self.random.uniform(0.5, 1.5) * self.gap_s):
            if self.victims:
                self.installation.kill(self.victims.pop(), away_s=self.random.uniform(0, LONGEST_AWAY_S))

    def stop(self) -> None:
        self.stopped.set()
        self.join()


def outside(kills: int) -> dict[str, int]:
    """So many kills from outside, spread over what runs."""
    others = {HUB: kills // 5, PARTNER: kills // 5, SERVER: kills * 3 // 10}
    return {POSTGRES: kills - sum(others.values())} | others


def histogram(points: "Counter[str]", processes: "Counter[str]") -> str:
    """Task by phase, then process by process."""
    rows = sorted({point.rsplit(" ", 1)[0] for point in points})
    lines = [f"{'killed inside':42}{'intent':>8}{'call':>8}{'result':>8}"]
    lines += [
        f"{row:42}" + "".join(f"{points[f'{row} {phase}'] or '':>8}" for phase in ("intent", "call", "result"))
        for row in rows
    ]
    lines.append(f"{'in all inside a task':42}{points.total():>8}")
    lines += [f"{name + ' killed':42}{times:>8}" for name, times in sorted(processes.items())]
    lines.append(f"{'kills in all':42}{processes.total():>8}")
    return "\n".join(lines)
