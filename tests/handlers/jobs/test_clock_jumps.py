"""The machine's clock is set while a job runs: what is shown is how long it really took."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.jobs.completion import took
from handlers.order import Order, Shot
from handlers.store.base import Job, JobState, Part, PartState
from providers.money import Money
from tests.world import ANN, Clock, hasty, world

STEADY_SECONDS = 12.0
FORTY_DAYS = timedelta(days=40)


@pytest.mark.parametrize("jump", [FORTY_DAYS, -FORTY_DAYS], ids=["forward", "back"])
async def test_a_job_in_which_the_clock_jumps_shows_the_seconds_it_took(tmp_path: Path, jump: timedelta) -> None:
    clock, steady, release = Clock(stands=True), [1000.0], asyncio.Event()

    async def slow(_seconds: float) -> None:
        await release.wait()

    async with world(tmp_path, clock=clock, steady=lambda: steady[0]) as run:
        run.provider.sleep = slow
        await run.place()
        await run.runner.enqueue("j1")
        await run.state("j1", JobState.RUNNING)
        await run.happens(lambda: bool(run.channel.statuses("j1")))
        steady[0] += STEADY_SECONDS
        clock.ahead += jump
        shown = len(run.channel.statuses("j1"))
        await run.happens(lambda: len(run.channel.statuses("j1")) > shown)
        run.provider.sleep = hasty
        release.set()
        job = await run.ended()
        assert job.state is JobState.DONE
        assert run.channel.words("j1") == []  # nobody is told that it took too long
        texts = [*(s.text for s in run.channel.statuses("j1")), run.channel.result("j1").text]
    times = {found for text in texts for found in re.findall(r"\d+ (?:s|min|h|days)\b", text)}
    assert times & {f"{n} s" for n in (12, 13)}
    assert [time for time in times if not time.endswith(" s")] == [], texts


def test_rows_that_agree_with_the_steady_clock_are_what_is_shown_each_time() -> None:
    order = Order(operation="portrait", shots=(Shot(style="anime"),))
    job = Job(id="j1", chat=ANN, order=order, created=datetime(2026, 5, 1, tzinfo=UTC), estimate=Money.usd("0.1"))

    def ended(after: timedelta) -> tuple[Part]:
        return (Part(key="j1#0", job="j1", provider="fake", state=PartState.MADE, updated=job.created + after),)

    assert took(job, ended(timedelta(seconds=20))) == took(job, ended(timedelta(seconds=20)), 22.0) == 20
    assert took(job, ended(timedelta(seconds=20)), 400.0) == 400
    assert took(job, ended(-FORTY_DAYS)) == 0
    assert took(job, ended(-FORTY_DAYS), 3.0) == 3
