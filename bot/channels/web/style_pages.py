"""The styles to choose from, each on the person's own photo where a sketch of it is free.

GET /api/styles?photo=ADDRESS       {"groups": [{name, styles: [{key, name, use, preview}]}]}; preview: address or null
GET /previews/STYLE/PHOTO/SEAL      that style on that photo: small, labelled, made when it is first asked for
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished, refusal
from bot.channels.web.feed import Shown
from bot.channels.web.pictures import PICTURE_POLICY, Pictures
from bot.channels.web.uploads import Refused
from handlers.message import Chat, Language
from handlers.styles_shown import StyleCard, StylesShown
from providers.errors import LikenessError

KEPT = 400
"""Sketches kept in memory, some 20 KB each."""
MOST_WAITING = 120
"""Sketches waited for in one process; they are made one at a time."""
_ADDRESS = "/pictures/"


@dataclass(frozen=True, slots=True)
class _Sketch:
    owner: str
    reference: str
    style: str
    language: Language


class StylePages:
    """`gallery` None: this process has no styles to show (it was put together without)."""

    def __init__(self, *, pictures: Pictures, sessions: Sessions) -> None:
        self.gallery: StylesShown | None = None
        self._pictures = pictures
        self._sessions = sessions
        self._kept: OrderedDict[_Sketch, bytes | None] = OrderedDict()
        self._waiting = 0
        self._turn = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/api/styles", self.listed),
            Route("/previews/{style}/{reference}/{seal}", self.sketch),
        ]

    def forget(self, chat: Chat) -> None:
        for key in [key for key in self._kept if key.owner == chat.owner]:
            del self._kept[key]

    async def listed(self, request: Request) -> Response:
        language = language_wished(request)
        try:
            chat = self._pictures.person(request)
        except Refused as refused:
            return refusal(refused, language)
        reference = request.query_params.get("photo", "").removeprefix(_ADDRESS).partition("?")[0]
        shelves = self.gallery.shelves(language) if self.gallery else ()
        shown = await self._pictures.feed.picture(chat, reference) if reference and shelves else None
        sketched = shown is not None and self.gallery is not None and await self.gallery.may_sketch(chat)

        def preview(card: StyleCard) -> str | None:
            if not (sketched and card.sketched):
                return None
            return f"/previews/{card.key}/{reference}/{self._seal(chat, card.key, reference)}"

        groups = [
            {
                "name": shelf.name,
                "styles": [
                    {"key": card.key, "name": card.name, "use": card.use, "preview": preview(card)}
                    for card in shelf.cards
                ],
            }
            for shelf in shelves
        ]
        return JSONResponse({"groups": groups}, headers={"cache-control": "no-store"})

    def _seal(self, chat: Chat, style: str, reference: str) -> str:
        """Only what was offered is made: a page of sketches is counted when it is opened."""
        return self._sessions.seal("sketch", chat.owner, style, reference)

    async def sketch(self, request: Request) -> Response:
        language = language_wished(request)
        chat = self._pictures.known(request)
        style, reference = request.path_params["style"], request.path_params["reference"]
        offered = chat is not None and self._sessions.sealed(
            request.path_params["seal"], "sketch", chat.owner, style, reference
        )
        shown = await self._pictures.feed.picture(chat, reference) if chat and offered else None
        if chat is None or shown is None or not await self._pictures.at_hand(shown.picture.path):
            return error_answer(404, "no_picture", language)
        key = _Sketch(chat.owner, reference, style, language)
        try:
            body = self._kept[key] if key in self._kept else await self._made(request, chat, shown, key)
        except Refused as refused:
            return refusal(refused, language)
        except (LikenessError, OSError):
            return error_answer(404, "no_picture", language)
        if body is None:  # this photo does not allow this style: the page shows its name
            return Response(status_code=204)
        return Response(body, media_type="image/jpeg", headers=PICTURE_POLICY)

    async def _made(self, request: Request, chat: Chat, shown: Shown, key: _Sketch) -> bytes | None:
        if self.gallery is None:
            raise Refused(404, "no_picture")
        if self._waiting >= MOST_WAITING:
            raise Refused(503, "busy")
        self._waiting += 1
        try:
            async with self._turn:
                if key in self._kept:
                    return self._kept[key]
                if await request.is_disconnected():  # the page was left while this one waited for its turn
                    raise Refused(404, "no_picture")
                body = await self.gallery.sketch(chat, shown.picture.path, key.style, key.language)
        finally:
            self._waiting -= 1
        self._kept[key] = body
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return body
