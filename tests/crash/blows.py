"""Which blows fall in one run: seeded points inside the tasks of the flow, and seeded kills from outside."""

import threading
from collections import Counter
from collections.abc import Mapping
from random import Random

from satcom.app import declarations
from satcom.core.values import Json
from satcom.orchestration.operations.cease_of_service import cease_of_service
from satcom.orchestration.operations.change_of_service import change_of_service
from satcom.orchestration.operations.order_to_service import order_to_service
from satcom.orchestration.plan import Plan, TaskKind
from tests.crash.an_installation import HUB, POSTGRES, SERVER, Installation
from tests.resource.a_resource_catalogue import A_LINK

PHASES = {
    TaskKind.OUTSIDE: ("intent", "call", "result"),
    TaskKind.DATABASE: ("call", "result"),
    TaskKind.WAIT: ("call", "result"),
}


def points_of_the_flow(random: Random, times: int = 1) -> dict[str, int]:
    """Every task of the flow and every undo: all phases of a call to the outside, one of what is one transaction.

    Inside a call after each kind of request to the hub, too.
    """
    assert declarations.FLOWS
    draft = Plan()
    order_to_service(draft, "", A_LINK, approved=False)  # no rule asks for an approval there
    answers = ("PUT carriers", "PUT terminals", "PUT plans", "POST terminals")
    undone = ("DELETE plans", "DELETE terminals", "DELETE carriers")
    return points_of(draft, random, times) | {f"hub {answer} result": times for answer in answers + undone}


def points_of_changes(random: Random) -> dict[str, int]:
    """As `points_of_the_flow`, of the orders that change a service and that end one."""
    draft = Plan()
    change_of_service(draft, "", A_LINK, False)
    ending = Plan()
    cease_of_service(ending, "", A_LINK)
    return points_of(draft, random) | points_of(ending, random)


def points_of(draft: Plan, random: Random, times: int = 1) -> dict[str, int]:
    """Every task of a plan and every undo."""
    points: dict[str, int] = {}
    for task in draft.tasks:
        names = [task.task_flow_specification]
        names += [f"undo of {task.task_flow_specification}"] if task.undo_handler else []
        for name in names:
            phases = PHASES[task.kind]
            for phase in phases if task.kind is TaskKind.OUTSIDE else (random.choice(phases),):
                points[f"{name} {phase}"] = times
    return points


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
    """Kills from outside, one after the other, each so many times."""

    def __init__(self, installation: Installation, random: Random, times: Mapping[str, int], gap_s: float) -> None:
        super().__init__(name="killer", daemon=True)
        self.installation, self.gap_s, self.random = installation, gap_s, random
        self.victims = [victim for victim, number in times.items() for _ in range(number)]
        random.shuffle(self.victims)
        self.stopped = threading.Event()

    def run(self) -> None:
        while self.victims and not self.stopped.wait(self.random.uniform(0.5, 1.5) * self.gap_s):
            self.installation.kill(self.victims.pop(), away_s=self.random.uniform(0, LONGEST_AWAY_S))

    def stop(self) -> None:
        self.stopped.set()
        self.join()


def outside(kills: int) -> dict[str, int]:
    """So many kills from outside, spread over what runs."""
    return {POSTGRES: kills - 2 * (kills * 3 // 10), HUB: kills * 3 // 10, SERVER: kills * 3 // 10}


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
