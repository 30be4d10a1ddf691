"""The HTTP client of one service: reads are patient and repeatable; a submit is sent once, its outcome classified."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from providers.errors import LikenessError, TellOperator, WaitAndRetry
from providers.net.certificates import trusted
from providers.net.events import MEDIA_TYPE, events
from providers.net.lean import LeanClient
from providers.net.outcome import Answer, check_error, connection_error
from providers.net.transport import direct

for _name in ("httpx", "httpcore"):  # They log every address, and ours carry request ids.
    logging.getLogger(_name).setLevel(logging.WARNING)

READ = httpx.Timeout(30.0, read=60.0)
SUBMIT = httpx.Timeout(30.0, read=120.0, write=120.0)
LONG_SUBMIT = httpx.Timeout(30.0, read=300.0, write=120.0)
"""For services that answer with the finished picture."""
KEPT = 64
"""Unused connections kept open for a moment."""


class Client:
    """A client that is given stays the giver's to close, and must verify certificates.

    Without one, every POST goes over a connection of its own: one kept open may have been closed by the other side
    just when it is used again, and then nobody could know whether the job was taken.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._owned: list[httpx.AsyncClient] = []
        if client is None:
            self._reading, self._paid = _clients()
            self._owned = list({id(c): c for c in (self._reading, self._paid)}.values())
        else:
            self._reading = self._paid = client

    async def get(self, url: str, *, headers: Mapping[str, str], timeout: httpx.Timeout = READ) -> Answer:
        """Raises httpx.TransportError."""
        return Answer.of(await self._reading.get(url, headers=dict(headers), timeout=timeout, follow_redirects=False))

    async def post(self, url: str, *, headers: Mapping[str, str], timeout: httpx.Timeout = READ, **body: Any) -> Answer:
        """A POST that costs nothing. Raises httpx.TransportError."""
        return Answer.of(await self._reading.post(url, headers=dict(headers), timeout=timeout, **body))

    async def delete(self, url: str, *, headers: Mapping[str, str], timeout: httpx.Timeout = READ) -> Answer:
        """Raises httpx.TransportError."""
        return Answer.of(
            await self._reading.delete(url, headers=dict(headers), timeout=timeout, follow_redirects=False)
        )

    async def submit(
        self, url: str, *, headers: Mapping[str, str], timeout: httpx.Timeout = SUBMIT, **body: Any
    ) -> Answer:
        """A paid POST, sent once; `body` as for httpx (`content`, `json`, `files`).

        Raises what the connection's end proves, see `providers.net.outcome`. What an answer means is the caller's.
        """
        try:
            response = await self._paid.post(
                url, headers=dict(headers), timeout=timeout, follow_redirects=False, **body
            )  # fmt: skip
        except httpx.TransportError as error:
            raise connection_error(error) from None
        except httpx.InvalidURL:
            raise bad_address() from None
        return Answer.of(response)

    async def submit_streamed(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        heard: Callable[[dict[str, Any]], None],
        timeout: httpx.Timeout = SUBMIT,
        **body: Any,
    ) -> Answer:
        """As `submit`, for a POST that is answered by a stream of events: `heard` is told each as it comes.

        The Answer is then one without a body. An answer that is no stream is read whole, as by `submit`.
        """
        try:
            async with self._paid.stream(
                "POST", url, headers=dict(headers), timeout=timeout, follow_redirects=False, **body
            ) as response:
                streams = response.headers.get("content-type", "").partition(";")[0].strip() == MEDIA_TYPE
                if not streams or not response.is_success:
                    await response.aread()
                    return Answer.of(response)
                async for told in events(response):
                    heard(told)
                return Answer(status=response.status_code, headers=response.headers, body=None)
        except httpx.TransportError as error:
            raise connection_error(error) from None
        except httpx.InvalidURL:
            raise bad_address() from None

    async def check(self, url: str, *, headers: Mapping[str, str]) -> Answer:
        """A free GET that shows whether the settings work. Raises TellOperator or WaitAndRetry where they do not."""
        try:
            answer = await self.get(url, headers=headers)
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        except httpx.InvalidURL:
            raise bad_address() from None
        if wrong := check_error(answer):
            raise wrong
        return answer

    async def aclose(self) -> None:
        for client in self._owned:
            await client.aclose()


def _clients() -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """For reading, and for paid POSTs: the same where our own transport opens a new connection for each POST."""
    certificates = trusted()
    # Each job followed holds one connection: a limit would make the others wait for it to end.
    many = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT)
    transport = direct(limits=many, ssl_context=certificates, fresh=frozenset({"POST"}))
    if transport is not None:
        lean = LeanClient(transport, timeout=READ)
        return lean, lean
    reading = httpx.AsyncClient(timeout=READ, verify=certificates, limits=many)
    fresh = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return reading, httpx.AsyncClient(timeout=SUBMIT, verify=certificates, limits=fresh)


def bad_address() -> LikenessError:
    return TellOperator("the service's address is no address", code="provider_address")
