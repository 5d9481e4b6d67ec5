"""A service that is in use becomes another: what it promises, what carries it, from when on.

It stays active throughout; only its path in time tells when the one way ended and the other began. Words: TMF638.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from satcom.core.database import find, find_for_update
from satcom.core.values import Characteristic, Reference
from satcom.service.catalog import ServiceSpecification, validate_characteristics
from satcom.service.inventory import Service, begin_path
from satcom.service.solution import Chosen, PartnerSolution


def changed_characteristics(
    session: Session, service: Service, asked: Sequence[Characteristic]
) -> list[Characteristic]:
    """The service's characteristics as they are asked for: those that it knows, complete.

    Raises `Refused` with every fault.
    """
    specification = find(session, ServiceSpecification, service.service_specification.id)
    known = {one.name for one in specification.spec_characteristic}
    return validate_characteristics(specification, [one for one in asked if one.name in known])


def change_service(
    session: Session,
    service_id: str,
    order_id: str,
    at: datetime,
    solution: Chosen,
    characteristics: Sequence[Characteristic],
    resources: Sequence[Reference],
) -> Service:
    """From `at` on the service is as `order_id` has it, over the path of `solution`; a partner's path is not ours.

    Doing it again does nothing.
    """
    service = find_for_update(session, Service, service_id)
    if service.order_id == order_id:
        return service
    service.order_id = order_id
    service.service_characteristic = changed_characteristics(session, service, characteristics)
    service.supporting_resource = list(resources)
    session.add(service)
    session.flush()
    if not isinstance(solution, PartnerSolution):
        begin_path(session, service, at, solution)
    return service
