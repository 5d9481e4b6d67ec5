"""The fixture `published`, and `--validation`, which writes the page that the fixture checks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.resource.physics.published import LINE, TESTS, Published, Section, page_of


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--validation", metavar="PAGE", help="run only what is held against references, and write PAGE")


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Iterator[Published]:
    """Holds the test's results against a published reference; its lines must be those of docs/validation.md."""
    comparisons = Published(f"{TESTS}/{request.path.name}", request.node.name, request.node.user_properties)
    yield comparisons
    if not request.config.getoption("validation", default=None):
        assert comparisons.of_the_page() == comparisons.lines, "make validation"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("validation", default=None):
        chosen = [one for one in items if "published" in getattr(one, "fixturenames", ())]
        config.hook.pytest_deselected(items=[one for one in items if one not in chosen])
        items[:] = chosen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    page = config.getoption("validation", default=None)
    if page and not terminalreporter.stats.get("failed") and not terminalreporter.stats.get("error"):
        found = [
            (Section[value[0]], value[1])
            for report in terminalreporter.getreports("passed")
            for name, value in report.user_properties
            if name == LINE
        ]
        Path(page).write_text(page_of(found), encoding="utf-8")
