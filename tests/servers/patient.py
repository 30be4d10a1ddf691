"""`httpx.get` and `httpx.post` for tests: httpx's five seconds are another machine's."""

from typing import Any

import httpx

from providers.net.certificates import trusted
from tests.waiting import LONG


def get(url: str, **more: Any) -> httpx.Response:
    return httpx.get(url, verify=trusted(), timeout=LONG, **more)


def post(url: str, **more: Any) -> httpx.Response:
    return httpx.post(url, verify=trusted(), timeout=LONG, **more)
