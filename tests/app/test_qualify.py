"""What a person is shown who asks what can be delivered: on the demonstration's network, nothing left out."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import typer
from rich.console import Console
from sqlmodel import Session, select
from typer.testing import CliRunner, Result

from satcom.app.qualify import Priced, demand_asked, prices_at, qualify_at, qualify_command, show_qualification
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.resource.payload import Beam, Transponder
from satcom.resource.satellite import Satellite
from satcom.service.evidence import QualificationEvidence
from satcom.service.solution import Qualification, Reason
from tests.market.a_market import a_market
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand

KAMOTO = ["--latitude", "-10.7148", "--longitude", "25.3855", "--availability", "99.7"]


@pytest.fixture(autouse=True)
def _on_the_day_of_the_order() -> Iterator[None]:
    with clock.at(ORDERED_AT):
        yield


@pytest.fixture
def network(database: Database) -> Database:
    """The demonstration's satellites, and an offering with prices for one terminal in Ku band."""
    with database.as_worker() as session:
        a_market(session)
        load_the_network(session)
    return database


def shown(answer: Qualification, priced: Priced | None = None, width: int = 100) -> str:
    printed = io.StringIO()
    show_qualification(Console(file=printed, width=width), answer, priced)
    return printed.getvalue()


def words(text: str) -> str:
    """Without line breaks and columns."""
    return " ".join(text.split())


def run(database: Database, *options: str) -> Result:
    @contextmanager
    def opened() -> Iterator[Database]:
        yield database

    app = typer.Typer()
    app.command("qualify")(qualify_command(opened))
    return CliRunner().invoke(app, list(options))


def answered(database: Database, *options: str) -> dict[str, Any]:
    result = run(database, *KAMOTO, *options, "--json")
    assert result.exit_code == 0, result.output
    body: dict[str, Any] = json.loads(result.output)
    return body


def test_every_way_is_shown_with_what_it_takes(network: Database) -> None:
    answer = qualify_at(network, the_demand())
    lines = shown(answer).splitlines()
    assert len(answer.solutions) == 10
    for rank, way in enumerate(answer.solutions, 1):
        place = next(index for index, line in enumerate(lines) if line.split()[:1] == [str(rank)])
        there, back = lines[place : place + 2]
        for told in (f"{way.satellite_name} {way.band}", way.terminal_type_name, way.forward.modcod):
            assert told in there
        assert f"{way.charged_bandwidth_hz / 1e6:.3f}" in there
        assert f"{way.forward.margin_db:.2f}" in there
        for told in (way.earth_station_name, way.return_link.modcod, f"{way.elevation_deg:.1f} deg"):
            assert told in back
        assert f"{way.return_link.margin_db:.2f}" in back


def test_every_loser_is_shown_with_the_number_that_decided_against_its_limit(network: Database) -> None:
    answer = qualify_at(network, the_demand())
    text = shown(answer)
    assert {one.reason for one in answer.losers} == set(Reason) - {Reason.NO_APPROVED_TERMINAL}
    assert all(one.reason.value in text for one in answer.losers)
    rows = [words(line) for line in text.splitlines()]
    assert "Intelsat 22 C 1R noPower 0.100 3.705 MHz" in rows
    assert "SES-9 Ku belowMask -1.7 5.0 deg" in rows
    assert "Eutelsat Konnect Ka noLicence 0 1 licences" in rows
    assert "of power left, 3.705 MHz needed" in text


def test_the_link_budget_of_the_best_way_is_the_whole_table_in_both_directions(network: Database) -> None:
    best = qualify_at(network, the_demand()).solutions[0]
    _, there, back = shown(qualify_at(network, the_demand())).split("Link budget ")
    for carrier, part in ((best.forward, there), (best.return_link, back)):
        rows = [words(line) for line in part.splitlines()]
        assert f"{best.satellite_name} {carrier.transponder_name}" in rows[1]
        labels = [line.label for line in carrier.budget]
        found = [label for row in rows for label in labels if row == label or row.startswith(f"{label} ")]
        assert sorted(set(found)) == sorted(set(labels))
        (margin,) = [line for line in carrier.budget if line.label == "Margin"]
        numbers = [f"{one:.2f}" for one in (margin.clear_sky, margin.faded_up, margin.faded_down) if one is not None]
        assert f"Margin {' '.join(numbers)} dB" in rows
        assert len(numbers) == 3
        (loss,) = [line for line in carrier.budget if line.label == "Uplink free-space loss"]
        assert f"Uplink free-space loss {loss.clear_sky:.2f} {loss.faded_up:.2f} {loss.faded_down:.2f} dB" in rows
        (width,) = [line for line in carrier.budget if line.label == "Occupied bandwidth"]
        assert f"Occupied bandwidth {' '.join([f'{(width.clear_sky or 0) / 1e6:.3f}'] * 3)} MHz" in rows


@pytest.mark.parametrize("width", [80, 100, 200])
def test_nothing_is_cut_off_and_no_line_is_longer_than_the_window(network: Database, width: int) -> None:
    answer = qualify_at(network, the_demand())
    text = shown(answer, prices_at(network, answer), width)
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_way_is_shown_with_its_price_where_the_list_has_one(network: Database) -> None:
    answer = qualify_at(network, the_demand())
    priced = prices_at(network, answer)
    assert priced is not None
    with_price = [index for index, one in enumerate(answer.solutions) if one.terminal_type_name == "Ku 1.80 m, 8 W"]
    assert [index for index, one in enumerate(priced.offers) if one] == with_price
    offer = priced.offers[with_price[0]]
    assert offer is not None
    charged_mhz = answer.solutions[with_price[0]].charged_bandwidth_hz / 1e6
    assert float(offer.per_month.value) == pytest.approx(450 + 2900 * charged_mhz, abs=0.01)
    text = shown(answer, priced)
    assert text.count("no price") == len(answer.solutions) - len(with_price)
    assert f"{offer.one_time.value:,.2f}" in text
    assert f"{offer.per_month.value:,.2f}" in text
    assert "no price" not in shown(answer)


UNDER_NO_BEAM = the_demand(latitude_deg=-43.5, longitude_deg=172.6, country=None)


def test_where_nothing_can_be_delivered_the_same_reason_is_said_once_for_all(network: Database) -> None:
    answer = qualify_at(network, UNDER_NO_BEAM)
    text = words(shown(answer, prices_at(network, answer)))
    assert "It cannot be delivered there" in text
    assert text.count("no C-band licence in NZ") == 1
    for loser in answer.losers:
        assert loser.satellite_name in text
    assert "Link budget" not in text


def test_without_satellites_it_says_how_to_bring_some(database: Database) -> None:
    answer = qualify_at(database, the_demand())
    text = shown(answer, prices_at(database, answer))
    assert "satcom load DIR" in text
    assert "Illustrative" not in text


def test_what_rests_on_illustrative_data_says_so_and_what_does_not_does_not(network: Database) -> None:
    assert "Illustrative: EIRP, G/T or contours" in shown(qualify_at(network, the_demand()))
    assert "Illustrative: EIRP, G/T or contours" in shown(qualify_at(network, UNDER_NO_BEAM))
    with network.as_worker() as session:
        all_measured(session)
    assert "Illustrative" not in shown(qualify_at(network, UNDER_NO_BEAM))


def all_measured(session: Session) -> None:
    """As if every satellite's owner had given his own data."""
    for kind in (Satellite, Beam, Transponder):
        for one in session.exec(select(kind)):
            one.illustrative = False


def test_a_program_reads_the_same_answer(network: Database) -> None:
    body = answered(network, "--start", "2026-12-24", "--stop", "2028-12-24", "--country", "cd")
    demand = the_demand(altitude_m=None)
    assert body["demand"] == demand.wire()
    answer = qualify_at(network, demand)
    assert body["solutions"] == answer.wire()["solutions"]
    assert body["losers"] == answer.wire()["losers"]
    assert body["priceList"] == "Dedicated SCPC link"
    assert [one is not None for one in body["prices"]] == [
        one["terminalTypeName"] == "Ku 1.80 m, 8 W" for one in body["solutions"]
    ]


def test_what_the_customer_accepts_is_asked_for(network: Database) -> None:
    assert {one["band"] for one in answered(network, "--band", "Ku")["solutions"]} == {"Ku"}
    assert {one["band"] for one in answered(network, "--band", "Ku", "--band", "C")["solutions"]} == {"C", "Ku"}
    small = answered(network, "--terminal", "term-ku-180")["solutions"]
    assert {one["terminalTypeName"] for one in small} == {"Ku 1.80 m, 8 W"}
    less, more = (answered(network, "--down-mbps", rate, "--up-mbps", "1")["solutions"][0] for rate in ("2", "20"))
    assert less["chargedBandwidthHz"] < more["chargedBandwidthHz"]


def test_a_person_who_gives_only_the_place_is_answered(network: Database) -> None:
    result = run(network, "--latitude", "-10.7148", "--longitude", "25.3855")
    assert result.exit_code == 0, result.output
    assert "10 Mbit/s to the site, 4 Mbit/s from it, 99.5 %" in result.output
    assert "without end" in result.output
    assert "Link budget from the site" in result.output


def test_asking_writes_nothing(network: Database) -> None:
    answered(network)
    with network.as_worker() as session:
        assert session.exec(select(QualificationEvidence)).first() is None


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--latitude", "95", "--longitude", "200"], {"--latitude", "--longitude"}),
        (["--latitude", "nan", "--longitude", "25"], {"--latitude"}),
        (["--latitude", "1", "--longitude", "25", "--availability", "100"], {"--availability"}),
        (
            ["--latitude", "1", "--longitude", "25", "--down-mbps", "nan", "--up-mbps", "inf"],
            {"--down-mbps", "--up-mbps"},
        ),
        (["--latitude", "1", "--longitude", "25", "--up-mbps", "-1"], {"--up-mbps"}),
        ([*KAMOTO, "--country", "NO"], {"--country"}),
        ([*KAMOTO, "--start", "2026-12-24", "--stop", "2026-12-01"], {"--stop"}),
    ],
)
def test_what_cannot_be_asked_is_named_by_its_option(database: Database, options: list[str], names: set[str]) -> None:
    refused = run(database, *options).exception
    assert isinstance(refused, Refused)
    assert {fault.field for fault in refused.faults} == names


def test_a_period_without_a_start_begins_now() -> None:
    demand = demand_asked((1.0, 2.0), (0.5, 0.25), 99.0, None, None)
    assert demand.start_at - ORDERED_AT < timedelta(minutes=1)
    assert demand.stop_at is None
    assert (demand.downlink_rate_bps, demand.uplink_rate_bps) == (500_000, 250_000)


def test_a_band_or_a_terminal_that_there_is_not_is_no_reason_to_say_that_nothing_can_be_delivered(
    network: Database,
) -> None:
    assert demand_asked((-10.7, 25.4), (10, 4), 99.7, None, None, bands=["ku"]).bands == ("Ku",)
    with pytest.raises(Refused, match="there is no band 'U'"):
        demand_asked((-10.7, 25.4), (10, 4), 99.7, None, None, bands=["U"])
    with pytest.raises(Refused, match="there is no terminal 'foo'"):
        qualify_at(network, the_demand(terminal_types=("foo",)))
    assert qualify_at(network, the_demand(terminal_types=("term-ku-180",))).solutions
