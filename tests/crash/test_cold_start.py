"""A process that has just started answers its first customers, who come together, as it answers all others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from satcom.core.database import Database
from satcom.service.design.facts import Assumptions
from satcom.service.design.payloads import payloads
from satcom.service.design.reading import read_fleet, read_occupancy
from satcom.service.design.solving import decide
from satcom.service.design.survey import survey
from satcom.service.qualification import qualify
from tests.enterprise.an_operator import an_operator
from tests.service.the_demonstration import load_the_network, the_demand

AT = datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_a_survey_is_laid_out_though_somebody_else_worked_out_the_payloads_meanwhile(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        load_the_network(session)
        fleet = read_fleet(session, AT)
        found = survey(fleet, the_demand(), "CD", AT)
        occupancy = read_occupancy(session, found.transponder_ids, found.hub_ids, found.period)
        payloads.cache_clear()
        assert decide(found, the_demand(), occupancy, Assumptions()).solutions


def test_the_first_customers_all_get_the_same_answer(database: Database) -> None:
    with database.as_worker() as session:
        an_operator(session)
        load_the_network(session)
    payloads.cache_clear()

    def ask(_: int) -> list[str]:
        with database.as_worker() as session:
            return [one.terminal_type_name for one in qualify(session, the_demand()).to_sites]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert answers[0]
    assert answers == [answers[0]] * 4
