"""The thread pool for picture work, and another for files, which must not stand in its line.

The loop's default executor is not used: dbos replaces it. Two threads bound the memory that pictures being decoded
take, however many people send one at once; the others wait in line. A file that is moved, written, deleted, or looked
at in its head is done in a moment, and somebody's answer waits for it: two hundred hostile photos in the line held such
answers up for ten minutes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 2
_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="media")
_files = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="files")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous picture function off the loop and return what it returns.

    A cancelled caller stops waiting: work still in line is dropped, work that has begun ends by itself (within
    seconds; the end of the process waits for it) and writes nothing half.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, partial(function, *args, **kwargs))


async def in_file_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`in_thread` for what is done in a moment and decodes no picture. A cancelled caller is as there."""
    return await asyncio.get_running_loop().run_in_executor(_files, partial(function, *args, **kwargs))


async def in_thread_to_its_end(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`in_thread` for work that leaves a file behind: a cancelled caller waits until work that has begun has ended.

    So nothing is written any more after the caller is gone: its file could be found by nobody, and outlive a deletion.
    """
    job = _pool.submit(partial(function, *args, **kwargs))
    waiting = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        if not job.cancel():
            await asyncio.wait({waiting})
        raise
