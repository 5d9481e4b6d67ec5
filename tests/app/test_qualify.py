"""What a person is shown who asks what can be delivered: on the demonstration's network, nothing left out."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import typer
from rich.console import Console
from sqlmodel import Session, select
from typer.testing import CliRunner, Result

from satcom.app.qualify import demand_asked, qualify_at, qualify_command
from satcom.app.qualify_terms import terms_at
from satcom.app.qualify_view import show_qualification
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.security import WORKER
from satcom.core.values import Reference
from satcom.enterprise.catalog_entry import LifecycleStatus, enter
from satcom.enterprise.operator_settings import change_settings
from satcom.enterprise.party import operator_of
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.resource.payload import Beam, Transponder
from satcom.resource.physics.regulatory_limits import Gate
from satcom.resource.resource import Band
from satcom.resource.satellite import Satellite
from satcom.service.evidence import QualificationEvidence
from satcom.service.solution import Qualification
from satcom.service.way import PathPart, Reason
from tests.market.a_market import a_market, a_price
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand
from tests.supplychain.a_stock import a_depot, a_stock_item

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


def shown(database: Database, answer: Qualification, width: int = 100, brief: bool = False) -> str:
    printed = io.StringIO()
    show_qualification(Console(file=printed, width=width), answer, terms_at(database, answer), brief)
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
    lines = shown(network, answer).splitlines()[2:]
    assert len(answer.to_sites) == 10
    for rank, way in enumerate(answer.to_sites, 1):
        place = next(
            index for index, line in enumerate(lines) if line.split()[:2] == [str(rank), way.satellite_name.split()[0]]
        )
        there, back = lines[place : place + 2]
        for told in (f"{way.satellite_name} {way.band}", way.terminal_type_name, way.forward.modcod):
            assert told in there
        assert f"{way.charged_bandwidth_hz / 1e6:.3f}" in there
        assert f"{way.forward.margin_db:.2f}" in there
        for told in (way.earth_station_name, way.return_link.modcod, f"{way.elevation_deg:.1f} deg"):
            assert told in back
        assert f"{way.return_link.margin_db:.2f}" in back


def test_the_confidence_that_availability_is_sold_with_stands_below_the_budget_and_a_limit_beside_its_loser(
    network: Database,
) -> None:
    with network.as_worker() as session:
        change_settings(session, operator_of(session), {"availabilityConfidencePercent": 90}, WORKER)
        for one in session.exec(select(Transponder).where(Transponder.band == Band.KU)):
            one.downlink_eirp_density_limit_dbw_per_hz = -70.0
    answer = qualify_at(network, the_demand())
    text = words(shown(network, answer))
    assert "A year keeps 99.7 % availability with 90 % confidence." in text
    assert text.count("Confidence of the fades 90.00 90.00 %") == 2
    only_ku = qualify_at(network, the_demand(bands=("Ku",)))
    assert only_ku.solutions == ()
    (lost,) = [one for one in only_ku.losers if one.space_segment_name == "Eutelsat 10B"]
    assert f"coordinatedDownlinkDensity {lost.value:.2f} -70.00 dBW/Hz" in words(shown(network, only_ku))


def test_every_loser_is_shown_with_the_number_that_decided_against_its_limit(network: Database) -> None:
    answer = qualify_at(network, the_demand())
    text = shown(network, answer)
    of_pools = {Reason.NO_POOL, Reason.NO_COMMITTED_RATE, Reason.POOL_CONTENDED}
    of_density = {Reason(one.value) for one in Gate}
    of_licences = {Reason.NO_APPROVED_TERMINAL, Reason.LICENCE_EXPIRES, Reason.ANTENNA_BELOW_LICENCE}
    of_licences |= {Reason.LICENSED_EIRP}
    others = set(Reason) - of_licences - of_pools - of_density
    assert {one.reason for one in answer.losers} == others
    assert all(one.reason.value in text for one in answer.losers)
    rows = [words(line) for line in text.splitlines()]
    assert "Intelsat 22 C 1R noPower 0.100 3.709 MHz" in rows
    assert "SES-9 Ku belowMask -1.7 5.0 deg" in rows
    assert "Eutelsat Konnect Ka noLicence 0 1 licences" in rows
    assert "of power left, 3.709 MHz needed" in text


def test_the_link_budget_of_the_best_way_is_the_whole_table_in_both_directions(network: Database) -> None:
    best = qualify_at(network, the_demand()).to_sites[0]
    _, there, back = shown(network, qualify_at(network, the_demand())).split("Link budget ")
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
    answer = qualify_at(network, the_demand(stop_at=None), every_way=True)
    for brief in (False, True):
        text = shown(network, answer, width, brief)
        assert "…" not in text
        assert max(len(line) for line in text.splitlines()) <= width


def test_a_narrow_window_costs_no_column_and_no_digit(network: Database) -> None:
    answer = qualify_at(network, the_demand(stop_at=None))
    for brief in (False, True):
        text = shown(network, answer, 60, brief)
        assert "…" not in text
        tables = [line for line in text.splitlines() if " 0.50 " in line]
        assert tables == [line for line in shown(network, answer, 80, brief).splitlines() if " 0.50 " in line]


def test_a_way_is_shown_with_its_price_where_the_list_has_one(network: Database) -> None:
    answer = qualify_at(network, the_demand())
    priced = terms_at(network, answer)
    with_price = [index for index, one in enumerate(answer.to_sites) if one.terminal_type_name == "Ku 1.80 m, 8 W"]
    assert [index for index, one in enumerate(priced.offers) if one] == with_price
    offer = priced.offers[with_price[0]]
    assert offer is not None
    charged_mhz = answer.to_sites[with_price[0]].charged_bandwidth_hz / 1e6
    assert float(offer.per_month.value) == pytest.approx(450 + 2900 * charged_mhz, abs=0.01)
    text = shown(network, answer)
    unpriced = [line for line in text.splitlines() if line.rstrip().endswith("no price")]
    assert len(unpriced) == len(answer.to_sites) - len(with_price)
    assert f"{offer.one_time.value:,.2f}" in text
    assert f"{offer.per_month.value:,.2f}" in text


UNDER_NO_BEAM = the_demand(latitude_deg=-43.5, longitude_deg=172.6, country=None)


def test_where_nothing_can_be_delivered_the_same_reason_is_said_once_for_all(network: Database) -> None:
    answer = qualify_at(network, UNDER_NO_BEAM)
    text = words(shown(network, answer))
    assert "It cannot be delivered there" in text
    assert text.count("no C-band licence in NZ") == 1
    for loser in answer.losers:
        assert loser.space_segment_name in text
    assert "Link budget" not in text


def test_without_satellites_it_says_how_to_bring_some(database: Database) -> None:
    answer = qualify_at(database, the_demand())
    text = shown(database, answer)
    assert "satcom load DIR" in text
    assert "Illustrative" not in text


def test_what_rests_on_illustrative_data_says_so_and_what_does_not_does_not(network: Database) -> None:
    assert "Illustrative: EIRP, G/T or contours" in shown(network, qualify_at(network, the_demand()))
    assert "Illustrative: EIRP, G/T or contours" in shown(network, qualify_at(network, UNDER_NO_BEAM))
    with network.as_worker() as session:
        all_measured(session)
    assert "Illustrative" not in shown(network, qualify_at(network, UNDER_NO_BEAM))


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
    assert "until 2039-08-06" in result.output, "Amos-17 lives so long"
    body = answered(network)
    assert len(body["satelliteEndOfLifeDate"]) == len(body["solutions"])
    lost = {one["satelliteName"]: one["reason"] for one in body["losers"]}
    assert lost["NigComSat-1R"] == "satelliteNotInService", "it lives for some days only"
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
    assert not any(word in str(refused) for word in ("Bps", "bit/s is no", "000000"))


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
    assert qualify_at(network, the_demand(terminal_types=("term-ku-180",))).to_sites


def test_what_is_typed_wrong_is_named_at_once_in_the_unit_it_was_typed_in(database: Database) -> None:
    typed = ["--latitude", "95", "--longitude", "25", "--down-mbps", "-1", "--up-mbps", "3000", "--band", "U"]
    refused = run(database, *typed, "--availability", "100").exception
    assert isinstance(refused, Refused)
    shared = run(database, *typed, "--shared", "--committed-down-mbps", "nan", "--committed-up-mbps", "-1").exception
    assert isinstance(shared, Refused)
    accepted = ("outOfRange", "0 Mbit/s up to the rate")
    assert [(one.why, one.code, one.accepted) for one in shared.faults if "committed" in one.field] == [
        ("nan Mbit/s is no rate", *accepted),
        ("-1 Mbit/s is no rate", *accepted),
    ]
    assert {(one.field, one.why, one.accepted) for one in refused.faults} == {
        ("--latitude", "95 degrees is out of range", "-90 to 90 degrees"),
        ("--down-mbps", "-1 Mbit/s is out of range", "0.000001 to 2000 Mbit/s"),
        ("--up-mbps", "3000 Mbit/s is out of range", "0.000001 to 2000 Mbit/s"),
        ("--availability", "100 % is out of range", "90 to 99.99 %"),
        ("--band", "there is no band 'U'", ", ".join(Band)),
    }


def test_the_country_that_the_map_gives_is_shown_beside_the_place(network: Database) -> None:
    assert "Congo, The Democratic Republic of the (CD) by the map, from" in words(run(network, *KAMOTO).output)
    named = words(run(network, *KAMOTO, "--country", "cd").output)
    assert "Congo, The Democratic Republic of the (CD), from" in named


def test_ways_that_are_left_out_are_counted_with_the_reason_and_shown_when_all_are_asked_for(
    network: Database,
) -> None:
    some, every = run(network, *KAMOTO).output, run(network, *KAMOTO, "--all").output
    assert "2 more ways are left out: each takes as much capacity" in words(some)
    assert "--all shows every way" in words(some)
    assert "left out" not in every
    few, all_of_them = answered(network), answered(network, "--all")
    assert (few["leftOut"], all_of_them["leftOut"]) == (2, 0)
    assert len(all_of_them["solutions"]) == len(few["solutions"]) + 2


def test_each_way_says_whether_its_terminal_is_in_stock_else_when_it_comes(network: Database) -> None:
    with network.as_worker() as session:
        depot = a_depot(session)
        a_stock_item(session, 3, depot, 28, loaded_id("TerminalType", "term-ku-180"))
        a_stock_item(session, 0, depot, 35, loaded_id("TerminalType", "term-ku-240"))
    expected = f"{ORDERED_AT + timedelta(days=35):%Y-%m-%d}"
    told = {"Ku 1.80 m, 8 W": "3 in stock", "Ku 2.40 m, 8 W": f"35 days, {expected}"}
    out = shown(network, qualify_at(network, the_demand()), brief=True)
    ways = re.split(r"^ {1,2}\d{1,2}  ", out.partition("Prices before tax")[0], flags=re.M)[1:]
    assert {terminal for terminal in told for way in ways if terminal in way} == told.keys()
    for terminal, supply in told.items():  # a narrow column breaks it
        assert all(word in way for way in ways if terminal in way for word in supply.split())
    body = answered(network)
    for way, supply in zip(body["solutions"], body["terminalSupply"], strict=True):
        assert supply == {
            "Ku 1.80 m, 8 W": {"free": 3, "leadTimeDays": 28, "expectedDate": f"{ORDERED_AT:%Y-%m-%d}"},
            "Ku 2.40 m, 8 W": {"free": 0, "leadTimeDays": 35, "expectedDate": expected},
        }.get(way["terminalTypeName"], {"free": 0, "leadTimeDays": None, "expectedDate": None})
    text = run(network, *KAMOTO).output
    assert text.count("3 in stock") == sum(one["terminalTypeName"] == "Ku 1.80 m, 8 W" for one in body["solutions"])
    assert "nobody sells it" in words(shown(network, qualify_at(network, the_demand())))


def test_where_a_way_has_no_price_it_says_why(network: Database) -> None:
    priced = words(run(network, *KAMOTO).output)
    assert "No price: 'Dedicated SCPC link' (way 1, 2" in priced
    assert "no price fits terminalType 'Ku 2.40 m, 8 W'; it has prices for Ku 1.80 m, 8 W" in priced
    with network.as_worker() as session:
        offering = session.exec(select(ProductOffering)).one()
        twice = enter(session, from_body(ProductOfferingPrice, a_price("Platform", 460, monthly=True)), WORKER)
        offering.product_offering_price = [*offering.product_offering_price, Reference(id=twice.id)]
    unsound = words(run(network, *KAMOTO).output)
    assert "No price: 'Dedicated SCPC link': 'Platform' has two prices at the same time" in unsound
    with network.as_worker() as session:
        session.exec(select(ProductOffering)).one().lifecycle_status = LifecycleStatus.RETIRED
    assert "No price: no offering is on sale; 'Dedicated SCPC link' is Retired" in words(run(network, *KAMOTO).output)


def test_in_brief_there_is_a_line_for_each_way_and_each_reason(network: Database) -> None:
    assert "Link budget" not in run(network, *KAMOTO, "--brief").output
    found = qualify_at(network, the_demand())
    brief, whole = shown(network, found, brief=True), shown(network, found)
    assert len(brief.splitlines()) < len(whole.splitlines()) / 2
    lines = [one.strip() for one in brief.splitlines()]
    for way in found.to_sites:
        named = f"{way.satellite_name} {way.band} "
        (line,) = [one for one in lines if named in one and way.terminal_type_name in one]
        assert f"{way.charged_bandwidth_hz / 1e6:.3f}" in line
    for one in found.losers:
        assert [line for line in lines if line.startswith(f"{one.reason} ") and one.space_segment_name in line], one
    for lost in found.lost_ways:
        named = lost.part_name if lost.part is PathPart.BAND else f"{lost.satellite_name}, {lost.part_name}"
        assert [line for line in lines if line.startswith(f"{named} ") and f" {lost.reason} " in line], lost


def test_what_else_of_the_satellites_cannot_is_shown_with_its_number(network: Database) -> None:
    found = qualify_at(network, the_demand())
    assert found.lost_ways
    rows = [words(line) for line in shown(network, found).splitlines()]
    for one in found.lost_ways:
        assert any(one.part_name in row and f"{one.reason} " in row for row in rows), one
    unapproved = [row for row in rows if row.endswith("noApprovedTerminal 0 1 types")]
    assert unapproved
