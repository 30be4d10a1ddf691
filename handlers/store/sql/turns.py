"""`Turns` on SQL: what a message led to, in one transaction."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from handlers.message import Chat, Outgoing, key_hash
from handlers.session import LastResult, Session
from handlers.store import accounting
from handlers.store.base import Job, Turn, TurnContext
from handlers.store.files import files_of_job, files_of_session
from handlers.store.records import newer_result, to_store
from handlers.store.sql import rows
from handlers.store.sql.ledger import SqlLedger
from handlers.store.sql.prepared import all_rows, one_value
from handlers.store.sql.schema import JOBS, SESSIONS, TURNS

_REPLY = sa.select(TURNS.c.reply).where(TURNS.c.id == sa.bindparam("an_id"))
_SESSION = sa.select(SESSIONS.c.body).where(SESSIONS.c.owner == sa.bindparam("an_owner"))
_SESSION_LOCKED = _SESSION.with_for_update()
_LIVE_JOBS = (
    sa.select(JOBS)
    .where((JOBS.c.owner == sa.bindparam("an_owner")) & JOBS.c.state.in_(rows.LIVE_STATES))
    .order_by(JOBS.c.created.desc(), JOBS.c.id.desc())
)


class SqlTurns(SqlLedger):
    async def turn_of(self, message_key: str) -> tuple[Outgoing, ...] | None:
        return await self._read(lambda c: _reply(c, message_key))

    async def opening(self, message_key: str, chat: Chat) -> TurnContext:
        def work(c: sa.Connection) -> TurnContext:
            reply = _reply(c, message_key)
            if reply is not None:
                return TurnContext(reply=reply)
            owner = chat.owner
            running = tuple(map(rows.job_of, all_rows(c, _LIVE_JOBS, {"an_owner": owner})))
            return TurnContext(session=_session(c, owner) or Session(), running=running)

        return await self._read(work)

    async def session(self, chat: Chat) -> Session:
        return await self._read(lambda c: _session(c, chat.owner)) or Session()

    async def commit_turn(self, turn: Turn) -> bool:
        owner = turn.chat.owner
        now = self._clock()
        head = {"id": key_hash(turn.message_key), "owner": owner, "at": now, "reply": turn.reply}
        jobs = [rows.job_row(job) for job in turn.jobs]

        def work(c: sa.Connection) -> bool:
            if not self.insert_new(c, TURNS, head):
                return False
            new = [job for job, row in zip(turn.jobs, jobs, strict=True) if self.insert_new(c, JOBS, row)]
            if turn.cancel:
                asked = JOBS.c.id.in_(turn.cancel) & JOBS.c.state.in_(rows.LIVE_STATES)
                c.execute(JOBS.update().where(asked).values(cancel_asked=True))
            # Jobs, then counters, then the session: every transaction locks in this order, to avoid deadlocks.
            books = self._books(c)
            accounting.take(books, turn.limits, now)
            accounting.reserve(books, new, turn.budgets, now, turn.limits)
            files = self._put_session(c, owner, turn.session, now, before=turn.before).union(*map(files_of_job, new))
            self.note_files(c, owner, files, now)
            return True

        return await self._write(work)

    async def save_session(self, chat: Chat, session: Session) -> None:
        owner, now = chat.owner, self._clock()
        await self._write(lambda c: self.note_files(c, owner, self._put_session(c, owner, session, now), now))

    def _put_session(
        self, c: sa.Connection, owner: str, session: Session, now: datetime, *, before: Session | None = None
    ) -> set[Path]:
        """Returns the files it names, which are to be recorded."""
        stored = _session(c, owner, lock=True)
        if stored is None and not self.insert_new(c, SESSIONS, {"owner": owner, "body": session, "updated": now}):
            stored = _session(c, owner, lock=True)  # PostgreSQL: another process began it at this moment
        return self._write_session(c, owner, to_store(stored, before, session), now)

    def _write_session(self, c: sa.Connection, owner: str, session: Session, now: datetime) -> set[Path]:
        """As it is: the stored one was read under its lock. Returns the files it names, which are to be recorded."""
        self.put_row(c, SESSIONS, {"owner": owner, "body": session, "updated": now})
        return files_of_session(session)

    def _put_result(self, c: sa.Connection, job: Job, last_result: LastResult, now: datetime) -> set[Path]:
        """Put it in the person's session, unless that has a newer one. Returns the files it names, which are to be
        recorded."""
        stored = _session(c, job.chat.owner, lock=True)
        session = stored or Session(language=job.order.language)
        session = newer_result(stored, session.model_copy(update={"last_result": last_result}))
        return self._write_session(c, job.chat.owner, session, now)


def _reply(c: sa.Connection, message_key: str) -> tuple[Outgoing, ...] | None:
    found: tuple[Outgoing, ...] | None = one_value(c, _REPLY, {"an_id": key_hash(message_key)})
    return found


def _session(c: sa.Connection, owner: str, *, lock: bool = False) -> Session | None:
    """`lock` keeps other writers off the row until the transaction ends (PostgreSQL; SQLite locks the file)."""
    statement = _SESSION_LOCKED if lock else _SESSION
    found: Session | None = one_value(c, statement, {"an_owner": owner})
    return found
