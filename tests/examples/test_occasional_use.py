"""The page on adding a kind of service shows files that load as they stand, beside an operator or not at all."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from satcom.app.loading.load import load
from satcom.app.loading.loading import Outcome
from satcom.core.database import Database
from satcom.core.errors import Refused
from tests.house.checkout import ROOT

FOLDER = ROOT / "examples" / "occasional_use"
IN_EUR = ROOT / "examples" / "own_satellite"
PAGE = ROOT / "docs" / "adding-a-kind-of-service.md"
SHOWN = re.compile(r"^`([\w.]+)`: [^\n]*\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVICES, PRICES = "service_specifications.yaml", "prices.csv"
NOT_BOOKED = "it is not booked for a time"  # told of the offering whose prices are by the hour
DURATION = "    - {name: durationMinutes, value_type: number, unit: min, min: 15, max: 1440, required: true}\n"
WRONG = [
    (SERVICES, "max: 1440, required: true", "max: 1440", "what is booked has an end"),
    (
        SERVICES,
        "resource-booked-spectrum",
        "resource-carriers, resource-hub-port, resource-terminal",
        "only spectrum is booked",
    ),
    (SERVICES, DURATION, "", NOT_BOOKED),
    (PRICES, "MHz h,Ku", "MHz day,Ku", "unit: 'MHz day' is not known"),
]


@pytest.fixture
def operator(database: Database, tmp_path: Path) -> Database:
    """Of an operator with a satellite, who bills in USD as the page says."""
    folder = Path(shutil.copytree(IN_EUR, tmp_path / "operator"))
    for path in (path for path in folder.iterdir() if path.is_file()):
        path.write_text(path.read_text(encoding="utf-8").replace("EUR", "USD"), encoding="utf-8")
    load(database, folder, dry_run=False, by="ada")
    return database


def test_the_page_shows_every_file_of_the_folder_as_it_is() -> None:
    shown = dict(SHOWN.findall(PAGE.read_text(encoding="utf-8")))
    assert shown == {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir() if path.suffix != ".md"}


def test_it_is_loaded_beside_an_operator_and_again_changes_nothing(operator: Database) -> None:
    seen = load(operator, FOLDER, dry_run=False, by="ada")
    created = Counter(one.kind for one in seen if one.outcome is Outcome.CREATED)
    assert created["ServiceSpecification"] == created["ProductOffering"] == created["Customer"] == 1
    assert created["ProductOfferingPrice"] == 3
    again = load(operator, FOLDER, dry_run=False, by="ada")
    assert {one.outcome for one in again} == {Outcome.UNCHANGED}


def test_what_cannot_be_delivered_or_charged_is_refused_when_it_is_loaded(operator: Database, tmp_path: Path) -> None:
    for number, (file, old, new, said) in enumerate(WRONG):
        folder = Path(shutil.copytree(FOLDER, tmp_path / f"kind-{number}"))
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(Refused) as refused:
            load(operator, folder, dry_run=True, by="ada")
        assert said in str(refused.value)
        assert file in str(refused.value) or said == NOT_BOOKED
