"""How updates arrive: requested (polling) or pushed (webhook). Either way one is stored before it is acknowledged.

Polling is a loop of our own: the library's updater holds what it received in memory and confirms it with the next
getUpdates, so a killed process would lose it. An update that the library cannot read is skipped, the others of its
batch are not: otherwise getUpdates would bring the same batch for ever.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, EndPointNotFound, InvalidToken, RetryAfter, TelegramError

from bot.channels.telegram.inbound.lenient_json import UNREADABLE, update_from
from bot.channels.telegram.outbound.bot_request import BotRequest
from bot.channels.telegram.outbound.gateway import seconds
from bot.channels.telegram.outbound.limits import Clock
from bot.posted import BodyTooLarge, body_of

log = logging.getLogger(__name__)

UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "inline_query")
POLL_SECONDS = 25
"""How long Telegram may hold back an empty answer."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 8.0
TOKEN_PAUSE = 60.0
MAX_BODY = 1 << 20
MAX_CONNECTIONS = 40

FAULTS = {
    "conflict": "Telegram says 409: another program receives this bot's messages. Stop it, or give this one a token of "
    "its own",
    "webhook": "Telegram says 409: another program has set a webhook for this bot. Stop it, then start this one again, "
    "which removes the webhook; or give this one a token of its own",
    "token": "Telegram does not know TELEGRAM_BOT_TOKEN. Get the token from @BotFather",
    "address": "Telegram does not accept PUBLIC_URL for its webhook. It must be https, on port 443, 80, 88 or 8443",
}
"""What the operator can fix, as sentences."""

Take = Callable[[Update], Awaitable[None]]
Mode = Literal["polling", "webhook"]


def secret_for(token: str, given: str | None) -> str:
    """The webhook's secret token; if the settings have none, the same one at every start."""
    return given or hmac.new(token.encode(), b"likeness webhook", hashlib.sha256).hexdigest()


class UpdatesRequest(BotRequest):
    """How getUpdates is called: the last answer is kept unparsed."""

    answer = b""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        code, self.answer = await super().do_request(*args, **kwargs)
        return code, self.answer


class UpdateSource:
    """The connection to Telegram's server: `connect` until it answers, then `poll` for ever, or the webhook's route."""

    def __init__(self, bot: Bot, fetching: UpdatesRequest, clock: Clock, *, poll_seconds: int = POLL_SECONDS) -> None:
        self._bot = bot
        self._fetching = fetching
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._offset: int | None = None
        self._said: str | None = None
        self.connected = False

    # --- faults, each logged once

    def _report(self, error: TelegramError) -> None:
        kind = _kind(error)
        self.connected = False
        if kind == self._said:
            return
        self._said = kind
        if kind in FAULTS:
            log.error("%s; retrying.", FAULTS[kind])
        else:
            log.warning("Telegram cannot be reached (%s); retrying.", type(error).__name__)

    def _reached(self) -> None:
        if self._said is not None:
            log.info("Telegram can be reached again")
        self._said = None
        self.connected = True

    async def _until_done(self, what: Callable[[], Awaitable[object]]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await what()
                self._reached()
                return
            except TelegramError as error:
                self._report(error)
                await self._clock.sleep(_pause(error, pause))
            except Exception as error:  # an answer that is not the protocol's, or our store is away
                log.error("Telegram's updates could not be stored: %s", type(error).__name__)
                await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def connect(self, steps: Sequence[Callable[[], Awaitable[object]]]) -> None:
        """Do each step, however long Telegram is unreachable."""
        for step in steps:
            await self._until_done(step)

    # --- polling

    async def poll(self, take: Take) -> None:
        """Receive, store, and only then confirm by asking for what comes after. Ends when cancelled."""
        self._offset = None  # another process may have polled in between: Telegram knows what was confirmed
        while True:
            await self._until_done(lambda: self._once(take))

    async def _once(self, take: Take) -> None:
        """Chats beside each other, so that a hundred updates are stored in a few commits; those of one chat in their
        order. Confirmed is only what comes before the first that could not be stored: the rest comes again."""
        updates = await self._fetched()
        stored: set[int] = set()

        async def in_order(some: Sequence[tuple[int, Update | None]]) -> None:
            for number, update in some:
                if update is not None:
                    await take(update)
                stored.add(number)

        faults = await asyncio.gather(*map(in_order, _by_chat(updates)), return_exceptions=True)
        for number, _ in updates:
            if number not in stored:
                break
            self._offset = number + 1
        for fault in faults:
            if fault is not None:
                raise fault

    async def _fetched(self) -> list[tuple[int, Update | None]]:
        """The next updates with their numbers; None is one that cannot be read."""
        try:
            updates = await self._bot.get_updates(
                offset=self._offset, timeout=self._poll_seconds, allowed_updates=list(UPDATES), limit=100
            )
        except UNREADABLE:
            return one_by_one(self._fetching.answer, self._bot)
        return [(update.update_id, update) for update in updates]

    async def confirm(self) -> None:
        """Tell Telegram what was stored last, so that it is not sent again at the next start."""
        if self._offset is not None:
            try:
                await self._bot.get_updates(offset=self._offset, timeout=0, allowed_updates=list(UPDATES), limit=1)
            except (TelegramError, KeyError) as error:
                log.debug("the last updates were not confirmed: %s", type(error).__name__)

    # --- webhook

    def route(self, take: Take, *, secret: str, path: str = "/telegram") -> Route:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("x-telegram-bot-api-secret-token", "")
            if not hmac.compare_digest(given.encode("latin-1", "replace"), secret.encode()):
                return Response(status_code=403)
            try:
                update = update_from(await _body(request), self._bot)
            except (ValueError, RecursionError):
                log.error("what came to the webhook is no update")
                update = None
            except ClientDisconnect:
                return Response(status_code=400)
            if update is None:
                # Answered as accepted: it would be the same the next time.
                return Response(status_code=200)
            try:
                await take(update)
            except Exception as error:
                log.error("an update could not be stored: %s", type(error).__name__)
                return Response(status_code=503, headers={"retry-after": "5"})
            return Response(status_code=200)

        return Route(path, endpoint, methods=["POST"])


def _by_chat(updates: Sequence[tuple[int, Update | None]]) -> list[list[tuple[int, Update | None]]]:
    """What belongs to no chat depends on nothing else."""
    chats: dict[object, list[tuple[int, Update | None]]] = {}
    for number, update in updates:
        chat = None if update is None else update.effective_chat
        chats.setdefault(("update", number) if chat is None else chat.id, []).append((number, update))
    return list(chats.values())


def one_by_one(answer: bytes, bot: Bot) -> list[tuple[int, Update | None]]:
    """The updates in an answer of getUpdates, each read by itself. Raises ValueError if it holds none."""
    data = json.loads(answer)
    found: list[tuple[int, Update | None]] = []
    for one in data.get("result", ()) if isinstance(data, dict) else ():
        number = one.get("update_id") if isinstance(one, dict) else None
        if not isinstance(number, int):
            continue
        found.append((number, update_from(one, bot)))
    if not found:
        raise ValueError("no updates")
    return found


async def _body(request: Request) -> dict[str, Any]:
    try:
        data = json.loads(await body_of(request, most=MAX_BODY))
    except BodyTooLarge:
        raise ValueError("too long") from None
    if not isinstance(data, dict) or not isinstance(data.get("update_id"), int):
        raise ValueError("no update")
    return data


def _kind(error: TelegramError) -> str:
    """Of a fault: one of `FAULTS`, or `away`."""
    if isinstance(error, Conflict):
        return "webhook" if "webhook" in str(error).lower() else "conflict"
    if _is_token(error):
        return "token"
    return "address" if isinstance(error, BadRequest) and "webhook" in str(error).lower() else "away"


def _is_token(error: TelegramError) -> bool:
    return isinstance(error, InvalidToken) and not isinstance(error, EndPointNotFound)


def _pause(error: TelegramError, pause: float) -> float:
    if isinstance(error, RetryAfter):
        return max(pause, seconds(error))
    return TOKEN_PAUSE if _is_token(error) else pause


async def cancelled(task: "asyncio.Task[None] | None") -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
