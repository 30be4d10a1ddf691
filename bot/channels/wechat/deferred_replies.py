"""Answers that were not ready in time (the database is slow, or away for a moment): promised, and said later.

A promise must survive the process, and the database cannot keep it just then: the push lies in a file meanwhile.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.channels.wechat.customer_messages import CustomerMessages
from bot.channels.wechat.events import Event
from bot.channels.wechat.follower import Pending
from bot.channels.wechat.follower_store import FollowerStore
from bot.channels.wechat.handling import Handling, chat_of
from bot.channels.wechat.replies import SILENCE, Answer
from handlers.message import Kind, Language, Outgoing
from handlers.words import words
from providers.media.files import delete_quietly

log = logging.getLogger(__name__)

RETRIES = (1.0, 5.0, 20.0, 60.0)
"""Seconds before a push is tried again whose answer failed."""
_PUSH = TypeAdapter(Event)

Answering = Callable[[Event], Awaitable[Answer]]


class DeferredReplies:
    """`folder`: where pushes lie whose answer was promised."""

    def __init__(
        self,
        *,
        folder: Path,
        handling: Handling,
        people: FollowerStore,
        sender: CustomerMessages,
        answering: Answering,
        retries: Sequence[float] = RETRIES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._handling = handling
        self._people = people
        self._sender = sender
        self._answering = answering
        self._retries = tuple(retries)
        self._sleep = sleep

    def take_up(self) -> None:
        """What the last process promised."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                push = _PUSH.validate_json(path.read_bytes())
            except (OSError, ValidationError):
                log.error("a promised push cannot be read and is set aside")
                delete_quietly([path])
                continue
            self._handling.spawn(self._kept(push, self._answering(push)))

    def promise(self, push: Event, going: Awaitable[Answer], *, language: Language, said: Answer) -> Answer:
        """What is `said` instead of the answer, which follows when `going` has it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A few hundred bytes, and only in bad times: not worth a thread.
            draft = self._path(push).with_suffix(".part")
            draft.write_bytes(_PUSH.dump_json(push))
            draft.replace(self._path(push))
        except OSError as error:
            log.error("a promise could not be written down: %s", type(error).__name__)
        self._handling.spawn(self._kept(push, going))
        match push.sort:
            case "unfollow" | "nothing":
                return SILENCE
            case "follow":
                return Answer(text=words(language, "say.hello"))
        return said

    async def _kept(self, push: Event, going: Awaitable[Answer]) -> None:
        for pause in (*self._retries, None):
            try:
                await self._say(push, await going)
                break
            except Exception as error:
                log.error("a promised answer failed: %s", type(error).__name__)
            if pause is None:
                return  # the file stays for the next start
            await self._sleep(pause)
            going = self._answering(push)
        delete_quietly([self._path(push)])

    async def _say(self, push: Event, answer: Answer) -> None:
        """The answer as a customer message, or held until the person writes."""
        if answer.page:
            await self._people.hold(push.openid, Pending(id=f"late:{push.key}", page=answer.page))
            await self._sender.flush(push.openid)
        elif answer.text:
            outgoing = Outgoing(id=f"{push.key}:late", kind=Kind.TEXT, text=answer.text, language="zh")
            await self._handling.say_later(chat_of(push), outgoing)

    def _path(self, push: Event) -> Path:
        return self._folder / f"{hashlib.sha256(push.key.encode()).hexdigest()[:40]}.json"
