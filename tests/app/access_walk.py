"""A walk over every route in search of what one party could see or change of another.

Every route of the application is called with ids, filters and bodies that name foreign rows. Whatever comes back
must hold no foreign id that was not sent, no foreign text, and must look as if the foreign row did not exist.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from httpx import Response
from starlette.routing import Route

from satcom.core.entity import Entity, new_id, wire
from satcom.core.security import Capability
from satcom.core.values import Json
from tests.app.conftest import House
from tests.app.every_table import Party, rows_of
from tests.app.served import (
    asked_in_query,
    guarded,
    kinds_at,
    kinds_in_query,
    kinds_of,
    left_out_of_query,
    methods_of,
)
from tests.market.a_market import as_customer

MANY = "limit=1000"


@dataclass(frozen=True)
class Attempt:
    """One request that names foreign rows; `twin` asks the same of a row that does not exist."""

    method: str
    route: str
    url: str
    body: Json = None
    sent: frozenset[str] = frozenset()
    twin: "Attempt | None" = None


@dataclass(frozen=True)
class Leak:
    method: str
    route: str
    why: str


Asked = Callable[[Route, str], bool]


def everywhere(_: Route, __: str) -> bool:
    """Every route by every method."""
    return True


def among(places: set[tuple[str, str]], there: bool = True) -> Asked:
    """The paths and methods of `places`, or all others."""
    return lambda route, method: ((route.path, method) in places) is there


def walk(
    house: House, headers: dict[str, str], own: Party, foreign: list[Party], asked: Asked = everywhere
) -> Iterator[Leak]:
    """Everything that the caller of `own` could see or change of `foreign` parties, where it is `asked`.

    What the tables hold is compared where a write was accepted, and once more at the end: a change that no answer told
    of is found there, since nothing takes it back.
    """
    before = _digests(house, foreign)
    twin: Attempt | None = None  # asked once, whatever is patched
    for route in guarded(house.app):
        for method in methods_of(route):
            if not asked(route, method):
                continue
            accepted = False
            for attempt in attempts(house, route, method, own, foreign):
                answer = ask(house, headers, attempt)
                accepted |= answer.is_success
                for why in _seen(attempt, answer, own, foreign):
                    yield Leak(method, route.path, why)
                if attempt.twin is not None and attempt.twin is not twin:
                    twin = attempt.twin
                    yield from _told_apart(attempt, answer, ask(house, headers, twin))
                if _lacks_the_role(answer):
                    break  # whatever the row
            if method != "GET" and accepted:
                after = _digests(house, foreign)
                yield from (Leak(method, route.path, f"changed {table}") for table in _unlike(before, after))
                before = after
    for table in _unlike(before, _digests(house, foreign)):
        yield Leak("a write", "that was refused", f"changed {table}")


def _unlike(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [table for table in after if after[table] != before[table]]


def attempts(house: House, route: Route, method: str, own: Party, foreign: list[Party]) -> Iterator[Attempt]:
    """Every way we know to name a foreign row through the route."""
    kinds = kinds_at(route.path) + kinds_in_query(route)
    if kinds:
        yield from _by_id(route, method, kinds, own, foreign)
    elif method == "GET":
        yield from _by_query(route, foreign)
        yield from _by_parameters_left_out(route, foreign)
    else:
        for party in foreign:
            for body in bodies(house, route, party):
                yield Attempt(method, route.path, route.path, body, frozenset({party.id, *party.rows.values()}))


def _by_id(
    route: Route, method: str, kinds: list[list[type[Entity]]], own: Party, foreign: list[Party]
) -> Iterator[Attempt]:
    """Each parameter of the path is foreign or our own, at least one of them foreign."""
    for party in foreign:
        for chosen in product(*kinds):
            names = [kind.__name__ for kind in chosen]
            if any(name not in party.rows for name in names):
                continue
            for owners in product((own, party), repeat=len(chosen)):
                if party not in owners:
                    continue
                ids = [owner.rows[name] for owner, name in zip(owners, names, strict=True)]
                unknown = [one if owner is own else new_id() for one, owner in zip(ids, owners, strict=True)]
                twin = Attempt(method, route.path, _filled(route, unknown), _patches(method)[0])
                for body in _patches(method):
                    yield Attempt(method, route.path, _filled(route, ids), body, frozenset(ids), twin)


def _patches(method: str) -> list[Json]:
    if method in ("GET", "DELETE"):
        return [None]
    return [{"name": "taken"}, {"description": "taken"}, {"state": "cancelled"}]


def _filled(route: Route, ids: list[str]) -> str:
    """The URL with `ids` for its parameters, those of the path before those of the query."""
    left = iter(ids)
    path = "/".join(next(left) if step.startswith("{") else step for step in route.path.split("/"))
    query = "&".join(f"{name}={next(left)}" for name in asked_in_query(route))
    return f"{path}?{query}" if query else path


def _by_query(route: Route, foreign: list[Party]) -> Iterator[Attempt]:
    for query in (MANY, f"{MANY}&fields=id", f"{MANY}&sort=-id", "limit=0", "name.regex=secret", "id.gt=0"):
        yield Attempt("GET", route.path, f"{route.path}?{query}")
    names = [kind.__name__ for kind in kinds_of(route)]
    for party in foreign:
        ids = [party.rows[name] for name in names if name in party.rows]
        for query in (f"id={','.join(ids)}", f"href={','.join(ids)}", f"relatedParty.id={party.id}"):
            yield Attempt("GET", route.path, f"{route.path}?{query}&{MANY}", sent=frozenset({*ids, party.id}))


def _by_parameters_left_out(route: Route, foreign: list[Party]) -> Iterator[Attempt]:
    """Each parameter that takes an id and may be left out names a foreign row: `satelliteId` a satellite."""
    names = left_out_of_query(route)
    place = "".join(f"{name}=0&" for name in names if name in ("latitudeDeg", "longitudeDeg"))
    for party, name in product(foreign, names):
        kind = f"{name[0].upper()}{name[1:]}".removesuffix("Id")
        if name.endswith("Id") and kind in party.rows:
            url, row = f"{route.path}?{place}{name}=", party.rows[kind]
            twin = Attempt("GET", route.path, url + new_id())
            yield Attempt("GET", route.path, url + row, sent=frozenset({row}), twin=twin)


def bodies(house: House, route: Route, party: Party) -> Iterator[Json]:
    """What a foreign party could itself send here: copies of its rows, and what asks for something in its name."""
    for kind in kinds_of(route):
        if kind.__name__ in party.rows and (copied := _copied(house, kind, party)):
            yield copied
    rows, customer = party.rows, as_customer(party.id)
    named: Json = [customer]
    match route.path.rsplit("/", 1)[1]:
        case "customer":
            yield {"name": "taken", "engagedParty": customer}
        case "billingAccount":
            yield {"name": "taken", "relatedParty": named}
        case "customerBillOnDemand":
            yield {"billingAccount": {"id": rows["BillingAccount"]}}
        case "partyAccount" | "settlementAccount":
            yield {"name": "taken", "relatedParty": [customer]}
        case "financialAccount":
            yield {"name": "taken", "relatedParty": [customer]}
        case "productOrder":
            yield house.an_order(party)
        case "cancelProductOrder":
            yield {"productOrder": {"id": rows["ProductOrder"]}}
        case "productOfferingQualification":
            yield {"relatedParty": named, "productOfferingQualificationItem": house.an_order(party)["productOrderItem"]}
        case "checkServiceQualification" | "queryServiceQualification":
            yield {"relatedParty": named, "serviceQualificationItem": [{"id": "1", "service": {"id": rows["Service"]}}]}
        case "reservation":
            of: Json = [{"id": rows["Hub"], "role": "of", "@referredType": "Hub"}]
            yield {"relatedParty": named, "reservationItem": [{"relatedEntity": of}], "reservationPeriod": {}}
        case "resourcePool":
            yield {"description": "taken", "resource": [_transponder(rows)]}
        case "push" | "extract":
            yield {"resourcePool": {"id": rows["ResourcePool"]}, "resource": [_transponder(rows)]}
        case "availabilityCheck":
            demand: Json = {"capacityAmount": {"capacityAmount": "1"}}
            period: Json = {"startDateTime": "2027-01-01T00:00:00Z"}
            asked: dict[str, Json] = {"capacityDemand": demand, "requestedPeriod": period}
            yield asked | {"resource": _transponder(rows)}
            yield asked | {"resourcePool": {"id": rows["ResourcePool"]}}
        case "resource" | "physicalResource":
            yield _a_station_towards(rows["Satellite"])
        case "satelliteMilestone":
            yield {"satellite": {"id": rows["Satellite"]}, "state": "underConstruction"}
        case "inServiceDateChange":
            yield {"satellite": {"id": rows["Satellite"]}, "inServiceDate": "2030-01-01", "reason": "taken"}
        case "goodsReceipt":
            yield {"purchaseOrder": {"id": rows["PurchaseOrder"]}, "serialNumber": ["SN-1"]}
            yield {"stockItem": {"id": rows["StockItem"]}, "serialNumber": ["SN-1"]}


def _transponder(rows: dict[str, str]) -> Json:
    return {"id": rows["Transponder"], "@referredType": "Transponder"}


def _a_station_towards(satellite: str) -> Json:
    """An earth station of one's own with an antenna on a foreign satellite."""
    figures: dict[str, Json] = {"diameterM": 9, "efficiency": 0.6, "hpaPowerDbw": 20, "noiseTemperatureK": 90}
    antenna: dict[str, Json] = {"id": "A1", "band": "Ku", "satelliteIds": [satellite], **figures}
    place: dict[str, Json] = {"latitudeDeg": -1, "longitudeDeg": 36, "country": "KE", "antennas": [antenna]}
    characteristics: Json = [{"name": name, "value": value} for name, value in place.items()]
    return {"@type": "EarthStation", "name": "taken", "resourceCharacteristic": characteristics}


def _copied(house: House, kind: type[Entity], party: Party) -> Json:
    """The party's row as it could be sent; nothing where a leak has taken it away."""
    with house.database.as_worker() as session:
        row = session.get(kind, party.rows[kind.__name__])
        copied = wire(row) if row is not None else {}
    document, definition = kind.api.document, kind.api.definition
    if document is None or definition is None:
        return copied
    wanted = document.attributes(document.create_definition(definition))
    return {name: value for name, value in copied.items() if name in wanted}


def ask(house: House, headers: dict[str, str], attempt: Attempt) -> Response:
    """The answer to it."""
    return house.http.request(attempt.method, attempt.url, json=attempt.body, headers=headers)


def _lacks_the_role(answer: Response) -> bool:
    """Whether nothing at all may be asked here with these roles."""
    return answer.status_code == 403 and any(one.value in answer.json()["reason"] for one in Capability)


def _seen(attempt: Attempt, answer: Response, own: Party, foreign: list[Party]) -> Iterator[str]:
    """What of `foreign` parties the answer shows, beside what was sent and who stands above."""
    told, sent = answer.text + str(answer.headers), set(_texts(attempt.body)) | attempt.sent
    known = {own.above.id} if own.above else set()
    for party in foreign:
        if party.secret in told and not any(party.secret in text for text in sent):
            yield f"shows a text of {party.name}"
        if any(one in told for one in {party.id, *party.rows.values()} - sent - known):
            yield f"shows an id of {party.name}"
    named = attempt.sent & set(_texts(attempt.body))
    if answer.is_success and (named or attempt.twin is not None):
        yield f"accepts what names a foreign row: {answer.status_code}"
    if answer.is_success and attempt.sent and answer.headers.get("X-Total-Count", "0") != "0":
        yield "counts foreign rows"
    if answer.status_code >= 500:
        yield f"breaks: {answer.text[:200]}"


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for one in value.values():
                yield from _texts(one)
        case list():
            for one in value:
                yield from _texts(one)
        case str():
            yield value


def _told_apart(attempt: Attempt, answer: Response, twin: Response) -> list[Leak]:
    """A foreign row and one that does not exist must give the same answer."""
    assert attempt.twin is not None
    said, of_nothing = answer.text, twin.text
    for one, other in zip(re.split("[/?=&]", attempt.url), re.split("[/?=&]", attempt.twin.url), strict=True):
        if one != other:
            said, of_nothing = said.replace(one, "-"), of_nothing.replace(other, "-")
    if (answer.status_code, said) == (twin.status_code, of_nothing):
        return []
    return [
        Leak(attempt.method, attempt.route, f"{answer.status_code}: not as one that is not there ({twin.status_code})")
    ]


def _digests(house: House, foreign: list[Party]) -> dict[str, str]:
    with house.database.as_worker() as session:
        return rows_of(session.connection(), [party.id for party in foreign])
