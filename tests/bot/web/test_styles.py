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
from providers.catalog import STYLES
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

        async def of_a_child(chat: Chat) -> bool:
            return (await stage.store.session(chat)).child

        gallery = StyleGallery(
            quote=quoted(Router([free, paid])),
            allowed=may_sketch,
            of_a_child=of_a_child,
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


def pictures_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".alive"]


async def tried(client: httpx.AsyncClient, photo: bytes, **more: Any) -> httpx.Response:
    return await client.post("/api/styles", files={"photos": ("me.jpg", photo, "image/jpeg")}, **more)


async def test_styles_are_tried_on_a_photo_that_is_not_sent_and_nothing_of_it_stays(tmp_path: Path) -> None:
    async with styled(tmp_path) as (stage, free), stage.browser() as one, stage.browser() as two:
        groups = (await tried(one, jpeg(500, 400))).json()["groups"]
        previews = [style["preview"] for group in groups for style in group["styles"] if style["preview"]]
        assert len(previews) == len(FREE)
        sketch = await one.get(previews[0])
        assert sketch.headers["content-type"] == "image/jpeg"
        assert read_label(sketch.content) is not None
        assert (await two.get(previews[0])).status_code == 404
        assert (await one.get("/api/messages")).json()["messages"] == [], "nothing was said"
        assert pictures_in(tmp_path) == [], "and nothing lies on the disk"
        assert len(free.jobs) == 1
        await stage.store.forget(stage.chat(one))
        assert (await one.get(previews[1])).status_code == 404


async def test_a_try_is_counted_and_what_is_no_photo_or_from_elsewhere_is_refused(tmp_path: Path) -> None:
    async with styled(tmp_path, sketches=2) as (stage, _), stage.browser() as client:
        for n in range(3):
            styles = [s for g in (await tried(client, jpeg())).json()["groups"] for s in g["styles"]]
            assert any(style["preview"] for style in styles) == (n < 2)
    async with styled(tmp_path) as (stage, _), stage.browser() as client:
        assert (await tried(client, b"no photo")).status_code == 400
        assert (await tried(client, b"x" * 2_200_000)).status_code == 413
        assert (await client.post("/api/styles", data={"text": "x"})).status_code == 400
        assert (await tried(client, jpeg(), headers={"origin": "https://elsewhere.example"})).status_code == 403
        client.cookies.clear()
        assert (await tried(client, jpeg())).status_code == 401


async def test_what_is_not_made_of_children_is_not_shown_for_a_photo_said_to_show_one(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage, stage.browser() as client:
        swim = next(key for key, style in STYLES.items() if style.adult)
        both = FakeProvider(able=[offer(Operation.PORTRAIT, styles=FREE | {swim})])

        async def whoever(chat: Chat) -> bool:
            return True

        gallery = StyleGallery(
            quote=quoted(Router([both])), allowed=whoever, of_a_child=whoever, marks=VisibleMarks(), folder=tmp_path
        )
        stage.channel.show_styles(gallery)
        assert set(await styles(client)) == FREE
        new = (await tried(client, jpeg())).json()["groups"]
        assert {style["key"] for group in new for style in group["styles"]} == FREE | {swim}


@pytest.mark.parametrize("path", ["/api/styles", "/previews/anime/1-0-" + "A" * 22 + "/x"])
async def test_a_process_without_styles_shows_none(tmp_path: Path, path: str) -> None:
    async with on_stage(tmp_path) as stage, stage.browser() as client:
        answer = await client.get(path)
        assert answer.json().get("groups", []) == []
