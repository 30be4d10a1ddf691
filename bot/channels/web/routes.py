"""What the web page serves: the page itself, its API, and its pictures.

GET  /                       page, and the cookie that makes this browser a person
POST /api/messages           202 {"id"}, or 4xx {"error": {"code", "message"}}
GET  /api/messages?after=ID  the conversation
GET  /api/events             the same, as it comes
GET  /api/about              how long things are kept, and to which companies photos may go
GET  /pictures/…             ?w= for a smaller one, ?download=1 to save it
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.channels.web.addresses import PostPace, address_of
from bot.channels.web.cookies import Sessions
from bot.channels.web.feed import Feed, Shown
from bot.channels.web.inbox import PhotoShelf
from bot.channels.web.middleware import same_site
from bot.channels.web.texts import language_of, word
from bot.channels.web.thumbnails import Thumbnails
from bot.channels.web.uploads import Limits, Posted, Refused, read_post
from handlers.message import Chat, Language
from providers.errors import LikenessError

log = logging.getLogger(__name__)

WEB = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/avif": "avif",
}
"""The kinds that are served as they are; anything else a person sent is not."""
WIDTHS = (320, 640, 1280, 2048)
"""Long sides, in pixels, of the smaller pictures; a wish in between is rounded up to one of them."""
MAX_CURSOR = 18
"""Digits of a line's number: all that an SQL integer holds."""

PICTURE_POLICY = {
    "cache-control": "private, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'; sandbox",
}


class Asset(NamedTuple):
    body: bytes
    type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """The page's files by name, read once. What is not here cannot be asked for."""
    files = [f for f in sorted(WEB.iterdir()) if f.suffix in TYPES]
    return {f.name: _asset(f.read_bytes(), TYPES[f.suffix]) for f in files}


def _asset(body: bytes, kind: str) -> Asset:
    return Asset(body, kind, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


class Desk(Protocol):
    """What the page needs of the channel behind it."""

    feed: Feed
    shelf: PhotoShelf

    async def receive(self, chat: Chat, posted: Posted, language: Language) -> str:
        """Keep a post and answer with its id. Raises Refused."""

    async def at_hand(self, path: Path) -> bool:
        """Whether a picture of the conversation is on this machine, fetched if need be."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What the page says of privacy: after how many days everything is deleted, and who may get photos."""

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
        self._origin = _origin(public_url) if public_url else None

    def routes(self) -> list[Route]:
        return [
            Route("/", self.page),
            Route("/static/{name}", self.asset),
            Route("/favicon.ico", self.favicon),
            Route("/api/messages", self.conversation, methods=["GET"]),
            Route("/api/messages", self.post, methods=["POST"]),
            Route("/api/events", self.events),
            Route("/api/about", self.about),
            Route("/pictures/{reference}", self.picture),
        ]

    # --- the page

    async def page(self, request: Request) -> Response:
        asset = assets()["index.html"]
        response = Response(asset.body, media_type=asset.type, headers={"cache-control": "no-store"})
        self._sessions.greet(request, response)
        return response

    async def asset(self, request: Request) -> Response:
        return self._file(request, request.path_params["name"])

    async def favicon(self, request: Request) -> Response:
        return self._file(request, "icon-64.png")

    def _file(self, request: Request, name: str) -> Response:
        asset = assets().get(name)
        if asset is None or name == "index.html":
            return _error(404, "not_found", _language(request))
        headers = {"etag": asset.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == asset.etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.type, headers=headers)

    # --- the API

    async def post(self, request: Request) -> Response:
        language = _language(request)
        try:
            if not same_site(request, self._origin):
                raise Refused(403, "cross_site")
            chat = self._person(request)
            address = address_of(request, self._sessions)
            if not self._pace.lets(address):
                raise Refused(429, "too_fast")
            posted = replace(await read_post(request, self._web.shelf.arriving, self._limits), address=address)
            return JSONResponse({"id": await self._web.receive(chat, posted, language)}, 202)
        except Refused as refused:
            return _refusal(refused, language)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it

    async def about(self, request: Request) -> Response:
        body = {"kept_days": self._about.kept_days, "companies": list(self._about.companies)}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def conversation(self, request: Request) -> Response:
        try:
            chat = self._person(request)
        except Refused as refused:
            return _refusal(refused, _language(request))
        page = await self._web.feed.conversation(
            chat, after=request.query_params.get("after"), cursor=_number(request, "cursor") or 0
        )
        body = {"messages": page.messages, "cursor": page.cursor, "statuses": page.statuses}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def events(self, request: Request) -> Response:
        try:
            chat = self._person(request)
        except Refused as refused:
            return _refusal(refused, _language(request))
        resumed = request.headers.get("last-event-id", "")
        if len(resumed) > MAX_CURSOR:
            return _error(400, "bad_form", _language(request))
        cursor = int(resumed) if resumed.isascii() and resumed.isdecimal() else _number(request, "cursor")
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
        except Exception as error:  # the store is away: the stream ends, and the page comes back to it
            log.warning("an event stream ended early: %s", type(error).__name__)

    def _person(self, request: Request) -> Chat:
        chat = self._sessions.person(request)
        if chat is None:
            raise Refused(401, "no_session")
        return chat

    # --- pictures

    async def picture(self, request: Request) -> Response:
        language = _language(request)
        chat = self._sessions.person(request)
        shown = await self._web.feed.picture(chat, request.path_params["reference"]) if chat else None
        if shown is None or not await self._web.at_hand(shown.picture.path):
            return _error(404, "no_picture", language)
        if width := _number(request, "w"):
            return await self._smaller(shown, width, language)
        extension = EXTENSIONS.get(shown.picture.mime)
        if extension is None:
            return _error(404, "no_picture", language)
        name = f"likeness-{shown.entry.at:%Y%m%d-%H%M%S}-{shown.index + 1}.{extension}"
        return FileResponse(
            shown.picture.path,
            media_type=shown.picture.mime,
            filename=name,
            content_disposition_type="attachment" if request.query_params.get("download") else "inline",
            headers=PICTURE_POLICY,
        )

    async def _smaller(self, shown: Shown, width: int, language: Language) -> Response:
        side = next((w for w in WIDTHS if w >= width), WIDTHS[-1])
        try:
            body = await self.thumbnails.of(shown.picture.path, side)
        except (LikenessError, OSError):
            return _error(404, "no_picture", language)
        return Response(body, media_type="image/jpeg", headers=PICTURE_POLICY)


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))


def _refusal(refused: Refused, language: Language) -> Response:
    response = _error(refused.status, refused.code, language, **refused.params)
    if refused.status in (408, 413, 415):
        response.headers["connection"] = "close"  # the rest of the body, if any, is not waited for
    return response


def _error(status: int, code: str, language: Language, **params: int) -> Response:
    message = word(language, f"error.{code}", **params)
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers={"cache-control": "no-store"})


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= MAX_CURSOR else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
