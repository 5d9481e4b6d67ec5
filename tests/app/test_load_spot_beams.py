"""A honeycomb of spot beams is one entry of a file; what is wrong with it is told at its line and key."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from satcom.app.loading.load import load
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.coverage import relative_gain_db
from tests.house.checkout import ROOT

LATTICE = "latitude_deg: -18, longitude_deg: 26, half_power_width_deg: 0.65, rings: 2, colours: 4"
SPOTS = """
- id: spots
  satellite: sat-one
  name: Ka Spot
  band: Ku
  lattice: {LATTICE}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT / "examples" / "own_satellite", tmp_path / "own")


def spots(folder: Path, lattice: str = LATTICE, further: str = "") -> Path:
    own = (ROOT / "examples" / "own_satellite" / "beams.yaml").read_text(encoding="utf-8")
    (folder / "beams.yaml").write_text(own + SPOTS.replace("LATTICE", lattice) + further, encoding="utf-8")
    return folder


def with_transponder_in(folder: Path, beam: str) -> None:
    file = folder / "transponders.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("beam-gateway,beam-south", f"beam-gateway,{beam}", 1), encoding="utf-8")


def test_a_lattice_becomes_beams_that_cover_together_what_lies_among_them(database: Database, folder: Path) -> None:
    spots(folder)
    with_transponder_in(folder, "spots-7")
    changes = load(database, folder, dry_run=False, by="ada")
    laid_out = [one for one in changes if one.kind == "Beam" and one.slug.startswith("spots-")]
    assert [one.name for one in laid_out] == [f"Ka Spot {number}" for number in range(1, 20)]
    with database.as_worker() as session:
        beams = [session.get_one(Beam, loaded_id("Beam", one.slug)) for one in laid_out]
        shapes = [one.shape(17.0) for one in beams]
        neighbour = beams[6].boresight
        assert neighbour is not None
        between = (-18 + neighbour.latitude_deg) / 2, (26 + neighbour.longitude_deg) / 2
        levels = relative_gain_db(shapes, np.array([-18.0, between[0]]), np.array([26.0, between[1]]))
        assert levels[0, 0] == pytest.approx(0, abs=1e-3)
        assert levels[0, 1] == pytest.approx(levels[6, 1], abs=0.05)
        assert -3 < levels[:, 1].max() < -1.5
        notes = [str(one.further["note"]) for one in beams]
        assert all(sum(f"Colour {colour} of 4." in note for note in notes) >= 3 for colour in (1, 2, 3, 4))
        used = session.exec(select(Transponder).where(Transponder.downlink_beam_id == beams[6].id)).all()
        assert len(used) == 1


def test_loaded_again_nothing_changes_and_one_more_ring_only_adds(database: Database, folder: Path) -> None:
    load(database, spots(folder), dry_run=False, by="ada")
    again = load(database, folder, dry_run=True, by="ada")
    assert {one.outcome for one in again} == {"unchanged"}
    wider = load(database, spots(folder, LATTICE.replace("rings: 2", "rings: 3")), dry_run=True, by="ada")
    outcomes = [one.outcome for one in wider if one.slug.startswith("spots-")]
    assert outcomes == ["unchanged"] * 19 + ["created"] * 18


@pytest.mark.parametrize(
    ("lattice", "field", "said"),
    [
        (LATTICE.replace("colours: 4", "colours: 5"), "lattice.colours", "no honeycomb has 5 colours"),
        (LATTICE.replace("0.65", "0"), "lattice.half_power_width_deg", "more than 0 degrees"),
        (LATTICE.replace("0.65", ".nan"), "lattice.half_power_width_deg", "no number"),
        (LATTICE.replace("rings: 2", "rings: 1000"), "lattice.rings", "20"),
        (LATTICE.replace("longitude_deg: 26", "longitude_deg: -150"), "lattice.longitude_deg", "does not see"),
        (LATTICE.replace("rings: 2, ", ""), "lattice.rings", "missing"),
        (LATTICE + ", wide: 3", "lattice.wide", "no such key"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("lattice.") else "",
)
def test_a_lattice_at_fault_is_refused_at_its_key_and_what_names_its_beams_is_not(
    database: Database, folder: Path, lattice: str, field: str, said: str
) -> None:
    spots(folder, lattice)
    with_transponder_in(folder, "spots-7")
    with pytest.raises(Refused) as refused:
        load(database, folder, dry_run=False, by="ada")
    [fault] = refused.value.faults
    assert fault.field.startswith("beams.yaml: spots (line ")
    assert fault.field.endswith(f": {field}")
    assert said in f"{fault.why} {fault.accepted}"


def test_a_lattice_of_no_satellite_beside_a_boresight_or_over_another_name_is_refused(
    database: Database, folder: Path
) -> None:
    def codes() -> set[str]:
        with pytest.raises(Refused) as refused:
            load(database, folder, dry_run=False, by="ada")
        return {one.code for one in refused.value.faults}

    other = SPOTS.replace("- id: spots", "- id: spots-3").replace(
        "lattice: {LATTICE}", "boresight: {latitude_deg: 0, longitude_deg: 17, half_power_width_deg: 2}"
    )
    spots(folder, LATTICE, other)
    assert codes() == {"duplicate"}
    spots(folder, LATTICE, "  boresight: {latitude_deg: 0, longitude_deg: 17, half_power_width_deg: 2}\n")
    assert codes() == {"impossible"}
    file = folder / "beams.yaml"
    spots(folder)
    file.write_text(file.read_text().replace("- id: spots\n  satellite: sat-one", "- id: spots\n  satellite: sat-x"))
    assert codes() == {"notFound"}
