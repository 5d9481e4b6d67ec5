"""Faults in an operator's files are told by line and key, with what is accepted; what all entries have wrong, once."""

import shutil
from pathlib import Path

import pytest

from satcom.app.loading.load import load
from satcom.core.database import Database
from satcom.core.errors import Fault, Refused
from tests.service.the_demonstration import FOLDER

OPERATOR = (FOLDER / "operator.yaml").read_text(encoding="utf-8")


def told(database: Database, folder: Path, **files: str) -> list[Fault]:
    """The faults of an operator with these files; `licences_csv` is licences.csv."""
    (folder / "operator.yaml").write_text(OPERATOR, encoding="utf-8")
    for name, text in files.items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refused:
        load(database, folder, dry_run=False, by="ada")
    return list(refused.value.faults)


SATELLITES = """# the fleet
- id: sat-1
  name: One
  norad_id: many
- id: sat-2
  name: Two
  norad_id: 44479
  orbital_longitude_deg: 200
  state: flying
"""


def test_a_wrong_value_in_yaml_is_told_with_its_own_line_and_its_unit(database: Database, tmp_path: Path) -> None:
    faults = told(database, tmp_path, satellites_yaml=SATELLITES)
    by_place = {one.field: one for one in faults}
    number = by_place["satellites.yaml: sat-1 (line 4): norad_id"]
    assert (number.why, number.accepted) == ("'many' is no whole number", "a whole number")
    longitude = by_place["satellites.yaml: sat-2 (line 8): orbital_longitude_deg"]
    assert (longitude.why, longitude.accepted) == ("200 is too large", "at most 180 degrees")
    state = by_place["satellites.yaml: sat-2 (line 9): state"]
    assert "inService" in (state.accepted or "")


def test_an_unknown_and_a_missing_column_are_told_once_for_the_file(database: Database, tmp_path: Path) -> None:
    rows = "".join(f"licence-{number},CD,Ku,vsat,2026-01-01,2030-12-31\n" for number in range(50))
    table = "id,country,band,terminal_klass,valid_from,valid_until\n" + rows
    faults = told(database, tmp_path, licences_csv=table)
    assert [(one.field, one.why) for one in faults] == [
        (
            "licences.csv: line 1: terminal_klass",
            "there is no such column; did you mean terminal_class? (so in 50 entries)",
        ),
        ("licences.csv: line 1: terminal_class", "the column is missing (so in 50 entries)"),
        ("licences.csv: line 1: reference", "the column is missing (so in 50 entries)"),
    ]


def test_a_cell_that_is_left_empty_is_told_in_its_line(database: Database, tmp_path: Path) -> None:
    lines = [
        "id,country,band,terminal_class,valid_from,valid_until,reference",
        "licence-1,CD,Ku,vsat,2026-01-01,2030-12-31,",
        'licence-2,CD,Kx,vsat,2026-01-01,,"A/2"',
    ]
    faults = told(database, tmp_path, licences_csv="\n".join(lines) + "\n")
    assert [one.field for one in faults] == [
        "licences.csv: licence-1 (line 2): reference",
        "licences.csv: licence-2 (line 3): band",
        "licences.csv: licence-2 (line 3): valid_until",
    ]
    assert faults[1].accepted == "L, S, C, X, Ku, Ka, Q, V"


def test_a_key_that_every_entry_has_wrong_is_told_once_also_in_yaml(database: Database, tmp_path: Path) -> None:
    entry = "- {{id: sat-{0}, name: S{0}, norad_id: {0}, orbital_longitude_deg: 1, state: planned, noradid: 1}}\n"
    (fault,) = told(database, tmp_path, satellites_yaml="".join(entry.format(number) for number in range(1, 4)))
    assert fault.field == "satellites.yaml: sat-1 (line 1): noradid"
    assert fault.why == "there is no such key; did you mean norad_id? (so in 3 entries)"


LICENCE = "- {id: l, country: CD, band: Ku, terminal_class: vast, valid_from: 2026-01-01, valid_until: 2030-12-31"


def test_a_licence_of_an_unknown_terminal_class_is_refused_with_those_there_are(
    database: Database, tmp_path: Path
) -> None:
    types = (FOLDER / "terminal_types.yaml").read_text(encoding="utf-8")
    (fault,) = told(database, tmp_path, terminal_types_yaml=types, licences_yaml=LICENCE + ", reference: A}\n")
    assert fault.field == "licences.yaml: l (line 1): terminal_class"
    assert (fault.why, fault.accepted) == ("no terminal type is of the class 'vast'", "vsat")


def test_a_class_of_a_terminal_type_that_is_at_fault_is_not_told_too(database: Database, tmp_path: Path) -> None:
    types = "- {id: t, name: T, band: Ku, terminal_class: vast}\n"
    faults = told(database, tmp_path, terminal_types_yaml=types, licences_yaml=LICENCE + ", reference: A}\n")
    assert {one.field.split(":")[0] for one in faults} == {"terminal_types.yaml"}


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("customers_csv", "id,name,country\nc-1,One,UK\n", "customers.csv: c-1 (line 2): country"),
        ("earth_stations_csv", "id,name,country,latitude_deg,longitude_deg\ne,E,UK,1,1\n", "e (line 2): country"),
    ],
)
def test_a_country_that_there_is_not_is_refused_everywhere(
    database: Database, tmp_path: Path, name: str, text: str, where: str
) -> None:
    (fault,) = told(database, tmp_path, **{name: text})
    assert fault.field.endswith(where)
    assert fault.why == "'UK' is no country: a code of ISO 3166-1, two capital letters"


def test_a_price_in_another_currency_than_the_operators_is_told_by_its_file_and_key(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(FOLDER.parent / "own_satellite", folder)
    operator = folder / "operator.yaml"
    operator.write_text(operator.read_text(encoding="utf-8").replace("EUR", "USD"), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        load(database, folder, dry_run=False, by="ada")
    faults = [one for one in refused.value.faults if one.field.endswith("currency")]
    assert len(faults) == (folder / "catalogue.yaml").read_text(encoding="utf-8").count("currency: EUR")
    for one in faults:
        assert one.field.startswith("catalogue.yaml: ")
        assert (one.accepted, "this price is in EUR" in one.why) == ("USD", True)
