"""How full the fleet is, as metrics: spectrum, power, hub ports, reservations and stock; one statement for each family.

What is counted is in force at this moment of the business clock. A hold that ran out takes nothing. A slot takes its
guard band, too. The labels are names of the fleet, of depots and of terminal types: as many as the operator has.
What many share (pools, cells, feeder links) is `app.shared_capacity_metrics`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Row, TextClause, text
from sqlmodel import Session

from satcom.core.clock import by_wall, now
from satcom.resource.reservation import ReservationState
from satcom.resource.spectrum_pieces import Piece, free_pieces
from satcom.resource.transponder_spectrum import fragmentation

PARTS = ("free", "held", "assigned")
IN_FORCE = (
    "taken.start_at <= :now AND (taken.stop_at IS NULL OR taken.stop_at > :now)"
    " AND (taken.state = 'assigned' OR taken.state = 'held' AND taken.hold_until > :now)"
)
TRANSPONDERS = text(
    "SELECT satellite.name AS satellite, transponder.name AS transponder, sum(transponder.bandwidth_hz) AS all_hz,"
    " sum(used.held_hz) AS held_hz, sum(used.assigned_hz) AS assigned_hz,"
    " sum(used.held_power_hz) AS held_power_hz, sum(used.assigned_power_hz) AS assigned_power_hz,"
    " json_agg(json_build_array(transponder.downlink_center_hz - transponder.bandwidth_hz / 2,"
    " transponder.bandwidth_hz, transponder.guard_band_hz, used.pieces)) AS bands"
    " FROM transponder JOIN satellite ON satellite.id = transponder.satellite_id"
    " LEFT JOIN (SELECT transponder_id,"
    " sum(stop_hz - start_hz + guard_band_hz) FILTER (WHERE state = 'held') AS held_hz,"
    " sum(stop_hz - start_hz + guard_band_hz) FILTER (WHERE state = 'assigned') AS assigned_hz,"
    " sum(power_share_hz) FILTER (WHERE state = 'held') AS held_power_hz,"
    " sum(power_share_hz) FILTER (WHERE state = 'assigned') AS assigned_power_hz,"
    " json_agg(json_build_array(start_hz - guard_band_hz / 2, stop_hz + (guard_band_hz + 1) / 2)) AS pieces"
    f" FROM spectrum_assignment taken WHERE {IN_FORCE} GROUP BY 1) used"
    " ON used.transponder_id = transponder.id GROUP BY 1, 2 ORDER BY 1, 2"
)
PORTS = text(
    "SELECT hub.name AS hub, sum(hub.ports) AS ports, sum(used.held) AS held, sum(used.assigned) AS assigned FROM hub"
    " LEFT JOIN (SELECT hub_id, count(*) FILTER (WHERE state = 'held') AS held,"
    f" count(*) FILTER (WHERE state = 'assigned') AS assigned FROM hub_port_assignment taken WHERE {IN_FORCE}"
    " GROUP BY 1) used ON used.hub_id = hub.id GROUP BY 1 ORDER BY 1"
)
RESERVATIONS = text(
    "SELECT state, count(*) AS reservations, min(hold_until) FILTER (WHERE state = 'held') AS next FROM reservation"
    " GROUP BY 1"
)
STOCK = text(
    "SELECT depot.name AS depot, item.terminal_type_name AS model,"
    " count(*) FILTER (WHERE one.state = 'inStock' OR one.state = 'held' AND one.held_until <= :now) AS in_stock,"
    " count(*) FILTER (WHERE one.state = 'held' AND (one.held_until IS NULL OR one.held_until > :now)) AS held,"
    " count(*) FILTER (WHERE one.state = 'returned') AS returned,"
    " count(*) FILTER (WHERE one.state = 'shipped') AS shipped"
    " FROM stock_item item JOIN depot ON depot.id = item.depot_id"
    " LEFT JOIN stocked_terminal one ON one.stock_item_id = item.id AND one.state <> 'issued'"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


def capacity_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    yield from _transponders(asked(session, TRANSPONDERS))
    yield _ports(asked(session, PORTS))
    yield from _reservations(session.connection().execute(RESERVATIONS).all())
    yield _stock(asked(session, STOCK))


def asked(session: Session, statement: TextClause) -> Sequence[Row[Any]]:
    return session.connection().execute(statement, {"now": now()}).all()


def _transponders(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    labels = ["satellite", "transponder", "state"]
    bandwidth = GaugeMetricFamily(
        "satcom_transponder_bandwidth_hertz", "Bandwidth free, held and assigned, with guard bands", labels=labels
    )
    power = GaugeMetricFamily(
        "satcom_transponder_power_equivalent_hertz", "Power as its share of the bandwidth (PEB)", labels=labels
    )
    scattered = GaugeMetricFamily(
        "satcom_transponder_fragmentation_ratio",
        "How scattered the free bandwidth is: 0 in one piece, towards 1 in many",
        labels=labels[:2],
    )
    for row in rows:
        names = [row.satellite, row.transponder]
        scattered.add_metric(names, max(_scattered(*band) for band in row.bands))
        parts_of(bandwidth, names, row.all_hz, row.held_hz, row.assigned_hz)
        parts_of(power, names, row.all_hz, row.held_power_hz, row.assigned_power_hz)
    yield from (bandwidth, power, scattered)


def _scattered(low_edge_hz: int, bandwidth_hz: int, guard_band_hz: int, pieces: list[list[int]] | None) -> float:
    """Of one transponder; several that share a name on a satellite are told as the most scattered of them."""
    taken = [Piece(*piece) for piece in pieces or []]
    return fragmentation(free_pieces(low_edge_hz, low_edge_hz + bandwidth_hz, guard_band_hz, taken))


def parts_of(family: GaugeMetricFamily, names: list[str], whole: Any, held: Any, assigned: Any) -> None:
    """The three parts of a whole; what is taken twice over leaves nothing free. Of what has no limit none is free."""
    held, assigned = float(held or 0), float(assigned or 0)
    if whole is not None:
        family.add_metric([*names, PARTS[0]], max(float(whole) - held - assigned, 0.0))
    for part, value in zip(PARTS[1:], (held, assigned), strict=True):
        family.add_metric([*names, part], value)


def _ports(rows: Sequence[Row[Any]]) -> GaugeMetricFamily:
    ports = GaugeMetricFamily("satcom_hub_ports", "Ports of hubs free, held and assigned", labels=["hub", "state"])
    for row in rows:
        parts_of(ports, [row.hub], row.ports, row.held, row.assigned)
    return ports


def _reservations(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    """Without a hold there is no instant at which the next one runs out."""
    reservations = GaugeMetricFamily("satcom_reservations", "Reservations of the network by state", labels=["state"])
    counted = {row.state: row.reservations for row in rows}
    for state in ReservationState:
        reservations.add_metric([state.value], counted.get(state.value, 0))
    yield reservations
    runs_out = GaugeMetricFamily(
        "satcom_reservation_next_expiry_timestamp_seconds", "When the next hold runs out, by the wall clock"
    )
    for row in rows:
        if row.next is not None:
            runs_out.add_metric([], by_wall(row.next).timestamp())
    yield runs_out


def _stock(rows: Sequence[Row[Any]]) -> GaugeMetricFamily:
    stock = GaugeMetricFamily(
        "satcom_stock_terminals", "Terminals in depots and on their way there", labels=["depot", "model", "state"]
    )
    for row in rows:
        for state, number in (
            ("inStock", row.in_stock),
            ("held", row.held),
            ("returned", row.returned),
            ("shipped", row.shipped),
        ):
            stock.add_metric([row.depot, row.model, state], number)
    return stock
