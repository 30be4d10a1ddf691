"""The long connection to WeCom: one WebSocket a bot, kept alive, made anew with patience.

Source: WeCom documentation 101463. Frames are JSON texts `{"cmd", "headers": {"req_id"}, "body"}`; an answer to one of
ours carries no `cmd`, the same `req_id`, and `errcode`. Frames on one `req_id` wait for each other, as the platform
asks. Written on `websockets` because the platform's own package neither uploads nor heeds `disconnected_event`, and
reconnects only after some ways of losing the line.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts to connect: doubled each time, up to the longest."""
MISSED_PINGS = 2
MAX_FRAME = 4 * 1024 * 1024
"""Bytes of a frame to us; messages hold addresses of pictures, not pictures."""
NOT_SUBSCRIBED = 846609
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

OnFrame = Callable[[str, str, Mapping[str, Any]], Coroutine[Any, Any, None]]
"""Called with the command, its `req_id` and its body."""
Sleep = Callable[[float], Awaitable[None]]


class FrameRefused(Exception):
    """The platform answered a frame with an error; nothing was done. `code` is its `errcode`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"errcode {code}")
        self.code = code


class NotConnected(Exception):
    """There is no connection, so the frame was certainly not sent."""


class NoAnswer(Exception):
    """The frame was sent and not answered: it may have taken effect."""


class Connection:
    """Keeps the connection. `run` until it is cancelled or the bot is taken over; `request` from anywhere meanwhile.

    `device_id` stays the same over restarts, so that the platform replaces a half-dead connection at once.
    """

    def __init__(
        self,
        *,
        url: str,
        bot_id: str,
        secret: str,
        device_id: str,
        on_frame: OnFrame,
        ping_seconds: float = 30.0,
        ack_seconds: float = 15.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._url = url
        self._subscription = {"bot_id": bot_id, "secret": secret, "device_id": device_id}
        self._on_frame = on_frame
        self._ping_seconds = ping_seconds
        self._ack_seconds = ack_seconds
        self._sleep = sleep
        self._line: ClientConnection | None = None
        self._up = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._handlers: set[asyncio.Task[None]] = set()
        self._taken_over = False
        self.problem: str | None = "not connected yet"
        """Why there is no connection, as a short stable word for `doctor` and the log; None while there is one."""

    @property
    def taken_over(self) -> bool:
        """Another process has the bot now; this one does not retry."""
        return self._taken_over

    async def run(self) -> None:
        """Connect, listen, and reconnect after any disconnect, until the bot is taken over."""
        pause = FIRST_PAUSE
        try:
            while True:
                if await self._once():
                    pause = FIRST_PAUSE
                if self.taken_over:
                    log.error("WeCom: another process has taken the bot over; this one leaves it alone")
                    return
                await self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            for task in self._handlers:
                task.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)

    def take_over(self) -> None:
        """On `disconnected_event`: close the connection and do not reconnect."""
        self._taken_over = True
        self.problem = "taken over by another process"
        if (line := self._line) is not None:
            closing = asyncio.create_task(line.close())
            self._handlers.add(closing)
            closing.add_done_callback(self._handled)

    async def renew(self) -> None:
        """Reconnect: the platform says that this connection is not subscribed."""
        if (line := self._line) is not None:
            self._up.clear()
            await line.close()

    async def up(self, seconds: float) -> bool:
        """Wait for a subscribed connection; returns whether there is one."""
        if not self._up.is_set():
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes together with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._up.wait()
        return self._up.is_set()

    async def request(
        self, cmd: str, body: Mapping[str, Any] | None, *, req_id: str | None = None
    ) -> Mapping[str, Any]:
        """Send a frame, on a `req_id` of the platform's or a new one, and return its answer.

        Raises NotConnected, FrameRefused, NoAnswer.
        """
        name = req_id or f"{cmd}_{time.time_ns() // 1_000_000}_{secrets.token_hex(4)}"
        async with self._turn(name):
            line = self._line
            if line is None or not self._up.is_set():
                raise NotConnected
            return await self._exchange(line, cmd, name, body)

    async def _once(self) -> bool:
        """One connection, from its opening to its end; returns whether it was subscribed."""
        try:
            async with connect(
                self._url, max_size=MAX_FRAME, ping_interval=None, open_timeout=self._ack_seconds, close_timeout=1
            ) as line:
                self._line = line
                listening = asyncio.create_task(self._listen(line))
                try:
                    return await self._serve(line, listening)
                finally:
                    self._up.clear()
                    self._line = None
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
                    self._drop_answers()
                    # Left by a cancellation, the library would close it as an error of ours (1011).
                    await line.close()
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
            self._say("cannot be reached", type(error).__name__)
            return False

    async def _serve(self, line: ClientConnection, listening: "asyncio.Task[None]") -> bool:
        try:
            await self._exchange(line, "aibot_subscribe", f"aibot_subscribe_{secrets.token_hex(8)}", self._subscription)
        except FrameRefused as error:
            self._say("refused the bot's id or secret", f"errcode {error.code}")
            return False
        except (NoAnswer, NotConnected):
            self._say("did not answer the subscription", "-")
            return False
        self.problem = None
        self._up.set()
        log.info("WeCom: connected")
        pinging = asyncio.create_task(self._ping(line))
        try:
            await asyncio.wait({listening, pinging}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)
        if not self._taken_over:
            self._say("lost the line", "-")
        return True

    def _say(self, problem: str, why: str) -> None:
        """Once for each kind of problem, however many retries."""
        if self.problem != problem:
            log.warning("WeCom %s (%s); retrying", problem, why)
        self.problem = problem

    async def _ping(self, line: ClientConnection) -> None:
        """Until two answers in a row are missing."""
        missed = 0
        while missed < MISSED_PINGS:
            await self._sleep(self._ping_seconds)
            try:
                await self._exchange(line, "ping", f"ping_{secrets.token_hex(8)}", None, seconds=self._ping_seconds)
                missed = 0
            except FrameRefused:
                missed = 0
            except NoAnswer:
                missed += 1
            except NotConnected:
                return

    async def _exchange(
        self,
        line: ClientConnection,
        cmd: str,
        req_id: str,
        body: Mapping[str, Any] | None,
        *,
        seconds: float | None = None,
    ) -> Mapping[str, Any]:
        frame: dict[str, Any] = {"cmd": cmd, "headers": {"req_id": req_id}}
        if body is not None:
            frame["body"] = body
        answer = self._answers[req_id] = asyncio.get_running_loop().create_future()
        try:
            try:
                await line.send(json.dumps(frame, ensure_ascii=False))
            except (OSError, WebSocketException):
                raise NoAnswer from None  # a part of it may have been sent
            async with asyncio.timeout(seconds or self._ack_seconds):
                found = await answer
        except TimeoutError:
            raise NoAnswer from None
        finally:
            if self._answers.get(req_id) is answer:
                del self._answers[req_id]
        code = found.get("errcode", 0)
        if isinstance(code, int) and code != 0:
            raise FrameRefused(code)
        result = found.get("body")
        return result if isinstance(result, Mapping) else {}

    async def _listen(self, line: ClientConnection) -> None:
        with suppress(OSError, WebSocketException):
            async for text in line:
                frame = _read(text)
                if frame is None:
                    log.warning("WeCom: a frame that cannot be read was dropped")
                    continue
                self._receive(frame)
                if self._taken_over:
                    return

    def _receive(self, frame: Mapping[str, Any]) -> None:
        headers = frame.get("headers")
        req_id = headers.get("req_id") if isinstance(headers, Mapping) else None
        cmd, body = frame.get("cmd"), frame.get("body")
        if not isinstance(req_id, str):
            req_id = ""
        if not cmd:
            answer = self._answers.get(req_id)
            if answer is not None and not answer.done():
                answer.set_result(frame)
            return
        if isinstance(cmd, str) and isinstance(body, Mapping):
            task = asyncio.create_task(self._on_frame(cmd, req_id, body))
            self._handlers.add(task)
            task.add_done_callback(self._handled)

    def _handled(self, task: "asyncio.Task[None]") -> None:
        self._handlers.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("WeCom: handling a frame broke: %s", type(error).__name__)

    def _drop_answers(self) -> None:
        """Frames in flight when the connection ends: nobody will answer them any more."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(NoAnswer())

    @asynccontextmanager
    async def _turn(self, req_id: str) -> AsyncIterator[None]:
        """One frame on a `req_id` at a time, in the order in which they were requested."""
        lock, waiting = self._turns.get(req_id, (asyncio.Lock(), 0))
        self._turns[req_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[req_id]
            if waiting == 1:
                del self._turns[req_id]
            else:
                self._turns[req_id] = (lock, waiting - 1)


async def reachable(url: str, seconds: float) -> bool:
    """Whether a connection can be opened there. Nothing is sent over it."""
    try:
        async with connect(url, max_size=MAX_FRAME, ping_interval=None, open_timeout=seconds, close_timeout=1):
            return True
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException):
        return False


def _read(text: str | bytes) -> Mapping[str, Any] | None:
    if isinstance(text, bytes):
        return None
    try:
        frame = json.loads(_CONTROL.sub(" ", text))
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, Mapping) else None
