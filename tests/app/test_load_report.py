"""`satcom load` names what it does: each kind with its objects, a changed one with old and new values."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from satcom.core.settings import settings
from tests.app.the_command_line import CommandLine
from tests.house.checkout import ROOT
from tests.postgres_server import drop_database, new_database


@pytest.fixture
def satcom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], postgres: str, tmp_path: Path
) -> Iterator[CommandLine]:
    url = new_database(postgres)
    command_line = CommandLine(monkeypatch, capsys)
    command_line.set(COLUMNS="80", SATCOM_DATABASE_URL=url, SATCOM_DATA_DIR=str(tmp_path / "data"))
    settings.cache_clear()
    yield command_line
    settings.cache_clear()
    drop_database(url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "own_satellite", tmp_path / "own"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_created_is_named_by_kind_and_quiet_only_counts(satcom: CommandLine, folder: Path) -> None:
    said = satcom("load", str(folder), "--dry-run").out.splitlines()
    assert said[said.index("Satellite: 1 created") + 1] == "  created sat-one (Baobab One)"
    assert said[said.index("Customer: 3 created") + 3] == "  created customer-ministry (Ministry of Health)"
    assert said[-1].endswith("objects would be created or changed; nothing was")
    quiet = satcom("load", str(folder), "--quiet").out.splitlines()
    assert len(quiet) == 1
    assert quiet[0].endswith("objects created or changed")


def test_a_dry_run_shows_the_old_and_the_new_value_of_each_field(satcom: CommandLine, folder: Path) -> None:
    satcom("load", str(folder), "--quiet")
    edit(folder / "transponders.csv", "tp-out,sat-one,Ku out,Ku,beam-gateway", "tp-out,sat-one,Ku out,Ku,beam-south")
    edit(folder / "hubs.yaml", "ports: 200", "ports: 180")
    edit(folder / "customers.csv", "it@savanna.example", "noc@savanna.example")
    edit(folder / "carriers.csv", "12605,12611.5", "12605,12612")
    edit(
        folder / "operator.yaml", "tax_rate_percent: 15", "tax_rate_percent: 15.5\navailability_confidence_percent: 90"
    )
    said = satcom("load", str(folder), "--dry-run").out
    assert "  changed tp-out (Ku out)\n    uplink_beam: beam-gateway -> beam-south\n" in said
    assert "  changed hub-1 (Johannesburg 1)\n    ports: 200 -> 180\n" in said
    assert "to_mhz: 12611.5 -> 12612.0" in said
    assert "tax_rate_percent: 15.0 -> 15.5" in said
    assert "availability_confidence_percent: 50.0 -> 90.0" in said
    assert '"it@savanna.example"' in said
    assert '"noc@savanna.example"' in said
    bodies = json.loads(satcom("load", str(folder), "--dry-run", "--json").out)
    (hub,) = [one for one in bodies if one["id"] == "hub-1"]
    assert (hub["outcome"], hub["fields"]) == ("changed", [{"key": "ports", "old": 200, "new": 180}])


def test_a_long_list_is_named_in_part_and_counted_in_whole(satcom: CommandLine, folder: Path, tmp_path: Path) -> None:
    satcom("load", str(folder), "--quiet")
    rows = "".join(f"c-{number},Customer {number}\n" for number in range(600))
    table = tmp_path / "export.csv"
    table.write_text("id,name\n" + rows, encoding="utf-8")
    said = satcom("load", str(table), "--as", "customers").out
    assert "Customer: 600 created" in said
    assert "  created c-19 (Customer 19)\n  and 580 more created: --json names all\n" in said
    wrong = satcom("load", str(table), "--as", "costumers")
    assert (wrong.status, "there is no list 'costumers'" in wrong.err) == (1, True)
