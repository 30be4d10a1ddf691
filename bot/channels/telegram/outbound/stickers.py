"""Sticker packs of a person's own, from pictures of theirs.

The pack's name is derived from the job, so that asking twice, or after a crash, finds the same pack. Each sticker is a
WEBP with a longest side of 512 pixels; the owner is the person, who must have written to the bot before.
"""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from telegram import Bot, InputSticker
from telegram.error import BadRequest, TelegramError

from bot.channels.telegram.outbound.gateway import sorted_out
from handlers.channel import DeliveryRefused, Sticker
from handlers.message import Chat
from providers.media.encode import on_white
from providers.media.threads import in_thread

SIDE = 512
MOST_BYTES = 512 * 1024
LINK = "https://t.me/addstickers/{name}"
_TAKEN = ("already occupied", "name is already", "sticker set name")


async def make_pack(bot: Bot, chat: Chat, *, key: str, title: str, stickers: Sequence[Sticker]) -> str:
    """The address of the pack. Raises DeliveryError."""
    if not chat.person.isdecimal():
        raise DeliveryRefused("the chat has no person who could own a pack")
    owner = int(chat.person)
    try:
        me = await bot.get_me()
        name = f"e{key}_by_{me.username}"
        made = [await _uploaded(bot, owner, sticker) for sticker in stickers]
        await bot.create_new_sticker_set(user_id=owner, name=name, title=title, stickers=made)
    except BadRequest as error:
        if not any(words in str(error).lower() for words in _TAKEN):
            raise sorted_out(error) from None
    except TelegramError as error:
        raise sorted_out(error) from None
    return LINK.format(name=name)


async def _uploaded(bot: Bot, owner: int, sticker: Sticker) -> InputSticker:
    data = await in_thread(sticker_of, sticker.path)
    file = await bot.upload_sticker_file(user_id=owner, sticker=data, sticker_format="static")
    return InputSticker(sticker=file.file_id, emoji_list=[sticker.emoji], format="static")


def sticker_of(path: Path) -> bytes:
    """WEBP with one side of exactly 512 pixels and none longer, of at most 512 KB. Blocks."""
    with Image.open(path) as image:
        picture = on_white(image)
    factor = SIDE / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    for quality in (95, 85, 70, 50):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality)
        if out.tell() <= MOST_BYTES:
            break
    return out.getvalue()
