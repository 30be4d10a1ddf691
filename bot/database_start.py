"""Starting beside a database that is starting, or being restarted: it is waited for, with one log line."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.settings import Settings
from handlers.jobs.outage import answered
from handlers.jobs.runner import JobRunner
from handlers.store.sql.connections import Connections
from handlers.store.sql.store import SqlStore
from providers.media.store import MediaStore

T = TypeVar("T")


async def opened(settings: Settings, media: MediaStore) -> SqlStore:
    """The store, as soon as its database answers. Raises what that raises otherwise."""
    threads = Connections.of(settings.database_connections).store // 2
    return await answering(settings, lambda: SqlStore.open(settings.database, threads=threads, media=media))


async def answering(settings: Settings, attempt: Callable[[], Awaitable[T]]) -> T:
    """Wait for a server that is starting, or restarted, while we start; a file exists or does not."""
    seconds = 0 if settings.database.startswith("sqlite") else settings.database_wait_seconds
    return await answered(attempt, within=seconds)


async def begun(jobs: JobRunner) -> None:
    """Start the job runner; a start that failed halfway is undone, so that it can be tried again."""
    try:
        await jobs.start()
    except BaseException:
        await jobs.stop()
        raise
