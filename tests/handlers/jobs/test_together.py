"""Several things at once, as one: none stays behind, and each is stopped only once."""

import asyncio

import pytest

from handlers.jobs.together import together


async def test_results_come_in_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await together([after(3), after(1), after(2)]) == (3, 1, 2)
    assert await together([]) == ()


async def test_when_stopped_each_may_finish_what_must_be_finished() -> None:
    """A request whose answer was slower than its neighbour's was cut off, and its paid job lost."""
    written: list[str] = []
    answer = asyncio.Event()

    async def quick() -> None:
        await asyncio.Event().wait()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await answer.wait()
            written.append("the answer")
            raise

    task = asyncio.create_task(together([quick(), slow()]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert written == ["the answer"]


async def test_when_one_breaks_the_others_are_stopped_and_its_error_is_told() -> None:
    stopped: list[str] = []

    async def breaks() -> None:
        raise ValueError("as planned")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("waits")

    with pytest.raises(ValueError, match="as planned"):
        await together([waits(), breaks()])
    assert stopped == ["waits"]
