"""For every test: property tests try the same examples each time, and how long one takes is no matter; and no secret
that the suite uses is shown by anything it does (`tests/leaks.py`)."""

import logging
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.leaks import SAID, leaked
from tests.servers.postgres import NoPostgres, postgres_server

settings.register_profile(
    "house", deadline=None, derandomize=True, database=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("house")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    root = logging.getLogger()
    root.addHandler(SAID)
    try:
        return (yield)
    finally:
        root.removeHandler(SAID)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "teardown":
        printed = [text for name, text in report.sections if not name.startswith("Captured log")]
        if found := sorted(leaked([*printed, *SAID.taken()])):
            report.outcome = "failed"
            report.longrepr = f"{len(found)} secrets were shown, the first {found[0][:4]}…: see tests/leaks.py"
    return report


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, the same for all tests: each makes a database of its own there."""
    try:
        with postgres_server() as url:
            yield url
    except NoPostgres as reason:
        pytest.skip(f"not tested on PostgreSQL: {reason}")
