"""A fake Bot API server for each test."""

from collections.abc import Iterator

import pytest

from tests.servers.telegram import FakeTelegram


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram.serving() as fake:
        yield fake
