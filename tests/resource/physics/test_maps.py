"""The digital maps: shipped whole, unpacked once however many ask, read by the rule of P.1144."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.maps import PACKED, digital_map, map_index, unpack, without_gaps

ONE_LEVEL = ["rain_rate", "zero_isotherm", "temperature", "wet_term"]
ASK = "from satcom.resource.physics.rain import rain_rate_mm_per_h as r; print(float(r(9.05, 38.7)))"


@pytest.mark.parametrize("name", sorted(map_index()))
def test_every_map_is_the_edition_its_index_names(name: str) -> None:
    assert hashlib.sha256((PACKED / f"{name}.xz").read_bytes()).hexdigest() == map_index()[name]["sha256"]


def test_a_map_unpacks_to_the_values_itu_publishes() -> None:
    """Temperature at the corners and the middle of the grid, as the P.1510-1 file has them."""
    entry = map_index()["temperature"]
    kelvins = unpack((PACKED / "temperature.xz").read_bytes(), entry)[..., 0].astype(np.float64) / 1000
    assert kelvins.shape == (241, 481)
    assert (kelvins[0, 0], kelvins[-1, -1], kelvins.min(), kelvins.max()) == pytest.approx(
        (227.452, 257.915, 220.477, 304.509), abs=1e-9
    )


@pytest.mark.parametrize("name", sorted(map_index()))
def test_no_map_has_a_hole(name: str) -> None:
    grid = digital_map(name)
    assert np.isfinite(grid.values).all()
    assert grid.values.size == grid.rows * grid.columns * max(1, len(grid.levels))


def test_the_last_levels_alone_are_those_of_the_whole_map() -> None:
    whole, common = digital_map("surface_temperature"), digital_map("surface_temperature", 5.0)
    points = np.random.default_rng(2).integers(0, whole.rows * whole.columns, 500)
    assert (whole.levels[-5:].tolist(), common.levels.tolist()) == ([5, 10, 20, 30, 50],) * 2
    assert (common.read_every_level(points) == whole.read_every_level(points)[:, -5:]).all()


@pytest.mark.parametrize("name", ["vapour_density", "vapour_content", "vapour_scale_height"])
def test_the_gap_of_p836_is_bridged_along_the_meridian(name: str) -> None:
    published = np.asarray(unpack((PACKED / f"{name}.xz").read_bytes(), map_index()[name]), np.float64)
    gap = np.isnan(published)
    rows, columns, _ = np.nonzero(gap)
    assert set(rows) == {1}  # 88.875 N
    assert (columns.min(), columns.max()) == (33, 319)  # 37.125 to 358.875 E

    whole = np.asarray(without_gaps(published), np.float64)

    assert (whole[~gap] == published[~gap]).all()
    north, south = published[0], published[2]
    assert whole[1][gap[1]] == pytest.approx(((north + south) / 2)[gap[1]], rel=1e-12)
    # Where the row is published, that mean is as good as this.
    assert (north + south)[~gap[1]] / 2 == pytest.approx(published[1][~gap[1]], rel=0.035)


@pytest.mark.parametrize("name", ONE_LEVEL)
@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), turns=st.integers(-2, 2))
def test_a_place_has_one_value_however_its_longitude_is_written(name: str, lat: float, lon: float, turns: int) -> None:
    grid = digital_map(name)
    assert grid.at(lat, lon + 360 * turns) == pytest.approx(grid.at(lat, lon), abs=1e-6)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), turns=st.integers(-2, 2))
def test_the_ground_is_as_high_however_its_longitude_is_written(lat: float, lon: float, turns: int) -> None:
    grid = digital_map("altitude")
    assert grid.bicubic_at(lat, lon + 360 * turns) == pytest.approx(grid.bicubic_at(lat, lon), abs=1e-4)


@pytest.mark.parametrize("name", ONE_LEVEL)
@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180))
def test_a_value_lies_between_those_of_the_points_around(name: str, lat: float, lon: float) -> None:
    grid = digital_map(name)
    around = grid.read(grid.cells(lat, lon).points)
    assert around.min() - 1e-9 <= grid.at(lat, lon) <= around.max() + 1e-9


@pytest.mark.parametrize("name", [*ONE_LEVEL, "altitude"])
def test_at_a_grid_point_the_value_is_the_maps_own(name: str) -> None:
    grid = digital_map(name)
    points = np.random.default_rng(1).integers(0, grid.rows * grid.columns, 500)
    lat, lon = grid.coordinates_deg(points)
    on_the_globe = (np.abs(lat) < 90) & (np.abs(lon) < 180)
    wanted = grid.read(points)[on_the_globe]
    read = grid.bicubic_at if name == "altitude" else grid.at
    assert read(lat[on_the_globe], lon[on_the_globe]) == pytest.approx(wanted, abs=1e-6)


def test_processes_that_need_a_map_at_the_same_time_all_get_it_whole(tmp_path: Path) -> None:
    environment = {"SATCOM_DATA_DIR": str(tmp_path), "PATH": ""}
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [float(process.communicate(timeout=120)[0]) for process in asking]
    assert answers == pytest.approx([42.9] * 3, abs=0.1)
    assert len(list((tmp_path / "maps").iterdir())) == 1  # no half-written file is left


def test_importing_reads_no_map(tmp_path: Path) -> None:
    importing = "import satcom.resource.physics.attenuation"
    subprocess.run(
        [sys.executable, "-c", importing], env={"SATCOM_DATA_DIR": str(tmp_path), "PATH": ""}, check=True, timeout=120
    )
    assert not list(tmp_path.iterdir())
