"""From where satellites that move are seen: equal to the passes of each place, drawn, listed, and refused by option."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from satcom.app.commands.constellation_coverage import constellation_coverage_command
from satcom.app.commands.coverage import write
from satcom.app.coverage_in_time import TOLD, TimeAsked, TimeQuantity, coverage_in_time, latitudes_in_time
from satcom.app.coverage_levels import levels_of
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.passes import AskedPlace, Fleet, Flown, Gateway, Named, plan_of
from satcom.resource.physics.passes import HandoverRule
from tests.app.test_passes import O3B, SAMPLE, fill

START = max(one.epoch for one in O3B) + timedelta(hours=3)
FLOWN = tuple(Flown(Named(one.name, {}), one) for one in O3B)
NEMEA = Gateway(Named("Nemea", {}), 37.8, 22.7, 100.0, 10.0)


def asked(quantity: TimeQuantity = TimeQuantity.SERVED, points: int = 25) -> TimeAsked:
    return TimeAsked(quantity, START, hours=12, points=points)


@pytest.mark.parametrize("gateways", [(), (NEMEA,)], ids=["alone", "through a gateway"])
def test_a_place_of_the_map_is_served_as_its_plan_of_passes_says(gateways: tuple[Gateway, ...]) -> None:
    fleet = Fleet(FLOWN, gateways)
    served, gap = (coverage_in_time(fleet, "O3b", asked(one)) for one in (TimeQuantity.SERVED, TimeQuantity.GAP))
    seen = 0
    for row, column in ((6, 13), (5, 15), (7, 9), (6, 20), (1, 3)):
        latitude, longitude = float(served.grid.latitude_deg[row]), float(served.grid.longitude_deg[column])
        plan = plan_of(fleet, AskedPlace(latitude, longitude), START, 12, HandoverRule.LONGEST_STAY).plan
        if not plan.served_percent:
            assert np.isnan(served.values[row, column])
            continue
        seen += 1
        assert served.values[row, column] == pytest.approx(plan.served_percent, abs=0.01)
        assert 60 * gap.values[row, column] == pytest.approx(plan.longest_gap_s, abs=2)
    assert seen >= 3


def test_a_gateway_takes_places_away_and_adds_none() -> None:
    alone = coverage_in_time(Fleet(FLOWN), "O3b", asked()).values
    through = coverage_in_time(Fleet(FLOWN, (NEMEA,)), "O3b", asked()).values
    assert np.all(np.nan_to_num(through) <= np.nan_to_num(alone) + 1e-9)
    assert np.isnan(through).sum() > np.isnan(alone).sum()


def test_a_latitude_tells_the_mean_and_the_worst_of_its_row() -> None:
    answer = coverage_in_time(Fleet(FLOWN), "O3b", asked())
    table = latitudes_in_time(Fleet(FLOWN), asked())
    assert table.latitude_deg.tolist() == answer.grid.latitude_deg.tolist()
    assert table.covered_percent == pytest.approx(np.nan_to_num(answer.values).mean(axis=1))
    assert table.worst_covered_percent == pytest.approx(np.nan_to_num(answer.values).min(axis=1))
    assert table.most_in_view[0] == 0, "nothing over the equator is seen from a pole"


@pytest.mark.parametrize("quantity", list(TimeQuantity))
@pytest.mark.parametrize("gateways", [(), (NEMEA,)], ids=["the world", "around a gateway"])
def test_every_quantity_is_drawn_over_the_world_and_around_a_gateway(
    quantity: TimeQuantity, gateways: tuple[Gateway, ...], tmp_path: Path
) -> None:
    answer = coverage_in_time(Fleet(FLOWN, gateways), "O3b", asked(quantity))
    assert levels_of(answer)[0] <= np.nanmin(answer.values), "no place that is covered is left white"
    write(answer, tmp_path / "map.svg")
    drawn = (tmp_path / "map.svg").read_text(encoding="utf-8")
    projection = "Lambert azimuthal" if gateways else "Equidistant cylindrical"
    for text in (TOLD[quantity][0], f"O3b ({len(O3B)} satellites)", "12 h from", "Natural Earth", projection):
        assert text in drawn


def test_the_level_that_all_places_lie_above_colours_them_and_names_no_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = coverage_in_time(Fleet(FLOWN, (NEMEA,)), "O3b", asked())
    levels = levels_of(answer)
    assert (levels[0], float(np.nanmin(answer.values)) > 0) == (0, True)
    named: list[str] = []
    monkeypatch.setattr("satcom.app.coverage_picture._name_level", lambda *given: named.append(given[2]))
    write(answer, tmp_path / "map.svg")
    assert named == [f"{one:g}" for one in levels[1:]]


def run(database: Database | None, *options: str) -> str:
    @contextmanager
    def opened() -> Iterator[Database]:
        assert database is not None
        yield database

    app = typer.Typer()
    app.command()(constellation_coverage_command(opened))
    start = ("--start", f"{START:%Y-%m-%dT%H:%MZ}", "--points", "25", "--hours", "6")
    done = CliRunner().invoke(app, [*start, *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_a_constellation_of_the_inventory_and_a_file_give_the_same_numbers(database: Database) -> None:
    with database.as_worker() as session:
        fill(session)
    listed = run(database, "--constellation", "o3b", "--gateway", "Hartebeesthoek", "--by-latitude")
    assert "90.0°" in listed
    assert "min" in listed
    kept = json.loads(run(database, "--constellation", "o3b", "--json"))
    assert kept["quantity"] == "served"
    assert kept["who"] == f"o3b ({len(O3B)} satellites)"
    by_latitude = json.loads(run(database, "--constellation", "o3b", "--by-latitude", "--json"))
    rows = [np.mean([one or 0 for one in row]) for row in kept["values"]]
    assert by_latitude["covered_percent"] == pytest.approx(rows, abs=1e-3)
    areas = json.loads(run(None, "--elements", str(SAMPLE), "--geojson"))
    assert areas["features"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--constellation", "nobody"], "--constellation"),
        ([], "--satellite"),
        (["--constellation", "o3b", "--elevation", "95"], "--elevation"),
        (["--constellation", "o3b", "--hours", "0"], "--hours"),
        (["--constellation", "o3b", "--points", "100000"], "--points"),
        (["--constellation", "o3b", "--gateway", "nowhere"], "--gateway"),
        (["--constellation", "o3b", "--out", "map.doc"], "--out"),
        (["--constellation", "o3b", "--by-latitude", "--out", "map.png"], "--by-latitude"),
        (["--constellation", "o3b", "--elements", str(SAMPLE)], "--elements"),
    ],
)
def test_what_is_typed_wrong_is_refused_by_its_option(database: Database, options: list[str], field: str) -> None:
    with database.as_worker() as session:
        fill(session)
    with pytest.raises(Refused) as refused:
        run(database, *options)
    assert [one.field for one in refused.value.faults] == [field]
