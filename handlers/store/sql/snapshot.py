"""A consistent copy of an SQLite file while others write to it; and preparing such a copy for use."""

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from handlers.store.records import JobState
from handlers.store.sql import rows
from handlers.store.sql.database import Database
from handlers.store.sql.engine import make_private
from handlers.store.sql.schema import INBOX, JOBS


class DamagedDatabase(Exception):
    """A database file cannot be read whole. `file` is its name."""

    def __init__(self, file: Path) -> None:
        super().__init__(file.name)
        self.file = file


def copy_sqlite(source: Path, target: Path) -> None:
    """Everything committed when it begins, nothing that comes later; writers do not wait for it. Blocks.

    Raises DamagedDatabase if the copy does not pass SQLite's own check, OSError if there is no room for it.
    """
    make_private(target)
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    try:
        writer = sqlite3.connect(target)
        try:
            reader.backup(writer)  # in one step, under one read: a write meanwhile does not restart it
            writer.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = writer.execute("PRAGMA quick_check").fetchone()
        finally:
            writer.close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(28, "no space left", str(target)) from None
        raise DamagedDatabase(source) from None
    except sqlite3.DatabaseError:
        raise DamagedDatabase(source) from None
    finally:
        reader.close()
    if verdict != "ok":
        raise DamagedDatabase(source)


class Holding(Database):
    async def hold(self) -> tuple[str, ...]:
        """End what was open when the copy was made, and return which jobs those were.

        Nobody here knows what became of them since: a job may have been posted, paid and delivered after the copy. It
        ends as uncertain; if it is resumed by hand, what was paid for under a saved id is finished and nothing is
        posted. Messages that were not handled yet are dropped, because they may have been handled since.
        """
        now = self._clock()

        def work(c: sa.Connection) -> tuple[str, ...]:
            is_open = JOBS.c.state.in_(rows.LIVE_STATES)
            held = tuple(c.execute(sa.select(JOBS.c.id).where(is_open).order_by(JOBS.c.created)).scalars())
            c.execute(
                JOBS.update()
                .where(is_open)
                .values(state=JobState.UNCERTAIN.value, error_code="outcome_unknown", finished=now)
            )
            c.execute(
                INBOX.update().where(~INBOX.c.done).values(done=True, key="", payload="", holder="", lease_until=None)
            )
            return held

        return await self._write(work)
