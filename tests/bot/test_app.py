"""The composition root: what is built from which settings, and that nothing needs the network to start."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import httpx

from bot.app import parts, running
from bot.llm_spending import SCOPE, StoredSpending
from bot.settings import Settings
from bot.web_app import web_app
from handlers.jobs.runner import JobRunner
from handlers.store.base import StoreUnavailable
from handlers.store.memory import MemoryStore

NOWHERE = "http://127.0.0.1:9"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


def settings(home: Path, **values: object) -> Settings:
    return Settings(_env_file=None, data_dir=home / "data", output_dir=home / "out", **values)  # type: ignore[arg-type]


async def test_it_takes_messages_while_every_platform_is_away(tmp_path: Path) -> None:
    everything = settings(
        tmp_path,
        telegram_bot_token="12:token",
        telegram_api_url=NOWHERE,
        wechat_app_id="wx1",
        wechat_app_secret="secret",
        wechat_token="token",
        wechat_encoding_aes_key=AES_KEY,
        wechat_api_url=NOWHERE,
        FAL_KEY="key",
        fal_queue_url=NOWHERE,
    )
    async with parts(everything) as made:
        assert set(made.channels) == {"web", "telegram", "wechat"}
        app = web_app(made)
        async with running(made), httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
            answer = await http.get("http://127.0.0.1/readyz")
            assert answer.status_code == 200
        assert not made.started


async def test_it_is_not_ready_before_it_was_started(tmp_path: Path) -> None:
    async with (
        parts(settings(tmp_path)) as made,
        httpx.AsyncClient(transport=httpx.ASGITransport(web_app(made))) as http,
    ):
        assert (await http.get("http://127.0.0.1/healthz")).status_code == 200
        assert (await http.get("http://127.0.0.1/readyz")).status_code == 503


async def test_a_channel_that_is_not_asked_for_only_sends(tmp_path: Path) -> None:
    telegram = settings(tmp_path, telegram_bot_token="12:token", telegram_api_url=NOWHERE)
    async with parts(telegram, listening=("web",)) as made, running(made):
        assert made.channels["telegram"].name == "telegram"
        assert not any(
            "telegram" in (task.get_name() or "") for task in asyncio.all_tasks() if "poll" in task.get_name()
        )


async def test_with_nothing_set_there_is_only_the_web_page_and_the_embedded_provider(tmp_path: Path) -> None:
    async with parts(settings(tmp_path)) as made:
        assert set(made.channels) == {"web"}
        assert [p.name for p in made.router.providers] == ["embedded"]


async def test_what_the_second_reader_spends_is_counted_for_the_day_by_whatever_process() -> None:
    now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    store = MemoryStore(clock=lambda: now)
    readers = [StoredSpending(store) for _ in range(8)]
    assert sum(await asyncio.gather(*(reader.reserve(0.2, 0.5) for reader in readers))) == 2
    await readers[0].give_back(0.2)
    assert await readers[1].reserve(0.3, 0.5)
    await readers[1].give_back(-0.1)
    assert await store.counted(SCOPE) == Decimal("0.6"), "it cost more than was thought possible"
    now += timedelta(minutes=1)
    assert await StoredSpending(store).reserve(0.5, 0.5)


class StartsLater:
    """A job runner whose database is restarted while it starts, the first time."""

    def __init__(self, jobs: JobRunner) -> None:
        self._jobs = jobs
        self.did: list[str] = []

    async def start(self) -> None:
        self.did.append("start")
        if self.did == ["start"]:
            raise StoreUnavailable("OperationalError")
        await self._jobs.start()

    async def stop(self) -> None:
        self.did.append("stop")
        await self._jobs.stop()


async def test_a_database_that_is_restarted_while_a_process_starts_is_waited_for(tmp_path: Path) -> None:
    async with parts(settings(tmp_path), listening=()) as made:
        made.settings = settings(tmp_path, database_url="postgresql://a.server/likeness")  # which is waited for
        jobs = StartsLater(made.jobs)
        made.jobs = cast("JobRunner", jobs)
        async with running(made):
            assert made.started
    assert jobs.did == ["start", "stop", "start", "stop"]
