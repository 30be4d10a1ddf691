"""Picture work neither blocks the loop nor takes more threads than its own."""

import asyncio
import threading

from providers.media.threads import THREADS, in_file_thread, in_thread, in_thread_to_its_end
from tests.waiting import LONG


async def test_work_runs_beside_the_loop_and_at_most_two_at_a_time() -> None:
    running, most = 0, 0
    lock, gate = threading.Lock(), threading.Event()
    both_there = threading.Barrier(THREADS + 1)

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if number < THREADS:
            both_there.wait(LONG)
        gate.wait(LONG)
        with lock:
            running -= 1
        return number

    tasks = [asyncio.create_task(in_thread(work, number)) for number in range(6)]
    await asyncio.to_thread(both_there.wait, 5)
    gate.set()
    assert await asyncio.gather(*tasks) == list(range(6))
    assert most == THREADS


async def test_an_error_comes_back_to_the_caller() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    outcome = (await asyncio.gather(in_thread(fails), return_exceptions=True))[0]
    assert isinstance(outcome, ZeroDivisionError)


async def test_who_is_cancelled_while_a_file_is_being_written_waits_until_it_is() -> None:
    began, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def writes() -> None:
        began.set()
        gate.wait(LONG)
        ended.set()

    task = asyncio.create_task(in_thread_to_its_end(writes))
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    assert await asyncio.wait({task}, timeout=0.05) == (set(), {task})
    gate.set()
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError)
    assert ended.is_set()


async def test_work_that_waits_in_line_is_dropped_with_its_caller() -> None:
    gate, done = threading.Event(), threading.Event()
    holding = [asyncio.create_task(in_thread(gate.wait, 5)) for _ in range(THREADS)]
    await asyncio.sleep(0)
    task = asyncio.create_task(in_thread_to_its_end(done.set))
    await asyncio.sleep(0)
    task.cancel()
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError)
    gate.set()
    await asyncio.gather(*holding)
    assert not done.is_set()


async def test_files_do_not_wait_behind_pictures() -> None:
    gate = threading.Event()
    busy = [asyncio.create_task(in_thread(gate.wait, LONG)) for _ in range(THREADS + 1)]
    try:
        assert await in_file_thread(len, "four") == 4
        assert not any(task.done() for task in busy)
    finally:
        gate.set()
        await asyncio.gather(*busy)
