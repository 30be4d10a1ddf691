"""What the Mini App asks of us: its page, the picture, and taking what was painted."""

import base64
import binascii
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.channels.painter import FILES, STATIC, margins_of
from bot.channels.telegram.mini_app.init_data import Forged, person_of
from bot.channels.telegram.mini_app.tickets import PATH, Ticket, Tickets
from bot.posted import BodyTooLarge, body_of
from handlers.message import IncomingPhoto, Margins, Message, Painted
from handlers.store.base import LineFull, Store
from providers.media.preview import dimensions
from providers.media.store import at_hand
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

OWN = Path(__file__).parent / "static"
MOST_BYTES = 1 << 20
"""Of one request: a mask of 512 KB as base64, init data and words."""
MASK_BYTES = 512 << 10
TEXT = 1000
SECONDS = 60.0
MAX_WAITING = 20
"""Messages of one person that are taken and not handled yet: nothing else bounds who has a ticket."""
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
POLICY = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors https://web.telegram.org https://*.telegram.org"
    ),
    "cache-control": "no-cache",
}
"""Telegram's web clients show Mini Apps in a frame; the others in a view of their own. No script but ours."""
_PHOTO_POLICY = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class Drawn(BaseModel):
    """What came, as the inbox keeps it. `mask`: a PNG in base64. `id` names it among the person's."""

    model_config = ConfigDict(frozen=True)

    id: str
    ticket: Ticket
    text: str = ""
    mask: str = ""
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def key(self) -> str:
        """The id stands on its own line of names: no update of Telegram's is called so."""
        return f"painted:{self.ticket.person}:{self.id}"


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@cache
def _asset(name: str) -> tuple[bytes, str] | None:
    folder = STATIC if name in FILES else OWN if name in ("app.js", "app.css", "app.json", "app.html") else None
    return None if folder is None else ((folder / name).read_bytes(), TYPES[Path(name).suffix])


class Desk:
    """`take`: keeps what was painted and begins with it; False where the same came before. Raises
    LineFull where MAX_WAITING of this person's wait."""

    def __init__(
        self,
        *,
        token: str,
        tickets: Tickets,
        store: Store,
        take: Callable[[Drawn], Awaitable[bool]],
        now: Callable[[], float],
    ) -> None:
        self._token = token
        self._tickets = tickets
        self._store = store
        self._take = take
        self._now = now

    def routes(self) -> list[Route]:
        if not self._tickets.works:
            return []
        return [
            Route(PATH, self._page),
            Route(f"{PATH}/open", self._open, methods=["POST"]),
            Route(f"{PATH}/send", self._send, methods=["POST"]),
            Route(f"{PATH}/photo/{{sealed}}", self._photo),
            Route(f"{PATH}/{{name}}", self._file),
        ]

    # --- the page

    async def _page(self, _request: Request) -> Response:
        return _served("app.html")

    async def _file(self, request: Request) -> Response:
        return _served(request.path_params["name"])

    # --- the picture

    async def _open(self, request: Request) -> Response:
        try:
            _, ticket = await self._asked(request)
            path = await self._picture(ticket)
            width, height = await in_thread(dimensions, path)
        except _Refused as refused:
            return _error(refused.status)
        body = {"photo": self._tickets.shown(ticket), "width": width, "height": height, "language": ticket.language}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def _photo(self, request: Request) -> Response:
        try:
            path = await self._picture(self._tickets.photo(request.path_params["sealed"]))
        except ValueError:
            return _error(403)
        except _Refused as refused:
            return _error(refused.status)
        return FileResponse(path, headers=_PHOTO_POLICY)

    async def _picture(self, ticket: Ticket) -> Path:
        """Where it lies. Raises _Refused 404 where it does not any more."""
        path = await self._path(ticket)
        if path is None or not await at_hand(self._store.media, path):
            raise _Refused(404)
        return path

    async def _path(self, ticket: Ticket) -> Path | None:
        if ticket.job is not None:
            job = await self._store.job(ticket.job)
            mine = job is not None and job.chat.key == ticket.whose.key and ticket.index < len(job.pictures)
            return job.pictures[ticket.index].path if job is not None and mine else None
        session = await self._store.session(ticket.whose)
        return next((photo.path for photo in session.photos if photo.key == ticket.photo), None)

    # --- what was painted

    async def _send(self, request: Request) -> Response:
        try:
            body, ticket = await self._asked(request)
            await self._picture(ticket)
            drawn = _drawn(body, ticket)
            await self._take(drawn)
        except LineFull:
            return _error(429)
        except _Refused as refused:
            return _error(refused.status)
        return JSONResponse({"id": drawn.id}, 202, headers={"cache-control": "no-store"})

    async def _asked(self, request: Request) -> tuple[Mapping[str, Any], Ticket]:
        """The body, and its ticket, whose person it was who opened the page. Raises _Refused."""
        try:
            body = json.loads(await body_of(request, most=MOST_BYTES, seconds=SECONDS))
        except (BodyTooLarge, TimeoutError):
            raise _Refused(413) from None
        except (ValueError, RecursionError, ClientDisconnect):
            raise _Refused(400) from None
        if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
            raise _Refused(400)
        try:
            person = person_of(body.get("init_data", ""), token=self._token, now=self._now())
            ticket = self._tickets.opened(body.get("ticket", ""))
        except (Forged, ValueError) as error:
            log.info("a Mini App was refused: %s", error)
            raise _Refused(403) from None
        if person != ticket.person:
            raise _Refused(403)
        return body, ticket

    # --- to the handlers

    async def message(self, drawn: Drawn, folder: Path) -> tuple[Message, tuple[Path, ...]]:
        """The message it is, and the files made for it in `folder`. A picture that is gone is a message without one."""
        ticket, path = drawn.ticket, await self._path(drawn.ticket)
        mask = await in_thread(_written, drawn, folder) if drawn.mask else None
        left, right, top, bottom = drawn.margins
        here = path is not None and await at_hand(self._store.media, path)
        quoted = (IncomingPhoto(key=ticket.photo or str(path), path=path),) if path is not None and here else ()
        message = Message(
            key=f"telegram:{drawn.key}",
            chat=ticket.whose,
            text=drawn.text,
            quoted_photos=quoted,
            painted=Painted(mask=mask, margins=Margins(left=left, right=right, top=top, bottom=bottom)),
            language_hint=ticket.language,
            ref=ticket.ref,
        )
        return message, (mask,) if mask else ()


def _drawn(body: Mapping[str, str], ticket: Ticket) -> Drawn:
    """Raises _Refused 400 for what is not what the page sends."""
    text = " ".join(body.get("text", "").replace("\x00", "").split())
    try:
        mask = base64.b64decode(body.get("mask", ""), validate=True)
        margins = margins_of(body.get("outpaint", ""))
    except (binascii.Error, ValueError):
        raise _Refused(400) from None
    named = _ID.fullmatch(body.get("id", ""))
    if named is None or len(text) > TEXT or len(mask) > MASK_BYTES or not (mask or margins):
        raise _Refused(400)
    return Drawn(
        id=named[0],
        ticket=ticket,
        text=text,
        mask=base64.b64encode(mask).decode("ascii"),
        margins=(margins.left, margins.right, margins.top, margins.bottom),
    )


def _written(drawn: Drawn, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"mask-{drawn.ticket.person}-{drawn.id}"
    path.write_bytes(base64.b64decode(drawn.mask))
    return path


def _served(name: str) -> Response:
    asset = _asset(name)
    return _error(404) if asset is None else Response(asset[0], media_type=asset[1], headers=POLICY)


def _error(status: int) -> Response:
    """The page has the sentence."""
    return JSONResponse({"error": {"code": str(status)}}, status, headers={"cache-control": "no-store"})
