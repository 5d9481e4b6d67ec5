"""Contours of one's own come from the files that payload makers give: GXT and grids, each fault with its line."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from satcom.app.loading.load import load
from satcom.core.database import Database
from satcom.core.errors import Fault, Refused
from satcom.core.loading import loaded_id
from satcom.resource.payload import Beam
from satcom.resource.physics.coverage import relative_gain_db
from tests.house.checkout import ROOT

BEAM = """- id: beam-{key}
  satellite: sat-one
  name: {key}
  band: Ku
  {key}: {value}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The operator of the page, with the example's files of contours beside."""
    whole = shutil.copytree(ROOT / "examples" / "own_satellite", tmp_path / "own")
    shutil.copytree(ROOT / "examples" / "contours", whole / "contours")
    return whole


def add(folder: Path, *beams: str) -> None:
    with (folder / "beams.yaml").open("a", encoding="utf-8") as file:
        file.write("".join(beams))


def refused(database: Database, folder: Path) -> list[Fault]:
    with pytest.raises(Refused) as refusal:
        load(database, folder, dry_run=False, by="ada")
    return list(refusal.value.faults)


def test_a_gxt_file_and_a_grid_of_the_same_beam_become_the_same_contours(database: Database, folder: Path) -> None:
    grid = BEAM.format(key="grid", value="contours/baobab_ku_south.csv") + "  steps_db: [-1, -2, -4, -6, -10]\n"
    add(folder, BEAM.format(key="gxt", value="contours/baobab_ku_south.gxt"), grid)
    load(database, folder, dry_run=False, by="ada")
    with database.as_worker() as session:
        filed, drawn = (session.get_one(Beam, loaded_id("Beam", f"beam-{key}")) for key in ("gxt", "grid"))
        assert {one.level_db for one in filed.contours} == {-1, -2, -4, -6, -10}
        places = np.array([-20.0, -12.0, -30.0, 0.0, 40.0]), np.array([26.0, 30.0, 22.0, 36.0, 0.0])
        by_file, by_grid = relative_gain_db([filed.shape(17.0), drawn.shape(17.0)], *places)
        assert by_file[0] == by_grid[0] == -1
        assert by_file[-1] == by_grid[-1] == -np.inf
        assert (by_grid <= by_file).all()  # two degrees between the points of the grid: it promises no more
    again = load(database, folder, dry_run=True, by="ada")
    assert not [one for one in again if one.kind == "Beam" and one.fields]


def test_what_is_wrong_in_a_file_of_contours_is_told_by_beam_file_and_line(database: Database, folder: Path) -> None:
    gxt = (folder / "contours" / "baobab_ku_south.gxt").read_text(encoding="utf-8")
    (folder / "contours" / "bad.gxt").write_text(gxt.replace("p3=", "p3=x", 1), encoding="utf-8")
    bow = "[C1]\ngain=-2\np1=0;0\np2=9;9\np3=0;9\np4=9;0\np5=0;0\n"
    head = gxt[: gxt.index("[C1]")].replace("n_cont=", "n_cont=1\nold=")
    (folder / "contours" / "crossing.gxt").write_text(head + bow, encoding="utf-8")
    (folder / "contours" / "bad.csv").write_text("lat,lon,level\n91,2,50\n", encoding="utf-8")
    names = {"gxt": "bad.gxt", "gxt_directions": "none.gxt", "grid": "bad.csv"}
    crossing = BEAM.format(key="gxt", value="contours/crossing.gxt").replace("beam-gxt", "beam-crossing")
    unknown = BEAM.format(key="gxt", value="contours/baobab_ku_south.gxt").replace("beam-gxt", "beam-unknown")
    steps = BEAM.format(key="grid", value="contours/baobab_ku_south.csv").replace("beam-grid", "beam-steps")
    two = BEAM.format(key="gxt", value="contours/baobab_ku_south.gxt").replace("beam-gxt", "beam-two")
    add(
        folder,
        *(BEAM.format(key=key, value=f"contours/{name}") for key, name in names.items()),
        crossing,
        unknown + "  gxt_beam: KUX\n",
        steps + "  steps_db: [3]\n",
        two + "  boresight: {latitude_deg: 0, longitude_deg: 17, half_power_width_deg: 2}\n",
    )
    faults = {one.field.split(" (line")[0].removeprefix("beams.yaml: "): one for one in refused(database, folder)}
    told = {slug: f"{one.field.rsplit(': ', 1)[1]}: {one.why}" for slug, one in faults.items()}
    line = gxt[: gxt.index("p3=")].count("\n") + 1
    assert told["beam-gxt"].startswith(f"gxt: contours/bad.gxt: line {line}: p3 is no point")
    assert told["beam-gxt_directions"].startswith("gxt_directions: contours/none.gxt: it cannot be read")
    assert told["beam-grid"].startswith("grid: contours/bad.csv: line 2: latitude -90 to 90 deg")
    assert "the contour of -2 dB: a contour is no simple polygon: Self-intersection" in told["beam-crossing"]
    assert told["beam-unknown"] == ("gxt_beam: contours/baobab_ku_south.gxt: there is no beam 'KUX'; the file has KUS")
    assert told["beam-steps"].startswith("steps_db: [3] are no levels")
    assert told["beam-two"].startswith("gxt: a beam has one of")
