"""What kill -9 does to a channel, without a process of its own."""

import asyncio
import os

from bot.channels.intake import Intake


async def crashed(intake: Intake) -> None:  # type: ignore[type-arg]
    """Nothing goes on, nothing is given back; the system drops the lock of the dead process."""
    intake._answerer = None
    tasks = [*intake._tasks, *intake._looking]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if intake._mark._file is not None:
        os.close(intake._mark._file)
