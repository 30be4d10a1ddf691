"""fal's queue, direct or behind a billing proxy, for portrait, edit and create."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from providers.base import Cancelled, Progress, ProviderDefaults, Request, Result, Submission
from providers.errors import LikenessError, TellOperator, WaitAndRetry
from providers.media.download import Downloader
from providers.media.threads import in_thread
from providers.net import LeanClient, direct
from providers.net.certificates import trusted
from providers.net.outcome import connection_error
from providers.offers import Offers
from providers.registry import offer_for
from providers.services.fal.addresses import FAL_QUEUE, address, stream_of
from providers.services.fal.answers import Answer, submit_error
from providers.services.fal.bodies import encoded_body
from providers.services.fal.follow import STREAM_SILENCE, Follower, Watched
from providers.services.fal.offers import KEY, NANOPRO, offers
from providers.services.fal.pictures import Fetcher
from providers.services.fal.webhooks import Bells, WebhookKeys, jwks_url_for
from providers.services.watching import job_told_of

Sleep = Callable[[float], Awaitable[None]]

SUBMIT_TIMEOUT = httpx.Timeout(30.0, read=120.0, write=120.0)
READ_TIMEOUT = httpx.Timeout(30.0, read=60.0)
KEPT = 64
"""Unused connections kept open for a moment."""
NO_JOB = "00000000-0000-4000-8000-000000000000"
_CANCELLED = {
    "OK": Cancelled.NOT_STARTED,
    "CANCELLATION_REQUESTED": Cancelled.ASKED,
    "ALREADY_COMPLETED": Cancelled.TOO_LATE,
    "NOT_FOUND": Cancelled.TOO_LATE,
}

for _name in ("httpx", "httpcore"):  # They log every address, and ours carry request ids.
    logging.getLogger(_name).setLevel(logging.WARNING)


class FalProvider(ProviderDefaults):
    """`key` is the queue's: fal's own, or whatever the proxy at `queue_url` wants; None sends no key at all.

    The downloader becomes this provider's and is closed with it. A client that is given stays the giver's to close,
    and must verify certificates. Without one, every paid POST goes over a connection of its own: one kept open may
    have been closed by the other side just when it is used again, and then nobody could know whether the job was
    taken.
    """

    name = KEY

    def __init__(
        self,
        *,
        key: SecretStr | str | None,
        downloader: Downloader,
        queue_url: str = FAL_QUEUE,
        client: httpx.AsyncClient | None = None,
        sleep: Sleep = asyncio.sleep,
        stream_silence: float = STREAM_SILENCE,
        hook: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key = SecretStr(key) if isinstance(key, str) else key
        self._root = queue_url.rstrip("/")
        self._downloader = downloader
        self._owned: list[httpx.AsyncClient] = []
        if client is None:
            self._client, self._paid = _clients()
            self._owned = [self._client, self._paid]
        else:
            self._client = self._paid = client
        self._sleep = sleep
        self._silence = stream_silence
        # fal calls only https; a proxy on this machine may be told anything.
        self._hook = hook if hook and (hook.startswith("https://") or not self._root.startswith("https://")) else None
        self._keys = WebhookKeys(self._client, jwks_url_for(self._root), now)
        self._bells = Bells()

    def __repr__(self) -> str:
        return f"<FalProvider {'direct' if self._root == FAL_QUEUE else 'by a proxy'}>"

    @property
    def offers(self) -> Offers:
        return offers()

    async def submit(self, request: Request) -> Submission:
        """See `providers.services.fal.answers` for what each answer proves about the job."""
        offer = offer_for(offers(), request.task)
        endpoint = offer.model
        body = await in_thread(encoded_body, request, offer)
        headers = self._headers() | {"content-type": "application/json"}
        try:
            response = await self._paid.post(
                f"{self._root}/{endpoint}" + (f"?{urlencode({'fal_webhook': self._hook})}" if self._hook else ""),
                content=body,
                headers=headers,
                timeout=SUBMIT_TIMEOUT,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise connection_error(error) from None
        except httpx.InvalidURL:
            raise _bad_address() from None
        answer = Answer.of(response)
        request_id = answer.body.get("request_id") if isinstance(answer.body, dict) else None
        if not answer.ok or not isinstance(request_id, str) or not request_id:
            raise submit_error(answer)
        given = {name: answer.body.get(name) for name in ("status_url", "response_url", "cancel_url")}
        return Submission(
            provider=self.name,
            request_id=request_id,
            count=request.count,
            handle={"endpoint": endpoint, **{k: v for k, v in given.items() if isinstance(v, str)}},
            model=endpoint,
            charge=answer.charge,
        )

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        bell = self._bells.of(submission.request_id)
        follower = Follower(
            self._client, self._headers(), self._read, bell.sleeper(self._sleep), stream_silence=self._silence
        )
        status = self._address("status", submission)
        job = Watched(status=status, stream=stream_of(status), response=self._address("response", submission))
        try:
            async with aclosing(follower.follow(job)) as reports:
                async for progress in reports:
                    yield progress
        finally:
            self._bells.forget(submission.request_id)

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Also `picture_lost`, where no link gave a picture; the submission stays good for another try."""
        fetcher = Fetcher(self._read, self._download, self._sleep, name=self.name)
        return await fetcher.fetch(submission, self._address("response", submission), into)

    async def cancel(self, submission: Submission) -> Cancelled:
        try:
            response = await self._client.put(
                self._address("cancel", submission), headers=self._headers(), timeout=READ_TIMEOUT
            )
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})") from None
        answer = Answer.of(response)
        said = answer.body.get("status") if isinstance(answer.body, dict) else None
        if isinstance(said, str) and said in _CANCELLED:
            return _CANCELLED[said]
        match answer.status:
            case 200 | 204:
                return Cancelled.NOT_STARTED
            case 202:
                return Cancelled.ASKED
            case 400:
                return Cancelled.TOO_LATE
            case 404 | 405 | 501:
                return Cancelled.UNSUPPORTED
        raise _setting_error(answer) or WaitAndRetry(f"cancel was answered with {answer.status}")

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        """fal signs with Ed25519; what it says is not believed, only looked up sooner."""
        if not await self._keys.signed(headers, body):
            return False
        request_id = job_told_of(body, "request_id")
        if request_id is None:
            return False
        self._bells.ring(request_id)
        return True

    async def check(self) -> None:
        """Asks for a job that cannot exist: a good key gives `not found`, a bad one is refused. Costs nothing."""
        endpoint = NANOPRO
        url = address("status", root=self._root, endpoint=endpoint, request_id=NO_JOB, given={})
        try:
            answer = await self._read(url)
        except httpx.TransportError as error:
            raise WaitAndRetry(f"no connection ({type(error).__name__})", code="provider_unavailable") from None
        if wrong := _setting_error(answer):
            raise wrong
        if answer.status == 429 or answer.status >= 500:
            raise WaitAndRetry(f"answers {answer.status}", retry_after=answer.retry_after)

    async def aclose(self) -> None:
        for client in self._owned:
            await client.aclose()
        await self._downloader.aclose()

    def _headers(self) -> dict[str, str]:
        return {} if self._key is None else {"authorization": f"Key {self._key.get_secret_value()}"}

    def _address(self, what: Any, submission: Submission) -> str:
        handle: Mapping[str, Any] = submission.handle
        endpoint = str(handle.get("endpoint") or NANOPRO)
        return address(what, root=self._root, endpoint=endpoint, request_id=submission.request_id, given=handle)

    async def _read(self, url: str) -> Answer:
        return Answer.of(await self._client.get(url, headers=self._headers(), timeout=READ_TIMEOUT))

    async def _download(self, url: str) -> bytes:
        return await self._downloader.download(url, given_by="provider")


def _clients() -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """For reading, and for paid POSTs. With our transport a job is followed over the connection it was posted on."""
    certificates = trusted()
    # Each job followed holds one connection: a limit would make the others wait for it to end.
    many = httpx.Limits(max_connections=None, max_keepalive_connections=KEPT)
    transport = direct(limits=many, ssl_context=certificates, fresh=frozenset({"POST"}))
    if transport is not None:
        lean = LeanClient(transport, timeout=READ_TIMEOUT)
        return lean, lean
    reading = httpx.AsyncClient(timeout=READ_TIMEOUT, verify=certificates, limits=many)
    fresh = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return reading, httpx.AsyncClient(timeout=SUBMIT_TIMEOUT, verify=certificates, limits=fresh)


def _bad_address() -> LikenessError:
    return TellOperator("the queue's address is no address", code="provider_address")


def _setting_error(answer: Answer) -> LikenessError | None:
    """What an answer to a free call says about our settings."""
    if 300 <= answer.status < 400 or answer.status in (401, 402, 403):
        return submit_error(answer)
    return None
