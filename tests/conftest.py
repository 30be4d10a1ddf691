"""For every test: property tests try the same examples each time, and how long one takes is no matter; and no secret
that the suite uses is shown by anything it does (`tests/leaks.py`)."""

import logging
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.leaks import SAID, leaked

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
