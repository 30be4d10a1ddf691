"""The base of services with jobs: posted, polled until they have ended, and their pictures downloaded from links.

What differs is said by the service: `_look`, `_read`, `_links`, `_charge` and, where it has webhooks, `_is_signed`.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import httpx

from providers.base import Charge, Progress, ProviderDefaults, Result, Submission
from providers.errors import MadeNothing, WaitAndRetry
from providers.media.download import Downloader
from providers.net.client import Client
from providers.net.outcome import Answer
from providers.offers import Offers
from providers.services.results import fetch_links
from providers.services.watching import Pace, Read, Sleep, Watch, job_told_of


class LinkedJobs(ProviderDefaults):
    """`root`: the service's base address. The downloader becomes this provider's and is closed with it."""

    def __init__(
        self,
        *,
        root: str,
        offers: Offers,
        downloader: Downloader,
        sleep: Sleep,
        pace: Pace,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._root = root.rstrip("/")
        self._offers = offers
        self._downloader = downloader
        self._sleep = sleep
        self._client = Client(client)
        self._watch = Watch(sleep, pace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def offers(self) -> Offers:
        return self._offers

    async def follow(self, submission: Submission) -> AsyncGenerator[Progress, None]:
        look = partial(self._look, submission)
        async with aclosing(self._watch.follow(submission.request_id, look, self._read())) as reports:
            async for progress in reports:
                yield progress

    async def fetch(self, submission: Submission, into: Path) -> Result:
        """Raises MadeNothing, `result_gone` among it once the links are no longer good; WaitAndRetry."""
        answer = await self._watch.final(partial(self._look, submission), self._read())
        if answer is None:
            raise WaitAndRetry("the result is out of reach", code="result_unreachable")
        links = self._links(answer)[: max(1, submission.count)]
        if not links:
            raise MadeNothing("the result holds no picture")
        pictures = await fetch_links(links, submission, into, download=self._download, sleep=self._sleep)
        return Result(pictures=pictures, charge=self._charge(answer, submission))

    async def notified(self, headers: Mapping[str, str], body: bytes) -> bool:
        if not await self._is_signed(headers, body):
            return False
        job = job_told_of(body, "id")
        if job is None:
            return False
        self._watch.news(job)
        return True

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._downloader.aclose()

    async def _download(self, url: str) -> bytes:
        return await self._downloader.download(url, given_by="provider")

    # --- what a service says

    async def _look(self, submission: Submission) -> Answer:
        """Asks about a job. Raises httpx.TransportError."""
        raise NotImplementedError

    def _read(self) -> Read:
        """What makes reports of answers; it may remember what it has seen of one job."""
        raise NotImplementedError

    def _links(self, answer: Answer) -> Sequence[str]:
        """Where the pictures of a finished job are."""
        raise NotImplementedError

    def _charge(self, answer: Answer, submission: Submission) -> Charge | None:
        """What the finished job cost, where that is known."""
        raise NotImplementedError

    async def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a message at our door is the service's."""
        return False
