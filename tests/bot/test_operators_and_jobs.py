"""What an operator sees of jobs and does to them: lines with what, who and how long; `likeness jobs cancel`."""

import asyncio
import logging
from pathlib import Path

import pytest

from bot.cli.jobs import cancelled
from handlers.order import Edit, Order, Shot
from handlers.store.base import JobState
from providers.fake import FakeProvider, Script
from tests.waiting import LONG
from tests.world import hasty, world


async def test_an_ended_job_is_logged_with_what_who_and_how_long_and_no_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with world(tmp_path) as run:
        await run.do(order=run.order(Shot(style="vintage", scene="a secret place")))
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("job ended")]
    assert "what=portrait:vintage provider=fake pictures=1 seconds=" in line
    assert float(line.rpartition("seconds=")[2]) < LONG
    assert "secret" not in caplog.text


def test_an_order_is_named_by_keys_alone() -> None:
    edits = (Edit(action="restore", prompt="secret"), Edit(action="colorize"))
    assert Order(operation="edit", shots=(Shot(edits=edits),)).keys == "edit:restore+colorize"
    assert Order(operation="create", shots=(Shot(prompt="secret"),)).keys == "create"
    both = (Shot(style="anime"), Shot(style="vintage"), Shot(style="anime"))
    assert Order(operation="series", shots=both).keys == "series:anime,vintage"


async def test_a_rejected_key_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusing = FakeProvider(sleep=hasty, standing=Script(fault="account"))
    async with world(tmp_path, provider=refusing) as run:
        job = await run.do()
    assert job.state is JobState.FAILED
    told = [r for r in caplog.records if "did not accept" in r.getMessage() and r.levelno >= logging.WARNING]
    assert told, caplog.text
    assert "fake" in told[0].getMessage()


async def test_an_operator_cancels_a_job_that_runs(tmp_path: Path) -> None:
    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    async with world(tmp_path) as run:
        run.provider.sleep = never
        await run.place()
        await run.runner.enqueue("j1")
        await run.state("j1", JobState.RUNNING)
        job = await cancelled(run.store, "j1", patience=LONG)
        assert job.state is JobState.CANCELLED
        with pytest.raises(IndexError, match="ended already"):
            await cancelled(run.store, "j1")
        with pytest.raises(KeyError, match="no job"):
            await cancelled(run.store, "nobody")
