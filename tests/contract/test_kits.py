"""What partners' conformance kits look for beyond the documents, on the example operator, of every resource offered."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from httpx import Response

from satcom.core.entity import new_id
from satcom.core.values import Json
from tests.contract.kits import ALWAYS_THERE, HUBS, KITS, in_query, leaves
from tests.contract.what_exists import Existing
from tests.core.an_inbox import an_inbox
from tests.scenarios.a_running_operator import ORDERS, Body, RunningOperator

MANY: Final = 1000
OF_EACH: Final = 2  # values of an attribute that are asked for
every_resource = pytest.mark.parametrize("name", KITS)


def listed(operator: RunningOperator, name: str) -> tuple[list[Body], Response]:
    answer = operator.api().get(KITS[name].path, params={"limit": MANY})
    assert answer.status_code in (200, 206), answer.text
    return answer.json(), answer


def lacking(name: str, body: Body) -> list[str]:
    """What of the mandatory attributes is not there; a list may be empty."""
    return [one for one in KITS[name].always_there if body.get(one) in (None, "")]


def check_error(answer: Response, status: int) -> None:
    """TMF630's error body."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert answer.headers["Content-Type"].startswith("application/json")
    assert isinstance(body["code"], str)
    assert isinstance(body["reason"], str)
    assert body["code"]
    assert body["reason"]
    assert body["status"] == str(status)


def test_every_resource_in_the_table_is_known() -> None:
    offered = {name.partition("/")[0] for name in KITS}
    assert {name for name in ALWAYS_THERE if name.partition("/")[0] in offered} - KITS.keys() == set()


@every_resource
def test_every_row_of_a_list_has_what_is_always_there_and_is_found_at_its_href(
    operator: RunningOperator, existing: Existing, name: str
) -> None:
    rows, answer = listed(operator, name)
    assert rows, "there is none to look at"
    assert answer.headers["X-Total-Count"] == answer.headers["X-Result-Count"] == str(len(rows))
    assert {one["id"]: missing for one in rows if (missing := lacking(name, one))} == {}
    for one in (rows[0], rows[-1]):
        assert (one["href"], type(one["id"])) == (f"{KITS[name].path}/{one['id']}", str)
        found = operator.api().get(one["href"])
        assert (found.status_code, found.json()["id"], lacking(name, found.json())) == (200, one["id"], [])
        assert found.headers["ETag"]


@every_resource
def test_what_is_made_is_answered_whole_with_its_place(existing: Existing, name: str) -> None:
    made = existing.made.get(KITS[name].path)
    if made is None:
        assert "post" not in existing.description["paths"][KITS[name].path], "its example is refused"
        return
    body = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, body["href"])
    assert lacking(name, body) == []


@every_resource
def test_a_list_is_filtered_to_exactly_those_that_have_the_value_as_it_was_answered(
    operator: RunningOperator, existing: Existing, name: str
) -> None:
    """Texts, instants, truth values and numbers; also those within what is mandatory."""
    rows, _ = listed(operator, name)
    for attribute, value in asked_for(name, rows):
        answer = operator.api().get(KITS[name].path, params={attribute: in_query(value), "limit": MANY})
        assert answer.status_code in (200, 206), f"{attribute}={value}: {answer.text}"
        wanted = {one["id"] for one in rows if (attribute, value) in set(plain(one))}
        found = {one["id"] for one in answer.json()}
        assert found == wanted, f"{attribute}={value}: {len(found)} instead of {len(wanted)}"
        assert answer.headers["X-Total-Count"] == answer.headers["X-Result-Count"] == str(len(wanted))
        if len(rows) == 1:  # no other row shows that it is left out
            other = operator.api().get(KITS[name].path, params={attribute: f"{in_query(value)} not"})
            assert other.status_code == 400 or other.json() == [], f"{attribute} is not {value} not"
    nobodys = operator.api().get(KITS[name].path, params={"id": new_id()})
    assert (nobodys.status_code, nobodys.json(), nobodys.headers["X-Total-Count"]) == (200, [], "0")


def plain(body: Body) -> Iterator[tuple[str, Json]]:
    return ((path, value) for path, value in leaves(body) if value is not None)


def asked_for(name: str, rows: list[Body]) -> Iterator[tuple[str, Json]]:
    """Of each attribute of the first level, and of what is within the mandatory ones, the first values."""
    kit, seen = KITS[name], Counter[str]()
    for path, value in dict.fromkeys(one for row in rows for one in plain(row)):
        head = path.partition(".")[0]
        wanted = (head in kit.always_there or path == head) and head not in kit.computed
        if wanted and seen[path] < OF_EACH:
            seen[path] += 1
            yield path, value


@every_resource
def test_of_a_row_only_the_fields_asked_for_are_told(operator: RunningOperator, existing: Existing, name: str) -> None:
    """With `id` and `href`, and without `@type` unless it is asked for."""
    rows, _ = listed(operator, name)
    field = next(one for one in (*KITS[name].always_there[2:], *rows[-1]) if one not in ("id", "href", "@type"))
    for asked in (field, "@type", f"{field},@type"):
        wanted = {"id", "href", *asked.split(",")}
        some = operator.api().get(KITS[name].path, params={"fields": asked, "limit": MANY})
        one = operator.api().get(rows[-1]["href"], params={"fields": asked})
        assert (some.status_code in (200, 206), one.status_code) == (True, 200)
        assert {row["id"]: row.keys() for row in some.json()} == {row["id"]: wanted & row.keys() for row in rows}
        assert one.json().keys() == wanted & rows[-1].keys()


@every_resource
def test_a_list_comes_in_pages_and_says_how_many_there_are(
    operator: RunningOperator, existing: Existing, name: str
) -> None:
    path, (rows, _) = KITS[name].path, listed(operator, name)
    for offset in (0, len(rows) - 1, len(rows)):
        answer = operator.api().get(path, params={"offset": offset, "limit": 1})
        shown = rows[offset : offset + 1]
        assert answer.status_code == (200 if len(shown) == len(rows) else 206)
        assert [one["id"] for one in answer.json()] == [one["id"] for one in shown]
        counts = answer.headers["X-Total-Count"], answer.headers["X-Result-Count"]
        assert counts == (str(len(rows)), str(len(shown)))


@every_resource
def test_what_is_not_there_or_not_understood_is_refused_in_the_form_of_the_documents(
    operator: RunningOperator, existing: Existing, name: str
) -> None:
    path, methods = KITS[name].path, existing.description["paths"]
    api = operator.api()
    check_error(api.get(f"{path}/{new_id()}"), 404)
    for query in ("limit=many", "offset=-1", "no-such-attribute=1", "sort=no-such-attribute"):
        check_error(api.get(f"{path}?{query}"), 400)
    if "patch" in methods[f"{path}/{{id}}"]:
        check_error(api.patch(f"{path}/{new_id()}", json={}), 404)
        check_error(api.patch(f"{path}/{existing.ids[path][0]}", json={"noSuchAttribute": 1}), 400)
    if "delete" in methods[f"{path}/{{id}}"]:
        check_error(api.delete(f"{path}/{new_id()}"), 404)
    if "post" in methods[path]:
        for content in ("{not json", "[]", "", '{"noSuchAttribute": 1}'):
            check_error(api.post(path, content=content, headers={"Content-Type": "application/json"}), 400)


def test_the_thin_order_of_a_kit_is_told_what_it_lacks(operator: RunningOperator) -> None:
    """Without an offering, for somebody who is not there."""
    thin: Json = {
        "productOrderItem": [{"id": "123", "action": "add"}],
        "relatedParty": [{"id": "456-dd-df45", "name": "Joe Doe", "role": "customer", "@referredType": "Customer"}],
    }
    answer = operator.api().post(ORDERS, json=thin)
    assert answer.status_code in (400, 422), answer.text
    check_error(answer, answer.status_code)
    assert any("productOffering" in one["field"] or "relatedParty" in one["field"] for one in answer.json()["fault"])


@pytest.mark.parametrize("document", HUBS)
def test_a_hub_keeps_a_listener_until_it_is_taken_away(operator: RunningOperator, document: str) -> None:
    path, api = HUBS[document], operator.api()
    asked = {"callback": f"http://127.0.0.1:9/{document}", "query": "fields=id"}
    made = api.post(path, json=asked)
    kept = made.json()
    assert (made.status_code, made.headers["Location"]) == (201, kept["href"])
    assert kept["href"] == f"{path}/{kept['id']}"
    assert kept | asked == kept
    check_error(api.post(path, json=asked), 409)
    check_error(api.post(path, json={"query": "fields=id"}), 400)
    found = api.get(path)
    assert (found.status_code, found.headers["X-Total-Count"]) == (200, str(len(found.json())))
    assert kept["id"] in {one["id"] for one in found.json()}
    assert api.get(kept["href"]).json().items() <= kept.items()
    assert api.delete(kept["href"]).status_code == 204
    check_error(api.get(kept["href"]), 404)
    check_error(api.delete(kept["href"]), 404)


def test_a_change_is_told_under_the_name_that_the_document_of_its_api_has(
    operator: RunningOperator, existing: Existing
) -> None:
    api = operator.api()
    with an_inbox() as inbox:
        hubs = [api.post(path, json={"callback": inbox.url}).json()["href"] for path in HUBS.values()]
        changed = {}
        for name, kit in KITS.items():
            if kit.change is not None and "patch" in existing.description["paths"][f"{kit.path}/{{id}}"]:
                one = existing.ids[kit.path][-1]
                answer = api.patch(f"{kit.path}/{one}", json=kit.change)
                assert (answer.status_code, lacking(name, answer.json())) == (200, []), f"{name}: {answer.text}"
                changed[one] = kit.change_event
        assert len(changed) > 25
        operator.wait_for(lambda: all(map(inbox.about, changed)), "every change to be told")
        told = {one: {event["eventType"] for event in inbox.about(one)} for one in changed}
        for hub in hubs:
            api.delete(hub)
    assert {one: told[one] for one, event in changed.items() if event not in told[one]} == {}
