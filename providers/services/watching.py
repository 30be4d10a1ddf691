"""Following jobs by looking at them, for services without an event stream; a webhook brings the next look forward.

There is no last look: it goes on for as long as somebody listens, because the job is paid for. Faults of the network
are ridden out; only answers that will not change end it: three refusals (401, 403, 404) in a row.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from providers.base import Phase, Progress
from providers.errors import LikenessError, MadeNothing
from providers.net.outcome import Answer

REFUSED = frozenset({401, 402, 403, 404, 405, 410})
REFUSALS = 3
LONGEST_ASKED = 60.0
"""Seconds a service may ask us to stay away between two looks."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between two looks: `first`, then each `growth` times the last, at most `longest`; anew after a change."""

    first: float = 0.5
    longest: float = 4.0
    growth: float = 1.5


Read = Callable[[Answer], Progress | None]
"""A report of an answer with 2xx; None where it says nothing (yet). Raises what the job ended with."""


class Watch:
    """The jobs of one service that are followed in this process. `sleep` waits, in a test without taking time."""

    def __init__(self, sleep: Sleep, pace: Pace | None = None) -> None:
        self._sleep = sleep
        self._pace = pace or Pace()
        self._bells: dict[str, asyncio.Event] = {}

    def news(self, request_id: str) -> None:
        """The service has said that something happened to this job: whoever waits for it looks at once."""
        if bell := self._bells.get(request_id):
            bell.set()

    async def follow(
        self,
        request_id: str,
        look: Callable[[], Awaitable[Answer]],
        read: Read,
    ) -> AsyncGenerator[Progress, None]:
        """Every change of the job; ends after DONE.

        `look` asks the service; httpx.TransportError is a look in vain. `read` makes a report of an answer with 2xx:
        None where it says nothing (yet). It raises what the job ended with, if not with pictures.
        Raises MadeNothing `job_locked` or `job_lost` where the job can no longer be asked about.
        """
        bell = self._bells.setdefault(request_id, asyncio.Event())
        wait, refused, last = self._pace.first, 0, None
        try:
            while True:
                bell.clear()
                answer = await _asked(look)
                progress = read(answer) if answer is not None and answer.ok else None
                if answer is not None and answer.status in REFUSED:
                    refused += 1
                    if refused >= REFUSALS:
                        raise lost(answer.status)
                elif answer is not None:
                    refused = 0
                if progress is not None and progress != last:
                    last, wait = progress, self._pace.first
                    yield progress
                if progress is not None and progress.phase is Phase.DONE:
                    return
                asked = answer.retry_after if answer is not None and not answer.ok else None
                await self._pause(bell, max(wait, min(asked or 0.0, LONGEST_ASKED)))
                wait = min(wait * self._pace.growth, self._pace.longest)
        finally:
            self._bells.pop(request_id, None)

    async def _pause(self, bell: asyncio.Event, seconds: float) -> None:
        """For so long, or until there is news."""
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(bell.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def final(
        self, look: Callable[[], Awaitable[Answer]], read: Callable[[Answer], Progress | None], *, tries: int = 6
    ) -> Answer | None:
        """The answer that says DONE, asked for again while it is only out of reach; None where it stays so.

        Raises as `follow`.
        """
        wait = self._pace.first
        for _ in range(tries):
            answer = await _asked(look)
            if answer is not None and answer.status in REFUSED:
                raise lost(answer.status)
            progress = read(answer) if answer is not None and answer.ok else None
            if progress is not None and progress.phase is Phase.DONE:
                return answer
            asked = answer.retry_after if answer is not None and not answer.ok else None
            await self._sleep(max(wait, min(asked or 0.0, LONGEST_ASKED)))
            wait = min(wait * 2, self._pace.longest * 2)
        return None


def job_told_of(body: bytes, field: str) -> str | None:
    """The job that a webhook names in `field` of its JSON; None where it names none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    job = told.get(field) if isinstance(told, dict) else None
    return job if isinstance(job, str) else None


async def _asked(look: Callable[[], Awaitable[Answer]]) -> Answer | None:
    with suppress(httpx.TransportError):
        return await look()
    return None


def lost(status: int) -> LikenessError:
    """The job can no longer be asked about. Its id is kept: it can be resumed once the key is right again."""
    if status in (401, 402, 403):
        return MadeNothing(f"asking about a job is answered with {status}", code="job_locked", retryable=False)
    return MadeNothing(f"a job is unknown upstream ({status})", code="job_lost")
