"""`/r/…`: the result page and its pictures over HTTP. Anybody who has the address may look; there is no list of
addresses."""

import base64
import hashlib
import html
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.result_pages.pages import LIFE_SECONDS, Page, Pages
from handlers.message import Language
from handlers.words import words
from providers.errors import LikenessError
from providers.media.preview import thumbnail
from providers.media.threads import in_thread

COVER_SIDE = 640
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_HERE = Path(__file__).parent
_PICTURE = {"cache-control": "private, max-age=86400", "content-security-policy": "default-src 'none'; sandbox"}
CHINA = timedelta(hours=8)
"""The page's dates are Beijing's."""


@cache
def _template() -> tuple[str, str, str]:
    """The page, its style sheet, and the header that allows only this style sheet."""
    style = (_HERE / "page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src 'self'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    return (_HERE / "page.html").read_text("utf-8"), style, policy


class ResultPages:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[Route]:
        return [
            Route("/r/{page}", self.page),
            Route("/r/{page}/cover.jpg", self.cover),
            Route("/r/{page}/{number:int}", self.picture),
        ]

    async def page(self, request: Request) -> Response:
        page_id = request.path_params["page"]
        page = await self._pages.get(page_id)
        if page is None:
            return _html("zh", _both("wechat.page_gone_title"), _lines(_both("wechat.page_gone")), 404)
        return _html(page.language, words(page.language, "wechat.page_title"), _body(page_id, page), 200)

    async def picture(self, request: Request) -> Response:
        """The file as it was made."""
        page = await self._pages.get(request.path_params["page"])
        number = request.path_params["number"]
        if page is None or not 1 <= number <= len(page.pictures):
            return PlainTextResponse("", 404)
        shown = page.pictures[number - 1]
        if shown.mime not in _EXTENSIONS or not await self._pages.at_hand(shown):
            return PlainTextResponse("", 404)
        name = f"likeness-{number}.{_EXTENSIONS[shown.mime]}"
        return FileResponse(
            shown.path, media_type=shown.mime, filename=name, content_disposition_type="inline", headers=_PICTURE
        )

    async def cover(self, request: Request) -> Response:
        """A small JPEG of the first picture, for the card in the chat."""
        page = await self._pages.get(request.path_params["page"])
        if page is None or not page.pictures:
            return PlainTextResponse("", 404)
        try:
            await self._pages.at_hand(page.pictures[0])
            body = await in_thread(thumbnail, page.pictures[0].path, COVER_SIDE)
        except (LikenessError, OSError):
            return PlainTextResponse("", 404)
        return Response(body, media_type="image/jpeg", headers=_PICTURE)


def _body(page_id: str, page: Page) -> str:
    ends = datetime.fromtimestamp(page.made + LIFE_SECONDS, UTC) + CHINA
    figures = "\n".join(
        f'<figure><img src="/r/{html.escape(page_id)}/{n}" width="{p.width}" height="{p.height}" alt="{n}">'
        f"<figcaption>{n} / {len(page.pictures)} · {p.width} × {p.height}</figcaption></figure>"
        for n, p in enumerate(page.pictures, 1)
    )
    until = _both("wechat.page_until", date=f"{ends:%Y-%m-%d}")
    return "\n".join(
        [
            _lines(_both("wechat.page_save")),
            figures,
            _lines(page.text),
            _lines(_both("wechat.page_ai")),
            _lines(until),
        ]
    )


def _both(key: str, **params: str) -> str:
    """In both languages: the address may be opened by anybody it was passed on to."""
    return " · ".join((words("zh", key, **params), words("en", key, **params)))


def _lines(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _html(language: Language, title: str, body: str, status: int) -> Response:
    template, style, policy = _template()
    page = template.format(lang="zh-CN" if language == "zh" else "en", title=html.escape(title), style=style, body=body)
    headers = {"content-security-policy": policy, "cache-control": "no-store", "x-robots-tag": "noindex"}
    return HTMLResponse(page, status, headers=headers)
