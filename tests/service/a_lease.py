"""A lease on the air, as tests need it: the slot assigned, the service inactive until its access test."""

from sqlmodel import Session

from satcom.core.entity import from_body, new_id
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.enterprise.catalog_entry import enter
from satcom.resource.catalog import NetworkNeed
from satcom.resource.hold import Owner, Period, assign
from satcom.resource.spectrum import SpectrumAssignment, WantedSlot
from satcom.service.catalog import ServiceSpecification
from satcom.service.inventory import Design, Service, configure_service, design_service, reserve_service
from satcom.service.ordering import place_service_order
from satcom.service.solution import LeaseSolution
from tests.resource.a_network import YEAR_2027, a_transponder, tomorrow
from tests.resource.a_resource_catalogue import built_from
from tests.resource.held_alone import hold_slot

MHZ = 1_000_000


def _specification(session: Session) -> str:
    needs = built_from(session, NetworkNeed.LEASED_SPECTRUM)
    body: dict[str, Json] = {"name": "Lease", "lifecycleStatus": "Active", "resourceSpecification": needs}
    return enter(session, from_body(ServiceSpecification, body), WORKER).id


def a_lease_on_the_air(session: Session, party_id: str) -> tuple[Service, LeaseSolution, SpectrumAssignment]:
    """9 MHz leased for 2027 by the party, configured and not tested."""
    transponder = a_transponder(session)
    lease = LeaseSolution(
        capacity="leasedSpectrum",
        satellite_id=transponder.satellite_id,
        satellite_name="Testsat",
        band=str(transponder.band),
        transponder_id=transponder.id,
        transponder_name=transponder.name,
        uplink_polarisation=str(transponder.uplink_polarisation),
        downlink_polarisation=str(transponder.downlink_polarisation),
        bandwidth_hz=9 * MHZ,
        power_share_hz=9 * MHZ,
        eirp_limit_dbw=40.0,
        flux_density_limit_dbw_per_m2=-95.0,
        charged_bandwidth_hz=9 * MHZ,
    )
    order_id = new_id()
    owner, period = Owner(order_id, "PO-2026-000009", party_id), Period(YEAR_2027.start_at)
    wanted = WantedSlot(transponder.id, lease.bandwidth_hz, lease.power_share_hz)
    slot = hold_slot(session, wanted, period, owner, tomorrow())
    assign(session, [slot])
    service = design_service(session, Design(order_id, party_id, "Lease", _specification(session), ()))
    place_service_order(session, order_id, party_id, service.id, lease, None, None)
    reserve_service(session, service.id, [])
    return configure_service(session, service.id), lease, slot
