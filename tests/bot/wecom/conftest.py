"""A fake WeCom in callback mode for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.wecom_chat import FakeWeCom


@pytest.fixture
async def wecom() -> AsyncIterator[FakeWeCom]:
    async with FakeWeCom.serving() as wecom:
        yield wecom
