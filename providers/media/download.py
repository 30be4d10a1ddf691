"""Downloads from addresses that others gave us."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → every IP address of the name, as text. Raises OSError where there is none."""


class Downloader:
    """One per event loop; safe for many downloads at once; `aclose` when done."""

    def __init__(
        self,
        *,
        trusted_origins: frozenset[tuple[str, int]] = frozenset(),
        max_bytes: int = 20 * 1024 * 1024,
        timeout: float = 60.0,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        raise NotImplementedError

    async def download(
        self, url: str, *, given_by: Literal["person", "provider"], max_bytes: int | None = None
    ) -> bytes:
        """The body of `url` (http, https or data:)."""
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError
