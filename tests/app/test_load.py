"""`satcom load`: the demonstration operator becomes data once, faults are told in the words of the files."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import event
from sqlmodel import Session, col, func, select

from satcom.app.demo_order import order_body, order_in
from satcom.app.loading.load import load
from satcom.app.loading.loading import Change, FieldChange, Outcome
from satcom.core import change_log
from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.schema import entities
from satcom.core.security import WORKER
from satcom.market.account.billing_account import BillingAccount
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.customer import Customer
from satcom.market.ordering import OrderState, ProductOrder, place_order
from satcom.market.solution_price import price_solution
from satcom.resource.hub import Hub
from satcom.resource.licence import Licence
from satcom.resource.payload import Transponder
from satcom.resource.satellite import ElementSet, Satellite
from satcom.resource.spectrum import SpectrumAssignment
from satcom.service.qualification import qualify
from satcom.supplychain.stock import StockedTerminal
from tests.postgres_server import drop_database, new_database, renewed_database
from tests.service.test_qualification import README
from tests.service.the_demonstration import FOLDER, ORDERED_AT, the_demand

Row = dict[str, Any]  # YAML gives any
BY = "ada at the command line"


@pytest.fixture(scope="module")
def loaded_template(template: str) -> Iterator[str]:
    """A database into which the demonstration was loaded, to be copied."""
    url = new_database(template)
    database = Database(url, connections=2)
    load(database, FOLDER, dry_run=False, by=BY)
    database.close()
    yield url
    drop_database(url)


@pytest.fixture
def loaded(loaded_template: str, standing_database: Database) -> Iterator[Database]:
    renewed_database(standing_database.url, loaded_template)
    yield standing_database
    standing_database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demonstration's files, to be changed."""
    return Path(shutil.copytree(FOLDER, tmp_path / "operator"))


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def write_yaml(path: Path, value: object) -> None:
    path.write_text(yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")


def edit(folder: Path, file: str, change: Callable[[list[Row]], object]) -> None:
    """Change the rows of one list."""
    path = folder / f"{file}.yaml"
    rows: list[Row] = read_yaml(path)
    change(rows)
    write_yaml(path, rows)


def row_of(rows: list[Row], slug: str) -> Row:
    return next(row for row in rows if row["id"] == slug)


def edit_catalogue(folder: Path, change: Callable[[dict[str, list[Row]]], object]) -> None:
    path = folder / "catalogue.yaml"
    lists: dict[str, list[Row]] = read_yaml(path)
    change(lists)
    write_yaml(path, lists)


def faults(database: Database, folder: Path) -> list[str]:
    """What is told of a folder that cannot be loaded."""
    with pytest.raises(Refused) as refused:
        load(database, folder, dry_run=False, by=BY)
    return [re.sub(r" \(line \d+\)", "", f"{fault.field}: {fault.why}") for fault in refused.value.faults]


def changed(changes: list[Change]) -> dict[str, str]:
    return {one.slug: one.what for one in changes if one.outcome is not Outcome.UNCHANGED}


def log_rows(database: Database) -> int:
    with database.as_worker() as session:
        return session.exec(select(func.count()).select_from(change_log.Change)).one()


def all_rows(database: Database) -> int:
    """How many objects there are, and changes of them."""
    with database.as_worker() as session:
        counts = [session.exec(select(func.count(col(kind.id)))).one() for kind in entities()]
    return sum(counts) + log_rows(database)


def count(session: Session, kind: type[Any]) -> int:
    return session.exec(select(func.count(col(kind.id)))).one()


def test_the_whole_demonstration_loads_with_few_statements_for_each_entry(database: Database) -> None:
    sent: list[str] = []
    event.listen(database.worker, "before_cursor_execute", lambda _, __, sql, *___: sent.append(sql))
    changes = load(database, FOLDER, dry_run=False, by=BY)
    assert len(sent) < 10 * len(changes)
    assert {one.outcome for one in changes} == {Outcome.CREATED}
    with database.as_worker() as session:
        assert count(session, Satellite) == count(session, ElementSet) == 12
        assert count(session, Transponder) == 44
        assert count(session, SpectrumAssignment) == 54
        assert count(session, Licence) == 32
        assert count(session, Customer) == count(session, BillingAccount) == 2
        listed = read_yaml(FOLDER / "stock.yaml")
        assert count(session, StockedTerminal) == sum(row["quantity"] for row in listed)


def test_a_loaded_carrier_lies_around_its_centre_with_its_transponders_guard_band(loaded: Database) -> None:
    with loaded.as_worker() as session:
        carrier = session.get_one(SpectrumAssignment, loaded_id("SpectrumAssignment", "carrier-amos-17-12552v"))
        assert (carrier.start_hz, carrier.stop_hz) == (12_549_252_000, 12_554_748_000)
        assert (carrier.guard_band_hz, carrier.state) == (200_000, "assigned")
        assert carrier.further["note"][0]["text"].startswith("Roll-off, power share")


def test_loading_again_changes_nothing_and_leaves_no_trace(loaded: Database) -> None:
    before = all_rows(loaded)
    changes = load(loaded, FOLDER, dry_run=False, by=BY)
    assert {one.what for one in changes} == {"unchanged"}
    assert all_rows(loaded) == before


def test_loading_again_tells_of_as_many_objects_as_the_first_time(database: Database) -> None:
    first, again = (load(database, FOLDER, dry_run=False, by=BY) for _ in range(2))
    assert [(one.kind, one.slug) for one in again] == [(one.kind, one.slug) for one in first]


def test_a_dry_run_tells_the_same_and_writes_nothing(database: Database) -> None:
    before = all_rows(database)
    told = load(database, FOLDER, dry_run=True, by=BY)
    assert all_rows(database) == before
    assert load(database, FOLDER, dry_run=False, by=BY) == told


def test_every_loaded_object_is_marked_with_who_brought_it(loaded: Database) -> None:
    with loaded.as_worker() as session:
        rows = session.exec(select(change_log.Change)).all()
    assert {(row.by, row.mark) for row in rows} == {(BY, "migration")}
    assert len({row.entity_type for row in rows}) >= 20


def test_a_changed_value_changes_that_one_object(loaded: Database, folder: Path) -> None:
    edit(folder, "transponders", lambda rows: row_of(rows, "tp-amos-17-ku-1v").update(eirp_saturation_dbw=52.5))
    before = log_rows(loaded)
    told = load(loaded, folder, dry_run=True, by=BY)
    assert changed(told) == {"tp-amos-17-ku-1v": "changed: eirp_saturation_dbw"}
    assert load(loaded, folder, dry_run=False, by=BY) == told
    assert log_rows(loaded) == before + 1
    with loaded.as_worker() as session:
        transponder = session.get_one(Transponder, loaded_id("Transponder", "tp-amos-17-ku-1v"))
        assert transponder.eirp_saturation_dbw == 52.5
    assert changed(load(loaded, folder, dry_run=False, by=BY)) == {}


CHANGES: list[tuple[str, str, Row, str]] = [
    ("satellites", "sat-amos-17", {"state": "degraded", "note": "A part failed."}, "changed: state, note"),
    ("beams", "beam-amos-17-c-africa", {"name": "C Africa wide"}, "changed: name"),
    ("carriers", "carrier-amos-17-12552v", {"downlink_center_hz": 12_552_001_000}, "changed: downlink_center_hz"),
    ("earth_stations", "es-hartebeesthoek", {"horizon_mask_deg": 7}, "changed: horizon_mask_deg"),
    ("hubs", "hub-accra-1", {"ports": 8, "bands": ["C", "Ku"]}, "changed: ports, bands"),
    ("terminal_types", "term-ku-180", {"buc_power_w": 10}, "changed: buc_power_w"),
    ("terminal_types", "term-ku-180", {"price": {"amount": "4700.00", "currency": "USD"}}, "changed: price"),
    ("licences", "licence-cd-ku-vsat", {"valid_until": "2040-12-31"}, "changed: valid_until"),
    ("suppliers", "supplier-highveld-terminals", {"currency": "ZAR"}, "changed: currency"),
    ("depots", "depot-nairobi", {"latitude_deg": -1.3}, "changed: latitude_deg"),
    ("stock", "stock-nairobi-ku-180", {"quantity": 9, "lead_time_days": 20}, "changed: lead_time_days, quantity"),
    ("customers", "customer-lualaba-copper", {"country": "ZM"}, "changed: country"),
    ("escalations", "escalation-supply", {"next_owner": "sales", "after_hours": 8}, "changed: next_owner, after_hours"),
]


@pytest.mark.parametrize(("file", "slug", "values", "told"), CHANGES)
def test_every_kind_of_entry_can_be_corrected(
    loaded: Database, folder: Path, file: str, slug: str, values: Row, told: str
) -> None:
    edit(folder, file, lambda rows: row_of(rows, slug).update(values))
    what = changed(load(loaded, folder, dry_run=False, by=BY))
    assert list(what) == [slug]
    assert told in what[slug]
    assert changed(load(loaded, folder, dry_run=False, by=BY)) == {}


def test_more_terminals_in_stock_are_added_and_none_is_taken_away(loaded: Database, folder: Path) -> None:
    edit(folder, "stock", lambda rows: row_of(rows, "stock-nairobi-ku-180").update(quantity=8))
    edit(folder, "stock", lambda rows: row_of(rows, "stock-nairobi-ku-120").update(quantity=1))
    with loaded.as_worker() as session:
        before = count(session, StockedTerminal)
    assert changed(load(loaded, folder, dry_run=False, by=BY)) == {"stock-nairobi-ku-180": "changed: quantity"}
    with loaded.as_worker() as session:
        assert count(session, StockedTerminal) == before + 2


def test_a_new_price_joins_its_offering(loaded: Database, folder: Path) -> None:
    new = {"id": "price-survey", "name": "Site survey", "price_type": "oneTime", "amount": "300.00", "unit": "site"}
    offered = {"product_offering": "offering-dedicated-scpc-link", "currency": "USD"}
    edit_catalogue(folder, lambda lists: lists["prices"].append(new | offered))
    assert changed(load(loaded, folder, dry_run=False, by=BY)) == {
        "price-survey": "created",
        "offering-dedicated-scpc-link": "changed: prices",
    }


def test_a_price_in_use_is_not_altered(loaded: Database, folder: Path) -> None:
    edit_catalogue(folder, lambda lists: row_of(lists["prices"], "price-platform").update(amount="460.00"))
    (told,) = faults(loaded, folder)
    assert told.startswith("catalogue.yaml: price-platform: amount: it is Active, and others rely on it")


def test_a_terminal_type_that_can_be_delivered_without_a_price_is_refused(database: Database, folder: Path) -> None:
    def offer(lists: Any, name: str = "term-c-180") -> None:
        link = row_of(lists["service_specifications"], "service-spec-dedicated-scpc-link")
        next(one for one in link["characteristics"] if one["name"] == "terminalType")["values"].append(name)

    edit_catalogue(folder, offer)
    assert faults(database, folder) == [
        "catalogue.yaml: offering-dedicated-scpc-link: prices: terminal type 'term-c-180' is offered without a price"
    ]


def test_where_a_product_does_not_say_its_terminals_every_approved_one_has_a_price(
    database: Database, folder: Path
) -> None:
    def open_up(lists: Any) -> None:
        link = row_of(lists["service_specifications"], "service-spec-dedicated-scpc-link")
        link["characteristics"] = [one for one in link["characteristics"] if one["name"] != "terminalType"]

    edit_catalogue(folder, open_up)
    edit(folder, "terminal_types", lambda rows: row_of(rows, "term-c-180").update(approved=True))
    assert faults(database, folder) == [
        "catalogue.yaml: offering-dedicated-scpc-link: prices: terminal type 'C 1.80 m, 5 W' is offered without a price"
    ]


def test_every_fault_is_told_at_once_and_nothing_is_loaded(database: Database, folder: Path) -> None:
    edit(folder, "transponders", lambda rows: row_of(rows, "tp-amos-17-ku-1v").pop("eirp_saturation_dbw"))
    edit(folder, "transponders", lambda rows: row_of(rows, "tp-amos-17-ku-1v").update(eirp_dbw=51.5, bandwidth_hz="x"))
    edit(folder, "beams", lambda rows: row_of(rows, "beam-amos-17-c-africa").update(satellite="sat-amos-71"))
    edit(folder, "earth_stations", lambda rows: rows[0]["antennas"][0].update(efficiency=1.5, gain_db=50))
    edit(folder, "stock", lambda rows: row_of(rows, "stock-nairobi-ku-180").update(depot="depot-mombasa", quantity=-1))
    edit(folder, "customers", lambda rows: rows[0]["billing_account"].update(payment_days=30))
    before = all_rows(database)
    told = faults(database, folder)
    assert all_rows(database) == before
    assert told == [
        "beams.yaml: beam-amos-17-c-africa: satellite: there is no satellite 'sat-amos-71';"
        " did you mean 'sat-amos-17'?",
        "transponders.yaml: tp-amos-17-ku-1v: eirp_dbw: there is no such key; did you mean eirp_saturation_dbw?",
        "transponders.yaml: tp-amos-17-ku-1v: bandwidth_hz: 'x' is no whole number",
        "transponders.yaml: tp-amos-17-ku-1v: eirp_saturation_dbw: missing",
        "earth_stations.yaml: es-hartebeesthoek: antennas.0.efficiency: 1.5 is too large",
        "earth_stations.yaml: es-hartebeesthoek: antennas.0.gain_db: there is no such key",
        "stock.yaml: stock-nairobi-ku-180: depot: there is no depot 'depot-mombasa'",
        "customers.yaml: customer-lualaba-copper: billing_account.payment_days: there is no such key;"
        " did you mean payment_term_days?",
    ]


QUIET: Row = {
    "id": "ant-fucino-eutelsat-konnect-ka",
    "band": "Ka",
    "diameter_m": 9.0,
    "efficiency": 0.65,
    "hpa_power_dbw": 23,
    "noise_temperature_k": 20,
    "satellites": ["sat-eutelsat-konnect"],
}
RULES: list[tuple[str, str, Row, str]] = [
    ("operator", "", {"currency": "XYZ"}, "operator.yaml: operator-meridian: currency: 'XYZ' is no ISO 4217 currency"),
    ("operator", "", {"time_zone": "Mars"}, "operator.yaml: operator-meridian: time_zone: 'Mars' is no time zone"),
    ("satellites", "sat-ses-9", {"norad_id": 44479}, "satellites.yaml: sat-ses-9: norad_id: another one has it"),
    ("satellites", "sat-ses-9", {"in_service_date": None}, "sat-ses-9: in_service_date: a satellite that carries"),
    ("beams", "beam-amos-17-c-africa", {"boresight": None}, "beams.yaml: beam-amos-17-c-africa: a beam has either"),
    ("carriers", "carrier-amos-17-12552v", {"downlink_center_hz": 11_000_000_000}, "downlink_center_hz: 10997.252"),
    ("carriers", "carrier-amos-17-12552v", {"power_share_hz": 54_000_001}, "power_share_hz: 54.000001 MHz of power"),
    ("hubs", "hub-accra-1", {"satellites": ["sat-none"]}, "hubs.yaml: hub-accra-1: satellites: there is no satellite"),
    (
        "earth_stations",
        "es-fucino",
        {"antennas": [QUIET]},
        "antennas.0.noise_temperature_k: 20 K is less than the clear",
    ),
    ("terminal_types", "term-ku-180", {"price": {"amount": 4600.5, "currency": "USD"}}, "price.amount: write it in"),
    ("licences", "licence-cd-ku-vsat", {"country": "XX"}, "licence-cd-ku-vsat: country: 'XX' is no country"),
    ("licences", "licence-cd-ku-vsat", {"country": False}, "country: false is no text"),
    ("suppliers", "supplier-highveld-terminals", {"country": "QQ"}, "supplier-highveld-terminals: country: 'QQ' is no"),
    ("stock", "stock-nairobi-ku-180", {"quantity": 5000}, "stock-nairobi-ku-180: quantity: 5000 is out of range"),
    (
        "escalations",
        "escalation-supply",
        {"next_owner": "partner"},
        "escalation-supply: next_owner: 'partner' does not",
    ),
    ("escalations", "escalation-noc", {"next_owner": "supply"}, "next_owner: they would come back to noc"),
    ("escalations", "escalation-noc", {"owner": "sales"}, "escalation-noc: owner: waits of sales go to noc already"),
    ("escalations", "escalation-noc", {"after_hours": -1}, "escalation-noc: after_hours: "),
]


@pytest.mark.parametrize(("file", "slug", "values", "told"), RULES)
def test_what_the_business_refuses_is_told_in_the_words_of_the_file(
    loaded: Database, folder: Path, file: str, slug: str, values: Row, told: str
) -> None:
    if file == "operator":
        path = folder / "operator.yaml"
        write_yaml(path, read_yaml(path) | values)
    else:
        edit(folder, file, lambda rows: row_of(rows, slug).update(values))
    before = all_rows(loaded)
    assert told in faults(loaded, folder)[0]
    assert all_rows(loaded) == before


FILES: list[tuple[str, str, str]] = [
    ("beams.yaml", "- id: beam-1\n  name: [\n- id: beam-2\n", "beams.yaml: line 3: "),
    ("beams.yaml", "- id: beam-1\n  name: a\n  name: b\n", "beams.yaml: line 3: the key 'name' is given twice"),
    ("licences.yaml", "- id: licence-1\n  valid_from: 2026-02-30\n", "licences.yaml: it holds an impossible value"),
    ("licences.yaml", '- id: licence-1\n  note: "\\ud800"\n', "licences.yaml: line 2: a character that is no text"),
    ("licences.yaml", "country: CD\n", "licences.yaml: licences: it is no list"),
    ("licences.yaml", "- country: CD\n", "licences.yaml: line 1: id: missing"),
    ("licences.yaml", "- CD\n", "licences.yaml: entry 1: it is no object"),
    ("depots.yaml", "- {id: depot-1}\n- {id: depot-1}\n", "depots.yaml: depot-1: id: two entries have it"),
    ("transponder.yaml", "[]\n", "transponder.yaml: nothing is loaded from a file of this name"),
    ("catalogue.yaml", "offers: []\n", "catalogue.yaml: offers: there is no such list"),
    ("hubs.csv", "id,name\nhub-1,One\n", "the list hubs is in hubs.csv already"),
    ("elements.tle", "AMOS\n1 44479U 19050A   26234.62610017\n", "elements.tle: line 2: "),
]


@pytest.mark.parametrize(("name", "text", "told"), FILES)
def test_a_broken_file_is_told_with_the_place(loaded: Database, folder: Path, name: str, text: str, told: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    assert any(told in one for one in faults(loaded, folder))


def test_a_file_that_cannot_be_read_is_told_without_its_consequences(database: Database, folder: Path) -> None:
    (folder / "satellites.yaml").write_text("- id: [\n", encoding="utf-8")
    assert len(faults(database, folder)) == 1


def test_without_an_operator_nothing_else_is_refused_for_it(database: Database, folder: Path) -> None:
    (folder / "operator.yaml").unlink()
    assert faults(database, folder) == ["operator.yaml: missing: no operator is set up yet"]


def test_a_folder_that_is_not_there_is_told(database: Database, tmp_path: Path) -> None:
    assert "there is no such folder" in faults(database, tmp_path / "nowhere")[0]
    assert "there is nothing to load" in faults(database, tmp_path)[0]


def test_an_operator_may_bring_a_few_lists_now_and_others_later(loaded: Database, tmp_path: Path) -> None:
    rows = read_yaml(FOLDER / "hubs.yaml")[:1]
    (tmp_path / "hubs.yaml").write_text(yaml.safe_dump([rows[0] | {"ports": 17}]), encoding="utf-8")
    (told,) = load(loaded, tmp_path, dry_run=False, by=BY)
    assert told == Change(
        "Hub", "hub-hartebeesthoek-1", "Hartebeesthoek 1", Outcome.CHANGED, (FieldChange("ports", 16, 17),)
    )


def as_csv(folder: Path, name: str, delimiter: str = ",") -> None:
    """Write a list as a spreadsheet does, instead of its YAML."""
    path = folder / f"{name}.yaml"
    rows: list[Row] = read_yaml(path)
    flat = [
        {
            key: yaml.safe_dump(value, default_flow_style=True, width=10**6).strip() if _nested(value) else _cell(value)
            for key, value in row.items()
        }
        for row in rows
    ]
    names = list(dict.fromkeys(key for row in flat for key in row))
    with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(flat)
    path.unlink()


def _nested(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(one, str) for one in value))


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_spreadsheets_give_the_same_operator(loaded: Database, folder: Path, delimiter: str) -> None:
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in names:
        if name not in ("operator", "catalogue") and not name.endswith("_order"):
            as_csv(folder, name, delimiter)
    assert len(list(folder.glob("*.csv"))) == 16
    assert {one.what for one in load(loaded, folder, dry_run=False, by=BY)} == {"unchanged"}


def test_a_table_names_a_key_within_a_key_by_a_point(loaded: Database, tmp_path: Path) -> None:
    lines = ["id,name,band,terminal_class,antenna_diameter_m,antenna_efficiency,buc_power_w,lnb_noise_figure_db"]
    lines[0] += ",approved,price.amount,price.currency,source,illustrative"
    lines.append('term-ku-300,"Ku 3.00 m, 16 W",Ku,vsat,3.0,0.65,16,0.7,FALSE,12000.00,USD,"maker, ""A""",')
    (tmp_path / "terminal_types.csv").write_text("\n".join(lines) + "\n,,,,,,,,,,,,\n", encoding="utf-8")
    (told,) = load(loaded, tmp_path, dry_run=False, by=BY)
    assert (told.slug, told.name, told.what) == ("term-ku-300", "Ku 3.00 m, 16 W", "created")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,country,country\n", "licences.csv: line 1: the column 'country' is there twice"),
        ("country,band\n", "licences.csv: line 1: the first line has no column 'id'"),
        ("id,country\nlicence-1,CD,Ku\n", "licences.csv: line 2: there are more cells than the 2 columns"),
        ("id,country\nlicence-1,[CD\n", "licences.csv: line 2: country: it is no YAML"),
        (
            "id,price,price.amount\nlicence-1,5,5\n",
            "licences.csv: line 2: price.amount: another column holds the whole",
        ),
        ("id,land\nlicence-1,CD\n", "licences.csv: line 1: land: there is no such column"),
    ],
)
def test_a_broken_table_is_told_with_the_place(loaded: Database, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "licences.csv").write_text(text, encoding="utf-8")
    assert told in faults(loaded, tmp_path)[0]


def test_a_file_that_is_no_text_or_nested_without_end_is_told_in_one_line(loaded: Database, tmp_path: Path) -> None:
    (tmp_path / "licences.csv").write_bytes(b"\xff\xfei\x00")
    (told,) = faults(loaded, tmp_path)
    assert told.startswith("licences.csv: it cannot be read")
    (tmp_path / "licences.csv").write_text(f"id,country\nlicence-1,{'[' * 5000}\n", encoding="utf-8")
    assert "licences.csv: line 2: country: it is nested too deeply" in faults(loaded, tmp_path)[0]
    (tmp_path / "licences.csv").unlink()
    (tmp_path / "operator.yaml").write_text("[" * 5000, encoding="utf-8")
    assert "operator.yaml: it is nested too deeply" in faults(loaded, tmp_path)


def test_what_happened_to_an_object_since_stays(loaded: Database) -> None:
    with loaded.as_worker() as session:
        carrier = session.get_one(SpectrumAssignment, loaded_id("SpectrumAssignment", "carrier-amos-17-12552v"))
        carrier.state = carrier.state.__class__.RELEASED
        hub = session.get_one(Hub, loaded_id("Hub", "hub-accra-1"))
        hub.further = hub.further | {"description": "written by the operator"}
    assert changed(load(loaded, FOLDER, dry_run=False, by=BY)) == {}


def test_the_loaded_network_can_carry_the_first_order_as_the_readme_says(loaded: Database) -> None:
    with clock.at(ORDERED_AT), loaded.as_worker() as session:
        answer = qualify(session, the_demand())
        offering = session.get_one(ProductOffering, loaded_id("ProductOffering", "offering-dedicated-scpc-link"))
        priced = price_solution(session, offering, answer.solutions[0], ORDERED_AT)
        by_name = {one.space_segment_name: one.reason for one in answer.losers}
        every = [price_solution(session, offering, one, ORDERED_AT) for one in answer.solutions]
    assert {one.space_segment_name for one in answer.solutions} == {"Amos-17", "Eutelsat 10B", "Intelsat 39"}
    assert by_name == README
    names = [line.name for line in priced.lines]
    assert "Installation and commissioning" in names
    assert "Hub port, monitoring and operation" in names
    assert sum(name.startswith("Terminal ") for name in names) == 1
    capacity = next(line for line in priced.lines if line.name.endswith("capacity"))
    charged = Decimal(answer.solutions[0].charged_bandwidth_hz) / 1_000_000
    assert capacity.amount.value == round(charged * capacity.unit_price.value, 2)
    assert all(len(one.lines) == 4 for one in every)


def test_an_accepted_terminal_is_named_as_its_file_calls_it(loaded: Database) -> None:
    with clock.at(ORDERED_AT), loaded.as_worker() as session:
        answer = qualify(session, the_demand(terminal_types=("term-ku-240",)))
    assert {one.terminal_type_name for one in answer.to_sites} == {"Ku 2.40 m, 8 W"}


def test_the_order_of_the_demonstration_is_accepted(loaded: Database) -> None:
    with clock.at(ORDERED_AT), loaded.as_worker() as session:
        order = place_order(session, from_body(ProductOrder, order_body(FOLDER)), WORKER)
        assert order.state is OrderState.ACKNOWLEDGED
        assert order.party_id == loaded_id("Organization", "customer-lualaba-copper")
        assert order.item.term_months == 24
        chosen = {one.name: one.value for one in order.item.characteristics}
        assert chosen["downlinkRateBps"] == 10_000_000
        assert chosen["country"] == "CD"


def an_order(folder: Path, **values: object) -> Path:
    """An order file beside the data, as the demonstration's but for `values`; `None` leaves a key out."""
    keys = read_yaml(FOLDER / "demo_order.yaml") | values
    path = folder / "second_order.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in keys.items() if value is not None}), encoding="utf-8")
    return path


def test_an_orders_days_count_from_the_day_it_is_placed(folder: Path) -> None:
    path = an_order(folder, requested_start_in_days=30, requested_completion_in_days=31)
    with clock.at(ORDERED_AT):
        body = order_in(path)
    assert body["requestedStartDate"] == "2026-12-24T00:00:00Z"
    assert body["requestedCompletionDate"] == "2026-12-25T00:00:00Z"


def test_an_order_takes_its_place_from_the_customers_site(folder: Path) -> None:
    body: Any = order_in(an_order(folder, characteristics={"downlinkRateBps": 1_000_000}))
    (item,) = body["productOrderItem"]
    assert {one["name"]: one["value"] for one in item["product"]["productCharacteristic"]} == {
        "downlinkRateBps": 1_000_000,
        "latitudeDeg": -10.7148,
        "longitudeDeg": 25.3855,
        "altitudeM": 1430,
        "country": "CD",
    }


def test_a_faulty_order_is_told_in_the_words_of_its_file(folder: Path) -> None:
    with pytest.raises(Refused, match=r"second_order.yaml: demo-order-kamoto.*: site: customer .* has no site 'moon'"):
        order_in(an_order(folder, site="moon"))
    with pytest.raises(
        Refused, match=r"demo-order-kamoto \(line 1\): customer: missing; .*: colour: there is no such key"
    ):
        order_in(an_order(folder, customer=None, colour="red"))
