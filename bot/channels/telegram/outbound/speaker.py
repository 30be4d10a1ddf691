"""The bot's text messages: answers, questions, and one message per job that is edited as the job proceeds."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from weakref import WeakValueDictionary

from telegram import Bot, ForceReply, InlineKeyboardMarkup, Message, ReplyParameters
from telegram.constants import ChatAction
from telegram.error import BadRequest

from bot.channels.telegram.inbound.updates import TEXT_UNITS
from bot.channels.telegram.message_index import JobMessage, MessageIndex
from bot.channels.telegram.mini_app.tickets import Tickets
from bot.channels.telegram.outbound.buttons import COPIED, AppLink, Copied, keyboard
from bot.channels.telegram.outbound.ephemeral import NO_PREVIEW, Action, Ephemeral
from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.limits import LEFT_BY_PROGRESS
from bot.channels.telegram.outbound.places import in_topic, thread_of
from bot.channels.telegram.outbound.reactions import Reactions
from handlers.channel import DeliveryRefused
from handlers.foreground import ForegroundGate
from handlers.message import Chat, Choice, Kind, Outgoing
from handlers.words import words

log = logging.getLogger(__name__)

ACTION_SECONDS = 4.5
"""A chat action is shown for five seconds."""
EDIT_SECONDS = ((60.0, 3.0), (600.0, 10.0), (float("inf"), 30.0))
"""(age of the job, seconds between edits of its message)."""
GROUP_FACTOR = 2.0
"""Groups are edited less often: 20 messages a minute, for everybody there."""


def owner(chat: Chat) -> str | None:
    """Whose buttons these are, if others could press them."""
    return chat.person if chat.chat.startswith("-") else None


def reply_to(chat: Chat, outgoing: Outgoing, *, quote: bool = False) -> ReplyParameters | None:
    """Replies quote what they answer in groups; in private chats if they are about a job or if asked to."""
    answered = _answered(outgoing)
    if not answered or not (owner(chat) or outgoing.job or quote):
        return None
    # Without this, a reply fails if the person deleted their message in the meantime.
    return ReplyParameters(answered, allow_sending_without_reply=True)


def _answered(outgoing: Outgoing) -> int:
    """The message that it answers; 0 for none."""
    return int(outgoing.ref or 0) if (outgoing.ref or "").isdecimal() else 0


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def pieces(text: str, most: int = TEXT_UNITS) -> list[str]:
    """The text in messages short enough, split at line ends where possible."""
    found: list[str] = []
    rest = text.strip() or "…"
    while units(rest) > most:
        cut = most // 2 if units(rest[:most]) > most else most
        head = rest[:cut]
        at = head.rfind("\n")
        at = at if at > cut // 2 else cut
        found.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*found, rest]


class Speaker:
    """See the module. One job's message is changed by one task at a time: `lock(job)`."""

    def __init__(
        self,
        bot: Bot,
        gateway: Gateway,
        index: MessageIndex,
        ephemeral: Ephemeral,
        tickets: Tickets | None = None,
        foreground: ForegroundGate | None = None,
    ) -> None:
        """`tickets`: of the painter's Mini App, where there is one."""
        self._ephemeral = ephemeral
        self._foreground = foreground or ForegroundGate()
        self._tickets = tickets
        self._bot = bot
        self._gateway = gateway
        self._index = index
        self.reactions = Reactions(bot, gateway, index)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._acted: OrderedDict[str, float] = OrderedDict()

    def keyboard(self, chat: Chat, outgoing: Outgoing, choices: tuple[Choice, ...]) -> InlineKeyboardMarkup | None:
        """The buttons of a result: its choices, the painter, and the words it was made from, to be copied."""
        copied = None
        if outgoing.prompt and len(outgoing.prompt) <= COPIED:
            copied = Copied(label=words(outgoing.language, "telegram.copy"), text=outgoing.prompt)
        return keyboard(choices, owner=owner(chat), app=self.app(chat, outgoing, job=outgoing.job), copied=copied)

    def app(
        self, chat: Chat, outgoing: Outgoing, *, job: str | None = None, photo: str | None = None
    ) -> AppLink | None:
        """The button that opens the painter on a picture of a job, or on a photo of the session."""
        if self._tickets is None or not (job or photo):
            return None
        url = self._tickets.link(chat, outgoing.language, job=job, photo=photo, ref=outgoing.ref)
        return None if url is None else AppLink(label=words(outgoing.language, "telegram.paint"), url=url)

    def lock(self, job: str) -> asyncio.Lock:
        return self._locks.setdefault(job, asyncio.Lock())

    async def say(
        self,
        chat: Chat,
        outgoing: Outgoing,
        *,
        first: bool = False,
        quote: bool = False,
        photo: str | None = None,
        action: Action | None = None,
    ) -> None:
        """`first`: a direct answer to the person's message; the first about a job becomes the job's message.

        `quote`: in reply to the message, in a private chat too. `photo`: the photo of the session that it is about,
        for the painter. `action`: what it answers, where only the person who did that may see the answer.
        """
        if outgoing.kind is Kind.STATUS:
            await self._status(chat, outgoing)
        elif first and outgoing.job:
            async with self.lock(outgoing.job):
                await self._about_job(chat, outgoing, outgoing.job)
        elif not (first and await self._privately(chat, outgoing, action)):
            await self.send(chat, outgoing, quote=quote, app=self.app(chat, outgoing, photo=photo))

    async def _privately(self, chat: Chat, outgoing: Outgoing, action: Action | None) -> bool:
        """To this person alone, in a group; False if it cannot be."""
        if not await self._ephemeral.allowed(chat, outgoing, action):
            return False
        texts = pieces(outgoing.text)
        shown = True
        for n, part in enumerate(texts, 1):
            markup = keyboard(outgoing.choices, owner=owner(chat)) if n == len(texts) else None
            shown = shown and await self._ephemeral.show(chat, outgoing, part, markup, action)
        return shown

    async def turn_page(self, chat: Chat, message: int, outgoing: Outgoing, *, ephemeral: int | None = None) -> bool:
        """Replace the menu with this number by the next. False if it no longer exists."""
        if ephemeral is None:
            return await self.edit(chat, message, outgoing.text, outgoing.choices)
        markup = keyboard(outgoing.choices, owner=owner(chat))
        return await self._ephemeral.edit(chat, ephemeral, pieces(outgoing.text)[0], markup)

    async def _about_job(self, chat: Chat, outgoing: Outgoing, job: str) -> None:
        known = await self._index.job(job)
        if known is not None and known.head == outgoing.text:
            return  # sent before, by a process that died before it could record that
        now = self._index.now()
        asked = _answered(outgoing)
        if known is None and outgoing.by_sign and asked and owner(chat) and await self.reactions.working(chat, asked):
            await self._index.put_job(chat, job, JobMessage(message=asked, head=outgoing.text, at=now, reacted=True))
            return
        message = await self.send(chat, outgoing)
        if known is None and not outgoing.choices:
            shown = JobMessage(message=message.message_id, head=outgoing.text, at=now)
            await self._index.put_job(chat, job, shown)

    async def send(
        self,
        chat: Chat,
        outgoing: Outgoing,
        text: str | None = None,
        *,
        quote: bool = False,
        app: AppLink | None = None,
    ) -> Message:
        """A message of its own; the last of its pieces carries the buttons."""
        texts = pieces(outgoing.text if text is None else text)
        for part in texts[:-1]:
            await self.post(chat, outgoing, part, None, quote=quote)
        markup: InlineKeyboardMarkup | ForceReply | None = keyboard(outgoing.choices, owner=owner(chat), app=app)
        if markup is None and outgoing.awaits and owner(chat):
            # In privacy mode only a reply reaches the bot; this opens one, for the person who asked.
            markup = ForceReply(selective=True)
        return await self.post(chat, outgoing, texts[-1], markup, quote=quote)

    async def besides(self, chat: Chat, outgoing: Outgoing, texts: Sequence[str]) -> None:
        """What a caption has no room for, below it. A chat that refuses it has the picture all the same."""
        for text in texts:
            try:
                await self.post(chat, outgoing, text, None)
            except DeliveryRefused:
                log.info("the rest of a receipt was refused")
                return

    async def post(
        self,
        chat: Chat,
        outgoing: Outgoing,
        text: str,
        markup: InlineKeyboardMarkup | ForceReply | None,
        *,
        quote: bool = False,
    ) -> Message:
        async def call(to: int, thread: int | None, quoting: bool) -> Message:
            return await self._bot.send_message(
                to,
                text,
                reply_markup=markup,
                message_thread_id=thread,
                link_preview_options=NO_PREVIEW,
                reply_parameters=reply_to(chat, outgoing, quote=quote) if quoting else None,
            )

        try:
            return await in_topic(self._gateway, chat, call)
        except BadRequest as error:
            log.error("a message was refused: %s", type(error).__name__)
            raise DeliveryRefused("bad request") from None

    async def edit(self, chat: Chat, message: int, text: str, choices: tuple[Choice, ...]) -> bool:
        """Change one of our messages. False if it no longer exists, or is no longer text."""

        async def call(to: int) -> object:
            return await self._edit(to, chat, message, text, choices)

        try:
            await self._gateway(chat.chat, call)
        except BadRequest as error:
            return "not modified" in str(error).lower()
        return True

    async def _edit(self, to: int, chat: Chat, message: int, text: str, choices: tuple[Choice, ...]) -> object:
        return await self._bot.edit_message_text(
            pieces(text)[0],
            chat_id=to,
            message_id=message,
            reply_markup=keyboard(choices, owner=owner(chat)),
            link_preview_options=NO_PREVIEW,
        )

    # --- while a job is in progress

    async def _status(self, chat: Chat, outgoing: Outgoing) -> None:
        """Best effort: if the job's message does not exist yet, or was edited just now, the next update will do."""
        job = outgoing.job or ""
        async with self.lock(job):
            known = await self._index.job(job)
            ended = not outgoing.choices
            if known is None:
                if not ended:
                    await self.act(chat)
                return
            text = f"{known.head}\n{outgoing.text}"
            if known.reacted and ended:
                await self.reactions.done(chat, known.message)
                await self._index.drop_job(job)
            elif ended:
                await self.edit(chat, known.message, text, ())
                await self._index.drop_job(job)
            elif known.reacted or not self._due(known, chat):
                await self.act(chat)
            elif await self._gateway.spare(
                chat.chat,
                lambda to: self._edit(to, chat, known.message, text, outgoing.choices),
                left=LEFT_BY_PROGRESS,
            ):
                self._index.edited(job)

    def _due(self, known: JobMessage, chat: Chat) -> bool:
        now = self._index.now()
        gap = next(gap for age, gap in EDIT_SECONDS if now - known.at <= age)
        return now - max(known.at, known.edited) >= gap * (GROUP_FACTOR if owner(chat) else 1.0)

    async def first_sign(self, chat: Chat) -> None:
        """ "… is sending a photo", before anything is fetched or made for others."""
        with self._foreground.busy():
            await self.act(chat)

    async def act(self, chat: Chat) -> None:
        """ "… is sending a photo", if it is not shown anyway."""
        now = self._index.now()
        key = f"{chat.chat}/{chat.thread}"
        if now - self._acted.get(key, 0.0) < ACTION_SECONDS:
            return
        self._acted[key] = now
        while len(self._acted) > 5_000:
            self._acted.popitem(last=False)

        async def call(to: int) -> object:
            return await self._bot.send_chat_action(to, ChatAction.UPLOAD_PHOTO, message_thread_id=thread_of(chat))

        await self._gateway.spare(chat.chat, call)
