"""Following a job: the event stream first, polling as a fallback; network errors are tolerated.

The stream costs one connection and reports at once. Where it is not offered, breaks off or falls silent, the rest is
polled: 0.5 s at first, growing to 4 s, back to 0.5 s when something changes. There is no last attempt: it goes on for
as long as somebody listens, because the job is paid for. Only answers that will not change end it: three refusals
(401, 403, 404) in a row.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from providers.base import Phase, Progress
from providers.errors import LikenessError
from providers.services.fal.answers import Answer, completed_error, job_error, lost

FIRST_WAIT = 0.5
LONGEST_WAIT = 4.0
GROWTH = 1.5
REFUSALS = 3
STREAM_SILENCE = 20.0
"""Seconds without an event after which a stream is given up: some proxies hold streams back until their end."""
LONGEST_EVENT = 256 * 1024
REFUSED = frozenset({401, 402, 403, 404, 405, 410})

Read = Callable[[str], Awaitable[Answer]]
"""GET with the key; raises httpx.TransportError."""
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The addresses of one job."""

    status: str
    stream: str
    response: str


class Follower:
    """Follows one job; created for each."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        headers: dict[str, str],
        read: Read,
        sleep: Sleep,
        *,
        stream_silence: float = STREAM_SILENCE,
    ) -> None:
        self._client = client
        self._headers = headers
        self._read = read
        self._sleep = sleep
        self._silence = stream_silence

    async def follow(self, job: Watched) -> AsyncGenerator[Progress, None]:
        """Every change of the job; ends after DONE. Raises MadeNothing or AskPerson."""
        last: Progress | None = None
        for source in (self._streamed(job.stream), self._polled(job.status)):
            async with aclosing(source) as reports:  # a stream left early gives its connection back at once
                async for report in reports:
                    progress = progress_of(report)
                    if progress is not None and progress.phase is Phase.DONE:
                        await self._end(report, job)
                    if progress is not None and progress != last:
                        last = progress
                        yield progress
                    if progress is not None and progress.phase is Phase.DONE:
                        return

    async def _streamed(self, url: str) -> AsyncGenerator[dict[str, Any], None]:
        """The events of the stream until it ends for any reason; whether that was the end, the caller sees."""
        timeout = httpx.Timeout(30.0, read=self._silence)
        headers = self._headers | {"accept": "text/event-stream"}
        try:
            async with self._client.stream("GET", url, headers=headers, timeout=timeout) as response:
                kind = response.headers.get("content-type", "")
                if response.status_code != 200 or not kind.startswith("text/event-stream"):
                    return
                async for data in events(response.aiter_lines()):
                    report = json.loads(data)
                    if isinstance(report, dict):
                        yield report
        except (httpx.HTTPError, ValueError):
            return

    async def _polled(self, url: str) -> AsyncGenerator[dict[str, Any], None]:
        wait, refused, last = FIRST_WAIT, 0, None
        while True:
            answer = await self._asked(url)
            if answer is not None and answer.status in REFUSED:
                refused += 1
                if refused >= REFUSALS:
                    raise lost(answer.status)
            elif answer is not None and answer.ok and isinstance(answer.body, dict):
                refused = 0
                now = progress_of(answer.body)
                wait, last = (FIRST_WAIT if now != last else wait), now
                yield answer.body
            least = answer.retry_after if answer is not None and not answer.ok else None
            await self._sleep(max(wait, min(least or 0.0, 60.0)))
            wait = min(wait * GROWTH, LONGEST_WAIT)

    async def _asked(self, url: str) -> Answer | None:
        try:
            return await self._read(url)
        except httpx.TransportError:
            return None

    async def _end(self, report: dict[str, Any], job: Watched) -> None:
        """COMPLETED means finished, not succeeded: raise what the job ended with.

        The result address knows the typed reason; the status often only says `Invalid status code: 422`.
        """
        error_type = report.get("error_type")
        if not report.get("error") and not error_type:
            return
        answer = await self._asked(job.response)
        if answer is not None and answer.ok:
            return
        error: LikenessError | None = job_error(answer) if answer is not None else None
        raise error or completed_error(error_type if isinstance(error_type, str) else "")


async def events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The `data` of server-sent events (WHATWG HTML, 9.2.6): lines joined, comments and other fields dropped."""
    data: list[str] = []
    async for line in lines:
        if not line:
            if data:
                yield "\n".join(data)
            data = []
            continue
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
            if sum(map(len, data)) > LONGEST_EVENT:
                raise ValueError("an event without end")


def progress_of(report: dict[str, Any]) -> Progress | None:
    """A status object as progress; None for a status of another vocabulary, which is passed over."""
    match report.get("status"):
        case "IN_QUEUE":
            position = report.get("queue_position")
            return Progress(phase=Phase.QUEUED, position=position if isinstance(position, int) else None)
        case "IN_PROGRESS":
            return Progress(phase=Phase.RUNNING)
        case "COMPLETED":
            return Progress(phase=Phase.DONE)
    return None
