"""Nobody sees or changes what belongs to another party: every route, every foreign party, every role."""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, islice, product

import pytest
from sqlalchemy import ColumnElement, create_engine, text, true
from sqlmodel import Session
from starlette.routing import Route

from satcom.core import tenancy
from satcom.core.access import create_token, revoke_token
from satcom.core.clock import wall_now
from satcom.core.entity import Entity, new_id
from satcom.core.security import MAY, OUTSIDE, Capability, Principal, Role
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Json
from satcom.resource.reservation import Reservation
from satcom.supplychain.stock import Depot
from tests.app.access_walk import MANY, Asked, Leak, among, ask, attempts, everywhere, walk
from tests.app.conftest import House
from tests.app.every_table import owned, tables_with_party
from tests.app.served import asked_in_query, guarded, kinds_of, methods_of

ROLES = [role.value for role in Role]
# Who may write, and what is no collection. A new one of either is entered here, or a test below is red.
SAID: dict[str, Capability] = {
    "POST organization": Capability.KEEP_CUSTOMERS,
    "PATCH organization": Capability.KEEP_CUSTOMERS,
    "DELETE organization": Capability.KEEP_CUSTOMERS,
    "POST individual": Capability.KEEP_CUSTOMERS,
    "PATCH individual": Capability.KEEP_CUSTOMERS,
    "DELETE individual": Capability.KEEP_CUSTOMERS,
    "POST customer": Capability.KEEP_CUSTOMERS,
    "PATCH customer": Capability.KEEP_CUSTOMERS,
    "DELETE customer": Capability.KEEP_CUSTOMERS,
    "POST customerBillOnDemand": Capability.ASK_FOR_BILLS,
    "DELETE billingAccount": Capability.KEEP_CUSTOMERS,
    "POST billFormat": Capability.KEEP_ACCOUNTS,
    "PATCH billFormat": Capability.KEEP_ACCOUNTS,
    "DELETE billFormat": Capability.KEEP_ACCOUNTS,
    "POST billPresentationMedia": Capability.KEEP_ACCOUNTS,
    "PATCH billPresentationMedia": Capability.KEEP_ACCOUNTS,
    "DELETE billPresentationMedia": Capability.KEEP_ACCOUNTS,
    "POST billingCycleSpecification": Capability.KEEP_ACCOUNTS,
    "PATCH billingCycleSpecification": Capability.KEEP_ACCOUNTS,
    "DELETE billingCycleSpecification": Capability.KEEP_ACCOUNTS,
    "POST partyAccount": Capability.KEEP_ACCOUNTS,
    "PATCH partyAccount": Capability.KEEP_ACCOUNTS,
    "DELETE partyAccount": Capability.KEEP_ACCOUNTS,
    "POST settlementAccount": Capability.KEEP_ACCOUNTS,
    "PATCH settlementAccount": Capability.KEEP_ACCOUNTS,
    "DELETE settlementAccount": Capability.KEEP_ACCOUNTS,
    "POST financialAccount": Capability.KEEP_ACCOUNTS,
    "PATCH financialAccount": Capability.KEEP_ACCOUNTS,
    "DELETE financialAccount": Capability.KEEP_ACCOUNTS,
    "POST billingAccount": Capability.KEEP_CUSTOMERS,
    "PATCH billingAccount": Capability.KEEP_CUSTOMERS,
    "POST importJob": Capability.DESIGN_OFFERS,
    "DELETE importJob": Capability.DESIGN_OFFERS,
    "POST exportJob": Capability.DESIGN_OFFERS,
    "DELETE exportJob": Capability.DESIGN_OFFERS,
    "GET content": Capability.DESIGN_OFFERS,
    "POST catalog": Capability.DESIGN_OFFERS,
    "PATCH catalog": Capability.DESIGN_OFFERS,
    "DELETE catalog": Capability.DESIGN_OFFERS,
    "POST category": Capability.DESIGN_OFFERS,
    "PATCH category": Capability.DESIGN_OFFERS,
    "DELETE category": Capability.DESIGN_OFFERS,
    "POST serviceCatalog": Capability.DESIGN_OFFERS,
    "PATCH serviceCatalog": Capability.DESIGN_OFFERS,
    "DELETE serviceCatalog": Capability.DESIGN_OFFERS,
    "POST serviceCategory": Capability.DESIGN_OFFERS,
    "PATCH serviceCategory": Capability.DESIGN_OFFERS,
    "DELETE serviceCategory": Capability.DESIGN_OFFERS,
    "POST serviceCandidate": Capability.DESIGN_OFFERS,
    "PATCH serviceCandidate": Capability.DESIGN_OFFERS,
    "DELETE serviceCandidate": Capability.DESIGN_OFFERS,
    "POST resourceCatalog": Capability.DESIGN_OFFERS,
    "PATCH resourceCatalog": Capability.DESIGN_OFFERS,
    "DELETE resourceCatalog": Capability.DESIGN_OFFERS,
    "POST resourceCategory": Capability.DESIGN_OFFERS,
    "PATCH resourceCategory": Capability.DESIGN_OFFERS,
    "DELETE resourceCategory": Capability.DESIGN_OFFERS,
    "POST resourceCandidate": Capability.DESIGN_OFFERS,
    "PATCH resourceCandidate": Capability.DESIGN_OFFERS,
    "DELETE resourceCandidate": Capability.DESIGN_OFFERS,
    "POST productSpecification": Capability.DESIGN_OFFERS,
    "PATCH productSpecification": Capability.DESIGN_OFFERS,
    "DELETE productSpecification": Capability.DESIGN_OFFERS,
    "POST productOffering": Capability.DESIGN_OFFERS,
    "PATCH productOffering": Capability.DESIGN_OFFERS,
    "DELETE productOffering": Capability.DESIGN_OFFERS,
    "POST productOfferingPrice": Capability.DESIGN_OFFERS,
    "PATCH productOfferingPrice": Capability.DESIGN_OFFERS,
    "DELETE productOfferingPrice": Capability.DESIGN_OFFERS,
    "POST resourceSpecification": Capability.DESIGN_OFFERS,
    "PATCH resourceSpecification": Capability.DESIGN_OFFERS,
    "DELETE resourceSpecification": Capability.DESIGN_OFFERS,
    "POST serviceTest": Capability.TEST_SERVICES,
    "POST serviceTestSpecification": Capability.DESIGN_OFFERS,
    "PATCH serviceTestSpecification": Capability.DESIGN_OFFERS,
    "DELETE serviceTestSpecification": Capability.DESIGN_OFFERS,
    "POST serviceSpecification": Capability.DESIGN_OFFERS,
    "PATCH serviceSpecification": Capability.DESIGN_OFFERS,
    "DELETE serviceSpecification": Capability.DESIGN_OFFERS,
    "POST productOfferingQualification": Capability.QUALIFY,
    "POST checkServiceQualification": Capability.QUALIFY,
    "POST queryServiceQualification": Capability.QUALIFY,
    "POST hubClearance": Capability.REPAIR_FLOWS,
    "POST terminalSwap": Capability.SWAP_TERMINALS,
    "PATCH terminalSwap": Capability.SWAP_TERMINALS,
    "PATCH operator": Capability.KEEP_OPERATOR,
    "POST appointment": Capability.BOOK_APPOINTMENTS,
    "PATCH appointment": Capability.READ_APPOINTMENTS,  # whether it is to be booked or attended, the patch says
    "DELETE appointment": Capability.BOOK_APPOINTMENTS,
    "POST searchTimeSlot": Capability.READ_APPOINTMENTS,
    "DELETE searchTimeSlot": Capability.READ_APPOINTMENTS,
    "POST satelliteMilestone": Capability.PLAN_FLEET,
    "POST inServiceDateChange": Capability.PLAN_FLEET,
    "PATCH inServiceDateChange": Capability.PLAN_FLEET,
    "POST resourcePool": Capability.KEEP_POOLS,
    "PATCH resourcePool": Capability.KEEP_POOLS,
    "POST push": Capability.KEEP_POOLS,
    "POST extract": Capability.KEEP_POOLS,
    "POST availabilityCheck": Capability.READ_RESERVATIONS,
    "POST reservation": Capability.HOLD_CAPACITY,
    "PATCH reservation": Capability.HOLD_CAPACITY,
    "POST productOrder": Capability.ORDER,
    "PATCH productOrder": Capability.ORDER,
    "POST cancelProductOrder": Capability.ORDER,
    "PATCH orderApproval": Capability.APPROVE_ORDERS,
    "POST approvalRule": Capability.KEEP_APPROVAL_RULES,
    "DELETE approvalRule": Capability.KEEP_APPROVAL_RULES,
    "POST product": Capability.MIGRATE,
    "PATCH product": Capability.MIGRATE,
    "POST service": Capability.MIGRATE,
    "PATCH service": Capability.MIGRATE,
    "POST resource": Capability.MIGRATE,
    "PATCH resource": Capability.MIGRATE,
    "DELETE resource": Capability.MIGRATE,
    "POST physicalResource": Capability.MIGRATE,
    "PATCH physicalResource": Capability.MIGRATE,
    "DELETE physicalResource": Capability.MIGRATE,
    "POST logicalResource": Capability.MIGRATE,
    "PATCH logicalResource": Capability.MIGRATE,
    "DELETE logicalResource": Capability.MIGRATE,
    "POST goodsReceipt": Capability.SUPPLY,
    "POST agreementSpecification": Capability.KEEP_AGREEMENTS,
    "PATCH agreementSpecification": Capability.KEEP_AGREEMENTS,
    "DELETE agreementSpecification": Capability.KEEP_AGREEMENTS,
    "POST agreement": Capability.KEEP_AGREEMENTS,
    "PATCH agreement": Capability.KEEP_AGREEMENTS,
    "DELETE agreement": Capability.KEEP_AGREEMENTS,
    "POST partnershipSpecification": Capability.KEEP_AGREEMENTS,
    "PATCH partnershipSpecification": Capability.KEEP_AGREEMENTS,
    "DELETE partnershipSpecification": Capability.KEEP_AGREEMENTS,
    "POST partnership": Capability.KEEP_AGREEMENTS,
    "PATCH partnership": Capability.KEEP_AGREEMENTS,
    "DELETE partnership": Capability.KEEP_AGREEMENTS,
    "POST purchaseOrder": Capability.SUPPLY,
    "POST shipment": Capability.SUPPLY,
    "PATCH shipment": Capability.SUPPLY,
    "POST equipmentReturn": Capability.SUPPLY,
    "PATCH equipmentReturn": Capability.SUPPLY,
    "GET wait": Capability.READ_FLOWS,
    "POST escalationRule": Capability.REPAIR_FLOWS,
    "DELETE escalationRule": Capability.REPAIR_FLOWS,
    "PATCH taskFlow": Capability.REPAIR_FLOWS,
    "POST recomputation": Capability.READ_NETWORK,
    "POST hub": Capability.LISTEN,
    "GET hub": Capability.LISTEN,
    "DELETE hub": Capability.LISTEN,
    "GET standing": Capability.LISTEN,
    "PATCH listener": Capability.LISTEN,
    "DELETE listener": Capability.LISTEN,
    "GET terminalHistory": Capability.READ_SUPPLY,
    "GET transponderSpectrum": Capability.READ_NETWORK,
    "GET repackPlan": Capability.READ_NETWORK,
    "GET passPlan": Capability.READ_NETWORK,
    "GET constellationQualification": Capability.READ_NETWORK,
    "GET payloadPlan": Capability.READ_NETWORK,
    "GET plannedEvent": Capability.READ_SERVICES,
    "GET servicePathAt": Capability.READ_SERVICES,
    "GET hubState": Capability.READ_NETWORK,
    "GET hubOrphan": Capability.READ_NETWORK,
    "GET orderCancellation": Capability.READ_ORDERS,
    "GET productEnding": Capability.READ_ORDERS,
    "GET change": Capability.SEE_CHANGES,
    "GET metrics": Capability.READ_NETWORK,
    "GET services": Capability.READ_NETWORK,
}


USELESS = ("none", "unknown", "another scheme", "revoked", "expired")  # tokens
# They walk through every route: who may do everything, and who is of another house.
EVERYWHERE = OUTSIDE | {Role.ADMINISTRATOR}


# of the administrator the walks without policies and without filter say it twice over
@pytest.mark.parametrize(
    "role",
    [pytest.param(role, marks=[pytest.mark.at_length] if role == Role.ADMINISTRATOR else []) for role in ROLES],
)
def test_nobody_sees_or_changes_a_foreign_row_whatever_the_role(house: House, role: str) -> None:
    """A member of a party with all that the role of the operator's house may do, bound to the party all the same.

    Each route is walked through by an administrator, a customer and a partner, and by one more role that may, by turns.
    """
    outside, filled = role in OUTSIDE, house.filled
    headers = house.token(role, *(() if outside else ("customer",)), party=filled.mine)
    foreign = [filled.reseller, filled.neighbour, filled.stranger]
    some = foreign if role == Role.CUSTOMER else [foreign[ROLES.index(role) % len(foreign)]]
    turns = {(route.path, method) for route, method, one in by_turns(house) if one == role}
    assert role in EVERYWHERE or turns
    asked = everywhere if role in EVERYWHERE else among(turns)
    assert list(walk(house, headers, filled.mine, some, asked)) == []


def by_turns(house: House) -> Iterator[tuple[Route, str, Role]]:
    """Of every route and method, the role whose turn it is among those that may and do not walk everywhere."""
    met: Counter[tuple[Role, ...]] = Counter()
    for route, method, _ in calls(house):
        capability = needed(route, method)
        able = tuple(role for role in Role if capability and role in MAY[capability] - EVERYWHERE)
        if able:
            yield route, method, able[met[able] % len(able)]
            met[able] += 1


def test_every_role_has_its_turn_at_reading_and_at_writing_wherever_it_may(house: House) -> None:
    turns = list(by_turns(house))
    for role in set(Role) - EVERYWHERE:
        assert [route for route, method, one in turns if one == role and method == "GET"], role
        assert [route for route, method, one in turns if one == role and method != "GET"], role


@pytest.mark.at_length
def test_a_reseller_sees_no_stranger(house: House) -> None:
    filled = house.filled
    headers = house.token("administrator", "customer", party=filled.reseller)
    assert list(walk(house, headers, filled.reseller, [filled.stranger])) == []


def test_a_reseller_sees_its_customers(house: House) -> None:
    filled = house.filled
    headers = house.token("administrator", "customer", party=filled.reseller)
    for party in (filled.reseller, filled.mine, filled.neighbour):
        for kind in owned():
            url = f"{kind.api.path}/{party.rows[kind.__name__]}"
            if served(house, kind.api.path):
                assert house.http.get(url, headers=headers).status_code == 200, url


def served(house: House, path: str) -> bool:
    return path in {route.path for route in guarded(house.app)}


def test_a_member_of_a_party_finds_its_own_row_through_every_list(house: House) -> None:
    headers = house.token("administrator", "customer", party=house.filled.mine)
    for kind in owned():
        if served(house, kind.api.path):
            rows = house.http.get(f"{kind.api.path}?{MANY}", headers=headers).json()
            assert house.filled.mine.rows[kind.__name__] in {row["id"] for row in rows}, kind.__name__


def test_sales_reads_the_reservations_that_it_may_make(house: House) -> None:
    url = f"{Reservation.api.path}/{house.filled.mine.rows['Reservation']}"
    assert house.http.get(url, headers=house.token("sales")).status_code == 200
    assert house.http.get(url, headers=house.token("finance")).status_code == 403


def test_a_route_through_which_a_role_could_write_but_not_read_is_not_declared() -> None:
    def restock(session: Session, depot: Depot, by: Principal) -> Depot:
        return depot

    with pytest.raises(ValueError, match="customer, sales may write depot but not read it"):
        TmfRoutes(Depot).post(restock, may=Capability.ORDER)


def test_what_is_shared_with_a_further_party_is_seen_and_still_not_changed(house: House) -> None:
    theirs, mine = house.filled.stranger, house.filled.mine
    with house.database.as_worker() as session:
        session.add(tenancy.PartyAccess(object_id=theirs.rows["BillingAccount"], party_id=mine.id))
    headers = house.token("administrator", "customer", party=mine)
    url = f"/tmf-api/accountManagement/v4/billingAccount/{theirs.rows['BillingAccount']}"
    assert house.http.get(url, headers=headers).status_code == 200
    assert house.http.patch(url, {"name": "taken"}, headers).status_code in (403, 404)


# -- Each guard alone suffices, and the walk is red when both are gone --------------------------------------------

Guard = Callable[[], None]


@pytest.fixture
def without_filter(monkeypatch: pytest.MonkeyPatch) -> Guard:
    """Takes the filter out of the code."""

    def remove() -> None:
        for module, name in filters():
            monkeypatch.setattr(sys.modules[module], name, everything)

    return remove


def everything(_: type[Entity], __: Principal) -> ColumnElement[bool]:
    return true()


def filters() -> list[tuple[str, str]]:
    """The modules that filter, and by which of tenancy's two conditions."""
    ours = [(module, sys.modules[module]) for module in sys.modules if module.startswith("satcom.")]
    found = [(module, name) for module, held in ours for name in ("visible", "changeable") if hasattr(held, name)]
    return [one for one in found if one[0] != "satcom.core.tenancy"]


@pytest.fixture
def without_policies(house: House) -> Guard:
    """Takes row-level security out of the database."""
    return lambda: secure(house, "DISABLE", *tables_with_party())


def secure(house: House, how: str, *tables: str) -> None:
    engine = create_engine(house.database.url)
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY"))
    engine.dispose()


def leaks(house: House, asked: Asked = everywhere) -> Iterator[Leak]:
    """What a member of a party who may call every route gets of a stranger, where it is `asked`."""
    headers = house.token("administrator", "customer", party=house.filled.mine)
    return walk(house, headers, house.filled.mine, [house.filled.stranger], asked)


def test_the_code_filters_when_the_database_does_not(house: House, without_policies: Guard) -> None:
    without_policies()
    assert list(leaks(house)) == []


def test_the_database_filters_when_the_code_does_not(house: House, without_filter: Guard) -> None:
    without_filter()
    assert list(leaks(house)) == []


def test_either_check_is_red_when_its_own_guard_is_gone(
    house: House, without_filter: Guard, without_policies: Guard
) -> None:
    """The mutants of the two tests above are the same program: both guards gone. Every route must show it."""
    without_filter()
    without_policies()
    found = {(leak.method, leak.route) for leak in leaks(house, leaks_bare)}
    wanted = {
        (method, route.path)
        for route in guarded(house.app)
        for method in methods_of(route)
        if leaks_bare(route, method)
    }
    assert wanted - found == set()


def leaks_bare(route: Route, method: str) -> bool:
    """Whether the route shows foreign rows when nothing filters; the catalogue is everybody's."""
    kinds = kinds_of(route)
    return method == "GET" and bool(kinds) and not any(kind.readable_by_all for kind in kinds)


@pytest.mark.at_length
def test_each_forgotten_filter_is_seen(house: House, without_policies: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked first where the filter was seen at work, then everywhere else."""
    without_policies()
    assert len(filters()) >= 3
    at_work = where_they_filter(house, monkeypatch)
    for one in filters():
        with monkeypatch.context() as forgotten:
            forgotten.setattr(sys.modules[one[0]], one[1], everything)
            there, elsewhere = (leaks(house, among(at_work[one], there)) for there in (True, False))
            assert next(chain(there, elsewhere), None) is not None, f"{one[1]} in {one[0]}"


def where_they_filter(house: House, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """By filter the routes that call it when they are asked for a stranger's row, once each."""
    headers, called = house.token("administrator", "customer", party=house.filled.mine), list[tuple[str, str]]()
    found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    with monkeypatch.context() as watched:
        for module, name in filters():
            watched.setattr(sys.modules[module], name, noted(called, module, name))
        for route in guarded(house.app):
            for method in methods_of(route):
                called.clear()
                for attempt in islice(attempts(house, route, method, house.filled.mine, [house.filled.stranger]), 1):
                    ask(house, headers, attempt)
                for one in called:
                    found[one].add((route.path, method))
    return found


def noted(called: list[tuple[str, str]], module: str, name: str) -> Callable[..., ColumnElement[bool]]:
    """The filter itself, with a note of each call."""
    itself: Callable[..., ColumnElement[bool]] = getattr(sys.modules[module], name)

    def noting(kind: type[Entity], principal: Principal) -> ColumnElement[bool]:
        called.append((module, name))
        return itself(kind, principal)

    return noting


def test_one_forgotten_policy_is_seen(house: House, without_filter: Guard) -> None:
    without_filter()
    headers = house.token("administrator", "customer", party=house.filled.mine)
    theirs = house.filled.stranger.rows
    for kind in owned():
        url = f"{kind.api.path}/{theirs[kind.__name__]}"
        if served(house, kind.api.path):
            assert house.http.get(url, headers=headers).status_code == 404, url
            secure(house, "DISABLE", str(kind.__tablename__))
            assert house.http.get(url, headers=headers).status_code == 200, url
            secure(house, "ENABLE", str(kind.__tablename__))


def test_every_table_with_a_party_is_under_row_level_security_even_for_its_owner(house: House) -> None:
    secured = text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    with house.database.as_worker() as session:
        found = set(session.connection().execute(secured).scalars())
    # Tokens are hidden from requests altogether; who may see what is read by the policies themselves.
    assert set(tables_with_party()) - found == {"access_token", "party_access"}


# -- Roles and tokens ---------------------------------------------------------------------------------------------


def needed(route: Route, method: str) -> Capability | None:
    """What the caller must be able to do; `None` when nobody has said it."""
    last = [step for step in route.path.split("/") if not step.startswith("{")][-1]
    said = SAID.get(f"{method} {last}")
    return kinds_of(route)[0].api.reads if said is None and method == "GET" and kinds_of(route) else said


def calls(house: House) -> list[tuple[Route, str, str]]:
    """Every route and method, with a URL that names nothing that exists."""
    found = []
    for route in guarded(house.app):
        url = "/".join(new_id() if step.startswith("{") else step for step in route.path.split("/"))
        query = "&".join(f"{name}={new_id()}" for name in asked_in_query(route))
        found += [(route, method, f"{url}?{query}" if query else url) for method in methods_of(route)]
    return found


def test_of_every_route_it_is_said_who_may(house: House) -> None:
    unsaid = [f"{method} {route.path}" for route, method, _ in calls(house) if needed(route, method) is None]
    assert unsaid == []


def test_what_a_role_lacks_is_forbidden_and_what_it_has_is_not(house: House) -> None:
    """Each route is asked by a role that may and by one that may not, the roles by turns."""
    of_role = {role: house.token(role, party=house.filled.mine if role in OUTSIDE else None) for role in Role}
    for turn, (route, method, url) in enumerate(calls(house)):
        capability = needed(route, method)
        if capability is None:
            continue
        for allowed in (True, False):
            roles = [role for role in Role if (role in MAY[capability]) is allowed]
            if not roles:
                continue
            role = roles[turn % len(roles)]
            body: Json = None if method in ("GET", "DELETE") else {}
            answer = house.http.request(method, url, headers=of_role[role], json=body)
            told = f"{role}: {method} {url}: {answer.status_code} {answer.text}"
            assert (answer.status_code != 403) is allowed, told
            assert answer.status_code < 500 or answer.json()["code"] == "unavailable", told  # no hub runs here
            if not allowed:
                assert capability.value in answer.json()["reason"]


def test_nothing_but_health_and_description_answers_without_a_valid_token(house: House) -> None:
    """Each route is asked without a token, and with one of those that are no good, by turns."""
    none, *useless = (a_useless_token(house, state) for state in USELESS)
    for turn, (_, method, url) in enumerate(calls(house)):
        for headers in (none, useless[turn % len(useless)]):
            answer = house.http.request(method, url, headers=headers, json=None if method in ("GET", "DELETE") else {})
            assert answer.status_code == 401, f"{method} {url}"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.json()["@type"] == "Error"
    for headers, path in product((none, *useless), ("/health", "/openapi.json")):
        assert house.http.get(path, headers).status_code == 200


def a_useless_token(house: House, state: str) -> dict[str, str]:
    with house.database.as_worker() as session:
        token, secret = create_token(session, state, ["administrator"], None, timedelta(days=1))
        if state == "revoked":
            revoke_token(session, token.id)
        if state == "expired":
            token.expires_at = wall_now() - timedelta(seconds=1)
    shown = {"none": "", "unknown": "Bearer satcom_guessed", "another scheme": f"Basic {secret}"}
    return {"Authorization": shown.get(state, f"Bearer {secret}")}
