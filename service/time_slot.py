"""Time slots: when the installer of an order could come. Words: TMF646; the task is done when it is answered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from sqlmodel import Field, Session

from satcom.core.clock import now
from satcom.core.entity import INSTANT, Entity, JsonOf, state_type, tmf
from satcom.core.errors import RuleRefused
from satcom.core.life_cycle import LifeCycle
from satcom.core.security import Capability, Principal
from satcom.core.tmf_api import TmfRoutes
from satcom.core.values import Reference, RelatedParty, TimePeriod, Value
from satcom.service.appointment import INSTALLER, free_visits, installation_named, why_not_appointed
from satcom.service.installation import Installation, InstallationState
from satcom.supplychain.installer import Installer, Visit

MOST: Final = 100
LOOKED_AHEAD: Final = timedelta(days=14)  # where nothing is asked for
FOUND, NONE_FREE = "success", "fail"


class SearchStatus(StrEnum):
    """TMF646 `SearchTimeSlotStateType`; what is answered at once is done."""

    DONE = "done"


class TimeSlot(Value):
    """A visit that is free, and whose."""

    id: str | None = None
    valid_for: TimePeriod
    related_party: RelatedParty | None = None


class SearchTimeSlot(Entity, table=True):
    """What is free for an order, within the periods that are asked for; what is told here is not held."""

    __tablename__ = "search_time_slot"

    search_date: datetime = Field(default_factory=now, sa_type=INSTANT)
    search_result: str | None = Field(default=None, max_length=40)
    status: SearchStatus = Field(default=SearchStatus.DONE, sa_type=state_type(SearchStatus))
    related_entity: list[Reference] = Field(default_factory=list, sa_type=JsonOf(list[Reference]))
    related_party: RelatedParty | None = Field(default=None, sa_type=JsonOf(RelatedParty))
    requested_time_slot: list[TimeSlot] = Field(default_factory=list, sa_type=JsonOf(list[TimeSlot]))
    available_time_slot: list[TimeSlot] = Field(default_factory=list, sa_type=JsonOf(list[TimeSlot]))

    api: ClassVar = tmf("TMF646", "SearchTimeSlot", Capability.READ_APPOINTMENTS)
    state_field: ClassVar[str] = "status"
    life_cycle: ClassVar = LifeCycle(SearchStatus, start=("done",))


def search_time_slots(session: Session, search: SearchTimeSlot, by: Principal) -> SearchTimeSlot:
    """Say when the installer could come, the soonest first.

    Raises `Refused` without an order that is installed on site, `RuleRefused` where nothing is to be appointed.
    """
    installation = installation_named(session, search.related_entity)
    if installation.state not in (InstallationState.AWAITED, InstallationState.APPOINTED):
        why = why_not_appointed(installation)
        raise RuleRefused("/relatedEntity/0/id", why, installation.state, InstallationState.AWAITED)
    found: dict[tuple[datetime, datetime], Installer] = {}
    for since, until in _periods(search.requested_time_slot, installation):
        for visit, _ in free_visits(session, installation, since, until):
            found.setdefault((visit.start_at, visit.stop_at), visit.installer)
    free = [Visit(found[period], *period) for period in sorted(found)[:MOST]]
    search.available_time_slot = [_told(number, visit) for number, visit in enumerate(free, start=1)]
    search.search_result = FOUND if free else NONE_FREE
    search.search_date, search.party_id = now(), installation.party_id
    session.add(search)
    session.flush()
    return search


def forget_search(session: Session, search: SearchTimeSlot, by: Principal) -> None:
    """Nothing was held, and nothing rests on it. Another party's is not found."""
    session.delete(search)
    session.flush()


def _periods(asked: Sequence[TimeSlot], installation: Installation) -> list[tuple[datetime, datetime]]:
    """The periods to look in: what is left open is from now on, and as long as it is waited for."""
    if not asked:
        return [(now(), now() + LOOKED_AHEAD)]
    periods = [one.valid_for for one in asked[:MOST]]
    return [
        (one.start_date_time or now(), one.end_date_time or installation.latest_at or now() + LOOKED_AHEAD)
        for one in periods
    ]


def _told(number: int, visit: Visit) -> TimeSlot:
    comes = {
        "id": visit.installer.id,
        "name": visit.installer.name,
        "role": INSTALLER,
        "@referredType": "Installer",
    }
    period = TimePeriod(start_date_time=visit.start_at, end_date_time=visit.stop_at)
    return TimeSlot(id=str(number), valid_for=period, related_party=RelatedParty.model_validate(comes))


routes = TmfRoutes(SearchTimeSlot)
routes.post(search_time_slots, may=Capability.READ_APPOINTMENTS)
routes.delete(forget_search, may=Capability.READ_APPOINTMENTS)
