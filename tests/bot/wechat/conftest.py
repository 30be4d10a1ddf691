"""A fake WeChat for each test."""

from collections.abc import Iterator

import pytest

from tests.servers.wechat import FakeWeChat


@pytest.fixture
def wechat() -> Iterator[FakeWeChat]:
    with FakeWeChat.serving() as wechat:
        yield wechat
