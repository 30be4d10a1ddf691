"""`httpx.get` and `httpx.post` for tests: httpx's five seconds are another machine's."""

from typing import Any

import httpx

from tests.waiting import LONG


def get(url: str, **more: Any) -> httpx.Response:
    return httpx.get(url, timeout=LONG, **more)


def post(url: str, **more: Any) -> httpx.Response:
    return httpx.post(url, timeout=LONG, **more)
