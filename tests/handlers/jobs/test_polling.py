"""How often queues are looked at."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from handlers.jobs.engine_database import EngineDatabase
from handlers.jobs.polling import BUSY_POLL, CROWD, CROWDED_POLL, EVERY_QUEUE, KNOWN, Polling
from handlers.jobs.queues import SOON, Limits, queues

FIRST, OTHERS = "jobs.fal.first", "jobs.fal"
HOUR_MS = 3_600_000


@pytest.fixture
def polling(tmp_path: Path) -> Iterator[Polling]:
    made = queues({"fal": Limits()}, concurrency=8)
    database = EngineDatabase.of(tmp_path, None)
    client = database.open(made, worker=True)
    yield Polling(client=client, queues=made, idle_after=600.0)
    client.destroy()
    database.close()


def seconds(polling: Polling, queue: str) -> float:
    found = polling.client.retrieve_queue(queue)
    assert found is not None
    return found.polling_interval_sec


def enqueue(polling: Polling, queue: str) -> None:
    polling.client.enqueue({"workflow_name": "job", "queue_name": queue, "workflow_id": "j1"}, "j1", 0)
    polling.came(queue)


def test_a_queue_is_polled_quickly_from_the_moment_a_job_comes_and_slowly_when_none_came_for_a_while(
    tmp_path: Path, polling: Polling
) -> None:
    assert seconds(polling, FIRST) == SOON
    enqueue(polling, FIRST)
    polling.slow_down([FIRST])
    assert seconds(polling, FIRST) == BUSY_POLL
    with closing(sqlite3.connect(tmp_path / "workflows.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE workflow_status SET created_at = created_at - ?", (HOUR_MS,))
        polling.slow_down([FIRST])
        assert seconds(polling, FIRST) == BUSY_POLL  # one still waits
        connection.execute("UPDATE workflow_status SET status = 'SUCCESS'")
    polling.slow_down([FIRST])
    assert seconds(polling, FIRST) == SOON


def test_only_what_this_process_had_polled_quickly_is_slowed_down_and_now_and_then_every_queue(
    polling: Polling,
) -> None:
    polling.came(FIRST)
    assert polling.stale() == []
    polling.idle_after = -1.0
    assert polling.stale() == [FIRST]
    polling.slow_down([FIRST])
    assert (seconds(polling, FIRST), polling.stale()) == (SOON, [])
    rounds = [polling.stale() for _ in range(EVERY_QUEUE)]
    assert [found for found in rounds if found] == [["jobs", FIRST, OTHERS]]


def test_in_a_crowd_a_queue_is_polled_less(polling: Polling) -> None:
    now = 100.0
    polling.clock = lambda: now

    def come(jobs: int, *, apart: float, in_progress: int = 0) -> float:
        nonlocal now
        for _ in range(jobs):
            now += apart
            polling.came(FIRST, in_progress=in_progress)
        return seconds(polling, FIRST)

    assert come(CROWD - 1, apart=0.01) == BUSY_POLL
    assert come(1, apart=0.01) == CROWDED_POLL
    now += KNOWN
    assert come(1, apart=0.1) == BUSY_POLL
    assert come(2 * CROWD, apart=0.1, in_progress=CROWD - 1) == BUSY_POLL
    assert come(1, apart=0.1, in_progress=CROWD) == CROWDED_POLL


def test_while_jobs_come_nobody_asks_whether_none_came(polling: Polling) -> None:
    now = 100.0
    polling.clock, polling.idle_after = lambda: now, 1.0
    for _ in range(4):
        polling.came(FIRST)
        assert polling.stale() == []
        now += 0.9
    now += 0.2
    assert polling.stale() == [FIRST]
