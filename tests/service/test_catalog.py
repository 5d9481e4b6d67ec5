"""The service catalogue."""

import pytest
from sqlalchemy import event

from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Characteristic
from satcom.enterprise.catalog_entry import revise
from satcom.resource.catalog import NetworkNeed
from satcom.service.catalog import capacity_of, resources_of, validate_characteristics
from tests.enterprise.an_operator import an_operator
from tests.market.a_catalogue import a_service_specification
from tests.resource.a_resource_catalogue import a_resource_specification, built_from


def test_a_service_takes_what_its_specification_allows(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        specification = a_service_specification(session)
    (rate,) = validate_characteristics(specification, [Characteristic(name="rate", value=256)])
    assert (rate.value, rate.value_type) == (256, "integer")
    with pytest.raises(Refused) as refused:
        validate_characteristics(specification, [Characteristic(name="speed", value=1)], "/item/0")
    assert {fault.field for fault in refused.value.faults} == {"/item/0/0/name", "/item/0"}


def test_a_specification_that_contradicts_itself_is_refused(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(RuleRefused) as refused:
            a_service_specification(session, specCharacteristic=[{"name": "a"}, {"name": "a"}])
    assert [fault.field for fault in refused.value.faults] == [
        "/specCharacteristic/0/name",
        "/specCharacteristic/1/name",
    ]


def test_a_specification_lives_from_study_to_retirement(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        specification = a_service_specification(session, lifecycleStatus="In study")
        for status in ("In design", "In test", "In design", "In test", "Active", "Launched", "Retired", "Obsolete"):
            revise(session, specification, {"lifecycleStatus": status}, WORKER)
            assert specification.lifecycle_status == status


def test_nothing_is_catalogued_before_there_is_an_operator(database: Database) -> None:
    with database.as_worker() as session, pytest.raises(RuleRefused, match="no operator"):
        a_service_specification(session)


@pytest.mark.parametrize(
    ("needs", "code"),
    [
        ((NetworkNeed.CARRIERS,), "wrongResources"),
        ((NetworkNeed.CARRIERS, NetworkNeed.TERMINAL), "wrongResources"),
        ((NetworkNeed.POOL_SHARE,), "wrongResources"),
        ((NetworkNeed.LEASED_SPECTRUM, NetworkNeed.TERMINAL), "wrongResources"),
        ((NetworkNeed.CONSTELLATION_SHARE, NetworkNeed.TERMINAL), "wrongResources"),
        ((NetworkNeed.CARRIERS, NetworkNeed.LEASED_SPECTRUM), "severalCapacities"),
    ],
)
def test_a_service_that_could_not_be_delivered_and_tested_is_not_described(
    database: Database, needs: tuple[NetworkNeed, ...], code: str
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        with pytest.raises(RuleRefused) as refused:
            a_service_specification(session, resourceSpecification=built_from(session, *needs))
    assert [(one.field, one.code) for one in refused.value.faults] == [("/resourceSpecification", code)]


def test_what_a_service_needs_of_the_network_is_read_in_one_statement(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        needs = (NetworkNeed.CARRIERS, NetworkNeed.HUB_PORT, NetworkNeed.TERMINAL)
        specification = a_service_specification(session, resourceSpecification=built_from(session, *needs))
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(str(told[2])))
        assert capacity_of(session, specification) is NetworkNeed.CARRIERS
        assert resources_of(session, specification) == set(needs)
    assert len(asked) == 2


def test_a_resource_that_a_service_needs_is_not_retired_and_one_that_there_is_not_is_not_named(
    database: Database,
) -> None:
    with database.as_worker() as session:
        an_operator(session)
        lease = a_resource_specification(session, NetworkNeed.LEASED_SPECTRUM)
        specification = a_service_specification(session, resourceSpecification=[{"id": lease.id}])
        assert capacity_of(session, specification) is NetworkNeed.LEASED_SPECTRUM
        with pytest.raises(RuleRefused) as refused:
            revise(session, lease, {"lifecycleStatus": "Retired"}, WORKER)
        assert refused.value.faults[0].code == "inUse"
        with pytest.raises(RuleRefused) as refused:
            a_service_specification(session, resourceSpecification=[{"id": new_id()}])
        assert [one.field for one in refused.value.faults] == ["/resourceSpecification/0/id"]
