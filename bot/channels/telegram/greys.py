"""Plain grey pictures that keep the place of an album, each to be turned into its picture.

A send whose outcome nobody knows is not repeated blindly: before it, the newest message known in the chat is noted;
afterwards, the messages of the album. Where the first note is found and the second is not, the album is looked for
behind that message. A message that answers another comes back with what the other one holds, so a short one is sent in
answer to where the album may be, and taken away again. Grey pictures that are known to keep another place are not it.
"""

import logging

from telegram import (
    Bot,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest

from bot.channels.telegram.gateway import Gateway
from bot.channels.telegram.ledger import Ledger, exchanged
from bot.channels.telegram.shapes import PLACEHOLDER_SIDE, Form, NotAllowed, no_rights, placeholder
from bot.channels.telegram.speaking import in_topic, reply_to
from handlers.channel import DeliveryRefused
from handlers.message import Chat, Outgoing
from handlers.store import Store
from handlers.words import words

log = logging.getLogger(__name__)

LOOKED_AT = 6
"""Messages looked at for a lost album; each costs two calls."""
SERVER = "telegram.server"
"""What is remembered of the server, in the store."""
KNOWN_KEPT = 64
_PLACES = "telegram.places"
_KNOWN = "telegram.greys"
_UNKNOWN = "?"


class Greys:
    def __init__(self, *, bot: Bot, gateway: Gateway, ledger: Ledger, store: Store) -> None:
        self._bot = bot
        self._gateway = gateway
        self._ledger = ledger
        self._store = store

    async def place(self, chat: Chat, outgoing: Outgoing, form: Form, count: int, key: str) -> tuple[int, ...]:
        """So many grey pictures, sent once for `key`, or found again."""
        noted = await self._store.value(_PLACES, key)
        if noted and not noted.startswith(_UNKNOWN):
            return tuple(map(int, noted.split()))
        messages: tuple[int, ...] = ()
        if noted:
            messages = await self._lost(chat, outgoing, form, count, int(noted.removeprefix(_UNKNOWN)))
        if not messages:
            if not noted:
                await self._store.set_value(_PLACES, key, f"{_UNKNOWN}{await self._newest(outgoing)}")
            messages = await self.send(chat, outgoing, form, count)
        await self._note(chat, messages)
        await self._store.set_value(_PLACES, key, " ".join(map(str, messages)))
        return messages

    async def send(self, chat: Chat, outgoing: Outgoing, form: Form, count: int) -> tuple[int, ...]:
        """Uploaded once, then named by their file id."""
        known = await self._store.value(SERVER, f"placeholder.{form}")
        try:
            messages = await self._send(chat, outgoing, form, count, known)
        except BadRequest as error:
            if no_rights(error):
                raise NotAllowed("placeholder") from None
            if known is None:
                raise DeliveryRefused("placeholder") from None
            await self._store.set_value(SERVER, f"placeholder.{form}", None)  # the id is of another bot
            return await self.send(chat, outgoing, form, count)
        if known is None:
            file = _file(messages[0])
            await self._store.set_value(SERVER, f"placeholder.{form}", file[0] if file else None)
            await self._store.set_value(SERVER, f"placeholder.{form}.unique", file[1] if file else None)
        return tuple(message.message_id for message in messages)

    async def _send(
        self, chat: Chat, outgoing: Outgoing, form: Form, count: int, known: str | None
    ) -> tuple[Message, ...]:
        reply = reply_to(chat, outgoing)
        file = known or placeholder()

        async def one(to: int, thread: int | None) -> tuple[Message, ...]:
            if form == "photo":
                return (await self._bot.send_photo(to, file, message_thread_id=thread, reply_parameters=reply),)
            return (
                await self._bot.send_document(
                    to, file, filename="picture.jpg", message_thread_id=thread, reply_parameters=reply
                ),
            )

        async def album(to: int, thread: int | None) -> tuple[Message, ...]:
            media = [
                InputMediaPhoto(file)
                if form == "photo"
                else InputMediaDocument(file, filename=None if known else "picture.jpg")
                for _ in range(count)
            ]
            return await self._bot.send_media_group(to, media, message_thread_id=thread, reply_parameters=reply)

        return await in_topic(self._gateway, chat, one if count == 1 else album)

    # --- what was sent, and whose answer never came

    async def _note(self, chat: Chat, messages: tuple[int, ...]) -> None:
        """These keep a place."""
        while True:
            stored = await self._store.value(_KNOWN, chat.chat)
            known = dict.fromkeys([*(stored or "").split(), *map(str, messages)])
            newest = " ".join([*known][-KNOWN_KEPT:])
            if await exchanged(self._store, _KNOWN, chat.chat, stored, newest):
                return

    async def _newest(self, outgoing: Outgoing) -> int:
        """A message that is certainly older than what is sent next."""
        shown = await self._ledger.job(outgoing.job) if outgoing.job else None
        asked = int(outgoing.ref) if (outgoing.ref or "").isdecimal() and outgoing.ref else 0
        return max(shown.message if shown else 0, asked)

    async def _lost(self, chat: Chat, outgoing: Outgoing, form: Form, count: int, after: int) -> tuple[int, ...]:
        """The messages of an album sent some time after that message, if there is one; they follow each other."""
        if not after:
            return ()
        unique = await self._store.value(SERVER, f"placeholder.{form}.unique")
        known = set(map(int, (await self._store.value(_KNOWN, chat.chat) or "").split()))
        last = after + count  # where it is if nobody said anything else
        looked, end = await self._look(chat, outgoing, last, form, unique)
        if not looked or last in known:
            candidates = [n for n in range(end - 1, after + count - 1, -1) if n != last and n not in known]
            for last in candidates[: LOOKED_AT - 1]:
                looked, _ = await self._look(chat, outgoing, last, form, unique)
                if looked:
                    break
            else:
                return ()
        else:  # where somebody spoke, it may have come a little later
            for later in range(last + 1, min(end, last + count)):
                looked, _ = await self._look(chat, outgoing, later, form, unique)
                if not looked or later in known:
                    break
                last = later
        found = tuple(range(last - count + 1, last + 1))
        if known.intersection(found):
            return ()
        log.info("an album whose sending was interrupted was found again")
        return found

    async def _look(
        self, chat: Chat, outgoing: Outgoing, number: int, form: Form, unique: str | None
    ) -> tuple[bool, int]:
        """Whether a message is a grey picture of ours; and the number of the message that was sent to see it."""

        async def call(to: int, thread: int | None) -> Message:
            return await self._bot.send_message(
                to, words(outgoing.language, "telegram.coming"), disable_notification=True, message_thread_id=thread,
                reply_parameters=ReplyParameters(number, allow_sending_without_reply=True),
            )  # fmt: skip

        sent = await in_topic(self._gateway, chat, call)

        async def away(to: int) -> object:
            return await self._bot.delete_message(to, sent.message_id)

        await self._gateway.quietly(chat.chat, away)
        return _is_grey(sent.reply_to_message, form, unique, self._bot.id), sent.message_id


def _file(message: Message) -> tuple[str, str] | None:
    """The file id and the unique id of the picture in a message."""
    file = message.photo[-1] if message.photo else message.document
    return (file.file_id, file.file_unique_id) if file else None


def _is_grey(message: Message | None, form: Form, unique: str | None, me: int) -> bool:
    if message is None or message.from_user is None or message.from_user.id != me or message.caption:
        return False
    file = _file(message)
    if unique is not None or file is None:
        return file is not None and file[1] == unique
    if form == "photo":
        return {(size.width, size.height) for size in message.photo[-1:]} == {(PLACEHOLDER_SIDE, PLACEHOLDER_SIDE)}
    return message.document is not None and message.document.file_size == len(placeholder())
