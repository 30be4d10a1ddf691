"""The page's own files, by name and version, and the small program that keeps them for a visit without a network.

GET /                         the page, and the cookie that makes this browser a person
GET /static/VERSION/{name}    a file for ever: another version has another address
GET /static/{name}            the same, asked about at each visit
GET /sw.js                    the service worker: it keeps these files, and nothing of anybody

VERSION changes with any file, so a page never meets a module of another version, and a second visit asks for nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.web.cookies import Sessions
from bot.channels.web.errors import error_answer, language_wished
from handlers.message import Language

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
SHEETS = ("theme.css", "room.css", "talk.css", "composer.css", "sheet.css", "viewer.css")
"""Served as one, `page.css`, in this order: one request in place of six."""
PAGES = ("index.html", "shared.html")
"""Not to be had as files."""
_WORKER = "sw.js"
_HERE = "/static/v/"
"""What stands in a file for the folder of its version."""
_FOR_EVER = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    body: bytes
    type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """The page's files by name, read once. What is not here cannot be asked for."""
    files = {f.name: f.read_bytes() for f in sorted(WEB.iterdir()) if f.suffix in TYPES}
    files["page.css"] = b"\n".join(files.pop(name) for name in SHEETS)
    folder = f"/static/{_version(files)}/"
    kept = sorted(folder + name for name in files if name not in (*PAGES, _WORKER))
    for name in (*PAGES, _WORKER):
        files[name] = files[name].replace(_HERE.encode(), folder.encode())
    files[_WORKER] = files[_WORKER].replace(b'["FILES"]', json.dumps(kept).encode())
    return {name: _asset(body, TYPES[Path(name).suffix]) for name, body in files.items()}


@cache
def version() -> str:
    """A name for this very set of files."""
    return assets()["index.html"].body.split(b"/static/", 1)[1].split(b"/", 1)[0].decode()


def _version(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, body in sorted(files.items()):
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
    return digest.hexdigest()[:12]


def _asset(body: bytes, kind: str) -> Asset:
    return Asset(body, kind, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


def shared_page(language: Language, body: str) -> bytes:
    """The page behind a link to a picture, around what it shows (markup of ours)."""
    page = assets()["shared.html"].body.decode()
    return page.replace("LANGUAGE", "zh-Hans" if language == "zh" else "en").replace("BODY", body).encode()


class Shell:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def routes(self) -> list[Route]:
        return [
            Route("/", self.page),
            Route("/static/{name}", self.file),
            Route("/static/{version}/{name}", self.file),
            Route("/sw.js", self.worker),
            Route("/favicon.ico", self.favicon),
        ]

    async def page(self, request: Request) -> Response:
        asset = assets()["index.html"]
        response = Response(asset.body, media_type=asset.type, headers={"cache-control": "no-store"})
        self._sessions.greet(request, response)
        return response

    async def file(self, request: Request) -> Response:
        return _file(request, request.path_params["name"], kept=request.path_params.get("version") == version())

    async def worker(self, request: Request) -> Response:
        return _file(request, _WORKER)

    async def favicon(self, request: Request) -> Response:
        return _file(request, "icon-64.png")


def _file(request: Request, name: str, *, kept: bool = False) -> Response:
    asset = assets().get(name)
    if asset is None or name in PAGES:
        return error_answer(404, "not_found", language_wished(request))
    headers = {"etag": asset.etag, "cache-control": _FOR_EVER if kept else "no-cache"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=asset.type, headers=headers)
