"""`/made-here`: a page that says whether a picture was made here; for anybody, without a cookie or a script.

GET   a form        POST  the same with the answer

The picture is examined and deleted before the answer is sent. Nothing of it is stored or logged.
"""

import hashlib
import logging
from base64 import b64encode
from html import escape
from pathlib import Path

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.web.addresses import PostPace, address_of
from bot.channels.web.cookies import Sessions
from bot.channels.web.middleware import FORM_HEADERS, same_site
from bot.channels.web.texts import language_of
from bot.channels.web.uploads import Limits, Refused, read_post
from handlers.message import Language
from handlers.words import words
from providers.errors import LikenessError
from providers.media.files import delete_quietly
from providers.media.origin import Origin, origin_of
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

PATH = "/made-here"
LIMITS = Limits(photos=1)
POSTS_PER_MINUTE = 20
"""Of one address: each look takes a tenth of a second of this machine."""
_STYLE = """
:root{color-scheme:light dark;--paper:#f5f2ec;--sheet:#fffdf9;--ink:#1d1a16;--soft:#665f55;--edge:#857c6f;--lamp:#b1381b;--lamp-ink:#fffaf5}
@media (prefers-color-scheme:dark){:root{--paper:#151311;--sheet:#201d1a;--ink:#ece6dc;--soft:#a79e91;--edge:#8a8073;--lamp:#ff7d5c;--lamp-ink:#1b0c06}}
*{box-sizing:border-box}
body{max-width:36rem;margin:0 auto;padding:12vh 1.25rem 3rem;background:var(--paper);color:var(--ink);font:1rem/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{margin:0 0 .75rem;font:400 2rem/1.2 ui-serif,"Iowan Old Style",Palatino,"Songti SC","Noto Serif CJK SC",Georgia,serif;text-wrap:balance}
form{display:grid;gap:1rem;justify-items:start;margin:1.5rem 0}
form p{margin:0}
button,input{max-width:100%;min-height:2.75rem;font:inherit}
input{width:100%;margin-top:.375rem;padding:.5rem;border:1px solid var(--edge);border-radius:.5rem;background:var(--sheet);color:inherit}
button{padding:.5rem 1.25rem;border:0;border-radius:.5rem;background:var(--lamp);color:var(--lamp-ink);font-weight:600;cursor:pointer}
label{width:100%}
:focus-visible{outline:2px solid var(--lamp);outline-offset:2px}
output{display:block;margin:1.5rem 0;padding:.75rem 1rem;border-left:3px solid var(--lamp);border-radius:.25rem;background:var(--sheet);font-weight:600}
small{color:var(--soft)}
"""  # noqa: E501
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    **FORM_HEADERS,
}


def made_here_routes(*, sessions: Sessions, folder: Path, producer: str, public_origin: str | None) -> list[Route]:
    """`folder`: where an upload is stored while it is examined."""
    page = _Page(sessions=sessions, folder=folder, producer=producer, origin=public_origin)
    return [Route(PATH, page.form, methods=["GET"]), Route(PATH, page.look, methods=["POST"])]


class _Page:
    def __init__(self, *, sessions: Sessions, folder: Path, producer: str, origin: str | None) -> None:
        self._sessions = sessions
        self._folder = folder
        self._producer = producer
        self._origin = origin
        self._pace = PostPace(most=POSTS_PER_MINUTE)

    async def form(self, request: Request) -> Response:
        return _answer(_language(request))

    async def look(self, request: Request) -> Response:
        language = _language(request)
        try:
            if not same_site(request, self._origin):
                raise Refused(403, "cross_site")
            if not self._pace.lets(address_of(request, self._sessions)):
                raise Refused(429, "too_fast")
            posted = await read_post(request, self._folder, LIMITS)
        except Refused as refused:
            return _answer(language, words(language, "made_here.refused"), status=refused.status)
        except ClientDisconnect:
            return Response(status_code=400)
        paths = [photo.path for photo in posted.photos]
        try:
            if not paths:
                return _answer(language, words(language, "made_here.refused"), status=400)
            data = await to_thread.run_sync(paths[0].read_bytes)
            origin = await in_thread(lambda: origin_of(data, producer=self._producer))
        except LikenessError as error:
            return _answer(language, words(language, error.text_key, **error.params), status=400)
        finally:
            await to_thread.run_sync(delete_quietly, paths)
        return _answer(language, _told(origin, language))


def _told(origin: Origin, language: Language) -> str:
    if origin.made_here:
        return words(language, "made_here.yes", number=origin.number or "")
    if origin.label is not None:
        return words(language, "made_here.other", producer=origin.label.producer)
    return words(language, "made_here.no")


def _answer(language: Language, told: str = "", *, status: int = 200) -> Response:
    title, lead, choose, ask, small = (
        escape(words(language, key))
        for key in ("made_here.title", "made_here.lead", "made_here.choose", "made_here.ask", "made_here.small")
    )
    answer = f"<output>{escape(told)}</output>" if told else ""
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{lead}</p>{answer}"
        f'<form method="post" enctype="multipart/form-data"><label>{choose}<br>'
        f'<input type="file" name="photos" accept="image/*" required></label><p><button>{ask}</button></p></form>'
        f"<small>{small}</small></main></body></html>"
    )
    headers = _HEADERS | ({"connection": "close"} if status in (408, 413, 415) else {})
    return Response(page, status, media_type="text/html; charset=utf-8", headers=headers)


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))
