"""Hub ports: given lowest first, each to one link at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from satcom.core.database import Database
from satcom.core.entity import checked, new_id
from satcom.core.errors import NotFound, Refused
from satcom.resource.hub import Hub, HubPortAssignment, free_ports, lowest_free_port
from tests.resource.a_network import YEAR_2027, YEAR_2028, a_hub, an_owner, tomorrow
from tests.resource.held_alone import hold_port


@given(ports=st.integers(0, 12), taken=st.sets(st.integers(1, 15)))
def test_the_lowest_port_that_is_free_is_given(ports: int, taken: set[int]) -> None:
    free = set(range(1, ports + 1)) - taken
    assert lowest_free_port(ports, taken) == (min(free) if free else None)


def test_a_port_is_free_again_after_its_period(database: Database) -> None:
    with database.as_worker() as session:
        hub, other = a_hub(session, ports=2), a_hub(session, ports=5)
        numbers = [
            hold_port(session, hub.id, period, an_owner(), tomorrow()).port_number
            for period in (YEAR_2027, YEAR_2028, YEAR_2027)
        ]
        assert numbers == [1, 1, 2]
        assert free_ports(session, [other.id, hub.id], YEAR_2027).tolist() == [5, 0]
        assert free_ports(session, [hub.id, new_id()], YEAR_2028).tolist() == [1, 0]


def test_the_database_refuses_a_port_given_twice(database: Database) -> None:
    with database.as_worker() as session:
        port = hold_port(session, a_hub(session).id, YEAR_2027, an_owner(), tomorrow())
    twin = HubPortAssignment(
        name="twin", hub_id=port.hub_id, port_number=1, start_at=port.start_at, hold_until=tomorrow()
    )
    with pytest.raises(IntegrityError, match="port_is_given_once"), database.as_worker() as session:
        session.add(twin)


def test_a_hub_that_is_not_there_or_cannot_be_is_refused(database: Database) -> None:
    with database.as_worker() as session, pytest.raises(NotFound):
        hold_port(session, new_id(), YEAR_2027, an_owner(), tomorrow())
    with pytest.raises(Refused) as refused:
        checked(Hub, {"name": "H", "earth_station_id": new_id(), "ports": -1})
    assert refused.value.faults[0].field == "/resourceCharacteristic/ports"
