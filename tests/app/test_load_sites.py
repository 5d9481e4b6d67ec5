"""Sites of customers come as a table of their own: all or nothing, seen before, and again without doubling."""

from pathlib import Path
from typing import Any

import pytest

from satcom.app.demo_order import order_in
from satcom.app.loading.load import load
from satcom.app.loading.loading import Outcome
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.core.values import Json
from satcom.enterprise.party import Organization
from tests.app.test_load import all_rows, folder, loaded, loaded_template
from tests.app.test_load_tables import BY, a_table, faults

__all__ = ["folder", "loaded", "loaded_template"]  # fixtures

HEAD = "id,customer,name,latitude_deg,longitude_deg,altitude_m,country,address\n"
KITWE = 'site-kitwe,c-1,Kitwe shaft,-12.82,28.21,1250,ZM,"Plot 7, Kitwe"\n'
NDOLA = "site-ndola,c-1,,-12.97,28.64,,,\n"
CUSTOMERS = "id,name,country\nc-1,Nord Mining,NO\n"


def kept_with(database: Database, customer: str = "c-1") -> list[Any]:
    """The characteristics of the customer's organization."""
    with database.as_worker() as session:
        kept = session.get_one(Organization, loaded_id("Organization", customer)).further["partyCharacteristic"]
    assert isinstance(kept, list)
    return [one for one in kept if isinstance(one, dict)]


@pytest.fixture
def tables(loaded: Database, tmp_path: Path) -> Path:
    """A folder with a customer in a table, and his sites in another."""
    a_table(tmp_path / "customers.csv", CUSTOMERS)
    a_table(tmp_path / "sites.csv", HEAD + KITWE + NDOLA)
    return tmp_path


def test_a_row_becomes_a_place_of_its_customer_and_an_order_may_name_it(loaded: Database, tables: Path) -> None:
    told = load(loaded, tables, dry_run=False, by=BY)
    assert [(one.slug, one.name, one.what) for one in told if one.kind == "Site"] == [
        ("site-kitwe", "Kitwe shaft", "created"),
        ("site-ndola", "site-ndola", "created"),
    ]
    place: dict[str, Json] = {"latitudeDeg": -12.82, "longitudeDeg": 28.21, "altitudeM": 1250, "country": "ZM"}
    ndola: dict[str, Json] = {"name": "site-ndola", "latitudeDeg": -12.97, "longitudeDeg": 28.64}
    assert kept_with(loaded) == [
        {"name": "country", "value": "NO"},
        {"name": "site-kitwe", "value": {"name": "Kitwe shaft", **place, "address": "Plot 7, Kitwe"}},
        {"name": "site-ndola", "value": ndola},
    ]
    order = "{id: order-1, customer: c-1, billing_account: account-c-1, product_offering: any, site: site-kitwe}"
    body: Any = order_in(a_table(tables / "order.yaml", order))
    [item] = body["productOrderItem"]
    chosen = item["product"]["productCharacteristic"]
    assert {one["name"]: one["value"] for one in chosen} == place


def test_a_table_of_sites_is_seen_before_and_loaded_again_changes_nothing(loaded: Database, tables: Path) -> None:
    before = all_rows(loaded)
    seen = load(loaded, tables, dry_run=True, by=BY)
    assert all_rows(loaded) == before
    assert load(loaded, tables, dry_run=False, by=BY) == seen
    after = all_rows(loaded)
    for path, kind in ((tables, None), (tables / "customers.csv", None), (tables / "sites.csv", "sites")):
        again = load(loaded, path, dry_run=False, by=BY, kind=kind)
        assert {one.outcome for one in again} == {Outcome.UNCHANGED}
    assert all_rows(loaded) == after
    moved = a_table(tables / "crm-export.csv", HEAD + KITWE.replace("-12.82", "-12.83").replace("1250", ""))
    changed, *rest = load(loaded, moved, dry_run=True, by=BY, kind="sites")
    assert (rest, changed.outcome) == ([], Outcome.CHANGED)
    assert [(one.key, one.old, one.new) for one in changed.fields] == [
        ("latitude_deg", -12.82, -12.83),
        ("altitude_m", 1250, None),
    ]
    assert all_rows(loaded) == after
    load(loaded, moved, dry_run=False, by=BY, kind="sites")
    kitwe, ndola = kept_with(loaded)[1:]
    assert kitwe["value"]["latitudeDeg"] == -12.83
    assert ndola["name"] == "site-ndola", "what is not in the list stays"


def test_all_lines_that_are_wrong_are_told_and_no_other_is_written(loaded: Database, tables: Path) -> None:
    rows = (
        KITWE,
        "site-2,c-9,Nowhere,1,2,,,\n",
        "site-3,c-1,Too far north,91,2,x,,\n",
        "site-4,c-1,,1,,,Zambia,\n",
        "site-kitwe,c-1,Again,1,2,,,\n",
        "site-6,,No one's,1,2,,,\n",
        "country,c-1,A site called so,1,2,,,\n",
    )
    a_table(tables / "sites.csv", HEAD + "".join(rows))
    before = all_rows(loaded)
    told = faults(loaded, tables)
    assert all_rows(loaded) == before
    assert len(told) == 8
    text = "\n".join(told)
    for why in (
        "sites.csv: site-kitwe (line 6): id: two entries have it, the other is sites.csv: site-kitwe (line 2)",
        "sites.csv: site-2 (line 3): customer: there is no customer 'c-9' (c-1)",
        "sites.csv: site-3 (line 4): latitude_deg: ",
        "sites.csv: site-3 (line 4): altitude_m: ",
        "sites.csv: site-4 (line 5): longitude_deg: missing",
        "sites.csv: site-4 (line 5): country: ",
        "sites.csv: site-6 (line 7): customer: missing",
        "sites.csv: country (line 8): id: something else is kept with c-1 as 'country'",
    ):
        assert why in text
    a_table(tables / "sites.csv", "id,customer,latitude_deg,longitude_deg,colour\nsite-1,c-1,1,2,red\n")
    assert faults(loaded, tables)[0].startswith("sites.csv: line 1: colour: there is no such column")


def test_sites_of_a_customer_stand_in_one_place(loaded: Database, folder: Path) -> None:
    row = "site-a,customer-lualaba-copper,,-10.7,25.4,,,\n"
    a_table(folder / "sites.csv", HEAD + row)
    assert faults(loaded, folder) == [
        "sites.csv: site-a (line 2): customer: its sites stand with it in customers.yaml; keep one of the lists (None)"
    ]


def test_a_cell_in_brackets_holds_the_sites_of_its_row(loaded: Database, tmp_path: Path) -> None:
    site = "{id: site-kitwe, name: Kitwe, latitude_deg: -12.82, longitude_deg: 28.21}"
    table = a_table(tmp_path / "customers.csv", f'id,name,sites\nc-1,Nord Mining,"[{site}]"\n')
    load(loaded, table, dry_run=False, by=BY)
    value: dict[str, Json] = {"name": "Kitwe", "latitudeDeg": -12.82, "longitudeDeg": 28.21}
    assert kept_with(loaded) == [{"name": "site-kitwe", "value": value}]
    for cell, why in (
        (f"[{site.replace('-12.82', '-98')}]", "customers.csv: c-1 (line 2): sites.0.latitude_deg: -98"),
        ("[{id: site-kitwe", "customers.csv: line 2: sites: it is no YAML: "),
        ("{id: site-kitwe}", "customers.csv: c-1 (line 2): sites: "),
    ):
        wrong = a_table(tmp_path / "customers.csv", f'id,name,sites\nc-1,Nord Mining,"{cell}"\n')
        with pytest.raises(Refused) as refused:
            load(loaded, wrong, dry_run=True, by=BY)
        assert refused.value.faults[0].line.startswith(why)
    named = a_table(tmp_path / "customers.csv", "id,name\nc-1,[Nord] Mining\n")
    assert faults(loaded, named)[0].startswith("customers.csv: line 2: name: it is no YAML: ")
