"""How long one demand takes against 8, 50 and 200 satellites, each with 24 transponders seen by 20 gateways, by kind.

A link to a site, an access over shared carriers (a pool each way at every gateway of every satellite), and a lease.
All satellites see the site and all links close, so that nothing is left out early: the costliest case. `first` has to
work out the sky over the gateways; later sites find it. The database is not read: `service.design.reading` keeps the
fleet, and reads what is taken in two statements.
"""

import cProfile
import pstats
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from benchmarks.measured import Table, load, median_ms, processor_seconds, publish, seconds

from satcom.core.entity import new_id
from satcom.resource.free_spectrum import TakenSpectrum
from satcom.resource.ground import Antenna
from satcom.resource.licence import LicenceFact
from satcom.resource.payload import Boresight
from satcom.resource.physics.orbit import Elements, read_tle
from satcom.resource.resource import Band
from satcom.resource.satellite import SatelliteState
from satcom.service.demand import DIRECTIONS, AccessDemand, LeaseDemand, LinkDemand
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
from satcom.service.design.inputs import Inputs
from satcom.service.design.solving import decide, decide_access, decide_lease
from satcom.service.design.survey import survey
from satcom.service.solution import Qualification

NAME = "qualification"
ELEMENTS = Path(__file__).parents[1] / "examples" / "operator" / "elements.tle"
AT, START = datetime(2026, 8, 25, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
OVER_AFRICA = {44479: 17.0, 54259: 10.0, 44476: 61.9, 38098: 72.1}  # longitudes of four satellites in the sample
TRANSPONDERS, GATEWAYS, CARRIERS = 24, 20, 6
DISHES_M = (1.2, 1.8, 2.4)
MHZ = 1_000_000
Answered = Callable[[Fleet, Occupancy, LinkDemand], Qualification]


def a_fleet(satellites: int) -> tuple[Fleet, Occupancy]:
    """Satellites over Africa with one Ku-band beam each; every gateway points at all of them. Values are made up."""
    random = np.random.default_rng(1)
    elements = [one for one in read_tle(ELEMENTS.read_text(encoding="utf-8")).elements if one.norad_id in OVER_AFRICA]
    standing = tuple(_satellite(number, elements[number % len(elements)]) for number in range(satellites))
    aim = Boresight(latitude_deg=-5, longitude_deg=25, half_power_width_deg=7)
    beams = tuple(BeamFacts(new_id(), one.id, "Africa", Band.KU, (), aim, True) for one in standing)
    transponders = tuple(
        _transponder(beam, number, 50 + float(random.uniform(-1, 1)))
        for beam in beams
        for number in range(TRANSPONDERS)
    )
    ids = tuple(one.id for one in standing)
    latitudes, longitudes = random.uniform(-25, 10, GATEWAYS), random.uniform(15, 35, GATEWAYS)
    stations = tuple(
        _station(number, float(latitudes[number]), float(longitudes[number]), ids) for number in range(GATEWAYS)
    )
    hubs = tuple(HubFacts(new_id(), f"Hub of {one.name}", one.id, 16, ids, ("Ku",), True) for one in stations)
    terminals = tuple(
        TerminalTypeFacts(new_id(), f"Ku {dish_m} m", "Ku", "vsat", dish_m, 0.65, 8, 0.7, True, 1000 * dish_m, True)
        for dish_m in DISHES_M
    )
    licence = LicenceFact("CD", "Ku", "vsat", date(2020, 1, 1), date(2040, 1, 1), "illustrative")
    fleet = Fleet(standing, beams, transponders, stations, hubs, terminals, (licence,))
    ports = {one.id: 3 for one in hubs}
    return fleet, Occupancy(tuple(one.id for one in transponders), _taken(transponders), ports)


def with_pools(fleet: Fleet) -> Fleet:
    """With a pool each way at every gateway, in a transponder of every satellite."""
    of_satellite = {one.satellite_id: one for one in fleet.transponders}
    pools = [_pool(hub, one, way) for hub in fleet.hubs for one in of_satellite.values() for way in DIRECTIONS]
    return replace(fleet, pools=tuple(pools))


def _pool(hub: HubFacts, transponder: TransponderFacts, way: str) -> PoolFacts:
    baud, carriers = (6 * MHZ, 1) if way == "forward" else (4 * MHZ, 8)
    name = f"{hub.name}, {transponder.name}, {way}"
    power_hz, committable, saleable = baud * 6 // 5, baud * 4 // 5, baud * 20
    of = new_id(), name, hub.id, transponder.id, way
    return PoolFacts(*of, power_hz, baud, baud // carriers, 0.2, committable, saleable, 20.0, True)


def _satellite(number: int, elements: Elements) -> SatelliteFacts:
    stands_at = OVER_AFRICA[elements.norad_id]
    life = date(2019, 1, 1), date(2045, 1, 1)
    return SatelliteFacts(new_id(), f"Sat {number}", stands_at, SatelliteState.IN_SERVICE, *life, elements, True)


def _transponder(beam: BeamFacts, number: int, eirp_dbw: float) -> TransponderFacts:
    polarisations = ("horizontal", "vertical") if number % 2 else ("vertical", "horizontal")
    up_hz, down_hz = 14_000 * MHZ + number // 2 * 40 * MHZ, 11_000 * MHZ + number // 2 * 60 * MHZ
    return TransponderFacts(
        new_id(),
        beam.satellite_id,
        f"Ku {number}",
        "Ku",
        beam.id,
        beam.id,
        54 * MHZ,
        up_hz,
        down_hz,
        *polarisations,
        eirp_dbw,
        4.0,
        -86.0,
        6.0,
        3.5,
        200_000,
        True,
    )


def _station(number: int, latitude_deg: float, longitude_deg: float, satellite_ids: tuple[str, ...]) -> StationFacts:
    dish = Antenna(
        id=f"A{number}",
        band=Band.KU,
        diameter_m=7.3,
        efficiency=0.65,
        hpa_power_dbw=23,
        noise_temperature_k=130,
        satellite_ids=satellite_ids,
    )
    return StationFacts(new_id(), f"Gateway {number}", latitude_deg, longitude_deg, 500, 5, (dish,), True)


def _taken(transponders: Sequence[TransponderFacts]) -> TakenSpectrum:
    """Carriers with gaps between them on every transponder."""
    count = len(transponders) * CARRIERS
    low_hz = np.array([one.low_edge_hz for one in transponders], dtype=np.int64)
    start_hz = (low_hz[:, None] + np.arange(CARRIERS) * 9 * MHZ + MHZ // 2).reshape(-1)
    width_hz = np.repeat(np.where(np.arange(len(transponders)) % 3 == 0, 8 * MHZ, 4 * MHZ), CARRIERS)
    row = np.repeat(np.arange(len(transponders)), CARRIERS)
    power_hz = np.full(count, 4 * MHZ)
    return TakenSpectrum(row, start_hz, start_hz + width_hz, power_hz, np.zeros(count), np.full(count, np.inf))


def a_demand(latitude_deg: float) -> LinkDemand:
    return LinkDemand(
        downlink_rate_bps=10_000_000,
        uplink_rate_bps=4_000_000,
        availability_percent=99.7,
        latitude_deg=latitude_deg,
        longitude_deg=25.4,
        altitude_m=1430,
        country="CD",
        start_at=START,
        stop_at=datetime(2028, 1, 1, tzinfo=UTC),
    )


def answer(fleet: Fleet, occupancy: Occupancy, demand: LinkDemand) -> Qualification:
    return decide(survey(fleet, demand, "CD", AT), demand, occupancy, Assumptions())


def answer_access(fleet: Fleet, occupancy: Occupancy, demand: LinkDemand) -> Qualification:
    """A fifth of what a link of that place would carry is committed, and half of it asked at most."""
    rates = {"downlink_rate_bps": 5_000_000, "uplink_rate_bps": 1_000_000, "availability_percent": 99.5}
    committed = {"downlink_committed_rate_bps": 1_000_000, "uplink_committed_rate_bps": 200_000}
    values = demand.model_dump() | rates | committed | {"capacity": "poolShare"}
    asked = AccessDemand.model_validate(values)
    return decide_access(survey(fleet, asked, "CD", AT), asked, occupancy, Assumptions())


def answer_lease(fleet: Fleet, occupancy: Occupancy, demand: LinkDemand) -> Qualification:
    """Another bandwidth for each demand, since a lease has no place."""
    width_hz = round(3 * MHZ + (demand.latitude_deg + 30) * MHZ / 50) // 1000 * 1000
    asked = LeaseDemand(
        capacity="leasedSpectrum", bandwidth_hz=width_hz, start_at=demand.start_at, stop_at=demand.stop_at
    )
    return decide_lease(Inputs(AT, None, fleet, occupancy), asked)


KINDS: Final = {"link": answer, "shared access": answer_access, "lease": answer_lease}


def measured(satellites: int, repeats: int) -> tuple[list[list[str | float | int]], Table]:
    """A row of the result for each kind, and where the time of a link goes. Raises `RuntimeError` without a way."""
    bare, occupancy = a_fleet(satellites)
    fleet = with_pools(bare)
    rows: list[list[str | float | int]] = []
    ways = {
        "link": satellites * TRANSPONDERS * GATEWAYS * len(DISHES_M),
        "shared access": satellites * GATEWAYS * len(DISHES_M),
        "lease": satellites * TRANSPONDERS,
    }
    for kind, answered in KINDS.items():
        first_s = seconds(partial(_with_a_way, answered, fleet, occupancy))
        sites = [a_demand(-10.1 - step / 100) for step in range(2 * repeats)]
        others_s = [seconds(partial(answered, fleet, occupancy, site)) for site in sites[:repeats]]
        computed_s = [processor_seconds(partial(answered, fleet, occupancy, site)) for site in sites[repeats:]]
        times_ms = first_s * 1000, median_ms(others_s), min(others_s) * 1000, median_ms(computed_s)
        rows.append([kind, satellites, ways[kind], *times_ms])
    profile = cProfile.Profile()
    profile.runcall(answer, fleet, occupancy, a_demand(-9.9))
    return rows, _costs(f"Where the time of a link goes, {satellites} satellites", profile)


def _with_a_way(answered: Answered, fleet: Fleet, occupancy: Occupancy) -> None:
    if not answered(fleet, occupancy, a_demand(-10.0)).solutions:
        raise RuntimeError(f"{answered.__name__}: nothing can be delivered")


def _costs(title: str, profile: cProfile.Profile) -> Table:
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole_s = sum(one[2] for one in stats.values())
    ranked = sorted(stats.items(), key=lambda one: -one[1][2])[:10]
    rows = [
        (f"`{name}` in {Path(file).name}", calls, own_s / whole_s * 100)
        for (file, _, name), (_, calls, own_s, _, _) in ranked
    ]
    return Table(title, ("function", "calls", "share of the time, %"), rows)


def main(
    satellites: Annotated[list[int], typer.Option(help="Fleets to measure.")] = [8, 50, 200],  # noqa: B006 (typer's way)
    repeats: int = 9,
    write: bool = False,
) -> None:
    began = load()
    found = [measured(count, repeats) for count in satellites]
    columns = (
        "kind",
        "satellites",
        "ways",
        "first, ms",
        "median of the next, ms",
        "fastest, ms",
        "processor, ms",
    )
    title = f"One demand against a fleet, {TRANSPONDERS} transponders a satellite, {GATEWAYS} gateways"
    tables = [Table(title, columns, [row for kinds, _ in found for row in kinds]), found[-1][1]]
    publish(NAME, "python -m benchmarks.qualification", began, tables, write)


if __name__ == "__main__":
    typer.run(main)
