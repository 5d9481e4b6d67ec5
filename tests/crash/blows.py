"""Which blows fall in one run: seeded points inside the tasks of the flow, and seeded kills from outside."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeAlias

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
from tests.crash.kind_of_flow import PARTS, Part, another, end, new, swap
from tests.crash.sold import Sold
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


Phases: TypeAlias = dict[str, tuple[str, ...]]  # by the name of a task, or of the undo of one


def points_of_orders(random: Random, wanted: int) -> dict[str, int]:
    """`wanted` points of the recipes that deliver: see `spread`.

    Inside a call, after a request to the hub or to a partner, too.
    """
    at_a_site, leases, by_partner = Plan(), Plan(), Plan()
    assert declarations.FLOWS
    order_to_service(at_a_site, "", A_LINK, **NOTHING_ASKED)
    order_to_service(leases, "", [NetworkNeed.LEASED_SPECTRUM], **NOTHING_ASKED)
    partner_to_service(by_partner, "", approved=False)
    kinds = {new(Sold.LINK): sides(at_a_site), new(Sold.ACCESS): sides(at_a_site)}
    kinds |= {new(Sold.LEASE): sides(leases), new(Sold.PARTNER): sides(by_partner)}
    inside = [f"partner {one} result" for one in ("POST reservation", "PATCH reservation", "POST productOrder")]
    things = ("carriers", "terminals", "plans")
    others = [f"hub {way} {thing} result" for way in ("PUT", "DELETE") for thing in things]
    others += ["hub POST terminals result", "partner GET productOrder result", "partner POST cancelProductOrder result"]
    return spread(random, kinds, inside, others, wanted)


def points_of_changes(random: Random, wanted: int) -> dict[str, int]:
    """As `points_of_orders`, of the recipes that change each part of a service and that end one."""
    lease, partners = Plan(), Plan()
    change_of_service(lease, "", [NetworkNeed.LEASED_SPECTRUM], False, **NOTHING_ASKED)
    change_at_partner(partners, "", approved=False)
    kinds = {another(Part.BANDWIDTH, Sold.LEASE): sides(lease), another(Part.RATE, Sold.PARTNER): sides(partners)}
    for sold in (Sold.LINK, Sold.ACCESS):
        for part in PARTS[sold]:
            change = Plan()
            change_of_service(change, "", A_LINK, part is Part.TERMINAL, **NOTHING_ASKED)
            kinds[another(part, sold)] = sides(change)
    at_a_site, of_lease, of_partners = Plan(), Plan(), Plan()
    cease_of_service(at_a_site, "", A_LINK)
    cease_of_service(of_lease, "", [NetworkNeed.LEASED_SPECTRUM])
    cease_at_partner(of_partners, "")
    kinds[end(Sold.LINK)] = sides(at_a_site)
    # nobody withdraws the others
    kinds |= {end(Sold.ACCESS): sides(at_a_site)[:1], end(Sold.LEASE): sides(of_lease)[:1]}
    kinds[end(Sold.PARTNER)] = sides(of_partners)[:1]
    return spread(random, kinds, [], [], wanted)


def points_of_sites(random: Random, wanted: int) -> dict[str, int]:
    """As `points_of_orders`, of the recipe that brings another terminal, approved and put up by others, and of a swap.

    And of what people do that orders wait for, and of the wait for a satellite that is to come.
    """
    other_terminal, swapped, lease = Plan(), Plan(), Plan()
    terminal_swap(swapped, "")
    change_of_service(other_terminal, "", A_LINK, another_terminal=True, installed=True, approved=True)
    order_to_service(lease, "", [NetworkNeed.LEASED_SPECTRUM], installed=False)
    kinds = {another(Part.TERMINAL, sold): sides(other_terminal) for sold in (Sold.LINK, Sold.ACCESS)}
    kinds |= {swap(sold): sides(swapped) for sold in (Sold.LINK, Sold.ACCESS)}
    waited_for = [deed.__name__ for deed in DEEDS] + [f"{new(Sold.LEASE)}: {satellite_is_in_service.__name__}"]
    phases = PHASES[TaskKind.WAIT]
    answers = [f"{name} {random.choice(phases)}" for name in waited_for]
    others = [f"{name} {phase}" for name in waited_for for phase in phases if f"{name} {phase}" not in answers]
    others += list(spread(random, {new(Sold.LEASE): sides(lease)}, [], [], len(lease.tasks) * 2))
    return spread(random, kinds, answers, [one for one in others if one not in answers], wanted)


def spread(
    random: Random, kinds: Mapping[str, Sequence[Phases]], answers: Sequence[str], others: Sequence[str], wanted: int
) -> dict[str, int]:
    """Each kind of flow once on its way forward and once on its way back, and the `answers`; then up to `wanted`.

    First one phase of each other task and undo in one of the kinds that have it, then the `others` and, in every kind,
    the other phases of what is done outside.
    """
    points, by_name = list(answers), dict[str, list[str]]()
    for kind, both in kinds.items():
        for side in both:
            points.append(random.choice([f"{kind}: {name} {phase}" for name, of_it in side.items() for phase in of_it]))
            for name, of_it in side.items():
                by_name.setdefault(name, []).extend(f"{kind}: {name} {phase}" for phase in of_it)
    rest = [random.choice(where) for where in by_name.values() if not set(where) & set(points)]
    outside = [one for where in by_name.values() if any(one.endswith(" intent") for one in where) for one in where]
    more = [one for one in [*others, *outside] if one not in points and one not in rest]
    for pool in (rest, more):
        points += random.sample(pool, min(max(wanted - len(points), 0), len(pool)))
    return Counter(points)


def sides(plan: Plan) -> list[Phases]:
    """Where a blow can fall on the way forward, and on the way back."""
    forward: Phases = {}
    back: Phases = {}
    for task in plan.tasks:
        name = task.task_flow_specification
        forward[name] = ("call",) if name in SKIPPED else PHASES[task.kind]
        if task.undo_handler and name not in NOTHING_BETWEEN:
            back[f"undo of {name}"] = PHASES[task.kind]
    return [forward, back]


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
    """So many kills from outside, four or more, spread over what runs."""
    others = {HUB: max(kills // 5, 1), PARTNER: max(kills // 5, 1), SERVER: max(kills * 3 // 10, 1)}
    return {POSTGRES: kills - sum(others.values())} | others


def histogram(points: "Counter[str]", processes: "Counter[str]") -> str:
    """Task by phase, then process by process."""
    rows = sorted({point.rsplit(" ", 1)[0] for point in points})
    lines = [f"{'killed inside':76}{'intent':>8}{'call':>8}{'result':>8}"]
    lines += [
        f"{row:76}" + "".join(f"{points[f'{row} {phase}'] or '':>8}" for phase in ("intent", "call", "result"))
        for row in rows
    ]
    lines.append(f"{'in all inside a task':76}{points.total():>8}")
    lines += [f"{name + ' killed':76}{times:>8}" for name, times in sorted(processes.items())]
    lines.append(f"{'kills in all':76}{processes.total():>8}")
    return "\n".join(lines)
