"""A person's own pack of stickers: in the sizes that are taken, with each expression's emoji, once however often it is
asked for."""

from pathlib import Path

import pytest

from handlers.channel import DeliveryError, Sticker
from handlers.message import Chat
from tests.bot.telegram.stage import listening
from tests.bot.telegram.test_telegram_outgoing import picture
from tests.servers.telegram import FakeTelegram, Fault

PACK = "0123456789abcdef0123"


def stickers(folder: Path) -> tuple[Sticker, ...]:
    sizes = {"😐": (900, 900), "😄": (600, 800), "😢": (100, 60)}
    named = enumerate(sizes.items())
    return tuple(Sticker(path=picture(folder, f"{n}", size).path, emoji=emoji) for n, (emoji, size) in named)


async def test_a_pack_is_made_once_and_is_the_persons(tmp_path: Path, telegram: FakeTelegram) -> None:
    async with listening(tmp_path, telegram) as stage:
        chat, given = stage.chat(7), stickers(tmp_path)
        address = await stage.channel.make_stickers(chat, key=PACK, title="My expressions", stickers=given)
        again = await stage.channel.make_stickers(chat, key=PACK, title="My expressions", stickers=given)
    (name,) = telegram.packs
    assert address == again == f"https://t.me/addstickers/{name}"
    pack = telegram.packs[name]
    assert (pack["owner"], pack["title"], name) == (7, "My expressions", f"e{PACK}_by_LikenessBot")
    assert [one["emoji_list"] for one in pack["stickers"]] == [["😐"], ["😄"], ["😢"]]
    files = [telegram.files[one["sticker"]] for one in pack["stickers"]]
    assert [(file.width, file.height) for file in files] == [(512, 512), (384, 512), (512, 307)]


@pytest.mark.parametrize("what", [403, 429, "reset"])
async def test_what_goes_wrong_is_a_delivery_error(tmp_path: Path, telegram: FakeTelegram, what: int | str) -> None:
    async with listening(tmp_path, telegram) as stage:
        telegram.faults.append(Fault(method="createNewStickerSet", what=what))
        with pytest.raises(DeliveryError):
            await stage.channel.make_stickers(stage.chat(7), key=PACK, title="x", stickers=stickers(tmp_path))
        nobody = Chat(channel="telegram", chat="-100", person="c-100")
        with pytest.raises(DeliveryError):
            await stage.channel.make_stickers(nobody, key=PACK, title="x", stickers=stickers(tmp_path))
    assert telegram.packs == {}
