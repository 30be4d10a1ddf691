"""What the web page serves: its API and its pictures; its own files are `shell.py`'s.

POST /api/messages           202 {"id"}, or 4xx {"error": {"code", "message"}}
GET  /api/messages?after=ID  the conversation
GET  /api/events             the same, as it comes
GET  /api/about              how long things are kept, and to which companies photos may go

Pictures are `pictures.py`'s, unfinished ones `steps.py`'s, everything made so far `collection.py`'s, links to them
`share_pages.py`'s, styles `style_pages.py`'s.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.channels.web.addresses import PostPace, address_of
from bot.channels.web.collection import Collection
from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished, refusal
from bot.channels.web.feed import Feed
from bot.channels.web.inbox import PhotoShelf
from bot.channels.web.middleware import same_site
from bot.channels.web.pictures import MAX_CURSOR, Pictures, number_in
from bot.channels.web.share_pages import SharePages
from bot.channels.web.shares import Shares
from bot.channels.web.shell import Shell
from bot.channels.web.steps import StepPages, StepShelf
from bot.channels.web.style_pages import StylePages
from bot.channels.web.thumbnails import Thumbnails
from bot.channels.web.tryouts import Tryouts
from bot.channels.web.uploads import Limits, Posted, Refused, read_post
from handlers.message import Chat, Language
from handlers.store.base import Store

_ONE_COPY = {"photos": 1, "photo_bytes": 2 * 1024 * 1024, "total_bytes": 3 * 1024 * 1024}
"""A copy of a photo that styles are tried on: the page makes it of some hundred pixels."""

log = logging.getLogger(__name__)


class Desk(Protocol):
    """What the page needs of the channel behind it."""

    feed: Feed
    shelf: PhotoShelf
    store: Store
    steps: StepShelf

    async def receive(self, chat: Chat, posted: Posted, language: Language) -> str:
        """Store a post and return its id. Raises Refused."""

    async def at_hand(self, path: Path) -> bool:
        """Whether a picture of the conversation is on this machine, downloaded if need be."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What the page says about privacy: after how many days everything is deleted, and who may receive photos."""

    kept_days: int = 30
    companies: tuple[str, ...] = ()


class ChatPage:
    def __init__(
        self, *, web: Desk, sessions: Sessions, public_url: str | None, limits: Limits, about: About | None = None
    ) -> None:
        self._about = about or About()
        self._web = web
        self._limits = limits
        self._sessions = sessions
        self._pace = PostPace()
        self.thumbnails = Thumbnails()
        self._pictures = Pictures(feed=web.feed, sessions=sessions, at_hand=web.at_hand, thumbnails=self.thumbnails)
        self.styles = StylePages(pictures=self._pictures, sessions=sessions, tryouts=Tryouts(web.store))
        self._steps = StepPages(shelf=web.steps, sessions=sessions, known=self._pictures.known)
        self._collection = Collection(store=web.store, pictures=self._pictures)
        self._origin = _origin(public_url) if public_url else None
        self._shares = SharePages(
            shares=Shares(store=web.store),
            pictures=self._pictures,
            sessions=sessions,
            origin=self._origin,
            patience=limits.idle,
            kept=timedelta(days=self._about.kept_days),
        )

    def routes(self) -> list[Route]:
        return [
            *Shell(self._sessions).routes(),
            Route("/api/messages", self.conversation, methods=["GET"]),
            Route("/api/messages", self.post, methods=["POST"]),
            Route("/api/styles", self.styles_tried, methods=["POST"]),
            Route("/api/events", self.events),
            Route("/api/about", self.about),
            *self._pictures.routes(),
            *self._steps.routes(),
            *self._collection.routes(),
            *self._shares.routes(),
            *self.styles.routes(),
        ]

    # --- the API

    async def post(self, request: Request) -> Response:
        language = language_wished(request)
        try:
            if not same_site(request, self._origin):
                raise Refused(403, "cross_site")
            chat = self._pictures.person(request)
            address = address_of(request, self._sessions)
            if not self._pace.lets(address):
                raise Refused(429, "too_fast")
            posted = replace(await read_post(request, self._web.shelf.arriving, self._limits), address=address)
            return JSONResponse({"id": await self._web.receive(chat, posted, language)}, 202)
        except Refused as refused:
            return refusal(refused, language)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    async def styles_tried(self, request: Request) -> Response:
        """The styles on one photo that is not sent: the page gives a small copy of it."""
        language = language_wished(request)
        try:
            if not same_site(request, self._origin):
                raise Refused(403, "cross_site")
            chat = self._pictures.person(request)
            if not self._pace.lets(address_of(request, self._sessions)):
                raise Refused(429, "too_fast")
            posted = await read_post(request, self._web.shelf.arriving, replace(self._limits, **_ONE_COPY))
            try:
                if len(posted.photos) != 1:
                    raise Refused(400, "bad_form")
                return await self.styles.tried(chat, posted.photos[0].path, language)
            finally:
                posted.discard()
        except Refused as refused:
            return refusal(refused, language)
        except ClientDisconnect:
            return Response(status_code=400)

    async def about(self, request: Request) -> Response:
        body = {"kept_days": self._about.kept_days, "companies": list(self._about.companies)}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def conversation(self, request: Request) -> Response:
        try:
            chat = self._pictures.person(request)
        except Refused as refused:
            return refusal(refused, language_wished(request))
        page = await self._web.feed.conversation(
            chat, after=request.query_params.get("after"), cursor=number_in(request, "cursor") or 0
        )
        body = {"messages": page.messages, "cursor": page.cursor, "statuses": page.statuses}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def events(self, request: Request) -> Response:
        try:
            chat = self._pictures.person(request)
        except Refused as refused:
            return refusal(refused, language_wished(request))
        resumed = request.headers.get("last-event-id", "")
        if len(resumed) > MAX_CURSOR:
            return error_answer(400, "bad_form", language_wished(request))
        cursor = int(resumed) if resumed.isascii() and resumed.isdecimal() else number_in(request, "cursor")
        after = request.query_params.get("after") if cursor is None else None
        return StreamingResponse(
            self._stream(chat, after, cursor),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _stream(self, chat: Chat, after: str | None, cursor: int | None) -> AsyncIterator[str]:
        try:
            async for event in self._web.feed.events(chat, after=after, cursor=cursor):
                yield event
        except Exception as error:  # the store is away: the stream ends, and the page reconnects
            log.warning("an event stream ended early: %s", type(error).__name__)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
