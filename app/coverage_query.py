"""What `satcom coverage` asks: a quantity on a grid over the beams of satellites, from the network as it is.

The area is that which the beams cover; the satellites stand where their elements put them. What is typed wrong is named
by its option, with its unit. Drawing is `app.coverage_picture`, writing `app.coverage_files`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from satcom.core.errors import Fault, Refused
from satcom.resource.physics import coverage_map
from satcom.resource.physics.coverage import Beam, ContourBeam, SpotBeam, relative_gain_db
from satcom.resource.physics.coverage_map import MapGrid, MapTerminal, MapTransponders
from satcom.resource.physics.link_budget import combine_db
from satcom.resource.physics.modcod import dvb_table
from satcom.service.design.facts import Assumptions, Fleet, TransponderFacts
from satcom.service.design.payloads import CIRCULAR_TILT_DEG, TILT_DEG
from satcom.service.design.sky import beam_shapes, look

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]
NO_PART: Final = -1

COARSE_POINTS = 120  # of a side: the air changes slowly
WORLD_STEP_DEG = 1.0
MARGIN_SHARE, LEAST_MARGIN_DEG = 0.06, 1.0


class Quantity(StrEnum):
    """What is drawn."""

    EIRP = "eirp"
    G_OVER_T = "g-over-t"
    SFD = "sfd"
    PFD = "pfd"
    ELEVATION = "elevation"
    RATE = "rate"
    AVAILABILITY = "availability"


TOLD: Final = {
    Quantity.EIRP: ("EIRP at saturation", "dBW"),
    Quantity.G_OVER_T: ("G/T of the satellite", "dB/K"),
    Quantity.SFD: ("Saturation flux density", "dBW/m²"),
    Quantity.PFD: ("Power flux density at the ground", "dBW/m² in 4 kHz"),
    Quantity.ELEVATION: ("Elevation", "°"),
    Quantity.RATE: ("Achievable rate", "Mbit/s"),
    Quantity.AVAILABILITY: ("Availability", "%"),
}
UPLINK: Final = frozenset({Quantity.G_OVER_T, Quantity.SFD})


@dataclass(frozen=True)
class MapAsked:
    """A map as it was typed. Empty `satellites`, `beams` and `band` are all there are."""

    quantity: Quantity
    satellites: tuple[str, ...] = ()
    beams: tuple[str, ...] = ()
    band: str | None = None
    dish_m: float = 1.2
    dish_efficiency: float = 0.65
    lnb_noise_figure_db: float = 0.8
    availability_percent: float = 99.5
    modcod: str = "QPSK 1/2"
    points: int = 600


@dataclass(frozen=True, eq=False)
class CoverageMap:
    """The answer: `values` has the shape of the grid; nan where there is no coverage. `who` are its satellites.

    `part` numbers which beam counts there, at which of its levels: between two parts values may jump.
    """

    quantity: StrEnum
    grid: MapGrid
    values: Array
    part: Numbers
    title: str
    unit: str
    satellites: tuple[tuple[str, float], ...]  # name and longitude
    beams: tuple[str, ...]
    elements_of: datetime | None
    conditions: str
    illustrative: bool
    who: str


def coverage_of(fleet: Fleet, asked: MapAsked, at: datetime) -> CoverageMap:
    """The map over the beams asked for. Raises `Refused` naming the option that is wrong."""
    _check(asked)
    rows = _satellites(fleet, asked.satellites)
    chosen = _transponders(fleet, rows, asked)
    beams = [fleet.beam_index[_beam_id(one, asked.quantity)] for one in chosen]
    shapes = [beam_shapes(fleet)[beam] for beam in beams]
    grid = _area(shapes, asked.points)
    latitude_deg, longitude_deg = grid.places()
    level_db = relative_gain_db.or_nan(shapes, latitude_deg, longitude_deg)
    values = _values(fleet, chosen, asked, grid, level_db, at)
    theirs = {one.satellite_id for one in chosen}
    satellites = [fleet.satellites[row] for row in rows if fleet.satellites[row].id in theirs]
    epochs = [one.elements.epoch for one in satellites if one.elements is not None]
    used = [fleet.beams[beam] for beam in beams]
    title, unit = TOLD[asked.quantity]
    return CoverageMap(
        quantity=asked.quantity,
        grid=grid,
        values=values.reshape(grid.shape),
        part=_parts(fleet, chosen, asked.quantity, shapes, grid, level_db, at).reshape(grid.shape),
        title=title,
        unit=unit,
        satellites=tuple((one.name, one.orbital_longitude_deg) for one in satellites),
        beams=tuple(dict.fromkeys(one.name for one in used)),
        elements_of=max(epochs, default=None),
        conditions=_conditions(asked),
        illustrative=any(one.illustrative for one in used)
        or any(one.illustrative for one in chosen)
        or any(one.illustrative for one in satellites),
        who=", ".join(one.name for one in satellites),
    )


def _check(asked: MapAsked) -> None:
    table = dvb_table()
    ranges = (
        ("--dish-m", asked.dish_m, 0.1, 30.0, " m"),
        ("--dish-efficiency", asked.dish_efficiency, 0.1, 1.0, ""),
        ("--lnb-noise-figure", asked.lnb_noise_figure_db, 0.0, 20.0, " dB"),
        ("--availability", asked.availability_percent, 90.0, 99.99, " %"),
        ("--points", float(asked.points), 20.0, 1000.0, ""),
    )
    faults = [
        Fault(option, f"{value:g}{unit} is out of range", "outOfRange", f"{low:g} to {high:g}{unit}")
        for option, value, low, high, unit in ranges
        if not low <= value <= high
    ]
    if asked.modcod.lower() not in {name.lower() for name in table.name}:
        names = ", ".join(dict.fromkeys(table.name.tolist()))
        faults.append(Fault("--modcod", f"there is no MODCOD {asked.modcod!r}", "notFound", names))
    if faults:
        raise Refused.all(faults)


def _satellites(fleet: Fleet, names: Sequence[str]) -> list[int]:
    by_name = {word.lower(): row for row, one in enumerate(fleet.satellites) for word in (one.id, one.name)}
    unknown = [name for name in names if name.lower() not in by_name]
    there = ", ".join(one.name for one in fleet.satellites) or "none"
    if unknown:
        faults = [Fault("--satellite", f"there is no satellite {name!r}", "notFound", there) for name in unknown]
        raise Refused.all(faults)
    return sorted({by_name[name.lower()] for name in names}) if names else list(range(len(fleet.satellites)))


def _beam_id(transponder: TransponderFacts, quantity: Quantity) -> str:
    return transponder.uplink_beam_id if quantity in UPLINK else transponder.downlink_beam_id


def _transponders(fleet: Fleet, rows: Sequence[int], asked: MapAsked) -> list[TransponderFacts]:
    """For each beam asked for the transponder that is best at the quantity."""
    ids = {fleet.satellites[row].id for row in rows}
    band = (asked.band or "").lower()
    there = [one for one in fleet.transponders if one.satellite_id in ids and (not band or one.band.lower() == band)]
    names = {one.id: one.name for one in fleet.beams}
    wanted = {one.lower() for one in asked.beams}
    best: dict[str, TransponderFacts] = {}
    for one in there:
        beam = _beam_id(one, asked.quantity)
        if wanted and not wanted & {beam.lower(), names[beam].lower()}:
            continue
        if beam not in best or _merit(one, asked.quantity) > _merit(best[beam], asked.quantity):
            best[beam] = one
    found = {word.lower() for beam in best for word in (beam, names[beam])}
    missing = [one for one in asked.beams if one.lower() not in found]
    known = ", ".join(sorted({names[_beam_id(one, asked.quantity)] for one in there})) or "none"
    if missing:
        why = "no transponder of these satellites works through a beam"
        raise Refused.all([Fault("--beam", f"{why} {one!r}", "notFound", known) for one in missing])
    if not best:
        bands = ", ".join(sorted({one.band for one in fleet.transponders if one.satellite_id in ids})) or "none"
        what = f"no transponder in the band {asked.band}" if band else "no transponder on these satellites"
        raise Refused("--band" if band else "--satellite", f"there is {what}", "notFound", bands if band else None)
    bands_there = sorted({one.band for one in best.values()})
    if len(bands_there) > 1 and asked.quantity is not Quantity.ELEVATION:
        why = "these beams are of several bands, and one antenna receives one"
        raise Refused("--band", why, "missing", f"one of {', '.join(bands_there)}")
    return list(best.values())


def _merit(one: TransponderFacts, quantity: Quantity) -> float:
    if quantity is Quantity.SFD:
        return -one.sfd_dbw_per_m2
    return one.g_over_t_db_per_k if quantity is Quantity.G_OVER_T else one.eirp_saturation_dbw


def _area(shapes: Sequence[Beam], points: int) -> MapGrid:
    """The square cells that hold the coverage, looked for over the whole world; it may lie across the date line."""
    world = MapGrid(np.arange(-89.0, 90.0, WORLD_STEP_DEG), np.arange(-180.0, 180.0, WORLD_STEP_DEG))
    places = np.concatenate([np.column_stack(world.places()), *(_known_places(one) for one in shapes)])
    covered: Flags = np.any(np.isfinite(relative_gain_db.or_nan(shapes, places[:, 0], places[:, 1])), axis=0)
    if not covered.any():
        raise Refused("--beam", "it covers no place on Earth: its contours or boresight lie beyond", "noCoverage")
    south, north = float(places[covered, 0].min()), float(places[covered, 0].max())
    columns = np.unique((places[covered, 1] + 180) % 360 - 180)
    gaps = np.append(np.diff(columns), columns[0] + 360 - columns[-1])
    first = (int(np.argmax(gaps)) + 1) % len(columns)  # begin after the widest gap
    west = float(columns[first])
    width = float(columns[first - 1] - west) % 360
    margin = max(MARGIN_SHARE * max(width, north - south), LEAST_MARGIN_DEG)
    south, north = max(south - margin, -90.0), min(north + margin, 90.0)
    west, east = (west - margin, west + width + margin) if width + 2 * margin < 360 else (-180.0, 180.0)
    return MapGrid.around(south, west, north, east, points)


def _known_places(beam: Beam) -> Array:
    """Latitude and longitude of the beam's own points: a small one may fall between those of the world."""
    if isinstance(beam, SpotBeam):
        return np.array([[beam.boresight_latitude_deg, beam.boresight_longitude_deg]])
    rings = [ring for contour in beam.contours for polygon in contour.polygons for ring in polygon]
    return np.array([(latitude, longitude) for ring in rings for longitude, latitude in ring]).reshape(-1, 2)


def _values(
    fleet: Fleet, chosen: Sequence[TransponderFacts], asked: MapAsked, grid: MapGrid, level_db: Array, at: datetime
) -> Array:
    side = _arrays(chosen)
    if asked.quantity is Quantity.EIRP:
        return coverage_map.strongest(side.eirp_dbw, level_db)
    if asked.quantity is Quantity.G_OVER_T:
        return coverage_map.strongest(side.figure_of_merit_db_per_k, level_db)
    if asked.quantity is Quantity.SFD:
        return coverage_map.saturation_flux_density_dbw_per_m2(side.sfd_dbw_per_m2, level_db)
    coarse = grid.coarser(COARSE_POINTS)
    seen = look(fleet, *coarse.places(), np.zeros(coarse.shape[0] * coarse.shape[1]), at)
    satellites = {one.id: row for row, one in enumerate(fleet.satellites)}
    of = [satellites[one.satellite_id] for one in chosen]
    range_km = coarse.finer(seen.range_km[of], grid)
    elevation_deg = coarse.finer(seen.elevation_deg[of], grid)
    level_db = np.where(elevation_deg > 0, level_db, -np.inf)
    if asked.quantity is Quantity.ELEVATION:
        return coverage_map.strongest(np.zeros(len(chosen)), np.where(np.isfinite(level_db), elevation_deg, -np.inf))
    if asked.quantity is Quantity.PFD:
        return coverage_map.power_flux_density_dbw_per_m2(side, level_db, range_km)
    terminal = map_terminal(asked)
    above_deg = np.where(seen.elevation_deg[of] >= 5, seen.elevation_deg[of], 5.0)  # P.618 holds from 5 degrees up
    level_db = np.where(elevation_deg >= 5, level_db, -np.inf)

    def es_n0_db(percent: float) -> Array:
        air = coverage_map.air_over(coarse, side, terminal, above_deg, percent)
        return coverage_map.downlink_es_n0_db(
            side, terminal, level_db, range_km, type(air)(*(coarse.finer(part, grid) for part in vars(air).values()))
        )

    if asked.quantity is Quantity.RATE:
        rate_bps = coverage_map.best_rate_bps(side, terminal, es_n0_db(100 - asked.availability_percent))
        return rate_bps / 1e6
    table = dvb_table()
    row = next(row for row, name in enumerate(table.name) if name.lower() == asked.modcod.lower())
    required_db = float(table.es_n0_threshold_db[row]) + terminal.implementation_margin_db
    shares = coverage_map.UNAVAILABILITIES_PERCENT
    return coverage_map.availability_percent(np.array([es_n0_db(float(one)) for one in shares]), shares, required_db)


def _parts(
    fleet: Fleet,
    chosen: Sequence[TransponderFacts],
    quantity: Quantity,
    shapes: Sequence[Beam],
    grid: MapGrid,
    level_db: Array,
    at: datetime,
) -> Numbers:
    """The number of the beam that counts at each place, and of its level where it is one of contours.

    Of flux, rate and availability taken as the one of the highest EIRP: of beams that differ in bandwidth or range
    another may count, whose border is then drawn as the grid has it.
    """
    if quantity is Quantity.ELEVATION:
        coarse = grid.coarser(COARSE_POINTS)
        rows = {one.id: row for row, one in enumerate(fleet.satellites)}
        seen = look(fleet, *coarse.places(), np.zeros(coarse.shape[0] * coarse.shape[1]), at)
        merit = coarse.finer(seen.elevation_deg[[rows[one.satellite_id] for one in chosen]], grid)
        merit = np.where(np.isfinite(level_db), merit, -np.inf)
    else:
        merit = np.array([_merit(one, quantity) for one in chosen])[:, None] + level_db
    best = np.argmax(merit, axis=0)
    place = np.arange(merit.shape[1])
    known = np.isfinite(merit[best, place])
    with_steps = np.array([isinstance(one, ContourBeam) for one in shapes])[best]
    level = np.where(known & with_steps, level_db[best, place], 0.0)
    _, number = np.unique(np.column_stack([best, np.round(level, 3)]), axis=0, return_inverse=True)
    return np.where(known, number.reshape(-1), NO_PART).astype(np.int64)


def map_terminal(asked: MapAsked) -> MapTerminal:
    """The terminal asked for, in the interference that a qualification plans with."""
    assumed = Assumptions()
    interference_db = combine_db(
        assumed.intermodulation_ci_db,
        assumed.uplink_adjacent_satellite_ci_db,
        assumed.uplink_cross_polar_ci_db,
        assumed.downlink_adjacent_satellite_ci_db,
        assumed.downlink_cross_polar_ci_db,
    )
    return MapTerminal(
        diameter_m=asked.dish_m,
        efficiency=asked.dish_efficiency,
        lnb_noise_figure_db=asked.lnb_noise_figure_db,
        ground_temperature_k=assumed.terminal_ground_temperature_k,
        feed_loss_db=assumed.terminal_feed_loss_db,
        pointing_loss_db=assumed.terminal_pointing_loss_db,
        interference_ci_db=float(interference_db),
        implementation_margin_db=assumed.implementation_margin_db,
        rolloff=assumed.roll_off,
    )


def _arrays(chosen: Sequence[TransponderFacts]) -> MapTransponders:
    return MapTransponders(
        eirp_dbw=np.array([one.eirp_saturation_dbw for one in chosen]),
        figure_of_merit_db_per_k=np.array([one.g_over_t_db_per_k for one in chosen]),
        sfd_dbw_per_m2=np.array([one.sfd_dbw_per_m2 for one in chosen]),
        input_backoff_db=np.array([one.input_backoff_db for one in chosen]),
        output_backoff_db=np.array([one.output_backoff_db for one in chosen]),
        up_freq_hz=np.array([float(one.uplink_center_hz) for one in chosen]),
        down_freq_hz=np.array([float(one.downlink_center_hz) for one in chosen]),
        bandwidth_hz=np.array([float(one.bandwidth_hz) for one in chosen]),
        tilt_deg=np.array([TILT_DEG.get(one.downlink_polarisation, CIRCULAR_TILT_DEG) for one in chosen]),
    )


def _conditions(asked: MapAsked) -> str:
    """What rate and availability rest on."""
    dish = f"{asked.dish_m:g} m dish"
    if asked.quantity is Quantity.RATE:
        return f"{dish}, {asked.availability_percent:g} % of the year, one carrier per transponder"
    if asked.quantity is Quantity.AVAILABILITY:
        return f"{asked.modcod}, {dish}, one carrier per transponder"
    return ""
