"""Turning a message that is there into a picture: one editMessageMedia, and what each answer of the server means.

A text becomes media since Bot API 10.1. An older server refuses that; it is remembered for a day, and places are grey
pictures there.
"""

import logging
from collections.abc import Callable

from telegram import Bot, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto
from telegram.error import BadRequest

from bot.channels.telegram.outbound.gateway import Gateway
from bot.channels.telegram.outbound.media_format import FILE_BYTES, Form, NotAllowed, content, no_rights
from bot.channels.telegram.outbound.placeholders import SERVER
from bot.channels.telegram.outbound.places import topic_refused
from handlers.message import Chat
from handlers.store.base import Store
from providers.base import PictureFile
from providers.media.threads import in_thread

log = logging.getLogger(__name__)

UPLOAD_READ, UPLOAD_WRITE = 90.0, 60.0
"""Seconds for the server's answer after an upload, and for each piece of one to leave over a slow line."""
REFUSED_SECONDS = 24 * 3600.0
"""How long we remember that the server turns no text into a picture."""
SMALLEST = 256 << 10
"""Bytes: if this is refused as too large, the reason is something else."""

_GONE = ("message to edit not found", "message_id_invalid", "message identifier")
_LOST = (*_GONE, "message can't be edited")
_NO_MEDIA = ("there is no media in the message", "no media in the message to edit")
_TOO_LARGE = ("entity too large", "file is too big")


class Unfit(Exception):
    """The message cannot take the picture. `form`: the kind of message to make instead, if known; `gone`: the message
    no longer exists, so nothing follows for others of its kind."""

    def __init__(self, form: Form | None = None, *, gone: bool = False) -> None:
        super().__init__(form)
        self.form = form
        self.gone = gone


class Turning:
    def __init__(self, *, bot: Bot, gateway: Gateway, store: Store, now: Callable[[], float]) -> None:
        self._bot = bot
        self._gateway = gateway
        self._store = store
        self._now = now

    async def ready_form(self) -> Form:
        """The kind of message that this server turns into a picture."""
        refused = await self._store.value(SERVER, "text_into_media")
        return "photo" if refused and self._now() - float(refused) < REFUSED_SECONDS else "text"

    async def no_text_becomes_media(self) -> None:
        await self._store.set_value(SERVER, "text_into_media", str(self._now()))

    async def turn(
        self,
        chat: Chat,
        message: int,
        picture: PictureFile,
        form: Form,
        caption: str | None,
        markup: InlineKeyboardMarkup | None,
        most: int = FILE_BYTES,
    ) -> object:
        """What the server answers; None if the picture is there already. `most`: bytes that it accepts.

        Raises Unfit, or a DeliveryError.
        """
        size = 0

        async def call(to: int) -> object:
            nonlocal size
            # Read only now: those that wait for their turn hold no picture in memory.
            data, filename = await in_thread(lambda: content(picture, form, most=most))
            size = len(data)
            media = (
                InputMediaPhoto(data, caption=caption, filename=filename)
                if form == "photo"
                else InputMediaDocument(data, caption=caption, filename=filename, disable_content_type_detection=True)
            )
            return await self._bot.edit_message_media(
                media,
                chat_id=to,
                message_id=message,
                reply_markup=markup,
                read_timeout=UPLOAD_READ,
                write_timeout=UPLOAD_WRITE,
            )

        try:
            return await self._gateway(chat.chat, call, upload=True)
        except BadRequest as error:
            said = str(error).lower()
            if "not modified" in said:
                return None
            if topic_refused(error):  # the whole topic, not this message: another one is made elsewhere
                raise Unfit(await self.ready_form(), gone=True) from None
            if any(text in said for text in _NO_MEDIA):
                await self.no_text_becomes_media()
                raise Unfit("photo") from None
            if any(text in said for text in _LOST):
                gone = any(text in said for text in _GONE)
                raise Unfit(await self.ready_form(), gone=gone) from None
            if any(text in said for text in _TOO_LARGE) and size > SMALLEST:
                return await self.turn(chat, message, picture, form, caption, markup, size // 2)
            if form == "photo":
                return await self.turn(chat, message, picture, "document", caption, markup, most)
            if no_rights(error):
                raise NotAllowed("no rights") from None
            log.error("a picture was refused: %s", type(error).__name__)
            raise Unfit from None
