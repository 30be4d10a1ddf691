"""`SqlStore`: the `Store` on SQLite or PostgreSQL, one code for both. Each of its protocols has a module of its own."""

from datetime import datetime
from pathlib import Path

from handlers.message import Chat
from handlers.store.sql import forgetting
from handlers.store.sql.database import Clock, utc_now
from handlers.store.sql.engine import make_engine
from handlers.store.sql.entries import SqlEntries
from handlers.store.sql.inbox import SqlInbox
from handlers.store.sql.jobs import SqlJobs
from handlers.store.sql.migrate import migrate
from handlers.store.sql.values import SqlValues

__all__ = ["SqlStore", "utc_now"]


class SqlStore(SqlJobs, SqlEntries, SqlInbox, SqlValues):
    """Open with `await SqlStore.open(url)`; give back with `aclose`."""

    @classmethod
    async def open(cls, url: str, *, clock: Clock = utc_now, threads: int = 4) -> "SqlStore":
        """Connect to `sqlite:///…` or `postgresql://…` and bring the schema to the newest version.

        Raises SchemaTooNew and StoreError.
        """
        store = cls(make_engine(url, pool_size=2 * threads), clock=clock, threads=threads)
        try:
            await store._write(migrate)
        except BaseException:
            await store.aclose()
            raise
        return store

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        return tuple(sorted(await self._write(lambda c: forgetting.forget(c, chat.owner))))

    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        now = self._clock()
        return tuple(sorted(await self._write(lambda c: forgetting.expire(c, before, now))))
