"""The demonstration network as facts, for tests of what is designed from nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

from satcom.core.clock import clock
from satcom.core.database import Database
from satcom.service.design.inputs import Inputs
from satcom.service.qualification import design
from tests.postgres_server import drop_database, new_database
from tests.service.shared_carriers import load_pools, the_access
from tests.service.the_demonstration import ORDERED_AT, load_the_network, the_demand


@contextmanager
def the_demonstration_facts(template: str, with_pools: bool = False) -> Iterator[Inputs]:
    """Read once from a database of its own; nothing below them reads the database."""
    url = new_database(template)
    database = Database(url, connections=2)
    with clock.at(ORDERED_AT), database.as_worker() as session:
        load_the_network(session)
        if with_pools:
            load_pools(session)
        whole = design(session, the_access() if with_pools else the_demand()).inputs
    yield whole
    database.close()
    drop_database(url)
