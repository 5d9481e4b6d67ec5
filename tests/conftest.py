"""What all tests share: a real PostgreSQL for the session, and a fresh database for each test that asks for one."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine

from satcom.app import declarations
from satcom.app.cli import GARBAGE_AFTER
from satcom.core.database import Database
from satcom.core.schema import create_declared
from tests.postgres_server import chosen_server, new_database, renewed_database
from tests.scenarios.a_running_operator import LoadedOperator, a_loaded_operator

EVERY_ONE = "SATCOM_TEST_EVERY_DATABASE" in os.environ
AT_LENGTH = "SATCOM_TEST_AT_LENGTH" in os.environ
gc.disable()  # until everything is imported
ONE_SERVER = {
    "app",
    "benchmarks",
    "contract",
    "crash",
    "deploy",
    "hardening",
    "market",
    "operations",
    "scenarios",
    "service",
}
BOTH_SERVERS = {"test_om6_change.py"}  # orders, changes and ends

# no test is about time: a property that is slow on a busy machine is as true as a fast one
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The maintenance URL of a throw-away server."""
    with chosen_server() as url:
        yield url


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """A database with the whole schema and no rows, to be copied."""
    assert declarations.ROUTES  # importing it declared every table
    engine = create_engine(new_database(postgres))
    with engine.begin() as connection:
        create_declared(connection)
    engine.dispose()
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def standing_database(template: str) -> Database:
    """Ways into one database, made once: a statement that one test has compiled serves the next.

    A connection for each thread that any test has: who waits for one gives up after half a minute, and a transaction
    of four others takes that long on a machine that is busy enough.
    """
    return Database(new_database(template), connections=16)


@pytest.fixture
def database(template: str, standing_database: Database) -> Iterator[Database]:
    """An empty operator's database."""
    renewed_database(standing_database.url, template)
    yield standing_database
    standing_database.close()  # its connections; it opens others when it is asked again


@pytest.fixture(scope="session")
def loaded(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> LoadedOperator:
    """The demonstration operator as the program's own commands load it, to be copied."""
    return a_loaded_operator(postgres, tmp_path_factory.mktemp("loaded"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What shows whether the layers can live on a PostgreSQL is run on both servers: `pytest -m database`.

    That is the core with the queue, what guards stock and spectrum, and two scenarios from the order to the bill. What
    says more of the business than of the server is run once: it takes long. `make soak` runs every one on both.

    What is marked `at_length` says of every case what another test says of some: only `make soak` runs it.
    """
    if not AT_LENGTH:
        left_out = [item for item in items if item.get_closest_marker("at_length")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        once = bool(ONE_SERVER & set(item.path.parts)) and item.path.name not in BOTH_SERVERS
        if "postgres" in getattr(item, "fixturenames", ()) and (EVERY_ONE or not once):
            item.add_marker(pytest.mark.database)


def pytest_collection_finish() -> None:
    """What was imported stays until the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test has to show when it passes, too: its property `histogram`."""
    for shown in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in shown.user_properties:
            if name == "histogram" and shown.when == "call":
                terminalreporter.section(shown.nodeid)
                terminalreporter.write_line(value)
