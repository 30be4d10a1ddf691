"""Links to single pictures: one picture and nothing else, for as long as was said and its person wants."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.web.cookies import chat_of
from bot.channels.web.shares import MOST, Shares
from bot.channels.web.uploads import Refused
from handlers.message import Kind, Outgoing
from handlers.store.memory import MemoryStore
from tests.bot.stage import Stage, jpeg, on_stage, picture_file, settled


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path) as made:
        yield made


async def picture_of(stage: Stage, client: httpx.AsyncClient) -> str:
    made = picture_file(stage.data / "made", "result")
    outgoing = Outgoing(id="job:result", kind=Kind.PICTURES, pictures=(made,), job="a" * 20)
    await stage.channel.deliver(stage.chat(client), outgoing, outgoing.id)
    return str((await client.get("/api/pictures")).json()["pictures"][0]["url"])


async def shared(client: httpx.AsyncClient, picture: str, days: str = "7") -> dict[str, Any]:
    answer = await client.post("/api/shares", data={"picture": picture, "days": days})
    assert answer.status_code == 201, answer.text
    link: dict[str, Any] = answer.json()
    return link


def stranger(stage: Stage, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=stage.app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=headers)


async def test_a_link_shows_a_stranger_that_picture_labelled_and_unlisted_and_nothing_else(stage: Stage) -> None:
    async with stage.browser() as client, stranger(stage) as other:
        picture = await picture_of(stage, client)
        link = await shared(client, picture)
        page = await other.get(link["path"])
        assert page.status_code == 200
        assert "Made with AI" in page.text
        assert "noindex" in page.headers["x-robots-tag"]
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in page.text
        assert "set-cookie" not in page.headers
        whole = await other.get(f"{link['path']}/picture")
        assert whole.content == (stage.data / "made" / "result.jpg").read_bytes()
        assert "no-store" in whole.headers["cache-control"]
        assert (await other.get(f"{link['path']}/picture?w=320")).headers["content-type"] == "image/jpeg"
        assert "attachment" in (await other.get(f"{link['path']}/picture?download=1")).headers["content-disposition"]
        assert (await other.get(picture)).status_code == 404, "the address in the conversation stays the person's"
        chinese = await other.get(link["path"], headers={"accept-language": "zh-CN"})
        assert "用 AI 制作" in chinese.text


async def test_a_link_that_was_taken_back_or_never_was_leads_to_a_sentence(stage: Stage) -> None:
    async with stage.browser() as client, stage.browser() as other:
        link = await shared(client, await picture_of(stage, client))
        assert [s["id"] for s in (await client.get("/api/shares")).json()["shares"]] == [link["id"]]
        assert (await other.get("/api/shares")).json()["shares"] == []
        await other.post("/api/shares/revoke", data={"id": link["id"]})
        assert (await other.get(link["path"])).status_code == 200, "only its person takes it back"
        assert (await client.post("/api/shares/revoke", data={"id": link["id"]})).status_code == 204
        for path in (link["path"], "/s/" + "A" * 24, "/s/short"):
            gone = await other.get(path)
            assert (gone.status_code, "no longer works" in gone.text) == (404, True)
            assert (await other.get(f"{path}/picture")).status_code == 404
        assert (await client.get("/api/shares")).json()["shares"] == []


async def test_a_link_ends_with_everything_else_of_its_person(stage: Stage) -> None:
    async with stage.browser() as client:
        link = await shared(client, await picture_of(stage, client))
        await stage.store.forget(stage.chat(client))
        assert (await client.get(link["path"])).status_code == 404
        assert (await client.get("/api/shares")).json()["shares"] == []


async def test_only_results_are_shared_by_posts_of_the_page_itself(stage: Stage) -> None:
    async with stage.browser() as client, stage.browser() as other:
        picture = await picture_of(stage, client)
        await client.post("/api/messages", files={"photos": ("me.jpg", jpeg(), "image/jpeg")})
        await settled(stage)
        sent = next(m for m in (await client.get("/api/messages")).json()["messages"] if m["from"] == "person")

        async def refused(post: httpx.AsyncClient, data: Any, **headers: str) -> int:
            return (await post.post("/api/shares", data=data, headers=headers)).status_code

        assert await refused(client, {"picture": sent["pictures"][0]["url"], "days": "7"}) == 404
        assert await refused(other, {"picture": picture, "days": "7"}) == 404
        assert await refused(client, {"picture": picture, "days": "3650"}) == 400
        assert await refused(client, {"picture": picture, "days": "7"}, origin="https://elsewhere.example") == 403
        assert await refused(client, {"picture": picture + "x" * 5000, "days": "7"}) == 413
        json = await client.post("/api/shares", json={"picture": picture, "days": 7})
        assert json.status_code == 415
        client.cookies.clear()
        assert await refused(client, {"picture": picture, "days": "7"}) == 401


LATE = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def test_a_link_works_as_long_as_was_said() -> None:
    clock = Clock()
    shares = Shares(store=MemoryStore(clock=clock), clock=clock)
    chat = chat_of("p" * 22)
    link = await shares.make(chat, "1-0-x", 7, kept_until=LATE)
    assert (await shares.make(chat, "2-0-x", 7, kept_until=clock.now + timedelta(days=2))).expires.day == 3
    clock.now += timedelta(days=7, seconds=-1)
    assert await shares.find(link.id) == link
    clock.now += timedelta(seconds=2)
    assert await shares.find(link.id) is None
    assert await shares.of(chat) == ()


async def test_of_links_made_at_once_no_more_than_the_limit_work() -> None:
    shares = Shares(store=MemoryStore())
    chat = chat_of("p" * 22)
    made = await asyncio.gather(
        *(shares.make(chat, f"{n}-0-x", 1, kept_until=LATE) for n in range(MOST + 5)), return_exceptions=True
    )
    assert sum(isinstance(one, Refused) for one in made) == 5
    working = await shares.of(chat)
    assert len(working) == MOST
    assert all([await shares.find(link.id) for link in working])
    await shares.revoke(chat, working[0].id)
    await shares.make(chat, "1-0-x", 1, kept_until=LATE)
