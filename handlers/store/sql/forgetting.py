"""Deleting from `SqlStore`: what a person asked to be forgotten, and what is old. Inside the caller's transaction.

Every function returns the files that no row names any more.
"""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from handlers.session import Session
from handlers.store.files import files_of_job, files_of_parts, files_of_session
from handlers.store.sql import ledger, rows
from handlers.store.sql.schema import DELIVERIES, ENTRIES, INBOX, JOBS, PARTS, SEQUENCES, SESSIONS, TURNS, VALUES

OWNED = (TURNS, SESSIONS, ENTRIES, SEQUENCES, VALUES)
"""Rows that are nobody's but their owner's; jobs are told apart, because some of them run."""


def forget(c: sa.Connection, owner: str) -> set[Path]:
    """See `Housekeeping.forget`."""
    mine = JOBS.c.owner == owner
    c.execute(JOBS.update().where(mine & JOBS.c.state.in_(rows.LIVE_STATES)).values(forgotten=True, cancel_asked=True))
    ledger.forget(c, owner)
    session: Session | None = c.execute(
        sa.select(SESSIONS.c.body).where(SESSIONS.c.owner == owner).with_for_update()
    ).scalar_one_or_none()
    files = set() if session is None else files_of_session(session)
    for table in OWNED:
        c.execute(table.delete().where(table.c.owner == owner))
    return (files | _delete_jobs(c, mine & JOBS.c.state.in_(rows.ENDED_STATES))) - _files_in_use(c, {owner})


def drop_job(c: sa.Connection, job_id: str) -> set[Path]:
    """See `Jobs.drop_job`."""
    owner = c.execute(sa.select(JOBS.c.owner).where(JOBS.c.id == job_id)).scalar_one_or_none()
    return set() if owner is None else _delete_jobs(c, JOBS.c.id == job_id) - _files_in_use(c, {owner})


def expire(c: sa.Connection, before: datetime, now: datetime) -> set[Path]:
    """See `Housekeeping.expire`."""
    for table in (TURNS, ENTRIES, INBOX):
        c.execute(table.delete().where(table.c.at < before))
    c.execute(SEQUENCES.delete().where(SEQUENCES.c.owner.not_in(sa.select(ENTRIES.c.owner))))
    old = (VALUES.c.expires <= now) | (VALUES.c.owner.is_not(None) & (VALUES.c.updated < before))
    c.execute(VALUES.delete().where(old))
    ledger.expire(c, before, now)
    files: set[Path] = set()
    owners: set[str] = set()
    for owner, session in c.execute(sa.select(SESSIONS.c.owner, SESSIONS.c.body).where(SESSIONS.c.updated < before)):
        owners.add(owner)
        files |= files_of_session(session)
        kept = Session(language=session.language, language_fixed=session.language_fixed)
        c.execute(SESSIONS.update().where(SESSIONS.c.owner == owner).values(body=kept))
    ended = JOBS.c.state.in_(rows.ENDED_STATES) & ((JOBS.c.finished < before) | JOBS.c.forgotten)
    owners |= set(c.execute(sa.select(JOBS.c.owner).where(ended).distinct()).scalars())
    return (files | _delete_jobs(c, ended)) - _files_in_use(c, owners)


def _delete_jobs(c: sa.Connection, which: sa.ColumnElement[bool]) -> set[Path]:
    """Delete these jobs with their parts and deliveries; the files they named."""
    files: set[Path] = set()
    gone: list[str] = []
    for row in c.execute(sa.select(JOBS).where(which)).mappings():
        job = rows.job_of(row)
        gone.append(job.id)
        files |= files_of_job(job)
    for start in range(0, len(gone), 500):  # SQLite takes a bounded number of parameters
        some = gone[start : start + 500]
        parts = c.execute(sa.select(PARTS).where(PARTS.c.job.in_(some))).mappings()
        files |= files_of_parts(rows.part_of(row) for row in parts)
        for name in (PARTS, DELIVERIES):
            c.execute(name.delete().where(name.c.job.in_(some)))
        c.execute(JOBS.delete().where(JOBS.c.id.in_(some)))
    return files


def _files_in_use(c: sa.Connection, owners: set[str]) -> set[Path]:
    """Files that these people's remaining jobs and sessions still name."""
    files: set[Path] = set()
    for owner in owners:
        session = c.execute(sa.select(SESSIONS.c.body).where(SESSIONS.c.owner == owner)).scalar_one_or_none()
        files |= set() if session is None else files_of_session(session)
        for row in c.execute(sa.select(JOBS).where(JOBS.c.owner == owner)).mappings():
            job = rows.job_of(row)
            files |= files_of_job(job)
            parts = c.execute(sa.select(PARTS).where(PARTS.c.job == job.id)).mappings()
            files |= files_of_parts(rows.part_of(part) for part in parts)
    return files
