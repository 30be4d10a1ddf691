"""Work gives way to answers, and not for ever."""

import asyncio

from handlers.foreground import ForegroundGate


async def begun(task: "asyncio.Task[None]") -> bool:
    for _ in range(5):
        await asyncio.sleep(0)
    return task.done()


async def test_work_begins_at_once_when_nobody_waits() -> None:
    assert await begun(asyncio.create_task(ForegroundGate().wait()))


async def test_work_waits_for_the_last_of_several_answers() -> None:
    calm = ForegroundGate(seconds=60)
    with calm.busy():
        with calm.busy():
            work = asyncio.create_task(calm.wait())
            assert not await begun(work)
        assert not await begun(work)
    assert await begun(work)


async def test_work_that_has_given_way_long_enough_begins_all_the_same() -> None:
    calm = ForegroundGate(seconds=60)
    long_ago = asyncio.get_running_loop().time() - 1
    with calm.busy():
        await calm.wait(long_ago)
        assert calm.until() > long_ago + 60


async def test_an_answer_that_fails_holds_nothing_up() -> None:
    calm = ForegroundGate(seconds=60)
    try:
        with calm.busy():
            raise OSError("the database is away")
    except OSError:
        assert await begun(asyncio.create_task(calm.wait()))
