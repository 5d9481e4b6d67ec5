"""A pool has what its resources have, and what is asked of it is free when it says so."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from satcom.core.clock import now
from satcom.core.database import Database
from satcom.core.entity import from_body, new_id, wire
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, instant_text
from satcom.resource.inventory import withdraw
from satcom.resource.pool.availability_check import AvailabilityCheck, check_availability
from satcom.resource.pool.resource_pool import (
    Extract,
    Push,
    ResourcePool,
    extract,
    form_pool,
    patch_pool,
    push,
    tell_capacity,
)
from satcom.resource.reservation import Reservation
from satcom.resource.reservation_by_hand import hold_by_hand
from satcom.resource.resource import Resource
from tests.enterprise.an_operator import an_operator, an_organization
from tests.resource.a_network import MHZ, a_hub, a_satellite, a_transponder

PERIOD: Json = {"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2028-01-01T00:00:00Z"}


def named(resource: Resource) -> Json:
    return {"id": resource.id, "@referredType": type(resource).__name__}


def a_pool(session: Session, *resources: Resource) -> ResourcePool:
    body: Json = {"description": "Ku Africa", "resource": [named(one) for one in resources]}
    return form_pool(session, from_body(ResourcePool, body), WORKER)


def amount(number: int, of: str = "bandwidthHz") -> Json:
    return {"capacityAmount": {"capacityAmount": str(number)}, "capacitySpec": {"id": of}}


def asked(session: Session, number: int, pool: ResourcePool) -> AvailabilityCheck:
    body: Json = {"resourcePool": {"id": pool.id}, "capacityDemand": amount(number), "requestedPeriod": PERIOD}
    return check_availability(session, from_body(AvailabilityCheck, body), WORKER)


def held(session: Session, *items: Json) -> Reservation:
    party: Json = [{"id": an_organization(session).id, "@referredType": "Organization"}]
    body: Json = {
        "relatedParty": party,
        "reservationItem": list(items),
        "reservationPeriod": PERIOD,
        "validFor": {"endDateTime": instant_text(now() + timedelta(days=7))},
    }
    return hold_by_hand(session, from_body(Reservation, body), WORKER)


def from_the_pool(pool: ResourcePool, number: int) -> Json:
    of: Json = [{"id": pool.id, "role": "of", "@referredType": "ResourcePool"}]
    return {"relatedEntity": of, "capacityDemand": amount(number)}


def capacity(session: Session, pool: ResourcePool) -> dict[str, int]:
    body: dict[str, Any] = {**wire(pool)}
    tell_capacity(session, [body])
    return {one["capacitySpec"]["id"]: int(one["capacityAmount"]["capacityAmount"]) for one in body["capacity"]}


def test_what_a_pool_has_left_is_what_was_not_reserved_from_it(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        wide, narrow = a_transponder(session, 54 * MHZ), a_transponder(session, 36 * MHZ)
        pool = a_pool(session, wide, narrow)
        before = capacity(session, pool)
        assert before["bandwidthHz"] == 90 * MHZ
        assert asked(session, 40 * MHZ, pool).available
        assert not asked(session, 60 * MHZ, pool).available

        reservation = held(session, from_the_pool(pool, 30 * MHZ))
        [item] = reservation.reservation_item
        assert [one.id for one in item.related_entity] == [narrow.id, pool.id]  # the tightest; the wide one stays wide
        assert capacity(session, pool)["freeAtOnceBandwidthHz"] == before["freeAtOnceBandwidthHz"]
        assert capacity(session, pool)["freeBandwidthHz"] <= before["freeBandwidthHz"] - 30 * MHZ

        answer = asked(session, 30 * MHZ, pool)
        assert [one.resource.id for one in answer.available_resource] == [wide.id]
        held(session, from_the_pool(pool, 30 * MHZ))
        assert not asked(session, 30 * MHZ, pool).available
        with pytest.raises(RuleRefused, match="not free") as refused:
            held(session, from_the_pool(pool, 30 * MHZ))
        assert refused.value.faults[0].code == "noRoomInPool"
        assert refused.value.faults[0].field == "/reservationItem/0/capacityDemand"


def test_a_check_holds_nothing(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        pool = a_pool(session, a_transponder(session))
        before = capacity(session, pool)
        assert asked(session, 10 * MHZ, pool).available
        assert capacity(session, pool) == before


def test_a_resource_is_in_one_pool_which_is_of_one_kind(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        pooled, hub = a_transponder(session), a_hub(session)
        pool, other = a_pool(session, pooled), a_pool(session)
        old = a_transponder(session, satellite=a_satellite(session, state="endOfLife"))

        def pushed(into: ResourcePool, *resources: Json) -> None:
            body: Json = {"resourcePool": {"id": into.id}, "resource": list(resources)}
            push(session, from_body(Push, body), WORKER)

        refused: list[tuple[ResourcePool, Json, str]] = [
            (other, named(pooled), "pooled"),
            (pool, named(hub), "wrongKind"),
            (other, named(old), "satelliteNotInService"),
            (other, {"id": new_id(), "@referredType": "Hub"}, "notFound"),
            (other, {"id": pooled.satellite_id, "@referredType": "Satellite"}, "notInEnumeration"),
        ]
        for into, resource, code in refused:
            with pytest.raises(Refused) as told:
                pushed(into, resource)
            assert told.value.faults[0].code == code
        pushed(other, named(hub))
        assert other.kind is type(hub)
        with pytest.raises(RuleRefused, match="it is in the pool"):
            withdraw(session, hub, WORKER)


def test_what_is_extracted_may_go_into_another_pool_and_stays_reserved(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        one, other = a_transponder(session), a_transponder(session)
        pool = a_pool(session, one, other)
        reservation = held(session, from_the_pool(pool, 10 * MHZ))
        body: dict[str, Json] = {"resourcePool": {"id": pool.id}, "resource": [named(one)]}
        extract(session, from_body(Extract, body), WORKER)
        assert [left.id for left in pool.resource] == [other.id]
        assert reservation.reservation_item[0].state == "held"
        with pytest.raises(RuleRefused, match="is not in"):
            extract(session, from_body(Extract, body), WORKER)
        assert a_pool(session, one).resource[0].id == one.id
        with pytest.raises(RuleRefused, match="pushed into a pool"):
            patch_pool(session, pool, {"resource": []}, WORKER)
        assert patch_pool(session, pool, {"description": "Ku north"}, WORKER).description == "Ku north"
        with pytest.raises(Refused) as refused:
            from_body(ResourcePool, {"description": "Ku", "capacity": []})
        assert refused.value.faults[0].field == "/capacity"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"capacityDemand": amount(1, "hubPorts")}, "/capacityDemand/capacitySpec/id"),
        ({"capacityDemand": amount(0)}, "/capacityDemand/capacityAmount/capacityAmount"),
        ({"requestedPeriod": {"endDateTime": "2030-01-01T00:00:00Z"}}, "/requestedPeriod/startDateTime"),
        ({"resource": {"id": "x", "@referredType": "Hub"}}, "/resourcePool"),
        ({"resourcePool": {"id": "none"}}, "/resourcePool/id"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_its_place(
    database: Database, wrong: dict[str, Json], field: str
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        pool = a_pool(session, a_transponder(session))
        body: dict[str, Json] = {"resourcePool": {"id": pool.id}, "capacityDemand": amount(1)}
        body |= {"requestedPeriod": PERIOD} | wrong
        with pytest.raises(Refused) as refused:
            check_availability(session, from_body(AvailabilityCheck, body), WORKER)
        assert refused.value.faults[0].field == field
