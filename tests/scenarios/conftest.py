"""One running operator for each file of scenarios."""

from collections.abc import Iterator

import pytest

from tests.scenarios.a_running_operator import LoadedOperator, RunningOperator, a_running_operator


@pytest.fixture(scope="module")
def operator(loaded: LoadedOperator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOperator]:
    with a_running_operator(loaded, tmp_path_factory.mktemp("operator")) as running:
        yield running
