"""Planned manoeuvres with whom they concern: the services that the satellite carries while it burns.

A service that goes over one satellite is named. Those over a constellation are counted: its satellites carry them in
turn, and who carries whom at an instant is a plan of the day (`service.serving_satellite`). What is not in service by
the inventory, as an order that is still being delivered, is nobody's path and concerned by nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, func, or_, select

from satcom.core.security import CUSTOMER_ROLE
from satcom.core.values import Json
from satcom.resource.constellation import Constellation
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.physics.manoeuvre import Manoeuvre
from satcom.resource.planned_manoeuvre import manoeuvre_body, manoeuvre_entry
from satcom.resource.satellite import Satellite
from satcom.service.inventory import Service, ServicePath

NAMED = 20  # in an entry of a calendar; an answer has all


@dataclass(frozen=True)
class CarriedService:
    """A service, and whose it is."""

    id: str
    name: str
    customer: str


@dataclass(frozen=True)
class PlannedManoeuvre:
    """A burn, its satellite, and whom it concerns. `in_turn` are the ids of services over its constellation."""

    manoeuvre: Manoeuvre
    satellite: Satellite
    services: Sequence[CarriedService]
    in_turn: frozenset[str] = field(default_factory=frozenset)

    def concerns(self, service_id: str) -> bool:
        return service_id in self.in_turn or any(one.id == service_id for one in self.services)

    def body(self) -> dict[str, Json]:
        told: dict[str, Json] = {"kind": "manoeuvre", "at": self.satellite.name}
        told |= manoeuvre_body(self.manoeuvre, self.satellite)
        told["services"] = [{"id": one.id, "name": one.name, "customer": one.customer} for one in self.services]
        if self.satellite.constellation is not None:
            told["constellation"] = self.satellite.constellation
            told["servicesInTurn"] = len(self.in_turn)
        return told

    def concerned(self, most: int = NAMED) -> str:
        """Whom it concerns in words; nothing where it concerns nobody."""
        if self.in_turn:
            several = "" if len(self.in_turn) == 1 else "s"
            return f"{len(self.in_turn)} service{several} of {self.satellite.constellation} in turn"
        more = f" and {len(self.services) - most} more" if len(self.services) > most else ""
        return ", ".join(f"{one.name} ({one.customer})" for one in self.services[:most]) + more

    def entry(self) -> CalendarEntry:
        whom = self.concerned()
        return manoeuvre_entry(self.manoeuvre, self.satellite, f"it concerns {whom}" if whom else "it concerns nobody")


def planned_manoeuvres(session: Session, burns: Sequence[tuple[Manoeuvre, Satellite]]) -> list[PlannedManoeuvre]:
    """Each once, by ignition, with whom it concerns. One statement, however many burns."""
    in_order = sorted(dict.fromkeys((one, satellite.id) for one, satellite in burns), key=lambda each: each[0].ignition)
    by_id = {satellite.id: satellite for _, satellite in burns}
    carried = _carried(session, [one for one, _ in in_order], by_id.values()) if in_order else []
    return [_planned(one, by_id[satellite_id], carried) for one, satellite_id in in_order]


def _carried(
    session: Session, burns: Sequence[Manoeuvre], satellites: Collection[Satellite]
) -> Sequence[tuple[ServicePath, str | None, Service]]:
    """Every path over the satellites or their constellations while any burns: its constellation, its service."""
    constellations = {one.constellation.lower() for one in satellites if one.constellation is not None}
    of_it = func.lower(col(Constellation.name))
    query = (
        select(ServicePath, of_it, Service)
        .join(Service, col(Service.id) == col(ServicePath.service_id))
        .outerjoin(Constellation, col(Constellation.id) == col(ServicePath.constellation_id))
        .where(or_(col(ServicePath.satellite_id).in_([one.id for one in satellites]), of_it.in_(constellations)))
        .where(col(ServicePath.start_at) <= max(one.end for one in burns))
        .where(or_(col(ServicePath.stop_at).is_(None), col(ServicePath.stop_at) > burns[0].ignition))
        .order_by(col(Service.name), col(Service.id))
    )
    return session.exec(query).all()


def _planned(
    one: Manoeuvre, satellite: Satellite, carried: Sequence[tuple[ServicePath, str | None, Service]]
) -> PlannedManoeuvre:
    meanwhile = [
        each
        for each in carried
        if each[0].start_at <= one.end and (each[0].stop_at is None or each[0].stop_at > one.ignition)
    ]
    if satellite.constellation is not None:
        in_turn = (path.service_id for path, name, _ in meanwhile if name == satellite.constellation.lower())
        return PlannedManoeuvre(one, satellite, (), frozenset(in_turn))
    over = {service.id: service for path, _, service in meanwhile if path.satellite_id == satellite.id}
    services = [CarriedService(each.id, each.name or each.id, _customer(each)) for each in over.values()]
    return PlannedManoeuvre(one, satellite, services)


def _customer(service: Service) -> str:
    customers = [one.name or one.id for one in service.related_party if (one.role or "").lower() == CUSTOMER_ROLE]
    return str(customers[0]) if customers else ""
