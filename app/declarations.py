"""Everything the program declares, in one place: importing this module makes all entities, routes and flows known."""

from satcom.core import event_hub, history
from satcom.core.routes import Routes
from satcom.core.tmf_api import TmfRoutes
from satcom.enterprise import agreement, agreement_specification, operator_settings, party
from satcom.market import (
    bill_on_demand,
    billing,
    customer,
    inventory,
    order_approval,
    order_cancellation,
    ordering,
    product_ending,
    qualification,
)
from satcom.market.account import balance, bill_presentation, billing_cycle
from satcom.market.catalog import category as product_category
from satcom.market.catalog import exchange as product_exchange
from satcom.market.catalog import product_offering, product_offering_price, product_specification
from satcom.orchestration import catalog_jobs, escalation, process_flow, waits
from satcom.orchestration.operations import (
    cease_at_partner,
    hub_clearance,
    hub_state,
    in_service_date,
    order_progress,
    partner_hold,
    partner_renewal,
    partner_to_service,
    planned_events,
    service_path_at,
    terminal_swap,
)
from satcom.resource import catalog as resource_catalog
from satcom.resource import catalog_exchange as resource_exchange
from satcom.resource import category as resource_category
from satcom.resource import (
    ground,
    licence,
    passes,
    payload_questions,
    reservation_by_hand,
    satellite,
    satellite_life,
    spectrum_questions,
    terminal_history,
)
from satcom.resource import inventory as resource_inventory
from satcom.resource import ordering as resource_ordering
from satcom.resource.pool import availability_check, resource_pool
from satcom.service import (
    access_test,
    appointment,
    constellation_qualification,
    evidence,
    installation,
    service_qualification,
    service_test_specification,
    time_slot,
)
from satcom.service import catalog as service_catalog
from satcom.service import catalog_exchange as service_exchange
from satcom.service import category as service_category
from satcom.service import inventory as service_inventory
from satcom.service import ordering as service_ordering
from satcom.supplychain import (
    equipment_return,
    goods_receipt,
    installer,
    partner,
    partner_capacity,
    partnership,
    procurement,
    shipment,
    stock,
)

ROUTES: tuple[TmfRoutes, ...] = (
    party.organization_routes,
    party.individual_routes,
    operator_settings.routes,
    agreement_specification.routes,
    agreement.routes,
    customer.routes,
    billing_cycle.routes,
    bill_presentation.format_routes,
    bill_presentation.media_routes,
    balance.financial_routes,
    balance.party_routes,
    balance.settlement_routes,
    balance.routes,
    product_category.catalogue_routes,
    product_category.routes,
    product_specification.product_specification_routes,
    product_offering.product_offering_routes,
    product_offering_price.product_offering_price_routes,
    *product_exchange.routes,
    ordering.routes,
    ordering.cancel_routes,
    order_approval.routes,
    order_approval.rule_routes,
    qualification.routes,
    inventory.routes,
    billing.routes,
    billing.rate_routes,
    bill_on_demand.routes,
    process_flow.routes,
    in_service_date.routes,
    terminal_swap.routes,
    hub_clearance.routes,
    escalation.routes,
    service_category.catalogue_routes,
    service_category.routes,
    service_category.candidate_routes,
    service_catalog.service_specification_routes,
    *service_exchange.routes,
    service_ordering.routes,
    service_inventory.routes,
    service_inventory.path_routes,
    service_test_specification.routes,
    access_test.routes,
    appointment.routes,
    time_slot.routes,
    installation.routes,
    service_qualification.check_routes,
    service_qualification.query_routes,
    evidence.evidence_routes,
    resource_category.catalogue_routes,
    resource_category.routes,
    resource_category.candidate_routes,
    resource_catalog.routes,
    *resource_exchange.routes,
    resource_inventory.routes,
    resource_inventory.physical_routes,
    resource_inventory.logical_routes,
    resource_pool.routes,
    resource_pool.push_routes,
    resource_pool.extract_routes,
    availability_check.routes,
    reservation_by_hand.routes,
    resource_ordering.routes,
    licence.licence_routes,
    satellite.element_set_routes,
    satellite_life.milestone_routes,
    ground.terminal_type_routes,
    installer.routes,
    partner.routes,
    partnership.specification_routes,
    partnership.routes,
    partner_capacity.routes,
    procurement.routes,
    shipment.routes,
    goods_receipt.routes,
    equipment_return.routes,
    stock.depot_routes,
    stock.stock_item_routes,
    stock.stocked_terminal_routes,
    event_hub.routes,
)

# Answers that are no resource, and where each API's events are asked for.
QUESTIONS: tuple[Routes, ...] = (
    hub_state.routes,
    hub_clearance.orphan_routes,
    planned_events.routes,
    service_path_at.routes,
    history.routes,
    waits.routes,
    terminal_history.routes,
    payload_questions.routes,
    spectrum_questions.routes,
    passes.routes,
    order_cancellation.routes,
    product_ending.routes,
    constellation_qualification.routes,
    *event_hub.hubs(ROUTES),
)
# What happens when an order comes, is cancelled, or ends, and what else a flow is about.
FLOWS = (order_progress, partner_to_service, cease_at_partner, partner_hold, partner_renewal, catalog_jobs)
