"""Holds and when they run out, as metrics: of slots, power, ports, pools, constellations, terminals and partners.

A hold is counted until it is let go, so one that ran out and nobody has swept shows as that. Holds run out by the
business clock; those at a partner by the partner's, which is the wall clock. When the next one runs out is told by the
wall clock, with which Prometheus compares it. A terminal that was bought for an order is held for it without an end.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import text
from sqlmodel import Session

from satcom.core.clock import by_wall, now, wall_now

HELD: Final = {
    "slot": "SELECT hold_until, CAST(:now AS timestamptz) FROM spectrum_assignment WHERE state = 'held'",
    "power": "SELECT hold_until, :now FROM spectrum_assignment WHERE state = 'held' AND power_share_hz > 0",
    "port": "SELECT hold_until, :now FROM hub_port_assignment WHERE state = 'held'",
    "pool": "SELECT hold_until, :now FROM pool_share WHERE state = 'held'",
    "constellation": "SELECT hold_until, :now FROM constellation_share WHERE state = 'held'",
    "terminal": "SELECT held_until, :now FROM stocked_terminal WHERE state = 'held'",
    "partner": "SELECT hold_until, :wall FROM partner_capacity WHERE state = 'held'",
}
RUNS_OUT: Final = ("ran out", "under 1 hour", "1 hour to 1 day", "1 day to 1 week", "over 1 week", "no end")
HOLDS: Final = text(
    "SELECT kind, width_bucket(extract(epoch FROM until - at), ARRAY[0, 3600, 86400, 604800]) AS runs_out,"
    " count(*) AS holds, min(until) FILTER (WHERE until > at) AS next FROM ("
    + " UNION ALL ".join(f"SELECT '{kind}' AS kind, held.* FROM ({of}) held (until, at)" for kind, of in HELD.items())
    + ") every GROUP BY 1, 2"
)


def hold_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    holds = GaugeMetricFamily(
        "satcom_holds", "Holds not let go yet, by what is held and when they run out", labels=["kind", "runs_out"]
    )
    expiry = GaugeMetricFamily(
        "satcom_hold_next_expiry_timestamp_seconds",
        "When the next hold of a kind runs out, by the wall clock",
        labels=["kind"],
    )
    counted: dict[tuple[str, str], int] = defaultdict(int)
    following: dict[str, float] = {}
    for row in session.connection().execute(HOLDS, {"now": now(), "wall": wall_now()}):
        counted[row.kind, RUNS_OUT[-1 if row.runs_out is None else row.runs_out]] += row.holds
        if row.next is not None:
            next_at = row.next if row.kind == "partner" else by_wall(row.next)
            following[row.kind] = min(next_at.timestamp(), following.get(row.kind, float("inf")))
    for kind in HELD:
        for when in RUNS_OUT:
            holds.add_metric([kind, when], counted[kind, when])
        if kind in following:
            expiry.add_metric([kind], following[kind])
    yield from (holds, expiry)
