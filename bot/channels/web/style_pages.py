"""The styles to choose from, each on the person's own photo where a sketch of it is free.

GET /api/styles?photo=ADDRESS       {"groups": [{name, styles: [{key, name, use, preview}]}]}; preview: address or null
POST /api/styles (photos: one)      the same, on a photo that is not sent: a small copy of it is kept for an hour
GET /previews/STYLE/PHOTO/SEAL      that style on that photo: small, labelled, made when it is first asked for
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished, refusal
from bot.channels.web.pictures import PICTURE_POLICY, Pictures
from bot.channels.web.tryouts import MARK, Tryouts, as_file
from bot.channels.web.uploads import Refused
from handlers.message import Chat, Language
from handlers.style_previews import SMALL_SIDE
from handlers.styles_shown import StyleCard, StylesShown
from providers.errors import LikenessError
from providers.media.preview import thumbnail
from providers.media.threads import in_thread

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
    """`gallery` None: this process has no styles to show (it was put together without). `tryouts`: photos that were
    not sent."""

    def __init__(self, *, pictures: Pictures, sessions: Sessions, tryouts: Tryouts) -> None:
        self.gallery: StylesShown | None = None
        self._pictures = pictures
        self._sessions = sessions
        self._tryouts = tryouts
        self._kept: OrderedDict[_Sketch, bytes | None] = OrderedDict()
        self._waiting = 0
        self._turn = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/api/styles", self.listed, methods=["GET"]),
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
        shown = await self._pictures.feed.picture(chat, reference) if reference and self.gallery else None
        sketched = shown is not None and self.gallery is not None and await self.gallery.may_sketch(chat)
        return await self._shelves(chat, reference if sketched else None, language, new=False)

    async def tried(self, chat: Chat, photo: Path, language: Language) -> Response:
        """The styles, tried on a photo that was not sent; the file is not kept. Raises Refused."""
        reference = None
        if self.gallery is not None and await self.gallery.may_sketch(chat):
            try:
                small = await in_thread(thumbnail, photo, SMALL_SIDE)
            except (LikenessError, OSError):
                raise Refused(400, "no_picture") from None
            reference = await self._tryouts.keep(chat, small)
        return await self._shelves(chat, reference, language, new=True)

    async def _shelves(self, chat: Chat, reference: str | None, language: Language, *, new: bool) -> Response:
        """`reference`: of the photo to sketch on, if any."""

        def preview(card: StyleCard) -> str | None:
            if reference is None or not card.sketched:
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
            for shelf in (await self.gallery.shelves(chat, language, new=new) if self.gallery else ())
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
        if chat is None or not offered:
            return error_answer(404, "no_picture", language)
        key = _Sketch(chat.owner, reference, style, language)
        try:
            body = self._kept[key] if key in self._kept else await self._made(request, chat, key)
        except Refused as refused:
            return refusal(refused, language)
        except (LikenessError, OSError):
            return error_answer(404, "no_picture", language)
        if body is None:  # this photo does not allow this style: the page shows its name
            return Response(status_code=204)
        return Response(body, media_type="image/jpeg", headers=PICTURE_POLICY)

    async def _made(self, request: Request, chat: Chat, key: _Sketch) -> bytes | None:
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
                async with self._photo(chat, key.reference) as photo:
                    body = await self.gallery.sketch(chat, photo, key.style, key.language)
        finally:
            self._waiting -= 1
        self._kept[key] = body
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return body

    @asynccontextmanager
    async def _photo(self, chat: Chat, reference: str) -> AsyncGenerator[Path, None]:
        """The photo behind a reference, as a file. Raises Refused."""
        if not reference.startswith(MARK):
            shown = await self._pictures.feed.picture(chat, reference)
            if shown is None or not await self._pictures.at_hand(shown.picture.path):
                raise Refused(404, "no_picture")
            yield shown.picture.path
            return
        small = await self._tryouts.of(chat, reference)
        if small is None:
            raise Refused(404, "no_picture")
        with TemporaryDirectory(prefix="likeness-") as folder:
            yield await in_thread(as_file, small, Path(folder))
