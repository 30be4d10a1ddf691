"""Every call that writes to a chat goes through here: its rate, its faults, and what they mean.

RetryAfter ───── the chat rests; waited for here when it is short, else DeliveryLater
ChatMigrated ─── the new id is remembered, the call repeated there
Forbidden, "chat not found" ─── remembered, DeliveryRefused
other BadRequest ─── the caller's to understand
never left this machine, 502 ─── DeliveryLater
timed out, connection lost ─── DeliveryUnknown: the server may have done it
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
from telegram import Message
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.channels.telegram.bounded import BoundedMap
from bot.channels.telegram.chats import Chats
from bot.channels.telegram.inbound.lenient_json import UNREADABLE
from bot.channels.telegram.outbound.limits import CHATS_KEPT, LEFT, Clock, Flood
from handlers.channel import DeliveryError, DeliveryLater, DeliveryRefused, DeliveryUnknown
from providers.net.outcome import UNSENT

log = logging.getLogger(__name__)

T = TypeVar("T")
WAITED_HERE = 20.0
"""Seconds of a flood wait that a call sits out; a longer one is returned to the caller."""
TRIES = 4
AT_ONCE = 40
"""Concurrent calls: at a tenth of a second each, 400 a second."""
UPLOADS_AT_ONCE = 16
"""Uploads have a share of their own, so that slow ones leave room for text; each holds a picture in memory."""
SUPERGROUPS = -1_000_000_000_000
"""Ids of supergroups are below."""
GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "have no rights to send", "chat_write_forbidden")


def seconds(error: RetryAfter) -> float:
    """How long the server asked to wait."""
    wait = error.retry_after
    return wait if isinstance(wait, int | float) else wait.total_seconds()


def sorted_out(error: TelegramError) -> DeliveryError:
    """What a transport error means. `hint`s name the class only: texts may hold addresses with the token."""
    hint = type(error).__name__
    if isinstance(error, RetryAfter):
        return DeliveryLater(hint, retry_after=seconds(error))
    if isinstance(error, InvalidToken | EndPointNotFound | Conflict):
        return DeliveryLater(hint, retry_after=30.0)
    if isinstance(error, Forbidden | BadRequest | ChatMigrated):
        return DeliveryRefused(hint)
    if isinstance(error.__cause__, UNSENT):
        return DeliveryLater(hint)
    if isinstance(error, NetworkError) and not isinstance(error.__cause__, httpx.HTTPError):
        # An answer came, and it was an error (5xx, a proxy's page): the server did not process it.
        return DeliveryLater(hint, retry_after=2.0)
    return DeliveryUnknown(hint)


def _counter(chat: int) -> int:
    """How a chat's messages are numbered: a supergroup by itself, all other chats of the bot together."""
    return chat if chat < SUPERGROUPS else 0


class Gateway:
    def __init__(self, chats: Chats, flood: Flood, clock: Clock) -> None:
        self.chats = chats
        self.flood = flood
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)
        self._upload_room = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self._numbers: BoundedMap[int, int] = BoundedMap(CHATS_KEPT)

    async def newest(self, name: str) -> int:
        """The newest message seen in this chat's numbering, 0 if none was."""
        return self._numbers.get(_counter(await self.chats.address(name))) or 0

    def saw(self, chat: int, message: int) -> None:
        """A message of this chat, ours or anybody's."""
        counter = _counter(chat)
        self._numbers.put(counter, max(message, self._numbers.get(counter) or 0))

    async def spare(self, name: str, call: Callable[[int], Awaitable[object]], *, left: float = LEFT) -> bool:
        """For what nobody would miss (chat actions, progress): done only if there is room, errors are ignored. `left`
        as in `Flood.spare`.

        True if it was done, or would change nothing.
        """
        chat = await self.chats.address(name)
        if self._room.locked() or await self.chats.is_gone(name) or not self.flood.spare(chat, left=left):
            return False
        try:
            async with self._room:
                await call(chat)
        except RetryAfter as error:
            self.flood.refused(chat, seconds(error))
            return False
        except BadRequest as error:
            return "not modified" in str(error).lower()
        except TelegramError as error:
            log.info("a best-effort call failed: %s", type(error).__name__)
            return False
        return True

    async def quietly(self, name: str, call: Callable[[int], Awaitable[object]]) -> None:
        """For deleting messages, which counts against no limit; errors are ignored."""
        for pause in (1.0, 3.0, None):
            try:
                await call(await self.chats.address(name))
                return
            except (TelegramError, KeyError) as error:
                asked = seconds(error) if isinstance(error, RetryAfter) else 0.0
                final = isinstance(error, BadRequest | Forbidden | InvalidToken) or asked > WAITED_HERE
                if pause is None or final:
                    log.info("deleting a message failed: %s", type(error).__name__)
                    return
            await self._clock.sleep(max(pause, asked))

    async def __call__(self, name: str, call: Callable[[int], Awaitable[T]], *, upload: bool = False) -> T:
        """Raises DeliveryLater, DeliveryRefused, DeliveryUnknown, or telegram's BadRequest."""
        if await self.chats.is_gone(name):
            raise DeliveryRefused("gone")
        for attempt in range(1, TRIES + 1):
            chat = await self.chats.address(name)
            await self.flood.turn(chat)
            try:
                async with self._upload_room if upload else self._room:
                    result = await call(chat)
            except RetryAfter as error:
                self.flood.refused(chat, seconds(error))
                if seconds(error) > WAITED_HERE or attempt == TRIES:
                    raise DeliveryLater("flood", retry_after=seconds(error)) from None
            except ChatMigrated as error:
                await self.chats.moved(chat, error.new_chat_id)
            except TelegramError as error:
                if isinstance(error, Forbidden) or any(word in str(error).lower() for word in GONE):
                    await self.chats.set_gone(name, True)
                    raise DeliveryRefused(type(error).__name__) from None
                if isinstance(error, BadRequest):
                    raise
                if "entity too large" in str(error).lower():  # 413: repeated as it is, it is the same again
                    raise BadRequest("Request Entity Too Large") from None
                raise sorted_out(error) from None
            except UNREADABLE:  # an answer of 200 that is not the protocol's
                raise DeliveryUnknown("garbage") from None
            else:
                self.flood.taken()
                for message in result if isinstance(result, tuple) else (result,):
                    if isinstance(message, Message):
                        self.saw(chat, message.message_id)
                return result
        raise DeliveryLater("flood")


async def only_delivery_errors(work: Awaitable[T]) -> T:
    """Raises DeliveryError alone, whatever goes wrong."""
    try:
        return await work
    except DeliveryError:
        raise
    except TelegramError as error:
        raise DeliveryUnknown(type(error).__name__) from None
    except Exception as error:  # the store is away
        raise DeliveryLater(type(error).__name__) from None
