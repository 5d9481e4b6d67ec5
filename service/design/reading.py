"""Reading the network for a qualification: the fleet once per change of it, what is taken of it each time.

The fleet is kept in the process under a mark that changes with every write to one of its tables; so a site is looked at
without reading thousands of rows that nobody touched. What is taken, and the free ports, are always read afresh.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from sqlalchemy import text
from sqlmodel import Session, col, select

from satcom.core.entity import E
from satcom.resource.carrier_pool import CarrierPool, fills_of
from satcom.resource.free_spectrum import taken_spectrum
from satcom.resource.ground import EarthStation, TerminalType
from satcom.resource.hold import HoldState, Period
from satcom.resource.hub import Hub, free_ports
from satcom.resource.licence import Licence, LicenceFact
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.orbit import Elements
from satcom.resource.satellite import Satellite, elements_at
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.design.facts import (
    Assumptions,
    BeamFacts,
    Fleet,
    HubFacts,
    Occupancy,
    PoolFacts,
    SatelliteFacts,
    StationFacts,
    TerminalTypeFacts,
    TransponderFacts,
)

KEPT_FLEETS = 4
# xmin is the transaction that wrote the row, ctid where: whatever changes a row changes one of them
_TABLES = ["satellite", "beam", "transponder", "earth_station", "hub", "terminal_type", "licence", "carrier_pool"]
_WRITTEN = " UNION ALL ".join(
    f"SELECT '{table}', count(*), sum(hashtextextended(id::text || ctid::text, xmin::text::bigint)) FROM {table}"
    for table in (
        "satellite",
        "beam",
        "transponder",
        "earth_station",
        "hub",
        "terminal_type",
        "licence",
        "carrier_pool",
    )
)
_MARK = (
    f"{_WRITTEN} UNION ALL SELECT 'element_set', count(*), sum(xmin::text::bigint) FROM element_set"
    " UNION ALL SELECT 'operator', count(*), sum(availability_confidence_percent)::numeric FROM operator"
)

Mark = tuple[str, datetime, tuple[tuple[object, ...], ...]]
_kept: OrderedDict[Mark, Fleet] = OrderedDict()
_lock = Lock()


def read_fleet(network: Session, at: datetime) -> Fleet:
    """The geostationary fleet with the elements that were known at `at`; the same object while nothing is written.

    Satellites that move are left out with their beams and transponders: a link is not designed over them yet.
    """
    return read_network(network, at)[0]


def read_network(network: Session, at: datetime) -> tuple[Fleet, Assumptions]:
    """As `read_fleet`, and what is assumed beside it: the operator's own confidence. One statement tells of both."""
    told = {row[0]: row for row in network.connection().execute(text(_MARK)).all()}
    _, operators, confidence_percent = told.pop("operator")
    assumed = Assumptions(confidence_percent=float(confidence_percent)) if operators else Assumptions()
    rows = list(told.values())
    mark: Mark = (str(network.get_bind().engine.url), at, tuple(tuple(row) for row in rows))
    with _lock:
        fleet = _kept.get(mark)
    if fleet is None:
        fleet = _fleet(network, at)
        with _lock:
            _kept[mark] = fleet
            while len(_kept) > KEPT_FLEETS:
                _kept.popitem(last=False)
    return fleet, assumed


def read_occupancy(
    network: Session,
    transponder_ids: tuple[str, ...],
    hub_ids: Sequence[str],
    period: Period,
    without: Sequence[str] = (),
) -> Occupancy:
    """What is held or assigned on the transponders within `period`, and the hubs' free ports. Two statements.

    The holds `without` which it is asked count as free: those of the service that is to change.
    """
    taken = taken_spectrum(network, transponder_ids, period, without)
    free = free_ports(network, hub_ids, period, without)
    return Occupancy(transponder_ids, taken, {hub: int(ports) for hub, ports in zip(hub_ids, free, strict=True)})


def read_pool_occupancy(
    network: Session, fleet: Fleet, transponder_ids: tuple[str, ...], period: Period, without: Sequence[str] = ()
) -> Occupancy:
    """What is taken within `period` of the pools that lie on the transponders. One statement."""
    there = set(transponder_ids)
    fills = fills_of(network, [one.id for one in fleet.pools if one.transponder_id in there], period, without)
    nothing = taken_spectrum(network, (), period)
    return Occupancy((), nothing, {}, {pool: (one.committed_baud, one.sold_baud) for pool, one in fills.items()})


def _pools(network: Session, transponder_ids: Sequence[str]) -> tuple[PoolFacts, ...]:
    query = select(CarrierPool, SpectrumAssignment).join(
        SpectrumAssignment, col(SpectrumAssignment.id) == col(CarrierPool.spectrum_assignment_id)
    )
    here = col(SpectrumAssignment.transponder_id).in_(transponder_ids)
    on_the_air = query.where(SpectrumAssignment.state == HoldState.ASSIGNED, here)
    return tuple(
        PoolFacts(
            pool.id,
            pool.name,
            pool.hub_id,
            slot.transponder_id,
            pool.direction.value,
            slot.power_share_hz,
            pool.symbol_rate_baud,
            pool.carrier_symbol_rate_baud,
            pool.rolloff,
            pool.committable_baud,
            pool.saleable_baud,
            pool.contention_ratio,
            pool.illustrative,
        )
        for pool, slot in network.exec(on_the_air.order_by(col(CarrierPool.name), col(CarrierPool.id)))
    )


def _fleet(network: Session, at: datetime) -> Fleet:
    elements = elements_at(network, at)
    satellites = _all(network, Satellite)
    standing = {one.id for one in satellites if one.orbital_longitude_deg is not None}
    transponders = [one for one in _all(network, Transponder) if one.satellite_id in standing]
    return Fleet(
        satellites=tuple(_satellite(one, elements.get(one.id)) for one in satellites if one.id in standing),
        beams=tuple(
            BeamFacts(
                one.id, one.satellite_id, one.name, one.band, tuple(one.contours), one.boresight, one.illustrative
            )
            for one in _all(network, Beam)
            if one.satellite_id in standing
        ),
        transponders=tuple(_transponder(one) for one in transponders),
        stations=tuple(
            StationFacts(
                one.id,
                one.name,
                one.latitude_deg,
                one.longitude_deg,
                one.altitude_m,
                one.horizon_mask_deg,
                tuple(one.antennas),
                one.illustrative,
            )
            for one in _all(network, EarthStation)
        ),
        hubs=tuple(
            HubFacts(
                one.id,
                one.name,
                one.earth_station_id,
                one.ports,
                tuple(one.satellite_ids),
                tuple(str(band) for band in one.bands),
                one.illustrative,
            )
            for one in _all(network, Hub)
        ),
        terminal_types=tuple(_terminal_type(one) for one in _all(network, TerminalType)),
        licences=tuple(
            LicenceFact(
                one.country,
                str(one.band),
                one.terminal_class,
                one.valid_from,
                one.valid_until,
                one.reference,
                one.call_sign,
                one.eirp_limit_dbw,
                one.eirp_density_limit_dbw_per_hz,
                one.least_antenna_diameter_m,
            )
            for one in network.exec(select(Licence).order_by(col(Licence.reference), col(Licence.id)))
        ),
        pools=_pools(network, [one.id for one in transponders]),
    )


def _all(network: Session, kind: type[E]) -> Sequence[E]:
    """All rows, in an order that does not hang on when they were written."""
    return network.exec(select(kind).order_by(kind.__table__.c.name, col(kind.id))).all()  # type: ignore[attr-defined]


def _satellite(one: Satellite, elements: Elements | None) -> SatelliteFacts:
    """One that stands still."""
    assert one.orbital_longitude_deg is not None
    return SatelliteFacts(
        one.id,
        one.name,
        one.orbital_longitude_deg,
        one.state,
        one.in_service_date,
        one.end_of_life_date,
        elements,
        one.illustrative,
        tuple(one.neighbours),
    )


def _transponder(one: Transponder) -> TransponderFacts:
    return TransponderFacts(
        one.id,
        one.satellite_id,
        one.name,
        str(one.band),
        one.uplink_beam_id,
        one.downlink_beam_id,
        one.bandwidth_hz,
        one.uplink_center_hz,
        one.downlink_center_hz,
        str(one.uplink_polarisation),
        str(one.downlink_polarisation),
        one.eirp_saturation_dbw,
        one.g_over_t_db_per_k,
        one.sfd_dbw_per_m2,
        one.input_backoff_db,
        one.output_backoff_db,
        one.guard_band_hz,
        one.illustrative,
        one.uplink_eirp_density_limit_dbw_per_hz,
        one.downlink_eirp_density_limit_dbw_per_hz,
        one.amplifier,
        one.many_carriers,
    )


def _terminal_type(one: TerminalType) -> TerminalTypeFacts:
    return TerminalTypeFacts(
        one.id,
        one.name,
        str(one.band),
        one.terminal_class,
        one.antenna_diameter_m,
        one.antenna_efficiency,
        one.buc_power_w,
        one.lnb_noise_figure_db,
        one.approved,
        float(one.price.value) if one.price is not None else None,
        one.illustrative,
        one.pointing_rms_deg,
    )
