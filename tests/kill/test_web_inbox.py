"""The web page is killed with signal 9 right after it acknowledged messages: none is lost, none is handled twice."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bot.channels.web.cookies import load_secret
from handlers.store.sql.engine import sqlite_url
from handlers.store.sql.store import SqlStore
from providers.net.certificates import trusted
from tests.bot.stage import conversation, jpeg, on_stage, settled
from tests.programs import Program
from tests.waiting import LONG

pytestmark = pytest.mark.kill
MESSAGES = 5


@asynccontextmanager
async def desk(data: Path) -> AsyncIterator[str]:
    """The program's address; it dies by signal 9 at the end."""
    program = Program(str(data), module="tests.kill.web_desk")
    try:
        yield f"http://127.0.0.1:{int(await program.readline())}"
    finally:
        await program.end(signal.SIGKILL)
        assert program.returncode == -signal.SIGKILL


async def test_what_was_acknowledged_survives_a_kill_and_is_handled_once(tmp_path: Path) -> None:
    bodies = [jpeg(40 + n, 30) for n in range(MESSAGES)]
    async with desk(tmp_path) as address, httpx.AsyncClient(verify=trusted(), base_url=address, timeout=LONG) as client:
        await client.get("/")
        for n, body in enumerate(bodies):
            form = {"id": f"message-{n}", "text": f"wish {n}"}
            answer = await client.post("/api/messages", data=form, files={"photos": ("a.jpg", body)})
            assert answer.status_code == 202
        cookies = dict(client.cookies)

    store = await SqlStore.open(sqlite_url(tmp_path / "likeness.db"))
    try:
        for expected in (MESSAGES, 0):
            async with on_stage(tmp_path, store=store, secret=load_secret(tmp_path / "secret")) as stage:
                await settled(stage)
                assert len(stage.conversation.seen) == expected
                for n, message in enumerate(stage.conversation.seen):
                    assert (message.text, message.ref) == (f"wish {n}", f"message-{n}")
                    assert message.photos[0].path.read_bytes() == bodies[n]
                async with stage.browser() as client:
                    client.cookies.update(cookies)
                    said = [m["text"] for m in await conversation(client)]
                assert said == [f"wish {n}" for n in range(MESSAGES)] + [f"You said: wish {n}" for n in range(MESSAGES)]
    finally:
        await store.aclose()
