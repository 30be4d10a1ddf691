"""A worker's lease: who is alive, who is dead, and who may still act. The same on SQLite and PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from handlers.jobs.worker_leases import (
    FROZEN,
    HEARTBEAT,
    LEASES,
    SILENCE,
    TRUST,
    LeaseLost,
    WorkerLease,
    keeper,
)
from tests.servers.postgres import new_database


class Clock:
    """Seconds, moved on by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class Workers:
    """Leases as each process of an installation would hold them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.clock = Clock()
        self.made: list[WorkerLease] = []
        self.database = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)

    def watcher(self, *, restart_grace: float = 0.0) -> WorkerLease:
        made = keeper(self.url, self.folder, self.clock, restart_grace=restart_grace)
        lease = WorkerLease(made, clock=self.clock)
        lease.prepare()
        self.made.append(lease)
        return lease

    def worker(self, **abilities: object) -> WorkerLease:
        lease = self.watcher()
        lease.take(abilities)
        return lease

    def passes(self, seconds: float, lease: WorkerLease) -> None:
        """So much time since this worker's last renewal (PostgreSQL's clock cannot be turned, so the row is)."""
        self.clock.time += seconds
        if not self.url.startswith("sqlite"):
            earlier = LEASES.update().where(LEASES.c.worker == lease.name)
            with self.database.begin() as connection:
                connection.execute(earlier.values(renewed=LEASES.c.renewed - seconds))

    def all_renewed(self) -> None:
        """However long making them took on a busy machine."""
        if not self.url.startswith("sqlite"):
            with self.database.begin() as connection:
                connection.execute(LEASES.update().values(renewed=LEASES.c.renewed + 3600))

    def dies(self, lease: WorkerLease) -> None:
        """As by signal 9: its locks are dropped, its row stays."""
        lease._keeper.drop()
        if self.url.startswith("sqlite"):
            for name in list(lease._keeper._files):  # type: ignore[attr-defined]
                os.close(lease._keeper._files.pop(name))  # type: ignore[attr-defined]


@pytest.fixture(params=["sqlite", "postgres"])
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workers]:
    if request.param == "sqlite":
        yield from closed(Workers(f"sqlite:///{tmp_path}/workflows.sqlite", tmp_path / "workers"))
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield from closed(Workers(url, tmp_path))


def closed(workers: Workers) -> Iterator[Workers]:
    yield workers
    for lease in workers.made:
        lease.close()
    workers.database.dispose()


def names(lease: WorkerLease) -> set[str]:
    return {worker.name for worker in lease.alive()}


def test_any_number_of_workers_are_alive_beside_each_other_and_know_what_each_can(workers: Workers) -> None:
    made = [workers.worker(number=n) for n in range(66)]
    workers.all_renewed()
    seen = workers.watcher().alive()
    assert {worker.name for worker in seen} == {lease.name for lease in made}
    assert sorted(worker.abilities["number"] for worker in seen) == list(range(66))
    assert made[0].dead() == ()


def test_a_worker_that_died_is_dead_and_one_that_renews_is_not(workers: Workers) -> None:
    first, second = workers.worker(), workers.worker()
    workers.dies(second)
    workers.passes(SILENCE + 0.1, second)
    first.renew()
    assert names(first) == {first.name}
    assert first.dead() == (second.name,)


def test_a_frozen_worker_is_dead_after_a_while_although_it_holds_its_lock(workers: Workers) -> None:
    first, second = workers.worker(), workers.worker()
    workers.passes(FROZEN / 2, second)
    assert first.dead() == ()
    workers.passes(FROZEN, second)
    assert second.name in first.dead()


def test_one_that_thaws_after_it_was_declared_dead_neither_acts_nor_renews(workers: Workers) -> None:
    first, second = workers.worker(), workers.worker()
    assert second.fresh()
    workers.passes(FROZEN + 1, second)
    assert second.name in first.dead()
    assert not second.fresh()
    with pytest.raises(LeaseLost):
        second.renew()
    assert not second.fresh()


def test_a_worker_acts_only_shortly_after_a_renewal(workers: Workers) -> None:
    lease = workers.worker()
    assert lease.fresh()
    workers.clock.time += TRUST
    assert not lease.fresh()
    lease.renew()
    assert lease.fresh()


def test_nobody_is_declared_dead_while_it_may_still_act() -> None:
    assert HEARTBEAT < TRUST < SILENCE < FROZEN


def test_dead_workers_are_seen_by_all_until_they_are_buried(workers: Workers) -> None:
    first, second, third = workers.worker(), workers.worker(), workers.worker()
    second.release()
    (gone,) = first.dead()
    assert third.dead() == (gone,)
    first.bury(gone)
    assert third.dead() == ()


def test_a_living_worker_cannot_be_buried(workers: Workers) -> None:
    first, second = workers.worker(), workers.worker()
    first.bury(second.name)
    second.renew()
    assert second.name in names(first)


def test_a_name_under_which_jobs_run_without_a_lease_is_announced_as_dead(workers: Workers) -> None:
    lease = workers.worker()
    lease.announce_dead({"w0", lease.name})
    lease.announce_dead({"w0"})
    assert lease.dead() == ("w0",)
    lease.renew()


def test_a_cut_connection_is_made_again_and_the_lease_is_the_same(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as url:
        for workers in closed(Workers(url, tmp_path)):
            lease = workers.worker()
            name = lease.name
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE application_name = 'likeness lease' AND datname = current_database()"
                )
            with pytest.raises(sa.exc.SQLAlchemyError):
                lease.renew()
            lease.broke()
            lease.renew()
            assert (lease.name, lease.fresh()) == (name, True)
            assert workers.watcher().dead() == ()


def test_after_a_restart_of_the_server_those_it_cut_off_have_time_to_come_back(postgres: str, tmp_path: Path) -> None:
    with new_database(postgres) as url:
        for workers in closed(Workers(url, tmp_path)):
            lease = workers.worker()
            workers.dies(lease)
            workers.passes(SILENCE + 1, lease)
            assert workers.watcher(restart_grace=1e9).dead() == ()
            assert workers.watcher().dead() == (lease.name,)
