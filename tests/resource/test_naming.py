"""Which resource is meant by what somebody types."""

import pytest
from sqlalchemy import event

from satcom.core.database import Database
from satcom.core.entity import checked
from satcom.core.errors import Refused, RuleRefused
from satcom.core.loading import loaded_id
from satcom.resource.naming import NotThere, resources_called
from satcom.resource.satellite import Satellite
from satcom.resource.transponder_spectrum import transponder_called
from tests.resource.a_network import a_satellite, a_transponder


def test_an_id_a_name_and_the_id_of_a_file_mean_the_same_one_in_one_statement(database: Database) -> None:
    with database.as_worker() as session:
        one, other = a_satellite(session), a_satellite(session)
        other.name, other.id = "Othersat", loaded_id("Satellite", "sat-other")
        session.flush()
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *told: asked.append(str(told[2])))
        names = ["OTHERSAT", "testsat", one.id.upper(), "sat-other", "Othersat"]
        assert resources_called(session, Satellite, names, "satelliteId") == [other, one]
        assert len(asked) == 1


def test_each_name_that_nothing_has_is_told_with_those_there_are(database: Database) -> None:
    with database.as_worker() as session:
        with pytest.raises(NotThere) as empty:
            resources_called(session, Satellite, ["Testsat"], "satelliteId")
        a_satellite(session)
        with pytest.raises(NotThere) as refused:
            resources_called(session, Satellite, ["Sputnik", "Testsat", "a\0b"], "satelliteId")
    assert empty.value.faults[0].accepted == "there is none"
    assert [one.why for one in refused.value.faults] == [
        "there is no satellite 'Sputnik'",
        "there is no satellite 'a\\x00b'",
    ]
    assert refused.value.faults[0].accepted == "an id, Testsat"


def test_a_name_of_several_means_none_of_them_until_it_says_more(database: Database) -> None:
    with database.as_worker() as session:
        one = a_transponder(session)
        second = checked(Satellite, {"name": "Othersat", "orbital_longitude_deg": 3.0})
        session.add(second)
        session.flush()
        other = a_transponder(session, satellite=second)
        assert transponder_called(session, "othersat ku 1v") == other
        assert transponder_called(session, one.id) == one
        with pytest.raises(RuleRefused, match="2 are called 'Ku 1V'") as several:
            transponder_called(session, "Ku 1V")
        assert several.value.faults[0].accepted == "Othersat Ku 1V, Testsat Ku 1V"
        with pytest.raises(Refused, match="there is no transponder 'Ku 2V'"):
            transponder_called(session, "Ku 2V")
