"""A fake of WeCom's side: a smart bot's long connection, its callbacks, and the encrypted pictures of people.

Follows the platform's documentation (100719, 101031, 101033, 101463), faults included: a line closed with a code or
cut, answers with an `errcode` or none at all, a bot taken over, pictures that are gone after five minutes.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.servers.serving import serving
from tests.waiting import LONG

BOT_ID, BOT_SECRET = "aib-likeness", "bot-secret"
TOKEN, AES_KEY = "QDG6eK", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
PIECE = 512 * 1024
MAX_IMAGE = 10 * 1024 * 1024


def padded(data: bytes) -> bytes:
    """PKCS#7 to blocks of 32."""
    n = 32 - len(data) % 32
    return data + bytes((n,)) * n


def encrypted(data: bytes, key: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return cipher.update(padded(data)) + cipher.finalize()


def bot_key(aes_key: str = AES_KEY) -> bytes:
    return base64.b64decode(aes_key + "=")


@dataclass
class Media:
    """Pictures people sent, encrypted, each under an address of its own; gone where `expired`."""

    files: dict[str, bytes] = field(default_factory=dict)
    address: str = ""
    fetched: int = 0
    expired: bool = False

    def put(self, data: bytes, key: bytes) -> str:
        name = secrets.token_hex(8)
        self.files[name] = encrypted(data, key)
        return f"{self.address}/media/{name}"

    async def get(self, request: Request) -> Response:
        self.fetched += 1
        found = self.files.get(request.path_params["name"])
        if found is None or self.expired:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return Response(found, media_type="application/octet-stream")


class FakeLine:
    """The other end of the long connection. Runs in a thread of its own; everything it took is in `frames`."""

    def __init__(self) -> None:
        self.ended_with: list[int] = []
        """Codes that lines were closed with."""
        self.frames: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        self.media: dict[str, bytes] = {}
        self.refuse: Callable[[Mapping[str, Any]], int] = lambda frame: 0
        """The `errcode` with which a frame is answered; 0: ok."""
        self.silent: Callable[[Mapping[str, Any]], bool] = lambda frame: False
        """Whether a frame is done, but not answered."""
        self.breaks: Callable[[Mapping[str, Any]], bool] = lambda frame: False
        """Whether the line ends without a word once a frame is done, before it is answered."""
        self.down = False
        """Nobody can connect."""
        self.shown: list[dict[str, Any]] = []
        """Frames that put something into a chat."""
        self.break_after_chunks: int | None = None
        self._chunks = 0
        self._current: ServerConnection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url = ""

    def sent(self, cmd: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("cmd") == cmd]

    @property
    def connected(self) -> bool:
        return self._current is not None

    @contextmanager
    def running(self) -> Iterator["FakeLine"]:
        ready = threading.Event()

        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            async with serve(
                self._serve, "127.0.0.1", 0, max_size=8 * 1024 * 1024, ping_interval=None, process_request=self._door
            ) as server:
                self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                ready.set()
                await self._stop.wait()

        thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            assert self._loop is not None and self._stop is not None  # noqa: PT018
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(timeout=LONG)

    # --- what a test does
    def say(self, cmd: str, body: Mapping[str, Any], req_id: str | None = None) -> str:
        """Send a callback; returns its `req_id`."""
        name = req_id or f"req-{secrets.token_hex(6)}"
        self._on_loop(self._send({"cmd": cmd, "headers": {"req_id": name}, "body": body}))
        return name

    def say_raw(self, text: str) -> None:
        async def send() -> None:
            if self._current is not None:
                await self._current.send(text)

        self._on_loop(send())

    def close(self, code: int | None) -> None:
        """End the line: with a code, or (None) without a word."""

        async def end() -> None:
            line = self._current
            if line is None:
                return
            if code is None:
                line.transport.abort()
            else:
                await line.close(code)

        # Not waited for: the other end's goodbye may have to come from the thread that called us.
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(end(), self._loop)

    def _on_loop(self, work: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=LONG)

    # --- what the platform does
    def _door(self, line: ServerConnection, _request: Any) -> Any:
        return line.respond(503, "away") if self.down else None

    async def _send(self, frame: Mapping[str, Any]) -> None:
        """To whoever is connected; where a line is just ending, to the next one."""
        async with asyncio.timeout(LONG):
            while True:
                line = self._current
                if line is not None:
                    with suppress(ConnectionClosed):
                        await line.send(json.dumps(frame))
                        return
                await asyncio.sleep(0.005)

    async def _serve(self, line: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await self._listen(line)
        if self._current is line:
            self._current = None
        if line.close_code is not None:
            self.ended_with.append(line.close_code)

    async def _listen(self, line: ServerConnection) -> None:
        async for text in line:
            frame = json.loads(text)
            self.frames.append(frame)
            if frame["cmd"] == "aibot_subscribe":
                await self._subscribe(line, frame)
                continue
            code, body = self._do(frame) if self._current is line else (846609, None)
            if self.break_after_chunks is not None and self._chunks >= self.break_after_chunks:
                self.break_after_chunks = None
                line.transport.abort()
                return
            if self.breaks(frame):
                line.transport.abort()
                return
            if not self.silent(frame):
                await self._answer(line, frame, code, body)

    async def _subscribe(self, line: ServerConnection, frame: Mapping[str, Any]) -> None:
        """A bot has one line: a subscription from elsewhere takes it over, and the one before is told."""
        body = frame["body"]
        code = self.refuse(frame) or (0 if (body.get("bot_id"), body.get("secret")) == (BOT_ID, BOT_SECRET) else 40001)
        if code == 0:
            before, self._current = self._current, line
            elsewhere = bool(self.subscriptions) and self.subscriptions[-1].get("device_id") != body.get("device_id")
            self.subscriptions.append(body)
            if before is not None and elsewhere:
                with suppress(ConnectionClosed):
                    await before.send(json.dumps(_disconnected()))
        await self._answer(line, frame, code, None)

    async def _answer(
        self, line: ServerConnection, frame: Mapping[str, Any], code: int, body: Mapping[str, Any] | None
    ) -> None:
        answer = {"headers": {"req_id": frame["headers"]["req_id"]}, "errcode": code, "errmsg": "no" if code else "ok"}
        await line.send(json.dumps(answer | ({"body": body} if body else {})))

    def _do(self, frame: Mapping[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if code := self.refuse(frame):
            return code, None
        cmd, body = frame["cmd"], frame.get("body") or {}
        if cmd == "aibot_upload_media_init":
            upload_id = secrets.token_hex(8)
            self.uploads[upload_id] = {**body, "pieces": {}}
            return (0, {"upload_id": upload_id}) if body["total_chunks"] <= 100 else (40058, None)
        if cmd == "aibot_upload_media_chunk":
            return self._piece(body)
        if cmd == "aibot_upload_media_finish":
            return self._finish(body)
        if cmd in ("aibot_respond_msg", "aibot_send_msg"):
            if (code := self._message(body)) == 0:
                self.shown.append(dict(frame))
            return code, None
        return 0, None

    def _piece(self, body: Mapping[str, Any]) -> tuple[int, None]:
        upload = self.uploads.get(body["upload_id"])
        data = base64.b64decode(body["base64_data"])
        if upload is None or not 0 < len(data) <= PIECE or not 0 <= body["chunk_index"] < upload["total_chunks"]:
            return 40058, None
        upload["pieces"][body["chunk_index"]] = data
        self._chunks += 1
        return 0, None

    def _finish(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any] | None]:
        upload = self.uploads.pop(body["upload_id"], None)
        if upload is None or len(upload["pieces"]) != upload["total_chunks"]:
            return 40058, None
        data = b"".join(upload["pieces"][n] for n in range(upload["total_chunks"]))
        right = len(data) == upload["total_size"] and hashlib.md5(data).hexdigest() == upload["md5"]  # noqa: S324
        if not right or (
            upload["type"] == "image" and (len(data) > MAX_IMAGE or data[:2] not in (b"\xff\xd8", b"\x89P"))
        ):
            return 40058, None
        media_id = f"media-{secrets.token_hex(8)}"
        self.media[media_id] = data
        return 0, {"type": upload["type"], "media_id": media_id, "created_at": 0}

    def _message(self, body: Mapping[str, Any]) -> int:
        kind = body.get("msgtype")
        if kind == "stream":
            stream = body["stream"]
            return 0 if stream.get("id") and stream.get("content", "").strip() and "msg_item" not in stream else 40058
        if kind in ("image", "file"):
            return 0 if body[kind]["media_id"] in self.media else 40007
        return 0 if kind in ("markdown", "template_card", "stream_with_template_card", "text") else 40058


def _disconnected() -> dict[str, Any]:
    body = {"msgtype": "event", "event": {"eventtype": "disconnected_event"}, "aibotid": BOT_ID}
    return {"cmd": "aibot_event_callback", "headers": {"req_id": secrets.token_hex(8)}, "body": body}


class Callbacks:
    """The platform's side of callback mode: seals what it posts to the bot's address, opens what the bot answers."""

    def __init__(self, address: str, *, token: str = TOKEN, aes_key: str = AES_KEY) -> None:
        self.address = address
        self._token = token
        self._key = bot_key(aes_key)

    def signature(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted((self._token, *parts))).encode()).hexdigest()  # noqa: S324

    def seal(self, text: str, *, receiver: str = "", filler: bytes | None = None) -> str:
        plain = (filler or secrets.token_bytes(16)) + len(text.encode()).to_bytes(4, "big") + text.encode()
        return base64.b64encode(encrypted(plain + receiver.encode(), self._key)).decode()

    def open(self, sealed: str) -> str:
        cipher = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16])).decryptor()
        plain = cipher.update(base64.b64decode(sealed)) + cipher.finalize()
        plain = plain[: -plain[-1]]
        length = int.from_bytes(plain[16:20], "big")
        assert plain[20 + length :] == b"", "the receiver's id is the empty string"
        return plain[20 : 20 + length].decode()

    def query(self, sealed: str) -> dict[str, str]:
        timestamp, nonce = "1700000000", secrets.token_hex(8)
        return {"msg_signature": self.signature(timestamp, nonce, sealed), "timestamp": timestamp, "nonce": nonce}

    async def post(self, client: httpx.AsyncClient, message: Mapping[str, Any]) -> dict[str, Any] | None:
        """Post a message; the bot's answer, opened and its signature checked, or None where it said nothing."""
        sealed = self.seal(json.dumps(message, ensure_ascii=False))
        answer = await client.post(self.address, params=self.query(sealed), json={"encrypt": sealed})
        assert answer.status_code == 200, answer.status_code
        return self.opened(answer.text)

    def opened(self, text: str) -> dict[str, Any] | None:
        if not text:
            return None
        body = json.loads(text)
        assert isinstance(body["timestamp"], int)
        assert body["msgsignature"] == self.signature(str(body["timestamp"]), body["nonce"], body["encrypt"])
        found: dict[str, Any] = json.loads(self.open(body["encrypt"]))
        return found or None


@contextmanager
def media_server() -> Iterator[Media]:
    """Where people's pictures lie."""
    media = Media()
    with serving(Starlette(routes=[Route("/media/{name}", media.get)])) as address:
        media.address = address
        yield media
