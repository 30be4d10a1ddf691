"""`Jobs`, `Parts` and `Deliveries` on SQL."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from handlers.message import Chat
from handlers.session import LastResult
from handlers.store import accounting
from handlers.store.base import Delivery, Job, JobState, OpenJobs, Part, PartState, RunSuperseded
from handlers.store.files import files_of_job
from handlers.store.sql import forgetting, rows
from handlers.store.sql.prepared import all_rows, change, one_row, one_value
from handlers.store.sql.schema import DELIVERIES, JOBS, PARTS
from handlers.store.sql.turns import SqlTurns
from providers.attempts import Attempt
from providers.base import Charge, PictureFile, Submission

_SETTLED = frozenset({PartState.MADE.value, PartState.FAILED.value, PartState.UNCERTAIN.value})
_MANY = 200
"""Rows; a longer read has a thread of its own, so that others need not wait for it."""

_id = sa.bindparam("an_id", type_=sa.Text)
_JOB = sa.select(JOBS).where(JOBS.c.id == _id)
_moment = sa.bindparam("a_moment", type_=JOBS.c.created.type)
_LINE = sa.select(sa.func.count()).where(
    (JOBS.c.owner == sa.bindparam("an_owner"))
    & ((JOBS.c.created < _moment) | ((JOBS.c.created == _moment) & (JOBS.c.id < _id)))
    & JOBS.c.state.in_(rows.LIVE_STATES)
)
_CHANGE_JOB = JOBS.update().where(JOBS.c.id == _id).returning(*JOBS.c)
_END_JOB = JOBS.update().where((JOBS.c.id == _id) & (JOBS.c.run == sa.bindparam("a_run")) & ~JOBS.c.forgotten)
_FORGOTTEN = sa.select(JOBS.c.forgotten).where(JOBS.c.id == _id)
_CANCELLED = sa.select(JOBS.c.id).where(JOBS.c.state.in_(rows.LIVE_STATES) & JOBS.c.cancel_asked)
_OPEN_JOBS = (
    sa.select(JOBS.c.state, sa.func.count(), sa.func.min(JOBS.c.created))
    .where(JOBS.c.state.in_(rows.LIVE_STATES))
    .group_by(JOBS.c.state)
    .order_by(JOBS.c.state)
)
_PART = sa.select(PARTS).where(PARTS.c.key == _id)
_PARTS_OF_JOB = sa.select(PARTS).where(PARTS.c.job == _id).order_by(PARTS.c.key)
_CHANGE_PART = PARTS.update().where(PARTS.c.key == _id)
_SETTLE_PART = _CHANGE_PART.returning(*PARTS.c)
_DELIVERY = sa.select(DELIVERIES).where(DELIVERIES.c.key == _id)


class SqlJobs(SqlTurns):
    async def job(self, job_id: str) -> Job | None:
        return await self._read(lambda c: _job(c, job_id))

    async def in_line(self, job_id: str) -> tuple[Job, int] | None:
        def work(c: sa.Connection) -> tuple[Job, int] | None:
            job = _job(c, job_id)
            if job is None:
                return None
            facts = {"an_owner": job.chat.owner, "a_moment": job.created, "an_id": job_id}
            return job, int(one_value(c, _LINE, facts))

        return await self._read(work)

    async def jobs(
        self, *, chat: Chat | None = None, states: Sequence[JobState] = (), limit: int = 50
    ) -> tuple[Job, ...]:
        query = sa.select(JOBS).order_by(JOBS.c.created.desc(), JOBS.c.id.desc()).limit(limit)
        if chat is not None:
            query = query.where(JOBS.c.owner == chat.owner)
        if states:
            query = query.where(JOBS.c.state.in_([state.value for state in states]))
        return await self._read(
            lambda c: tuple(rows.job_of(row) for row in c.execute(query).mappings()), many=limit > _MANY
        )

    async def open_jobs(self) -> tuple[OpenJobs, ...]:
        return await self._read(
            lambda c: tuple(
                OpenJobs(state=JobState(state), count=count, oldest=oldest)
                for state, count, oldest in c.execute(_OPEN_JOBS)
            )
        )

    async def cancel_asked(self) -> tuple[str, ...]:
        return await self._read(lambda c: tuple(row["id"] for row in all_rows(c, _CANCELLED, {})))

    async def add_job(self, job: Job) -> bool:
        row, now = rows.job_row(job), self._clock()

        def work(c: sa.Connection) -> bool:
            if not self.insert_new(c, JOBS, row):
                return False
            self.note_files(c, row["owner"], files_of_job(job), now)
            return True

        return await self._write(work)

    async def update_job(self, job_id: str, **changes: Any) -> Job:
        columns = rows.job_columns(changes)

        def work(c: sa.Connection) -> Job:
            if not columns:
                job = _job(c, job_id)
            else:
                row = one_row(c, _CHANGE_JOB, {"an_id": job_id, **columns})
                job = None if row is None else rows.job_of(row)
            if job is None:
                raise KeyError(job_id)
            return job

        return await self._write(work)

    async def begin_run(self, job_id: str, *, after: int, ended: bool = False, **changes: Any) -> Job | None:
        live = JOBS.c.state.in_(rows.LIVE_STATES)
        same = (JOBS.c.id == job_id) & (JOBS.c.run == after) & (~live if ended else live)
        begin = JOBS.update().where(same).values(**rows.job_columns(changes), run=after + 1).returning(*JOBS.c)

        def work(c: sa.Connection) -> Job | None:
            row = c.execute(begin).mappings().one_or_none()
            return None if row is None else rows.job_of(row)

        return await self._write(work)

    async def finish_job(self, job: Job, last_result: LastResult | None) -> bool:
        row, now, owner = rows.job_row(job), self._clock(), job.chat.owner
        changes = {name: row[name] for name in rows.ENDING_COLUMNS} | {"an_id": job.id, "a_run": job.run}

        def work(c: sa.Connection) -> bool:
            if change(c, _END_JOB, changes) == 0:
                forgotten = one_value(c, _FORGOTTEN, {"an_id": job.id})
                if forgotten is None:
                    self.put_row(c, JOBS, row)
                elif forgotten:
                    return False
                else:
                    raise RunSuperseded(job.id)
            accounting.give_back(self._books(c), job.id, now, made=len(job.pictures))
            files = files_of_job(job)
            if last_result is not None:
                files |= self._put_result(c, job, last_result, now)
            made = {picture.path: job.id for picture in job.pictures}
            self.note_files(c, owner, dict.fromkeys(files) | made, now)
            return True

        return await self._write(work)

    async def drop_job(self, job_id: str) -> tuple[Path, ...]:
        now = self._clock()

        def work(c: sa.Connection) -> set[Path]:
            accounting.give_back(self._books(c), job_id, now)
            forgetting.delete_jobs(c, JOBS.c.id == job_id)
            return self.files_made_by(c, job_id)

        return tuple(sorted(await self._write(work)))

    # --- parts

    async def begin_part(
        self,
        key: str,
        job: str,
        provider: str,
        *,
        model: str = "",
        count: int = 1,
        after: Part | None = None,
        tried: Sequence[Attempt] = (),
        state: PartState = PartState.SUBMITTING,
    ) -> bool:
        row = {
            "key": key,
            "job": job,
            "provider": provider,
            "model": model,
            "count": count,
            "state": state.value,
            "submission": None,
            "pictures": (),
            "charge": None,
            "error_code": None,
            "tried": tuple(tried),
            "updated": self._clock(),
        }
        if after is None:
            return await self._write(lambda c: self.insert_new(c, PARTS, row))
        same = (PARTS.c.key == key) & (PARTS.c.state == after.state.value)
        if after.updated is not None:
            same &= PARTS.c.updated == after.updated
        return await self._write(lambda c: c.execute(PARTS.update().where(same).values(row)).rowcount == 1)

    async def accept_part(self, key: str, submission: Submission) -> None:
        accepted = PartState.ACCEPTED.value
        await self._change_part(key, state=accepted, submission=submission, charge=submission.charge)

    async def end_part(
        self,
        key: str,
        state: PartState,
        *,
        pictures: Sequence[PictureFile] = (),
        charge: Charge | None = None,
        error_code: str | None = None,
        tried: Sequence[Attempt] | None = None,
    ) -> None:
        known: dict[str, Any] = {} if charge is None else {"charge": charge}
        if tried is not None:
            known["tried"] = tuple(tried)
        await self._change_part(key, state=state.value, pictures=tuple(pictures), error_code=error_code, **known)

    async def _change_part(self, key: str, **columns: Any) -> None:
        now = self._clock()

        def work(c: sa.Connection) -> None:
            facts = {"an_id": key, **columns, "updated": now}
            if columns["state"] not in _SETTLED:
                if change(c, _CHANGE_PART, facts) == 0:
                    raise KeyError(key)
                return
            row = one_row(c, _SETTLE_PART, facts)
            if row is None:
                raise KeyError(key)
            part = rows.part_of(row)
            account = accounting.charge(self._books(c), part, now)
            if account.owner is not None:
                self.note_files(c, account.owner, {picture.path: part.job for picture in part.pictures}, now)

        await self._write(work)

    async def part(self, key: str) -> Part | None:
        row = await self._read(lambda c: one_row(c, _PART, {"an_id": key}))
        return None if row is None else rows.part_of(row)

    async def parts(self, job_id: str) -> tuple[Part, ...]:
        found = {"an_id": job_id}
        return await self._read(lambda c: tuple(map(rows.part_of, all_rows(c, _PARTS_OF_JOB, found))))

    # --- deliveries

    async def delivery(self, key: str) -> Delivery | None:
        row = await self._read(lambda c: one_row(c, _DELIVERY, {"an_id": key}))
        return None if row is None else rows.delivery_of(row)

    async def save_delivery(self, delivery: Delivery) -> None:
        row = {
            "key": delivery.key,
            "job": delivery.job,
            "state": delivery.state.value,
            "place": delivery.place,
            "refs": delivery.refs,
        }
        await self._write(lambda c: self.put_row(c, DELIVERIES, row))


def _job(c: sa.Connection, job_id: str) -> Job | None:
    row = one_row(c, _JOB, {"an_id": job_id})
    return None if row is None else rows.job_of(row)
