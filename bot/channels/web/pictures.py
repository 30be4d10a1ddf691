"""Pictures of conversations as answers: whose they are, whole or smaller, shown or saved.

GET /pictures/…    ?w= for a smaller one, ?download=1 to save it
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished
from bot.channels.web.feed import Feed, Shown
from bot.channels.web.thumbnails import Thumbnails
from bot.channels.web.uploads import Refused
from handlers.message import Chat, Language
from providers.errors import LikenessError

_EXTENSIONS = {
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


class Pictures:
    def __init__(
        self, *, feed: Feed, sessions: Sessions, at_hand: Callable[[Path], Awaitable[bool]], thumbnails: Thumbnails
    ) -> None:
        self.feed = feed
        self.at_hand = at_hand
        self._sessions = sessions
        self._thumbnails = thumbnails

    def routes(self) -> list[Route]:
        return [Route("/pictures/{reference}", self.picture)]

    def known(self, request: Request) -> Chat | None:
        return self._sessions.person(request)

    def person(self, request: Request) -> Chat:
        """Who asks. Raises Refused."""
        chat = self.known(request)
        if chat is None:
            raise Refused(401, "no_session")
        return chat

    async def picture(self, request: Request) -> Response:
        language = language_wished(request)
        chat = self.known(request)
        shown = await self.feed.picture(chat, request.path_params["reference"]) if chat else None
        if shown is None or not await self.at_hand(shown.picture.path):
            return error_answer(404, "no_picture", language)
        if width := number_in(request, "w"):
            return await self.smaller(shown.picture.path, width, language)
        return whole(shown, language, download=bool(request.query_params.get("download")))

    async def smaller(self, path: Path, width: int, language: Language) -> Response:
        side = next((w for w in WIDTHS if w >= width), WIDTHS[-1])
        try:
            body = await self._thumbnails.of(path, side)
        except (LikenessError, OSError):
            return error_answer(404, "no_picture", language)
        return Response(body, media_type="image/jpeg", headers=PICTURE_POLICY)


def whole(shown: Shown, language: Language, *, download: bool) -> Response:
    """The file as it is."""
    extension = extension_of(shown.picture.mime)
    if extension is None:
        return error_answer(404, "no_picture", language)
    return FileResponse(
        shown.picture.path,
        media_type=shown.picture.mime,
        filename=f"likeness-{shown.entry.at:%Y%m%d-%H%M%S}-{shown.index + 1}.{extension}",
        content_disposition_type="attachment" if download else "inline",
        headers=PICTURE_POLICY,
    )


def extension_of(mime: str) -> str | None:
    return _EXTENSIONS.get(mime)


def number_in(request: Request, name: str) -> int | None:
    """A number of the query, where it is one."""
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= MAX_CURSOR else None
