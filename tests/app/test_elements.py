"""`satcom elements`: files in any notation are kept for known satellites, also those that have no two lines."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlmodel import col, select
from typer.testing import CliRunner

from satcom.app.commands.elements import elements_commands
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.physics.element_files import read_elements
from satcom.resource.physics.orbit import look_angles
from satcom.resource.satellite import ElementSet, elements_at
from tests.enterprise.an_operator import an_operator
from tests.resource.a_network import a_satellite

DATA = Path(__file__).parents[1] / "data" / "elements"
OMM = DATA / "sample_omm.csv"
TIANLIAN, AMOS_17 = 100_140, 44_479
AT = datetime(2026, 8, 24, tzinfo=UTC)


def commands(database: Database) -> typer.Typer:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    def open_it() -> AbstractContextManager[Database]:
        return opened()

    return elements_commands(open_it, lambda: "ada at the command line")


def told(database: Database, *options: str) -> str:
    done = CliRunner().invoke(commands(database), list(options))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_a_satellite_with_a_number_of_six_digits_is_kept_and_seen(database: Database) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session, TIANLIAN)
    assert "1 element sets would be kept; nothing was" in told(database, "load", str(OMM), "--dry-run")
    assert json.loads(told(database, "load", str(OMM), "--dry-run", "--json"))["added"] == 1
    assert "1 element sets kept" in told(database, "load", str(OMM), "--source", "CelesTrak")
    again = json.loads(told(database, "load", str(OMM), "--json"))
    assert (again["added"], again["alreadyThere"], len(again["ofUnknownSatellites"])) == (0, 1, 9)

    with database.as_worker() as session:
        kept = elements_at(session, AT)[satellite.id]
        assert session.exec(select(ElementSet.source)).one() == "CelesTrak"
    published = next(one for one in read_elements(OMM.read_text()).elements if one.norad_id == TIANLIAN)
    assert (kept.mean, kept.epoch, kept.norad_id) == (published.mean, published.epoch, TIANLIAN)
    seen = look_angles([kept], 0.0, 10.6, 0.0, AT)
    assert seen.elevation_deg[0, 0] == pytest.approx(look_angles([published], 0.0, 10.6, 0.0, AT).elevation_deg[0, 0])

    with clock.at(AT):
        assert json.loads(told(database, "list", "--json")) == [
            {
                "satellite": "Testsat",
                "noradId": TIANLIAN,
                "epoch": "2026-08-22T09:06:16.895808Z",
                "ageDays": 1.62,
                "notation": "OMM",
            }
        ]
        assert "2026-08-22T09:06" in told(database, "list")


def test_a_message_of_an_epoch_that_is_kept_as_two_lines_is_left_and_an_older_one_is_history(
    database: Database, tmp_path: Path
) -> None:
    with database.as_worker() as session:
        satellite = a_satellite(session, AMOS_17)
    told(database, "load", str(DATA / "sample.tle"))
    assert json.loads(told(database, "load", str(OMM), "--json"))["alreadyThere"] == 1
    older = tmp_path / "older.csv"
    older.write_text(OMM.read_text().replace("2026-08-22T15:01:35.054688", "2026-07-01T00:00:00"))
    assert "1 element sets kept, 1 of them older than another" in told(database, "load", str(older))
    with database.as_worker() as session:
        assert elements_at(session, AT)[satellite.id].line1
        assert elements_at(session, AT - timedelta(days=30))[satellite.id].mean
        epochs = session.exec(select(ElementSet.epoch).order_by(col(ElementSet.epoch))).all()
    assert [one.month for one in epochs] == [7, 8]


def test_bad_lines_are_told_and_the_good_sets_are_kept(database: Database, tmp_path: Path) -> None:
    with database.as_worker() as session:
        a_satellite(session, AMOS_17)
    spoilt = tmp_path / "spoilt.tle"
    spoilt.write_text((DATA / "sample.tle").read_text().replace("O3B FM5\n1 39188U", "O3B FM5\n1 39189U"))
    output = told(database, "load", str(spoilt))
    assert "line 8: checksum 2, the line adds up to 3" in output
    assert "1 element sets kept" in output


def test_old_sets_are_warned_of_and_refused_by_the_setting(database: Database) -> None:
    with database.as_worker() as session:
        a_satellite(session, AMOS_17)
        operator = an_operator(session)
        operator.elements_limit_days = 60
    with clock.at(AT + timedelta(days=40)):
        told_then = told(database, "load", str(OMM), "--dry-run")
        assert "1 element sets would be kept" in told_then
        assert "the oldest of these are 41 days old" in told_then
    with clock.at(AT + timedelta(days=90)):
        refused = told(database, "load", str(OMM))
        assert "days old, the operator takes up to 60" in refused
        assert "0 element sets kept" in refused
    with clock.at(AT):
        assert "days old" not in told(database, "load", str(OMM))
    with clock.at(AT + timedelta(days=90)):
        assert "1 were there already" in told(database, "load", str(OMM))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("once upon a time", "unknown format"),
        ("", "unknown format"),
        ("\xff", "no text in UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_a_good_set_is_refused(database: Database, tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "file"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Refused, match=why):
        told(database, "load", str(path))
    with pytest.raises(Refused, match="too long"):
        told(database, "load", str(OMM), "--source", "x" * 201)
