"""A fake of WeCom customer service: people of WeChat who write, and the platform's calls, by its documentation.

The platform only says that there is something; messages are pulled with a cursor. It counts what is sent: five
messages within 48 hours of each message of a person.
"""

import base64
import hashlib
import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from providers.net.certificates import trusted
from tests.leaks import said
from tests.servers.serving import serving
from tests.servers.wecom import bot_key, encrypted
from tests.waiting import LONG

CORP_ID, SECRET, TOKEN = "ww0123456789", "kf-secret", "kf-token"
AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
ACCOUNT = "wkABC"
ALLOWED, SECONDS = 5, 48 * 3600
MAX_IMAGE = 2 * 1024 * 1024


@dataclass
class Person:
    """Somebody in WeChat. `screen`: what the bot sent, in order."""

    name: str
    screen: list[dict[str, Any]] = field(default_factory=list)
    wrote: float | None = None
    sent: int = 0
    state: int = 0

    @property
    def texts(self) -> list[str]:
        found = []
        for body in self.screen:
            if body["msgtype"] == "text":
                found.append(body["text"]["content"])
            elif body["msgtype"] == "msgmenu":
                found.append(body["msgmenu"]["head_content"])
        return found

    @property
    def pictures(self) -> list[bytes]:
        return [body["data"] for body in self.screen if body["msgtype"] == "image"]

    @property
    def menus(self) -> list[dict[str, Any]]:
        return [body["msgmenu"] for body in self.screen if body["msgtype"] == "msgmenu"]


@dataclass
class FakeKf:
    """`lose`: so many messages are shown and never answered. `down`: every call is answered 502."""

    origin: str = ""
    app: str = ""
    clock: Callable[[], float] = time.time
    log: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    codes: dict[str, Person] = field(default_factory=dict)
    """Of welcomes that were not used yet."""
    calls: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    lose: int = 0
    down: bool = False
    handed_over: int = 0
    """The `errcode` of a hand-over."""

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator["FakeKf"]:
        made = cls()
        routes = [Route("/cgi-bin/{path:path}", made._call, methods=["GET", "POST"])]
        with serving(Starlette(routes=routes)) as address:
            made.origin = address
            yield made

    def person(self, name: str = "wmAnn") -> Person:
        return self.people.setdefault(name, Person(name))

    # --- what people do

    async def writes(self, person: Person, text: str, *, menu_id: str = "") -> dict[str, Any]:
        member = {"content": text} | ({"menu_id": menu_id} if menu_id else {})
        return await self.happens(person, {"msgtype": "text", "text": member})

    async def sends_photo(self, person: Person, photo: bytes) -> dict[str, Any]:
        media_id = secrets.token_hex(8)
        self.media[media_id] = photo
        return await self.happens(person, {"msgtype": "image", "image": {"media_id": media_id}})

    async def happens(self, person: Person, message: dict[str, Any]) -> dict[str, Any]:
        """Returns the row, for `again`."""
        row = {
            "msgid": secrets.token_hex(12),
            "open_kfid": ACCOUNT,
            "external_userid": person.name,
            "send_time": int(self.clock()),
            "origin": 3,
            **message,
        }
        person.wrote, person.sent = self.clock(), 0
        await self.again(row)
        return row

    async def event(self, person: Person, kind: str, **members: Any) -> None:
        event = {"event_type": kind, "open_kfid": ACCOUNT, "external_userid": person.name, **members}
        row = {"msgid": secrets.token_hex(12), "send_time": int(self.clock()), "origin": 4, "msgtype": "event"}
        await self.again({**row, "event": event})

    async def enters(self, person: Person, parameter: str = "") -> None:
        """`parameter`: of the link or code that brought them."""
        code = secrets.token_hex(8)
        self.codes[code] = person
        await self.event(person, "enter_session", scene="qr", scene_param=parameter, welcome_code=code)

    async def again(self, row: dict[str, Any]) -> None:
        self.log.append(row)
        await self.says_so()

    async def says_so(self, *, signature: str | None = None) -> httpx.Response:
        """The callback: there is something."""
        xml = (
            f"<xml><ToUserName>{CORP_ID}</ToUserName><MsgType>event</MsgType><Event>kf_msg_or_event</Event>"
            f"<Token>pull</Token><OpenKfId>{ACCOUNT}</OpenKfId></xml>"
        )
        sealed = self.seal(xml)
        body = f"<xml><ToUserName>{CORP_ID}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        async with httpx.AsyncClient(verify=trusted(), timeout=LONG) as client:
            query = self.query(sealed) | ({"msg_signature": signature} if signature else {})
            return await client.post(f"{self.app}/wecom/kf", params=query, content=body)

    def seal(self, text: str) -> str:
        plain = secrets.token_bytes(16) + len(text.encode()).to_bytes(4, "big") + text.encode() + CORP_ID.encode()
        return base64.b64encode(encrypted(plain, bot_key(AES_KEY))).decode()

    def query(self, sealed: str) -> dict[str, str]:
        nonce = secrets.token_hex(8)
        parts = "".join(sorted((TOKEN, "1700000000", nonce, sealed)))
        signature = hashlib.sha1(parts.encode()).hexdigest()  # noqa: S324
        return {"msg_signature": signature, "timestamp": "1700000000", "nonce": nonce}

    # --- the platform's calls

    async def _call(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.calls.append(path)
        if self.down:
            return Response(status_code=502)
        if path == "gettoken":
            return self._token(request)
        if request.query_params.get("access_token") not in self.tokens:
            return JSONResponse({"errcode": 40014, "errmsg": "invalid access_token"})
        if path == "media/get":
            return self._media(request)
        if path == "media/upload":
            return await self._upload(request)
        body = await request.json()
        if path == "kf/sync_msg":
            return self._sync(body)
        if path == "kf/service_state/trans":
            code = self.handed_over
            self.people[body["external_userid"]].state = body["service_state"] if not code else 1
            return _said(code)
        if path == "kf/service_state/get":
            return JSONResponse({"errcode": 0, "service_state": self.people[body["external_userid"]].state})
        person = self.codes.pop(body.get("code", ""), None) if path == "kf/send_msg_on_event" else None
        counted = path == "kf/send_msg"
        return self._send(body, person or self.people.get(body.get("touser", "")), counted=counted)

    def _token(self, request: Request) -> Response:
        query = request.query_params
        if (query.get("corpid"), query.get("corpsecret")) != (CORP_ID, SECRET):
            return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return JSONResponse({"errcode": 0, "access_token": token, "expires_in": 7200})

    def _sync(self, body: dict[str, Any]) -> Response:
        """Two at a time, so that there is more."""
        self.cursors.append(body.get("cursor", ""))
        at = int(body.get("cursor") or 0)
        rows = self.log[at : at + 2]
        more = int(at + len(rows) < len(self.log))
        return JSONResponse({"errcode": 0, "next_cursor": str(at + len(rows)), "has_more": more, "msg_list": rows})

    def _send(self, body: dict[str, Any], person: Person | None, *, counted: bool) -> Response:
        if person is None:
            return _said(95000)
        if person.state in (2, 3):
            return _said(95018)
        if counted:
            if person.wrote is None or self.clock() - person.wrote > SECONDS:
                return _said(95002)
            if person.sent >= ALLOWED:
                return _said(95001)
            person.sent += 1
        shown = dict(body)
        if body["msgtype"] == "image":
            shown["data"] = self.media[body["image"]["media_id"]]
        if body["msgtype"] == "msgmenu":
            assert all(row["type"] == "click" and len(row["click"]["id"]) <= 64 for row in body["msgmenu"]["list"])
            assert len(body["msgmenu"]["list"]) <= 10
        said(str(shown))
        person.screen.append(shown)
        if counted and self.lose:
            self.lose -= 1
            return Response(status_code=500)
        return _said(0)

    def _media(self, request: Request) -> Response:
        data = self.media.get(request.query_params.get("media_id", ""))
        return Response(data, media_type="image/jpeg") if data else _said(40007)

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["media"]
            assert not isinstance(file, str)
            data = await file.read()
            assert file.filename
        assert len(data) <= MAX_IMAGE
        assert Image.open(io.BytesIO(data)).format in ("JPEG", "PNG")
        media_id = secrets.token_hex(8)
        self.media[media_id] = data
        return JSONResponse({"errcode": 0, "type": "image", "media_id": media_id, "created_at": "1"})


def _said(code: int) -> Response:
    return JSONResponse({"errcode": code, "errmsg": "no" if code else "ok"})
