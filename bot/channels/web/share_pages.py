"""Links to single pictures, as they are made and as their readers see them.

GET  /api/shares             {"shares": [{id, path, expires, picture}]}: what works, newest first
POST /api/shares             picture=ADDRESS, days=1|7|30: 201 with the link
POST /api/shares/revoke      id=ID: 204
GET  /s/ID                   a page with the picture: for anybody, without a cookie or a script, not for search engines
GET  /s/ID/picture           the picture as it is, its labels with it; ?download=1 to save it
"""

import re
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels.web.addresses import PostPace, address_of
from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished, refusal
from bot.channels.web.feed import Shown
from bot.channels.web.middleware import same_site
from bot.channels.web.pictures import Pictures, number_in, whole
from bot.channels.web.shares import DAYS, Link, Shares
from bot.channels.web.shell import shared_page
from bot.channels.web.texts import word
from bot.channels.web.uploads import Refused
from bot.posted import BodyTooLarge, body_of
from handlers.message import Language

MOST_BYTES = 4096
"""Of a post: an address and a number."""
LOOKS_PER_MINUTE = 240
"""Of one address: a page and its picture are two."""
_UNLISTED = {"x-robots-tag": "noindex, nofollow, noarchive", "cache-control": "private, no-store"}
_POLICY = {
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
}
_ID = re.compile(r"[A-Za-z0-9_-]{24}")
_ADDRESS = "/pictures/"


class SharePages:
    """`patience`: seconds until a post that does not come is given up; `kept`: how long pictures are kept."""

    def __init__(
        self,
        *,
        shares: Shares,
        pictures: Pictures,
        sessions: Sessions,
        origin: str | None,
        patience: float,
        kept: timedelta,
    ) -> None:
        self._shares = shares
        self._pictures = pictures
        self._sessions = sessions
        self._origin = origin
        self._patience = patience
        self._kept = kept
        self._posts = PostPace()
        self._looks = PostPace(most=LOOKS_PER_MINUTE)

    def routes(self) -> list[Route]:
        return [
            Route("/api/shares", self.listed, methods=["GET"]),
            Route("/api/shares", self.make, methods=["POST"]),
            Route("/api/shares/revoke", self.revoke, methods=["POST"]),
            Route("/s/{share}", self.page),
            Route("/s/{share}/picture", self.picture),
        ]

    # --- the person's

    async def listed(self, request: Request) -> Response:
        try:
            links = await self._shares.of(self._pictures.person(request))
        except Refused as refused:
            return refusal(refused, language_wished(request))
        body = {"shares": [_wire(link) for link in links]}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def make(self, request: Request) -> Response:
        try:
            fields = await self._posted(request)
            chat = self._pictures.person(request)
            reference = fields.get("picture", "").removeprefix(_ADDRESS).partition("?")[0]
            days = fields.get("days", "")
            if days not in {str(n) for n in DAYS}:
                raise Refused(400, "bad_form")
            shown = await self._pictures.feed.picture(chat, reference)
            if shown is None or shown.entry.from_person or not await self._pictures.at_hand(shown.picture.path):
                raise Refused(404, "no_picture")
            kept_until = shown.entry.at + self._kept
            link = await self._shares.make(chat, reference, int(days), kept_until=kept_until)
        except Refused as refused:
            return refusal(refused, language_wished(request))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        return JSONResponse(_wire(link), 201, headers={"cache-control": "no-store"})

    async def revoke(self, request: Request) -> Response:
        try:
            fields = await self._posted(request)
            await self._shares.revoke(self._pictures.person(request), fields.get("id", ""))
        except Refused as refused:
            return refusal(refused, language_wished(request))
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=204)

    async def _posted(self, request: Request) -> dict[str, str]:
        """The fields of a post from our own page, as often as its address may post."""
        if not same_site(request, self._origin):
            raise Refused(403, "cross_site")
        self._pictures.person(request)
        if not self._posts.lets(address_of(request, self._sessions)):
            raise Refused(429, "too_fast")
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise Refused(415, "bad_form")
        try:
            body = await body_of(request, most=MOST_BYTES, seconds=self._patience)
            return dict(parse_qsl(body.decode("ascii"), max_num_fields=4))
        except BodyTooLarge:
            raise Refused(413, "too_large") from None
        except TimeoutError:
            raise Refused(408, "too_slow") from None
        except ValueError:  # not ASCII, or more fields than there are
            raise Refused(400, "bad_form") from None

    # --- everybody's

    async def page(self, request: Request) -> Response:
        language = language_wished(request)
        link, shown = await self._shown(request)
        status = 200
        if link is None or shown is None:
            status = 404
            body = shared_page(language, _gone(language))
        else:
            body = shared_page(language, _picture(language, link, shown))
        return Response(body, status, media_type="text/html; charset=utf-8", headers=_UNLISTED | _POLICY)

    async def picture(self, request: Request) -> Response:
        language = language_wished(request)
        _, shown = await self._shown(request)
        if shown is None:
            return error_answer(404, "no_picture", language)
        if width := number_in(request, "w"):
            answer = await self._pictures.smaller(shown.picture.path, width, language)
        else:
            answer = whole(shown, language, download=bool(request.query_params.get("download")))
        answer.headers.update(_UNLISTED)  # what was taken back is not in anybody's cache
        return answer

    async def _shown(self, request: Request) -> tuple[Link | None, Shown | None]:
        share = request.path_params["share"]
        if not _ID.fullmatch(share) or not self._looks.lets(address_of(request, self._sessions)):
            return None, None
        link = await self._shares.find(share)
        shown = await self._pictures.feed.picture(link.chat, link.picture) if link else None
        there = shown is not None and await self._pictures.at_hand(shown.picture.path)
        return (link, shown) if there else (None, None)


def _wire(link: Link) -> dict[str, object]:
    return {
        "id": link.id,
        "path": f"/s/{link.id}",
        "expires": link.expires.isoformat(),
        "picture": {"url": f"{_ADDRESS}{link.picture}"},
    }


def _picture(language: Language, link: Link, shown: Shown) -> str:
    address = f"/s/{link.id}/picture"
    made = escape(word(language, "shared.made_by"))
    until = escape(word(language, "shared.until", when=_day(language, link.expires)))
    return (
        f'<figure class="shared"><img src="{address}?w=2048" width="{shown.picture.width}"'
        f' height="{shown.picture.height}" alt="{made}"><figcaption>{made}</figcaption></figure>'
        f'<p class="shared-acts"><a class="solid" href="{address}?download=1" download>'
        f'{escape(word(language, "shared.save"))}</a></p><p class="shared-until">{until}</p>'
    )


def _gone(language: Language) -> str:
    title, text = (escape(word(language, key)) for key in ("shared.gone_title", "shared.gone"))
    return f'<div class="shared-gone"><h2>{title}</h2><p>{text}</p></div>'


def _day(language: Language, when: datetime) -> str:
    day = when.astimezone(UTC)
    return f"{day.year} 年 {day.month} 月 {day.day} 日" if language == "zh" else f"{day.day} {day:%B %Y}"
