"""A worker's slot: held by one live process, free as soon as it is gone. The same for files and PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from handlers.jobs.worker_leases import FileSlots, PostgresSlots, Slots, SlotTaken
from tests.servers.postgres import NoPostgres, postgres_server

Make = Callable[[], Slots]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    try:
        with postgres_server() as url:
            yield url
    except NoPostgres as reason:
        pytest.skip(f"slots on PostgreSQL not tested: {reason}")


@pytest.fixture(params=["file", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Slots as each process of a group would make them."""
    made: list[Slots] = []
    url = request.getfixturevalue("postgres") if request.param == "postgres" else ""

    def one() -> Slots:
        made.append(PostgresSlots(url) if url else FileSlots(tmp_path))
        return made[-1]

    yield one
    for slots in made:
        slots.close()


def test_each_process_takes_the_first_slot_that_is_free(make: Make) -> None:
    first, second, third = make(), make(), make()
    assert [first.take(), second.take()] == ["w0", "w1"]
    assert first.held()
    first.close()
    assert not first.held()
    assert third.take() == "w0"


def test_a_slot_of_a_live_process_is_not_given_twice(make: Make) -> None:
    first, second = make(), make()
    first.take("w3")
    with pytest.raises(SlotTaken):
        second.take("w3")
    assert second.take() == "w0"


def test_work_for_a_dead_process_is_done_only_when_it_is_dead(make: Make) -> None:
    first, second = make(), make()
    first.take()
    second.take()
    assert second.if_dead("w0", lambda: "taken over") is None
    first.close()
    assert second.if_dead("w0", lambda: "taken over") == "taken over"
    assert second.if_dead("w0", lambda: "again") == "again"
    assert make().take() == "w0"


def test_a_slot_whose_connection_is_gone_is_not_held(postgres: str) -> None:
    slots = PostgresSlots(postgres)
    slots.take()
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'likeness slot'"
        )
    assert not slots.held()
    slots.close()


def test_a_foreign_executors_name_is_nobodys_slot(postgres: str) -> None:
    slots = PostgresSlots(postgres)
    assert slots.if_dead("local", lambda: "taken over") is None
    slots.close()
