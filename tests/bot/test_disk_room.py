"""A full disk or a database that is away: the API says so by a code, `/readyz` knows, the owner is told once."""

import asyncio
import errno
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.app import parts
from bot.disk_room import LEAST_BYTES, DiskRoom
from bot.http import create_app
from bot.metrics import Metrics
from bot.settings import Settings
from handlers.fake_channel import FakeChannel
from handlers.message import Chat
from handlers.owner_notes import OwnerNotes
from handlers.store.base import Entry, StoreUnavailable
from handlers.store.memory import MemoryStore
from handlers.words import words
from tests.bot.stage import on_stage


class Away(MemoryStore):
    async def entries(self, *_: object, **__: object) -> tuple[Entry, ...]:
        raise StoreUnavailable("OperationalError at postgresql://u:geheim@db")


def failing(error: Exception) -> httpx.AsyncClient:
    async def door(_: Request) -> Response:
        raise error

    app = create_app(channels=[], store=MemoryStore(), metrics=Metrics(), more=[Route("/door", door, methods=["POST"])])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/secret/place"), "no_room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no_room"),
        (OSError(errno.EIO, "Input/output error"), "out_of_order"),
        (StoreUnavailable("at postgresql://u:secret@db"), "out_of_order"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_what_cannot_be_taken_is_said_by_a_code_and_may_be_tried_again(
    error: Exception, code: str, language: str
) -> None:
    async with failing(error) as client:
        answer = await client.post("/door", headers={"accept-language": language})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)
    assert "secret" not in answer.text
    assert answer.headers["retry-after"]
    assert answer.json()["error"]["message"].isascii() == (language == "en")


async def test_a_mistake_of_ours_is_json_too() -> None:
    async with failing(ZeroDivisionError("secret")) as client:
        client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
        answer = await client.post("/door")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text


async def test_the_api_of_the_page_answers_in_json_while_the_database_is_away(tmp_path: Path) -> None:
    async with on_stage(tmp_path, store=Away()) as stage, stage.browser() as client:
        answer = await client.get("/api/messages")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "out_of_order")
        assert "geheim" not in answer.text


async def test_ready_is_no_while_a_folder_has_no_room_and_the_owner_is_told_once(tmp_path: Path) -> None:
    channel, store = FakeChannel(name="test"), MemoryStore()
    free = {"data": LEAST_BYTES - 1, "made": LEAST_BYTES}
    looks, enough = 0, asyncio.Event()

    async def look_again(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        free["data"] = LEAST_BYTES * (looks >= 3)  # freed at the third look
        if looks == 6:
            enough.set()
        await asyncio.sleep(0)

    room = DiskRoom(
        {"DATA_DIR": tmp_path / "data", "OUTPUT_DIR": tmp_path / "made"},
        owner=OwnerNotes(store, {"test": channel}, ("test:root",)),
        free=lambda folder: free[folder.name],
        sleep=look_again,
    )
    assert room.missing() == {"DATA_DIR"}
    watching = asyncio.create_task(room.watch())
    await enough.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert room.missing() == frozenset()
    told = [(chat, outgoing.text) for chat, outgoing in channel.said]
    assert told == [(Chat(channel="test", chat="root", person="root"), words("en", "admin.no_room", name="DATA_DIR"))]


async def test_a_folder_that_is_gone_is_no_room_either(tmp_path: Path) -> None:
    owner = OwnerNotes(MemoryStore(), {}, ())
    assert DiskRoom({"DATA_DIR": tmp_path / "gone"}, owner=owner).missing() == {"DATA_DIR"}
    assert DiskRoom({"DATA_DIR": tmp_path}, owner=owner).missing() == frozenset()


async def test_the_whole_program_is_not_ready_without_room(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", output_dir=tmp_path / "made")
    async with parts(settings, worker=False) as made:
        made.started = True
        for channel in made.here():
            await channel.start(made.conversation)
        assert await made.ready()
        made.room = DiskRoom({"DATA_DIR": tmp_path / "gone"}, owner=OwnerNotes(made.store, {}, ()))
        assert not await made.ready()
        for channel in made.here():
            await channel.stop()
