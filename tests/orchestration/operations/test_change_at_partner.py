"""What a partner serves becomes more or less of it: asked, held, ordered and billed there, or left as it was."""

import pytest
from sqlmodel import Session, select

from satcom.core.database import find
from satcom.core.values import Json
from satcom.market.inventory import Product, product_of_order
from satcom.market.ordering import OrderState, ProductOrder
from satcom.orchestration.plan import FlowState
from satcom.service.inventory import Service, ServiceState
from satcom.supplychain.drivers import tmf_partner
from satcom.supplychain.drivers.port import CapacityAsked
from satcom.supplychain.partner_capacity import PartnerCapacity, PartnerCapacityState, capacity_of_order
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_to_service import Leasing, leasing

__all__ = ["leasing"]  # the fixture
MBPS = 1_000_000
DELIVERED = ["qualify", "hold", "order"]


@pytest.fixture
def delivered(leasing: Leasing) -> str:
    """The order of a link of 10 and 4 Mbit/s that a partner delivers."""
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    return order_id


def of_product(session: Session, order_id: str) -> tuple[Product, Service]:
    product = product_of_order(session, order_id)
    assert product is not None
    return product, find(session, Service, product.realizing_service[0].id)


def rates(product: Product) -> list[Json]:
    asked = {one.name: one.value for one in product.product_characteristic}
    return [asked["downlinkRateBps"], asked["uplinkRateBps"]]


def monthly(product: Product) -> float:
    recurring = [one.price.duty_free_amount for one in product.product_price if one.price_type == "recurring"]
    return float(sum(one.value for one in recurring))


def test_a_rate_goes_up_and_down_at_the_partner_at_its_price_and_ours_and_ends_there(
    leasing: Leasing,
    delivered: str,
) -> None:
    operation = leasing.operation
    more = change(operation, delivered, downlinkRateBps=16 * MBPS)
    leasing.followed(more, FlowState.COMPLETED)
    with operation.database.as_worker() as session:
        product, service = of_product(session, delivered)
        had = session.exec(select(PartnerCapacity).where(PartnerCapacity.order_id == delivered)).one()
        has = capacity_of_order(session, more)
        assert has is not None
        assert (rates(product), monthly(product)) == ([16 * MBPS, 4 * MBPS], 8450)  # 20 Mbit/s at 400, the platform
        assert (service.state, service.order_id) == (ServiceState.ACTIVE, more)
        assert (had.state, has.state) == (PartnerCapacityState.RELEASED, PartnerCapacityState.DELIVERED)
        assert [str(has.monthly_cost), str(has.one_time_cost)] == ["5,000.00 USD", "0.00 USD"]
        assert [one.id for one in service.supporting_resource] == [has.id]
        assert find(session, ProductOrder, more).order_total_price[0].price.duty_free_amount.value == 0
    less = change(operation, delivered, downlinkRateBps=6 * MBPS, uplinkRateBps=2 * MBPS)
    leasing.followed(less, FlowState.COMPLETED)
    leasing.followed(change(operation, delivered, action="delete"), FlowState.COMPLETED)
    assert leasing.partner.journal() == [*DELIVERED * 3, "end"]


def test_the_availability_is_changed_at_the_partner_who_is_asked_for_what_it_is_to_be(
    leasing: Leasing, delivered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Json]] = []
    product_asked = tmf_partner._product

    def noted(asked: CapacityAsked) -> dict[str, Json]:
        sent.append(product_asked(asked))
        return sent[-1]

    monkeypatch.setattr(tmf_partner, "_product", noted)
    better = change(leasing.operation, delivered, availabilityPercent=99.9)
    leasing.followed(better, FlowState.COMPLETED)
    assert {"name": "availabilityPercent", "value": 99.9} in sent[-1]["productCharacteristic"]  # type: ignore[operator]
    with leasing.operation.database.as_worker() as session:
        product, service = of_product(session, delivered)
        has = capacity_of_order(session, better)
        asked = {one.name: one.value for one in product.product_characteristic}
        assert (asked["availabilityPercent"], rates(product)) == (99.9, [10 * MBPS, 4 * MBPS])
        assert {one.name: one.value for one in service.service_characteristic}["availabilityPercent"] == 99.9
        assert monthly(product) == 6050, "the price of what a partner serves is by the Mbit/s"
        assert has is not None
        assert (has.state, service.order_id) == (PartnerCapacityState.DELIVERED, better)
    assert leasing.partner.journal() == DELIVERED * 2


@pytest.mark.parametrize(
    ("world", "faults", "code", "done"),
    [
        ({"price_per_mbps": 301}, [], "abovePriceCeiling", []),
        pytest.param({"change_price": 40_000}, [], "belowMargin", [], marks=pytest.mark.at_length),
        pytest.param({"largest_mbps": 15}, [], "partnerRefused", [], marks=pytest.mark.at_length),
        ({}, [{"action": "hold", "kind": "refused", "reason": "sold an hour ago"}], "partnerRefused", []),
        ({"price_factor_at_order": 2}, [], "abovePriceCeiling", ["hold", "order", "cancel", "release"]),
    ],
)
def test_a_change_beyond_the_terms_leaves_the_product_as_it_was(
    leasing: Leasing,
    delivered: str,
    world: dict[str, float],
    faults: list[dict[str, object]],
    code: str,
    done: list[str],
) -> None:
    leasing.partner.set_world(**world)
    leasing.partner.set_faults(*faults)
    more = change(leasing.operation, delivered, downlinkRateBps=16 * MBPS)
    flow, _ = leasing.followed(more, FlowState.CANCELLED)
    assert (flow.cause or {})["code"] == code
    with leasing.operation.database.as_worker() as session:
        product, service = of_product(session, delivered)
        assert find(session, ProductOrder, more).state in (OrderState.REJECTED, OrderState.FAILED)
        assert (rates(product), monthly(product)) == ([10 * MBPS, 4 * MBPS], 6050)
        assert (service.state, service.order_id) == (ServiceState.ACTIVE, delivered)
        has = capacity_of_order(session, delivered)
        assert has is not None
        assert has.state is PartnerCapacityState.DELIVERED
        assert capacity_of_order(session, more) is None
    assert [one for one in leasing.partner.journal()[len(DELIVERED) :] if one != "qualify"] == done
