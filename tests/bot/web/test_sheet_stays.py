"""A sheet of styles is fetched by the page after its turn is over: it stays as long as the page shows its line."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx

from bot.channels.web.inbox import folder_of
from handlers.dialogue.previews import Previews
from handlers.dialogue.turn import SheetOfStyles
from handlers.jobs.engine import Engine
from handlers.jobs.files import JobFiles
from handlers.jobs.housekeeping import Housekeeping
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import IncomingPhoto, Message
from handlers.style_previews import StylePreviews
from providers.fake import FakeProvider, offer
from providers.task import Operation
from tests.bot.stage import Stage, jpeg, on_stage

STYLES = ("anime", "vintage", "oil_painting")
KEPT = timedelta(days=30)


class _NoRuns:
    """The engine's own rows are no part of this."""

    async def forget_ended(self, *, before: datetime) -> int:
        return 0


def housekeeping(stage: Stage, now: datetime) -> Housekeeping:
    return Housekeeping(
        store=stage.store,
        engine=cast(Engine, SimpleNamespace(runs=_NoRuns())),
        files=JobFiles(stage.data, stage.data / "out", stage.store.media or folder_of(stage.data)),
        retention=KEPT,
        clock=lambda: now,
    )


async def shown_sheet(stage: Stage, client: httpx.AsyncClient) -> str:
    """The address of a sheet whose turn has ended."""
    chat = stage.chat(client)
    photos = stage.data / "photos"
    photo = photos / chat.owner / "me.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(jpeg(96, 96))
    free = FakeProvider(name="free", able=[offer(Operation.PORTRAIT, usd="0", styles=frozenset(STYLES))])
    previews = Previews(
        styles=StylePreviews(provider=free, producer="Likeness"),
        channels={"web": stage.channel},
        unasked={"web"},
        store=stage.store,
        folder=stage.data / "previews",
        photos_dir=photos,
        marks=VisibleMarks(policy="off"),
    )
    message = Message(key="web:1", chat=chat, photos=(IncomingPhoto(key="me", path=photo),))
    previews.begin(message, photo, SheetOfStyles(styles=STYLES, asked=True), "en")
    await previews.idle()
    await previews.aclose()
    (line,) = (await client.get("/api/messages")).json()["messages"]
    return str(line["pictures"][0]["url"])


def aged(folder: Path, since: datetime) -> None:
    """Every file was last written then."""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        os.utime(file, (since.timestamp(), since.timestamp()))


async def test_a_sheet_is_there_after_its_turn_and_every_cleanup_until_its_line_goes(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage, stage.browser() as client:
        address = await shown_sheet(stage, client)
        first = await client.get(address)
        now = datetime.now(UTC)
        aged(tmp_path, now - 2 * KEPT)  # nothing stays only because it is young
        await housekeeping(stage, now).expire()
        await stage.channel.shelf.delete(await stage.store.unnamed(await stage.channel.shelf.unused()))
        again = await client.get(address)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.content == first.content

        await housekeeping(stage, now + 2 * KEPT).expire()
        assert (await client.get("/api/messages")).json()["messages"] == []
        assert (await client.get(address)).status_code == 404
