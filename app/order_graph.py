"""The graph of an order as a picture: what was ordered and what carries it, and the tasks with what each needs.

Tasks stand in columns, each after the last that it needs: what may be done at the same time stands in one column. What
follows from other needs is not drawn. The critical path is bold. Read from left to right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import networkx

from satcom.app.commands.api import Body, told
from satcom.app.commands.delivery import GONE, Delivery, about
from satcom.app.commands.order_view import Progress, Step
from satcom.app.svg import PALE, box, opened, shortened, text

WIDE, NARROW, HEIGHT, ACROSS, DOWN = 330, 184, 46, 44, 16  # of a box above, of a task, and between two
MARGIN, HEADED = 24, 40
LETTER = 7.4  # how wide one is, at most nearly always
FILLS: Final = {
    "completed": "#d8efdc",
    "active": "#d3e8f7",
    "inProgress": "#d3e8f7",
    "hold": "#f7d4d0",
    "undo held": "#f7d4d0",
    "failed": "#f7d4d0",
    "undoing": "#fbeccb",
    "undone": "#eceef0",
    "cancelled": "#eceef0",
    "skipped": "#eceef0",
}
IN_USE: Final = frozenset({"active", "assigned", "inService"})
CRITICAL, PLAIN, UNDONE = "#b3261e", "#9aa4af", "#ffffff"


@dataclass(frozen=True)
class Node:
    """A box: its column, what stands in it, and how it is filled."""

    key: str
    column: int
    title: str
    under: str
    fill: str = UNDONE
    critical: bool = False


def order_graph(order: Body, now: Progress, flow: Body | None, tasks: Sequence[Body], delivery: Delivery) -> str:
    """The SVG. An order without a plan has what was ordered only."""
    path = told(flow).get("criticalPath", []) if flow is not None else []
    parts, carried = _carried(order, delivery)
    nodes, edges = _tasks(tasks, now.steps, path)
    first, first_height = _placed(parts, carried, WIDE, MARGIN + 1.5 * HEADED)
    below = MARGIN + 2.5 * HEADED + first_height
    second, second_height = _placed(nodes, edges, NARROW, below + HEADED / 2)
    width = (
        max(round(x) + wide for places, wide in ((first, WIDE), (second, NARROW)) for x, _ in places.values()) + MARGIN
    )
    height = below + second_height + HEADED
    bold = set(pairwise(path))
    lines = [
        opened(width, height, f"{now.reference}, {now.state}"),
        box(0, 0, width, height, "white"),
        text(MARGIN, MARGIN + 8, f"{now.reference}, {now.state}", size=18, weight="bold"),
        text(MARGIN, MARGIN + HEADED, "What was ordered, and what carries it", fill=PALE),
        *_drawn(parts, carried, WIDE, first, set()),
        text(MARGIN, below, "Tasks, each after what it needs; the critical path is bold", fill=PALE),
        *_drawn(nodes, edges, NARROW, second, bold),
    ]
    return "\n".join((*lines, "</svg>"))


def _carried(order: Body, delivery: Delivery) -> tuple[list[Node], list[tuple[str, str]]]:
    """Product, service, and what the service takes of the network."""
    nodes, edges = [], []
    products = []
    for item in order.get("productOrderItem", []):
        key, offering = f"item {item['id']}", item.get("productOffering", {})
        title = offering.get("name") or item.get("product", {}).get("name") or "product"
        nodes.append(
            Node(key, 0, str(title), f"product, {item.get('action', 'add')}", _fill(str(item.get("state", ""))))
        )
        products.append(key)
    for one in delivery.service:
        nodes.append(
            Node(one["id"], 1, one.get("name", "service"), f"service, {one['state']}", _fill_of_life(one["state"]))
        )
        edges += [(key, one["id"]) for key in products]
    taken = [*delivery.slot, *delivery.share, *delivery.passage, *delivery.port, *delivery.terminal]
    for resource in taken:
        state = str(about(resource).get("state") or resource.get("resourceStatus") or "")
        kind = _words(resource["@type"])
        nodes.append(Node(resource["id"], 2, resource["name"], f"{kind}, {state}", _fill_of_life(state)))
        edges += [(one["id"], resource["id"]) for one in delivery.service]
    return nodes, edges


def _tasks(
    tasks: Sequence[Body], steps: Sequence[Step], path: Sequence[str]
) -> tuple[list[Node], list[tuple[str, str]]]:
    """The plan: a column is a generation, all of whose tasks could be done at once."""
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for task in tasks:
        graph.add_node(task["taskFlowSpecification"])
    for task in tasks:
        name = task["taskFlowSpecification"]
        graph.add_edges_from((need, name) for need in told(task).get("needs", []) if need in graph)
    column = {name: row for row, names in enumerate(networkx.topological_generations(graph)) for name in names}
    nodes = [
        Node(one.name, column[one.name], _words(one.name), _under(one), _fill(one.state), one.name in path)
        for one in steps
    ]
    return nodes, list(networkx.transitive_reduction(graph).edges)


def _under(one: Step) -> str:
    return ", ".join(part for part in (one.state, one.took or one.waits) if part)


def _placed(
    nodes: Sequence[Node], edges: Sequence[tuple[str, str]], width: int, top: float
) -> tuple[dict[str, tuple[float, float]], float]:
    """Where each box lies, and how high all are: in its column near the middle of what it follows."""
    before: dict[str, list[str]] = {}
    for needed, needing in edges:
        before.setdefault(needing, []).append(needed)
    places: dict[str, tuple[float, float]] = {}
    tallest = 0
    for column in sorted({one.column for one in nodes}):
        mine = [one for one in nodes if one.column == column]

        def middle(one: Node) -> float:
            at = [places[key][1] for key in before.get(one.key, []) if key in places]
            return sum(at) / len(at) if at else top

        for row, one in enumerate(sorted(mine, key=middle)):
            places[one.key] = MARGIN + column * (width + ACROSS), top + row * (HEIGHT + DOWN)
        tallest = max(tallest, len(mine))
    return places, tallest * (HEIGHT + DOWN)


def _drawn(
    nodes: Sequence[Node],
    edges: Sequence[tuple[str, str]],
    width: int,
    places: Mapping[str, tuple[float, float]],
    bold: set[tuple[str, str]],
) -> Iterator[str]:
    """Lines first, so that boxes lie on them."""
    for edge in sorted(edges, key=lambda one: one in bold):
        (x, y), (end_x, end_y) = places[edge[0]], places[edge[1]]
        yield _line(x + width, y + HEIGHT / 2, end_x, end_y + HEIGHT / 2, edge in bold)
    for one in nodes:
        x, y = places[one.key]
        yield box(x, y, width, HEIGHT, one.fill, CRITICAL if one.critical else PLAIN)
        weight = "bold" if one.critical else "normal"
        yield text(x + 8, y + 19, shortened(one.title, int(width / LETTER)), size=13, weight=weight)
        yield text(x + 8, y + 37, shortened(one.under, int(width / LETTER * 1.15)), size=11, fill=PALE)


def _line(x: float, y: float, end_x: float, end_y: float, critical: bool) -> str:
    """A bent line with an arrow's head."""
    bend = max((end_x - x) / 2, ACROSS / 2)
    color, width = (CRITICAL, 2.5) if critical else (PLAIN, 1)
    curve = f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {end_x - bend:.1f} {end_y:.1f} {end_x - 6:.1f} {end_y:.1f}"
    head = f"M{end_x:.1f} {end_y:.1f}l-7 -4v8z"
    return f"<path d='{curve}' fill='none' stroke='{color}' stroke-width='{width}'/><path d='{head}' fill='{color}'/>"


def _fill(state: str) -> str:
    return FILLS.get(state, UNDONE)


def _fill_of_life(state: str) -> str:
    """Of a service or a resource: green when it is in use."""
    return FILLS["completed"] if state in IN_USE else FILLS["active"] if state not in GONE else FILLS["cancelled"]


def _words(name: str) -> str:
    """`HubPortAssignment` and `reserve_capacity` as words."""
    apart = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return apart.replace("_", " ")
