"""Coverage maps of a network: right at its boresights, whole across date line and pole, refused by option."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from satcom.app.commands.coverage import write
from satcom.app.coverage_areas import level_areas
from satcom.app.coverage_files import as_geojson, as_grid
from satcom.app.coverage_levels import levels_of
from satcom.app.coverage_query import TOLD, CoverageMap, MapAsked, Quantity, coverage_of
from satcom.core.errors import Refused
from satcom.resource.payload import Boresight, ContourLine
from satcom.resource.physics.orbit import slot_angles
from satcom.resource.resource import Band
from satcom.resource.satellite import SatelliteState
from satcom.service.design.facts import BeamFacts, Fleet, SatelliteFacts, TransponderFacts

NOW = datetime(2026, 8, 22, 12, tzinfo=UTC)
SQUARE = ((10.0, -10.0), (30.0, -10.0), (30.0, 10.0), (10.0, 10.0), (10.0, -10.0))
INNER = ((15.0, -5.0), (25.0, -5.0), (25.0, 5.0), (15.0, 5.0), (15.0, -5.0))


def a_satellite(name: str, longitude_deg: float) -> SatelliteFacts:
    """Planned, so that it stands at its slot whatever its elements."""
    return SatelliteFacts(name, name, longitude_deg, SatelliteState.PLANNED, date(2027, 1, 1), None, None, False)


def a_spot(name: str, satellite: str, latitude_deg: float, longitude_deg: float, width_deg: float = 2.0) -> BeamFacts:
    there = Boresight(latitude_deg=latitude_deg, longitude_deg=longitude_deg, half_power_width_deg=width_deg)
    return BeamFacts(name, satellite, name, Band.KU, (), there, False)


def a_transponder(beam: str, satellite: str, eirp_dbw: float, g_over_t: float, sfd: float) -> TransponderFacts:
    frequencies = (54_000_000, 14_200_000_000, 11_500_000_000)
    operating = (eirp_dbw, g_over_t, sfd, 6.0, 3.0)
    return TransponderFacts(
        f"tp-{beam}",
        satellite,
        f"tp {beam}",
        "Ku",
        beam,
        beam,
        *frequencies,
        "vertical",
        "horizontal",
        *operating,
        0,
        False,
    )


FLEET = Fleet(
    satellites=(a_satellite("Africa 1", 17.0), a_satellite("Pacific 1", 175.0)),
    beams=(
        a_spot("spot", "Africa 1", 0.0, 20.0),
        BeamFacts(
            "rings",
            "Africa 1",
            "rings",
            Band.KU,
            (ContourLine(level_db=-3, polygon=SQUARE), ContourLine(level_db=-1, polygon=INNER)),
            None,
            True,
        ),
        a_spot("date line", "Pacific 1", -10.0, 179.0, 3.0),
        a_spot("edge", "Africa 1", 60.0, 85.0, 4.0),
    ),
    transponders=(
        a_transponder("spot", "Africa 1", 52.0, 6.0, -88.0),
        a_transponder("rings", "Africa 1", 50.0, 4.0, -85.0),
        a_transponder("date line", "Pacific 1", 49.0, 3.0, -84.0),
        a_transponder("edge", "Africa 1", 48.0, 2.0, -83.0),
    ),
    stations=(),
    hubs=(),
    terminal_types=(),
    licences=(),
)


def the_map(quantity: Quantity = Quantity.EIRP, *beams: str, **asked: Any) -> CoverageMap:
    return coverage_of(FLEET, replace(MapAsked(quantity, beams=beams, points=120), **asked), NOW)


def at(answer: CoverageMap, latitude_deg: float, longitude_deg: float) -> float:
    row = int(np.argmin(np.abs(answer.grid.latitude_deg - latitude_deg)))
    return float(answer.values[row, int(np.argmin(np.abs(answer.grid.longitude_deg - longitude_deg)))])


def test_at_its_boresight_a_beam_has_what_its_transponder_has() -> None:
    for quantity, peak in ((Quantity.EIRP, 52.0), (Quantity.G_OVER_T, 6.0), (Quantity.SFD, -88.0)):
        assert at(the_map(quantity, "spot"), 0, 20) == pytest.approx(peak, abs=0.05)
    assert at(the_map(Quantity.PFD, "spot"), 0, 20) == pytest.approx(52 - 162.1 - 41.3, abs=0.1)
    assert at(the_map(Quantity.EIRP, "rings"), 0, 20) == pytest.approx(49)
    assert at(the_map(Quantity.EIRP, "rings"), 8, 12) == pytest.approx(47)


def test_of_several_beams_the_best_counts_and_the_rest_is_illustrative() -> None:
    both = the_map(Quantity.EIRP, "spot", "rings")
    assert at(both, 0, 20) == pytest.approx(52, abs=0.05)
    assert at(both, 9.5, 29.5) == pytest.approx(47)
    assert both.illustrative
    assert not the_map(Quantity.EIRP, "spot").illustrative


def test_elevation_is_that_of_the_look_angle() -> None:
    answer = the_map(Quantity.ELEVATION, "spot")
    row, column = (len(one) // 2 for one in (answer.grid.latitude_deg, answer.grid.longitude_deg))
    latitude, longitude = answer.grid.latitude_deg[row], answer.grid.longitude_deg[column]
    expected = slot_angles(17.0, latitude, longitude, 0.0).elevation_deg[0, 0]
    assert answer.values[row, column] == pytest.approx(expected, abs=0.1)


def test_rate_and_availability_rise_with_the_dish() -> None:
    small, large = (the_map(Quantity.RATE, "spot", points=40, dish_m=size) for size in (0.6, 2.4))
    assert np.nanmax(large.values) > np.nanmax(small.values)
    rare, often = (the_map(Quantity.RATE, "spot", points=40, availability_percent=one) for one in (99.99, 98.0))
    assert np.nansum(often.values) > np.nansum(rare.values)
    available = the_map(Quantity.AVAILABILITY, "spot", points=40)
    assert 99 < at(available, 0, 20) < 100
    harder = the_map(Quantity.AVAILABILITY, "spot", points=40, modcod="8psk 3/4")
    assert at(harder, 0, 20) < at(available, 0, 20)


def test_a_beam_across_the_date_line_is_one_area_and_is_cut_only_in_geojson() -> None:
    answer = the_map(Quantity.EIRP, "date line")
    assert answer.grid.longitude_deg[-1] - answer.grid.longitude_deg[0] < 100
    collection = json.loads(as_geojson(answer))
    assert [one["properties"]["level"] for one in collection["features"]] == levels_of(answer)
    for feature in collection["features"]:
        area = shape(feature["geometry"])
        assert area.is_valid
        assert -180 <= area.bounds[0] < area.bounds[2] <= 180
        assert all(shapely.is_ccw(shapely.get_exterior_ring(part)) for part in shapely.get_parts(area))
    strongest = shape(collection["features"][-1]["geometry"])
    assert strongest.intersects(shapely.Point(179, -10))
    widest = shape(collection["features"][0]["geometry"])
    assert widest.intersects(shapely.Point(-178, -10))
    assert widest.contains(strongest.buffer(-0.2))


LEANING = ((12.0, -8.0), (28.0, 0.0), (24.0, 12.0), (8.0, 4.0), (12.0, -8.0))


@pytest.mark.parametrize("quantity", [Quantity.PFD, Quantity.RATE, Quantity.ELEVATION, Quantity.EIRP])
def test_where_a_contour_ends_the_map_has_its_edges_and_no_stairs_of_the_grid(quantity: Quantity) -> None:
    ring = replace(FLEET.beams[1], contours=(ContourLine(level_db=-3, polygon=LEANING),))
    fleet = replace(FLEET, beams=(FLEET.beams[0], ring, *FLEET.beams[2:]))
    answer = coverage_of(fleet, MapAsked(quantity, beams=("rings",), points=100), NOW)
    cell_deg = float(np.diff(answer.grid.latitude_deg[:2])[0])
    (area,) = level_areas(answer, [float(np.nanmin(answer.values))])
    exact = shapely.Polygon(LEANING)
    assert area.boundary.length == pytest.approx(exact.length, rel=0.02)
    assert shapely.hausdorff_distance(area.boundary, exact.boundary) < 2 * cell_deg


def test_what_jumps_at_an_inner_contour_is_cut_along_it_too() -> None:
    inner = tuple((20 + (x - 18) / 2, (y - 2) / 2) for x, y in LEANING)
    ring = replace(
        FLEET.beams[1],
        contours=(ContourLine(level_db=-3, polygon=SQUARE), ContourLine(level_db=-1, polygon=inner)),
    )
    fleet = replace(FLEET, beams=(FLEET.beams[0], ring, *FLEET.beams[2:]))
    answer = coverage_of(fleet, MapAsked(Quantity.PFD, beams=("rings",)), NOW)
    assert len(np.unique(answer.part)) == 3  # two levels, and nothing
    low, high = float(np.nanmin(answer.values)), float(np.nanmax(answer.values))
    (area,) = level_areas(answer, [(low + high) / 2])  # within the jump of 2 dB
    drawn, cell_deg = shapely.Polygon(inner), float(np.diff(answer.grid.latitude_deg[:2])[0])
    assert area.boundary.length == pytest.approx(drawn.length, rel=0.02)
    assert area.area == pytest.approx(drawn.area, abs=drawn.length * cell_deg / 4)  # neither within nor beyond it


def test_beams_of_several_bands_are_no_map_of_one_antenna() -> None:
    fleet = replace(FLEET, transponders=(FLEET.transponders[0], replace(FLEET.transponders[1], band="C")))
    for quantity in (Quantity.EIRP, Quantity.PFD, Quantity.RATE):
        with pytest.raises(Refused) as refused:
            coverage_of(fleet, MapAsked(quantity, points=40), NOW)
        fault = refused.value.faults[0]
        assert (fault.field, fault.accepted) == ("--band", "one of C, Ku")
    assert coverage_of(fleet, MapAsked(Quantity.EIRP, band="C", points=40), NOW).beams == ("rings",)
    assert len(coverage_of(fleet, MapAsked(Quantity.ELEVATION, points=40), NOW).beams) == 2


def test_the_grid_as_json_is_the_map() -> None:
    answer = the_map(Quantity.SFD, "rings")
    body = json.loads(as_grid(answer))
    assert (body["unit"], body["satellites"], body["beams"]) == ("dBW/m²", ["Africa 1"], ["rings"])
    values = np.array(body["values"], dtype=np.float64)
    assert values == pytest.approx(answer.values, abs=1e-3, nan_ok=True)
    assert (len(body["latitudeDeg"]), len(body["longitudeDeg"])) == values.shape


@pytest.mark.parametrize("quantity", list(Quantity))
def test_every_quantity_is_drawn_with_title_unit_and_source(quantity: Quantity, tmp_path: Path) -> None:
    answer = the_map(quantity, "spot", "rings", points=60)
    write(answer, tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text(encoding="utf-8")
    title, unit = TOLD[quantity]
    for text in (title, unit, "Africa 1 (17°E)", "Natural Earth", "Illustrative values", "20°E"):
        assert text in drawn


@pytest.mark.parametrize("beam", ["rings", "date line", "edge"])
def test_a_picture_is_drawn_wherever_the_beam_falls(beam: str, tmp_path: Path) -> None:
    write(the_map(Quantity.EIRP, beam), tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "map.png").stat().st_size > 30_000


@pytest.mark.parametrize(
    ("asked", "option", "why", "accepted"),
    [
        ({"dish_m": 0.0}, "--dish-m", "0 m is out of range", "0.1 to 30 m"),
        ({"dish_m": float("nan")}, "--dish-m", "nan m is out of range", "0.1 to 30 m"),
        ({"dish_efficiency": 1.5}, "--dish-efficiency", "1.5 is out of range", "0.1 to 1"),
        ({"lnb_noise_figure_db": -1.0}, "--lnb-noise-figure", "-1 dB is out of range", "0 to 20 dB"),
        ({"availability_percent": 100.0}, "--availability", "100 % is out of range", "90 to 99.99 %"),
        ({"points": 5}, "--points", "5 is out of range", "20 to 1000"),
        ({"modcod": "QPSK 7/8"}, "--modcod", "no MODCOD 'QPSK 7/8'", "QPSK 1/2"),
        ({"satellites": ("Mars 1",)}, "--satellite", "no satellite 'Mars 1'", "Africa 1, Pacific 1"),
        ({"beams": ("blue",)}, "--beam", "through a beam 'blue'", "rings"),
        ({"band": "Ka"}, "--band", "no transponder in the band Ka", "Ku"),
    ],
)
def test_what_is_typed_wrong_is_refused_by_its_option_and_unit(
    asked: dict[str, Any], option: str, why: str, accepted: str
) -> None:
    with pytest.raises(Refused) as refused:
        the_map(**asked)
    fault = refused.value.faults[0]
    assert fault.field == option
    assert why in fault.why
    assert accepted in (fault.accepted or "")


def test_a_beam_smaller_than_a_degree_is_found() -> None:
    ring = ((20.3, 3.3), (20.6, 3.3), (20.6, 3.6), (20.3, 3.6), (20.3, 3.3))
    small = replace(FLEET.beams[1], contours=(ContourLine(level_db=-3, polygon=ring),))
    fleet = replace(FLEET, beams=(FLEET.beams[0], small, *FLEET.beams[2:]))
    answer = coverage_of(fleet, MapAsked(beams=("rings",), quantity=Quantity.EIRP, points=120), NOW)
    assert at(answer, 3.45, 20.45) == pytest.approx(47)


def test_a_map_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        write(the_map(Quantity.EIRP, "rings"), tmp_path / "nowhere" / "map.geojson")
