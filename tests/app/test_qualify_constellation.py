"""A site under passing satellites, asked on the command line and over HTTP: the same answer, faults named."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import typer
from typer.testing import CliRunner

from satcom.app.loading.load import load
from satcom.app.qualify import qualify_command
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from tests.app.conftest import House
from tests.service.test_constellation_qualification import EXAMPLES, SITE, START

PATH = "/satcom-api/service/v1/constellationQualification"
ASKED = {
    "constellation": "O3b mPOWER",
    "latitudeDeg": str(SITE[0]),
    "longitudeDeg": str(SITE[1]),
    "downlinkRateBps": "10000000",
    "uplinkRateBps": "4000000",
    "availabilityPercent": "99.5",
    "hours": "6",
}


@pytest.fixture
def network(house: House, tmp_path: Path) -> Iterator[House]:
    """The example's network of the operator that is there, with an agreement that nothing comes near."""
    folder = tmp_path / "network"
    shutil.copytree(EXAMPLES / "meo_operator", folder)
    declared = folder / "constellations.yaml"
    agreed = "return_link:\n    downlink_eirp_density_limit_dbw_per_hz: 20\n"
    declared.write_text(declared.read_text().replace("return_link:\n", agreed))
    (folder / "operator.yaml").unlink()
    with clock.at(START):
        load(house.database, folder, dry_run=False, by="ada at the command line")
        yield house


def run(database: Database, *options: str) -> str:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    app = typer.Typer()
    app.command("qualify")(qualify_command(opened))
    place = ("--latitude", str(SITE[0]), "--longitude", str(SITE[1]), "--hours", "6")
    done = CliRunner().invoke(app, [*place, *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_both_give_the_same_answer_and_customers_do_not_see_payload_values(network: House) -> None:
    answer = network.http.get(f"{PATH}?{urlencode(ASKED)}", network.token("noc"))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["solutions"]
    assert told["path"]["legs"]
    typed = json.loads(run(network.database, "--constellation", "o3b mpower", "--json"))
    assert told == typed | {"demand": told["demand"]}  # without a start each is from its own now on
    mine = network.token("customer", party=network.filled.mine)
    assert network.http.get(f"{PATH}?{urlencode(ASKED)}", mine).status_code == 403

    shown = run(network.database, "--constellation", "O3b mPOWER")
    best = told["solutions"][0]
    assert "handovers a day" in shown
    assert f"{best['availabilityPercent']:.3f}" in shown
    assert f"{best['forward']['clearSkyMargin']['medianDb']:.2f}" in shown
    assert f"{best['forward']['limitsKept'][0]['value']:.2f}" in shown
    assert "Table 21-4" in shown
    held = {one["reason"]: one["limit"] for one in best["returnLink"]["limitsKept"]}
    assert held["coordinatedDownlinkDensity"] == 20
    assert "Illustrative" in shown
    lost = run(network.database, "--constellation", "O3b mPOWER", "--availability", "99.98", "--brief")
    assert "linkDoesNotClose" in lost
    assert "Link budget" not in lost


def test_what_is_asked_wrong_is_named_by_parameter_and_by_option(network: House) -> None:
    headers = network.token("noc")
    for wrong, status, field in (
        ({"latitudeDeg": "91"}, 400, "latitudeDeg"),
        ({"longitudeDeg": "nan"}, 400, "longitudeDeg"),
        ({"downlinkRateBps": "0"}, 400, "downlinkRateBps"),
        ({"uplinkRateBps": "fast"}, 400, "uplinkRateBps"),
        ({"availabilityPercent": "100"}, 400, "availabilityPercent"),
        ({"startAt": "2026-08-22T18:00:00"}, 400, "startAt"),
        ({"startAt": "0001-01-01T00:00:00+14:00"}, 400, "startAt"),
        ({"stopAt": "2020-08-22T18:00:00Z"}, 400, "stopAt"),
        ({"hours": "169"}, 400, "hours"),
        ({"country": "KE"}, 400, "country"),
        ({"constellation": "Teledesic"}, 404, "constellation"),
        ({"constellation": "a\0b"}, 404, "constellation"),
    ):
        answer = network.http.get(f"{PATH}?{urlencode(ASKED | wrong)}", headers)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    absurd = {"downlinkRateBps": "-1", "availabilityPercent": "100", "altitudeM": "10000", "hours": "6"}
    told = network.http.get(f"{PATH}?{urlencode(ASKED | absurd)}", headers).json()["fault"]
    assert [(one["field"], one["reason"], one["accepted"]) for one in told] == [
        ("downlinkRateBps", "-1 bit/s is out of range", "1 to 2000000000 bit/s"),
        ("availabilityPercent", "100 % is out of range", "90 to 99.99 %"),
        ("altitudeM", "10000 m is out of range", "-500 to 9000 m"),
    ]
    unread = {"latitudeDeg": "nan", "downlinkRateBps": "fast"}
    told = network.http.get(f"{PATH}?{urlencode(ASKED | unread)}", headers).json()["fault"]
    assert [(one["field"], one["reason"], one["accepted"]) for one in told] == [
        ("latitudeDeg", "'nan' is no number", "a number in degrees"),
        ("downlinkRateBps", "'fast' is no whole number", "a whole number in bit/s"),
    ]
    answer = network.http.get(PATH, headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "constellation")
    for options, field in (
        (("--constellation", "Teledesic"), "--constellation"),
        (("--constellation", "O3b mPOWER", "--shared"), "--shared"),
        (("--constellation", "O3b mPOWER", "--hours", "0"), "--hours"),
        (("--constellation", "O3b mPOWER", "--terminal", "brick"), "--terminal"),
    ):
        with pytest.raises(Refused) as refused:
            run(network.database, *options)
        assert [one.field for one in refused.value.faults] == [field]
