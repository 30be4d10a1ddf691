"""Everything made so far: listed, saved as one file with its labels, and each beside the photo it was made from."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from bot.channels.web.collection import Collection, originals_of
from bot.channels.web.pictures import Pictures
from bot.channels.web.thumbnails import Thumbnails
from handlers.message import Chat, Kind, Outgoing
from handlers.order import Order, Shot
from handlers.store.base import Job
from tests.bot.stage import Stage, jpeg, on_stage, picture_file


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path) as made:
        yield made


async def made(stage: Stage, chat: Chat, job: str, count: int = 1) -> list[bytes]:
    """A result of so many pictures is delivered."""
    pictures = tuple(picture_file(stage.data / "made", f"{job}-{n}", width=40 + n) for n in range(count))
    outgoing = Outgoing(id=f"{job}:result", kind=Kind.PICTURES, pictures=pictures, job=job)
    await stage.channel.deliver(chat, outgoing, outgoing.id)
    return [picture.path.read_bytes() for picture in pictures]


async def test_results_are_listed_newest_first_and_what_was_sent_is_none(stage: Stage) -> None:
    async with stage.browser() as one, stage.browser() as two:
        await one.post("/api/messages", files={"photos": ("me.jpg", jpeg(), "image/jpeg")})
        await made(stage, stage.chat(one), "a" * 20)
        await made(stage, stage.chat(one), "b" * 20, count=2)
        listed = (await one.get("/api/pictures")).json()["pictures"]
        assert [(p["job"][0], p["index"]) for p in listed] == [("b", 0), ("b", 1), ("a", 0)]
        assert (await one.get(listed[0]["url"])).status_code == 200
        assert (await two.get("/api/pictures")).json()["pictures"] == []


async def test_all_of_them_are_saved_as_one_file_byte_for_byte(stage: Stage) -> None:
    async with stage.browser() as client:
        bodies = await made(stage, stage.chat(client), "a" * 20, count=3)
        answer = await client.get("/api/pictures.zip")
        assert answer.headers["content-type"] == "application/zip"
        assert "content-encoding" not in answer.headers
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert [archive.read(name) for name in archive.namelist()] == bodies
            assert len(set(archive.namelist())) == 3
        assert (await client.get("/api/pictures.zip")).status_code == 200, "the one before has ended"


async def test_there_is_no_file_of_nothing_and_none_for_strangers(stage: Stage) -> None:
    async with stage.browser() as client:
        assert (await client.get("/api/pictures.zip")).status_code == 404
        client.cookies.clear()
        for path in ("/api/pictures", "/api/pictures.zip", "/api/originals?job=abcdefabcdef"):
            assert (await client.get(path)).status_code == 401


async def test_a_picture_is_shown_beside_the_photo_it_was_made_from_to_its_person_alone(stage: Stage) -> None:
    photo = picture_file(stage.data / "photos", "me", width=90, height=120)
    async with stage.browser() as one, stage.browser() as two:
        order = Order(operation="portrait", shots=(Shot(style="anime"),), photos=(photo.path,))
        job = Job(id="c" * 20, chat=stage.chat(one), order=order, created=datetime.now(UTC))
        await stage.store.add_job(job)
        (original,) = (await one.get(f"/api/originals?job={job.id}")).json()["originals"]
        assert (await one.get(original["url"])).headers["content-type"] == "image/jpeg"
        assert (await one.get(f"/originals/{job.id}/1")).status_code == 404
        assert (await two.get(f"/api/originals?job={job.id}")).json() == {"originals": []}
        assert (await two.get(original["url"])).status_code == 404
        photo.path.unlink()
        assert (await one.get(f"/api/originals?job={job.id}")).json() == {"originals": []}


@pytest.mark.parametrize(
    ("shots", "pictures", "expected"),
    [
        ((Shot(style="anime", count=3),), 3, (0,)),
        ((Shot(style="anime", photo=0), Shot(style="anime", photo=1, count=2)), 3, (0, 1, 1)),
        ((Shot(style="anime", photo=0), Shot(style="anime", photo=1)), 1, ()),
        ((Shot(style="anime", photo=1),), 1, (1,)),
    ],
)
def test_each_picture_has_its_own_photo_or_none_where_that_is_not_certain(
    shots: tuple[Shot, ...], pictures: int, expected: tuple[int, ...], tmp_path: Path
) -> None:
    order = Order(operation="portrait", shots=shots, photos=(tmp_path / "a.jpg", tmp_path / "b.jpg"))
    chat = Chat(channel="web", chat="p", person="p")
    delivered = tuple(picture_file(tmp_path, str(n)) for n in range(pictures))
    job = Job(id="d" * 20, chat=chat, order=order, created=datetime.now(UTC), pictures=delivered)
    assert originals_of(job) == expected
    assert originals_of(replace(job, order=order.model_copy(update={"photos": ()}))) == ()


async def test_one_person_is_sent_one_file_at_a_time(stage: Stage) -> None:
    async with stage.browser() as one, stage.browser() as two:
        await made(stage, stage.chat(one), "a" * 20)
        await made(stage, stage.chat(two), "b" * 20)
        beside: list[int] = []

        async def at_hand(_: Path) -> bool:
            """While the first file is on its way, the same person asks again, and another person asks too."""
            if not beside:
                beside.append(200)
                beside.append((await again.get("/api/pictures.zip")).status_code)
                beside.append((await other.get("/api/pictures.zip")).status_code)
            return True

        pictures = Pictures(feed=stage.channel.feed, sessions=stage.sessions, at_hand=at_hand, thumbnails=Thumbnails())
        app = Starlette(routes=Collection(store=stage.store, pictures=pictures).routes())

        def client(like: httpx.AsyncClient) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app)
            return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", cookies=like.cookies)

        async with client(one) as first, client(one) as again, client(two) as other:
            assert (await first.get("/api/pictures.zip")).status_code == 200
            assert beside == [200, 503, 200]
            assert (await again.get("/api/pictures.zip")).status_code == 200, "the first has ended"
