"""The styles to choose from: what can be made here, on the person's own photo, to that person alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from handlers.dialogue.style_gallery import StyleGallery
from handlers.jobs.plan import quoted
from handlers.jobs.visible_marks import VisibleMarks
from handlers.message import Chat
from handlers.style_previews import StylePreviews
from providers.fake import FakeProvider, Script, offer
from providers.media.labels import read_label
from providers.router import Router
from providers.task import Operation
from tests.bot.stage import Stage, jpeg, on_stage, settled

FREE = frozenset({"anime", "vintage"})


@asynccontextmanager
async def styled(folder: Path, *, sketches: int = 100) -> AsyncIterator[tuple[Stage, FakeProvider]]:
    """Two styles are free here; every other is made by a service. So many pages of sketches are made for a person."""
    async with on_stage(folder) as stage:
        free = FakeProvider(name="free", able=[offer(Operation.PORTRAIT, usd="0", styles=FREE)])
        paid = FakeProvider(name="paid", able=[offer(Operation.PORTRAIT, styles=FREE | {"oil_painting"})])
        granted = iter(range(sketches))

        async def may_sketch(chat: Chat) -> bool:
            return next(granted, None) is not None

        gallery = StyleGallery(
            quote=quoted(Router([free, paid])),
            allowed=may_sketch,
            marks=VisibleMarks(),
            folder=folder / "sketches",
            previews=StylePreviews(provider=free, producer="Likeness"),
        )
        stage.channel.show_styles(gallery)
        yield stage, free


async def photo_of(stage: Stage, client: httpx.AsyncClient) -> str:
    await client.post("/api/messages", files={"photos": ("me.jpg", jpeg(), "image/jpeg")})
    await settled(stage)
    return str((await client.get("/api/messages")).json()["messages"][0]["pictures"][0]["url"])


async def styles(client: httpx.AsyncClient, photo: str = "", language: str = "en") -> dict[str, Any]:
    answer = await client.get("/api/styles", params={"photo": photo}, headers={"accept-language": language})
    return {style["key"]: style for group in answer.json()["groups"] for style in group["styles"]}


async def test_what_can_be_made_is_named_and_what_is_free_is_sketched_on_the_persons_photo(tmp_path: Path) -> None:
    async with styled(tmp_path) as (stage, free), stage.browser() as client:
        photo = await photo_of(stage, client)
        found = await styles(client, photo)
        assert set(found) == FREE | {"oil_painting"}
        assert found["oil_painting"]["preview"] is None
        assert found["anime"]["use"]
        assert (await styles(client, language="zh"))["anime"]["name"] != found["anime"]["name"]
        sketch = await client.get(found["anime"]["preview"])
        assert sketch.headers["content-type"] == "image/jpeg"
        assert read_label(sketch.content) is not None, "a sketch is a picture made by an AI, too"
        again = await client.get(found["anime"]["preview"])
        assert (again.content, len(free.jobs)) == (sketch.content, 1)
        assert list((tmp_path / "sketches").iterdir()) == []


async def test_a_sketch_is_made_only_where_it_was_offered_and_for_whom(tmp_path: Path) -> None:
    async with styled(tmp_path) as (stage, free), stage.browser() as one, stage.browser() as two:
        photo = await photo_of(stage, one)
        preview = (await styles(one, photo))["anime"]["preview"]
        assert (await two.get(preview)).status_code == 404
        assert (await one.get(preview.replace("/anime/", "/vintage/"))).status_code == 404
        assert (await styles(two, photo))["anime"]["preview"] is None
        assert free.jobs == {}
        two.cookies.clear()
        assert (await two.get("/api/styles")).status_code == 401


async def test_without_a_photo_or_beyond_the_days_sketches_there_are_names(tmp_path: Path) -> None:
    async with styled(tmp_path, sketches=1) as (stage, _), stage.browser() as client:
        assert all(style["preview"] is None for style in (await styles(client)).values())
        photo = await photo_of(stage, client)
        assert (await styles(client, photo))["anime"]["preview"]
        assert all(style["preview"] is None for style in (await styles(client, photo)).values())


async def test_a_photo_that_does_not_allow_a_style_leaves_its_name(tmp_path: Path) -> None:
    async with styled(tmp_path) as (stage, free), stage.browser() as client:
        preview = (await styles(client, await photo_of(stage, client)))["anime"]["preview"]
        free.standing = Script(fault="refused")
        assert (await client.get(preview)).status_code == 204


@pytest.mark.parametrize("path", ["/api/styles", "/previews/anime/1-0-" + "A" * 22 + "/x"])
async def test_a_process_without_styles_shows_none(tmp_path: Path, path: str) -> None:
    async with on_stage(tmp_path) as stage, stage.browser() as client:
        answer = await client.get(path)
        assert answer.json().get("groups", []) == []
