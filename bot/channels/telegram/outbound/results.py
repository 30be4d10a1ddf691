"""Results: exactly one picture for each that was made, whatever happens on the way.

Sending something new cannot be repeated safely when its outcome is unknown; editing a message can. So the place is
made first, as a message without a picture, its id is committed, and then *it* is turned into the picture, as often as
it takes:

    one picture    a quick job's own status message, or a small text (which rings, where the person has gone elsewhere)
                   ──editMessageMedia──▶ the picture, its receipt, its buttons
    several        an album of plain grey pictures, and a small text under it
                   ──editMessageMedia──▶ each its picture; ──editMessageText──▶ the receipt with the buttons

A place that the person deleted, or that the server refuses to turn (`turning.py`), is made anew. What a crash between
making a place and committing it leaves behind is a small text, or grey pictures: never a second picture.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from telegram import Bot, InlineKeyboardMarkup

from bot.channels.telegram.message_index import MessageIndex
from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.kept import KeptResults
from bot.channels.telegram.outbound.media_format import (
    CAPTION_UNITS,
    Form,
    NotAllowed,
    PictureGone,
    album_form,
    best_form,
)
from bot.channels.telegram.outbound.own_results import OwnResults
from bot.channels.telegram.outbound.placeholders import Placeholders
from bot.channels.telegram.outbound.places import chats_for
from bot.channels.telegram.outbound.result_place import Place
from bot.channels.telegram.outbound.speaker import Speaker, pieces
from bot.channels.telegram.outbound.turning import Turning, Unfit
from handlers.channel import Delivered, DeliveryError, DeliveryRefused
from handlers.message import Chat, Choice, Outgoing
from handlers.store.base import Store
from handlers.words import words
from providers.base import PictureFile
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

QUICK_SECONDS = 15.0
"""Until then the person is still looking, and the status message becomes the picture; later a new message rings."""
AT_ONCE = 3
"""Concurrent uploads of one album."""
_REPLACED = "telegram.places"


class Results:
    def __init__(
        self,
        *,
        bot: Bot,
        gateway: Gateway,
        index: MessageIndex,
        speaker: Speaker,
        store: Store,
        kept: KeptResults,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._bot = bot
        self._gateway = gateway
        self._index = index
        self._speaker = speaker
        self._store = store
        self._now = now
        self._kept = kept
        self.own = OwnResults(bot, store, now)
        self._turning = Turning(bot=bot, gateway=gateway, store=store, now=now)
        self._greys = Placeholders(bot=bot, gateway=gateway, index=index, store=store)

    # --- making the place

    async def reserve(self, chat: Chat, outgoing: Outgoing) -> str:
        async with self._speaker.lock(outgoing.job or outgoing.id):
            place = await self._place(chat, outgoing, chats_for(chat))
        return place.model_dump_json(exclude_defaults=True)

    async def _place(self, chat: Chat, outgoing: Outgoing, chats: Iterator[Chat]) -> Place:
        """A place in the first of these chats that gives one; none, if the result can be stored for the person."""
        refused: DeliveryRefused | None = None
        for at in chats:
            try:
                place = await self._place_in(at, outgoing, key="" if at is chat else ":private")
                return place if at is chat else place.model_copy(update={"where": at.chat})
            except DeliveryRefused as error:
                refused = refused or error
                log.info("a chat refused a result: %s", type(error).__name__)
        if chat.chat != chat.person and outgoing.job:
            return Place()
        refused = refused or DeliveryRefused("no place")
        await self._say_refused(chat, outgoing, refused, ())
        raise refused

    async def _place_in(self, chat: Chat, outgoing: Outgoing, *, key: str) -> Place:
        if len(outgoing.pictures) > 1:
            return await self._album_place(chat, outgoing, key)
        return await self._single_place(chat, outgoing, key)

    async def _single_place(self, chat: Chat, outgoing: Outgoing, suffix: str) -> Place:
        form = await self._turning.ready_form()
        shown = await self._index.job(outgoing.job) if outgoing.job and not suffix else None
        if shown is not None and not shown.reacted and form == "text" and self._now() - shown.at < QUICK_SECONDS:
            return Place(messages=(shown.message,))
        if form == "photo":
            return Place(
                messages=await self._greys.place(chat, outgoing, form, 1, f"{outgoing.id}#album{suffix}"), form=form
            )
        return Place(messages=(await self._text(chat, outgoing),))

    async def _album_place(self, chat: Chat, outgoing: Outgoing, suffix: str) -> Place:
        form = await in_thread(album_form, outgoing.pictures)
        key = f"{outgoing.id}#album{suffix}"
        begun = await self._store.value(_REPLACED, key) is not None
        messages = await self._greys.place(chat, outgoing, form, len(outgoing.pictures), key)
        text, owner = words(outgoing.language, "telegram.coming_many", n=len(messages)), f"{key}.under"
        under = await self._greys.under(chat, outgoing, messages, text, owner) if begun else None
        if under is None:
            under = (await self._speaker.post(chat, outgoing, text, None)).message_id
            await self._greys.claim(chat, (under,), owner)
        return Place(messages=messages, form=form, receipt=under)

    async def _text(self, chat: Chat, outgoing: Outgoing) -> int:
        message = await self._speaker.post(chat, outgoing, words(outgoing.language, "telegram.coming"), None)
        return message.message_id

    async def _anew(self, chat: Chat, outgoing: Outgoing, form: Form, key: str) -> int:
        """A new message that a picture can be put into, recorded under `key`; a grey one is found again after a
        crash."""
        if form == "text":
            message = await self._text(chat, outgoing)
        else:
            try:
                (message,) = await self._greys.place(chat, outgoing, form, 1, f"{key}.{form}")
            except DeliveryRefused:
                await self._drop(f"{key}.{form}")
                raise
        await self._store.set_value(_REPLACED, key, str(message), owner=chat.owner)
        if form != "text":
            await self._drop(f"{key}.{form}")
        return message

    # --- delivering the pictures

    async def deliver(self, chat: Chat, outgoing: Outgoing, name: str) -> Delivered:
        async with self._speaker.lock(outgoing.job or outgoing.id):
            moved = await self._store.value(_REPLACED, f"{outgoing.id}#place")
            place = Place.model_validate_json(moved or name)
            while place.messages:
                at = place.chat(chat)
                try:
                    messages = await self._fill(at, outgoing, place)
                except DeliveryRefused as refused:
                    place = await self._next_place(chat, outgoing, place, refused)
                    continue
                await self._tidy(chat, outgoing, () if place.where else (*messages, place.receipt))
                return Delivered(refs=tuple(str(message) for message in messages))
            await self._kept.keep(chat, outgoing.job or "")
            await self._tidy(chat, outgoing, ())
        return Delivered(held=True)

    async def _fill(self, at: Chat, outgoing: Outgoing, place: Place) -> tuple[int, ...]:
        if place.receipt is None:
            return (await self._single(at, outgoing, place),)
        return await self._album(at, outgoing, place, place.receipt)

    async def _next_place(self, chat: Chat, outgoing: Outgoing, place: Place, refused: DeliveryRefused) -> Place:
        """A place in the remaining chats, committed before it is used. Raises the refusal if no other place would
        help."""
        at, left = place.chat(chat), (*place.messages, place.receipt)
        if chat.chat == chat.person or isinstance(refused, PictureGone) or not outgoing.job:
            await self._say_refused(at, outgoing, refused, left)
            raise refused
        for message in filter(None, left):
            await self._forget_text(at, message)
        others = () if place.where else tuple(chats_for(chat))[1:]
        for n in range(len(outgoing.pictures)):
            await self._drop(f"{outgoing.id}#{n}")
        following = await self._place(chat, outgoing, iter(others))
        text = following.model_dump_json(exclude_defaults=True)
        await self._store.set_value(_REPLACED, f"{outgoing.id}#place", text, owner=chat.owner)
        return following

    # --- delivering the pictures, one by one

    async def _single(self, chat: Chat, outgoing: Outgoing, place: Place) -> int:
        picture = outgoing.pictures[0]
        choices = (*outgoing.choices, *self.file_choice(outgoing))
        caption, *rest = pieces(outgoing.text, CAPTION_UNITS) if outgoing.text.strip() else [""]
        message = await self._put(
            chat,
            outgoing,
            picture,
            f"{outgoing.id}#0",
            place.messages[0],
            kind=place.form,
            form=await in_thread(best_form, picture),
            caption=caption,
            markup=self._speaker.keyboard(chat, outgoing, choices),
        )
        await self._speaker.besides(chat, outgoing, rest)
        return message

    async def _album(self, chat: Chat, outgoing: Outgoing, place: Place, receipt: int) -> tuple[int, ...]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(n: int) -> int | DeliveryRefused:
            async with room:
                try:
                    return await self._put(
                        chat,
                        outgoing,
                        outgoing.pictures[n],
                        f"{outgoing.id}#{n}",
                        place.messages[n],
                        kind=place.form,
                        form=place.form,
                    )
                except DeliveryRefused as refused:
                    await self._forget_text(chat, place.messages[n])
                    return refused

        putting = [asyncio.ensure_future(one(n)) for n in range(len(outgoing.pictures))]
        try:
            results = await asyncio.gather(*putting)
        finally:
            for task in putting:
                task.cancel()
            await asyncio.gather(*putting, return_exceptions=True)
        messages = tuple(message for message in results if isinstance(message, int))
        for refused in results:
            if isinstance(refused, DeliveryRefused) and not messages:
                raise refused
        choices = (*outgoing.choices, *self.file_choice(outgoing))
        await self._receipt(chat, outgoing, receipt, choices)
        if outgoing.job:
            await self._index.put_refs(chat, messages, outgoing.job)
        return messages

    async def _receipt(self, chat: Chat, outgoing: Outgoing, message: int, choices: tuple[Choice, ...]) -> None:
        if not await self._speaker.edit(chat, message, outgoing.text, choices):
            # The person deleted it. Text sent twice does no harm.
            await self._speaker.send(chat, replace(outgoing, choices=choices))

    @staticmethod
    def file_choice(outgoing: Outgoing) -> tuple[Choice, ...]:
        """The link to the full-size file: photos are re-encoded by Telegram."""
        if not outgoing.job:
            return ()
        return (Choice(id=f"file:{outgoing.job}", label=words(outgoing.language, "telegram.as_file")),)

    async def _put(
        self,
        chat: Chat,
        outgoing: Outgoing,
        picture: PictureFile,
        key: str,
        message: int,
        *,
        kind: Form,
        form: Form,
        caption: str | None = None,
        markup: InlineKeyboardMarkup | None = None,
    ) -> int:
        """Turn a message of that kind into the picture, or a new one if it cannot be; returns which it is.

        `form`: what the picture is sent as.
        """
        replaced = await self._store.value(_REPLACED, key)
        message, was = int(replaced or message), None if replaced else kind
        untried: list[Form] = ["text", "photo", "document"]
        text_refused = False
        while True:
            try:
                sent = await self._turning.turn(chat, message, picture, form, caption, markup)
                await self.own.note(outgoing.job, message, sent)
                if text_refused and was == "photo":
                    await self._turning.no_text_becomes_media()  # whatever words it refused the same picture with
                return message
            except Unfit as unfit:
                text_refused = text_refused or (was == "text" and not unfit.gone)
                was = unfit.form if unfit.form in untried else next((k for k in untried if k != "text"), None)
                if was is None:
                    await self._forget_text(chat, message)
                    raise DeliveryRefused("no message takes the picture") from None
                untried.remove(was)
                ready = await self._anew(chat, outgoing, was, key)
                await self._forget_text(chat, message)
                message = ready
                form = await in_thread(best_form, picture) if was != "document" else "document"

    async def _say_refused(
        self, chat: Chat, outgoing: Outgoing, refused: DeliveryRefused, places: tuple[int | None, ...]
    ) -> None:
        """The pictures cannot be delivered: delete their places and say so, if the chat can be written to."""
        if await self._gateway.chats.is_gone(chat.chat):
            return
        for message in filter(None, places):
            await self._forget_text(chat, message)
        key = "telegram.no_media" if isinstance(refused, NotAllowed) else "error.delivery_refused"
        said = replace(outgoing, pictures=(), choices=self.file_choice(outgoing))
        try:
            await self._speaker.send(chat, said, words(outgoing.language, key))
        except DeliveryError as error:
            log.info("telling a person that pictures were refused did not work: %s", type(error).__name__)
        await self._tidy(chat, outgoing, ())

    async def _forget_text(self, chat: Chat, message: int) -> None:
        """Delete a message that could not become the picture; it may be gone already."""
        if await self._gateway.chats.is_gone(chat.chat):
            return

        async def call(to: int) -> object:
            return await self._bot.delete_message(to, message)

        await self._gateway.quietly(chat.chat, call)

    async def _tidy(self, chat: Chat, outgoing: Outgoing, used: tuple[int | None, ...]) -> None:
        """The pictures are delivered: the status message is no longer needed."""
        for n in (*range(len(outgoing.pictures)), "album", "album:private", "place"):
            await self._drop(f"{outgoing.id}#{n}")
        if outgoing.job and (shown := await self._index.job(outgoing.job)):
            await self._index.drop_job(outgoing.job)
            if shown.reacted:
                await self._speaker.reactions.done(chat, shown.message)
            elif shown.message not in used:
                await self._forget_text(chat, shown.message)

    async def _drop(self, key: str) -> None:
        if await self._store.value(_REPLACED, key) is not None:
            await self._store.drop_value(_REPLACED, key)

    # --- the full-size file, on a tap

    async def send_file(self, chat: Chat, outgoing: Outgoing, key: str) -> None:
        """Each picture as a file of its own, unchanged. `key` names the tap: idempotent."""
        for n, picture in enumerate(outgoing.pictures):
            place = f"{key}#{n}"
            known, kind = await self._store.value(_REPLACED, place), await self._turning.ready_form()
            message = int(known) if known else await self._anew(chat, outgoing, kind, place)
            await self._put(chat, outgoing, picture, place, message, kind=kind, form="document")
        for n in range(len(outgoing.pictures)):
            await self._drop(f"{key}#{n}")
