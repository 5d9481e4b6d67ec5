"""X41: the ITU-R and link-budget kernel alone: a notebook without server, database and network, as on its page."""

import ast
import os
import re
import sys
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, fenced, text_of
from tests.scenarios.a_notebook import Ran, run

PAGE = text_of("docs/physics-library.md") or ""
VALIDATION = text_of("docs/validation.md") or ""
PHYSICS = sorted((ROOT / "resource" / "physics").glob("*.py"))
SERVER = {"sqlalchemy", "sqlmodel", "psycopg", "procrastinate", "fastapi", "starlette", "uvicorn", "httpx", "alembic"}
PROVEN = re.compile(r"^\| \[.+\]\(.+\) \|(?P<what>.*)\| (?P<rows>\d+) \| (?P<passed>\d+) \|.*\|.*\| ?(?P<left>.*)\|$")
WRONG = {  # what the page calls, given wrong
    "total_attenuation(float('nan'), 8.7, 20e9, 40.0, 0.1)": "latitude_deg: nan degrees is out of range",
    "total_attenuation(50.0, 8.7, -20e9, 40.0, 0.1)": "freq_hz: -20000000000 Hz is out of range",
    "total_attenuation([50, 51], [8, 9, 10], 20e9, 40.0, 0.1)": "shapes do not broadcast: latitude_deg (2,), longitude",
    "StationInput(latitude_deg=50.1, longitude_deg=8.7, diameter_m=0, amplifier_w=200)": "diameter_m\n",
    "bent_pipe_budget(elsewhere, forward.carrier, np.nan)": "carrier_output_backoff_db: nan dB is out of range",
    "highest_rate(forward.link, forward.modcods, 0.2, 1.3, -1e6)": "bandwidth_hz: -1000000 Hz is out of range",
    "least_antenna_m(with_dish, forward.carrier, 12.0, smallest_m=0)": "smallest_m: 0 m is out of range",
    "at_confidence(given, forward, 0.9)": "confidence_percent: 50 to 99.9 %, not 0.9 %",
    "sites_on(95.0, 8.7)": "latitude_deg: 95 degrees is out of range",
    "sites_on([50, 51], [8, 9, 10])": "shapes do not broadcast: latitude_deg (2,), longitude_deg (3,)",
    "sites_on([50, 51], 8, horizon_deg=[[5], [5], [5]])": "horizon_deg: shape (3, 1)",
    "service_plan(fleet, nairobi, None, start, span_s=-1)": "span_s: -1 s is out of range",
    "fleet_windows(fleet, nairobi, start, float('nan'))": "duration_s: a span of nan s",
    "track_of_slot(float('nan'))": "longitude_deg: nan degrees is out of range",
    "track_of_place(-26.2, 28.05, 1700)": "altitude_km: 1700 km is out of range",
    "Receiver(1.8, 0.65, -1.0, 120)": "freq_hz: -1 Hz is out of range",
    "sun_outages(track_of_slot(17.0), johannesburg, receiver, 2.0, *season[::-1])": "stop: a period ends after it",
    "MapGrid.around(-36, 8, 12, 56, points=1)": "points: 1 is out of range",
    "MapGrid.around(12, 8, -36, 56, points=97)": "north_deg: -36 degrees is out of range",
    "relative_gain_db([SpotBeam(-4, 30, -4.0, 17)], 0, 0)": "half_power_beamwidth_deg: -4 degrees is out of range",
}


def pieces() -> list[tuple[str, str]]:
    """Each piece of the page with what it prints."""
    parts = [part for part in fenced("docs/physics-library.md") if part[0] != "sh"]
    assert [language for language, _ in parts] == ["python", "text"] * (len(parts) // 2)
    texts = [text for _, text in parts]
    return list(zip(texts[::2], texts[1::2], strict=True))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with nothing but the maps of this machine, so that they are not unpacked again."""
    folder = tmp_path_factory.mktemp("data")
    configured = os.environ.get("SATCOM_DATA_DIR")
    maps = (Path(configured) if configured else Path.home() / ".local/share/satcom") / "maps"
    maps.mkdir(parents=True, exist_ok=True)
    (folder / "maps").symlink_to(maps)
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Ran:
    return run([piece for piece, _ in pieces()], list(WRONG), tmp_path_factory.mktemp("notebook"), data)


def test_every_piece_of_the_page_prints_what_stands_below_it(ran: Ran) -> None:
    assert len(ran.printed) >= 8
    assert [printed.splitlines() for printed in ran.printed] == [shown.splitlines() for _, shown in pieces()]


def test_it_needs_no_server_no_database_no_network_and_writes_nothing_but_maps(ran: Ran, data: Path) -> None:
    assert "satcom.resource.physics.link_design" in ran.modules
    ours = {one for one in ran.modules if one.startswith("satcom")} - {"satcom", "satcom.resource"}
    assert [one for one in ours if not f"{one}.".startswith("satcom.resource.physics.")] == []
    assert {one.partition(".")[0] for one in ran.modules} & SERVER == set()
    assert ran.sockets == []
    assert [one for one in ran.written if not Path(one).is_relative_to(data / "maps")] == []
    assert [one.name for one in data.iterdir()] == ["maps"]


def test_it_is_installed_by_the_packages_that_the_page_names() -> None:
    (line,) = re.findall(r"^pip install ([\w ]+) && pip install --no-deps", PAGE, re.MULTILINE)
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PHYSICS]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    outside = {one.partition(".")[0] for one in imported} - sys.stdlib_module_names - {"satcom"}
    assert {"pyerfa" if one == "erfa" else one for one in outside} == set(line.split())


@pytest.mark.parametrize("call", WRONG)
def test_what_is_given_wrong_is_told_by_field_and_unit(ran: Ran, call: str) -> None:
    assert WRONG[call] in ran.told[list(WRONG).index(call)]


def test_the_validation_table_names_every_recommendation_that_is_followed() -> None:
    followed = set().union(*(re.findall(r"\b[PS]\.\d{3,4}\b", path.read_text(encoding="utf-8")) for path in PHYSICS))
    assert len(followed) > 25
    assert [one for one in sorted(followed) if one not in VALIDATION] == []


def test_no_row_of_the_validation_table_is_out_of_its_tolerance_untold() -> None:
    rows = [match for match in map(PROVEN.match, VALIDATION.splitlines()) if match]
    assert len(rows) > 100
    assert sum(line.startswith("| [") for line in VALIDATION.splitlines()) == len(rows)
    assert [row["what"] for row in rows if row["passed"] != row["rows"] and not row["left"].strip()] == []


def test_how_fast_it_is_beside_which_packages_is_published() -> None:
    named = re.findall(r"`([\w-]+)`", PAGE[PAGE.index("How fast it is") :])
    measured = text_of("docs/performance.md") or ""
    assert {"itur", "link-budget", "opensatcom", "spacelink", "linkpredict", "lox-space"} == set(named)
    assert [one for one in named if not re.search(rf"\b{one}==\d", measured)] == []
    assert "times Skyfield" in measured
