"""Own capacity first: a partner serves what our fleet has no room for, until it has; accesses too, but no spectrum."""

from collections.abc import Mapping

import pytest
from sqlmodel import select

from satcom.core.clock import clock
from satcom.core.entity import from_body
from satcom.core.security import WORKER, Principal, Role
from satcom.core.tmf_api import ASKED
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter, revise
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.catalog.product_offering_price import ProductOfferingPrice
from satcom.market.qualification import ProductOfferingQualification, ask_partners_first, qualify_offering
from satcom.market.qualification_item import QualificationItem
from satcom.orchestration.plan import FlowState
from satcom.resource.hub import Hub
from satcom.resource.reservation import held_by_reservation, reservation_of
from satcom.supplychain.partner_capacity import PartnerCapacityState, capacity_of_order
from tests.market.a_market import CHARACTERISTICS, a_price, as_customer
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_renewal import business_clock, ended, flows_of, swept
from tests.orchestration.operations.test_partner_to_service import Leasing, leasing, price_what_partners_serve
from tests.orchestration.operations.the_other_kinds import (
    ACCESS,
    MHZ,
    a_lease_offered,
    an_access_offered,
    ordered,
)

__all__ = ["business_clock", "leasing"]  # the fixtures
BY_PARTNER = ["qualify", "hold", "order"]


def qualified(leasing: Leasing, offering: str, values: Mapping[str, Json], by: Principal = WORKER) -> QualificationItem:
    """The answer to whether it can be had, partners asked where they are to be."""
    chosen: list[Json] = [{"name": name, "value": value} for name, value in values.items()]
    item: Json = {"id": "1", "productOffering": {"id": offering}, "product": {"productCharacteristic": chosen}}
    body: dict[str, Json] = {
        "relatedParty": [as_customer(leasing.operation.market.party)],
        "productOfferingQualificationItem": [item],
    }
    database = leasing.operation.database
    with database.as_worker() as session:
        ask = ask_partners_first(session, from_body(ProductOfferingQualification, body), by)
    told = ask()
    with database.as_worker() as session:
        session.info[ASKED] = told
        answer = qualify_offering(session, from_body(ProductOfferingQualification, body), by)
        return answer.product_offering_qualification_item[0]


def full_behind(leasing: Leasing, order_id: str) -> None:
    """The hub that serves the order has no other port, and no other hub has any."""
    with leasing.operation.database.as_worker() as session:
        reservation = reservation_of(session, order_id)
        assert reservation is not None
        [port] = held_by_reservation(session, reservation).ports
        for hub in session.exec(select(Hub)):
            hub.ports = 1 if hub.id == port.hub_id else 0


def test_while_our_own_fleet_is_full_a_partner_serves_and_once_it_has_room_it_is_not_asked(leasing: Leasing) -> None:
    operation = leasing.operation
    first = operation.order()
    leasing.followed(first, FlowState.COMPLETED)
    full_behind(leasing, first)
    found = qualified(leasing, operation.market.offering, CHARACTERISTICS)
    assert found.qualification_item_result == "qualified"
    assert found.product is not None
    assert "capacity of a partner" in (found.product.description or "")
    reasons = {one.code: one.label for one in found.eligibility_unavailability_reason}
    assert "ports of" in reasons["noHubPort"], "our own reason stands beside the partner's offer"
    second = operation.order()
    leasing.followed(second, FlowState.COMPLETED)
    with operation.database.as_worker() as session:
        capacity = capacity_of_order(session, second)
        assert capacity is not None
        assert (capacity.state, reservation_of(session, second)) == (PartnerCapacityState.DELIVERED, None)
    done = ["qualify", *BY_PARTNER]
    assert leasing.partner.journal() == done
    leasing.followed(change(operation, first, action="delete"), FlowState.COMPLETED)
    assert "capacity of a partner" not in str(qualified(leasing, operation.market.offering, CHARACTERISTICS))
    third = operation.order()
    leasing.followed(third, FlowState.COMPLETED)
    with operation.database.as_worker() as session:
        assert capacity_of_order(session, third) is None
        assert reservation_of(session, third) is not None
    assert leasing.partner.journal() == done


def test_a_renewal_tells_that_our_own_fleet_could_serve_from_then_on(leasing: Leasing) -> None:
    leasing.partner.set_world(term_days=100)
    operation = leasing.operation
    with operation.database.as_worker() as session:
        ports = {one.id: one.ports for one in session.exec(select(Hub))}
        for hub in session.exec(select(Hub)):
            hub.ports = 0
    order_id = operation.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    with operation.database.as_worker() as session:
        for hub in session.exec(select(Hub)):
            hub.ports = ports[hub.id]
        capacity = capacity_of_order(session, order_id)
        assert capacity is not None
        assert capacity.renew_at is not None
        clock.advance(capacity.renew_at - clock.now())
    swept(leasing)
    ended(leasing, order_id)
    with operation.database.as_worker() as session:
        [(flow, tasks)] = flows_of(session, order_id)
        assert flow.state is FlowState.COMPLETED, "the customer's service goes on"
        assert tasks["renewal_is_agreed"].result["ownWay"]


# Accesses


@pytest.fixture
def access(leasing: Leasing) -> str:
    """The offering of an access: our own fleet has no carriers that are shared, and what partners serve has prices."""
    with leasing.operation.database.as_worker() as session:
        offering = an_access_offered(session)
        price_what_partners_serve(session, leasing.operation, offering)
        body = a_price("Committed", 100, monthly=True, unit="Mbit/s CIR", capacity="partnerCapacity")
        price = enter(session, from_body(ProductOfferingPrice, body), WORKER)
        offered = session.get_one(ProductOffering, offering)
        listed: list[Json] = [{"id": one.id} for one in offered.product_offering_price]
        revise(session, offered, {"productOfferingPrice": [*listed, {"id": price.id}]}, WORKER)
    return offering


def told_of_rates(leasing: Leasing) -> dict[str, Json]:
    """What the partner's last order says of rates."""
    with leasing.partner.client() as client:
        orders = client.get("/tmf-api/productOrderingManagement/v4/productOrder").json()
    last = max(orders, key=lambda one: str(one["orderDate"]))
    told = last["productOrderItem"][0]["product"]["productCharacteristic"]
    return {one["name"]: one["value"] for one in told if "Rate" in one["name"]}


def test_an_access_is_served_by_a_partner_with_the_rates_that_are_committed_and_changes_there(
    leasing: Leasing, access: str
) -> None:
    found = qualified(leasing, access, ACCESS)
    assert "noCarrierPool" in {one.code for one in found.eligibility_unavailability_reason}
    assert found.product is not None
    monthly = [one for one in found.product.product_price if one.price_type == "recurring"]
    assert sum(one.price.duty_free_amount.value for one in monthly) == 6 * 400 + 120
    order_id = ordered(leasing.operation, access, **ACCESS)
    leasing.followed(order_id, FlowState.COMPLETED)
    assert told_of_rates(leasing) == {name: value for name, value in ACCESS.items() if "Rate" in name}
    more = change(leasing.operation, order_id, downlinkCommittedRateBps=2 * MHZ)
    leasing.followed(more, FlowState.COMPLETED)
    assert told_of_rates(leasing)["downlinkCommittedRateBps"] == 2 * MHZ
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of_order(session, more)
        assert capacity is not None
        assert str(capacity.monthly_cost) == "645.00 USD", "2.2 Mbit/s, and a tenth of the other 3.8, at 250"


def test_a_partner_that_commits_to_no_rate_is_not_sold_as_if_it_did(leasing: Leasing, access: str) -> None:
    leasing.partner.set_world(commits=False)
    found = qualified(leasing, access, ACCESS)
    assert found.qualification_item_result == "unqualified"
    reasons = {one.code: one.label for one in found.eligibility_unavailability_reason}
    assert "we commit to no rate" in reasons["partnerRefused"]
    flow, tasks = leasing.followed(ordered(leasing.operation, access, **ACCESS), FlowState.CANCELLED)
    assert (flow.cause or {})["code"] == "partnerRefused"
    assert "noCommittedRate" in (tasks["choose_partner"].fault or {})["why"]
    assert "hold" not in leasing.partner.journal()


# Leases


@pytest.mark.parametrize("role", [Role.SALES, Role.CUSTOMER])
def test_bare_spectrum_is_asked_of_no_partner_and_the_answer_says_so(leasing: Leasing, role: Role) -> None:
    with leasing.operation.database.as_worker() as session:
        offering = a_lease_offered(session)
        price_what_partners_serve(session, leasing.operation, offering)
    party = leasing.operation.market.party
    by = Principal("somebody", frozenset({role}), party, frozenset({party}), all_parties=False)
    found = qualified(leasing, offering, {"bandwidthHz": 400 * MHZ}, by)
    assert found.qualification_item_result == "unqualified"
    reasons = {one.code: one.label for one in found.eligibility_unavailability_reason}
    assert "no bare spectrum is bought of them" in reasons["noBareSpectrum"]
    flow, _ = leasing.followed(ordered(leasing.operation, offering, bandwidthHz=400 * MHZ), FlowState.CANCELLED)
    assert "noContiguousSlot" in str(flow.cause)
    narrow = qualified(leasing, offering, {"bandwidthHz": 5 * MHZ}, by)
    assert "noBareSpectrum" not in {one.code for one in narrow.eligibility_unavailability_reason}, "it is ours"
    assert leasing.partner.journal() == []
