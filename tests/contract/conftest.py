"""A running operator for whoever asks of the API what nobody thought of."""

from collections.abc import Iterator

import pytest

from tests.contract.what_exists import Existing, what_exists
from tests.scenarios.a_running_operator import LoadedOperator, RunningOperator, a_running_operator


@pytest.fixture(scope="module")
def operator(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOperator]:
    with a_running_operator(loaded, tmp_path_factory.mktemp("operator")) as running:
        running.delivered()  # so that there are bills, service orders and flows to read
        yield running


@pytest.fixture(scope="module")
def existing(operator: RunningOperator) -> Existing:
    """One of everything that can be made, and its id."""
    return what_exists(operator)
