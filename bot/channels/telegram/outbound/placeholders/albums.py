"""Plain grey pictures that hold the place of an album, each to be turned into its picture.

A send with an unknown outcome is not repeated blindly: before it, the newest message known in the chat is recorded;
afterwards, the messages of the album. If only the first record exists after a crash, the album is searched for behind
that message. A reply is returned together with the message it replies to, so a short one is sent in reply to where the
album may be, and deleted again. Each grey picture is claimed for its place, atomically, before it is used: one that
holds another place is not a match.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from telegram import (
    Bot,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from telegram.error import BadRequest

from bot.channels.telegram.message_index import MessageIndex, place_of
from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.media_format import PLACEHOLDER_SIDE, Form, NotAllowed, no_rights, placeholder
from bot.channels.telegram.outbound.places import in_topic
from bot.channels.telegram.outbound.speaker import reply_to
from handlers.channel import DeliveryLater, DeliveryRefused
from handlers.message import Chat, Outgoing
from handlers.store.base import Store
from handlers.words import words

log = logging.getLogger(__name__)

LOOKED_AT = 24
"""Messages looked at for a lost album; each costs two calls."""
SERVER = "telegram.server"
"""What is remembered about the server, in the store."""
KNOWN_KEPT = 64
CLAIMS_KEPT = timedelta(days=2)
"""How long a claim is remembered; a delivery is given up long before."""
_PLACES = "telegram.places"
_KNOWN = "telegram.greys"
_UNKNOWN = "?"


class Placeholders:
    def __init__(self, *, bot: Bot, gateway: Gateway, index: MessageIndex, store: Store) -> None:
        self._bot = bot
        # The library knows it only after a call that a worker, which receives nothing, never makes.
        number = bot.token.partition(":")[0]
        self._me = int(number) if number.isdecimal() else 0
        self._gateway = gateway
        self._index = index
        self._store = store

    async def place(self, chat: Chat, outgoing: Outgoing, form: Form, count: int, key: str) -> tuple[int, ...]:
        """So many grey pictures, sent once for `key`, or found again."""
        noted = await self._store.value(_PLACES, key)
        if noted and not noted.startswith(_UNKNOWN):
            return tuple(map(int, noted.split()))
        owner = _owner(key)
        messages: tuple[int, ...] = ()
        if noted:
            after, _, newest = noted.removeprefix(_UNKNOWN).partition(",")
            messages = await self._lost(chat, outgoing, form, count, (int(after), int(newest or 0)), owner)
        else:
            newest = str(await self._gateway.newest(chat.chat))
            before = f"{_UNKNOWN}{await self._newest(outgoing)},{newest}"
            await self._store.set_value(_PLACES, key, before, owner=chat.owner)
        while not (messages and await self._claimed(chat, messages, owner)):
            try:
                messages = await self.send(chat, outgoing, form, count)
            except DeliveryLater:
                await self._store.drop_value(_PLACES, key)  # certainly not sent: there is nothing to search for
                raise
        await self._store.set_value(_PLACES, key, " ".join(map(str, messages)), owner=chat.owner)
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
            await self._store.drop_value(SERVER, f"placeholder.{form}")  # the id belongs to another bot
            return await self.send(chat, outgoing, form, count)
        if known is None:
            for name, found in zip(("", ".unique"), _file(messages[0]) or ("", ""), strict=True):
                await self._store.change(SERVER, f"placeholder.{form}{name}", lambda _, found=found: found or None)  # type: ignore[misc]
        return tuple(message.message_id for message in messages)

    async def _send(
        self, chat: Chat, outgoing: Outgoing, form: Form, count: int, known: str | None
    ) -> tuple[Message, ...]:
        file = known or placeholder()

        async def one(to: int, thread: int | None, quoting: bool) -> tuple[Message, ...]:
            reply = reply_to(chat, outgoing) if quoting else None
            if form == "photo":
                return (await self._bot.send_photo(to, file, message_thread_id=thread, reply_parameters=reply),)
            return (
                await self._bot.send_document(
                    to, file, filename="picture.jpg", message_thread_id=thread, reply_parameters=reply
                ),
            )

        async def album(to: int, thread: int | None, quoting: bool) -> tuple[Message, ...]:
            reply = reply_to(chat, outgoing) if quoting else None
            media = [
                InputMediaPhoto(file)
                if form == "photo"
                else InputMediaDocument(file, filename=None if known else "picture.jpg")
                for _ in range(count)
            ]
            return await self._bot.send_media_group(to, media, message_thread_id=thread, reply_parameters=reply)

        return await in_topic(self._gateway, chat, one if count == 1 else album)

    # --- sent, but the answer never came

    async def _claimed(self, chat: Chat, messages: tuple[int, ...], owner: str) -> bool:
        """These hold the owner's place from now on; False if one of them holds another's."""
        claimed = False

        def claim(stored: str | None) -> str | None:
            nonlocal claimed
            known = _owners(stored)
            claimed = all(known.get(message, owner) == owner for message in messages)
            if not claimed:
                return stored
            known |= dict.fromkeys(messages, owner)
            return " ".join(f"{message}={whose}" for message, whose in [*known.items()][-KNOWN_KEPT:])

        await self._store.change(_KNOWN, place_of(chat), claim, expires=datetime.now(UTC) + CLAIMS_KEPT)
        return claimed

    async def _newest(self, outgoing: Outgoing) -> int:
        """A message that is certainly older than what is sent next."""
        shown = await self._index.job(outgoing.job) if outgoing.job else None
        asked = int(outgoing.ref) if (outgoing.ref or "").isdecimal() and outgoing.ref else 0
        return max(shown.message if shown else 0, asked)

    async def _lost(
        self, chat: Chat, outgoing: Outgoing, form: Form, count: int, before: tuple[int, int], owner: str
    ) -> tuple[int, ...]:
        """The messages of an album, if it was sent; they follow each other.

        `before`: the newest messages known in this chat and anywhere when it was sent.
        """
        after, newest = before
        known = _owners(await self._store.value(_KNOWN, place_of(chat)))
        own = tuple(message for message, whose in known.items() if whose == owner)
        if len(own) == count:  # claimed just before the crash; the oldest memories are dropped one by one
            return own
        if not after:
            return ()
        unique = await self._store.value(SERVER, f"placeholder.{form}.unique")
        first = after + count  # the last of them, if nobody said anything else in between
        seen: dict[int, bool] = {}
        album: dict[int, str | None] = {}
        look = await self._look(chat, outgoing, first)
        seen[first], album[first], end = self._is_grey(look, form, unique), _album(look), look.message_id
        between = tuple(range(after + 1, end))
        # A server may never tell what a message replies to: then it can only be these. A message that is not ours
        # refuses an edit.
        untold = look.reply_to_message is None and len(between) == count and not known.keys() & set(between)
        if untold and (await self._look(chat, outgoing, after)).reply_to_message is None:
            return between

        async def grey(number: int) -> bool:
            if number in known or number >= end:
                return False
            if number not in seen:
                look = await self._look(chat, outgoing, number)
                seen[number], album[number] = self._is_grey(look, form, unique), _album(look)
            return seen[number]

        last = None
        # Private chats share their numbering: if many are written to, the album came soon after the newest of all.
        soon = range(newest + count, end, count) if newest > after else ()
        for number in (first, *soon, *_outwards(after + 1, end - 1)):
            if len(seen) >= LOOKED_AT and number not in seen:
                break
            if await grey(number):
                last = number
                break
        if last is None:
            return ()
        for later in range(last + 1, last + count):  # if somebody spoke, it came a little later
            if not await grey(later) or album[later] != album[last]:
                break
            last = later
        log.info("found an album again whose sending was interrupted")
        return tuple(range(last - count + 1, last + 1))

    async def under(self, chat: Chat, outgoing: Outgoing, album: tuple[int, ...], text: str, key: str) -> int | None:
        """The small text right under an album, if one was sent without our knowing."""
        seen = (await self._look(chat, outgoing, album[-1] + 1)).reply_to_message
        ours = seen is not None and seen.from_user is not None and seen.from_user.id == self._me
        if seen is None or not ours or seen.text != text:
            return None
        return seen.message_id if await self.claim(chat, (seen.message_id,), key) else None

    async def claim(self, chat: Chat, messages: tuple[int, ...], key: str) -> bool:
        """Whether these are stored for `key` from now on; False if one of them is stored for another."""
        return await self._claimed(chat, messages, _owner(key))

    def _is_grey(self, look: Message, form: Form, unique: str | None) -> bool:
        return _is_grey(look.reply_to_message, form, unique, self._me)

    async def _look(self, chat: Chat, outgoing: Outgoing, number: int) -> Message:
        """A message in reply to that one, deleted again; it tells what it replies to, if that exists."""

        async def call(to: int, thread: int | None, _quoting: bool) -> Message:
            return await self._bot.send_message(
                to,
                words(outgoing.language, "telegram.coming"),
                disable_notification=True,
                message_thread_id=thread,
                reply_parameters=ReplyParameters(number, allow_sending_without_reply=True),
            )

        sent = await in_topic(self._gateway, chat, call)

        async def away(to: int) -> object:
            return await self._bot.delete_message(to, sent.message_id)

        await self._gateway.quietly(chat.chat, away)
        return sent


def _album(look: Message) -> str | None:
    return look.reply_to_message.media_group_id if look.reply_to_message else None


def _owner(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _owners(stored: str | None) -> dict[int, str]:
    """Grey pictures that hold a place, with whose it is, oldest first."""
    pairs = (word.partition("=") for word in (stored or "").split())
    return {int(message): whose for message, _, whose in pairs}


def _outwards(first: int, last: int) -> Iterator[int]:
    """From both ends, the end first: between the sending and the look there was little, or a crash with its crowd."""
    while first <= last:
        yield last
        if first < last:
            yield first
        first, last = first + 1, last - 1


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
