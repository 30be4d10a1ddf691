"""For every test: property tests try the same examples each time, and how long one takes is no matter; and no secret
that the suite uses is shown by anything it does (`tests/leaks.py`)."""

import logging
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import chain, islice
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.leaks import SAID, TESTS, leaked
from tests.servers.postgres import NoPostgres, postgres_server

settings.register_profile(
    "house", deadline=None, derandomize=True, database=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("house")

LONGEST = (
    ("browser/",),
    ("kill/", "test_end_to_end"),
    ("bot/test_cli", "bot/test_two", "providers/embedded/test_pro"),
    ("bot/telegram/", "bot/wechat/", "bot/wecom"),
)
"""Files whose tests wait for programs, browsers and platforms; what shares a browser stays in one process."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Of processes that collect all tests side by side each begins at another file: what one has compiled, the others
    find compiled."""
    worker: dict[str, Any] | None = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    files = sorted(TESTS.rglob("test_*.py"))
    first = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for file in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception):  # told when it is collected
            import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of processes that test side by side each is given the next equal share of the tests: they begin with the tests
    that wait the longest, so that none of these is the last to end."""
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        return
    shares: list[list[pytest.Item]] = [[] for _ in range(worker["workercount"])]
    others: list[pytest.Item] = []
    for item in items:
        place = item.nodeid.removeprefix("tests/")
        group = next((n for n, group in enumerate(LONGEST) if place.startswith(group)), None)
        (others if group is None else shares[group % len(shares)]).append(item)
    rest = iter(others)
    for n, share in enumerate(shares):
        end = len(items) * (n + 1) // len(shares) - len(items) * n // len(shares)
        share.extend(islice(rest, max(0, end - len(share))))
    items[:] = [*chain(*shares), *rest]


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
