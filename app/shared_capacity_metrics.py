"""How full is what many share, as metrics: carrier pools, feeder links and cells; one statement for each family.

As in `app.capacity_metrics`, what is counted is in force at this moment of the business clock. Of a pool two things are
told: what is committed (CIR), and what all may ask at most (MIR), both in symbols a second. A gateway whose
feeder links do not limit has no free part; with a capacity day it is as full as at its fullest time. Cells are many, so
only how many are used is told, and the fullest.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Row, text
from sqlmodel import Session

from satcom.app.capacity_metrics import IN_FORCE, asked, parts_of
from satcom.resource.capacity_day import SLOTS

POOLS = text(
    "SELECT hub.name AS hub, pool.name AS pool, pool.direction,"
    " sum(floor(pool.symbol_rate_baud * pool.committable_percent / 100)) AS committable_baud,"
    " sum(used.held_cir_baud) AS held_cir_baud, sum(used.assigned_cir_baud) AS assigned_cir_baud,"
    " sum(floor(pool.symbol_rate_baud * pool.contention_ratio)) AS saleable_baud,"
    " sum(used.held_mir_baud) AS held_mir_baud, sum(used.assigned_mir_baud) AS assigned_mir_baud"
    " FROM carrier_pool pool JOIN hub ON hub.id = pool.hub_id LEFT JOIN (SELECT carrier_pool_id,"
    " sum(cir_baud) FILTER (WHERE state = 'held') AS held_cir_baud,"
    " sum(cir_baud) FILTER (WHERE state = 'assigned') AS assigned_cir_baud,"
    " sum(mir_baud) FILTER (WHERE state = 'held') AS held_mir_baud,"
    " sum(mir_baud) FILTER (WHERE state = 'assigned') AS assigned_mir_baud"
    f" FROM pool_share taken WHERE {IN_FORCE} GROUP BY 1) used"
    " ON used.carrier_pool_id = pool.id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
FEEDERS = text(
    # services of one place are alike in time: they are added up, and then by slot of the capacity day, if there is one
    "WITH alike AS (SELECT taken.constellation_id, taken.earth_station_id, taken.day_slots,"
    " COALESCE(sum(forward_hz) FILTER (WHERE state = 'held'), 0) AS held_forward_hz,"
    " COALESCE(sum(forward_hz) FILTER (WHERE state = 'assigned'), 0) AS assigned_forward_hz,"
    " COALESCE(sum(return_hz) FILTER (WHERE state = 'held'), 0) AS held_return_hz,"
    " COALESCE(sum(return_hz) FILTER (WHERE state = 'assigned'), 0) AS assigned_return_hz"
    f" FROM constellation_share taken WHERE taken.earth_station_id IS NOT NULL AND {IN_FORCE} GROUP BY 1, 2, 3),"
    " by_slot AS (SELECT alike.constellation_id, alike.earth_station_id, way.direction, slot,"
    " sum(way.held_hz) AS held_hz, sum(way.assigned_hz) AS assigned_hz"
    " FROM alike JOIN constellation ON constellation.id = alike.constellation_id"
    " CROSS JOIN LATERAL unnest(CASE WHEN constellation.capacity_day IS NULL THEN ARRAY[0::smallint]"
    f" ELSE COALESCE(alike.day_slots, ARRAY(SELECT generate_series(0, {SLOTS - 1})::smallint)) END) slot"
    " CROSS JOIN LATERAL (VALUES ('forward', alike.held_forward_hz, alike.assigned_forward_hz),"
    " ('return', alike.held_return_hz, alike.assigned_return_hz)) way (direction, held_hz, assigned_hz)"
    " GROUP BY 1, 2, 3, 4),"
    " fullest AS (SELECT DISTINCT ON (constellation_id, earth_station_id, direction) * FROM by_slot"
    " ORDER BY constellation_id, earth_station_id, direction, held_hz + assigned_hz DESC, slot)"
    " SELECT constellation.name AS constellation, station.name AS gateway, way.direction,"
    # of gateways that share a name, one without a limit leaves them all without
    " CASE WHEN bool_and(feeder.limit_hz IS NOT NULL) THEN sum(feeder.limit_hz) END AS all_hz,"
    " sum(fullest.held_hz) AS held_hz, sum(fullest.assigned_hz) AS assigned_hz"
    " FROM constellation CROSS JOIN LATERAL (SELECT (gateway ->> 'earthStationId')::uuid AS earth_station_id,"
    " (gateway ->> 'feederBandwidthHz')::bigint AS limit_hz"
    " FROM jsonb_array_elements(constellation.gateways) gateway) feeder"
    " JOIN earth_station station ON station.id = feeder.earth_station_id"
    " CROSS JOIN (VALUES ('forward'), ('return')) way (direction)"
    " LEFT JOIN fullest ON fullest.constellation_id = constellation.id"
    " AND fullest.earth_station_id = feeder.earth_station_id AND fullest.direction = way.direction"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
CELLS = text(
    "SELECT constellation.name AS constellation, way.direction, max(way.limit_hz) AS all_hz,"
    " count(*) FILTER (WHERE way.width_hz > 0) AS cells, max(way.width_hz) AS fullest_hz"
    " FROM constellation LEFT JOIN (SELECT constellation_id, cell,"
    " sum(forward_hz) AS forward_hz, sum(return_hz) AS return_hz"
    f" FROM constellation_share taken WHERE cell IS NOT NULL AND {IN_FORCE} GROUP BY 1, 2) used"
    " ON used.constellation_id = constellation.id CROSS JOIN LATERAL (VALUES"
    " ('forward', used.forward_hz, (constellation.forward ->> 'bandwidthHz')::bigint),"
    " ('return', used.return_hz, (constellation.return_link ->> 'bandwidthHz')::bigint))"
    " way (direction, width_hz, limit_hz) GROUP BY 1, 2 ORDER BY 1, 2"
)


def shared_capacity_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    yield from _pools(asked(session, POOLS))
    yield _feeders(asked(session, FEEDERS))
    yield from _cells(asked(session, CELLS))


def _pools(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    labels = ["hub", "pool", "direction", "state"]
    committed = GaugeMetricFamily(
        "satcom_carrier_pool_committable_baud",
        "Symbols a second that may be committed (CIR): free, held and assigned",
        labels=labels,
    )
    sold = GaugeMetricFamily(
        "satcom_carrier_pool_saleable_baud",
        "Symbols a second that all may ask at most (MIR): free, held and assigned",
        labels=labels,
    )
    for row in rows:
        names = [row.hub, row.pool, row.direction]
        parts_of(committed, names, row.committable_baud, row.held_cir_baud, row.assigned_cir_baud)
        parts_of(sold, names, row.saleable_baud, row.held_mir_baud, row.assigned_mir_baud)
    yield from (committed, sold)


def _feeders(rows: Sequence[Row[Any]]) -> GaugeMetricFamily:
    feeders = GaugeMetricFamily(
        "satcom_constellation_feeder_hertz",
        "Feeder links of gateways at their fullest time: held, assigned, and free where they limit",
        labels=["constellation", "gateway", "direction", "state"],
    )
    for row in rows:
        parts_of(feeders, [row.constellation, row.gateway, row.direction], row.all_hz, row.held_hz, row.assigned_hz)
    return feeders


def _cells(rows: Sequence[Row[Any]]) -> Iterator[GaugeMetricFamily]:
    labels = ["constellation", "direction"]
    cells = GaugeMetricFamily(
        "satcom_constellation_cells", "Cells of which something is held or assigned", labels=labels
    )
    fullest = GaugeMetricFamily(
        "satcom_constellation_fullest_cell_ratio", "What is held and assigned of the fullest cell's beam", labels=labels
    )
    for row in rows:
        names = [row.constellation, row.direction]
        cells.add_metric(names, row.cells)
        fullest.add_metric(names, float(row.fullest_hz or 0) / row.all_hz)
    yield from (cells, fullest)
