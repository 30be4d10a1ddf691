"""Everything made for a person: as a list, as one file, and each picture with the photo it was made from.

GET /api/pictures            {"pictures": [{url, width, height, type, at, job, index}]}, newest first
GET /api/pictures.zip        the same pictures as they are, labels and all, in one file that is written as it is sent
GET /api/originals?job=ID    {"originals": [{url}]}: one for all pictures of the job, or one for each
GET /originals/JOB/N         such a photo, ?w= as for any picture
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.channels.web.archive import archived
from bot.channels.web.errors import error_answer, language_wished, refusal
from bot.channels.web.feed import Shown
from bot.channels.web.pictures import Pictures, extension_of, number_in
from bot.channels.web.uploads import Refused
from handlers.message import Chat
from handlers.store.base import Job, Store

MOST_LISTED = 2000
"""The newest pictures; more than anybody's retention time holds, and a bound all the same."""
MOST_AT_ONCE = 2
"""Archives sent side by side in one process: each reads the disk as fast as its line takes it."""

_JOB = re.compile(r"[A-Za-z0-9_-]{8,80}")


class _Sent(StreamingResponse):
    """Says when it has ended, however it ended: an archive that nobody waited for was perhaps never begun."""

    def __init__(self, content: AsyncIterator[bytes], *, ended: Callable[[], None], **more: Any) -> None:
        super().__init__(content, **more)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


class Collection:
    def __init__(self, *, store: Store, pictures: Pictures) -> None:
        self._store = store
        self._pictures = pictures
        self._sending: set[str] = set()

    def routes(self) -> list[Route]:
        return [
            Route("/api/pictures", self.listed),
            Route("/api/pictures.zip", self.archive),
            Route("/api/originals", self.originals),
            Route("/originals/{job}/{number:int}", self.original),
        ]

    async def listed(self, request: Request) -> Response:
        try:
            made = await self._made(self._pictures.person(request))
        except Refused as refused:
            return refusal(refused, language_wished(request))
        feed = self._pictures.feed
        listed = [
            feed.wire_picture(shown.entry, shown.index)
            | {"at": shown.entry.at.isoformat(), "job": shown.entry.outgoing.job, "index": shown.index}
            for shown in made
        ]
        return JSONResponse({"pictures": listed}, headers={"cache-control": "no-store"})

    async def _made(self, chat: Chat) -> list[Shown]:
        """Results of jobs, newest first; what was sent, and sheets of previews, are none."""
        entries = await self._pictures.feed.entries(chat)
        return [
            Shown(entry=entry, index=index, picture=picture)
            for entry in reversed(entries)
            if entry.outgoing.job is not None and not entry.from_person
            for index, picture in enumerate(entry.outgoing.pictures)
        ][:MOST_LISTED]

    # --- all of them

    async def archive(self, request: Request) -> Response:
        language = language_wished(request)
        try:
            chat = self._pictures.person(request)
            made = await self._made(chat)
            if not made:
                raise Refused(404, "no_picture")
            if chat.owner in self._sending or len(self._sending) >= MOST_AT_ONCE:
                raise Refused(503, "busy")
        except Refused as refused:
            return refusal(refused, language)
        self._sending.add(chat.owner)  # nothing was awaited since the look
        headers = {"content-disposition": 'attachment; filename="likeness.zip"', "cache-control": "no-store"}
        return _Sent(
            archived(self._files(made)),
            media_type="application/zip",
            headers=headers,
            ended=partial(self._sending.discard, chat.owner),
        )

    async def _files(self, made: Sequence[Shown]) -> AsyncIterator[tuple[str, Path]]:
        """Those that are there, each under a name of its own."""
        for n, shown in enumerate(made, 1):
            if await self._pictures.at_hand(shown.picture.path):
                extension = extension_of(shown.picture.mime) or "bin"
                yield f"likeness-{shown.entry.at:%Y%m%d-%H%M%S}-{n:04}.{extension}", shown.picture.path

    # --- what they were made from

    async def originals(self, request: Request) -> Response:
        """Empty where there is none: a picture from words, a job of somebody else's, a photo that has gone."""
        try:
            chat = self._pictures.person(request)
        except Refused as refused:
            return refusal(refused, language_wished(request))
        job = await self._job(chat, request.query_params.get("job", ""))
        numbers = originals_of(job) if job else ()
        there = job is not None and all([await self._pictures.at_hand(job.order.photos[n]) for n in set(numbers)])
        found = [{"url": f"/originals/{job.id}/{n}"} for n in numbers] if job and there else []
        return JSONResponse({"originals": found}, headers={"cache-control": "no-store"})

    async def original(self, request: Request) -> Response:
        language = language_wished(request)
        chat = self._pictures.known(request)
        job = await self._job(chat, request.path_params["job"]) if chat else None
        number = request.path_params["number"]
        if job is None or number not in originals_of(job) or not await self._pictures.at_hand(job.order.photos[number]):
            return error_answer(404, "no_picture", language)
        return await self._pictures.smaller(job.order.photos[number], number_in(request, "w") or 1280, language)

    async def _job(self, chat: Chat, job_id: str) -> Job | None:
        job = await self._store.job(job_id) if _JOB.fullmatch(job_id) else None
        return job if job is not None and job.chat.owner == chat.owner and not job.forgotten else None


def originals_of(job: Job) -> tuple[int, ...]:
    """Which of the order's photos its pictures were made from: one number for all of them, or one for each in order.

    None where that is not certain: a picture too few of several photos' does not say whose is missing.
    """
    order = job.order
    if not order.photos:
        return ()
    if all(shot.photo is None for shot in order.shots):
        return (0,)
    each = tuple(shot.photo or 0 for shot in order.shots for _ in range(shot.count))
    if len(set(each)) == 1:
        return each[:1]
    return each if len(each) == len(job.pictures) else ()
