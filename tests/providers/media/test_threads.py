"""Picture work neither blocks the loop nor takes more threads than its own."""

import asyncio
import threading

from providers.media.threads import THREADS, in_thread


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
            both_there.wait(5)
        gate.wait(5)
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
