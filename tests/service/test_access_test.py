"""The access test of a lease: the customer stays within slot and power, or is told which reading does not."""

import pytest
from sqlmodel import Session, select

from satcom.core.database import Database
from satcom.core.entity import from_body
from satcom.core.errors import Refused, RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json
from satcom.service.access_test import record_access_test
from satcom.service.inventory import Service
from satcom.service.service_test import ServiceTest, ServiceTestState
from tests.enterprise.an_operator import an_operator, an_organization
from tests.service.a_lease import MHZ, a_lease_on_the_air
from tests.service.a_service import a_service

UNITS = {"lowEdge": "Hz", "highEdge": "Hz", "satelliteEirp": "dBW", "crossPolarIsolation": "dB"}


def a_leased_service(session: Session) -> tuple[Service, dict[str, Json]]:
    """The service, and readings that are as they should be."""
    an_operator(session)
    service, lease, slot = a_lease_on_the_air(session, an_organization(session).id)
    good: dict[str, Json] = {
        "lowEdge": slot.start_hz + MHZ,
        "highEdge": slot.stop_hz - MHZ,
        "satelliteEirp": lease.eirp_limit_dbw - 1,
        "crossPolarIsolation": 33,
    }
    return service, good


def a_test(service: Service, readings: dict[str, Json], **units: str) -> ServiceTest:
    measures: list[Json] = [
        {"metricName": name, "unitOfMeasure": (UNITS | units).get(name, "dB"), "value": {"name": name, "value": value}}
        for name, value in readings.items()
    ]
    body: dict[str, Json] = {
        "name": "Access test",
        "relatedService": {"id": service.id},
        "testSpecification": {"id": "access-test"},
        "testMeasure": measures,
    }
    return from_body(ServiceTest, body)


def test_carriers_within_slot_and_power_pass(database: Database) -> None:
    with database.as_worker() as session:
        service, good = a_leased_service(session)
        test = record_access_test(session, a_test(service, good), WORKER)
        assert (test.state, test.failures, test.party_id) == (ServiceTestState.COMPLETED, [], service.party_id)
        assert len(test.test_measure) == len(UNITS)


@pytest.mark.parametrize(
    ("reading", "by", "code"),
    [
        ("lowEdge", -2 * MHZ, "outsideSlot"),
        ("highEdge", 2 * MHZ, "outsideSlot"),
        ("satelliteEirp", 2.0, "tooStrong"),
        ("crossPolarIsolation", -4, "crossPolar"),
    ],
)
def test_a_reading_that_the_lease_does_not_allow_fails_and_is_kept(
    database: Database, reading: str, by: float, code: str
) -> None:
    with database.as_worker() as session:
        service, good = a_leased_service(session)
        before = good[reading]
        assert isinstance(before, int | float)
        test = record_access_test(session, a_test(service, good | {reading: before + by}), WORKER)
        assert test.state is ServiceTestState.FAILED
        assert [(one.metric, one.code) for one in test.failures] == [(reading, code)]
        [told] = [one for one in test.test_measure if one.rule_violation]
        assert (told.metric_name, told.rule_violation[0].name) == (reading, code)


def test_every_reading_is_asked_for_in_its_unit(database: Database) -> None:
    with database.as_worker() as session:
        service, good = a_leased_service(session)
        for readings, units, field in (
            ({name: value for name, value in good.items() if name != "lowEdge"}, {}, "/testMeasure"),
            (good | {"colour": 1}, {}, "/testMeasure/4/metricName"),
            (good | {"highEdge": "wide"}, {}, "/testMeasure/1/value/value"),
            (good, {"satelliteEirp": "W"}, "/testMeasure/2/unitOfMeasure"),
        ):
            with pytest.raises(Refused) as refused:
                record_access_test(session, a_test(service, readings, **units), WORKER)
            assert [one.field for one in refused.value.faults] == [field]
        assert session.exec(select(ServiceTest)).all() == []


def test_only_a_lease_that_waits_for_it_is_tested(database: Database) -> None:
    with database.as_worker() as session:
        service, good = a_leased_service(session)
        for other in (a_service(session), service):
            if other is service:
                service.state = type(service.state).ACTIVE
            with pytest.raises(RuleRefused) as refused:
                record_access_test(session, a_test(other, good), WORKER)
            assert refused.value.faults[0].code == "noAccessTest"
