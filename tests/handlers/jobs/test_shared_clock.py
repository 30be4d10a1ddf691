"""Jobs have one time of day on all machines: the database's."""

from datetime import UTC, datetime, timedelta

import pytest

from handlers.jobs.shared_clock import SharedClock
from handlers.store.base import StoreUnavailable

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Server:
    """Its time of day, and that it may be away."""

    now = NOON
    away = False

    async def moment(self) -> datetime:
        if self.away:
            raise StoreUnavailable
        return self.now


async def test_between_two_readings_it_goes_on_by_what_only_passes() -> None:
    server, passed = Server(), [100.0]
    clock = SharedClock(server.moment, lambda: passed[0])
    await clock.set()
    passed[0] += 90.0
    assert clock() == NOON + timedelta(seconds=90)
    server.now += timedelta(seconds=91)
    await clock.set()
    assert clock() == NOON + timedelta(seconds=91)


async def test_while_the_database_is_away_it_goes_on() -> None:
    server, passed, waited = Server(), [100.0], []
    clock = SharedClock(server.moment, lambda: passed[0])
    await clock.set()

    async def sleep(seconds: float) -> None:
        passed[0] += seconds
        server.away = not server.away
        server.now += timedelta(seconds=seconds + 1)
        waited.append(clock())
        if len(waited) == 3:
            raise EOFError

    with pytest.raises(EOFError):
        await clock.keep_set(sleep)
    assert waited == [NOON + timedelta(seconds=s) for s in (60, 120, 182)]
