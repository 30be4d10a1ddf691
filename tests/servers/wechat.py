"""A fake WeChat that plays both sides: the platform over HTTP, and the phones of people (long: one machine).

In a test:   with FakeWeChat.serving() as wechat: … reply = await wechat.phone("ann").types("动漫")

The platform pushes as the real one does: signed (and encrypted, without wechatpy), the connection cut after 5 seconds,
the same message 3 times in all, then the "service failed" line on the phone. It counts customer messages against what
each action allows, checks uploads, and knows what kind of account it is. Faults are planned for each endpoint.

This module is longer than others because it is one machine, and the rules of the platform stand side by side in it.
"""

import asyncio
import base64
import hashlib
import io
import json
import os
import secrets
import struct
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from providers.net.certificates import trusted
from tests.leaks import said
from tests.servers import serving as server
from tests.waiting import LONG

APP_ID = "wx0123456789abcdef"
APP_SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "testtoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = "gh_0123456789ab"
BROKEN = "该公众号提供的服务出现故障，请稍后再试"
VERIFIED = frozenset({"customer", "media", "material", "menu", "msgmenu"})
UNVERIFIED: frozenset[str] = frozenset()
MESSAGE_ALLOWS, BRIEF_ALLOWS = 5, 3
MESSAGE_SECONDS, BRIEF_SECONDS = 48 * 3600, 60
MEDIA_SECONDS = 3 * 24 * 3600
MAX_IMAGE = 2 * 1024 * 1024
TRIES = 3
PATIENCE = 5.0
"""Seconds, of the real platform."""


# --- encryption, from the documentation


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(xml: str, key: str = AES_KEY, app_id: str = APP_ID) -> str:
    raw = base64.b64decode(key + "=")
    body = xml.encode()
    plain = os.urandom(16) + struct.pack(">I", len(body)) + body + app_id.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def decrypt(sealed: str, key: str = AES_KEY) -> tuple[str, str]:
    """The XML and the id of the account inside."""
    raw = base64.b64decode(key + "=")
    decryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    plain = plain[16 : -plain[-1]]
    (length,) = struct.unpack(">I", plain[:4])
    return plain[4 : 4 + length].decode(), plain[4 + length :].decode()


# --- what a phone shows


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Something on a phone. `passive`: it came as the answer to a push."""

    kind: str
    text: str = ""
    picture: bytes = b""
    url: str = ""
    title: str = ""
    cover: str = ""
    items: tuple[tuple[str, str], ...] = ()
    passive: bool = False
    ai: bool = False
    at: float = 0.0


@dataclass
class Fault:
    """What the endpoint whose path ends with `path` does for the next `times` calls.

    `errcode`: that answer. `status`: that HTTP code. `do`: `reset_after` (taken, answer lost), `garbage`, `hold`
    (waits until `release`), `hold_after` (likewise, when it has been taken). `delay`: seconds before. `after`: calls
    that go well first.
    """

    path: str
    errcode: int | None = None
    status: int | None = None
    do: str = ""
    delay: float = 0.0
    after: int = 0
    times: int = 1


@dataclass
class Media:
    data: bytes
    at: float
    permanent: bool = False


@dataclass
class Push:
    """One push as it went: how long each try took, and the answer."""

    seconds: float
    tries: int
    status: int
    body: str


@dataclass(eq=False)
class FakeWeChat:
    rights: frozenset[str] = VERIFIED
    mode: str = "plain"
    """plain, compatible or safe"""
    key: str = AES_KEY
    url: str = ""
    app: str = ""
    """The address of the bot."""
    clock: Callable[[], float] = time.time
    tokens_live: float = 7200
    patience: float = 600.0
    """Seconds for a push: how busy its machine is decides no test."""
    last_action_only: bool = False
    """Whether a tap ends what a message before it allows."""
    calls: Counter[str] = field(default_factory=Counter)
    typings: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    media: dict[str, Media] = field(default_factory=dict)
    phones: "dict[str, Phone]" = field(default_factory=dict)
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Customer messages that were refused: (openid, code)."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Photos that people sent, by path."""
    photos_come: threading.Event = field(default_factory=threading.Event)
    """While it is not set, photos that people sent are asked for in vain."""
    file_status: int = 200
    menu: Any = None
    uploads: list[tuple[str, str, int]] = field(default_factory=list)
    """(file name, type, bytes)"""
    token: str = ""
    token_until: float = 0.0
    forced: int = 0
    fetching: int = 0
    fetching_at_once: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    holding: threading.Event = field(default_factory=threading.Event)
    on_take: Callable[[str], None] | None = None
    """Called with the path when a call has been taken, before it is answered: where kill tests kill."""
    client: Any = None
    """What the phones post with; without it each push has an `httpx.AsyncClient` of its own."""
    ids: int = 7_000_000_000_000_000

    # --- life

    def __post_init__(self) -> None:
        self.photos_come.set()

    @contextmanager
    def photos_held(self) -> Iterator[None]:
        """Photos that people sent are on their way."""
        self.photos_come.clear()
        try:
            yield
        finally:
            self.photos_come.set()

    @classmethod
    @contextmanager
    def serving(cls, **settings: Any) -> "Iterator[FakeWeChat]":
        fake = cls(**settings)
        with server.serving(fake.asgi()) as url:
            fake.url = url
            try:
                yield fake
            finally:
                fake.held.set()
                fake.photos_come.set()

    def asgi(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/cgi-bin/{path:path}", self.endpoint, methods=["GET", "POST"]),
                Route("/photos/{name}", self.photo),
            ]
        )

    def phone(self, name: str) -> "Phone":
        openid = f"o{name}" if not name.startswith("o") or len(name) < 20 else name
        return self.phones.setdefault(openid, Phone(wechat=self, openid=openid))

    def plan(self, path: str, **what: Any) -> None:
        self.faults.append(Fault(path=path, **what))

    def release(self) -> None:
        self.held.set()

    def invalidate(self) -> None:
        """Somebody else forced a new token: the one given out is dead."""
        self.token, self.token_until = "", 0.0

    # --- the endpoints

    async def photo(self, request: Request) -> Response:
        while not self.photos_come.is_set():  # noqa: ASYNC110  # set in another thread
            await asyncio.sleep(0.005)
        data = self.files.get(request.path_params["name"])
        self.calls["photo"] += 1
        if data is None or self.file_status != 200:
            return PlainTextResponse("", self.file_status if self.file_status != 200 else 404)
        return Response(data, media_type="image/jpeg")

    async def endpoint(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.calls[path] += 1
        fault = next((f for f in self.faults if path.endswith(f.path)), None)
        if fault is not None and fault.after > 0:
            fault.after -= 1
            fault = None
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.errcode is not None:
                return _no(fault.errcode)
            if fault.status is not None:
                return PlainTextResponse("<html>", fault.status)
            if fault.do == "hold":
                self.holding.set()
                await asyncio.to_thread(self.held.wait)
        answer = await self._answer(path, request)
        if self.on_take is not None:
            self.on_take(path)
        if fault is not None and fault.do == "hold_after":
            self.holding.set()
            await asyncio.to_thread(self.held.wait)
        if fault is not None and fault.do == "garbage":
            return PlainTextResponse("<html>oops</html>")
        if fault is not None and fault.do == "reset_after":
            raise ConnectionResetError  # the server drops the connection with a 500
        return answer

    async def _answer(self, path: str, request: Request) -> Response:
        if path == "stable_token":
            return await self._stable_token(await request.json())
        if path == "token":
            return _no(40013)  # the bot must not use the family whose tokens kill each other
        if request.query_params.get("access_token") != self.token or not self.token:
            return _no(40001)
        if self.clock() >= self.token_until:
            return _no(42001)
        match path:
            case "media/upload":
                return await self._upload(request, permanent=False)
            case "material/add_material":
                return await self._upload(request, permanent=True)
            case "material/del_material":
                if "material" not in self.rights:
                    return _no(48001)
                return _ok() if self.media.pop((await request.json())["media_id"], None) else _no(40007)
            case "media/get":
                return self._get(request)
            case "message/custom/typing":
                return await self._typing(await request.json())
            case "message/custom/send":
                return await self._send(await request.body())
            case "menu/create":
                if "menu" not in self.rights:
                    return _no(48001)
                self.menu = await request.json()
                return _ok()
        return PlainTextResponse("", 404)

    async def _stable_token(self, body: dict[str, Any]) -> Response:
        self.fetching += 1
        self.fetching_at_once = max(self.fetching_at_once, self.fetching)
        try:
            await asyncio.sleep(0.02)
            if body.get("appid") != APP_ID:
                return _no(40013)
            if body.get("secret") != APP_SECRET:
                return _no(40125)
            if body.get("grant_type") != "client_credential":
                return _no(40002)
            now = self.clock()
            self.forced += bool(body.get("force_refresh"))
            if body.get("force_refresh") or now > self.token_until - 300 or not self.token:
                self.token, self.token_until = secrets.token_hex(32), now + self.tokens_live
            return JSONResponse({"access_token": self.token, "expires_in": int(self.token_until - now)})
        finally:
            self.fetching -= 1

    async def _upload(self, request: Request, *, permanent: bool) -> Response:
        if ("material" if permanent else "media") not in self.rights:
            return _no(48001)
        async with request.form() as form:
            file = form.get("media")
            if file is None or isinstance(file, str):
                return _no(41005)
            data = await file.read()
        if request.query_params.get("type") != "image":
            return _no(40004)
        if not file.filename or "." not in file.filename or file.content_type not in ("image/jpeg", "image/png"):
            return _no(40005)
        if not data:
            return _no(44001)
        if len(data) > MAX_IMAGE:
            return _no(40009)
        try:
            if Image.open(io.BytesIO(data)).format not in ("JPEG", "PNG", "GIF"):
                return _no(40137)
        except OSError:
            return _no(40137)
        self.uploads.append((file.filename, file.content_type, len(data)))
        media_id = secrets.token_urlsafe(24)
        self.media[media_id] = Media(data=data, at=self.clock(), permanent=permanent)
        return JSONResponse({"type": "image", "media_id": media_id, "created_at": int(self.clock())})

    def _get(self, request: Request) -> Response:
        if "media" not in self.rights:
            return _no(48001)
        data = self.files.get(request.query_params.get("media_id", ""))
        return Response(data, media_type="image/jpeg") if data else _no(40007)

    async def _typing(self, body: dict[str, Any]) -> Response:
        self.typings[str(body.get("touser"))] += 1
        if "customer" not in self.rights:
            return _no(48001)
        phone = self.phones.get(body.get("touser", ""))
        if phone is None:
            return _no(40003)
        if body.get("command") != "Typing":
            return _no(45072)
        if self.clock() - phone.active > 30:
            return _no(45080)
        if self.clock() - phone.typed < 15:
            return _no(45081)
        phone.typed = self.clock()
        return _ok()

    async def _send(self, raw: bytes) -> Response:
        if "customer" not in self.rights:
            return _no(48001)
        if b"\\u" in raw:
            return _no(40033)
        body = json.loads(raw)
        phone = self.phones.get(body.get("touser", ""))
        if phone is None:
            return _no(40003)
        code = self._wrong(body) or phone.spend()
        if code:
            self.refused.append((phone.openid, code))
            return _no(code)
        phone.typed = 0.0
        phone.shows(self._shown(body))
        return _ok()

    def _wrong(self, body: dict[str, Any]) -> int:
        kind = body.get("msgtype")
        match kind:
            case "text":
                content = body["text"]["content"]
                return 44004 if not content.strip() else 45002 if len(content.encode()) > 2048 else 0
            case "image":
                return 0 if self.known(body["image"]["media_id"]) else 40007
            case "msgmenu":
                return 0 if "msgmenu" in self.rights else 40200
            case "news":
                return 0 if len(body["news"]["articles"]) == 1 else 45008
        return 40008

    def _shown(self, body: dict[str, Any]) -> Seen:
        ai = body.get("aimsgcontext", {}).get("is_ai_msg") == 1
        kind, at = body["msgtype"], self.clock()
        match kind:
            case "text":
                return Seen(kind=kind, text=body["text"]["content"], ai=ai, at=at)
            case "image":
                return Seen(kind=kind, picture=self.media[body["image"]["media_id"]].data, ai=ai, at=at)
            case "news":
                one = body["news"]["articles"][0]
                return Seen(
                    kind=kind,
                    title=one["title"],
                    text=one["description"],
                    url=one["url"],
                    cover=one["picurl"],
                    ai=ai,
                    at=at,
                )
        menu = body["msgmenu"]
        items = tuple((i["id"], i["content"]) for i in menu["list"])
        text = "\n".join([menu["head_content"], *(c for _, c in items), menu["tail_content"]])
        return Seen(kind=kind, text=text, items=items, ai=ai, at=at)

    def known(self, media_id: str) -> bool:
        media = self.media.get(media_id)
        return media is not None and (media.permanent or self.clock() - media.at < MEDIA_SECONDS)


@dataclass(eq=False)
class Phone:
    """A follower and their phone. Each method is something the person does; its value is the passive answer."""

    wechat: FakeWeChat
    openid: str
    seen: list[Seen] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    following: bool = True
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By `message` and `brief`: since when, and how many were sent in it."""
    active: float = 0.0
    typed: float = 0.0
    arrived: threading.Event = field(default_factory=threading.Event)
    notes: Counter[str] = field(default_factory=Counter)

    # --- what is on the screen

    def shows(self, seen: Seen) -> None:
        said(str(seen))
        self.seen.append(seen)
        self.arrived.set()

    @property
    def pictures(self) -> list[bytes]:
        return [s.picture for s in self.seen if s.kind == "image"]

    @property
    def messages(self) -> list[Seen]:
        """Customer messages."""
        return [s for s in self.seen if not s.passive]

    @property
    def broken(self) -> int:
        """How often the person saw the "service failed" line."""
        return sum(s.text == BROKEN for s in self.seen)

    async def until(self, what: "Callable[[Phone], bool]", seconds: float = LONG) -> None:
        async with asyncio.timeout(seconds):
            while not what(self):  # noqa: ASYNC110  # a test asks about many different things
                await asyncio.sleep(0.01)

    # --- the budget

    def opens(self, action: str) -> None:
        """Something the person does: a `message`, or a tap, a follow or a scan (`brief`)."""
        if self.wechat.last_action_only:
            self.windows.clear()
        self.windows[action] = (self.wechat.clock(), 0)
        self.active = self.wechat.clock()

    def spend(self) -> int:
        """One customer message: 0, or the code of the refusal."""
        if not self.following:
            return 45015
        now = self.wechat.clock()
        lives = {"brief": BRIEF_SECONDS, "message": MESSAGE_SECONDS}
        allows = {"brief": BRIEF_ALLOWS, "message": MESSAGE_ALLOWS}
        open_ones = [a for a in lives if a in self.windows and now - self.windows[a][0] <= lives[a]]
        for action in open_ones:
            since, sent = self.windows[action]
            if sent < allows[action]:
                self.windows[action] = (since, sent + 1)
                return 0
        return 45047 if open_ones else 45015

    @property
    def sent_in_window(self) -> int:
        return self.windows.get("message", (0.0, 0))[1]

    # --- what the person does

    async def types(self, text: str, **more: str) -> Seen | None:
        self.opens("message")
        return await self._push(self.text_xml(text, **more))

    async def speaks(self, recognised: str = "") -> Seen | None:
        self.opens("message")
        body = {"MsgType": "voice", "MediaId": "v1", "Format": "amr", "MsgId": self._id()}
        return await self._push(self.xml(body | ({"Recognition": recognised} if recognised else {})))

    async def sends(self, photo: bytes, *, pic_url: bool = True) -> Seen | None:
        self.opens("message")
        return await self._push(self.photo_xml(photo, pic_url=pic_url))

    async def sends_other(self, kind: str, **fields: str) -> Seen | None:
        self.opens("message")
        return await self._push(self.xml({"MsgType": kind, "MsgId": self._id(), **fields}))

    async def taps_item(self, item: str, label: str) -> Seen | None:
        """Taps an item of a menu message."""
        self.opens("brief")
        return await self._push(self.text_xml(label, bizmsgmenuid=item))

    async def event(self, event: str, *, opens: bool = True, **fields: str) -> Seen | None:
        if opens:
            self.opens("brief")
        return await self._push(self.xml({"MsgType": "event", "Event": event, **fields}))

    async def follows(self, scene: str = "") -> Seen | None:
        self.following = True
        if not scene:
            return await self.event("subscribe")
        return await self.event("subscribe", EventKey=f"qrscene_{scene}", Ticket="t")

    async def unfollows(self) -> Seen | None:
        self.following = False
        return await self.event("unsubscribe", opens=False)

    # --- the platform's push

    def _id(self) -> str:
        self.wechat.ids += 1
        return str(self.wechat.ids)

    def xml(self, fields: dict[str, str]) -> str:
        head = {"ToUserName": ACCOUNT, "FromUserName": self.openid, "CreateTime": str(int(self.wechat.clock()))}
        inner = "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in (head | fields).items())
        return f"<xml>{inner}</xml>"

    def text_xml(self, text: str, **more: str) -> str:
        escaped = text.replace("]]>", "]]]]><![CDATA[>")
        return self.xml({"MsgType": "text", "Content": escaped, "MsgId": self._id(), **more})

    def photo_xml(self, photo: bytes, *, pic_url: bool = True) -> str:
        media_id = secrets.token_urlsafe(16)
        self.wechat.files[media_id] = photo
        url = f"{self.wechat.url}/photos/{media_id}" if pic_url else ""
        return self.xml({"MsgType": "image", "PicUrl": url, "MediaId": media_id, "MsgId": self._id()})

    async def _push(self, xml: str) -> Seen | None:
        """As the platform: three times the same; then the line that says the service has failed."""
        began = time.monotonic()
        status, body = 0, ""
        tries = 0
        async with AsyncExitStack() as stack:
            client = self.wechat.client
            if client is None:
                alone = httpx.AsyncClient(timeout=self.wechat.patience, trust_env=False, verify=trusted())
                client = await stack.enter_async_context(alone)
            while status != 200 and tries < TRIES:
                tries += 1
                try:
                    answer = await client.post(**self.request(xml))
                except (httpx.HTTPError, TimeoutError):
                    continue
                status, body = answer.status_code, answer.text
        self.pushes.append(Push(seconds=time.monotonic() - began, tries=tries, status=status, body=body))
        return self.reads(status, body)

    def request(self, xml: str, *, nonce: str | None = None, timestamp: str | None = None) -> dict[str, Any]:
        """One signed request, as keyword arguments of `httpx.AsyncClient.post`."""
        timestamp = timestamp or str(int(self.wechat.clock()))
        nonce = nonce or str(secrets.randbelow(10**10))
        query = {
            "signature": sign(TOKEN, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": self.openid,
        }
        body = xml
        if self.wechat.mode != "plain":
            sealed = encrypt(xml, self.wechat.key)
            query |= {"encrypt_type": "aes", "msg_signature": sign(TOKEN, timestamp, nonce, sealed)}
            tag = f"<Encrypt><![CDATA[{sealed}]]></Encrypt>"
            if self.wechat.mode == "safe":
                body = f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>{tag}</xml>"
            else:
                body = xml.replace("</xml>", f"{tag}</xml>")
        headers = {"content-type": "text/xml"}
        return {"url": f"{self.wechat.app}/wechat", "params": query, "content": body.encode(), "headers": headers}

    def reads(self, status: int, body: str) -> Seen | None:
        """What the platform makes of an answer: shown, or the line that the service has failed."""
        try:
            seen = self._reads(status, body)
        except (AssertionError, ET.ParseError, ValueError, KeyError, TypeError) as error:
            self.notes[f"{type(error).__name__}: {str(error)[:200]}"] += 1
            seen = Seen(kind="text", text=BROKEN, passive=True, at=self.wechat.clock())
        if seen is not None:
            self.shows(seen)
        return seen

    def _reads(self, status: int, body: str) -> Seen | None:
        assert status == 200, f"HTTP {status}"
        if body in ("", "success"):
            return None
        if self.wechat.mode == "safe":
            outer = _fields(body)
            sealed = outer["Encrypt"]
            assert outer["MsgSignature"] == sign(TOKEN, outer["TimeStamp"], outer["Nonce"], sealed)
            body, app_id = decrypt(sealed, self.wechat.key)
            assert app_id == APP_ID
        elif self.wechat.mode == "compatible" and "<Encrypt>" in body:
            body, _ = decrypt(_fields(body)["Encrypt"], self.wechat.key)
        assert body.startswith("<xml>"), "blanks before <xml>"
        fields = _fields(body)
        assert fields["ToUserName"] == self.openid, "wrong receiver"
        assert fields["FromUserName"] == ACCOUNT, "wrong sender"
        assert fields["CreateTime"].isdecimal()
        kind, at = fields["MsgType"], self.wechat.clock()
        match kind:
            case "text":
                assert fields["Content"].strip(), "empty text"
                assert len(fields["Content"].encode()) <= 2048, "text too long"
                return Seen(kind=kind, text=fields["Content"], passive=True, at=at)
            case "image":
                media_id = _tree(body).findtext("Image/MediaId") or ""
                assert self.wechat.known(media_id), "unknown media"
                return Seen(kind=kind, picture=self.wechat.media[media_id].data, passive=True, at=at)
            case "news":
                item = _tree(body).find("Articles/item")
                assert item is not None
                assert fields["ArticleCount"] == "1"
                said = {k: item.findtext(k) or "" for k in ("Title", "Description", "PicUrl", "Url")}
                return Seen(
                    kind=kind,
                    title=said["Title"],
                    text=said["Description"],
                    url=said["Url"],
                    cover=said["PicUrl"],
                    passive=True,
                    at=at,
                )
        raise AssertionError(f"unknown kind {kind}")


def _tree(xml: str) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314  # written by the bot under test


def _fields(xml: str) -> dict[str, str]:
    return {child.tag: child.text or "" for child in _tree(xml)}


def _ok() -> Response:
    return JSONResponse({"errcode": 0, "errmsg": "ok"})


def _no(code: int) -> Response:
    return JSONResponse({"errcode": code, "errmsg": f"words that may change any day rid: 65f0-{code}-aa"})
