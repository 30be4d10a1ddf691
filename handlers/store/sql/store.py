"""`SqlStore`: the `Store` on SQLite or PostgreSQL, one implementation for both. Each of its protocols has a module of
its own."""

import logging
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from handlers.message import Chat
from handlers.store.base import Job
from handlers.store.files import files_of_job
from handlers.store.sql import forgetting, rows
from handlers.store.sql.database import Clock, utc_now
from handlers.store.sql.engine import make_engine, truncate_log, vacuum
from handlers.store.sql.entries import SqlEntries
from handlers.store.sql.inbox import SqlInbox
from handlers.store.sql.jobs import SqlJobs
from handlers.store.sql.migrate import migrate
from handlers.store.sql.schema import JOBS
from handlers.store.sql.snapshot import Holding
from handlers.store.sql.values import SqlValues
from providers.media.store import MediaStore

__all__ = ["SqlStore", "utc_now"]


log = logging.getLogger(__name__)

CUT_TRIES = 3
"""Each waits for up to two seconds."""


class SqlStore(SqlJobs, SqlEntries, SqlInbox, SqlValues, Holding):
    """Open with `await SqlStore.open(url)`; release with `aclose`."""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock = utc_now,
        threads: int = 4,
        media: MediaStore | None = None,
        database_time: bool | None = None,
    ) -> "SqlStore":
        """Connect to `sqlite:///…` or `postgresql://…` and bring the schema to the newest version.

        `media`: where the files are that values name; without it a file is stored by its path. `database_time`: as in
        `Database`. Raises SchemaTooNew and
        StoreError.
        """
        engine = make_engine(url, pool_size=2 * threads)
        writing = make_engine(url, pool_size=1, write=True) if engine.dialect.name == "sqlite" else None
        store = cls(engine, writing, clock=clock, threads=threads, media=media, database_time=database_time)
        try:
            if await store._write(migrate) and engine.dialect.name == "sqlite":
                await store._apart(lambda: vacuum(engine))
                await store._cut_log()
        except BaseException:
            await store.aclose()
            raise
        return store

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        def work(c: sa.Connection) -> set[Path]:
            forgetting.forget(c, chat.owner)
            return self.files_of_owner(c, chat.owner)

        files = tuple(sorted(await self._write(work)))
        await self._cut_log()
        return files

    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        now = self._clock()

        def work(c: sa.Connection) -> set[Path]:
            forgetting.expire(c, before, now)
            for job in self._live(c):  # however long it waits, its photos are there
                self.note_files(c, job.chat.owner, files_of_job(job), now)
            return self.files_older_than(c, before)

        files = tuple(sorted(await self._write(work)))
        await self._cut_log()
        return files

    async def _cut_log(self) -> None:
        """SQLite: deleted data is overwritten in the file (`secure_delete`); the log must not keep it either."""
        if self._engine.dialect.name != "sqlite":
            return
        for _ in range(CUT_TRIES):
            if await self._apart(lambda: truncate_log(self._engine)):
                return
        log.warning(
            "the database's log could not be cut and is cut at the next house-keeping: others read all the time"
        )

    def _live(self, c: sa.Connection) -> list[Job]:
        live = sa.select(JOBS).where(JOBS.c.state.in_(rows.LIVE_STATES))
        return [rows.job_of(row) for row in c.execute(live).mappings()]
