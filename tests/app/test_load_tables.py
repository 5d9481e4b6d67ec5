"""Customers and occupied carriers come as tables: all or nothing, seen before, and again without doubling."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import event

from satcom.app.loading.load import load
from satcom.app.loading.loading import Outcome
from satcom.core.database import Database
from satcom.core.errors import Refused
from satcom.core.loading import loaded_id
from satcom.market.account.billing_account import BillingAccount
from satcom.market.customer import Customer
from satcom.resource.spectrum import SpectrumAssignment
from tests.app.test_load import all_rows, folder, loaded, loaded_template

__all__ = ["folder", "loaded", "loaded_template"]  # fixtures

BY = "ada at the command line"
HEAD = "id,name,legal_name,country,contact.email,billing_account.currency,billing_account.payment_term_days\n"


def a_table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def faults(database: Database, path: Path) -> list[str]:
    with pytest.raises(Refused) as refused:
        load(database, path, dry_run=False, by=BY)
    return [f"{one.field}: {one.why} ({one.accepted})" for one in refused.value.faults]


def test_a_row_becomes_a_party_a_customer_and_an_account(loaded: Database, tmp_path: Path) -> None:
    row = "c-1,Nord Mining,Nord Mining AS,NO,noc@nord.example,EUR,14\nc-2,Prospect,,,,,\n"
    told = load(loaded, a_table(tmp_path / "customers.csv", HEAD + row), dry_run=False, by=BY)
    assert [(one.kind, one.slug, one.what) for one in told] == [
        ("Organization", "c-1", "created"),
        ("Customer", "c-1", "created"),
        ("BillingAccount", "account-c-1", "created"),
        ("Organization", "c-2", "created"),
        ("Customer", "c-2", "created"),
    ]
    with loaded.as_worker() as session:
        customer = session.get_one(Customer, loaded_id("Customer", "c-1"))
        account = session.get_one(BillingAccount, loaded_id("BillingAccount", "account-c-1"))
    assert account.party_id == customer.party_id == customer.engaged_party.id == loaded_id("Organization", "c-1")
    assert (account.name, account.currency, account.due_days) == ("Nord Mining", "EUR", 14)
    assert account.related_party[0].name == "Nord Mining"


def test_a_table_of_customers_is_seen_before_and_loaded_again_changes_nothing(loaded: Database, tmp_path: Path) -> None:
    table = a_table(tmp_path / "crm-export.csv", HEAD + "c-1,Nord Mining,,NO,,EUR,14\n")
    before = all_rows(loaded)
    seen = load(loaded, table, dry_run=True, by=BY, kind="customers")
    assert all_rows(loaded) == before
    assert load(loaded, table, dry_run=False, by=BY, kind="customers") == seen
    after = all_rows(loaded)
    again = load(loaded, table, dry_run=False, by=BY, kind="customers")
    assert {one.outcome for one in again} == {Outcome.UNCHANGED}
    assert all_rows(loaded) == after
    a_table(table, HEAD + "c-1,Nord Mining,,NO,,EUR,30\n")
    (changed,) = [
        one for one in load(loaded, table, dry_run=True, by=BY, kind="customers") if one.outcome is Outcome.CHANGED
    ]
    (field,) = changed.fields
    assert (field.key, field.old, field.new) == (
        "billing_account.payment_term_days",
        "14 days, bill on day 1",
        "30 days, bill on day 1",
    )


def test_all_lines_that_are_wrong_are_told_and_no_other_is_written(loaded: Database, tmp_path: Path) -> None:
    rows = "c-1,One,,NO,,EUR,14\nc-2,,,NO,,EUR,14\nc-3,Three,,Norway,,EURO,x\nc-1,One again,,,,,\nc-5,Fi\0ve,,,,,\n"
    before = all_rows(loaded)
    told = faults(loaded, a_table(tmp_path / "customers.csv", HEAD + rows))
    assert all_rows(loaded) == before
    assert [one.split(" (")[1].split(")")[0] for one in told] == [
        "line 5",
        "line 3",
        "line 4",
        "line 4",
        "line 4",
        "line 6",
    ]
    assert "customers.csv: c-2 (line 3): name: missing (None)" in told
    assert any("'EURO' is no ISO 4217 currency" in one for one in told)


def test_two_customers_do_not_share_an_account(loaded: Database, tmp_path: Path) -> None:
    rows = "id,name,billing_account.id\nc-1,One,a-1\nc-2,Two,a-1\n"
    (told,) = faults(loaded, a_table(tmp_path / "customers.csv", rows))
    assert told.startswith("customers.csv: c-2 (line 3): billing_account.id: another customer has the account 'a-1'")


def test_thousands_of_customers_are_loaded_without_a_query_for_each(loaded: Database, tmp_path: Path) -> None:
    rows = "".join(f"c-{number},Customer {number},,NO,,EUR,14\n" for number in range(3_000))
    table = a_table(tmp_path / "customers.csv", HEAD + rows)
    asked: Counter[str] = Counter()
    steps: list[tuple[str, int, int]] = []
    event.listen(loaded.worker, "before_cursor_execute", lambda *what: asked.update([what[2][:12]]))
    told = load(loaded, table, dry_run=False, by=BY, progress=lambda *step: steps.append(step))
    assert Counter(one.what for one in told) == {"created": 9_000}
    assert asked.total() < 300
    asked.clear()
    again = load(loaded, table, dry_run=False, by=BY)
    assert Counter(one.what for one in again) == {"unchanged": 9_000}
    assert asked.total() < 60
    assert steps[0] == ("customers", 1000, 3_000)
    assert steps[-1] == ("customers", 3_000, 3_000)


CARRIER = "id,transponder,{},polarisation,customer,customer_note\n"


@pytest.mark.parametrize(
    ("columns", "cells"),
    [("from_mhz,to_mhz", "12577,12580.5"), ("center_mhz,bandwidth_mhz", "12578.75,3.5")],
)
def test_a_carrier_is_said_by_its_edges_or_its_centre_in_megahertz(
    loaded: Database, tmp_path: Path, columns: str, cells: str
) -> None:
    row = f"lease-1,tp-amos-17-ku-2v,{cells},V,customer-lualaba-copper,\n"
    table = a_table(tmp_path / "carriers.csv", CARRIER.format(columns) + row)
    (told,) = load(loaded, table, dry_run=False, by=BY)
    assert told.what == "created"
    with loaded.as_worker() as session:
        carrier = session.get_one(SpectrumAssignment, loaded_id("SpectrumAssignment", "lease-1"))
    assert (carrier.start_hz, carrier.stop_hz, carrier.power_share_hz) == (12_577_000_000, 12_580_500_000, 3_500_000)
    assert carrier.party_id == loaded_id("Organization", "customer-lualaba-copper")
    assert [one.what for one in load(loaded, table, dry_run=False, by=BY)] == ["unchanged"]


def test_what_does_not_fit_the_transponder_is_told_in_the_words_of_the_table(loaded: Database, tmp_path: Path) -> None:
    tp = "tp-amos-17-ku-2v"
    rows = [
        f"l-1,{tp},12577,12580,H,,Lease",
        f"l-2,{tp},12550,12553,V,,Across a carrier",
        f"l-3,{tp},1000,1001,V,,Outside",
        "l-4,tp-amos-17-ku-2x,12577,12580,V,,Nowhere",
        f"l-5,{tp},12577,,V,,Half",
        f"l-6,{tp},12580,12577,V,,Upside down",
        f"l-7,{tp},12577,12580.1234567,V,customer-nobody,Too fine",
    ]
    table = a_table(tmp_path / "carriers.csv", CARRIER.format("from_mhz,to_mhz") + "\n".join(rows) + "\n")
    before = all_rows(loaded)
    told = faults(loaded, table)
    assert all_rows(loaded) == before
    assert [one.split(": ")[1:3] for one in told] == [
        ["l-1 (line 2)", "polarisation"],
        ["l-2 (line 3)", "from_mhz"],
        ["l-3 (line 4)", "from_mhz"],
        ["l-4 (line 5)", "transponder"],
        ["l-5 (line 6)", "to_mhz"],
        ["l-6 (line 7)", "to_mhz"],
        ["l-7 (line 8)", "to_mhz"],
    ]
    assert told[0].endswith("comes down vertical, not horizontal (vertical)")


def test_a_carrier_keeps_its_customer(loaded: Database, tmp_path: Path) -> None:
    head = CARRIER.format("from_mhz,to_mhz")
    row = "lease-1,tp-amos-17-ku-2v,12577,12580,,{},\n"
    load(loaded, a_table(tmp_path / "carriers.csv", head + row.format("customer-lualaba-copper")), False, BY)
    table = a_table(tmp_path / "carriers.csv", head + row.format("customer-fouta-logistics"))
    (told,) = faults(loaded, table)
    assert "customer: a carrier keeps its customer; let it end" in told


def test_a_moved_carrier_is_shown_with_what_it_was(loaded: Database, tmp_path: Path) -> None:
    head = CARRIER.format("from_mhz,to_mhz")
    row = "lease-1,tp-amos-17-ku-2v,12577,{},,,Lease\n"
    load(loaded, a_table(tmp_path / "carriers.csv", head + row.format(12580)), False, BY)
    (told,) = load(loaded, a_table(tmp_path / "carriers.csv", head + row.format(12580.5)), True, BY)
    assert [(one.key, one.old, one.new) for one in told.fields] == [
        ("to_mhz", 12580.0, 12580.5),
        ("power_share_mhz", 3.0, 3.5),
    ]
