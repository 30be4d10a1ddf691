"""What the painter posts: a mask and margins with exactly one picture, within bounds, and nothing left lying."""

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bot.channels.painter import STATIC, margins_of
from handlers.message import Kind, Margins, Message, Outgoing
from tests.bot.stage import Stage, conversation, jpeg, on_stage, settled


def png(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.new("L", (width, height), 255).save(out, "PNG")
    return out.getvalue()


def files_under(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".alive"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    read: list[bytes] = []

    async def script(message: Message) -> tuple[Outgoing, ...]:
        if message.painted and message.painted.mask:
            read.append(message.painted.mask.read_bytes())
        return (Outgoing(id=f"{message.ref}-a", kind=Kind.TEXT, text=f"{len(read)} masks", ref=message.ref),)

    async with on_stage(tmp_path, script=script) as made:
        yield made


async def posts(
    client: httpx.AsyncClient, *, mask: bytes | None = None, photos: int = 0, **fields: str
) -> httpx.Response:
    files = [("photos", (f"{n}.jpg", jpeg(64, 48, "teal" if n else "navy"), "image/jpeg")) for n in range(photos)]
    if mask is not None:
        files.append(("mask", ("mask.png", mask, "image/png")))
    return await client.post("/api/messages", data=fields, files=files or [("none", ("", b"", ""))])


async def test_a_mask_on_a_picture_of_the_conversation_reaches_the_handlers_and_is_not_kept(stage: Stage) -> None:
    async with stage.browser() as client:
        await posts(client, photos=1)
        await settled(stage)
        picture = next(m for m in await conversation(client) if m["pictures"])["pictures"][0]["url"]
        answer = await posts(client, mask=png(), text="a hat", picture=picture, outpaint="left=0.25,top=1")
        assert answer.status_code == 202
        await settled(stage)
        message = stage.conversation.seen[-1]
        assert message.painted is not None
        assert message.painted.margins == Margins(left=0.25, top=1.0)
        assert (len(message.quoted_photos), message.photos, message.text) == (1, (), "a hat")
        assert (await conversation(client))[-1]["text"] == "1 masks"
        assert message.painted.mask is not None
        assert not message.painted.mask.exists()


async def test_what_was_painted_without_words_stays_about_its_picture(stage: Stage) -> None:
    async with stage.browser() as client:
        assert (await posts(client, mask=png(), photos=1)).status_code == 202
        await settled(stage)
        assert stage.conversation.seen[-1].painted is not None


async def test_a_mask_of_no_picture_or_of_two_is_refused_and_leaves_nothing(stage: Stage, tmp_path: Path) -> None:
    async with stage.browser() as client:
        for photos in (0, 2):
            answer = await posts(client, mask=png(), photos=photos, text="a hat")
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "painted_on_what")
        huge = await posts(client, mask=b"\x89PNG" + bytes(4 << 20), photos=1, text="a hat")
        assert (huge.status_code, huge.json()["error"]["code"]) == (413, "photo_too_large")
        bad = await posts(client, photos=1, text="a hat", outpaint="left=9")
        assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_form")
    assert files_under(tmp_path) == []


NONE = ["left", "left=", "left=nan", "left=inf", "left=-0.1", "left=1.1", "up=0.1", "left=0.1,left=0.2", "left=١"]


@pytest.mark.parametrize("text", [*NONE, "x" * 200])
def test_margins_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        margins_of(text)


def test_margins_are_read_as_shares() -> None:
    assert margins_of("left=0.25,bottom=1") == Margins(left=0.25, bottom=1.0)
    assert not margins_of("")


def test_the_painter_speaks_both_languages_and_every_word_of_it_is_used() -> None:
    words = json.loads((STATIC / "painter.json").read_text("utf-8"))
    source = (STATIC / "painter.js").read_text("utf-8")
    assert list(words["en"]) == list(words["zh"])
    for key, english in words["en"].items():
        assert re.search(rf"\b{key}\b", source), f"nobody says {key}"
        assert re.search(r"[\u4e00-\u9fff]", words["zh"][key]), key
        assert not re.search(r"[\u4e00-\u9fff]", english), key
