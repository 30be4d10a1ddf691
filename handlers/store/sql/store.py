"""`SqlStore`: the `Store` on SQLite or PostgreSQL, one code for both.

Longer than 300 lines because it is one seam: splitting it would only hide which method shares which table.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from handlers.message import Chat, Outgoing
from handlers.session import LastResult, Session
from handlers.store.base import (
    Delivery,
    Entry,
    InboxRow,
    Job,
    JobState,
    Lease,
    Part,
    PartState,
    Turn,
    TurnContext,
    Usage,
)
from handlers.store.sql import forgetting, inbox, rows
from handlers.store.sql import statements as sql
from handlers.store.sql.group_commit import GroupCommit
from handlers.store.sql.schema import (
    DELIVERIES,
    ENTRIES,
    INBOX,
    JOBS,
    PARTS,
    SEQUENCES,
    TABLES,
    TURNS,
    VALUES,
    make_engine,
    migrate,
    to_text,
)
from handlers.store.sql.statements import LIVE_STATES, Inserts
from providers.base import PictureFile, Submission

T = TypeVar("T")
Clock = Callable[[], datetime]

_MANY = 200
"""Rows; a read of more has a thread of its own, so that others need not wait for it."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class SqlStore:
    """Open with `await SqlStore.open(url)`; give back with `aclose`.

    Runs on threads of its own: dbos replaces the loop's default executor, and a paid request's id must not wait
    there behind checkpoints. On SQLite one thread writes (the file has one write lock anyway) and others read.
    """

    def __init__(self, engine: sa.Engine, *, clock: Clock = utc_now, threads: int = 4) -> None:
        self._engine = engine
        self._clock = clock
        self._inserts = Inserts(engine.dialect.name)
        on_sqlite = engine.dialect.name == "sqlite"
        self._writing = GroupCommit(engine, write=True) if on_sqlite else None
        self._reading = GroupCommit(engine, write=False) if on_sqlite else None
        self._writers = ThreadPoolExecutor(threads, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="store-read")

    @classmethod
    async def open(cls, url: str, *, clock: Clock = utc_now, threads: int = 4) -> "SqlStore":
        """Connect to `sqlite:///…` or `postgresql://…` and bring the schema to the newest version."""
        store = cls(make_engine(url, pool_size=2 * threads), clock=clock, threads=threads)
        try:
            await store._write(migrate)
        except BaseException:
            await store.aclose()
            raise
        return store

    async def _write(self, work: Callable[[sa.Connection], T]) -> T:
        if self._writing is not None:
            return await self._writing.do(work)

        def run() -> T:
            with self._engine.connect().execution_options(write=True) as connection, connection.begin():
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._writers, run)

    async def _read(self, work: Callable[[sa.Connection], T], *, many: bool = False) -> T:
        if self._reading is not None and not many:
            return await self._reading.do(work)

        def run() -> T:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    # --- a message and what it led to

    async def turn_of(self, message_key: str) -> tuple[Outgoing, ...] | None:
        return await self._read(lambda c: _turn(c, message_key))

    async def opening(self, message_key: str, chat: Chat) -> TurnContext:
        def work(c: sa.Connection) -> TurnContext:
            reply = _turn(c, message_key)
            if reply is not None:
                return TurnContext(reply=reply)
            running = tuple(rows.job_of(row) for row in c.execute(sql.LIVE_JOBS, {"a_key": chat.key}).mappings())
            return TurnContext(session=_session(c, chat.key) or Session(), running=running)

        return await self._read(work)

    async def session(self, chat: Chat) -> Session:
        return await self._read(lambda c: _session(c, chat.key)) or Session()

    async def commit_turn(self, turn: Turn) -> bool:
        head = {"message_key": turn.message_key, "chat_key": turn.chat.key, "at": to_text(self._clock())}
        head["reply"] = rows.reply_text(turn.reply)
        jobs = [rows.job_row(job) for job in turn.jobs]

        def work(c: sa.Connection) -> bool:
            if not self._inserts.new(c, TURNS, head):
                return False
            self._put_session(c, turn.chat.key, turn.session)
            for job in jobs:
                self._inserts.new(c, JOBS, job)
            if turn.cancel:
                asked = JOBS.c.id.in_(turn.cancel) & JOBS.c.state.in_(LIVE_STATES)
                c.execute(JOBS.update().where(asked).values(cancel_asked=True))
            return True

        return await self._write(work)

    async def save_session(self, chat: Chat, session: Session) -> None:
        await self._write(lambda c: self._put_session(c, chat.key, session))

    def _put_session(self, c: sa.Connection, chat_key: str, session: Session) -> None:
        merged = rows.newer_result(_session(c, chat_key, lock=True), session)
        row = {"chat_key": chat_key, "body": merged.model_dump_json(), "updated": to_text(self._clock())}
        self._inserts.put(c, TABLES, row)

    # --- jobs

    async def job(self, job_id: str) -> Job | None:
        return await self._read(lambda c: _job(c, job_id))

    async def jobs(
        self, *, chat: Chat | None = None, states: Sequence[JobState] = (), limit: int = 50
    ) -> tuple[Job, ...]:
        query = sa.select(JOBS).order_by(JOBS.c.created.desc(), JOBS.c.id.desc()).limit(limit)
        if chat is not None:
            query = query.where(JOBS.c.chat_key == chat.key)
        if states:
            query = query.where(JOBS.c.state.in_([state.value for state in states]))
        return await self._read(
            lambda c: tuple(rows.job_of(row) for row in c.execute(query).mappings()), many=limit > _MANY
        )

    async def cancel_asked(self) -> tuple[str, ...]:
        return await self._read(lambda c: tuple(c.execute(sql.CANCELLED_JOBS).scalars()))

    async def add_job(self, job: Job) -> bool:
        return await self._write(lambda c: self._inserts.new(c, JOBS, rows.job_row(job)))

    async def update_job(self, job_id: str, **changes: Any) -> Job:
        columns = rows.job_columns(changes)

        def work(c: sa.Connection) -> Job:
            if columns:
                c.execute(sql.CHANGE_JOB, {"a_key": job_id, **columns})
            job = _job(c, job_id)
            if job is None:
                raise KeyError(job_id)
            return job

        return await self._write(work)

    async def finish_job(self, job: Job, last_result: LastResult | None) -> bool:
        row = rows.job_row(job)

        def work(c: sa.Connection) -> bool:
            if c.execute(sql.FORGOTTEN, {"a_key": job.id}).scalar_one_or_none():
                return False
            self._inserts.put(c, JOBS, row)
            if last_result is not None:
                session = _session(c, job.chat.key, lock=True) or Session(language=job.order.language)
                self._put_session(c, job.chat.key, session.model_copy(update={"last_result": last_result}))
            return True

        return await self._write(work)

    async def drop_job(self, job_id: str) -> tuple[Path, ...]:
        return tuple(sorted(await self._write(lambda c: forgetting.drop_job(c, job_id))))

    # --- parts

    async def begin_part(self, key: str, job: str, provider: str, *, after: Part | None = None) -> bool:
        row = {
            "key": key,
            "job": job,
            "provider": provider,
            "state": PartState.SUBMITTING.value,
            "submission": None,
            "pictures": "[]",
            "cost": None,
            "currency": "USD",
            "error_code": None,
            "updated": to_text(self._clock()),
        }
        if after is None:
            return await self._write(lambda c: self._inserts.new(c, PARTS, row))
        same = (PARTS.c.key == key) & (PARTS.c.state == after.state.value)
        if after.updated is not None:
            same &= PARTS.c.updated == to_text(after.updated)
        return await self._write(lambda c: c.execute(PARTS.update().where(same).values(row)).rowcount == 1)

    async def accept_part(self, key: str, submission: Submission) -> None:
        await self._change_part(
            key,
            state=PartState.ACCEPTED.value,
            submission=rows.submission_text(submission),
            cost=None if submission.charge is None else submission.charge.money.as_number(),
            currency="USD" if submission.charge is None else submission.charge.money.currency,
        )

    async def end_part(
        self,
        key: str,
        state: PartState,
        *,
        pictures: Sequence[PictureFile] = (),
        cost: float | None = None,
        currency: str = "USD",
        error_code: str | None = None,
    ) -> None:
        money = {} if cost is None else {"cost": cost, "currency": currency}
        await self._change_part(
            key, state=state.value, pictures=rows.pictures_text(pictures), error_code=error_code, **money
        )

    async def _change_part(self, key: str, **columns: Any) -> None:
        row = {"a_key": key, **columns, "updated": to_text(self._clock())}
        if await self._write(lambda c: c.execute(sql.CHANGE_PART, row).rowcount) == 0:
            raise KeyError(key)

    async def part(self, key: str) -> Part | None:
        row = await self._read(lambda c: c.execute(sql.PART, {"a_key": key}).mappings().one_or_none())
        return None if row is None else rows.part_of(row)

    async def parts(self, job_id: str) -> tuple[Part, ...]:
        key = {"a_key": job_id}
        return await self._read(
            lambda c: tuple(rows.part_of(row) for row in c.execute(sql.PARTS_OF_JOB, key).mappings())
        )

    # --- deliveries

    async def delivery(self, key: str) -> Delivery | None:
        row = await self._read(lambda c: c.execute(sql.DELIVERY, {"a_key": key}).mappings().one_or_none())
        return None if row is None else rows.delivery_of(row)

    async def save_delivery(self, delivery: Delivery) -> None:
        row = {
            "key": delivery.key,
            "job": delivery.job,
            "state": delivery.state.value,
            "place": delivery.place,
            "refs": rows.refs_text(delivery.refs),
        }
        await self._write(lambda c: self._inserts.put(c, DELIVERIES, row))

    # --- the conversation of a channel that keeps none itself

    async def add_entry(self, chat: Chat, outgoing: Outgoing, *, from_person: bool = False) -> Entry:
        now = self._clock()

        def work(c: sa.Connection) -> Entry:
            counted = self._inserts.insert(SEQUENCES).values(chat_key=chat.key, last=1)
            counted = counted.on_conflict_do_update(index_elements=["chat_key"], set_={"last": SEQUENCES.c.last + 1})
            seq = int(c.execute(counted.returning(SEQUENCES.c.last)).scalar_one())
            c.execute(ENTRIES.delete().where((ENTRIES.c.chat_key == chat.key) & (ENTRIES.c.id == outgoing.id)))
            row = {
                "chat_key": chat.key,
                "seq": seq,
                "id": outgoing.id,
                "from_person": from_person,
                "at": to_text(now),
                "outgoing": rows.outgoing_text(outgoing),
            }
            c.execute(ENTRIES.insert().values(row))
            return rows.entry_of(row)

        return await self._write(work)

    async def drop_entry(self, chat: Chat, entry_id: str) -> None:
        dropped = (ENTRIES.c.chat_key == chat.key) & (ENTRIES.c.id == entry_id)
        await self._write(lambda c: c.execute(ENTRIES.delete().where(dropped)))

    async def entries(self, chat: Chat, *, after: int = 0, limit: int = 200) -> tuple[Entry, ...]:
        query = sa.select(ENTRIES).where((ENTRIES.c.chat_key == chat.key) & (ENTRIES.c.seq > after))
        query = query.order_by(ENTRIES.c.seq).limit(limit)
        return await self._read(lambda c: tuple(rows.entry_of(row) for row in c.execute(query).mappings()))

    # --- an inbox for updates acknowledged before they are handled

    async def put_inbox(self, channel: str, key: str, payload: str, *, lease: Lease | None = None) -> bool:
        row = inbox.new_row(channel, key, payload, lease, self._clock())
        return await self._write(lambda c: self._inserts.new(c, INBOX, row))

    async def done_inbox(self, channel: str, key: str, *, failed: bool = False) -> None:
        # The payload holds a person's words and is needed no more; the key stays, against repeats.
        update = {"a_channel": channel, "a_key": key, "has_failed": failed}
        await self._write(lambda c: c.execute(sql.DONE_INBOX, update))

    async def claim_inbox(
        self, channel: str, lease: Lease, *, dead: Sequence[str] = (), limit: int = 100
    ) -> tuple[InboxRow, ...]:
        now = self._clock()
        if not await self._read(lambda c: inbox.free(c, channel, now, dead, 1)):
            return ()  # as nearly always: no write lock is taken for it
        return await self._write(lambda c: inbox.claim(c, channel, lease, now, dead, limit))

    async def renew_inbox(self, channel: str, lease: Lease) -> None:
        now = self._clock()
        await self._write(lambda c: inbox.renew(c, channel, lease, now))

    async def release_inbox(self, channel: str, owner: str, *, key: str | None = None, seconds: float = 0.0) -> None:
        until = self._clock() + timedelta(seconds=seconds)
        await self._write(lambda c: inbox.release(c, channel, owner, key, until))

    async def failed_inbox(self, channel: str) -> int:
        return await self._read(lambda c: inbox.failed(c, channel))

    async def inbox(self, channel: str, *, limit: int = 1000) -> tuple[tuple[str, str], ...]:
        query = sa.select(INBOX.c.key, INBOX.c.payload).where((INBOX.c.channel == channel) & ~INBOX.c.done)
        query = query.order_by(INBOX.c.at, INBOX.c.key).limit(limit)
        return await self._read(lambda c: tuple((row.key, row.payload) for row in c.execute(query)))

    # --- small values of a channel

    async def value(self, space: str, key: str) -> str | None:
        return await self._read(lambda c: c.execute(sql.VALUE, {"a_space": space, "a_key": key}).scalar_one_or_none())

    async def set_value(self, space: str, key: str, value: str | None, *, expected: str | None = None) -> bool:
        here = {"a_space": space, "a_key": key}

        def work(c: sa.Connection) -> bool:
            if expected is not None and value is None:
                return c.execute(sql.DROP_VALUE_IF, {**here, "expected": expected}).rowcount == 1
            if expected is not None:
                return c.execute(sql.SWAP_VALUE, {**here, "expected": expected, "value": value}).rowcount == 1
            if value is None:
                c.execute(sql.DROP_VALUE, here)
            else:
                self._inserts.put(c, VALUES, {"space": space, "key": key, "value": value})
            return True

        return await self._write(work)

    async def add_value(self, space: str, key: str, value: str) -> bool:
        return await self._write(lambda c: self._inserts.new(c, VALUES, {"space": space, "key": key, "value": value}))

    async def drop_values(self, space: str, *, before: str) -> None:
        old = (VALUES.c.space == space) & (VALUES.c.key < before)
        await self._write(lambda c: c.execute(VALUES.delete().where(old)))

    # --- people

    async def usage(self, chat: Chat, *, since: datetime) -> Usage:
        mine = (JOBS.c.chat_key == chat.key) & (JOBS.c.finished >= to_text(since))
        pictures = sa.select(sa.func.coalesce(sa.func.sum(JOBS.c.picture_count), 0)).where(mine)
        cost = sa.select(JOBS.c.currency, sa.func.sum(JOBS.c.cost)).where(mine & JOBS.c.cost.is_not(None))

        def work(c: sa.Connection) -> Usage:
            money = {row[0]: float(row[1]) for row in c.execute(cost.group_by(JOBS.c.currency))}
            return Usage(pictures=int(c.execute(pictures).scalar_one()), cost=money)

        return await self._read(work)

    async def forget(self, chat: Chat) -> tuple[Path, ...]:
        return tuple(sorted(await self._write(lambda c: forgetting.forget(c, chat.key))))

    # --- house-keeping

    async def expire(self, *, before: datetime) -> tuple[Path, ...]:
        return tuple(sorted(await self._write(lambda c: forgetting.expire(c, to_text(before)))))

    async def ping(self) -> None:
        await self._read(lambda c: c.execute(sa.select(1)).scalar_one())

    async def aclose(self) -> None:
        for group in (self._writing, self._reading):
            if group is not None:
                await group.aclose()

        def close() -> None:
            self._writers.shutdown()
            self._readers.shutdown()
            self._engine.dispose()

        # A thread of its own, because the store's pools are what is being closed.
        with ThreadPoolExecutor(1) as closing:
            await asyncio.get_running_loop().run_in_executor(closing, close)


def _turn(c: sa.Connection, message_key: str) -> tuple[Outgoing, ...] | None:
    text = c.execute(sql.TURN, {"a_key": message_key}).scalar_one_or_none()
    return None if text is None else rows.reply_of(text)


def _session(c: sa.Connection, chat_key: str, *, lock: bool = False) -> Session | None:
    """`lock` keeps other writers off the row until the transaction ends (PostgreSQL; SQLite locks the file)."""
    body = c.execute(sql.TABLE_LOCKED if lock else sql.TABLE, {"a_key": chat_key}).scalar_one_or_none()
    return None if body is None else rows.session_of(body)


def _job(c: sa.Connection, job_id: str) -> Job | None:
    row = c.execute(sql.JOB, {"a_key": job_id}).mappings().one_or_none()
    return None if row is None else rows.job_of(row)
