"""The process is killed with signal 9 at every point of a job; afterwards nothing was paid or shown twice, or lost."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.kill.rounds import EVERY_POINT, End, Round, expected, expected_after_thawing, fal_process
from tests.servers.postgres import new_database

pytestmark = pytest.mark.kill

ROUNDS = 1
Promise = Callable[..., tuple[str, int, int, tuple[str, ...]]]


@pytest.fixture
async def fal() -> AsyncIterator[httpx.AsyncClient]:
    async with fal_process() as client:
        yield client


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    with new_database(postgres) as url:
        yield url


def hold_what_was_promised(ends: list[End], promise: Promise = expected) -> None:
    assert len(ends) == 2 * len(EVERY_POINT)
    broken = [
        str(end)
        for end in ends
        if (end.state, end.submits, end.shown, end.offers) != promise(end.point, repeatable=end.repeatable)
    ]
    assert broken == []


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_killed_at_every_point_nothing_is_paid_or_shown_twice_and_nothing_is_lost(
    tmp_path: Path, fal: httpx.AsyncClient, number: int
) -> None:
    hold_what_was_promised(await Round(tmp_path, fal, name=f"r{number}").kill_and_start_again())


async def test_the_jobs_of_a_killed_worker_are_taken_over_by_another(
    tmp_path: Path, fal: httpx.AsyncClient, database: str
) -> None:
    hold_what_was_promised(await Round(tmp_path, fal, name="pg", database=database).kill_beside_another())


async def test_a_frozen_workers_jobs_are_taken_over_and_what_it_knows_when_it_thaws_is_fetched(
    tmp_path: Path, fal: httpx.AsyncClient, database: str
) -> None:
    ends = await Round(tmp_path, fal, name="fr", database=database).freeze_beside_another()
    hold_what_was_promised(ends, expected_after_thawing)


async def test_so_they_are_among_the_processes_of_one_machine(tmp_path: Path, fal: httpx.AsyncClient) -> None:
    ends = await Round(tmp_path, fal, name="fs").freeze_beside_another()
    hold_what_was_promised(ends, expected_after_thawing)
